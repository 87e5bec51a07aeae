"""`f.check` and `f.bisect` find a rule that is wrong, and only that."""

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.optim.passes import apply
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import holes, rule, ruleset
from symnb.optim.user import RULES

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
    assert "every pass within its contract" in str(report)


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


def test_a_failed_pass_names_the_firing_and_the_worst_element():
    f = planted()
    data = np.array([0.0, 0.01, 1.0])
    report = f.check([data])
    row = report["planted"]
    assert row.contract == "rounding" and row.after > row.allowed
    assert row.culprit.event.rule.name == "sin_is_x" and row.culprit.number == 1
    assert row.worst.index == (2,)
    assert row.worst.exact == pytest.approx(np.sin(1) + np.e)
    assert row.worst.value == pytest.approx(1 + np.e)
    text = str(report)
    assert "FAILED" in text and "sin_is_x" in text and "out[2] is 3.7" in text
    assert report["simplify"].ok and f.last_check is report


def test_a_rule_that_claims_to_move_no_bit_is_held_to_it():
    [x] = holes("x")
    nearly = ruleset(
        "planted", [rule(T.exp(x), T.expm1(x) + 1, "bitwise", name="nearly")]
    )
    a = T.dvector("a")
    f = symnb.function(
        [a], T.exp(a), mode=PIPELINE.after("simplify", apply(nearly, "planted"))
    )
    report = f.check([RNG.normal(size=100)])
    assert report["planted"].moved > 10 and not report.ok
    assert report["planted"].after < 4  # it is not wrong, but it broke its word
    assert "elements moved" in str(report)


def test_each_firing_can_be_looked_at():
    f = planted()
    rows = f.check([RNG.normal(size=10)]).firings("simplify")
    assert len(rows) == len(f.trace["simplify"].events) > 1
    assert {row.name for row in rows} <= {r.name for r in PIPELINE.rules}
    assert all(row.ok for row in rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stabilised_form_may_have_a_value_where_the_written_one_has_none(dtype):
    x = T.vector("x", dtype=dtype)
    e = T.exp(x)
    f = symnb.function([x], e / e.sum())
    top = np.array([1e3, 0, -1e3] if dtype == "float32" else [5e4, 0, -5e4], dtype)
    report = f.check([top])
    assert report.ok
    # exp(1e3) is a number in extended precision, exp(5e4) is none anywhere
    assert report.missing == (0 if dtype == "float32" else 1)
    assert ("not judged" in str(report)) == (dtype == "float64")


def test_bisection_finds_nothing_where_all_is_right():
    x = T.dvector("x")
    f = symnb.function([x], T.exp(x) * 1 + 0)
    assert f.bisect([RNG.normal(size=4)]).event is None


# ----------------------------------------------------------- before differentiation


def test_a_wrong_rule_before_differentiation_is_found():
    """Both sides of the compile have its slope, so only the forward graph tells."""
    symnb.rule("sin(x) -> x", name="sine_is_x", register=True, check=False, once=True)
    try:
        x = T.dvector("x")
        slope = T.grad(T.sin(x * 2.0).sum(), x)
    finally:
        RULES.remove("sine_is_x")
    f = symnb.function([x], slope)
    report = f.check([np.array([0.1, 1.0, 2.0])])
    assert not report.ok
    assert report.failed.label == "user once (gradient)"
    assert report.failed.culprit.event.rule.name == "sine_is_x"
    assert "user once (gradient)" in str(report)


def test_passes_before_differentiation_are_judged_once_for_equal_gradients():
    x, w, b = T.dmatrix("x"), T.dvector("w"), T.dscalar("b")
    cost = T.log(1 + T.exp(x @ w + b)).sum()
    f = symnb.function([x, w, b], [T.grad(cost, w), T.grad(cost, b)])
    report = f.check([RNG.normal(size=(3, 2)) * 900, np.ones(2), 0.5])
    labels = [row.label for row in report.rows if row.phase == "gradient"]
    assert labels == ["stabilise (gradient)"]
    assert report.ok and report["stabilise (gradient)"].after < 1


def test_a_gradient_of_what_was_given_is_left_out():
    x, y = T.dvector("x"), T.dvector("y")
    slope = T.grad(T.log(1 + T.exp(x)).sum(), x)
    f = symnb.function([y], slope, givens={x: 2 * y})
    report = f.check([np.array([0.5, -3.0])])
    assert report.ok
    assert all(row.phase == "graph" for row in report.rows)
