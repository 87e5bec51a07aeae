"""Sums multiplied out where that shortens them: (a + b)^2 - (a^2 + 2ab + b^2) is 0.

A sum becomes a polynomial over what is not a sum, a product or a square, and is
written again from its monomials if that takes at most half the flops: only what
cancels can save so much. Polynomials of up to `MOST` monomials of what one node reads
are looked at; `x*(1 + y) - x` is x*y with all its digits, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from symnb.core.dims import DimLike
from symnb.core.node import Node
from symnb.ops.define import as_node
from symnb.ops.elementwise import add, mul, neg, square, sub
from symnb.optim import cost
from symnb.optim.guard import literal

MOST = 32  # monomials
STEPS = 64  # nodes taken apart
HALF = 50  # percent that must be saved
RING = frozenset({add, sub, neg, mul, square})
Number = int | float
Monomial = tuple[int, ...]  # numbers of atoms, rising; an atom to a power is repeated
Polynomial = dict[Monomial, Number]


@dataclass
class _Reader:
    """Turns nodes into polynomials; `atoms` are what is not taken apart."""

    root: Node
    alone: Callable[[Node], bool]
    atoms: dict[Node, int] = field(default_factory=dict[Node, int])
    inside: list[Node] = field(default_factory=list[Node])

    def read(self) -> Polynomial | None:
        """The polynomial of the root; None if it is too long."""
        known: dict[Node, Polynomial] = {}
        stack = [self.root]
        while stack:
            node = stack[-1]
            if node in known:
                stack.pop()
                continue
            apart = self._is_apart(node)
            missing = [x for x in node.inputs if x not in known] if apart else []
            if missing:
                stack += missing[::-1]
                continue
            stack.pop()
            made = self._joined(node, known) if apart else self._atom(node)
            if len(made) > MOST or len(known) > STEPS:
                return None
            known[node] = made
        return known[self.root]

    def _is_apart(self, node: Node) -> bool:
        return node.op in RING and (node is self.root or self.alone(node))

    def _atom(self, node: Node) -> Polynomial:
        value = literal(node)
        if value is not None:
            return {(): value} if value != 0 else {}
        return {(self.atoms.setdefault(node, len(self.atoms)),): 1}

    def _joined(self, node: Node, known: dict[Node, Polynomial]) -> Polynomial:
        self.inside.append(node)
        parts = [known[x] for x in node.inputs]
        if node.op is neg:
            return _plus({}, parts[0], -1)
        if node.op is square:
            return _times(parts[0], parts[0])
        if node.op is mul:
            return _times(*parts)
        return _plus(parts[0], parts[1], 1 if node.op is add else -1)


def _plus(a: Polynomial, b: Polynomial, sign: int) -> Polynomial:
    total = dict(a)
    for monomial, count in b.items():
        value = total.get(monomial, 0) + sign * count
        if value == 0:
            total.pop(monomial, None)
        else:
            total[monomial] = value
    return total


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    total: Polynomial = {}
    if len(a) * len(b) > MOST * MOST:
        return dict.fromkeys([(at,) for at in range(MOST + 1)], 1)  # too long
    for one, count in a.items():
        for other, times in b.items():
            total = _plus(total, {tuple(sorted(one + other)): count * times}, 1)
    return total


def multiply_out(
    root: Node, alone: Callable[[Node], bool]
) -> tuple[Node, DimLike, DimLike] | None:
    """(the sum from its monomials, flops after, before); None if not worth it."""
    reader = _Reader(root, alone)
    found = reader.read()
    if found is None or len(found) >= len(reader.inside):
        return None
    made = _written(found, list(reader.atoms), root.dtype)
    new = cost.cost(cost.between(made, set(reader.atoms))).flops
    old = cost.cost(reader.inside).flops
    return (made, new, old) if cost.less(new, old, HALF) else None


def _written(found: Polynomial, atoms: list[Node], dtype: str) -> Node:
    total: Node | None = None
    for monomial, count in sorted(found.items(), key=lambda item: item[1] < 0):
        size = abs(count) if total is not None else count
        term = _product([atoms[at] for at in monomial], size, dtype)
        if total is not None:
            term = total - term if count < 0 else total + term
        total = term
    return as_node(0.0, dtype) if total is None else total


def _product(factors: list[Node], count: Number, dtype: str) -> Node:
    total: Node | None = None
    while factors:
        x, *rest = factors
        if rest and rest[0] is x:
            x, rest = square(x), rest[1:]
        total = x if total is None else total * x
        factors = rest
    if total is None:
        return as_node(float(count), dtype)
    if count in (1, -1):
        return total if count == 1 else -total
    return total * as_node(float(count), dtype)
