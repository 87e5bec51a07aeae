"""A graph after a pass, checked: types follow from ops, leaves are the old ones.

Run after every pass in tests and debug mode. Linear, a few microseconds a node.
"""

from __future__ import annotations

from symnb.core.node import Constant, Node, bound_nodes
from symnb.core.types import ANY, TensorType
from symnb.errors import GraphError, OptimiserError
from symnb.optim.trace import PassRecord


def validate(record: PassRecord) -> None:
    """Raise OptimiserError unless the pass left a sound graph of the same types."""
    before, after = record.before, record.after
    _check_roots(record)
    leaves = {n for n in before.order if n.is_leaf} | set(before.inputs)
    seen: set[Node] = set()
    for node in after.order:
        if any(source not in seen for source in node.inputs):
            raise _broken(record, node, "is computed before its operands")
        seen.add(node)
        if not node.is_leaf:
            _check_node(record, node)
        elif node not in leaves and not isinstance(node, Constant):
            raise _broken(record, node, "is a leaf the graph did not have")


def _check_roots(record: PassRecord) -> None:
    old, new = record.before.roots, record.after.roots
    if len(old) != len(new):
        raise OptimiserError(f"pass {record.name}: {len(old)} roots became {len(new)}")
    for was, now in zip(old, new, strict=True):
        same = isinstance(was.type, TensorType) and isinstance(now.type, TensorType)
        if same and (was.dtype, was.ndim) != (now.dtype, now.ndim):
            raise _broken(record, now, f"replaces a result of type {was.type}")


def _check_node(record: PassRecord, node: Node) -> None:
    types = tuple(x.type for x in node.operands)
    if node.type is ANY or ANY in types:
        raise _broken(record, node, "is part of a pattern")
    try:
        inferred = node.op.infer(types, node.params)  # pyright: ignore
    except GraphError as error:
        raise _broken(record, node, f"has no type: {error}") from None
    if inferred != node.type:
        raise _broken(record, node, f"should have the type {inferred}")
    if set(bound_nodes(node.params)) - set(node.inputs):
        raise _broken(record, node, "lost a node that defines one of its sizes")


def _broken(record: PassRecord, node: Node, what: str) -> OptimiserError:
    place = f" ({node.site})" if node.site else ""
    return OptimiserError(f"pass {record.name}: {node!r}{place} {what}.")
