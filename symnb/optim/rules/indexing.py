"""Indices that say nothing, and indices of what only renames or counts elements.

An index is moved below the view it reads, where it meets other indices and names less
to compute; what it picks out of a join, of a count or of a written part is taken from
there. Every rule is bitwise. An index that may be out of its axis is kept, because
its error would be lost; rules that leave a tensor out altogether (`drops`) run after
differentiation only, on graphs whose ranges the call has checked.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symnb.core.dims import DimLike, dim_max, dim_min, is_nonnegative, is_positive
from symnb.core.node import Node, make, size
from symnb.core.op import Op
from symnb.ops.create import IOTA, iota
from symnb.ops.elementwise import add, mul
from symnb.ops.join import JOIN, concatenate
from symnb.ops.slicing import (
    SET_SLICE,
    SLICE,
    Index,
    slice_by,
    sliced_shape,
)
from symnb.ops.view import (
    BROADCAST_TO,
    EXPAND_DIMS,
    RESHAPE,
    SPECIFY_SHAPE,
    SQUEEZE,
    TRANSPOSE,
    broadcast_to,
    expand_dims,
    reshape,
    shape_of,
    specify_shape,
    squeeze,
    transpose,
)
from symnb.optim.contract import BITWISE
from symnb.optim.rule import hole, param, rewrite, ruleset, term
from symnb.optim.rules.spans import (
    DROPPED,
    aligned,
    are_apart,
    composed,
    in_range,
    inside,
    is_checked,
    is_full,
    is_place,
    kept,
    leaf,
    plain,
    ranks,
)

x, y = hole("x"), hole("y")
S, P, Q = param("S"), param("P"), param("Q")
Axes = tuple[int, ...]


def reads(*ops: Op) -> Callable[[Sequence[Op]], bool]:
    """Whether the first operand is of one of these ops."""
    return lambda found: found[0] in ops


# ------------------------------------------------------------- indices that say nothing


@rewrite(
    term(SLICE, x, params=(P,)), "x[:] -> x", BITWISE,
    answers=("local_useless_slice", "local_useless_subtensor"),
    examples=lambda: [make(SLICE, (leaf(3, 2),), (((0, 3, 1), (0, 2, 1)),))],
)  # fmt: skip
def slice_whole(x: Node, P: Index) -> Node | None:
    """The operand, when the slices name all of it."""
    return x if is_full(P, shape_of(x)) else None


@rewrite(
    term(SLICE, x, params=(P,)), "x[i:i+1:s] -> x[i:i+1]", BITWISE,
    "one element has no next one, none has no first", decreases="steps",
    examples=lambda: [leaf(1, 4)[::-1], leaf(3, 4)[1:1:2, ::2]],
)  # fmt: skip
def slice_without_step(x: Node, P: Index) -> Node | None:
    """The slice with steps only where there is something to step to."""
    index = tuple(map(plain, P))
    return None if index == P else slice_by(x, index)


@rewrite(
    term(SLICE, x, params=(P,)), "x[0] on an axis of size 1 -> squeeze(x)", BITWISE,
    "a squeeze shares its operand's storage", decreases="slices",
    answers=("local_subtensor_remove_broadcastable_index",),
    examples=lambda: [leaf(1, 4)[0], leaf(3, 1, 2)[:, 0]],
)  # fmt: skip
def slice_ones(x: Node, P: Index) -> Node | None:
    """The operand without its axes of size 1, when nothing else is left out."""
    ones = [axis for axis, entry in enumerate(P) if not isinstance(entry, tuple)]
    whole = [(0, n, 1) if axis in ones else P[axis]
             for axis, n in enumerate(shape_of(x))]  # fmt: skip
    if not is_full(tuple(whole), shape_of(x)):
        return None
    if any(P[axis] != 0 or shape_of(x)[axis] != 1 for axis in ones):
        return None
    return squeeze(x, tuple(ones))


@rewrite(
    term(SQUEEZE, term(SLICE, x, params=(P,)), params=(Q,)),
    "squeeze(x[i:i+1]) -> x[i]", BITWISE, answers=("local_dimshuffle_subtensor",),
    examples=lambda: [squeeze(leaf(3, 4)[1:2], 0), squeeze(leaf(3, 4)[:, 3:2:-1], 1)],
)  # fmt: skip
def squeeze_of_slice(x: Node, P: Index, Q: Axes) -> Node | None:
    """The slice that drops the axes at once."""
    index = list(P)
    for rank, axis in enumerate(kept(P)):
        entry: Any = index[axis]
        if rank in Q:
            if entry[1] != 1:
                return None
            index[axis] = entry[0]
    return slice_by(x, tuple(index))


# -------------------------------------------------------------------- indices of views


@rewrite(
    term(SLICE, term(SLICE, x, params=(P,)), params=(Q,)),
    "x[a:b][c:d] -> x[e:f]", BITWISE,
    answers=("local_subtensor_merge", "local_subtensor_merge_slice",
             "local_subtensor_merge_integer"),
    examples=lambda: [leaf(9, 5)[1:8][2:4], leaf(9, 5)[:, 1:4][:, 1],
                      leaf(9, 5)[::2, 1:][1, ::-1]],
)  # fmt: skip
def slice_slice(x: Node, P: Index, Q: Index) -> Node | None:
    """One slice in place of two: start + step * (start' + step' * j)."""
    outer = iter(Q)
    index: list[Any] = []
    for entry, length in zip(P, shape_of(x), strict=True):
        if not isinstance(entry, tuple):
            index.append(entry)
            continue
        then = next(outer)
        if not is_checked(entry, then, length):
            return None  # the error for an index beyond the inner part would be lost
        index.append(composed(entry, then))
    return slice_by(x, tuple(index))


@rewrite(
    term(SLICE, term(TRANSPOSE, x, params=(P,)), params=(Q,)),
    "transpose(x)[i, j] -> transpose(x[j, i])", BITWISE, decreases="indexed",
    answers=("local_subtensor_of_transpose",),
    examples=lambda: [leaf(3, 4).T[1], leaf(3, 4, 2).transpose(2, 0, 1)[0, 1:]],
)  # fmt: skip
def slice_of_transpose(x: Node, P: Axes, Q: Index) -> Node:
    """The axes that are left, in their order."""
    index = dict(zip(P, Q, strict=True))
    part = slice_by(x, tuple(index[axis] for axis in range(x.ndim)))
    axes = [P[place] for place in kept(Q)]
    rank = ranks(axes)
    return transpose(part, tuple(rank[axis] for axis in axes)) if axes else part


@rewrite(
    term(SLICE, term(EXPAND_DIMS, x, params=(P,)), params=(Q,)),
    "expand_dims(x)[i] -> expand_dims(x[i]), without the new axes it drops", BITWISE,
    decreases="indexed", answers=("local_subtensor_of_expand_dims",),
    examples=lambda: [expand_dims(leaf(4), 0)[0], expand_dims(leaf(4, 3), 1)[1:, :, 2],
                      expand_dims(leaf(4), (0, 2))[0, 1:]],
)  # fmt: skip
def slice_of_expand(x: Node, P: Axes, Q: Index) -> Node | None:
    """The new axes that are left, around a part of x."""
    if any(Q[axis] not in (0, (0, 1, 1)) for axis in P):
        return None
    index = tuple(entry for axis, entry in enumerate(Q) if axis not in P)
    places = [rank for rank, axis in enumerate(kept(Q)) if axis in P]
    return expand_dims(slice_by(x, index), places)


@rewrite(
    term(SLICE, term(SQUEEZE, x, params=(P,)), params=(Q,)),
    "squeeze(x)[i] -> x[0, i]", BITWISE, answers=("local_subtensor_of_squeeze",),
    examples=lambda: [squeeze(leaf(1, 4), 0)[2], squeeze(leaf(3, 1, 4), 1)[:, 1:]],
)  # fmt: skip
def slice_of_squeeze(x: Node, P: Axes, Q: Index) -> Node | None:
    """The index that drops the axes of size 1 too."""
    if any(shape_of(x)[axis] != 1 for axis in P):
        return None
    rest = iter(Q)
    return slice_by(x, tuple(0 if a in P else next(rest) for a in range(x.ndim)))


@rewrite(
    term(SLICE, term(BROADCAST_TO, x, params=(S,)), params=(P,)),
    "broadcast_to(x)[i] -> broadcast_to(x[i])", BITWISE, decreases="indexed",
    answers=("local_subtensor_of_alloc", "local_basic_subtensor_of_alloc"),
    examples=lambda: [broadcast_to(leaf(), (6, 3))[1:4, 0],
                      broadcast_to(leaf(3), (6, 3))[2, 1:],
                      broadcast_to(leaf(6, 1), (6, 3))[4:, ::-1],
                      broadcast_to(leaf(6, 1), (6, 3))[1, 2]],
)  # fmt: skip
def slice_of_broadcast(x: Node, S: tuple[DimLike, ...], P: Index) -> Node | None:
    """The part of what was repeated, repeated as often as is left."""
    index = aligned(P, shape_of(x), S)
    if index is None:
        return None
    lost = len(S) - x.ndim
    for axis, (entry, length) in enumerate(zip(P, S, strict=True)):
        read = axis >= lost and index[axis - lost] == entry
        if not read and not is_place(entry, length):
            return None
    return broadcast_to(slice_by(x, index), sliced_shape(P))


@rewrite(
    term(SLICE, term(SPECIFY_SHAPE, x, params=(S,)), params=(P,)),
    "specify_shape(x)[i] -> specify_shape(x[i])", BITWISE, decreases="indexed",
    answers=("local_subtensor_SpecifyShape_lift",),
    examples=lambda: [make(SLICE, (make(SPECIFY_SHAPE, (leaf(3, 4),), ((3, 4),)),),
                           ((1, (0, 4, 1)),))],
)  # fmt: skip
def slice_of_specified(x: Node, S: tuple[DimLike, ...], P: Index) -> Node | None:
    """The promise about the axes that are whole, where no other is promised."""
    index: list[Any] = []
    for entry, promised, length in zip(P, S, shape_of(x), strict=True):
        if promised == length:
            index.append(entry)
        elif entry == (0, promised, 1):
            index.append((0, length, 1))
        else:
            return None
    return specify_shape(slice_by(x, tuple(index)), sliced_shape(P))


@rewrite(
    term(SLICE, term(RESHAPE, x, params=(S,)), params=(P,)),
    "reshape(x)[i] -> reshape(x[i]), i on axes that stay", BITWISE,
    decreases="indexed",
    examples=lambda: [reshape(leaf(4, 2, 3), (4, 6))[1],
                      reshape(leaf(4, 6, 5), (4, 2, 3, 5))[2:, :, :, 0]],
)  # fmt: skip
def slice_of_reshape(x: Node, S: tuple[DimLike, ...], P: Index) -> Node | None:
    """The part in the shape that is left, where other axes are joined or split."""
    old = shape_of(x)
    first = _equal(old, S)
    last = _equal(old[first:][::-1], S[first:][::-1])
    middle = slice(first, len(S) - last)
    if not first + last or not is_full(P[middle], S[middle]):
        return None
    inner = tuple((0, n, 1) for n in old[first : len(old) - last])
    part = slice_by(x, (*P[:first], *inner, *P[len(S) - last :]))
    return reshape(part, sliced_shape(P))


def _equal(a: tuple[DimLike, ...], b: tuple[DimLike, ...]) -> int:
    """How many sizes are the same from the start."""
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


# ------------------------------------------------------------------- indices of counts


@rewrite(
    lambda op: op is SLICE, "arange(n)[a:b:s] -> a + s * arange(m)", BITWISE,
    decreases="indexed", operands=reads(IOTA),
    examples=lambda: [iota((7,))[2:5], iota((7, 3), 0)[4], iota((7, 3), 0)[::-2, 1:]],
)  # fmt: skip
def slice_of_iota(node: Node) -> Node | None:
    """The count of the part: start + step * iota."""
    if node.inputs[0].op is not IOTA or not in_range(node):
        return None
    _, axis = node.inputs[0].params
    index = node.params[0]
    entry, shape = index[axis], sliced_shape(index)
    if not isinstance(entry, tuple):
        return broadcast_to(size(entry), shape)
    start, _, step = entry
    count = iota(shape, kept(index).index(axis))
    count = count if step == 1 else mul(count, size(step))
    return count if start == 0 else add(count, size(start))


# -------------------------------------------------------------------- indices of joins


def picked(node: Node) -> list[Node] | None:
    """The parts of a join that a slice of it names; None where that is not known."""
    joined, index = node.inputs[0], node.params[0]
    along = joined.params[0]
    shape, entry = shape_of(joined), index[along]
    parts: list[Node] = []
    start: DimLike = 0
    for piece in joined.inputs:
        own = shape_of(piece)
        if (*own[:along], *own[along + 1 :]) != (*shape[:along], *shape[along + 1 :]):
            return None
        found = _overlap(entry, start, own[along])
        if found is None:
            return None
        if found != ():
            parts.append(slice_by(piece, (*index[:along], found, *index[along + 1 :])))
            if not isinstance(entry, tuple):
                return parts
        start = start + own[along]
    back = isinstance(entry, tuple) and is_positive(-entry[2])
    return parts[::-1] if back else parts


def _overlap(entry: Any, start: DimLike, length: DimLike) -> Any:
    """The part of `entry` in a piece that starts at `start`; () for none."""
    if not isinstance(entry, tuple):
        place = entry - start
        if is_place(place, length):
            return place
        return () if is_nonnegative(place - length) else None
    first, count, step = entry
    if step == 1:
        low, high = dim_max(first, start), dim_min(first + count, start + length)
        if is_nonnegative(low - high):
            return ()
        if low not in (first, start) or high not in (first + count, start + length):
            return None
        return (low - start, high - low, 1) if is_nonnegative(high - low) else None
    if not all(isinstance(n, int) for n in (*entry, start, length)):
        return None
    within = [j for j in range(count) if 0 <= first + step * j - start < length]
    return (first + step * within[0] - start, len(within), step) if within else ()


@rewrite(
    lambda op: op is SLICE, "join(x, y)[i] -> x[i], where only x is read", BITWISE,
    operands=reads(JOIN), tags="drops",
    answers=("local_subtensor_of_join", "local_subtensor_make_vector"),
    examples=lambda: [concatenate([leaf(3), leaf(4, name="y")])[1],
                      concatenate([leaf(3, 2), leaf(4, 2, name="y")])[4:6, ::-1],
                      concatenate([leaf(2, 3), leaf(2, 4, name="y")], 1)[:, 2:0:-1]],
)  # fmt: skip
def slice_of_join(node: Node) -> Node | None:
    """The part of the one piece that all is read from."""
    parts = picked(node) if node.inputs[0].op is JOIN else None
    return parts[0] if parts is not None and len(parts) == 1 else None


# ---------------------------------------------------------- reading what was written


def _read(written: Index, read: Index) -> Index | None:
    """The index into what was written, when all that is read was written."""
    found = [inside(r, w) for r, w in zip(read, written, strict=True)]
    if None in found:
        return None
    return tuple(entry for entry in found if entry != DROPPED)  # pyright: ignore


def _set_example(mode: str, write: Index, read: Index) -> Node:
    base, value = leaf(6, 5), leaf(*sliced_shape(write), name="y")
    return slice_by(make(SET_SLICE, (base, value), (write, mode)), read)


@rewrite(
    term(SLICE, term(SET_SLICE, x, y, params=(P, "set")), params=(Q,)),
    "x[i].set(y)[j] -> y[k], j being part of i", BITWISE, tags="drops",
    answers=("local_subtensor_inc_subtensor", "local_read_of_write_same_indices",
             "local_slice_read_of_write"),
    examples=lambda: [_set_example("set", (2, (1, 3, 1)), (2, (1, 3, 1))),
                      _set_example("set", ((1, 4, 1), 0), ((4, 2, -2), 0)),
                      _set_example("set", ((0, 3, 2), (0, 5, 1)), (4, (1, 2, 1)))],
)  # fmt: skip
def slice_of_set(y: Node, P: Index, Q: Index) -> Node | None:
    """What was written there."""
    index = _read(P, Q)
    return None if index is None else slice_by(y, index)


@rewrite(
    term(SLICE, term(SET_SLICE, x, y, params=(P, "add")), params=(Q,)),
    "x[i].inc(y)[j] -> x[j] + y[k], j being part of i", BITWISE, decreases="indexed",
    answers=("local_subtensor_inc_subtensor", "local_read_of_write_same_indices",
             "local_slice_read_of_write"),
    examples=lambda: [_set_example("add", (2, (1, 3, 1)), (2, (1, 3, 1))),
                      _set_example("add", ((1, 4, 1), 0), (3, 0))],
)  # fmt: skip
def slice_of_inc(x: Node, y: Node, P: Index, Q: Index) -> Node | None:
    """What was there, and what was added."""
    index = _read(P, Q)
    return None if index is None else add(slice_by(x, Q), slice_by(y, index))


@rewrite(
    term(SLICE, term(SET_SLICE, x, y, params=(P, None)), params=(Q,)),
    "x[i].set(y)[j] -> x[j], j being elsewhere; also of inc", BITWISE, tags="drops",
    answers=("local_slice_read_of_write",
             "local_advanced_read_of_write_constant_indices"),
    examples=lambda: [_set_example("set", (2, (1, 3, 1)), (1, (0, 5, 1))),
                      _set_example("add", ((0, 3, 2), 0), ((1, 3, 2), 0))],
)  # fmt: skip
def slice_beside_write(x: Node, P: Index, Q: Index) -> Node | None:
    """What was there before."""
    return slice_by(x, Q) if any(map(are_apart, P, Q)) else None


INDEXING = ruleset(
    "indexing",
    [
        slice_whole, slice_without_step, slice_ones, squeeze_of_slice, slice_slice,
        slice_of_transpose, slice_of_expand, slice_of_squeeze, slice_of_broadcast,
        slice_of_specified, slice_of_reshape, slice_of_iota, slice_of_join,
        slice_of_set, slice_of_inc, slice_beside_write,
    ],
)  # fmt: skip
