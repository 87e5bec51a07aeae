"""Pictures in a row say what they show, in a page and in a terminal."""

import base64
import re

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.viz import gallery, trace_document


@pytest.fixture(scope="module")
def f():
    x = T.dvector("x")
    return symnb.function([x], T.exp(x) * T.exp(x) * 1.0, name="f")


def test_captions_and_numbers_stand_beside_the_pictures(f):
    shown = gallery(("typed", f, "as written"), ("merged", f, "merge"), ("run", f))
    lines = repr(shown).splitlines()
    assert [line.split()[0] for line in lines] == ["typed", "merged", "run"]
    assert (
        "6 nodes" in lines[0]
        and "6 → 5 nodes" in lines[1]
        and "1 step, 0 bytes" in lines[2]
    )
    html = shown._repr_html_()
    assert html.count("<img") == 3 and 'alt="f: merged"' in html
    assert "<script" not in html and "<svg" not in html


def test_captions_cannot_become_markup(f):
    html = gallery(("<i>", f))._repr_html_()
    assert "<i>" not in html and "&lt;i&gt;" in html


def test_bytes_between_steps_are_told():
    A = T.tensor("float64", (10, 10), "A")
    g = symnb.function([A], T.tanh(A @ A) @ A, name="g")
    assert "3 steps, 800 bytes between steps" in repr(gallery(("g", g)))
    shown = gallery(("g", g, "memory"))
    assert repr(shown) == "g  800 bytes between steps"
    data = re.search(r"base64,([^\"]*)", shown._repr_html_()).group(1)
    plan = base64.b64decode(data).decode()
    rows = trace_document(g)["memory"]["rows"]
    assert plan.count('height="15"') == sum(len(row["spans"]) for row in rows)
    assert np.isfinite(g(np.eye(10))).all()


def test_a_pass_without_a_picture_is_told(f):
    with pytest.raises(KeyError, match="no picture of 'blas'; there are"):
        gallery(("f", f, "blas"))
