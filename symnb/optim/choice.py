"""How a chain of products is calculated: the order chosen by cost, and its nodes.

Of the orders that are best at the sizes known (or, where sizes are open, at several
samples of them) the cheapest that is never dearer than the written one; scalar factors
go to the smallest tensor on the way; products that exist elsewhere are free.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from symnb.core.dims import DimLike, evaluate
from symnb.core.node import Node
from symnb.ops.dot import dot
from symnb.ops.elementwise import reciprocal
from symnb.ops.linalg import solve
from symnb.ops.view import (
    EXPAND_DIMS,
    expand_dims,
    reshape,
    shape_of,
    squeeze,
    transpose,
)
from symnb.optim import cost
from symnb.optim.chain import Chain, Kind, Part
from symnb.optim.order import Order, Span, Triangle, best_order, moved, multiplications

# ---------------------------------------------------------------------------- choosing

SHORT = 12  # parts: the best orders at all samples of open sizes take 5 ms


@dataclass(frozen=True)
class Outline:
    """What of a chain decides its cost; the layers of a deep model often share one.

    written  the order as written
    scaled   elements of what each scalar factor scales
    free     spans whose product exists elsewhere
    """

    sizes: tuple[DimLike, ...]
    kinds: str
    written: Order
    scaled: tuple[DimLike, ...]
    free: frozenset[Span] = frozenset()

    @property
    def whole(self) -> Span:
        """The span of all parts."""
        return 0, len(self.kinds)

    def work(self, order: Sequence[Triangle]) -> DimLike:
        """Multiplications of an order, without scalings."""
        pairs = [multiplications(self.sizes, self.kinds, at) for at in order]
        return sum(pairs, start=0)

    def moved(self, order: Sequence[Triangle]) -> DimLike:
        """Elements read and written by an order."""
        return sum([moved(self.sizes, at) for at in order], start=0)

    def spot(self, order: Order) -> tuple[Span, DimLike]:
        """The smallest span to scale, the result if it is among them, and its size."""
        if not self.scaled:
            return self.whole, 0
        singles = [(i, i + 1) for i in range(len(self.kinds))]
        spans = [self.whole, *((i, j) for i, _, j in order), *singles]
        areas = [self.sizes[i] * self.sizes[j] for i, j in spans]
        at = cost.best(areas)
        return spans[at], areas[at]


@dataclass(frozen=True)
class Choice:
    """How a chain is to be calculated.

    order  triangles, inner ones first
    spot   the span whose product is scaled
    work   multiplications; `before`: as written
    how    how it is known to be cheaper; "" where nothing is
    """

    order: Order
    spot: Span
    work: DimLike
    before: DimLike
    how: cost.How

    def uses(self, span: Span) -> bool:
        """Whether the product of a span is multiplied as it is."""
        return any(span in ((i, k), (k, j)) for i, k, j in self.order)


def outline(chain: Chain, free: Collection[Span] = ()) -> Outline:
    """The outline of a chain."""
    return Outline(
        tuple(chain.sizes), chain.kinds, tuple(chain.written), tuple(chain.scaled),
        frozenset(free),
    )  # fmt: skip


@lru_cache(maxsize=256)
def choose(chain: Outline) -> Choice | None:
    """The cheapest way found; None if that is the written one.

    Where sizes are open the best orders for several sizes are tried; one is taken
    if it never costs more than the written one. With `how` == "" none is.
    """
    before = chain.work(chain.written) + sum(chain.scaled, start=0)
    points = cost.samples(*chain.sizes)
    if not points:
        return None
    tried = points if len(chain.kinds) <= SHORT else points[:1]
    orders = dict.fromkeys(
        best_order([evaluate(n, point) for n in chain.sizes], chain.kinds, chain.free)
        for point in tried
    )
    found = [_weighed(chain, order, before) for order in orders]
    better = [choice for choice in found if choice.how]
    if better:
        return min(better, key=lambda c: (_average(c.work, points), c.order))
    tempting = any(
        evaluate(choice.work, point) < evaluate(before, point)
        for choice in found
        for point in points
    )
    return found[0] if tempting else None


def _weighed(chain: Outline, order: Order, before: DimLike) -> Choice:
    """An order, and how it is known that it is better than the written one."""
    spot, extra = chain.spot(order)
    work = chain.work(order) + extra
    how = cost.less(work, before)
    if not how and chain.scaled and spot == chain.whole:
        how = cost.never_more(work, before)  # it may join what reads the result
    elif not how and not chain.scaled and work == before:
        how = cost.less(chain.moved(order), chain.moved(chain.written))
    return Choice(order, spot, work, before, how)


def _average(work: DimLike, points: Sequence[Any]) -> float:
    """Logarithm of the usual cost; the order of the samples makes no difference."""
    return math.fsum(math.log(max(evaluate(work, point), 1)) for point in points)


# ---------------------------------------------------------------------------- building

Value = tuple[Kind, Node]
Free = Mapping[Span, tuple[Node, bool]]  # root of an equal product, is it turned


def _operand(part: Part, node: Node) -> Node:
    if part.turned:
        return transpose(node)
    if part.kind != "diagonal":
        return node
    if node.ndim == 2:
        inner = node.op is EXPAND_DIMS and node.inputs[0].ndim == 1
        flat = 0 if shape_of(node)[0] == 1 else 1
        node = node.inputs[0] if inner else squeeze(node, flat)
    return reciprocal(node) if part.divides else node


def as_written(chain: Chain) -> Choice:
    """The order as written, scalar factors put on the result."""
    order = tuple(sorted(chain.written, key=lambda t: (t[2] - t[0], t)))
    return Choice(order, (0, len(chain.parts)), 0, 0, "")


def build_chain(
    chain: Chain,
    choice: Choice,
    form: Callable[[Node], Node] = lambda node: node,
    free: Free | None = None,
) -> Node | None:
    """The product in the chosen order; None where two parts cannot be joined.

    form  what a node has become
    free  the products that exist elsewhere
    """
    value = value_of(chain, choice, form, free)
    return None if value is None else _whole(value, chain.root)


def value_of(
    chain: Chain,
    choice: Choice,
    form: Callable[[Node], Node] = lambda node: node,
    free: Free | None = None,
) -> Value | None:
    """The product, as a matrix, a row, a column or a scalar."""
    made: dict[Span, Value] = {}

    def put(span: Span, value: Value) -> None:
        if span == choice.spot and chain.scales:
            value = value[0], _scaled(value[1], chain.scales, form)
        made[span] = value

    for at, part in enumerate(chain.parts):
        put((at, at + 1), (part.kind, _operand(part, form(part.node))))
    for span, (root, turned) in (free or {}).items():
        put(span, _shared(chain, span, form(root), turned))
    for i, k, j in choice.order:
        value = joined(made[i, k], made[k, j])
        if value is None:
            return None
        put((i, j), value)
    return made[0, len(chain.parts)]


def _scaled(
    node: Node, scales: Sequence[tuple[Node, bool]], form: Callable[[Node], Node]
) -> Node:
    """`node` times one scalar made of all of them."""
    above = [form(scale) for scale, divides in scales if not divides]
    below = [form(scale) for scale, divides in scales if divides]
    total = reduce(lambda a, b: a * b, above) if above else None
    under = reduce(lambda a, b: a * b, below) if below else None
    if total is None:
        return node / under
    return (total if under is None else total / under) * node


def _shared(chain: Chain, span: Span, node: Node, turned: bool) -> Value:
    """A product that is there already, as the value of a span."""
    if node.ndim == 2:
        return "matrix", transpose(node) if turned else node
    if node.ndim == 0:
        return "scalar", node
    return "row" if chain.parts[span[0]].kind == "row" else "column", node


def joined(left: Value, right: Value) -> Value | None:
    """The product of two matrices, each given in its own form."""
    (a, x), (b, y) = left, right
    if a == "scalar" or b == "scalar":
        return b if a == "scalar" else a, x * y
    found = JOINS.get((a, b))
    if found is None:
        return None
    kind, join = found
    node = join(x, y)
    return None if node is None else (kind, node)


def _matrices(x: Node, y: Node) -> Node:
    """One multiplication per element is no sum: it can join a kernel."""
    return x * y if shape_of(x)[1] == 1 == shape_of(y)[0] else dot(x, y)


def _column_by(x: Node, y: Node) -> Node | None:
    return expand_dims(x, 1) * y if shape_of(y)[0] == 1 else None


def _by_row(x: Node, y: Node) -> Node | None:
    return x * expand_dims(y, 0) if shape_of(x)[1] == 1 else None


def _times(x: Node, y: Node) -> Node:
    return x * y


Join = Callable[[Node, Node], Node | None]
JOINS: dict[tuple[Kind, Kind], tuple[Kind, Join]] = {
    ("diagonal", "diagonal"): ("diagonal", _times),
    ("diagonal", "column"): ("column", _times),
    ("row", "diagonal"): ("row", _times),
    ("diagonal", "matrix"): ("matrix", lambda x, y: expand_dims(x, 1) * y),
    ("matrix", "diagonal"): ("matrix", _times),
    ("inverse", "matrix"): ("matrix", solve),
    ("inverse", "column"): ("column", solve),
    ("row", "inverse"): ("row", lambda x, y: solve(transpose(y), x)),
    ("matrix", "inverse"): (
        "matrix",
        lambda x, y: transpose(solve(transpose(y), transpose(x))),
    ),
    ("row", "column"): ("scalar", dot),
    ("row", "matrix"): ("row", dot),
    ("matrix", "column"): ("column", dot),
    ("matrix", "matrix"): ("matrix", _matrices),
    ("column", "row"): ("matrix", lambda x, y: expand_dims(x, 1) * expand_dims(y, 0)),
    ("column", "matrix"): ("matrix", _column_by),
    ("matrix", "row"): ("matrix", _by_row),
}


def _whole(value: Value, root: Node) -> Node | None:
    """The value with the axes of the root."""
    kind, node = value
    if node.ndim == root.ndim:
        return node
    if root.ndim == 2 and kind in ("row", "column"):
        return expand_dims(node, 0 if kind == "row" else 1)
    if root.ndim and kind == "scalar":
        return reshape(node, shape_of(root))
    return None
