"""Indices that say nothing, and indices of what only renames elements.

Every rule is bitwise. An index that may be out of its axis is kept where it is,
because its error would be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnb.core.dims import DimLike, is_nonnegative, is_positive
from symnb.core.node import Input, Node, make
from symnb.core.types import TensorType
from symnb.ops.slicing import SLICE, slice_by
from symnb.ops.view import BROADCAST_TO, broadcast_to, shape_of
from symnb.optim.contract import BITWISE
from symnb.optim.rule import hole, param, rewrite, ruleset, term

x = hole("x")
S, P, Q = param("S"), param("P"), param("Q")


def _input(*shape: DimLike, name: str = "x") -> Node:
    return Input(TensorType("float64", shape), name)


def _is_whole(index: tuple[Any, ...], shape: Sequence[DimLike]) -> bool:
    return all(
        isinstance(entry, tuple) and entry == (0, length, 1)
        for entry, length in zip(index, shape, strict=True)
    )


@rewrite(
    term(SLICE, x, params=(P,)), "x[:] -> x", BITWISE,
    answers=("local_useless_slice", "local_useless_subtensor"),
    examples=lambda: [make(SLICE, (_input(3, 2),), (((0, 3, 1), (0, 2, 1)),))],
)  # fmt: skip
def slice_whole(x: Node, P: tuple[Any, ...]) -> Node | None:
    """The operand, when the slices name all of it."""
    return x if _is_whole(P, shape_of(x)) else None


@rewrite(
    term(SLICE, term(SLICE, x, params=(P,)), params=(Q,)),
    "x[a:b][c:d] -> x[e:f]", BITWISE,
    answers=("local_subtensor_merge", "local_subtensor_merge_slice",
             "local_subtensor_merge_integer"),
    examples=lambda: [_input(9, 5)[1:8][2:4], _input(9, 5)[:, 1:4][:, 1],
                      _input(9, 5)[::2, 1:][1, ::-1]],
)  # fmt: skip
def slice_slice(
    node: Node, x: Node, P: tuple[Any, ...], Q: tuple[Any, ...]
) -> Node | None:
    """One slice in place of two: start + step * (start' + step' * j)."""
    if not _in_range(node):
        return None  # the error for an index beyond the inner part would be lost
    outer = iter(Q)
    index: list[Any] = []
    for entry in P:
        if not isinstance(entry, tuple):
            index.append(entry)
            continue
        start, _, step = entry
        then = next(outer)
        if isinstance(then, tuple):
            index.append((start + step * then[0], then[1], step * then[2]))
        else:
            index.append(start + step * then)
    return slice_by(x, tuple(index))


@rewrite(
    term(SLICE, term(BROADCAST_TO, x, params=(S,)), params=(P,)),
    "broadcast_to(scalar)[index] -> broadcast_to(scalar)", BITWISE,
    answers=("local_subtensor_of_alloc", "local_basic_subtensor_of_alloc"),
    examples=lambda: [broadcast_to(_input(), (6, 3))[1:4, 0]],
)  # fmt: skip
def slice_of_broadcast_scalar(node: Node, x: Node) -> Node | None:
    """A part of equal elements; only where the index is proven to lie in it."""
    return None if x.ndim or not _in_range(node) else broadcast_to(x, shape_of(node))


def _in_range(node: Node) -> bool:
    lengths = shape_of(node.inputs[0])
    return all(
        isinstance(entry, tuple)
        or (is_nonnegative(entry) and is_positive(length - entry))
        for length, entry in zip(lengths, node.params[0], strict=True)
    )


INDEXING = ruleset("indexing", [slice_whole, slice_slice, slice_of_broadcast_scalar])
