"""Selecting elements: take, choose, compress and what else is made of gathers.

Each is NumPy's function of that name, written with `x[...]`, `gather` and
elementwise ops; gradients, C and fusion follow from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core.dims import DimLike
from symnb.core.node import Node, make, size
from symnb.core.seams import slots
from symnb.core.types import ANY
from symnb.errors import DTypeError, RankError, ShapeError
from symnb.ops.arithmetic import clip, mod
from symnb.ops.cast import cast
from symnb.ops.create import iota
from symnb.ops.define import as_node, broadcast_sizes, promoted
from symnb.ops.getitem import getitem
from symnb.ops.index import GATHER, fitted, gather, scatter
from symnb.ops.join import stack
from symnb.ops.logic import where
from symnb.ops.masks import flatnonzero
from symnb.ops.sizes import Sizes, as_sizes, normal_axis, product
from symnb.ops.view import broadcast_arrays, expand_dims, reshape, shape_of


def _index(indices: Any) -> Node:
    """`indices` as an integer tensor."""
    node = as_node(indices)
    if isinstance(indices, list | tuple) and not len(indices):
        return as_node(np.zeros(0, "int64"))
    if node.type is not ANY and not np.can_cast(node.dtype, "int64", "same_kind"):
        raise DTypeError(
            f"indices are integers, not {node.type}.\n"
            'Fix: cast them with .astype("int64").'
        )
    return cast(node, "int64") if node.dtype == "bool" else node


def _in_range(index: Node, length: Node, mode: str) -> Node:
    """The index after NumPy's mode: "raise" (while running), "wrap" or "clip"."""
    if mode == "raise":
        return index
    whole = cast(index, "int64")
    if mode == "wrap":
        return mod(whole, length)
    if mode == "clip":
        return clip(whole, 0, length - 1)
    raise ValueError(f'mode is "raise", "wrap" or "clip", not {mode!r}.')


def take(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Node:
    """The elements of x at `indices` along `axis` (None: of the flattened x).

    mode  what happens out of range: raise (-n to -1 count from the end) | wrap | clip
    """
    node, index = as_node(x), _index(indices)
    if node.type is ANY or index.type is ANY:
        return make(GATHER, (node, index), (axis,))
    if axis is None:
        node, axis = reshape(node, -1), 0
    place = normal_axis(axis, node.ndim)
    found = _in_range(index, node.shape[place], mode)
    return getitem(node, (slice(None),) * place + (found,))


def _grid(x: Node, index: Node, axis: int) -> list[Node]:
    """Index arrays that name, for each place of `index`, that place along `axis`."""
    entries: list[Node] = []
    for other, length in enumerate(shape_of(x)):
        shape: list[DimLike] = [1] * x.ndim
        shape[other] = length
        entries.append(index if other == axis else iota(tuple(shape), other))
    return entries


def _along(x: Any, indices: Any, axis: int | None) -> tuple[Node, Node, int]:
    node, index = as_node(x), _index(indices)
    if axis is None:
        node, index, axis = reshape(node, -1), reshape(index, -1), 0
    if index.ndim != node.ndim:
        raise RankError(
            f"indices with {index.ndim} axes along an axis of {node.type}.\n"
            "Fix: give indices with as many axes as the tensor."
        )
    return node, index, normal_axis(axis, node.ndim)


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Node:
    """Elements of x along `axis`, a different index in each place.

    out[i, j] = x[indices[i, j], j] for axis 0; the other sizes broadcast. `indices`
    is often the result of argsort. axis=None reads the flattened x.
    """
    node, index, place = _along(x, indices, axis)
    return gather(node, _grid(node, index, place), tuple(range(node.ndim)))


def put_along_axis(x: Any, indices: Any, values: Any, axis: int | None = -1) -> Node:
    """x with out[indices[i, j], j] = values[i, j] for axis 0, and so on.

    Unlike NumPy's, which writes into x.
    """
    node, index, place = _along(x, indices, axis)
    grid = _grid(node, index, place)
    shape = broadcast_sizes([shape_of(entry) for entry in grid])
    value = fitted(values, node.dtype, shape)
    written = scatter(node, value, grid, tuple(range(node.ndim)))
    return reshape(written, shape_of(as_node(x)))


def choose(a: Any, choices: Any, mode: str = "raise") -> Node:
    """out[i] = choices[a[i]][i], everything broadcast to one shape.

    choices  a list of tensors, or one tensor whose first axis counts them
    mode     raise | wrap | clip, for entries of `a` that name no choice; with raise
             negative ones are out of range too
    """
    index = _index(a)
    many = choices if isinstance(choices, list | tuple) else [as_node(choices)]
    if isinstance(choices, list | tuple):
        table = stack(broadcast_arrays(*promoted([as_node(c) for c in many])))
    else:
        table = many[0]
    count = table.shape[0]
    found = _in_range(cast(index, "int64"), count, mode)
    if mode == "raise":
        found = where(found < 0, count, found)  # beyond the end: raises
    shape = broadcast_sizes([shape_of(index), shape_of(table)[1:]])
    ndim = len(shape)
    missing = ndim - table.ndim + 1
    table = expand_dims(table, tuple(range(1, 1 + missing)))
    wide = expand_dims(found, tuple(range(ndim - found.ndim)))
    grid = _grid(table, expand_dims(wide, 0), 0)
    lines = [reshape(one, shape_of(one)[1:]) for one in grid[1:]]
    return gather(table, [wide, *lines], tuple(range(table.ndim)))


def compress(condition: Any, x: Any, axis: int | None = None) -> Node:
    """The slices of x along `axis` for which the vector `condition` is true.

    axis=None takes elements of the flattened x. A condition shorter than the axis
    leaves the rest out.
    """
    mask = as_node(condition)
    if mask.ndim != 1:
        raise RankError(f"the condition is a vector, not {mask.type}.")
    return take(x, flatnonzero(mask), axis)


def nonzero_values(x: Any) -> Node:
    """The nonzero elements of x in C order."""
    node = as_node(x)
    return getitem(reshape(node, -1), flatnonzero(reshape(node, -1)))


def ravel_multi_index(multi_index: Sequence[Any], dims: Any) -> Node:
    """The C-order positions of the places that the index tensors name.

    Indices are taken to be in range.
    """
    sizes = as_sizes(dims)
    indices = [cast(_index(one), "int64") for one in multi_index]
    if len(indices) != len(sizes) or not sizes:
        raise ShapeError(f"{len(indices)} indices for {len(sizes)} sizes.")
    place = indices[0]
    for index, length in zip(indices[1:], sizes[1:], strict=True):
        place = place * size(length) + index
    return place


def unravel_index(indices: Any, shape: Any) -> tuple[Node, ...]:
    """One index tensor per axis of `shape` for C-order positions, taken in range."""
    flat = cast(_index(indices), "int64")
    sizes: Sizes = as_sizes(shape)
    return tuple(
        flat // size(product(sizes[axis + 1 :])) % size(length)
        for axis, length in enumerate(sizes)
    )


def inverse_permutation(permutation: Any) -> Node:
    """The permutation that undoes `permutation`, along the last axis."""
    node = _index(permutation)
    counted = iota(shape_of(node), node.ndim - 1)
    return put_along_axis(counted, node, counted)


def permute_row_elements(x: Any, permutation: Any, inverse: bool = False) -> Node:
    """x with the elements of its last axis in the order `permutation`.

    inverse  undo that order instead; other axes broadcast
    """
    node, order = as_node(x), _index(permutation)
    if inverse:
        order = inverse_permutation(order)
    ndim = max(node.ndim, order.ndim)
    node = expand_dims(node, tuple(range(ndim - node.ndim)))
    order = expand_dims(order, tuple(range(ndim - order.ndim)))
    return take_along_axis(node, order)


def slice_at_axis(x: Any, part: slice, axis: int) -> Node:
    """x[..., part, ...] with the slice at `axis`."""
    node = as_node(x)
    return getitem(node, (slice(None),) * normal_axis(axis, node.ndim) + (part,))


slots.fill(
    take=take, choose=choose, compress=compress, nonzero_values=nonzero_values,
)  # fmt: skip
