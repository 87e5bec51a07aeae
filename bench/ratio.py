"""Medians, ratios within a round, geometric means: the arithmetic of the tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from bench.turns import ENOUGH, Samples


def middle(samples: Samples, clock: str = "wall") -> float:
    """Median ns of a call over the turns that count."""
    times: list[float] = getattr(samples, clock)
    return median([times[at] for at in _counted(samples, clock)])


def _counted(samples: Samples, clock: str) -> list[int]:
    """Numbers of the turns that count: all, where waiting does not."""
    return list(range(len(samples.cpu))) if clock == "cpu" else samples.calm


def ratio(ours: Samples, theirs: Samples, clock: str = "wall") -> float:
    """Median over rounds of our time over theirs, within the round.

    Rounds in which both were undisturbed, if there are enough; else the ratio of the
    medians.
    """
    both = sorted(set(_counted(ours, clock)) & set(_counted(theirs, clock)))
    a: list[float] = getattr(ours, clock)
    b: list[float] = getattr(theirs, clock)
    if len(both) < ENOUGH:
        return middle(ours, clock) / middle(theirs, clock)
    return median([a[at] / b[at] for at in both])


def best(times: Mapping[str, float], among: Sequence[str]) -> str | None:
    """The fastest system of those that were measured."""
    measured = [name for name in among if name in times]
    return min(measured, key=lambda name: times[name], default=None)


def geometric_mean(values: Sequence[float]) -> float:
    """exp of the mean log; NaN of nothing."""
    if not values:
        return math.nan
    return math.exp(math.fsum(map(math.log, values)) / len(values))
