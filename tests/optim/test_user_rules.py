"""Rules read from text: guards, where they run, mixed dtypes and broadcasts.

Values are compared with NumPy's of the graph as written.
"""

import itertools
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph
from symnb.errors import ContractError, OptimiserError
from symnb.optim.grammar import read_guards, split
from symnb.optim.mode import get_mode
from symnb.optim.optimiser import firings, optimise
from symnb.optim.user import RULES, UserRule
from tests.optim.graphs import leaf


@pytest.fixture(autouse=True)
def own_rules() -> Iterator[None]:
    """Rules written in a test are forgotten after it."""
    yield
    for made in list(RULES):
        RULES.remove(made.name)


def fires(made, graph: Graph) -> int:
    """How often a rule fires in the whole pipeline."""
    return sum(event.rule is made for event in firings(made, graph).events)


def test_a_text_is_two_sides_and_conditions() -> None:
    text = "where(c, x, x) -> x where x: float and c is bool"
    assert split(text) == ("where(c, x, x)", "x", "x: float and c is bool")
    assert split("where(c, x, x) -> where(c, x, 0)")[2] == ""


def test_conditions_are_read_in_words_and_signs() -> None:
    found = read_guards("x: float, c: positive constant and k is integer; p >= 0")
    texts = {
        name: [g.text.format(name) for g in guards] for name, guards in found.items()
    }
    assert texts == {
        "x": ["x is float"],
        "c": ["c is a constant > 0"],
        "k": ["k is integer"],
        "p": ["p >= 0 is proven"],
    }


X = leaf(2, 4, name="X")
# rule, left side over an operand, operands that it takes and does not take
GUARDED = {
    "float": (
        "-(-x) -> x where x: float",
        lambda x: T.neg(T.neg(x)), leaf(3), leaf(3, dtype="int8"),
    ),
    "positive": (
        "abs(c * x) -> c * abs(x) where x: float, c: positive constant",
        lambda c: T.abs(c * X), 2.0, -2.0,
    ),
    "scalar": (
        "sum(s * x) -> s * sum(x) where s: scalar constant",
        lambda s: (s * X).sum(), 3.0, leaf(4),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GUARDED.values(), ids=GUARDED)
def test_a_rule_fires_under_its_condition_only(case) -> None:
    text, build, good, bad = case
    made = symnb.rule(text, contract="rounding", name="mine")
    for operand, count in ((good, 1), (bad, 0)):
        root = build(operand)
        leaves = [n for n in Graph((), [root]).order if n.op.name == "input"]
        assert fires(made, Graph(leaves, [root])) == count


@cache
def regrouping() -> UserRule:
    return symnb.rule("(x * y) * z -> x * (y * z)", once=True, contract="rounding")


MIXED = list(itertools.product(["float64", "float32", "int8"], repeat=3))


@pytest.mark.parametrize("dtypes", MIXED, ids="-".join)
def test_operands_of_mixed_dtypes_keep_their_values(dtypes) -> None:
    """int8 products wrap: a rule must not move one product before another's cast."""
    made = regrouping()
    leaves = [leaf(2, dtype=d, name=n) for d, n in zip(dtypes, "xyz", strict=True)]
    values = [
        np.array([v, -v - 1]).astype(d)
        for v, d in zip((90, 70, 3), dtypes, strict=True)
    ]
    graph = Graph(leaves, [(leaves[0] * leaves[1]) * leaves[2]])
    want = evaluate_graph(graph, values)[0]
    after = firings(made, graph).passes[-1].after
    got = evaluate_graph(after, values)[0]
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-6 if "float32" in dtypes else 1e-14)


@cache
def cancelling() -> UserRule:
    return symnb.rule("x + y - y -> x where x: float, y: float", "", "finite_only")


SHAPES = st.sampled_from([(), (1,), (3,), (2, 1), (2, 3), (1, 3)])


@given(SHAPES, SHAPES)
def test_broadcast_operands_keep_shape_and_values(a, b) -> None:
    made = cancelling()
    x, y = leaf(*a, name="x"), leaf(*b, name="y")
    graph = Graph([x, y], [x + y - y])
    rng = np.random.default_rng(0)
    values = [rng.normal(size=a), rng.normal(size=b)]
    after = firings(made, graph).passes[-1].after
    got, want = evaluate_graph(after, values)[0], evaluate_graph(graph, values)[0]
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=1e-14)


def test_rules_run_before_those_of_symnb_and_once_more_at_the_end() -> None:
    symnb.rule("sinh(x) / cosh(x) -> tanh(x)", register=True, name="mine")
    x = leaf(3, name="x")
    names = get_mode().pipeline.names
    assert names[:2] == ["merge", "user"]
    assert names[names.index("tidy") - 1] == "user"
    # y * (1 / z) becomes y / z on the way
    graph = Graph([x], [T.sinh(x) * (1 / T.cosh(x))])
    assert optimise(graph, get_mode())[0].ops() == ["tanh"]


def test_a_rule_that_drops_a_tensor_waits_for_the_gradient() -> None:
    made = symnb.rule(
        "hypot(x, 0 * y) -> abs(x)", contract="finite_only", register=True
    )
    assert made.drops
    x, y = leaf(3, name="x"), leaf(3, name="y")
    slopes = symnb.grad(T.hypot(x, 0 * y).sum(), [x, y])
    values = [np.array([3.0, -4.0, 5.0]), np.ones(3)]
    got = evaluate_graph(Graph([x, y], slopes), values)
    np.testing.assert_allclose(got, [np.sign(values[0]), np.zeros(3)], atol=1e-15)


def test_no_rule_of_a_notebook_runs_in_the_mode_none() -> None:
    symnb.rule("exp(x) * exp(x) -> exp(2 * x)", contract="rounding:99", register=True)
    assert len(get_mode("None").pipeline) == 0
    assert get_mode("o1").user_rules == ()


# ------------------------------------------------------------- sums, products, numbers


@cache
def summing() -> UserRule:
    return symnb.rule(
        "sum(x + y) -> sum(x) + sum(y)", "x: float, y: float", once=True, name="summing"
    )


@given(SHAPES, SHAPES, st.sampled_from([0, -1, None]))
def test_a_rule_about_a_sum_keeps_values_of_broadcast_operands(a, b, axis) -> None:
    """A sum counts a broadcast element as often as it is read."""
    made = summing()
    x, y = leaf(*a, name="x"), leaf(*b, name="y")
    if not np.broadcast_shapes(a, b):
        return
    graph = Graph([x, y], [(x + y).sum(axis)])
    rng = np.random.default_rng(0)
    values = [rng.normal(size=a), rng.normal(size=b)]
    after = firings(made, graph).passes[-1].after
    want = (values[0] + values[1]).sum(axis)
    np.testing.assert_allclose(evaluate_graph(after, values)[0], want, atol=1e-13)


def test_a_rule_about_a_sum_fires_on_operands_of_one_shape() -> None:
    x, y = leaf(3, 4, name="x"), leaf(3, 4, name="y")
    assert fires(summing(), Graph([x, y], [(x + y).sum(0)])) == 1
    assert "x, y have one shape" in str(summing())


def test_a_sum_over_one_axis_matches_that_axis_only() -> None:
    made = symnb.rule("sum(-x, 0) -> -sum(x, axis=0)", contract="rounding", name="mine")
    x = leaf(3, 4)
    assert [fires(made, Graph([x], [(-x).sum(axis)])) for axis in (0, 1)] == [1, 0]
    assert fires(made, Graph([x], [(-x).sum(0, keepdims=True)])) == 0


def test_products_and_transposes_of_matrices_are_rules() -> None:
    made = symnb.rule("(a @ b).T -> b.T @ a.T", once=True, name="turned")
    assert made.contract.name == "rounding"  # BLAS may add in another order
    a, b, v = leaf(2, 3, name="a"), leaf(3, 4, name="b"), leaf(3, name="v")
    graph = Graph([a, b], [T.dot(a, b).T])
    assert fires(made, graph) == 1
    assert fires(made, Graph([a, v], [T.dot(a, v).T])) == 0
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(2, 3)), rng.normal(size=(3, 4))]
    after = firings(made, graph).passes[-1].after
    want = (values[0] @ values[1]).T
    np.testing.assert_allclose(evaluate_graph(after, values)[0], want, rtol=1e-13)


def test_a_wrong_rule_about_products_is_refused() -> None:
    with pytest.raises(ContractError, match="is wrong"):
        symnb.rule("a @ b -> b @ a", once=True)


def test_functions_of_numbers_are_numbers() -> None:
    made = symnb.rule(
        "log(2 * x) -> log(2) + log(x)", "x: float", once=True, name="doubled"
    )
    x = leaf(3)
    [after] = firings(made, Graph([x], [T.log(2 * x)])).passes[-1].after.outputs
    value = np.array([0.5, 1.0, 7.0])
    np.testing.assert_allclose(after.eval({x: value}), np.log(2 * value), atol=1e-15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mean(x + 1) -> mean(x) + 1", "only functions of single elements"),
        ("x[0] + 0 -> x[0]", "elements cannot be selected"),
        ("x.shape -> x", "@ and .T can stand in a rule"),
        ("sum(x, -1) -> x", "a number from 0 on"),
        ("sum(-x, 0) -> -sum(x)", "an axis, as in sum"),
        ("exp(x, 1) -> x", "exp cannot stand in a rule like this"),
        ("exp(x=1) -> x", "takes no options"),
    ],
)
def test_what_cannot_stand_in_a_rule_is_told(text: str, said: str) -> None:
    with pytest.raises(OptimiserError) as caught:
        symnb.rule(text)
    assert said in str(caught.value)
    assert "any:" not in str(caught.value)
