"""What is measured: a name, its arrays, the exact answer, and what it must cost.

Arrays are made anew, and alike, in every worker; exact values are computed once in
float64 and every system's result is compared with them before it is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.piece import Array, Arrays


@dataclass(frozen=True)
class Workload:
    """One row of the bench.

    data       () -> its arrays, by name
    exact      arrays -> the right values in float64
    tolerance  largest error, relative to the largest magnitude of each value
    traffic    bytes that must be read and written; 0: not bound by memory
    touched    bytes in use, which say from which cache they come; 0: `traffic`
    flops      floating-point operations; 0: not bound by them
    outcome    (arrays, what a system computed) -> what is compared with `exact`
    """

    name: str
    group: str
    data: Callable[[], dict[str, Array]]
    exact: Callable[[Arrays], Sequence[Array]]
    tolerance: float = 1e-5
    traffic: float = 0.0
    touched: float = 0.0
    flops: float = 0.0
    outcome: Callable[[Arrays, Sequence[Array]], Sequence[Array]] = lambda data, got: (
        got
    )


class WrongResult(Exception):
    """A system computed something else; it is not timed."""


def check(work: Workload, data: Arrays, got: Sequence[Array],
          exact: Sequence[Array]) -> float:  # fmt: skip
    """The largest relative error. Raises WrongResult where it exceeds the tolerance."""
    values = work.outcome(data, got)
    if len(values) != len(exact):
        raise WrongResult(f"{len(values)} values, not {len(exact)}")
    worst = 0.0
    for value, right in zip(values, exact, strict=True):
        if np.shape(value) != np.shape(right):
            raise WrongResult(f"shape {np.shape(value)}, not {np.shape(right)}")
        scale = float(np.max(np.abs(right))) or 1.0
        error = float(np.max(np.abs(np.asarray(value, "float64") - right))) / scale
        worst = error if np.isnan(error) else max(worst, error)
        if not error <= work.tolerance:
            raise WrongResult(f"error {error:.2g} of the largest magnitude")
    return worst


def seeded(seed: int = 0) -> np.random.Generator:
    """The generator the arrays of a row are drawn from."""
    return np.random.default_rng(seed)
