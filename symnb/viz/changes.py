"""What each pass changed, as a reader sees it.

A row is one node as a reader follows it: a node rebuilt because something below it
changed keeps its row, so a pass lists only what it really added, removed, rewired or
merged. Set algebra over the graph before and after, with rebuilt nodes contracted
through the record's `origin` map. Runs once per document, O(nodes + changes).
Invariant: rows are numbered by birth and never edited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symnb.viz.sources import SourceTable


class Rows:
    """The node table while it grows: which row each graph node belongs to."""

    def __init__(self, sources: SourceTable) -> None:
        self.sources = sources
        self.row: dict[Any, int] = {}
        self.nodes: list[Any] = []
        self.inputs: list[list[int]] = []
        self.spans: list[list[int]] = []
        self.born_of: list[list[int]] = []

    def add(self, node: Any, born_of: Sequence[int] = ()) -> int:
        """The number of a new row for `node`, whose inputs have rows."""
        number = len(self.nodes)
        self.row[node] = number
        self.nodes.append(node)
        self.inputs.append([self.row[i] for i in node.inputs if i in self.row])
        spans = self.sources.spans_of(node)
        if not spans:
            for parent in born_of:
                spans += [s for s in self.spans[parent] if s not in spans]
        self.spans.append(spans)
        self.born_of.append(list(born_of))
        return number

    def rows_of(self, nodes: Iterable[Any]) -> list[int]:
        """The distinct rows of `nodes`, in order; nodes without a row get one."""
        found: dict[int, None] = {}
        for node in nodes:
            if node not in self.row:
                self.add(node)
            found[self.row[node]] = None
        return list(found)


@dataclass(slots=True)
class Change:
    """What one pass did, by row.

    before, after      rows alive, in order
    inputs_before/after  where a row alive then has other inputs than at its birth
    merged             removed row -> the row that took its place
    """

    before: list[int]
    after: list[int]
    added: list[int]
    removed: list[int]
    rewired: list[int]
    merged: dict[int, int]
    inputs_before: dict[int, list[int]]
    inputs_after: dict[int, list[int]]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Numbers of added, removed, rewired and merged rows."""
        return len(self.added), len(self.removed), len(self.rewired), len(self.merged)

    @property
    def is_empty(self) -> bool:
        """Whether nothing that a reader sees changed."""
        return not any(self.counts)


def change(rows: Rows, record: Any, inputs: dict[int, list[int]]) -> Change:
    """The difference between `record.before` and `record.after`.

    inputs  row -> present inputs; brought up to date with the pass
    """
    before = rows.rows_of(record.before.order)
    for node in record.before.order:
        row = rows.row[node]
        inputs.setdefault(row, rows.inputs[row])
    inputs_before = {row: inputs[row] for row in before}
    origin = getattr(record, "origin", None) or {}
    after, fallen = _adopt(rows, record, origin, before)
    _light(rows, record)
    merged_nodes = _merges(rows, record) | fallen
    alive = set(after)
    merged = {
        victim: survivor
        for victim, survivor in merged_nodes.items()
        if victim not in alive and survivor in alive
    }
    known = set(before)
    inputs_after: dict[int, list[int]] = {}
    for node in record.after.order:
        inputs_after.setdefault(rows.row[node], [rows.row[i] for i in node.inputs])
    rewired = [
        row
        for row, now in inputs_after.items()
        if row in known and [merged.get(i, i) for i in inputs_before[row]] != now
    ]
    inputs.update(inputs_after)
    return Change(
        before=before,
        after=after,
        added=[row for row in after if row not in known],
        removed=[row for row in before if row not in alive and row not in merged],
        rewired=rewired,
        merged=merged,
        inputs_before=inputs_before,
        inputs_after=inputs_after,
    )


def _merges(rows: Rows, record: Any) -> dict[int, int]:
    """Removed row -> survivor, as the events tell; chains are followed to the end."""
    step: dict[Any, Any] = {}
    for event in record.events:
        if event.kind == "merge":
            step[event.before] = event.after
    merged: dict[int, int] = {}
    for node in step:
        last = node
        for _ in range(len(step)):
            if last not in step:
                break
            last = step[last]
        if node in rows.row:
            merged[rows.row[node]] = last
    return {
        victim: rows.row[last] for victim, last in merged.items() if last in rows.row
    }


def _light(rows: Rows, record: Any) -> None:
    """Spans of what now stands for several nodes: of every place they were typed."""
    places = getattr(record, "places", None) or {}
    for node in record.after.order if places else ():
        if node in places:
            spans = rows.spans[rows.row[node]]
            more = rows.sources.spans_at(places[node].places)
            spans += [span for span in more if span not in spans]


def _adopt(
    rows: Rows, record: Any, origin: Mapping[Any, Sequence[Any]], before: Sequence[int]
) -> tuple[list[int], dict[int, int]]:
    """Rows of the graph after: kept for rebuilt nodes, new for new ones.

    And the rows of nodes that became equal to another as they were rebuilt, with the
    row they fell together with.
    """
    fallen: dict[int, int] = {}
    taken = {rows.row[node] for node in record.after.order if node in rows.row}
    known = set(before)
    after: dict[int, None] = {}
    for node in record.after.order:
        if node not in rows.row:
            parents = [rows.row[old] for old in origin.get(node, ()) if old in rows.row]
            heir = next(
                (
                    row
                    for row in parents
                    if row not in taken
                    and row in known
                    and _same(rows.nodes[row], node)
                ),
                None,
            )
            if heir is None:
                rows.add(node, parents)
            else:
                rows.row[node] = heir
                taken.add(heir)
        row = rows.row[node]
        after[row] = None
        for old in origin.get(node, ()):
            other = rows.row.get(old, row)
            if other != row and other in known and _same(old, node):
                fallen[other] = row
    return list(after), fallen


def _same(old: Any, new: Any) -> bool:
    """Whether `new` is `old` rebuilt: the same op and parameters."""
    return old.op is new.op and old.params == new.params
