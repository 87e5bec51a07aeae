"""The table of `symnb.ablate`: one row per pass and stage left out, as data.

Units: ns a call, bytes, ulp of the largest magnitude of the worst result. In
reproducible mode times are kept but not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symnb.core.seams import slots
from symnb.options import config

NOTHING, ALL = "(nothing)", "(everything)"  # names of the first and the last row


@dataclass(frozen=True)
class Row:
    """The function without one pass or stage.

    kind     pass | rules | stage | "" for the rows of nothing and everything left out
    same     it is the same program as with it
    ns       median time of a call; None where it does not run
    nbytes   of memory for intermediate values
    kernels  generated loop nests; steps: calls of libraries and NumPy included
    ulp      error of the worst result, in ulp of its largest magnitude
    note     what the stage does, or why there is no program
    """

    name: str
    kind: str
    same: bool = False
    ns: float | None = None
    nbytes: int = 0
    kernels: int = 0
    steps: int = 0
    ulp: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Ablation:
    """The rows of `symnb.ablate`: first with everything, last without anything."""

    name: str
    rows: tuple[Row, ...]
    rounds: int

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no row {name!r}; there are {[r.name for r in self.rows]}")

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def times(self, name: str) -> float:
        """How many times as long a call takes without `name`."""
        base, ns = self.rows[0].ns, self[name].ns
        return ns / base if base and ns else 1.0

    @property
    def head(self) -> tuple[str, ...]:
        """Names of the columns."""
        times = () if config.reproducible else ("time", "")
        return ("without", *times, "memory", "kernels", "error", "")

    @property
    def numbers(self) -> range:
        """Columns of numbers."""
        return range(1, len(self.head) - 1)

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The table as text: one row for each program that differs."""
        return [self._cells(row) for row in self.rows if not row.same]

    @property
    def idle(self) -> list[str]:
        """What is worth nothing here: the program is the same without it."""
        return [row.name for row in self.rows if row.same]

    def _cells(self, row: Row) -> tuple[str, ...]:
        if row.ns is None:
            return (row.name, *[""] * len(self.numbers), row.note)
        first = row is self.rows[0]
        times = _time(row.ns), "" if first else f"{self.times(row.name):.2f}x"
        return (
            row.name,
            *(() if config.reproducible else times),
            _bytes(row.nbytes),
            str(row.kernels),
            f"{row.ulp:.3g} ulp",
            row.note,
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)

    def __str__(self) -> str:
        return str(slots["mimebundle"](self)["text/plain"])

    __repr__ = __str__


def _time(ns: float) -> str:
    for limit, unit in ((1e3, "ns"), (1e6, "us"), (1e9, "ms")):
        if ns < limit:
            return f"{ns * 1e3 / limit:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"


def _bytes(count: int) -> str:
    for limit, unit in ((2**10, "B"), (2**20, "kB"), (2**30, "MB")):
        if count < limit:
            return f"{count * 2**10 / limit:.3g} {unit}"
    return f"{count / 2**30:.3g} GB"
