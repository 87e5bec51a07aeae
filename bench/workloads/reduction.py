"""Rows, columns and all of a 4096 x 1024 float32 matrix, alone and fused.

softmax    exp(x - max) / sum, over rows
nll        mean over rows of logsumexp(x) - x[row, y[row]]
layernorm  (x - mean) / sqrt(var + 1e-5) * g + b, over rows
sums and variances over axis 0, axis 1 and everything
"""

from __future__ import annotations

import numpy as np

from bench.piece import Array, Arrays
from bench.workload import Workload, seeded

ROWS, COLUMNS = 4096, 1024
BYTES = 4.0 * ROWS * COLUMNS
EPSILON = 1e-5


def matrix() -> dict[str, Array]:
    """The matrix, labels of its rows, and a scale and shift of its columns."""
    rng = seeded()
    return {
        "x": rng.standard_normal((ROWS, COLUMNS), dtype="float32"),
        "y": rng.integers(0, COLUMNS, ROWS),
        "g": rng.standard_normal(COLUMNS, dtype="float32"),
        "b": rng.standard_normal(COLUMNS, dtype="float32"),
    }


def _x(data: Arrays) -> Array:
    return data["x"].astype("float64")


def softmax(data: Arrays) -> list[Array]:
    """In float64."""
    e = np.exp(_x(data) - _x(data).max(1, keepdims=True))
    return [e / e.sum(1, keepdims=True)]


def nll(data: Arrays) -> list[Array]:
    """In float64."""
    x = _x(data)
    top = x.max(1)
    total = np.log(np.exp(x - top[:, None]).sum(1)) + top
    return [np.asarray((total - x[np.arange(ROWS), data["y"]]).mean())]


def layernorm(data: Arrays) -> list[Array]:
    """In float64."""
    x = _x(data)
    centred = x - x.mean(1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + EPSILON)
    return [scaled * data["g"] + data["b"]]


def _row(name: str, exact: object, tolerance: float, traffic: float) -> Workload:
    return Workload(name, "reduction", matrix, exact, tolerance, traffic)  # pyright: ignore


REDUCTIONS = [
    _row("softmax", softmax, 1e-5, 2 * BYTES),
    _row("nll", nll, 1e-5, BYTES),
    _row("layernorm", layernorm, 1e-5, 2 * BYTES),
    _row("sum_ax0", lambda d: [_x(d).sum(0)], 1e-5, BYTES),
    _row("sum_ax1", lambda d: [_x(d).sum(1)], 1e-5, BYTES),
    _row("sum_all", lambda d: [np.asarray(_x(d).sum())], 1e-4, BYTES),
    _row("var_all", lambda d: [np.asarray(_x(d).var())], 1e-5, BYTES),
    _row("var_ax1", lambda d: [_x(d).var(1)], 1e-5, BYTES),
]
