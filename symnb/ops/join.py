"""Joining tensors along an axis, stacking them along a new one, taking them apart.

`join` is the one op; stacks put a new axis first and splits are slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core.dims import DimLike, dim_max, dim_min
from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.seams import slots
from symnb.core.types import ANY, Type
from symnb.errors import RankError, ShapeError
from symnb.ops.create import zeros_like
from symnb.ops.define import as_node, promoted
from symnb.ops.sizes import (
    Pairs,
    as_sizes,
    differ,
    equal_pairs,
    here,
    normal_axis,
)
from symnb.ops.slicing import slice_axis
from symnb.ops.view import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    expand_dims,
    shape_of,
    specify_like,
    specify_shape,
)


def _infer(types: Types, params: Params) -> Type:
    axis = params[0]
    shape = list(types[0].shape)
    total: DimLike = 0
    for type in types:
        if type.ndim != len(shape):
            raise RankError(
                f"join of tensors with {len(shape)} and {type.ndim} axes.\n"
                "Fix: give all the same number of axes, or use stack."
            )
        total = total + type.shape[axis]
        for at, one in enumerate(type.shape):
            if at != axis and differ(one, shape[at]):
                raise ShapeError(
                    f"join along axis {axis} of sizes {shape[at]} and {one} on axis "
                    f"{at}.\nFix: all other sizes should be equal."
                )
            shape[at] = one if isinstance(one, int) else shape[at]
    shape[axis] = total
    return types[0].with_shape(tuple(shape))


def _assumes(types: Types, params: Params) -> Pairs:
    whole = list(_infer(types, params).shape)  # pyright: ignore
    pairs: Pairs = []
    for type in types:
        whole[params[0]] = type.shape[params[0]]
        pairs += equal_pairs(whole, type.shape)
    return list(dict.fromkeys(pairs))


def _vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    (axis,) = node.params
    parts = split_by(g, [shape_of(x)[axis] for x in node.inputs], axis)
    return [specify_like(p, x) for p, x in zip(parts, node.inputs, strict=True)]


def _jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    if all(dx is None for dx in tangents):
        return None
    pairs = zip(tangents, node.inputs, strict=True)
    parts = [zeros_like(x) if dx is None else dx for dx, x in pairs]
    return make(JOIN, tuple(parts), node.params)


JOIN = Op(
    name="join", kind="join", arity=None, params=("axis",), infer=_infer,
    numpy=lambda *args: np.concatenate(args[:-1], axis=args[-1]),
    assumes=_assumes, vjp=_vjp, jvp=_jvp, flops=0.0,
    doc="The operands one after the other along an axis.",
)  # fmt: skip


def concatenate(tensors: Sequence[Any], axis: Any = 0) -> Node:
    """The tensors one after the other along an axis; their dtypes are promoted.

    axis  None flattens them first
    """
    nodes = [as_node(x) for x in tensors]
    if not nodes:
        raise ShapeError("join of no tensors.\nFix: give at least one.")
    if any(node.type is ANY for node in nodes):
        return make(JOIN, tuple(nodes), (axis,))
    if axis is None:
        nodes, axis = [node.flatten() for node in nodes], 0
    if any(node.ndim == 0 for node in nodes):
        raise RankError(
            "join of a scalar.\nFix: use stack, which makes an axis for it."
        )
    place = normal_axis(axis, nodes[0].ndim)
    parts = promoted(nodes)
    return parts[0] if len(parts) == 1 else make(JOIN, parts, (place,))


def join(axis: Any, *tensors: Any) -> Node:
    """Theano's order of arguments for `concatenate`."""
    return concatenate(tensors, axis)


def stack(*tensors: Any, axis: int | None = None) -> Node:
    """The tensors, of one shape, along a new axis.

    Both `stack([a, b], axis)` and Theano's older `stack(a, b)`.
    """
    parts: Sequence[Any] = tensors
    if tensors and isinstance(tensors[0], list | tuple):
        parts = tensors[0]
        axis = tensors[1] if len(tensors) > 1 else axis
    place = 0 if axis is None else axis
    nodes = promoted(parts)
    ranks = sorted({x.ndim for x in nodes if x.type is not ANY})
    if len(ranks) > 1:
        raise RankError(
            f"stack of tensors with {ranks[0]} and {ranks[-1]} axes.{here()}\n"
            "Fix: give all the same shape, or use concatenate."
        )
    return concatenate([expand_dims(x, place) for x in nodes], place)


def stacklists(nested: Any) -> Node:
    """Nested lists of tensors as one tensor with an axis per level of nesting."""
    return as_node(nested)


def hstack(tensors: Sequence[Any]) -> Node:
    """The tensors side by side: along axis 1, vectors along axis 0."""
    nodes = [atleast_1d(x) for x in tensors]
    return concatenate(nodes, 0 if nodes and nodes[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Node:
    """The tensors one below the other; vectors are rows."""
    return concatenate([atleast_2d(x) for x in tensors], 0)


def dstack(tensors: Sequence[Any]) -> Node:
    """The tensors one behind the other, along axis 2."""
    return concatenate([atleast_3d(x) for x in tensors], 2)


def column_stack(tensors: Sequence[Any]) -> Node:
    """Vectors as the columns of a matrix; matrices side by side."""
    nodes = [as_node(x) for x in tensors]
    return concatenate([expand_dims(x, 1) if x.ndim == 1 else x for x in nodes], 1)


def horizontal_stack(*tensors: Any) -> Node:
    """Theano's `hstack` of matrices."""
    return concatenate(tensors, 1)


def vertical_stack(*tensors: Any) -> Node:
    """Theano's `vstack` of matrices."""
    return concatenate(tensors, 0)


# -------------------------------------------------------------------- splitting


def split_by(x: Node, lengths: Sequence[DimLike], axis: int) -> list[Node]:
    """Consecutive parts of x with these sizes along an axis."""
    start: DimLike = 0
    parts: list[Node] = []
    for length in lengths:
        parts.append(slice_axis(x, axis, start, length))
        start = start + length
    return parts


def split(x: Any, sections: Any, n_splits: Any = None, axis: int = 0) -> list[Node]:
    """Parts of x along an axis.

    sections  a number of equal parts, or the places to cut, as in NumPy; with
              `n_splits` given, Theano's meaning: the sizes of the parts
    """
    node = as_node(x)
    if isinstance(sections, int):
        place = normal_axis(axis if n_splits is None else n_splits, node.ndim)
        return _equal_parts(node, sections, place)
    place = normal_axis(axis, node.ndim)
    if n_splits is None:
        return _cut(node, list(sections), place)
    # A negative size would let the others reach beyond the axis.
    lengths = [dim_max(length, 0) for length in as_sizes(sections, n_splits)]
    total: DimLike = sum(lengths)  # pyright: ignore[reportAssignmentType]
    whole = list(shape_of(node))
    if differ(total, whole[place]):
        raise ShapeError(
            f"split of size {whole[place]} into parts that sum to {total}.\n"
            "Fix: the sizes of the parts should sum to the size of the axis."
        )
    whole[place] = total
    return split_by(specify_shape(node, tuple(whole)), lengths, place)


def _equal_parts(x: Node, count: int, axis: int) -> list[Node]:
    length = shape_of(x)[axis]
    if isinstance(length, int) and length % count:
        raise ShapeError(
            f"split of size {length} into {count} equal parts.\n"
            "Fix: use array_split, or give the places to cut."
        )
    part = length // count
    whole = list(shape_of(x))
    whole[axis] = part * count
    exact = specify_shape(x, tuple(whole))
    return split_by(exact, [part] * count, axis)


def _cut(x: Node, places: Sequence[Any], axis: int) -> list[Node]:
    """NumPy's split at places, clipped to the axis."""
    parts: list[Node] = []
    ends = [*places, None]
    for start, stop in zip([None, *places], ends, strict=True):
        index: list[Any] = [slice(None)] * x.ndim
        index[axis] = slice(start, stop)
        parts.append(x[tuple(index)])
    return parts


def array_split(x: Any, sections: Any, axis: int = 0) -> list[Node]:
    """Like NumPy's `split`, but parts may differ in size by one."""
    node = as_node(x)
    place = normal_axis(axis, node.ndim)
    if not isinstance(sections, int):
        return split(node, sections, axis=place)
    length = shape_of(node)[place]
    part, extra = length // sections, length % sections
    lengths = [part + dim_max(dim_min(extra - i, 1), 0) for i in range(sections)]
    return split_by(node, lengths, place)


def unstack(x: Any, axis: int = 0) -> list[Node]:
    """The parts of x along an axis of known size, without that axis."""
    node = as_node(x)
    place = normal_axis(axis, node.ndim)
    length = shape_of(node)[place]
    if not isinstance(length, int):
        raise ShapeError(
            f"unstack along axis {place}, whose size {length} is symbolic.\n"
            "Fix: give it a static size, or index it."
        )
    before: list[Any] = [slice(None)] * place
    return [node[(*before, i)] for i in range(length)]


slots.fill(stack=stack)
