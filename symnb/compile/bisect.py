"""`f.bisect(inputs, tol)`: the one firing that moved a result.

The graph after k firings is run on the inputs for about log2(n) values of k, each
compared with a run of the graph as written in wider floats. The search assumes that a
result once moved stays moved, which holds for a rule that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from symnb.compile.compare import Yardstick
from symnb.core.graph import Graph
from symnb.optim.trace import Event, PassRecord

TOLERANCE_ULP = 1e4  # more than any right rule adds on data of ordinary size


@dataclass(frozen=True)
class Culprit:
    """The firing after which a result is off, or None where none is.

    number  of the firing in the compile, or in the pass where one was searched; from 1
    before, after  error in ulp of the largest magnitude
    """

    event: Event | None
    pass_name: str
    number: int
    before: float
    after: float

    def __str__(self) -> str:
        if self.event is None:
            return f"no firing moved a result ({self.after:.3g} ulp at the end)"
        rule = self.event.rule
        what = self.event.kind if rule is None else f"{rule.name}: {rule}"
        place = "" if rule is None else f"\n  {rule.file}:{rule.line}"
        return (
            f"firing {self.number}, pass {self.pass_name}, {what}{place}\n"
            f"  {self.before:.3g} -> {self.after:.3g} ulp"
        )

    __repr__ = __str__


def bisect(function: Any, inputs: Sequence[Any], tol: float = TOLERANCE_ULP) -> Culprit:
    """The first firing after which the error on `inputs` exceeds `tol` ulp."""
    yardstick = Yardstick(function, function.arrays(inputs))
    trace = function.trace
    named = [(r.name, e) for r in trace if r.phase == "graph" for e in r.events]
    return search(yardstick, trace.at, named, tol)


def first_firing(yardstick: Yardstick, record: PassRecord, tol: float) -> Culprit:
    """The first firing of one pass after which the error exceeds `tol` ulp."""
    named = [(record.name, event) for event in record.events]
    return search(yardstick, record.at, named, tol)


def search(
    yardstick: Yardstick,
    at: Callable[[int], Graph],
    named: Sequence[tuple[str, Event]],
    tol: float,
) -> Culprit:
    """Bisection over the graphs after k of the firings `named`."""

    def error(k: int) -> float:
        return yardstick.error(at(k)).ulp

    right, wrong = 0, len(named)
    before, after = error(right), error(wrong)
    if after <= tol or before > tol:
        return Culprit(None, "", 0, before, after)
    while wrong - right > 1:
        middle = (right + wrong) // 2
        found = error(middle)
        if found > tol:
            wrong, after = middle, found
        else:
            right, before = middle, found
    name, event = named[wrong - 1]
    return Culprit(event, name, wrong, before, after)
