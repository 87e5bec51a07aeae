"""`f.check(inputs)`: what each pass, and the compiled code, did to the numbers.

The graph before and after every pass is run on the given inputs, in its own dtypes,
and compared with a run of the graph as written in wider floats. A pass keeps its
contract where its results are no worse than that allows: not one bit moved under
`bitwise`; else at most GROWTH times the error it found, or FLOOR ulp. What does not is
named down to the firing. So are the passes that stabilised a forward graph before it
was differentiated, by the values of that graph. Cost: two runs of the graph in NumPy a
pass that fired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symnb.compile.bisect import Culprit, first_firing
from symnb.compile.compare import Error, Worst, Yardstick, gradient_yardstick, moved
from symnb.core.seams import slots
from symnb.optim.passes import weakest
from symnb.optim.rule import Ruleset
from symnb.optim.trace import PassRecord, Trace

GROWTH = 4.0  # a pass may multiply the error it found by this ...
FLOOR = 8.0  # ... or reach this many ulp, whichever is more
COMPILED = "compiled"


@dataclass(frozen=True)
class Row:
    """One pass, or the compiled code.

    phase   "graph" | "gradient": of the graph as written, or before differentiation
    before, after  error in ulp of the results
    contract  the weakest of the rules that fired; "" where nothing did
    moved     elements that differ between before and after in any bit
    worst     the element farthest off after, None where none is off
    culprit   the firing that broke the contract
    """

    name: str
    before: float
    after: float
    contract: str = ""
    moved: int = 0
    worst: Worst | None = None
    culprit: Culprit | None = None
    phase: str = "graph"

    @property
    def label(self) -> str:
        """The name as shown: "shift", "shift (gradient)"."""
        return self.name if self.phase == "graph" else f"{self.name} ({self.phase})"

    @property
    def allowed(self) -> float:
        """The error the contract allows, in ulp."""
        if self.contract == "bitwise":
            return self.before
        return max(GROWTH * self.before, FLOOR)

    @property
    def ok(self) -> bool:
        """Whether the pass kept its contract."""
        if self.contract == "bitwise" and self.moved:
            return False
        return self.after <= self.allowed

    @property
    def text(self) -> str:
        """The error after, as a badge shows it."""
        bits = f", {self.moved} moved" if not self.ok and self.moved else ""
        return f"{self.after:.3g} ulp{bits if self.contract == 'bitwise' else ''}"


@dataclass(frozen=True)
class CheckReport:
    """The rows of `f.check`: passes of gradients, passes, the compiled function.

    sizes   of the inputs, as text
    known_firings  what `firings` was asked for before
    judged  elements of the results that were compared; `missing` of them have no
            number even in the wider run of the graph as written
    """

    name: str
    rows: tuple[Row, ...]
    sizes: str = ""
    judged: int = 0
    missing: int = 0
    yardstick: Yardstick | None = field(default=None, repr=False, compare=False)
    known_firings: dict[str, tuple[Row, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def ok(self) -> bool:
        """Whether every row is."""
        return all(row.ok for row in self.rows)

    @property
    def failed(self) -> Row | None:
        """The first row that broke its contract."""
        return next((row for row in self.rows if not row.ok), None)

    @property
    def worst(self) -> float:
        """Error of the last row in ulp: what a call returns."""
        return self.rows[-1].after if self.rows else 0.0

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.label == name:
                return row
        raise KeyError(f"no row {name!r}; there are {[r.label for r in self.rows]}")

    def firings(self, name: str) -> tuple[Row, ...]:
        """One row for each firing of the pass called `name`, in order.

        Runs the graph after every firing: as many runs as firings.
        """
        if name in self.known_firings:
            return self.known_firings[name]
        assert self.yardstick is not None
        records = [r for r in self.yardstick.function.trace if r.phase == "graph"]
        record = Trace(records)[name]
        rows: list[Row] = []
        old = record.at(0)
        for k, event in enumerate(record.events, 1):
            new = record.at(k)
            rows.append(
                _row(self.yardstick, _called(event), old, new, _promise([event]))
            )
            old = new
        self.known_firings[name] = tuple(rows)
        return self.known_firings[name]

    def __str__(self) -> str:
        head = f"{self.name}({self.sizes}): "
        head += "every pass within its contract" if self.ok else "FAILED"
        told = [r for r in self.rows if r.contract or r.name == COMPILED or not r.ok]
        wide = max([12, *(len(row.label) + 2 for row in told)])
        lines = [
            head,
            f"      {'pass':<{wide}}{'contract':<12}{'error before':>14} -> after",
        ]
        for row in told:
            lines += _told(row, wide)
            known = self.known_firings.get(row.label, ())
            for k, firing in enumerate(known, 1):
                mark = "ok" if firing.ok else "!!"
                lines.append(
                    f"    {mark}  {k:>3} {firing.name:<28}{firing.after:.3g} ulp"
                )
        if self.missing:
            lines.append(
                f"  {self.missing} of {self.judged + self.missing} elements have no "
                "number as written, in wider floats either: not judged"
            )
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)


def _told(row: Row, wide: int) -> list[str]:
    """The lines of one row; of a failed one also where and why."""
    mark = "ok" if row.ok else "!!"
    contract = row.contract or "C"
    lines = [
        f"  {mark}  {row.label:<{wide}}{contract:<12}{row.before:>10.3g} ulp -> "
        f"{row.after:.3g} ulp" + ("" if row.ok else "  FAILED")
    ]
    if not row.ok:
        if row.contract == "bitwise" and row.moved:
            lines.append(f"        {row.moved} elements moved")
        if row.worst is not None:
            lines.append(f"        {row.worst}")
        if row.culprit is not None and row.culprit.event is not None:
            lines += ["        " + line for line in str(row.culprit).splitlines()]
    return lines


def check(function: Any, inputs: Sequence[Any]) -> CheckReport:
    """Compare every pass of `function`, and its result, with a wider run.

    inputs  one value per argument, as in a call; shared variables keep their state
    """
    yardstick = Yardstick(function, function.arrays(inputs))
    rows = [
        _pass_row(yardstick, record)
        for record in function.trace
        if record.phase == "graph"
    ]
    error, row = _compiled(yardstick, function.optimised if rows else function.graph)
    rows = [*_gradient_rows(function, yardstick.arrays), *rows]
    sizes = ", ".join(_size(array) for array in yardstick.arrays)
    return CheckReport(
        function.name, (*rows, row), sizes, error.judged, error.missing, yardstick
    )


def _gradient_rows(function: Any, arrays: tuple[Any, ...]) -> list[Row]:
    """Rows of the passes before differentiation that fired.

    Those of several gradients that did the same are judged once. Left out are graphs
    of tensors the function does not read, say because something was given for them.
    """
    rows: list[Row] = []
    seen: set[Any] = set()
    yardstick: Yardstick | None = None
    after: Any = None
    for record in function.trace:
        if record.phase != "gradient":
            continue
        if record.before is not after:  # another gradient
            yardstick = None
        after = record.after
        did = (record.name, *((e.rule, str(e.before.site)) for e in record.events))
        if did in seen or not record.events:
            continue
        if yardstick is None:
            yardstick = gradient_yardstick(record.before, function, arrays)
        if yardstick is not None:
            seen.add(did)
            rows.append(replace(_pass_row(yardstick, record), phase="gradient"))
    return rows


def _pass_row(yardstick: Yardstick, record: PassRecord) -> Row:
    """The row of a pass; of one that fails also its culprit."""
    row = _row(
        yardstick, record.name, record.before, record.after, _promise(record.events)
    )
    if row.ok:
        return row
    culprit = first_firing(yardstick, record, row.allowed)
    return Row(
        row.name, row.before, row.after, row.contract, row.moved, row.worst, culprit
    )


def _row(yardstick: Yardstick, name: str, before: Any, after: Any, promise: str) -> Row:
    """The errors of two graphs."""
    old, new = yardstick.error(before), yardstick.error(after)
    count = 0
    if before is not after:
        count = moved(yardstick.values(before), yardstick.values(after))
    return Row(name, old.ulp, new.ulp, promise, count, new.worst)


def _compiled(yardstick: Yardstick, graph: Any) -> tuple[Error, Row]:
    """The compiled code beside the optimised graph run in NumPy."""
    reference = yardstick.error(graph)
    values = _outputs(yardstick.function, yardstick.arrays)
    error = yardstick.of_values(values)
    count = moved(yardstick.values(graph), values)
    return error, Row(COMPILED, reference.ulp, error.ulp, "", count, error.worst)


def _called(event: Any) -> str:
    return event.kind if event.rule is None else event.rule.name


def _promise(events: Sequence[Any]) -> str:
    """The weakest contract of what fired; "" where nothing did."""
    if not events:
        return ""
    rules = {event.rule for event in events if event.rule is not None}
    return weakest(Ruleset("fired", tuple(rules)))


def _size(array: Any) -> str:
    array = np.asarray(array)
    return f"{array.dtype}[{', '.join(map(str, array.shape))}]"


def _outputs(function: Any, arrays: Sequence[Any]) -> list[Any]:
    """What a call returns, with the state put back afterwards."""
    kept = [(leaf.storage, leaf.storage.array.copy()) for leaf in function.graph.shared]
    try:
        result = function(*arrays)
        values = list(result.values()) if isinstance(result, dict) else result
        if values is None:
            values = []
        outputs = values if isinstance(values, list | tuple) else [values]
        updates = [t.storage.array.copy() for t, _ in function.graph.updates]
        return [*outputs, *updates]
    finally:
        for storage, array in kept:
            storage.array = array
