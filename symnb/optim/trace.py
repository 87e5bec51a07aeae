"""What the optimiser did, as data: events, pass records, decisions, the trace.

An event is two references and a rule; a pass record holds the graph before and after
as the references they are, so recording costs one tuple per firing. Everything a
view shows comes from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.site import Site

NONE: Mapping[str, Node] = {}  # bindings of an event that has none; never changed
Origin = dict[Node, tuple[Node, ...]]


@dataclass(slots=True)
class Event:
    """One firing: `before` became `after`.

    rule      the Rule; None where `kind` says it all
    bindings  hole name -> node it matched
    kind      "rule" | "merge" | "fold"
    site      where the user wrote the nodes it matched, all of them
    """

    rule: Any
    before: Node
    after: Node
    bindings: Mapping[str, Node] = field(default_factory=dict[str, Node])
    kind: str = "rule"
    site: Site | None = None

    @property
    def sites(self) -> tuple[Site, ...]:
        """Every place the user wrote that took part."""
        return self.before.sites if self.site is None else self.site.places

    def __str__(self) -> str:
        name = self.kind if self.rule is None else self.rule.name
        return f"{name}: {self.before.op.name} -> {self.after.op.name}"

    __repr__ = __str__


@dataclass(slots=True)
class PassRecord:
    """One pass.

    phase    "gradient" | "graph" | "kernels"
    origin   node after -> the nodes before that it is, over changed operands
    replay   (record, k) -> the graph after the first k events
    places   node -> where it was written, for those written more than once
    """

    name: str
    before: Graph
    after: Graph
    events: list[Event]
    seconds: float
    phase: str = "graph"
    origin: Origin = field(default_factory=dict[Node, tuple[Node, ...]])
    replay: Callable[[PassRecord, int], Graph] | None = None
    places: Mapping[Node, Site] = field(default_factory=dict[Node, Site])

    def sites(self, node: Node) -> tuple[Site, ...]:
        """Every place the user wrote that `node` comes from."""
        site = self.places.get(node, node.site)
        return () if site is None else site.places

    def at(self, k: int) -> Graph:
        """The graph after the first k events; the first one for k = 0."""
        if k <= 0:
            return self.before
        if k >= len(self.events) or self.replay is None:
            return self.after
        return self.replay(self, k)

    def __str__(self) -> str:
        count = len(self.events)
        sizes = f"{len(self.before.nodes)} -> {len(self.after.nodes)} ops"
        return f"{self.name:<12} {sizes:<18} {count} events"

    __repr__ = __str__


@dataclass(slots=True)
class Decision:
    """A choice of the compiler, with its reason."""

    kind: str
    subject: str
    chosen: str
    reason: str
    nodes: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.chosen} ({self.reason})"

    __repr__ = __str__


@dataclass(slots=True)
class Trace:
    """The passes of one compile, in order, and the decisions made."""

    passes: list[PassRecord] = field(default_factory=list[PassRecord])
    decisions: list[Decision] = field(default_factory=list[Decision])

    def __iter__(self) -> Iterator[PassRecord]:
        return iter(self.passes)

    def __len__(self) -> int:
        return len(self.passes)

    def __getitem__(self, key: str | int) -> PassRecord:
        if isinstance(key, int):
            return self.passes[key]
        for record in self.passes:
            if record.name == key:
                return record
        known = ", ".join(record.name for record in self.passes)
        raise KeyError(f"no pass {key!r}; there are {known}")

    @property
    def events(self) -> list[Event]:
        """All events, in order of firing."""
        return [event for record in self.passes for event in record.events]

    def at(self, k: int) -> Graph:
        """The graph after k events of the whole compile."""
        records = [r for r in self.passes if r.phase == "graph"]
        for record in records:
            if k < len(record.events):
                return record.at(k)
            k -= len(record.events)
        if not records:
            raise IndexError("a trace without passes has no graph")
        return records[-1].after

    def __str__(self) -> str:
        return "\n".join([*map(str, self.passes), *map(str, self.decisions)])

    __repr__ = __str__
