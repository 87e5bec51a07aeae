"""Common factors of a sum: a*b + a*c -> a*(b + c), and A@B + A@C -> A@(B + C).

A sum is taken apart with the additions below it that nobody else reads, its terms
into factors and divisors (of one product, into its two sides). What most terms share
is taken out, then again from what is left, a few rounds. Linear in the terms. What is
saved must be worth a tenth: of the flops, element by element, where a kernel does it
all; of flops and bytes, for products.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from symnb.core import dtypes
from symnb.core.node import Node
from symnb.ops.define import as_node
from symnb.ops.dot import DOT, dot
from symnb.ops.elementwise import add, mul, neg, square, sub, true_div
from symnb.optim import cost
from symnb.optim.guard import literal

Alone = Callable[[Node], bool]
SUMS = frozenset({add, sub})
ROUNDS = 4  # factors taken out of one sum
WORTH = 10  # percent of the cost that must be saved
Key = tuple[str, Node]


@dataclass(frozen=True)
class Term:
    """One term of a sum.

    sign     1 | -1
    parts    its factors: ("by", x), ("over", x), ("left", A), ("right", B)
    inside   multiplications that would go with it
    """

    node: Node
    sign: int
    parts: tuple[Key, ...]
    inside: tuple[Node, ...] = ()


@dataclass
class Sum:
    """A sum taken apart; `inside` are its additions."""

    root: Node
    terms: list[Term] = field(default_factory=list[Term])
    inside: list[Node] = field(default_factory=list[Node])


@dataclass(frozen=True)
class Taken:
    """What was made of a sum, and why.

    factors   in the order they were taken out
    new, old  flops after and before
    """

    node: Node
    factors: tuple[Key, ...]
    new: Any
    old: Any
    how: cost.How


def read_sum(root: Node, alone: Alone) -> Sum:
    """The sum that ends in `root`; inner additions have its type."""
    found = Sum(root)
    stack = [(root, 1)]
    while stack:
        node, sign = stack.pop()
        is_sum = node.op in SUMS or node.op is neg
        if is_sum and (node is root or (alone(node) and node.type == root.type)):
            found.inside.append(node)
            signs = (-sign,) if node.op is neg else (sign, sign)
            if node.op is sub:
                signs = (sign, -sign)
            stack += list(zip(node.inputs, signs, strict=True))[::-1]
        else:
            whole = node.type == root.type
            found.terms.append(_term(node, sign, alone, whole))
    return found


def _term(node: Node, sign: int, alone: Alone, whole: bool) -> Term:
    if node.op is DOT and whole and alone(node):
        a, b = node.inputs
        return Term(node, sign, (("left", a), ("right", b)), (node,))
    parts: list[Key] = []
    inside: list[Node] = []
    stack: list[Key] = [("by", node)]
    while stack:
        side, x = stack.pop()
        apart = alone(x) and x.type == node.type
        if apart and x.op is mul:
            stack += [(side, y) for y in x.inputs[::-1]]
        elif apart and x.op is square:
            stack += [(side, x.inputs[0])] * 2
        elif apart and x.op is true_div and side == "by":
            stack += [("over", x.inputs[1]), ("by", x.inputs[0])]
        else:
            parts.append((side, x))
            continue
        inside.append(x)
    return Term(node, sign, tuple(parts), tuple(inside))


# ------------------------------------------------------------------------ taking out


def take_out(root: Node, alone: Alone) -> Taken | None:
    """The sum with its common factors outside; None if that is not worth it."""
    found = read_sum(root, alone)
    if len(found.terms) < 2:
        return None
    taken: list[Key] = []
    made = _factored(found.terms, taken)
    if made is None or made.type != root.type:
        return None
    old = [*found.inside, *(x for term in found.terms for x in term.inside)]
    new = cost.between(made, {x for term in found.terms for _, x in term.parts})
    how = _is_worth(found, new, old)
    if not how:
        return None
    return Taken(made, tuple(taken), cost.cost(new).flops, cost.cost(old).flops, how)


def _factored(terms: list[Term], taken: list[Key]) -> Node | None:
    """The sum of `terms`, written with fewer multiplications; None if it is not."""
    groups: list[tuple[Key, list[Term]]] = []
    rest = terms
    while len(groups) + len(taken) < ROUNDS:
        key = _most_shared(rest)
        if key is None:
            break
        groups.append((key, [t for t in rest if key in t.parts]))
        rest = [t for t in rest if key not in t.parts]
    if not groups:
        return None
    signed: list[tuple[Node, int]] = []
    for key, members in groups:
        taken.append(key)
        sign = 1 if any(t.sign > 0 for t in members) else -1
        left = [_without(t, key, sign) for t in members]
        inner = _factored(left, taken)
        if inner is None:
            inner = _sum([(t.node, t.sign) for t in left])
        signed.append((_applied(key, inner), sign))
    return _sum([*signed, *((t.node, t.sign) for t in rest)])


def _most_shared(terms: list[Term]) -> Key | None:
    """The factor that most terms have, if two have it."""
    counts: Counter[Key] = Counter()
    for term in terms:
        if len(term.parts) > 1:
            counts.update(list(dict.fromkeys(term.parts)))
    for key, count in counts.most_common():
        if count < 2:
            return None
        if not (_is_scalar(key[1]) and any(_is_scaled_product(t, key) for t in terms)):
            return key
    return None


def _is_scalar(node: Node) -> bool:
    return node.ndim == 0 or literal(node) is not None


def _is_scaled_product(term: Term, key: Key) -> bool:
    """Whether it is a scalar times a matrix product, which BLAS does in one go."""
    return key in term.parts and any(x.op.kind == "contract" for _, x in term.parts)


def _without(term: Term, key: Key, sign: int) -> Term:
    """The term without one factor, `sign` taken out too."""
    parts = list(term.parts)
    parts.remove(key)
    if not any(side != "over" for side, _ in parts):
        parts.append(("by", as_node(1, term.node.dtype)))
    node: Node | None = None
    for side, x in sorted(parts, key=lambda part: part[0] == "over"):
        node = x if node is None else node * x if side == "by" else node / x
    assert node is not None
    return replace(term, node=node, sign=term.sign * sign, parts=tuple(parts))


def _applied(key: Key, inner: Node) -> Node:
    side, x = key
    match side:
        case "by":
            return x * inner
        case "over":
            return inner / x
        case "left":
            return dot(x, inner)
        case _:
            return dot(inner, x)


def _sum(signed: list[tuple[Node, int]]) -> Node:
    """Positive terms first, each added or subtracted."""
    total: Node | None = None
    for node, sign in sorted(signed, key=lambda pair: -pair[1]):
        if total is None:
            total = node if sign > 0 else -node
        else:
            total = total + node if sign > 0 else total - node
    assert total is not None
    return total


# ----------------------------------------------------------------------------- costs


def _is_worth(found: Sum, new: list[Node], old: list[Node]) -> cost.How:
    """Whether enough is saved of what is calculated here, its operands included."""
    if any(node.op is DOT for node in old):
        return cost.less(_effort(new), _effort(old), WORTH)
    ends = dict.fromkeys(x for term in found.terms for _, x in term.parts)
    both = cost.cost(x for x in ends if x.op.kind == "elementwise").flops
    return cost.less(cost.cost(new).flops + both, cost.cost(old).flops + both, WORTH)


def _effort(nodes: list[Node]) -> Any:
    """Flops and bytes; adding products to each other is part of BLAS's call."""
    free = {x for x in nodes if x.op in SUMS and all(y.op is DOT for y in x.inputs)}
    return cost.cost(x for x in nodes if x not in free).effort


def factor_text(key: Key) -> str:
    """A factor as one reads it."""
    side, x = key
    value = literal(x)
    text = f"{value:g}" if value is not None else x.name or x.op.name
    return {"over": f"1/{text}", "left": f"{text} @", "right": f"@ {text}"}.get(
        side, text
    )


def is_candidate(node: Node) -> bool:
    """Whether a node may be the root of a sum worth looking at."""
    return node.op in SUMS and dtypes.is_float(node.dtype)
