"""The trace: what happened, and the graph after any number of events."""

import numpy as np
import pytest

from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.ops import elementwise as el
from symnb.ops.reduce import sum as total
from symnb.optim.optimiser import optimise
from symnb.options import config
from tests.optim.graphs import leaf

x, y = leaf(3, name="x"), leaf(3, name="y")


def graph() -> Graph:
    root = el.log(el.exp(x * 1) / total(el.exp(x * 1))) + (y + x - y) * 2 * 3
    return Graph([x, y], [root, el.neg(-y) + (x * 1)])


def test_a_trace_is_a_list_of_passes() -> None:
    _, trace = optimise(graph())
    assert len(trace) == len(list(trace))
    assert trace["merge"] is trace[0]
    assert trace["merge"].before.ops() == graph().ops()
    assert all(
        b.before is a.after for a, b in zip(trace, list(trace)[1:], strict=False)
    )
    with pytest.raises(KeyError, match="there are merge"):
        trace["simplfy"]


def test_events_carry_rule_bindings_and_nodes() -> None:
    _, trace = optimise(Graph([x], [el.log(1 + x * 1)]))
    events = [e for e in trace.events if e.rule is not None]
    assert [e.rule.name for e in events] == ["mul_one", "log_one_plus"]
    assert events[0].bindings == {"x": x} and events[0].after is x
    assert str(events[0]) == "mul_one: mul -> input"


def test_rebuilt_nodes_are_told_by_origin_not_as_events() -> None:
    root = el.exp(x * 1)
    _, trace = optimise(Graph([x], [root]))
    record = trace["simplify"]
    assert len(record.events) == 1
    rebuilt: Node = record.after.outputs[0]
    assert record.origin[rebuilt] == (record.before.outputs[0],)


def test_the_graph_after_k_events() -> None:
    start = graph()
    _, trace = optimise(start)
    values = [np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, 3.0])]
    expected = evaluate_graph(start, values)
    count = len(trace.events)
    assert count > 8
    for k in range(count + 1):
        for a, b in zip(evaluate_graph(trace.at(k), values), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13)
    assert trace.at(0).ops() == start.ops()
    assert trace.at(count).ops() == trace.passes[-1].after.ops()


def test_each_event_changes_the_graph_where_it_says() -> None:
    _, trace = optimise(graph())
    for record in trace:
        for k, event in enumerate(record.events, 1):
            if event.before.is_leaf or k == len(record.events):
                continue
            assert event.before not in record.at(k).order


def test_nothing_is_recorded_when_told_so() -> None:
    with config.change(record=False):
        after, trace = optimise(graph())
    assert trace.events == []
    assert after.ops() == optimise(graph())[0].ops()
