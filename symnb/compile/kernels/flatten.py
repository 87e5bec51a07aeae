"""Flattening: values of a nest as definitions of one op each.

What every form of schedule shares: names of variables, where loads and positions are
in memory, lets, updates of cells and stores. `Form` is made for one nest and used
once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

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
    Refuse,
    Row,
    Statement,
    Total,
    Tree,
    Write,
    safe_in_place,
    used,
    variable,
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
    atoms_of,
    is_data,
    sources,
    value_order,
)
from symnb.compile.kernels.schedule import Axes, product, reads_in_place
from symnb.compile.kernels.target import Target
from symnb.core.dims import (
    Atom,
    DimLike,
    dims_in,
    is_positive,
    substitute,
)
from symnb.core.dtypes import is_float
from symnb.core.node import Constant, Node

Known = dict[Node, Operand]


class Form(ABC):
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

    @abstractmethod
    def body(self) -> list[Statement]:
        """The statements of the form."""

    def _widest(self) -> tuple[Axis, ...]:
        return max((stage.inner for stage in self.nest.stages), key=len, default=())

    def _refusals(self) -> Iterable[Statement]:
        for size, op in self.nest.nonempty:
            if not is_positive(size):
                yield Refuse(size, op)

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
        self, roots: Sequence[Node], known: Known, often: Collection[Node] = ()
    ) -> tuple[list[Statement], list[Operand]]:
        """Definitions of what `roots` need beyond `known`, and where they are.

        often  roots that are used more than once
        """
        found: list[Statement] = []
        order = value_order(roots, known)
        uses: dict[Node, int] = dict.fromkeys(often, 1)
        for value in order:
            for x in sources(value) if value not in known else ():
                uses[x] = uses.get(x, 0) + 1
        for root in roots:
            uses[root] = uses.get(root, 0) + 1
        for value in order:
            if value not in known:
                known[value] = self._operand(value, known, found, uses[value] > 1)
        return found, [known[root] for root in roots]

    def _operand(
        self, value: Node, known: Known, found: list[Statement], repeated: bool
    ) -> Operand:
        if value.op is READ:
            place = self.places[value.params[0]]
            if isinstance(place, Element) and self.shift:
                place = Element(place.array, self.placed(place.offset))
            if isinstance(place, Element) and value.dtype == "int64":
                # May stand in an index, where only variables can.
                kept = Define(self.name(value), "int64", None, (place,), ())
                found.append(kept)
                return Name(kept.name)
            return place
        if value.op is INDEX:
            return Position(self.located(value.params[0], known))
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

    def stores(self, stage: Stage, known: Known) -> list[Statement]:
        """The stores of a stage, with the definitions they need."""
        positions = [
            a.node
            for s in stage.stores
            for d in dims_in(s.index)
            for a in sorted(d.atoms())
            if is_data(a)
        ]
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

    def updates(self, stage: Stage, known: Known) -> list[Statement]:
        """Definitions of everything the reductions of a stage combine."""
        values = [x.value for x in stage.reductions]
        often = [x.value for x in stage.reductions if x.combine in ("max", "min")]
        return self.define(values, known, often)[0]

    def combine(self, item: Reduce, cell: Name | Element, known: Known) -> Combine:
        """The update of a cell; its value is among `updates`."""
        node, dtype = self.reduced.get(item.name), item.value.dtype
        return Combine(cell, dtype, item.combine, known[item.value], node)

    def bound(self, stem: str, dim: DimLike) -> Bound:
        """A loop bound as a variable, unless it is simple."""
        if isinstance(dim, int) or (dim.atom is not None and not dim.atom.args):
            return Bound(dim, ())
        name = self.fresh(stem)
        define = Define(name, "int64", None, (Position(dim),), ("int64",))
        return Bound(variable(name), (define,))

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


@dataclass(frozen=True)
class Bound:
    """A loop bound, and the definition it needs before the loop."""

    dim: DimLike
    before: tuple[Statement, ...]


def is_pairwise(item: Reduce) -> bool:
    """Whether the order of combining matters for the rounding error."""
    return item.combine == "add" and is_float(item.value.dtype)


def can_be_simd(body: Iterable[Statement]) -> bool:
    """Whether a loop of these statements never leaves early."""
    return not any(isinstance(s, Define) and s.op is WRAP for s in body)


def hoisted(
    body: Sequence[Statement], over: Atom
) -> tuple[list[Statement], list[Statement]]:
    """(what a loop over `over` finds again and again of where data are, the rest).

    An index given by data is checked, and a loop that checks may leave early: out of
    the loop that does not change it, the check is paid once and the loop uses vectors.
    """
    changed = {over.name}
    for statement in body:
        if isinstance(statement, Combine | Write):
            target = statement.target
            changed.add(target.text if isinstance(target, Name) else target.array)
    fixed: list[Define] = []
    for statement in body:
        if isinstance(statement, Define) and changed.isdisjoint(used(statement)):
            fixed.append(statement)
        elif isinstance(statement, Define | Cell | Row | Tree | Total):
            changed.add(statement.name)
    wanted: set[str] = set()
    for define in reversed(fixed):
        if define.op is WRAP or define.name in wanted:
            wanted |= {define.name, *used(define)}
    before = [define for define in fixed if define.name in wanted]
    return list[Statement](before), [s for s in body if s not in before]


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
