"""What a check found and what a pass did to the text, as the inspector shows them.

`check_row` turns the report of `f.check` into a dict; `text_lines` the change of a
pass into lines of the graph's text, by row. Both are made once per document.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from symnb.viz.changes import Change

Json = dict[str, Any]
CONTEXT = 1  # unchanged lines kept round a changed one
WHOLE = 40  # graphs up to here are shown whole


def ulp_text(ulp: float) -> str:
    """ "2.1 ulp", "1.3e15 ulp", "no number"."""
    return f"{ulp:.3g} ulp" if math.isfinite(ulp) else "no number"


def check_row(report: Any, passes: Sequence[Json]) -> Json:
    """The report of a check; marks each pass of the document with its badge."""
    places = {(p["name"], p["phase"]): i for i, p in enumerate(passes)}
    rows: list[Json] = []
    failed = False
    for row in report.rows:
        place = places.get((row.name, row.phase), -1)
        if place < 0:  # the compiled code is what the last row of the list shows
            place = -1 if row.name != "compiled" else len(passes) - 1
        state = "bad" if not row.ok else "late" if failed else "ok"
        failed = failed or not row.ok
        if place < 0 and row.phase == "gradient":
            pass  # told in the table only
        elif row.contract or row.name == "compiled" or not row.ok:
            badge = {"ok": row.ok, "state": state, "text": ulp_text(row.after)}
            passes[place]["check"] = badge
        rows.append(_row(row, place, report) | {"state": state})
    return {
        "ok": report.ok,
        "sizes": report.sizes,
        "judged": report.judged,
        "missing": report.missing,
        "rows": rows,
    }


def _row(row: Any, place: int, report: Any) -> Json:
    told: Json = {
        "name": row.label,
        "pass": place,
        "contract": row.contract,
        "before": ulp_text(row.before),
        "after": ulp_text(row.after),
        "ok": row.ok,
    }
    if row.moved:
        told["moved"] = row.moved
    if row.worst is not None:
        told["worst"] = str(row.worst)
    culprit = row.culprit
    if culprit is not None and culprit.event is not None:
        rule = culprit.event.rule
        told["event"] = culprit.number
        told["rule"] = culprit.event.kind if rule is None else rule.name
        told["jump"] = f"{ulp_text(culprit.before)} → {ulp_text(culprit.after)}"
    known = report.known_firings.get(row.label)
    if known:
        told["firings"] = [[r.name, ulp_text(r.after), r.ok] for r in known]
    return told


def text_lines(change: Change) -> list[list[Any]]:
    """The graph's text before and after: [mark, row, inputs] a line.

    mark  "-" gone, "+" new, " " both, "…" lines left out; a rewired row is two lines
    """
    lines: list[list[Any]] = []
    alive = set(change.after)
    known = set(change.before)
    rewired = set(change.rewired)
    queue = iter(change.before)
    for row in change.after:
        if row in known:
            for old in queue:
                if old == row:
                    break
                if old not in alive:
                    lines.append(["-", old, change.inputs_before[old]])
        if row in rewired:
            lines.append(["-", row, change.inputs_before[row]])
        fresh = row not in known or row in rewired
        lines.append(["+" if fresh else " ", row, change.inputs_after[row]])
    told = {line[1] for line in lines if line[0] == "-"}
    lines += [
        ["-", old, change.inputs_before[old]]
        for old in change.before
        if old not in alive and old not in told
    ]
    return lines if len(lines) <= WHOLE else _near_changes(lines)


def _near_changes(lines: list[list[Any]]) -> list[list[Any]]:
    """Changed lines and a few round them."""
    near: set[int] = set()
    for at, line in enumerate(lines):
        if line[0] != " ":
            near.update(range(at - CONTEXT, at + CONTEXT + 1))
    kept: list[list[Any]] = []
    for at, line in enumerate(lines):
        if at in near:
            kept.append(line)
        elif not kept or kept[-1][0] != "…":
            kept.append(["…", -1, []])
    return kept
