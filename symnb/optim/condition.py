"""How much a matrix magnifies rounding: the scale errors of its ops are judged by.

The error of a system solved by elimination is a few ulp of the result times the
condition number of Skeel, the largest row sum of |inv(a)| |a|; so is that of an
inverse, a determinant, a factor. Source: Higham 2002, "Accuracy and Stability of
Numerical Algorithms", 7.2, 14.1; Golub & Van Loan 2013, 2.7, 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from symnb.core.node import Node
from symnb.ops.factor import EIGH, EIGVALSH, QR, SVD, SVDVALS
from symnb.ops.linalg import DET, EXPM, INV, SLOGDET, SOLVE
from symnb.ops.triangular import CHOLESKY, SOLVE_TRIANGULAR

Array = Any
CONDITIONED = frozenset({
    INV, SOLVE, SOLVE_TRIANGULAR, CHOLESKY, DET, SLOGDET, EXPM, QR, SVD, SVDVALS, EIGH,
    EIGVALSH,
})  # fmt: skip


def condition(matrix: Array) -> float:
    """Skeel's condition number, inf for a singular matrix; n + m for one not square,
    whose orthogonal factors have an error that grows with its sizes."""
    if matrix.ndim < 2 or not matrix.size:
        return 1.0
    if matrix.shape[-1] != matrix.shape[-2]:
        return float(matrix.shape[-1] + matrix.shape[-2])
    try:
        inverse = np.linalg.inv(np.asarray(matrix, float))
    except np.linalg.LinAlgError:
        return np.inf
    found = float((np.abs(inverse) @ np.abs(matrix)).sum(-1).max())
    return found if np.isfinite(found) else np.inf


def magnified(node: Node, values: Mapping[Node, Array]) -> float:
    """The largest element of a result times the condition of its matrix."""
    matrix = np.asarray(values[node.inputs[0]], float)
    if node.op is SOLVE_TRIANGULAR:
        matrix = np.tril(matrix) if node.params[0] else np.triu(matrix)
    value: Any = values[node]
    parts = cast(tuple[Array, ...], value if isinstance(value, tuple) else (value,))
    sizes = [np.abs(np.asarray(part, float)).max(initial=0.0) for part in parts]
    return float(max(sizes)) * condition(matrix)
