"""Gathers whose index counts: they are slices and diagonals.

A gather looks its index up element by element and checks each; a slice is part of the
index arithmetic. Bitwise, and only where every place is proven to lie in the axis.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from symnb.core.dims import DimLike, dim_min, is_nonnegative, is_positive
from symnb.core.node import Constant, Node, known_dim, make
from symnb.ops.create import IOTA, iota
from symnb.ops.diagonal import DIAGONAL
from symnb.ops.elementwise import add, mul
from symnb.ops.index import GATHER, SCATTER, gather, scatter
from symnb.ops.slicing import SLICE, Index, full_index, set_slice, slice_by
from symnb.ops.view import shape_of, transpose
from symnb.optim.contract import BITWISE
from symnb.optim.rule import rewrite, ruleset
from symnb.optim.rules.spans import is_full, is_place, kept, leaf


def counted(node: Node) -> tuple[DimLike, DimLike, DimLike] | None:
    """(start, size, step) of an integer vector that counts; None for any other."""
    if isinstance(node, Constant):
        return _counted_values(node.value)
    start: DimLike = 0
    step: DimLike = 1
    if node.op is add:
        rest, number = _with_number(node)
        if number is None:
            return None
        node, start = rest, number
    if node.op is mul:
        rest, number = _with_number(node)
        if number is None:
            return None
        node, step = rest, number
    if node.op is not IOTA or node.ndim != 1 or step == 0:
        return None
    return start, shape_of(node)[0], step


def _with_number(node: Node) -> tuple[Node, DimLike | None]:
    a, b = node.inputs
    known = known_dim(b)
    return (a, known) if known is not None else (b, known_dim(a))


def _counted_values(values: Any) -> tuple[int, int, int] | None:
    if values.ndim != 1 or not values.size:
        return None
    steps = np.diff(values.astype(object))
    step = int(steps[0]) if steps.size else 1
    if step == 0 or any(one != step for one in steps):
        return None
    return int(values[0]), values.size, step


def _named(*places: int) -> Node:
    return Constant(np.array(places))


def _counting_examples() -> list[Node]:
    count = iota((3,))
    return [
        gather(leaf(5, 2), [count + 1], (0,)), gather(leaf(2, 7), [count * 2], (1,)),
        gather(leaf(5), [_named(4, 2, 0)], (0,)),
        gather(leaf(5, 2), [_named(-1, -3)], (0,)),
        gather(leaf(5, 2), [Constant(np.int64(-1))], (0,)),
    ]  # fmt: skip


@rewrite(
    lambda op: op is GATHER, "x[arange(d) + o] -> x[o:o+d], x[constant] -> x[i]",
    BITWISE, "a slice is read without looking up its index", decreases="weight",
    operands=lambda ops: len(ops) == 2, answers=("local_adv_idx_to_slice",),
    examples=_counting_examples,
)  # fmt: skip
def gather_by_count(node: Node) -> Node | None:
    """The slice, when what is named is proven to lie in the axis."""
    if len(node.inputs) != 2:
        return None
    source, which = node.inputs
    index = counted_index(source, which, node.params[0][0])
    return None if index is None else slice_by(source, index)


@rewrite(
    lambda op: op is SCATTER,
    "x[arange(d) + o].set(y) -> x[o:o+d].set(y), also of inc", BITWISE,
    "a slice is written without looking up its index", decreases="weight",
    operands=lambda ops: len(ops) == 3, answers=("local_adv_idx_to_slice",),
    examples=lambda: [scatter(leaf(5, 2), leaf(3, 2), [iota((3,)) + 1], (0,), "set"),
                      scatter(leaf(5), leaf(2), [_named(4, 1)], (0,), "add")],
)  # fmt: skip
def scatter_by_count(node: Node) -> Node | None:
    """The write to the slice, when what is named is proven to lie in the axis."""
    if len(node.inputs) != 3:
        return None
    base, value, which = node.inputs
    [axis], mode = node.params
    index = counted_index(base, which, axis)
    return None if index is None else set_slice(base, value, index, mode)


def counted_index(x: Node, which: Node, axis: int) -> Index | None:
    """The slice of x that an index array names along an axis, if it counts."""
    length = shape_of(x)[axis]
    index = list(full_index(x))
    if which.ndim == 0:
        known = known_dim(which)
        if known is None:
            return None
        index[axis] = known + length if is_positive(-known) else known
        return tuple(index) if is_place(index[axis], length) else None
    span = counted(which)
    if span is None:
        return None
    start, count, step = span
    if is_positive(-start):
        start = start + length
    index[axis] = start, count, step
    last = start + step * (count - 1)
    if step == 1 and is_nonnegative(start) and is_nonnegative(length - start - count):
        return tuple(index)
    within = is_place(start, length) and is_place(last, length)
    return tuple(index) if within else None


@rewrite(
    lambda op: op is GATHER, "x[arange(n), arange(n)] -> diagonal(x)", BITWISE,
    "a diagonal is a view", answers=("local_adv_idx_to_diagonal",), decreases="weight",
    examples=lambda: [gather(leaf(4, 4), [iota((4,)), iota((4,))], (0, 1)),
                      gather(leaf(3, 5, 2), [iota((3,))] * 2, (0, 1))],
)  # fmt: skip
def gather_diagonal(node: Node) -> Node | None:
    """The diagonal, when both index vectors count all of it."""
    source, *indices = node.inputs
    axes = node.params[0]
    if len(indices) != 2 or len(axes) != 2:
        return None
    n, m = [shape_of(source)[axis] for axis in cast(tuple[int, ...], axes)]
    diagonal = dim_min(n, m)
    if any(counted(one) != (0, diagonal, 1) for one in indices):
        return None
    made = make(DIAGONAL, (source,), (0, *axes))
    order = list(range(made.ndim - 1))
    order.insert(axes[0], made.ndim - 1)
    return transpose(made, tuple(order))


@rewrite(
    lambda op: op is SLICE, "x[:, v][i] -> x[i][:, v]", BITWISE,
    "less is gathered from", operands=lambda ops: ops[0] is GATHER, decreases="indexed",
    answers=("local_subtensor_of_adv_subtensor",),
    examples=lambda: [gather(leaf(2, 5), [_named(3, 0)], (1,))[1],
                      gather(leaf(2, 5, 3), [_named(3, 0)], (1,))[1:, :, 0]],
)  # fmt: skip
def slice_of_gather(node: Node) -> Node | None:
    """The gather from a part, where the index leaves what is gathered alone."""
    if node.inputs[0].op is not GATHER:
        return None
    source, *indices = node.inputs[0].operands
    axes, index = node.inputs[0].params[0], node.params[0]
    rank = max(one.ndim for one in indices)
    common = slice(axes[0], axes[0] + rank)
    if not is_full(index[common], shape_of(node.inputs[0])[common]):
        return None
    whole = full_index(source)[axes[0] : axes[-1] + 1]
    inner = (*index[: common.start], *whole, *index[common.stop :])
    first = len(kept(index[: common.start]))
    places = tuple(range(first, first + len(axes)))
    return gather(slice_by(source, inner), indices, places)


GATHERS = ruleset(
    "gathers", [gather_by_count, scatter_by_count, gather_diagonal, slice_of_gather]
)
