"""Diagonals: read as a view, written as a comparison of row and column.

`diagonal` drops two axes and puts the diagonal last, as NumPy does; `embed` is its
transpose, zeros off the diagonal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core.dims import DimLike, dim_max, dim_min
from symnb.core.node import Node, make
from symnb.core.op import Params, Types
from symnb.core.seams import slots
from symnb.core.types import ANY, Type
from symnb.errors import AxisError, RankError
from symnb.ops import reduce
from symnb.ops.create import iota, zeros
from symnb.ops.define import View, as_node
from symnb.ops.join import concatenate
from symnb.ops.logic import equal, where
from symnb.ops.sizes import Sizes, normal_axis
from symnb.ops.view import expand_dims, moveaxis, same_view, shape_of


def _length(n: DimLike, m: DimLike, offset: int) -> DimLike:
    """The number of elements on a diagonal of an n by m matrix."""
    return dim_max(dim_min(n + min(offset, 0), m - max(offset, 0)), 0)


def _infer(types: Types, params: Params) -> Type:
    shape, (offset, axis1, axis2) = types[0].shape, params
    rest = [one for axis, one in enumerate(shape) if axis not in (axis1, axis2)]
    length = _length(shape[axis1], shape[axis2], offset)
    return types[0].with_shape((*rest, length))


def _index(node: Node, out: Sizes) -> Sizes:
    offset, axis1, axis2 = node.params
    *others, i = out
    rest = iter(others)
    place = {axis1: i + max(-offset, 0), axis2: i + max(offset, 0)}
    ndim = node.inputs[0].ndim
    return tuple(place[axis] if axis in place else next(rest) for axis in range(ndim))


def _vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    offset, axis1, axis2 = node.params
    shape = shape_of(node.inputs[0])
    matrix = embed(g, offset, shape[axis1], shape[axis2])
    return [moveaxis(matrix, (-2, -1), (axis1, axis2))]


DIAGONAL = View(
    name="diagonal", params=("offset", "axis1", "axis2"), infer=_infer, index=_index,
    numpy=np.diagonal, vjp=_vjp, jvp=same_view, flops=0.0,
    doc="The diagonal of two axes, as the last axis.",
)  # fmt: skip


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
    """The elements whose index on axis2 is that on axis1 plus `offset`.

    The two axes are dropped and the diagonal is the last axis.
    """
    node = as_node(x)
    if node.type is ANY:
        return make(DIAGONAL, (node,), (offset, axis1, axis2))
    if node.ndim < 2:
        raise RankError(f"the diagonal of {node.type}, which has less than two axes.")
    first, second = normal_axis(axis1, node.ndim), normal_axis(axis2, node.ndim)
    if first == second:
        raise AxisError(f"a diagonal of axis {first} with itself.")
    return make(DIAGONAL, (node,), (int(offset), first, second))


def embed(x: Node, offset: int, n: DimLike, m: DimLike) -> Node:
    """(..., n, m) with the last axis of x on a diagonal and zeros elsewhere."""
    before = max(-offset, 0)
    after = n - before - shape_of(x)[-1]
    parts = [x]
    if before:
        parts.insert(0, zeros((*shape_of(x)[:-1], before), x.dtype))
    if after != 0:
        parts.append(zeros((*shape_of(x)[:-1], dim_max(after, 0)), x.dtype))
    rows = concatenate(parts, -1)
    row = iota((n, 1), 0)
    on = equal(row + offset if offset else row, iota((1, m), 1))
    return where(on, expand_dims(rows, -1), 0)


def diag(x: Any, k: int = 0) -> Node:
    """A vector as a diagonal matrix, or the k-th diagonal of a matrix."""
    node = as_node(x)
    if node.ndim == 1:
        n = shape_of(node)[0] + abs(k)
        return embed(node, k, n, n)
    if node.ndim != 2:
        raise RankError(f"diag of {node.type}.\nFix: give a vector or a matrix.")
    return diagonal(node, k)


def diagflat(x: Any, k: int = 0) -> Node:
    """The elements of x, in C order, as a diagonal matrix."""
    return diag(as_node(x).flatten(), k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
    """Sum along a diagonal."""
    return reduce.sum(diagonal(x, offset, axis1, axis2), -1)


slots.fill(diagonal=diagonal, trace=trace)
