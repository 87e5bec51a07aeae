"""Edges of a placed picture: vertical and horizontal pieces, and the rank heights.

Between two ranks every source has one horizontal bus; buses that would touch get
tracks of their own, and a bus whose source stands where another bus comes down is
put above it. Runs once per picture, O(edges). Invariant: two different sources never
share a piece of line. Units: pixels. Source: left-edge channel routing, Hashimoto &
Stevens 1971.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from symnb.viz.place import Grid

ABOVE_TRACKS = 9
BELOW_TRACKS = 12
TRACK = 5
PORT = 22
NEAR = 4
RANK_GAP = 22
GROUP_TOP = 20
GROUP_BOTTOM = 12
CROWDED = 300


@dataclass(slots=True)
class Bus:
    """The pieces that leave one cell downwards: `ends` are x of their lower ends."""

    cell: int
    x: int
    ends: dict[int, int] = field(default_factory=dict)
    track: int = -1

    @property
    def bends(self) -> bool:
        """Whether the bus has a horizontal piece."""
        return any(end != self.x for end in self.ends.values())

    @property
    def extent(self) -> tuple[int, int]:
        """Leftmost and rightmost x."""
        xs = [self.x, *self.ends.values()]
        return min(xs), max(xs)


@dataclass(slots=True)
class Routed:
    """Top and height of every rank, the edges' paths and the groups' rectangles.

    spans  y at which each path starts and ends
    """

    tops: list[int]
    heights: list[int]
    paths: list[tuple[int, ...]]
    boxes: list[tuple[int, int, int, int, int]]
    spans: list[tuple[int, int]]
    bottom: int


def route(grid: Grid, sizes: Sequence[tuple[int, int]]) -> Routed:
    """Paths for `grid.paths`; `sizes` are width and height of the items."""
    count = 1 + max(grid.rank, default=0)
    heights = [0] * count
    for item, (_, height) in enumerate(sizes):
        if grid.rank[item] >= 0:
            heights[grid.rank[item]] = max(heights[grid.rank[item]], height)
    channels = _channels(grid, sizes, count)
    for buses in channels:
        _assign_tracks(buses)
    first, last = _group_ranks(grid)
    tops = [0] * count
    bases = [0] * count
    at = GROUP_TOP if 0 in first.values() else 0
    for rank in range(count):
        tops[rank] = at
        tracks = 1 + max((bus.track for bus in channels[rank].values()), default=-1)
        room = ABOVE_TRACKS + TRACK * max(0, tracks - 1) + BELOW_TRACKS
        below = GROUP_BOTTOM if rank in last.values() else 0
        bases[rank] = at + heights[rank] + below + ABOVE_TRACKS
        at += heights[rank] + below + max(RANK_GAP, room)
        at += GROUP_TOP if rank + 1 in first.values() else 0
    paths = [_path(grid, path, channels, bases) for path in grid.paths]
    bottom = tops[-1] + heights[-1] if count else 0
    boxes = []
    for group, (left, right) in sorted(grid.columns.items()):
        top = tops[first[group]] - GROUP_TOP
        end = tops[last[group]] + heights[last[group]] + GROUP_BOTTOM
        boxes.append((group, left, top, right - left, end - top))
        bottom = max(bottom, end)
    spans = [
        (tops[grid.rank[path[0]]], tops[grid.rank[path[-1]]]) for path in grid.paths
    ]
    return Routed(tops, heights, paths, boxes, spans, bottom)


def _group_ranks(grid: Grid) -> tuple[dict[int, int], dict[int, int]]:
    """First and last rank of every group."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for group, rank in zip(grid.group, grid.rank, strict=True):
        if group >= 0 and rank >= 0:
            first[group] = min(first.get(group, rank), rank)
            last[group] = max(last.get(group, rank), rank)
    return first, last


def _channels(
    grid: Grid, sizes: Sequence[tuple[int, int]], count: int
) -> list[dict[int, Bus]]:
    """For the channel below each rank, the bus of every cell that has one."""
    channels: list[dict[int, Bus]] = [{} for _ in range(count)]
    arrivals: dict[int, list[int]] = {}
    for path in grid.paths:
        for upper, lower in pairwise(path):
            buses = channels[grid.rank[upper]]
            if upper not in buses:
                buses[upper] = Bus(upper, grid.x[upper])
            if lower not in buses[upper].ends:
                buses[upper].ends[lower] = grid.x[lower]
                arrivals.setdefault(lower, []).append(upper)
    for lower, uppers in arrivals.items():
        if lower < len(sizes):
            uppers.sort(key=lambda cell: (grid.x[cell], cell))
            ports = _ports([grid.x[c] for c in uppers], grid.x[lower], sizes[lower][0])
            for upper, port in zip(uppers, ports, strict=True):
                channels[grid.rank[upper]][upper].ends[lower] = port
    return channels


def _ports(sources: Sequence[int], centre: int, width: int) -> list[int]:
    """Where edges from `sources`, left to right, enter a box of this width."""
    count = len(sources)
    room = max(0, width - 20)
    step = min(PORT, room // count)
    reach = min(room // 2, PORT) if count == 1 else step // 2
    ports = []
    for i, source in enumerate(sources):
        port = centre + (2 * i - count + 1) * step // 2
        ports.append(source if abs(source - port) <= reach else port)
    return ports


def _assign_tracks(buses: dict[int, Bus]) -> None:
    """Give every bus that bends a track; 0 is the highest."""
    bent = [bus for bus in buses.values() if bus.bends]
    if len(bent) == 1:
        bent[0].track = 0
        return
    level = _levels(bent) if len(bent) <= CROWDED else [0] * len(bent)
    order = sorted(range(len(bent)), key=lambda i: (level[i], bent[i].extent, i))
    ends: list[list[tuple[int, int]]] = []
    for i in order:
        low, high = bent[i].extent
        track = level[i]
        while track < len(ends) and any(
            low <= b + NEAR and a - NEAR <= high for a, b in ends[track]
        ):
            track += 1
        while len(ends) <= track:
            ends.append([])
        ends[track].append((low, high))
        bent[i].track = track


def _levels(bent: Sequence[Bus]) -> list[int]:
    """How many tracks must lie above each bus: where bus a starts, b comes down."""
    above: list[list[int]] = [[] for _ in bent]
    for b, bus in enumerate(bent):
        for a, other in enumerate(bent):
            if a != b and any(abs(other.x - end) < NEAR for end in bus.ends.values()):
                above[b].append(a)
    level = [0] * len(bent)
    for _ in range(min(4, len(bent))):
        for b, others in enumerate(above):
            for a in others:
                level[b] = max(level[b], level[a] + 1)
    return [min(n, 4) for n in level]


def _path(
    grid: Grid,
    path: Sequence[int],
    channels: Sequence[dict[int, Bus]],
    bases: Sequence[int],
) -> tuple[int, ...]:
    """x, then (y of a horizontal piece, x after it) for each bend."""
    points = [grid.x[path[0]]]
    for upper, lower in pairwise(path):
        rank = grid.rank[upper]
        bus = channels[rank][upper]
        end = bus.ends[lower]
        if end != points[-1]:
            points += [bases[rank] + TRACK * max(0, bus.track), end]
    return tuple(points)
