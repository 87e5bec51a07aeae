"""Reverse mode: `grad`, `Lop`, `subgraph_grad`.

The forward graph is stabilised first, on a scratch copy: naive `log(softmax(x))`
has a NaN gradient, its stable form has not. Nodes the user names (wrt, constants,
known gradients) are protected there, so they keep their meaning. Then one sweep
against the order of execution sums, per node, what its readers send back. Linear in
nodes and edges; no recursion.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symnb.core import dtypes, walk
from symnb.core.node import Node
from symnb.core.types import TupleType
from symnb.errors import (
    DisconnectedInputError,
    GradientError,
    NoGradientError,
    ShapeError,
    message,
)
from symnb.ops.barrier import PROTECT, protect
from symnb.ops.create import ones_like, zeros_like
from symnb.ops.define import as_node
from symnb.ops.view import broadcast_like
from symnb.optim.optimiser import stabilise
from symnb.options import config

Wrt = Node | Sequence[Node]


@dataclass
class Scratch:
    """The stabilised copy of a forward graph.

    image    user's node -> its node in the copy
    origin   protected node of the copy -> user's node
    story    pass records of the stabilisation
    """

    image: dict[Node, Node]
    origin: dict[Node, Node]
    story: list[Any]


def prepare(roots: Sequence[Node], named: Iterable[Node]) -> Scratch:
    """A stabilised copy of what `roots` need, `named` nodes kept as they are."""
    guards: dict[Node, Node] = {}

    def remake(node: Node, inputs: tuple[Node, ...]) -> Node:
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        made = node if same else walk.with_inputs(node, inputs)
        if node in kept:
            made = guards[node] = protect(made)
        return made

    kept = {node for node in named if not node.is_leaf}
    copy = walk.rebuild([*roots, *kept], {}, remake=remake)
    if not config.stabilise_gradients:
        image, story = copy, []
    else:
        ends = list(dict.fromkeys(copy[node] for node in [*roots, *kept]))
        stable, story = stabilise(ends)
        image = {node: stable.get(new, new) for node, new in copy.items()}
    origin = {image[node]: node for node in guards}
    return Scratch(image, origin, story)


def back_propagate(
    seeds: Mapping[Node, Node], wanted: Iterable[Node], blocked: Iterable[Node] = ()
) -> tuple[dict[Node, Node], set[Node]]:
    """Gradients of sum(seed * node) and the set of connected nodes.

    seeds    node -> gradient arriving from outside
    wanted   nodes whose gradients are asked for
    blocked  nodes nothing flows through
    """
    stop = set(blocked)
    path = _connected(list(seeds), set(wanted), stop)
    arriving: dict[Node, list[Any]] = {node: [g] for node, g in seeds.items()}
    result: dict[Node, Node] = {}
    for node in reversed(walk.order(seeds)):
        if node not in path or node not in arriving:
            continue
        g = _total(arriving.pop(node), node)
        if not isinstance(g, tuple):
            result[node] = g
        if node in stop or node.is_leaf:
            continue
        for source, part in zip(node.operands, _send(node, g, path), strict=True):
            if part is not None and source in path:
                arriving.setdefault(source, []).append(part)
    return result, path


def _connected(roots: list[Node], wanted: set[Node], stop: set[Node]) -> set[Node]:
    """The nodes on a differentiable path from a wanted node to a root."""

    def sources(node: Node) -> tuple[Node, ...]:
        barred = node in stop or "disconnects" in node.op.tags
        return () if barred else node.operands

    order = walk.order(roots)
    below: set[Node] = set()
    for node in order:
        if node in wanted or any(x in below for x in sources(node)):
            below.add(node)
    path = {root for root in roots if root in below}
    for node in reversed(order):
        if node in path:
            path.update(x for x in sources(node) if x in below)
    return path


def _send(node: Node, g: Any, path: set[Node]) -> Sequence[Node | None]:
    """What `node` sends back to its operands."""
    if node.op.kind == "pick":
        return [_OneOf(node.params[0], g)]  # pyright: ignore[reportReturnType]
    if node.op.vjp is None:
        needed = any(x in path and dtypes.is_float(x.dtype) for x in node.operands)
        if needed and dtypes.is_float(node.dtype):
            raise NoGradientError(
                f"{node.op.name} has no gradient: {node.op.no_gradient}"
                + (f"  ({node.site})" if node.site else "")
                + "\nFix: wrap it in consider_constant(...) if it should not matter."
            )
        return [None] * len(node.operands)
    return node.op.vjp(node, g, None)


@dataclass
class _OneOf:
    """A gradient arriving at one output of a node with several."""

    index: int
    value: Node


def _total(parts: list[Any], node: Node) -> Any:
    if isinstance(node.type, TupleType):
        slots: list[Node | None] = [None] * len(node.type)
        for part in parts:
            before = slots[part.index]
            slots[part.index] = part.value if before is None else before + part.value
        return tuple(slots)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def grad(
    cost: Node | None,
    wrt: Wrt,
    consider_constant: Sequence[Node] | None = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Mapping[Node, Any] | None = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """d cost / d wrt, with the shape and dtype of each wrt.

    cost                 float scalar, or None with `known_grads`
    wrt                  a tensor or a list of tensors (leaves or inner nodes)
    consider_constant    tensors nothing flows through
    disconnected_inputs  raise | warn | ignore, when cost does not depend on a wrt
    known_grads          tensor -> gradient to use for it instead of deriving it
    return_disconnected  zero | none | disconnected: what a disconnected wrt gives

    Integer wrt get zeros of dtype floatX. Raises DisconnectedInputError,
    NoGradientError, GradientError.
    """
    targets = [wrt] if isinstance(wrt, Node) else list(wrt)
    _check_request(cost, targets, disconnected_inputs, known_grads)
    known = {n: as_node(g) for n, g in (known_grads or {}).items()}
    seeds: dict[Node, Node] = dict(known)
    if cost is not None and cost not in known:
        seeds[cost] = ones_like(cost)
    grads, reached = _reverse(seeds, targets, consider_constant or ())
    results = [
        _finish(x, grads.get(x), x in reached, disconnected_inputs, return_disconnected)
        for x in targets
    ]
    if add_names and cost is not None and cost.name:
        for x, g in zip(targets, results, strict=True):
            if g is not None and g.name is None and x.name and not g.is_leaf:
                g.name = f"(d{cost.name}/d{x.name})"
    return results[0] if isinstance(wrt, Node) else _like(wrt, results)


def _like(wrt: Sequence[Node], results: list[Any]) -> Any:
    return tuple(results) if isinstance(wrt, tuple) else results


def _check_request(
    cost: Node | None,
    targets: list[Node],
    disconnected: str,
    known: Mapping[Node, Any] | None,
) -> None:
    if cost is None and not known:
        raise GradientError("grad needs a cost or known_grads.")
    if disconnected not in ("raise", "warn", "ignore"):
        raise GradientError(
            f"disconnected_inputs is raise, warn or ignore, not {disconnected!r}."
        )
    for x in targets:
        if not isinstance(x, Node):
            raise GradientError(f"wrt holds tensors, not {type(x).__name__}.")
    if cost is None:
        return
    if cost.ndim:
        raise GradientError(
            message(
                "grad needs a scalar cost.",
                [(str(cost), str(cost.site or ""), str(cost.type))],
                "reduce it first, e.g. cost.sum() or cost.mean().",
            )
        )
    if not dtypes.is_float(cost.dtype):
        raise GradientError(
            f"grad needs a float cost; {cost} is {cost.dtype}.\n"
            "Fix: cost.astype('float64')."
        )


def _reverse(
    seeds: Mapping[Node, Node], targets: Sequence[Node], blocked: Iterable[Node]
) -> tuple[dict[Node, Node], set[Node]]:
    """Gradients by user's node, on the stabilised copy, and what is connected."""
    blocked = list(blocked)
    scratch = prepare(list(seeds), [*targets, *blocked, *seeds])
    image = scratch.image
    wanted = {image[x] for x in targets if x in image}
    barred = {image[x] for x in blocked if x in image}
    grads, reached = back_propagate(
        {image[node]: g for node, g in seeds.items()}, wanted, barred
    )
    back = walk.rebuild(list(grads.values()), scratch.origin)
    result: dict[Node, Node] = {}
    connected: set[Node] = set()
    for x in targets:
        inner = image.get(x)
        if inner is None:
            continue
        if inner in reached:
            connected.add(x)
        if inner in grads:
            value = back[grads[inner]]
            if scratch.story and not value.is_leaf:
                value.tag.gradient_story = scratch.story
            result[x] = value
    return result, connected


def _finish(
    x: Node, g: Node | None, connected: bool, disconnected: str, returns: str
) -> Node | None:
    """The gradient to return for one wrt."""
    if g is not None and dtypes.is_float(x.dtype):
        return broadcast_like(g, x)
    if not connected:
        _tell_disconnected(x, disconnected)
        if returns.lower() in ("none", "disconnected"):
            return None
    return zeros_like(x, None if dtypes.is_float(x.dtype) else config.floatX)


def _tell_disconnected(x: Node, disconnected: str) -> None:
    text = message(
        "the cost does not depend on a variable grad is asked for.",
        [(str(x), str(x.site or ""), str(x.type))],
        "remove it from wrt, or pass disconnected_inputs='ignore' for zeros.",
    )
    if disconnected == "raise":
        raise DisconnectedInputError(text)
    if disconnected == "warn":
        warnings.warn(text, UserWarning, stacklevel=4)


def Lop(
    f: Wrt,
    wrt: Wrt,
    eval_points: Wrt,
    consider_constant: Sequence[Node] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """v^T J, the vector-Jacobian product of f at wrt with v = eval_points.

    Each v has the shape of its f; each result the shape of its wrt. Raises
    ShapeError where a v has another number of axes than its f.
    """
    values = [f] if isinstance(f, Node) else list(f)
    points = [as_node(v) for v in _listed(eval_points, len(values))]
    for value, v in zip(values, points, strict=True):
        if value.ndim != v.ndim:
            raise ShapeError(f"Lop: f is {value.type} and its vector {v.type}.")
    targets = [wrt] if isinstance(wrt, Node) else list(wrt)
    grads, reached = _reverse(_summed(values, points), targets, consider_constant or ())
    results = [
        _finish(x, grads.get(x), x in reached, disconnected_inputs, "zero")
        for x in targets
    ]
    return results[0] if isinstance(wrt, Node) else _like(wrt, results)


pullback = Lop


def _listed(points: Any, count: int) -> list[Any]:
    return list(points) if isinstance(points, list | tuple) else [points][:count]


def _summed(values: list[Node], points: list[Node]) -> dict[Node, Node]:
    seeds: dict[Node, Node] = {}
    for value, v in zip(values, points, strict=True):
        seeds[value] = seeds[value] + v if value in seeds else v
    return seeds


def subgraph_grad(
    wrt: Sequence[Node],
    end: Sequence[Node],
    start: Mapping[Node, Node] | None = None,
    cost: Node | None = None,
) -> tuple[list[Node], list[Node]]:
    """Gradients of wrt and of `end`, stopping the chain at the nodes `end`.

    start  node -> known gradient; cost adds a scalar to differentiate
    ->     (gradients of wrt, gradients of end), to be used as `start` of the next
    """
    both = [*wrt, *end]
    grads = grad(
        cost, both, consider_constant=end, known_grads=start,
        disconnected_inputs="ignore",
    )  # fmt: skip
    return list(grads[: len(wrt)]), list(grads[len(wrt) :])


__all__ = ["PROTECT", "Lop", "grad", "pullback", "subgraph_grad"]
