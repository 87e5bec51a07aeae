"""What a pass is said to have changed, on graphs small enough to check by hand."""

from symnb.viz.changes import Change, Rows, change
from symnb.viz.document import document
from symnb.viz.sources import SourceTable
from tests.viz.sample import SampleEvent, SampleGraph, SampleRecord, leaf, node, story


def told(record: SampleRecord) -> Change:
    return change(Rows(SourceTable()), record, {})


def test_a_node_rebuilt_over_changed_operands_is_not_a_change() -> None:
    x = leaf("input", "x", "f64", ("n",))
    inner = node("exp", node("mul", x, x))
    outer = node("neg", inner)
    square = node("square", x)
    inner2 = node("exp", square)
    outer2 = node("neg", inner2)
    record = SampleRecord(
        "p", SampleGraph((outer,)), SampleGraph((outer2,)),
        [SampleEvent(None, inner.inputs[0], square)], 0.0,
        origin={inner2: (inner,), outer2: (outer,)},
    )  # fmt: skip
    assert told(record).counts == (1, 1, 1, 0)  # square, mul, exp rewired; neg is not


def test_a_merge_is_one_removed_node_with_a_survivor() -> None:
    x = leaf("input", "x", "f64", ("n",))
    one, two = node("exp", x), node("exp", x)
    total, total2 = node("add", one, two), node("add", one, one)
    record = SampleRecord(
        "merge", SampleGraph((total,)), SampleGraph((total2,)),
        [SampleEvent(None, two, one, kind="merge")], 0.0, origin={total2: (total,)},
    )  # fmt: skip
    difference = told(record)
    assert difference.counts == (0, 0, 0, 1)
    assert list(difference.merged.items()) == [(2, 1)]


def test_a_chain_of_merges_ends_at_the_node_that_lives() -> None:
    x = leaf("input", "x", "f64", ("n",))
    a, b, c = (node("exp", x) for _ in range(3))
    before = node("add", node("add", a, b), c)
    after = node("add", node("add", c, c), c)
    record = SampleRecord(
        "merge", SampleGraph((before,)), SampleGraph((after,)),
        [SampleEvent(None, a, b, kind="merge"), SampleEvent(None, b, c, kind="merge")],
        0.0, origin={after: (before,), after.inputs[0]: (before.inputs[0],)},
    )  # fmt: skip
    difference = told(record)
    assert len(set(difference.merged.values())) == 1
    assert difference.counts == (0, 0, 0, 2)


def test_a_node_merged_into_a_rebuilt_one_is_a_merge() -> None:
    x = leaf("input", "x", "f64", ("n",))
    a, b = node("exp", x), node("exp", x)
    over_a, over_b = node("neg", a), node("neg", b)
    before = node("add", over_b, over_a)
    kept = node("neg", a)  # over_b, whose operand was merged
    after = node("add", kept, kept)
    record = SampleRecord(
        "merge", SampleGraph((before,)), SampleGraph((after,)),
        [SampleEvent(None, b, a, kind="merge"),
         SampleEvent(None, over_a, kept, kind="merge")],
        0.0, origin={kept: (over_b,), after: (before,)},
    )  # fmt: skip
    assert told(record).counts == (0, 0, 0, 2)


def test_a_pass_that_changes_nothing_is_empty() -> None:
    x = leaf("input", "x", "f64", ("n",))
    graph = SampleGraph((node("exp", x),))
    assert told(SampleRecord("p", graph, graph, [], 0.0)).is_empty


def test_a_replaced_node_is_one_added_and_one_removed() -> None:
    x = leaf("input", "x", "f64", ("n",))
    before, after = node("log", node("exp", x)), node("abs", x)
    record = SampleRecord("p", SampleGraph((before,)), SampleGraph((after,)), [], 0.0)
    assert told(record).counts == (1, 2, 0, 0)


def test_counts_of_the_sample_are_those_counted_by_hand() -> None:
    passes = document(story())["passes"]
    assert [(p["name"], p["counts"]) for p in passes] == [
        ("as written", [0, 0, 0, 0]),
        ("merge", [0, 0, 0, 3]),  # exp, sum, div of the accuracy
        ("simplify", [0, 2, 2, 0]),  # mul and its 1; dot and sum now read the product
        ("stabilise", [2, 3, 1, 1]),  # logsumexp, sub; exp, sum, log; gather; div
        ("collect", [0, 0, 0, 0]),
        ("fuse", [0, 0, 0, 0]),
    ]


def test_counts_agree_with_the_sizes_of_the_graphs() -> None:
    for step in document(story())["passes"]:
        added, removed, _, merged = step["counts"]
        before, after = step["nodes"]
        assert after == before + added - removed - merged
