"""Timing two or more callables fairly on a machine other people use too.

The candidates are run in turn, A B C A B C ..., in rounds of about a millisecond
each; the median over rounds of the ratio within a round is what is reported, so that
a drift of the machine's speed cancels.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUND_NS = 1_000_000  # time given to each candidate in one round
ROUNDS = 41


@dataclass(frozen=True)
class Timing:
    """Median ns of one call, and the median ratio to the first candidate."""

    ns: float
    ratio: float


def _loops(call: Callable[[], object]) -> int:
    """Calls that take about one round."""
    loops = 1
    while True:
        started = time.perf_counter_ns()
        for _ in range(loops):
            call()
        spent = time.perf_counter_ns() - started
        if spent > ROUND_NS // 4 or loops > 1_000_000:
            return max(1, int(loops * ROUND_NS / max(spent, 1)))
        loops *= 4


def compare(
    candidates: Mapping[str, Callable[[], object]], rounds: int = ROUNDS
) -> dict[str, Timing]:
    """Timing of each candidate; `ratio` is its time over the first one's."""
    loops = {name: _loops(call) for name, call in candidates.items()}
    spent: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            count = loops[name]
            started = time.perf_counter_ns()
            for _ in range(count):
                call()
            spent[name].append((time.perf_counter_ns() - started) / count)
    first = spent[next(iter(candidates))]
    return {
        name: Timing(
            statistics.median(times),
            statistics.median(t / f for t, f in zip(times, first, strict=True)),
        )
        for name, times in spent.items()
    }
