"""`f.check` and `f.bisect` find a rule that is wrong, and only that."""

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.optim.passes import apply
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import holes, rule, ruleset

RNG = np.random.default_rng(5)


@pytest.fixture(params=["c", "py"], autouse=True)
def device(request):
    with symnb.config.change(device=request.param):
        yield request.param


def test_right_passes_are_within_bounds():
    x = T.dmatrix("x")
    f = symnb.function([x], T.log(T.exp(x).sum(axis=1)) + T.sqrt(x * x).sum())
    report = f.check([RNG.normal(size=(4, 5))])
    assert report.ok
    assert [row.name for row in report.rows][-1] == "compiled"
    assert report["compiled"].after < 100
    assert "within bounds" in str(report)


def test_float32_is_compared_with_float64():
    x = T.fvector("x")
    f = symnb.function([x], (T.exp(x) * 3).sum())
    data = RNG.normal(size=1000).astype("float32")
    wide = (np.exp(data.astype("float64")) * 3).sum()
    error = abs(float(f(data)) - wide) / np.spacing(np.float32(wide))
    exact = float(f(data)) == np.float32(wide)  # then it could not be better
    assert f.check([data])["compiled"].after == pytest.approx(0 if exact else error)


def test_state_is_as_before_after_a_check():
    s, x = symnb.shared(np.ones(3), name="s"), T.dvector("x")
    f = symnb.function([x], s * x, updates=[(s, s + x)])
    f.check([np.ones(3)])
    np.testing.assert_array_equal(s.get_value(), np.ones(3))


def planted():
    """A function compiled with one wrong rule: sin(x) -> x."""
    [x] = holes("x")
    wrong = ruleset(
        "planted",
        [rule(T.sin(x), x, "rounding", "wrong on purpose", name="sin_is_x")],
    )
    pipeline = PIPELINE.after("simplify", apply(wrong, "planted"))
    a = T.dvector("a")
    return symnb.function([a], T.sin(a * 1.0) + T.exp(a) * 1.0, mode=pipeline)


def test_a_planted_wrong_rule_is_found_by_both():
    f = planted()
    data = RNG.normal(size=10)
    report = f.check([data])
    assert not report.ok
    assert next(row.name for row in report.rows if not row.ok) == "planted"
    culprit = f.bisect([data])
    assert culprit.event.rule.name == "sin_is_x"
    assert culprit.pass_name == "planted"
    assert "sin_is_x" in str(culprit)


def test_bisection_finds_nothing_where_all_is_right():
    x = T.dvector("x")
    f = symnb.function([x], T.exp(x) * 1 + 0)
    assert f.bisect([RNG.normal(size=4)]).event is None
