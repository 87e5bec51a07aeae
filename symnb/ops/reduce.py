"""Reductions: ops that combine the elements along axes, and `sum_to_shape`.

A reduction keeps its operand's dtype (argmax and argmin give int64): the public
functions cast first where NumPy widens (small integers and bool to 64 bits). NaN
propagates through max and min, and argmax finds the first NaN, as in NumPy. The
gradient of max and min goes to every element that attains the extremum, as in
Theano. Statistics built on these are in `statistics.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Node, Shape, make
from symnb.core.op import Jvp as JvpRule
from symnb.core.op import Op, Params, Types, Vjp
from symnb.core.seams import slots
from symnb.core.types import ANY, TensorType, Type
from symnb.errors import ShapeError, SizeError
from symnb.ops.cast import cast
from symnb.ops.define import Reduction, as_node, reduced_shape
from symnb.ops.logic import equal, where
from symnb.ops.sizes import Sizes, as_sizes, normal_axes, prod_of_sizes
from symnb.ops.view import (
    broadcast_like,
    broadcast_to,
    expand_dims,
    same_view,
    shape_of,
)

Array = Any


def _infer(types: Types, params: Params) -> Type:
    axes, keepdims = params
    return types[0].with_shape(reduced_shape(types[0].shape, axes, keepdims))


def _infer_nonempty(types: Types, params: Params) -> Type:
    empty = [axis for axis in params[0] if types[0].shape[axis] == 0]
    if empty:
        raise ShapeError(
            f"the extremum of nothing: axis {empty[0]} of {types[0]} has size 0.\n"
            "Fix: reduce an axis that has elements."
        )
    return _infer(types, params)


def _infer_position(types: Types, params: Params) -> Type:
    return TensorType("int64", _infer_nonempty(types, params).shape)  # pyright: ignore


def restore_axes(y: Node, node: Node) -> Node:
    """y, of the shape of the reduction `node`, with its axes back as size 1."""
    axes, keepdims = node.params
    return y if keepdims else expand_dims(y, axes)


# ------------------------------------------------------------------ derivatives


def _sum_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    return [broadcast_like(restore_axes(g, node), node.inputs[0])]


def _attained(node: Node) -> Node:
    x = node.inputs[0]
    return equal(x, restore_axes(node, node))


def _extremum_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    spread = broadcast_like(restore_axes(g, node), node.inputs[0])
    return [where(_attained(node), spread, 0.0)]


def _extremum_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dx = tangents[0]
    if dx is None:
        return None
    return make(SUM, (where(_attained(node), dx, 0.0),), node.params)


def _others(node: Node) -> Node:
    """Per element the product of all others along the reduced axes.

    With no zero product / x; with one, the product of the rest there and 0
    elsewhere; with more, 0. Exact zeros count; second derivatives at zeros do not
    see the zeros of the others.
    """
    x = node.inputs[0]
    axes = node.params[0]
    zero = equal(x, 0)
    count = sum(zero, axes, keepdims=True)
    safe = where(zero, 1.0, x)
    rest = broadcast_like(prod(safe, axes, keepdims=True), x)
    alone = equal(count, cast(zero, "int64"))
    return where(alone, rest / safe, 0.0)


def _prod_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    return [restore_axes(g, node) * _others(node)]


def _prod_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dx = tangents[0]
    return None if dx is None else make(SUM, (dx * _others(node),), node.params)


# ---------------------------------------------------------------------- the ops


def _along(ufunc: Callable[..., Array]) -> Callable[..., Array]:
    """The NumPy reduction in the operand's own dtype."""

    def reference(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return ufunc(x, axis=axes, keepdims=keepdims)

    return reference


def _same_dtype(ufunc: Callable[..., Array]) -> Callable[..., Array]:
    def reference(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return ufunc(x, axis=axes, keepdims=keepdims, dtype=x.dtype)

    return reference


def _position(find: Callable[..., Array]) -> Callable[..., Array]:
    """The position in C order within the reduced axes."""

    def reference(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        moved = np.transpose(x, [*kept, *axes])
        count = int(np.prod([x.shape[axis] for axis in axes], dtype=np.int64))
        flat = moved.reshape([*(x.shape[axis] for axis in kept), count])
        result = find(flat, axis=-1)
        return np.expand_dims(result, axes) if keepdims else result

    return reference


def _reduction(
    name: str,
    combine: str,
    identity: float | None,
    numpy: Callable[..., Array],
    vjp: Vjp | None = None,
    jvp: JvpRule | None = None,
    no_gradient: str = "",
    doc: str = "",
) -> Reduction:
    positional = combine.startswith("arg")
    nonempty = _infer_position if positional else _infer_nonempty
    return Reduction(
        name=name, combine=combine, identity=identity, numpy=numpy, vjp=vjp, jvp=jvp,
        infer=_infer if identity is not None else nonempty,
        no_gradient=no_gradient, doc=doc,
    )  # fmt: skip


SUM = _reduction(
    "sum", "add", 0, _same_dtype(np.sum), _sum_vjp, same_view, doc="Sum along axes."
)
PROD = _reduction(
    "prod", "mul", 1, _same_dtype(np.prod), _prod_vjp, _prod_jvp,
    doc="Product along axes.",
)  # fmt: skip
MAX = _reduction(
    "max", "max", None, _along(np.max), _extremum_vjp, _extremum_jvp,
    doc="Largest element along axes; NaN if there is one.",
)  # fmt: skip
MIN = _reduction(
    "min", "min", None, _along(np.min), _extremum_vjp, _extremum_jvp,
    doc="Smallest element along axes; NaN if there is one.",
)  # fmt: skip
ALL = _reduction(
    "all", "and", 1, _along(np.all), no_gradient="a truth value",
    doc="Whether all elements along axes are true.",
)  # fmt: skip
ANY_TRUE = _reduction(
    "any", "or", 0, _along(np.any), no_gradient="a truth value",
    doc="Whether some element along axes is true.",
)  # fmt: skip
ARGMAX = _reduction(
    "argmax", "argmax", None, _position(np.argmax), no_gradient="a position",
    doc="Position of the first largest element, in C order of the reduced axes.",
)  # fmt: skip
ARGMIN = _reduction(
    "argmin", "argmin", None, _position(np.argmin), no_gradient="a position",
    doc="Position of the first smallest element, in C order of the reduced axes.",
)  # fmt: skip


def reduced(op: Op, x: Node, axis: Any, keepdims: bool) -> Node:
    """The node of a reduction along `axis` (None for all, an int, or several)."""
    if x.type is ANY:
        return make(op, (x,), (axis, keepdims))
    axes = tuple(sorted(normal_axes(axis, x.ndim)))
    return make(op, (x,), (axes, bool(keepdims)))


def wide(dtype: str) -> str:
    """The dtype in which NumPy sums `dtype`: 64 bits for bool and integers."""
    if dtypes.is_float(dtype):
        return dtype
    return "uint64" if dtype.startswith("uint") else "int64"


def accumulated(op: Reduction, x: Any, options: tuple[Any, ...]) -> Node:
    """A sum or product: options are axis, dtype, keepdims, acc_dtype."""
    axis, dtype, keepdims, acc_dtype = options
    node = as_node(x)
    if node.type is ANY:
        return reduced(op, node, axis, keepdims)
    result = wide(node.dtype) if dtype is None else dtypes.as_dtype(dtype)
    inner = result if acc_dtype is None else acc_dtype
    return cast(reduced(op, cast(node, inner), axis, keepdims), result)


# ------------------------------------------------------------- public functions


def sum(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False,
    acc_dtype: Any = None,
) -> Node:  # fmt: skip
    """Sum along `axis` (None for all, an int, or several).

    dtype      of the result; by default integers and bool widen to 64 bits
    acc_dtype  in which the sum is formed
    """
    return accumulated(SUM, x, (axis, dtype, keepdims, acc_dtype))


def prod(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
    acc_dtype: Any = None, no_zeros_in_input: bool = False,
) -> Node:  # fmt: skip
    """Product along `axis`; dtypes as in `sum`. The sizes of a shape stay a size.

    no_zeros_in_input  Theano's hint for the gradient, which is right without it
    """
    if isinstance(x, Shape) and axis is None and dtype is None:
        return prod_of_sizes(x)
    return accumulated(PROD, x, (axis, dtype, keepdims, acc_dtype))


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Largest element along `axis`; NaN where there is one. Empty raises."""
    return reduced(MAX, as_node(x), axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Smallest element along `axis`; NaN where there is one. Empty raises."""
    return reduced(MIN, as_node(x), axis, keepdims)


def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Position of the first largest element (the first NaN if there is one).

    Over several axes, or all with None, the position counts in C order.
    """
    return reduced(ARGMAX, as_node(x), axis, keepdims)


def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Position of the first smallest element (the first NaN if there is one)."""
    return reduced(ARGMIN, as_node(x), axis, keepdims)


def max_and_argmax(x: Any, axis: Any = None, keepdims: bool = False) -> list[Node]:
    """`[max(x, axis), argmax(x, axis)]`."""
    return [max(x, axis, keepdims), argmax(x, axis, keepdims)]


def _truth(x: Any) -> Node:
    node = as_node(x)
    return node if node.type is ANY else cast(node, "bool")


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Whether all elements along `axis` are nonzero; true for none."""
    return reduced(ALL, _truth(x), axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Whether some element along `axis` is nonzero; false for none."""
    return reduced(ANY_TRUE, _truth(x), axis, keepdims)


# ----------------------------------------------------------------- sum to shape


def _sum_to_shape(g: Array, shape: tuple[int, ...]) -> Array:
    g = np.sum(g, axis=tuple(range(g.ndim - len(shape))), dtype=g.dtype)
    axes = tuple(i for i, one in enumerate(shape) if one == 1 != g.shape[i])
    if [1 for a, b in zip(g.shape, shape, strict=True) if 1 != a != b != 1]:
        raise SizeError(f"a gradient needs equal sizes; got {g.shape} and {shape}.")
    return np.broadcast_to(np.sum(g, axis=axes, keepdims=True, dtype=g.dtype), shape)


SUM_TO_SHAPE = Op(
    name="sum_to_shape", kind="opaque", params=("shape",),
    infer=lambda types, params: types[0].with_shape(params[0]),
    numpy=_sum_to_shape,
    vjp=lambda node, g, context: [broadcast_like(g, node.inputs[0])],
    jvp=same_view,
    doc="Summed over the axes along which `shape` is broadcast to the operand.",
)  # fmt: skip


def sum_to_shape(g: Node, like: Any) -> Node:
    """g summed over the axes along which `like` was broadcast to its shape.

    like  a node or a shape
    Axes known to be broadcast are summed at once; where two symbolic sizes differ
    as expressions it is decided when they are known.
    """
    if g.type is ANY or (isinstance(like, Node) and like.type is ANY):
        return make(SUM_TO_SHAPE, (g,), (None,))
    shape = shape_of(like) if isinstance(like, Node) else as_sizes(like)
    extra = g.ndim - len(shape)
    if extra < 0:
        return broadcast_to(g, shape)
    inner = reduced(SUM, g, tuple(range(extra)), False) if extra else g
    ones = tuple(
        axis
        for axis, (whole, one) in enumerate(zip(shape_of(inner), shape, strict=True))
        if one == 1 and whole != 1
    )
    inner = reduced(SUM, inner, ones, True) if ones else inner
    return inner if shape_of(inner) == shape else _undecided(inner, shape)


def _undecided(g: Node, shape: Sizes) -> Node:
    summed = [a for a, b in zip(shape_of(g), shape, strict=True) if a not in (1, b)]
    return make(SUM_TO_SHAPE, (g,), (shape,)) if summed else broadcast_to(g, shape)


slots.fill(
    all=all, any=any, argmax=argmax, argmin=argmin, max=max, min=min, prod=prod,
    sum=sum, sum_to_shape=sum_to_shape,
)  # fmt: skip
