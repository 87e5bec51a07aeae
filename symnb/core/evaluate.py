"""The reference: evaluate a graph node by node with each op's NumPy function.

Slow and exact; the meaning every other evaluator is compared with. Sizes are bound
from the shapes of the leaves' values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symnb.core import dims, walk
from symnb.core.dims import Atom, DimLike
from symnb.core.graph import Graph
from symnb.core.node import Constant, Node
from symnb.core.shared import Shared, owner_of
from symnb.core.types import TensorType, TupleType
from symnb.errors import MissingInputError, SizeError

Array = Any
Environment = dict[Atom, int]


def evaluate(roots: Sequence[Node], values: Mapping[Node, Any]) -> list[Array]:
    """The values of `roots`, given values of leaves (or of inner nodes).

    Constants and shared variables need not be given. Raises MissingInputError for
    a leaf without a value and SizeError for sizes that contradict each other.
    """
    known: dict[Node, Array] = {}
    sizes: Environment = {}
    order = walk.order(roots, stop=values)
    owners = [owner_of(atom) for atom in sorted(walk.atoms_of(order))]
    leaves = [leaf for leaf in owners if leaf is not None and leaf not in values]
    for node in dict.fromkeys((*values, *order, *leaves)):
        if node in values or node.is_leaf:
            known[node] = _leaf_value(node, values)
            bind_sizes(node, known[node], sizes)
    for node in order:
        if node not in known:
            known[node] = apply(node, [known[x] for x in node.inputs], sizes)
    return [known[root] for root in roots]


def evaluate_graph(graph: Graph, arguments: Sequence[Any]) -> list[Array]:
    """Outputs, then update values, for arguments in the order of `graph.inputs`."""
    return evaluate(graph.roots, dict(zip(graph.inputs, arguments, strict=True)))


def apply(node: Node, inputs: Sequence[Array], sizes: Environment) -> Array:
    """The value of one node, given those of its inputs."""
    params = node.params
    if params:
        _bind_data_sizes(node, inputs, sizes)
        params = dims.map_dims(params, lambda dim: dims.evaluate(dim, sizes))
    operands = inputs[: len(node.operands)]
    with np.errstate(all="ignore"):
        value = node.op.numpy(*operands, *params)
    if isinstance(node.type, TupleType):
        return tuple(np.asarray(part) for part in value)
    if isinstance(node.type, TensorType):
        return np.asarray(value, dtype=node.type.dtype)
    return value


def _leaf_value(node: Node, values: Mapping[Node, Any]) -> Array:
    if node in values:
        value = values[node]
        dtype = node.type.dtype if isinstance(node.type, TensorType) else None
        return np.asarray(value, dtype=dtype)
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Shared):
        return node.storage.array
    place = f" ({node.site})" if node.site else ""
    raise MissingInputError(
        f"no value for {node}{place}.\nFix: give one: x.eval({{{node}: value}})."
    )


def bind_sizes(node: Node, value: Array, sizes: Environment) -> None:
    """Learn the sizes in the type of `node` from its value. Raises SizeError."""
    if not isinstance(node.type, TensorType):
        return
    if value.ndim != node.type.ndim:
        raise SizeError(
            f"{node} is {node.type}, {node.type.ndim} axes; got shape {value.shape}."
        )
    for axis, (want, got) in enumerate(zip(node.type.shape, value.shape, strict=True)):
        expected = _bind(want, got, sizes)
        if expected != got:
            raise SizeError(
                f"{node} is {node.type}: axis {axis} should be {expected}, got {got}."
            )


def _bind(want: DimLike, got: int, sizes: Environment) -> int:
    if isinstance(want, int):
        return want
    atom = want.leaf
    if atom is not None:
        return sizes.setdefault(atom, got)
    return dims.evaluate(want, sizes) if want.atoms() <= sizes.keys() else got


def _bind_data_sizes(node: Node, inputs: Sequence[Array], sizes: Environment) -> None:
    extra = node.inputs[len(node.operands) :]
    if not extra:
        return
    values = dict(zip(node.inputs, inputs, strict=True))
    for dim in dims.dims_in(node.params):
        for atom in dim.atoms():
            if atom.kind == "bound":
                sizes[atom] = int(values[atom.node])
