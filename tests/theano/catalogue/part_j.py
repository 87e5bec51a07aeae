"""Shows of part J: the structure of matrices."""

from __future__ import annotations

import numpy as np

from symnb.core.node import make
from symnb.ops.create import eye, tril
from symnb.ops.diagonal import diag, diagonal, embed
from symnb.ops.dot import dot
from symnb.ops.elementwise import abs, exp, log, reciprocal, sign, sqrt
from symnb.ops.factor import SVD, eigh, eigvalsh, qr, svd, svdvals
from symnb.ops.linalg import SOLVE, det, expm, inv, slogdet, solve
from symnb.ops.lu import lu_det, lu_factor, lu_solve
from symnb.ops.pick import picks
from symnb.ops.pivots import pivots
from symnb.ops.reduce import prod, sum
from symnb.ops.sort import sort
from symnb.ops.triangular import cho_solve, cholesky, solve_triangular
from symnb.ops.view import expand_dims, moveaxis, squeeze
from tests.theano.catalogue.shows import matrix, shows, tensor, vector


def square(n: int = 4, dtype: str = "float64"):
    """A square matrix that is an input."""
    return matrix(n, n, dtype)


def definite(x):
    """A matrix proven positive definite."""
    return dot(x, x.T) + eye(4)


# ------------------------------------------------------------- inverses and systems


@shows("inv_as_solve", "inv_to_solve", within="linalg")
def _(x=square(), b=vector(4)):
    return dot(inv(x), b), solve(x, b)


@shows("inv_as_solve", "inv_to_solve", within="linalg")
def _(x=square(), b=matrix(3, 4)):
    return dot(b, inv(x)), solve(x.T, b.T).T


@shows("transinv_to_invtrans", "transpose_of_inv", within="linalg")
def _(x=square()):
    return inv(x).T, inv(x.T)


@shows("inv_of_inv", within="linalg")
def _(x=square()):
    return inv(inv(x)), x


@shows("solve_of_inv_to_matmul", "inv_of_inv", within="linalg")
def _(x=square(), b=matrix(4, 3)):
    return solve(inv(x), b), dot(x, b)


@shows("tag_solve_triangular", "generic_solve_to_solve_triangular", within="linalg")
def _(x=square(), b=vector(4)):
    factor = cholesky(definite(x))
    return solve(factor, b), solve_triangular(factor, b, lower=True)


@shows(
    "generic_solve_to_solve_triangular",
    "generic_solve_to_structured_form",
    within="linalg",
)
def _(x=square(), b=vector(4)):
    lower = tril(x, -1) + eye(4)
    return solve(lower.T, b), solve_triangular(lower, b, lower=True, trans=1)


@shows("psd_solve_with_chol", "psd_solve_to_chol_solve", within="linalg")
def _(x=square(), b=vector(4)):
    matrix = definite(x)
    return solve(matrix, b), cho_solve((cholesky(matrix), True), b)


@shows("batched_vector_b_solve_to_matrix_b_solve", within="linalg")
def _(x=square(), b=tensor(5, 4, 1)):
    sides = squeeze(moveaxis(b, -2, 0), 2)
    return solve(x, b), moveaxis(expand_dims(make(SOLVE, (x, sides)), 2), 0, -2)


@shows("reuse_decomposition_multiple_solves", within="linalg factorise")
def _(x=square(), b=vector(4), c=vector(4)):
    factored = lu_factor(x)
    before = solve(x, b), solve(x.T, c)
    return before, (lu_solve(factored, b), lu_solve(factored, c, True))


@shows("scalar_solve_to_division", within="linalg")
def _(x=square(1), b=matrix(1, 3)):
    return solve(x, b), b / expand_dims(pivots(diagonal(x)), 1)


@shows("diagonal_solve_to_division", within="linalg")
def _(d=vector(4), b=matrix(4, 3)):
    return solve(diag(d), b), b / expand_dims(pivots(d), 1)


@shows("orthogonal_solve_to_transpose_matmul", within="linalg")
def _(x=square(), b=vector(4)):
    q = qr(x)[0]
    return solve(q, b), dot(q.T, b)


# --------------------------------------------------------- symmetric and orthogonal


@shows("no_transpose_symmetric", "useless_symmetric_transpose", within="linalg")
def _(x=square()):
    return exp((x + x.T).T), exp(x + x.T)


@shows("no_transpose_symmetric", "useless_symmetric_transpose", within="linalg")
def _(x=square(), b=vector(4)):
    inverse = inv(x + x.T)
    return dot(inverse.T, b), solve(x + x.T, b)


@shows("inv_of_orthogonal_to_transpose", within="linalg")
def _(x=square()):
    q = qr(x)[0]
    return inv(q), q.T


@shows("orthogonal_dot_transpose_to_eye", within="linalg")
def _(x=square()):
    q = qr(x)[0]
    return exp(dot(q.T, q)), exp(eye(4))


# ------------------------------------------------------------------- determinants


@shows(
    "local_det_chol", "det_of_matrix_factorized_elsewhere", within="linalg factorise"
)
def _(x=square()):
    matrix = definite(x)
    factor = cholesky(matrix)
    before = factor, log(det(matrix))
    return before, (factor, 2 * sum(log(diagonal(factor))))


@shows(
    "det_of_matrix_factorized_elsewhere",
    "det_of_factorized_matrix",
    within="linalg factorise",
)
def _(x=square(), b=vector(4)):
    factored = lu_factor(x)
    return (solve(x, b), det(x)), (lu_solve(factored, b), lu_det(factored))


@shows("det_of_factorized_matrix", within="linalg factorise")
def _(x=square()):
    r = qr(x)[1]
    return (r, log(abs(det(x)))), (r, sum(log(abs(diagonal(r)))))


@shows("slogdet_specialization", within="linalg")
def _(x=square()):
    return log(abs(det(x))), slogdet(x)[1]


@shows("slogdet_specialization", within="linalg")
def _(x=square()):
    return sign(det(x)), slogdet(x)[0]


@shows("slogdet_specialization", within="linalg")
def _(x=square()):
    signs, logarithm = slogdet(x)
    return log(det(x)), logarithm + log(signs)


@shows("det_of_inv", within="linalg")
def _(x=square()):
    signs, logarithm = slogdet(x)
    return det(inv(x)), pivots(signs) * exp(-logarithm)


@shows("det_of_triangular", within="linalg")
def _(x=square()):
    return det(tril(x)), prod(diagonal(x))


# ------------------------------------------------------------- factors and functions


@shows("cholesky_ldotlt", within="linalg")
def _(x=square()):
    factor = tril(exp(x))
    return cholesky(dot(factor, factor.T)), factor


@shows("inv_of_diag_to_diag_reciprocal", within="linalg")
def _(d=vector(4)):
    return inv(diag(d)), embed(reciprocal(pivots(d)), 0, 4, 4)


@shows("cholesky_of_diag", low=0.1, within="linalg")
def _(d=vector(4)):
    return cholesky(diag(d)), embed(sqrt(pivots(d, True)), 0, 4, 4)


@shows("eigvalsh_of_diag", "svd_of_diag", "expm_of_diag", within="linalg")
def _(d=vector(4)):
    before = eigvalsh(diag(d)), svdvals(diag(d)), expm(diag(d))
    return before, (sort(d), -sort(-abs(d)), embed(exp(d), 0, 4, 4))


@shows("dot_diag_to_elemwise", within="linalg")
def _(d=vector(4), x=matrix(4, 3)):
    return dot(diag(d), x), expand_dims(d, 1) * x


@shows("dot_diag_to_elemwise", within="linalg")
def _(d=vector(4), x=square()):
    return dot(x, eye(4) * d), x * d


@shows("selection_dot_to_indexing", within="linalg")
def _(x=matrix(3, 4)):
    places = np.array([2, 0, 2])
    return dot(x, eye(4)[:, places]), x[:, places]


@shows("svd_uv_merge", within="linalg factorise")
def _(x=matrix(4, 3)):
    u, values, turned = svd(x, full_matrices=False)
    thin = make(SVD, (x,), (False,))
    before = dot(u, turned), svdvals(x), values
    return before, (dot(u, turned), picks(thin, 3)[1], picks(thin, 3)[1])


@shows("svd_uv_merge", within="linalg factorise")
def _(x=square()):
    matrix = x + x.T
    values, vectors = eigh(matrix)
    return (vectors, eigvalsh(matrix)), (vectors, values)
