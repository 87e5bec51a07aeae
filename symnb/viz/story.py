"""What a compiled function tells the inspector.

Reads a function's trace, program, memory plan and profile and gives the `Story` the
document is made from. Called once per shown function, O(nodes). Computes nothing:
bytes, times and lives are those the compiler recorded. Units: bytes, nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from symnb.options import config
from symnb.viz.document import Json, Story
from symnb.viz.findings import ulp_text
from symnb.viz.labels import label
from symnb.viz.text import sink_names

ROLES = {
    "argument": "input", "shared": "shared", "constant": "constant",
    "result": "result", "update": "update", "arena": "arena", "run": "arena",
}  # fmt: skip
NOTES = {"run": "size known only while running", "argument": "caller's array"}
GIVEN = ("argument", "shared", "constant")  # there before the first step
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as the inspector shows it: a kernel's text, or what is called."""

    name: str
    source: str
    nodes: Sequence[Any]
    lines: Sequence[tuple[int, int, Sequence[Any]]]
    language: str = "c"
    note: str = ""


def story_of(function: Any) -> Story:
    """The story of a compiled function."""
    program = function.program
    steps = list(program.steps)
    names = step_names(steps)
    seconds = dict(getattr(function.story, "seconds", {}))
    profile = profile_rows(function, names)
    return Story(
        name=function.name,
        inputs=list(function.labels),
        sinks=sink_names(function.graph),
        passes=list(function.trace),
        kernels=step_views(steps, names, program.kernels),
        decisions=program.decisions,
        memory=memory_rows(function, steps, names),
        profile=profile,
        check=function.last_check,
        graph=function.optimised,
        facts=_facts(seconds, profile, function.last_check),
        reproducible=config.reproducible,
        seconds=sum(record.seconds for record in function.trace),
    )


def _facts(
    seconds: dict[str, float], profile: Json | None, report: Any
) -> list[tuple[str, str]]:
    """Short sentences for the collapsed state."""
    facts = []
    if report is not None:
        bad = report.failed
        said = f"✓ {ulp_text(report.worst)}" if bad is None else f"! {bad.name} failed"
        facts.append((said, "good" if bad is None else "bad.b"))
    if config.reproducible:
        return facts
    total = sum(seconds.values())
    if total:
        facts.append((f"compiled in {1e3 * total:.0f} ms", ""))
    if profile:
        facts.append((f"{duration(profile['call_ns'])} a call", "strong"))
    return facts


def duration(ns: float) -> str:
    """A time with three digits and a readable unit."""
    for limit, unit in ((1e3, "ns"), (1e6, "µs"), (1e9, "ms")):
        if ns < limit:
            return f"{ns * 1e3 / limit:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"


def step_names(steps: Sequence[Any]) -> list[str]:
    """A name for each step; the second `dot` is `dot 2`."""
    seen: dict[str, int] = {}
    names = []
    for step in steps:
        count = seen[step.name] = seen.get(step.name, 0) + 1
        names.append(step.name if count == 1 else f"{step.name} {count}")
    return names


def step_views(
    steps: Sequence[Any], names: Sequence[str], kernels: Iterable[Any]
) -> list[StepView]:
    """The steps of a program with the text of those that are kernels."""
    texts = {kernel.name: kernel for kernel in kernels}
    views = []
    for step, name in zip(steps, names, strict=True):
        kernel = texts.get(step.name)
        if kernel is not None:
            note = getattr(kernel, "reason", "")
            views.append(
                StepView(name, kernel.source.rstrip(), kernel.nodes, kernel.lines,
                         kernel.language, note)
            )  # fmt: skip
            continue
        text = f"/* {step} */" + (f"\n/* {step.reason} */" if step.reason else "")
        views.append(StepView(name, text, step.nodes, [(1, 1, step.nodes)]))
    return views


def memory_rows(
    function: Any, steps: Sequence[Any], names: Sequence[str]
) -> Json | None:
    """The life of every buffer over the steps, the arena by places."""
    program = getattr(function.story, "program", None)
    if program is None or not steps:
        return None
    reads: dict[Any, list[str]] = {}
    writes: dict[Any, list[str]] = {}
    for step, name in zip(steps, names, strict=True):
        for buffer in step.reads:
            reads.setdefault(buffer.root, []).append(name)
        for buffer in step.writes:
            writes.setdefault(buffer.root, []).append(name)
    ends = [*program.results, *program.updates]
    sinks = [name for name, _ in sink_names(function.graph)]
    called = dict(zip(ends, sinks, strict=False))
    rows: list[Json] = []
    places: dict[int, Json] = {}
    for buffer in dict.fromkeys([*program.buffers.values(), *ends]):
        if buffer.alias is not None:
            continue
        text = _life(buffer, reads.get(buffer, []), writes.get(buffer, []))
        last = len(steps) - 1 if buffer in called else max(buffer.last, 0)
        first = -1 if buffer.place in GIVEN else max(-1, buffer.first)
        span = [first, last, text]
        at = buffer.index if buffer.place == "arena" else None
        if at is not None and at in places:
            places[at]["spans"].append(span)
            places[at]["name"] += ", " + label(buffer.node)
            continue
        row = _memory_row(buffer, called.get(buffer), span)
        if at is not None:
            places[at] = row
        rows.append(row)
    plan = function.program.plan
    return {
        "arena": _number(plan.arena_bytes),
        "steps": list(names),
        "rows": rows[:MOST_ROWS],
    }


def _memory_row(buffer: Any, name: str | None, span: Sequence[int | str]) -> Json:
    """One buffer, or one place of the arena with its first buffer."""
    return {
        "name": name or label(buffer.node),
        "role": ROLES.get(buffer.place, buffer.place),
        "bytes": _bytes(buffer),
        "note": NOTES.get(buffer.place, str(buffer.type)),
        "spans": [span],
    }


def _life(buffer: Any, readers: Sequence[str], writers: Sequence[str]) -> str:
    """ "written by k1, read by k2"."""
    parts = []
    if writers:
        parts.append("written by " + ", ".join(dict.fromkeys(writers)))
    if readers:
        parts.append("read by " + ", ".join(dict.fromkeys(readers)))
    if buffer.place == "result":
        parts.append("returned")
    return ", ".join(parts) or buffer.place


def _bytes(buffer: Any) -> int | str:
    """Bytes as a number, or as an expression in the sizes."""
    size = buffer.type.size
    width = (
        1
        if buffer.type.dtype == "bool"
        else int(buffer.type.dtype.lstrip("uintfloa")) // 8
    )
    return _number(size * width)


def _number(value: Any) -> int | str:
    return value if isinstance(value, int) else str(value)


def profile_rows(function: Any, names: Sequence[str]) -> Json | None:
    """Times a call in ns; None before the first profiled call."""
    profile = function.profile
    if not profile.calls or not profile.steps:
        return None
    calls = profile.calls
    inside = sum(step.ns for step in profile.steps) / calls
    total = max(profile.total_ns / calls, inside)
    return {
        "calls": calls,
        "call_ns": round(total),
        "overhead_ns": round(total - inside),
        "method": "modelled",
        "steps": [
            [
                names[step.number],
                round(step.ns / calls),
                _ops(step.nodes) + _rates(step),
            ]
            for step in profile.steps
        ],
        "nodes": {time.node: time.ns / calls for time in profile.nodes},
    }


def _rates(step: Any) -> str:
    """What a step moves and does in a second, where that is known."""
    if step.gbs is None or not step.flops:
        return ""
    return f", {step.gbs:.3g} GB/s, {step.gflops:.3g} GFLOP/s"


def _ops(nodes: Sequence[Any]) -> str:
    """Names of the ops of a step, or how many there are."""
    names = list(dict.fromkeys(node.op.name for node in nodes))
    return ", ".join(names) if len(names) <= 3 else f"{len(nodes)} ops"
