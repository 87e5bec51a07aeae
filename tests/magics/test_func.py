"""`%%symfunc`: cells become functions; mistakes point at the cell's own line."""

import re

import numpy as np
import pytest

import symnb
from symnb.compile.function import Function
from symnb.errors import CellError, ShapeError, SymbolicError


def test_cell_defines_a_function_under_its_name(notebook) -> None:
    notebook("%%symfunc f(x: f64[n, 3], w: vector)\nz = np.exp(x @ w)\nnp.log(1 + z)")
    f = notebook.names["f"]
    x, w = np.arange(6.0).reshape(2, 3), np.array([0.1, -0.2, 0.3])
    assert isinstance(f, Function)
    np.testing.assert_allclose(f(x, w), np.log(1 + np.exp(x @ w)), rtol=1e-14)


def test_wrt_returns_value_and_gradients(notebook) -> None:
    notebook("%%symfunc f(x: vector, w: vector) --wrt w x\nnp.sum(x * w**2)")
    value, dw, dx = notebook.names["f"]([1.0, 2.0], [3.0, 4.0])
    assert value == 41.0
    np.testing.assert_allclose(dw, [6.0, 16.0])
    np.testing.assert_allclose(dx, [9.0, 16.0])


def test_shared_variables_of_the_notebook_are_trained(notebook) -> None:
    notebook("W = symnb.shared(np.array([1.0, 2.0]), 'W')")
    notebook(
        "%%symfunc step(x: vector)\n"
        "cost = ((x - W) ** 2).sum()\n"
        "g = grad(cost, W)\n"
        "update(W, W - 0.5 * g)\n"
        "cost"
    )
    assert notebook.names["step"]([3.0, 3.0]) == 5.0
    np.testing.assert_allclose(notebook.names["W"].get_value(), [3.0, 3.0])


def test_annotated_functions_of_a_cell(notebook) -> None:
    notebook(
        "%%symfunc\n"
        "def f(x: vector, y: vector):\n    return x * y, x + y\n\n"
        "def g(x: 'f32[n]'):\n    return {'total': x.sum(), 'twice': 2 * x}\n"
    )
    product, total = notebook.names["f"]([1, 2], [3, 4])
    np.testing.assert_array_equal(product, [3, 8])
    np.testing.assert_array_equal(total, [4, 6])
    found = notebook.names["g"](np.float32([1, 2]))
    assert found["total"] == 3.0
    assert found["twice"].dtype == np.float32


def test_values_of_the_notebook_are_constants_listed_with_their_cell(notebook) -> None:
    notebook("k = 3")  # cell 2
    notebook("a = np.ones((2, 2))")  # cell 3
    shown = notebook("%%symfunc f(x: matrix)\nk * x + a")
    assert "k = 3 (cell 2)" in shown
    assert "a = float64[2, 2] (cell 3)" in shown
    notebook("k = 4")
    np.testing.assert_array_equal(notebook.names["f"](np.ones((2, 2))), 4.0)


def test_unknown_name_is_told_at_its_line(notebook) -> None:
    error, text = notebook.fails(
        "%%symfunc f(x: vector)\ny = np.exp(x)\nz = y @ undefined_name"
    )
    assert isinstance(error, NameError)
    assert "Cell In[2], line 3" in text
    assert "----> 3 z = y @ undefined_name" in text
    assert "symnb/tensor" not in text


def test_sizes_that_do_not_fit_are_told_at_their_line(notebook) -> None:
    error, text = notebook.fails("%%symfunc f(x: f64[3], y: f64[4])\na = 1\nx + y")
    assert isinstance(error, ShapeError)
    assert "----> 3 x + y" in text
    assert "(cell 2, line 3)" in str(error)
    assert "f64[3]" in str(error) and "f64[4]" in str(error)
    assert "symnb/ops" not in text


def test_syntax_error_is_told_at_its_line(notebook) -> None:
    error, text = notebook.fails("%%symfunc f(x: vector)\na = 2\nb = (a,\n")
    assert isinstance(error, SyntaxError)
    assert "Cell In[2], line 3" in text


def test_python_branch_on_a_symbol_says_what_to_do(notebook) -> None:
    error, text = notebook.fails("%%symfunc f(x: vector)\nif x.sum() > 0:\n  x = 1\nx")
    assert isinstance(error, SymbolicError)
    assert "T.switch" in str(error)
    assert "----> 2 if x.sum() > 0:" in text


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%%symfunc f(x: vector, y)\nx", "'y' has no type"),
        ("%%symfunc f(x: vectr)\nx", "'vectr'"),
        ("%%symfunc f(x: vector\nx", "never closed"),
        ("%%symfunc f(x: f64[N])\nx", "the size N"),
        ("%%symfunc f(x: vector) --bogus 3\nx", "--bogus"),
        ("%%symfunc f(x: vector) --device gpu\nx", "gpu"),
        ("%%symfunc f(x: vector) --wrt y\nx.sum()", "--wrt y"),
        ("%%symfunc f(x: vector) --wrt x\nx, x", "one scalar"),
        ("%%symfunc 3f(x: vector)\nx", "'3f'"),
        ("%%symfunc\nx = 3", "annotated functions only"),
        ("%%symfunc f(*x: vector)\nx", "named arguments only"),
        ("%%symfunc f(x: vector)\n'text'", "str"),
        ("%%symfunc f(x: vector)\n# nothing\n", "empty"),
        ("%%symfunc f(x: vector)\nupdate(3, x)\nx", "shared"),
        ('%%symfunc f(x: vector) --name "f\nx', "quotation"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_short_error(notebook, cell, told) -> None:
    error, text = notebook.fails(cell)
    assert isinstance(error, CellError)
    assert told in str(error)
    assert len(str(error).splitlines()) <= 15
    assert "symnb/magics" not in text
    # nothing is lost
    notebook("%%symfunc g(x: vector)\nx + 1")
    np.testing.assert_array_equal(notebook.names["g"]([1.0]), [2.0])


def test_failed_cell_keeps_the_earlier_function(notebook) -> None:
    notebook("%%symfunc f(x: vector)\nx + 1")
    notebook.fails("%%symfunc f(x: vector)\nx + nonsense")
    np.testing.assert_array_equal(notebook.names["f"]([1.0]), [2.0])


def test_error_of_a_call_shows_the_users_lines_only(notebook) -> None:
    notebook("%%symfunc f(x: f64[n, 3])\nx")
    _, text = notebook.fails("def run():\n    return f(np.ones(2))\nrun()")
    assert "----> 2     return f(np.ones(2))" in text
    assert "symnb/compile" not in text
    assert "cell 2, line 1" in text  # where the argument was written


def test_nodes_know_their_place_in_the_cell(notebook) -> None:
    notebook("%%symfunc f(x: f64[n, 3], w: vector) --wrt w\ny = x @ w\nnp.exp(y).sum()")
    graph = notebook.names["f"].graph
    places = {str(node.site) for node in graph.nodes}
    assert places == {"cell 2, line 1", "cell 2, line 2", "cell 2, line 3"}
    [exp] = [node for node in graph.nodes if node.op.name == "exp"]
    assert exp.site.text == "np.exp(y)"
    assert [x.site.text for x in graph.inputs] == ["x: f64[n, 3]", "w: vector"]


def test_names_of_the_body_name_the_nodes(notebook) -> None:
    notebook("%%symfunc f(x: vector)\nz = np.exp(x)\nz.sum()")
    assert notebook.names["f"].graph.nodes[0].name == "z"


def test_quiet_shows_nothing(notebook) -> None:
    assert notebook("%%symfunc f(x: vector) -q\nx + 1") == ""


def test_plain_text_is_a_summary_without_addresses_or_times(notebook) -> None:
    with symnb.config.change(reproducible=True):
        first = notebook("%%symfunc f(x: f64[n, 3], w: vector)\n(x @ w).sum()")
        again = notebook("%%symfunc f(x: f64[n, 3], w: vector)\n(x @ w).sum()")
    assert first == again
    assert "f(x: f64[n, 3], w: f64[" in first
    assert not re.search(r"0x[0-9a-f]{6,}", first)


def test_display_offers_text_and_html_and_escapes_names(notebook) -> None:
    from symnb.magics.func import bundle

    notebook("tag = 2")
    notebook("%%symfunc f(x: vector)\nx * tag")
    function = notebook.names["f"]
    function.captured = {"<b>": 2}
    shown = bundle(function)
    assert set(shown) == {"text/plain", "text/html"}
    assert "&lt;b&gt; = 2" in shown["text/html"]


def test_default_values_of_arguments(notebook) -> None:
    notebook("rate = 0.5")
    notebook("%%symfunc f(x: vector, k: scalar = 2, r: scalar = rate)\nk * x - r")
    np.testing.assert_allclose(notebook.names["f"]([1.0]), [1.5])
    np.testing.assert_allclose(notebook.names["f"]([1.0], r=0), [2.0])


def test_braces_in_the_line_are_left_alone(notebook) -> None:
    notebook("n = 5")
    notebook("%%symfunc f(x: f64['m']) --name g\nx")
    assert notebook.names["g"].name == "g"


def test_device_option_chooses_for_one_cell(notebook) -> None:
    notebook("%%symfunc f(x: vector) --device py\nx + 1")
    assert type(notebook.names["f"]).__name__ == "ReferenceFunction"
    assert symnb.config.device == "py"


@pytest.mark.cc
def test_cell_compiles_to_c(notebook) -> None:
    notebook("%%symfunc f(x: vector) --device c\nnp.exp(x).sum()")
    assert "exp(" in notebook.names["f"].source("c")
    assert notebook.names["f"]([0.0, 0.0]) == 2.0


def test_functions_of_a_cell_call_the_ones_before_them(notebook) -> None:
    notebook(
        "%%symfunc\n"
        "def doubled(x: vector):\n    return x + x\n\n"
        "def total(x: vector):\n    return doubled(x=x).sum()\n"
    )
    assert notebook.names["total"]([3.0, 4.0]) == 14.0
    np.testing.assert_array_equal(notebook.names["doubled"]([3.0]), [6.0])


@pytest.mark.parametrize("body", ["y = x + 1", "x + 1\ny = 2", "None"])
def test_a_body_without_a_result_is_told_so(notebook, body) -> None:
    error, _ = notebook.fails(f"%%symfunc f(x: vector)\n{body}")
    assert isinstance(error, CellError)
    assert "f returns nothing and updates nothing" in str(error)


def test_a_body_may_end_with_updates(notebook) -> None:
    notebook("s = symnb.shared(1.0, 's')")
    notebook("%%symfunc add(x: scalar)\nupdate(s, s + x)")
    notebook.names["add"](2.0)
    assert notebook.names["s"].get_value() == 3.0


def test_item_assignment_to_a_shared_variable_says_to_update_it(notebook) -> None:
    notebook("u = symnb.shared(np.zeros(3), 'u')")
    error, shown = notebook.fails(
        "%%symfunc f(x: scalar)\nv = u * 2\nu[0] += x\nu.sum() + v.sum()"
    )
    assert isinstance(error, CellError)
    assert "update(u, inc_subtensor(u[...], value))" in str(error)
    assert "----> 3 u[0] += x" in shown
    np.testing.assert_array_equal(notebook.names["u"].get_value(), np.zeros(3))


def test_item_assignment_to_an_array_of_the_notebook_leaves_it_alone(notebook) -> None:
    notebook("a = np.zeros(3)")
    notebook("%%symfunc f(x: scalar)\na[0] = 1\na[1] = x\na[2] += 2 * x\na * 1.0")
    np.testing.assert_array_equal(notebook.names["f"](5.0), [1.0, 5.0, 10.0])
    np.testing.assert_array_equal(notebook.names["a"], np.zeros(3))
