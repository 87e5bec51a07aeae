"""Triangular matrices: `cholesky`, and solving with a triangle or a Cholesky factor.

Matrices are the last two axes; axes before them are a batch. Integers become float64
and float32 stays, as in numpy.linalg. `cholesky` reads the lower triangle only, and
its derivatives are those of that function: the gradient is zero above the diagonal.
Sources: Giles 2008, "Collected matrix derivative results for forward and reverse
mode AD" (2.3: products with an inverse); Murray 2016, "Differentiation of the Cholesky
decomposition", arXiv:1602.07527 (equations 8 and 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.types import ANY, TensorType, Type
from symnb.errors import RankError, ShapeError
from symnb.ops import elimination
from symnb.ops.cast import cast
from symnb.ops.create import eye, tril, triu
from symnb.ops.define import as_node, broadcast_sizes, promoted
from symnb.ops.dot import matmul
from symnb.ops.elimination import in_any_precision
from symnb.ops.sizes import Pairs, differ, equal_pairs
from symnb.ops.view import (
    broadcast_to,
    expand_dims,
    matrix_transpose,
    shape_of,
    specify_like,
    squeeze,
)

Array = Any

# --------------------------------------------------------------------- operands


def float_matrix(x: Any, name: str) -> Node:
    """x as a float matrix, or a batch of them. Raises RankError."""
    node = as_node(x)
    if node.type is ANY:
        return node
    if node.ndim < 2:
        raise RankError(
            f"{name} takes a matrix, not {node.type}.\n"
            "Fix: give a tensor with two axes (axes before them are a batch)."
        )
    return node if dtypes.is_float(node.dtype) else cast(node, "float64")


def infer_square(name: str, type: TensorType) -> TensorType:
    """The type of a square matrix, itself. Raises RankError or ShapeError."""
    if type.ndim < 2:
        raise RankError(f"{name} takes a matrix, not {type}.")
    n, m = type.shape[-2:]
    if differ(n, m):
        raise ShapeError(
            f"{name} needs a square matrix; got {n} rows and {m} columns.\n"
            "Fix: give as many rows as columns."
        )
    return type.with_shape((*type.shape[:-1], n))


def assume_square(types: Types, params: Params) -> Pairs:
    """That the first operand has as many rows as columns."""
    *_, n, m = types[0].shape
    return equal_pairs((n,), (m,))


def add_terms(terms: Sequence[Node | None]) -> Node | None:
    """The sum of the terms that are there; None for no term."""
    total: Node | None = None
    for term in terms:
        if term is not None:
            total = term if total is None else total + term
    return total


def halved(x: Node) -> Node:
    """The lower triangle with half the diagonal (Murray's Phi)."""
    n, m = shape_of(x)[-2:]
    return tril(x) - x * eye(n, m, dtype=x.dtype) * 0.5


def mirrored(x: Node) -> Node:
    """The symmetric matrix whose lower triangle is that of x."""
    return tril(x) + matrix_transpose(tril(x, -1))


def folded(x: Node) -> Node:
    """The transpose of the map `mirrored`: what lies above is added below."""
    return tril(x) + tril(matrix_transpose(x), -1)


# -------------------------------------------------- solving with several right sides


def infer_solve(name: str, types: Types) -> Type:
    """The type of the solution: a (..., n, n), b (..., n, k), or b (n,) for one."""
    a, b = types
    n = infer_square(name, a).shape[-2]
    if b.ndim != a.ndim and not (a.ndim == 2 and b.ndim == 1):
        raise RankError(f"{name} of {a} with right sides {b}.")
    rows = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if differ(n, rows):
        raise ShapeError(
            f"{name}(a, b) needs a.shape[-1] == number of rows of b; got {n} and "
            f"{rows}.\nFix: b should have {n} rows."
        )
    for one, other in zip(a.shape[:-2], b.shape[:-2], strict=False):
        if differ(one, other):
            raise ShapeError(f"{name} of batches of {one} and {other} matrices.")
    return b


def assume_solve(types: Types, params: Params) -> Pairs:
    """That a is square, b has as many rows, and the batches are alike."""
    a, b = types
    *batch, rows = b.shape if b.ndim == 1 else b.shape[:-1]
    return [
        *assume_square(types, params),
        *equal_pairs(a.shape[-2:-1], (rows,)),
        *equal_pairs(a.shape[:-2], batch),
    ]


def build_solve(op: Op, a: Any, b: Any, params: Params = ()) -> Node:
    """The node of a solving op; batches broadcast and dtypes are promoted."""
    x, y = (as_node(v) for v in (a, b))
    if x.type is ANY or y.type is ANY:
        return make(op, (x, y), params)
    x = float_matrix(x, op.name)
    if not y.ndim:
        raise RankError(f"{op.name} with a scalar right side.\nFix: give a vector.")
    y = y if dtypes.is_float(y.dtype) else cast(y, "float64")
    x, y = promoted([x, y])
    if x.ndim == 2 and y.ndim <= 2:
        return make(op, (x, y), params)
    columns = expand_dims(y, -1) if y.ndim == 1 else y
    batch = broadcast_sizes([shape_of(x)[:-2], shape_of(columns)[:-2]])
    sides = [broadcast_to(z, (*batch, *shape_of(z)[-2:])) for z in (x, columns)]
    result = make(op, (sides[0], sides[1]), params)
    return squeeze(result, -1) if y.ndim == 1 else result


def product_with_transpose(x: Node, y: Node) -> Node:
    """x yᵀ per matrix; of two vectors all products of their elements."""
    if x.ndim == 1:
        return expand_dims(x, 1) * expand_dims(y, 0)
    return matmul(x, matrix_transpose(y))


# -------------------------------------------------------------- solve_triangular


def _solve_triangular(
    a: Array, b: Array, lower: bool, trans: bool, unit_diagonal: bool
) -> Array:
    from scipy.linalg import solve_triangular as solve

    result = np.empty(b.shape, b.dtype)
    if not result.size:
        return result
    try:
        for at in np.ndindex(a.shape[:-2]):
            result[at] = solve(
                a[at], b[at], trans=int(trans), lower=lower,
                unit_diagonal=unit_diagonal, check_finite=False,
            )  # fmt: skip
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(
            "solve_triangular with a singular matrix: a zero on its diagonal."
        ) from None
    return result


def _triangle(x: Node, params: Params) -> Node:
    """The part of a matrix that `solve_triangular` reads."""
    lower, _, unit_diagonal = params
    k = int(unit_diagonal)
    return tril(x, -k) if lower else triu(x, k)


def _solve_triangular_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    a, b = node.operands
    lower, trans, unit = node.params
    db = solve_triangular(a, g, lower=lower, trans=not trans, unit_diagonal=unit)
    pair = (node, db) if trans else (db, node)
    da = -_triangle(product_with_transpose(*pair), node.params)
    return [specify_like(da, a), specify_like(db, b)]


def _solve_triangular_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    a, _ = node.operands
    da, db = tangents
    if da is not None:
        move = _triangle(da, node.params)
        change = matmul(matrix_transpose(move) if node.params[1] else move, node)
        db = -change if db is None else db - change
    return None if db is None else make(node.op, (a, db), node.params)


SOLVE_TRIANGULAR = Op(
    name="solve_triangular", arity=2, params=("lower", "trans", "unit_diagonal"),
    infer=lambda types, params: infer_solve("solve_triangular", types),
    numpy=in_any_precision(_solve_triangular, elimination.solve_triangular),
    assumes=assume_solve, weight=3, flops=100.0,
    vjp=_solve_triangular_vjp, jvp=_solve_triangular_jvp,
    tags=frozenset({"lapack"}), doc="x with a x = b for a triangular matrix a.",
)  # fmt: skip


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False,
    check_finite: bool = False, b_ndim: int | None = None,
) -> Node:  # fmt: skip
    """x with a x = b for a triangular matrix a; SciPy's order of arguments.

    a              (..., n, n), of which only one triangle is read
    b              (n,) or (..., n, k)
    trans          0 or "N": a x = b; 1, "T", 2 or "C": transpose of a, x = b
    lower          the triangle that is read
    unit_diagonal  the diagonal is taken as 1 and not read
    check_finite, b_ndim  accepted for SciPy's and PyTensor's sake

    Raises numpy.linalg.LinAlgError while running for a zero on the diagonal.
    The gradient of a is zero outside what is read. Source: Giles 2008.
    """
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError(f"trans is 0, 1, 2, 'N', 'T' or 'C', not {trans!r}.")
    flags = (bool(lower), trans not in (0, "N"), bool(unit_diagonal))
    return build_solve(SOLVE_TRIANGULAR, a, b, flags)


def solve_lower_triangular(a: Any, b: Any) -> Node:
    """x with a x = b, reading the lower triangle of a."""
    return solve_triangular(a, b, lower=True)


def solve_upper_triangular(a: Any, b: Any) -> Node:
    """x with a x = b, reading the upper triangle of a."""
    return solve_triangular(a, b, lower=False)


# ------------------------------------------------------------------------ cholesky


def _cholesky(a: Array, on_error: str) -> Array:
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        if on_error != "nan":
            raise np.linalg.LinAlgError(
                "cholesky of a matrix that is not positive definite.\n"
                "Fix: add a small multiple of the identity to it, or pass "
                "on_error='nan'."
            ) from None
    result = np.full_like(a, np.nan)
    for at in np.ndindex(a.shape[:-2]):
        try:
            result[at] = np.linalg.cholesky(a[at])
        except np.linalg.LinAlgError:
            continue
    return result


def _cholesky_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    """Murray 2016, equation 10; only the lower triangle of g counts."""
    inner = halved(matmul(matrix_transpose(node), tril(g)))
    left = solve_triangular(node, inner, lower=True, trans=1)
    both = solve_triangular(node, matrix_transpose(left), lower=True, trans=1)
    return [specify_like(folded(matrix_transpose(both)), node.inputs[0])]


def _cholesky_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    """Murray 2016, equation 8."""
    da = tangents[0]
    if da is None:
        return None
    left = solve_triangular(node, mirrored(da), lower=True)
    both = solve_triangular(node, matrix_transpose(left), lower=True)
    return matmul(node, halved(matrix_transpose(both)))


CHOLESKY = Op(
    name="cholesky", params=("on_error",), weight=3, flops=100.0,
    infer=lambda types, params: infer_square("cholesky", types[0]),
    numpy=in_any_precision(_cholesky, elimination.cholesky),
    assumes=assume_square, vjp=_cholesky_vjp, jvp=_cholesky_jvp,
    tags=frozenset({"lapack"}),
    doc="L, lower triangular with a positive diagonal, such that L Lᵀ = a.",
)  # fmt: skip


def cholesky(
    x: Any, lower: bool = True, on_error: str = "raise", upper: bool | None = None
) -> Node:
    """L with L Lᵀ = x, or U with Uᵀ U = x, for a positive definite matrix x.

    x         (..., n, n); only the lower (upper) triangle is read
    lower     which factor; upper is the opposite, NumPy's word
    on_error  raise: numpy.linalg.LinAlgError while running, where x is not positive
              definite; nan: a factor of NaN

    The gradient is that of the function of the triangle that is read, zero in the
    other; for a symmetric parametrisation of x that is the right one.
    Source: Murray 2016, arXiv:1602.07527.
    """
    if on_error not in ("raise", "nan"):
        raise ValueError(f"on_error is 'raise' or 'nan', not {on_error!r}.")
    node = float_matrix(x, "cholesky")
    if lower if upper is None else not upper:
        return make(CHOLESKY, (node,), (on_error,))
    return matrix_transpose(make(CHOLESKY, (matrix_transpose(node),), (on_error,)))


def cho_solve(
    c_and_lower: tuple[Any, bool], b: Any, check_finite: bool = False
) -> Node:
    """x with a x = b, given (the Cholesky factor of a, whether it is the lower one)."""
    factor, lower = c_and_lower
    inner = solve_triangular(factor, b, lower=lower, trans=int(not lower))
    return solve_triangular(factor, inner, lower=lower, trans=int(lower))
