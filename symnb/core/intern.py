"""The table in which one compile makes its nodes: equal nodes become one object.

Lives as long as the compile. A miss costs about 4 us, a hit 1 us. Inputs and shared
variables are equal only to themselves; effects carry a serial in their params and
are therefore never merged.
"""

from __future__ import annotations

from typing import Any

from symnb.core.node import Constant, Node
from symnb.core.op import CONSTANT, Op
from symnb.core.types import Type


class Interner:
    """Makes nodes, each meaning once."""

    def __init__(self) -> None:
        self._table: dict[Any, Node] = {}

    def __len__(self) -> int:
        return len(self._table)

    def adopt(self, node: Node) -> Node:
        """The table's node equal to `node`; `node` itself if it is new.

        Its inputs must be adopted already.
        """
        if node.op.kind == "leaf" and node.op is not CONSTANT:
            return node
        key = (node.op, node.inputs, node.params, node.type)
        return self._table.setdefault(key, node)

    def make(
        self, op: Op, inputs: tuple[Node, ...], params: tuple[Any, ...], type: Type
    ) -> Node:
        """The node with this meaning."""
        key = (op, inputs, params, type)
        node = self._table.get(key)
        if node is None:
            node = self._table[key] = Node(op, inputs, params, type)
        return node

    def constant(self, value: Any) -> Node:
        """The constant with this value, dtype and shape."""
        return self.adopt(Constant(value))
