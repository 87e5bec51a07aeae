"""The form for reductions whose kept axis is contiguous: tiles of columns.

A tile of columns has one cell per column, updated row by row, so the inner loop never
steps down a column (that is 117 times slower). Sums take several rows at once and
are added up in blocks of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from symnb.compile.kernels.flatten import Known, can_be_simd, hoisted, is_pairwise
from symnb.compile.kernels.kernel import (
    Cell,
    Combine,
    Define,
    Element,
    Loop,
    LoopRole,
    Name,
    Operand,
    Statement,
    Write,
)
from symnb.compile.kernels.nest import (
    LOAD,
    READ,
    WRAP,
    Axis,
    Let,
    Reduce,
    Stage,
    Store,
    axis,
    replace_values,
    value_order,
)
from symnb.compile.kernels.rows import Reducing
from symnb.compile.kernels.schedule import product
from symnb.core.dims import DimLike, dim_min, prove_le
from symnb.core.node import Node
from symnb.ops.arithmetic import add

TILE = 1024  # columns: 4 KiB of float32 per cell; narrower tiles defeat prefetching
ROWS = 8  # rows added at once: an eighth of the cell's traffic
ROW_RUN = 64 * ROWS  # rows a column adds before their sum joins the column's
UNROLL_VALUES = 8  # larger bodies gain nothing from rows at once
CACHED = 1 << 20  # bytes: what the second-level cache holds is read in any order
NARROW = 256  # columns: narrower rows are next to each other anyway
REGISTERS = 4  # vectors of a row at once


class Columns(Reducing):
    """A tile of columns is updated row by row."""

    def body(self) -> list[Statement]:
        """Tiles of columns, inside loops over the other kept axes."""
        lane = self.axes.lane(self.axes.outer)
        assert lane is not None
        self.lane_axis = lane
        width = lane.extent
        self.width = width if isinstance(width, int) and width < TILE else TILE
        tile = axis(f"{lane.atom.name}0", width)
        self.start: DimLike = 0 if prove_le(width, TILE) else tile.at
        stop = self.bound(f"{lane.atom.name}1", dim_min(self.start + TILE, width))
        self.stop = stop.dim
        found: list[Statement] = []
        for stage in self._recomputed():
            found += self._rows(stage) if stage.inner else self._kept(stage)
        result: Sequence[Statement] = [*stop.before, *found]
        self.summary = "all columns, row by row"
        if self.start != 0:
            self.summary = f"tiles of {TILE} columns, row by row"
            body = tuple(result)
            note = "tiles of columns"
            result = [Loop(tile.atom, 0, width, "serial", body, TILE, note)]
        rest = [a for a in self.axes.outer if a is not lane]
        for at, one in enumerate(reversed(rest)):
            role: LoopRole = "parallel" if at == len(rest) - 1 else "serial"
            result = [self.loop(one, result, role)]
        return list(result)

    def _columns(self, body: Sequence[Statement], note: str = "") -> list[Statement]:
        """A loop over the columns of the tile, after what it does not change."""
        lane = self.lane_axis.atom
        before, body = hoisted(body, lane)
        role: LoopRole = "simd" if can_be_simd(body) else "serial"
        loop = Loop(lane, self.start, self.stop, role, tuple(body), 1, note)
        return [*before, loop]

    def _cell(self, name: str) -> Element:
        return Element(name, self.lane_axis.at - self.start)

    def _kept(self, stage: Stage) -> list[Statement]:
        known: Known = {}
        found: list[Statement] = []
        cells: list[Statement] = []
        for let in stage.lets:
            more, [value] = self.define([let.value], known)
            place = self._cell(let.name)
            cells.append(Cell(let.name, let.value.dtype, "none", self.width))
            found += [*more, Write(place, let.value.dtype, value)]
            self.places[let.name] = place
        found += self.stores(stage, known)
        return [*cells, *self._columns(found)]

    def _rows(self, stage: Stage) -> list[Statement]:
        """One pass over the rows of a tile."""
        last = self.axes.inner[-1]
        ordered = last.kind == "ordered"
        blocked = not ordered and not prove_le(last.extent, 2 * ROW_RUN)
        cells: list[Statement] = []
        parts: list[tuple[Reduce, str]] = []
        targets: dict[str, str] = {}
        for item in stage.reductions:
            cells.append(Cell(item.name, item.value.dtype, item.combine, self.width))
            self.places[item.name] = self._cell(item.name)
            targets[item.name] = item.name
            if blocked and is_pairwise(item):
                targets[item.name] = f"part_{item.name}"
                parts.append((item, targets[item.name]))
        before, together = list[Statement](), 1
        if not ordered and self._is_small(stage) and not prove_le(last.extent, ROWS):
            before, loops, together = self._either(stage, targets, last)
        else:
            loops = [self._row_loop(stage, targets, last, ordered)]
        result = self._passes(last, loops, parts, together)
        for one in reversed(self.axes.inner[:-1]):
            result = [self.loop(one, result, "serial")]
        return [*before, *cells, *result]

    def _either(
        self, stage: Stage, targets: dict[str, str], rows: Axis
    ) -> tuple[list[Statement], list[Loop], DimLike]:
        """Loops that take several rows at once where that pays, the rest in order;
        whether it pays, as 1 or 0."""
        points = product(a.extent for a in (*self.axes.outer, *self.axes.inner))
        few = CACHED // bytes_read(stage) // (points + 1)
        narrow = NARROW // (self.lane_axis.extent + 1)
        together = self.bound("together", dim_min(few + narrow, 1))
        lanes = REGISTERS * self.target.vector // widest(stage)
        whole = self.start + (self.stop - self.start) // lanes * lanes
        stop = self.bound(f"{self.lane_axis.atom.name}2", whole)
        loops = [self._unrolled(stage, targets, rows, together.dim)]
        body = self._in_lanes(stage, targets, lanes, stop.dim)
        rest = self.loop(rows, body, "serial", "rows in order")
        rest = replace(rest, start=loops[0].stop)
        loops = [*loops, rest] if together.dim != 0 else [rest]
        return [*together.before, *stop.before], loops, together.dim

    def _in_lanes(
        self, stage: Stage, targets: dict[str, str], lanes: int, whole: DimLike
    ) -> tuple[Statement, ...]:
        """The update of the cells with one row, some registers at a time."""
        lane = self.lane_axis
        chunk = axis(f"{lane.atom.name}3", lane.extent)
        place = axis("l", lanes)
        self.shift = {lane.atom: chunk.at + place.at}
        inner = self._update(stage, targets)
        self.shift, self.names = {}, {}
        rest = self._update(stage, targets)
        self.names = {}
        vector = Loop(place.atom, 0, lanes, "simd", tuple(inner))
        note = f"{lanes} columns at once"
        return (
            Loop(chunk.atom, self.start, whole, "serial", (vector,), lanes, note),
            Loop(lane.atom, whole, self.stop, "simd", tuple(rest), 1, "the rest"),
        )

    def _update(self, stage: Stage, targets: dict[str, str]) -> list[Statement]:
        """The update of the cells at one point."""
        known: Known = {}
        found = self.updates(stage, known)
        for item in stage.reductions:
            cell = self._cell(targets[item.name])
            cell = Element(cell.array, self.placed(cell.offset))
            found.append(self.combine(item, cell, known))
        return found

    def _row_loop(
        self, stage: Stage, targets: dict[str, str], rows: Axis, ordered: bool
    ) -> Loop:
        """One row after the other."""
        known: Known = {}
        found: list[Statement] = []
        for let in stage.lets:
            place = self.places[let.name]
            assert isinstance(place, Element)
            more, [value] = self.define([let.value], known)
            found += [*more, Write(place, let.value.dtype, value)]
        found += self.updates(stage, known)
        for item in stage.reductions:
            found.append(self.combine(item, self._cell(targets[item.name]), known))
        found += self.stores(stage, known)
        role: LoopRole = "ordered" if ordered else "serial"
        return self.loop(rows, self._columns(found), role, "rows")

    def _is_small(self, stage: Stage) -> bool:
        """Whether several rows at once pay."""
        values = value_order(stage.values())
        wraps = any(value.op is WRAP for value in values)
        small = len(values) <= UNROLL_VALUES and not wraps
        return small and not stage.lets and not stage.stores

    def _unrolled(
        self, stage: Stage, targets: dict[str, str], rows: Axis, together: DimLike
    ) -> Loop:
        """Several rows at once: all there are, or none where `together` is 0."""
        found: list[Statement] = []
        values: dict[str, list[Operand]] = {x.name: [] for x in stage.reductions}
        for row in range(ROWS if together != 0 else 0):
            self.shift = {rows.atom: rows.at + row}
            self.names = {}
            known: Known = {}
            found += self.updates(stage, known)
            for item in stage.reductions:
                values[item.name].append(known[item.value])
        self.shift, self.names = {}, {}
        for item in stage.reductions:
            found += self._combined(item, values[item.name], targets[item.name])
        whole = rows.extent // ROWS * ROWS * together
        body, note = tuple(self._columns(found)), f"{ROWS} rows at once"
        return Loop(rows.atom, 0, whole, "serial", body, ROWS, note)

    def _combined(
        self, item: Reduce, values: list[Operand], target: str
    ) -> list[Statement]:
        """The update of a cell with the values of several rows."""
        dtype, node = item.value.dtype, self.reduced.get(item.name)
        found: list[Statement] = []
        while item.combine == "add" and len(values) > 1:
            pairs = zip(values[::2], values[1::2], strict=True)
            values = []
            for pair in pairs:
                name = self.fresh("x0")
                found.append(Define(name, dtype, add, pair, (dtype, dtype), (), node))
                values.append(Name(name))
        cell = self._cell(target)
        found += [Combine(cell, dtype, item.combine, value, node) for value in values]
        return found

    def _passes(
        self, rows: Axis, loops: list[Loop], parts: list[tuple[Reduce, str]],
        together: DimLike,
    ) -> list[Statement]:  # fmt: skip
        """The loops over rows, in blocks whose sums are added up when there are
        `parts`."""
        if not parts:
            return list(loops)
        block = axis(f"{rows.atom.name}0", rows.extent)
        left = dim_min(rows.extent - block.at, ROW_RUN)
        size = self.bound(f"{rows.atom.name}2", left)
        starts = [Cell(name, x.value.dtype, x.combine, self.width) for x, name in parts]
        adds = [
            Combine(self._cell(x.name), x.value.dtype, "add", self._cell(name))
            for x, name in parts
        ]
        inside = [_within(loop, block.at, size.dim, together) for loop in loops]
        body = (*starts, *size.before, *inside, *self._columns(adds))
        note = "blocks of rows, summed apart"
        return [Loop(block.atom, 0, rows.extent, "serial", body, ROW_RUN, note)]

    def _recomputed(self) -> tuple[Stage, ...]:
        """The stages, rows that nobody can keep computed again where they are read."""
        again: dict[str, Node] = {}
        found: list[Stage] = []
        for at, stage in enumerate(self.nest.stages):
            if again:
                stage = _with_values(stage, again, self.nest.origin)
            for let in stage.lets if stage.inner else ():
                place = self.row_place(let, at)
                if place is None:
                    again[let.name] = let.value
                else:
                    self.places[let.name] = place
            lets = tuple(x for x in stage.lets if x.name not in again)
            found.append(Stage(stage.inner, lets, stage.reductions, stage.stores))
        return tuple(found)


def _within(loop: Loop, start: DimLike, size: DimLike, together: DimLike) -> Loop:
    """The loop over `size` of its rows."""
    whole = start + size // ROWS * ROWS * together
    first, last = start, start + size
    if loop.step == ROWS:
        last = whole
    elif loop.start != 0:
        first = whole
    return replace(loop, start=first, stop=last)


def widest(stage: Stage) -> int:
    """Bytes of the widest element that is reduced."""
    return max(np.dtype(x.value.dtype).itemsize for x in stage.reductions)


def bytes_read(stage: Stage) -> int:
    """Bytes read for a point; at least 1."""
    values = value_order(stage.values())
    sizes = [np.dtype(x.dtype).itemsize for x in values if x.op is LOAD]
    return max(1, sum(sizes))


def _with_values(
    stage: Stage, values: Mapping[str, Node], origin: dict[Node, Node]
) -> Stage:
    """The stage with reads of lets replaced by their values."""
    roots = list(stage.values())
    replaced = {
        x: values[x.params[0]]
        for x in value_order(roots)
        if x.op is READ and x.params[0] in values
    }

    def make(new: Node, old: Node) -> Node:
        if old in origin:
            origin[new] = origin[old]
        return new

    new = iter(replace_values(roots, replaced, make))
    return Stage(
        stage.inner,
        tuple(Let(x.name, next(new)) for x in stage.lets),
        tuple(Reduce(x.name, x.combine, next(new)) for x in stage.reductions),
        tuple(Store(x.buffer, x.index, next(new), x.mode) for x in stage.stores),
    )


# Note [Rows in order]
# Eight rows at once read eight streams a row apart; from memory, or from the last-level
# cache just after somebody else used it, that takes 1.2 to 1.5 times as long as reading
# row after row (two streams: 2 times). Row after row, each element of the cell is
# loaded and stored once for each row, so it pays only where the data come from far. One
# vector at a time takes up to 1.8 times as long as four where rows do not start at a
# cache line, as those of large NumPy arrays do not. float32 4096 x 1024, us of calls
# 1 .. 8 after the caches were emptied: rows at once 767 390 359 361 286 285 282 272, in
# order 687 408 354 294 262 266 272 277, all of it into one sum 624 298 253 269 231 223
# 219 216 (EPYC Zen 4, gcc 12, 2026-11).
