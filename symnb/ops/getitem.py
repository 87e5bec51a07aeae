"""`x[...]`: basic indexing becomes slices and new axes, the rest becomes gathers.

The index is read once, item by item. Without arrays the result is a view. With
arrays or masks, the slices are applied first and `gather_index` gets one entry per
axis of what is left: None for a whole axis, else an integer tensor; masks have
become the integer vectors of their nonzero places.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.dims import Dim, DimLike, is_nonnegative, is_positive, substitute
from symnb.core.node import Node, Shape, known_dim, make, size
from symnb.core.seams import slots
from symnb.core.types import ANY
from symnb.errors import AxisError, DTypeError
from symnb.ops.define import as_node
from symnb.ops.sizes import here, positive_atoms
from symnb.ops.slicing import SLICE, Entry, full_index, slice_by, span_of
from symnb.ops.view import expand_dims, shape_of

Item = Any  # None | slice | int | Dim | Node (integer scalar or array)


def getitem(x: Any, index: Any) -> Node:
    """NumPy's `x[index]`: integers, slices, None, Ellipsis, integer arrays, masks.

    An integer known when the graph is built is checked when it is built or called;
    one known only while running raises IndexError then.
    """
    node = as_node(x)
    if node.type is ANY:
        return make(SLICE, (node,), (index,))
    items = _with_signs(node, read_index(node, index))
    if any(isinstance(item, Node) for item in items):
        views, entries = gathered(items)
        part = slots["gather_index"](basic(node, views), entries)
    else:
        part = basic(node, items)
    if part is node and getattr(node.labels, "part_of", None) is not None:
        part = make(SLICE, (node,), (full_index(node),))  # y[1:][:] is a part of y[1:]
    if part is not node:
        part.tag.part_of = (node, tuple(items))  # for set_subtensor(x[...], y)
    return part


def read_index(x: Node, index: Any) -> list[Item]:
    """One item per axis and new axis, masks resolved, the Ellipsis written out.

    Raises AxisError for too many items and DTypeError for what is no index.
    """
    raw = list(index) if _is_tuple(index) else [index]
    items = [_read_item(item) for item in raw]
    used = sum(map(_axes_of, items))
    if used > x.ndim:
        raise AxisError(
            f"{used} indices for a tensor with {x.ndim} axes, {x.type}.{here()}\n"
            "Fix: give at most one per axis."
        )
    dots = [at for at, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise AxisError("an index has at most one Ellipsis (...).")
    at = dots[0] if dots else len(items)
    whole = [slice(None)] * (x.ndim - used)
    return _without_masks(x, [*items[:at], *whole, *items[at + 1 :]])


def _axes_of(item: Item) -> int:
    """How many axes of the tensor an item stands for."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if _is_mask(item) else 1


def _is_mask(item: Item) -> bool:
    return isinstance(item, Node) and item.dtype == "bool"


def _without_masks(x: Node, items: Sequence[Item]) -> list[Item]:
    """Masks become their nonzero places; each has the sizes of the axes it masks."""
    result: list[Item] = []
    axis = 0
    for item in items:
        count = _axes_of(item)
        if _is_mask(item):
            sizes = shape_of(x)[axis : axis + count]
            result += slots["mask_places"](item, sizes)
        else:
            result.append(item)
        axis += count
    return result


def _is_tuple(index: Any) -> bool:
    return isinstance(index, tuple) and not isinstance(index, Shape)


def _read_item(item: Any) -> Item:
    if item is None or item is Ellipsis or isinstance(item, slice | Dim):
        return item
    if isinstance(item, bool | np.bool_):
        raise DTypeError(
            "a bool is no index.\nFix: use T.switch, or a mask with the tensor's axes."
        )
    if isinstance(item, int | np.integer):
        return operator.index(item)
    node = as_node(item)
    if isinstance(item, list | tuple) and not len(item):
        node = as_node(np.zeros(0, "int64"))
    if node.type is ANY or (node.dtype == "bool" and node.ndim):
        return node
    if not dtypes.is_integer(node.dtype):
        raise DTypeError(
            f"an index is made of integers, not {node.type}.\n"
            'Fix: cast it with .astype("int64").'
        )
    return _scalar(node) if node.ndim == 0 else node


def _scalar(node: Node) -> Item:
    """An int or size as it is, else the node."""
    known = known_dim(node)
    return node if known is None else known


def _with_signs(x: Node, items: Sequence[Item]) -> list[Item]:
    """The items; a size of which it is not known whether it is >= 0 as a node.

    x[n - 1] of n elements counts as known: with n = 0 no index is right.
    """
    shape = iter(shape_of(x))
    result: list[Item] = []
    for item in items:
        length = 0 if item is None else next(shape)
        if isinstance(item, Dim) and not _has_sign(item, length):
            item = size(item)
        result.append(item)
    return result


def _has_sign(item: Dim, length: DimLike) -> bool:
    nonempty = substitute(item, positive_atoms(length))
    return is_nonnegative(nonempty) or is_positive(-item)


def basic(x: Node, items: Sequence[Item]) -> Node:
    """The view that integers, slices and None name."""
    entries, new_axes = sliced(x, items)
    return expand_dims(slice_by(x, entries), new_axes)


def sliced(x: Node, items: Sequence[Item]) -> tuple[tuple[Entry, ...], list[int]]:
    """The slice of x that integers and slices name, and the places of new axes."""
    shape = iter(shape_of(x))
    entries: list[Entry] = []
    new_axes: list[int] = []
    place = 0
    for item in items:
        if item is None:
            new_axes.append(place)
            place += 1
            continue
        length = next(shape)
        if isinstance(item, slice):
            entries.append(span_of(item, length))
            place += 1
        else:
            entries.append(item + length if is_positive(-item) else item)
    return tuple(entries), new_axes


def gathered(items: Sequence[Item]) -> tuple[list[Item], tuple[Node | None, ...]]:
    """Items with arrays in two steps: the basic ones, then entries of a gather."""
    arrays = any(isinstance(item, Node) and item.ndim for item in items)
    views: list[Item] = []
    entries: list[Node | None] = []
    for item in items:
        if isinstance(item, Node):
            views.append(slice(None))
            entries.append(item)
        elif item is None or isinstance(item, slice):
            views.append(item)
            entries.append(None)
        elif arrays:
            views.append(slice(None))
            entries.append(size(item))
        else:
            views.append(item)
    return views, tuple(entries)


slots.fill(getitem=getitem)
