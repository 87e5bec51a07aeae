"""Rewriting graphs of three kinds and sizes; nothing is compiled or run."""

from __future__ import annotations

from bench.graphs import KINDS, SIZES
from bench.workload import Workload

OPTIMISE = [
    Workload(f"optimise_{kind}_{size}{end}", "optimise", dict, lambda data: [])
    for kind in KINDS
    for size in SIZES
    for end in ("", "_silent")
]
