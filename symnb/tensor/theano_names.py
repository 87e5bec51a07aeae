"""Theano's spellings of what NumPy calls otherwise, in one table."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce as fold
from types import SimpleNamespace
from typing import Any

from symnb.core.dtypes import as_dtype
from symnb.core.node import Node, Shape
from symnb.core.shared import Shared
from symnb.ops import (
    arithmetic,
    create,
    logic,
    nn,
    operators,
    reduce,
    special,
    transcendental,
    view,
)
from symnb.ops.define import as_node


class _Grid:
    """`mgrid[0:3, 0:4]` and `ogrid`: index grids as tensors."""

    def __init__(self, is_open: bool) -> None:
        self._open = is_open

    def __getitem__(self, key: Any) -> Any:
        slices = key if isinstance(key, tuple) else (key,)
        ranges = [create.arange(s.start or 0, s.stop, s.step or 1) for s in slices]
        if not isinstance(key, tuple):
            return ranges[0]
        grids = create.meshgrid(*ranges, indexing="ij", sparse=self._open)
        return list(grids)


def patternbroadcast(x: Any, broadcastable: tuple[bool, ...]) -> Node:
    """x with the axes marked True promised to have size 1."""
    axes = [i for i, one in enumerate(broadcastable) if one]
    return view.addbroadcast(x, *axes)


def shape(x: Any) -> Shape:
    """The sizes of x: a tuple of scalars that also acts as a vector."""
    return as_node(x).shape


def iround(x: Any) -> Node:
    """x rounded to the nearest integer, as int64."""
    return arithmetic.round(x).astype("int64")


def is_flat(x: Any, ndim: int = 1) -> bool:
    """Whether x has `ndim` axes."""
    return as_node(x).ndim == ndim


def _variadic(op: Callable[[Any, Any], Node], name: str) -> Callable[..., Node]:
    def apply(*values: Any) -> Node:
        return fold(op, values) if len(values) > 1 else as_node(*values)

    apply.__name__ = name
    apply.__doc__ = f"{name} of two or more operands, from left to right."
    return apply


def _converter(dtype: str) -> Callable[[Any], Node]:
    def convert(x: Any) -> Node:
        return as_node(x).astype(dtype)

    convert.__name__ = f"_convert_to_{as_dtype(dtype)}"
    convert.__doc__ = f"x as {dtype}."
    return convert


# T.xlogx is Theano's module and function in one.
vars(special.xlogx).update(xlogx=special.xlogx, xlogy0=special.xlogy0)

NAMES: dict[str, Any] = {
    "TensorVariable": Node,
    "TensorConstant": Node,
    "add": _variadic(operators.add, "add"),
    "mul": _variadic(operators.mul, "mul"),
    "neq": logic.not_equal,
    "eq": logic.equal,
    "lt": logic.less,
    "le": logic.less_equal,
    "gt": logic.greater,
    "ge": logic.greater_equal,
    "and_": logic.bitwise_and,
    "or_": logic.bitwise_or,
    "xor": logic.bitwise_xor,
    "bitwise_not": logic.invert,
    "truediv": arithmetic.true_div,
    "intdiv": operators.floor_div,
    "int_div": operators.floor_div,
    "div": arithmetic.true_div,
    "inv": arithmetic.reciprocal,
    "sqr": arithmetic.square,
    "sgn": arithmetic.sign,
    "abs_": arithmetic.abs,
    "fabs": arithmetic.abs,
    "negative": operators.neg,
    "multiply": operators.mul,
    "subtract": operators.sub,
    "divide": arithmetic.true_div,
    "pow": operators.power,
    "psi": special.digamma,
    "expit": transcendental.sigmoid,
    "round_half_to_even": arithmetic.round,
    "round_half_away_from_zero": arithmetic.round_away,
    "iround": iround,
    "largest": _variadic(arithmetic.maximum, "largest"),
    "smallest": _variadic(arithmetic.minimum, "smallest"),
    "sharedvar": SimpleNamespace(TensorSharedVariable=Shared),
    "relu": nn.relu,
    "amax": reduce.max,
    "amin": reduce.min,
    "shape": shape,
    "is_flat": is_flat,
    "patternbroadcast": patternbroadcast,
    "mgrid": _Grid(False),
    "ogrid": _Grid(True),
    "newaxis": None,
    "inf": float("inf"),
    "nan": float("nan"),
    "pi": 3.141592653589793,
    "e": 2.718281828459045,
}
NAMES |= {
    f"_convert_to_{dtype}": _converter(dtype)
    for dtype in ("int8", "int16", "int32", "int64", "float32", "float64")
}
