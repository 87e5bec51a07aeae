"""The story in words names what the trace holds."""

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
    assert max(map(len, text.splitlines())) <= 80


def test_the_steps_are_told_in_order(step):
    text = tell(step)
    if step.program.steps:
        places = [text.index(f"{s.kind} {s.name}") for s in step.program.steps]
        assert places[0] < places[-1]
    else:
        assert "NumPy" in text


def test_explain_prints_it(step, capsys):
    symnb.explain(step)
    assert capsys.readouterr().out.strip() == tell(step).strip()
