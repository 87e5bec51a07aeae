"""The story in words names what the trace holds."""

import re

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.viz.narrative import tell


@pytest.fixture(params=["c", "py"])
def step(request):
    x = T.dmatrix("x")
    w = symnb.shared(np.ones((3, 2)), name="w")
    e = T.exp(x @ w)
    cost = -T.log(e / e.sum(axis=1, keepdims=True))[:, 0].mean()
    with symnb.config.change(device=request.param):
        return symnb.function(
            [x], cost, updates=[(w, w - T.grad(cost, w))], name="step"
        )


def test_every_pass_that_changed_something_is_told(step):
    text = tell(step)
    assert text.startswith("step was written with")
    assert "updates w" in text
    for record in step.trace:
        assert (f"\n{record.name}" in text) == bool(
            record.events
        ) or record.name in text
    names = {e.rule.name for r in step.trace for e in r.events if e.rule}
    assert sum(name in text for name in names) >= len(names) // 2
    assert max(map(len, text.splitlines())) <= 88


def test_the_steps_are_told_in_order(step):
    text = tell(step)
    if step.program.steps:
        places = [text.index(f" {s.name}: ") for s in step.program.steps]
        assert places[0] < places[-1]
    else:
        assert "NumPy" in text


def test_explain_in_full_prints_it(step, capsys):
    symnb.explain(step, full=True)
    assert capsys.readouterr().out.strip() == tell(step).strip()


def told_of(results, inputs, **options):
    return tell(symnb.function(inputs, results, name="f", **options))


def test_what_a_pass_did_is_counted_and_explained(step):
    text = tell(step)
    flat = " ".join(text.split())
    assert re.search(r"shift of the gradient: .* 9 added, 3 removed, 1 rewired", flat)
    assert "stabler: exp overflows above 709" in text


def test_the_same_pass_of_two_gradients_is_told_once():
    x, w, b = T.dmatrix("x"), T.dvector("w"), T.dscalar("b")
    cost = T.log(1 + T.exp(x @ w + b)).sum()
    text = told_of([T.grad(cost, w), T.grad(cost, b)], [x, w, b])
    assert text.count("stabilise of 2 gradients: ") == 1
    assert "of the gradient" not in text


def test_nothing_to_do_is_told():
    x = T.dvector("x")
    text = told_of(T.sin(x), [x])
    assert "The optimiser found nothing to change." in " ".join(text.split())
    assert "1 operation; 1 is left" in text
    assert "\n\n\n" not in text


def test_decisions_of_the_machine_are_not_in_reproducible_output():
    x = T.dvector("x")
    with symnb.config.change(reproducible=True):
        assert "threads" not in told_of(T.sin(x), [x])


def test_a_check_is_told(step):
    rng = np.random.default_rng(0)
    step.check([rng.normal(size=(4, 3))])
    assert "Checked on float64[4, 3]: every pass kept its contract." in tell(step)
