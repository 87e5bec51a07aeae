"""`explain(f)`: the story of a compile in words, on a page.

What was written, what each pass that changed something did and why, which kernels
came of it and what was decided, where the results live. Every sentence is made of
what the trace and the program hold; nothing is computed here.
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from typing import Any, TextIO

WIDTH = 78  # columns
MOST_RULES = 6  # rules named per pass; the others are counted
MOST_DECISIONS = 8


def explain(function: Any, file: TextIO | None = None) -> None:
    """Print the story of a compiled function in words."""
    print(tell(function), file=file or sys.stdout)


def tell(function: Any) -> str:
    """The story of a compiled function in words."""
    lines = [_heading(function), ""]
    for record in function.trace:
        if record.events:
            lines += _pass(record)
    lines += ["", *_kernels(function), *_decisions(function)]
    return "\n".join(lines)


def _heading(function: Any) -> str:
    graph, optimised = function.graph, function.optimised
    text = (
        f"{function.name} was written with {len(graph.nodes)} operations; "
        f"{len(optimised.nodes)} are left."
    )
    if graph.updates:
        names = ", ".join(str(target) for target, _ in graph.updates)
        text += f" Each call also updates {names}."
    return textwrap.fill(text, WIDTH)


def _pass(record: Any) -> list[str]:
    """One paragraph: the pass, its firings by rule, with reasons and lines."""
    before, after = len(record.before.nodes), len(record.after.nodes)
    of = " of the gradient" if record.phase == "gradient" else ""
    lines = [f"{record.name}{of}: {before} -> {after} operations"]
    counts = Counter(_name(event) for event in record.events)
    first = {_name(event): event for event in reversed(record.events)}
    for name, count in counts.most_common(MOST_RULES):
        lines += _firing(first[name], name, count)
    if len(counts) > MOST_RULES:
        lines.append(f"    and {len(counts) - MOST_RULES} other rules")
    return lines


def _name(event: Any) -> str:
    return event.kind if event.rule is None else event.rule.name


def _firing(event: Any, name: str, count: int) -> list[str]:
    times = f"{count} times" if count > 1 else "once"
    site = event.before.site
    where = f", first at {site}" if site is not None else ""
    if event.rule is None:
        said = {"merge": "equal nodes became one", "fold": "constants were computed"}
        return [f"    {said.get(name, name)}, {times}{where}"]
    text = f"{event.rule} ({name}, {times}{where})"
    if event.rule.reason:
        text += f": {event.rule.reason}"
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")


def _kernels(function: Any) -> list[str]:
    steps = function.program.steps
    if not steps:
        return ["It runs node by node with NumPy."]
    lines = [f"It runs in {len(steps)} steps:"]
    for step in steps:
        ops = list(dict.fromkeys(node.op.name for node in step.nodes))
        named = ", ".join(ops[:8]) + (", ..." if len(ops) > 8 else "")
        lines += textwrap.wrap(
            f"{step.kind} {step.name}: {named or 'a copy'}",
            WIDTH, initial_indent="    ", subsequent_indent="      ",
        )  # fmt: skip
    return lines


def _decisions(function: Any) -> list[str]:
    decisions = function.program.decisions
    if not decisions:
        return []
    lines = ["", f"Decided on the way ({len(decisions)}):"]
    for decision in decisions[:MOST_DECISIONS]:
        lines += textwrap.wrap(
            str(decision), WIDTH, initial_indent="    ", subsequent_indent="      "
        )
    if len(decisions) > MOST_DECISIONS:
        lines.append(f"    and {len(decisions) - MOST_DECISIONS} more")
    return lines
