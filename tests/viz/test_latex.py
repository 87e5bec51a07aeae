"""LaTeX: exact small formulas, balanced braces, linear size."""

import re

import pytest
from latex2mathml.converter import convert

from symnb.core.graph import Graph
from symnb.ops.logic import where
from symnb.viz import latex_text
from tests.viz.expressions import OPS, apply, chain, vector

ELEMENTWISE = sorted(name for name, op in OPS.items() if op.latex)


def test_small_formulas() -> None:
    x, y = vector("x"), vector("alpha_1")
    total = apply("add", x, y)
    assert latex_text(total) == r"x + \alpha_{1}"
    assert latex_text(apply("true_div", total, x)) == r"\frac{x + \alpha_{1}}{x}"
    assert latex_text(apply("exp", total)) == r"e^{x + \alpha_{1}}"
    assert latex_text(apply("mul", total, x)) == r"\left(x + \alpha_{1}\right) \, x"
    assert latex_text(apply("square", total)) == r"\left(x + \alpha_{1}\right)^2"
    assert latex_text(apply("tanh", total)) == r"\tanh\left(x + \alpha_{1}\right)"


def test_a_shared_part_is_named_and_written_once() -> None:
    x, y = vector("x"), vector("y")
    part = apply("tanh", apply("add", x, y))
    text = latex_text(apply("mul", part, apply("exp", part)))
    assert text.count(r"\tanh") == 1
    assert text.startswith(r"\begin{aligned}")
    assert "t_{1} &=" in text


def test_a_choice_keeps_its_columns() -> None:
    x = vector("x")
    formula = latex_text(Graph([x], [where(x > 0, x, 1)]))
    assert r"x & \text{if } " in formula
    assert formula.startswith(r"\begin{cases}")


def test_results_are_named() -> None:
    x = vector("x")
    loss = apply("exp", x)
    loss.name = "loss"
    assert latex_text(Graph([x], [loss])) == r"\mathrm{loss} = e^{x}"


def test_ten_thousand_nodes_stay_short() -> None:
    text = latex_text(chain(5_000))
    assert len(text) < 20_000
    assert "more parts" in text


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_form_is_mathematics(name: str) -> None:
    op = OPS[name]
    operands = [vector(chr(ord("p") + i)) for i in range(op.arity or 1)]
    if name in ("logical_and", "logical_or", "logical_xor", "logical_not"):
        operands = [apply("isnan", x) for x in operands]
    if name == "where":
        operands[0] = apply("isnan", operands[0])
    text = latex_text(op(*operands))
    assert text.count("{") == text.count("}")
    assert not re.search(r"\{[a-z]+\}\s*=", text)
    for operand in "pqrs"[: op.arity]:
        assert operand in text
    assert "<math" in convert(text)


def test_names_are_escaped() -> None:
    text = latex_text(apply("exp", vector("50%_{x}$")))
    assert r"50\%" in text and r"\$" in text
