"""Linear algebra in any precision: plain elimination on long doubles or exact numbers.

LAPACK knows float32 and float64. The wider run of `f.check` and the proofs of rules
evaluate ops on long doubles and on object arrays of mpmath numbers; there the
references of `inv`, `solve`, `det`, `slogdet`, `cholesky` and `solve_triangular` are
the textbook's loops below, cubic and slow. What has no such loop is computed in
float64. Source: Golub & Van Loan 2013, "Matrix Computations", 3.1, 3.4, 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
LAPACK = frozenset({"float32", "float64"})


def in_any_precision(
    lapack: Callable[..., Any], loop: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """`lapack` for its dtypes, `loop` over matrices for others, else float64.

    loop  takes what `lapack` takes, one matrix at a time
    """

    def run(*values: Any) -> Any:
        arrays = [v for v in values if isinstance(v, np.ndarray)]
        if all(a.dtype.name in LAPACK for a in arrays):
            return lapack(*values)
        if loop is not None:
            return _over_batch(loop, values, arrays)
        wide = np.result_type(*arrays)
        narrow = (
            v.astype("float64") if isinstance(v, np.ndarray) else v for v in values
        )
        result = lapack(*narrow)
        if isinstance(result, tuple):
            return tuple(part.astype(wide) for part in result)
        return np.asarray(result).astype(wide)

    return run


def _over_batch(
    loop: Callable[..., Any], values: tuple[Any, ...], arrays: list[Array]
) -> Any:
    batch = arrays[0].shape[:-2]
    if not batch:
        return loop(*values)
    found = [
        loop(*(v[at] if isinstance(v, np.ndarray) else v for v in values))
        for at in np.ndindex(batch)
    ]
    if found and isinstance(found[0], tuple):
        parts = zip(*found, strict=True)
        return tuple(np.reshape(np.array(part), batch) for part in parts)
    stacked = np.array(found, arrays[0].dtype)
    return stacked.reshape(*batch, *stacked.shape[1:])


def _function(name: str, x: Any) -> Any:
    """sqrt or log of a long double or of an mpmath number."""
    context = getattr(x, "context", None)
    return getattr(np, name)(x) if context is None else getattr(context, name)(x)


def _eliminate(a: Array, b: Array) -> tuple[Array, Array, int]:
    """(upper triangle, the right sides with it, sign of the row exchanges)."""
    a, b, sign = a.copy(), b.copy(), 1
    for k in range(len(a)):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        if pivot != k:
            a[[k, pivot]], b[[k, pivot]], sign = a[[pivot, k]], b[[pivot, k]], -sign
        if a[k, k] == 0:
            continue
        factors = a[k + 1 :, k] / a[k, k]
        a[k + 1 :] -= factors[:, None] * a[k]
        b[k + 1 :] -= factors[:, None] * b[k]
    return a, b, sign


def solve(a: Array, b: Array) -> Array:
    """x with a x = b."""
    upper, right, _ = _eliminate(a, b.reshape(len(b), -1))
    return solve_triangular(upper, right, False, False, False).reshape(b.shape)


def inv(a: Array) -> Array:
    """The inverse of a."""
    return solve(a, np.eye(len(a)).astype(a.dtype) + a * 0)


def _pivots(a: Array) -> tuple[Array, int]:
    upper, _, sign = _eliminate(a, a[:, :0])
    return np.diagonal(upper), sign


def det(a: Array) -> Any:
    """The determinant of a."""
    pivots, sign = _pivots(a)
    return np.prod(pivots) * sign


def slogdet(a: Array) -> tuple[Any, Any]:
    """The sign and the logarithm of the absolute value of the determinant."""
    pivots, sign = _pivots(a)
    if (pivots == 0).any():
        return np.zeros((), a.dtype)[()], np.asarray(-np.inf, a.dtype)[()]
    logarithms = [_function("log", abs(p)) for p in pivots]
    signs = [1 if p > 0 else -1 for p in pivots]
    return (
        np.asarray(sign * np.prod(signs), a.dtype)[()],
        np.sum(np.array(logarithms, a.dtype)),
    )


def cholesky(a: Array, on_error: str) -> Array:
    """The lower Cholesky factor of the lower triangle of a."""
    factor = a * 0
    for j in range(len(a)):
        left = factor[j, :j]
        pivot = a[j, j] - np.sum(left * left)
        if not pivot > 0:
            if on_error == "nan":
                return a * np.nan
            raise np.linalg.LinAlgError("Matrix is not positive definite")
        factor[j, j] = _function("sqrt", pivot)
        below = a[j + 1 :, j] - factor[j + 1 :, :j] @ left
        factor[j + 1 :, j] = below / factor[j, j]
    return factor


def solve_triangular(
    a: Array, b: Array, lower: bool, trans: bool, unit_diagonal: bool
) -> Array:
    """x with a x = b for a triangle a, by substitution."""
    if trans:
        a, lower = a.T, not lower
    x = b.copy()
    order = range(len(a)) if lower else range(len(a) - 1, -1, -1)
    for i in order:
        known = slice(0, i) if lower else slice(i + 1, None)
        x[i] = x[i] - a[i, known] @ x[known]
        if not unit_diagonal:
            if a[i, i] == 0:
                raise np.linalg.LinAlgError("Singular matrix")
            x[i] = x[i] / a[i, i]
    return x
