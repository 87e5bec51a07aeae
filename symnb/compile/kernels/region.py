"""`Region`: the nodes of a graph that one step of the program computes.

Partitioning makes a few regions per graph. Every node that is computed belongs to
one region, or is recomputed in several; a region reads leaves and outputs of earlier
regions only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from symnb.core.node import Node

RegionKind = Literal["kernel", "extern", "opaque", "alias"]


@dataclass(frozen=True, eq=False)
class Region:
    """What one step computes.

    kind     kernel: a loop nest we generate (`lower`);
             extern: one contraction, `nodes[0]`, for a library or its plain nest;
             opaque: one op without C, `nodes[0]`, run by its NumPy reference
             (when it has several results, `nodes[1:]` and `outputs` are their picks);
             alias: `outputs[0]` has the elements of `inputs[0]` in the same order and
             shares its buffer
    nodes    what it computes, in execution order, recomputed nodes included
    inputs   the arrays it reads: leaves and outputs of earlier regions, each once;
             of an extern or opaque region the operands in order, repeats included
    outputs  the arrays it writes
    numbers  of `nodes` in the printed graph
    sizes    scalar integer nodes, computed earlier, whose values it needs as sizes
    reason   why these nodes are together, in words
    awaited  the outputs that later regions read
    """

    kind: RegionKind
    nodes: tuple[Node, ...]
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    numbers: tuple[int, ...] = ()
    sizes: tuple[Node, ...] = ()
    reason: str = ""
    awaited: tuple[Node, ...] = ()

    def __str__(self) -> str:
        names = " ".join(node.op.name for node in self.nodes)
        return f"{self.kind} [{names}]: {self.reason}"
