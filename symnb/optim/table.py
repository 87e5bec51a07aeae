"""The table of one compile: equal nodes become one object as they are made.

As `core.intern.Interner`, and it also finds `y + x` where `x + y` is known, for the
ops whose result does not depend on the order of operands, bit for bit.
"""

from __future__ import annotations

from typing import Any

from symnb.core.intern import Interner
from symnb.core.node import Constant, Node
from symnb.core.op import CONSTANT, Op
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


def _meaning(op: Op, inputs: tuple[Node, ...], params: tuple[Any, ...]) -> Any:
    """The key of a node: the same for both orders of a symmetric op."""
    if op in SYMMETRIC and id(inputs[0]) > id(inputs[1]):
        inputs = inputs[::-1]
    return op, inputs, params


class Table(Interner):
    """Nodes by meaning. A type follows from op, operands and params."""

    def adopt(self, node: Node) -> Node:
        """The table's node equal to `node`; `node` itself if it is new."""
        op = node.op
        if op.kind == "leaf":
            if op is not CONSTANT:
                return node
            return self._table.setdefault(node.params, node)
        return self._table.setdefault(_meaning(op, node.inputs, node.params), node)

    def make(
        self, op: Op, inputs: tuple[Node, ...], params: tuple[Any, ...], type: Type
    ) -> Node:
        """The node with this meaning."""
        key = _meaning(op, inputs, params)
        found = self._table.get(key)
        if found is None:
            found = self._table[key] = Node(op, inputs, params, type)
        return found

    def constant(self, value: Any) -> Node:
        """The constant with this value, dtype and shape."""
        return self.adopt(Constant(value))
