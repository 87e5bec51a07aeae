"""Random graphs whose results are exact, so that C and NumPy must agree bit by bit.

Floats hold small integers (and NaN, inf, -0), ops on them are exact: sums, products
by powers of two, comparisons, extrema, views. Integers wrap around.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from symnb.core.dims import Dim, symbol
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import arithmetic, cumulative, join, logic, reduce, view
from symnb.ops.cast import cast
from symnb.ops.slicing import flip

SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0)
DTYPES = ("float32", "float64", "int64", "int32", "int8", "uint8", "uint64", "bool")


@dataclass
class Case:
    """A graph and values of its inputs."""

    graph: Graph
    values: dict[Node, np.ndarray]


@st.composite
def cases(draw: Any, dtypes: tuple[str, ...] = DTYPES, steps: int = 10) -> Case:
    """A random graph of views, elementwise ops and reductions, with its values."""
    sizes = {name: draw(st.sampled_from((0, 1, 2, 3, 5, 17))) for name in "nm"}
    symbols = {name: symbol(name, 0) for name in sizes}
    shape_names = ((), ("n",), ("m",), ("n", "m"), ("m", "n"), ("n", 1), (1, "m"))
    shape_names += (("n", "m", 2), (3, "m"))
    dtype = draw(st.sampled_from(dtypes))
    nodes: list[Node] = []
    values: dict[Node, np.ndarray] = {}
    for _ in range(draw(st.integers(1, 3))):
        names = draw(st.sampled_from(shape_names))
        shape = tuple(symbols.get(s, s) for s in names)
        x = Input(TensorType(dtype, shape))
        values[x] = draw(arrays(dtype, [sizes.get(s, s) for s in names]))
        nodes.append(x)
    for _ in range(draw(st.integers(min(4, steps), steps))):
        made = draw(st.sampled_from(STEPS))(draw, nodes[::-1])
        if made is not None and made.ndim <= 4:
            nodes.append(made)
    count = draw(st.integers(1, 3))
    made = [n for n in nodes if not n.is_leaf] or [
        arithmetic.neg(cast(nodes[0], "int64"))
    ]
    outputs = [draw(st.sampled_from(made[-6:])) for _ in range(count)]
    return Case(Graph(list(values), list(dict.fromkeys(outputs))), values)


def arrays(dtype: str, shape: list[int]) -> st.SearchStrategy[np.ndarray]:
    """Arrays of small numbers; some floats are special."""
    count = int(np.prod(shape, dtype=int))
    if dtype.startswith("float"):
        items = st.one_of(st.integers(-3, 3), st.sampled_from(SPECIAL))
    elif dtype == "bool":
        items = st.booleans()
    else:
        limits = np.iinfo(dtype)
        low = max(limits.min, -3)
        items = st.one_of(
            st.integers(low, 3), st.sampled_from((limits.min, limits.max))
        )
    found = st.lists(items, min_size=count, max_size=count)
    return found.map(lambda x: np.array(x, dtype).reshape(shape))


Step = Callable[[Any, list[Node]], Node | None]


def same_sizes(x: Node, y: Node) -> bool:
    """Whether x and y broadcast whatever the sizes are."""
    pairs = zip(reversed(x.type.shape), reversed(y.type.shape), strict=False)
    return all(a == b or 1 in (a, b) for a, b in pairs) and not any(
        isinstance(a, Dim) != isinstance(b, Dim) and 1 not in (a, b)
        for a, b in zip(reversed(x.type.shape), reversed(y.type.shape), strict=False)
    )


def binary(draw: Any, nodes: list[Node]) -> Node | None:
    x, y = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
    both_float = x.dtype.startswith("float") or not y.dtype.startswith("float")
    if not same_sizes(x, y) or not both_float:
        return None  # NaN and numbers out of range have no integer of their own
    y = cast(y, x.dtype)
    ops = [arithmetic.maximum, arithmetic.minimum, logic.less, logic.equal]
    if x.dtype != "bool":
        ops += [arithmetic.add, arithmetic.sub]
        if not x.dtype.startswith("float"):
            ops += [arithmetic.mul]
    return draw(st.sampled_from(ops))(x, y)


def unary(draw: Any, nodes: list[Node]) -> Node | None:
    x = draw(st.sampled_from(nodes))
    if x.dtype == "bool":
        return logic.logical_not(x)
    ops = [arithmetic.abs, lambda x: x * 2, lambda x: logic.where(x > 1, x, 0)]
    if not x.dtype.startswith("uint"):
        ops.append(arithmetic.neg)
    return draw(st.sampled_from(ops))(x)


def reduction(draw: Any, nodes: list[Node]) -> Node | None:
    x = draw(st.sampled_from(nodes))
    if not x.ndim:
        return None
    axes = draw(st.sets(st.integers(0, x.ndim - 1), min_size=1))
    names = ["sum", "max", "min", "any", "all", "argmax", "argmin"]
    if x.dtype not in ("float32", "float64"):
        names.append("prod")
    name = draw(st.sampled_from(names))
    find = getattr(reduce, name)
    if any(x.type.shape[axis] == 0 for axis in axes):
        return None
    if name.startswith("arg"):
        axis = draw(st.sampled_from([None, *sorted(axes)]))
        return find(x, axis)
    return find(x, tuple(sorted(axes)), keepdims=draw(st.booleans()))


def rearranged(draw: Any, nodes: list[Node]) -> Node | None:
    x = draw(st.sampled_from(nodes))
    if not x.ndim:
        return None
    axis = draw(st.integers(0, x.ndim - 1))
    kinds: list[Callable[[], Node]] = [
        lambda: view.transpose(x),
        lambda: view.ravel(x),
        lambda: view.expand_dims(x, axis),
        lambda: flip(x, axis),
        lambda: x[(slice(None),) * axis + (slice(1, None),)],
        lambda: x[(slice(None),) * axis + (slice(None, None, 2),)],
        lambda: view.broadcast_to(x, (2, *x.type.shape)),
    ]
    return draw(st.sampled_from(kinds))()


def converted(draw: Any, nodes: list[Node]) -> Node | None:
    x = draw(st.sampled_from(nodes))
    if x.dtype.startswith("float"):
        return cast(x, draw(st.sampled_from(("float32", "float64", "bool"))))
    return cast(x, draw(st.sampled_from(("int64", "int32", "uint8", "float64"))))


def passes(draw: Any, nodes: list[Node]) -> Node | None:
    x = draw(st.sampled_from(nodes))
    if not x.ndim or x.dtype == "bool":
        return None
    axis = draw(st.integers(0, x.ndim - 1))
    if draw(st.booleans()):
        return cumulative.cumsum(x, axis)
    return join.concatenate([x, x + 1, x], axis)


STEPS: tuple[Step, ...] = (
    binary, unary, reduction, rearranged, converted, passes, binary, rearranged
)  # fmt: skip
