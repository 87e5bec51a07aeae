"""Reading and writing at integer arrays: `gather` and `scatter`, two ops.

    gather(x, i0, i1, ...; axes)           out = x[..., i0, i1, ..., ...]
    scatter(x, y, i0, i1, ...; axes, mode) a copy of x with out[..., i0, i1, ...] = y

`axes` are consecutive axes of x, one per index array; the arrays broadcast against
each other and their common shape stands in the place of `axes[0]`, in the result of
gather and in y. An index from -n to n - 1 counts from either end, any other raises
IndexError while running. Scatter takes its elements in C order of y: with "set" the
last one written to a place stays, with "add" all are added. Everything else that
indexes (masks, take, x[i].set) is made of these two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Constant, Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.seams import slots
from symnb.core.types import ANY, TensorType, Type
from symnb.errors import DTypeError, ShapeError
from symnb.ops.cast import cast
from symnb.ops.create import iota, zeros, zeros_like
from symnb.ops.define import as_node, broadcast_pairs, broadcast_sizes, promoted
from symnb.ops.logic import equal, where
from symnb.ops.sizes import Pairs, Sizes, differ, equal_pairs, product
from symnb.ops.view import (
    BROADCAST_TO,
    broadcast_to,
    expand_dims,
    reshape,
    shape_of,
    squeeze,
    transpose,
)

Array = Any
Axes = tuple[int, ...]


# ------------------------------------------------------------------- inference


def _check_indices(x: TensorType, indices: Types, axes: Axes) -> None:
    wrong = [i for i in indices if not dtypes.is_integer(i.dtype)]
    if wrong:
        raise DTypeError(
            f"an index is made of integers, not {wrong[0]}.\n"
            'Fix: cast it with .astype("int64").'
        )
    if len(indices) != len(axes) or not axes:
        raise ShapeError(f"{len(indices)} index arrays for the axes {axes}.")
    if axes != tuple(range(axes[0], axes[0] + len(axes))) or axes[-1] >= x.ndim:
        raise ShapeError(f"{axes} are not consecutive axes of {x}.")


def _part_shape(x: TensorType, indices: Types, axes: Axes) -> Sizes:
    """The shape of what the index arrays name."""
    common = broadcast_sizes([index.shape for index in indices])
    return (*x.shape[: axes[0]], *common, *x.shape[axes[-1] + 1 :])


def _infer_gather(types: Types, params: Params) -> Type:
    x, *indices = types
    _check_indices(x, tuple(indices), params[0])
    return x.with_shape(_part_shape(x, tuple(indices), params[0]))


def _infer_scatter(types: Types, params: Params) -> Type:
    x, y, *indices = types
    axes, mode = params
    _check_indices(x, tuple(indices), axes)
    if mode not in ("set", "add"):
        raise ValueError(f'mode is "set" or "add", not {mode!r}.')
    if x.dtype != y.dtype:
        raise DTypeError(f"a part of {x} is set to {y}.\nFix: cast the value.")
    part = _part_shape(x, tuple(indices), axes)
    if len(part) != y.ndim or any(map(differ, part, y.shape)):
        raise ShapeError(f"a part of {x.with_shape(part)} is set to {y}.")
    return x


def _scatter_assumes(types: Types, params: Params) -> Pairs:
    x, y, *indices = types
    part = _part_shape(x, tuple(indices), params[0])
    pairs = broadcast_pairs([index.shape for index in indices])
    return [*pairs, *equal_pairs(part, y.shape)]


# ------------------------------------------------------------------- reference


def _places(indices: Sequence[Array], axes: Axes) -> tuple[Any, ...]:
    return (*[slice(None)] * axes[0], *indices)


def _gather(x: Array, *rest: Any) -> Array:
    *indices, axes = rest
    return x[_places(indices, axes)]


def _scatter(x: Array, y: Array, *rest: Any) -> Array:
    *indices, axes, mode = rest
    result = np.array(x)
    if mode == "set":
        result[_places(indices, axes)] = y
    else:
        np.add.at(result, _places(indices, axes), y)
    return result


# ----------------------------------------------------------------- derivatives


def _gather_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    x, *indices = node.operands
    dx = scatter(zeros_like(x, g.dtype), g, indices, node.params[0], "add")
    return [dx, *[None] * len(indices)]


def _gather_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dx = tangents[0]
    return None if dx is None else gather(dx, node.operands[1:], node.params[0])


def _scatter_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    x, y, *indices = node.operands
    axes, mode = node.params
    rest: list[Node | None] = [None] * len(indices)
    part = gather(g, indices, axes)
    if mode == "add":
        return [g, part, *rest]
    dx = scatter(g, zeros_like(part), indices, axes, "set")
    if _is_constant(y):
        return [dx, None, *rest]
    if not is_distinct(indices):
        part = where(_stays(x, indices, axes), part, 0)
    return [dx, part, *rest]


def _scatter_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dx, dy = tangents[:2]
    if dx is None and dy is None:
        return None
    x, y, *indices = node.operands
    dx = zeros_like(x) if dx is None else dx
    dy = zeros_like(y) if dy is None else dy
    return scatter(dx, dy, indices, *node.params)


def _is_constant(y: Node) -> bool:
    """Whether y is a constant, perhaps broadcast."""
    while y.op is BROADCAST_TO:
        y = y.inputs[0]
    return isinstance(y, Constant)


def is_distinct(indices: Sequence[Node]) -> bool:
    """Whether the indices are known to name no place twice."""
    if all(index.type.size == 1 for index in indices):  # pyright: ignore
        return True
    if len(indices) != 1:
        return False
    [index] = indices
    if isinstance(index, Constant):
        places = index.value
        within = bool((places >= 0).all() or (places < 0).all())
        return within and np.unique(places).size == places.size
    return "distinct" in index.op.tags


def _stays(x: Node, indices: Sequence[Node], axes: Axes) -> Node:
    """Whether an element of y is the last one written to its place.

    Every element writes its number there; the one that reads its own stays.
    """
    common = broadcast_sizes([shape_of(index) for index in indices])
    number = reshape(iota((product(common),)), common)
    board = zeros(tuple(shape_of(x)[axis] for axis in axes), "int64")
    first = tuple(range(len(axes)))
    last = gather(scatter(board, number, indices, first, "set"), indices, first)
    behind = x.ndim - axes[-1] - 1
    ndim = len(common)
    return expand_dims(equal(last, number), tuple(range(ndim, ndim + behind)))


# ------------------------------------------------------------------------- ops


GATHER = Op(
    name="gather", kind="gather", arity=None, params=("axes",), infer=_infer_gather,
    numpy=_gather, vjp=_gather_vjp, jvp=_gather_jvp, flops=0.0,
    assumes=lambda types, params: broadcast_pairs([t.shape for t in types[1:]]),
    doc="x[..., i0, i1, ...]: integer arrays index consecutive axes.",
)  # fmt: skip

SCATTER = Op(
    name="scatter", kind="scatter", arity=None, params=("axes", "mode"),
    infer=_infer_scatter, numpy=_scatter, vjp=_scatter_vjp, jvp=_scatter_jvp,
    assumes=_scatter_assumes, flops=1.0,
    doc='x with x[..., i0, i1, ...] = y (mode "set") or += y (mode "add").',
)  # fmt: skip


def gather(x: Node, indices: Sequence[Node], axes: Sequence[int]) -> Node:
    """x at integer arrays that index the consecutive `axes`."""
    return make(GATHER, (x, *indices), (tuple(axes),))


def scatter(
    x: Node, y: Node, indices: Sequence[Node], axes: Sequence[int], mode: str = "set"
) -> Node:
    """x with y written at, or with mode "add" added to, what `gather` would read.

    y has the dtype of x and the shape of that gather.
    """
    return make(SCATTER, (x, y, *indices), (tuple(axes), mode))


# --------------------------------------------------- indices on any of the axes


def arranged(x: Node, entries: Sequence[Node | None]) -> tuple[Node, Axes, Axes]:
    """x with its indexed axes next to each other: (that, their axes, permutation).

    Indexed axes that are apart come first, as NumPy puts their shape first.
    """
    axes = tuple(axis for axis, entry in enumerate(entries) if entry is not None)
    if axes == tuple(range(axes[0], axes[0] + len(axes))):
        return x, axes, tuple(range(x.ndim))
    rest = tuple(axis for axis, entry in enumerate(entries) if entry is None)
    order = (*axes, *rest)
    return transpose(x, order), tuple(range(len(axes))), order


def gather_index(x: Node, entries: Sequence[Node | None]) -> Node:
    """x at `entries`: one per axis, None for a whole axis, else an integer tensor."""
    indices = [entry for entry in entries if entry is not None]
    if x.type is ANY or any(index.type is ANY for index in indices):
        return make(GATHER, (x, *indices), (None,))
    near, axes, _ = arranged(x, entries)
    return gather(near, indices, axes)


def scatter_index(x: Node, entries: Sequence[Node | None], y: Any, mode: str) -> Node:
    """x with y written to what `gather_index(x, entries)` reads."""
    indices = [entry for entry in entries if entry is not None]
    near, axes, order = arranged(x, entries)
    shape = _part_shape(near.type, tuple(i.type for i in indices), axes)  # pyright: ignore
    written = scatter(near, fitted(y, x.dtype, shape), indices, axes, mode)
    return transpose(written, tuple(np.argsort(order).tolist()))


def fitted(value: Any, dtype: str, shape: Sizes) -> Node:
    """`value` in a part of `shape` of a tensor of `dtype`, as NumPy assigns.

    Numbers are cast within their kind or to a wider one (int64 to int32, int to
    float). Raises DTypeError where that would lose more (float to int) and
    ShapeError where the shapes do not broadcast.
    """
    weak = type(value) in (bool, int, float)
    node = promoted([value, zeros((), dtype)])[0] if weak else as_node(value)
    if not np.can_cast(node.dtype, dtype, "same_kind"):
        raise DTypeError(
            f"{node.type} is written into a tensor of {dtype}.\n"
            f"Fix: cast the tensor to {node.dtype}, or the value with "
            f'.astype("{dtype}").'
        )
    extra = node.ndim - len(shape)
    if extra > 0 and all(one == 1 for one in shape_of(node)[:extra]):
        node = squeeze(node, tuple(range(extra)))
    return broadcast_to(cast(node, dtype), shape)


slots.fill(gather_index=gather_index)
