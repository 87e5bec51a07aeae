"""The decisions of a compile in a few lines, one for each kind.

Choices by cost come first, each with its numbers; then what the mode left out, sizes,
and what the code generator decided so often that only counts can be read: fused or
kept apart and why, computed again or once, threads, in place. Runs once per page,
O(decisions).
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from symnb.options import config
from symnb.viz.narrative import many

WIDTH = 88  # columns
MOST_CHOICES = 3  # of one kind that are told one by one
MOST_REASONS = 3  # of things counted
MOST_SIZES = 4
_ID = re.compile(r"%\d+ ")  # of a node in the text tree


def decided(function: Any, most: int) -> list[str]:
    """At most so many lines, under a title; [] where nothing was decided.

    What depends on the speed of the machine is left out of reproducible output.
    """
    kinds: dict[str, list[Any]] = {}
    for decision in function.program.decisions:
        if not (config.reproducible and decision.kind == "threads"):
            kinds.setdefault(decision.kind, []).append(decision)
    single = [kind for kind in kinds if kind not in COUNTED]
    told = [(kind, _each(kind, kinds[kind])) for kind in single]
    told += [
        (kind, _fold(f"{kind}: {tell(kinds[kind])}"))
        for kind, tell in COUNTED.items()
        if kind in kinds
    ]
    lines: list[str] = []
    for at, (_, more) in enumerate(told):
        if len(lines) + len(more) + (at < len(told) - 1) > most:
            rest = ", ".join(kind for kind, _ in told[at:])
            return ["Decided on the way:", *lines, *_fold(f"and more: {rest}")]
        lines += more
    return ["Decided on the way:", *lines] if lines else []


def _fold(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="  ", subsequent_indent="      ",
        break_on_hyphens=False,
    )  # fmt: skip


def _each(kind: str, found: Sequence[Any]) -> list[str]:
    """Decisions told one by one with their reasons."""
    said = Counter(
        _ID.sub("", f"{d.subject}: {d.chosen} ({d.reason})").replace(": = ", " = ")
        for d in found
    )
    lines: list[str] = []
    for text, count in list(said.items())[:MOST_CHOICES]:
        lines += _fold(f"{kind}: {text}" + (f", {count} times" if count > 1 else ""))
    rest = sum(said.values()) - sum(list(said.values())[:MOST_CHOICES])
    return [*lines, f"      and {rest} more of this kind"] if rest else lines


def _sizes(found: Sequence[Any]) -> str:
    """The sizes taken for granted; shared variables counted if they are many."""
    equal = [f"{d.subject} {d.chosen}" for d in found if d.chosen.startswith("=")]
    fixed = [d for d in found if not d.chosen.startswith("=")]
    parts: list[str] = []
    if equal:
        parts.append(f"{_few(equal, MOST_SIZES)} (checked at every call)")
    if len(fixed) > MOST_SIZES:
        parts.append(f"those of {len(fixed)} shared variables are fixed")
    elif fixed:
        told = ", ".join(f"{d.subject} {d.chosen}" for d in fixed)
        parts.append(told.replace(" fixed to ", " "))
    return "; ".join(parts)


def _fuse(found: Sequence[Any]) -> str:
    apart = [d for d in found if d.chosen != "fused"]
    text = f"{len(found) - len(apart)} fused"
    return f"{text}, {len(apart)} separate: {_reasons(apart)}" if apart else text


def _recompute(found: Sequence[Any]) -> str:
    chosen = Counter(d.chosen for d in found)
    return ", ".join(f"{many(n, 'value')} {what}" for what, n in chosen.items())


def _threads(found: Sequence[Any]) -> str:
    """From how many points on kernels run in threads."""
    several = [d for d in found if d.chosen != "one"]
    alone = len(found) - len(several)
    points = sorted(int(n.replace(",", "")) for d in several for n in _points(d))
    told = "one kernel" if len(several) == 1 else f"{len(several)} kernels"
    if points:
        span = dict.fromkeys(f"{points[k]:,}" for k in (0, -1))
        told += f" in chunks from {' to '.join(span)} points on"
    rest = "one kernel alone" if alone == 1 else f"{alone} kernels alone"
    return ", ".join([told] * bool(several) + [rest] * bool(alone))


def _points(decision: Any) -> list[str]:
    return re.findall(r"from ([\d,]+) points", decision.chosen)


def _in_place(found: Sequence[Any]) -> str:
    first = f"{found[0].subject} {found[0].chosen}"
    if len(found) == 1:
        return first
    return f"{len(found)} results over an operand read for the last time, as {first}"


def _reasons(found: Sequence[Any]) -> str:
    """ "12 dot runs in a library, 4 its loops run over other axes"."""
    tally = Counter(str(d.reason) for d in found).most_common()
    told = [f"{count} because {why}" for why, count in tally[:MOST_REASONS]]
    rest = sum(count for _, count in tally[MOST_REASONS:])
    return ", ".join(told + [f"{rest} for other reasons"] * bool(rest))


def _few(texts: Sequence[str], most: int) -> str:
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")


COUNTED: dict[str, Callable[[Sequence[Any]], str]] = {
    "sizes": _sizes,
    "fuse": _fuse,
    "recompute": _recompute,
    "threads": _threads,
    "in place": _in_place,
}
