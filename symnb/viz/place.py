"""Left-to-right order and x coordinates of the cells of a layered picture.

A cell is an item or the point where a long edge passes a rank. Cells that must keep
together form blocks: the points of one edge (so that it runs straight down) and the
members of one group (so that it is a rectangle). Each sweep sorts all blocks by where
their neighbours are, then packs them from the left and from the right and takes the
mean; both packings respect the distances, hence so does the mean.
Runs once per picture, O(sweeps * cells). Invariants: cells of one rank do not
overlap; a group's columns hold no foreign cell. Units: pixels, inside times `FINE`.
Source: barycentre method of Sugiyama, Tagawa & Toda 1981.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FINE = 8
GAP = 12
GROUP_PAD = 10
BIG = 2000
SMALL = 400
SWEEPS = 14
BIG_SWEEPS = 3
ONE_TO_ONE = 4
TAB_CLEAR = 26
FAR = 1 << 40

Row = tuple[int, int, int]
Link = tuple[int, int, int]


@dataclass(slots=True)
class Grid:
    """Cells as columns: rank, room left and right of the centre, group, long edge.

    Items come first, then the points of long edges; rank -1 means "in no rank".
    `paths` has the cells each edge visits, top to bottom; `place` fills the rest.
    """

    rank: list[int]
    left: list[int]
    right: list[int]
    group: list[int]
    chain: list[int]
    paths: list[list[int]] = field(default_factory=list)
    x: list[int] = field(default_factory=list)
    columns: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Blocks:
    """Rigid sets of cells; rows are (rank, left, right) about the block's own x.

    up, down  (other block, shift, weight): x would like to be x[other] + shift
    pull      (sum, count) of wishes from fixed cells elsewhere
    pieces    rank -> (upper block, its port, lower block, its port) to count crossings
    """

    rows: list[list[Row]] = field(default_factory=list)
    up: list[list[Link]] = field(default_factory=list)
    down: list[list[Link]] = field(default_factory=list)
    pull: list[tuple[int, int]] = field(default_factory=list)
    pieces: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=dict)

    def add(self, row: Row) -> int:
        """The number of a new block that has one row."""
        self.rows.append([row])
        self.up.append([])
        self.down.append([])
        self.pull.append((0, 0))
        return len(self.rows) - 1


def place(grid: Grid, tabs: Sequence[int], hint: Mapping[int, int]) -> None:
    """Fill `grid.x` and `grid.columns` (group -> left, right), leftmost at 0.

    tabs  least width of each group
    hint  earlier x of some items
    """
    links = _cell_links(grid)
    count = len(grid.rank)
    homes = _homes(grid, len(tabs))
    start = [FINE * hint.get(cell, 0) for cell in range(count)]
    known = [cell in hint for cell in range(count)]
    grid.x = list(start)
    for again in (False, True) if len(homes) > 1 else (False,):
        settled = list(grid.x)
        for group, cells in homes.items():
            if group >= 0:
                sides = grid.columns[group] if again else None
                wishes = _within(settled, sides) if sides else None
                _place_home(grid, cells, links, known, wishes, ())
                grid.columns[group] = _columns(grid, cells, tabs[group])
        groups = [group for group in homes if group >= 0]
        _place_home(grid, homes.get(-1, []), links, known, None, groups, homes)
        known = [True] * count
    _shift_to_zero(grid)


def _within(x: Sequence[int], sides: tuple[int, int]) -> list[int]:
    """`x` brought inside the sides of a group, so that no wish widens it."""
    left, right = sides
    return [min(max(value, left), right) for value in x]


def _homes(grid: Grid, groups: int) -> dict[int, list[int]]:
    """Cells by group, -1 for those in none; cells in no rank are left out."""
    homes: dict[int, list[int]] = {}
    for group in [*range(groups), -1]:
        cells = [
            c for c, home in enumerate(grid.group) if home == group and grid.rank[c] >= 0
        ]
        if cells:
            homes[group] = cells
    return homes


def _cell_links(grid: Grid) -> list[tuple[int, int, int]]:
    """(upper cell, lower cell, weight) once for each drawn piece of an edge."""
    pieces: dict[tuple[int, int], None] = {}
    for path in grid.paths:
        for upper, lower in zip(path, path[1:], strict=False):
            pieces[upper, lower] = None
    out = [0] * len(grid.rank)
    into = [0] * len(grid.rank)
    for upper, lower in pieces:
        out[upper] += 1
        into[lower] += 1
    return [
        (upper, lower, ONE_TO_ONE if out[upper] == 1 and into[lower] == 1 else 1)
        for upper, lower in pieces
    ]


def _columns(grid: Grid, cells: Sequence[int], tab: int) -> tuple[int, int]:
    """Left and right side of the rectangle round a group's cells."""
    pad = GROUP_PAD * FINE
    left = min(grid.x[c] - grid.left[c] * FINE for c in cells) - pad
    right = max(grid.x[c] + grid.right[c] * FINE for c in cells) + pad
    first = min(grid.rank[c] for c in cells)
    entry = min(grid.x[c] for c in cells if grid.rank[c] == first)
    left = min(left, entry - (tab + TAB_CLEAR) * FINE)
    return left, max(right, left + tab * FINE)


def _place_home(
    grid: Grid,
    cells: Sequence[int],
    links: Sequence[tuple[int, int, int]],
    known: Sequence[bool],
    settled: Sequence[int] | None,
    groups: Sequence[int],
    homes: Mapping[int, list[int]] | None = None,
) -> None:
    """Move `cells` and, as rigid rectangles, `groups` to their places.

    settled  x of the cells outside that pull on these; None to heed none
    """
    blocks = Blocks()
    home: dict[int, tuple[int, int]] = {}
    start: list[int | None] = []
    chains: dict[int, int] = {}
    half = GAP * FINE // 2
    for cell in cells:
        row = (
            grid.rank[cell],
            grid.left[cell] * FINE + half,
            grid.right[cell] * FINE + half,
        )
        chain = grid.chain[cell]
        if chain >= 0 and chain in chains:
            blocks.rows[chains[chain]].append(row)
        else:
            chains[chain] = blocks.add(row)
            start.append(grid.x[cell] if known[cell] else None)
        home[cell] = (chains[chain], 0)
    for group in groups:
        members = (homes or {})[group]
        block = _add_group(blocks, grid, group, members)
        start.append(grid.columns[group][0] if known[members[0]] else None)
        for cell in members:
            home[cell] = (block, grid.x[cell] - grid.columns[group][0])
    _link(blocks, grid.rank, home, links, settled)
    x = _solve(blocks, start)
    for cell, (block, offset) in home.items():
        grid.x[cell] = x[block] + offset
    for group in groups:
        left, right = grid.columns[group]
        at = x[home[(homes or {})[group][0]][0]]
        grid.columns[group] = (at, at + right - left)


def _add_group(
    blocks: Blocks, grid: Grid, group: int, members: Sequence[int]
) -> int:
    """A block for a whole group; its x is the group's left side."""
    ranks = [grid.rank[cell] for cell in members]
    left, right = grid.columns[group]
    half = GAP * FINE // 2
    rows = [
        (rank, half, right - left + half) for rank in range(min(ranks), max(ranks) + 1)
    ]
    block = blocks.add(rows[0])
    blocks.rows[block] = rows
    return block


def _link(
    blocks: Blocks,
    ranks: Sequence[int],
    home: Mapping[int, tuple[int, int]],
    links: Sequence[tuple[int, int, int]],
    settled: Sequence[int] | None,
) -> None:
    """Turn links between cells into links between blocks and pulls from outside."""
    for upper, lower, weight in links:
        above = home.get(upper)
        below = home.get(lower)
        if above and below:
            if above[0] != below[0]:
                shift = above[1] - below[1]
                blocks.up[below[0]].append((above[0], shift, weight))
                blocks.down[above[0]].append((below[0], -shift, weight))
                blocks.pieces.setdefault(ranks[upper], []).append((*above, *below))
        elif settled is not None and (above or below):
            inside, other = (above, lower) if above else (below, upper)
            if inside:
                total, count = blocks.pull[inside[0]]
                wish = settled[other] - inside[1]
                blocks.pull[inside[0]] = (total + wish, count + 1)


def _solve(blocks: Blocks, start: Sequence[int | None]) -> list[int]:
    """x of every block: the order with the fewest crossings met, then straightened."""
    guess = _first_guess(blocks, start)
    count = len(guess)
    if not count:
        return guess
    sweeps = SWEEPS if count <= BIG else BIG_SWEEPS
    both = [up + down for up, down in zip(blocks.up, blocks.down, strict=True)]
    starts = [guess]
    if count <= SMALL:
        starts += [[-x for x in guess], [x * ((b % 5) - 2) for b, x in enumerate(guess)]]
    found = [_order(blocks, both, x, sweeps, phase) for phase, x in enumerate(starts)]
    _, order, x = min(found, key=lambda result: result[0])
    for _ in range(sweeps):
        x = _pack(blocks.rows, order, _wishes(blocks, both, x))
    return _straighten(blocks, order, x)


def _order(
    blocks: Blocks,
    both: Sequence[Sequence[Link]],
    x: Sequence[int],
    sweeps: int,
    phase: int,
) -> tuple[tuple[int, int], list[int], list[int]]:
    """(cost, order, x) of the best order met in a number of sweeps."""
    count = len(x)
    order = sorted(range(count), key=lambda b: (x[b], b))
    x = _pack(blocks.rows, order, x)
    best = (_cost(blocks, x), order, x)
    for sweep in range(sweeps):
        links = (blocks.down, blocks.up, both)[(sweep + phase) % 3]
        want = _wishes(blocks, links, x)
        ranked = sorted(zip(want, x, range(count), strict=True))
        order = [block for _, _, block in ranked]
        x = _pack(blocks.rows, order, want)
        cost = _cost(blocks, x)
        if cost < best[0]:
            best = (cost, order, x)
    return best


def _straighten(blocks: Blocks, order: Sequence[int], x: list[int]) -> list[int]:
    """Move blocks exactly below the one block they hang from, where there is room."""
    beside: dict[int, tuple[list[int], list[int]]] = {b: ([], []) for b in order}
    last: dict[int, int] = {}
    for block in order:
        for rank, _, _ in blocks.rows[block]:
            if rank in last:
                beside[block][0].append(last[rank])
                beside[last[rank]][1].append(block)
            last[rank] = block
    width = [
        (max(row[1] for row in rows), max(row[2] for row in rows)) for rows in blocks.rows
    ]
    for block in sorted(order, key=lambda b: (blocks.rows[b][0][0], b)):
        for other, shift, weight in blocks.up[block]:
            want = x[other] + shift
            if weight < ONE_TO_ONE:
                continue
            before, after = beside[block]
            left, right = width[block]
            if all(x[o] + width[o][1] + left <= want for o in before) and all(
                want + right <= x[o] - width[o][0] for o in after
            ):
                x[block] = want
    return x


def _first_guess(blocks: Blocks, start: Sequence[int | None]) -> list[int]:
    """The given x, else the mean of the blocks above, else the next free place."""
    x = [0] * len(start)
    free: dict[int, int] = {}
    ready = [at is not None for at in start]
    order = sorted(range(len(start)), key=lambda b: (blocks.rows[b][0][0], b))
    for block in order:
        rank, left, right = blocks.rows[block][0]
        at = start[block]
        above = [(o, s) for o, s, _ in blocks.up[block] if ready[o]]
        if at is not None:
            x[block] = at
        elif above:
            total = 0
            for other, shift in above:
                total += x[other] + shift
            x[block] = total // len(above)
        else:
            x[block] = free.get(rank, 0) + left
        free[rank] = max(free.get(rank, 0), x[block] + right)
        ready[block] = True
    return x


def _wishes(
    blocks: Blocks, links: Sequence[Sequence[Link]], x: Sequence[int]
) -> list[int]:
    """Where each block would like to be: the weighted mean of its neighbours."""
    want = list(x)
    for block, near in enumerate(links):
        total, count = blocks.pull[block]
        for other, shift, weight in near:
            total += (x[other] + shift) * weight
            count += weight
        if count:
            want[block] = total // count
    return want


def _pack(
    rows: Sequence[Sequence[Row]], order: Sequence[int], want: Sequence[int]
) -> list[int]:
    """x near `want`, in this order, without overlap in any rank."""
    ranks = 1 + max(row[-1][0] for row in rows)
    low = list(want)
    edge = [-FAR] * ranks
    for block in order:
        at = want[block]
        for rank, left, _ in rows[block]:
            if edge[rank] + left > at:
                at = edge[rank] + left
        for rank, _, right in rows[block]:
            edge[rank] = at + right
        low[block] = at
    high = list(want)
    edge = [FAR] * ranks
    for block in reversed(order):
        at = want[block]
        for rank, _, right in rows[block]:
            if edge[rank] - right < at:
                at = edge[rank] - right
        for rank, left, _ in rows[block]:
            edge[rank] = at - left
        high[block] = at
    return [(a + b) // 2 for a, b in zip(low, high, strict=True)]


def _cost(blocks: Blocks, x: Sequence[int]) -> tuple[int, int]:
    """Crossings (not counted in big pictures), then horizontal length of the links."""
    length = 0
    for block, near in enumerate(blocks.up):
        for other, shift, weight in near:
            length += abs(x[block] - x[other] - shift) * weight
    crossings = 0
    if len(x) <= BIG:
        for pieces in blocks.pieces.values():
            ends = sorted((x[a] + p, x[b] + q) for a, p, b, q in pieces)
            lower: list[int] = []
            for _, lower_x in ends:
                crossings += len(lower) - bisect_right(lower, lower_x)
                insort(lower, lower_x)
    return crossings, length


def _shift_to_zero(grid: Grid) -> None:
    """Move everything so that the leftmost point is 0, and go to whole pixels."""
    least = FAR
    for cell, x in enumerate(grid.x):
        if grid.rank[cell] >= 0:
            least = min(least, x - grid.left[cell] * FINE)
    for left, _ in grid.columns.values():
        least = min(least, left)
    grid.x = [(x - least) // FINE for x in grid.x]
    for group, (left, right) in grid.columns.items():
        grid.columns[group] = ((left - least) // FINE, (right - least) // FINE)
