"""Running sums and products along an axis.

The gradient of cumprod is exact with zeros: up to the first zero of a line it is
reverse-sum(g * y) / x, at the first zero the same with that zero taken as one, and
beyond it nothing is left but zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnb.core.node import Node, make
from symnb.core.op import Jvp, Op, Vjp
from symnb.core.seams import slots
from symnb.core.types import ANY
from symnb.ops.cast import cast
from symnb.ops.define import as_node
from symnb.ops.logic import equal, logical_and, not_equal, where
from symnb.ops.reduce import wide
from symnb.ops.sizes import normal_axis
from symnb.ops.slicing import flip
from symnb.ops.view import same_view

Array = Any


@dataclass(eq=False, kw_only=True, repr=False)
class Cumulative(Op):
    """An op that combines each element with all before it along `params = (axis,)`.

    combine  add | mul
    """

    combine: str
    kind: str = "cumulative"
    params: tuple[str, ...] = ("axis",)


def _declare(
    name: str, combine: str, ufunc: Callable[..., Array], vjp: Vjp, jvp: Jvp, doc: str
) -> Cumulative:
    return Cumulative(
        name=name, combine=combine, vjp=vjp, jvp=jvp, doc=doc,
        infer=lambda types, params: types[0],
        numpy=lambda x, axis: ufunc(x, axis=axis, dtype=x.dtype),
    )  # fmt: skip


def _reverse_sum(x: Node, axis: int) -> Node:
    return flip(make(CUMSUM, (flip(x, axis),), (axis,)), axis)


def _cumsum_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    return [_reverse_sum(g, node.params[0])]


def _first_zeros(node: Node) -> tuple[Node, Node, Node]:
    """(before, first, safe): x before its first zero, at it, and x without it."""
    x, axis = node.inputs[0], node.params[0]
    zero = equal(x, 0)
    count = make(CUMSUM, (cast(zero, "int64"),), (axis,))
    first = logical_and(zero, equal(count, 1))
    return equal(count, 0), first, where(first, 1.0, x)


def _cumprod_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    axis = node.params[0]
    before, first, safe = _first_zeros(node)
    without = make(CUMPROD, (safe,), (axis,))
    early = _reverse_sum(g * node, axis) / safe
    at_zero = where(first, _reverse_sum(g * without, axis), 0.0)
    return [where(before, early, at_zero)]


def _cumprod_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    """d y_j = sum over i <= j of dx_i * (product of the others up to j).

    Beyond the first zero only the tangent at that zero counts.
    """
    dx = tangents[0]
    if dx is None:
        return None
    axis = node.params[0]
    before, first, safe = _first_zeros(node)
    ratio = make(CUMSUM, (where(before, dx / safe, 0.0),), (axis,))
    there = make(CUMSUM, (where(first, dx, 0.0),), (axis,))
    without = make(CUMPROD, (safe,), (axis,))
    return where(before, node * ratio, there * without)


CUMSUM = _declare(
    "cumsum", "add", np.cumsum, _cumsum_vjp, same_view, "Running sum along an axis."
)
CUMPROD = _declare(
    "cumprod", "mul", np.cumprod, _cumprod_vjp, _cumprod_jvp,
    "Running product along an axis.",
)  # fmt: skip


def _cumulate(op: Cumulative, x: Any, axis: int | None, dtype: Any) -> Node:
    node = as_node(x)
    if node.type is ANY:
        return make(op, (node,), (axis,))
    node = cast(node, wide(node.dtype) if dtype is None else dtype)
    if axis is None:
        node, axis = node.flatten() if node.ndim else node.reshape(1), 0
    return make(op, (node,), (normal_axis(axis, node.ndim),))


def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Node:
    """Running sum along `axis`; None flattens x first. Dtypes as in `sum`."""
    return _cumulate(CUMSUM, x, axis, dtype)


def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Node:
    """Running product along `axis`; None flattens x first. Dtypes as in `prod`."""
    return _cumulate(CUMPROD, x, axis, dtype)


def diff(x: Any, n: int = 1, axis: int = -1) -> Node:
    """Differences of neighbours along an axis, taken n times."""
    node = as_node(x)
    place = normal_axis(axis, node.ndim)
    before: tuple[Any, ...] = (slice(None),) * place
    for _ in range(n):
        late, early = node[(*before, slice(1, None))], node[(*before, slice(None, -1))]
        is_bool = node.dtype == "bool"
        node = not_equal(late, early) if is_bool else late - early
    return node


slots.fill(cumsum=cumsum, cumprod=cumprod)
