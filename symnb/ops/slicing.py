"""Basic indexing: `slice` reads and `set_slice` writes a regular part of a tensor.

The parameter `index` has one entry per axis of the operand: a size expression i for
an integer (the axis is dropped), or (start, size, step) for a slice, already clipped
by NumPy's rules, so that start + step * j lies in the axis for every j < size.
`x[1:]` of n elements thus has max(n - 1, 0), and whether n is 0 is never asked.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.dims import (
    Dim,
    DimLike,
    bound,
    ceil_div,
    dim_max,
    dim_min,
    is_nonnegative,
    is_positive,
)
from symnb.core.node import Node, known_dim, make, size
from symnb.core.op import Op, Params, Types
from symnb.core.types import ANY, Type
from symnb.errors import DTypeError, ShapeError
from symnb.ops.arithmetic import clip
from symnb.ops.cast import cast
from symnb.ops.create import zeros_like
from symnb.ops.define import View, as_node
from symnb.ops.logic import where
from symnb.ops.sizes import Pairs, Sizes, differ, equal_pairs, normal_axes
from symnb.ops.view import broadcast_to, same_view, shape_of

Array = Any
Span = tuple[DimLike, DimLike, DimLike]
Entry = DimLike | Span
Index = tuple[Entry, ...]


# ------------------------------------------------------------------ the index


def sliced_shape(index: Index) -> Sizes:
    """The sizes of the part an index names."""
    return tuple(entry[1] for entry in index if isinstance(entry, tuple))


def _numpy_index(shape: tuple[int, ...], index: Any) -> tuple[Any, ...]:
    """The index for NumPy; raises IndexError where an integer is out of range."""
    result: list[Any] = []
    for axis, (length, entry) in enumerate(zip(shape, index, strict=True)):
        if not isinstance(entry, tuple):
            if not 0 <= entry < length:
                raise IndexError(f"index {entry} on axis {axis} of size {length}")
            result.append(entry)
            continue
        start, count, step = entry
        stop = start + count * step
        result.append(slice(start, stop if stop >= 0 else None, step))
        if count == 0:
            result[-1] = slice(0, 0)
    return tuple(result)


def _infer_index(types: Types, params: Params) -> Type:
    x, index = types[0], params[0]
    for axis, (length, entry) in enumerate(zip(x.shape, index, strict=True)):
        if isinstance(entry, tuple):
            continue
        over, under = entry - length, -1 - entry
        if is_nonnegative(over) or is_nonnegative(under):
            raise ShapeError(
                f"index {entry} on axis {axis}, whose size is {length}.\n"
                "Fix: an index lies between -size and size - 1."
            )
    return x.with_shape(sliced_shape(index))


def _in_range(types: Types, params: Params) -> Pairs:
    """Integers must lie in their axis: i + 1 <= n and 0 <= i, as equalities."""
    pairs: Pairs = []
    for length, entry in zip(types[0].shape, params[0], strict=True):
        if not isinstance(entry, tuple):
            pairs.append((entry + 1, dim_min(entry + 1, length)))
            pairs.append((entry, dim_max(entry, 0)))
    return [(a, b) for a, b in pairs if a != b]


def _slice_index(node: Node, out: Sizes) -> Sizes:
    place = iter(out)
    return tuple(
        entry[0] + entry[2] * next(place) if isinstance(entry, tuple) else entry
        for entry in node.params[0]
    )


SLICE = View(
    name="slice", params=("index",), infer=_infer_index, index=_slice_index,
    numpy=lambda x, index: x[_numpy_index(x.shape, index)],
    assumes=_in_range, jvp=same_view, flops=0.0,
    vjp=lambda node, g, context: [
        set_slice(zeros_like(node.inputs[0], g.dtype), g, node.params[0], "add")
    ],
    doc="The part of a tensor that integers and slices name.",
)  # fmt: skip


# ---------------------------------------------------------------- writing a part


def _infer_set(types: Types, params: Params) -> Type:
    x, y = types
    if x.dtype != y.dtype:
        raise DTypeError(f"a part of {x} is set to {y}.\nFix: cast the value.")
    part = _infer_index((x,), params).shape  # pyright: ignore
    if len(part) != y.ndim or any(map(differ, part, y.shape)):
        raise ShapeError(f"a part of shape {part} is set to {y}.")
    return x


def _set(x: Array, y: Array, index: Any, mode: str) -> Array:
    result = np.array(x)
    where = _numpy_index(x.shape, index)
    if mode == "add":
        result[where] += y
    else:
        result[where] = y
    return result


def _set_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    index, mode = node.params
    part = slice_by(g, index)
    if mode == "add":
        return [g, part]
    return [set_slice(g, zeros_like(part), index, "set"), part]


def _set_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dx, dy = tangents
    if dx is None and dy is None:
        return None
    x, y = node.operands
    dx = zeros_like(x) if dx is None else dx
    dy = zeros_like(y) if dy is None else dy
    return make(SET_SLICE, (dx, dy), node.params)


SET_SLICE = Op(
    name="set_slice", kind="scatter", arity=2, params=("index", "mode"),
    infer=_infer_set, numpy=_set, vjp=_set_vjp, jvp=_set_jvp, flops=0.0,
    assumes=lambda types, params: [
        *_in_range(types[:1], params),
        *equal_pairs(sliced_shape(params[0]), types[1].shape),
    ],
    doc='x with the named part replaced by y ("set") or increased by it ("add").',
)  # fmt: skip


def set_slice(x: Node, y: Any, index: Index, mode: str = "set") -> Node:
    """x with the part `index` set to y, or increased by it with mode "add".

    y is cast to the dtype of x and broadcast to the part's shape.
    """
    value = cast(as_node(y), x.dtype)
    part = sliced_shape(index)
    return make(SET_SLICE, (x, broadcast_to(value, part)), (index, mode))


# ------------------------------------------------------------------ reading a part


def slice_by(x: Node, index: Index) -> Node:
    """The part of x that a normal index names; x itself when that is all of it."""
    if x.type is not ANY and index == full_index(x):
        return x
    return make(SLICE, (x,), (index,))


def full_index(x: Node) -> Index:
    """The index that names all of x."""
    return tuple((0, length, 1) for length in shape_of(x))


def slice_axis(
    x: Node, axis: int, start: DimLike, length: DimLike, step: DimLike = 1
) -> Node:
    """`length` elements of x along one axis; they must lie in it."""
    index = list(full_index(x))
    index[axis] = (start, length, step)
    return slice_by(x, tuple(index))


def flip(x: Any, axis: Any = None) -> Node:
    """x with the order of elements reversed along `axis` (all by default)."""
    node = as_node(x)
    index = list(full_index(node))
    for axis_ in normal_axes(axis, node.ndim):
        length = shape_of(node)[axis_]
        index[axis_] = (length - 1, length, -1)
    return slice_by(node, tuple(index))


def span_of(part: slice, length: DimLike) -> Span:
    """(start, size, step) of a Python slice along an axis, by NumPy's rules.

    Bounds are ints, size scalars or integer scalars known only while running.
    Raises ValueError for a step of zero, ShapeError for one of unknown sign.
    """
    if part.start is None and part.stop is None and part.step is None:
        return 0, length, 1
    bounds = (part.start, part.stop, part.step)
    if isinstance(length, int) and all(v is None or type(v) is int for v in bounds):
        first, end, stride = part.indices(length)
        return first, len(range(first, end, stride)), stride
    step = 1 if part.step is None else _known(part.step)
    if step is None or not (is_positive(step) or is_positive(-step)):
        if step == 0:
            raise ValueError("slice step cannot be zero")
        raise ShapeError(
            "a slice with a step whose sign is not known.\n"
            "Fix: use a Python int, or x[arange(start, stop, step)]."
        )
    return (
        _forward(part, length, step)
        if is_positive(step)
        else _backward(part, length, step)
    )


def _forward(part: slice, length: DimLike, step: DimLike) -> Span:
    """span_of for a positive step."""
    start = _bound(part.start, length, 0, up=True)
    if part.stop is None and is_nonnegative(start):
        return start, dim_max(ceil_div(length - start, step), 0), step
    stop = dim_min(_bound(part.stop, length, length, up=True), length)
    count = dim_max(ceil_div(dim_min(stop - start, stop), step), 0)
    return dim_max(start, 0), count, step


def _backward(part: slice, length: DimLike, step: DimLike) -> Span:
    """span_of for a negative step."""
    last = length - 1
    start = _bound(part.start, length, last, up=False)
    stop = dim_max(_bound(part.stop, length, -1, up=False), -1)
    count = dim_max(ceil_div(dim_min(start - stop, last - stop), -step), 0)
    return dim_min(start, last), count, step


def _known(value: Any) -> DimLike | None:
    """The size expression a bound stands for, or None when known only at run time."""
    if isinstance(value, Node):
        if value.ndim or not dtypes.is_integer(value.dtype):
            raise DTypeError(
                f"a slice bound is an integer scalar, not {value.type}.\n"
                "Fix: use an int or an integer scalar."
            )
        return known_dim(value)
    return value if isinstance(value, Dim) else operator.index(value)


def _bound(value: Any, length: DimLike, default: DimLike, up: bool) -> DimLike:
    """A slice bound with negative values counted from the end."""
    if value is None:
        return default
    known = _known(value)
    if known is None:
        return _running_bound(value, length, up)
    if is_nonnegative(known):
        return known
    if is_positive(-known):
        return known + length
    return known + length * dim_max(dim_min(-known, 1), 0)


def _running_bound(value: Node, length: DimLike, up: bool) -> DimLike:
    """A bound known only while running, wrapped and clipped to the axis."""
    n = size(length)
    k = cast(value, "int64")
    wrapped = where(k < 0, k + n, k)
    if up:
        return bound(clip(wrapped, 0, n), value.name or "k")
    above = clip(wrapped + 1, 0, n)
    return bound(above, value.name or "k") - 1
