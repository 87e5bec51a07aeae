"""Transformations of a nest's axes that every schedule uses: strides and collapsing.

All pure; they work on the linear offsets of what a nest reads and writes. A few
microseconds per access and axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from symnb.compile.kernels.nest import (
    INDEX,
    LOAD,
    Axis,
    Nest,
    atoms_of,
    axis,
    dims_of,
    is_data,
    value_order,
)
from symnb.core.dims import Atom, DimLike, dim_of, dims_in, substitute
from symnb.core.node import Node

STORE_WEIGHT = (
    3  # a strided store costs more than a strided load: it reads the line too
)


@dataclass(frozen=True)
class Access:
    """A linear offset that depends on the axes: of a load, a store, or a counted
    number (weight 0)."""

    offset: DimLike
    weight: int


def stride(offset: DimLike, atom: Atom) -> DimLike | None:
    """How far `offset` moves when the index grows by one; None if that varies."""
    moved = substitute(offset, {atom: dim_of(atom) + 1})
    step = moved - offset
    return None if atom in atoms_of(dims_in(step)) else step


def accesses(nest: Nest) -> list[Access]:
    """Everything a nest reads, writes and counts, each offset once.

    What happens once per row weighs nothing beside what happens at its points.
    """
    found: dict[DimLike, int] = {}
    rows = any(stage.inner for stage in nest.stages)
    for stage in nest.stages:
        weight = 1 if stage.inner or not rows else 0
        for value in value_order(stage.values()):
            if value.op is LOAD:
                buffer, at, _ = value.params
                place = buffer.offset(at)
                found[place] = found.get(place, 0) + weight
            elif value.op is INDEX:
                found.setdefault(value.params[0], 0)
        for store in stage.stores:
            place = store.buffer.offset(store.index)
            found[place] = found.get(place, 0) + STORE_WEIGHT * weight
    return [Access(place, weight) for place, weight in found.items()]


@dataclass
class Axes:
    """The axes of a nest after collapsing, and what became of the original ones.

    mapping  original index -> expression over the present ones
    """

    outer: list[Axis]
    inner: list[Axis]
    accesses: list[Access]
    mapping: dict[Atom, DimLike] = field(default_factory=dict[Atom, DimLike])

    def __call__(self, dim: DimLike) -> DimLike:
        """A size expression over the present axes."""
        return substitute(dim, self.mapping) if self.mapping else dim

    def collapse(self) -> None:
        """Join neighbouring axes over which every access is one straight line."""
        self.outer = self._collapsed(self.outer)
        self.inner = self._collapsed(self.inner)

    def _collapsed(self, axes: list[Axis]) -> list[Axis]:
        done: list[Axis] = []
        for one in reversed(axes):
            if done and one.kind == done[0].kind and self._joins(one, done[0]):
                done[0] = self._join(one, done[0])
            else:
                done.insert(0, one)
        return done

    def _joins(self, a: Axis, b: Axis) -> bool:
        if a.kind == "ordered":
            return False
        for access in self.accesses:
            far, near = stride(access.offset, a.atom), stride(access.offset, b.atom)
            if far is None or near is None or far != near * b.extent:
                return False
        return True

    def _join(self, a: Axis, b: Axis) -> Axis:
        both = axis(a.atom.name, a.extent * b.extent, a.kind)
        change: dict[Atom, DimLike] = {a.atom: 0, b.atom: both.at}
        self.accesses = [
            Access(substitute(x.offset, change), x.weight) for x in self.accesses
        ]
        self.mapping = {k: substitute(v, change) for k, v in self.mapping.items()}
        self.mapping |= change
        return both

    def lane(self, among: Sequence[Axis]) -> Axis | None:
        """The axis along which most accesses are contiguous; the last of equals."""
        best: tuple[float, Axis] | None = None
        for one in among:
            if one.extent == 1:
                continue
            score = sum(self._contiguity(x, one.atom) for x in self.accesses)
            if best is None or score >= best[0]:
                best = (score, one)
        return None if best is None else best[1]

    def conflicts(self, lane: Axis) -> list[Axis]:
        """Outer axes along which some access is contiguous that strides in `lane`."""
        found: list[Axis] = []
        for one in self.outer:
            if one is not lane and any(
                stride(x.offset, one.atom) == 1
                and stride(x.offset, lane.atom) not in (0, 1)
                and x.weight
                for x in self.accesses
            ):
                found.append(one)
        return found

    def _contiguity(self, access: Access, atom: Atom) -> float:
        step = stride(access.offset, atom)
        if step == 1:
            return float(access.weight)
        if step == 0 and not self._jumps(access.offset, atom):
            return 0.0
        return -0.5 * access.weight

    def _jumps(self, offset: DimLike, atom: Atom) -> bool:
        """Whether data in `offset`, an index read from memory, vary along `atom`."""
        data = [a.node for a in atoms_of(dims_in((offset,))) if is_data(a)]
        places = [d for value in value_order(data) for d in dims_of(value)]
        return any(atom in atoms_of(dims_in((self(place),))) for place in places)


def axes_of(nest: Nest) -> Axes:
    """The axes of a nest, collapsed as far as its accesses allow."""
    inner = next((list(s.inner) for s in nest.stages if s.inner), list[Axis]())
    axes = Axes(list(nest.outer), inner, accesses(nest))
    axes.collapse()
    return axes


def product(sizes: Iterable[DimLike]) -> DimLike:
    """The product of sizes."""
    total: DimLike = 1
    for size in sizes:
        total = total * size
    return total


def reads_in_place(nest: Nest) -> tuple[tuple[Node, Node], ...]:
    """(output, input) pairs that may share storage: the input is read only at the
    point that is written, and not after the stage that first writes the output."""
    reads = [
        (at, value.params[0], value.params[1])
        for at, stage in enumerate(nest.stages)
        for value in value_order(stage.values())
        if value.op is LOAD
    ]
    writes = [(at, s) for at, stage in enumerate(nest.stages) for s in stage.stores]
    found: list[tuple[Node, Node]] = []
    for out in nest.outputs:
        mine = [(at, store) for at, store in writes if store.buffer is out]
        stage, store = mine[0]
        if store.mode != "set" or any(at == stage for at, _ in mine[1:]):
            continue
        for source in nest.inputs:
            if source.dtype != out.dtype or source.shape != out.shape:
                continue
            if all(
                index == store.index and at <= stage
                for at, buffer, index in reads
                if buffer is source
            ):
                found.append((out.node, source.node))
    return tuple(found)
