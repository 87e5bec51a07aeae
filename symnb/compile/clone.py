"""Copies of expressions with parts replaced: `clone_replace`, Theano's `clone`.

Linear in the graph; what no replacement reaches is shared with the original.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symnb.compile.request import read_givens, substitute
from symnb.core import walk
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.define import as_node

Outputs = Node | Sequence[Node] | Mapping[Any, Node]


def clone_replace(
    output: Outputs,
    replace: Mapping[Node, Any] | Sequence[tuple[Node, Any]] | None = None,
    strict: bool = True,
    share_inputs: bool = True,
) -> Any:
    """`output` with tensors replaced, all at once, in the form it was given.

    output        a tensor, a list of tensors or a dict of them
    replace       tensor -> tensor or value to stand in its place
    strict        a replacement has the dtype of what it replaces; else it is cast
    share_inputs  False gives the copy inputs of its own

    Raises DTypeError, GraphError.
    """
    if isinstance(output, Mapping):
        nodes = list(output.values())
        made = clone_replace(nodes, replace, strict, share_inputs)
        return dict(zip(output, made, strict=True))
    nodes = [output] if isinstance(output, Node) else list(output)
    items = replace.items() if isinstance(replace, Mapping) else replace or ()
    pairs = [(old, new if strict else _fitted(old, new)) for old, new in items]
    changes = read_givens(pairs)
    if not share_inputs:
        changes = _own_inputs(nodes, changes) | changes
    moved, _ = substitute(nodes, [], changes)
    return moved[0] if isinstance(output, Node) else moved


def _fitted(old: Node, new: Any) -> Node:
    return as_node(new).astype(old.dtype)


def _own_inputs(
    nodes: Sequence[Node], changes: Mapping[Node, Node]
) -> dict[Node, Node]:
    leaves = (n for n in walk.order(nodes, changes) if n.op.name == "input")
    return {
        leaf: Input(leaf.type, leaf.name, leaf.site)
        for leaf in leaves
        if isinstance(leaf.type, TensorType)
    }


clone = clone_replace
