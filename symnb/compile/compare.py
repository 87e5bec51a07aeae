"""Results of a graph beside those of the graph as written, run in wider floats.

The yardstick of `f.check` and `f.bisect`. Errors are in ulp of the largest magnitude
of each result, so cancellation to zero is not counted as infinite error. Wider means
float64 for float32 and extended precision for float64; where that still has no number
(exp(1000) of a float32), extended precision is tried. Elements without a number even
there are not judged, because a stabilised form may have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symnb.core import dims, walk
from symnb.core.evaluate import bind_sizes, evaluate, evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import SIZE, Constant, Node
from symnb.core.shared import Shared
from symnb.core.types import TensorType, TupleType

Array = Any
WIDER = {"float32": np.float64, "float64": np.longdouble}
WIDEST = {"float32": np.longdouble, "float64": np.longdouble}


@dataclass(frozen=True)
class Worst:
    """The element farthest from its exact value."""

    result: str
    index: tuple[int, ...]
    value: Any
    exact: Any

    def __str__(self) -> str:
        at = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        value, exact = f"{self.value:.7g}", f"{self.exact:.7g}"
        if value == exact:  # it takes all digits to tell them apart
            value, exact = str(self.value), str(self.exact)
        return f"{self.result}{at} is {value}, should be {exact}"


@dataclass(frozen=True)
class Error:
    """How far the results of a graph are off.

    ulp     the largest error over all results
    judged  elements compared; `missing` had no number in the wider run
    """

    ulp: float
    worst: Worst | None
    judged: int
    missing: int = 0


@dataclass
class Yardstick:
    """A function's results on some inputs in wider floats, to compare graphs with."""

    function: Any
    arrays: tuple[Array, ...]
    names: list[str] = field(init=False)
    wide: list[Array] = field(init=False)
    _values: dict[Graph, list[Array]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        graph = self.function.graph
        self.names = result_names(graph)
        self.wide = evaluate_wide(graph, self.arrays)
        if not all(_has_numbers(value) for value in self.wide):
            with suppress(TypeError):  # an op without extended precision
                self.wide = evaluate_wide(graph, self.arrays, WIDEST)

    def values(self, graph: Graph) -> list[Array]:
        """The results of a graph in its own dtypes, op by op in NumPy."""
        if graph not in self._values:
            self._values[graph] = evaluate_graph(graph, self.arrays)
        return self._values[graph]

    def error(self, graph: Graph) -> Error:
        """The error of a graph's results."""
        return self.of_values(self.values(graph))

    def of_values(self, values: Sequence[Array]) -> Error:
        """The error of results, and the element it is largest at."""
        ulp, worst, judged, missing = 0.0, None, 0, 0
        for name, value, wide in zip(self.names, values, self.wide, strict=False):
            value = np.asarray(value)
            errors, known = ulps(value, wide)
            judged += int(known.sum())
            missing += int(known.size - known.sum())
            if errors.size and (top := float(errors.max())) > ulp:
                place = np.unravel_index(int(errors.argmax()), errors.shape)
                exact = np.broadcast_to(np.asarray(wide), value.shape)[place]
                index = tuple(int(i) for i in place)
                ulp = top
                worst = Worst(name, index, value[place], _narrowed(exact, value.dtype))
        return Error(ulp, worst, judged, missing)


@dataclass
class GradientYardstick(Yardstick):
    """One for the graphs a gradient was stabilised by: of the function's own leaves.

    They were made before the function was, so they have no inputs of their own.
    """

    def values(self, graph: Graph) -> list[Array]:
        """The results of a graph in its own dtypes, op by op in NumPy."""
        if graph not in self._values:
            given = dict(zip(self.function.graph.inputs, self.arrays, strict=True))
            self._values[graph] = evaluate(graph.roots, given)
        return self._values[graph]


@dataclass(frozen=True)
class Forward:
    """What a yardstick asks of a function: the graph a gradient was taken of."""

    graph: Graph


def gradient_yardstick(
    graph: Graph, function: Any, arrays: tuple[Array, ...]
) -> GradientYardstick | None:
    """One for the graph of a gradient; None where a leaf of it is no input now."""
    own = function.graph
    known = {*own.inputs, *own.shared}
    leaves = [n for n in graph.order if n.is_leaf and not isinstance(n, Constant)]
    if any(n.op is not SIZE and n not in known for n in leaves):
        return None
    forward = Graph(own.inputs, graph.roots, name=graph.name)
    return GradientYardstick(Forward(forward), arrays)


def result_names(graph: Graph) -> list[str]:
    """A name for each output and each updated shared variable."""
    one = len(graph.outputs) == 1
    names = [
        node.name or ("out" if one else f"out {at}")
        for at, node in enumerate(graph.outputs)
    ]
    return names + [str(target.name or "shared") for target, _ in graph.updates]


def moved(before: Sequence[Array], after: Sequence[Array]) -> int:
    """How many elements differ in any bit; all NaN are one."""
    count = 0
    for a, b in zip(before, after, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        same = a == b
        if a.dtype.kind == "f" and b.dtype.kind == "f":
            same = (same & (np.signbit(a) == np.signbit(b))) | (
                np.isnan(a) & np.isnan(b)
            )
        count += int(same.size - np.sum(same))
    return count


def ulps(value: Array, wide: Array) -> tuple[Array, Array]:
    """Per element: its error in ulp of the largest magnitude, and whether it is known.

    Unknown are the elements for which the wider run has NaN or infinity.
    """
    wide = np.broadcast_to(np.asarray(wide), value.shape)
    everywhere = np.ones(value.shape, bool)
    if value.dtype.kind != "f":
        return np.where(value == wide, 0.0, np.inf), everywhere
    with np.errstate(all="ignore"):
        exact = wide.astype(value.dtype)
        same = (value == exact) | (np.isnan(value) & np.isnan(exact))
        known = np.isfinite(wide) | same
        if same.all():
            return np.zeros(value.shape), known
        finite = np.isfinite(value) & np.isfinite(exact)
        scale = float(np.max(np.abs(exact[np.isfinite(exact)]), initial=0))
        gap = np.abs(value.astype(wide.dtype) - wide).astype(np.float64)
        unit = float(np.spacing(value.dtype.type(scale)))
        error = np.where(finite, gap / unit, np.inf)
    return np.where(same | ~known, 0.0, error), known


def _has_numbers(value: Array) -> bool:
    value = np.asarray(value)
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _narrowed(exact: Any, dtype: Any) -> Any:
    """A wide value as the dtype of the result would hold it."""
    with np.errstate(all="ignore"):
        return np.asarray(exact).astype(dtype)[()]


# ------------------------------------------------------------------ the wider run


def evaluate_wide(
    graph: Graph, arguments: Sequence[Array], wider: Mapping[str, Any] = WIDER
) -> list[Array]:
    """Outputs and update values computed in wider floats throughout."""
    known: dict[Node, Array] = {}
    sizes: dict[Any, int] = {}
    given = dict(zip(graph.inputs, arguments, strict=True))
    for leaf in dict.fromkeys((*given, *graph.order, *graph.shared)):
        if leaf.is_leaf:
            value = _leaf(leaf, given)
            bind_sizes(leaf, value, sizes)
            wide = wider.get(value.dtype.name)
            known[leaf] = value if wide is None else value.astype(wide)
    for node in walk.order(graph.roots):
        if node not in known:
            known[node] = _apply(node, known, sizes, wider)
    return [known[root] for root in graph.roots]


def _leaf(leaf: Node, given: dict[Node, Array]) -> Array:
    if leaf in given:
        return np.asarray(given[leaf])
    if isinstance(leaf, Constant):
        return leaf.value
    if isinstance(leaf, Shared):
        return leaf.storage.array
    raise KeyError(leaf)


def _apply(
    node: Node,
    known: dict[Node, Array],
    sizes: dict[Any, int],
    wider: Mapping[str, Any],
) -> Array:
    inputs = [known[x] for x in node.inputs]
    params = node.params
    for source, value in zip(node.inputs, inputs, strict=True):
        for dim in dims.dims_in(params):
            for atom in dim.atoms():
                if atom.kind == "bound" and atom.node is source:
                    sizes[atom] = int(value)
    params = dims.map_dims(params, lambda dim: dims.evaluate(dim, sizes))
    if node.op.name == "cast" and params[0] in wider:
        return inputs[0].astype(np.result_type(inputs[0].dtype, wider[params[0]]))
    with np.errstate(all="ignore"):
        value = node.op.numpy(*inputs[: len(node.operands)], *params)
    if isinstance(node.type, TupleType):
        return tuple(np.asarray(part) for part in value)
    if isinstance(node.type, TensorType) and node.type.dtype not in wider:
        return np.asarray(value, dtype=node.type.dtype)
    return np.asarray(value)
