"""Time to the first result, in a process of its own, and time to import.

`python -m bench.first SYSTEM ROW` prints the seconds from writing the expression to
its first value; importing is not counted, neither what symnb imports when its functions
are first named (the row import_all counts it). Run twice with the same empty folder for
caches, the first run is cold and the second warm. JAX keeps its compiled code on disk
only when told to; it is told to here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from statistics import median

from bench.peers import SYSTEMS, environment
from bench.turns import ROOT
from bench.workloads import WORKLOADS

ROWS = ("chain12_1e5", "mlp_step")
PRIMER = "call_vec8"  # symnb builds its dispatcher once per machine, at any first call
RUNS = 5
FEW = 1  # runs of the systems whose first results take many seconds
OFTEN = ("symnb", "jax")
FIRST = tuple(
    f"first_{row}_{state}" for row in ROWS for state in ("cold", "warm")
)  # fmt: skip
IMPORTED = {
    "symnb": "symnb", "numpy": "numpy", "numexpr": "numexpr", "numba": "numba",
    "jax": "jax", "torch": "torch", "pytensor-numba": "pytensor",
}  # fmt: skip
# What symnb imports lazily: before the clock of first results, and as a row of its own.
MODULES = {"symnb": "symnb.compile.native"}
LEFT_OUT = ("numpy", "numexpr", "torch")  # they compile nothing


def _run(system: str, row: str, folder: str, threads: int) -> float | None:
    """Seconds of one process; None where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.first", system, row], cwd=ROOT, text=True,
        capture_output=True, env=_environment(environment(system, threads, folder)),
    )  # fmt: skip
    lines = done.stdout.split()
    return float(lines[-1]) if done.returncode == 0 and lines else None


def _environment(more: dict[str, str]) -> dict[str, str]:
    """A user's environment: Python keeps compiled modules."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | more


def first_results(systems: list[str], threads: int) -> dict[str, dict[str, float]]:
    """Row -> system -> median seconds, cold and warm, the systems in turn."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in FIRST}
    for number in range(RUNS):
        for row in ROWS:
            for system in systems:
                if system in LEFT_OUT or (number >= FEW and system not in OFTEN):
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    if system == "symnb":
                        _run(system, PRIMER, folder, threads)
                    for state in ("cold", "warm"):
                        seconds = _run(system, row, folder, threads)
                        if seconds is not None:
                            name = f"first_{row}_{state}"
                            found[name].setdefault(system, []).append(seconds)
    return {
        row: {system: median(times) for system, times in each.items()}
        for row, each in found.items()
    }


def imports(systems: list[str], names: dict[str, str] = IMPORTED) -> dict[str, float]:
    """System -> median seconds of importing it, beyond starting Python."""
    wanted = {s: names[s] for s in systems if s in names}
    spent: dict[str, list[float]] = {system: [] for system in wanted}
    for _ in range(RUNS):
        bare = _seconds("pass")
        for system, name in wanted.items():
            spent[system].append(_seconds(f"import {name}") - bare)
    return {system: median(times) for system, times in spent.items()}


def _seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=_environment({}), check=True,
        capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - started


def main() -> None:
    """One first result."""
    system, row = sys.argv[1:]
    build = import_module(SYSTEMS[system].module).rows_of(system)[row]
    if system in MODULES:
        import_module(MODULES[system])
    data = WORKLOADS[row].data()
    started = time.perf_counter()
    build(data).run()
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
