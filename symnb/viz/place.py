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
from itertools import pairwise

FINE = 8
GAP = 12
GROUP_PAD = 10
BIG = 2000
SMALL = 400
FEW = 30
SWAP_ROUNDS = 2
SWEEPS = 9
BIG_SWEEPS = 2
ONE_TO_ONE = 4
GRAVITY = 8
CROSSING = 300 * FINE
TAB_CLEAR = 26
FAR = 1 << 40

Box = tuple[int, int, int, int]
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
    """Rigid sets of cells; boxes are (first rank, last rank, room left, room right).

    up, down  (other block, shift, weight): x would like to be x[other] + shift
    pieces    rank -> (upper block, its port, lower block, its port) to count crossings
    """

    boxes: list[Box] = field(default_factory=list)
    up: list[list[Link]] = field(default_factory=list)
    down: list[list[Link]] = field(default_factory=list)
    pieces: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=dict)

    def add(self, box: Box) -> int:
        """The number of a new block."""
        self.boxes.append(box)
        self.up.append([])
        self.down.append([])
        return len(self.boxes) - 1


def place(grid: Grid, tabs: Sequence[int], hint: Mapping[int, int]) -> None:
    """Fill `grid.x` and `grid.columns` (group -> left, right), leftmost at 0.

    tabs  least width of each group
    hint  earlier x of some items
    """
    links = _cell_links(grid)
    homes = _homes(grid, len(tabs))
    grid.x = [0] * len(grid.rank)
    groups = [group for group in homes if group >= 0]
    for group in groups:
        _place_home(grid, homes[group], links, hint, (), homes)
        grid.columns[group] = _columns(grid, homes[group], tabs[group])
    _place_home(grid, homes.get(-1, []), links, hint, groups, homes)
    _shift_to_zero(grid)


def _homes(grid: Grid, groups: int) -> dict[int, list[int]]:
    """Cells by group, -1 for those in none; cells in no rank are left out."""
    homes: dict[int, list[int]] = {}
    for group in [*range(groups), -1]:
        cells = [
            c
            for c, home in enumerate(grid.group)
            if home == group and grid.rank[c] >= 0
        ]
        if cells:
            homes[group] = cells
    return homes


def _cell_links(grid: Grid) -> list[tuple[int, int, int]]:
    """(upper cell, lower cell, weight) once for each drawn piece of an edge."""
    pieces: dict[tuple[int, int], None] = {}
    for path in grid.paths:
        for upper, lower in pairwise(path):
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
    hint: Mapping[int, int],
    groups: Sequence[int],
    homes: Mapping[int, list[int]],
) -> None:
    """Move `cells` and, as rigid rectangles, `groups` to their places."""
    blocks = Blocks()
    home: dict[int, tuple[int, int]] = {}
    start: list[int | None] = []
    chains: dict[int, int] = {}
    half = GAP * FINE // 2
    for cell in cells:
        rank, chain = grid.rank[cell], grid.chain[cell]
        if chain >= 0 and chain in chains:
            first, last, left, right = blocks.boxes[chains[chain]]
            box = (min(first, rank), max(last, rank), left, right)
            blocks.boxes[chains[chain]] = box
        else:
            left, right = grid.left[cell] * FINE + half, grid.right[cell] * FINE + half
            chains[chain] = blocks.add((rank, rank, left, right))
            start.append(hint[cell] * FINE if cell in hint else None)
        home[cell] = (chains[chain], 0)
    for group in groups:
        members = homes[group]
        ranks = [grid.rank[cell] for cell in members]
        left, right = grid.columns[group]
        block = blocks.add((min(ranks), max(ranks), half, right - left + half))
        start.append(_known_left(grid, members, left, hint))
        for cell in members:
            home[cell] = (block, grid.x[cell] - left)
    _link(blocks, grid.rank, home, links)
    x = _solve(blocks, start)
    for cell, (block, offset) in home.items():
        grid.x[cell] = x[block] + offset
    for group in groups:
        at = x[home[homes[group][0]][0]]
        grid.columns[group] = (at, at + grid.columns[group][1] - grid.columns[group][0])


def _known_left(
    grid: Grid, members: Sequence[int], left: int, hint: Mapping[int, int]
) -> int | None:
    """Where the left side of a group was, by the earlier places of its members."""
    total = count = 0
    for cell in members:
        if cell in hint:
            total += hint[cell] * FINE - (grid.x[cell] - left)
            count += 1
    return total // count if count else None


def _link(
    blocks: Blocks,
    ranks: Sequence[int],
    home: Mapping[int, tuple[int, int]],
    links: Sequence[tuple[int, int, int]],
) -> None:
    """Turn links between cells into links between blocks."""
    for upper, lower, weight in links:
        above = home.get(upper)
        below = home.get(lower)
        if above and below and above[0] != below[0]:
            shift = above[1] - below[1]
            blocks.up[below[0]].append((above[0], shift, weight))
            blocks.down[above[0]].append((below[0], -shift, weight))
            blocks.pieces.setdefault(ranks[upper], []).append((*above, *below))


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
        fresh = _first_guess(blocks, [None] * count)
        mixed = [x * ((b % 5) - 2) for b, x in enumerate(fresh)]
        starts += [fresh, [-x for x in fresh], mixed]
    found = [_order(blocks, both, x, sweeps, phase) for phase, x in enumerate(starts)]
    best = min(found, key=lambda result: result[0])
    if any(at is not None for at in start) and found[0][0] * 9 <= best[0] * 10:
        best = found[0]  # a little worse, but like the picture before
    _, order, x = _improve(blocks, both, best) if count <= FEW else best
    for _ in range(sweeps):
        middle = (min(x) + max(x)) // 2
        want = [w + (middle - w) // GRAVITY for w in _wishes(blocks, both, x)]
        x = _pack(blocks.boxes, order, want)
    return _straighten(blocks, order, x)


def _order(
    blocks: Blocks,
    both: Sequence[Sequence[Link]],
    x: Sequence[int],
    sweeps: int,
    phase: int,
) -> tuple[int, list[int], list[int]]:
    """(cost, order, x) of the best order met in a number of sweeps."""
    count = len(x)
    order = sorted(range(count), key=lambda b: (x[b], b))
    x = _pack(blocks.boxes, order, x)
    best = (_cost(blocks, x), order, x)
    for sweep in range(sweeps):
        links = (blocks.down, blocks.up, both)[(sweep + phase) % 3]
        want = _wishes(blocks, links, x)
        ranked = sorted(zip(want, x, range(count), strict=True))
        order = [block for _, _, block in ranked]
        x = _pack(blocks.boxes, order, want)
        cost = _cost(blocks, x)
        if cost < best[0]:
            best = (cost, order, x)
    return best


def _improve(
    blocks: Blocks,
    both: Sequence[Sequence[Link]],
    best: tuple[int, list[int], list[int]],
) -> tuple[int, list[int], list[int]]:
    """The order after exchanging neighbours in a rank while that makes it cheaper."""
    boxes = blocks.boxes
    for _ in range(SWAP_ROUNDS):
        before = best[0]
        for i in range(len(boxes) - 1):
            order = best[1]
            first, last, _, _ = boxes[order[i]]
            j = i + 1
            while j < len(order) and (
                boxes[order[j]][0] > last or boxes[order[j]][1] < first
            ):
                j += 1
            trial = [*order[:i], *order[i + 1 : j + 1], order[i], *order[j + 1 :]]
            x = _pack(boxes, trial, best[2])
            for _ in range(2):
                x = _pack(boxes, trial, _wishes(blocks, both, x))
            cost = _cost(blocks, x)
            if cost < best[0]:
                best = (cost, trial, x)
        if best[0] == before:
            break
    return best


def _straighten(blocks: Blocks, order: Sequence[int], x: list[int]) -> list[int]:
    """Move blocks exactly below the one block they hang from, where there is room."""
    boxes = blocks.boxes
    beside: dict[int, tuple[list[int], list[int]]] = {b: ([], []) for b in order}
    last: dict[int, int] = {}
    for block in order:
        for rank in range(boxes[block][0], boxes[block][1] + 1):
            if rank in last:
                beside[block][0].append(last[rank])
                beside[last[rank]][1].append(block)
            last[rank] = block
    for block in sorted(order, key=lambda b: (boxes[b][0], b)):
        for other, shift, weight in blocks.up[block]:
            want = x[other] + shift
            if weight < ONE_TO_ONE:
                continue
            before, after = beside[block]
            _, _, left, right = boxes[block]
            if all(x[o] + boxes[o][3] + left <= want for o in before) and all(
                want + right <= x[o] - boxes[o][2] for o in after
            ):
                x[block] = want
    return x


def _first_guess(blocks: Blocks, start: Sequence[int | None]) -> list[int]:
    """The given x, else the mean of the blocks above, else the next free place."""
    x = [0] * len(start)
    free: dict[int, int] = {}
    ready = [at is not None for at in start]
    order = sorted(range(len(start)), key=lambda b: (blocks.boxes[b][0], b))
    for block in order:
        rank, _, left, right = blocks.boxes[block]
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
        total = count = 0
        for other, shift, weight in near:
            total += (x[other] + shift) * weight
            count += weight
        if count:
            want[block] = total // count
    return want


def _pack(boxes: Sequence[Box], order: Sequence[int], want: Sequence[int]) -> list[int]:
    """x near `want`, in this order, without overlap in any rank."""
    ranks = 1 + max(box[1] for box in boxes)
    low = list(want)
    edge = [-FAR] * ranks
    for block in order:
        first, last, left, right = boxes[block]
        if first == last:
            at = edge[first] + left
            if at > low[block]:
                low[block] = at
            edge[first] = low[block] + right
        else:
            at = max(edge[first : last + 1]) + left
            if at > low[block]:
                low[block] = at
            edge[first : last + 1] = [low[block] + right] * (last - first + 1)
    high = list(want)
    edge = [FAR] * ranks
    for block in reversed(order):
        first, last, left, right = boxes[block]
        if first == last:
            at = edge[first] - right
            if at < high[block]:
                high[block] = at
            edge[first] = high[block] - left
        else:
            at = min(edge[first : last + 1]) - right
            if at < high[block]:
                high[block] = at
            edge[first : last + 1] = [high[block] - left] * (last - first + 1)
    return [(a + b) // 2 for a, b in zip(low, high, strict=True)]


def _cost(blocks: Blocks, x: Sequence[int]) -> int:
    """Horizontal length of the links, and `CROSSING` for each crossing.

    Crossings are not counted in big pictures.
    """
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
    return crossings * CROSSING + length


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
