"""Products that are less than a matrix product: of zeros, of vectors, of one term.

Run beside the rules of BLAS, once the order of products is chosen: a sum of one term is
an elementwise product, which joins the kernels around it; a matrix of one row or
column is a vector; a batch that shares one factor is one larger product.
"""

from __future__ import annotations

from symnb.core import dtypes
from symnb.core.node import Input, Node, make
from symnb.core.types import TensorType
from symnb.ops.create import zeros
from symnb.ops.dot import BATCHED_DOT, DOT, dot, matmul
from symnb.ops.sizes import product
from symnb.ops.view import (
    BROADCAST_TO,
    TRANSPOSE,
    broadcast_to,
    expand_dims,
    reshape,
    shape_of,
    squeeze,
)
from symnb.optim.contract import FINITE_ONLY, ROUNDING
from symnb.optim.guard import literal
from symnb.optim.rule import rewrite, ruleset

PRODUCTS = (DOT, BATCHED_DOT)


def _input(*shape: int, name: str = "x", dtype: str = "float64") -> Node:
    return Input(TensorType(dtype, shape), name)


@rewrite(
    lambda op: op in PRODUCTS, "dot(0, x) -> 0, dot(x, 0) -> 0", FINITE_ONLY,
    "0 times inf would be NaN", decreases="nodes", tags="drops",
    answers=("local_0_dot_x",),
    examples=lambda: [dot(broadcast_to(0.0, (2, 3)), _input(3, 4)),
                      dot(_input(3, dtype="float32"),
                          zeros((3, 2), dtype="float32"))],
)  # fmt: skip
def dot_of_zero(node: Node) -> Node | None:
    """Zeros."""
    if literal(node.inputs[0]) != 0 and literal(node.inputs[1]) != 0:
        return None
    return zeros(shape_of(node), node.dtype)


@rewrite(
    lambda op: op is DOT, "dot(a, b) -> a * b, one term being summed", ROUNDING,
    "an elementwise product fuses with what reads it; -0 may become 0 or stay",
    decreases="weight", answers=("local_dot_to_mul", "local_gemm_to_ger",
                                 "local_dot22_to_ger_or_gemv"),
    examples=lambda: [dot(_input(3, 1), _input(1, 4, name="y")),
                      dot(_input(3, 1), _input(1, name="y")),
                      dot(_input(1), _input(1, 4, name="y")),
                      dot(_input(1), _input(1, name="y"))],
)  # fmt: skip
def dot_of_one_term(node: Node) -> Node | None:
    """The product of all pairs."""
    a, b = node.inputs
    if shape_of(a)[-1] != 1:
        return None
    left = squeeze(a, -1) if b.ndim == 1 else a
    right = squeeze(b, 0) if a.ndim == 1 else b
    if a.ndim == 1 and b.ndim == 1:
        return left * squeeze(b, 0)
    return left * right


@rewrite(
    lambda op: op is DOT,
    "dot(a, column) -> dot(a, vector)[:, None], dot(row, b) -> dot(vector, b)[None]",
    ROUNDING, "BLAS multiplies a matrix and a vector faster than two matrices",
    decreases="elements", answers=("local_gemm_to_gemv",
                                          "local_dot22_to_ger_or_gemv"),
    examples=lambda: [dot(_input(3, 4), _input(4, 1, name="y")),
                      dot(_input(1, 4), _input(4, 3, name="y")),
                      dot(_input(1, 4), _input(4, 1, name="y"))],
)  # fmt: skip
def dot_of_column(node: Node) -> Node | None:
    """The product with the vector."""
    a, b = node.inputs
    if a.ndim != 2 or b.ndim != 2 or not dtypes.is_float(node.dtype):
        return None
    is_row, is_column = shape_of(a)[0] == 1, shape_of(b)[1] == 1
    if not is_row and not is_column:
        return None
    made = _times(_vector(a, 0) if is_row else a, _vector(b, 1) if is_column else b)
    kept = [axis for axis, one in enumerate((is_row, is_column)) if one]
    return expand_dims(made, tuple(kept))


def _times(a: Node, b: Node) -> Node:
    """The product; a vector needs no transposed matrix."""
    if b.ndim == 1 and a.op is TRANSPOSE:
        return dot(b, a.inputs[0])
    if a.ndim == 1 and b.op is TRANSPOSE:
        return dot(b.inputs[0], a)
    return dot(a, b)


def _vector(x: Node, axis: int) -> Node:
    """A matrix of one row or column as a vector; a transpose is not needed."""
    if x.op is TRANSPOSE:
        return squeeze(x.inputs[0], 1 - axis)
    return squeeze(x, axis)


@rewrite(
    lambda op: op is BATCHED_DOT,
    "batched_dot(x, broadcast_to(y)) -> dot(x, y) of all rows of x", ROUNDING,
    "one product, and y is not copied for each entry of the batch",
    operands=lambda ops: ops[1] is BROADCAST_TO, decreases="weight",
    answers=("local_batched_matmul_to_core_matmul",
             "local_batched_matmul_to_core_matmul_with_reshape"),
    examples=lambda: [matmul(_input(5, 2, 3), _input(1, 3, 4, name="y"))],
)  # fmt: skip
def batched_dot_of_one_matrix(node: Node) -> Node | None:
    """The rows of the whole batch times one matrix."""
    x, wide = node.inputs
    y = wide.inputs[0]
    if y.ndim == 3 and shape_of(y)[0] == 1:
        y = squeeze(y, 0)
    if y.ndim != 2 or shape_of(y) != shape_of(wide)[1:]:
        return None
    batch, rows, inner = shape_of(x)
    flat = make(DOT, (reshape(x, (product((batch, rows)), inner)), y))
    return reshape(flat, shape_of(node))


@rewrite(
    lambda op: op is BATCHED_DOT, "batched_dot of one entry -> dot", ROUNDING,
    decreases="elements",
    answers=("local_batched_matmul_to_core_matmul",),
    examples=lambda: [matmul(_input(1, 2, 3), _input(1, 3, 4, name="y"))],
)  # fmt: skip
def batched_dot_of_one(node: Node) -> Node | None:
    """The product of the only two matrices."""
    if shape_of(node)[0] != 1:
        return None
    a, b = (squeeze(x, 0) for x in node.inputs)
    return expand_dims(make(DOT, (a, b)), 0)


DOTS = ruleset(
    "dots",
    [dot_of_zero, dot_of_one_term, dot_of_column, batched_dot_of_one_matrix,
     batched_dot_of_one],
    "one_sweep",
)  # fmt: skip
