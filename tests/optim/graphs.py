"""Leaves and random graphs for the optimiser's tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from symnb.core import walk
from symnb.core.dims import DimLike, symbol
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import elementwise as el
from symnb.ops.cast import cast
from symnb.ops.diagonal import diagonal
from symnb.ops.join import concatenate
from symnb.ops.reduce import max as largest
from symnb.ops.reduce import prod
from symnb.ops.reduce import sum as total
from symnb.ops.view import broadcast_to, expand_dims, reshape, transpose
from symnb.optim.exact import exact
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import Rule
from symnb.optim.verify import instantiate, leaf_for


def leaf(*shape: DimLike, dtype: str = "float64", name: str = "x") -> Node:
    """An input."""
    return Input(TensorType(dtype, shape), name)


UNARY = (
    el.neg, el.abs, el.square, el.exp, el.log, el.sqrt, el.tanh, el.sigmoid,
    el.reciprocal, el.floor, el.log1p, el.softplus,
    lambda x: x * 1, lambda x: x * 0, lambda x: x + 0, lambda x: x - 0.5,
    lambda x: 1 - x, lambda x: 1 + x, lambda x: 2 * x, lambda x: x / 4,
    lambda x: x**2, lambda x: x**0.5, lambda x: transpose(x), lambda x: x[::-1],
    lambda x: x[1:][:, :1], lambda x: total(x, 0, keepdims=True),
    lambda x: total(x), lambda x: largest(x, 1, keepdims=True),
    lambda x: reshape(transpose(x), -1)[:4],
    lambda x: cast(cast(x, "float32"), x.dtype),
    lambda x: broadcast_to(x, (2, *x.type.shape)) if x.ndim < 3 else x,
    lambda x: expand_dims(x, 0)[0],
    lambda x: x**3, lambda x: x**-4, lambda x: el.exp(el.log(x)),
    lambda x: el.square(el.sqrt(x)), lambda x: el.log(el.square(x)),
    lambda x: el.arcsinh(el.sinh(x)), lambda x: el.sigmoid(-x) * el.exp(x),
    lambda x: x / el.abs(x), lambda x: total(concatenate([x[:1], x[:1]], 0), 0),
    lambda x: reshape(el.exp(x), (1, -1)), lambda x: reshape(x, (-1, 1, 1))[:, 0],
    lambda x: diagonal(el.exp(x)), lambda x: prod(2 * x, 0), lambda x: largest(-x, 0),
    lambda x: concatenate([x, -x], 0), lambda x: el.log(total(el.exp(x), 1)),
    lambda x: el.exp(x) / total(el.exp(x), 1, keepdims=True),
)  # fmt: skip
BINARY = (
    lambda x, y: el.exp(x) * el.exp(y), lambda x, y: el.exp(x) / el.exp(y),
    lambda x, y: y / el.exp(x), lambda x, y: x * (y / x + 1), lambda x, y: x * y + x,
    lambda x, y: el.log(el.exp(x) - el.exp(y)), lambda x, y: el.log(1 - el.exp(x - y)),
    lambda x, y: x * y + x * el.exp(y), lambda x, y: el.abs(x) * el.abs(y),
    lambda x, y: el.where(x > y, 0, y) * x, lambda x, y: el.where(x > y, y, 0) / x,
    lambda x, y: el.where(x > 0, x, y) - el.where(x > 0, y, 1),
    el.add, el.sub, el.mul, el.true_div, el.maximum, el.minimum, el.logaddexp,
    lambda x, y: x + y - x, lambda x, y: x * y / x,
    lambda x, y: x.dot(y) if _multiplies(x, y) else x,
    lambda x, y: el.where(el.logical_not(el.equal(x, y)), x, x),
    lambda x, y: el.where(el.less(x, y), x, y),
    lambda x, y: el.where(el.greater_equal(x, y), x, 0),
    lambda x, y: el.where(x > 0, el.where(x > 0, x, y), y),
)  # fmt: skip


def _multiplies(x: Node, y: Node) -> bool:
    return x.ndim == 2 == y.ndim and x.type.shape[1] == y.type.shape[0]


SMOOTH = tuple(op for op in UNARY if op is not el.floor)
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-30, 1e30)


@st.composite
def cases(draw: Any, special: bool) -> tuple[Graph, list[Any]]:
    """A random graph of two inputs and values for them."""
    shape = draw(st.sampled_from(((2, 3), (3, 3), (1, 3), (3, 1))))
    return _case(draw, special, shape, 3, {})


@st.composite
def symbolic_cases(draw: Any) -> tuple[Graph, list[Any]]:
    """A random graph of inputs whose sizes nobody knows, and values for them.

    A size may turn out to be 0; sizes that meet are equal.
    """
    n = symbol("n", 0)
    shape = draw(st.sampled_from(((n, 3), (n, n), (1, n), (n, 1), (2, n))))
    return _case(draw, True, shape, n, {n: draw(st.sampled_from((0, 1, 2, 3)))})


def _case(
    draw: Any, special: bool, shape: Any, square: Any, sizes: dict[Any, int]
) -> tuple[Graph, list[Any]]:
    dtype = draw(st.sampled_from(("float64", "float32")))
    unary, binary = (UNARY, BINARY) if special else (SMOOTH, BINARY[:-4])
    nodes = [
        leaf(*shape, dtype=dtype, name="x"),
        leaf(square, square, dtype=dtype, name="y"),
    ]
    inputs = list(nodes)
    for _ in range(draw(st.integers(1, 14))):
        if draw(st.booleans()):
            made = _try(draw(st.sampled_from(unary)), [draw(st.sampled_from(nodes))])
        else:
            pair = [draw(st.sampled_from(nodes)) for _ in range(2)]
            made = _try(draw(st.sampled_from(binary)), pair)
        if made is not None:
            nodes.append(made)
    roots = [nodes[-1], draw(st.sampled_from(nodes))]
    number = st.floats(-4, 4, width=32)
    if special:
        number = st.one_of(number, st.sampled_from(SPECIAL))
    shapes = [[sizes.get(size, size) for size in x.type.shape] for x in inputs]
    values = [
        np.array(draw(st.lists(number, min_size=9, max_size=9)), dtype)[
            : int(np.prod(one))
        ].reshape(one)
        for one in shapes
    ]
    return Graph(inputs, roots), values


def _is_plain(rule: Rule) -> bool:
    """Whether a rule's left side is a pattern of elementwise ops and reductions that
    have derivatives: where a function jumps, rounding may decide to which side."""
    if rule.lhs is None or not all(param.samples for param in rule.params):
        return False
    inner = [node.op for node in walk.order([rule.lhs]) if not node.is_leaf]
    kinds = {op.kind for op in inner}
    return kinds <= {"elementwise", "reduction"} and not any(
        op.no_gradient for op in inner
    )


PATTERNS = [rule for rule in PIPELINE.rules if _is_plain(rule)]


@st.composite
def planted_cases(draw: Any) -> tuple[Graph, list[Any]]:
    """A random graph in which left sides of rules stand on left sides of rules."""
    nodes = [leaf(3, 3, name="x"), leaf(3, 3, name="y"), leaf(3, name="z")]
    inputs = list(nodes)
    for rule in draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=7)):
        made = _plant(draw, rule, nodes)
        if made is not None:
            nodes.append(made)
    number = st.floats(-4, 4, width=32)
    values = [
        np.array(draw(st.lists(number, min_size=9, max_size=9)))[: x.type.size]
        for x in inputs
    ]
    shaped = [v.reshape(x.type.shape) for v, x in zip(values, inputs, strict=True)]
    return Graph(inputs, [nodes[-1], nodes[-2]]), shaped


def _plant(draw: Any, rule: Rule, nodes: list[Node]) -> Node | None:
    """The left side of a rule with its holes filled by earlier nodes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    bound: list[Any] = []
    fitting = [node for node in nodes if node.ndim == 2 or not rule.params]
    for hole in rule.holes:
        node = draw(st.sampled_from(fitting))
        if any(g.constant or g.scalar for g in hole.guards):
            node = leaf_for(hole, "float64", (), rng)
        for guard in hole.guards:
            node = guard.instance(node) if guard.instance is not None else node
        if not all(guard.test(node) for guard in hole.guards):
            return None
        bound.append(node)
    bound += [draw(st.sampled_from(param.samples)) for param in rule.params]
    made = _try(lambda *given: instantiate(rule, given), bound)
    return made if made is not None and made.ndim <= 2 else None


def assert_as_close(
    graph: Graph, values: list[Any], got: list[Any], expected: list[Any]
) -> None:
    """Error of `got` <= 4 times that of `expected`, plus what the largest value
    rounds off; where the exact value exists and `expected` is finite."""
    given_values = dict(zip(graph.inputs, values, strict=True))
    for root, a, b in zip(graph.outputs, got, expected, strict=True):
        truth, below = exact(root, given_values)
        sizes = [np.abs(np.asarray(v, float)) for v in below.values()]
        largest_value = max([s[np.isfinite(s)].max(initial=1.0) for s in sizes])
        slack = 1e3 * np.finfo(a.dtype).eps * largest_value
        for at in np.ndindex(a.shape):
            if truth[at] != truth[at] or not np.isfinite(b[at]):
                continue
            if largest_value > 1e30:
                continue  # float32 overflows on the way
            before = abs(float(truth[at]) - float(b[at]))
            assert abs(float(truth[at]) - float(a[at])) <= 4 * before + slack


def assert_same_bits(got: list[Any], expected: list[Any]) -> None:
    """Equal, the signs of zeros too; any NaN is as good as another."""
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        number = ~np.isnan(b)
        assert (np.signbit(a) == np.signbit(b))[number].all()


def _try(op: Any, operands: list[Node]) -> Node | None:
    """The node, or None where the operands do not fit."""
    try:
        made = op(*operands)
    except (ValueError, TypeError, IndexError):
        return None
    return made if made.dtype.startswith("float") else cast(made, "float64")
