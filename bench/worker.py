"""The process of one system: it sleeps until it is its turn.

`python -m bench.worker SYSTEM` reads one JSON object a line and answers with one.
Thread pools, imports and heaps of other systems are in other processes; while this
one waits, it blocks in `read`.

  {"do": "make", "row": R, "exact": FILE}  build, call once, compare with exact values
  {"do": "time", "row": R, "loops": N}     N calls: mean ns of wall and of CPU time
  {"do": "drop", "row": R}                 forget a row's arrays and functions
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
from itertools import repeat
from typing import Any

import numpy as np

from bench.piece import NotYet, Piece
from bench.workload import WrongResult, check

ROUND_NS = 3_000_000  # of a system's turn: short ones are seldom interrupted
MOST_LOOPS = 200_000
PROBES = 2
SLOW_S = 5.0  # a first call as slow as this is not repeated to see how slow

Json = dict[str, Any]


class Worker:
    """The rows one system has made."""

    def __init__(self, system: str) -> None:
        from bench.peers import SYSTEMS

        self.rows = importlib.import_module(SYSTEMS[system].module).rows_of(system)
        self.pieces: dict[str, Piece] = {}

    def make(self, row: str, exact: str) -> Json:
        """Build a row, call it once, check it, and find how often to call it."""
        from bench.workloads import WORKLOADS

        work = WORKLOADS[row]
        if row not in self.rows:
            return {"skip": ""}
        data = work.data()
        started = time.perf_counter()
        piece = self.rows[row](data)
        result = piece.run()
        first = time.perf_counter() - started
        right: list[np.ndarray] = []
        if exact:
            with np.load(exact) as file:
                right = [file[name] for name in file.files]
        error = check(work, data, piece.values(result), right)
        del result
        self.pieces[row] = piece
        return {
            "first_s": first, "error": error, "form": piece.form,
            "facts": dict(piece.facts), "loops": self._loops(piece, first),
        }  # fmt: skip

    def _loops(self, piece: Piece, first: float) -> int:
        """Calls that take about one round; `first` seconds took the first one."""
        loops = 1
        if first > SLOW_S and piece.before is not None:
            return loops
        while True:
            spent = min(_spent(piece, loops)[0] for _ in range(PROBES))
            if spent > ROUND_NS // 4 or loops >= MOST_LOOPS:
                return max(1, min(MOST_LOOPS, round(loops * ROUND_NS / max(spent, 1))))
            loops *= 4

    def time(self, row: str, loops: int) -> Json:
        """Mean ns of a call, and whether somebody else took the processor away."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        wall, cpu = _spent(self.pieces[row], loops)
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - before
        return {"wall": wall / loops, "cpu": cpu / loops, "taken": taken}

    def drop(self, row: str) -> Json:
        """Forget a row."""
        self.pieces.pop(row, None)
        gc.collect()
        return {}

    def answer(self, asked: Json) -> Json:
        """What a request gives; what goes wrong is told, not raised."""
        verb = {"make": self.make, "time": self.time, "drop": self.drop}
        try:
            return verb[asked.pop("do")](**asked)
        except WrongResult as wrong:
            return {"wrong": str(wrong)}
        except NotYet as why:
            return {"skip": str(why) or "not yet"}
        except Exception as error:  # a peer's failure is a cell of the table
            return {"failed": f"{type(error).__name__}: {error}"[:300]}


def _spent(piece: Piece, loops: int) -> tuple[int, int]:
    """ns of wall and of CPU time that `loops` calls take."""
    call = piece.call
    if piece.before is not None:
        wall = cpu = 0
        for _ in range(loops):
            argument = piece.before()
            start, start_cpu = time.perf_counter_ns(), time.process_time_ns()
            call(argument)
            cpu += time.process_time_ns() - start_cpu
            wall += time.perf_counter_ns() - start
        return wall, cpu
    start_cpu, start = time.process_time_ns(), time.perf_counter_ns()
    if len(piece.arguments) == 2:  # no frame, no tuple between the loop and the call
        a, b = piece.arguments
        for _ in repeat(None, loops):
            call(a, b)
    else:
        for _ in repeat(None, loops):
            call()
    wall = time.perf_counter_ns() - start
    return wall, time.process_time_ns() - start_cpu


def use_processors(count: int) -> None:
    """Keep this process to so many processors: JAX's threads heed nothing else."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def main() -> None:
    """Serve the requests on standard input until it is closed."""
    use_processors(int(os.environ.get("SYMNB_THREADS", os.cpu_count() or 1)))
    with os.fdopen(os.dup(1), "w", buffering=1) as out:
        os.dup2(2, 1)  # what libraries print must not look like an answer
        worker = Worker(sys.argv[1])
        print(json.dumps({"ready": True}), file=out)
        for line in sys.stdin:
            print(json.dumps(worker.answer(json.loads(line))), file=out)


if __name__ == "__main__":
    main()
