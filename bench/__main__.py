"""`python -m bench`: measure symnb beside its peers, print tables, keep them.

Run by the Python of .peers (`make bench` sets it up). `--help` lists what can be
chosen. With --write the tables and all numbers go to bench/results, named by date.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import former, limits, optimiser, report
from bench.cells import measured
from bench.first import IMPORTED, MODULES, first_results, imports
from bench.peers import SYSTEMS
from bench.selection import Selection, parsed

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Processor, cores, Python."""
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo") as file:
            names = [line for line in file if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def versions(selection: Selection) -> dict[str, str]:
    """System -> version of its package."""
    names = dict.fromkeys(selection.systems)
    if "optimise" in selection.groups:
        names |= {optimiser.PEER: None}
    return {s: metadata.version(SYSTEMS[s].package) for s in names}


def run(selection: Selection) -> tuple[str, dict[str, Any]]:
    """The run as Markdown and as plain values."""
    started, load = time.monotonic(), os.getloadavg()
    parts: list[str] = []
    found: dict[str, Any] = {}
    known = {}
    if "limits" in selection.groups:
        known = {n: limits.measure(n) for n in selection.threads}
        parts += ["## The machine's limits", report.limits_table(known)]
        found["limits"] = {str(n): vars(limit) for n, limit in known.items()}
    if selection.rows:
        cells = {
            n: measured(selection.rows, selection.systems, n, selection.rounds)
            for n in selection.threads
        }
        found |= {"cells": report.as_json(cells), "means": report.means(cells)}
        parts += ["## Ratios to the best peer", report.ratios(cells)]
        parts += [report.mean_table(cells)]
        for n, rows in cells.items():
            parts += [f"## Times with {n} thread{'s' * (n > 1)}",
                      report.times(rows, selection.systems, known.get(n))]  # fmt: skip
    parts += _seconds(selection, found)
    if "optimise" in selection.groups:
        costs = optimiser.measure(selection.rounds)
        parts += ["## The optimiser, CPU time per node", optimiser.table(costs)]
        found["optimiser"] = optimiser.as_json(costs)
    if "former" in selection.groups:
        parts += ["## Beside NumPy alone", former.table(former.all_rows())]
    loads = f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after"
    found |= {
        "date": datetime.datetime.now().isoformat(timespec="minutes"),
        "machine": machine(), "load": loads, "versions": versions(selection),
        "seconds": round(time.monotonic() - started),
    }  # fmt: skip
    return "\n\n".join([_head(found), *parts]) + "\n", found


def _seconds(selection: Selection, found: dict[str, Any]) -> list[str]:
    """First results and imports."""
    rows: dict[str, dict[str, float]] = {}
    if "first" in selection.groups:
        rows |= first_results(list(selection.systems), max(selection.threads))
    if "import" in selection.groups:
        rows["import"] = imports(list(selection.systems))
        rows["import_all"] = imports(list(selection.systems), IMPORTED | MODULES)
    if not rows:
        return []
    found["first"] = rows
    return ["## First results and imports, seconds", report.seconds_table(rows)]


def _head(found: dict[str, Any]) -> str:
    named = ", ".join(f"{name} {v}" for name, v in found["versions"].items())
    return (
        f"# Measured {found['date']}\n\n{found['machine']}; load {found['load']}; "
        f"{found['seconds']} s.\n{named}.\n\n"
        "Medians over rounds in which every system has its turn; ratios are symnb's "
        "time over\nthe peer's within a round, smaller is faster. *out=*: a reused "
        "output. Bold: best peer.\n~: interrupted by others in nearly every turn; the "
        "five fastest turns count."
    )


def main() -> int:
    """Measure and print."""
    selection = parsed(sys.argv[1:])
    text, found = run(selection)
    print(text)
    if selection.write:
        RESULTS.mkdir(exist_ok=True)
        name = found["date"].replace(":", "")
        (RESULTS / f"{name}.md").write_text(text)
        (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
