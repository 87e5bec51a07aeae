"""The verifier finds wrong rules, and the weaker promise a rule does keep."""

import mpmath
import numpy as np
import pytest

from symnb.ops import elementwise as el
from symnb.ops.reduce import sum as total
from symnb.optim.exact import exact
from symnb.optim.guard import is_float, nonnegative
from symnb.optim.rule import AXES, KEEP, hole, holes, rule
from symnb.optim.terminate import reason_it_may_loop
from symnb.optim.verify import measure
from tests.optim.graphs import leaf

x, y = holes("x y")
f = hole("f", is_float)
p = hole("p", nonnegative)

WRONG = [
    rule(el.sqrt(x * x), x, "stabler", name="loses_the_sign"),
    rule(f * 0, 0, "rounding", name="nan_times_zero"),
    rule(f + 0.0, f, "bitwise", name="minus_zero_plus_zero"),
    rule(x - x, 0, "bitwise", name="inf_minus_inf"),
    rule(el.exp(x), 1 + x, "rounding", name="first_order"),
    rule(el.log1p(x), el.log(1 + x), "stabler", name="backwards"),
    rule(el.log(x * y), el.log(x) + el.log(y), "rounding", name="both_negative"),
    rule(el.equal(x, x), True, "bitwise", name="nan_is_not_itself"),
    rule(el.abs(-x), x, "bitwise", name="sign"),
    rule(el.maximum(x, y), x, "domain", name="first"),
    rule(total(x * x, AXES, keepdims=KEEP), total(x, AXES, keepdims=KEEP), "rounding",
         name="square_lost"),
    rule((x + y) - y, x, "bitwise", name="rounds"),
    rule(x // y * y, x, "bitwise", name="remainder"),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda rule: rule.name)
def test_a_broken_promise_is_found(wrong) -> None:
    evidence = measure(wrong)
    assert evidence.broken
    assert not evidence.holds


RIGHT = [
    rule(f * 0, 0, "finite_only", name="a"),
    rule(f + 0.0, f, "rounding", name="b"),
    rule(x - x, 0, "finite_only", name="c"),
    rule((f + y) - y, f, "finite_only", name="d"),
    rule(el.sqrt(p * p), p, "domain", name="e"),
    rule(el.log(1 + x), el.log1p(x), "stabler", name="g"),
]


@pytest.mark.parametrize("right", RIGHT, ids=lambda rule: str(rule))
def test_the_promise_that_holds_is_accepted(right) -> None:
    assert measure(right).broken == []


def test_evidence_says_which_side_errs_more() -> None:
    evidence = measure(rule(el.log(1 + x), el.log1p(x), "stabler", name="g"), rounds=4)
    assert evidence.left[1] > 1e3 > evidence.right[1]
    assert "ulp" in str(evidence)


def test_a_rule_that_never_fires_is_told() -> None:
    from symnb.optim.guard import condition

    never = rule(el.exp(x), x, "bitwise", name="n",
                 where=[condition("never", lambda x: False)])  # fmt: skip
    assert measure(never).broken == ["it never fired on its own left side"]


@pytest.mark.parametrize(
    ("looping", "why"),
    [
        (rule(x + y, y + x, "bitwise"), "weighs"),
        (rule(el.exp(x), el.exp(x) * x / x, "bitwise", name="r"), "occurs 3 times"),
        (rule(el.square(x), x * x, "bitwise", name="s"), "occurs 2 times"),
    ],
)
def test_rules_that_may_loop_are_named(looping, why: str) -> None:
    assert why in reason_it_may_loop(looping)


def test_exact_values_see_through_cancellation() -> None:
    v = leaf(2, name="v")
    node = el.log(1 + v)
    got = exact(node, {v: np.array([1e-300, 1e-20])}, flat=True)[0]
    assert [float(z) for z in got] == [1e-300, 1e-20]
    sums = exact(total(el.exp(v)) - total(el.exp(v)), {v: np.array([1.0, 2.0])})[0]
    assert sums.item() == 0
    undefined = exact(el.log(v), {v: np.array([-1.0, 0.0])})[0]
    assert all(mpmath.isnan(z) for z in undefined)
