"""Picking one result of a node that has several.

Ops such as `svd` yield a `TupleType`; a pick is the tensor among them. Differentiation
and compiled code treat kind "pick" themselves: it costs nothing at run time.
"""

from __future__ import annotations

from symnb.core.node import Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.types import ANY, TupleType, Type


def _infer(types: Types, params: Params) -> Type:
    several = types[0]
    if not isinstance(several, TupleType):
        raise TypeError(f"pick takes a node with several results, not {several}.")
    return several.types[params[0]]


PICK = Op(
    name="pick", kind="pick", params=("index",), infer=_infer, flops=0.0,
    numpy=lambda parts, index: parts[index],
    no_gradient="the gradient of one result is handed to the node that has several",
    doc="One result of a node that has several.",
)  # fmt: skip


def pick(node: Node, index: int) -> Node:
    """The result number `index` of a node that has several."""
    return make(PICK, (node,), (index,))


def picks(node: Node, count: int) -> tuple[Node, ...]:
    """Every result of a node that has `count` of them."""
    if node.type is not ANY:
        count = len(node.type)  # pyright: ignore[reportArgumentType]
    return tuple(pick(node, index) for index in range(count))
