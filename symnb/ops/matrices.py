"""Functions of matrices made of other ops: powers, products, norms, `cond`.

Matrices are the last two axes; axes before them are a batch. Derivatives follow from
the ops used. Norms of vectors are in `statistics.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce as fold
from typing import Any

import numpy as np

from symnb.core.dims import DimLike
from symnb.core.node import Node
from symnb.errors import RankError
from symnb.ops import diagonal as diagonals
from symnb.ops import reduce, statistics
from symnb.ops.arithmetic import abs, square
from symnb.ops.cast import cast
from symnb.ops.create import eye
from symnb.ops.define import as_node
from symnb.ops.dot import dot, matmul
from symnb.ops.factor import svdvals
from symnb.ops.getitem import getitem
from symnb.ops.join import concatenate
from symnb.ops.linalg import inv, solve
from symnb.ops.sizes import normal_axes, product
from symnb.ops.transcendental import sqrt
from symnb.ops.triangular import float_matrix, infer_square
from symnb.ops.view import expand_dims, moveaxis, reshape, shape_of

# -------------------------------------------------------- powers and products


def matrix_dot(*matrices: Any) -> Node:
    """The product of several matrices, from left to right."""
    if not matrices:
        raise ValueError("matrix_dot of nothing.\nFix: give at least one matrix.")
    return fold(dot, matrices[1:], as_node(matrices[0]))


def diagonal(x: Any, offset: int = 0) -> Node:
    """The diagonal of the matrices in the last two axes."""
    return diagonals.diagonal(x, offset, -2, -1)


def trace(x: Any, offset: int = 0) -> Node:
    """The sum of the diagonal of the matrices in the last two axes."""
    return diagonals.trace(x, offset, -2, -1)


def multi_dot(matrices: Sequence[Any]) -> Node:
    """NumPy's product of a list of matrices; the optimiser finds the best order."""
    return matrix_dot(*matrices)


def matrix_power(x: Any, n: int) -> Node:
    """x multiplied n times with itself; of the inverse for n < 0.

    x  (..., m, m); integers stay integers for n >= 0
    """
    node, count = as_node(x), operator.index(n)
    kind = infer_square("matrix_power", node.type)  # pyright: ignore
    if count < 0:
        node, count = inv(node), -count
    if not count:
        unit = eye(kind.shape[-1], dtype=node.dtype)
        return unit if node.ndim == 2 else node * 0 + unit
    result: Node | None = None
    while count:
        if count % 2:
            result = node if result is None else matmul(result, node)
        count //= 2
        node = matmul(node, node) if count else node
    assert result is not None
    return result


def _corner(x: Any, name: str, ind: int) -> tuple[Node, tuple[DimLike, ...], Any]:
    """x as a matrix of its first `ind` and its other axes, and the sizes of both."""
    node = as_node(x)
    if not 0 < ind < node.ndim:
        raise RankError(f"{name} of {node.type} with {ind} leading axes.")
    sizes = shape_of(node)
    first, last = sizes[:ind], sizes[ind:]
    return reshape(node, (product(first), product(last))), first, last


def tensorinv(x: Any, ind: int = 2) -> Node:
    """The inverse of x as a linear map from its axes from `ind` on to the first."""
    matrix, first, last = _corner(x, "tensorinv", ind)
    return reshape(inv(matrix), (*last, *first))


def tensorsolve(a: Any, b: Any) -> Node:
    """x with tensordot(a, x, x.ndim) = b; a has the axes of b, then those of x."""
    right = as_node(b)
    matrix, _, last = _corner(a, "tensorsolve", right.ndim)
    return reshape(solve(matrix, right.flatten()), last)


# ------------------------------------------------------------------------- norms

_SUMS: dict[Any, tuple[int, Callable[..., Node]]] = {
    1: (-2, reduce.max), -1: (-2, reduce.min),
    np.inf: (-1, reduce.max), -np.inf: (-1, reduce.min),
}  # fmt: skip
_INFINITIES = {"inf": np.inf, "-inf": -np.inf}  # Theano's words


def matrix_norm(x: Any, ord: Any = "fro", keepdims: bool = False) -> Node:
    """The norm of the matrices in the last two axes.

    ord  "fro": root of the sum of squares; "nuc": sum of the singular values; 2 (-2):
         the largest (smallest) of them; 1 (-1): largest (smallest) column sum of
         absolute values; inf (-inf): row sum
    """
    node = float_matrix(x, "norm")
    if ord in (None, "fro", "f"):
        return sqrt(reduce.sum(square(node), (-2, -1), keepdims=keepdims))
    if ord in _SUMS:
        axis, select = _SUMS[ord]
        result = select(reduce.sum(abs(node), axis), -1)
    elif ord == "nuc":
        result = reduce.sum(svdvals(node), -1)
    elif ord in (2, -2):
        result = getitem(svdvals(node), (..., 0 if ord == 2 else -1))
    else:
        raise ValueError(
            f"no matrix norm {ord!r}.\nFix: use 'fro', 'nuc', 1, 2, inf or negative."
        )
    return expand_dims(result, (-2, -1)) if keepdims else result


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Node:
    """NumPy's norm: of a matrix where `axis` names two axes, or x has two and
    `ord` is given; else of the vectors along `axis`, or of all elements.

    ord  see `matrix_norm` for matrices; a number p for vectors: (sum |x|^p)^(1/p)
    """
    node, ord = as_node(x), _INFINITIES.get(ord, ord)
    if axis is None and (ord is None or node.ndim < 2):
        return statistics.norm(node, ord, axis, keepdims)
    axes = normal_axes(axis, node.ndim)
    if len(axes) == 1:
        return statistics.norm(node, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise RankError(f"a norm over {len(axes)} axes of {node.type}.")
    ends = moveaxis(node, axes, (-2, -1))
    result = matrix_norm(ends, ord, keepdims)
    return moveaxis(result, (-2, -1), axes) if keepdims else result


def cond(x: Any, p: Any = None) -> Node:
    """The condition number of a matrix in the norm p (None: 2)."""
    node = float_matrix(x, "cond")
    if p in (None, 2, -2):
        values = svdvals(node)
        first, last = getitem(values, (..., 0)), getitem(values, (..., -1))
        return last / first if p == -2 else first / last
    return matrix_norm(node, p) * matrix_norm(inv(node), p)


def matrix_rank(x: Any, tol: Any = None) -> Node:
    """int64: how many singular values are larger than tol.

    tol  None: the largest times max(n, m) eps, as in NumPy
    """
    node = float_matrix(x, "matrix_rank")
    values = svdvals(node)
    if tol is None:
        n, m = node.shape[-2:]
        eps = float(np.finfo(node.dtype).eps)
        widest = cast(reduce.max(concatenate([n.reshape(1), m.reshape(1)])), node.dtype)
        tol = reduce.max(values, -1, keepdims=True) * widest * eps
    return reduce.sum(cast(values > tol, "int64"), -1)
