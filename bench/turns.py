"""Turns: one process per system, one of them running at a time.

A round gives each (system, row) its turn, A B C A B C ..., so that a drift of the
machine's speed meets all of them alike. Turns in which somebody else took the
processor away are thrown out; rounds go on until enough others are there or time is
up, and then the fastest turns count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parent.parent
ENOUGH = 5  # undisturbed turns that make the disturbed ones superfluous
MOST = 6  # times the rounds asked for, while undisturbed turns are missing

Json = dict[str, Any]
Entry = tuple[str, str]  # (system, row)


@dataclass
class Samples:
    """The turns of one system at one row, ns per call."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def add(self, turn: Json) -> None:
        """Take in one turn."""
        self.wall.append(turn["wall"])
        self.cpu.append(turn["cpu"])
        self.taken.append(turn["taken"])

    @property
    def calm(self) -> list[int]:
        """Numbers of the turns to count: the undisturbed, or the fastest few."""
        kept = [at for at, taken in enumerate(self.taken) if not taken]
        if len(kept) >= min(ENOUGH, len(self.wall)):
            return kept
        order = sorted(range(len(self.wall)), key=lambda at: self.wall[at])
        return sorted(order[:ENOUGH])

    @property
    def is_calm(self) -> bool:
        """Whether enough turns were undisturbed."""
        return sum(not taken for taken in self.taken) >= ENOUGH


class Member:
    """One system's process."""

    def __init__(self, system: str, environment: Mapping[str, str]) -> None:
        self.system = system
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", system], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **environment}, bufsize=1,
        )  # fmt: skip
        self.broken = "" if self._read().get("ready") else "does not start"

    def _read(self) -> Json:
        line = self.process.stdout.readline()  # pyright: ignore[reportOptionalMemberAccess]
        return json.loads(line) if line else {}

    def ask(self, **asked: Any) -> Json:
        """The answer to one request."""
        if self.broken:
            return {"failed": self.broken}
        try:
            print(json.dumps(asked), file=self.process.stdin, flush=True)
            answer = self._read()
        except BrokenPipeError:
            answer = {}
        if not answer and self.process.poll() is not None:
            self.broken = f"died ({self.process.returncode})"
            return {"failed": self.broken}
        return answer

    def close(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Turns:
    """The processes of several systems, driven in turn."""

    def __init__(self, environments: Mapping[str, Mapping[str, str]]) -> None:
        self.members = {
            name: Member(name, environment)
            for name, environment in environments.items()
        }

    def __enter__(self) -> Turns:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        for member in self.members.values():
            member.close()

    def ask(self, system: str, **asked: Any) -> Json:
        """The answer of one system to one request."""
        return self.members[system].ask(**asked)

    def play(
        self,
        loops: Mapping[Entry, int],
        rounds: int,
        seconds: float,
        steady: bool = False,
    ) -> dict[Entry, Samples]:
        """The turns of each entry: `rounds` of them, more while some are disturbed.

        seconds  after which no round is begun, three of them played
        steady   play no more than `rounds`: what is read is CPU time
        """
        samples = {entry: Samples() for entry in loops}
        started = time.monotonic()
        for number in range(rounds if steady else MOST * rounds):
            if number >= 3 and time.monotonic() - started > seconds:
                break
            if number >= rounds and all(found.is_calm for found in samples.values()):
                break
            for (system, row), count in loops.items():
                if number >= rounds and samples[system, row].is_calm:
                    continue
                turn = self.ask(system, do="time", row=row, loops=count)
                if "wall" in turn:
                    samples[system, row].add(turn)
        return samples


def present(samples: Mapping[Entry, Samples]) -> Sequence[Entry]:
    """The entries that have a turn to show."""
    return [entry for entry, found in samples.items() if found.wall]
