"""A survey says beforehand whether a rule set has anything to do."""

from typing import Any

from hypothesis import given, settings

from symnb.core.graph import Graph
from symnb.ops import elementwise as el
from symnb.optim.contract import BITWISE
from symnb.optim.driver import Sweep, Uses
from symnb.optim.passes import MERGE, Compile, apply, index_of
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import Hole, Ruleset, rule, ruleset
from symnb.optim.survey import Survey
from tests.optim.graphs import cases, leaf

a = Hole("a")
ONE = ruleset("t", [rule(a * 1, a, BITWISE)])


def moves(graph: Graph, compile: Compile, rules: Ruleset) -> bool:
    """Whether a whole walk changes the graph."""
    counts = any(rule.counts for rule in rules)
    uses = Uses(graph.roots, graph.order) if counts else None
    final = rules.kind == "one_sweep"
    sweep = Sweep(index_of(rules), compile.table, {}, uses=uses, final=final)
    return tuple(sweep.run(graph.roots, 10_000)) != graph.roots


@given(cases(special=True))
@settings(max_examples=30, deadline=None)
def test_a_rule_set_at_rest_changes_nothing_in_a_walk(case: tuple[Graph, Any]) -> None:
    compile = Compile()
    graph = MERGE(case[0], compile).after
    for one in PIPELINE:
        if one.rules is None or one.name not in ("simplify", "shift", "blas", "reduce"):
            continue
        counts = any(rule.counts for rule in one.rules)
        rest = Survey(graph).is_at_rest(index_of(one.rules), {}, counts)
        assert not (rest and moves(graph, compile, one.rules))
        after = one(graph, compile).after
        assert (after is graph) >= rest
        graph = after


def test_a_rule_that_fires_is_seen() -> None:
    x = leaf(3)
    assert Survey(Graph((), [el.exp(x)])).is_at_rest(index_of(ONE), {}, False)
    graph = Graph((), [el.exp(x * 1)])
    assert not Survey(graph).is_at_rest(index_of(ONE), {}, False)


def test_what_became_another_node_before_is_not_at_rest() -> None:
    x = leaf(3)
    node = x * 1
    graph = Graph((), [node])
    assert not Survey(graph).is_at_rest(index_of(ONE), {node: x}, False)
    assert Survey(graph).is_at_rest(index_of(ONE), {node: node}, False)


def test_a_pass_at_rest_returns_the_very_graph_and_remembers_its_roots() -> None:
    compile = Compile()
    graph = Graph((), [el.exp(leaf(3))])
    assert apply(ONE)(graph, compile).after is graph
    assert compile.forms[ONE] == {graph.roots[0]: graph.roots[0]}


def test_a_graph_is_surveyed_once() -> None:
    compile = Compile()
    graph = Graph((), [el.exp(leaf(3))])
    assert compile.survey(graph) is compile.survey(graph)
    assert compile.survey(Graph((), graph.outputs)) is not compile.survey(graph)
