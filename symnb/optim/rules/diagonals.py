"""Diagonal matrices: everything about them is about one vector.

A matrix is diagonal when that is proven from how it was made (`diag`, `eye`, masks,
products and sums of diagonal matrices) or declared by `assume`. A zero on the
diagonal stays an error where the general method has one (`ops/pivots.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symnb.core.node import Constant, Input, Node, make
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops import elementwise as el
from symnb.ops.create import eye
from symnb.ops.diagonal import diag, diagonal, embed
from symnb.ops.dot import BATCHED_DOT, DOT, dot
from symnb.ops.elementwise import abs, exp, reciprocal, sqrt
from symnb.ops.factor import EIGVALSH, SVDVALS, eigvalsh, svdvals
from symnb.ops.index import GATHER
from symnb.ops.linalg import EXPM, INV, SOLVE, expm, inv, solve
from symnb.ops.pivots import pivots
from symnb.ops.sort import sort
from symnb.ops.triangular import CHOLESKY, cholesky
from symnb.ops.view import EXPAND_DIMS, expand_dims, shape_of, specify_like
from symnb.optim.contract import DOMAIN, FINITE_ONLY
from symnb.optim.rule import rewrite, ruleset
from symnb.optim.structure import is_diagonal, is_eye

PRODUCTS = (DOT, BATCHED_DOT)


def _vector(n: int = 4, dtype: str = "float64") -> Node:
    return Input(TensorType(dtype, (n,)), "d")


def _side(*shape: int, dtype: str = "float64") -> Node:
    return Input(TensorType(dtype, shape), "b")


def diagonal_of(matrix: Node) -> Node:
    """The diagonal of a diagonal matrix; of `diag(d)` d itself."""
    chosen = matrix.inputs[1] if matrix.op is el.where else matrix
    column = chosen.op is EXPAND_DIMS and chosen.params[0] == (matrix.ndim - 1,)
    if column and shape_of(chosen)[-2] == shape_of(matrix)[-2]:
        return chosen.inputs[0]
    return diagonal(matrix, 0, -2, -1)


def _embedded(d: Node) -> Node:
    n = shape_of(d)[-1]
    return embed(d, 0, n, n)


def _only(*ops: Op) -> Callable[[Op], bool]:
    return lambda op: op in ops


# ------------------------------------------------------------------------- products


@rewrite(
    _only(*PRODUCTS), "diag(d) @ x -> d * x by rows, x @ diag(d) -> x * d", FINITE_ONLY,
    "n^2 products instead of n^3; beside inf or NaN the zeros of the matrix make NaN",
    decreases="weight", answers=("dot_diag_to_elemwise",),
    examples=lambda: [dot(diag(_vector()), _side(4, 3)), dot(eye(4), _side(4, 3)),
                      dot(_side(3, 4), diag(_vector())), dot(diag(_vector()), _side(4)),
                      dot(_side(4), diag(_vector()))],
)  # fmt: skip
def product_with_diagonal(node: Node) -> Node | None:
    """The rows, or the columns, scaled."""
    first, second = node.inputs
    if first.ndim > 1 and is_diagonal(first):
        if is_eye(first):
            return specify_like(second, node)
        d = diagonal_of(first)
        scaled = second * (d if second.ndim == 1 else expand_dims(d, -1))
        return specify_like(scaled, node)
    if second.ndim > 1 and is_diagonal(second):
        if is_eye(second):
            return specify_like(first, node)
        d = diagonal_of(second)
        scaled = first * (d if first.ndim < 3 else expand_dims(d, -2))
        return specify_like(scaled, node)
    return None


def _chosen_columns(*index: int) -> Node:
    return make(GATHER, (eye(4), _places(*index)), ((1,),))


def _places(*index: int) -> Node:
    return Constant(np.array(index))


@rewrite(
    _only(DOT), "x @ eye[:, i] -> x[:, i], eye[i] @ x -> x[i]", FINITE_ONLY,
    "choosing needs no products; beside inf or NaN the zeros make NaN",
    operands=lambda ops: GATHER in ops, decreases="weight",
    answers=("selection_dot_to_indexing",),
    examples=lambda: [dot(_side(3, 4), _chosen_columns(2, 0, 2)),
                      dot(_side(4), _chosen_columns(3, 1)),
                      dot(make(GATHER, (eye(4), _places(1, 1)), ((0,),)), _side(4, 3))],
)  # fmt: skip
def product_with_selection(node: Node) -> Node | None:
    """The columns, or the rows, that are chosen."""
    x, chosen = node.inputs
    places = _selected(chosen, 1)
    if places is not None:
        return specify_like(make(GATHER, (x, places), ((x.ndim - 1,),)), node)
    chosen, x = node.inputs
    places = _selected(chosen, 0)
    if places is None:
        return None
    return specify_like(make(GATHER, (x, places), ((0,),)), node)


def _selected(chosen: Node, axis: int) -> Node | None:
    """i, where a matrix is eye[i] (axis 0) or eye[:, i] (axis 1)."""
    if chosen.op is not GATHER or chosen.params[0] != (axis,) or chosen.ndim != 2:
        return None
    return chosen.inputs[1] if is_eye(chosen.inputs[0]) else None


# --------------------------------------------------------------- systems and inverses


@rewrite(
    _only(SOLVE), "solve(diag(d), b) -> b / d by rows", FINITE_ONLY,
    "a zero of d is still an error", decreases="linear algebra",
    answers=("diagonal_solve_to_division", "generic_solve_to_structured_form"),
    examples=lambda: [solve(diag(_vector()), _side(4)),
                      solve(diag(_vector(3, "float32")), _side(3, 2, dtype="float32"))],
)  # fmt: skip
def solve_diagonal(node: Node) -> Node | None:
    """The quotients."""
    matrix, right = node.inputs
    if not is_diagonal(matrix):
        return None
    if is_eye(matrix):
        return right
    d = pivots(diagonal_of(matrix))
    return right / (d if right.ndim == 1 else expand_dims(d, -1))


@rewrite(
    _only(INV), "inv(diag(d)) -> diag(1 / d)", FINITE_ONLY,
    "a zero of d is still an error", decreases="linear algebra",
    answers=("inv_of_diag_to_diag_reciprocal",),
    examples=lambda: [inv(diag(_vector()))],
)  # fmt: skip
def inv_diagonal(node: Node) -> Node | None:
    """The reciprocals on the diagonal."""
    matrix = node.inputs[0]
    if not is_diagonal(matrix):
        return None
    return _embedded(reciprocal(pivots(diagonal_of(matrix))))


# ------------------------------------------------------------------------- functions


@rewrite(
    _only(CHOLESKY), "cholesky(diag(d)) -> diag(sqrt(d))", FINITE_ONLY,
    "an element of d that is not positive is still an error",
    decreases="linear algebra", answers=("cholesky_of_diag",),
    examples=lambda: [cholesky(diag(exp(_vector())))],
)  # fmt: skip
def cholesky_diagonal(node: Node) -> Node | None:
    """The roots on the diagonal."""
    matrix, on_error = node.inputs[0], node.params[0]
    if on_error != "raise" or not is_diagonal(matrix):
        return None
    return _embedded(sqrt(pivots(diagonal_of(matrix), positive=True)))


@rewrite(
    _only(EIGVALSH, SVDVALS, EXPM),
    "eigvalsh(diag(d)) -> sort(d), svdvals(diag(d)) -> sort(|d|), "
    "expm(diag(d)) -> diag(exp(d))", DOMAIN,
    decreases="linear algebra",
    answers=("eigvalsh_of_diag", "svd_of_diag", "expm_of_diag"),
    examples=lambda: [eigvalsh(diag(_vector())), svdvals(diag(_vector())),
                      expm(diag(_vector() * 0.01))],
)  # fmt: skip
def function_of_diagonal(node: Node) -> Node | None:
    """The function of the elements."""
    matrix = node.inputs[0]
    if not is_diagonal(matrix) or shape_of(matrix)[-2] != shape_of(matrix)[-1]:
        return None
    d = diagonal_of(matrix)
    if node.op is EXPM:
        return _embedded(exp(d))
    if node.op is EIGVALSH:
        return sort(d, -1)
    return -sort(-abs(d), -1)


DIAGONALS = ruleset(
    "diagonals",
    [
        product_with_selection, product_with_diagonal, solve_diagonal, inv_diagonal,
        cholesky_diagonal, function_of_diagonal,
    ],
)  # fmt: skip
