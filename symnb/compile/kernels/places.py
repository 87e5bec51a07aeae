"""Where a row has its extremum, in one pass over the row.

Each lane keeps the best of what it has seen and in which turn it saw that; then the
lanes are compared: first what is best, then the first place that has it. NaN is best,
the first one. Rows shorter than the lanes go element by element. For the two stages
that lowering makes of argmax and argmin over one axis; float32 2048 x 1024 over rows
310 us in two passes, 183 in one, 100000 x 10 4.6 and 2.8 ms (EPYC Zen 4, gcc 12,
2026-11). Once per kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from symnb.compile.kernels.flatten import Known, can_be_simd
from symnb.compile.kernels.kernel import (
    Cell,
    Define,
    Element,
    Loop,
    Name,
    Number,
    Operand,
    Position,
    Statement,
    Total,
    Write,
)
from symnb.compile.kernels.nest import (
    INDEX,
    LEADS,
    PLACE,
    READ,
    Axis,
    Reduce,
    Stage,
    axis,
)
from symnb.core.dims import Dim, DimLike, dim_min
from symnb.ops.arithmetic import add, mul
from symnb.ops.cast import CAST
from symnb.ops.logic import where

if TYPE_CHECKING:
    from symnb.compile.kernels.rows import Rows

REGISTERS = 4  # of lanes: a comparison and a choice take 6 cycles
SIZES = (4, 8)  # bytes of an element; a turn is counted in an integer as wide


def place_of_extremum(form: Rows, at: int, known: Known) -> list[Statement] | None:
    """The statements of the stages `at` and `at + 1` if they are an extremum and its
    place along one axis, else None."""
    stages = form.nest.stages
    if at + 1 >= len(stages) or len(form.axes.inner) != 1:
        return None
    first, second = _only(stages[at]), _only(stages[at + 1])
    [lane] = form.axes.inner
    if first is None or second is None or lane.kind != "reduce":
        return None
    size = np.dtype(first.value.dtype).itemsize
    fits = first.combine in ("max", "min") and size in SIZES
    if not fits or not _is_place(form, first, second, lane):
        return None
    return _Lanes(form, first, second, lane, known).statements()


def _only(stage: Stage) -> Reduce | None:
    """The reduction of a stage that does nothing else."""
    alone = stage.inner and not stage.lets and not stage.stores
    return stage.reductions[0] if alone and len(stage.reductions) == 1 else None


def _is_place(form: Rows, first: Reduce, second: Reduce, lane: Axis) -> bool:
    """Whether `second` is the place along `lane` of the extremum `first`."""
    value = second.value
    if second.combine != "min" or value.op is not PLACE:
        return False
    x, extremum, place = value.inputs
    return (
        x is first.value
        and extremum.op is READ
        and extremum.params[0] == first.name
        and place.op is INDEX
        and form.axes(place.params[0]) == lane.at
    )


class _Lanes:
    """One pass whose lanes keep an extremum and the turn they saw it in."""

    def __init__(
        self, form: Rows, first: Reduce, second: Reduce, lane: Axis, known: Known
    ) -> None:
        self.form = form
        self.first = first
        self.second = second
        self.lane = lane
        self.known = known
        self.dtype = first.value.dtype
        size = np.dtype(self.dtype).itemsize
        self.count = f"int{8 * size}"
        self.lanes = REGISTERS * form.target.vector // size
        self.place = axis("l", self.lanes)
        self.best = self._tile("best")
        self.turn = self._tile("turn")

    def _tile(self, stem: str) -> Element:
        return Element(f"{stem}_{self.first.name}", self.place.at)

    def statements(self) -> list[Statement] | None:
        """A long row in lanes, a short one element by element; None if the pass may
        leave early."""
        form, name, extent = self.form, self.first.name, self.lane.extent
        stem = self.lane.atom.name
        turns = form.bound(f"{stem}2", extent // self.lanes)
        in_lanes = form.bound(f"{stem}3", dim_min(turns.dim, 1))
        best, place = Element(f"best_of_{name}", 0), Element(f"place_of_{name}", 0)
        one = self._one(best, place, in_lanes.dim * extent)
        if not can_be_simd(one.body):
            return None
        found: list[Statement] = [
            Cell(best.array, self.dtype, self.first.combine, 1),
            Cell(place.array, "int64", "add", 1),
            *turns.before,
            *in_lanes.before,
            *self._either(in_lanes.dim, self._in_lanes(turns.dim, best, place), one),
        ]
        # Named unlike what each chunk of a loop could have of its own: here a chunk's
        # place would need its extremum to be compared with.
        for item, cell in ((self.first, best), (self.second, place)):
            dtype, made = item.value.dtype, f"found_{item.name}"
            found.append(Define(made, dtype, None, (cell,), (dtype,)))
            form.places[item.name] = Name(made)
        return found

    def _either(
        self, is_long: DimLike, lanes: list[Statement], one: Loop
    ) -> list[Statement]:
        """Both ways through a row, or the one that a row of known length takes."""
        if isinstance(is_long, int):
            return lanes if is_long else [one]
        once = axis(f"{self.lane.atom.name}4", is_long)
        note = "a long row"
        return [Loop(once.atom, 0, is_long, "serial", tuple(lanes), 1, note), one]

    def _one(self, best: Element, place: Element, start: DimLike) -> Loop:
        """Element by element from `start` on."""
        here = Position(self.lane.at)
        body = self._update(self.lane.at, best, place, here, "int64")
        stop = self.form.axes(self.lane.extent)
        return Loop(
            self.lane.atom, start, stop, "serial", tuple(body), 1, "a short row"
        )

    def _in_lanes(
        self, turns: DimLike, best: Element, place: Element
    ) -> list[Statement]:
        """The pass over a row of at least as many elements as lanes."""
        chunk = axis(f"{self.lane.atom.name}1", self.lane.extent)
        rest = self._turn(turns, self.lane.extent - turns * self.lanes)
        inner = tuple(self._turn(chunk.at))
        return [
            Cell(self.best.array, self.dtype, self.first.combine, self.lanes),
            Cell(self.turn.array, self.count, "add", self.lanes),
            Loop(chunk.atom, 0, turns, "serial", inner, 1, f"{self.lanes} lanes"),
            *rest,
            *self._result(best, place),
        ]

    def _turn(self, turn: DimLike, count: DimLike | None = None) -> list[Statement]:
        """One element for each lane, or for `count` of them."""
        name = f"{'turn' if count is None else 'last_turn'}_of_{self.first.name}"
        number = Define(name, self.count, CAST, (Position(turn),), ("int64",))
        at = turn * self.lanes + self.place.at
        body = self._update(at, self.best, self.turn, Name(name), self.count)
        stop: DimLike = self.lanes if count is None else count
        note = "" if count is None else "the rest"
        return [number, Loop(self.place.atom, 0, stop, "simd", tuple(body), 1, note)]

    def _update(
        self, at: DimLike, best: Element, when: Element, now: Operand, count: str
    ) -> list[Statement]:
        """Put the element at `at` and the number `now` where it comes before what is
        there."""
        form = self.form
        names = form.names
        form.names = dict(names)
        form.shift = {self.lane.atom: at}
        body, [x] = form.define(
            [self.first.value], dict(self.known), [self.first.value]
        )
        form.shift, form.names = {}, names
        before = Define(
            form.fresh("x0"), "bool", LEADS, (x, best), (self.dtype, self.dtype),
            (self.first.combine,), form.reduced.get(self.first.name),
        )  # fmt: skip
        body.append(before)
        for tile, new, dtype in ((when, now, count), (best, x, self.dtype)):
            chosen = self._define(dtype, where, (Name(before.name), new, tile), dtype)
            body += [chosen, Write(tile, dtype, Name(chosen.name))]
        return body

    def _define(
        self, dtype: str, op: object, operands: tuple[Operand, ...], of: str
    ) -> Define:
        types = ("bool", of, of) if op is where else (of,) * len(operands)
        name = self.form.fresh("x0")
        return Define(name, dtype, op, operands, types)  # type: ignore[arg-type]

    def _result(self, best: Element, place: Element) -> list[Statement]:
        """The extremum of the lanes, then the first place of it."""
        top, places = self._tile("top"), self._tile("place")
        copy = Loop(
            self.place.atom, 0, self.lanes, "simd",
            (Write(top, self.dtype, self.best),),
        )  # fmt: skip
        turn = self._define("int64", CAST, (self.turn,), self.count)
        start = self._define("int64", mul, (Name(turn.name), self._lanes()), "int64")
        at: Dim = self.place.at
        here = self._define("int64", add, (Name(start.name), Position(at)), "int64")
        node = self.form.reduced.get(self.second.name)
        operands = (self.best, Name(f"top_of_{self.first.name}"), Name(here.name))
        found = Define(
            self.form.fresh("x0"), "int64", PLACE, operands, (self.dtype,), (), node
        )
        write = Write(places, "int64", Name(found.name))
        body = (turn, start, here, found, write)
        first, name = self.first, self.first.name
        extremum, least = f"top_of_{name}", f"first_of_{name}"
        return [
            Cell(top.array, self.dtype, "none", self.lanes),
            copy,
            Total(extremum, self.dtype, first.combine, self.lanes, top.array, "",
                  self.form.reduced.get(name)),
            Cell(places.array, "int64", "none", self.lanes),
            Loop(self.place.atom, 0, self.lanes, "simd", body),
            Total(least, "int64", "min", self.lanes, places.array, "", node),
            Write(best, self.dtype, Name(extremum)),
            Write(place, "int64", Name(least)),
        ]  # fmt: skip

    def _lanes(self) -> Number:
        return Number(np.int64(self.lanes))
