"""Rolling, repeating, tiling, padding and turning: compositions of views and joins.

Sizes, shifts, repeats and pad widths may be ints, `x.shape` scalars, or integer
scalars known only while running.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core.dims import Dim, DimLike, bound, dim_max
from symnb.core.node import Node, as_dim, known_dim, size
from symnb.core.seams import slots
from symnb.errors import RankError
from symnb.ops import reduce
from symnb.ops.arithmetic import clip, maximum, minimum, mod
from symnb.ops.cast import cast
from symnb.ops.create import iota
from symnb.ops.cumulative import cumsum
from symnb.ops.define import as_node
from symnb.ops.join import concatenate
from symnb.ops.logic import where
from symnb.ops.selection import take
from symnb.ops.sizes import normal_axes, normal_axis
from symnb.ops.slicing import flip, slice_axis
from symnb.ops.sort import searchsorted
from symnb.ops.view import (
    broadcast_to,
    expand_dims,
    reshape,
    shape_of,
    specify_shape,
    swapaxes,
)

# ------------------------------------------------------------------------- roll


def _shift(shift: Any, length: DimLike) -> DimLike:
    """`shift` modulo the length of its axis (0 when that is empty)."""
    whole = dim_max(length, 1)
    known = known_dim(shift) if isinstance(shift, Node) else int(shift)
    if known is not None:
        return known % whole
    return bound(mod(cast(shift, "int64"), size(whole)), shift.name or "shift")


def roll(x: Any, shift: Any, axis: Any = None) -> Node:
    """x with its elements moved `shift` places on, those beyond the end in front.

    axis  None rolls the flattened tensor; several axes take several shifts
    """
    node = as_node(x)
    if axis is None:
        return reshape(roll(node.flatten(), shift, 0), shape_of(node))
    axes = normal_axes(axis, node.ndim)
    shifts = shift if isinstance(shift, list | tuple) else [shift] * len(axes)
    for place, one in zip(axes, shifts, strict=True):
        length = shape_of(node)[place]
        by = _shift(one, length)
        if by == 0:
            continue
        tail = slice_axis(node, place, length - by, by)
        node = concatenate([tail, slice_axis(node, place, 0, length - by)], place)
    return node


# --------------------------------------------------------------- repeat and tile


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Node:
    """Each element `repeats` times in a row along `axis` (None: of the flattened x).

    repeats  one number, or a vector with one per element, none below 0
    """
    node = as_node(x)
    if axis is None:
        node, axis = node.flatten() if node.ndim else reshape(node, 1), 0
    place = normal_axis(axis, node.ndim)
    many = isinstance(repeats, list | tuple | np.ndarray | Node)
    count = as_node(repeats) if many else None
    if count is not None and count.ndim == 1 and shape_of(count)[0] != 1:
        return _repeat_each(node, count, place)
    times = as_dim(repeats if count is None or not count.ndim else count[0])
    shape = shape_of(node)
    spread = broadcast_to(
        expand_dims(node, place + 1), (*shape[: place + 1], times, *shape[place + 1 :])
    )
    return reshape(spread, (*shape[:place], shape[place] * times, *shape[place + 1 :]))


def _repeat_each(x: Node, repeats: Node, axis: int) -> Node:
    """Element i as often as repeats[i]: found by search among the running sums.

    A count below 0 makes the result's size negative, which every call refuses.
    """
    counts = specify_shape(cast(repeats, "int64"), (shape_of(x)[axis],))
    total = where(reduce.any(counts < 0), -1, reduce.sum(counts))
    source = searchsorted(cumsum(counts), iota((as_dim(total),)), "right")
    return take(x, source, axis)


def tile(x: Any, reps: Any, ndim: int | None = None) -> Node:
    """x repeated whole, reps[i] times along axis i; missing reps are 1, in front.

    ndim  Theano's number of axes of the result, at least that of x and of reps
    """
    node = as_node(x)
    several = isinstance(reps, list | tuple | np.ndarray)
    times = [as_dim(r) for r in (reps if several else [reps])]
    rank = max(node.ndim, len(times))
    if ndim is not None and ndim < rank:
        raise RankError(f"tile to {ndim} axes, where {rank} are needed.")
    rank = rank if ndim is None else ndim
    times = [1] * (rank - len(times)) + times
    node = expand_dims(node, tuple(range(rank - node.ndim)))
    new = [axis for axis in range(rank) if times[axis] != 1]
    spread: list[DimLike] = []
    for axis, one in enumerate(shape_of(node)):
        spread += [times[axis], one] if axis in new else [one]
    inner = expand_dims(node, tuple(axis + i for i, axis in enumerate(new)))
    sizes = zip(times, shape_of(node), strict=True)
    return reshape(broadcast_to(inner, tuple(spread)), tuple(r * n for r, n in sizes))


# -------------------------------------------------------------------------- pad


def _pairs(value: Any, ndim: int) -> list[tuple[Any, Any]]:
    """(before, after) per axis from one value, one pair, or one pair per axis."""
    if not isinstance(value, list | tuple | np.ndarray):
        return [(value, value)] * ndim
    items = list(value)
    nested = [isinstance(item, list | tuple | np.ndarray) for item in items]
    if not any(nested):
        pair = items * 2 if len(items) == 1 else items
        return [(pair[0], pair[1])] * ndim
    pairs = [tuple(item) * 2 if len(item) == 1 else tuple(item) for item in items]
    return pairs * ndim if len(pairs) == 1 else pairs  # pyright: ignore


def pad(
    x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0
) -> Node:
    """x with `pad_width` more elements before and after on each axis, as np.pad.

    pad_width  a number, (before, after), or one pair per axis
    mode       constant | edge | wrap | reflect | symmetric
    """
    node = as_node(x)
    if mode not in ("constant", "edge", "wrap", "reflect", "symmetric"):
        raise ValueError(
            f"pad with mode {mode!r}.\n"
            "Fix: use constant, edge, wrap, reflect or symmetric."
        )
    widths = _pairs(pad_width, node.ndim)
    if len(widths) != node.ndim:
        raise RankError(
            f"pad with widths for {len(widths)} axes of a tensor with {node.ndim}."
        )
    values = _pairs(constant_values, node.ndim)
    for axis, (before, after) in enumerate(widths):
        ends = (as_dim(before), as_dim(after))
        if ends == (0, 0):
            continue
        if mode == "constant":
            node = _pad_constant(node, axis, ends, values[axis])
        else:
            before_axis = (slice(None),) * axis
            source = _source(mode, ends, shape_of(node)[axis])
            node = node[(*before_axis, source)]
    return node


def _pad_constant(
    x: Node, axis: int, ends: tuple[DimLike, DimLike], values: tuple[Any, Any]
) -> Node:
    parts: list[Node] = [x]
    for at, (width, value) in enumerate(zip(ends, values, strict=True)):
        if width != 0:
            shape = list(shape_of(x))
            shape[axis] = width
            part = broadcast_to(cast(as_node(value), x.dtype), tuple(shape))
            parts.insert(at * len(parts), part)
    return concatenate(parts, axis)


def _source(mode: str, ends: tuple[DimLike, DimLike], length: DimLike) -> Node:
    """Which element of the axis stands at each place of the padded axis."""
    place = iota((ends[0] + length + ends[1],)) - size(ends[0])
    last = size(length - 1) if isinstance(length, Dim) else length - 1
    if mode == "edge":
        return clip(place, 0, last)
    if mode == "wrap":
        return mod(place, size(length))
    if mode == "reflect":
        turn = mod(place, maximum(2 * last, 1))
        return minimum(turn, 2 * last - turn)
    turn = mod(place, 2 * size(length))
    return minimum(turn, 2 * last + 1 - turn)


def rot90(x: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Node:
    """x turned by k quarter turns from the first axis of `axes` to the second."""
    node = as_node(x)
    first, second = normal_axes(tuple(axes), node.ndim)
    match k % 4:
        case 0:
            return node
        case 1:
            return swapaxes(flip(node, second), first, second)
        case 2:
            return flip(node, (first, second))
        case _:
            return flip(swapaxes(node, first, second), second)


slots.fill(repeat=repeat)
