"""The run as tables: times, ratios to the best peer and to the roof, musts, means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.cells import OURS, Row
from bench.limits import Limits
from bench.musts import MEANS, MUSTS
from bench.ratio import geometric_mean
from bench.workloads import WORKLOADS

Cells = Mapping[int, Mapping[str, Row]]  # threads -> row -> measured
DISTURBED = " ~"  # too few turns without somebody else on the processor
PYTENSOR = ("pytensor-numba", "pytensor-c")


def duration(ns: float) -> str:
    """1.23 us: three digits and a unit."""
    for unit, scale in (("ns", 1.0), ("us", 1e3), ("ms", 1e6)):
        if ns < 999.5 * scale:
            return f"{ns / scale:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"


def times(
    rows: Mapping[str, Row], systems: Sequence[str], limits: Limits | None
) -> str:
    """One line per row: every system's median time, the best peer's in bold."""
    head = ["work", *systems, "roof", "symnb / roof"]
    lines = [_line(head), _line(["---"] * len(head))]
    for name, row in rows.items():
        cells = [name]
        for system in systems:
            if system in row.ns:
                text = duration(row.ns[system])
                text = f"**{text}**" if system == row.best else text
                text += "" if row.is_calm(system) else DISTURBED
                cells.append(f"{text} {row.forms.get(system, '')}".strip())
            else:
                cells.append(row.why.get(system, "") or "–")
        roof = limits.roof(WORKLOADS[name]) if limits is not None else None
        ours = row.ns.get(OURS)
        cells.append("" if roof is None else duration(roof))
        cells.append("" if roof is None or ours is None else f"{ours / roof:.1f}")
        lines.append(_line(cells))
    return "\n".join(lines)


def missed(cells: Cells) -> list[tuple[str, int, float, float]]:
    """(row, threads, ratio to the best peer, must) of the rows that miss their must."""
    found: list[tuple[str, int, float, float]] = []
    for threads, rows in cells.items():
        for name, row in rows.items():
            must, peer = MUSTS.get(name), row.best
            if must is None or peer is None or peer not in row.ratios:
                continue
            if row.ratios[peer] > must.of(threads):
                found.append((name, threads, row.ratios[peer], must.of(threads)))
    return found


def ratios(cells: Cells) -> str:
    """One line per row: ratio to the best peer beside the must, for each number of
    threads."""
    numbers = list(cells)
    head = ["work"]
    for n in numbers:
        head += [f"{n} thread{'s' * (n > 1)}", "must", "best peer"]
    lines = [_line(head), _line(["---"] * len(head))]
    names = dict.fromkeys(name for rows in cells.values() for name in rows)
    for name in names:
        line = [name]
        for n in numbers:
            line += _ratio(name, n, cells[n].get(name))
        lines.append(_line(line))
    return "\n".join(lines)


def _ratio(name: str, threads: int, row: Row | None) -> list[str]:
    peer = row.best if row is not None else None
    must = MUSTS[name].of(threads) if name in MUSTS else None
    bound = "" if must is None else f"{must:g}"
    if row is None or peer is None or peer not in row.ratios:
        return ["", bound, ""]
    value = f"{row.ratios[peer]:.2f}"
    if must is not None and row.ratios[peer] > must:
        value = f"**{value}** missed"
    value += "" if row.is_calm(OURS, peer) else DISTURBED
    return [value, bound, peer]


def means(cells: Cells) -> dict[str, float]:
    """Geometric means of the ratios over the rows with a must, all threads."""
    found: dict[str, list[float]] = {name: [] for name in MEANS}
    for rows in cells.values():
        for name, row in rows.items():
            if name not in MUSTS or OURS not in row.ns:
                continue
            peers = [s for s in row.ns if s != OURS]
            for against, among in (
                ("best peer", peers), ("jax", ["jax"]), ("pytensor", PYTENSOR),
            ):  # fmt: skip
                value = row.ratio_to(*among)
                if value is not None:
                    found[against].append(value)
    return {name: geometric_mean(values) for name, values in found.items() if values}


def mean_table(cells: Cells) -> str:
    """The geometric means beside their musts."""
    lines = ["| geometric mean against | measured | must |", "|---|---|---|"]
    for name, value in means(cells).items():
        told = f"{value:.2f}" + (" **missed**" if value > MEANS[name] else "")
        lines.append(f"| {name} | {told} | {MEANS[name]} |")
    return "\n".join(lines)


def seconds_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """First results and imports: seconds of every system, ratio to the named peer."""
    systems = list(dict.fromkeys(s for each in rows.values() for s in each))
    head = ["", *systems, "ratio", "must"]
    lines = [_line(head), _line(["---"] * len(head))]
    for name, each in rows.items():
        cells = [name, *(f"{each[s]:.3g}" if s in each else "–" for s in systems)]
        value, must = ratio_of_seconds(name, each), MUSTS.get(name)
        told = "" if value is None else f"{value:.2f} of {must.peer if must else ''}"
        if value is not None and must is not None and value > must.of(1):
            told = f"**{told}** missed"
        lines.append(_line([*cells, told, f"{must.of(1):g}" if must else ""]))
    return "\n".join(lines)


def ratio_of_seconds(name: str, each: Mapping[str, float]) -> float | None:
    """symnb's seconds over those of the peer the must names."""
    must = MUSTS.get(name)
    if must is None or must.peer not in each or OURS not in each:
        return None
    return each[OURS] / each[must.peer]


def limits_table(limits: Mapping[int, Limits]) -> str:
    """The machine's limits, one line per number of threads."""
    first = next(iter(limits.values()))
    head = ["threads", *(f"read, {size >> 10} KiB" for size in first.read),
            "triad in memory", "float32 FMA"]  # fmt: skip
    lines = [_line(head), _line(["---"] * len(head))]
    for threads, found in limits.items():
        rates = [f"{rate / 1e9:.0f} GB/s" for rate in found.read.values()]
        lines.append(_line([
            str(threads), *rates, f"{found.triad / 1e9:.0f} GB/s",
            f"{found.flops / 1e9:.0f} GFLOP/s",
        ]))  # fmt: skip
    return "\n".join(lines)


def as_json(cells: Cells) -> dict[str, Any]:
    """The cells as plain values."""
    return {
        str(threads): {
            name: vars(row) | {"best": row.best} for name, row in rows.items()
        }
        for threads, rows in cells.items()
    }


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
