"""`python -m bench`: measure, print a table, and with --write keep it.

One thread, one process, symnb and NumPy in turn (bench/timing.py).
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SYMNB_THREADS"):
    os.environ.setdefault(name, "1")

from bench.rows import Row, all_rows  # noqa: E402 - threads are set before NumPy loads

HERE = Path(__file__).parent


def _machine() -> str:
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo") as file:
            names = [line for line in file if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| work | measured | must | |", "|---|---|---|---|"]
    for row in rows:
        value = f"{row.value:.3g} {row.unit}"
        if row.peer:
            value += f" ({1 / row.value:.2g} times as fast as {row.peer})"
        mark = "" if row.ok else "**missed** "
        lines.append(f"| {row.name} | {value} | {row.must:.3g} | {mark}{row.note} |")
    return "\n".join(lines)


def main() -> int:
    """Measure and print; the exit status counts the promises missed."""
    rows = all_rows()
    text = table(rows)
    print(text)
    if "--write" in sys.argv:
        date = datetime.date.today().isoformat()
        (HERE / "README.md").write_text(
            "# Measured\n\n"
            f"One run of `make bench`, {date}, {_machine()}; one thread, symnb and "
            "NumPy in turn,\nmedian ratio within a round. The machine is shared; rerun "
            f"it on yours.\n\n{text}\n\n"
            "*Heap*: NumPy's temporaries are mapped and faulted anew at every call "
            "until some large\narray was freed in its process (*warm*); both states "
            "are given, the promise is about a\nfresh process. Four calls of the "
            "vector library make the floor of the first chain,\nabout 190 us here.\n"
        )
    return sum(not row.ok for row in rows)


if __name__ == "__main__":
    sys.exit(main())
