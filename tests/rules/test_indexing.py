"""Random compositions of parts, views, joins, writes and what computes between them.

Values are small integers in float64, so every order of summation gives the same bits
and NumPy's result is the one right one, before the pipeline and after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symnb.core.dims import Dim, DimLike, symbol
from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import Constant, Input, Node
from symnb.core.types import TensorType
from symnb.gradient import grad
from symnb.ops import elementwise as el
from symnb.ops.create import zeros_like
from symnb.ops.cumulative import cumsum
from symnb.ops.dot import dot
from symnb.ops.join import concatenate, stack
from symnb.ops.nn import softmax
from symnb.ops.reduce import max as largest
from symnb.ops.reduce import sum as total
from symnb.ops.subtensor import inc_subtensor, set_subtensor
from symnb.ops.view import (
    broadcast_to,
    expand_dims,
    flatten,
    reshape,
    squeeze,
    transpose,
)
from symnb.optim.passes import Compile
from symnb.optim.pipeline import PIPELINE, run_passes
from symnb.optim.rules.spans import are_apart, composed, inside

MOST = 7  # steps of a random program
Pair = tuple[Node, Any]


class Program:
    """Random steps on pairs of (expression, NumPy's value)."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.leaves: list[Node] = []
        self.given: list[Any] = []
        self.sizes: dict[str, tuple[Dim, int]] = {}
        self.pairs: list[Pair] = []
        for name in ("n", "m"):
            self.sizes[name] = symbol(name, 0), self.draw(3, 2, 1, 0)
        self.leaf(*self.sizes.values())
        self.leaf(self.size(), self.size())
        self.leaf(self.size(), self.size(), self.size())

    def draw(self, *choices: Any) -> Any:
        return self.data.draw(st.sampled_from(choices))

    def size(self) -> tuple[DimLike, int]:
        """A size, symbolic or a number, and its value."""
        value = self.draw(3, 3, 3, 2, 4, 1, 0)
        if self.draw(True, False):
            return value, value
        return self.sizes[self.draw("n", "m")]

    def leaf(self, *sizes: tuple[DimLike, int]) -> Pair:
        shape = tuple(size for size, _ in sizes)
        node = Input(TensorType("float64", shape), f"x{len(self.leaves)}")
        value = np.random.default_rng(len(self.leaves)).integers(
            -3, 4, [n for _, n in sizes]
        )
        self.leaves.append(node)
        self.given.append(value.astype("float64"))
        self.pairs.append((node, self.given[-1]))
        return self.pairs[-1]

    def like(self, array: Any) -> Pair | None:
        """A known pair of the same shape."""
        fitting = [pair for pair in self.pairs if pair[1].shape == array.shape]
        return self.draw(*fitting) if fitting else None

    def index(self, array: Any) -> tuple[Any, ...]:
        """A basic index of an array; integers are in range, slices need not be."""
        bound = st.one_of(st.none(), st.integers(-6, 6))
        step = st.sampled_from([None, 1, 1, -1, 2, -2, 3])
        items: list[Any] = []
        for length in array.shape:
            if length and self.draw(True, False, False):
                items.append(self.data.draw(st.integers(-length, length - 1)))
            elif self.draw(True, False):
                items.append(slice(None))
            else:
                bounds = [self.data.draw(bound), self.data.draw(bound)]
                items.append(slice(*bounds, self.data.draw(step)))
        return tuple(items)


def _part(p: Program, x: Node, v: Any) -> Pair:
    index = p.index(v)
    return x[index], v[index]


def _named(p: Program, x: Node, v: Any) -> Pair | None:
    """A gather at integers that may repeat, count, or be negative."""
    if not v.ndim or not v.shape[0]:
        return None
    n = v.shape[0]
    places = p.data.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=3))
    index = np.array(places)
    return x[Constant(index)], v[index]


def _transposed(p: Program, x: Node, v: Any) -> Pair:
    axes = p.data.draw(st.permutations(range(v.ndim)))
    return transpose(x, tuple(axes)), np.transpose(v, axes)


def _wider(p: Program, x: Node, v: Any) -> Pair | None:
    axis = p.data.draw(st.integers(0, v.ndim))
    return (expand_dims(x, axis), np.expand_dims(v, axis)) if v.ndim < 3 else None


def _narrower(p: Program, x: Node, v: Any) -> Pair | None:
    ones = [axis for axis, n in enumerate(x.type.shape) if n == 1]
    return (squeeze(x, ones[0]), np.squeeze(v, ones[0])) if ones else None


def _reshaped(p: Program, x: Node, v: Any) -> Pair | None:
    if v.ndim < 2 or (v.ndim == 3 and p.draw(True, False)):
        sizes = (*x.type.shape, 1)
        return reshape(x, sizes), np.reshape(v, (*v.shape, 1))
    if v.ndim == 2:
        return flatten(x), np.ravel(v)
    return flatten(x, 2), np.reshape(v, (v.shape[0], v.shape[1] * v.shape[2]))


def _repeated(p: Program, x: Node, v: Any) -> Pair | None:
    size, n = p.size()
    shape, sizes = v.shape, x.type.shape
    if v.ndim > 2:
        return None
    return broadcast_to(x, (size, *sizes)), np.broadcast_to(v, (n, *shape))


def _joined(p: Program, x: Node, v: Any) -> Pair | None:
    other = p.like(v)
    if other is None or not v.ndim:
        return None
    axis = p.data.draw(st.integers(0, v.ndim - 1))
    if p.draw(True, False) and v.ndim < 3:
        return stack([x, other[0], x], axis=axis), np.stack([v, other[1], v], axis)
    return concatenate([x, other[0]], axis), np.concatenate([v, other[1]], axis)


def _halves(p: Program, x: Node, v: Any) -> Pair | None:
    if not v.ndim:
        return None
    a, b = sorted(p.data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4))))
    return (
        concatenate([x[:a], x[a:b], x[b:]]),
        np.concatenate([v[:a], v[a:b], v[b:]]),
    )


def _computed(p: Program, x: Node, v: Any) -> Pair | None:
    other = p.like(v)
    if other is None or np.abs(v).max(initial=0) > 1e4:
        return None
    y, w = other
    f, g = p.draw(
        (el.add, np.add), (el.mul, np.multiply), (el.sub, np.subtract),
        (el.maximum, np.maximum),
    )  # fmt: skip
    return f(x, y), g(v, w)


def _alone(p: Program, x: Node, v: Any) -> Pair:
    f, g = p.draw((el.neg, np.negative), (el.abs, np.abs), (el.sign, np.sign))
    return f(x), g(v)


def _reduced(p: Program, x: Node, v: Any) -> Pair | None:
    if not v.ndim:
        return None
    axis = p.data.draw(st.integers(0, v.ndim - 1))
    keep = p.draw(True, False)
    if v.size and p.draw(True, False):
        return largest(x, axis, keep), np.max(v, axis, keepdims=keep)
    if p.draw(True, False):
        return cumsum(x, axis), np.cumsum(v, axis)
    return total(x, axis, keepdims=keep), np.sum(v, axis, keepdims=keep)


def _product(p: Program, x: Node, v: Any) -> Pair | None:
    if v.ndim != 2 or np.abs(v).max(initial=0) > 1e3:
        return None
    other = p.like(v)
    assert other is not None
    y, w = other
    return dot(x, transpose(y)), v @ w.T


def _written(p: Program, x: Node, v: Any) -> Pair:
    """One or two writes, to x or to zeros, perhaps to one place."""
    index = p.index(v)
    if p.draw(True, False):
        x, v = zeros_like(x), np.zeros_like(v)
    for _ in range(p.draw(1, 1, 2)):
        x, v = _write(p, x, v, index)
        index = p.draw(index, p.index(v))
    return x, v


def _write(p: Program, x: Node, v: Any, index: tuple[Any, ...]) -> Pair:
    made = np.array(v)
    value: Any = float(p.data.draw(st.integers(-2, 2)))
    node: Any = value
    own = p.draw(True, False, False)
    if own:
        node, value = x[index] + node, v[index] + value
    if p.draw(True, False):
        made[index] = value
        return set_subtensor(x[index], node), made
    made[index] += value
    return inc_subtensor(x[index], node), made


def _read_back(p: Program, x: Node, v: Any) -> Pair:
    index = p.index(v)
    x, v = _write(p, x, v, index)
    index = p.draw(index, p.index(v))
    return x[index], v[index]


def _sparse(p: Program, x: Node, v: Any) -> Pair:
    """x and what is mostly zero, added, subtracted or scaled."""
    blank = zeros_like(x), np.zeros_like(v)
    y, w = _write(p, *blank, p.index(v))
    z, u = _write(p, *blank, p.index(v))
    f = p.draw(
        lambda a, b, c: a + (b + c), lambda a, b, c: (b - c) + a,
        lambda a, b, c: a - 2.0 * (b + c), lambda a, b, c: b * a - (-c),
    )  # fmt: skip
    return f(x, y, z), f(v, w, u)


STEPS: tuple[Callable[[Program, Node, Any], Pair | None], ...] = (
    _part, _part, _part, _named, _transposed, _wider, _narrower, _reshaped, _repeated,
    _joined, _halves, _computed, _alone, _reduced, _product, _written, _read_back,
    _sparse,
)  # fmt: skip


def _is_small(value: Any) -> bool:
    """Whether integers of this size stay exact under the steps that remain."""
    return bool(np.abs(value).max(initial=0) < 1e6)


def _run(p: Program) -> None:
    for _ in range(p.data.draw(st.integers(1, MOST))):
        step = p.draw(*STEPS)
        x, v = p.draw(*p.pairs[-3:])
        found = step(p, x, v)
        if found is not None and found[1].size < 200 and _is_small(found[1]):
            p.pairs.append(found)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_random_parts_have_numpys_values_before_and_after(data: st.DataObject) -> None:
    p = Program(data)
    _run(p)
    roots = [node for node, _ in p.pairs[3:]][-2:]
    wanted = [value for _, value in p.pairs[3:]][-2:]
    graph = Graph(p.leaves, roots)
    after, _ = run_passes(graph, PIPELINE, Compile(check=True))
    for one in (graph, after):
        for got, want in zip(evaluate_graph(one, p.given), wanted, strict=True):
            np.testing.assert_array_equal(got, want)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_gradients_through_random_parts_stay_the_same(data: st.DataObject) -> None:
    p = Program(data)
    _run(p)
    if len(p.pairs) == 3:
        return
    root = p.pairs[-1][0]
    weight = np.random.default_rng(1).integers(1, 4, p.pairs[-1][1].shape)
    w = Input(TensorType("float64", root.type.shape), "w")
    slopes = grad(total(root * w), p.leaves, disconnected_inputs="ignore")
    graph = Graph([*p.leaves, w], list(slopes))
    after, _ = run_passes(graph, PIPELINE, Compile(check=True))
    arrays = [*p.given, weight.astype("float64")]
    sides = [evaluate_graph(one, arrays) for one in (graph, after)]
    for a, b in zip(*sides, strict=True):
        np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------------ the spans


def _spans() -> st.SearchStrategy[Any]:
    """Entries of an axis of 8: places, and spans that lie in it."""

    def span(bounds: tuple[int | None, int | None, int]) -> Any:
        start, stop, step = slice(*bounds).indices(8)
        return start, len(range(start, stop, step)), step

    bound = st.one_of(st.none(), st.integers(-9, 9))
    steps = st.sampled_from([1, 2, 3, -1, -2])
    return st.one_of(st.integers(0, 7), st.tuples(bound, bound, steps).map(span))


def _places(entry: Any) -> list[int]:
    if not isinstance(entry, tuple):
        return [entry]
    start, count, step = entry
    return [start + step * j for j in range(count)]


@given(_spans(), _spans())
def test_what_is_said_to_be_apart_shares_no_place(a: Any, b: Any) -> None:
    if are_apart(a, b):
        assert not set(_places(a)) & set(_places(b))


@given(_spans(), _spans())
def test_where_a_part_is_in_what_was_written(read: Any, written: Any) -> None:
    found = inside(read, written)
    if found is not None and found != "dropped":
        row = _places(written)
        assert [row[j] for j in _places(found)] == _places(read)
    if found is None and not isinstance(read, tuple) and isinstance(written, tuple):
        assert read not in _places(written)


@given(_spans(), st.data())
def test_the_span_of_a_span(span: Any, data: st.DataObject) -> None:
    if not isinstance(span, tuple) or not span[1]:
        return
    then = data.draw(st.integers(0, span[1] - 1))
    assert composed(span, then) == _places(span)[then]
    back = (span[1] - 1, span[1], -1)
    assert _places(composed(span, back)) == _places(span)[::-1]


# ------------------------------------------------------------------ sizes of no number

n = symbol("n", 0)
x = Input(TensorType("float64", (n,)), "x")
A = Input(TensorType("float64", (n, n)), "A")


def _after(node: Node) -> str:
    done, _ = run_passes(Graph((x, A), [node]), PIPELINE, Compile(check=True))
    return " ".join(done.ops())


@pytest.mark.parametrize(
    ("node", "ops"),
    [
        (x[1:][0], "slice"),
        (x[1:][2:], "slice"),
        (x[::-1][::-1], ""),
        (concatenate([x, x])[: x.shape[0]], ""),
        ((el.tanh(A) + x)[0], "slice slice tanh slice add"),
        (set_subtensor(x[0], 1.0)[1:], "slice"),
        (dot(A, A)[0, 1], "slice slice dot"),
        (x[::2][1], "slice"),
    ],
    ids=str,
)
def test_sizes_without_a_number_are_proven(node: Node, ops: str) -> None:
    assert len(_after(node).split()) <= len(ops.split()), _after(node)


def test_an_index_that_may_be_out_of_range_is_kept() -> None:
    """x[:2][1] with one element is an error, x[1:2] is not."""
    node = x[:2][1]
    assert _after(node) == "slice slice"
    done, _ = run_passes(Graph((x,), [node]), PIPELINE, Compile())
    for graph in (Graph((x,), [node]), done):
        with pytest.raises(IndexError):
            evaluate_graph(graph, [np.ones(1)])


# --------------------------------------------------------------------- the lift pass


def test_every_step_of_the_lift_pass_can_be_shown_and_keeps_the_value() -> None:
    rows = Input(TensorType("float64", (4, 5)), "rows")
    graph = Graph((rows,), (softmax(rows * 2.0, 1)[2],))
    done, records = run_passes(graph, PIPELINE.only("lift"), Compile())
    record = records[-1]
    assert len(record.events) > 4
    data = np.random.default_rng(0).normal(size=(4, 5))
    [want] = evaluate_graph(graph, [data])
    for k in range(len(record.events) + 1):
        [got] = evaluate_graph(record.at(k), [data])
        np.testing.assert_allclose(got, want, rtol=1e-14)
    assert record.at(len(record.events)) is done
    most = max(np.prod(node.type.shape) for node in done.nodes)
    assert most == 5


def test_a_value_with_another_reader_keeps_its_index() -> None:
    """tanh(x) is computed whole anyway: nothing would be saved."""
    whole = el.tanh(A)
    done, _ = run_passes(Graph((A,), [whole, whole[0] * 2.0]), PIPELINE, Compile())
    assert done.ops().count("tanh") == 1


def test_graphs_without_slices_are_passed_through() -> None:
    graph = Graph((A,), [el.tanh(A)])
    [*_, record] = run_passes(graph, PIPELINE.only("lift"), Compile())[1]
    assert record.after is record.before
    assert record.events == []


# ------------------------------------------------------------------- other dtypes


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "float32"])
def test_two_writes_of_any_dtype_are_one(dtype: str) -> None:
    a, b = (Input(TensorType(dtype, (3,)), name) for name in "ab")
    base = Input(TensorType(dtype, (5,)), "base")
    rows = Constant(np.array([4, 0, 1]))
    once = inc_subtensor(base[rows], a)
    twice = inc_subtensor(once[rows], b)
    part = inc_subtensor(inc_subtensor(base[1:4], a)[1:4], b)
    graph = Graph((base, a, b), (twice, part, twice[rows]))
    done, _ = run_passes(graph, PIPELINE, Compile(check=True))
    assert done.ops().count("scatter") == 1
    arrays = [
        np.array(v).astype(dtype) for v in ([1, 0, 3, 1, 0], [1, 0, 2], [1, 5, 0])
    ]
    for got, want in zip(
        *(evaluate_graph(g, arrays) for g in (done, graph)), strict=True
    ):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == dtype
