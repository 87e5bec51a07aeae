"""The story of a compile in words, all of it; `page.py` has what fits on a page.

What was written, what each pass that changed something did and why, which steps came
of it, what was decided. Every sentence is made of what the trace and the program hold;
nothing is computed here but the difference of two graphs.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from symnb.core.dims import evaluate
from symnb.optim.cost import MIDDLING, samples
from symnb.options import config
from symnb.viz.changes import Rows, change
from symnb.viz.document import gradients
from symnb.viz.sources import SourceTable

WIDTH = 88  # columns
MOST_SITES = 8  # of one rule in one pass
LONG = 48  # of an amount of bytes; a longer one is told as a number
WORDS = ("added", "removed", "rewired", "merged")
SAID = {"merge": "equal nodes became one", "fold": "constants were computed"}
CALLED = {"launch": "kernel", "extern": "library", "opaque": "NumPy"}
_ID = re.compile(r"%\d+ ")  # of a node in the text tree


def tell(function: Any) -> str:
    """The story of a compiled function in words, nothing left out."""
    parts = [_heading(function), *(text for _, text in _passes(function))]
    parts += [_decisions(function), _steps(function), check_told(function)]
    return "\n\n".join(part for part in parts if part)


def chapter(function: Any, name: str) -> str:
    """All of one part: of the passes of that name, "decisions" or "steps"; or ""."""
    if name == "steps":
        return _steps(function)
    if name == "decisions":
        return _decisions(function) or "Nothing had to be decided."
    told = [text for record, text in _passes(function) if record.name == name]
    if not told and any(record.name == name for record in function.trace):
        return f"{name}: it found nothing to change."
    return "\n\n".join(told)


def _heading(function: Any) -> str:
    written, left = len(function.graph.nodes), len(function.optimised.nodes)
    text = f"{function.name} was written with {many(written, 'operation')}; "
    text += f"{left} {'is' if left == 1 else 'are'} left."
    if function.graph.updates:
        names = ", ".join(str(target) for target, _ in function.graph.updates)
        text += f" Each call also updates {names}."
    if not any(record.events for record in function.trace):
        text += " The optimiser found nothing to change."
    return textwrap.fill(text, WIDTH)


def many(count: int, word: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


# ---------------------------------------------------------------------- passes


def _passes(function: Any) -> Iterator[tuple[Any, str]]:
    """Each pass that fired and a paragraph; equal ones of several gradients once."""
    rows, present = Rows(SourceTable()), {}
    here = main_source(function)
    early = gradients(list(function.trace))
    later = [(r, 1) for r in function.trace if r.phase != "gradient"]
    for record, times in [*early, *later]:
        difference = change(rows, record, present)
        if record.events:
            yield record, _pass(record, difference, here, times)


def main_source(function: Any) -> str:
    """The cell or file most rules fired on first; its lines need no name."""
    sites = [e.before.site for record in function.trace for e in record.events]
    labels = Counter(site.source.label for site in sites if site is not None)
    return labels.most_common(1)[0][0] if labels else ""


def _pass(record: Any, difference: Any, here: str, times: int) -> str:
    """One paragraph: the pass, what it changed, its firings by rule."""
    before, after = len(record.before.nodes), len(record.after.nodes)
    name = record.name
    if record.phase == "gradient":
        name += " of the gradient" if times == 1 else f" of {times} gradients"
    size = f"{before} -> {after} operations" if before != after else f"{after} stay"
    counts = [
        f"{count} {word}"
        for count, word in zip(difference.counts, WORDS, strict=True)
        if count
    ]
    lines = _wrapped(": ".join([name, ", ".join([size, *counts])]), 0)
    tally = Counter(name_of(event) for event in record.events)
    first = {name_of(event): event for event in reversed(record.events)}
    ranked = sorted(tally.items(), key=lambda item: _rank(first[item[0]], item[1]))
    for rule, _ in ranked:
        lines += _firing([e for e in record.events if name_of(e) == rule], here)
    return "\n".join(lines)


def name_of(event: Any) -> str:
    """The rule of an event, or its kind where none is there."""
    return event.kind if event.rule is None else event.rule.name


def _rank(event: Any, count: int) -> tuple[bool, int]:
    """Rules that give a reason first, then those that fired most."""
    return event.rule is not None and not event.rule.reason, -count


def place_of(event: Any, here: str) -> str:
    """Where the user wrote what an event changed; without the name of `here`."""
    return str(event.before.site or "").replace(f"{here}, ", "")


def _firing(events: Sequence[Any], here: str) -> list[str]:
    """What a rule says, how often and where it fired; then why one wants it."""
    event, count = events[0], len(events)
    name = name_of(event)
    notes = [name] if event.rule is not None else []
    notes += [f"{count} times"] if count > 1 else []
    sites = list(dict.fromkeys(place_of(one, here) for one in events))
    sites = [site for site in sites if site]
    notes += sites[:MOST_SITES]
    if len(sites) > MOST_SITES:
        notes.append(f"{len(sites) - MOST_SITES} other places")
    note = f"  ({', '.join(notes)})" if notes else ""
    if event.rule is None:
        return _wrapped(SAID.get(name, name) + note)
    lines = _wrapped(event.rule.text + note)
    if event.rule.reason:
        lines += _wrapped(f"{event.rule.contract}: {event.rule.reason}", 8)
    return lines


def _wrapped(text: str, indent: int = 4) -> list[str]:
    """The lines of a text; those after the first stand four columns further in."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4),
        break_on_hyphens=False,
    )  # fmt: skip


# ------------------------------------------------------------- steps and decisions


def _steps(function: Any) -> str:
    steps = function.program.steps
    if not steps:
        return "It runs node by node with NumPy."
    lines = [f"It runs in {many(len(steps), 'step')}:"]
    for step in steps:
        ops = list(dict.fromkeys(node.op.name for node in step.nodes))
        lines += _wrapped(f"{runs_in(step)} {step.name}: {', '.join(ops) or 'a copy'}")
    arena = arena_told(function)
    if arena:
        lines += _wrapped(f"Between steps they keep {arena}.", 0)
    return "\n".join(lines)


def runs_in(step: Any) -> str:
    """What runs a step: a kernel, a library, LAPACK or NumPy."""
    if any("lapack" in node.op.tags for node in step.nodes):
        return "LAPACK"
    return CALLED.get(step.kind, step.kind)


def arena_told(function: Any) -> str:
    """The memory between steps: "264*n bytes"; a long formula by its value."""
    size = function.program.plan.arena_bytes
    if len(str(size)) <= LONG:
        return "" if str(size) == "0" else f"{size} bytes"
    point = next(iter(samples(size)), {})
    return f"{evaluate(size, point):,} bytes where open sizes are {MIDDLING}"


def _decisions(function: Any) -> str:
    """Decisions by kind and reason; those with the same reason share a line.

    Left out where output must be the same on every machine: those made by its speed.
    """
    grouped: dict[tuple[str, str], list[str]] = {}
    for decision in function.program.decisions:
        if config.reproducible and decision.kind == "threads":
            continue
        said = _ID.sub(
            "", f"{decision.subject}: {decision.chosen}".replace(": = ", " = ")
        )
        grouped.setdefault((decision.kind, str(decision.reason)), []).append(said)
    if not grouped:
        return ""
    lines = ["Decided on the way:"]
    for (kind, reason), said in grouped.items():
        lines += _wrapped(f"{kind}: {'; '.join(dict.fromkeys(said))} ({reason})")
    return "\n".join(lines)


def check_told(function: Any) -> str:
    """The last check, where one was made."""
    report = function.last_check
    if report is None:
        return ""
    bad = report.failed
    if bad is None:
        return f"Checked on {report.sizes}: every pass kept its contract."
    return "\n".join(
        [f"CHECK FAILED on {report.sizes}:", *_wrapped(f"{bad.name}: {bad.text}")]
    )
