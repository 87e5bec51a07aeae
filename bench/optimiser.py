"""CPU time per node of the whole default pipeline, beside PyTensor's.

Graphs of three kinds and sizes (bench/graphs.py), every size with recording on and
off, all in turn with PyTensor's FAST_RUN rewriting in a process of its own. Time is
CPU time, so that a busy machine matters little. PyTensor plays at 1,000 nodes only: a
round at 10,000 takes it a minute or two, at 50,000 a quarter of an hour.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.graphs import KINDS, SIZES
from bench.peers import environment
from bench.ratio import middle, ratio
from bench.turns import Entry, Samples, Turns

OURS, PEER = "symnb-optimiser", "pytensor-optimiser"
ROUNDS = 15
SECONDS = 600.0
FEW = 20_000  # nodes rewritten in one turn, at least: small graphs several times

MUST_US, AIM_US = 50.0, 25.0
MUST_PEER, MUST_GROWTH, MUST_RECORDING = 15.0, 1.3, 1.10


@dataclass(frozen=True)
class Cost:
    """What one kind of graph costs.

    us         size -> microseconds per node, recording on
    growth     per node, largest size over smallest, within a round
    recording  size -> time with recording over time without
    peer       size -> PyTensor's microseconds per node
    """

    us: dict[int, float]
    growth: float
    recording: dict[int, float]
    peer: dict[int, float]

    @property
    def advantage(self) -> dict[int, float]:
        """Size -> how many times less symnb takes per node."""
        return {size: theirs / self.us[size] for size, theirs in self.peer.items()}

    @property
    def missed(self) -> list[str]:
        """The promises not kept."""
        found = [f"{us:.1f} us at {n}" for n, us in self.us.items() if us > MUST_US]
        if self.growth > MUST_GROWTH:
            found.append(f"growth {self.growth:.2f}")
        if median(self.recording.values()) > MUST_RECORDING:
            found.append(f"recording {median(self.recording.values()):.2f}")
        for size, times in self.advantage.items():
            if times < MUST_PEER:
                found.append(f"{times:.1f} times at {size}")
        return found


def _name(kind: str, size: int, end: str = "") -> str:
    return f"optimise_{kind}_{size}{end}"


def cost(
    kind: str, samples: Mapping[Entry, Samples], nodes: Mapping[Entry, float]
) -> Cost:
    """The cost of one kind from the turns played."""

    def each(system: str, size: int) -> float | None:
        entry = (system, _name(kind, size))
        found = samples.get(entry)
        if found is None or not found.cpu:
            return None
        return middle(found, "cpu") / nodes[entry] / 1e3

    sizes = [size for size in SIZES if each(OURS, size) is not None]
    us = {size: each(OURS, size) or 0.0 for size in sizes}
    small, large = ((OURS, _name(kind, size)) for size in (sizes[0], sizes[-1]))
    growth = ratio(samples[large], samples[small], "cpu")
    growth *= nodes[small] / nodes[large]
    recording = {
        size: ratio(samples[OURS, _name(kind, size)],
                    samples[OURS, _name(kind, size, "_silent")], "cpu")
        for size in sizes
    }  # fmt: skip
    peer = {size: each(PEER, size) for size in sizes}
    return Cost(us, growth, recording, {n: v for n, v in peer.items() if v is not None})


def measure(rounds: int = ROUNDS) -> dict[str, Cost]:
    """The cost of every kind, in one interleaved run."""
    systems = {name: environment(name, 1) for name in (OURS, PEER)}
    nodes: dict[Entry, float] = {}
    loops: dict[Entry, int] = {}
    with Turns(systems) as turns:
        for size in SIZES:
            for kind in KINDS:
                asked = [
                    (OURS, _name(kind, size)),
                    (OURS, _name(kind, size, "_silent")),
                ]
                asked += [(PEER, _name(kind, size))] if size == SIZES[0] else []
                for entry in asked:
                    made = turns.ask(entry[0], do="make", row=entry[1], exact="")
                    if "loops" not in made:
                        print(*entry, made, file=sys.stderr)
                    else:
                        nodes[entry] = made["facts"]["nodes"]
                        once = entry[0] == PEER or size > FEW
                        loops[entry] = 1 if once else max(1, FEW // size)
        samples = turns.play(loops, rounds, SECONDS, steady=True)
    return {kind: cost(kind, samples, nodes) for kind in KINDS}


def table(costs: Mapping[str, Cost]) -> str:
    """The costs as a Markdown table."""
    lines = [
        "| graph | us per node at " + " / ".join(f"{n:,}" for n in SIZES)
        + " nodes | growth | recording | PyTensor, us per node | times less | missed |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for kind, found in costs.items():
        own = " / ".join(f"{us:.1f}" for us in found.us.values())
        peer = ", ".join(f"{us:.0f} at {n:,}" for n, us in found.peer.items())
        less = ", ".join(f"{times:.0f}" for times in found.advantage.values())
        cost_of_recording = 100 * (median(found.recording.values()) - 1)
        lines.append(
            f"| {kind} | {own} | {found.growth:.2f} | {cost_of_recording:+.0f} % "
            f"| {peer} | {less} | {', '.join(found.missed)} |"
        )
    lines.append(
        f"| must | {MUST_US:.0f}, aim {AIM_US:.0f} | {MUST_GROWTH} | "
        f"{100 * (MUST_RECORDING - 1):+.0f} % | | {MUST_PEER:.0f} | |"
    )
    return "\n".join(lines)


def as_json(costs: Mapping[str, Cost]) -> dict[str, Any]:
    """The costs as plain values."""
    return {
        kind: {
            "us_per_node": found.us, "growth": found.growth,
            "recording": found.recording, "pytensor_us_per_node": found.peer,
            "times_less": found.advantage, "missed": found.missed,
        }
        for kind, found in costs.items()
    }  # fmt: skip
