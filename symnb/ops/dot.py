"""Products: `dot` of matrices and vectors, `batched_dot`, and what reduces to them.

DOT takes 1 or 2 axes on each side, BATCHED_DOT [b, n, k] by [b, k, m]. All of
NumPy's `dot`, `matmul`, `tensordot` and the rest are these two with views around
them, so that one lowering (BLAS) serves all. Operands share one dtype; bool is
multiplied as int64 and is nonzero afterwards. Einstein sums are in `einsum.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core.dims import DimLike
from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.seams import slots
from symnb.core.types import ANY, TensorType, Type
from symnb.errors import RankError, ShapeError
from symnb.ops import reduce
from symnb.ops.cast import cast
from symnb.ops.define import as_node, broadcast_sizes, promoted
from symnb.ops.sizes import Pairs, Sizes, differ, equal_pairs, normal_axes, product
from symnb.ops.view import (
    broadcast_to,
    dimshuffle,
    expand_dims,
    matrix_transpose,
    moveaxis,
    reshape,
    shape_of,
    specify_like,
    squeeze,
    transpose,
)

Array = Any

# -------------------------------------------------------------------------- dot


def _infer_dot(types: Types, params: Params) -> Type:
    a, b = types
    if not (1 <= a.ndim <= 2 and 1 <= b.ndim <= 2):
        raise RankError(
            "dot multiplies matrices and vectors; got "
            f"{a.ndim} and {b.ndim} axes.\nFix: use tensordot for more axes."
        )
    if differ(a.shape[-1], b.shape[0]):
        raise ShapeError(
            f"dot(a, b) needs a.shape[{a.ndim - 1}] == b.shape[0]; got "
            f"{a.shape[-1]} and {b.shape[0]}.\nFix: {_dot_cure(a, b)}"
        )
    return TensorType(a.dtype, (*a.shape[:-1], *b.shape[1:]))


def _dot_cure(a: TensorType, b: TensorType) -> str:
    if b.ndim == 2 and b.shape[1] == a.shape[-1]:
        return f"b has {a.shape[-1]} columns; dot(a, b.T) fits."
    if a.ndim == 2 and a.shape[0] == b.shape[0]:
        return f"a has {b.shape[0]} rows; dot(a.T, b) fits."
    return f"b should have {a.shape[-1]} rows."


def _dot_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    a, b = node.operands
    if a.ndim == 1 and b.ndim == 1:
        da, db = g * b, g * a
    elif a.ndim == 1:
        da, db = dot(b, g), outer(a, g)
    elif b.ndim == 1:
        da, db = outer(g, b), dot(transpose(a), g)
    else:
        da, db = dot(g, transpose(b)), dot(transpose(a), g)
    return [specify_like(da, a), specify_like(db, b)]


def _product_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    """The product rule, for any bilinear op of two operands."""
    a, b = node.operands
    da, db = tangents
    terms = []
    if da is not None:
        terms.append(make(node.op, (da, b), node.params))
    if db is not None:
        terms.append(make(node.op, (a, db), node.params))
    return None if not terms else terms[0] if len(terms) == 1 else terms[0] + terms[1]


DOT = Op(
    name="dot", kind="contract", arity=2, infer=_infer_dot, numpy=np.dot,
    vjp=_dot_vjp, jvp=_product_jvp, weight=3,
    assumes=lambda types, params: equal_pairs(
        types[0].shape[-1:], types[1].shape[:1]
    ),
    doc="Product of matrices and vectors, summed over the last and first axis.",
)  # fmt: skip


def operands(a: Any, b: Any) -> tuple[tuple[Node, ...], bool]:
    """The operands of a product in one dtype, and whether they were bool."""
    pair = promoted([a, b])
    if any(x.type is ANY for x in pair) or pair[0].dtype != "bool":
        return pair, False
    return tuple(cast(x, "int64") for x in pair), True


def dot(a: Any, b: Any) -> Node:
    """NumPy's `dot`: sums over the last axis of a and the second last of b.

    A scalar multiplies. For more than two axes the axes of a come before those
    of b; `matmul` treats them as a batch instead.
    """
    (x, y), truth = operands(a, b)
    if x.type is ANY or y.type is ANY:
        return make(DOT, (x, y))
    if not (x.ndim and y.ndim):
        result = x * y
    elif x.ndim <= 2 and y.ndim <= 2:
        result = make(DOT, (x, y))
    else:
        result = tensordot(x, y, [[x.ndim - 1], [max(y.ndim - 2, 0)]])
    return cast(result, "bool") if truth else result


# ------------------------------------------------------------------ batched dot


def _infer_batched(types: Types, params: Params) -> Type:
    a, b = types
    if a.ndim != 3 or b.ndim != 3:
        raise RankError(f"batched_dot of {a.ndim} and {b.ndim} axes; each has 3.")
    for i, j, what in ((0, 0, "batches"), (2, 1, "inner sizes")):
        if differ(a.shape[i], b.shape[j]):
            raise ShapeError(
                f"batched product with {what} {a.shape[i]} and {b.shape[j]}.\n"
                f"Fix: a.shape[{i - 3}] should equal b.shape[{j - 3}]."
            )
    return TensorType(a.dtype, (a.shape[0], a.shape[1], b.shape[2]))


def _batched_assumes(types: Types, params: Params) -> Pairs:
    a, b = types
    return equal_pairs((a.shape[0], a.shape[2]), b.shape[:2])


def _batched_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    a, b = node.operands
    da = make(BATCHED_DOT, (g, matrix_transpose(b)))
    db = make(BATCHED_DOT, (matrix_transpose(a), g))
    return [specify_like(da, a), specify_like(db, b)]


BATCHED_DOT = Op(
    name="batched_dot", kind="contract", arity=2, infer=_infer_batched,
    numpy=np.matmul, vjp=_batched_vjp, jvp=_product_jvp, weight=3,
    assumes=_batched_assumes,
    doc="One matrix product per entry of the first axis.",
)  # fmt: skip


def batched_dot(a: Any, b: Any) -> Node:
    """Theano's batched product: axis 0 is the batch, the rest as in `dot`.

    Each side has two or three axes; those with two are batches of vectors.
    """
    (x, y), truth = operands(a, b)
    if x.ndim == 1 or y.ndim == 1:
        aligned = max(x.ndim, y.ndim)
        result = _padded(x, aligned) * _padded(y, aligned)
        return cast(result, "bool") if truth else result
    if x.ndim > 3 or y.ndim > 3:
        return batched_tensordot(x, y, [[x.ndim - 1], [y.ndim - 2]])
    left = expand_dims(x, 1) if x.ndim == 2 else x
    right = expand_dims(y, 2) if y.ndim == 2 else y
    result = make(BATCHED_DOT, (left, right))
    dropped = [axis for axis, z in ((1, x), (2, y)) if z.ndim == 2]
    result = squeeze(result, dropped) if dropped else result
    return cast(result, "bool") if truth else result


def _padded(x: Node, ndim: int) -> Node:
    return expand_dims(x, tuple(range(x.ndim, ndim)))


# ----------------------------------------------------------------------- matmul


def matmul(a: Any, b: Any) -> Node:
    """NumPy's `a @ b`: matrices in the last two axes, the others broadcast."""
    (x, y), truth = operands(a, b)
    if x.type is ANY or y.type is ANY:
        return make(DOT, (x, y))
    if not (x.ndim and y.ndim):
        raise RankError("matmul of a scalar.\nFix: use * to scale.")
    if x.ndim <= 2 and y.ndim <= 2:
        result = make(DOT, (x, y))
    elif y.ndim <= 2:
        rows = reshape(x, (product(shape_of(x)[:-1]), shape_of(x)[-1]))
        result = reshape(make(DOT, (rows, y)), (*shape_of(x)[:-1], *shape_of(y)[1:]))
    else:
        result = _batched_matmul(x, y)
    return cast(result, "bool") if truth else result


def _batched_matmul(x: Node, y: Node) -> Node:
    """matmul where y has batch axes: broadcast, flatten them, multiply, restore."""
    left = expand_dims(x, 0) if x.ndim == 1 else x
    batch = broadcast_sizes([shape_of(left)[:-2], shape_of(y)[:-2]])
    flat = product(batch)
    sides = [
        reshape(broadcast_to(z, (*batch, *last)), (flat, *last))
        for z, last in ((left, shape_of(left)[-2:]), (y, shape_of(y)[-2:]))
    ]
    result = make(BATCHED_DOT, tuple(sides))
    result = reshape(result, (*batch, *shape_of(result)[1:]))
    return squeeze(result, -2) if x.ndim == 1 else result


def matvec(a: Any, b: Any) -> Node:
    """Matrix times vector in the last axes, the others broadcast."""
    return squeeze(matmul(a, expand_dims(b, -1)), -1)


def vecmat(a: Any, b: Any) -> Node:
    """Vector times matrix in the last axes, the others broadcast."""
    return squeeze(matmul(expand_dims(a, -2), b), -2)


def vecdot(a: Any, b: Any, axis: int = -1) -> Node:
    """Sum of products along an axis, the others broadcast."""
    (x, y), truth = operands(a, b)
    result = reduce.sum(
        moveaxis(x, axis, -1) * moveaxis(y, axis, -1), -1, dtype=x.dtype
    )
    return cast(result, "bool") if truth else result


# -------------------------------------------------------------------- tensordot


def tensordot(a: Any, b: Any, axes: Any = 2) -> Node:
    """Sum of products over axes of a and of b.

    axes  a number n: the last n of a with the first n of b; or (axes of a, axes
          of b), each an int or several
    The result has the other axes of a, then those of b.
    """
    (x, y), truth = operands(a, b)
    over_x, over_y = _paired_axes(x, y, axes)
    keep_x = tuple(i for i in range(x.ndim) if i not in over_x)
    keep_y = tuple(i for i in range(y.ndim) if i not in over_y)
    rows = tuple(shape_of(x)[i] for i in keep_x)
    columns = tuple(shape_of(y)[i] for i in keep_y)
    inner = product(shape_of(x)[i] for i in over_x)
    left = reshape(transpose(x, (*keep_x, *over_x)), (product(rows), inner))
    inner = product(shape_of(y)[i] for i in over_y)
    right = reshape(transpose(y, (*over_y, *keep_y)), (inner, product(columns)))
    result = reshape(make(DOT, (left, right)), (*rows, *columns))
    return cast(result, "bool") if truth else result


def _paired_axes(
    x: Node, y: Node, axes: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, int | np.integer):
        first, second = range(x.ndim - axes, x.ndim), range(int(axes))
        pair = (tuple(first), tuple(second))
        if axes > min(x.ndim, y.ndim):
            raise RankError(
                f"tensordot over {axes} axes of tensors with {x.ndim} and {y.ndim}."
            )
    else:
        pair = (normal_axes(axes[0], x.ndim), normal_axes(axes[1], y.ndim))
    if len(pair[0]) != len(pair[1]):
        raise RankError(
            f"tensordot over {len(pair[0])} axes of a and {len(pair[1])} of b.\n"
            "Fix: name as many axes of each."
        )
    sizes = zip(*(_sizes(z, p) for z, p in zip((x, y), pair, strict=True)), strict=True)
    for i, (one, other) in enumerate(sizes):
        if differ(one, other):
            raise ShapeError(
                f"tensordot sums axis {pair[0][i]} of a, of size {one}, with axis "
                f"{pair[1][i]} of b, of size {other}.\nFix: they should be equal."
            )
    return pair


def _sizes(x: Node, axes: Sequence[int]) -> Sizes:
    return tuple(shape_of(x)[axis] for axis in axes)


def batched_tensordot(a: Any, b: Any, axes: Any = 2) -> Node:
    """`tensordot` per entry of axis 0, which is the batch.

    axes  a number of axes after the batch axis, or (axes of a, axes of b), counted
          with the batch axis
    """
    (x, y), truth = operands(a, b)
    if isinstance(axes, int | np.integer):
        pair = (tuple(range(x.ndim - axes, x.ndim)), tuple(range(1, 1 + int(axes))))
    else:
        pair = (normal_axes(axes[0], x.ndim), normal_axes(axes[1], y.ndim))
    keep_x = tuple(i for i in range(1, x.ndim) if i not in pair[0])
    keep_y = tuple(i for i in range(1, y.ndim) if i not in pair[1])
    result = contract(x, y, (0,), (0,), keep_x, keep_y, *pair)
    return cast(result, "bool") if truth else result


def contract(
    x: Node, y: Node,
    batch_x: tuple[int, ...], batch_y: tuple[int, ...],
    keep_x: tuple[int, ...], keep_y: tuple[int, ...],
    over_x: tuple[int, ...], over_y: tuple[int, ...],
) -> Node:  # fmt: skip
    """Sum over `over` axes, elementwise over `batch` axes; result batch, x, y axes."""
    batch: tuple[DimLike, ...] = _sizes(x, batch_x)
    rows, columns = _sizes(x, keep_x), _sizes(y, keep_y)
    left = transpose(x, (*batch_x, *keep_x, *over_x))
    right = transpose(y, (*batch_y, *over_y, *keep_y))
    inner_x, inner_y = product(_sizes(x, over_x)), product(_sizes(y, over_y))
    left_shape = (product(rows), inner_x)
    right_shape = (inner_y, product(columns))
    if not batch_x:
        flat = make(DOT, (reshape(left, left_shape), reshape(right, right_shape)))
        return reshape(flat, (*rows, *columns))
    count_x, count_y = product(batch), product(_sizes(y, batch_y))
    flat = make(
        BATCHED_DOT,
        (
            reshape(left, (count_x, *left_shape)),
            reshape(right, (count_y, *right_shape)),
        ),
    )
    return reshape(flat, (*batch, *rows, *columns))


# ------------------------------------------------------------- products of pairs


def outer(a: Any, b: Any) -> Node:
    """All products of an element of a and one of b; both are flattened."""
    x, y = promoted([a, b])
    return expand_dims(x.flatten(), 1) * expand_dims(y.flatten(), 0)


def inner(a: Any, b: Any) -> Node:
    """Sum of products over the last axes."""
    (x, y), truth = operands(a, b)
    if not (x.ndim and y.ndim):
        return x * y
    result = tensordot(x, y, [[x.ndim - 1], [y.ndim - 1]])
    return cast(result, "bool") if truth else result


def vdot(a: Any, b: Any) -> Node:
    """Sum of the products of the flattened tensors."""
    return dot(as_node(a).flatten(), as_node(b).flatten())


def kron(a: Any, b: Any) -> Node:
    """Kronecker product: each element of a replaced by it times b."""
    x, y = promoted([a, b])
    ndim = max(x.ndim, y.ndim)
    left = expand_dims(x, tuple(range(ndim - x.ndim)))
    right = expand_dims(y, tuple(range(ndim - y.ndim)))
    spread_x = dimshuffle(left, *(p for axis in range(ndim) for p in (axis, "x")))
    spread_y = dimshuffle(right, *(p for axis in range(ndim) for p in ("x", axis)))
    sizes = zip(shape_of(left), shape_of(right), strict=True)
    return reshape(spread_x * spread_y, tuple(m * n for m, n in sizes))


slots.fill(dot=dot, matmul=matmul)
