"""Nest -> Kernel for processors with vector registers.

Three forms. Flat: no reduction, loops over the result, vectors along its contiguous
axis. Rows: the reduced axis is contiguous, so each row is reduced in vector lanes.
Columns: what is kept is contiguous, so a tile of columns is updated row by row.
All numbers here are measured (EPYC Zen 4, gcc 12, 2026-11; notes on native code).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from symnb.compile.kernels.kernel import (
    Cell,
    Combine,
    Define,
    Element,
    Kernel,
    Loop,
    LoopRole,
    Name,
    Number,
    Operand,
    Position,
    Push,
    Refuse,
    Row,
    Statement,
    Total,
    Tree,
    Write,
    check,
    safe_in_place,
)
from symnb.compile.kernels.nest import (
    INDEX,
    LOAD,
    READ,
    WRAP,
    Axis,
    Let,
    Nest,
    Reduce,
    Stage,
    Store,
    atoms_of,
    axis,
    is_data,
    replace_values,
    sources,
    value_order,
)
from symnb.compile.kernels.schedule import Axes, axes_of, product, reads_in_place
from symnb.compile.kernels.target import Target
from symnb.core.dims import Atom, DimLike, bound, dim_min, dims_in, is_positive, prove_le
from symnb.core.dims import substitute
from symnb.core.dtypes import is_float
from symnb.core.node import Constant, Node
from symnb.ops.arithmetic import add
from symnb.ops.logic import isnan, where

# Elements a vector lane adds one after the other before its sum joins the pairwise
# tree: error as NumPy's pairwise sum, 12 % slower than one long loop.
LANE_RUN = 64
TILE = 1024  # columns: 4 KiB of float32 per cell; narrower tiles defeat prefetching
ROWS = 8  # rows added at once: 8 streams from memory, an eighth of the cell's traffic
ROW_RUN = 64 * ROWS  # rows a column adds before their sum joins the column's
UNROLL_VALUES = 8  # larger bodies gain nothing from rows at once
NUMBERS_ONLY = ("fmax", "fmin")  # combinations that do not see NaN
BLOCK = 32  # side of a square of a transposing loop: two of float64 fit in L1


def schedule_cpu(nest: Nest, target: Target) -> Kernel:
    """The kernel that computes a nest on a processor."""
    if is_passes(nest):
        form: _Form = _Passes(nest, Axes([], [], []), target)
    else:
        form = _form(nest, axes_of(nest), target)
    kernel = form.kernel()
    check(kernel)
    return kernel


def is_passes(nest: Nest) -> bool:
    """Whether the stages are independent passes over axes of their own."""
    inner = [a for s in nest.stages for a in s.inner if not s.reductions]
    return not nest.outer and any(a.kind != "reduce" for a in inner)


def _form(nest: Nest, axes: Axes, target: Target) -> _Form:
    if not axes.inner:
        return _Flat(nest, axes, target)
    if axes.lane([*axes.outer, *axes.inner]) in axes.outer:
        return _Columns(nest, axes, target)
    return _Rows(nest, axes, target)


Known = dict[Node, Operand]


class _Form:
    """What the forms share: flattening values into definitions."""

    summary = ""

    def __init__(self, nest: Nest, axes: Axes, target: Target) -> None:
        self.nest = nest
        self.axes = axes
        self.target = target
        self.places: dict[str, Operand] = {}  # let or reduction -> where it is
        self.names: dict[Node, str] = {}
        self.shift: dict[Atom, DimLike] = {}  # rows beyond the present one
        self.reduced = {
            value.params[0]: node
            for value, node in nest.origin.items()
            if value.op is READ
        }
        self.taken: set[str] = set()

    def kernel(self) -> Kernel:
        """The scheduled kernel."""
        nest = self.nest
        body = (*self._refusals(), *self.body())
        roots = [value for stage in nest.stages for value in stage.values()]
        nodes = sorted(nest.numbers, key=lambda n: nest.numbers[n])
        sizes = product(a.extent for a in (*nest.outer, *self._widest()))
        flops = sum(v.op.flops for v in value_order(roots) if not v.is_leaf)
        kernel = Kernel(
            buffers=nest.buffers,
            sizes=sizes_of(nest, body),
            body=body,
            nodes=tuple(nodes),
            numbers=nest.numbers,
            flops=sizes * max(1, round(flops)),
            points=sizes,
            summary=self.summary,
        )
        return replace(kernel, in_place=safe_in_place(kernel, reads_in_place(nest)))

    def body(self) -> list[Statement]:
        """The statements of the form."""
        raise NotImplementedError

    def _widest(self) -> tuple[Axis, ...]:
        return max((stage.inner for stage in self.nest.stages), key=len, default=())

    def _refusals(self) -> Iterable[Statement]:
        sizes = [(size, op) for size, op in self.nest.nonempty if not is_positive(size)]
        others = tuple(
            a.extent for a in self.nest.outer if not is_positive(a.extent)
        )
        for size, op in sizes:
            yield Refuse((size,), others, op)

    # ----------------------------------------------------------- definitions

    def name(self, value: Node) -> str:
        """The variable of a value: by the number of its graph node."""
        known = self.names.get(value)
        if known is None:
            origin = self.nest.origin.get(value)
            number = self.nest.numbers.get(origin) if origin is not None else None
            stem = f"t{number}" if number is not None and number >= 0 else "x0"
            known = self.fresh(stem)
            self.names[value] = known
        return known

    def fresh(self, stem: str) -> str:
        """A variable name that is not taken."""
        name, count = stem, 0
        while name in self.taken:
            count += 1
            name = f"x{count}" if stem == "x0" else f"{stem}_{count}"
        self.taken.add(name)
        return name

    def define(
        self, roots: Sequence[Node], known: Known, often: bool = False
    ) -> tuple[list[Statement], list[Operand]]:
        """Definitions of what `roots` need beyond `known`, and where they are.

        often  the roots are used more than once
        """
        found: list[Statement] = []
        order = value_order(roots, known)
        uses: dict[Node, int] = {}
        for value in order:
            for x in sources(value) if value not in known else ():
                uses[x] = uses.get(x, 0) + 1
        for root in roots:
            uses[root] = uses.get(root, 0) + 1 + often
        for value in order:
            if value not in known:
                known[value] = self._operand(value, known, found, uses[value] > 1)
        return found, [known[root] for root in roots]

    def _operand(
        self, value: Node, known: Known, found: list[Statement], repeated: bool
    ) -> Operand:
        if value.op is READ:
            return self.places[value.params[0]]
        if value.op is INDEX:
            return Position(self.placed(value.params[0]))
        if isinstance(value, Constant):
            return Number(value.value[()])
        node = self.nest.origin.get(value)
        if value.op is LOAD:
            element = self.element(value, known)
            if not repeated:
                return element
            operands: tuple[Operand, ...] = (element,)
            define = Define(self.name(value), value.dtype, None, operands, ())
        else:
            operands = tuple(known[x] for x in value.inputs)
            dtypes = tuple(x.dtype for x in value.inputs)
            params = value.params
            if value.op is WRAP:
                params = (self.axes(params[0]), params[1])
            define = Define(
                self.name(value), value.dtype, value.op, operands, dtypes, params, node
            )
        found.append(define)
        return Name(define.name)

    def element(self, value: Node, known: Known) -> Element:
        """The element a load reads; data in its index stand as their variables."""
        buffer, at, _ = value.params
        place = buffer.offset(at)
        return Element(buffer.name, self.located(place, known))

    def located(self, place: DimLike, known: Known) -> DimLike:
        """An offset over the present axes, with data as the variables they are in."""
        data = [a for a in atoms_of(dims_in((place,))) if is_data(a)]
        change: dict[Atom, DimLike] = {}
        for atom in data:
            operand = known[atom.node]
            assert isinstance(operand, Name)
            change[atom] = variable(operand.text)
        return self.placed(substitute(place, change) if change else place)

    def placed(self, dim: DimLike) -> DimLike:
        """A size expression over the present axes, in the present row."""
        dim = self.axes(dim)
        return substitute(dim, self.shift) if self.shift else dim

    def stores(
        self, stage: Stage, known: Known
    ) -> list[Statement]:
        """The stores of a stage, with the definitions they need."""
        positions = [a.node for s in stage.stores for d in dims_in(s.index)
                     for a in sorted(d.atoms()) if is_data(a)]
        found, _ = self.define(positions, known)
        more, values = self.define([s.value for s in stage.stores], known)
        found += more
        for store, value in zip(stage.stores, values, strict=True):
            place = self.located(store.buffer.offset(store.index), known)
            target = Element(store.buffer.name, place)
            found.append(
                Write(target, store.buffer.dtype, value, store.mode, store.buffer.node)
            )
        return found

    def lets(self, lets: Iterable[Let], known: Known) -> list[Statement]:
        """Scalar lets as variables."""
        found: list[Statement] = []
        for let in lets:
            more, [operand] = self.define([let.value], known)
            found += more
            if not isinstance(operand, Name):
                name = self.fresh(let.name)
                found.append(
                    Define(name, let.value.dtype, None, (operand,), (let.value.dtype,))
                )
                operand = Name(name)
            self.places[let.name] = operand
        return found

    def combine(
        self, item: Reduce, cell: Name | Element, known: Known
    ) -> list[Statement]:
        """The update of a cell, with the definitions it needs."""
        found, [value] = self.define(
            [item.value], known, item.combine in ("max", "min")
        )
        node = self.reduced.get(item.name)
        done = Combine(cell, item.value.dtype, item.combine, value, node)
        return [*found, done]

    def loop(
        self, one: Axis, body: Sequence[Statement], role: LoopRole, note: str = "",
        combines: tuple[tuple[str, str, str], ...] = (),
    ) -> Loop:  # fmt: skip
        """A loop over all of an axis."""
        if role == "simd" and not can_be_simd(body):
            role = "serial"
        return Loop(
            one.atom, 0, self.axes(one.extent), role, tuple(body), 1, note, combines
        )


class _Flat(_Form):
    """Every point by itself."""

    def body(self) -> list[Statement]:
        known: Known = {}
        found: list[Statement] = []
        for stage in self.nest.stages:
            found += self.lets(stage.lets, known)
            found += self.stores(stage, known)
        outer = self.axes.outer
        lane = self.axes.lane([a for a in outer if a.kind != "ordered"])
        self.summary = "one pass over the elements"
        if lane is None:
            for one in reversed(outer):
                found = [self.loop(one, found, "ordered", "in order")]
            return found
        across = self.axes.conflicts(lane)
        rest = [a for a in outer if a is not lane]
        if across and across[-1] in rest:
            return self._squares(found, rest, across[-1], lane)
        result: Sequence[Statement] = [self.loop(lane, found, "simd", "simd")]
        for at, one in enumerate(reversed(rest)):
            role: LoopRole = "parallel" if at == len(rest) - 1 else "serial"
            result = [self.loop(one, result, role)]
        return list(result)

    def _squares(
        self, found: list[Statement], rest: list[Axis], across: Axis, lane: Axis
    ) -> list[Statement]:
        """Loops over squares of two axes, each contiguous in some array."""
        self.summary = f"squares of {BLOCK} x {BLOCK}: some arrays are transposed"
        result: Sequence[Statement] = found
        blocks = []
        for one, role in ((lane, "simd"), (across, "serial")):
            whole = axis(f"{one.atom.name}0", one.extent)
            stop = dim_min(whole.at + BLOCK, one.extent)
            if role == "simd" and not can_be_simd(found):
                role = "serial"
            result = [Loop(one.atom, whole.at, stop, role, tuple(result), 1, role)]
            blocks.append(whole)
        for whole in blocks:
            result = [
                Loop(whole.atom, 0, whole.extent, "serial", tuple(result), BLOCK,
                     "squares")
            ]  # fmt: skip
        for one in reversed([a for a in rest if a is not across]):
            result = [self.loop(one, result, "serial")]
        return list(result)


class _Reducing(_Form):
    """What rows and columns share: rows of kept values."""

    def __init__(self, nest: Nest, axes: Axes, target: Target) -> None:
        super().__init__(nest, axes, target)
        self.rows: list[Row] = []
        self.borrowed: set[str] = set()

    def row_place(self, let: Let, stage: int) -> Element | None:
        """Where a row can be kept without memory of its own: in an output of this
        dtype that is written, at the same points, by a later stage."""
        for later in self.nest.stages[stage + 1 :]:
            for store in later.stores:
                buffer = store.buffer
                free = buffer.name not in self.borrowed and later.inner
                if free and buffer.dtype == let.value.dtype and store.mode == "set":
                    self.borrowed.add(buffer.name)
                    return Element(buffer.name, self.axes(buffer.offset(store.index)))
        return None


class _Rows(_Reducing):
    """Each row is reduced along its contiguous axis."""

    def body(self) -> list[Statement]:
        found: list[Statement] = []
        known: Known = {}  # scalars of the row
        for at, stage in enumerate(self.nest.stages):
            if stage.inner:
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
            result = [self.loop(one, result, role, note)]
        return [*self.rows, *result]

    def _row(self, at: int, stage: Stage, known: Known) -> list[Statement]:
        """One pass over the row."""
        lane = self.axes.lane(self.axes.inner)
        if lane is None:
            lane = self.axes.inner[-1]
        others = [a for a in self.axes.inner if a is not lane]
        ordered = lane.kind == "ordered"
        pairwise = [x for x in stage.reductions if is_pairwise(x) and not ordered]
        run = LANE_RUN * self.target.vector // self._width(stage)
        blocked = bool(pairwise) and (bool(others) or not prove_le(lane.extent, run))
        body, cells = self._points(at, stage, known)
        before: list[Statement] = []
        after: list[Statement] = []
        starts: list[Statement] = []
        pushes: list[Statement] = []
        for item, cell in zip(stage.reductions, cells, strict=True):
            dtype, node = item.value.dtype, self.reduced.get(item.name)
            self.places[item.name] = Name(cell.name)
            if blocked and item in pairwise:
                tree = f"sum_{item.name}"
                before.append(Tree(tree, dtype))
                starts.append(cell)
                pushes.append(Push(tree, dtype, Name(cell.name)))
                after.append(Total(item.name, dtype, tree, node))
                self.places[item.name] = Name(item.name)
                continue
            before.append(cell)
            if cell.combine in NUMBERS_ONLY:
                before.append(Cell(f"nan_{item.name}", "int32", "or"))
                after.append(self._restored(item, cell))
                self.places[item.name] = Name(item.name)
        combines = tuple(
            (x.name, x.combine, x.dtype)
            for x in (*before, *starts)
            if isinstance(x, Cell)
        )
        result = self._lanes(lane, body, combines, blocked, run, starts, pushes)
        for one in reversed(others):
            result = [self.loop(one, result, "serial")]
        return [*before, *result, *after]

    def _restored(self, item: Reduce, cell: Cell) -> Statement:
        """The extremum of numbers, or NaN if one was met."""
        dtype = item.value.dtype
        operands = (
            Name(f"nan_{item.name}"), Number(np.dtype(dtype).type("nan")),
            Name(cell.name),
        )  # fmt: skip
        node = self.reduced.get(item.name)
        return Define(item.name, dtype, where, operands, ("bool", dtype, dtype), (), node)

    def _lanes(
        self, lane: Axis, body: list[Statement],
        combines: tuple[tuple[str, str, str], ...], blocked: bool, run: int,
        starts: list[Statement], pushes: list[Statement],
    ) -> list[Statement]:  # fmt: skip
        if lane.kind == "ordered":
            return [self.loop(lane, body, "ordered", "in order")]
        if not blocked:
            return [self.loop(lane, body, "simd", "simd", combines)]
        block = axis(f"{lane.atom.name}0", lane.extent)
        stop = dim_min(block.at + run, lane.extent)
        role: LoopRole = "simd" if can_be_simd(body) else "serial"
        inner = Loop(lane.atom, block.at, stop, role, tuple(body), 1, "simd", combines)
        outer = Loop(
            block.atom, 0, lane.extent, "serial", (*starts, inner, *pushes), run,
            "blocks, summed in pairs",
        )  # fmt: skip
        return [outer]

    def _points(
        self, at: int, stage: Stage, known: Known
    ) -> tuple[list[Statement], list[Cell]]:
        """What runs at one point of the row, and the cells of its reductions."""
        found: list[Statement] = []
        for let in stage.lets:
            more, [value] = self.define([let.value], known)
            place = self.row_place(let, at)
            if place is None:
                extent = product(self.axes(a.extent) for a in stage.inner)
                self.rows.append(Row(let.name, let.value.dtype, extent))
                place = Element(let.name, self._along(stage))
            found += [*more, Write(place, let.value.dtype, value)]
            self.places[let.name] = place
        cells: list[Cell] = []
        for item in stage.reductions:
            dtype, combine = item.value.dtype, item.combine
            name = self.fresh(f"a{item.name[1:]}")
            self.places[item.name] = Name(name)
            if combine in ("max", "min") and is_float(dtype):
                combine = f"f{combine}"
            cells.append(Cell(name, dtype, combine))
            more = self.combine(item, Name(name), known)
            if combine in NUMBERS_ONLY:
                more = self._numbers(item, more, combine)
            found += more
        return found + self.stores(stage, known), cells

    def _numbers(
        self, item: Reduce, found: list[Statement], combine: str
    ) -> list[Statement]:
        """An extremum of numbers and, apart from it, whether a NaN was met: two
        short chains, four times as fast as one that propagates NaN."""
        *more, last = found
        assert isinstance(last, Combine)
        dtype = last.dtype
        name = self.fresh("x0")
        return [
            *more,
            Combine(last.target, dtype, combine, last.value, last.node),
            Define(name, "int32", isnan, (last.value,), (dtype,)),
            Combine(Name(f"nan_{item.name}"), "int32", "or", Name(name)),
        ]

    def _along(self, stage: Stage) -> DimLike:
        """The position within the row."""
        place: DimLike = 0
        for one in stage.inner:
            place = place * one.extent + one.at
        return self.axes(place)

    def _width(self, stage: Stage) -> int:
        return max((int(x.value.dtype[-2:]) // 8 for x in stage.reductions
                    if is_float(x.value.dtype)), default=8)  # fmt: skip


class _Columns(_Reducing):
    """A tile of columns is updated row by row."""

    def body(self) -> list[Statement]:
        lane = self.axes.lane(self.axes.outer)
        assert lane is not None
        self.lane_axis = lane
        self.tile = axis(f"{lane.atom.name}0", lane.extent)
        self.summary = f"tiles of {TILE} columns, row by row"
        width = lane.extent
        self.width = width if isinstance(width, int) and width < TILE else TILE
        found: list[Statement] = []
        for stage in self._recomputed():
            found += self._rows(stage) if stage.inner else self._kept(stage)
        result: Sequence[Statement] = [
            Loop(self.tile.atom, 0, lane.extent, "serial", tuple(found), TILE,
                 "tiles of columns")
        ]  # fmt: skip
        rest = [a for a in self.axes.outer if a is not lane]
        for at, one in enumerate(reversed(rest)):
            role: LoopRole = "parallel" if at == len(rest) - 1 else "serial"
            result = [self.loop(one, result, role)]
        return list(result)

    def _columns(
        self, body: Sequence[Statement], note: str = "simd"
    ) -> Loop:
        """A loop over the columns of the tile."""
        role: LoopRole = "simd" if can_be_simd(body) else "serial"
        stop = dim_min(self.tile.at + TILE, self.lane_axis.extent)
        lane = self.lane_axis.atom
        return Loop(lane, self.tile.at, stop, role, tuple(body), 1, note)

    def _cell(self, name: str) -> Element:
        return Element(name, self.lane_axis.at - self.tile.at)

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
        return [*cells, self._columns(found)]

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
        for item in stage.reductions:
            found += self.combine(item, self._cell(targets[item.name]), known)
        found += self.stores(stage, known)
        role: LoopRole = "ordered" if ordered else "serial"
        return self.loop(rows, [self._columns(found)], role, "rows")

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
            for item in stage.reductions:
                often = item.combine in ("max", "min")
                more, [value] = self.define([item.value], known, often)
                found += more
                values[item.name].append(value)
        self.shift, self.names = {}, {}
        for item in stage.reductions:
            found += self._combined(item, values[item.name], targets[item.name])
        whole = rows.extent // ROWS * ROWS
        main = Loop(
            rows.atom, 0, whole, "serial", (self._columns(found),), ROWS,
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
        stop = dim_min(block.at + ROW_RUN, rows.extent)
        starts = [Cell(name, x.value.dtype, x.combine, self.width) for x, name in parts]
        adds = [
            Combine(self._cell(x.name), x.value.dtype, "add", self._cell(name))
            for x, name in parts
        ]
        inside = [_within(loop, block.at, stop) for loop in loops]
        body = (*starts, *inside, self._columns(adds))
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


def _within(loop: Loop, start: DimLike, stop: DimLike) -> Loop:
    """The loop over a part of its rows."""
    whole = start + (stop - start) // ROWS * ROWS
    first, last = (start, stop)
    if loop.step == ROWS:
        last = whole
    elif loop.start != 0:
        first = whole
    return Loop(loop.atom, first, last, loop.role, loop.body, loop.step, loop.note)


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


class _Passes(_Form):
    """Passes over axes of their own, one after the other."""

    def body(self) -> list[Statement]:
        found: list[Statement] = []
        nest = self.nest
        for stage in nest.stages:
            flat = Stage((), stage.lets, (), stage.stores)
            part = Nest(nest.buffers, stage.inner, (flat,), nest.origin, nest.numbers)
            form = _Flat(part, axes_of(part), self.target)
            form.taken = self.taken
            found += form.body()
        self.summary = f"{len(nest.stages)} passes"
        return found


def is_pairwise(item: Reduce) -> bool:
    """Whether the order of combining matters for the rounding error."""
    return item.combine == "add" and is_float(item.value.dtype)


def can_be_simd(body: Iterable[Statement]) -> bool:
    """Whether a loop of these statements never leaves early."""
    return not any(isinstance(s, Define) and s.op is WRAP for s in body)


def variable(name: str) -> DimLike:
    """A C variable inside an offset."""
    return bound(_Variable(name), name)


class _Variable:
    """A C variable; equal by name."""

    op = None

    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Variable) and self.name == other.name


def sizes_of(nest: Nest, body: Iterable[Statement]) -> tuple[Atom, ...]:
    """The sizes a kernel needs from outside, in order of first mention."""
    found: dict[Atom, None] = {}
    for dim in _mentioned(nest):
        atoms = [a for m, _ in dim.terms for a in m] if not isinstance(dim, int) else []
        while atoms:
            atom = atoms.pop(0)
            if atom.kind == "symbol" or (atom.kind == "bound" and not is_data(atom)):
                found[atom] = None
            for arg in atom.args:
                if not isinstance(arg, int):
                    atoms[:0] = [a for m, _ in arg.terms for a in m]
    return tuple(found)


def _mentioned(nest: Nest) -> Iterable[DimLike]:
    for buffer in nest.buffers:
        yield from buffer.shape
    for one in (*nest.outer, *(a for s in nest.stages for a in s.inner)):
        yield one.extent
    for stage in nest.stages:
        for store in stage.stores:
            yield from store.index
        for value in value_order(stage.values()):
            if value.op is LOAD:
                yield from value.params[1]
            elif value.op in (INDEX, WRAP):
                yield value.params[0]
    yield from (size for size, _ in nest.nonempty)
