"""Passes: pure functions Graph -> Graph, run with a record of what they did.

`apply(rules)` makes a pass of a rule set. A `Compile` holds what the passes of one
compile share: the table of nodes, the forms each rule set has reached, whether to
record. The same rule set met again visits only nodes it has not seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from symnb.core import walk
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.optim.contract import Contract
from symnb.optim.driver import Forms, Replay, Sweep, Uses
from symnb.optim.match import Index
from symnb.optim.merge import merge, replay_merge
from symnb.optim.rule import Rule, Ruleset
from symnb.optim.survey import Survey
from symnb.optim.table import Table
from symnb.optim.trace import Decision, Event, Origin, PassRecord


@dataclass
class Compile:
    """What the passes of one compile share.

    record  keep every firing
    limit   firings allowed in all; then the graph stays as it is
    check   validate the graph after every pass
    failed  told of a pass that fails, which is then left out; None: it raises
    decisions  choices of the passes, appended
    """

    record: bool = True
    limit: int | None = None
    check: bool = False
    failed: Callable[[Pass, Exception], None] | None = None
    table: Table = field(default_factory=Table)
    forms: dict[Ruleset, Forms] = field(default_factory=dict[Ruleset, Forms])
    events: list[Event] | None = None
    origin: Origin = field(default_factory=dict[Node, tuple[Node, ...]])
    decisions: list[Decision] = field(default_factory=list[Decision])
    surveyed: Survey | None = None

    def survey(self, graph: Graph) -> Survey:
        """The survey of the graph the passes are at."""
        if self.surveyed is None or self.surveyed.graph is not graph:
            self.surveyed = Survey(graph)
        return self.surveyed

    def spend(self, fired: int) -> None:
        """Take firings off the limit."""
        if self.limit is not None:
            self.limit -= fired


Run = Callable[[Graph, Compile], Graph]


@dataclass(frozen=True, eq=False)
class Pass:
    """One step of the pipeline.

    run       (graph, compile) -> graph
    contract  the weakest contract of what it does
    rules     the rules it applies, if it is made of rules
    tags      words to include or exclude it by
    rebuild   the pass for other rules, where it is more than `apply`
    """

    name: str
    run: Run
    contract: str = "bitwise"
    phase: str = "graph"
    rules: Ruleset | None = None
    tags: frozenset[str] = frozenset()
    replay: Callable[[PassRecord, int], Graph] | None = None
    rebuild: Callable[[Ruleset], Pass] | None = None

    def __call__(self, graph: Graph, compile: Compile) -> PassRecord:
        """Run the pass and record it."""
        compile.events = [] if compile.record else None
        compile.origin = {}
        started = time.perf_counter()
        after = self.run(graph, compile)
        seconds = time.perf_counter() - started
        return PassRecord(
            self.name, graph, after, compile.events or [], seconds, self.phase,
            compile.origin, self.replay, compile.table.places,
        )  # fmt: skip

    @property
    def is_own(self) -> bool:
        """Whether it is one of symnb's, whose graphs need no check."""
        return self.run.__module__.startswith("symnb.")

    @property
    def place(self) -> str:
        """File and line of a user's function; "" for passes made of rules."""
        code = getattr(self.run, "__code__", None)
        if self.is_own or code is None:
            return ""
        return f"{code.co_filename}:{code.co_firstlineno}"

    def filtered(self, keep: Callable[[Rule], bool]) -> Pass | None:
        """The pass with only the rules `keep` accepts; None when none is left."""
        if self.rules is None:
            return self
        rules = self.rules.filtered(keep)
        if rules is self.rules:
            return self
        if not len(rules):
            return None
        if self.rebuild is not None:
            return self.rebuild(rules)
        return apply(rules, self.name, self.phase, self.tags)

    def __str__(self) -> str:
        count = f"{len(self.rules)} rules" if self.rules is not None else ""
        return f"{self.name:<12} {self.contract:<12} {count}"


@lru_cache(maxsize=256)
def index_of(rules: Ruleset) -> Index:
    """The index of a rule set; its matchers are compiled as they are needed."""
    return Index(rules.rules)


def apply(
    rules: Ruleset,
    name: str = "",
    phase: str = "graph",
    tags: frozenset[str] = frozenset(),
) -> Pass:
    """The pass that brings every node to a form in which none of `rules` fires."""

    def run(graph: Graph, compile: Compile) -> Graph:
        return sweep(graph, compile, rules)

    final = rules.kind == "one_sweep"
    return Pass(
        name or rules.name, run, weakest(rules), phase, rules, tags,
        lambda record, k: replay_sweep(record, k, final),
    )  # fmt: skip


def weakest(rules: Ruleset) -> str:
    """The weakest contract among the rules, in the order of their listing."""
    order: list[Contract | str] = [
        "bitwise", "rounding", "stabler", "domain", "finite_only",
    ]  # fmt: skip
    names = [rule.contract.name for rule in rules] or ["bitwise"]
    return max(names, key=order.index)


def sweep(graph: Graph, compile: Compile, rules: Ruleset) -> Graph:
    """`graph` with `rules` applied until none fires."""
    final = rules.kind == "one_sweep"
    counts = any(rule.counts for rule in rules)
    # A count of readers belongs to one graph, so such forms are not kept.
    forms = {} if final or counts else compile.forms.setdefault(rules, {})
    if compile.survey(graph).is_at_rest(index_of(rules), forms, counts):
        forms |= {root: root for root in graph.roots}
        return graph
    run = Sweep(
        index_of(rules), compile.table, forms, compile.events, compile.origin,
        uses=Uses(graph.roots, graph.order) if counts else None, final=final,
        limit=compile.limit,
    )  # fmt: skip
    roots = run.run(graph.roots, len(compile.table))
    compile.spend(run.fired)
    if all(new is old for new, old in zip(roots, graph.roots, strict=True)):
        return graph
    return graph.with_roots(roots)


def replay_sweep(record: PassRecord, k: int, final: bool) -> Graph:
    """The graph after the first k firings of a recorded sweep."""
    table = Table()
    known: set[Node] = set()
    events = record.events[:k]
    ends = [*record.before.roots]
    for event in record.events:
        ends += [event.before, event.after]
    for node in walk.order(ends):
        table.adopt(node)
        known.add(node)
    replay = Replay(events, table, final)
    return record.before.with_roots(replay.run(record.before.roots, len(known)))


def _merge(graph: Graph, compile: Compile) -> Graph:
    return merge(graph, compile.table, compile.events, compile.origin)


MERGE = Pass("merge", _merge, replay=replay_merge, tags=frozenset({"merge"}))
