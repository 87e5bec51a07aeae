"""Chains of matrix products, as they are read from the graph.

A chain is a product and the products below it that nobody else reads, looked at
through transposes, added axes, scalar factors and scalings of rows or columns (which
are products with a diagonal matrix). A system that is solved is a product with an
inverse. A factor that is calculated element by element keeps its scaling: in its
kernel the scaling is free. Products are of floats. Linear in the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from symnb.core import dtypes
from symnb.core.dims import DimLike
from symnb.core.node import Node
from symnb.ops.define import as_node
from symnb.ops.dot import DOT
from symnb.ops.elementwise import mul, neg, true_div
from symnb.ops.linalg import SOLVE
from symnb.ops.view import EXPAND_DIMS, TRANSPOSE, shape_of
from symnb.optim import cost
from symnb.optim.guard import literal
from symnb.optim.order import DIAGONAL, FULL, INVERSE, Span, Triangle

Kind = Literal["matrix", "row", "column", "diagonal", "inverse", "scalar"]
Want = Literal["matrix", "turned", "row", "column", "scalar"]
Alone = Callable[[Node], bool]
FLIP: dict[Want, Want] = {
    "matrix": "turned", "turned": "matrix", "row": "column", "column": "row",
}  # fmt: skip
TURNED = {
    "matrix": "matrix turned", "matrix turned": "matrix",
    "inverse": "inverse turned", "inverse turned": "inverse",
}  # fmt: skip
LETTERS = {"diagonal": DIAGONAL, "inverse": INVERSE}
MOST_NAMED = 8  # parts written out in a decision
SCALING = frozenset({mul, true_div, neg})


@dataclass(frozen=True)
class Part:
    """A factor of a chain; a vector is a row, a column, or a diagonal matrix.

    kind     "inverse": it stands for the inverse of `node`
    turned   the transpose of `node` is meant
    divides  the diagonal matrix is the inverse of that of `node`
    """

    node: Node
    kind: Kind
    turned: bool = False
    divides: bool = False

    @property
    def rows(self) -> DimLike:
        """Rows of the matrix it stands for."""
        if self.kind in ("row", "diagonal"):
            return 1 if self.kind == "row" else cost.elements(self.node)
        return shape_of(self.node)[-1 if self.turned else 0]

    @property
    def columns(self) -> DimLike:
        """Columns of the matrix it stands for."""
        if self.kind in ("column", "diagonal"):
            return 1 if self.kind == "column" else cost.elements(self.node)
        return shape_of(self.node)[0 if self.turned else -1]

    @property
    def key(self) -> tuple[Node, str]:
        """Equal for the factors that are one matrix."""
        if self.kind in ("row", "column"):
            return self.node, "vector"
        kind = "divided" if self.divides else self.kind
        return self.node, f"{kind} turned" if self.turned else kind

    def __str__(self) -> str:
        node = self.node
        while node.name is None and node.op.kind == "view":
            node = node.inputs[0]
        text = node.name or node.op.name
        if self.kind == "diagonal":
            return f"diag({'1/' if self.divides else ''}{text})"
        text = f"{text}.T" if self.turned else text
        return f"inv({text})" if self.kind == "inverse" else text


@dataclass
class Chain:
    """A product taken apart.

    written  the order as written
    scales   scalar factors, and whether each divides
    scaled   elements of what each of them scales
    spots    the span of parts each of them scales
    inner    products that are no roots of their own
    """

    root: Node
    parts: list[Part] = field(default_factory=list[Part])
    written: list[Triangle] = field(default_factory=list[Triangle])
    scales: list[tuple[Node, bool]] = field(default_factory=list[tuple[Node, bool]])
    scaled: list[DimLike] = field(default_factory=list[DimLike])
    spots: list[Span] = field(default_factory=list[Span])
    inner: list[Node] = field(default_factory=list[Node])

    @property
    def sizes(self) -> list[DimLike]:
        """Rows of the first part, then the columns of each."""
        return [self.parts[0].rows, *(part.columns for part in self.parts)]

    @property
    def kinds(self) -> str:
        """A letter per part, as `order` takes them."""
        return "".join([LETTERS.get(part.kind, FULL) for part in self.parts])

    @property
    def has_choice(self) -> bool:
        """Whether there is more than one way to calculate it."""
        return len(self.parts) > 2 or bool(self.scales)

    def key(self, span: Span | None = None, turned: bool = False) -> tuple[Any, ...]:
        """What makes the products of two spans one; `turned`: of the transpose."""
        parts = self.parts if span is None else self.parts[slice(*span)]
        if not turned:
            return tuple([part.key for part in parts])
        return tuple([(n, TURNED.get(k, k)) for n, k in (p.key for p in parts[::-1])])


# --------------------------------------------------------------------------- reading


def is_product(node: Node) -> bool:
    """Whether it is a product of floats with at most two axes, or a system solved."""
    if node.op is SOLVE:
        return all(x.ndim <= 2 for x in node.inputs)
    return node.op is DOT and dtypes.is_float(node.dtype)


def read_chain(root: Node, alone: Alone) -> Chain:
    """The chain that ends in the product `root`.

    alone  whether a node has one reader
    """
    reader = _Reader(Chain(root), alone)
    reader.run(root)
    return reader.chain


def natural(node: Node) -> Want:
    """How a product is oriented: a vector is a row if its left operand is one."""
    if node.ndim == 2:
        return "matrix"
    a, b = node.inputs
    return "scalar" if a.ndim == b.ndim == 1 else "row" if a.ndim == 1 else "column"


class _Reader:
    """Takes a product apart, left to right."""

    def __init__(self, chain: Chain, alone: Alone) -> None:
        self.chain = chain
        self.alone = alone
        self.stack: list[Callable[[], None]] = []

    def run(self, root: Node) -> None:
        """Read everything below `root`."""
        self._taken_apart(root, False)
        while self.stack:
            self.stack.pop()()

    def _later(self, node: Node, want: Want, own: bool) -> None:
        self.stack.append(lambda: self._visit(node, want, own))

    def _joined(self, left: Callable[[], None], right: Callable[[], None]) -> None:
        """Two steps whose parts are multiplied."""
        parts, at = self.chain.parts, [len(self.chain.parts), 0]

        def middle() -> None:
            at[1] = len(parts)

        def close() -> None:
            self.chain.written.append((at[0], at[1], len(parts)))

        self.stack += [close, right, middle, left]

    def _taken_apart(self, node: Node, turned: bool) -> None:
        """The operands of a product or a system, in their order or turned around."""
        a, b = node.inputs[:2]
        if node.op is not SOLVE:
            self._product(a, b, turned)
            return
        want: Want = "column" if b.ndim == 1 else "matrix"
        was_turned = a.op is TRANSPOSE
        part = Part(a.inputs[0] if was_turned else a, "inverse", was_turned != turned)
        steps = [
            lambda: self.chain.parts.append(part),
            lambda: self._visit(b, FLIP[want] if turned else want, True),
        ]
        self._joined(*(steps[::-1] if turned else steps))

    def _product(self, a: Node, b: Node, turned: bool) -> None:
        """The operands of a product, in its order or turned around."""
        first: Want = "row" if a.ndim == 1 else "matrix"
        second: Want = "column" if b.ndim == 1 else "matrix"
        steps: list[tuple[Node, Want]] = [(a, first), (b, second)]
        if turned:
            steps = [(x, FLIP[w]) for x, w in reversed(steps)]
        self._joined(*[partial(self._visit, x, w, True) for x, w in steps])

    def _visit(self, node: Node, want: Want, own: bool) -> None:
        """One factor; `own`: nobody else reads what it is looked at through."""
        own = own and self.alone(node)
        if node.op is TRANSPOSE and node.ndim == 2:
            self._later(node.inputs[0], FLIP[want], own)
        elif node.op is EXPAND_DIMS and node.ndim == 2 and node.inputs[0].ndim == 1:
            column = (node.params[0] == (1,)) == (want == "matrix")
            self._later(node.inputs[0], "column" if column else "row", own)
        elif own and is_product(node):
            self.chain.inner.append(node)
            self._taken_apart(node, want != natural(node))
        elif not (own and node.op in SCALING and self._scaling(node, want)):
            kind: Kind = "matrix" if want == "turned" else want
            self.chain.parts.append(Part(node, kind, want == "turned"))

    def _scaled(
        self, rest: Node, want: Want, scale: tuple[Node, bool], size: DimLike
    ) -> None:
        """A scalar factor of `rest`."""
        chain, start = self.chain, len(self.chain.parts)

        def close() -> None:
            chain.scales.append(scale)
            chain.scaled.append(size)
            chain.spots.append((start, len(chain.parts)))

        self.stack += [close, lambda: self._visit(rest, want, True)]

    def _scaling(self, node: Node, want: Want) -> bool:
        """Look through a scaling, if `node` is one of a tensor kept in memory."""
        if node.op is mul and node.ndim == 2 and _is_outer(*node.inputs):
            a, b = node.inputs
            if shape_of(a)[0] == 1:
                a, b = b, a
            self._product(a, b, want == "turned")
            return True
        found = _factor(node)
        if found is None or not _is_stored(found[0]):
            return False
        rest, scale, kind = found
        divides = node.op is true_div
        if kind == "scalar":
            self._scaled(rest, want, (scale, divides), cost.elements(node))
            return True
        part = Part(scale, "diagonal", divides=divides)
        steps = [
            lambda: self.chain.parts.append(part),
            lambda: self._visit(rest, want, True),
        ]
        self._joined(*(steps if (kind == "row") == (want == "matrix") else steps[::-1]))
        return True


def _is_outer(a: Node, b: Node) -> bool:
    """Whether two factors are a column and a row, in any order."""
    if a.ndim != 2 or b.ndim != 2:
        return False
    (n, one), (other, m) = shape_of(a), shape_of(b)
    if n == 1:
        (n, one), (other, m) = (other, m), (n, one)
    return one == other == 1 and n != 1 and m != 1


def _factor(node: Node) -> tuple[Node, Node, str] | None:
    """(rest, factor, "scalar" | "row" | "column") of a scaling of rest."""
    if node.op is neg:
        return node.inputs[0], as_node(-1, node.dtype), "scalar"
    pairs = [node.inputs] if node.op is true_div else [node.inputs, node.inputs[::-1]]
    for rest, factor in pairs:
        if shape_of(rest) != shape_of(node):
            continue
        value = literal(factor) if factor.ndim else None
        if value is not None:
            return rest, as_node(value, node.dtype), "scalar"
        if factor.ndim == 0:
            return rest, factor, "scalar"
        which = _scaled_axis(shape_of(factor), shape_of(rest))
        if which:
            return rest, factor, which
    return None


def _scaled_axis(factor: Sequence[DimLike], rest: Sequence[DimLike]) -> str:
    """Which lines of a matrix a broadcast factor scales: rows, columns, or ""."""
    if len(rest) != 2 or 1 in rest or rest[0] == 0 or rest[1] == 0:
        return ""
    if tuple(factor) in ((rest[1],), (1, rest[1])):
        return "column"
    return "row" if tuple(factor) == (rest[0], 1) else ""


def _is_stored(node: Node) -> bool:
    """Whether scaling it takes a pass of its own: no kernel calculates it."""
    while node.op.kind == "view" or node.op in SCALING:
        if node.op in SCALING:
            found = _factor(node)
            if found is None:
                return False
            node = found[0]
        else:
            node = node.inputs[0]
    return node.op.kind != "elementwise"


# -------------------------------------------------------------------------------- text


def written_text(chain: Chain) -> str:
    """The chain as it was written."""
    return _text(chain, chain.written, _by_span(chain, chain.spots))


def text_of(chain: Chain, order: Sequence[Triangle], spot: Span) -> str:
    """The chain in an order, scaled at one place: "s * (M @ (N @ q))"."""
    return _text(chain, order, _by_span(chain, [spot] * len(chain.scales)))


def _by_span(chain: Chain, spots: Sequence[Span]) -> dict[Span, str]:
    found: dict[Span, list[str]] = {}
    for span, scale in zip(spots, chain.scales, strict=True):
        found.setdefault(span, []).append(_scale_text(*scale))
    return {span: " * ".join(texts) for span, texts in found.items()}


def _text(chain: Chain, order: Sequence[Triangle], scales: dict[Span, str]) -> str:
    count = len(chain.parts)
    if count > MOST_NAMED:
        return f"{chain.parts[0]} @ ... @ {chain.parts[-1]} ({count} factors)"
    made: dict[Span, str] = {}

    def put(span: Span, text: str) -> None:
        bare = span[1] - span[0] == 1
        if span in scales:
            text = f"({scales[span]} * {text if bare else f'({text})'})"
        made[span] = text

    for at, part in enumerate(chain.parts):
        put((at, at + 1), str(part))
    for i, k, j in sorted(order, key=lambda t: t[2] - t[0]):
        left = made.get((i, k)) or " @ ".join(map(str, chain.parts[i:k]))
        right = made.get((k, j)) or " @ ".join(map(str, chain.parts[k:j]))
        bare = j - k == 1 or (k, j) in scales
        put((i, j), f"{left} @ {right if bare else f'({right})'}")
    text = made[0, count]
    return text[1:-1] if (0, count) in scales else text


def _scale_text(scale: Node, divides: bool) -> str:
    value = literal(scale)
    text = f"{value:g}" if value is not None else scale.name or scale.op.name
    return f"1/{text}" if divides else text
