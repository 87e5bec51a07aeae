"""The trace document: everything the inspector shows, as plain numbers and strings.

`document(story)` turns what a compile recorded into `symnb.trace/1`, a dict that
JSON can hold: columns of integers, strings kept once, one picture for each pass that
changed something. Missing parts (kernels, memory, profile) are absent keys. Runs once
per shown function: O(nodes + changes) and the layouts. Invariant: the same story
gives the same bytes; times are left out when `reproducible`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symnb.viz.changes import Change, Rows, change
from symnb.viz.findings import check_row, text_lines
from symnb.viz.labels import clip, kind_of, label, params_text, type_text
from symnb.viz.picture import Look, Scene, Side, picture
from symnb.viz.rules import Rules, known_evidence
from symnb.viz.sources import SourceTable
from symnb.viz.summary import highlights, kernel_picture, thumbnail

SCHEMA = "symnb.trace/1"
MOST_EVENTS = 4000
SCOPE_LEAST = 3
SCOPE_MOST = 60  # nodes of a graph; boxes of bigger ones only spread it

Json = dict[str, Any]


@dataclass(slots=True)
class Story:
    """What the inspector is told about one compiled function.

    sinks      (label, "output" or "update") in the order of the graphs' outputs
    passes     records with name, phase, before, after, events, seconds, origin
    kernels    objects with name, source, nodes, lines, language
    decisions  objects with kind, subject, chosen, reason, nodes
    memory     rows for the memory plan, see `symnb.viz.plan`
    profile    see `symnb.viz.plan`
    graph      what runs, shown where no pass did anything (the mode None)
    check      the report of the last `f.check`
    facts      short sentences about the compile: (text, style)
    evidence   rule -> what was measured of it, or None
    """

    name: str
    inputs: Sequence[str]
    sinks: Sequence[tuple[str, str]]
    passes: Sequence[Any]
    kernels: Sequence[Any] = ()
    decisions: Sequence[Any] = ()
    memory: Json | None = None
    profile: Json | None = None
    check: Any = None
    facts: Sequence[tuple[str, str]] = ()
    compiler: str = ""
    reproducible: bool = False
    seconds: float = 0.0
    notes: Sequence[str] = field(default_factory=tuple)
    evidence: Callable[[Any], Any] = known_evidence
    graph: Any = None


class Strings:
    """Strings by number, each kept once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of `text`."""
        return self.numbers.setdefault(text, len(self.numbers))

    @property
    def texts(self) -> list[str]:
        """All strings in order."""
        return list(self.numbers)


def document(story: Story) -> Json:
    """The trace document of a story."""
    sources = SourceTable()
    rows = Rows(sources)
    rules = Rules(story.evidence)
    events = _empty_events()
    present: dict[int, list[int]] = {}
    told: list[tuple[Any, Change]] = []
    passes: list[Json] = []
    records = _records(story)
    times = {id(first): count for first, count in gradients(story.passes)}
    for record in records:
        difference = change(rows, record, present)
        passes.append(_pass(story, record, difference, rows, rules, events))
        if times.get(id(record), 1) > 1:
            passes[-1]["times"] = times[id(record)]
        told.append((record, difference))
    looks = [Look(kind_of(n), label(n), _type(n)) for n in rows.nodes]
    _add_pictures(story, told, passes, rows, looks)
    result: Json = {
        "schema": SCHEMA,
        "meta": _meta(story),
        **_tables(rows, sources),
        "rules": rules.table(),
        "passes": passes,
        "events": events,
        "decisions": _decisions(story, rows),
    }
    if story.kernels:
        result["kernels"] = [_kernel(kernel, rows) for kernel in story.kernels]
    if story.memory:
        result["memory"] = story.memory
    if story.check is not None:
        result["check"] = check_row(story.check, passes)
    if story.profile and not story.reproducible:
        result["profile"] = _profile(story.profile, rows)
    result["summary"] = _summary(story, told, rows, looks, result)
    return result


def story_rules(story: Story) -> list[Any]:
    """The rules that fired, in the order of the document's table of rules."""
    found: dict[Any, None] = {}
    told = 0
    for record in _records(story):
        for event in record.events[: max(0, MOST_EVENTS - told)]:
            if event.rule is not None:
                found[event.rule] = None
        told += len(record.events)
    return list(found)


@dataclass(frozen=True, slots=True)
class Written:
    """A graph told as a pass that changes nothing: as written, or as fused."""

    before: Any
    after: Any
    name: str = "as written"
    phase: str = "graph"
    events: tuple[Any, ...] = ()
    seconds: float = 0.0


def _records(story: Story) -> list[Any]:
    """The rows of the pass list: of gradients, as written, of the graph, fused.

    A gradient's passes come first because they ran first, on graphs of their own.
    """
    early = [first for first, _ in gradients(story.passes)]
    rest = [r for r in story.passes if getattr(r, "phase", "graph") != "gradient"]
    if not rest and story.graph is not None:
        rest = [Written(story.graph, story.graph)]
        return [*early, *rest, *_fused(story, rest)]
    return [*early, *_written(rest), *rest, *_fused(story, rest)]


def gradients(passes: Sequence[Any]) -> list[tuple[Any, int]]:
    """Passes of gradients, those that did the same told once: (first, how many).

    `grad(cost, w)` for each of many w stabilises the same forward graph many times.
    """
    groups: dict[Any, list[Any]] = {}
    for record in passes:
        if getattr(record, "phase", "graph") == "gradient":
            did = [(e.rule, e.kind, e.before.op, str(e.before.site))
                   for e in record.events]  # fmt: skip
            groups.setdefault((record.name, tuple(did)), []).append(record)
    return [(group[0], len(group)) for group in groups.values()]


def _written(passes: Sequence[Any]) -> list[Written]:
    """The row before the first pass; its phase is that pass's."""
    for record in passes:
        phase = getattr(record, "phase", "graph")
        return [Written(record.before, record.before, phase=phase)]
    return []


def _fused(story: Story, records: Sequence[Any]) -> list[Written]:
    """The last row, which shows the kernels, unless a pass of that phase is there."""
    if not story.kernels or not records:
        return []
    last = records[-1]
    if getattr(last, "phase", "graph") == "kernels":
        return []
    return [Written(last.after, last.after, "fuse", "kernels")]


def roots(graph: Any) -> Sequence[Any]:
    """Results, then new values of shared variables."""
    return getattr(graph, "roots", None) or graph.outputs


def _meta(story: Story) -> Json:
    meta: Json = {
        "name": story.name,
        "inputs": list(story.inputs),
        "sinks": [list(sink) for sink in story.sinks],
        "reproducible": story.reproducible,
    }
    if story.compiler:
        meta["compiler"] = story.compiler
    if not story.reproducible:
        meta["ns"] = round(story.seconds * 1e9)
    if story.notes:
        meta["notes"] = list(story.notes)
    return meta


def _type(node: Any) -> str:
    """The type as drawn; nothing for the scalar constants."""
    if kind_of(node) == "constant" and not getattr(node.type, "shape", ()):
        return ""
    return clip(type_text(node), 26)


def _tables(rows: Rows, sources: SourceTable) -> Json:
    """The node table and the tables it points into."""
    strings = Strings()
    nodes: Json = {
        "kind": [], "label": [], "type": [], "name": [], "params": [],
        "in": [list(i) for i in rows.inputs],
        "spans": [list(s) for s in rows.spans],
        "from": [list(b) for b in rows.born_of],
        "op": [],
    }  # fmt: skip
    for node in rows.nodes:
        nodes["kind"].append(strings.number(kind_of(node)))
        nodes["op"].append(strings.number(node.op.name))
        nodes["label"].append(strings.number(label(node)))
        nodes["type"].append(strings.number(type_text(node)))
        nodes["name"].append(strings.number(clip(node.name or "", 40)))
        nodes["params"].append(strings.number(params_text(node)))
    texts, spans = sources.tables()
    return {"str": strings.texts, "nodes": nodes, "sources": texts, "spans": spans}


def _empty_events() -> Json:
    names = ("kind", "rule", "old", "new", "bind", "match")
    return {name: [] for name in names}


def _pass(
    story: Story,
    record: Any,
    difference: Change,
    rows: Rows,
    rules: Rules,
    events: Json,
) -> Json:
    """One row of the pass list, and its events appended to `events`."""
    first = len(events["kind"])
    for event in record.events:
        if len(events["kind"]) >= MOST_EVENTS:
            break
        _add_event(events, event, rows, rules)
    result: Json = {
        "name": record.name,
        "phase": getattr(record, "phase", "graph"),
        "nodes": [len(difference.before), len(difference.after)],
        "counts": list(difference.counts),
        "events": [first, len(events["kind"])],
        "fired": len(record.events),
        "sinks": [
            [rows.row[n] for n in roots(record.before)],
            [rows.row[n] for n in roots(record.after)],
        ],
    }
    if not story.reproducible:
        result["ns"] = round(record.seconds * 1e9)
    if difference.is_empty:
        return result
    result |= {
        "added": difference.added,
        "removed": difference.removed,
        "rewired": difference.rewired,
        "merged": [list(pair) for pair in difference.merged.items()],
        "text": text_lines(difference),
    }
    return result


def _add_event(events: Json, event: Any, rows: Rows, rules: Rules) -> None:
    """One firing: rule, node before and after, holes, nodes the pattern covered."""
    bindings = {
        name: node
        for name, node in (event.bindings or {}).items()
        if hasattr(node, "op")
    }
    old = rows.rows_of([event.before])[0]
    new = rows.rows_of([event.after])[0]
    stop = set(bindings.values())
    match = rows.rows_of(_covered(event.before, stop)) if stop else [old]
    events["kind"].append(event.kind)
    events["rule"].append(rules.number(event.rule))
    events["old"].append(old)
    events["new"].append(new)
    events["bind"].append(
        [[name, rows.rows_of([n])[0]] for name, n in bindings.items()]
    )
    events["match"].append(match)


def _covered(root: Any, stop: set[Any], most: int = 24) -> list[Any]:
    """`root` and what it reads down to the nodes in `stop`."""
    found = {root: None}
    queue = [root]
    for node in queue:
        for below in node.inputs:
            if below not in stop and below not in found and kind_of(below) == "op":
                if len(found) >= most:
                    return list(found)
                found[below] = None
                queue.append(below)
    return list(found)


def _decisions(story: Story, rows: Rows) -> list[Json]:
    return [
        {
            "kind": d.kind,
            "subject": str(d.subject),
            "chosen": str(d.chosen),
            "reason": str(d.reason),
            "nodes": [rows.row[n] for n in d.nodes if n in rows.row],
        }
        for d in story.decisions
    ]


def _kernel(kernel: Any, rows: Rows) -> Json:
    """A kernel's text and which rows its lines compute."""
    return {
        "name": kernel.name,
        "lang": getattr(kernel, "language", "c"),
        "text": kernel.source,
        "nodes": [rows.row[n] for n in kernel.nodes if n in rows.row],
        "lines": [
            [first, last, [rows.row[n] for n in nodes if n in rows.row]]
            for first, last, nodes in kernel.lines
        ],
    }


def _profile(profile: Json, rows: Rows) -> Json:
    """The profile with nodes replaced by rows."""
    result = dict(profile)
    nodes: Mapping[Any, float] = profile.get("nodes", {})
    result["nodes"] = [
        [rows.row[node], round(ns)] for node, ns in nodes.items() if node in rows.row
    ]
    return result


def _add_pictures(
    story: Story,
    told: Sequence[tuple[Any, Change]],
    passes: Sequence[Json],
    rows: Rows,
    looks: Sequence[Look],
) -> None:
    """Put a picture into the first pass and every pass that changed something."""
    hint: dict[int, int] = {}
    for i, (record, difference) in enumerate(told):
        kernels = story.kernels if i == len(told) - 1 else ()
        if i and difference.is_empty and not kernels:
            continue
        scene = _scene(story, record, difference, rows, looks)
        if kernels:
            scene.chips = True
            scene.groups = _kernel_groups(kernels, rows)
            scene.stacked = True
            hint = {}
        drawn = picture(scene, hint)
        passes[i]["picture"] = drawn
        flat = drawn["nodes"]
        hint = {flat[k]: flat[k + 1] for k in range(0, len(flat), 4) if flat[k] >= 0}


def _scene(
    story: Story,
    record: Any,
    difference: Change,
    rows: Rows,
    looks: Sequence[Look],
) -> Scene:
    """Both sides of a pass."""
    sinks = [
        [rows.row[n] for n in roots(graph)] for graph in (record.before, record.after)
    ]
    merged = difference.merged
    marked = {
        *difference.added, *difference.removed, *difference.rewired,
        *merged, *merged.values(),
    }  # fmt: skip
    count = len(sinks[1])
    names = (
        list(story.sinks)
        if len(story.sinks) == count
        else [(f"out {k}" if count > 1 else "out", "output") for k in range(count)]
    )
    scene = Scene(
        before=Side(
            difference.inputs_before, sinks[0] if len(sinks[0]) == count else ()
        ),
        after=Side(difference.inputs_after, sinks[1]),
        looks=looks,
        sinks=names,
        marked=frozenset(marked),
        merged=merged,
    )
    scene.groups = scopes(scene)
    return scene


def scopes(scene: Scene) -> list[tuple[str, list[int]]]:
    """Rows not needed by every result as groups titled by a result they lead to."""
    if len(scene.sinks) < 2 or len(scene.after.inputs) > SCOPE_MOST:
        return []
    titles: dict[str, int] = {}
    reach: dict[int, int] = {}
    for k, (name, kind) in enumerate(scene.sinks):
        bit = 1 << titles.setdefault(
            "updates" if kind == "update" else name, len(titles)
        )
        for side in (scene.before, scene.after):
            if k < len(side.sinks):
                reach[side.sinks[k]] = reach.get(side.sinks[k], 0) | bit
    for side in (scene.after, scene.before):
        for row in reversed(list(side.inputs)):
            for source in side.inputs[row]:
                reach[source] = reach.get(source, 0) | reach.get(row, 0)
    everywhere = (1 << len(titles)) - 1
    members: list[list[int]] = [[] for _ in titles]
    for row in sorted(reach):
        mask = reach[row]
        if mask != everywhere and scene.looks[row].kind == "op":
            members[_main_sink(mask)].append(row)
    groups = [
        (title, found)
        for title, found in zip(titles, members, strict=True)
        if len(found) >= SCOPE_LEAST
    ]
    return groups if len(groups) > 1 else []


def _main_sink(mask: int) -> int:
    """The result a row is shown with: the last it leads to unless the first is one."""
    return 0 if mask & 1 else mask.bit_length() - 1


def _kernel_groups(kernels: Iterable[Any], rows: Rows) -> list[tuple[str, list[int]]]:
    """Title and rows of every kernel; a node belongs to the first that has it."""
    taken: set[int] = set()
    groups = []
    for kernel in kernels:
        members = []
        for node in kernel.nodes:
            row = rows.row.get(node)
            if row is not None and row not in taken and kind_of(node) == "op":
                members.append(row)
                taken.add(row)
        groups.append((kernel.name, members))
    return groups


def _summary(
    story: Story,
    told: Sequence[tuple[Any, Change]],
    rows: Rows,
    looks: Sequence[Look],
    result: Json,
) -> Json:
    """What the collapsed state shows."""
    summary: Json = {"facts": [list(fact) for fact in story.facts]}
    summary["highlights"] = highlights(result)
    if not told:
        return summary
    first = next(row for row in told if isinstance(row[0], Written))
    last = told[-1]
    written = Side(
        first[1].inputs_before, [rows.row[n] for n in roots(first[0].before)]
    )
    compiled = Side(last[1].inputs_after, [rows.row[n] for n in roots(last[0].after)])
    summary["nodes"] = [len(written.inputs), len(compiled.inputs)]
    small = thumbnail(written, looks)
    if small:
        summary["written"] = small
    sinks = _scene(story, *last, rows, looks).sinks
    groups = _kernel_groups(story.kernels, rows)
    boxes = kernel_picture(groups, compiled, looks, sinks)
    if boxes:
        summary["compiled"] = boxes
    return summary
