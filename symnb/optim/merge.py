"""Merging: equal nodes of a user's graph become one object of the compile's table.

The first pass. Two expressions are equal when op, operands and params are; inputs and
shared variables are equal only to themselves, effects carry a serial and are never
merged, constants are compared by dtype, shape and bytes. A few microseconds a node.
"""

from __future__ import annotations

from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.optim.table import Table, over
from symnb.optim.trace import NONE, Event, Origin, PassRecord


def merge(
    graph: Graph, table: Table, events: list[Event] | None, origin: Origin
) -> Graph:
    """The graph with every meaning once."""
    image: dict[Node, Node] = {}
    adopt = table.adopt
    moved = False
    for node in graph.order:
        new = node
        for x in node.inputs:
            if image[x] is not x:
                new = over(node, tuple([image[x] for x in node.inputs]))
                break
        kept = image[node] = adopt(new)
        if kept is node:
            continue
        moved = True
        if kept is new:
            origin[kept] = (*origin.get(kept, ()), node)
        elif events is not None:
            table.meet(kept, table.site_of(node))
            events.append(
                Event(None, node, kept, NONE, "merge", table.places.get(kept))
            )
    return graph.with_roots([image[root] for root in graph.roots]) if moved else graph


def replay_merge(record: PassRecord, k: int) -> Graph:
    """The graph after the first k merges."""
    pairs = {event.before: event.after for event in record.events[:k]}
    return record.before.replace(pairs)
