"""What Python's operators and NumPy's methods on tensors mean, elementwise.

Fills the slots of `core/seams.py`. Arithmetic of sizes stays a size: for
`n, m = x.shape`, `2 * n + m` is one size node with a polynomial, so that
`x.reshape((2 * n, m))` is understood. A few microseconds per operator.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.dims import DimLike, is_positive
from symnb.core.node import SIZE, Constant, Node, known_dim, size
from symnb.core.seams import slots
from symnb.errors import DTypeError
from symnb.ops import arithmetic, logic, transcendental
from symnb.ops.cast import cast
from symnb.ops.define import Elementwise, as_node


def _size_of(value: Any) -> DimLike | None:
    """The size a value stands for where it meets a size; None: it is an array."""
    if isinstance(value, Constant | np.generic) and value.dtype == "uint64":
        return None  # int64 with uint64 is float64
    if isinstance(value, Node):
        return known_dim(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    return None


def _is_size(value: Any) -> bool:
    return isinstance(value, Node) and value.op is SIZE


def sized(
    op: Elementwise, exact: Callable[[Any, Any], DimLike], divides: bool = False
) -> Callable[[Any, Any], Node]:
    """`op` as an operator: on two sizes the size `exact` gives, else the op.

    divides  the second size must be positive, or the op's rule for zero applies
    """

    def apply(x: Any, y: Any) -> Node:
        if _is_size(x) or _is_size(y):
            a, b = _size_of(x), _size_of(y)
            if a is not None and b is not None and not (divides and not is_positive(b)):
                return size(exact(a, b))
        return op(x, y)

    apply.__name__ = op.name
    apply.__doc__ = op.doc
    return apply


add = sized(arithmetic.add, operator.add)
sub = sized(arithmetic.sub, operator.sub)
mul = sized(arithmetic.mul, operator.mul)
floor_div = sized(arithmetic.floor_div, operator.floordiv, divides=True)
mod = sized(arithmetic.mod, operator.mod, divides=True)


def neg(x: Any) -> Node:
    """-x; of a size, a size."""
    known = known_dim(x) if _is_size(x) else None
    return arithmetic.neg(x) if known is None else size(-known)


def positive(x: Any) -> Node:
    """+x: x itself; not defined for bool."""
    node = as_node(x)
    if node.dtype == "bool":
        raise DTypeError("+x is not defined for bool.\nFix: x.astype('int64').")
    return node


def divide_with_remainder(x: Any, y: Any) -> tuple[Node, Node]:
    """(x // y, x % y)."""
    return floor_div(x, y), mod(x, y)


def power(x: Any, y: Any) -> Node:
    """x**y. Raises DTypeError for an integer to a negative integer, as NumPy does."""
    if (
        isinstance(y, int)
        and y < 0
        and isinstance(x, Node)
        and dtypes.is_integer(x.dtype)
    ):
        raise DTypeError(
            f"{x.dtype} ** {y}: integers to negative integer powers are not integers."
            "\nFix: x.astype('float64') ** n, or x ** float(n)."
        )
    return transcendental.pow(x, y)


def round(x: Any, digits: int = 0) -> Node:
    """x rounded to `digits` decimals, halves to the even neighbour, as np.round.

    Negative digits round to tens, hundreds, ...
    """
    node = as_node(x)
    if digits == 0 or (digits > 0 and not dtypes.is_float(node.dtype)):
        return arithmetic.round(node)
    scale = 10.0 ** (digits if digits > 0 else -digits)
    if digits > 0:
        return arithmetic.round(node * scale) / scale
    return cast(arithmetic.round(node / scale) * scale, node.dtype)


def clip(x: Any, low: Any = None, high: Any = None) -> Node:
    """x limited to [low, high]; None: no limit on that side."""
    if low is None:
        return as_node(x) if high is None else arithmetic.minimum(x, high)
    if high is None:
        return arithmetic.maximum(x, low)
    return arithmetic.clip(x, low, high)


def copy(x: Any, name: str | None = None) -> Node:
    """x as a new node, named `name`."""
    node = arithmetic.copy(x)
    node.name = name
    return node


slots.fill(
    neg=neg, positive=positive, abs=arithmetic.abs, add=add, sub=sub, mul=mul,
    true_div=arithmetic.true_div, floor_div=floor_div, mod=mod,
    divmod=divide_with_remainder, pow=power, round=round, less=logic.less,
    less_equal=logic.less_equal, greater=logic.greater, copy=copy, clip=clip,
    greater_equal=logic.greater_equal, bitwise_and=logic.bitwise_and,
    bitwise_or=logic.bitwise_or, bitwise_xor=logic.bitwise_xor, invert=logic.invert,
    left_shift=logic.left_shift, right_shift=logic.right_shift, where=logic.where,
)  # fmt: skip
