"""Scalar values of a region: graph nodes at points, made on demand and each once.

Views, broadcasts and gathers turn into index expressions on the way from a result to
what it loads. About 20 us per value, once per region.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symnb.compile.kernels.nest import (
    INDEX,
    Buffer,
    NestError,
    Reduce,
    load,
    place_of,
    position,
    read,
    replace_values,
    scalar,
    wrapped,
)
from symnb.compile.kernels.points import (
    Index,
    Position,
    is_inline,
    known_position,
    operand_points,
    role,
)
from symnb.compile.kernels.region import Region
from symnb.compile.kernels.space import Space
from symnb.core.dims import DimLike, bound
from symnb.core.node import SIZE, Constant, Node
from symnb.core.op import Op
from symnb.ops.arithmetic import add, mul, sub
from symnb.ops.create import IOTA
from symnb.ops.define import Reduction

Point = tuple[Node, Index]
COEFFICIENT_LIMIT = 2**31  # larger constants stay values: products fit in int64


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

    def _position(self, unknown: list[Point]) -> Position:
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
        if isinstance(node.op, Reduction) and node.op.combine.startswith("arg"):
            return self.same(position(0))
        if node.op.kind in ("view", "gather", "identity", "reduction"):
            return operands[0]
        value = element(node, index, operands)
        if value.op is INDEX:
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
        axes: tuple[int, ...] = op.param(node, "axes")
        for at in axes:
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


def _sum(a: DimLike, b: DimLike) -> DimLike:
    return a + b


def _difference(a: DimLike, b: DimLike) -> DimLike:
    return a - b


def _product(a: DimLike, b: DimLike) -> DimLike:
    return a * b


INTEGER: dict[Op, Callable[[DimLike, DimLike], DimLike]] = {
    add: _sum, sub: _difference, mul: _product,
}  # fmt: skip


def element(node: Node, index: Index, operands: list[Node]) -> Node:
    """One element of a map node from elements of its operands.

    Arithmetic on counted numbers and sizes stays a size expression, so that loops
    over positions collapse like those over arrays.
    """
    if node.op is IOTA:
        along: int = node.params[1]
        return position(index[along])
    combine = INTEGER.get(node.op)
    if combine is not None and node.dtype == "int64":
        dims = [_counted(x) for x in operands]
        if any(x.op is INDEX for x in operands) and None not in dims:
            return position(combine(dims[0], dims[1]))  # type: ignore[arg-type]
    return scalar(node, tuple(operands))


def _counted(value: Node) -> DimLike | None:
    """A scalar as a size expression, if it is one."""
    if value.op is INDEX:
        return value.params[0]
    if isinstance(value, Constant) and abs(int(value.value)) < COEFFICIENT_LIMIT:
        return int(value.value)
    return None
