"""Guards: named predicates on what a hole bound, which print themselves.

A guard also says how to make a tensor it accepts, so that a rule under guards can be
checked by machine: `low`, `high` bound the values, `dtypes` the dtypes, and
`instance` turns a plain leaf into a node on which the guard is provable. Tests cost
nanoseconds to a few microseconds and run only where the pattern already fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import ConstantKey, Node
from symnb.core.op import CONSTANT
from symnb.core.types import TensorType
from symnb.ops import elementwise as el
from symnb.ops.cast import CAST
from symnb.ops.reduce import MAX, MIN, PROD, SUM
from symnb.ops.view import BROADCAST_TO

UNIFORM_ITEMS = 4096  # larger constant arrays are not searched for one value
Number = bool | int | float


@dataclass(frozen=True)
class Guard:
    """A predicate of one bound tensor.

    text      with {} for the hole's name
    constant  it accepts only constants
    """

    text: str
    test: Callable[[Node], bool]
    constant: bool = False
    low: float = -math.inf
    high: float = math.inf
    dtypes: tuple[str, ...] = ()
    scalar: bool = False
    instance: Callable[[Node], Node] | None = None


@dataclass(frozen=True)
class Condition:
    """A predicate of several bindings, named as the arguments of `test`."""

    text: str
    test: Callable[..., bool]


# ------------------------------------------------------------------- constant values


def literal(node: Node) -> Number | None:
    """The one value of a constant, seen through casts and broadcasts, or None."""
    while node.op is BROADCAST_TO:
        node = node.inputs[0]
    if node.op is CONSTANT:
        key = node.params[0]
        value = key.value
        return value.item() if value.ndim == 0 else _uniform(key)
    if node.op is CAST:
        inner = literal(node.inputs[0])
        if inner is not None:
            with np.errstate(all="ignore"):
                return np.asarray(inner).astype(node.params[0]).item()
    return None


@lru_cache(maxsize=512)
def _uniform(key: ConstantKey) -> Number | None:
    value = key.value
    if not 0 < value.size <= UNIFORM_ITEMS:
        return None
    first = value.flat[0]
    same = (value == first).all() and (np.signbit(value) == np.signbit(first)).all()
    return first.item() if same else None


def same_number(a: Number, b: Number) -> bool:
    """Equal in value and, for zeros, in sign."""
    return a == b and math.copysign(1, a) == math.copysign(1, b)


# ------------------------------------------------------------- what is proven of signs

_POSITIVE = {el.exp, el.exp2, el.sigmoid, el.cosh, el.softplus}
_NONNEGATIVE = _POSITIVE | {el.abs, el.square, el.sqrt}
_KEEPING = {SUM, PROD, MAX, MIN}
_LIMIT = 8  # levels looked at below a node


def is_nonnegative(node: Node) -> bool:
    """Whether no element is below zero (NaN and -0 may be), from the ops alone."""
    for _ in range(_LIMIT):
        value = literal(node)
        if value is not None:
            return value >= 0
        if node.op in _NONNEGATIVE or node.dtype == "bool" or node.dtype[0] == "u":
            return True
        if node.op.kind == "view" or node.op in _KEEPING:
            node = node.inputs[0]
            continue
        if node.op in (el.mul, el.add, el.true_div, el.maximum):
            a, b = node.inputs
            if node.op is el.mul and a is b:
                return True
            if not _plainly_nonnegative(b):
                return False
            node = a
            continue
        return False
    return False


def _plainly_nonnegative(node: Node) -> bool:
    value = literal(node)
    return value >= 0 if value is not None else node.op in _NONNEGATIVE


def _float(node: Node) -> bool:
    return dtypes.is_float(node.dtype)


def fills(node: Node, shape: tuple[Any, ...]) -> bool:
    """Whether `node` has an element of its own for each of `shape`, as far as known.

    Two unknown sizes that meet are assumed equal, as everywhere.
    """
    own = tensor_type(node).shape
    return len(own) == len(shape) and all(
        (a == 1) == (b == 1) for a, b in zip(own, shape, strict=True)
    )


# --------------------------------------------------------------------- the vocabulary

INTEGERS = ("int8", "int64", "uint8")

is_float = Guard("{} is float", _float, dtypes=dtypes.FLOATS)
is_integer = Guard(
    "{} is integer", lambda x: dtypes.is_integer(x.dtype), dtypes=INTEGERS
)
is_exact = Guard("{} is integer or bool", lambda x: not _float(x), dtypes=INTEGERS)
is_signed = Guard(
    "{} is signed", lambda x: x.dtype[0] in "if", dtypes=("float64", "int64", "int8")
)
is_bool = Guard("{} is bool", lambda x: x.dtype == "bool", dtypes=("bool",))
constant = Guard(
    "{} is one constant", lambda x: literal(x) is not None, constant=True, scalar=True
)
positive = Guard(
    "{} is a constant > 0", lambda x: (literal(x) or 0) > 0, constant=True, low=1e-30,
    scalar=True,
)  # fmt: skip
negative = Guard(
    "{} is a constant < 0", lambda x: (literal(x) or 0) < 0, constant=True, high=-1e-30,
    scalar=True,
)  # fmt: skip
nonzero = Guard(
    "{} is a constant other than 0",
    lambda x: (literal(x) or 0) != 0, constant=True, low=1e-30, scalar=True,
)  # fmt: skip
nonnegative = Guard(
    "{} >= 0 is proven", is_nonnegative, low=0.0, instance=lambda x: el.abs(x)
)
matrix = Guard("{} is a matrix", lambda x: x.ndim == 2)
scalar = Guard("{} is a scalar", lambda x: x.ndim == 0, scalar=True)


def condition(text: str, test: Callable[..., bool]) -> Condition:
    """A condition on several bindings."""
    return Condition(text, test)


def tensor_type(node: Node) -> TensorType:
    """The type of a node with one output."""
    type: Any = node.type
    return type
