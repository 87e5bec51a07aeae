"""Forward mode: `Rop`, the Jacobian-vector product, in one sweep with the graph.

Every op with a jvp pushes tangents directly. Where an op on the way has none, the
product is taken as a double vjp (Townsend 2017): v^T J is linear in v, and its
transpose applied to the tangent is J t.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnb.core import dtypes, walk
from symnb.core.node import Node
from symnb.core.types import TupleType
from symnb.errors import DisconnectedInputError, ShapeError
from symnb.gradient.reverse import Lop, Wrt, prepare
from symnb.ops.create import zeros_like
from symnb.ops.define import as_node
from symnb.ops.view import broadcast_like

Tangent = Any  # Node, None for zero, or a tuple of them for several outputs


def push_forward(
    roots: Sequence[Node], tangents: dict[Node, Node]
) -> dict[Node, Tangent]:
    """Node -> tangent for every node `roots` need; None is zero."""
    flow: dict[Node, Tangent] = {}
    for node in walk.order(roots, stop=tangents):
        given = tangents.get(node)
        flow[node] = _push(node, flow) if given is None else given
    return flow


def _push(node: Node, flow: dict[Node, Tangent]) -> Tangent:
    if node.is_leaf:
        return None
    arriving = [flow[x] for x in node.operands]
    if all(t is None for t in arriving):
        return None
    if node.op.kind == "pick":
        return arriving[0][node.params[0]]
    if not isinstance(node.type, TupleType) and not dtypes.is_float(node.dtype):
        return None
    if "disconnects" in node.op.tags or node.op.jvp is None:
        return None
    return node.op.jvp(node, arriving)


def _lacks_rule(roots: Sequence[Node], wanted: Sequence[Node]) -> bool:
    path = walk.depends_on(roots, wanted)
    return any(
        node.op.jvp is None and node.op.vjp is not None
        for node in path
        if not node.is_leaf and node.op.kind != "pick"
    )


def Rop(
    f: Wrt,
    wrt: Wrt,
    eval_points: Any,
    disconnected_outputs: str = "raise",
    return_disconnected: str = "zero",
) -> Any:
    """J v, the Jacobian-vector product of f at wrt with v = eval_points.

    Each v has the shape of its wrt; each result the shape of its f. A result that
    does not depend on any wrt raises DisconnectedInputError unless
    disconnected_outputs is "ignore" or "warn" (then zeros).
    """
    values = [f] if isinstance(f, Node) else list(f)
    targets = [wrt] if isinstance(wrt, Node) else list(wrt)
    listed = eval_points if isinstance(eval_points, list | tuple) else [eval_points]
    points = [as_node(v) for v in listed]
    for x, v in zip(targets, points, strict=True):
        if x.ndim != v.ndim:
            raise ShapeError(f"Rop: wrt is {x.type} and its vector {v.type}.")
    results = _products(values, targets, points)
    finished = [
        _finish(value, t, disconnected_outputs, return_disconnected)
        for value, t in zip(values, results, strict=True)
    ]
    if isinstance(f, Node):
        return finished[0]
    return tuple(finished) if isinstance(f, tuple) else finished


pushforward = Rop


def _products(
    values: list[Node], targets: list[Node], points: list[Node]
) -> list[Node | None]:
    if _lacks_rule(values, targets):
        return _double_pullback(values, targets, points)
    scratch = prepare(values, targets)
    ends = [scratch.image[value] for value in values]
    seeds = {
        scratch.image[x]: v
        for x, v in zip(targets, points, strict=True)
        if x in scratch.image
    }
    flow = push_forward(ends, seeds)
    found = [flow[end] for end in ends if flow[end] is not None]
    back = walk.rebuild(found, scratch.origin)
    return [None if flow[end] is None else back[flow[end]] for end in ends]


def _double_pullback(
    values: list[Node], targets: list[Node], points: list[Node]
) -> list[Node | None]:
    seeds = [zeros_like(value) for value in values]
    rows = Lop(values, targets, seeds, disconnected_inputs="ignore")
    result = Lop(rows, seeds, points, disconnected_inputs="ignore")
    return list(result)


def _finish(
    value: Node, tangent: Node | None, disconnected: str, returns: str
) -> Node | None:
    if tangent is not None:
        return broadcast_like(tangent, value)
    if disconnected == "raise":
        raise DisconnectedInputError(
            f"{value} does not depend on any wrt.\n"
            "Fix: pass disconnected_outputs='ignore' for zeros."
        )
    return None if returns.lower() == "none" else zeros_like(value)
