"""The trace document: complete, plain, repeatable."""

import json
from dataclasses import replace

from symnb.viz.document import SCHEMA, Story, document
from symnb.viz.picture import MOST_ITEMS
from tests.viz.sample import CELL, KERNEL_TEXT, SampleGraph, SampleRecord, node, story


def columns(told: dict) -> set[int]:
    return {len(column) for column in told["nodes"].values()}


def test_it_is_plain_json_of_the_named_schema() -> None:
    told = document(story())
    assert told["schema"] == SCHEMA
    assert json.loads(json.dumps(told)) == told
    assert len(columns(told)) == 1


def test_every_reference_points_to_a_row() -> None:
    told = document(story())
    (count,) = columns(told)
    rows = range(count)
    for inputs in told["nodes"]["in"]:
        assert all(i in rows for i in inputs)
    for spans in told["nodes"]["spans"]:
        assert all(s < len(told["spans"]) for s in spans)
    for step in told["passes"]:
        for name in ("added", "removed", "rewired"):
            assert all(row in rows for row in step.get(name, ()))
        flat = step.get("picture", {}).get("nodes", [])
        drawn = [row for row in flat[::4] if row >= 0]
        assert len(drawn) == len(set(drawn)) and all(row in rows for row in drawn)
    for kernel in told["kernels"]:
        last = kernel["text"].count("\n") + 1
        assert all(1 <= a <= b <= last for a, b, _ in kernel["lines"])


def test_spans_are_the_text_the_user_typed() -> None:
    told = document(story())
    lines = CELL.splitlines()
    texts = {lines[first - 1][a:b] for _, first, a, _, b in told["spans"]}
    assert {"X @ W", "exp(z)", "grad(loss, [W, b])", "0.5 * gW"} <= texts


def test_a_node_made_by_a_rule_comes_from_what_the_rule_matched() -> None:
    told = document(story())
    lines = [
        told["spans"][s][1] for s in told["nodes"]["spans"][row(told, "logsumexp")]
    ]
    assert 6 in lines  # log(p)


def row(told: dict, label: str) -> int:
    return [told["str"][i] for i in told["nodes"]["label"]].index(label)


def test_a_node_has_one_place_in_before_after_and_both() -> None:
    for step in document(story())["passes"]:
        rows = step.get("picture", {}).get("nodes", [])[::4]
        assert len(rows) == len(set(rows))


def test_missing_parts_are_absent() -> None:
    bare = Story("f", (), (), story().passes[:1])
    told = document(bare)
    assert not {"kernels", "memory", "profile"} & set(told)
    assert document(Story("f", (), (), ()))["passes"] == []


def test_reproducible_documents_have_no_times() -> None:
    told = document(story(reproducible=True))
    assert "ns" not in told["meta"] and "profile" not in told
    assert not any("ns" in step for step in told["passes"])
    assert json.dumps(told) == json.dumps(document(story(reproducible=True)))


def test_kernels_keep_their_text() -> None:
    assert document(story())["kernels"][1]["text"] == KERNEL_TEXT


def test_a_big_graph_is_drawn_near_its_changes() -> None:
    last = node("exp")
    chain = [last]
    for _ in range(2000):
        chain.append(node("neg", chain[-1]))
    new = node("tanh", chain[1200])
    before = SampleGraph((chain[-1],))
    top = new
    origin = {}
    for old in chain[1202:]:
        top = node("neg", top)
        origin[top] = (old,)
    record = SampleRecord("p", before, SampleGraph((top,)), [], 0.0, origin=origin)
    told = document(replace(story(), passes=(record,), kernels=(), decisions=()))
    step = told["passes"][1]
    assert step["counts"][:2] == [1, 1]
    drawn = step["picture"]["nodes"][::4]
    assert step["picture"]["of"] == 2002
    assert len(drawn) <= MOST_ITEMS + 4
    assert {*step["added"], *step["removed"]} <= set(drawn)
