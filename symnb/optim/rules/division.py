"""Divisions as multiplications, where the divisor is shared or a number.

A division of a vector takes ten times as long as a product (Zen 4: 16 floats in 10
cycles against 1). One reciprocal per row and a product per element err by 1.5 ulp
instead of 0.5. The divisor must be proven to be of a middling size: the reciprocal of
a denormal number overflows, that of a huge one loses digits.
"""

from __future__ import annotations

import math

from symnb.core.node import Constant, Input, Node
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops import elementwise as el
from symnb.ops import reduce
from symnb.ops.define import as_node
from symnb.optim.bounds import bounds
from symnb.optim.contract import BITWISE, ROUNDING
from symnb.optim.guard import is_float, literal, tensor_type
from symnb.optim.rule import rewrite, ruleset

# Between these a number and its reciprocal are both far from denormal.
MIDDLING = {"float32": (1e-30, 1e30), "float64": (1e-290, 1e290)}


def _is_division(op: Op) -> bool:
    return op is el.true_div


def _matrix(name: str, dtype: str = "float64") -> Node:
    return Input(TensorType(dtype, (4, 8)), name)


def _softmax(x: Node) -> Node:
    e = el.exp(x - reduce.max(x, 1, keepdims=True))
    return e / reduce.sum(e, 1, keepdims=True)


def _normalised(x: Node) -> Node:
    return x / el.sqrt(reduce.sum(x * x, 1, keepdims=True) + 1e-5)


@rewrite(
    _is_division, "x / c -> x * (1 / c), c a power of two", BITWISE,
    "the reciprocal of a power of two is exact",
    decreases="divisions", examples=lambda: [_matrix("x") / 4, _matrix("x") / 0.5],
)  # fmt: skip
def divide_by_power_of_two(node: Node) -> Node | None:
    """The product with the exact reciprocal."""
    x, divisor = node.inputs
    value = literal(divisor)
    if not value or not is_float.test(node):
        return None
    fraction, _ = math.frexp(abs(value)) if math.isfinite(value) else (0.0, 0)
    if fraction != 0.5 or not _is_middling(node, abs(value), abs(value)):
        return None
    return x * as_node(1 / value, node.dtype)


@rewrite(
    _is_division, "x / y -> x * (1 / y), y computed, the same along an axis", ROUNDING,
    "one division per row instead of one per element; y is proven to be neither tiny "
    "nor huge; floor(x / 49) of 49 is 1, so numbers stay divisors",
    decreases="divisions",
    examples=lambda: [_softmax(_matrix("x")), _normalised(_matrix("x"))],
)  # fmt: skip
def divide_by_row(node: Node) -> Node | None:
    """The product with the reciprocals of the rows."""
    x, divisor = node.inputs
    if not is_float.test(node) or not _is_shared(divisor, node):
        return None
    if isinstance(divisor, Constant) or literal(divisor) is not None:
        return None
    if not _is_middling(node, *bounds(divisor)):
        return None
    return x * el.reciprocal(divisor)


def _is_middling(node: Node, least: float, greatest: float) -> bool:
    low, high = MIDDLING[node.dtype]
    return low < least and greatest < high


def _is_shared(y: Node, whole: Node) -> bool:
    """Whether an element of y meets several of the result, along a full axis."""
    own, full = tensor_type(y).shape, tensor_type(whole).shape
    inner = full[len(full) - len(own) :]
    short = len(own) < len(full) and any(size != 1 for size in full)
    return short or any(a == 1 != b for a, b in zip(own, inner, strict=True))


DIVISION = ruleset("division", [divide_by_power_of_two, divide_by_row], "one_sweep")
