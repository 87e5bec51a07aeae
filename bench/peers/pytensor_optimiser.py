"""PyTensor's rewriting on the graphs of bench/graphs.py: FAST_RUN, nothing compiled.

A call applies the rewriter of the default mode to a fresh FunctionGraph; cloning the
graph, which rewriting destroys, is not timed. Nodes are the variables of that graph,
of which PyTensor makes more than symnb for the same expression: its broadcasts are
nodes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytensor
import pytensor.tensor as pt
from pytensor.compile.aliasing import add_supervisor_to_fgraph
from pytensor.compile.io import In
from pytensor.compile.mode import get_mode
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import graph_inputs

from bench.graphs import KINDS, SIZES, System, steps_for
from bench.piece import Arrays, Piece, Rows

SYSTEM = System(
    pt, lambda value, name: pytensor.shared(value, name=name), pytensor.grad
)


def _piece(data: Arrays, kind: str, size: int) -> Piece:
    written = KINDS[kind](SYSTEM, steps_for(kind, size))
    outputs = [*written.outputs, *(value for _, value in written.updates)]
    inputs = [x for x in graph_inputs(outputs) if not isinstance(x, pt.TensorConstant)]
    rewriter = get_mode("FAST_RUN").optimizer

    def fresh() -> Any:
        graph = FunctionGraph(inputs, outputs, clone=True)
        add_supervisor_to_fgraph(graph, [In(x) for x in graph.inputs])
        return graph

    return Piece(
        rewriter.rewrite, lambda result: [], before=fresh,
        facts={"nodes": len(fresh().variables)},
    )  # fmt: skip


def rows_of(system: str) -> Rows:
    """One row per graph."""
    return Rows({
        f"optimise_{kind}_{size}": partial(_piece, kind=kind, size=size)
        for kind in KINDS
        for size in SIZES
    })  # fmt: skip
