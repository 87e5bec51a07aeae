"""The form for reductions along a contiguous axis: row by row, in vector lanes.

Float sums are pairwise: lanes of a register over short runs, the sums of runs in a
tree; then the error is that of NumPy's pairwise sum.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from symnb.compile.kernels.flatten import Form, Known, can_be_simd, is_pairwise
from symnb.compile.kernels.kernel import (
    Cell,
    Combine,
    Define,
    Element,
    Loop,
    LoopRole,
    Name,
    Number,
    Push,
    Row,
    Statement,
    Total,
    Tree,
    Write,
)
from symnb.compile.kernels.nest import (
    READ,
    Axis,
    Let,
    Nest,
    Reduce,
    Stage,
    Store,
    axis,
    value_order,
)
from symnb.compile.kernels.places import place_of_extremum
from symnb.compile.kernels.schedule import Axes, product
from symnb.compile.kernels.streams import streams
from symnb.compile.kernels.target import Target
from symnb.core.dims import DimLike, dim_min, prove_le
from symnb.core.dtypes import is_float
from symnb.core.node import Node
from symnb.ops.logic import isnan, where

# Elements a lane adds one after the other before its sum joins the pairwise tree;
# NumPy adds 16 too.
LANE_RUN = 16
REGISTERS = 4  # of lanes: an addition takes 4 cycles, one or two start per cycle
SHORT_VALUES = 8  # bodies up to this size are written out twice
SHORT_FLOPS = 8.0
# Up to here a row is a tile of its own: 13 ns for the softmax of a row of 10, where a
# vector's lanes, some of them idle, took 38 (2026-11).
SHORT_ROW = 32


class Reducing(Form):
    """What rows and columns share: rows of kept values."""

    def __init__(self, nest: Nest, axes: Axes, target: Target) -> None:
        super().__init__(nest, axes, target)
        self.rows: list[Row] = []
        self.borrowed: set[str] = set()

    def row_place(self, let: Let, stage: int) -> Element | None:
        """Where a row can be kept without memory of its own: in an output of this
        dtype that is written, at the same points, once nobody reads the row again."""
        last = self._last_reader(let.name, stage)
        for at, later in enumerate(self.nest.stages[stage + 1 :], stage + 1):
            for store in later.stores if at >= last else ():
                buffer = store.buffer
                free = buffer.name not in self.borrowed and later.inner
                if at == last and _is_copied(let.name, later, store):
                    continue
                if free and buffer.dtype == let.value.dtype and store.mode == "set":
                    self.borrowed.add(buffer.name)
                    return Element(buffer.name, self.axes(buffer.offset(store.index)))
        return None

    def _last_reader(self, name: str, stage: int) -> int:
        """The last stage that reads a row, or may compute again what reads it."""
        last, names = stage, {name}
        for at, later in enumerate(self.nest.stages):
            if _reads(later.values(), names):
                last = at
            for let in later.lets:
                if _reads([let.value], names):
                    names.add(let.name)
        return last


def _reads(values: Iterable[Node], names: Collection[str]) -> bool:
    return any(x.op is READ and x.params[0] in names for x in value_order(values))


def _is_copied(name: str, stage: Stage, store: Store) -> bool:
    """Whether another output of the stage is the row itself: written after `store`,
    it would find the row gone."""
    return any(
        other is not store and _reads([other.value], (name,)) and other.value.op is READ
        for other in stage.stores
    )


class Rows(Reducing):
    """Each row is reduced along its contiguous axis."""

    def body(self) -> list[Statement]:
        """The passes over a row, inside loops over rows."""
        found: list[Statement] = []
        known: Known = {}  # scalars of the row
        placed = -1  # the last stage that is done with the one before it
        for at, stage in enumerate(self.nest.stages):
            if at == placed:
                continue
            both = place_of_extremum(self, at, known) if stage.inner else None
            if both is not None:
                found += both
                placed = at + 1
            elif stage.inner:
                found += self._row(at, stage, dict(known))
            else:
                found += self.lets(stage.lets, known)
                found += self.stores(stage, known)
        self.summary = "row by row" if self.axes.outer else "one pass, then the result"
        result: Sequence[Statement] = found
        for at, one in enumerate(reversed(self.axes.outer)):
            last = at == len(self.axes.outer) - 1
            note = "rows" if at == 0 else ""
            role: LoopRole = "parallel" if last else "serial"
            loop = self.loop(one, result, role, note)
            result = self.over(one, loop) if at == 0 else [loop]
        return [*self.rows, *result]

    def over(self, one: Axis, loop: Loop) -> list[Statement]:
        """The loop over rows."""
        return [loop]

    def _row(self, at: int, stage: Stage, known: Known) -> list[Statement]:
        """One pass over the row."""
        lane = self.axes.lane(self.axes.inner)
        if lane is None:
            lane = self.axes.inner[-1]
        others = [a for a in self.axes.inner if a is not lane]
        short = isinstance(lane.extent, int) and lane.extent <= SHORT_ROW
        floats = any(is_float(x.value.dtype) for x in stage.reductions)
        inexact = any(is_inexact(x) for x in stage.reductions) or (short and floats)
        if lane.kind != "ordered" and inexact:
            return _Lanes(self, at, stage, known, lane, others).statements()
        cells, after = self._cells(stage)
        body = self.kept_rows(at, stage, known)
        body += self.updates(stage, known)
        for item in stage.reductions:
            update = self.combine(item, Name(_cell(item)), known)
            if is_extremum(item):
                body += self.numbers(item, update, Name(f"nan_{item.name}"))
            else:
                body.append(update)
        body += self.stores(stage, known)
        if lane.kind == "ordered":
            result: list[Statement] = [self.loop(lane, body, "ordered", "in order")]
        else:
            combines = tuple((x.name, x.combine, x.dtype) for x in cells)
            result = [self.streaming(self.loop(lane, body, "simd", "", combines))]
        for one in reversed(others):
            result = [self.loop(one, result, "serial")]
        for item in stage.reductions if after else ():
            self.places[item.name] = Name(item.name)
        return [*cells, *result, *after]

    def streaming(self, loop: Loop) -> Loop:
        """The loop, marked if what it writes may go past the caches."""
        if loop.role != "simd":
            return loop
        points = product(a.extent for a in (*self.axes.outer, *self.axes.inner))
        return replace(loop, streams=streams(self.nest, loop.body, points))

    def _cells(self, stage: Stage) -> tuple[list[Cell], list[Statement]]:
        """Variables for reductions whose order does not matter, and what they come
        to after the loop."""
        cells: list[Cell] = []
        after: list[Statement] = []
        for item in stage.reductions:
            dtype, cell = item.value.dtype, _cell(item)
            self.places[item.name] = Name(cell)
            if is_extremum(item):
                flag = f"nan_{item.name}"
                cells.append(Cell(flag, "int32", "or"))
                cells.append(Cell(cell, dtype, f"f{item.combine}"))
                after.append(self.restored(item, flag, cell))
            else:
                cells.append(Cell(cell, dtype, item.combine))
                if any(is_extremum(x) for x in stage.reductions):
                    copy = (Name(cell),)
                    after.append(Define(item.name, dtype, None, copy, (dtype,)))
        return cells, after

    def restored(self, item: Reduce, flag: str, top: str) -> Statement:
        """The extremum of numbers, or NaN if one was met."""
        dtype = item.value.dtype
        nan = Number(np.dtype(dtype).type("nan"))
        operands = (Name(flag), nan, Name(top))
        types = ("bool", dtype, dtype)
        node = self.reduced.get(item.name)
        return Define(item.name, dtype, where, operands, types, (), node)

    def numbers(
        self, item: Reduce, update: Combine, flag: Name | Element
    ) -> list[Statement]:
        """An extremum of numbers and, apart from it, whether a NaN was met: two
        short chains, four times as fast as one that propagates NaN."""
        name = self.fresh("x0")
        return [
            replace(update, combine=f"f{item.combine}"),
            Define(name, "int32", isnan, (update.value,), (update.dtype,)),
            Combine(flag, "int32", "or", Name(name)),
        ]

    def kept_rows(self, at: int, stage: Stage, known: Known) -> list[Statement]:
        """Values that later stages read from a row."""
        found: list[Statement] = []
        for let in stage.lets:
            more, [value] = self.define([let.value], known)
            if let.name not in self.places:
                place = self.row_place(let, at)
                if place is None:
                    extent = product(self.axes(a.extent) for a in stage.inner)
                    self.rows.append(Row(let.name, let.value.dtype, extent))
                    place = Element(let.name, self._along(stage))
                self.places[let.name] = place
            place = self.places[let.name]
            assert isinstance(place, Element)
            here = Element(place.array, self.placed(place.offset))
            found += [*more, Write(here, let.value.dtype, value)]
        return found

    def _along(self, stage: Stage) -> DimLike:
        """The position within the row."""
        place: DimLike = 0
        for one in stage.inner:
            place = place * one.extent + one.at
        return self.axes(place)


def is_inexact(item: Reduce) -> bool:
    """Whether the result depends on the order in which values are combined."""
    return item.combine in ("add", "mul") and is_float(item.value.dtype)


def is_extremum(item: Reduce) -> bool:
    """Whether NaN has to be looked for."""
    return item.combine in ("max", "min") and is_float(item.value.dtype)


def _cell(item: Reduce) -> str:
    """The variable or tile a reduction is combined in."""
    return f"a{item.name[1:]}"


class _Lanes:
    """One pass over a row whose reductions run in lanes.

    Each cell is a tile of lanes; a chunk of the row as long as the tile updates it
    in one vector loop. Lanes of sums move to a tree after a run of chunks. A short
    row of known length is a tile itself: its values are set, then combined in pairs.
    """

    def __init__(
        self, form: Rows, at: int, stage: Stage, known: Known, lane: Axis,
        others: list[Axis],
    ) -> None:  # fmt: skip
        self.form = form
        self.at = at
        self.stage = stage
        self.known = known
        self.lane = lane
        self.others = others
        self.short = self._is_short()
        registers = REGISTERS if self.short else 2 * REGISTERS
        self.lanes = registers * form.target.vector // width(stage)
        extent = lane.extent
        self.single = isinstance(extent, int) and 0 < extent <= SHORT_ROW and not others
        if isinstance(extent, int):
            while self.lanes // 2 >= max(extent, 1):
                self.lanes //= 2
            self.lanes = extent if self.single else self.lanes
        self.run = LANE_RUN * self.lanes
        self.chunk = axis(f"{lane.atom.name}1", lane.extent)
        self.place = axis("l", self.lanes)
        sums = any(is_pairwise(x) for x in stage.reductions)
        self.runs = sums and (bool(others) or not prove_le(lane.extent, self.run))

    def _is_short(self) -> bool:
        """Whether the body is so short that whole chunks get a loop of their own."""
        stage = self.stage
        values = value_order(stage.values())
        cost = sum(value.op.flops for value in values if not value.is_leaf)
        plain = not stage.lets and not stage.stores
        return plain and len(values) <= SHORT_VALUES and cost <= SHORT_FLOPS

    def statements(self) -> list[Statement]:
        """Cells, loops, and what the reductions come to."""
        before: list[Statement] = []
        after: list[Statement] = []
        pushes: list[Statement] = []
        block = axis(f"{self.lane.atom.name}0", self.lane.extent)
        for item in self.stage.reductions:
            if self.single:
                before.append(Cell(_cell(item), item.value.dtype, "none", self.lanes))
                after.append(self._total(item, item.name, item.combine, ""))
            else:
                self._cells(item, block, before, pushes, after)
        result = self._loops(block, pushes)
        for item in self.stage.reductions:
            self.form.places[item.name] = Name(item.name)
        for one in reversed(self.others):
            result = [self.form.loop(one, result, "serial")]
        return [*before, *result, *after]

    def _total(self, item: Reduce, name: str, combine: str, tree: str) -> Total:
        node = self.form.reduced.get(item.name)
        dtype, cell = item.value.dtype, _cell(item)
        return Total(name, dtype, combine, self.lanes, cell, tree, node, self.single)

    def _cells(
        self, item: Reduce, block: Axis, before: list[Statement],
        pushes: list[Statement], after: list[Statement],
    ) -> None:  # fmt: skip
        """The tiles of one reduction, when they move to a tree, and its result."""
        dtype, cell = item.value.dtype, _cell(item)
        tree = f"sum_{item.name}" if self.runs and is_pairwise(item) else ""
        if tree:
            before.append(Tree(tree, dtype, self.lanes))
            since = None if self.others else block.atom
            pushes.append(Push(tree, dtype, self.lanes, cell, since))
        if not is_extremum(item):
            before.append(Cell(cell, dtype, item.combine, self.lanes))
            after.append(self._total(item, item.name, item.combine, tree))
            return
        combine, flag, name = f"f{item.combine}", f"nan_{item.name}", f"top_{item.name}"
        before.append(Cell(flag, "int32", "or", self.lanes))
        before.append(Cell(cell, dtype, combine, self.lanes))
        met = Total(f"any_{flag}", "int32", "or", self.lanes, flag)
        after += [
            self._total(item, name, combine, tree), met,
            self.form.restored(item, met.name, name),
        ]  # fmt: skip

    def _loops(self, block: Axis, pushes: list[Statement]) -> list[Statement]:
        """The row in runs of chunks."""
        extent = self.lane.extent
        if not self.runs:
            return self._chunks(0, extent)
        left = dim_min(extent - block.at, self.run)
        size = self.form.bound(f"{self.lane.atom.name}2", left)
        body = (*pushes, *size.before, *self._chunks(block.at, size.dim))
        note = "runs, summed in pairs"
        return [Loop(block.atom, 0, extent, "serial", body, self.run, note)]

    def _chunks(self, start: DimLike, size: DimLike) -> list[Statement]:
        """Chunks of as many points as lanes, the last one shorter."""
        if prove_le(size, self.lanes):
            return [self._points(start, size)]
        if not self.short:
            left = dim_min(size - self.chunk.at, self.lanes)
            return [self._whole(size, self._points(start + self.chunk.at, left))]
        found: list[Statement] = []
        whole: DimLike = 0
        if not prove_le(size, self.lanes - 1):
            whole = size // self.lanes * self.lanes
            inner = self._points(start + self.chunk.at, self.lanes)
            if whole == size:
                return [self._whole(size, inner)]
            rest = self.form.bound(f"{self.lane.atom.name}3", whole)
            found = [*rest.before, self._whole(rest.dim, inner)]
            whole = rest.dim
        found.append(self._points(start + whole, size - whole, "the rest"))
        return found

    def _whole(self, size: DimLike, inner: Statement) -> Statement:
        note = f"{self.lanes} lanes"
        chunk = self.chunk.atom
        return Loop(chunk, 0, size, "serial", (inner,), self.lanes, note)

    def _points(self, start: DimLike, count: DimLike, note: str = "") -> Statement:
        """A vector loop over `count` points from `start`."""
        form = self.form
        names = form.names
        form.names = dict(names)
        form.shift = {self.lane.atom: start + self.place.at}
        known = dict(self.known)
        body = form.kept_rows(self.at, self.stage, known)
        body += form.updates(self.stage, known)
        for item in self.stage.reductions:
            cell = Element(_cell(item), self.place.at)
            update = form.combine(item, cell, known)
            if self.single:
                body.append(Write(cell, update.dtype, update.value, "set", update.node))
            elif is_extremum(item):
                flag = Element(f"nan_{item.name}", self.place.at)
                body += form.numbers(item, update, flag)
            else:
                body.append(update)
        body += form.stores(self.stage, known)
        form.shift, form.names = {}, names
        role: LoopRole = "simd" if can_be_simd(body) else "serial"
        return Loop(self.place.atom, 0, count, role, tuple(body), 1, note)


def width(stage: Stage) -> int:
    """Bytes of the widest float that is reduced."""
    dtypes = [x.value.dtype for x in stage.reductions if is_float(x.value.dtype)]
    return max((int(dtype[-2:]) // 8 for dtype in dtypes), default=8)
