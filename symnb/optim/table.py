"""The table of one compile: equal nodes become one object as they are made.

As `core.intern.Interner`, and it also finds `y + x` where `x + y` is known, for the
ops whose result does not depend on the order of operands, bit for bit.
"""

from __future__ import annotations

from typing import Any

from symnb.core.intern import Interner
from symnb.core.node import Constant, Node
from symnb.core.op import CONSTANT, Op
from symnb.core.site import Site, united
from symnb.core.types import Type
from symnb.core.walk import with_inputs
from symnb.ops import elementwise as el

SYMMETRIC = frozenset({
    el.add, el.mul, el.equal, el.not_equal, el.logical_and, el.logical_or,
    el.logical_xor, el.bitwise_and, el.bitwise_or, el.bitwise_xor, el.gcd, el.lcm,
})  # fmt: skip


def over(node: Node, inputs: tuple[Node, ...]) -> Node:
    """`node` over other inputs, with its name and site.

    Where no operand changes its type neither does the node, and nothing is inferred.
    """
    old = node.inputs
    arity = node.op.arity
    if arity is None or len(old) == arity:
        for a, b in zip(inputs, old, strict=True):
            if a.type is not b.type and a.type != b.type:
                break
        else:
            return Node(node.op, inputs, node.params, node.type, node.name, node.site)
    return with_inputs(node, inputs)


class Table(Interner):
    """Nodes by meaning. A type follows from op, operands and params.

    Per op and params one dictionary over operands: the key is the tuple a node holds
    anyway, so a node costs the table one entry and no object.

    places  node -> where it was written, for those written more than once; nodes of
            the user's are labelled here and not changed
    """

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[Node, Site] = {}
        self._plain: dict[Op, dict[tuple[Node, ...], Node]] = {}
        self._with: dict[Any, dict[tuple[Node, ...], Node]] = {}

    def __len__(self) -> int:
        kinds = (*self._plain.values(), *self._with.values())
        return len(self._table) + sum([len(nodes) for nodes in kinds])

    def adopt(self, node: Node) -> Node:
        """The table's node equal to `node`; `node` itself if it is new."""
        op = node.op
        params = node.params
        if op.kind == "leaf":
            if op is not CONSTANT:
                return node
            return self._table.setdefault(params, node)
        return self._nodes(op, params).setdefault(_key(op, node.inputs), node)

    def make(
        self, op: Op, inputs: tuple[Node, ...], params: tuple[Any, ...], type: Type
    ) -> Node:
        """The node with this meaning."""
        nodes, key = self._nodes(op, params), _key(op, inputs)
        found = nodes.get(key)
        if found is None:
            found = nodes[key] = Node(op, inputs, params, type)
        return found

    def site_of(self, node: Node) -> Site | None:
        """Where a node was written: all the places met in this compile."""
        return self.places.get(node, node.site)

    def meet(self, kept: Node, more: Site | None) -> None:
        """`kept` stands for what was written there too."""
        site = self.site_of(kept)
        if more is None or site is more:
            return
        if type(site) is Site and type(more) is Site and site == more:
            return
        both = united((site, more))
        if both is not None:
            self.places[kept] = both

    def _nodes(self, op: Op, params: tuple[Any, ...]) -> dict[tuple[Node, ...], Node]:
        """The nodes of one op and params, by operands."""
        if params:
            return self._with.setdefault((op, params), {})
        found = self._plain.get(op)
        if found is None:
            found = self._plain[op] = {}
        return found

    def constant(self, value: Any) -> Node:
        """The constant with this value, dtype and shape."""
        return self.adopt(Constant(value))


def _key(op: Op, inputs: tuple[Node, ...]) -> tuple[Node, ...]:
    """The operands; in one order, whichever they have, for a symmetric op."""
    if op in SYMMETRIC and id(inputs[0]) > id(inputs[1]):
        return inputs[::-1]
    return inputs
