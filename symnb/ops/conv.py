"""Convolution of images with filters, and the two products its gradient needs.

With y[n, f, i, j] = sum over c, k, l of x[n, c, i s + k d - p, j s + l d - p] w[f, c,
k, l], three bilinear ops are closed under differentiation: CONV makes y of x and w,
CONV_WEIGHTS the gradient in w of x and g, CONV_IMAGES the gradient in x of w and g.
Filters are not flipped here: `conv2d` flips them as Theano does. Images are (batch,
channels, rows, columns), filters (filters, channels / groups, rows, columns).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from symnb.core.dims import DimLike
from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.types import ANY, TensorType, Type
from symnb.errors import GraphError, RankError, ShapeError
from symnb.ops.define import promoted
from symnb.ops.sizes import Pairs, as_sizes, differ, equal_pairs
from symnb.ops.slicing import flip
from symnb.ops.view import shape_of, specify_like, specify_shape
from symnb.ops.windows import Windows, add_patches, patches

Array = Any
PARAMS = ("stride", "pads", "dilation", "groups")


def windows_of(kernel: Sequence[DimLike], params: Params) -> Windows:
    """The geometry of a node; its params begin with PARAMS."""
    stride, pads, dilation = params[:3]
    return Windows((kernel[0], kernel[1]), stride, pads, dilation)


def _need_four(types: Types, first: str, second: str) -> None:
    for type, what in zip(types, (first, second), strict=True):
        if type.ndim != 4:
            raise RankError(
                f"a convolution takes {what} of 4 axes, not {type}.\n"
                "Fix: images are (batch, channels, rows, columns), filters "
                "(filters, channels, rows, columns)."
            )


def _refuse(pairs: list[tuple[DimLike, DimLike, str]]) -> None:
    for left, right, text in pairs:
        if differ(left, right):
            raise ShapeError(f"a convolution needs {text}; got {left} and {right}.")


# ------------------------------------------------------------------------- y of x, w


def _infer_conv(types: Types, params: Params) -> Type:
    x, w = types
    _need_four(types, "images", "filters")
    _refuse([(x.shape[1], w.shape[1] * params[3], "as many channels as its filters")])
    _whole_groups(w.shape[0], params[3])
    counts = windows_of(w.shape[2:], params).counts(x.shape[2:])
    return TensorType(x.dtype, (x.shape[0], w.shape[0], *counts))


def _whole_groups(filters: DimLike, groups: int) -> None:
    if isinstance(filters, int) and filters % groups:
        raise ShapeError(f"{filters} filters do not divide into {groups} groups.")


def _by_group(x: Array, groups: int, axis: int) -> list[Array]:
    return np.split(x, groups, axis) if groups > 1 else [x]


def _numpy_conv(x: Array, w: Array, *params: Any) -> Array:
    windows, groups = windows_of(w.shape[2:], params), params[3]
    parts = [
        np.moveaxis(np.tensordot(a, b, ((1, 4, 5), (1, 2, 3))), -1, 1)
        for a, b in zip(
            _by_group(patches(x, windows), groups, 1),
            _by_group(w, groups, 0),
            strict=True,
        )
    ]
    return np.ascontiguousarray(np.concatenate(parts, 1))


def _conv_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    x, w = node.operands
    dx = make(CONV_IMAGES, (w, g), (*node.params, shape_of(x)[2:]))
    dw = make(CONV_WEIGHTS, (x, g), (*node.params, shape_of(w)[2:]))
    return [specify_like(dx, x), specify_like(dw, w)]


def _bilinear_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    a, b = node.operands
    da, db = tangents
    terms = [make(node.op, (da, b), node.params)] if da is not None else []
    if db is not None:
        terms.append(make(node.op, (a, db), node.params))
    return None if not terms else terms[0] if len(terms) == 1 else terms[0] + terms[1]


CONV = Op(
    name="conv2d", kind="contract", arity=2, params=PARAMS, infer=_infer_conv,
    numpy=_numpy_conv, vjp=_conv_vjp, jvp=_bilinear_jvp, weight=3, flops=50.0,
    assumes=lambda types, params: equal_pairs(
        types[0].shape[1:2], [types[1].shape[1] * params[3]]
    ),
    doc="Products of every window of the images with every filter, not flipped.",
)  # fmt: skip


# ------------------------------------------------------------------------- dw of x, g


def _agree(
    x: TensorType, g: TensorType, windows: Windows
) -> list[tuple[DimLike, DimLike, str]]:
    down, across = windows.counts(x.shape[2:])
    return [
        (x.shape[0], g.shape[0], "as many images as gradients"),
        (down, g.shape[2], "a gradient as high as its result"),
        (across, g.shape[3], "a gradient as wide as its result"),
    ]


def _infer_weights(types: Types, params: Params) -> Type:
    x, g = types
    kernel, groups = params[4], params[3]
    _need_four(types, "images", "gradients")
    _refuse(_agree(x, g, windows_of(kernel, params)))
    _whole_groups(x.shape[1], groups)
    return TensorType(x.dtype, (g.shape[1], x.shape[1] // groups, *kernel))


def _assume_weights(types: Types, params: Params) -> Pairs:
    pairs = _agree(types[0], types[1], windows_of(params[4], params))
    return equal_pairs([a for a, _, _ in pairs], [b for _, b, _ in pairs])


def _numpy_weights(x: Array, g: Array, *params: Any) -> Array:
    windows, groups = windows_of(params[4], params), params[3]
    parts = [
        np.tensordot(b, a, ((0, 2, 3), (0, 2, 3)))
        for a, b in zip(
            _by_group(patches(x, windows), groups, 1),
            _by_group(g, groups, 1),
            strict=True,
        )
    ]
    return np.concatenate(parts, 0)


def _weights_vjp(node: Node, v: Node, context: Any) -> list[Node | None]:
    x, g = node.operands
    params = node.params[:4]
    dx = make(CONV_IMAGES, (v, g), (*params, shape_of(x)[2:]))
    return [specify_like(dx, x), specify_like(make(CONV, (x, v), params), g)]


CONV_WEIGHTS = Op(
    name="conv2d_grad_weights", kind="contract", arity=2, params=(*PARAMS, "kernel"),
    infer=_infer_weights, numpy=_numpy_weights, vjp=_weights_vjp, jvp=_bilinear_jvp,
    weight=3, flops=500.0, assumes=_assume_weights,
    doc="The gradient of conv2d in its filters, from images and the result's gradient.",
)  # fmt: skip


# ------------------------------------------------------------------------- dx of w, g


def _infer_images(types: Types, params: Params) -> Type:
    w, g = types
    image, groups = params[4], params[3]
    _need_four(types, "filters", "gradients")
    _refuse([(w.shape[0], g.shape[1], "as many filters as its gradient has channels")])
    type = TensorType(w.dtype, (g.shape[0], w.shape[1] * groups, *image))
    _refuse(_agree(type, g, windows_of(w.shape[2:], params)))
    return type


def _assume_images(types: Types, params: Params) -> Pairs:
    w, g = types
    type = TensorType(w.dtype, (g.shape[0], w.shape[1] * params[3], *params[4]))
    pairs = _agree(type, g, windows_of(w.shape[2:], params))
    left = [w.shape[0], *(a for a, _, _ in pairs)]
    return equal_pairs(left, [g.shape[1], *(b for _, b, _ in pairs)])


def _numpy_images(w: Array, g: Array, *params: Any) -> Array:
    windows, groups = windows_of(w.shape[2:], params), params[3]
    image = cast("tuple[int, int]", params[4])
    parts = [
        add_patches(np.moveaxis(np.tensordot(b, a, ((1,), (0,))), 3, 1), image, windows)
        for a, b in zip(_by_group(w, groups, 0), _by_group(g, groups, 1), strict=True)
    ]
    return np.ascontiguousarray(np.concatenate(parts, 1))


def _images_vjp(node: Node, u: Node, context: Any) -> list[Node | None]:
    w, g = node.operands
    params = node.params[:4]
    dw = make(CONV_WEIGHTS, (u, g), (*params, shape_of(w)[2:]))
    return [specify_like(dw, w), specify_like(make(CONV, (u, w), params), g)]


CONV_IMAGES = Op(
    name="conv2d_grad_images", kind="contract", arity=2, params=(*PARAMS, "image"),
    infer=_infer_images, numpy=_numpy_images, vjp=_images_vjp, jvp=_bilinear_jvp,
    weight=3, flops=500.0, assumes=_assume_images,
    doc="The gradient of conv2d in its images, from filters and the result's gradient.",
)  # fmt: skip


# --------------------------------------------------------------------- what users call


def pads_of(
    border_mode: Any, kernel: Sequence[DimLike], dilation: tuple[int, int]
) -> tuple[DimLike, ...]:
    """What Theano's `border_mode` pads: before and after rows, then columns.

    valid: nothing; full: all but one element of a window; half: half a window; an int;
    or per axis an int or (before, after). Raises GraphError for anything else.
    """
    covered = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    named = {
        "valid": [0, 0],
        "full": [c - 1 for c in covered],
        "half": [c // 2 for c in covered],
    }
    if isinstance(border_mode, str) and border_mode in named:
        sides = named[border_mode]
        return sides[0], sides[0], sides[1], sides[1]
    per_axis = (border_mode,) * 2 if isinstance(border_mode, int) else border_mode
    if isinstance(per_axis, tuple | list) and len(per_axis) == 2:
        pairs = [(p, p) if isinstance(p, int) else tuple(p) for p in per_axis]
        flat = [p for pair in pairs for p in pair]
        if len(flat) == 4 and all(isinstance(p, int) and p >= 0 for p in flat):
            return tuple(flat)
    raise GraphError(
        f"border_mode is valid, full, half, or sizes of 0 and more; got "
        f"{border_mode!r}.\nFix: for instance border_mode='half'."
    )


def _two(value: Any, what: str) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or any(not isinstance(v, int) or v < 1 for v in pair):
        raise GraphError(f"{what} is two ints of 1 and more; got {value!r}.")
    return pair[0], pair[1]


def _known(x: Node, shape: Any) -> Node:
    """`x` with the sizes the user vouches for; None and -1 leave one open."""
    if shape is None:
        return x
    sizes = [
        own if given is None or given == -1 else given
        for own, given in zip(shape_of(x), tuple(shape), strict=True)
    ]
    return specify_shape(x, sizes)


def _prepared(x: Any, w: Any, x_shape: Any, w_shape: Any, flipped: bool) -> list[Node]:
    a, b = promoted([x, w])
    if a.type is ANY or b.type is ANY:
        return [a, b]
    _need_four((a.type, b.type), "images", "filters")  # pyright: ignore
    a, b = _known(a, x_shape), _known(b, w_shape)
    return [a, flip(b, (2, 3)) if flipped else b]


def _options(
    w: Node, border_mode: Any, subsample: Any, dilation: Any, groups: int
) -> tuple[Any, ...]:
    steps, apart = _two(subsample, "subsample"), _two(dilation, "filter_dilation")
    if not isinstance(groups, int) or groups < 1:
        raise GraphError(f"num_groups is an int of 1 and more; got {groups!r}.")
    return steps, pads_of(border_mode, shape_of(w)[2:], apart), apart, groups


def _refuse_unshared(unshared: bool) -> None:
    if unshared:
        raise GraphError("unshared convolution is not built.\nFix: unshared=False.")


def conv2d(
    input: Any,
    filters: Any,
    input_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    image_shape: Any = None,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Node:
    """Convolution of images (n, c, h, w) with filters (f, c / groups, k, l).

    border_mode      valid | full | half | int | (rows, columns), each an int or
                     (before, after): zeros around the images
    subsample        steps from one window to the next
    filter_flip      True: a convolution; False: a correlation, as other libraries do
    filter_dilation  steps from one element of a filter to the next
    input_shape, filter_shape   sizes known beforehand, None where open
    -> (n, f, rows, columns), dtype the common one

    Raises RankError, ShapeError, GraphError.
    """
    _refuse_unshared(unshared)
    shape = input_shape if input_shape is not None else image_shape
    x, w = _prepared(input, filters, shape, filter_shape, filter_flip)
    options = _options(w, border_mode, subsample, filter_dilation, num_groups)
    return make(CONV, (x, w), options)


def conv2d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Node:
    """The gradient of `conv2d` in its images; input_shape gives their sizes."""
    _refuse_unshared(unshared)
    g, w = _prepared(output_grad, filters, None, filter_shape, filter_flip)
    options = _options(w, border_mode, subsample, filter_dilation, num_groups)
    image = as_sizes(tuple(input_shape)[2:], 2)
    return make(CONV_IMAGES, (w, g), (*options, image))


def conv2d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Any,
    input_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Node:
    """The gradient of `conv2d` in its filters; filter_shape gives their sizes."""
    _refuse_unshared(unshared)
    x, g = _prepared(input, output_grad, input_shape, None, False)
    kernel = as_sizes(tuple(filter_shape)[2:], 2)
    apart, steps = (
        _two(filter_dilation, "filter_dilation"),
        _two(subsample, "subsample"),
    )
    pads = pads_of(border_mode, kernel, apart)
    made = make(CONV_WEIGHTS, (x, g), (steps, pads, apart, num_groups, kernel))
    return flip(made, (2, 3)) if filter_flip else made


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    input_dilation: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
) -> Node:
    """The adjoint of `conv2d` ("deconvolution"): steps are input_dilation apart.

    filters       (channels of the input, channels of the output / groups, k, l)
    output_shape  sizes of the result
    """
    return conv2d_grad_wrt_inputs(
        input, filters, output_shape, filter_shape, border_mode, input_dilation,
        filter_flip, filter_dilation, num_groups,
    )  # fmt: skip


def convolve(x: Any, filters: Any, border_mode: Any = "valid") -> Node:
    """Every image of a stack (..., h, w) with every one of its filters (..., k, l).

    Theano's `signal.conv.conv2d`: x (h, w) or (n, h, w), filters (k, l) or (f, k, l);
    -> the axes both have, n before f, then rows and columns.
    """
    a, b = promoted([x, filters])
    if a.ndim not in (2, 3) or b.ndim not in (2, 3):
        raise RankError(f"images and filters have 2 or 3 axes, not {a.ndim}, {b.ndim}.")
    images = a[:, None] if a.ndim == 3 else a[None, None]
    kernels = b[:, None] if b.ndim == 3 else b[None, None]
    made = conv2d(images, kernels, border_mode=border_mode)
    if b.ndim == 2:
        made = made[:, 0]
        return made if a.ndim == 3 else made[0]
    return made if a.ndim == 3 else made[0]


__all__ = [
    "CONV", "CONV_IMAGES", "CONV_WEIGHTS", "conv2d", "conv2d_grad_wrt_inputs",
    "conv2d_grad_wrt_weights", "conv2d_transpose", "convolve", "pads_of", "windows_of",
]  # fmt: skip
