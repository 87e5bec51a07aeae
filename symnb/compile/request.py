"""What a user asks of `function`, as one closed graph.

Normalises inputs, outputs, updates, givens and default updates into a `Request`:
a Graph whose only leaves are its inputs, shared variables and constants. Every
mistake a user can make here is told with the variable's name and place.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from typing import cast as cast_type

from symnb.compile.arguments import In, Out, as_in
from symnb.core import walk
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.shared import Shared
from symnb.core.types import TensorType
from symnb.errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    RankError,
    UnusedInputError,
    message,
)
from symnb.ops.cast import cast
from symnb.ops.define import as_node
from symnb.options import config

Updates = Iterable[tuple[Shared, Any]] | Mapping[Shared, Any]


@dataclass
class Request:
    """One function as asked for.

    graph    closed; outputs in order, then updates
    inputs   one `In` per input of the graph
    returns  one | list | none: what a call gives back
    keys     names of the outputs, when asked for as a dict
    """

    graph: Graph
    inputs: tuple[In, ...]
    returns: str
    keys: tuple[str, ...] | None = None


def make_request(
    inputs: Sequence[Any],
    outputs: Any,
    updates: Updates,
    givens: Any,
    no_default_updates: bool | Sequence[Shared],
    on_unused_input: str | None,
    name: str,
) -> Request:
    """The request for `function`'s arguments. Raises GraphError, ArgumentError."""
    specs = tuple(as_in(item) for item in inputs)
    _check_distinct(specs, name)
    nodes, returns, keys = _outputs(outputs)
    pairs = _updates(updates, specs)
    given = read_givens(givens)
    nodes, pairs = substitute(nodes, pairs, given)
    pairs = _with_defaults(nodes, pairs, no_default_updates)
    leaves = [spec.variable for spec in specs]
    graph = Graph(leaves, nodes, pairs, name)
    graph.check_closed()
    _check_used(graph, on_unused_input or config.on_unused_input, given)
    return Request(graph, specs, returns, keys)


def _check_distinct(specs: tuple[In, ...], name: str) -> None:
    seen: set[Node] = set()
    for spec in specs:
        if spec.variable in seen:
            raise ArgumentError(
                f"{name}: the input {spec.variable} is listed twice.\n"
                "Fix: list each input once."
            )
        seen.add(spec.variable)


def _outputs(outputs: Any) -> tuple[list[Node], str, tuple[str, ...] | None]:
    if outputs is None:
        return [], "none", None
    if isinstance(outputs, Mapping):
        named = cast_type(Mapping[Any, Any], outputs)
        nodes = [_output(value) for value in named.values()]
        return nodes, "list", tuple(map(str, named))
    if isinstance(outputs, list | tuple):
        several = cast_type(Sequence[Any], outputs)
        return [_output(value) for value in several], "list", None
    return [_output(outputs)], "one", None


def _output(value: Any) -> Node:
    node = as_node(value.variable if isinstance(value, Out) else value)
    if not isinstance(node.type, TensorType):
        raise GraphError(f"the output {node!r} has several parts; take one of them.")
    return node


def _updates(updates: Updates, specs: tuple[In, ...]) -> list[tuple[Shared, Node]]:
    items: Any = updates.items() if isinstance(updates, Mapping) else updates
    pairs = [_update(item) for item in items]
    for spec in specs:
        if spec.update is not None and isinstance(spec.value, Shared):
            pairs.append(_update((spec.value, spec.update)))
    seen: set[Shared] = set()
    for target, _ in pairs:
        if target in seen:
            raise GraphError(
                f"{target} is updated twice.\nFix: give one new value for it."
            )
        seen.add(target)
    return pairs


def _update(item: Any) -> tuple[Shared, Node]:
    try:
        target, value = item
    except (TypeError, ValueError):
        raise GraphError(
            f"updates are pairs (shared, new value), not {item!r}."
        ) from None
    if not isinstance(target, Shared):
        raise GraphError(
            f"updates change shared variables; {target} is none.\n"
            "Fix: make it with symnb.shared(value)."
        )
    node = as_node(value)
    want, got = target.tensor_type, node.tensor_type
    if got.dtype != want.dtype:
        if not isinstance(value, Node):
            node, got = cast(node, want.dtype), want
        else:
            raise DTypeError(
                message(
                    f"the update of {target} must be {want.dtype}; got {got.dtype}.",
                    [(str(value), str(value.site or ""), str(got))],
                    f"cast it with .astype({want.dtype!r}).",
                )
            )
    if node.ndim != want.ndim:
        raise RankError(
            message(
                f"the update of {target} has {node.ndim} axes; it needs {want.ndim}.",
                [(str(node), str(node.site or ""), str(node.type))],
            )
        )
    return target, node


def read_givens(givens: Any) -> dict[Node, Node]:
    """Tensor -> tensor in its place, from pairs or a dict. Raises DTypeError."""
    if not givens:
        return {}
    items: Any = (
        cast_type(Any, givens).items() if isinstance(givens, Mapping) else givens
    )
    result: dict[Node, Node] = {}
    for old, new in items:
        if not isinstance(old, Node):
            raise GraphError(f"givens replace symbolic tensors, not {old!r}.")
        node = as_node(new)
        if not isinstance(new, Node) and node.dtype != old.dtype:
            node = cast(node, old.dtype)
        if node.dtype != old.dtype or node.ndim != old.ndim:
            raise DTypeError(
                message(
                    f"givens: {old} cannot be replaced by another type.",
                    [("wanted", str(old.type)), ("given", str(node.type))],
                    f"cast it with .astype({old.dtype!r}).",
                )
            )
        result[old] = node
    return result


def substitute(
    nodes: list[Node], pairs: list[tuple[Shared, Node]], given: dict[Node, Node]
) -> tuple[list[Node], list[tuple[Shared, Node]]]:
    """Outputs and updates with nodes replaced, and the sizes that follow."""
    if not given:
        return nodes, pairs
    facts: dict[Any, Any] = {}
    for old, new in given.items():
        if old.is_leaf:
            facts.update(walk.leaf_facts(old, new))
    roots = [*nodes, *(value for _, value in pairs)]
    new = walk.rebuild(roots, given, facts)
    moved = [new[root] for root in roots]
    targets = [target for target, _ in pairs]
    return moved[: len(nodes)], list(zip(targets, moved[len(nodes) :], strict=True))


def _with_defaults(
    nodes: list[Node],
    pairs: list[tuple[Shared, Node]],
    excluded: bool | Sequence[Shared],
) -> list[tuple[Shared, Node]]:
    """Add the default updates of the shared variables in use (random states)."""
    if excluded is True:
        return pairs
    skipped: set[Any] = set(excluded) if excluded else set()
    pairs = list(pairs)
    while True:
        targets = {target for target, _ in pairs}
        roots = [*nodes, *(value for _, value in pairs)]
        more = [
            (leaf, leaf.default_update)
            for leaf in walk.order(roots)
            if isinstance(leaf, Shared)
            and leaf.default_update is not None
            and leaf not in targets
            and leaf not in skipped
        ]
        if not more:
            return pairs
        pairs += more


def _check_used(graph: Graph, action: str, replaced: Mapping[Node, Node]) -> None:
    used, sizes = set(graph.order), walk.atoms_of(graph.order)
    unused = [
        leaf
        for leaf in graph.inputs
        if leaf not in used and sizes.isdisjoint(walk.atoms_of([leaf]))
    ]
    if not unused or action == "ignore":
        return
    reason = ", because givens replaces it" if set(unused) & set(replaced) else ""
    text = message(
        f"{graph.name}: no output needs {len(unused)} of its inputs{reason}.",
        [(str(x), str(x.type), str(x.site or "")) for x in unused],
        "leave it out, or pass on_unused_input='ignore'.",
    )
    if action == "warn":
        warnings.warn(text, UserWarning, stacklevel=5)
    else:
        raise UnusedInputError(text)


def swapped(
    request: Request,
    swap: Mapping[Shared, Shared],
    delete_updates: bool,
    name: str | None,
) -> Request:
    """The same request over other shared variables, perhaps without updates.

    Raises ArgumentError where a new variable is not of the old one's type.
    """
    for old, new in swap.items():
        _check_swap(request, old, new)
    graph = request.graph
    pairs = [] if delete_updates else list(graph.updates)
    nodes, pairs = substitute(
        list(graph.outputs), pairs, cast_type(dict[Node, Node], dict(swap))
    )
    pairs = [(swap.get(target, target), value) for target, value in pairs]
    inputs = tuple(
        _swapped_input(spec, swap, delete_updates) for spec in request.inputs
    )
    leaves = [spec.variable for spec in inputs]
    changed = Graph(leaves, nodes, pairs, name or graph.name)
    return Request(changed, inputs, request.returns, request.keys)


def _check_swap(request: Request, old: Any, new: Any) -> None:
    if old not in request.graph.shared:
        raise ArgumentError(
            f"swap: {request.graph.name} has no shared variable {old}.\n"
            f"Fix: it has {', '.join(map(str, request.graph.shared)) or 'none'}."
        )
    same = isinstance(new, Shared) and (new.dtype, new.ndim) == (old.dtype, old.ndim)
    if not same:
        raise ArgumentError(
            message(
                f"swap: {old} cannot be replaced by another type.",
                [("wanted", str(old.type)), ("given", str(getattr(new, "type", new)))],
                "give a shared variable of the same dtype and number of axes.",
            )
        )


def _swapped_input(spec: In, swap: Mapping[Any, Shared], delete_updates: bool) -> In:
    value: Any = None
    if isinstance(spec.value, Node):
        value = swap.get(spec.value, spec.value)
    if value is None and not delete_updates:
        return spec
    changed = replace(spec, update=None if delete_updates else spec.update)
    if value is not None:
        changed.value, changed.storage = value, value.storage
    return changed
