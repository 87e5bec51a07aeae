"""symnb's default pipeline on the graphs of bench/graphs.py, recording and not.

A call is the whole of what a compile runs between a merged-from-nothing table and the
optimised graph, and what it leaves behind is freed within the call.
"""

from __future__ import annotations

from functools import partial

import symnb
import symnb.tensor as T
from bench.graphs import KINDS, SIZES, System, steps_for
from bench.piece import Arrays, Piece, Rows
from symnb.core.graph import Graph
from symnb.optim.optimiser import optimise
from symnb.options import config

SYSTEM = System(T, lambda value, name: symnb.shared(value, name=name), symnb.grad)


def _piece(data: Arrays, kind: str, size: int, record: bool) -> Piece:
    written = KINDS[kind](SYSTEM, steps_for(kind, size))
    nodes = len(Graph(written.inputs, written.outputs, written.updates))

    def call() -> None:
        with config.change(record=record):
            optimise(Graph(written.inputs, written.outputs, written.updates))

    return Piece(call, lambda result: [], facts={"nodes": nodes})


def rows_of(system: str) -> Rows:
    """One row per graph, and one with recording off."""
    rows = Rows()
    for kind in KINDS:
        for size in SIZES:
            for record, end in ((True, ""), (False, "_silent")):
                build = partial(_piece, kind=kind, size=size, record=record)
                rows[f"optimise_{kind}_{size}{end}"] = build
    return rows
