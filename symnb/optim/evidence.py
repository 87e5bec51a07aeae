"""What was measured of every rule, kept in `evidence.tsv` so that showing it is free.

One line a rule; written by `python -m tools.optimizations`, read when a rule is first
shown, 2 ms. A rule that says something else than when it was measured has no evidence.
Units: errors in ulp where the two sides differ, (median, 99th percentile).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from symnb.optim.rule import Rule

KEPT = Path(__file__).with_name("evidence.tsv")
TINY = 0.01  # ulp; smaller errors are those of the exact value, not of the rule


@dataclass(frozen=True)
class Measured:
    """One line of the data file.

    form     number of the rule's text, condition and contract: another one is stale
    left     (median, 99th percentile) of the error in ulp where the sides differ
    """

    rule: str
    form: str
    dtypes: str
    samples: int
    same: int
    left: tuple[float, float]
    right: tuple[float, float]

    @property
    def line(self) -> str:
        """As kept."""
        errors = "\t".join(f"{e:.3g}" for e in (*self.left, *self.right))
        counts = f"{self.samples}\t{self.same}"
        return f"{self.rule}\t{self.form}\t{self.dtypes}\t{counts}\t{errors}"

    @property
    def text(self) -> str:
        """As a table shows it."""
        if self.same == self.samples:
            return f"{self.samples} equal"
        return f"{_ulp(self.left)} → {_ulp(self.right)}"


def _ulp(errors: tuple[float, float]) -> str:
    return " / ".join("0" if e < TINY else f"{e:.2g}" for e in errors)


def form_of(rule: Rule) -> str:
    """Changes with what the rule says."""
    parts = (rule.text, rule.where_text, rule.contract.stated)
    return f"{zlib.crc32(' | '.join(parts).encode()):08x}"


def kept() -> dict[str, Measured]:
    """Rule -> what was measured of it."""
    found: dict[str, Measured] = {}
    lines = KEPT.read_text("utf-8").splitlines() if KEPT.exists() else []
    for line in lines:
        if line.startswith("#"):
            continue
        name, form, dtypes, samples, same, *errors = line.split("\t")
        a, b, c, d = map(float, errors)
        found[name] = Measured(
            name, form, dtypes, int(samples), int(same), (a, b), (c, d)
        )
    return found


_kept = lru_cache(maxsize=1)(kept)  # as it was when the first rule was shown


def known(rule: Rule) -> Measured | None:
    """What was measured of a rule that still says the same, else None."""
    seen = _kept().get(rule.name)
    return seen if seen is not None and seen.form == form_of(rule) else None
