"""Theano's spellings of what NumPy calls otherwise, in one table."""

from __future__ import annotations

from typing import Any

from symnb.core.node import Node
from symnb.ops import arithmetic, create, logic, reduce, special, transcendental, view
from symnb.ops.nn import relu
from symnb.ops.special import xlogx, xlogy0


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


xlogx.xlogx = xlogx  # T.xlogx is Theano's module and function in one
xlogx.xlogy0 = xlogy0

NAMES: dict[str, Any] = {
    "eq": logic.equal,
    "neq": logic.not_equal,
    "lt": logic.less,
    "le": logic.less_equal,
    "gt": logic.greater,
    "ge": logic.greater_equal,
    "and_": logic.bitwise_and,
    "or_": logic.bitwise_or,
    "xor": logic.bitwise_xor,
    "bitwise_not": logic.invert,
    "truediv": arithmetic.true_div,
    "intdiv": arithmetic.floor_div,
    "int_div": arithmetic.floor_div,
    "div": arithmetic.true_div,
    "inv": arithmetic.reciprocal,
    "sqr": arithmetic.square,
    "sgn": arithmetic.sign,
    "abs_": arithmetic.abs,
    "fabs": arithmetic.abs,
    "negative": arithmetic.neg,
    "multiply": arithmetic.mul,
    "subtract": arithmetic.sub,
    "divide": arithmetic.true_div,
    "power": transcendental.pow,
    "psi": special.digamma,
    "expit": transcendental.sigmoid,
    "round_half_to_even": arithmetic.round,
    "round_half_away_from_zero": arithmetic.round_away,
    "relu": relu,
    "amax": reduce.max,
    "amin": reduce.min,
    "patternbroadcast": patternbroadcast,
    "mgrid": _Grid(False),
    "ogrid": _Grid(True),
    "newaxis": None,
    "inf": float("inf"),
    "nan": float("nan"),
    "pi": 3.141592653589793,
    "e": 2.718281828459045,
}
