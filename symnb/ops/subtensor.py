"""Writing parts: `set_subtensor(x[...], y)`, `x[...].inc(y)`, diagonals, one-hot.

Graphs are functional: the result is a new tensor, x with the part replaced; whether
storage is reused is for the memory plan to decide. `x[...]` remembers on its tag
which tensor and index it came from, and this file reads that. A part that is a view
is written by `set_slice`, one named by arrays by `scatter`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnb.core import dtypes
from symnb.core.node import Node, as_dim
from symnb.core.seams import slots
from symnb.errors import DTypeError, RankError, ShapeError
from symnb.ops.cast import cast
from symnb.ops.create import iota
from symnb.ops.define import as_node
from symnb.ops.getitem import Item, gathered, sliced
from symnb.ops.index import fitted, gather, scatter_index
from symnb.ops.logic import equal, where
from symnb.ops.slicing import full_index, set_slice, slice_by, sliced_shape
from symnb.ops.view import expand_dims, reshape, shape_of
from symnb.options import config


def set_subtensor(
    x: Node, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False
) -> Node:
    """The tensor that `x = base[index]` is a part of, with that part equal to y.

    y  broadcasts to the part and is cast within its kind (int64 to int32; a float
       into integers is an error). Where the index names a place twice the last
       write stays, as in NumPy.

    The other arguments are Theano's and without effect: nothing is overwritten.
    """
    return _written(x, y, "set")


def inc_subtensor(
    x: Node, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False,
    set_instead_of_inc: bool = False,
) -> Node:  # fmt: skip
    """The tensor that `x = base[index]` is a part of, with that part increased by y.

    Where the index names a place several times all are added, as np.add.at does.
    """
    return _written(x, y, "set" if set_instead_of_inc else "add")


def _written(part: Node, y: Any, mode: str) -> Node:
    """The base of `part` with y written to it; a part of nothing is all of itself."""
    base, items = getattr(part.tag, "part_of", (part, None))
    if items is None:
        items = (slice(None),) * part.ndim
    if any(isinstance(item, Node) for item in items):
        return _write_arrays(base, items, y, mode)
    return _write_slice(base, items, y, mode)


def _write_slice(base: Node, items: Sequence[Item], y: Any, mode: str) -> Node:
    index, new_axes = sliced(base, items)
    wide = shape_of(expand_dims(slice_by(base, index), new_axes))
    value = reshape(fitted(y, base.dtype, wide), sliced_shape(index))
    if index == full_index(base):
        return value if mode == "set" else base + value
    return set_slice(base, value, index, mode)


def _write_arrays(base: Node, items: Sequence[Item], y: Any, mode: str) -> Node:
    views, entries = gathered(items)
    index, new_axes = sliced(base, views)
    part = expand_dims(slice_by(base, index), new_axes)
    written = scatter_index(part, entries, y, mode)
    whole = reshape(written, sliced_shape(index))
    return whole if index == full_index(base) else set_slice(base, whole, index)


# ------------------------------------------------------------ diagonal and one-hot


def fill_diagonal(a: Any, val: Any) -> Node:
    """a with the scalar `val` where all indices are equal.

    A matrix may be rectangular; with more axes all sizes are the same.
    """
    node = as_node(a)
    if node.ndim < 2:
        raise RankError(f"the diagonal of {node.type}, which has less than two axes.")
    lengths = shape_of(node)
    known = {n for n in lengths if isinstance(n, int)}
    if node.ndim > 2 and len(known) > 1:
        raise ShapeError(f"a diagonal of {node.type}, whose sizes are not all equal.")
    counts = [iota(_line(node.ndim, i, n), i) for i, n in enumerate(lengths)]
    on = equal(counts[0], counts[1])
    for count in counts[2:]:
        on = on & equal(counts[0], count)
    return where(on, _scalar(val, node.dtype), node)


def _line(ndim: int, axis: int, length: Any) -> tuple[Any, ...]:
    return tuple(length if i == axis else 1 for i in range(ndim))


def _scalar(value: Any, dtype: str) -> Node:
    node = fitted(value, dtype, ()) if not isinstance(value, Node) else value
    if node.ndim:
        raise RankError(f"a diagonal is filled with a scalar, not {node.type}.")
    return fitted(node, dtype, ())


def fill_diagonal_offset(a: Any, val: Any, offset: Any) -> Node:
    """The matrix a with `val` where column = row + offset."""
    node = as_node(a)
    if node.ndim != 2:
        raise RankError(f"a matrix is needed, not {node.type}.")
    n, m = shape_of(node)
    on = equal(iota((n, 1), 0) + offset, iota((1, m), 1))
    return where(on, _scalar(val, node.dtype), node)


def to_one_hot(y: Any, nb_class: Any, dtype: Any = None) -> Node:
    """One row of `nb_class` zeros per entry of y, with a one at column y.

    dtype  config.floatX by default

    Labels below 0 count from the end. Raises BoundsError at a call whose labels are
    outside [-nb_class, nb_class).
    """
    labels = as_node(y)
    if not dtypes.is_integer(labels.dtype):
        raise DTypeError(f"labels are integers, not {labels.type}.")
    classes = iota((as_dim(nb_class),))
    hits = equal(expand_dims(gather(classes, [labels], (0,)), -1), classes)
    return cast(hits, config.floatX if dtype is None else dtype)


slots.fill(set_subtensor=set_subtensor, inc_subtensor=inc_subtensor)
