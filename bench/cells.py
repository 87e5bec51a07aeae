"""The timed rows: every system's time at every row, taken in turns."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers import environment
from bench.ratio import best, middle, ratio
from bench.turns import ENOUGH, Entry, Samples, Turns, present
from bench.workloads import WORKLOADS

OURS = "symnb"
SECONDS = 10.0  # after which a row begins no further round


@dataclass
class Row:
    """One row with some number of threads.

    ns      system -> median ns of a call
    ratios  peer -> symnb's time over its time, median within rounds
    forms   system -> how it differs from the plainest form
    why     system -> why it has no time
    turns   system -> (turns, undisturbed turns)
    """

    ns: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    turns: dict[str, tuple[int, int]] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    first_s: dict[str, float] = field(default_factory=dict)

    def is_calm(self, *systems: str) -> bool:
        """Whether these systems had enough turns nobody else interrupted."""
        return all(self.turns[s][1] >= min(ENOUGH, self.turns[s][0]) for s in systems)

    @property
    def best(self) -> str | None:
        """The fastest peer."""
        return best(self.ns, [name for name in self.ns if name != OURS])

    def ratio_to(self, *peers: str) -> float | None:
        """symnb's time over that of the fastest of these peers."""
        name = best(self.ns, peers)
        return None if name is None else self.ratios.get(name)


def row_of(samples: Mapping[Entry, Samples], made: Mapping[str, Any]) -> Row:
    """The row from the turns played and the answers to `make`."""
    row = Row()
    by_system = {system: samples[system, name] for system, name in present(samples)}
    for system, found in by_system.items():
        row.ns[system] = middle(found)
        row.turns[system] = (len(found.wall), sum(not t for t in found.taken))
        if OURS in by_system and system != OURS:
            row.ratios[system] = ratio(by_system[OURS], found)
    for system, answer in made.items():
        if "loops" in answer:
            row.forms[system] = answer["form"]
            row.errors[system] = answer["error"]
            row.first_s[system] = answer["first_s"]
        else:
            row.why[system] = next(
                (f"{k}: {answer[k]}" for k in ("wrong", "failed") if k in answer),
                answer.get("skip", ""),
            )
    return row


def _play(
    turns: Turns, name: str, systems: Sequence[str], exact: str, rounds: int
) -> Row:
    made = {
        system: turns.ask(system, do="make", row=name, exact=exact)
        for system in systems
    }
    loops = {(s, name): made[s]["loops"] for s in systems if "loops" in made[s]}
    row = row_of(turns.play(loops, rounds, SECONDS), made)
    for system in systems:
        turns.ask(system, do="drop", row=name)
    return row


def measured(
    rows: Sequence[str], systems: Sequence[str], threads: int, rounds: int
) -> dict[str, Row]:
    """Every row with that many threads; progress is told on standard error."""
    found: dict[str, Row] = {}
    folder = tempfile.TemporaryDirectory()
    with folder, Turns({s: environment(s, threads) for s in systems}) as turns:
        for name in rows:
            started = time.monotonic()
            work = WORKLOADS[name]
            exact = str(Path(folder.name, "exact.npz"))
            np.savez(exact, *work.exact(work.data()))
            row = found[name] = _play(turns, name, systems, exact, rounds)
            own, peer = row.ns.get(OURS), row.best
            told = f"{row.ratios[peer]:.2f} of {peer}" if own and peer else ""
            spent = time.monotonic() - started
            print(f"{threads} thread(s) {name:<16} {told:<28} {spent:.0f} s",
                  file=sys.stderr, flush=True)  # fmt: skip
    return found
