"""What a call costs: two operations on two scalars, and an addition of 8-vectors."""

from __future__ import annotations

import numpy as np

from bench.piece import Array, Arrays
from bench.workload import Workload, seeded


def scalars() -> dict[str, Array]:
    """Two float64 arrays without axes."""
    return {"a": np.array(1.5), "b": np.array(-0.75)}


def vectors() -> dict[str, Array]:
    """Two float64 vectors of eight elements."""
    rng = seeded()
    return {"a": rng.normal(size=8), "b": rng.normal(size=8)}


def product_and_sum(data: Arrays) -> list[Array]:
    """a * b + a."""
    return [np.asarray(data["a"] * data["b"] + data["a"])]


CALL = [
    Workload("call_scalar", "call", scalars, product_and_sum, 1e-15),
    Workload("call_scalar_py", "call", scalars, product_and_sum, 1e-15),
    Workload("call_vec8", "call", vectors, lambda d: [d["a"] + d["b"]], 1e-15),
]
