"""The pass `products`: algebra of products, chosen by cost, told as decisions.

One look at every node finds the chains of products, sums with common factors, and
sums of products worth a second look; where there is none, as in most graphs, the pass
is over (0.1 us a node). Chains are read in the graph as it was, so that a chain knows
which of its products another chain calculates anyway. What is made is final.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from symnb.core import dtypes
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.op import Op
from symnb.ops.diagonal import DIAGONAL
from symnb.ops.dot import DOT
from symnb.ops.elementwise import add, mul, neg, square, sub, true_div
from symnb.ops.linalg import SOLVE
from symnb.ops.reduce import SUM
from symnb.ops.view import BROADCAST_TO, EXPAND_DIMS, TRANSPOSE, shape_of
from symnb.optim import cost
from symnb.optim.chain import Chain, is_product, read_chain
from symnb.optim.choice import build_chain, choose, outline
from symnb.optim.driver import Sweep, Uses
from symnb.optim.expand import RING
from symnb.optim.factors import SUMS, WORTH
from symnb.optim.guard import literal
from symnb.optim.match import Index
from symnb.optim.order import EXACT, Span
from symnb.optim.passes import Compile, Pass, replay_sweep, weakest
from symnb.optim.rule import Rule, Ruleset
from symnb.optim.rules.products import (
    PRODUCTS,
    common_factor,
    common_matrix,
    expanded,
    factored,
    multiplied_out,
    order_decision,
    product_order,
)
from symnb.optim.trace import Decision

MULTIPLIED = frozenset({mul, true_div, square, DOT})
JOINED = frozenset({DOT, SOLVE, neg})
_THROUGH = frozenset({DOT, mul, TRANSPOSE, EXPAND_DIMS, BROADCAST_TO})
LOOKED = {
    DOT: "product", SOLVE: "product", add: "sum", sub: "sum", SUM: "of", DIAGONAL: "of",
}  # fmt: skip
CHEAP = 100 / WORTH  # flops of both factors of a term
Parents = dict[Node, Node | None]


# -------------------------------------------------------------------- what to look at


@dataclass
class Plan:
    """The nodes worth looking at.

    chains  products with a choice, read
    sums    sums with common factors; of these, `powers` multiply sums
    others  nodes at which a rule that always wins may fire
    wanted  key of a chain -> its root, of all chains without scalings
    """

    chains: dict[Node, Chain] = field(default_factory=dict[Node, Chain])
    sums: set[Node] = field(default_factory=set[Node])
    powers: set[Node] = field(default_factory=set[Node])
    others: set[Node] = field(default_factory=set[Node])
    wanted: dict[Any, Node] = field(default_factory=dict[Any, Node])

    def __bool__(self) -> bool:
        return bool(self.chains or self.sums or self.others)


def look(graph: Graph) -> tuple[Plan, Uses | None]:
    """What there is to choose in a graph; the readers are counted if anything is."""
    products: list[Node] = []
    chained = False
    plan, powers = Plan(), set[Node]()
    terms: list[Any] = []
    parents: Parents = {}
    for node in graph.order:
        kind = LOOKED.get(node.op)
        if kind is None:
            continue
        if kind == "product":
            products.append(node)
            chained = chained or _may_chain(node.inputs)
            a, b = node.inputs[:2]
            if a.op is BROADCAST_TO or b.op is BROADCAST_TO:
                plan.others.add(node)
        elif kind == "sum":
            _note_terms(node, parents, terms, powers)
        elif _is_of_product(node.inputs[0], node.op):
            plan.others.add(node)
    plan.sums = _repeating(terms, parents)
    plan.powers = {_outermost(x, parents, {}) for x in powers if _cancels(x)}
    plan.sums |= plan.powers
    if not (plan or chained):
        return plan, None
    uses = Uses(graph.roots, graph.order)
    if chained:
        _read_chains(products, uses, plan)
    return plan, uses if plan else None


def _is_of_product(node: Node, op: Op) -> bool:
    """Whether a reduction or a diagonal is one of a product."""
    if node.op is DOT or op is DIAGONAL:
        return node.op is DOT
    if node.op is not mul or not dtypes.is_float(node.dtype):
        return False
    a, b = node.inputs
    return a.type != node.type != b.type


def _may_chain(factors: Sequence[Node]) -> bool:
    """Whether a factor is a product, or scales a tensor of a larger shape."""
    for x in factors:
        while x.op is TRANSPOSE or x.op is EXPAND_DIMS:
            x = x.inputs[0]
        if x.op in JOINED:
            return True
        if x.op is mul or x.op is true_div:
            a, b = x.inputs
            if a.ndim != b.ndim or shape_of(a) != shape_of(b):
                return True
    return False


def _read_chains(products: Sequence[Node], uses: Uses, plan: Plan) -> None:
    """The chains of a graph, outermost products first."""
    inner: set[Node] = set()
    summed = {n.inputs[0] for n in plan.others if n.op is SUM}  # ordered with the sum
    for root in reversed(products):
        if root in inner or not is_product(root):
            continue
        chain = read_chain(root, lambda node: uses(node) <= 1)
        inner.update(chain.inner)
        if chain.has_choice and not (root in summed and uses(root) == 1):
            plan.chains[root] = chain
        if not chain.scales:
            plan.wanted[chain.key()] = root


def _note_terms(
    node: Node, parents: Parents, terms: list[tuple[Node, Node]], powers: set[Node]
) -> None:
    """What one addition adds; `powers` are those that add a multiple of a sum.

    Terms that take much to calculate are left out: to save one flop there is no gain.
    """
    for x in node.inputs:
        op = x.op
        if op in SUMS:
            parents[x] = None if x in parents else node
        elif op in MULTIPLIED:
            first, last = x.inputs[0].op, x.inputs[-1].op
            if first.flops + last.flops > CHEAP:
                continue
            terms.append((node, x))
            if op in RING and (first in SUMS or last in SUMS):
                powers.add(node)


def _cancels(node: Node) -> bool:
    """Whether what one side multiplies by a sum is on the other side, too."""
    sides = [_ingredients(x) for x in node.inputs]
    return not sides[0].isdisjoint(sides[1]) and dtypes.is_float(node.dtype)


def _ingredients(node: Node) -> set[Node]:
    """What a few levels of sums and products are made of."""
    found, level = {node}, [node]
    for _ in range(4):
        level = [y for x in level if x.op in RING for y in x.inputs]
        found.update(level)
    return {x for x in found if x.op not in SUMS and literal(x) is None}


def _repeating(terms: Sequence[tuple[Node, Node]], parents: Parents) -> set[Node]:
    """The outermost sums whose terms share factors, often enough to be worth it."""
    roots: dict[Node, Node] = {}
    seen: dict[Node, set[Node]] = {}
    shared: dict[Node, int] = {}
    for node, term in reversed(terms):
        root = _outermost(node, parents, roots) if node in parents else node
        factors = term.inputs
        for x in term.inputs:
            if x.op is mul:
                factors += x.inputs
        known = seen.get(root)
        if known is None:
            seen[root] = set(factors)
        else:
            if not known.isdisjoint(factors):
                shared[root] = shared.get(root, 0) + 1
            known.update(factors)
    return {
        root
        for root, count in shared.items()
        if dtypes.is_float(root.dtype) and _is_worth(count, seen[root])
    }


def _is_worth(count: int, factors: set[Node]) -> bool:
    """Whether `count` flops are some of what a sum of such factors takes.

    All of it is one kernel, so what calculates the factors counts, too.
    """
    flops = sum([x.op.flops for x in factors if x.op.kind == "elementwise"])
    return 100 * count >= WORTH * (flops + 2 * count)


def _outermost(node: Node, parents: Parents, roots: dict[Node, Node]) -> Node:
    """The sum that a sum is part of."""
    known = roots.get(node)
    if known is not None:
        return known
    path: list[Node] = []
    while node not in roots:
        path.append(node)
        above = parents.get(node)
        if above is None:
            roots[node] = node
            break
        node = above
    root = roots[node]
    for one in path:
        roots[one] = root
    return root


# ----------------------------------------------------------------------------- the pass

CHOSEN = frozenset({product_order, multiplied_out, common_factor, common_matrix})


@lru_cache(maxsize=16)
def _others(rules: Ruleset) -> Index:
    """The rules that always win."""
    return Index([rule for rule in rules if rule not in CHOSEN])


class _Products(Sweep):
    """Fires the rules of PRODUCTS at the nodes of a plan."""

    def __init__(
        self, plan: Plan, uses: Uses, compile: Compile, rules: Ruleset
    ) -> None:
        super().__init__(
            _others(rules), compile.table, {}, compile.events, compile.origin,
            uses=uses, final=True, limit=compile.limit,
        )  # fmt: skip
        self.plan = plan
        self.allowed = frozenset(rules)
        self.decisions = compile.decisions
        self.was: dict[Node, Node] = {}

    def _rebuilt(self, node: Node) -> Node:
        new = super()._rebuilt(node)
        self.was[new] = node
        return new

    def fire(self, node: Node) -> Node | None:
        if self.limit is not None and self.fired >= self.limit:
            return None
        old, plan = self.was.get(node, node), self.plan
        if old in plan.others:
            made = super().fire(node)
            if made is not None:
                self._tell(node, made)
                return made
        if old in plan.chains and product_order in self.allowed:
            return self._ordered(old, node)
        if old in plan.sums:
            made = self._expanded(node) if old in plan.powers else None
            return self._factored(node) if made is None else made
        return None

    def _ordered(self, old: Node, node: Node) -> Node | None:
        """The product in the best order."""
        chain = self.plan.chains[old]
        known = self._free(chain)
        choice = choose(outline(chain, known))
        if choice is None:
            return None
        free = {span: known[span] for span in known if choice.uses(span)}
        decision = order_decision(chain, choice, bool(free))
        if not choice.how:
            self.decisions.append(decision)
            return None
        for root, _ in free.values():
            self._settle(root)
        made = build_chain(chain, choice, lambda x: self.forms.get(x, x), free)
        if made is None:
            return None
        return self._done(product_order, node, made, decision)

    def _free(self, chain: Chain) -> dict[Span, tuple[Node, bool]]:
        """The products within a chain that another one calculates."""
        count, wanted = len(chain.parts), self.plan.wanted
        if count > EXACT or len(wanted) < 2:
            return {}
        lengths = {len(key) for key in wanted}
        found: dict[Span, tuple[Node, bool]] = {}
        for length in range(2, count):
            for i in range(count - length + 1) if length in lengths else ():
                for turned in (False, True):
                    root = wanted.get(chain.key((i, i + length), turned))
                    if root is not None and root is not chain.root:
                        found.setdefault((i, i + length), (root, turned))
        return found

    def _expanded(self, node: Node) -> Node | None:
        """The sum multiplied out."""
        assert self.uses is not None
        found = expanded(node, self.uses) if multiplied_out in self.allowed else None
        return None if found is None else self._done(multiplied_out, node, *found)

    def _factored(self, node: Node) -> Node | None:
        """The sum with common factors outside."""
        assert self.uses is not None
        found = factored(node, self.uses)
        if found is None:
            return None
        made, decision = found
        of_products = decision.kind == "common matrix"
        rule = common_matrix if of_products else common_factor
        return self._done(rule, node, made, decision) if rule in self.allowed else None

    def _done(
        self, rule: Rule, node: Node, made: Node, decision: Decision
    ) -> Node | None:
        """A replacement accepted and told."""
        accepted = self.accept(node, made)
        if accepted is None or accepted is node:
            return None
        self._note(rule, (), (), node, accepted)
        self.decisions.append(decision)
        return accepted

    def _tell(self, node: Node, made: Node) -> None:
        """The decision for a rule that always wins."""
        assert self.uses is not None
        rule = self.last[-1]
        old, ends, stack = [node], set[Node](), [*node.inputs]
        while stack:
            x = stack.pop()
            if x.op in _THROUGH and self.uses(x) <= 1:
                old.append(x)
                stack += x.inputs
            else:
                ends.add(x)
        before = cost.cost(old).flops
        after = cost.cost(cost.between(made, ends)).flops
        reason = cost.describe(after, before, "flops", "proven")
        self.decisions.append(
            Decision("product", rule.lhs_text, rule.rhs_text, reason, (node,))
        )


def products(allowed: Ruleset = PRODUCTS) -> Pass:
    """The pass; `allowed` are the rules of PRODUCTS it may use."""

    def run(graph: Graph, compile: Compile) -> Graph:
        plan, uses = look(graph)
        if uses is None:
            return graph
        sweep = _Products(plan, uses, compile, allowed)
        roots = sweep.run(graph.roots, len(compile.table))
        compile.spend(sweep.fired)
        return graph.with_roots(roots) if tuple(roots) != graph.roots else graph

    return Pass(
        "products", run, weakest(allowed), "graph", allowed,
        replay=lambda record, k: replay_sweep(record, k, True),
        rebuild=products,
    )  # fmt: skip
