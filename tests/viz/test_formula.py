"""A rule as LaTeX says what its text says, and is mathematics."""

import pytest
from latex2mathml.converter import convert

import symnb.tensor as T
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import holes, rule
from symnb.viz import rule_latex
from symnb.viz.formula import written

RULES = {r.name: r for r in PIPELINE.rules}


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("log_one_plus", r"\log\left(1 + x\right) \;\to\; "
                         r"\operatorname{log1p}\left(x\right)"),
        ("add_neg", r"x + \left(-y\right) \;\to\; x - y"),
        ("collect_factors", r"a \, \left(b \, x\right) \;\to\; a \, b \, x"),
        ("slice_slice", r"x[a:b][c:d] \;\to\; x[e:f]"),
    ],
)  # fmt: skip
def test_small_rules(name, latex):
    assert rule_latex(RULES[name]) == latex


def test_every_rule_is_mathematics():
    for name, one in RULES.items():
        text = rule_latex(one)
        assert text.count("{") == text.count("}"), name
        assert r"\to" in text and "<math" in convert(text), name


def test_both_sides_of_a_rule_differ():
    for name, one in RULES.items():
        left, right = rule_latex(one).split(r"\quad")[0].split(r" \;\to\; ")
        same = left == right
        assert not same or name in ("pow_minus_one", "div_to_reciprocal"), (name, left)


def test_a_condition_and_words_are_kept():
    text = rule_latex(RULES["log_softmax"])
    assert r"\text{, x less its maximum}" in text
    assert r"\text{where x is less its maximum}" in text
    assert written("its value") == r"\text{its value}"


def test_a_rule_of_ones_own_is_shown_as_mathematics():
    x, y = holes("x y")
    mine = rule(T.exp(x) * T.exp(y), T.exp(x + y), "rounding", name="mine")
    bundle = mine._repr_mimebundle_()
    assert bundle["text/latex"] == (r"$\displaystyle e^{x} \, e^{y} \;\to\; e^{x + y}$")
    assert "mine" in bundle["text/plain"]
