"""Region -> Nest: graph nodes become scalar values at points of a loop nest.

Views, broadcasts and gathers turn into index expressions on the way from a result to
what it loads. A region with reductions becomes stages over one row: what needs no
reduction, then what needs the first ones, and so on; values that do not vary along
the row are computed once before it, expensive values needed by two stages are kept.
Once per region, about 20 us per value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from symnb.compile.kernels.nest import (
    INDEX,
    LOAD,
    READ,
    Buffer,
    Let,
    Nest,
    NestError,
    Reduce,
    Stage,
    Store,
    atoms_of,
    dims_of,
    load,
    place_of,
    position,
    read,
    replace_values,
    scalar,
    sources,
    validate,
    value_order,
    wrapped,
)
from symnb.compile.kernels.points import (
    Index,
    is_inline,
    known_position,
    operand_points,
    role,
    shape_of,
)
from symnb.compile.kernels.region import Region
from symnb.compile.kernels.space import Space, space_of
from symnb.core.dims import DimLike, bound
from symnb.core.node import SIZE, Constant, Node
from symnb.ops.create import IOTA
from symnb.ops.define import Reduction

Point = tuple[Node, Index]

# A value this costly (flops) is kept in a row rather than computed in two stages:
# storing and loading it from L1 costs about 0.1 ns, exp 0.4 (EPYC, 2026-11).
KEEP_FLOPS = 6.0


def lower(region: Region) -> Nest:
    """The loop nest that computes the outputs of a kernel region."""
    if region.kind != "kernel":
        raise NestError(f"a region of kind {region.kind} has no nest")
    space = space_of(anchors_of(region))
    values = Values(region, space)
    for node in anchors_of(region):
        at = space.home(node)
        if at is None:
            raise NestError(f"{node!r} has other axes than its region")
        values.at(node, at)
    stages = Stages(values, space)
    stages.place()
    stages.keep_rows()
    stages.hoist()
    nest = Nest(
        buffers=(*values.inputs.values(), *values.outputs.values()),
        outer=space.outer,
        stages=stages.stages(),
        origin=values.origin,
        numbers=dict(zip(region.nodes, region.numbers, strict=True)),
        nonempty=_nonempty(region),
    )
    validate(nest)
    return nest


def anchors_of(region: Region) -> tuple[Node, ...]:
    """The nodes at home in the region's space: reductions, then outputs."""
    reductions = [x for x in region.nodes if role(x) == "reduce"]
    return tuple(dict.fromkeys((*reductions, *region.outputs)))


def _nonempty(region: Region) -> tuple[tuple[DimLike, str], ...]:
    """The reduced sizes that need an element, with the names of the reductions."""
    found: dict[tuple[DimLike, str], None] = {}
    for node in region.nodes:
        op = node.op
        if isinstance(op, Reduction) and op.identity is None:
            shape = shape_of(node.inputs[0])
            found |= {(shape[axis], op.name): None for axis in node.params[0]}
    return tuple(found)


class Values:
    """Scalar values of one region, made on demand and each once."""

    def __init__(self, region: Region, space: Space) -> None:
        self.space = space
        ins = [x for x in region.inputs if not is_inline(x)]
        self.inputs = {x: Buffer(f"p{k}", x, "in") for k, x in enumerate(ins)}
        outs = enumerate(region.outputs)
        self.outputs = {y: Buffer(f"q{k}", y, "out") for k, y in outs}
        self.reductions: dict[tuple[str, Node], Reduce] = {}
        self.operand: dict[Node, Reduce] = {}  # Read -> what it reads
        self.origin: dict[Node, Node] = {}
        self._known: dict[Point, Node] = {}
        self._same: dict[object, Node] = {}

    def at(self, node: Node, index: Index) -> Node:
        """The element of `node` at `index`."""
        stack = [(node, index)]
        while stack:
            point = stack[-1]
            if point in self._known:
                stack.pop()
                continue
            missing = self._needs(*point)
            if missing:
                stack += reversed(missing)
            else:
                self._known[point] = self._make(*point)
        return self._known[node, index]

    def _needs(self, node: Node, index: Index) -> list[Point]:
        """The points to compute before this one."""
        if node in self.inputs or node.is_leaf:
            return []
        if role(node) == "reduce":
            points = [(node.inputs[0], self.space.full)]
        else:
            unknown: list[Point] = []
            points = operand_points(node, index, self._position(unknown))
            if unknown:
                return unknown
        return [point for point in points if point not in self._known]

    def _position(self, unknown: list[Point]):
        """How a gather's index becomes part of an index expression."""

        def find(x: Node, at: Index, extent: DimLike, axis: int) -> DimLike:
            known = known_position(x, at, extent)
            if known is not None:
                return known
            if (x, at) not in self._known:
                unknown.append((x, at))
                return 0
            value = self.same(wrapped(self._known[x, at], extent, axis))
            return bound(value, "g")

        return find

    def _make(self, node: Node, index: Index) -> Node:
        if node in self.inputs:
            return self.same(load(self.inputs[node], index))
        if isinstance(node, Constant):
            return self._constant(node)
        if node.op is SIZE:
            return self.same(position(node.params[0]))
        kind = role(node)
        if kind == "reduce":
            return self._reduction(node, index)
        points = operand_points(node, index, self._position([]))
        operands = [self._known[point] for point in points]
        if node.op.kind in ("view", "gather", "identity"):
            return operands[0]
        value = element(node, index, operands)
        if value.op is INDEX or not operands:
            return self.same(value)
        return self.same(value, node)

    def _constant(self, node: Constant) -> Node:
        if not node.ndim:
            return self.same(node)
        return self.same(Constant(node.value.reshape(())))

    def _reduction(self, node: Node, index: Index) -> Node:
        op = node.op
        if index != self.space.home(node) or not isinstance(op, Reduction):
            raise NestError(f"{node!r} is read at another point than its own")
        value = self._known[node.inputs[0], self.space.full]
        if not op.combine.startswith("arg"):
            return self.reduced(op.combine, value, node)
        extremum = self.reduced(op.combine[3:], value, node)
        place: DimLike = 0
        for at in op.param(node, "axes"):
            place = place * self.space.shape[at] + self.space.full[at]
        found = self.same(place_of(value, extremum, position(place)), node)
        return self.reduced("min", found, node)

    def reduced(self, combine: str, value: Node, node: Node) -> Node:
        """A read of `value` combined over the row."""
        known = self.reductions.get((combine, value))
        if known is None:
            known = Reduce(f"r{len(self.reductions)}", combine, value)
            self.reductions[combine, value] = known
        result = self.same(read(known.name, value.dtype), node)
        self.operand[result] = known
        return result

    def rebuilt(self, root: Node, replaced: Mapping[Node, Node]) -> Node:
        """`root` with values replaced."""

        def make(new: Node, old: Node) -> Node:
            return self.same(new, self.origin.get(old))

        return replace_values([root], replaced, make)[0]

    def same(self, value: Node, origin: Node | None = None) -> Node:
        """The one value equal to `value`."""
        key = (value.op, value.inputs, value.params, value.type)
        kept = self._same.setdefault(key, value)
        if origin is not None:
            self.origin.setdefault(kept, origin)
        return kept


def element(node: Node, index: Index, operands: list[Node]) -> Node:
    """One element of a map node from elements of its operands."""
    if node.op is IOTA:
        return position(index[node.params[1]])
    return scalar(node, tuple(operands))


# -------------------------------------------------------------------------- stages


@dataclass
class _Draft:
    """A full stage (over the row) and the kept stage that runs before it."""

    kept_lets: list[Let]
    kept_stores: list[Store]
    lets: list[Let]
    reductions: list[Reduce]
    stores: list[Store]
    rows: dict[Node, Node] = field(default_factory=dict)  # replaced by earlier rows
    kept: dict[Node, Node] = field(default_factory=dict)  # its own rows


class Stages:
    """Places every root value in the earliest stage where what it reads is known."""

    def __init__(self, values: Values, space: Space) -> None:
        self.values = values
        self.space = space
        self.levels: dict[Node, int] = {}
        self.varying: dict[Node, bool] = {}
        self.drafts: list[_Draft] = []
        self.inner = {a.atom for a in space.inner}
        self.names = 0

    def draft(self, level: int) -> _Draft:
        """The stages after `level` rounds of reductions."""
        while len(self.drafts) <= level:
            self.drafts.append(_Draft([], [], [], [], []))
        return self.drafts[level]

    def level(self, root: Node) -> int:
        """How many rounds of reductions must be complete before `root`."""
        for value in value_order([root], self.levels):
            if value in self.levels:
                continue
            if value.op is READ:
                operand = self.values.operand[value].value
                self.levels[value] = self.level_of_operand(operand) + 1
                continue
            found = [self.levels[x] for x in sources(value)]
            self.levels[value] = max(found, default=0)
        return self.levels[root]

    def level_of_operand(self, operand: Node) -> int:
        """The level of a reduction's operand; known, as reductions are made in order."""
        known = self.levels.get(operand)
        return self.level(operand) if known is None else known

    def varies(self, root: Node) -> bool:
        """Whether `root` changes along the row."""
        for value in value_order([root], self.varying):
            if value not in self.varying:
                own = atoms_of(dims_of(value)) & self.inner
                below = any(self.varying[x] for x in sources(value))
                self.varying[value] = bool(own) or below
        return self.varying[root]

    def place(self) -> None:
        """Put reductions and stores into their stages."""
        for item in self.values.reductions.values():
            self.draft(self.level(item.value)).reductions.append(item)
        for node, buffer in self.values.outputs.items():
            at = self.space.home(node)
            assert at is not None, node
            value = self.values.at(node, at)
            full = at == self.space.full and bool(self.space.inner)
            draft = self.draft(self.level(value))
            store = Store(buffer, at, value)
            (draft.stores if full else draft.kept_stores).append(store)

    def keep_rows(self) -> None:
        """Costly values that a later stage needs again become rows."""
        first: dict[Node, _Draft] = {}
        for draft in self.drafts:
            roots = [x.value for x in (*draft.reductions, *draft.stores)]
            for value in self._costly(roots, first):
                owner = first[value]
                if value not in owner.kept:
                    let = self.let(self.values.rebuilt(value, owner.rows))
                    owner.lets.append(let)
                    owner.kept[value] = self.values.same(read(let.name, value.dtype))
                    self.varying[owner.kept[value]] = True
                draft.rows[value] = owner.kept[value]
            for value in value_order(roots, draft.rows):
                first.setdefault(value, draft)
        for draft in self.drafts:
            lets = list(draft.lets)
            self._rewrite(draft, draft.rows)
            draft.lets[:] = lets

    def _costly(self, roots: list[Node], first: dict[Node, _Draft]) -> list[Node]:
        """The outermost values of earlier stages that are worth keeping."""
        found: dict[Node, None] = {}
        seen: set[Node] = set()
        stack = list(reversed(roots))
        while stack:
            value = stack.pop()
            if value in seen:
                continue
            seen.add(value)
            worth = value in first and self.varies(value) and not value.is_leaf
            if worth and flops([value]) >= KEEP_FLOPS:
                found[value] = None
            else:
                stack += reversed(sources(value))
        return list(found)

    def hoist(self) -> None:
        """Values that do not vary along the row are computed before it."""
        done: dict[Node, Node] = {}
        for draft in self.drafts if self.inner else ():
            roots = [x.value for x in (*draft.lets, *draft.reductions, *draft.stores)]
            fixed = {
                x: None
                for value in value_order(roots)
                for x in (value, *sources(value))
                if not x.is_leaf and not self.varies(x)
            }
            for value in value_order(roots, fixed):
                if value in fixed and value not in done:
                    let = self.let(value)
                    draft.kept_lets.append(let)
                    done[value] = self.values.same(read(let.name, value.dtype))
            self._rewrite(draft, done)

    def let(self, value: Node) -> Let:
        """A let with a name of its own."""
        self.names += 1
        return Let(f"c{self.names - 1}", value)

    def _rewrite(self, draft: _Draft, replaced: dict[Node, Node]) -> None:
        if not replaced:
            return

        def new(root: Node) -> Node:
            return self.values.rebuilt(root, replaced)

        draft.lets[:] = [Let(x.name, new(x.value)) for x in draft.lets]
        draft.reductions[:] = [
            Reduce(x.name, x.combine, new(x.value)) for x in draft.reductions
        ]
        draft.stores[:] = [
            Store(x.buffer, x.index, new(x.value), x.mode) for x in draft.stores
        ]

    def stages(self) -> tuple[Stage, ...]:
        """The stages in order, empty ones left out."""
        found: list[Stage] = []
        inner = self.space.inner
        for draft in self.drafts:
            kept = Stage((), tuple(draft.kept_lets), (), tuple(draft.kept_stores))
            row = Stage(
                inner, tuple(draft.lets), tuple(draft.reductions), tuple(draft.stores)
            )
            found += [stage for stage in (kept, row) if list(stage.values())]
        return tuple(found)


def flops(roots: Iterable[Node]) -> float:
    """The cost of computing values once per point, shared work counted once."""
    return sum(value.op.flops for value in value_order(roots) if not value.is_leaf)
