"""`x.eval({...})`: compile for the leaves given, call, remember on the tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnb.compile.function import function
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.seams import slots
from symnb.errors import GraphError, MissingInputError, message


def evaluate(x: Node, values: Mapping[Any, Any] | None = None, **options: Any) -> Any:
    """The value of `x` for the given values of its inputs, by tensor or by name.

    The compiled function is kept in `x.tag`. Raises MissingInputError.
    """
    named = {leaf.name: leaf for leaf in Graph((), (x,)).missing() if leaf.name}
    given: dict[Node, Any] = {}
    for key, value in (values or {}).items():
        leaf = named.get(key) if isinstance(key, str) else key
        if not isinstance(leaf, Node):
            raise GraphError(
                f"eval: {x} has no input {key!r}.\n"
                f"Fix: its inputs are {', '.join(named) or 'none'}."
            )
        given[leaf] = value
    _check_given(x, given)
    leaves = tuple(given)
    kept = x.tag.__dict__.setdefault("functions", {})
    if leaves not in kept:
        settings = {"on_unused_input": "ignore", "name": x.name or "eval"} | options
        kept[leaves] = function(list(leaves), x, **settings)
    return kept[leaves](*given.values())


def _check_given(x: Node, given: Mapping[Node, Any]) -> None:
    lost = Graph(tuple(given), (x,)).missing()
    if lost:
        raise MissingInputError(
            message(
                f"eval: {x} needs {len(lost)} value(s) it is not given.",
                [(str(n), str(n.type), str(n.site or "")) for n in lost],
                f"x.eval({{{', '.join(f'{n}: value' for n in lost[:3])}}}).",
            )
        )


slots.fill(evaluate=evaluate)
