"""Joins that join nothing, joins of joins, and of parts that lay side by side.

Bitwise: the same elements in the same order. A piece without elements is left out
after differentiation only, since its gradient is one.
"""

from __future__ import annotations

from typing import Any

from symnb.core.dims import DimLike
from symnb.core.node import Node, make
from symnb.core.op import Op
from symnb.ops.join import JOIN, concatenate, stack
from symnb.ops.slicing import SLICE, Index, Span, slice_by
from symnb.ops.view import EXPAND_DIMS, shape_of
from symnb.optim.contract import BITWISE
from symnb.optim.rule import rewrite, ruleset
from symnb.optim.rules.spans import kept, leaf


def _is_join(op: Op) -> bool:
    return op is JOIN


@rewrite(
    _is_join, "join(x) -> x", BITWISE, answers=("local_join_1",),
    examples=lambda: [make(JOIN, (leaf(2, 3),), (1,))],
)  # fmt: skip
def join_one(node: Node) -> Node | None:
    """The only piece."""
    return node.inputs[0] if len(node.inputs) == 1 else None


@rewrite(
    _is_join, "join(x, empty, y) -> join(x, y)", BITWISE, answers=("local_join_empty",),
    tags="drops", decreases="weight",
    examples=lambda: [concatenate([leaf(2, 3), leaf(0, 3, name="e"), leaf(1, 3)])],
)  # fmt: skip
def join_empty(node: Node) -> Node | None:
    """The pieces that have elements."""
    [along] = node.params
    pieces = tuple(x for x in node.inputs if shape_of(x)[along] != 0)
    if len(pieces) == len(node.inputs) or not pieces:
        return None
    return make(JOIN, pieces, (along,))


@rewrite(
    _is_join, "join(join(x, y), z) -> join(x, y, z)", BITWISE,
    "each element is copied once", answers=("local_join_make_vector",),
    examples=lambda: [concatenate([concatenate([leaf(2), leaf(3)]), leaf(1)])],
)  # fmt: skip
def join_join(node: Node) -> Node | None:
    """One join of all pieces."""
    if not any(x.op is JOIN and x.params == node.params for x in node.inputs):
        return None
    pieces: list[Node] = []
    for x in node.inputs:
        pieces += x.inputs if x.op is JOIN and x.params == node.params else (x,)
    return make(JOIN, tuple(pieces), node.params)


# ---------------------------------------------------------------- parts side by side


def _parts(piece: Node, along: int) -> list[tuple[Node, Index, int]]:
    """The ways to read a piece as x[index], with the axis of x it is joined along."""
    if piece.op is SLICE:
        index = piece.params[0]
        return [(piece.inputs[0], index, kept(index)[along])]
    inner = piece.inputs[0] if piece.op is EXPAND_DIMS else piece
    if inner is piece or inner.op is not SLICE or piece.params[0] != (along,):
        return []
    source, index = inner.inputs[0], inner.params[0]
    found: list[tuple[Node, Index, int]] = []
    for axis, entry in enumerate(index):
        if isinstance(entry, tuple) or len(kept(index[:axis])) != along:
            continue
        span: Span = (entry, 1, 1)
        found.append((source, (*index[:axis], span, *index[axis + 1 :]), axis))
    return found


def _together(left: Index, right: Index, axis: int) -> Span | None:
    """The span for both parts, if the right one goes on where the left ends."""
    rest = (*left[:axis], *left[axis + 1 :])
    if rest != (*right[:axis], *right[axis + 1 :]):
        return None
    a: Any = left[axis]
    b: Any = right[axis]
    for step in _steps(a, b):
        if b[0] == a[0] + step * a[1]:
            return a[0], a[1] + b[1], step
    return None


def _steps(a: Span, b: Span) -> tuple[DimLike, ...]:
    """The steps both spans may be said to have."""
    if a[1] == 1 and b[1] == 1:
        gap = b[0] - a[0]
        return (gap,) if isinstance(gap, int) and gap else ()
    if a[1] == 1:
        return (b[2],)
    return (a[2],) if b[1] == 1 or a[2] == b[2] else ()


def _merged(left: Node, right: Node, along: int) -> Node | None:
    """The one part that two neighbours are, or None."""
    for source, index, axis in _parts(left, along):
        for other, then, place in _parts(right, along):
            if source is not other or axis != place:
                continue
            span = _together(index, then, axis)
            if span is not None:
                return slice_by(source, (*index[:axis], span, *index[axis + 1 :]))
    return None


@rewrite(
    _is_join, "join(x[:3], x[3:5]) -> x[:5]", BITWISE, "a part is not copied",
    answers=("local_join_subtensors",),
    examples=lambda: [_neighbours(), _stacked(), concatenate([leaf(2), *_halves()])],
)  # fmt: skip
def join_neighbours(node: Node) -> Node | None:
    """The join of fewer, larger parts."""
    [along] = node.params
    pieces = [node.inputs[0]]
    for piece in node.inputs[1:]:
        one = _merged(pieces[-1], piece, along)
        if one is None:
            pieces.append(piece)
        else:
            pieces[-1] = one
    if len(pieces) == len(node.inputs):
        return None
    return pieces[0] if len(pieces) == 1 else make(JOIN, tuple(pieces), node.params)


def _halves() -> list[Node]:
    x = leaf(7)
    return [x[:3], x[3:5]]


def _neighbours() -> Node:
    return concatenate(_halves())


def _stacked() -> Node:
    x = leaf(3, 4)
    return stack([x[:, 3], x[:, 1]], axis=1)


JOINS = ruleset("joins", [join_one, join_empty, join_join, join_neighbours])
