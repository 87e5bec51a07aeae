"""The family of line magics: each shows what its Python twin returns."""

import numpy as np
import pytest

import symnb
from symnb.errors import CellError

CELL = "%%symfunc f(x: vector, y: vector)\nz = np.log(1 + np.exp(x))\n(z * y).sum()"


@pytest.fixture
def f(notebook):
    notebook(CELL)
    return notebook.names["f"]


def test_symgraph_shows_the_optimised_graph_by_default(notebook, f) -> None:
    shown = notebook.value("%symgraph")
    assert shown.value is f.optimised
    assert "softplus" in repr(shown)


def test_symgraph_shows_the_graph_of_a_pass_or_as_written(notebook, f) -> None:
    merged = notebook.value("%symgraph f -p merge --text")
    assert merged.value is f.trace["merge"].after
    assert "text/html" not in merged._repr_mimebundle_()
    assert notebook.value("%symgraph f -p written").value is f.graph
    assert notebook.value("%symgraph f -p 0").value is f.trace[0].after
    error, _ = notebook.fails("%symgraph f -p nonsense")
    assert "merge" in str(error)


def test_symgraph_draws_a_picture(notebook, f) -> None:
    html = notebook.value("%symgraph f -p written")._repr_mimebundle_()["text/html"]
    assert html.startswith('<img alt="f: as written"')
    assert "data:image/svg+xml;base64," in html


def test_symgraph_of_a_tensor_is_its_tree(notebook) -> None:
    notebook("import symnb.tensor as T\na = T.exp(T.vector('v'))")
    assert "exp" in repr(notebook.value("%symgraph a"))


def test_sympasses_lists_passes_and_firings(notebook, f) -> None:
    shown = notebook.value("t = %sympasses f -a\nt")
    assert shown.value is f.trace
    assert "softplus" in repr(shown)
    assert "cell 2, line 2" in repr(shown)
    only = repr(notebook.value("%sympasses --rule merge*"))
    assert "softplus" not in only
    assert "no rule matching" in repr(notebook.value("%sympasses --rule nonsense"))


def test_symexplain_tells_the_story_on_a_page_or_a_part_of_it(notebook, f) -> None:
    page = notebook.value("%symexplain")
    assert "log1p" in page.value and "explain(f, full=True)" in page.value
    assert len(repr(page).splitlines()) <= 50
    part = notebook.value("%symexplain f -p stabilise")
    assert repr(part).startswith("stabilise: ")
    assert len(repr(notebook.value("%symexplain f --full"))) > len(repr(part))
    error, _ = notebook.fails("%symexplain f -p nonsense")
    assert "stabilise" in str(error)


@pytest.mark.cc
def test_symsource_shows_the_c_text(notebook) -> None:
    notebook("symnb.config.device = 'c'")
    notebook(CELL)
    f = notebook.names["f"]
    assert notebook.value("%symsource").value == f.source("c")
    [kernel] = f.program.kernels
    assert notebook.value(f"%symsource f -k {kernel.name}").value == kernel.source
    assert notebook.value("%symsource -k 0").value == kernel.source
    assert "int" in notebook.value("%symsource")._repr_mimebundle_()["text/html"]
    error, _ = notebook.fails("%symsource -k nonsense")
    assert kernel.name in str(error)


def test_symsource_without_c_says_so(notebook, f) -> None:
    error, _ = notebook.fails("%symsource f")
    assert isinstance(error, CellError)
    assert "reference" in str(error)


@pytest.mark.cc
def test_symprofile_calls_and_times(notebook) -> None:
    notebook("symnb.config.device = 'c'")
    notebook(CELL)
    f = notebook.names["f"]
    notebook("a = np.linspace(0, 1, 50)")
    profile = notebook.value("%symprofile f(a, y=a) -n 7")
    assert profile.calls == 7
    assert profile.total_ns > 0
    assert sum(step.share for step in profile.steps) == pytest.approx(1)
    assert not f.profiling
    error, _ = notebook.fails("%symprofile f(a, a) -n 0")
    assert isinstance(error, CellError)


@pytest.mark.cc
def test_symprofile_shows_the_limits_of_the_machine(notebook) -> None:
    notebook("symnb.config.device = 'c'")
    notebook(CELL)
    notebook("a = np.linspace(0, 1, 50)")
    with symnb.config.change(reproducible=True):
        shown = notebook.value("%symprofile f(a, y=a) --limits -n 5")
    assert shown.profile.calls == 5
    lines = repr(shown).splitlines()
    assert "memory 10 GB/s" in lines[0]
    assert "GFLOP/s  limit" in lines[1]
    assert len(lines) == 2 + len(shown.profile.steps)


@pytest.mark.cc
def test_symmemory_lists_every_buffer(notebook) -> None:
    notebook("symnb.config.device = 'c'")
    notebook(CELL)
    shown = notebook.value("%symmemory")
    plan = notebook.names["f"].program.plan
    assert repr(shown).count("\n") >= len(plan.rows)
    assert "argument 0" in repr(shown)


def test_symcheck_reports_the_error_of_every_pass(notebook, f) -> None:
    report = notebook.value("%symcheck f(np.linspace(-50, 50, 9), np.ones(9))")
    assert report.ok
    assert {row.name for row in report.rows} >= {"merge", "compiled"}
    bundle = report._repr_mimebundle_()
    assert "every pass within its contract" in bundle["text/plain"]
    assert '"tab":"check"' in bundle["text/html"]
    error, _ = notebook.fails("%symcheck f")
    assert "f(x, y)" in str(error)


def test_symcheck_looks_at_each_firing_of_a_pass(notebook, f) -> None:
    call = "%symcheck f(np.linspace(-5, 5, 9), np.ones(9)) --firings "
    report = notebook.value(call + "stabilise")
    (name,) = report.known_firings
    assert name == "stabilise" and len(report.firings(name)) > 0
    assert all(row.name in str(report) for row in report.firings(name))
    error, _ = notebook.fails(call + "nonsense")
    assert "no pass 'nonsense'" in str(error)


def test_symrules_lists_rules_by_name_and_tag(notebook) -> None:
    shown = notebook.value("%symrules *log1p*")
    assert shown.value
    assert all("log1p" in rule.name for rule in shown.value)
    assert "why:" in repr(notebook.value("%symrules *log1p* --doc"))
    everything = notebook.value("%symrules")
    assert len(repr(everything).splitlines()) == len(everything.value) > 50
    error, _ = notebook.fails("%symrules nonsense")
    assert "nonsense" in str(error)


def test_symnb_shows_and_sets_options(notebook) -> None:
    with symnb.config.change(floatX="float64", threads=1):
        assert notebook.value("%symnb floatX=float32 threads").value == {
            "floatX": "float32",
            "threads": 1,
        }
        assert symnb.config.floatX == "float32"
        error, _ = notebook.fails("%symnb floatX=float16")
        assert "float16" in str(error)
        error, _ = notebook.fails("%symnb threads=many")
        assert isinstance(error, CellError)
        error, _ = notebook.fails("%symnb nonsense")
        assert "floatX" in str(error)
        assert "floatX" in repr(notebook.value("%symnb"))


def test_last_function_compiled_is_the_default(notebook, f) -> None:
    notebook("g = symnb.function([], symnb.tensor.constant(1.0))")
    assert notebook.value("%sympasses").value is notebook.names["g"].trace
    notebook(CELL)
    assert notebook.value("%sympasses").value is notebook.names["f"].trace


@pytest.mark.parametrize(
    "line",
    ["%symgraph nonsense", "%sympasses 3 + 4", "%symsource np", "%symmemory f.",
     "%symprofile nonsense(3)", "%symcheck f(", "%symgraph --nonsense"],
)  # fmt: skip
def test_a_wrong_line_is_a_real_short_error(notebook, f, line) -> None:
    error, text = notebook.fails(line)
    assert isinstance(error, CellError)
    assert len(str(error).splitlines()) <= 15
    assert "symnb/magics" not in text


def test_no_function_yet_says_what_to_do(notebook) -> None:
    error, _ = notebook.fails("%sympasses")
    assert "%%symfunc" in str(error)


def test_arguments_of_a_line_are_values_of_the_notebook(notebook, f) -> None:
    notebook("def run():\n    u = np.ones(2)\n    %symcheck f(u, u)\n    return 1")
    notebook("u = np.ones(2)")
    assert notebook.value("%symcheck f(u, y=u)").ok
    np.testing.assert_array_equal(notebook.names["u"], 1)


def test_a_semicolon_silences_the_output(notebook, f) -> None:
    assert notebook("%sympasses f;") == ""
    assert "merge" in notebook("%sympasses f")
