"""`explain(f)`: the story of a compile on one page, to be read or projected.

    heading    how much was written, how much is left, what a call updates
    passes     a line each: size and cost before and after; under it the firings that
               a reader should see, by rule, with their count and the user's line
    decisions  a line for each kind, counted, those with numbers first
    kernels    equal ones together; libraries counted

A page has at most `PAGE` lines whatever the size of the graph; what does not fit is
counted, and the last line names the way to all of it. Costs are those of
`optim/cost.py`, every operation on its own, at 128 for each open size. Nothing here
changes what was recorded. Runs once per call of `explain`, O(nodes + firings).
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from symnb.core.dims import DimError, evaluate
from symnb.errors import OptimiserError
from symnb.optim.cost import MIDDLING, flops, samples, traffic
from symnb.viz import narrative
from symnb.viz.decided import decided
from symnb.viz.document import gradients
from symnb.viz.narrative import SAID, main_source, many, name_of, place_of

PAGE = 48  # lines
WIDTH = 88  # columns
ROOM = (14, 10, 8, 6, 4)  # lines for decisions and for kernels, as many as fit
MOST_NAMES = 5  # of updated variables
LEAST_FIRINGS = 12  # lines they should have
COSTLY = 20_000  # nodes; of larger graphs no costs are added up
SIZES, COSTS, REST = 25, 40, 63  # columns of a pass: its name is before them
DULL = frozenset({"merge", "fold"})  # kinds the pass line tells


def explain(
    function: Any,
    part: str | None = None,
    full: bool = False,
    file: TextIO | None = None,
) -> None:
    """Print the story of a compiled function in words, on a page.

    part  the name of a pass, "decisions" or "steps": all of that part alone
    full  everything that was recorded, however long

    Raises OptimiserError if there is no such part.
    """
    if part is not None:
        text = narrative.chapter(function, part)
        if not text:
            known = dict.fromkeys(record.name for record in function.trace)
            raise OptimiserError(
                f"{function.name} has no part {part!r}; there are "
                f"{', '.join([*known, 'decisions', 'steps'])}."
            )
    else:
        text = narrative.tell(function) if full else page(function)
    print(text, file=file or sys.stdout)


def page(function: Any) -> str:
    """The story of a compiled function on one page."""
    head, told = _heading(function), _passes(function)
    check = narrative.check_told(function).splitlines()
    for most in ROOM:
        choices, steps = decided(function, most), _steps(function, most)
        used = len(head) + len(check) + len(choices) + len(steps) + len(told) + 8
        if PAGE - used >= LEAST_FIRINGS:
            break
    _choose(told, PAGE - used, main_source(function))
    parts = [head, _told_passes(told), choices, steps, check, _left_out(function, told)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _heading(function: Any) -> list[str]:
    written, left = len(function.graph.nodes), len(function.optimised.nodes)
    steps = len(function.program.steps)
    text = f"{function.name}: {many(written, 'operation')} as written, {left} as run"
    text += f", in {many(steps, 'step')}." if steps else "."
    names = [str(target) for target, _ in function.graph.updates]
    if names:
        more = len(names) - MOST_NAMES
        text += f" Each call updates {', '.join(names[:MOST_NAMES])}"
        text += f" and {many(more, 'other')}." if more > 0 else "."
    if not any(record.events for record in function.trace):
        text += " The optimiser found nothing to change."
    return textwrap.wrap(text, WIDTH)


def _left_out(function: Any, told: Sequence[Told]) -> list[str]:
    """How many firings have no line of their own, and where the rest is."""
    left = sum(f.count for one in told for f in one.rules.values() if not f.lines)
    name = function.name if function.name.isidentifier() else "f"
    fired = {record.name: len(record.events) for record in function.trace}
    if not told:
        return []
    most = max(fired, key=lambda x: fired[x])
    rest = f"{many(left, 'firing')} not shown. " if left else ""
    text = f"{rest}The whole: symnb.explain({name}, full=True); one pass: "
    return textwrap.wrap(f'{text}symnb.explain({name}, "{most}").', WIDTH)


# ---------------------------------------------------------------------- passes


@dataclass
class Firing:
    """A rule in a pass: its first event and how often it fired."""

    event: Any
    count: int
    lines: list[str] = field(default_factory=list)


@dataclass
class Told:
    """A pass on the page: its line, and of its rules those that have lines."""

    line: str
    rules: dict[str, Firing]
    said: str = ""

    def lines(self) -> list[str]:
        """The pass, the rules chosen below it, the names of the others behind it."""
        quiet = [(name, f) for name, f in self.rules.items() if not f.lines]
        shown = [line for f in self.rules.values() for line in f.lines]
        line = f"{self.line:<{REST - 2}}  "
        if len(line) + len(self.said) > WIDTH:
            line = f"{self.line.rstrip()}  "
        line += self.said
        if quiet:
            line += _others(quiet, WIDTH - len(line))
        return [line.rstrip(), *shown]


def _others(quiet: Sequence[tuple[str, Firing]], room: int) -> str:
    """As many names of rules as there is room for, the others counted."""
    names = [f"{n} {f.count}x" if f.count > 1 else n for n, f in quiet]
    for shown in range(len(names), -1, -1):
        rest = f"{len(names) - shown} more" if shown else many(len(names), "rule")
        parts = [*names[:shown]] + [rest] * (shown < len(names))
        text = ", ".join(parts)
        if len(text) <= room:
            return text
    return ""


def _passes(function: Any) -> list[Told]:
    """The passes that fired; equal ones of several gradients once."""
    early = gradients(list(function.trace))
    later = [(r, 1) for r in function.trace if r.phase != "gradient"]
    fired = [(r, times) for r, times in [*early, *later] if r.events]
    worth = _worth()
    return [_told(record, times, worth) for record, times in fired]


def _told_passes(told: Sequence[Told]) -> list[str]:
    """The lines of all passes under a title."""
    if not told:
        return []
    title = "Passes, with the operations before and after"
    if any("flops" in one.line or "bytes" in one.line for one in told):
        title += f" (costs of each by itself, open sizes {MIDDLING})"
    return [f"{title}:", *(line for one in told for line in one.lines())]


def _told(record: Any, times: int, worth: Callable[[Any], str]) -> Told:
    before, after = len(record.before.nodes), len(record.after.nodes)
    name = record.name
    if record.phase == "gradient":
        name += " (gradient)" if times == 1 else f" ({times} gradients)"
    size = f"{before:,} -> {after:,}" if before != after else f"{after:,}"
    line = f"  {name:<{SIZES - 2}}{size:<{COSTS - SIZES}}{worth(record)}"
    tally = Counter(map(name_of, record.events))
    first = {name_of(event): event for event in reversed(record.events)}
    said = "".join(
        f"{many(count, 'duplicate')} merged  " if kind == "merge" else f"{SAID[kind]}  "
        for kind, count in tally.items()
        if kind in DULL and first[kind].rule is None
    )
    ranked = sorted(tally, key=lambda rule: _rank(first[rule], tally[rule]))
    rules = {
        rule: Firing(first[rule], tally[rule])
        for rule in ranked
        if first[rule].rule is not None
    }
    return Told(line, rules, said)


def _rank(event: Any, count: int) -> tuple[int, int]:
    """What a reader should see first: saved digits, then reasons, then many firings.

    Small steps that any reader would do in passing come last.
    """
    rule = event.rule
    if rule is None:
        return 0, -count
    if rule.contract.name == "stabler":
        return 0, -count
    if not rule.reason:
        return 3, -count
    return (2 if rule.contract.strict else 1), -count


def _choose(told: Sequence[Told], room: int, here: str) -> None:
    """Give lines to the rules worth most, each pass its best one first.

    A rule told before is not told again; the pass line names it.
    """
    seen: set[str] = set()
    turns = [
        (_rank(firing.event, firing.count)[0], place, at, name, firing)
        for at, one in enumerate(told)
        for place, (name, firing) in enumerate(one.rules.items())
    ]
    turns.sort(key=lambda turn: turn[:3])
    chosen: list[Firing] = []
    for rank, _, _, name, firing in turns:
        lines = _formula(firing, here, why=rank == 0)
        if rank < 3 and name not in seen and len(lines) <= room:
            seen.add(name)
            firing.lines = lines
            chosen.append(firing)
            room -= len(lines)
    for firing in chosen:
        lines = _formula(firing, here, why=True)
        if len(lines) - len(firing.lines) <= room:
            room -= len(lines) - len(firing.lines)
            firing.lines = lines


def _formula(firing: Firing, here: str, why: bool) -> list[str]:
    """What a rule says; then its name, count and the user's line, and perhaps why."""
    rule = firing.event.rule
    site = place_of(firing.event, here)
    notes = [rule.name] + ([f"{firing.count} times"] if firing.count > 1 else [])
    notes += [f"first at {site}" if firing.count > 1 else site] if site else []
    note = ", ".join(notes)
    short = f"    {rule.text}  ({note})"
    if not why and len(short) <= WIDTH:
        return [short]
    lines = textwrap.wrap(
        rule.text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8,
        break_on_hyphens=False,
    )  # fmt: skip
    whole = f"{note}; {rule.contract}: {rule.reason}"
    begun = whole[: len(whole) - len(rule.reason)] + rule.reason.split(";")[0]
    fitting = [text for text in (whole, begun) if len(text) <= WIDTH - 8]
    if why and rule.reason and fitting:
        note = fitting[0]
    return [*lines, " " * 8 + note]


def _worth() -> Callable[[Any], str]:
    """What a pass did to arithmetic and memory traffic: "flops -12 %"."""
    known: dict[Any, tuple[int, int]] = {}

    def cost(node: Any) -> tuple[int, int]:
        if node not in known:
            pair = flops(node), traffic(node)
            try:
                points = samples(*pair)
                point = points[0] if points else {}
                known[node] = evaluate(pair[0], point), evaluate(pair[1], point)
            except (DimError, KeyError):
                known[node] = 0, 0
        return known[node]

    def worth(record: Any) -> str:
        if len(record.before.nodes) > COSTLY:
            return ""
        old = [cost(node) for node in record.before.nodes]
        new = [cost(node) for node in record.after.nodes]
        parts: list[str] = []
        for at, word in enumerate(("flops", "bytes")):
            was, now = sum(pair[at] for pair in old), sum(pair[at] for pair in new)
            percent = round(100 * (now - was) / was) if was else 0
            parts += [f"{word} {percent:+d} %"] if percent else []
        return ", ".join(parts)

    return worth


# --------------------------------------------------------------------- kernels


def _steps(function: Any, most: int) -> list[str]:
    """What runs: kernels with equal operations together, libraries counted."""
    steps = function.program.steps
    if not steps:
        return ["It runs node by node with NumPy."]
    kernels: dict[str, list[str]] = {}
    calls: Counter[str] = Counter()
    for step in steps:
        if step.kind == "launch":
            ops = list(dict.fromkeys(node.op.name for node in step.nodes))
            text = textwrap.shorten(", ".join(ops), WIDTH - 24, placeholder=" ...")
            kernels.setdefault(text or "a copy", []).append(str(step.name))
        else:
            calls[f"{step.name} ({narrative.runs_in(step)})"] += 1
    arena = narrative.arena_told(function)
    title = f"It runs in {many(len(steps), 'step')}"
    lines = [f"{title}, between them {arena}:" if arena else f"{title}:"]
    shown = list(kernels.items())
    if len(shown) > most:
        shown = shown[: most - 1]
    for text, names in shown:
        lines.append(f"  {_run(names):<20}  {text}"[:WIDTH])
    rest = sum(len(names) for names in kernels.values()) - sum(
        len(names) for _, names in shown
    )
    if rest:
        lines.append(f"  and {many(rest, 'other kernel')}")
    if calls:
        told = [f"{n} {c}x" if c > 1 else n for n, c in calls.items()]
        lines += textwrap.wrap(
            f"calls: {', '.join(told)}", WIDTH,
            initial_indent="  ", subsequent_indent="      ",
        )  # fmt: skip
    return lines


def _run(names: Sequence[str]) -> str:
    """ "kernel k1", "kernels k3, k4", "6 kernels from k9 on"."""
    if len(names) == 1:
        return f"kernel {names[0]}"
    text = f"kernels {', '.join(names)}"
    return text if len(text) <= 20 else f"{len(names)} kernels from {names[0]}"
