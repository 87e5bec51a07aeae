"""Elementwise chains in float32: twelve operations of two arrays, and a cheap one.

  chain12  tanh(a) * exp(-(b*b)) + log(1 + a*a) - sqrt(b*b + 1)
  cheap    a*b + c*d - a

At 1e7 elements the cheap chain returns fresh outputs; elsewhere a peer may reuse one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.piece import Array, Arrays
from bench.workload import Workload, seeded

SIZES = {"1e3": 1_000, "1e5": 100_000, "1e7": 10_000_000}


def drawn(names: str, size: int) -> Callable[[], dict[str, Array]]:
    """Normal float32 vectors of these names."""

    def data() -> dict[str, Array]:
        rng = seeded()
        return {name: rng.standard_normal(size, dtype="float32") for name in names}

    return data


def chain12(data: Arrays) -> list[Array]:
    """The chain of twelve operations, in float64."""
    a, b = (data[name].astype("float64") for name in "ab")
    return [np.tanh(a) * np.exp(-b * b) + np.log1p(a * a) - np.sqrt(b * b + 1)]


def cheap(data: Arrays) -> list[Array]:
    """The cheap chain, in float64."""
    a, b, c, d = (data[name].astype("float64") for name in "abcd")
    return [a * b + c * d - a]


CHAINS = [
    Workload(f"chain12_{label}", "chain", drawn("ab", n), chain12, 1e-6,
             traffic=12 * n)
    for label, n in SIZES.items()
] + [
    Workload(f"cheap_{label}", "chain", drawn("abcd", n), cheap, 1e-6,
             traffic=20 * n)
    for label, n in SIZES.items()
]  # fmt: skip
