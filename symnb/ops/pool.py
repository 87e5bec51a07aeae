"""Pooling: the largest, the sum or the mean of each window of an image.

Works on the last two axes of (..., rows, columns). Windows may overlap; a padded
element never counts, except in the mean `average_inc_pad`. Equal largest elements all
get the gradient, as in Theano. POOL and SPREAD are adjoint for sums and means; for the
maximum POOL_GRAD hands gradients down and POOL_PICK takes tangents up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core.dims import DimLike, dim_max
from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.types import ANY, TensorType, Type
from symnb.errors import DTypeError, GraphError, RankError
from symnb.ops.define import as_node, promoted
from symnb.ops.sizes import Pairs, equal_pairs
from symnb.ops.view import specify_like
from symnb.ops.windows import Windows, add_patches, patches

Array = Any
MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")
PARAMS = ("mode", "kernel", "stride", "pads", "whole")


def windows_of(params: Params, image: Sequence[DimLike]) -> Windows:
    """The windows of a node; its params begin with PARAMS.

    Where windows need not be whole the image is padded on, to hold the last ones.
    """
    _, kernel, stride, pads, whole = params[:5]
    windows = Windows(kernel, stride, pads)
    if whole:
        return windows
    after: list[DimLike] = []
    for k, s, size in zip(kernel, stride, image, strict=True):
        last = (_partial(k, s, size) - 1) * s + k
        after.append(dim_max(last - size, 0))
    return Windows(kernel, stride, (0, after[0], 0, after[1]))


def _partial(kernel: int, stride: int, size: DimLike) -> DimLike:
    """How many windows begin in the image, counting the first that reaches its end."""
    if stride >= kernel:
        return (size - 1) // stride + 1
    return dim_max(0, (size - 1 - kernel + stride) // stride) + 1


def counts_of(params: Params, image: Sequence[DimLike]) -> tuple[DimLike, DimLike]:
    """Windows down and across."""
    _, kernel, stride, _, whole = params[:5]
    if whole:
        return windows_of(params, image).counts((image[0], image[1]))
    return _partial(kernel[0], stride[0], image[0]), _partial(
        kernel[1], stride[1], image[1]
    )


def _image(type: TensorType) -> tuple[DimLike, DimLike]:
    if type.ndim < 2:
        raise RankError(f"pooling needs rows and columns; got {type}.")
    return type.shape[-2], type.shape[-1]


def _infer_pool(types: Types, params: Params) -> Type:
    (x,) = types
    return x.with_shape((*x.shape[:-2], *counts_of(params, _image(x))))


# --------------------------------------------------------------------- the reference


def _lowest(dtype: Any) -> Any:
    return -np.inf if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).min


def _elements(params: Params, image: tuple[int, int]) -> Array:
    """By how much each window's sum is divided."""
    mode, _, _, pads, _ = params[:5]
    windows = windows_of(params, image)
    ones = np.ones(image)
    if mode == "average_inc_pad":
        top, bottom, left, right = pads
        ones = np.pad(ones, [(top, bottom), (left, right)], constant_values=1)
        before = (0, windows.pads[1] - bottom, 0, windows.pads[3] - right)
        windows = Windows(windows.kernel, windows.stride, before)
    return patches(ones, windows).sum((-2, -1))


def _numpy_pool(x: Array, *params: Any) -> Array:
    windows = windows_of(params, x.shape[-2:])
    if params[0] == "max":
        return patches(x, windows, _lowest(x.dtype)).max((-2, -1))
    total = patches(x, windows).sum((-2, -1), dtype=x.dtype)
    if params[0] == "sum":
        return total
    return (total / _elements(params, x.shape[-2:])).astype(x.dtype)


def _numpy_spread(g: Array, *params: Any) -> Array:
    image = params[5]
    windows = windows_of(params, image)
    if params[0] != "sum":
        g = (g / _elements(params, image)).astype(g.dtype)
    whole = (*g.shape, *windows.kernel)
    parts = np.broadcast_to(g[..., None, None], whole)  # pyright: ignore
    return np.ascontiguousarray(add_patches(parts, image, windows))


def _largest(x: Array, y: Array, windows: Windows) -> Array:
    return patches(x, windows, _lowest(x.dtype)) == y[..., None, None]


def _numpy_grad(x: Array, y: Array, g: Array, *params: Any) -> Array:
    windows = windows_of(params, x.shape[-2:])
    parts = np.where(_largest(x, y, windows), g[..., None, None], 0).astype(g.dtype)
    return np.ascontiguousarray(add_patches(parts, x.shape[-2:], windows))


def _numpy_pick(x: Array, y: Array, v: Array, *params: Any) -> Array:
    windows = windows_of(params, x.shape[-2:])
    chosen = np.where(_largest(x, y, windows), patches(v, windows), 0)
    return chosen.sum((-2, -1), dtype=v.dtype)


# --------------------------------------------------------------------------- the ops


def _pool_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    (x,) = node.operands
    if node.params[0] == "max":
        return [make(POOL_GRAD, (x, node, g), node.params)]
    spread = make(SPREAD, (g,), (*node.params, _image(x.type)))  # pyright: ignore
    return [specify_like(spread, x)]


def _pool_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    (dx,) = tangents
    if dx is None:
        return None
    if node.params[0] == "max":
        return make(POOL_PICK, (node.operands[0], node, dx), node.params)
    return make(POOL, (dx,), node.params)


POOL = Op(
    name="pool2d", kind="contract", arity=1, params=PARAMS, infer=_infer_pool,
    numpy=_numpy_pool, vjp=_pool_vjp, jvp=_pool_jvp, weight=3, flops=4.0,
    doc="The largest, the sum or the mean of each window of the last two axes.",
)  # fmt: skip


def _infer_spread(types: Types, params: Params) -> Type:
    (g,) = types
    return g.with_shape((*g.shape[:-2], *params[5]))


def _assume_spread(types: Types, params: Params) -> Pairs:
    return equal_pairs(types[0].shape[-2:], counts_of(params, params[5]))


def _spread_vjp(node: Node, v: Node, context: Any) -> list[Node | None]:
    return [specify_like(make(POOL, (v,), node.params[:5]), node.operands[0])]


SPREAD = Op(
    name="pool2d_spread", kind="contract", arity=1, params=(*PARAMS, "image"),
    infer=_infer_spread, numpy=_numpy_spread, vjp=_spread_vjp,
    jvp=lambda node, tangents: None if tangents[0] is None
    else make(SPREAD, (tangents[0],), node.params),
    weight=3, flops=2.0, assumes=_assume_spread,
    doc="The adjoint of pool2d for sums and means: each value added to its window.",
)  # fmt: skip


def _infer_grad(types: Types, params: Params) -> Type:
    return types[0].with_dtype(types[2].dtype)


def _assume_grad(types: Types, params: Params) -> Pairs:
    x, y, g = types
    counts = (*x.shape[:-2], *counts_of(params, _image(x)))
    return equal_pairs([*y.shape, *g.shape], [*counts, *counts])


def _grad_vjp(node: Node, v: Node, context: Any) -> list[Node | None]:
    x, y, g = node.operands
    picked = make(POOL_PICK, (x, y, v), node.params)
    return [None, None, specify_like(picked, g)]


def _third_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dg = tangents[2]
    if dg is None:
        return None
    return make(node.op, (*node.operands[:2], dg), node.params)


POOL_GRAD = Op(
    name="pool2d_grad", kind="contract", arity=3, params=PARAMS, infer=_infer_grad,
    numpy=_numpy_grad, vjp=_grad_vjp, jvp=_third_jvp, weight=3, flops=3.0,
    assumes=_assume_grad,
    doc="Gradients of the largest of each window, added where x equals it.",
)  # fmt: skip


def _infer_pick(types: Types, params: Params) -> Type:
    return types[1].with_dtype(types[2].dtype)


def _assume_pick(types: Types, params: Params) -> Pairs:
    x, y, v = types
    counts = (*x.shape[:-2], *counts_of(params, _image(x)))
    return equal_pairs([*y.shape, *v.shape], [*counts, *x.shape])


def _pick_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    x, y, v = node.operands
    return [None, None, specify_like(make(POOL_GRAD, (x, y, g), node.params), v)]


POOL_PICK = Op(
    name="pool2d_pick", kind="contract", arity=3, params=PARAMS, infer=_infer_pick,
    numpy=_numpy_pick, vjp=_pick_vjp, jvp=_third_jvp, weight=3, flops=3.0,
    assumes=_assume_pick,
    doc="The sum of v over the elements of each window where x is the largest, y.",
)  # fmt: skip


# --------------------------------------------------------------------- what users call


def _two(value: Any, what: str, least: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or any(not isinstance(v, int) or v < least for v in pair):
        raise GraphError(f"{what} is two ints of {least} and more; got {value!r}.")
    return pair[0], pair[1]


def pool_2d(
    input: Any,
    ws: Any = None,
    ignore_border: bool = True,
    stride: Any = None,
    pad: Any = (0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Node:
    """The largest (sum, mean) of each window of the last two axes of (..., h, w).

    ws             rows and columns of a window (ds in older scripts)
    ignore_border  True: whole windows only; False: also those that reach over the end
    stride         from one window to the next; default ws (st in older scripts)
    pad            rows and columns put around, less than ws; never the largest
    mode           max | sum | average_inc_pad | average_exc_pad
    -> (..., rows, columns)

    Raises GraphError, RankError, ShapeError.
    """
    ws, stride = ws if ws is not None else ds, stride if stride is not None else st
    pad = padding if padding is not None else pad
    if ws is None:
        raise GraphError("pool_2d needs ws, the size of its windows.")
    kernel, edges = _two(ws, "ws", 1), _two(pad, "pad", 0)
    steps = kernel if stride is None else _two(stride, "stride", 1)
    if mode not in MODES:
        raise GraphError(f"mode is one of {', '.join(MODES)}; got {mode!r}.")
    if any(edges) and not ignore_border:
        raise GraphError("pad needs ignore_border=True.")
    if any(p >= k for p, k in zip(edges, kernel, strict=True)):
        raise GraphError(f"pad is smaller than ws; got {edges} and {kernel}.")
    x = as_node(input)
    if x.type is not ANY and x.dtype == "bool":
        raise DTypeError("pool_2d needs numbers, not bool.\nFix: cast to int8 first.")
    if mode.startswith("average"):
        (x,) = promoted([x], to_float=True)
    pads = (edges[0], edges[0], edges[1], edges[1])
    return make(POOL, (x,), (mode, kernel, steps, pads, bool(ignore_border)))
