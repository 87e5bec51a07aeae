"""Linear algebra: systems instead of inverses, structure instead of general methods.

Conditions on matrices are proven from how these were made, or declared by `assume`
(`optim/structure.py`). A rule changes when a singular matrix is an error only where
its reason says so. Rules of diagonal matrices are in `diagonals.py`; one factorisation
for several nodes is the work of `optim/factorise.py`.
Sources: Golub & Van Loan 2013, "Matrix Computations"; Higham 2002, "Accuracy and
Stability of Numerical Algorithms" (14.1: a solve is more accurate than an inverse).
"""

from __future__ import annotations

from symnb.core.node import Input, Node, make
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.create import eye, tril
from symnb.ops.diagonal import diagonal
from symnb.ops.dot import BATCHED_DOT, DOT, dot, matmul
from symnb.ops.elementwise import abs, exp, log, sign, tanh
from symnb.ops.factor import QR, qr
from symnb.ops.linalg import (
    DET,
    INV,
    SLOGDET,
    SOLVE,
    det,
    inv,
    slogdet,
    solve,
)
from symnb.ops.pick import PICK, pick
from symnb.ops.pivots import pivots
from symnb.ops.reduce import prod, sum
from symnb.ops.triangular import (
    CHOLESKY,
    cho_solve,
    cholesky,
    solve_triangular,
)
from symnb.ops.view import (
    BROADCAST_TO,
    EXPAND_DIMS,
    RESHAPE,
    SQUEEZE,
    TRANSPOSE,
    broadcast_to,
    expand_dims,
    matrix_transpose,
    moveaxis,
    reshape,
    shape_of,
    specify_like,
)
from symnb.optim import structure
from symnb.optim.contract import DOMAIN, FINITE_ONLY, ROUNDING, STABLER
from symnb.optim.driver import Uses
from symnb.optim.rule import holes, rewrite, rule, ruleset
from symnb.optim.structure import are_transposes, facts, turned

x, b = holes("x b")
PRODUCTS = (DOT, BATCHED_DOT)
_FASTER = "a third of the work of the inverse, and a smaller error"
_SILENT = "; a singular x is no error any more"


def _matrix(n: int = 4, name: str = "x", dtype: str = "float64", *batch: int) -> Node:
    return Input(TensorType(dtype, (*batch, n, n)), name)


def _side(*shape: int, dtype: str = "float64") -> Node:
    return Input(TensorType(dtype, shape), "b")


def _gram_of(a: Node) -> Node:
    return dot(a, a.T)


def _columns_of(q: Node) -> Node:
    return dot(q.T, q)


def _plus_transpose(a: Node) -> Node:
    return a + a.T


def positive_definite(n: int = 4, dtype: str = "float64") -> Node:
    """An example of a matrix proven positive definite."""
    return _gram_of(_matrix(n, "a", dtype)) + eye(n, dtype=dtype)


def triangular(n: int = 4, dtype: str = "float64") -> Node:
    """An example of a matrix proven lower triangular, and far from singular."""
    a = _matrix(n, "a", dtype)
    return tril(a, -1) + eye(n, dtype=dtype)


def _is_product(op: Op) -> bool:
    return op in PRODUCTS


_BATCHING = (RESHAPE, BROADCAST_TO, SQUEEZE, EXPAND_DIMS)
_MERGED = (INV, *_BATCHING)  # a product has one batch axis at most


def _flat(a: Node, b: Node) -> Node:
    """A product of batches before its batch axes are restored."""
    return matmul(a, b).inputs[0]


def _inverse_of(side: Node, uses: Uses) -> Node | None:
    """The matrices whose inverses are a side of a product, in the shape of the side.

    Looks through what merges and repeats batch axes. None where it is no inverse, or
    something else reads it.
    """
    views: list[Node] = []
    while side.op in _BATCHING:
        if shape_of(side)[-2:] != shape_of(side.inputs[0])[-2:] or uses(side) > 1:
            return None
        views.append(side)
        side = side.inputs[0]
    if side.op is not INV or uses(side) > 1:
        return None
    matrix = side.inputs[0]
    for view in reversed(views):
        change = broadcast_to if view.op is BROADCAST_TO else reshape
        matrix = change(matrix, shape_of(view))
    return matrix


def _inverse_of_rows(side: Node, uses: Uses) -> Node | None:
    """The batch of matrices whose inverses, one below the other, are a side."""
    if side.op is not RESHAPE or side.inputs[0].op is not INV or side.ndim != 2:
        return None
    inverse = side.inputs[0]
    if max(uses(side), uses(inverse)) > 1 or shape_of(side)[1] != shape_of(inverse)[-1]:
        return None
    return inverse.inputs[0]


# ------------------------------------------------------------------------- inverses


@rewrite(
    _is_product, "inv(x) @ b -> solve(x, b), where nothing else reads inv(x)",
    FINITE_ONLY, _FASTER, "Higham 2002, 14.1",
    operands=lambda ops: ops[0] in _MERGED, decreases="linear algebra",
    answers=("inv_as_solve", "inv_to_solve"),
    examples=lambda: [dot(inv(_matrix()), _side(4)), dot(inv(_matrix()), _side(4, 2)),
                      _flat(inv(_matrix(2, "x", "float64", 3, 2)), _side(3, 2, 2, 1)),
                      _flat(inv(_matrix(2, "x", "float64", 3)), _side(2, 2)),
                      dot(inv(_matrix(3, "x", "float32")), _side(3, dtype="float32")),
                      matmul(inv(_matrix(3, "x", "float64", 2)), _side(2, 3, 2))],
)  # fmt: skip
def inverse_times(node: Node, uses: Uses) -> Node | None:
    """The solution of a system."""
    left, right = node.inputs
    matrix = _inverse_of(left, uses)
    if matrix is not None:
        return specify_like(make(SOLVE, (matrix, right)), node)
    matrix = _inverse_of_rows(left, uses)
    if matrix is None:
        return None
    sides = right if right.ndim == 2 else expand_dims(right, -1)
    shape = (*shape_of(matrix)[:-2], *shape_of(sides))
    made = make(SOLVE, (matrix, broadcast_to(sides, shape)))
    return specify_like(reshape(made, shape_of(node)), node)


@rewrite(
    _is_product,
    "b @ inv(x) -> solve(x.T, b.T).T, where nothing else reads inv(x)",
    FINITE_ONLY, _FASTER, "Higham 2002, 14.1",
    operands=lambda ops: ops[1] in _MERGED, decreases="linear algebra",
    answers=("inv_as_solve", "inv_to_solve"),
    examples=lambda: [dot(_side(4), inv(_matrix())), dot(_side(2, 4), inv(_matrix())),
                      _flat(_side(3, 2, 1, 2), inv(_matrix(2, "x", "float64", 3, 2)))],
)  # fmt: skip
def times_inverse(node: Node, uses: Uses) -> Node | None:
    """The transposed solution of the transposed system."""
    left, inverse = node.inputs
    inner = _inverse_of(inverse, uses)
    if inner is None:
        return None
    matrix = matrix_transpose(inner)
    if left.ndim == 1:
        return specify_like(make(SOLVE, (matrix, left)), node)
    turned_side = make(SOLVE, (matrix, matrix_transpose(left)))
    return specify_like(matrix_transpose(turned_side), node)


@rewrite(
    lambda op: op is TRANSPOSE,
    "inv(x).T -> inv(x.T), where nothing else reads inv(x)", FINITE_ONLY,
    "so that the inverse meets what it multiplies",
    operands=lambda ops: ops[0] is INV, decreases="linear algebra",
    answers=("transinv_to_invtrans", "transpose_of_inv"),
    examples=lambda: [inv(_matrix()).T],
)  # fmt: skip
def transposed_inverse(node: Node, uses: Uses) -> Node | None:
    """The inverse of the transpose."""
    inverse = turned(node)
    if inverse is None or uses(inverse) > 1:
        return None
    return specify_like(inv(matrix_transpose(inverse.inputs[0])), node)


@rewrite(
    inv(inv(x)), "inv(inv(x)) -> x", FINITE_ONLY, f"nothing to calculate{_SILENT}",
    answers=("inv_of_inv",), examples=lambda: [inv(inv(_matrix()))],
)  # fmt: skip
def inv_inv(node: Node, x: Node) -> Node:
    """The matrix itself."""
    return specify_like(x, node)


def _is_solve(op: Op) -> bool:
    return op is SOLVE


@rewrite(
    _is_solve, "solve(inv(x), b) -> x @ b", FINITE_ONLY,
    f"nothing to factorise{_SILENT}", operands=lambda ops: ops[0] is INV,
    decreases="linear algebra", answers=("solve_of_inv_to_matmul",),
    examples=lambda: [solve(inv(_matrix()), _side(4)),
                      solve(inv(_matrix(3, "x", "float64", 2)), _side(2, 3, 2))],
)  # fmt: skip
def solve_inverse(node: Node) -> Node:
    """The product with the matrix."""
    return specify_like(matmul(node.inputs[0].inputs[0], node.inputs[1]), node)


# ---------------------------------------------------------------- structured systems


@rewrite(
    _is_solve, "solve(x, b) -> b / x, x being 1 by 1", FINITE_ONLY,
    "a number; 0 is still an error", decreases="linear algebra",
    answers=("scalar_solve_to_division",),
    examples=lambda: [solve(_matrix(1), _side(1)), solve(_matrix(1), _side(1, 3))],
)  # fmt: skip
def solve_scalar(node: Node) -> Node | None:
    """The quotient."""
    matrix, right = node.inputs
    if shape_of(matrix)[-1] != 1:
        return None
    number = pivots(diagonal(matrix, 0, -2, -1))
    return right / (number if right.ndim == 1 else expand_dims(number, -1))


@rewrite(
    _is_solve, "solve(q, b) -> q.T @ b  where q is proven orthogonal", DOMAIN,
    "its inverse is its transpose", decreases="linear algebra",
    answers=("orthogonal_solve_to_transpose_matmul",),
    examples=lambda: [solve(qr(_matrix())[0], _side(4, 2)),
                      solve(qr(_matrix())[0], _side(4))],
)  # fmt: skip
def solve_orthogonal(node: Node) -> Node | None:
    """The product with the transpose."""
    matrix, right = node.inputs
    if not structure.orthogonal.test(matrix):
        return None
    return specify_like(matmul(matrix_transpose(matrix), right), node)


@rewrite(
    _is_solve,
    "solve(a, b) -> solve_triangular(a, b)  where a is proven triangular", DOMAIN,
    "substitution: n^2 operations per side instead of n^3; a zero on the diagonal is "
    "an error even where elimination would have rounded it away",
    decreases="linear algebra",
    answers=("tag_solve_triangular", "generic_solve_to_solve_triangular",
             "generic_solve_to_structured_form"),
    examples=lambda: [solve(triangular(), _side(4)), solve(triangular().T, _side(4)),
                      solve(cholesky(positive_definite()), _side(4, 2))],
)  # fmt: skip
def solve_by_substitution(node: Node) -> Node | None:
    """The triangular system; a transposed triangle is read in place."""
    matrix, right = node.inputs
    known = facts(matrix)
    if not known & structure.TRIANGLES:
        return None
    is_lower, inner = structure.LOWER in known, turned(matrix)
    if inner is not None:
        made = solve_triangular(inner, right, lower=not is_lower, trans=1)
    else:
        made = solve_triangular(matrix, right, lower=is_lower)
    return specify_like(made, node)


@rewrite(
    _is_solve,
    "solve(a, b) -> solve_triangular(l.T, solve_triangular(l, b)), l = cholesky(a)  "
    "where a is proven positive definite", DOMAIN,
    "half the work of elimination; a matrix that is not positive definite as rounded "
    "(condition above 1/eps) is an error",
    "Golub & Van Loan 2013, 4.2", decreases="linear algebra",
    tags="after_gradient",  # the gradient of a system is a system, of a factor cubic
    answers=("psd_solve_with_chol", "psd_solve_to_chol_solve",
             "generic_solve_to_structured_form"),
    examples=lambda: [solve(positive_definite(), _side(4)),
                      solve(positive_definite(3, "float32"),
                            _side(3, 2, dtype="float32"))],
)  # fmt: skip
def solve_by_cholesky(node: Node) -> Node | None:
    """Two triangular systems."""
    matrix, right = node.inputs
    if not structure.definite.test(matrix):
        return None
    return specify_like(cho_solve((cholesky(matrix), True), right), node)


@rewrite(
    _is_solve, "solve(broadcast_to(a), b) -> solve(a, the sides of all b)", FINITE_ONLY,
    "one factorisation instead of one per entry of the batch",
    operands=lambda ops: ops[0] is BROADCAST_TO, decreases="batched systems",
    answers=("batched_vector_b_solve_to_matrix_b_solve",),
    examples=lambda: [solve(_matrix(), _side(3, 4, 1)),
                      solve(_matrix(), _side(2, 3, 4, 2))],
)  # fmt: skip
def solve_batch_of_sides(node: Node) -> Node | None:
    """One system with the right sides of the whole batch as columns."""
    matrix, right = node.inputs[0].inputs[0], node.inputs[1]
    if matrix.ndim != 2 or right.ndim < 3:
        return None
    *batch, n, k = shape_of(right)
    sides = moveaxis(right, -2, 0)
    flat = make(SOLVE, (matrix, reshape(sides, (n, -1))))
    return specify_like(moveaxis(reshape(flat, (n, *batch, k)), 0, -2), node)


@rewrite(
    lambda op: op is INV, "inv(q) -> q.T  where q is proven orthogonal", DOMAIN,
    decreases="linear algebra", answers=("inv_of_orthogonal_to_transpose",),
    examples=lambda: [inv(qr(_matrix())[0])],
)  # fmt: skip
def inv_orthogonal(node: Node) -> Node | None:
    """The transpose."""
    q = node.inputs[0]
    return (
        specify_like(matrix_transpose(q), node)
        if structure.orthogonal.test(q)
        else None
    )


def _has_columns(node: Node) -> bool:
    """Whether the columns of a matrix, square or not, are orthonormal."""
    is_q = node.op is PICK and node.inputs[0].op is QR and node.params[0] == 0
    return is_q or structure.orthogonal.test(node)


@rewrite(
    lambda op: op is DOT,
    "q @ q.T -> eye  where q is proven orthogonal (q.T @ q: has orthonormal columns)",
    DOMAIN, operands=lambda ops: TRANSPOSE in ops, decreases="weight",
    answers=("orthogonal_dot_transpose_to_eye",), tags="drops",
    examples=lambda: [_gram_of(qr(_matrix())[0]), _columns_of(qr(_side(4, 2))[0])],
)  # fmt: skip
def product_of_orthogonal(node: Node) -> Node | None:
    """The identity matrix."""
    first, second = node.inputs
    if first.ndim != 2 or not are_transposes(first, second):
        return None
    columns = turned(first) is second and _has_columns(second)
    if not columns and not structure.orthogonal.test(first):
        return None
    return eye(*shape_of(node), dtype=node.dtype)


@rewrite(
    lambda op: op is TRANSPOSE, "s.T -> s  where s is proven symmetric", ROUNDING,
    answers=("no_transpose_symmetric", "useless_symmetric_transpose"),
    examples=lambda: [_plus_transpose(_matrix()).T, _gram_of(_matrix()).T],
)  # fmt: skip
def transposed_symmetric(node: Node) -> Node | None:
    """The matrix itself."""
    inner = turned(node)
    if inner is None or not structure.symmetric.test(inner):
        return None
    return specify_like(inner, node)


@rewrite(
    lambda op: op is CHOLESKY,
    "cholesky(l @ l.T) -> l  where l is proven lower triangular, its diagonal positive",
    DOMAIN, "the factor is unique", "Golub & Van Loan 2013, 4.2.3",
    operands=lambda ops: ops[0] in PRODUCTS, decreases="linear algebra",
    answers=("cholesky_ldotlt",),
    examples=lambda: [cholesky(_gram_of(tril(exp(tanh(_matrix()))))),
                      cholesky(_gram_of(cholesky(_gram_of(tanh(_matrix())) + eye(4))))],
)  # fmt: skip
def cholesky_of_gram(node: Node) -> Node | None:
    """The factor one started from."""
    first, second = node.inputs[0].inputs
    wanted = {structure.LOWER, structure.RISING}
    if not are_transposes(first, second) or not facts(first) >= wanted:
        return None
    return specify_like(first, node)


# --------------------------------------------------------------------- determinants

_WIDE = "the determinant overflows or underflows long before its logarithm"

DETERMINANTS = [
    rule(
        log(abs(det(x))), slogdet(x)[1], STABLER, _WIDE, name="log_abs_det",
        answers=("slogdet_specialization",),
        examples=lambda: [log(abs(det(_matrix()))),
                          log(abs(det(_matrix(3, "x", "float32"))))],
    ),
    rule(
        sign(det(x)), slogdet(x)[0], STABLER, _WIDE, name="sign_det",
        answers=("slogdet_specialization",), examples=lambda: [sign(det(_matrix()))],
    ),
]  # fmt: skip


@rewrite(
    log(det(x)), "log(det(x)) -> log|det(x)| + log(sign(det(x))) of slogdet", STABLER,
    f"{_WIDE}; the second term is 0 or NaN, and left out where x is proven positive "
    "definite", decreases="linear algebra", answers=("slogdet_specialization",),
    examples=lambda: [log(det(_matrix())), log(det(positive_definite()))],
)  # fmt: skip
def log_det(x: Node) -> Node:
    """The logarithm, NaN where the determinant is negative."""
    signs, logarithm = slogdet(x)
    if structure.definite.test(x):
        return logarithm
    return logarithm + log(signs)


@rewrite(
    lambda op: op is DET, "det(inv(x)) -> sign * exp(-log|det(x)|) of slogdet",
    FINITE_ONLY, "one factorisation; a sign of 0 is still an error",
    operands=lambda ops: ops[0] is INV, decreases="linear algebra",
    answers=("det_of_inv",), examples=lambda: [det(inv(_matrix(3)))],
)  # fmt: skip
def det_inverse(node: Node) -> Node:
    """The reciprocal of the determinant, which has no overflow on the way."""
    signs, logarithm = slogdet(node.inputs[0].inputs[0])
    return pivots(signs) * exp(-logarithm)


@rewrite(
    lambda op: op is DET, "det(a) -> prod(diagonal(a))  where a is proven triangular",
    FINITE_ONLY, decreases="linear algebra", answers=("det_of_triangular",),
    examples=lambda: [det(tril(_matrix())), det(cholesky(positive_definite()))],
)  # fmt: skip
def det_triangular(node: Node) -> Node | None:
    """The product of the diagonal."""
    matrix = node.inputs[0]
    if not facts(matrix) & structure.TRIANGLES:
        return None
    return prod(diagonal(matrix, 0, -2, -1), -1)


def _is_pick_of_slogdet(op: Op) -> bool:
    return op is PICK


@rewrite(
    _is_pick_of_slogdet,
    "slogdet(a) -> prod(sign(diagonal(a))), sum(log|diagonal(a)|)  "
    "where a is proven triangular", FINITE_ONLY,
    operands=lambda ops: ops[0] is SLOGDET, decreases="linear algebra",
    answers=("det_of_triangular",),
    examples=lambda: [pick(slogdet_node(tril(exp(_matrix()))), 0),
                      pick(slogdet_node(tril(exp(_matrix()))), 1)],
)  # fmt: skip
def slogdet_triangular(node: Node) -> Node | None:
    """The sign, or the logarithm, of the product of the diagonal."""
    matrix = node.inputs[0].inputs[0]
    if not facts(matrix) & structure.TRIANGLES:
        return None
    entries = diagonal(matrix, 0, -2, -1)
    if node.params[0] == 0:
        return prod(sign(entries), -1)
    return sum(log(abs(entries)), -1)


def slogdet_node(matrix: Node) -> Node:
    """The node of both results."""
    return make(SLOGDET, (matrix,))


LINALG = ruleset(
    "linalg",
    [
        transposed_symmetric, product_of_orthogonal, inv_inv, inv_orthogonal,
        solve_inverse, inverse_times, times_inverse, transposed_inverse,
        solve_scalar, solve_orthogonal, solve_batch_of_sides, solve_by_substitution,
        solve_by_cholesky, cholesky_of_gram, *DETERMINANTS, log_det, det_inverse,
        det_triangular, slogdet_triangular,
    ],
)  # fmt: skip
