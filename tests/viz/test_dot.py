"""Graphviz export."""

import re
import shutil
import sys

import pytest

from symnb.core.graph import Graph
from symnb.errors import SymnbError
from symnb.viz import dot_text, render
from tests.viz.expressions import apply, chain, vector


def graph() -> Graph:
    x = vector('a"b\\<i>')
    return Graph([x], [apply("exp", x)], name="f")


def test_the_text_has_every_node_and_edge() -> None:
    text = dot_text(graph())
    assert len(re.findall(r"^  n\d+ \[", text, re.MULTILINE)) == 2
    assert text.count("->") == 2  # x to exp, exp to the result
    assert r'label="a\"b\\<i>' in text


def test_colours_have_six_digits() -> None:
    assert set(map(len, re.findall(r"#[0-9a-fA-F]+", dot_text(graph())))) == {7}


def test_the_same_graph_gives_the_same_text() -> None:
    assert dot_text(graph()) == dot_text(graph())


def test_a_picture_too_big_for_graphviz_is_refused() -> None:
    with pytest.raises(SymnbError, match="inspector"):
        render(chain(2_000))


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(SymnbError, match="pip install graphviz"):
        render(graph())


def test_a_missing_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SymnbError, match="system package"):
        render(graph())


@pytest.mark.skipif(shutil.which("dot") is None, reason="no dot: install graphviz")
def test_graphviz_draws_it() -> None:
    assert b"<svg" in render(graph())
