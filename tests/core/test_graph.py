"""Graphs: order, users, rebuild, text, digest, reference evaluation."""

import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.core import walk
from symnb.core.evaluate import evaluate, evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import Input
from symnb.core.shared import shared
from symnb.core.text import parse, render_with_arrays
from symnb.core.types import TensorType
from symnb.errors import MissingInputError, SizeError, TextError
from symnb.ops.create import arange, zeros
from symnb.ops.dot import dot
from symnb.ops.elementwise import exp, maximum, where
from symnb.ops.reduce import sum as total
from symnb.ops.view import broadcast_to, reshape
from symnb.tensor.constructors import KINDS

dscalar, dvector, dmatrix = KINDS["dscalar"], KINDS["dvector"], KINDS["dmatrix"]


def diamond():
    x = dvector("x")
    a = exp(x)
    return x, a, Graph([x], [a * a + a])


def test_order_puts_inputs_first_and_lists_each_node_once():
    _, _, g = diamond()
    place = {node: i for i, node in enumerate(g.order)}
    assert len(place) == len(g.order)
    assert all(place[x] < place[n] for n in g.order for x in n.inputs)
    assert g.ops() == ["exp", "mul", "add"]


def test_users_are_listed_once_each():
    x, a, g = diamond()
    assert [n.op.name for n in g.users(a)] == ["mul", "add"]
    assert g.users(x) == [a]


def test_ten_thousand_nodes_need_no_recursion():
    x = dscalar("x")
    y = x
    for _ in range(10_000):
        y = y + x
    g = Graph([x], [y])
    assert len(g) == 10_001
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        text = g.text()
        assert parse(text).text().count("add") == 10_000
        again = g.replace({x: dscalar("z")})
    finally:
        sys.setrecursionlimit(limit)
    assert len(again) == 10_001
    assert pickle.loads(pickle.dumps(g)).digest == g.digest


def test_text_reads_back_to_the_same_text():
    x, w = dmatrix("x"), shared(np.ones((4, 2)), name="W")
    n = x.shape[0]
    y = reshape(dot(x, w), (n * 2,)) - np.array([0.1, np.nan, -0.0, np.inf])[0]
    big = np.arange(40.0).reshape(2, 20)
    g = Graph([x], [total(y) / n, broadcast_to(big, (2, 20))], [(w, w * 0.5)])
    text, arrays = render_with_arrays(g)
    again = parse(text, arrays)
    assert again.text() == text
    assert again.digest == g.digest


@pytest.mark.parametrize("value", [0.1, -0.0, np.nan, np.inf, 5e-324, 1 / 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constants_read_back_bit_for_bit(value, dtype):
    x = KINDS["vector"]("x", dtype)
    constant = np.asarray(value, dtype)
    g = Graph([x], [x * constant])
    node = parse(g.text()).outputs[0].inputs[1]
    assert node.value.tobytes() == constant.tobytes()


def test_the_digest_knows_meaning_and_forgets_names():
    def build(name, factor):
        x = dvector(name)
        return Graph([x], [exp(x) * factor])

    assert build("x", 2.0).digest == build("other", 2.0).digest
    assert build("x", 2.0).digest != build("x", 3.0).digest
    x, y = dvector("x"), dvector("y")
    assert Graph([x, y], [x - y]).digest != Graph([x, y], [y - x]).digest


def test_unreadable_text_says_which_line():
    with pytest.raises(TextError, match="starts with"):
        parse("nonsense")
    with pytest.raises(TextError, match="%9"):
        parse("graph f(%x: f64[n]) -> (%0)\n  %0 = exp(%9) : f64[n]")


def test_replacing_an_input_moves_its_sizes_everywhere():
    x = dmatrix("x")
    y = reshape(x, (x.shape[0] * x.shape[1],))
    z = Input(TensorType("float64", (3, 4)), "z")
    new = walk.rebuild([y], {x: z}, walk.leaf_facts(x, z))[y]
    assert str(new.type) == "f64[12]"


def test_a_size_bound_to_a_scalar_follows_its_replacement():
    k = KINDS["lscalar"]("k")
    y = zeros((k, 2)) + 1
    assert evaluate([y], {k: 3})[0].shape == (3, 2)
    five = walk.rebuild([y], {k: KINDS["lscalar"]("j") * 0 + 5})[y]
    assert evaluate([five], {n: 1 for n in Graph((), (five,)).missing()})[0].shape == (
        5,
        2,
    )


def test_missing_inputs_are_named_with_their_reader():
    x, y = dvector("x"), dvector("y")
    with pytest.raises(MissingInputError, match="y"):
        Graph([x], [x + y]).check_closed()
    with pytest.raises(MissingInputError, match="no value for y"):
        evaluate([x + y], {x: np.ones(2)})


def test_sizes_that_contradict_each_other_are_refused():
    x = Input(TensorType("float64", (2,)), "x")
    with pytest.raises(SizeError, match="axis 0"):
        evaluate([exp(x)], {x: np.zeros(3)})


def test_assumptions_list_the_sizes_that_must_be_equal():
    x, y = dvector("x"), dvector("y")
    [(node, a, b)] = Graph([x, y], [x + y]).assumptions
    assert node.op.name == "add"
    assert {str(a), str(b)} == {"x0", "y0"}


@given(
    st.lists(st.integers(-3, 3), min_size=0, max_size=5),
    st.integers(0, 4),
)
def test_the_reference_is_numpy(values, n):
    x, k = dvector("x"), KINDS["lscalar"]("k")
    y = where(x > 0, exp(x), maximum(x, -1.0)).sum() + arange(k).sum()
    data = np.array(values, float)
    got = evaluate_graph(Graph([x, k], [y]), [data, n])[0]
    want = np.where(data > 0, np.exp(data), np.maximum(data, -1)).sum()
    np.testing.assert_allclose(got, want + np.arange(n).sum(), rtol=1e-15)
