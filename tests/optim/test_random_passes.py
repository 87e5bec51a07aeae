"""Random graphs: each pass alone and each preset keeps what it promises, and ends."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph
from symnb.errors import SizeError
from symnb.optim.exact import supported
from symnb.optim.mode import PRESETS
from symnb.optim.passes import MERGE, Compile
from symnb.optim.pipeline import FULL, PIPELINE, Pipeline, run_passes
from symnb.optim.validate import validate
from tests.optim.graphs import (
    assert_as_close,
    assert_same_bits,
    cases,
    planted_cases,
    symbolic_cases,
)

ALONE = {f"pass {p.name}": Pipeline((MERGE, p)) for p in FULL if p is not MERGE}
NAMED = {preset.name: preset.pipeline for preset in PRESETS}
PIPELINES = {**ALONE, **NAMED}
BITWISE = [
    name
    for name, passes in PIPELINES.items()
    if all(p.contract == "bitwise" for p in passes)
]


def results(case, passes) -> tuple[list, list]:
    """What the graph gives after the passes, and as written."""
    graph, values = case
    expected = evaluate_graph(graph, values)
    after, records = run_passes(graph, passes, Compile())
    for record in records:
        validate(record)
    return evaluate_graph(after, values), expected


@settings(max_examples=150, deadline=None)
@given(cases(special=True), st.sampled_from(BITWISE))
def test_bitwise_passes_change_no_bit(case, name) -> None:
    assert_same_bits(*results(case, PIPELINES[name]))


@settings(max_examples=150, deadline=None)
@given(cases(special=False), st.sampled_from(sorted(set(PIPELINES) - set(BITWISE))))
def test_other_passes_stay_as_close_to_the_exact_results(case, name) -> None:
    graph, values = case
    got, expected = results(case, PIPELINES[name])
    assume(all(supported(node) for node in graph.order))
    assert_as_close(graph, values, got, expected)


@settings(max_examples=100, deadline=None)
@given(cases(special=True))
def test_a_second_run_of_the_pipeline_ends_too(case) -> None:
    graph, values = case
    once, _ = run_passes(graph, PIPELINE, Compile())
    twice, _ = run_passes(Graph(once.inputs, once.outputs), PIPELINE, Compile())
    assert len(twice.order) <= len(once.order) + len(graph.order)
    shapes = [np.shape(v) for v in evaluate_graph(twice, values)]
    assert shapes == [np.shape(v) for v in evaluate_graph(graph, values)]


@settings(max_examples=150, deadline=None)
@given(symbolic_cases(), st.sampled_from(sorted(PIPELINES)))
def test_graphs_of_unknown_sizes_keep_shapes_and_strict_ones_bits(case, name) -> None:
    graph, values = case
    try:
        got, expected = results(case, PIPELINES[name])
    except (SizeError, ValueError):
        with np.errstate(all="ignore"):  # sizes that NumPy refuses as well
            assume(_runs(graph, values))
        raise
    assert [np.shape(v) for v in got] == [np.shape(v) for v in expected]
    assert [v.dtype for v in got] == [v.dtype for v in expected]
    if name in BITWISE:
        assert_same_bits(got, expected)


def _runs(graph: Graph, values: list) -> bool:
    try:
        evaluate_graph(graph, values)
    except (SizeError, ValueError):
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(planted_cases(), st.sampled_from(sorted(set(PIPELINES) - set(BITWISE))))
def test_left_sides_of_rules_on_left_sides_of_rules_stay_close(case, name) -> None:
    graph, values = case
    got, expected = results(case, PIPELINES[name])
    assume(all(supported(node) for node in graph.order))
    assert_as_close(graph, values, got, expected)
