"""Views: ops that only rename elements, out[i] = x[index(i)].

Each declares its index map as size expressions; lowering composes the maps, so a
chain of views costs nothing but index arithmetic and never moves memory. Nodes
carry their target sizes in `params`, so -1 and NumPy's defaults are resolved when
the node is made. Slices are in `slicing.py`, diagonals in `diagonal.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symnb.core.dims import DimLike, div_mod
from symnb.core.node import Node, make, size
from symnb.core.op import Assumes, Infer, Params, Types, Vjp
from symnb.core.seams import slots
from symnb.core.types import ANY, Type
from symnb.errors import AxisError, RankError, ShapeError
from symnb.ops.define import IndexMap, View, as_node, broadcast_sizes
from symnb.ops.sizes import (
    Pairs,
    Sizes,
    as_sizes,
    differ,
    equal_pairs,
    fill_in,
    normal_axes,
    normal_axis,
    product,
)

Array = Any


def view(
    name: str,
    param: str,
    *,
    infer: Infer,
    numpy: Callable[..., Array],
    index: IndexMap,
    vjp: Vjp,
    assumes: Assumes | None = None,
    doc: str,
) -> View:
    """Declare a view of one operand with one parameter; it is linear."""
    return View(
        name=name, params=(param,), infer=infer, numpy=numpy, index=index, vjp=vjp,
        jvp=same_view, assumes=assumes, flops=0.0, doc=doc,
    )  # fmt: skip


def same_view(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    """The jvp of a linear op of one operand: itself, on the tangent."""
    dx = tangents[0]
    return None if dx is None else make(node.op, (dx,), node.params)


def shape_of(x: Node) -> Sizes:
    """The sizes of a tensor as `int | Dim`."""
    return x.type.shape  # pyright: ignore[reportAttributeAccessIssue]


# ---------------------------------------------------------------------- reshape


def _infer_reshape(types: Types, params: Params) -> Type:
    x, shape = types[0], params[0]
    if differ(x.size, product(shape)):
        raise ShapeError(
            f"{x.size} elements cannot have the shape {_text(shape)}, "
            f"which has {product(shape)}.\n"
            "Fix: the product of the sizes should stay the same; -1 stands for one."
        )
    return x.with_shape(shape)


def _text(shape: Sizes) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _reshape_index(node: Node, out: Sizes) -> Sizes:
    """Equal leading and trailing sizes map one to one, the rest by flat position."""
    old, new = shape_of(node.inputs[0]), node.params[0]
    first, last = 0, 0
    least = min(len(old), len(new))
    while first < least and old[first] == new[first]:
        first += 1
    while last < least - first and old[-1 - last] == new[-1 - last]:
        last += 1
    flat: DimLike = 0
    for i, one in zip(
        out[first : len(out) - last], new[first : len(new) - last], strict=True
    ):
        flat = flat * one + i
    middle = unflatten(flat, old[first : len(old) - last])
    return (*out[:first], *middle, *out[len(out) - last :])


def unflatten(flat: DimLike, shape: Sizes) -> Sizes:
    """The index into `shape` of the element at C-order place `flat`; 0s if empty."""
    if 0 in shape:
        return (0,) * len(shape)
    index: list[DimLike] = []
    significant = [axis for axis, one in enumerate(shape) if one != 1]
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            index.append(0)
        elif axis == significant[0]:
            index.append(flat)
        else:
            flat, rest = div_mod(flat, shape[axis])
            index.append(rest)
    return tuple(reversed(index))


RESHAPE = view(
    "reshape", "shape",
    infer=_infer_reshape,
    numpy=np.reshape,
    index=_reshape_index,
    assumes=lambda types, params: equal_pairs([types[0].size], [product(params[0])]),
    vjp=lambda node, g, context: [reshape(g, shape_of(node.inputs[0]))],
    doc="The elements in C order in another shape.",
)  # fmt: skip


def reshape(x: Any, shape: Any, ndim: int | None = None) -> Node:
    """The elements of x, in C order, in another shape.

    shape  an int, sizes (ints or integer scalars, at most one -1), or a vector
    ndim   the number of axes, needed for a vector of unknown length
    Raises ShapeError when the numbers of elements differ.
    """
    node = as_node(x)
    if node.type is ANY:
        return make(RESHAPE, (node,), (shape,))
    old = shape_of(node)
    sizes = fill_in(as_sizes(shape, ndim), product(old))
    return node if sizes == old else make(RESHAPE, (node,), (sizes,))


def reshape_method(x: Node, *shape: Any, ndim: int | None = None) -> Node:
    """`x.reshape((2, 3))` and `x.reshape(2, 3)`."""
    return reshape(x, shape[0] if len(shape) == 1 else shape, ndim)


def flatten(x: Any, ndim: int = 1, outdim: int | None = None) -> Node:
    """x with its trailing axes joined so that `ndim` axes remain.

    outdim  Theano's older name of `ndim`
    """
    node = as_node(x)
    if node.type is ANY:
        return make(RESHAPE, (node,), (None,))
    count = ndim if outdim is None else outdim
    if not 1 <= count <= max(node.ndim, 1):
        raise RankError(
            f"flatten to {count} axes of a tensor with {node.ndim}.\n"
            f"Fix: give ndim from 1 to {max(node.ndim, 1)}."
        )
    shape = shape_of(node)
    return reshape(node, (*shape[: count - 1], product(shape[count - 1 :])))


def ravel(x: Any) -> Node:
    """x as a vector."""
    return flatten(x)


# -------------------------------------------------------------------- transpose


def _infer_transpose(types: Types, params: Params) -> Type:
    shape = types[0].shape
    return types[0].with_shape(tuple(shape[axis] for axis in params[0]))


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


TRANSPOSE = view(
    "transpose", "axes",
    infer=_infer_transpose,
    numpy=np.transpose,
    index=lambda node, out: tuple(out[i] for i in _inverse(node.params[0])),
    vjp=lambda node, g, context: [transpose(g, _inverse(node.params[0]))],
    doc="The axes in another order.",
)  # fmt: skip


def transpose(x: Any, *axes: Any) -> Node:
    """x with its axes in the order `axes`, a permutation; reversed by default."""
    node = as_node(x)
    order = axes[0] if len(axes) == 1 else axes or None
    if node.type is ANY:
        return make(TRANSPOSE, (node,), (order,))
    if order is None:
        permutation = tuple(reversed(range(node.ndim)))
    else:
        permutation = normal_axes(order, node.ndim)
    if len(permutation) != node.ndim:
        raise AxisError(
            f"transpose to axes {permutation} of a tensor with {node.ndim} axes.\n"
            "Fix: name every axis once."
        )
    if permutation == tuple(range(node.ndim)):
        return node
    return make(TRANSPOSE, (node,), (permutation,))


def matrix_transpose(x: Any) -> Node:
    """x with its last two axes exchanged."""
    return swapaxes(x, -1, -2)


def swapaxes(x: Any, axis1: int, axis2: int) -> Node:
    """x with two axes exchanged."""
    node = as_node(x)
    order = list(range(node.ndim))
    a, b = normal_axis(axis1, node.ndim), normal_axis(axis2, node.ndim)
    order[a], order[b] = b, a
    return transpose(node, order)


def moveaxis(x: Any, source: Any, destination: Any) -> Node:
    """x with the axes `source` moved to the positions `destination`."""
    node = as_node(x)
    origin = normal_axes(source, node.ndim)
    target = normal_axes(destination, node.ndim)
    if len(origin) != len(target):
        raise AxisError(
            f"moveaxis of {len(origin)} axes to {len(target)} places.\n"
            "Fix: give as many destinations as sources."
        )
    order = [axis for axis in range(node.ndim) if axis not in origin]
    for place, axis in sorted(zip(target, origin, strict=True)):
        order.insert(place, axis)
    return transpose(node, order)


# ------------------------------------------------------------------ axes of size 1


def _infer_expand(types: Types, params: Params) -> Type:
    rest = iter(types[0].shape)
    ndim = types[0].ndim + len(params[0])
    return types[0].with_shape(
        tuple(1 if axis in params[0] else next(rest) for axis in range(ndim))
    )


def _without(items: Sequence[Any], places: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(item for at, item in enumerate(items) if at not in places)


def _infer_squeeze(types: Types, params: Params) -> Type:
    shape = types[0].shape
    for axis in params[0]:
        if differ(shape[axis], 1):
            raise ShapeError(
                f"squeeze of axis {axis}, whose size is {shape[axis]}.\n"
                "Fix: only axes of size 1 can be left out."
            )
    return types[0].with_shape(_without(shape, params[0]))


def _squeeze_index(node: Node, out: Sizes) -> Sizes:
    rest = iter(out)
    ndim = node.inputs[0].ndim
    return tuple(0 if axis in node.params[0] else next(rest) for axis in range(ndim))


EXPAND_DIMS = view(
    "expand_dims", "axes",
    infer=_infer_expand,
    numpy=np.expand_dims,
    index=lambda node, out: _without(out, node.params[0]),
    vjp=lambda node, g, context: [squeeze(g, node.params[0])],
    doc="New axes of size 1 at the given places of the result.",
)  # fmt: skip

SQUEEZE = view(
    "squeeze", "axes",
    infer=_infer_squeeze,
    numpy=np.squeeze,
    index=_squeeze_index,
    assumes=lambda types, params: equal_pairs(
        [1] * len(params[0]), [types[0].shape[axis] for axis in params[0]]
    ),
    vjp=lambda node, g, context: [
        specify_like(expand_dims(g, node.params[0]), node.inputs[0])
    ],
    doc="Without the given axes, whose size is 1.",
)  # fmt: skip


def expand_dims(x: Any, axis: Any) -> Node:
    """x with new axes of size 1 at the places `axis` (an int or several)."""
    node = as_node(x)
    if node.type is ANY:
        return make(EXPAND_DIMS, (node,), (axis,))
    count = len(axis) if isinstance(axis, list | tuple) else 1
    axes = tuple(sorted(normal_axes(axis, node.ndim + count)))
    return make(EXPAND_DIMS, (node,), (axes,)) if axes else node


def squeeze(x: Any, axis: Any = None) -> Node:
    """x without axes of size 1: the given ones, or all that are known to be 1.

    A given axis whose size is symbolic is checked when the graph is called.
    """
    node = as_node(x)
    if node.type is ANY:
        return make(SQUEEZE, (node,), (axis,))
    if axis is None:
        axes = tuple(i for i, one in enumerate(shape_of(node)) if one == 1)
    else:
        axes = tuple(sorted(normal_axes(axis, node.ndim)))
    return make(SQUEEZE, (node,), (axes,)) if axes else node


def dimshuffle(x: Any, *pattern: Any) -> Node:
    """x with the axes `pattern` in that order: ints, and "x" for a new one.

    Axes left out must have size 1.
    """
    node = as_node(x)
    if len(pattern) == 1 and isinstance(pattern[0], list | tuple):
        pattern = tuple(pattern[0])
    kept = normal_axes([p for p in pattern if p != "x"], node.ndim)
    dropped = tuple(axis for axis in range(node.ndim) if axis not in kept)
    inner = squeeze(node, dropped) if dropped else node
    ranks = {axis: rank for rank, axis in enumerate(sorted(kept))}
    inner = transpose(inner, tuple(ranks[axis] for axis in kept))
    return expand_dims(inner, [i for i, p in enumerate(pattern) if p == "x"])


def shape_padleft(x: Any, n_ones: int = 1) -> Node:
    """x with `n_ones` new axes of size 1 in front."""
    return expand_dims(x, tuple(range(n_ones)))


def shape_padright(x: Any, n_ones: int = 1) -> Node:
    """x with `n_ones` new axes of size 1 at the end."""
    return expand_dims(x, tuple(range(-n_ones, 0)))


def shape_padaxis(x: Any, axis: int) -> Node:
    """x with one new axis of size 1 at `axis`."""
    return expand_dims(x, axis)


def _at_least(count: int, arrays: tuple[Any, ...]) -> Any:
    nodes = [as_node(x) for x in arrays]
    done = [shape_padleft(x, max(count - x.ndim, 0)) for x in nodes]
    return done[0] if len(done) == 1 else done


def atleast_1d(*arrays: Any) -> Any:
    """Each array with at least one axis."""
    return _at_least(1, arrays)


def atleast_2d(*arrays: Any) -> Any:
    """Each array with at least two axes, new ones in front."""
    return _at_least(2, arrays)


def atleast_3d(*arrays: Any) -> Any:
    """Each array with at least three axes, placed as NumPy does."""
    done = []
    for x in arrays:
        node = as_node(x)
        axes = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}.get(node.ndim, ())
        done.append(expand_dims(node, axes))
    return done[0] if len(done) == 1 else done


# -------------------------------------------------------------------- broadcast


def _infer_broadcast(types: Types, params: Params) -> Type:
    old, new = types[0].shape, params[0]
    extra = len(new) - len(old)
    if extra < 0 or any(
        one != 1 and differ(one, whole)
        for one, whole in zip(old, new[extra:], strict=True)
    ):
        raise ShapeError(
            f"the shape {_text(old)} does not broadcast to {_text(new)}.\n"
            "Fix: each size, counted from the last, should be equal or 1."
        )
    return types[0].with_shape(new)


def _broadcast_assumes(types: Types, params: Params) -> Pairs:
    old, new = types[0].shape, params[0]
    kept = [
        (whole, one)
        for whole, one in zip(new[len(new) - len(old) :], old, strict=True)
        if one != 1
    ]
    return equal_pairs([whole for whole, _ in kept], [one for _, one in kept])


def _broadcast_index(node: Node, out: Sizes) -> Sizes:
    old, new = shape_of(node.inputs[0]), node.params[0]
    inner = out[len(new) - len(old) :]
    return tuple(0 if one == 1 else i for one, i in zip(old, inner, strict=True))


BROADCAST_TO = view(
    "broadcast_to", "shape",
    infer=_infer_broadcast,
    numpy=lambda x, shape: np.broadcast_to(x, shape),
    index=_broadcast_index,
    assumes=_broadcast_assumes,
    vjp=lambda node, g, context: [slots["sum_to_shape"](g, node.inputs[0])],
    doc="Repeated along axes of size 1, and along new ones in front.",
)  # fmt: skip


def broadcast_to(x: Any, shape: Any, ndim: int | None = None) -> Node:
    """x repeated along axes of size 1 and new leading axes to have `shape`.

    Raises ShapeError when a size is neither equal nor 1.
    """
    node = as_node(x)
    if node.type is ANY:
        return make(BROADCAST_TO, (node,), (shape,))
    sizes = as_sizes(shape, ndim)
    return node if sizes == shape_of(node) else make(BROADCAST_TO, (node,), (sizes,))


def broadcast_like(x: Any, like: Node) -> Node:
    """x repeated to the shape of `like`."""
    node = as_node(x)
    if node.type is ANY or like.type is ANY:
        return make(BROADCAST_TO, (node,), (None,))
    return broadcast_to(node, shape_of(like))


def broadcast_shape(*arrays: Any) -> tuple[Node, ...]:
    """The sizes of the common shape, as scalars."""
    shapes = [shape_of(as_node(x)) for x in arrays]
    return tuple(size(one) for one in broadcast_sizes(shapes))


def broadcast_arrays(*arrays: Any) -> list[Node]:
    """The arrays repeated to their common shape."""
    nodes = [as_node(x) for x in arrays]
    shape = broadcast_sizes([shape_of(x) for x in nodes])
    return [broadcast_to(x, shape) for x in nodes]


# ---------------------------------------------------------------- specify shape


def _infer_specify(types: Types, params: Params) -> Type:
    old, new = types[0].shape, params[0]
    if len(old) != len(new):
        raise RankError(f"{types[0]} has {len(old)} axes, not {len(new)}.")
    for axis, (a, b) in enumerate(zip(old, new, strict=True)):
        if differ(a, b):
            raise ShapeError(f"axis {axis} of {types[0]} is specified as {b}.")
    return types[0].with_shape(new)


def _specify(x: Array, shape: tuple[int, ...]) -> Array:
    if x.shape != shape:
        raise ShapeError(f"the shape is {x.shape}, but {shape} was specified.")
    return x


SPECIFY_SHAPE = view(
    "specify_shape", "shape",
    infer=_infer_specify,
    numpy=_specify,
    index=lambda node, out: out,
    assumes=lambda types, params: equal_pairs(params[0], types[0].shape),
    vjp=lambda node, g, context: [specify_like(g, node.inputs[0])],
    doc="The same tensor, whose sizes are promised and checked at call time.",
)  # fmt: skip


def specify_shape(x: Any, shape: Any) -> Node:
    """x with a promise about its sizes; None leaves one as it is.

    Checked when the graph is built or called.
    """
    node = as_node(x)
    if node.type is ANY:
        return make(SPECIFY_SHAPE, (node,), (shape,))
    old = shape_of(node)
    if isinstance(shape, list | tuple) and len(shape) == len(old):
        shape = [b if a is None else a for a, b in zip(shape, old, strict=True)]
    sizes = as_sizes(shape)
    return node if sizes == old else make(SPECIFY_SHAPE, (node,), (sizes,))


def specify_like(x: Node, like: Node) -> Node:
    """x, known to have the shape of `like`."""
    return specify_shape(x, shape_of(like))


def addbroadcast(x: Any, *axes: int) -> Node:
    """x with the promise that the sizes of `axes` are 1."""
    node = as_node(x)
    ones = normal_axes(axes, node.ndim)
    shape = shape_of(node)
    return specify_shape(
        node, tuple(1 if axis in ones else one for axis, one in enumerate(shape))
    )


def unbroadcast(x: Any, *axes: int) -> Node:
    """x itself; in Theano, a size of 1 on `axes` no longer broadcasts."""
    node = as_node(x)
    normal_axes(axes, node.ndim)
    return node


slots.fill(
    broadcast_like=broadcast_like, dimshuffle=dimshuffle, flatten=flatten,
    matrix_transpose=matrix_transpose, reshape_method=reshape_method,
    squeeze=squeeze, swapaxes=swapaxes, transpose=transpose,
)  # fmt: skip
