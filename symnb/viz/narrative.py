"""`explain(f)`: the story of a compile in words, on a page.

What was written, what each pass that changed something did and why, which steps came
of it, what was decided. Every sentence is made of what the trace and the program hold;
nothing is computed here but the difference of two graphs.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

from symnb.options import config
from symnb.viz.changes import Rows, change
from symnb.viz.document import gradients
from symnb.viz.sources import SourceTable

WIDTH = 78  # columns
MOST_RULES = 5  # rules named per pass; the others are counted
MOST_OPS = 8  # named per step
MOST_DECISIONS = 12  # lines
WORDS = ("added", "removed", "rewired", "merged")
SAID = {"merge": "equal nodes became one", "fold": "constants were computed"}
CALLED = {"launch": "kernel", "extern": "library", "opaque": "NumPy"}
_ID = re.compile(r"%\d+ ")  # of a node in the text tree


def explain(function: Any, file: TextIO | None = None) -> None:
    """Print the story of a compiled function in words."""
    print(tell(function), file=file or sys.stdout)


def tell(function: Any) -> str:
    """The story of a compiled function in words."""
    parts = [_heading(function), *_passes(function), _steps(function)]
    parts += [_decisions(function), _check(function)]
    return "\n\n".join(part for part in parts if part)


def _heading(function: Any) -> str:
    written, left = len(function.graph.nodes), len(function.optimised.nodes)
    text = f"{function.name} was written with {_many(written, 'operation')}; "
    text += f"{left} {'is' if left == 1 else 'are'} left."
    if function.graph.updates:
        names = ", ".join(str(target) for target, _ in function.graph.updates)
        text += f" Each call also updates {names}."
    if not any(record.events for record in function.trace):
        text += " The optimiser found nothing to change."
    return textwrap.fill(text, WIDTH)


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


# ---------------------------------------------------------------------- passes


def _passes(function: Any) -> Iterator[str]:
    """A paragraph for each pass that fired; equal ones of several gradients once."""
    rows, present = Rows(SourceTable()), {}
    here = _main_source(function)
    early = gradients(list(function.trace))
    later = [(r, 1) for r in function.trace if r.phase != "gradient"]
    for record, times in [*early, *later]:
        difference = change(rows, record, present)
        if record.events:
            yield _pass(record, difference, here, times)


def _main_source(function: Any) -> str:
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
    tally = Counter(_name(event) for event in record.events)
    first = {_name(event): event for event in reversed(record.events)}
    ranked = sorted(tally.items(), key=lambda item: _rank(first[item[0]], item[1]))
    for rule, count in ranked[:MOST_RULES]:
        lines += _firing(first[rule], rule, count, here)
    if len(tally) > MOST_RULES:
        lines.append(f"    and {_many(len(tally) - MOST_RULES, 'other rule')}")
    return "\n".join(lines)


def _name(event: Any) -> str:
    return event.kind if event.rule is None else event.rule.name


def _rank(event: Any, count: int) -> tuple[bool, int]:
    """Rules that give a reason first, then those that fired most."""
    return event.rule is not None and not event.rule.reason, -count


def _firing(event: Any, name: str, count: int, here: str) -> list[str]:
    """What a rule says, where it fired first and how often; then why one wants it."""
    site = str(event.before.site or "").replace(f"{here}, ", "")
    notes = [name] if event.rule is not None else []
    notes += [f"{count} times"] if count > 1 else []
    notes += [f"first at {site}" if count > 1 else site] if site else []
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
    lines = [f"It runs in {_many(len(steps), 'step')}:"]
    for step in steps:
        ops = list(dict.fromkeys(node.op.name for node in step.nodes))
        named = ", ".join(ops[:MOST_OPS]) + (", ..." if len(ops) > MOST_OPS else "")
        kind = CALLED.get(step.kind, step.kind)
        if any("lapack" in node.op.tags for node in step.nodes):
            kind = "LAPACK"
        lines += _wrapped(f"{kind} {step.name}: {named or 'a copy'}")
    arena = str(function.program.plan.arena_bytes)
    if arena != "0":
        lines += _wrapped(f"Between steps they keep {arena} bytes.", 0)
    return "\n".join(lines)


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
    for (kind, reason), said in list(grouped.items())[:MOST_DECISIONS]:
        lines += _wrapped(f"{kind}: {'; '.join(dict.fromkeys(said))} ({reason})")
    if len(grouped) > MOST_DECISIONS:
        lines.append(f"    and {_many(len(grouped) - MOST_DECISIONS, 'other reason')}")
    return "\n".join(lines)


def _check(function: Any) -> str:
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
