"""Bounds: between which numbers every element of a node lies, as far as ops tell.

NaN aside, and rounding aside: what asks here asks for orders of magnitude. Looks a
few levels down, some microseconds per question.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from symnb.core.node import SIZE, Constant, Node
from symnb.ops import elementwise as el
from symnb.ops.barrier import CONSTANT_FOR_GRAD
from symnb.ops.cast import CAST
from symnb.ops.reduce import MAX, MIN, SUM
from symnb.ops.view import EXPAND_DIMS
from symnb.optim.guard import literal

LEVELS = 10  # how far below a node is looked
Bounds = tuple[float, float]
ANYTHING = (-math.inf, math.inf)
MOST_ELEMENTS = 2.0**48  # no axis is longer than memory


def bounds(node: Node) -> Bounds:
    """(least, greatest) value an element of `node` may have."""
    found: dict[Node, Bounds] = {}
    stack = [(node, 0)]
    while stack:
        one, level = stack[-1]
        missing = [x for x in one.inputs if x not in found]
        if missing and level < LEVELS and not one.is_leaf:
            stack += [(x, level + 1) for x in missing]
            continue
        stack.pop()
        known = not missing and not one.is_leaf
        found[one] = _of(one, found) if known or one.is_leaf else ANYTHING
    return found[node]


def _of(node: Node, found: dict[Node, Bounds]) -> Bounds:
    if isinstance(node, Constant):
        value = literal(node)
        return ANYTHING if value is None else (float(value), float(value))
    if node.is_leaf:
        return (0.0, math.inf) if node.dtype[0] in "ub" else ANYTHING
    of = [found[x] for x in node.inputs]
    special = _SPECIAL.get(node.op)
    if special is not None:
        return special(node, *of)
    if node.op.kind == "view" or node.op in _KEEPING:
        return of[0]
    return ANYTHING


_KEEPING = frozenset({CAST, MAX, MIN, CONSTANT_FOR_GRAD})

# ----------------------------------------------------------------------- op by op


def _add(node: Node, a: Bounds, b: Bounds) -> Bounds:
    return a[0] + b[0], a[1] + b[1]


def _sub(node: Node, a: Bounds, b: Bounds) -> Bounds:
    least, greatest = a[0] - b[1], a[1] - b[0]
    if is_shifted(node):
        greatest = min(greatest, 0.0)
    return least, greatest


def _mul(node: Node, a: Bounds, b: Bounds) -> Bounds:
    if node.inputs[0] is node.inputs[1]:
        return _square(node, a)
    if min(a[0], b[0]) < 0:
        return ANYTHING
    return _times(a[0], b[0]), _times(a[1], b[1])


def _times(a: float, b: float) -> float:
    return 0.0 if 0.0 in (a, b) else a * b


def _square(node: Node, a: Bounds) -> Bounds:
    if a[0] >= 0:
        return a[0] * a[0], a[1] * a[1]
    return 0.0, max(a[0] * a[0], a[1] * a[1])


def _sqrt(node: Node, a: Bounds) -> Bounds:
    # Infinity itself is harmless to who asks: what counts is the greatest number.
    most = np.finfo(node.dtype).max
    return math.sqrt(max(a[0], 0.0)), math.sqrt(min(max(a[1], 0.0), most))


def _div(node: Node, a: Bounds, b: Bounds) -> Bounds:
    if a[0] < 0 or b[0] < 0:
        return ANYTHING
    least = 0.0 if b[1] == math.inf or not b[1] else a[0] / b[1]
    return least, a[1] / b[0] if b[0] else math.inf


def _exp(node: Node, a: Bounds) -> Bounds:
    return _power(a[0]), _power(a[1])


def _power(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def _sum(node: Node, a: Bounds) -> Bounds:
    if a[0] < 0:
        return ANYTHING
    least = 1.0 if _holds_one(node) else 0.0
    return least, _times(a[1], MOST_ELEMENTS)


def _maximum(node: Node, a: Bounds, b: Bounds) -> Bounds:
    return max(a[0], b[0]), max(a[1], b[1])


def _minimum(node: Node, a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), min(a[1], b[1])


def _abs(node: Node, a: Bounds) -> Bounds:
    return 0.0, max(abs(a[0]), abs(a[1]))


def _between(least: float, greatest: float) -> Callable[..., Bounds]:
    def bounds(node: Node, *of: Bounds) -> Bounds:
        return least, greatest

    return bounds


_SPECIAL: dict[object, Callable[..., Bounds]] = {
    el.add: _add, el.sub: _sub, el.mul: _mul, el.square: _square, el.sqrt: _sqrt,
    el.true_div: _div, el.exp: _exp, SUM: _sum, el.maximum: _maximum,
    el.minimum: _minimum, el.abs: _abs, el.sigmoid: _between(0.0, 1.0),
    el.tanh: _between(-1.0, 1.0), el.cosh: _between(1.0, math.inf),
    el.softplus: _between(0.0, math.inf), SIZE: _between(0.0, MOST_ELEMENTS),
}  # fmt: skip


# ------------------------------------------------------- exponentials that are shifted


def is_shifted(node: Node) -> bool:
    """Whether a difference is x - max(x): nowhere above zero, zero somewhere."""
    return node.op is el.sub and _axes_of_top(*node.inputs) is not None


def _axes_of_top(x: Node, top: Node) -> frozenset[int] | None:
    """The axes `top` is the maximum of `x` along, broadcast back; None if it is not."""
    if top.op is CONSTANT_FOR_GRAD:
        top = top.inputs[0]
    added: tuple[int, ...] = ()
    if top.op is EXPAND_DIMS:
        added, top = tuple(top.params[0]), top.inputs[0]
    if top.op is CONSTANT_FOR_GRAD:
        top = top.inputs[0]
    if top.op is not MAX or top.inputs[0] is not x:
        return None
    axes, keepdims = top.params[0], top.params[1]
    in_place = keepdims or len(axes) == x.ndim or sorted(added) == sorted(axes)
    return frozenset(axes) if in_place and not (keepdims and added) else None


def _holds_one(node: Node) -> bool:
    """Whether a sum is over exp(x - max(x)), along every axis of the maximum."""
    exp = node.inputs[0]
    if exp.op is not el.exp or not is_shifted(exp.inputs[0]):
        return False
    axes = _axes_of_top(*exp.inputs[0].inputs)
    return axes is not None and axes <= set(node.params[0])
