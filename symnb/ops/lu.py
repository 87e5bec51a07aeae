"""LU factors: one elimination of a matrix, used for several systems and determinants.

Made by the optimiser where a matrix would be eliminated more than once. The factors
are packed as LAPACK packs them: U in the upper triangle, L without its ones below; and
for each row the one it was exchanged with. `numpy.linalg.solve(a, b)` is
`lu_solve(lu_factor(a), b)` in one call, by the same two LAPACK routines.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.types import TupleType, Type
from symnb.ops import elimination
from symnb.ops.create import iota
from symnb.ops.diagonal import diagonal
from symnb.ops.elementwise import abs, log, not_equal, sign, where
from symnb.ops.pick import picks
from symnb.ops.reduce import prod, sum
from symnb.ops.triangular import assume_solve, assume_square, infer_solve, infer_square
from symnb.ops.view import shape_of

Array = Any
_LATE = "made after differentiation"

# ------------------------------------------------------------------------ references


def _factor_one(a: Array) -> tuple[Array, Array]:
    from scipy.linalg.lapack import get_lapack_funcs

    if a.dtype.name not in elimination.LAPACK:
        return _factor_by_loop(a)
    (getrf,) = get_lapack_funcs(("getrf",), (a,))
    factors, rows, _ = getrf(a)
    return factors, rows


def _factor_by_loop(a: Array) -> tuple[Array, Array]:
    """Elimination with partial pivoting, for precisions LAPACK has not."""
    a, rows = a.copy(), np.arange(len(a), dtype="int32")
    for k in range(len(a)):
        rows[k] = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, rows[k]]] = a[[rows[k], k]]
        if a[k, k] != 0:
            a[k + 1 :, k] /= a[k, k]
            a[k + 1 :, k + 1 :] -= a[k + 1 :, k, None] * a[k, k + 1 :]
    return a, rows


def _factor(a: Array) -> tuple[Array, Array]:
    factors, rows = np.empty_like(a), np.empty(a.shape[:-1], "int32")
    if a.size:
        for at in np.ndindex(a.shape[:-2]):
            factors[at], rows[at] = _factor_one(a[at])
    return factors, rows


def _solve(factors: Array, rows: Array, b: Array, trans: bool) -> Array:
    """By substitution; a zero pivot is the error `solve` has."""
    if (np.diagonal(factors, 0, -2, -1) == 0).any():
        raise np.linalg.LinAlgError(
            "solve of a singular matrix.\nFix: check that no row depends on others; "
            "pinv has a value for every matrix."
        )
    result = np.empty_like(b)
    if b.size:
        for at in np.ndindex(factors.shape[:-2]):
            result[at] = _solve_one(factors[at], rows[at], b[at], trans)
    return result


def _solve_one(factors: Array, rows: Array, b: Array, trans: bool) -> Array:
    from scipy.linalg.lapack import get_lapack_funcs

    if factors.dtype.name in elimination.LAPACK:
        (getrs,) = get_lapack_funcs(("getrs",), (factors,))
        return getrs(factors, rows, b, trans=int(trans))[0]
    order = np.arange(len(b))
    for k, other in enumerate(rows):
        order[[k, other]] = order[[other, k]]
    steps = [(True, trans, True), (False, trans, False)]
    x = b if trans else b[order]
    for lower, turned, ones in reversed(steps) if trans else steps:
        x = elimination.solve_triangular(factors, x, lower, turned, ones)
    return x[np.argsort(order)] if trans else x


# ------------------------------------------------------------------------------- ops


def _infer_factor(types: Types, params: Params) -> Type:
    square = infer_square("lu_factor", types[0])
    rows = square.with_shape(square.shape[:-1]).with_dtype("int32")
    return TupleType((square, rows))


LU_FACTOR = Op(
    name="lu_factor", infer=_infer_factor, numpy=_factor, assumes=assume_square,
    no_gradient=_LATE, weight=3, flops=100.0, tags=frozenset({"lapack"}),
    doc="The packed factors L and U of a matrix, and its exchanges of rows.",
)  # fmt: skip

LU_SOLVE = Op(
    name="lu_solve", arity=3, params=("trans",), numpy=_solve, no_gradient=_LATE,
    infer=lambda types, params: infer_solve("lu_solve", (types[0], types[2])),
    assumes=lambda types, params: assume_solve((types[0], types[2]), params),
    weight=2, flops=50.0, tags=frozenset({"lapack"}),
    doc="x with a x = b, or aᵀ x = b, given the factors of a.",
)  # fmt: skip


def lu_factor(a: Node) -> tuple[Node, ...]:
    """(packed factors, int32 exchanges of rows) of a float matrix (..., n, n)."""
    return picks(make(LU_FACTOR, (a,)), 2)


def lu_solve(factored: tuple[Node, ...], b: Node, trans: bool = False) -> Node:
    """x with a x = b, or with the transpose of a, given `lu_factor(a)`.

    Raises numpy.linalg.LinAlgError while running for a singular matrix.
    """
    return make(LU_SOLVE, (*factored, b), (trans,))


def _parity(factored: tuple[Node, ...]) -> Node:
    """-1 where an odd number of rows was exchanged, else 1."""
    factors, rows = factored
    moved = not_equal(rows, iota(shape_of(rows), rows.ndim - 1))
    one = where(moved, -1.0, 1.0).astype(factors.dtype)
    return prod(one, -1)


def lu_det(factored: tuple[Node, ...]) -> Node:
    """The determinant, given `lu_factor(a)`."""
    return prod(diagonal(factored[0], 0, -2, -1), -1) * _parity(factored)


def lu_slogdet(factored: tuple[Node, ...]) -> tuple[Node, Node]:
    """(sign, log|det a|), given `lu_factor(a)`."""
    pivots = diagonal(factored[0], 0, -2, -1)
    return prod(sign(pivots), -1) * _parity(factored), sum(log(abs(pivots)), -1)
