"""What a check found and what a pass did to the text, as the inspector shows them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.optim.passes import apply
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import holes, rule, ruleset
from symnb.viz.changes import Change
from symnb.viz.document import story_rules
from symnb.viz.findings import text_lines, ulp_text
from symnb.viz.html import static_html
from symnb.viz.show import check_document, mimebundle, trace_document
from symnb.viz.story import story_of

DATA = np.linspace(-1, 1, 9)


@pytest.fixture(scope="module")
def wave():
    """A function compiled with one wrong rule: sin(x) -> x."""
    [x] = holes("x")
    wrong = ruleset("planted", [rule(T.sin(x), x, "rounding", name="sin_is_x")])
    a = T.dvector("a")
    mode = PIPELINE.after("simplify", apply(wrong, "planted"))
    return symnb.function([a], T.sin(a * 1.0) + T.exp(a) * 1.0, mode=mode, name="wave")


@pytest.fixture(scope="module")
def report(wave):
    return wave.check([DATA])


def named(told, name):
    return next(p for p in told["passes"] if p["name"] == name)


def test_one_pass_is_marked_and_what_follows_is_not_blamed(wave, report):
    told = trace_document(wave)
    states = {p["name"]: p["check"]["state"] for p in told["passes"] if "check" in p}
    assert states["planted"] == "bad" and states["simplify"] == "ok"
    assert [name for name, state in states.items() if state == "bad"] == ["planted"]
    assert told["passes"][-1]["check"]["state"] == "late"
    assert named(told, "planted")["check"]["text"] == ulp_text(report["planted"].after)
    assert json.loads(json.dumps(told)) == told


def test_the_row_names_the_firing_and_the_element(wave, report):
    row = next(r for r in trace_document(wave)["check"]["rows"] if not r["ok"])
    assert row["rule"] == "sin_is_x" and row["event"] == 1
    assert row["worst"] == "out[0] is -0.6321206, should be -0.4735915"


def test_a_failed_check_is_told_before_the_page_is_opened(wave, report):
    told = trace_document(wave)
    assert ["! planted failed", "bad.b"] in told["summary"]["facts"]
    text = static_html(told)
    assert "! FAILED" in text and "sin_is_x" in text and "-0.4735915" in text


def test_a_report_opens_at_the_firing_that_broke_it(wave, report):
    told = check_document(report)
    start = told["meta"]["start"]
    assert told["passes"][start["pass"]]["name"] == "planted"
    assert (start["event"], start["tab"], start["open"]) == (1, "rule", True)
    bundle = mimebundle(report)
    assert bundle["text/plain"] == str(report)
    assert '"start":{' in bundle["text/html"]


def test_a_good_report_opens_at_the_check():
    x = T.dvector("x")
    good = symnb.function([x], T.exp(x) * 1).check([DATA])
    told = check_document(good)
    assert told["meta"]["start"]["tab"] == "check"
    assert {p["check"]["state"] for p in told["passes"] if "check" in p} == {"ok"}
    assert "every pass within its contract" in static_html(told)


def test_firings_that_were_looked_at_are_told(wave):
    report = wave.check([DATA])
    rows = report.firings("simplify")
    told = next(
        r for r in trace_document(wave)["check"]["rows"] if r["name"] == "simplify"
    )
    assert [name for name, *_ in told["firings"]] == [row.name for row in rows]


def test_evidence_is_told_where_it_is_known(wave):
    told = trace_document(wave)
    rules = {one["name"]: one for one in told["rules"]}
    shown = rules["mul_one"]["evidence"]  # from the file that comes with the package
    assert shown["samples"] == shown["same"] > 100  # x * 1 is x, bit for bit
    assert "evidence" not in rules["sin_is_x"]
    measured = SimpleNamespace(samples=9, same=4, left=(1.0, 8.25), right=(0.5, 1.0))
    told = trace_document(wave, evidence=lambda rule: measured)
    assert told["rules"][0]["evidence"] == {
        "samples": 9, "same": 4, "left": [1.0, 8.25], "right": [0.5, 1.0],
    }  # fmt: skip
    names = [one["name"] for one in told["rules"]]
    assert names == [one.name for one in story_rules(story_of(wave))]
    assert r"\to" in told["rules"][0]["latex"]


def test_the_live_page_asks_for_evidence_and_for_firings(wave):
    pytest.importorskip("anywidget")
    from symnb.viz.live import live

    wave.check([DATA])
    widget = live(wave)
    names = [one["name"] for one in widget.document["rules"]]
    at = names.index("sin_is_x")
    widget.answer({"evidence": at})
    shown = widget.document["rules"][at]["evidence"]
    assert shown["right"][1] > 1e12 > shown["left"][1]  # x is no sine of x
    widget.answer({"firings": "simplify"})
    rows = widget.document["check"]["rows"]
    assert [len(r["firings"]) for r in rows if "firings" in r]


def change(**parts):
    """A change of the rows 0 to 4."""
    given = {
        "before": [0, 1, 2, 3], "after": [0, 4, 3], "added": [4], "removed": [1, 2],
        "rewired": [3], "merged": {},
        "inputs_before": {0: [], 1: [0], 2: [1], 3: [2]},
        "inputs_after": {0: [], 4: [0], 3: [4]},
    }  # fmt: skip
    return Change(**(given | parts))


def test_the_text_of_a_pass_has_old_and_new_lines():
    assert text_lines(change()) == [
        [" ", 0, []], ["+", 4, [0]], ["-", 1, [0]], ["-", 2, [1]], ["-", 3, [2]],
        ["+", 3, [4]],
    ]  # fmt: skip


def test_a_long_text_is_told_near_its_changes():
    rows = list(range(100))
    inputs = {row: [row - 1] if row else [] for row in rows}
    long = change(
        before=rows, after=rows, added=[], removed=[], rewired=[50],
        inputs_before=inputs, inputs_after=inputs | {50: [48]},
    )  # fmt: skip
    marks = [(mark, row) for mark, row, _ in text_lines(long)]
    assert marks == [
        ("…", -1), (" ", 49), ("-", 50), ("+", 50), (" ", 51), ("…", -1),
    ]  # fmt: skip


def test_every_changed_row_is_in_the_text_of_a_real_pass(wave):
    for step in trace_document(wave)["passes"]:
        lines = step.get("text", [])
        for name, mark in (("added", "+"), ("removed", "-"), ("rewired", "+")):
            rows = {row for m, row, _ in lines if m == mark}
            assert set(step.get(name, ())) <= rows


def test_passes_of_many_gradients_that_did_the_same_are_one_row():
    x, w, b = T.dmatrix("x"), T.dvector("w"), T.dscalar("b")
    cost = T.log(1 + T.exp(x @ w + b)).sum()
    f = symnb.function([x, w, b], [T.grad(cost, w), T.grad(cost, b)], name="f")
    told = [p for p in trace_document(f)["passes"] if p["phase"] == "gradient"]
    names = [p["name"] for p in told]
    assert names == list(dict.fromkeys(names))
    assert [p["times"] for p in told] == [2] * len(told)
    assert len([r for r in f.trace if r.phase == "gradient"]) == 2 * len(told)
