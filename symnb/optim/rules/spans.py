"""Arithmetic of index entries: what a slice of a slice names, what two have in common.

An entry stands for one axis: a size i (that place, the axis is dropped) or a span
(start, size, step), as in `ops/slicing.py`. Everything here is exact for every value
of the sizes; what cannot be proven is answered None or False. A few microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnb.core.dims import DimLike, is_nonnegative, is_positive, prove_le, prove_lt
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.sizes import Sizes
from symnb.ops.slicing import Entry, Index, Span
from symnb.ops.view import shape_of

DROPPED = "dropped"  # in place of an entry: the axis is not there


def leaf(*shape: DimLike, name: str = "x", dtype: str = "float64") -> Node:
    """A graph input, for examples."""
    return Input(TensorType(dtype, shape), name)


def is_whole(entry: Entry, length: DimLike) -> bool:
    """Whether an entry names all of an axis, in order."""
    return isinstance(entry, tuple) and entry == (0, length, 1)


def is_full(index: Index, shape: Sizes) -> bool:
    """Whether an index names all of a tensor."""
    return all(map(is_whole, index, shape))


def is_place(entry: Entry, length: DimLike) -> bool:
    """Whether an entry is a span or a place proven to lie in the axis."""
    return isinstance(entry, tuple) or (
        is_nonnegative(entry) and is_positive(length - entry)
    )


def in_range(node: Node) -> bool:
    """Whether all places an index names are proven to lie in their axes."""
    return all(map(is_place, node.params[0], shape_of(node.inputs[0])))


def kept(index: Index) -> list[int]:
    """The axes of the operand that the part still has."""
    return [axis for axis, entry in enumerate(index) if isinstance(entry, tuple)]


def composed(span: Span, then: Entry) -> Entry:
    """The entry for x[span][then]: start + step * (start' + step' * j)."""
    start, _, step = span
    if isinstance(then, tuple):
        return start + step * then[0], then[1], step * then[2]
    return start + step * then


def is_checked(span: Span, then: Entry, length: DimLike) -> bool:
    """Whether x[composed(span, then)] raises where x[span][then] would.

    Either `then` is proven to lie in the span, or the span reaches to the end of the
    axis and the composed place lies in the axis only if `then` lies in the span.
    """
    start, count, step = span
    if isinstance(then, tuple) or is_place(then, count):
        return True
    return (
        is_positive(step)
        and is_nonnegative(then)
        and is_nonnegative(start)
        and prove_le(length, start + step * count)
    )


def plain(entry: Entry) -> Entry:
    """A span of one or no element with step 1, as there is no next one."""
    if isinstance(entry, tuple) and entry[2] != 1:
        if entry[1] == 1:
            return entry[0], 1, 1
        if entry[1] == 0:
            return 0, 0, 1
    return entry


def inside(read: Entry, written: Entry) -> Entry | str | None:
    """Where, in what was written to `written`, the places of `read` are.

    DROPPED for the same single place, None if not all are proven to be there.
    """
    if not isinstance(written, tuple):
        return DROPPED if read == written else None
    start, count, step = written
    if read == written:
        return 0, count, 1
    if not isinstance(read, tuple):
        place = _divided(read - start, step)
        if place is None or not is_place(place, count):
            return None
        return place
    first, stride = _divided(read[0] - start, step), _divided(read[2], step)
    if first is None or stride is None or not is_nonnegative(first):
        return None
    last = first + stride * (read[1] - 1)
    if stride == 1 and prove_le(first + read[1], count):
        return first, read[1], 1
    if prove_lt(first, count) and is_nonnegative(last) and prove_lt(last, count):
        return first, read[1], stride
    return None


def _divided(a: DimLike, b: DimLike) -> DimLike | None:
    """a / b where that is known to be whole."""
    if b == 1:
        return a
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return None


def are_apart(a: Entry, b: Entry) -> bool:
    """Whether two entries of one axis are proven to share no place."""
    low_a, high_a = _bounds(a)
    low_b, high_b = _bounds(b)
    if None in (low_a, low_b):
        return False
    if prove_lt(high_a, low_b) or prove_lt(high_b, low_a):  # pyright: ignore
        return True
    return _in_other_classes(a, b)


def _bounds(entry: Entry) -> tuple[DimLike | None, DimLike | None]:
    """The least and the greatest place of an entry; of none, some last < first."""
    if not isinstance(entry, tuple):
        return entry, entry
    start, count, step = entry
    end = start + step * (count - 1)
    if is_positive(step):
        return start, end
    return (end, start) if is_positive(-step) else (None, None)


def _in_other_classes(a: Entry, b: Entry) -> bool:
    """Whether two spans of one step have different remainders: evens and odds."""
    (p, s), (q, t) = ((e[0], e[2]) if isinstance(e, tuple) else (e, 0) for e in (a, b))
    step = s or t
    gap = p - q
    same = isinstance(step, int) and step and s in (0, step) and t in (0, step)
    return bool(same) and isinstance(gap, int) and gap % step != 0  # pyright: ignore


def aligned(index: Index, operand: Sizes, whole: Sizes) -> Index | None:
    """The index of an operand that broadcasts to `whole`, which `index` is for.

    None where a size is neither that of the whole nor 1.
    """
    lost = len(whole) - len(operand)
    found: list[Any] = []
    for entry, one, size in zip(index[lost:], operand, whole[lost:], strict=True):
        if one == size:
            found.append(entry)
        elif one == 1:
            found.append((0, 1, 1) if isinstance(entry, tuple) else 0)
        else:
            return None
    return tuple(found)


def ranks(axes: Sequence[int]) -> dict[int, int]:
    """Axis -> its place among `axes`."""
    return {axis: rank for rank, axis in enumerate(sorted(axes))}
