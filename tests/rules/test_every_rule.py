"""Every rule of the pipeline: it keeps its word, it ends, it sees through disguises.

`tests` finds the rules; a new rule needs nothing here. What is compared is the rule's
own left and right side, by NumPy and over the reals (mpmath).
"""

import numpy as np
import pytest

from symnb.core.evaluate import evaluate
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.core.walk import order
from symnb.gradient import grad
from symnb.ops.reduce import sum as total
from symnb.optim.pipeline import FULL, GRADIENT
from symnb.optim.rule import Rule
from symnb.optim.samples import sample
from symnb.optim.terminate import amount, reason_it_may_loop
from symnb.optim.verify import disguised, fire_once, instances, measure
from symnb.options import config

RULES = FULL.rules
TERMINATING = [
    rule
    for rule in RULES
    if any(
        p.rules is not None and p.rules.kind == "terminating" and rule in p.rules.rules
        for p in FULL
    )
]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


@every_rule
def test_rule_keeps_its_word(rule: Rule) -> None:
    evidence = measure(rule, rounds=1)
    assert evidence.fired
    assert evidence.broken == []


@pytest.mark.slow
@every_rule
def test_rule_keeps_its_word_on_many_samples(rule: Rule) -> None:
    for seed in range(3):
        assert measure(rule, rounds=8, seed=seed).broken == []


@pytest.mark.parametrize("rule", TERMINATING, ids=lambda rule: rule.name)
def test_rule_cannot_loop(rule: Rule) -> None:
    assert reason_it_may_loop(rule) == ""
    if rule.build is None:
        return
    for left in rule.examples() if rule.examples is not None else ():
        right = fire_once(rule, left)
        assert right is not None, f"does not fire on {left!r}"
        assert amount(right, rule.decreases, True) < amount(left, rule.decreases)


@every_rule
def test_rule_sees_through_casts_and_broadcasts(rule: Rule) -> None:
    for left in disguised(rule, np.random.default_rng(1)):
        right = fire_once(rule, left)
        assert right is not None, f"does not fire on {left!r} of {left.inputs}"
        assert right.type == left.type


@every_rule
def test_rule_says_what_it_is(rule: Rule) -> None:
    assert " -> " in str(rule)
    assert rule.lhs_text and rule.rhs_text
    assert rule.file.endswith(".py") and rule.line > 0
    assert rule.build is None or rule.examples is not None


def test_names_are_unique() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))


@every_rule
def test_gradients_of_both_sides_agree(rule: Rule) -> None:
    """d sum(w * side) by reverse mode, w random, at tame points."""
    if "after_gradient" in rule.tags:
        assert rule not in GRADIENT.rules
        return
    rng = np.random.default_rng(7)
    for instance in instances(rule, rng):
        if instance.dtype != "float64" or instance.left.dtype != "float64":
            continue
        if any(node.op.name == "gemm" for node in order([instance.right])):
            continue  # made after differentiation
        _compare_gradients(instance.left, instance.right, rng, rule)
        return


def _compare_gradients(left: Node, right: Node, rng, rule: Rule) -> None:
    leaves = [n for n in order([left, right]) if isinstance(n, Input)]
    leaves = [n for n in leaves if n.dtype.startswith("float")]
    if not leaves:
        return
    values = sample(leaves, rng, special=False)
    weight = rng.uniform(0.5, 1.5, [int(n) for n in left.type.shape])
    sides = []
    with config.change(stabilise_gradients=False):
        for side in (left, right):
            cost = total(side * weight)
            found = grad(cost, leaves, disconnected_inputs="ignore")
            sides.append(evaluate(list(found), values))
    value = evaluate([left], values)[0]
    for a, b in zip(*sides, strict=True):
        defined = np.isfinite(a) & np.isfinite(b)
        if value.shape == a.shape:
            defined &= np.isfinite(value)
        size = np.abs(a[defined]).max(initial=1.0)
        if rule.contract.name == "stabler" and len(leaves) == 1:
            size_of = np.abs(values[leaves[0]])
            defined &= (size_of > 1e-3) & (size_of < 20)
        np.testing.assert_allclose(
            a[defined], b[defined], rtol=1e-5, atol=1e-5 * min(size, 1e3)
        )


def test_a_slope_that_differs_is_found() -> None:
    x = Input(TensorType("float64", (64,)), "x")
    with pytest.raises(AssertionError):
        _compare_gradients(x * x, x * 2, np.random.default_rng(0), RULES[0])
