"""Orthogonal factors of matrices: `eigh`, `qr`, `svd`, and the values alone.

Matrices are the last two axes; axes before them are a batch. Nodes of several results
are taken apart by `pick`. Factors have the signs LAPACK gives; derivatives exist where
the factors are unique up to sign, which each function says; elsewhere the gradient is
inf or NaN, never a number that is wrong.
Sources: Giles 2008, "Collected matrix derivative results for forward and reverse
mode AD"; Walter & Lehmann 2012, "Algorithmic differentiation of linear algebra
functions with application in optimum experimental design", arXiv:1001.1654 (QR);
Roberts & Roberts 2020, "QR and LQ decomposition matrix backpropagation algorithms for
square, wide and deep matrices", arXiv:2009.10071 (wide QR); Townsend 2016,
"Differentiating the singular value decomposition"; Seeger et al. 2017,
"Auto-differentiating linear algebra", arXiv:1710.08717 (symmetric eigenvectors).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from symnb.core.dims import DimLike, dim_min
from symnb.core.node import Node, make, size
from symnb.core.op import Op, Params, Types
from symnb.core.types import ANY, TensorType, TupleType, Type
from symnb.errors import NoGradientError, RankError
from symnb.ops import reduce
from symnb.ops.create import eye, tril
from symnb.ops.diagonal import diagonal, embed
from symnb.ops.dot import matmul
from symnb.ops.elimination import in_any_precision
from symnb.ops.getitem import getitem
from symnb.ops.join import concatenate
from symnb.ops.logic import where
from symnb.ops.pick import pick, picks
from symnb.ops.triangular import (
    add_terms,
    assume_square,
    float_matrix,
    folded,
    infer_square,
    mirrored,
    solve_triangular,
)
from symnb.ops.view import expand_dims, matrix_transpose, shape_of, specify_like

Array = Any
Parts = Sequence[Node | None]  # per result its gradient, None where there is none


def _columns(x: Node) -> Node:
    """A vector that scales columns: (..., n) as (..., 1, n)."""
    return expand_dims(x, -2)


def _rows(x: Node) -> Node:
    """A vector that scales rows: (..., n) as (..., n, 1)."""
    return expand_dims(x, -1)


def _gaps(x: Node) -> Node:
    """1 / (x[j] - x[i]) off the diagonal and 0 on it."""
    n = shape_of(x)[-1]
    on = eye(n, dtype="bool")
    return where(on, 0, 1 / where(on, 1, _columns(x) - _rows(x)))


# ---------------------------------------------------------------- eigenvalues


def _infer_eigh(types: Types, params: Params) -> Type:
    square = infer_square("eigh", types[0])
    return TupleType((square.with_shape(square.shape[:-1]), square))


def _infer_values(types: Types, params: Params) -> Type:
    square = infer_square("eigvalsh", types[0])
    return square.with_shape(square.shape[:-1])


def _eigh_vjp(node: Node, g: Parts, context: Any) -> list[Node | None]:
    """Giles 2008, 3.1; Seeger et al. 2017, 4.2."""
    values, vectors = picks(node, 2)
    turned = matrix_transpose(vectors)
    inner = None if g[0] is None else _diagonal_matrix(g[0])
    if g[1] is not None:
        inner = add_terms([inner, _gaps(values) * matmul(turned, g[1])])
    if inner is None:
        return [None]
    full = matmul(matmul(vectors, inner), turned)
    return [specify_like(folded(full), node.inputs[0])]


def _eigh_jvp(node: Node, tangents: Parts) -> Any:
    da = tangents[0]
    if da is None:
        return None
    values, vectors = picks(node, 2)
    inner = matmul(matmul(matrix_transpose(vectors), mirrored(da)), vectors)
    return diagonal(inner, 0, -2, -1), matmul(vectors, _gaps(values) * inner)


def _diagonal_matrix(x: Node) -> Node:
    n = shape_of(x)[-1]
    return embed(x, 0, n, n)


EIGH = Op(
    name="eigh", infer=_infer_eigh,
    numpy=in_any_precision(np.linalg.eigh),
    assumes=assume_square,
    vjp=_eigh_vjp, jvp=_eigh_jvp, weight=3, flops=1000.0, tags=frozenset({"lapack"}),
    doc="Eigenvalues in ascending order and eigenvectors of a symmetric matrix.",
)  # fmt: skip


def _values_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    vectors = pick(make(EIGH, (node.inputs[0],)), 1)
    full = matmul(vectors * _columns(g), matrix_transpose(vectors))
    return [specify_like(folded(full), node.inputs[0])]


def _values_jvp(node: Node, tangents: Parts) -> Node | None:
    if tangents[0] is None:
        return None
    vectors = pick(make(EIGH, (node.inputs[0],)), 1)
    return reduce.sum(vectors * matmul(mirrored(tangents[0]), vectors), -2)


EIGVALSH = Op(
    name="eigvalsh", infer=_infer_values, numpy=in_any_precision(np.linalg.eigvalsh),
    assumes=assume_square, vjp=_values_vjp, jvp=_values_jvp, weight=3, flops=300.0,
    tags=frozenset({"lapack"}),
    doc="Eigenvalues of a symmetric matrix, in ascending order.",
)  # fmt: skip


def _symmetric(a: Any, triangle: str, name: str) -> Node:
    if triangle not in ("L", "U", "l", "u"):
        raise ValueError(f"UPLO is 'L' or 'U', not {triangle!r}.")
    node = float_matrix(a, name)
    return node if triangle in "Ll" else matrix_transpose(node)


def eigh(a: Any, UPLO: str = "L") -> tuple[Node, Node]:
    """(eigenvalues (..., n) in ascending order, eigenvectors as columns (..., n, n)).

    a     symmetric (..., n, n); only the triangle UPLO is read
    The gradient of eigenvectors needs distinct eigenvalues (else inf or NaN); that
    of eigenvalues does not. It is that of the triangle that is read.
    Sources: Giles 2008; Seeger et al. 2017.
    """
    values, vectors = picks(make(EIGH, (_symmetric(a, UPLO, "eigh"),)), 2)
    return values, vectors


def eigvalsh(a: Any, UPLO: str = "L") -> Node:
    """The eigenvalues of a symmetric matrix in ascending order; see `eigh`."""
    return make(EIGVALSH, (_symmetric(a, UPLO, "eigvalsh"),))


# --------------------------------------------------------------------------- qr


def _matrix_sizes(name: str, type: TensorType) -> tuple[tuple[DimLike, ...], Any, Any]:
    """(sizes of the batch, rows, columns). Raises RankError."""
    if type.ndim < 2:
        raise RankError(f"{name} takes a matrix, not {type}.")
    *batch, n, m = type.shape
    return tuple(batch), n, m


def _infer_qr(types: Types, params: Params) -> Type:
    batch, n, m = _matrix_sizes("qr", types[0])
    k = dim_min(n, m)
    left, right = (*batch, n, k), (*batch, k, m)
    return TupleType((types[0].with_shape(left), types[0].with_shape(right)))


def _split(x: Node, q: Node, is_wide: bool) -> tuple[Node, Node | None]:
    """The first columns of x, as many as q has, and the others, if there are any."""
    if not is_wide:
        return x, None
    k = size(shape_of(q)[-1])
    return getitem(x, (..., slice(None, k))), getitem(x, (..., slice(k, None)))


def _times_inverse(x: Node, triangle: Node, trans: int) -> Node:
    """x R^-1, or x R^-T with trans=0, for an upper triangle R."""
    solved = solve_triangular(triangle, matrix_transpose(x), trans=trans)
    return matrix_transpose(solved)


def _qr_vjp(node: Node, g: Parts, context: Any) -> list[Node | None]:
    """Walter & Lehmann 2012; the columns after the first k: Roberts & Roberts 2020.

    With A = [X Y], R = [U V], Y (if any) follows from V = Qᵀ Y.
    """
    from_q, from_r = g
    q, r = picks(node, 2)
    a = node.inputs[0]
    is_wide = shape_of(a)[-1] != shape_of(q)[-1]
    lead, _ = _split(r, q, is_wide)
    _, rest = _split(a, q, is_wide)
    after = None if rest is None else rest * 0
    inner: Node | None = None
    if from_r is not None:
        from_lead, from_rest = _split(from_r, q, is_wide)
        inner = matmul(lead, matrix_transpose(from_lead))
        if rest is not None and from_rest is not None:
            after = matmul(q, from_rest)
            from_q = add_terms([from_q, matmul(rest, matrix_transpose(from_rest))])
    if from_q is not None:
        inner = add_terms([inner, -matmul(matrix_transpose(from_q), q)])
    if inner is None:
        return [None]
    total = add_terms([from_q, matmul(q, mirrored(inner))])
    first = _times_inverse(total, lead, 0)  # pyright: ignore[reportArgumentType]
    full = first if after is None else concatenate([first, after], -1)
    return [specify_like(full, a)]


def _qr_jvp(node: Node, tangents: Parts) -> Any:
    da = tangents[0]
    if da is None:
        return None
    q, r = picks(node, 2)
    is_wide = shape_of(r)[-1] != shape_of(q)[-1]
    turned = matrix_transpose(q)
    lead, _ = _split(r, q, is_wide)
    scaled = _times_inverse(_split(da, q, is_wide)[0], lead, 1)
    inner = matmul(turned, scaled)
    low = tril(inner, -1)
    skew = low - matrix_transpose(low)
    dq = matmul(q, skew - inner) + scaled
    return dq, matmul(turned, da) - matmul(skew, r)


QR = Op(
    name="qr", infer=_infer_qr,
    numpy=in_any_precision(np.linalg.qr),
    vjp=_qr_vjp, jvp=_qr_jvp,
    weight=3, flops=200.0,
    doc="Q with orthonormal columns and R, an upper triangle, such that Q R = a.",
)  # fmt: skip


def qr(a: Any, mode: str = "reduced") -> Any:
    """(Q, R) with Q R = a; with mode "r" only R.

    a  (..., n, m), k = min(n, m)
    -> Q (..., n, k) with orthonormal columns, R (..., k, m) upper triangular

    The gradient needs independent first k columns (else inf, NaN or
    numpy.linalg.LinAlgError while running). Source: Walter & Lehmann 2012; Roberts &
    Roberts 2020 for n < m.
    """
    if mode not in ("reduced", "r"):
        raise ValueError(f"qr has modes 'reduced' and 'r', not {mode!r}.")
    q, r = picks(make(QR, (float_matrix(a, "qr"),)), 2)
    return r if mode == "r" else (q, r)


# -------------------------------------------------------------------------- svd


def _infer_svd(types: Types, params: Params) -> Type:
    batch, n, m = _matrix_sizes("svd", types[0])
    k = dim_min(n, m)
    inner = (n, m) if params[0] else (k, k)
    shapes = ((*batch, n, inner[0]), (*batch, k), (*batch, inner[1], m))
    return TupleType(tuple(types[0].with_shape(shape) for shape in shapes))


def _infer_svdvals(types: Types, params: Params) -> Type:
    batch, n, m = _matrix_sizes("svd", types[0])
    return types[0].with_shape((*batch, dim_min(n, m)))


def _refuse_full(node: Node, parts: Parts) -> None:
    n, m = shape_of(node.inputs[0])[-2:]
    if node.params[0] and n != m and (parts[0] is not None or parts[2] is not None):
        raise NoGradientError(
            "svd has no gradient with full_matrices=True: the columns it adds are "
            "not unique.\nFix: svd(a, full_matrices=False)."
        )


def _outside(basis: Node, x: Node) -> Node:
    """x without its part in the span of the columns of `basis`."""
    return x - matmul(basis, matmul(matrix_transpose(basis), x))


def _svd_vjp(node: Node, g: Parts, context: Any) -> list[Node | None]:
    """Townsend 2016, equations 31 to 33, with V the transpose of the third result."""
    _refuse_full(node, g)
    a = node.inputs[0]
    u, s, turned_v = picks(make(SVD, (a,), (False,)) if node.params[0] else node, 3)
    v, turned_u = matrix_transpose(turned_v), matrix_transpose(u)
    gaps, terms = _gaps(s * s), []
    if g[1] is not None:
        terms.append(matmul(u * _columns(g[1]), turned_v))
    if g[0] is not None:
        inner = matmul(turned_u, g[0])
        inner = gaps * (inner - matrix_transpose(inner))
        left = matmul(u, inner * _columns(s)) + _outside(u, g[0]) / _columns(s)
        terms.append(matmul(left, turned_v))
    if g[2] is not None:
        inner = matmul(turned_v, matrix_transpose(g[2]))
        inner = gaps * (inner - matrix_transpose(inner))
        outside = matrix_transpose(_outside(v, matrix_transpose(g[2])))
        right = matmul(inner * _rows(s), turned_v) + outside / _rows(s)
        terms.append(matmul(u, right))
    total = add_terms(terms)
    return [None if total is None else specify_like(total, a)]


def _svd_jvp(node: Node, tangents: Parts) -> Any:
    da = tangents[0]
    if da is None:
        return None
    if node.params[0]:
        change = _svdvals_jvp(node, tangents)
        return pick(node, 0) * np.nan, change, pick(node, 2) * np.nan
    u, s, turned_v = picks(node, 3)
    v = matrix_transpose(turned_v)
    inner = matmul(matmul(matrix_transpose(u), da), v)
    turned, gaps = matrix_transpose(inner), _gaps(s * s)
    du = matmul(u, gaps * (inner * _columns(s) + _rows(s) * turned))
    du = du + _outside(u, matmul(da, v)) / _columns(s)
    dv = matmul(v, gaps * (_rows(s) * inner + turned * _columns(s)))
    dv = dv + _outside(v, matmul(matrix_transpose(da), u)) / _columns(s)
    return du, diagonal(inner, 0, -2, -1), matrix_transpose(dv)


SVD = Op(
    name="svd", params=("full_matrices",), infer=_infer_svd, vjp=_svd_vjp,
    jvp=_svd_jvp, weight=3, flops=2000.0,
    numpy=in_any_precision(np.linalg.svd),
    doc="U, s in descending order, and Vᵀ such that U diag(s) Vᵀ = a.",
)  # fmt: skip


def _svdvals_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    u, _, turned_v = picks(make(SVD, (node.inputs[0],), (False,)), 3)
    return [specify_like(matmul(u * _columns(g), turned_v), node.inputs[0])]


def _svdvals_jvp(node: Node, tangents: Parts) -> Node | None:
    if tangents[0] is None:
        return None
    u, _, turned_v = picks(make(SVD, (node.inputs[0],), (False,)), 3)
    return reduce.sum(u * matmul(tangents[0], matrix_transpose(turned_v)), -2)


SVDVALS = Op(
    name="svdvals", infer=_infer_svdvals, vjp=_svdvals_vjp, jvp=_svdvals_jvp,
    numpy=in_any_precision(partial(np.linalg.svd, compute_uv=False)),
    weight=3, flops=500.0,
    doc="The singular values of a matrix, in descending order.",
)  # fmt: skip


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """(U, s, Vᵀ) with U diag(s) Vᵀ = a; without compute_uv only s.

    a              (..., n, m), k = min(n, m)
    full_matrices  U (..., n, n) and Vᵀ (..., m, m) instead of (..., n, k) and
                   (..., k, m)
    -> s (..., k) in descending order

    The gradient of U and V needs distinct, nonzero singular values and
    full_matrices=False or a matrix square by its type (else `grad` refuses and `Rop`
    is NaN); that of s needs them nonzero. Source: Townsend 2016; Giles 2008.
    """
    node = float_matrix(a, "svd")
    if not compute_uv:
        return make(SVDVALS, (node,))
    square = node.type is not ANY and shape_of(node)[-2] == shape_of(node)[-1]
    return picks(make(SVD, (node,), (bool(full_matrices) and not square,)), 3)


def svdvals(a: Any) -> Node:
    """The singular values of a in descending order; see `svd`."""
    return svd(a, compute_uv=False)
