"""`f.check(inputs)`: what each pass, and the compiled code, did to the numbers.

The graph before and after every pass is run on the given inputs, in its own dtypes,
and compared with a run of the graph as written in wider floats (float64 for float32,
extended precision for float64). Errors are in ulp of the largest magnitude of each
result, so cancellation to zero is not counted as infinite error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnb.core import dims, walk
from symnb.core.evaluate import bind_sizes, evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import Constant, Node
from symnb.core.shared import Shared
from symnb.core.types import TensorType, TupleType

Array = Any
WIDER = {"float32": np.float64, "float64": np.longdouble}
GROWTH = 4.0  # a pass may multiply the error it found by this ...
FLOOR = 8.0  # ... or reach this many ulp, whichever is more


@dataclass(frozen=True)
class Row:
    """One pass: error in ulp of its graph before and after, worst result."""

    name: str
    before: float
    after: float

    @property
    def ok(self) -> bool:
        """Whether the pass kept the numbers within its allowance."""
        return self.after <= max(GROWTH * self.before, FLOOR)


@dataclass(frozen=True)
class CheckReport:
    """The rows of `f.check`, passes first, then the compiled function."""

    name: str
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether every row is."""
        return all(row.ok for row in self.rows)

    @property
    def worst(self) -> float:
        """Error of the last row in ulp: what a call returns."""
        return self.rows[-1].after if self.rows else 0.0

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no row {name!r}; there are {[r.name for r in self.rows]}")

    def __str__(self) -> str:
        lines = [f"{self.name}: {'within bounds' if self.ok else 'FAILED'}"]
        for row in self.rows:
            mark = "ok" if row.ok else "!!"
            lines.append(
                f"  {mark}  {row.name:<24} {row.before:10.3g} -> {row.after:10.3g} ulp"
            )
        return "\n".join(lines)

    __repr__ = __str__


def check(function: Any, inputs: Sequence[Any]) -> CheckReport:
    """Compare every pass of `function`, and its result, with a wider run.

    inputs  one value per argument, as in a call; shared variables keep their state
    """
    arrays = function.arrays(inputs)
    origin = function.story.trace.passes[0].before if function.trace else function.graph
    wide = evaluate_wide(function.graph, arrays)
    rows: list[Row] = []
    seen: dict[Graph, float] = {}

    def error(graph: Graph) -> float:
        if graph not in seen:
            seen[graph] = distance(evaluate_graph(graph, arrays), wide)
        return seen[graph]

    for record in function.trace:
        if record.phase == "graph":
            rows.append(Row(record.name, error(record.before), error(record.after)))
    reference = error(function.optimised) if rows else error(origin)
    rows.append(Row("compiled", reference, distance(_outputs(function, arrays), wide)))
    return CheckReport(function.name, tuple(rows))


def _outputs(function: Any, arrays: Sequence[Array]) -> list[Array]:
    """What a call returns, with the state put back afterwards."""
    kept = [(leaf.storage, leaf.storage.array.copy()) for leaf in function.graph.shared]
    try:
        result = function(*arrays)
        values = list(result.values()) if isinstance(result, dict) else result
        if values is None:
            values = []
        outputs = values if isinstance(values, list | tuple) else [values]
        updates = [t.storage.array.copy() for t, _ in function.graph.updates]
        return [*outputs, *updates]
    finally:
        for storage, array in kept:
            storage.array = array


def distance(values: Sequence[Array], wide: Sequence[Array]) -> float:
    """The largest error in ulp of each result's largest magnitude, over results."""
    return max((_ulps(v, w) for v, w in zip(values, wide, strict=False)), default=0.0)


def _ulps(value: Array, wide: Array) -> float:
    value = np.asarray(value)
    wide = np.broadcast_to(np.asarray(wide), value.shape)
    if value.dtype.kind != "f":
        return 0.0 if np.array_equal(value, wide) else float("inf")
    exact = wide.astype(value.dtype)
    same = (value == exact) | (np.isnan(value) & np.isnan(exact))
    if same.all():
        return 0.0
    finite = np.isfinite(value) & np.isfinite(exact)
    if not (finite | same).all():
        return float("inf")
    with np.errstate(all="ignore"):
        scale = float(np.max(np.abs(exact[finite]), initial=0))
        gap = np.abs(value.astype(wide.dtype) - wide)
        worst = float(np.max(np.where(finite, gap, 0), initial=0))
    return worst / float(np.spacing(value.dtype.type(scale)))


def evaluate_wide(graph: Graph, arguments: Sequence[Array]) -> list[Array]:
    """Outputs and update values computed in wider floats throughout."""
    known: dict[Node, Array] = {}
    sizes: dict[Any, int] = {}
    given = dict(zip(graph.inputs, arguments, strict=True))
    for leaf in dict.fromkeys((*given, *graph.order, *graph.shared)):
        if leaf.is_leaf:
            value = _leaf(leaf, given)
            bind_sizes(leaf, value, sizes)
            known[leaf] = _widened(value)
    for node in walk.order(graph.roots):
        if node not in known:
            known[node] = _apply(node, known, sizes)
    return [known[root] for root in graph.roots]


def _leaf(leaf: Node, given: dict[Node, Array]) -> Array:
    if leaf in given:
        return np.asarray(given[leaf])
    if isinstance(leaf, Constant):
        return leaf.value
    if isinstance(leaf, Shared):
        return leaf.storage.array
    raise KeyError(leaf)


def _widened(value: Array) -> Array:
    wider = WIDER.get(value.dtype.name)
    return value if wider is None else value.astype(wider)


def _apply(node: Node, known: dict[Node, Array], sizes: dict[Any, int]) -> Array:
    inputs = [known[x] for x in node.inputs]
    params = node.params
    for source, value in zip(node.inputs, inputs, strict=True):
        for dim in dims.dims_in(params):
            for atom in dim.atoms():
                if atom.kind == "bound" and atom.node is source:
                    sizes[atom] = int(value)
    params = dims.map_dims(params, lambda dim: dims.evaluate(dim, sizes))
    if node.op.name == "cast" and params[0] in WIDER:
        return inputs[0].astype(np.result_type(inputs[0].dtype, WIDER[params[0]]))
    with np.errstate(all="ignore"):
        value = node.op.numpy(*inputs[: len(node.operands)], *params)
    if isinstance(node.type, TupleType):
        return tuple(np.asarray(part) for part in value)
    if isinstance(node.type, TensorType) and node.type.dtype not in WIDER:
        return np.asarray(value, dtype=node.type.dtype)
    return np.asarray(value)
