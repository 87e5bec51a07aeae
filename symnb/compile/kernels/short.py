"""The form for rows whose length is not known: those of a few elements go in order.

Where a row has three elements, what it costs to start and end a pass over it is all
there is: tiles of lanes are cleared, updated in part and folded, 15 to 20 ns. Rows of
up to `IN_ORDER` elements take a loop of their own that adds one element after the
other, as NumPy does below eight, without vectors: 1 to 3 ns, and 2 to 5 ms more of
gcc's time, where tiles of rows side by side take 40. float32 distances of 1000 and
2000 points in 3 dimensions 45 -> 3.8 ms (EPYC Zen 4, gcc 12, 2026-11). Once per kernel.
"""

from __future__ import annotations

from dataclasses import replace

from symnb.compile.kernels.flatten import Known
from symnb.compile.kernels.kernel import (
    Cell,
    Kernel,
    Loop,
    Name,
    Statement,
    safe_in_place,
)
from symnb.compile.kernels.nest import WRAP, Axis, Nest, Stage, value_order
from symnb.compile.kernels.rows import SHORT_FLOPS, Reducing, Rows
from symnb.compile.kernels.schedule import Axes, reads_in_place
from symnb.core.dims import dim_min
from symnb.core.dtypes import is_float

IN_ORDER = 7  # elements; NumPy adds up to seven in order, eight in pairs


def may_be_short(nest: Nest, axes: Axes) -> bool:
    """Whether rows may turn out so short that what is done once per row is all."""
    if len(axes.inner) != 1 or not axes.outer:
        return False
    [inner] = axes.inner
    if isinstance(inner.extent, int) or axes.outer[-1].extent == 1:
        return False
    ordered = any(one.kind == "ordered" for one in (inner, *axes.outer))
    return not ordered and all(_is_cheap(s) for s in nest.stages if s.inner)


def _is_cheap(stage: Stage) -> bool:
    """Whether a pass of these few operations gains nothing from vectors."""
    values = value_order(stage.values())
    cost = sum(value.op.flops for value in values if not value.is_leaf)
    floats = all(is_float(x.value.dtype) for x in stage.reductions)
    wraps = any(value.op is WRAP for value in values)
    return floats and not stage.lets and not wraps and cost <= SHORT_FLOPS


class ShortRows(Rows):
    """Row by row, short rows in a loop of their own."""

    def over(self, one: Axis, loop: Loop) -> list[Statement]:
        """The loop over rows, after one that takes all of them if they are short."""
        [inner] = self.axes.inner
        is_short = dim_min((IN_ORDER + 1) // (inner.extent + 1), 1)
        stop = self.bound(f"{one.atom.name}1", one.extent * is_short)
        form = _InOrder(self.nest, self.axes, self.target)
        form.taken = self.taken
        note = f"rows of up to {IN_ORDER}"
        short = replace(loop, stop=stop.dim, body=tuple(form.body()), note=note)
        long = replace(loop, start=stop.dim)
        self.ways = (short, long)
        return [*stop.before, short, long]

    def kernel(self) -> Kernel:
        """The scheduled kernel; what shares storage can do so either way."""
        kernel = super().kernel()
        pairs = reads_in_place(self.nest)
        for loop in self.ways:
            pairs = safe_in_place(replace(kernel, body=(loop,)), pairs)
        return replace(kernel, in_place=pairs)


class _InOrder(Reducing):
    """The passes over one short row, element by element."""

    def body(self) -> list[Statement]:
        """The passes in order."""
        known: Known = {}
        found: list[Statement] = []
        for stage in self.nest.stages:
            if stage.inner:
                found += self._row(stage, dict(known))
            else:
                found += self.lets(stage.lets, known)
                found += self.stores(stage, known)
        return found

    def _row(self, stage: Stage, known: Known) -> list[Statement]:
        """One pass over the row."""
        [inner] = self.axes.inner
        cells: list[Statement] = []
        body = self.updates(stage, known)
        for item in stage.reductions:
            cell = Name(item.name)
            cells.append(Cell(item.name, item.value.dtype, item.combine))
            self.places[item.name] = cell
            body.append(self.combine(item, cell, known))
        body += self.stores(stage, known)
        return [*cells, self.loop(inner, body, "plain", "no vectors")]
