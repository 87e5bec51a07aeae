"""`Graph`: a closed piece of computation, the unit passes work on.

Inputs are leaves in call order; `outputs` are results; `updates` pair a shared
variable with its next value. A Graph is never changed: a pass returns a new one.
`order`, `users` and `digest` are computed once, on first use, in linear time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from symnb.core import walk
from symnb.core.dims import DimLike
from symnb.core.node import Constant, Node
from symnb.core.seams import slots
from symnb.core.shared import Shared, owner_of
from symnb.core.types import ANY
from symnb.errors import MissingInputError, message

Update = tuple[Shared, Node]


class Graph:
    """`outputs` and `updates` as functions of `inputs` and shared state."""

    def __init__(
        self,
        inputs: Sequence[Node],
        outputs: Sequence[Node],
        updates: Iterable[Update] = (),
        name: str = "f",
    ) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.updates = tuple(updates)
        self.name = name

    @property
    def roots(self) -> tuple[Node, ...]:
        """Outputs, then the new values of updated shared variables."""
        return self.outputs + tuple(value for _, value in self.updates)

    @cached_property
    def order(self) -> tuple[Node, ...]:
        """Every node, inputs before what reads them; leaves included."""
        return tuple(walk.order(self.roots))

    @cached_property
    def _users(self) -> dict[Node, list[Node]]:
        return walk.users(self.order)

    def users(self, node: Node) -> list[Node]:
        """The nodes that read `node`."""
        return self._users.get(node, [])

    @property
    def nodes(self) -> tuple[Node, ...]:
        """`order` without leaves: what is computed, in execution order."""
        return tuple(node for node in self.order if not node.is_leaf)

    @cached_property
    def shared(self) -> tuple[Shared, ...]:
        """Shared variables read, updated or measured, in order of first use."""
        found = [node for node in self.order if isinstance(node, Shared)]
        found += [target for target, _ in self.updates]
        owners = [owner_of(atom) for atom in sorted(walk.atoms_of(self.order))]
        return tuple(dict.fromkeys([*found, *(x for x in owners if x is not None)]))

    @property
    def constants(self) -> tuple[Constant, ...]:
        """Constant leaves, in order of first use."""
        return tuple(node for node in self.order if isinstance(node, Constant))

    def toposort(self) -> list[Node]:
        """Theano's name for `nodes`, as a list."""
        return list(self.nodes)

    @property
    def apply_nodes(self) -> set[Node]:
        """Theano's name for `nodes`, as a set."""
        return set(self.nodes)

    def ops(self) -> list[str]:
        """Op names in execution order, leaves left out."""
        return [node.op.name for node in self.nodes]

    def __len__(self) -> int:
        return len(self.order)

    def with_roots(self, roots: Sequence[Node]) -> Graph:
        """Same inputs, other outputs and update values, in the order of `roots`."""
        roots = tuple(roots)
        count = len(self.outputs)
        updates = zip(self.updates, roots[count:], strict=True)
        pairs = [(target, value) for (target, _), value in updates]
        return Graph(self.inputs, roots[:count], pairs, self.name)

    def replace(
        self, mapping: Mapping[Node, Node], facts: walk.Facts | None = None
    ) -> Graph:
        """The graph with nodes replaced; inputs among them are replaced too."""
        new = walk.rebuild(self.roots, mapping, facts)
        graph = self.with_roots([new[root] for root in self.roots])
        graph.inputs = tuple(mapping.get(leaf, leaf) for leaf in self.inputs)
        return graph

    @cached_property
    def assumptions(self) -> list[tuple[Node, DimLike, DimLike]]:
        """(node, a, b): sizes that must be equal for the graph to make sense."""
        found: list[tuple[Node, DimLike, DimLike]] = []
        for node in self.order:
            if node.op.assumes is None or node.type is ANY:
                continue
            types = tuple([operand.type for operand in node.operands])
            pairs = node.op.assumes(types, node.params)  # pyright: ignore
            found += [(node, a, b) for a, b in pairs if a != b]
        return found

    def missing(self) -> list[Node]:
        """Input leaves the roots need that are not among `inputs`."""
        given = set(self.inputs)
        return [n for n in self.order if n.op.name == "input" and n not in given]

    def check_closed(self) -> None:
        """Raise MissingInputError unless every input leaf is given."""
        lost = self.missing()
        if lost:
            rows = [
                (str(n), str(n.type), str(n.site or ""), self._reader(n)) for n in lost
            ]
            raise MissingInputError(
                message(
                    f"{self.name} needs {len(lost)} tensor(s) it is not given.",
                    rows,
                    "add them to the inputs, or give them with givens={x: value}.",
                )
            )

    def _reader(self, leaf: Node) -> str:
        readers = self.users(leaf)
        site = readers[0].site if readers else None
        return f"used at {site}" if site else ""

    def text(self) -> str:
        """The canonical text, which `core.text.parse` reads back."""
        return slots["graph_text"](self)

    @cached_property
    def digest(self) -> str:
        """128 bits in hex, equal for graphs that compute the same nodes."""
        text: str = slots["graph_digest_text"](self)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)

    def __reduce__(self) -> tuple[Any, ...]:
        return slots["pickle_graph"](self)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Graph {self.name}: {len(self.nodes)} ops>"
