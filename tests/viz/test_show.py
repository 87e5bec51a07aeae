"""What a notebook shows of real functions, and what is written to files."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from symnb.compile.function import Function, function
from symnb.core.shared import shared
from symnb.core.site import Source, sources
from symnb.gradient import grad
from symnb.options import config
from symnb.viz import mimebundle, save, trace_document
from tests.viz.expressions import apply, vector

pytestmark = pytest.mark.cc
CELL = "p = e / e.sum()\nloss = -(log(p) * y).sum()\n"


@pytest.fixture(scope="module")
def step() -> Function:
    """A small training step, compiled; its expressions typed in a cell."""
    sources.register(Source("<cell 7>", "cell 7", CELL))
    x, y = vector("x"), vector("y")
    w = shared(np.ones(()), "w")
    names = {
        "e": apply("exp", apply("mul", x, w)),
        "y": y,
        "log": lambda p: apply("log", p),
    }
    exec(compile(CELL, "<cell 7>", "exec"), names)
    loss = names["loss"]
    loss.name = "loss"
    return function([x, y], [loss], updates=[(w, w - 0.5 * grad(loss, w))], name="step")


def test_a_function_shows_exactly_text_and_html(step: Function) -> None:
    bundle = step._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"].startswith("step(x: f64[n], y: f64[n]) -> loss")
    assert "updates w" in bundle["text/plain"]


def test_a_node_shows_text_and_a_formula() -> None:
    x = vector("x")
    bundle = mimebundle(apply("exp", x))
    assert bundle == {
        "text/plain": "exp(x) : f64[n]",
        "text/latex": r"$\displaystyle e^{x}$",
    }


def test_the_trace_is_the_one_of_the_function(step: Function) -> None:
    told = trace_document(step)
    phases = [p["phase"] for p in told["passes"]]
    assert phases == sorted(phases, key=["gradient", "graph", "kernels"].index)
    written = next(p for p in told["passes"] if p["name"] == "as written")
    shown = [p for p in told["passes"] if p is not written and p["phase"] != "kernels"]
    assert [p["name"] for p in shown] == [record.name for record in step.trace]
    for record, row in zip(step.trace, shown, strict=True):
        assert row["fired"] == len(record.events)
        added, removed, _, merged = row["counts"]
        before, after = row["nodes"]
        assert after == before + added - removed - merged
    assert written["nodes"][0] == len(step.graph)
    assert told["summary"]["nodes"][1] == len(step.optimised)


def test_every_optimised_op_belongs_to_one_kernel(step: Function) -> None:
    told = trace_document(step)
    homes = [row for kernel in told["kernels"] for row in kernel["nodes"]]
    kinds = [told["str"][i] for i in told["nodes"]["kind"]]
    flat = told["passes"][-1]["picture"]["nodes"][::4]
    alive = {row for row in flat if row >= 0 and kinds[row] == "op"}
    assert alive <= set(homes)


def test_spans_name_the_cell_and_its_columns(step: Function) -> None:
    told = trace_document(step)
    assert told["sources"][0] == {"name": "cell 7", "first": 1, "text": CELL[:-1]}
    lines = CELL.splitlines()
    texts = {lines[a - 1][c:d] for s, a, c, b, d in told["spans"] if s == 0 and a == b}
    assert {"e / e.sum()", "log(p) * y"} <= texts


def test_no_path_of_the_machine_is_shown(step: Function) -> None:
    assert str(Path(__file__).parent) not in json.dumps(trace_document(step))


def test_a_profile_appears_after_profiled_calls(step: Function) -> None:
    step.profiling = True
    try:
        for _ in range(5):
            step(np.ones(8), np.ones(8))
    finally:
        step.profiling = False
    profile = trace_document(step)["profile"]
    assert profile["calls"] == 5
    assert profile["call_ns"] > 0
    inside = sum(ns for _, ns, _ in profile["steps"])
    assert inside <= profile["call_ns"] + len(profile["steps"])
    shared = sum(ns for _, ns in profile["nodes"])  # steps that only copy have none
    assert 0 < shared <= inside + len(profile["nodes"])


def test_reproducible_output_is_the_same_twice(step: Function) -> None:
    with config.change(reproducible=True):
        assert mimebundle(step) == mimebundle(step)
        assert "ms" not in mimebundle(step)["text/plain"].split()


def test_the_memory_plan_has_every_argument_and_result(step: Function) -> None:
    rows = trace_document(step)["memory"]["rows"]
    roles = {(row["name"], row["role"]) for row in rows}
    assert {("x", "input"), ("y", "input"), ("loss", "result")} <= roles
    assert ("w", "shared") in roles and ("w", "update") in roles


@pytest.mark.parametrize("ending", ["html", "svg", "json", "dot", "txt"])
def test_files_are_written_by_their_ending(
    step: Function, tmp_path: Path, ending: str
) -> None:
    text = save(step, tmp_path / f"step.{ending}").read_text("utf-8")
    if ending == "svg":
        ElementTree.fromstring(text)
    if ending == "json":
        assert json.loads(text)["schema"] == "symnb.trace/1"
    assert "step" in text


def test_an_unknown_ending_is_told(step: Function, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.html"):
        save(step, tmp_path / "step.xyz")
    assert not (tmp_path / "step.xyz").exists()


def test_the_live_inspector_follows_the_function(step: Function) -> None:
    pytest.importorskip("anywidget")
    from symnb.viz.live import live

    widget = live(step)
    assert repr(widget) == "<inspector of step>"
    widget.document = {}
    widget.refresh()
    assert widget.document["meta"]["name"] == "step"
    assert "export default" in widget._esm


def test_a_function_without_passes_shows_what_runs() -> None:
    x = vector("x")
    f = function([x], apply("exp", x) + 1, name="f", mode="None")
    told = trace_document(f)
    assert [p["name"] for p in told["passes"]] == ["as written", "fuse"]
    assert "compiled" in told["summary"] and "<img" in mimebundle(f)["text/html"]
