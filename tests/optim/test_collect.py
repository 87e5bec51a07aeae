"""Sums as term -> coefficient, products as base -> exponent, by hand."""

import numpy as np
import pytest

from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.ops import elementwise as el
from symnb.optim.collect import COLLECTING, collecting
from symnb.optim.passes import MERGE, Compile
from symnb.optim.pipeline import run_passes
from symnb.optim.validate import validate
from tests.optim.graphs import leaf

x, y, z = (leaf(3, name=name) for name in "xyz")
k, j = leaf(3, dtype="int64", name="k"), leaf(3, dtype="int64", name="j")
u = leaf(3, dtype="uint8", name="u")


def collected(*roots: Node):
    after, records = run_passes(Graph((), roots), (MERGE, collecting()), Compile())
    for record in records:
        validate(record)
    return after, records[-1].events


CASES = {
    "x + y - x": (x + y - x, [], "cancel_terms"),
    "2x + 3x": (2 * x + 3 * x, ["mul"], "collect_terms"),
    "x + 1 + y + 2": (x + 1 + y + 2, ["add", "add"], "collect_terms"),
    "(x - y) + (y - z)": ((x - y) + (y - z), ["sub"], "cancel_terms"),
    "x - 3x": (x - 3 * x, ["mul"], "cancel_terms"),
    "x - x": (x - x, ["broadcast_to"], "cancel_terms"),
    "k + j - k": (k + j - k, [], "collect_terms_exact"),
    "3u - 2u": (u * 3 - u * 2, [], "collect_terms_exact"),
    "2x*3": (2 * x * 3, ["mul"], "collect_factors"),
    "2x/4": (2 * x / 4, ["mul"], "collect_factors"),
    "xy/x": (x * y / x, [], "cancel_factors"),
    "x/(yx)": (x / (y * x), ["true_div"], "cancel_factors"),
    "-2x*3": (-(2 * x) * 3, ["mul"], "collect_factors"),
    "2k*3": (2 * (k * 3), ["mul"], "collect_factors_exact"),
    "-(x*2)*y*3/y": (-(x * 2) * y * 3 / y, ["mul"], "cancel_factors"),
}


@pytest.mark.parametrize(("node", "ops", "name"), CASES.values(), ids=CASES)
def test_what_meets_is_put_together(node: Node, ops: list[str], name: str) -> None:
    after, events = collected(node)
    assert after.ops() == ops
    assert [event.rule.name for event in events] == [name]
    leaves = [n for n in Graph((), [node]).order if n.op.name == "input"]
    values = [np.array([3, 5, 250 if n.dtype == "uint8" else -7], n.dtype)
              for n in leaves]  # fmt: skip
    want = evaluate_graph(Graph(leaves, [node]), values)[0]
    got = evaluate_graph(Graph(leaves, after.outputs), values)[0]
    np.testing.assert_allclose(got, want, rtol=1e-15)


KEPT = [x + y - z, x * y / z, x + y + x * y, 2 * x + 1, el.exp(x) * 2, u + u * j]


@pytest.mark.parametrize("node", KEPT, ids=str)
def test_what_does_not_meet_stays_as_written(node: Node) -> None:
    after, events = collected(node)
    assert events == []
    assert after.ops() == run_passes(Graph((), [node]), (MERGE,), Compile())[0].ops()


def test_an_inner_sum_read_elsewhere_is_kept() -> None:
    s = x + y
    after, events = collected(s - x, el.exp(s))
    assert events == []
    assert after.ops() == ["add", "sub", "exp"]


def test_a_wide_sum_is_taken_apart_once() -> None:
    node: Node = x
    for at in range(2000):
        node = node + (y if at % 2 else z)
    after, events = collected(node)
    assert len(events) == 1
    assert sorted(after.ops()) == ["add", "add", "mul", "mul"]


def test_every_rule_of_the_pass_can_be_left_out() -> None:
    without = collecting(COLLECTING.filtered(lambda r: r.name != "cancel_terms"))
    after, records = run_passes(Graph((), [x + y - x]), (MERGE, without), Compile())
    assert after.ops() == ["add", "sub"]
    assert records[-1].events == []
