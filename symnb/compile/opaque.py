"""Steps that have no C: one op run by its NumPy reference, called from compiled code.

Such a step travels as graph text, so that a program loaded from the cache needs no
graph. The text is read at the first call; a call costs a few microseconds plus the
NumPy function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symnb.compile.codec import decode, encode
from symnb.core import dims, text
from symnb.core.dims import Atom, Dim, DimLike
from symnb.core.evaluate import apply, bind_sizes
from symnb.core.graph import Graph
from symnb.core.node import Input, Node, as_dim
from symnb.core.types import TensorType, TupleType
from symnb.core.walk import atoms_of, with_inputs
from symnb.errors import MatrixError, message

if TYPE_CHECKING:
    from symnb.compile.program import Step

Array = np.ndarray[Any, Any]
Where = Callable[[int], list[tuple[str, ...]]]


def describe(step: Step) -> dict[str, Any]:
    """The step as JSON: text of its op over fresh inputs, dtypes and ranks."""
    node = step.nodes[0]
    leaves: dict[Node, Node] = {}
    free = _free_sizes(node, leaves)
    for source in node.inputs:
        if source not in leaves:
            leaves[source] = Input(_tensor(source, free), f"x{len(leaves)}")
    inputs = tuple(leaves[source] for source in node.inputs)
    again = with_inputs(node, inputs, free)
    graph = Graph(tuple(leaves.values()), [again])
    unread = unread_sizes(node)
    body, arrays = text.render_with_arrays(graph)
    return {
        "text": body,
        "arrays": {key: encode(value) for key, value in arrays.items()},
        "picks": [pick.params[0] for pick in step.nodes[1:]],
        "inputs": [[b.type.dtype, b.type.ndim] for b in step.reads]
        + [["int64", 1]] * bool(unread),
        "sizes": [str(free[atom]) for atom in unread],
        "outputs": [[b.type.dtype, b.type.ndim] for b in step.writes],
    }


def unread_sizes(node: Node) -> list[Atom]:
    """Sizes in the params of `node` that its operands do not show; passed beside."""
    shown = {
        size.leaf
        for x in node.inputs
        if isinstance(x.type, TensorType)
        for size in x.type.shape
        if isinstance(size, Dim)
    }
    used = {atom for dim in dims.dims_in(node.params) for atom in dim.atoms()}
    return [
        atom
        for atom in sorted(used - shown)
        if atom.kind != "bound" or atom.node not in node.inputs
    ]


def _free_sizes(node: Node, leaves: dict[Node, Node]) -> dict[Atom, DimLike]:
    """New names for all sizes; those bound to a scalar the step reads become those
    of an input made for it."""
    free: dict[Atom, DimLike] = {}
    for number, atom in enumerate(sorted(atoms_of([*node.inputs, node]))):
        if atom.kind == "bound" and atom.node in node.inputs:
            if atom.node not in leaves:
                type = TensorType(atom.node.dtype, ())
                leaves[atom.node] = Input(type, f"x{len(leaves)}")
            free[atom] = as_dim(leaves[atom.node])
        else:
            free[atom] = dims.symbol(f"k{number}", lower=0)
    return free


def _tensor(node: Node, free: dict[Atom, DimLike]) -> TensorType:
    type = node.type
    if not isinstance(type, TensorType):
        raise TypeError(f"{node!r} is no tensor")
    return type.with_shape(tuple(dims.substitute(size, free) for size in type.shape))


class OpaqueSteps:
    """The Python side of a program's opaque steps.

    name   of the function, for messages
    where  rows about a step, for messages
    """

    def __init__(
        self, steps: dict[int, dict[str, Any]], name: str, where: Where | None = None
    ) -> None:
        self._steps = steps
        self._name = name
        self._where = where
        self._nodes: dict[int, Node] = {}

    def _node(self, number: int) -> Node:
        node = self._nodes.get(number)
        if node is None:
            item = self._steps[number]
            arrays = {key: decode(a) for key, a in item["arrays"].items()}
            node = text.parse(item["text"], arrays).outputs[0]
            self._nodes[number] = node
        return node

    def run(self, number: int, arrays: Sequence[Array | None]) -> list[Array] | None:
        """Fill the outputs, which follow the inputs in `arrays`.

        Outputs given as None are returned instead. Raises MatrixError for a
        LinAlgError, and what else the step's NumPy raises.
        """
        try:
            return self._run(number, arrays)
        except np.linalg.LinAlgError as error:
            what, _, fix = str(error).partition("\nFix: ")
            rows = self._where(number)[:1] if self._where is not None else []
            text = message(f"{self._name}: {what}", rows, fix)
        raise MatrixError(text) from None

    def _run(self, number: int, arrays: Sequence[Array | None]) -> list[Array] | None:
        item = self._steps[number]
        node = self._node(number)
        count = len(item["inputs"])
        inputs = list(arrays[:count])[: len(node.inputs)]
        outputs = list(arrays[count:])
        sizes: dict[Any, int] = {}
        if item["sizes"]:
            named = {str(atom): atom for atom in atoms_of([*node.inputs, node])}
            for name, size in zip(item["sizes"], arrays[count - 1], strict=True):
                sizes[named[name]] = int(size)
        for leaf, value in zip(node.inputs, inputs, strict=True):
            bind_sizes(leaf, value, sizes)
        if isinstance(node.type, TensorType) and outputs[0] is not None:
            bind_sizes(node, outputs[0], sizes)
        value = apply(node, inputs, sizes)
        if isinstance(node.type, TupleType):
            parts = [value[at] for at in item["picks"]]
        else:
            parts = [value]
        if any(out is None for out in outputs):
            return [np.ascontiguousarray(part) for part in parts]
        for out, part in zip(outputs, parts, strict=True):
            out[...] = part
        return None
