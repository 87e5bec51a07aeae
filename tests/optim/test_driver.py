"""The driver: one visit a node, fuel, types restored, labels handed down."""

import sys
import time

import numpy as np
import pytest

from symnb.core.dims import symbol
from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.errors import FuelError, OptimiserError
from symnb.ops import elementwise as el
from symnb.ops.cast import cast
from symnb.ops.create import zeros
from symnb.ops.reduce import sum as total
from symnb.ops.view import broadcast_to
from symnb.optim.contract import BITWISE, ROUNDING
from symnb.optim.driver import conform
from symnb.optim.optimiser import optimise
from symnb.optim.passes import MERGE, Compile, apply
from symnb.optim.pipeline import run_passes
from symnb.optim.rule import holes, rewrite, rule, ruleset
from symnb.optim.validate import validate
from tests.optim.graphs import leaf

n = symbol("n", 0)
x, y = leaf(n, name="x"), leaf(n, name="y")
a, b = holes("a b")


def applied(rules, *roots: Node, **options):
    """Roots and the record after merging and one rule set."""
    compile = Compile(**options)
    after, records = run_passes(Graph((), roots), (MERGE, apply(rules)), compile)
    for record in records:
        validate(record)
    return after, records[-1]


def test_what_a_rule_makes_is_matched_again() -> None:
    rules = ruleset("t", [rule(el.neg(-a), a, BITWISE), rule(a - -b, a + b, BITWISE)])
    after, record = applied(rules, x - el.neg(el.neg(el.neg(y))))
    assert after.ops() == ["add"]
    assert [event.rule.lhs_text for event in record.events] == ["-(-a)", "a - (-b)"]


def test_a_one_sweep_rule_does_not_meet_its_own_result() -> None:
    rules = ruleset("t", [rule(a * a, a * (a + a), ROUNDING, name="r")], "one_sweep")
    after, record = applied(rules, x * x)
    assert after.ops() == ["add", "mul"]
    assert len(record.events) == 1


def test_rules_that_undo_each_other_are_named() -> None:
    there = rule(el.sin(a), el.cos(a), BITWISE, name="there")
    back = rule(el.cos(a), el.sin(a), BITWISE, name="back")
    with pytest.raises(FuelError, match=r"(?s)there.*back.*excluding"):
        applied(ruleset("t", [there, back]), el.sin(x))


def test_a_rule_that_grows_for_ever_runs_out_of_fuel() -> None:
    grow = rule(el.sin(a), el.sin(a + 1), BITWISE, name="grow")
    with pytest.raises(FuelError, match="grow"):
        applied(ruleset("t", [grow]), el.sin(x))


def test_a_rule_that_buries_its_left_side_is_stopped() -> None:
    bury = rule(el.sin(a), el.exp(el.sin(a)), BITWISE, name="bury")
    with pytest.raises(FuelError, match="bury"):
        applied(ruleset("t", [bury]), el.sin(x))


def test_dtype_and_shape_of_the_replaced_are_restored() -> None:
    rules = ruleset("t", [rule(a - a, 0, "finite_only", name="z"),
                          rule(el.where(a, 1, 0), a, BITWISE, name="w")])  # fmt: skip
    c = x > y
    after, _ = applied(rules, x - x, el.where(c, 1.0, 0.0))
    assert [str(root.type) for root in after.outputs] == ["f64[n]", "f64[n]"]
    got = evaluate_graph(Graph([x, y], after.outputs), [np.ones(2), np.arange(2.0)])
    np.testing.assert_array_equal(got, [[0, 0], [1, 0]])


def test_a_replacement_that_does_not_fit_is_refused() -> None:
    @rewrite(el.sin(a), "sin(a) -> sum(a)", BITWISE)
    def wrong(a: Node) -> Node:
        return zeros((2, 3, 4))

    after, record = applied(ruleset("t", [wrong]), el.sin(x))
    assert after.ops() == ["sin"]
    assert record.events == []


def test_conform_casts_and_broadcasts() -> None:
    wide = leaf(2, 3).type
    assert conform(leaf(3, dtype="float32"), wide).type == wide
    assert conform(leaf(4), wide) is None
    assert conform(leaf(2, 3, 1), wide) is None


def test_created_nodes_have_the_site_of_what_they_replace() -> None:
    node = el.log(1 + x)
    node.name = "likelihood"
    after, _ = applied(
        ruleset("t", [rule(el.log(1 + a), el.log1p(a), "stabler")]), node
    )
    made = after.outputs[0]
    assert made.op is el.log1p
    assert made.site == node.site and made.name == "likelihood"


def test_users_nodes_keep_their_labels() -> None:
    inner = el.exp(x)
    outer = inner * 1
    outer.name = "outer"
    applied(ruleset("t", [rule(a * 1, a, BITWISE)]), outer)
    assert inner.name is None and outer.op is el.mul


def test_equal_results_become_one_node_and_are_no_events() -> None:
    rules = ruleset("t", [rule(a * 1, a, BITWISE)])
    after, record = applied(rules, el.exp(x * 1) + el.exp(x))
    assert after.ops() == ["exp", "add"]
    assert len(record.events) == 1
    assert all(isinstance(old, tuple) for old in record.origin.values())


def test_commuted_operands_are_one_node() -> None:
    after, records = run_passes(Graph((), [x + y, y + x]), (MERGE,), Compile())
    assert after.outputs[0] is after.outputs[1]
    assert [event.kind for event in records[0].events] == ["merge"]
    after, _ = run_passes(Graph((), [x - y, y - x]), (MERGE,), Compile())
    assert after.outputs[0] is not after.outputs[1]


def test_constants_merge_by_bytes() -> None:
    roots = [x + 0.0, x + -0.0, x + np.float64("nan"), x + np.float64("nan")]
    after, _ = run_passes(Graph((), roots), (MERGE,), Compile())
    assert len(after.constants) == 3


def test_a_size_that_becomes_known_changes_types_above() -> None:
    mask = el.logical_and(el.where(True, x > 0, y > 0), True)
    node = el.exp(el.where(mask, x, 0).nonzero_values())
    graph = Graph([x, y], [node])
    after, trace = optimise(graph)
    for record in trace:
        validate(record)
    value = np.array([0.0, 2.0, -1.0, 3.0])
    for one, other in zip(
        evaluate_graph(after, [value, value]), evaluate_graph(graph, [value, value]),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)


def _chain(count: int) -> Graph:
    node: Node = x
    for _ in range(count):
        node = el.exp(node * 1)
    return Graph([x], [node])


@pytest.mark.parametrize("count", [20_000])
def test_a_long_chain_needs_no_recursion(count: int) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(120)
    try:
        after, trace = optimise(_chain(count))
    finally:
        sys.setrecursionlimit(limit)
    assert after.ops() == ["exp"] * count
    assert len(trace["simplify"].events) == count


def test_time_is_linear_in_the_graph() -> None:
    def seconds(count: int) -> float:
        node: Node = x
        for at in range(count):
            node = node + el.sin(x * float(at))
        graph = Graph([x], [node])
        best = np.inf
        for _ in range(3):
            started = time.process_time()
            optimise(Graph(graph.inputs, graph.outputs))
            best = min(best, time.process_time() - started)
        return float(best)

    small, large = seconds(300), seconds(3000)
    assert large < 10 * 3 * small


def test_a_limit_stops_after_that_many_firings() -> None:
    graph = Graph((), [el.exp(x * 1) * 1 + y * 1])
    for limit in range(4):
        _, trace = optimise(graph, limit=limit)
        fired = [e for e in trace.events if e.kind == "rule"]
        assert len(fired) == limit


def test_sets_of_two_kinds_do_not_mix() -> None:
    one = ruleset("one", [rule(a * 1, a, BITWISE)])
    other = ruleset("other", [rule(a + 0, a, ROUNDING)], "one_sweep")
    with pytest.raises(OptimiserError, match="passes of their own"):
        _ = one + other
    with pytest.raises(OptimiserError, match="more than one rule named"):
        _ = one + one


def test_conformed_results_stay_in_their_form() -> None:
    node = el.maximum(cast(total(broadcast_to(x - x, (3, n))), "float32"), 1)
    after, trace = optimise(Graph([x], [node]))
    for record in trace:
        validate(record)
    np.testing.assert_array_equal(evaluate_graph(after, [np.ones(3)])[0], 1)
