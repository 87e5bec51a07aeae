"""The form for reductions whose kept axis is contiguous: tiles of columns.

A tile of columns has one cell per column, updated row by row, so the inner loop never
steps down a column (that is 117 times slower). Sums take several rows at once and
are added up in blocks of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

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
from symnb.core.dims import DimLike, dim_min, prove_le
from symnb.core.node import Node
from symnb.ops.arithmetic import add

TILE = 1024  # columns: 4 KiB of float32 per cell; narrower tiles defeat prefetching
ROWS = 8  # rows added at once: 8 streams from memory, an eighth of the cell's traffic
ROW_RUN = 64 * ROWS  # rows a column adds before their sum joins the column's
UNROLL_VALUES = 8  # larger bodies gain nothing from rows at once


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
        loops = [self._row_loop(stage, targets, last, ordered)]
        if not ordered and self._is_small(stage) and not prove_le(last.extent, ROWS):
            loops = self._unrolled(stage, targets, last)
        result = self._passes(last, loops, parts)
        for one in reversed(self.axes.inner[:-1]):
            result = [self.loop(one, result, "serial")]
        return [*cells, *result]

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
        self, stage: Stage, targets: dict[str, str], rows: Axis
    ) -> list[Loop]:
        """Several rows at once, then the rest one by one."""
        found: list[Statement] = []
        values: dict[str, list[Operand]] = {x.name: [] for x in stage.reductions}
        for row in range(ROWS):
            self.shift = {rows.atom: rows.at + row}
            self.names = {}
            known: Known = {}
            found += self.updates(stage, known)
            for item in stage.reductions:
                values[item.name].append(known[item.value])
        self.shift, self.names = {}, {}
        for item in stage.reductions:
            found += self._combined(item, values[item.name], targets[item.name])
        whole = rows.extent // ROWS * ROWS
        main = Loop(
            rows.atom, 0, whole, "serial", tuple(self._columns(found)), ROWS,
            f"{ROWS} rows at once",
        )  # fmt: skip
        rest = self._row_loop(stage, targets, rows, False)
        rest = Loop(rows.atom, whole, rest.stop, rest.role, rest.body, 1, "the rest")
        return [main, rest]

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
        self, rows: Axis, loops: list[Loop], parts: list[tuple[Reduce, str]]
    ) -> list[Statement]:
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
        inside = [_within(loop, block.at, size.dim) for loop in loops]
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


def _within(loop: Loop, start: DimLike, size: DimLike) -> Loop:
    """The loop over `size` of its rows."""
    whole = start + size // ROWS * ROWS
    first, last = start, start + size
    if loop.step == ROWS:
        last = whole
    elif loop.start != 0:
        first = whole
    return replace(loop, start=first, stop=last)


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
