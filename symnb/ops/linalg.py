"""Square matrices: `inv`, `solve`, `det`, `slogdet`, `expm`; and `pinv`.

Matrices are the last two axes; axes before them are a batch. Integers become float64
and float32 stays, as in numpy.linalg. The ops run by NumPy (LAPACK): cubic in n, and a
singular matrix raises numpy.linalg.LinAlgError while running. Triangular systems and
Cholesky are in `triangular.py`, orthogonal factors in `factor.py`, functions made of
these in `matrices.py`.
Sources: Giles 2008, "Collected matrix derivative results for forward and reverse
mode AD" (2.2); Golub & Pereyra 1973, SIAM J. Numer. Anal. 10 (pinv); Najfeld & Havel
1995, Adv. Appl. Math. 16 (expm); Higham 2008, "Functions of Matrices".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.types import TensorType, TupleType, Type
from symnb.ops import elimination, reduce
from symnb.ops.diagonal import diagonal
from symnb.ops.dot import matmul
from symnb.ops.elimination import in_any_precision
from symnb.ops.getitem import getitem
from symnb.ops.join import concatenate
from symnb.ops.pick import pick
from symnb.ops.triangular import (
    add_terms,
    assume_solve,
    assume_square,
    build_solve,
    cho_solve,
    cholesky,
    float_matrix,
    infer_solve,
    infer_square,
    mirrored,
    product_with_transpose,
    solve_triangular,
)
from symnb.ops.view import (
    expand_dims,
    matrix_transpose,
    specify_like,
)

Array = Any
Tangents = Sequence[Node | None]


def _explained(
    name: str, lapack: Callable[..., Array], loop: Callable[..., Array]
) -> Callable[..., Array]:
    """The reference, whose LinAlgError of a singular matrix says what was asked."""
    call = in_any_precision(lapack, loop)

    def run(*arrays: Array) -> Array:
        try:
            return call(*arrays)
        except np.linalg.LinAlgError:
            raise np.linalg.LinAlgError(
                f"{name} of a singular matrix.\n"
                "Fix: check that no row depends on others; pinv has a value for "
                "every matrix."
            ) from None

    return run


def _spread(g: Node) -> Node:
    """A number per matrix, to scale matrices by."""
    return expand_dims(g, (-2, -1))


def _matrix_trace(x: Node) -> Node:
    return reduce.sum(diagonal(x, 0, -2, -1), -1)


# -------------------------------------------------------------------------- inv


def _inv_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    turned = matrix_transpose(node)
    return [specify_like(-matmul(matmul(turned, g), turned), node.inputs[0])]


def _inv_jvp(node: Node, tangents: Tangents) -> Node | None:
    da = tangents[0]
    return None if da is None else -matmul(matmul(node, da), node)


INV = Op(
    name="inv", infer=lambda types, params: infer_square("inv", types[0]),
    numpy=_explained("inv", np.linalg.inv, elimination.inv), assumes=assume_square,
    vjp=_inv_vjp, jvp=_inv_jvp, weight=5, flops=200.0,
    tags=frozenset({"lapack"}), doc="The inverse of a square matrix.",
)  # fmt: skip


def inv(x: Any) -> Node:
    """The inverse of (..., n, n); `solve(x, b)` is faster and more accurate than
    `inv(x) @ b`. Source of the gradient: Giles 2008, 2.2.3."""
    return make(INV, (float_matrix(x, "inv"),))


matrix_inverse = inv

# ------------------------------------------------------------------------ solve


def _solve_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    a, b = node.operands
    db = make(SOLVE, (matrix_transpose(a), g))
    da = -product_with_transpose(db, node)
    return [specify_like(da, a), specify_like(db, b)]


def _solve_jvp(node: Node, tangents: Tangents) -> Node | None:
    a, _ = node.operands
    da, db = tangents
    change = None if da is None else -matmul(da, node)
    move = add_terms([db, change])
    return None if move is None else make(SOLVE, (a, move))


SOLVE = Op(
    name="solve", arity=2, infer=lambda types, params: infer_solve("solve", types),
    numpy=_explained("solve", np.linalg.solve, elimination.solve), assumes=assume_solve,
    vjp=_solve_vjp, jvp=_solve_jvp, weight=4, flops=150.0,
    tags=frozenset({"lapack"}), doc="x with a x = b for a square matrix a.",
)  # fmt: skip

_SHAPES_OF_A = {
    "general": "gen", "gen": "gen", "symmetric": "sym", "sym": "sym", "her": "sym",
    "pos": "pos", "positive definite": "pos", "lower_triangular": "lower",
    "lower triangular": "lower", "upper_triangular": "upper",
    "upper triangular": "upper",
}  # fmt: skip


def solve(a: Any, b: Any, lower: bool = False, assume_a: str = "gen") -> Node:
    """x with a x = b.

    a         (..., n, n)
    b         (n,) or (..., n, k)
    assume_a  gen | sym | pos | lower triangular | upper triangular, as in SciPy: of
              sym and pos only one triangle is read, and pos takes a Cholesky factor
    lower     the triangle that is read

    Raises numpy.linalg.LinAlgError while running for a singular matrix.
    Source of the gradient: Giles 2008, 2.3.1.
    """
    kind = _SHAPES_OF_A.get(assume_a)
    if kind is None:
        known = ", ".join(dict.fromkeys(_SHAPES_OF_A.values()))
        raise ValueError(f"assume_a is one of {known}, not {assume_a!r}.")
    if kind in ("lower", "upper"):
        return solve_triangular(a, b, lower=kind == "lower")
    if kind == "pos":
        return cho_solve((cholesky(a, lower), lower), b)
    if kind == "sym":
        matrix = float_matrix(a, "solve")
        a = mirrored(matrix if lower else matrix_transpose(matrix))
    return build_solve(SOLVE, a, b)


# ------------------------------------------------------------- det and slogdet


def _infer_number(types: Types, params: Params) -> Type:
    return types[0].with_shape(infer_square("det", types[0]).shape[:-2])


def _adjugate(a: Array) -> Array:
    """det(a) inv(a), also where a is singular, then by singular values.

    A matrix whose inverse is accurate to half the digits takes the short way.
    """
    if a.ndim > 2:
        parts = [_adjugate(one) for one in a.reshape(-1, *a.shape[-2:])]
        return np.array(parts, a.dtype).reshape(a.shape)
    n = len(a)
    if not n:
        return a.copy()
    try:
        inverse = np.linalg.inv(a)
        condition = np.linalg.norm(a, 1) * np.linalg.norm(inverse, 1)
        if condition < 1 / np.sqrt(np.finfo(a.dtype).eps):
            return np.linalg.det(a) * inverse
    except np.linalg.LinAlgError:
        pass
    if not np.isfinite(a).all():
        return np.full_like(a, np.nan)
    u, s, turned_v = np.linalg.svd(a)
    others = np.array([np.prod(np.delete(s, i)) for i in range(n)], a.dtype)
    sign = np.round(np.linalg.det(u) * np.linalg.det(turned_v))
    return sign * (turned_v.T * others) @ u.T


def _adjugate_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    a = node.inputs[0]
    inverse, volume = inv(a), _spread(det(a))
    turned = matrix_transpose(inverse)
    along = _spread(reduce.sum(g * inverse, (-2, -1)))
    change = matmul(matmul(turned, g), turned)
    return [specify_like(volume * (along * turned - change), a)]


def _adjugate_jvp(node: Node, tangents: Tangents) -> Node | None:
    da = tangents[0]
    if da is None:
        return None
    a = node.inputs[0]
    inverse, volume = inv(a), _spread(det(a))
    move = matmul(inverse, da)
    return volume * (_spread(_matrix_trace(move)) * inverse - matmul(move, inverse))


ADJUGATE = Op(
    name="adjugate", infer=lambda types, params: infer_square("adjugate", types[0]),
    numpy=in_any_precision(_adjugate),
    assumes=assume_square, vjp=_adjugate_vjp, jvp=_adjugate_jvp,
    weight=6, flops=300.0,
    doc="det(a) inv(a): the transposed matrix of cofactors, which always exists.",
)  # fmt: skip


def adjugate(x: Any) -> Node:
    """det(x) inv(x), the transposed matrix of cofactors; singular x included.

    Its gradient needs a nonsingular x.
    """
    return make(ADJUGATE, (float_matrix(x, "adjugate"),))


def _det_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    a = node.inputs[0]
    return [specify_like(_spread(g) * matrix_transpose(adjugate(a)), a)]


def _det_jvp(node: Node, tangents: Tangents) -> Node | None:
    da = tangents[0]
    if da is None:
        return None
    return _matrix_trace(matmul(adjugate(node.inputs[0]), da))


DET = Op(
    name="det", infer=_infer_number,
    numpy=in_any_precision(np.linalg.det, elimination.det),
    assumes=assume_square,
    vjp=_det_vjp, jvp=_det_jvp, weight=5, flops=100.0,
    tags=frozenset({"lapack"}), doc="The determinant of a square matrix.",
)  # fmt: skip


def det(x: Any) -> Node:
    """The determinant of (..., n, n); `slogdet` does not overflow.

    Its gradient, the cofactors, exists for singular matrices too (Jacobi's formula:
    Magnus & Neudecker 1999, 8.3).
    """
    return make(DET, (float_matrix(x, "det"),))


def _infer_slogdet(types: Types, params: Params) -> Type:
    number = _infer_number(types, params)
    assert isinstance(number, TensorType)
    return TupleType((number, number))


def _slogdet_vjp(node: Node, g: Tangents, context: Any) -> list[Node | None]:
    a, from_log = node.inputs[0], g[1]
    if from_log is None:
        return [None]
    return [specify_like(_spread(from_log) * matrix_transpose(inv(a)), a)]


def _slogdet_jvp(node: Node, tangents: Tangents) -> Any:
    da = tangents[0]
    if da is None:
        return None
    return None, _matrix_trace(make(SOLVE, (node.inputs[0], da)))


SLOGDET = Op(
    name="slogdet", infer=_infer_slogdet,
    numpy=in_any_precision(np.linalg.slogdet, elimination.slogdet),
    assumes=assume_square, vjp=_slogdet_vjp, jvp=_slogdet_jvp, weight=4, flops=100.0,
    tags=frozenset({"lapack"}),
    doc="The sign and the logarithm of the absolute value of the determinant.",
)  # fmt: skip


def slogdet(x: Any) -> tuple[Node, Node]:
    """(sign, log|det x|) of (..., n, n); (0, -inf) where x is singular.

    The gradient of the logarithm, inv(x)ᵀ, needs a nonsingular x (Giles 2008, 2.2.4);
    that of the sign is zero.
    """
    node = make(SLOGDET, (float_matrix(x, "slogdet"),))
    return pick(node, 0), pick(node, 1)


# ------------------------------------------------------------------------- pinv


def _infer_pinv(types: Types, params: Params) -> Type:
    *batch, n, m = types[0].shape
    return types[0].with_shape((*batch, m, n))


def _pinv_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    """The transpose of Golub & Pereyra 1973, equation 4.12."""
    a, turned, up = node.inputs[0], matrix_transpose(node), matrix_transpose(g)
    left = matmul(up, matmul(node, turned))
    right = matmul(matmul(turned, node), up)
    total = left - matmul(a, matmul(node, left))
    total = total + right - matmul(matmul(right, node), a)
    return [specify_like(total - matmul(matmul(turned, g), turned), a)]


def _pinv_jvp(node: Node, tangents: Tangents) -> Node | None:
    """Golub & Pereyra 1973, equation 4.12: constant rank."""
    da = tangents[0]
    if da is None:
        return None
    a, turned, up = node.inputs[0], matrix_transpose(node), matrix_transpose(da)
    left = matmul(matmul(node, turned), up)
    right = matmul(up, matmul(turned, node))
    total = left - matmul(matmul(left, a), node)
    total = total + right - matmul(node, matmul(a, right))
    return total - matmul(matmul(node, da), node)


PINV = Op(
    name="pinv", params=("rcond",), infer=_infer_pinv, vjp=_pinv_vjp, jvp=_pinv_jvp,
    numpy=in_any_precision(np.linalg.pinv), weight=6, flops=2000.0,
    doc="The Moore-Penrose inverse of a matrix.",
)  # fmt: skip


def pinv(x: Any, rcond: float = 1e-15) -> Node:
    """The Moore-Penrose inverse (..., m, n) of (..., n, m).

    rcond  singular values up to rcond times the largest count as zero
    The gradient is that among matrices of the same rank. Source: Golub & Pereyra 1973.
    """
    return make(PINV, (float_matrix(x, "pinv"),), (float(rcond),))


# ------------------------------------------------------------------------- expm


def _expm(a: Array) -> Array:
    from scipy.linalg import expm

    return np.asarray(expm(a), a.dtype) if a.size else a.copy()


def _frechet(a: Node, direction: Node) -> Node:
    """The derivative of expm at a: a corner of expm([[a, direction], [0, a]])."""
    top = concatenate([a, direction], -1)
    bottom = concatenate([a * 0, a], -1)
    n = a.shape[-1]
    whole = make(EXPM, (concatenate([top, bottom], -2),))
    return getitem(whole, (..., slice(None, n), slice(n, None)))


def _expm_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    a = node.inputs[0]
    return [specify_like(_frechet(matrix_transpose(a), g), a)]


def _expm_jvp(node: Node, tangents: Tangents) -> Node | None:
    da = tangents[0]
    return None if da is None else _frechet(node.inputs[0], da)


EXPM = Op(
    name="expm", infer=lambda types, params: infer_square("expm", types[0]),
    numpy=in_any_precision(_expm),
    assumes=assume_square, vjp=_expm_vjp, jvp=_expm_jvp, weight=8,
    flops=2000.0, doc="The exponential of a square matrix.",
)  # fmt: skip


def expm(x: Any) -> Node:
    """The exponential 1 + x + x²/2 + ... of (..., n, n), not of its elements.

    Source of the gradient: Najfeld & Havel 1995; Higham 2008, 10.6.
    """
    return make(EXPM, (float_matrix(x, "expm"),))
