"""Collecting: sums as term -> coefficient, products as base -> exponent.

Associativity is not in the matcher: a whole tree of additions (of multiplications) is
taken apart once, from its outermost node, and put together again only if terms meet:
`x + y - x` is y, `2*x + 3*x` is 5*x, `2*x*3` is 6*x, `x*y/x` is y. Inner nodes that
somebody else reads stay as they are. Linear in the graph; integers are exact, because
they are computed modulo a power of two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from symnb.core import dtypes
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.define import as_node
from symnb.ops.elementwise import add, mul, neg, reciprocal, square, sub, true_div
from symnb.optim.contract import BITWISE, FINITE_ONLY, ROUNDING
from symnb.optim.driver import Sweep, Uses
from symnb.optim.guard import literal
from symnb.optim.match import Index
from symnb.optim.passes import Compile, Pass, replay_sweep, weakest
from symnb.optim.rule import Rule, Ruleset, rewrite, ruleset

SUMS = frozenset({add, sub, neg})
PRODUCTS = frozenset({mul, true_div, reciprocal, square, neg})
Inner = Callable[[Node], bool]
Number = int | float


@dataclass
class Terms:
    """A sum or product taken apart.

    powers    node -> coefficient in a sum, exponent in a product
    constant  what is added, or the factor
    leaves    how many nodes and constants were found
    numbers   how many constants
    cancels   whether something met its opposite
    """

    constant: Number
    powers: dict[Node, Number] = field(default_factory=dict[Node, Number])
    leaves: int = 0
    numbers: int = 0
    cancels: bool = False

    def add(self, node: Node, amount: Number) -> None:
        """Take in `amount` of a node."""
        self.leaves += 1
        before = self.powers.get(node, 0)
        self.powers[node] = before + amount
        self.cancels |= before * amount < 0

    @property
    def met(self) -> bool:
        """Whether putting it together again takes fewer terms."""
        return self.leaves > len(self.powers) or self.numbers > 1


def terms_of_sum(root: Node, inner: Inner) -> Terms:
    """The sum below `root`; nodes that `inner` accepts are taken apart too."""
    terms = Terms(0)
    stack: list[tuple[Node, Number]] = [(root, 1)]
    while stack:
        node, sign = stack.pop()
        if node.op in SUMS and (node is root or inner(node)):
            first = (node.inputs[0], -sign if node.op is neg else sign)
            if len(node.inputs) == 2:
                stack.append((node.inputs[1], -sign if node.op is sub else sign))
            stack.append(first)
            continue
        value = literal(node)
        if value is not None:
            terms.constant += sign * value
            terms.numbers += 1
            continue
        rest, factor = _coefficient(node)
        terms.add(rest, sign * factor)
    return terms


def _coefficient(node: Node) -> tuple[Node, Number]:
    """(x, c) of c * x; c is 1 where no constant is found."""
    if node.op is mul:
        for rest, factor in (node.inputs, node.inputs[::-1]):
            value = literal(factor)
            if value is not None:
                return rest, value
    return node, 1


def terms_of_product(root: Node, inner: Inner) -> Terms:
    """The product below `root`, quotients and signs included."""
    terms = Terms(1)
    stack: list[tuple[Node, int]] = [(root, 1)]
    while stack:
        node, power = stack.pop()
        if node.op in PRODUCTS and (node is root or inner(node)):
            if node.op is neg:
                terms.constant = -terms.constant
                stack.append((node.inputs[0], power))
            elif node.op is square:
                stack.append((node.inputs[0], 2 * power))
            elif node.op is reciprocal:
                stack.append((node.inputs[0], -power))
            else:
                flip = -1 if node.op is true_div else 1
                stack += [(node.inputs[1], flip * power), (node.inputs[0], power)]
            continue
        value = literal(node)
        if value is None or (value == 0 and power < 0):
            terms.add(node, power)
        else:
            terms.constant *= value**power
            terms.numbers += 1
    return terms


# --------------------------------------------------------------------- put together


def _number(value: Number, dtype: str) -> Node | None:
    """The constant, wrapped as the dtype does; None when it does not fit."""
    if dtypes.is_float(dtype):
        return as_node(float(value), dtype)
    bits = int(dtype.lstrip("uint"))
    whole = int(value) % 2**bits
    if not dtype.startswith("u") and whole >= 2 ** (bits - 1):
        whole -= 2**bits
    return as_node(whole, dtype)


def sum_of(terms: Terms, dtype: str) -> Node:
    """The sum as additions and subtractions, in the order terms were met."""
    parts = [(node, c) for node, c in terms.powers.items() if c != 0]
    total: Any = None
    for node, c in sorted(parts, key=lambda part: part[1] < 0):
        size = abs(c) if total is not None else c
        term = (
            node if size == 1 else -node if size == -1 else node * _number(size, dtype)
        )
        total = term if total is None else total - term if c < 0 else total + term
    if total is None:
        return _number(terms.constant, dtype)  # pyright: ignore
    return total if terms.constant == 0 else total + _number(terms.constant, dtype)


def product_of(terms: Terms, dtype: str) -> Node | None:
    """The product as one quotient; None when a power has no plain form."""
    above: list[Node] = []
    below: list[Node] = []
    for node, power in terms.powers.items():
        if abs(power) > 2:
            return None
        side = above if power > 0 else below
        side += [node if abs(power) == 1 else square(node)] if power else []
    top, bottom = _times(above), _times(below)
    scale = terms.constant
    if top is None:
        number = _number(scale, dtype)
        return number if bottom is None else true_div(number, bottom)
    if scale == -1:
        top = -top
    elif scale != 1:
        top = top * _number(scale, dtype)
    return top if bottom is None else top / bottom


def _times(factors: list[Node]) -> Node | None:
    total: Node | None = None
    for factor in factors:
        total = factor if total is None else total * factor
    return total


# ---------------------------------------------------------------------------- the rules


def _x(dtype: str = "float64", name: str = "x") -> Node:
    return Input(TensorType(dtype, (16,)), name)


def _everything(node: Node) -> bool:
    return True


def _collected_sum(node: Node, inner: Inner) -> tuple[Node, Terms] | None:
    terms = terms_of_sum(node, inner)
    if not terms.met or node.dtype == "bool":
        return None
    return sum_of(terms, node.dtype), terms


def _collected_product(node: Node, inner: Inner) -> tuple[Node, Terms] | None:
    if node.dtype == "bool":
        return None
    terms = terms_of_product(node, inner)
    if terms.numbers < 2 and not terms.cancels:
        return None
    made = product_of(terms, node.dtype)
    return None if made is None else (made, terms)


def _is_sum(op: Op) -> bool:
    return op in SUMS


def _is_product(op: Op) -> bool:
    return op in PRODUCTS and op is not neg


def _exact_examples() -> list[Node]:
    n, m = _x("int64"), _x("int64", "y")
    u = _x("uint8", "u")
    return [n + m - n, 2 * n + 3 * n, n + 1 + m + 2, u - (u + u), u * 2 + u * 200]


@rewrite(
    _is_sum, "a*x + b*x -> (a + b)*x, of integers", BITWISE,
    "exact modulo a power of two", decreases="terms", examples=_exact_examples,
    answers=("local_add_canonizer", "add_canonizer"),
)  # fmt: skip
def collect_terms_exact(node: Node) -> Node | None:
    """The sum with equal terms taken together."""
    found = _collected_sum(node, _everything)
    return found[0] if found and not dtypes.is_float(node.dtype) else None


@rewrite(
    _is_sum, "a*x + b*x -> (a + b)*x", ROUNDING, decreases="terms",
    examples=lambda: [2 * _X + 3 * _X, _X + 1.5 + _Y + 2.5, _X * 0.5 + _Y + _X],
    answers=("local_add_canonizer", "add_canonizer"),
)  # fmt: skip
def collect_terms(node: Node) -> Node | None:
    """The sum with equal terms taken together."""
    found = _collected_sum(node, _everything)
    return found[0] if found and not found[1].cancels else None


@rewrite(
    _is_sum, "x + y - x -> y", FINITE_ONLY, "inf - inf is NaN", decreases="terms",
    examples=lambda: [_X + _Y - _X, 3 * _X - _X, (_X - _Y) + (_Y - _X)],
    answers=("local_add_canonizer", "local_elemwise_sub_zeros"),
)  # fmt: skip
def cancel_terms(node: Node) -> Node | None:
    """The sum without what meets its opposite."""
    found = _collected_sum(node, _everything)
    return found[0] if found and found[1].cancels else None


@rewrite(
    _is_product, "a*(b*x) -> (a*b)*x", ROUNDING, decreases="terms",
    examples=lambda: [2 * (_X * 3), (_X * 2) / 4, 6 / (_X * 3), -(2 * _X) * 3 / _Y],
    answers=("local_mul_canonizer", "mul_canonizer", "constant_folding"),
)  # fmt: skip
def collect_factors(node: Node) -> Node | None:
    """The product with its constants multiplied."""
    found = _collected_product(node, _everything)
    float_ = dtypes.is_float(node.dtype)
    return found[0] if found and float_ and not found[1].cancels else None


@rewrite(
    _is_product, "a*(b*x) -> (a*b)*x, of integers", BITWISE, decreases="terms",
    examples=lambda: [2 * (_x("int64") * 3), (_x("uint8") * 100) * 3],
    answers=("local_mul_canonizer", "mul_canonizer"),
)  # fmt: skip
def collect_factors_exact(node: Node) -> Node | None:
    """The product with its constants multiplied."""
    found = _collected_product(node, _everything)
    return found[0] if found and not dtypes.is_float(node.dtype) else None


@rewrite(
    _is_product, "x * y / x -> y", FINITE_ONLY, "0/0 is NaN", decreases="terms",
    examples=lambda: [_X * _Y / _X, _X / (_Y * _X), (_X * 2) / (_X * 4)],
    answers=("local_mul_canonizer", "mul_canonizer"),
)  # fmt: skip
def cancel_factors(node: Node) -> Node | None:
    """The product without what meets its reciprocal."""
    found = _collected_product(node, _everything)
    return found[0] if found and found[1].cancels else None


_X, _Y = _x(), _x(name="y")

COLLECTING = ruleset(
    "collect",
    [
        collect_terms_exact, collect_terms, cancel_terms, collect_factors_exact,
        collect_factors, cancel_factors,
    ],
    "one_sweep",
)  # fmt: skip


# ----------------------------------------------------------------------------- the pass


class _Collecting(Sweep):
    """Takes apart the outermost sums and products of a graph."""

    def __init__(
        self, graph: Graph, compile: Compile, allowed: frozenset[Rule]
    ) -> None:
        super().__init__(
            Index(()), compile.table, {}, compile.events, compile.origin,
            uses=Uses(graph.roots, graph.order), final=True, limit=compile.limit,
        )  # fmt: skip
        self.allowed = allowed
        self.inside: dict[Node, frozenset[Op]] = _inside(graph)

    def _is_inside(self, family: frozenset[Op], node: Node) -> bool:
        """Whether a node is taken apart with the sum or product above it."""
        return self.inside.get(node) is family

    def _rebuilt(self, node: Node) -> Node:
        new = super()._rebuilt(node)
        if new is not node and node in self.inside:
            self.inside[new] = self.inside[node]
        return new

    def fire(self, node: Node) -> Node | None:
        if node.op not in SUMS and node.op not in PRODUCTS:
            return None
        if self.limit is not None and self.fired >= self.limit:
            return None
        around = self.inside.get(node, frozenset())
        for family, collected, rules in _FAMILIES:
            if node.op not in family or around is family:
                continue
            found = collected(node, partial(self._is_inside, family))
            if found is None:
                continue
            rule = rules[_case(node, found[1])]
            made = self.accept(node, found[0]) if rule in self.allowed else None
            if made is not None and made is not node:
                self._note(rule, (), (), node, made)
                return made
        return None


_FAMILIES: tuple[Any, ...] = (
    (PRODUCTS, _collected_product,
     (collect_factors_exact, collect_factors, cancel_factors)),
    (SUMS, _collected_sum, (collect_terms_exact, collect_terms, cancel_terms)),
)  # fmt: skip


def _case(node: Node, terms: Terms) -> int:
    """Which rule it is: exact, without or with cancellation."""
    return 0 if not dtypes.is_float(node.dtype) else 1 + terms.cancels


def _inside(graph: Graph) -> dict[Node, frozenset[Op]]:
    """Node -> the family of its only reader, where it belongs to that family too."""
    readers: dict[Node, Node | None] = dict.fromkeys(graph.roots)
    for node in graph.order:
        for source in node.inputs:
            readers[source] = None if source in readers else node
    found: dict[Node, frozenset[Op]] = {}
    for node, reader in readers.items():
        if reader is None:
            continue
        for family in (SUMS, PRODUCTS):
            if node.op in family and reader.op in family:
                if node.dtype == reader.dtype:
                    found[node] = family
                break
    return found


def collecting(allowed: Ruleset = COLLECTING) -> Pass:
    """The pass; `allowed` are the rules of COLLECTING it may use."""
    rules = frozenset(allowed)

    def run(graph: Graph, compile: Compile) -> Graph:
        sweep = _Collecting(graph, compile, rules)
        roots = sweep.run(graph.roots, len(compile.table))
        compile.spend(sweep.fired)
        return graph.with_roots(roots) if tuple(roots) != graph.roots else graph

    return Pass(
        "collect", run, weakest(allowed), "graph", allowed,
        replay=lambda record, k: replay_sweep(record, k, True),
        rebuild=collecting,
    )  # fmt: skip
