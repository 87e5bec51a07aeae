"""Text views: each node once, exact small texts, linear size for big graphs."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.core.graph import Graph
from symnb.core.shared import shared
from symnb.viz import dprint, pp, tree_text
from symnb.viz.infix import BUDGET
from symnb.viz.labels import clip, type_text
from symnb.viz.measure import mono_width, text_width
from symnb.viz.text import table_text
from tests.viz.expressions import apply, chain, number, vector


def test_the_tree_prints_a_shared_node_once() -> None:
    x, y = vector("x"), vector("y")
    e = apply("exp", x)
    assert tree_text(apply("true_div", e, apply("add", e, y))) == (
        "%2 true_div : f64[n]\n"
        "├─ %0 exp : f64[n]\n"
        "│  └─ x : f64[n]\n"
        "└─ %1 add : f64[n]\n"
        "   ├─ %0 exp (above)\n"
        "   └─ y : f64[n]"
    )


def test_a_graph_s_results_and_updates_are_named() -> None:
    x = vector("x")
    text = tree_text(Graph([x], [apply("exp", x), apply("neg", x)]))
    assert [line for line in text.splitlines() if not line.startswith("└")] == [
        "out 0: %0 exp : f64[n]",
        "out 1: %1 neg : f64[n]",
    ]


def test_a_deep_chain_is_continued_at_the_margin() -> None:
    y = x = vector("x")
    for _ in range(10_000):
        y = apply("exp", y)
    lines = tree_text(y).splitlines()
    assert max(len(line) for line in lines) < 120
    assert sum("(below)" not in line for line in lines) == 10_001
    assert x.name in lines[-1]


def test_many_paths_print_in_linear_size() -> None:
    assert len(tree_text(chain(2_000))) < 400 * 2_000


def test_dprint_writes_to_a_stream_or_gives_the_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    x = vector("x")
    assert dprint(x) is None
    assert capsys.readouterr().out == "x : f64[n]\n"
    stream = io.StringIO()
    dprint(x, file=stream)
    assert stream.getvalue() == "x : f64[n]\n"
    assert dprint(x, file="str") == "x : f64[n]"


def test_lines_limits_the_tree_and_says_what_is_left() -> None:
    text = tree_text(chain(50), lines=5)
    assert len(text.splitlines()) == 6
    assert "more lines" in text


def test_infix_has_parentheses_where_python_needs_them() -> None:
    x, y, z = vector("x"), vector("y"), vector("z")
    product = apply("mul", apply("add", x, y), z)
    assert pp(product) == "(x + y) * z"
    assert pp(apply("sub", x, apply("sub", y, z))) == "x - (y - z)"
    assert pp(apply("sub", apply("sub", x, y), z)) == "x - y - z"
    assert pp(apply("pow", apply("pow", x, y), z)) == "(x ** y) ** z"
    assert pp(apply("neg", apply("pow", x, y))) == "-x ** y"
    assert pp(apply("exp", product)) == "exp((x + y) * z)"
    assert pp(apply("mul", x, number(-2.0))) == "x * -2."


@given(st.integers(0, 300))
def test_infix_stays_within_its_budget(length: int) -> None:
    assert len(pp(chain(length))) <= BUDGET


def test_tables_are_aligned() -> None:
    rows = [["pass", "n"], ["merge", "10"], ["a", "7"]]
    assert table_text(rows) == "pass    n\nmerge  10\na       7"


@given(st.text(), st.integers(1, 40))
def test_clipped_texts_are_one_short_line(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert len(clipped) <= limit
    assert clipped.isprintable()


@given(st.text(min_size=1), st.text(min_size=1))
def test_widths_add_up(a: str, b: str) -> None:
    for width in (text_width, mono_width):
        assert width(a, 110) > 0
        assert 0 <= width(a, 110) + width(b, 110) - width(a + b, 110) <= 1


def test_a_common_size_of_two_that_print_alike_is_printed_once() -> None:
    w = shared(np.ones((2, 3)), name="w")
    b = shared(np.ones(3), name="b")
    total = w + b  # two sizes, both 3 now
    assert type_text(total) == "f64[2, 3]"
