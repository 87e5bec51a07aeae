"""Nest -> Kernel for processors with vector registers.

Forms: flat, no reduction, loops over the result with vectors along its contiguous
axis; rows, the reduced axis is contiguous; columns, what is kept is contiguous;
passes, loops of their own one after the other. All numbers are measured (EPYC Zen 4,
gcc 12, 2026-11; notes on native code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symnb.compile.kernels.columns import Columns
from symnb.compile.kernels.flatten import Form, Known, can_be_simd, hoisted
from symnb.compile.kernels.kernel import Kernel, Loop, LoopRole, Statement, check
from symnb.compile.kernels.nest import Axis, Nest, Stage, axis
from symnb.compile.kernels.parallel import in_threads
from symnb.compile.kernels.rows import Rows
from symnb.compile.kernels.schedule import Axes, axes_of, product
from symnb.compile.kernels.short import ShortRows, may_be_short
from symnb.compile.kernels.streams import streams
from symnb.compile.kernels.target import Target
from symnb.core.dims import dim_min

BLOCK = 32  # side of a square of a transposing loop: two of float64 fit in L1


def schedule_cpu(nest: Nest, target: Target) -> Kernel:
    """The kernel that computes a nest on a processor."""
    if is_passes(nest):
        form: Form = Passes(nest, Axes([], [], []), target)
    else:
        form = form_of(nest, axes_of(nest), target)
    kernel = form.kernel()
    if "simd" in target.off:
        kernel = replace(kernel, body=tuple(map(_scalar, kernel.body)))
    if "threads" in target.off:
        kernel = replace(kernel, alone="the mode leaves threads out")
    else:
        kernel = in_threads(kernel, form)
    check(kernel)
    return kernel


def _scalar(statement: Statement) -> Statement:
    """The statement with loops that use no vector registers."""
    if not isinstance(statement, Loop):
        return statement
    role: LoopRole = "serial" if statement.role == "simd" else statement.role
    body = tuple(map(_scalar, statement.body))
    return replace(statement, role=role, body=body, streams=0)


def is_passes(nest: Nest) -> bool:
    """Whether the stages are independent passes over axes of their own."""
    inner = [a for s in nest.stages for a in s.inner if not s.reductions]
    return not nest.outer and any(a.kind != "reduce" for a in inner)


def form_of(nest: Nest, axes: Axes, target: Target) -> Form:
    """The form for a nest, by which axis is contiguous."""
    if not axes.inner:
        return Flat(nest, axes, target)
    if axes.lane([*axes.outer, *axes.inner]) in axes.outer:
        return Columns(nest, axes, target)
    form = ShortRows if may_be_short(nest, axes) else Rows
    return form(nest, axes, target)


class Flat(Form):
    """Every point by itself."""

    def body(self) -> list[Statement]:
        """Loops over the result, the contiguous axis innermost."""
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
                before, found = hoisted(found, one.atom)
                found = [*before, self.loop(one, found, "ordered", "in order")]
            return found
        across = self.axes.conflicts(lane)
        rest = [a for a in outer if a is not lane]
        if across and across[-1] in rest and across[-1].kind != "ordered":
            return self._squares(found, rest, across[-1], lane)
        before, found = hoisted(found, lane.atom)
        loop = self.loop(lane, found, "simd")
        if loop.role == "simd":
            points = product(a.extent for a in outer)
            loop = replace(loop, streams=streams(self.nest, found, points))
        result = [*before, loop]
        for at, one in enumerate(reversed(rest)):
            role: LoopRole = "parallel" if at == len(rest) - 1 else "serial"
            role = "ordered" if one.kind == "ordered" else role
            before, result = hoisted(result, one.atom)
            note = "in order" if role == "ordered" else ""
            result = [*before, self.loop(one, result, role, note)]
        return result

    def _squares(
        self, found: list[Statement], rest: list[Axis], across: Axis, lane: Axis
    ) -> list[Statement]:
        """Loops over squares of two axes, each contiguous in some array."""
        self.summary = f"squares of {BLOCK} x {BLOCK}: some arrays are transposed"
        result: Sequence[Statement] = found
        blocks: list[Axis] = []
        before: list[Statement] = []
        for one in (lane, across):
            whole = axis(f"{one.atom.name}0", one.extent)
            stop = self.bound(
                f"{one.atom.name}1", dim_min(whole.at + BLOCK, one.extent)
            )
            vector = one is lane and can_be_simd(found)
            role: LoopRole = "simd" if vector else "serial"
            result = [Loop(one.atom, whole.at, stop.dim, role, tuple(result))]
            before += stop.before
            blocks.append(whole)
        result = [*before, *result]
        for whole in blocks:
            result = [
                Loop(whole.atom, 0, whole.extent, "serial", tuple(result), BLOCK,
                     "squares")
            ]  # fmt: skip
        for one in reversed([a for a in rest if a is not across]):
            result = [self.loop(one, result, "serial")]
        return list(result)


class Passes(Form):
    """Passes over axes of their own, one after the other."""

    def body(self) -> list[Statement]:
        """The passes in order."""
        found: list[Statement] = []
        nest = self.nest
        for stage in nest.stages:
            flat = Stage((), stage.lets, (), stage.stores)
            part = Nest(
                nest.buffers, stage.inner, (flat,), nest.origin, nest.numbers,
                awaited=tuple(b.node for b in nest.outputs),  # by the next pass
            )  # fmt: skip
            form = Flat(part, axes_of(part), self.target)
            form.taken = self.taken
            found += form.body()
        self.summary = f"{len(nest.stages)} passes"
        return found
