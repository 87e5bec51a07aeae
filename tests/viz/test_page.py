"""`explain` tells any compile on a page, and says where the rest is."""

import re
from io import StringIO
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.errors import OptimiserError
from symnb.viz.page import page

PAGE, WIDTH = 50, 88


def told(function, *part, **options):
    text = StringIO()
    symnb.explain(function, *part, file=text, **options)
    return text.getvalue()


def fits(text):
    lines = text.splitlines()
    return len(lines) <= PAGE and max(map(len, lines)) <= WIDTH


def made(shape, name):
    values = np.random.default_rng(len(name)).normal(size=shape)
    return symnb.shared(values, name=name)


@pytest.fixture(scope="module")
def adam():
    """A training step of a network with the rule of Adam."""
    x, y = T.matrix("x", dtype="float64"), T.ivector("y")
    sizes = (8, 16, 16, 16, 4)
    weights = [made(pair, f"W{k}") for k, pair in enumerate(pairwise(sizes))]
    biases = [made(size, f"b{k}") for k, size in enumerate(sizes[1:])]
    h = x
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        h = T.tanh(h @ weight + bias)
    e = T.exp(h @ weights[-1] + biases[-1])
    p = e / e.sum(1, keepdims=True)
    loss = -T.log(p)[T.arange(x.shape[0]), y].mean()
    updates = []
    for one in weights + biases:
        m, v = made(one.get_value().shape, "m"), made(one.get_value().shape, "v")
        g = T.grad(loss, one)
        new_m, new_v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = 0.001 * new_m / (T.sqrt(new_v) + 1e-8)
        updates += [(m, new_m), (v, new_v), (one, one - step)]
    return symnb.function([x, y], loss, updates=updates, name="adam")


def long_chain(count):
    x = T.dvector("x")
    y = x
    for k in range(count // 4):
        y = T.log(1 + T.exp(y)) * 1.5 if k % 2 else T.sin(y) - x * k
    with symnb.config.change(device="py"):
        return symnb.function([x], y, name="chain")


def test_a_training_step_is_told_on_a_page(adam):
    text = page(adam)
    assert fits(text)
    flat = " ".join(text.split())
    assert "exp(x) / sum(exp(x)) -> exp(x - max(x)) / sum(exp(x - max(x)))" in text
    assert re.search(r"softmax_shift, line \d+; stabler: exp overflows", flat)
    assert "symnb.explain(adam, full=True)" in flat
    assert "Each call updates m, v, W0, m, v and 19 others." in flat


def test_a_thousand_operations_are_told_on_a_page():
    text = page(long_chain(1000))
    assert fits(text)
    assert "log_one_plus, 125 times, first at line" in text


def test_every_pass_that_fired_has_its_line_with_sizes(adam):
    text = page(adam)
    for record in adam.trace:
        if record.events and record.phase != "gradient":
            after = len(record.after.nodes)
            assert re.search(rf"^  {record.name} .*\b{after}\b", text, re.M)


def test_firings_that_are_not_shown_are_counted(adam):
    text = page(adam)
    left = int(re.search(r"(\d+) firings? not shown", text)[1])
    fired = [record for record in adam.trace if record.phase != "gradient"]
    rules = [e.rule.name for record in fired for e in record.events if e.rule]
    listed = set(re.findall(r"\b([a-z]\w+), (?:\d+ times, first at )?line", text))
    shown = [name for name in rules if name in listed]
    # A rule has its line once; where it fires again it is not shown.
    assert len(rules) - len(shown) <= left < len(rules)


def test_little_is_told_of_little():
    x = T.dvector("x")
    with symnb.config.change(device="py"):
        text = page(symnb.function([x], T.sin(x), name="f"))
    assert "nothing to change" in text
    assert len(text.splitlines()) <= 4
    assert "full=True" not in text


def test_choices_by_cost_are_told_with_their_numbers():
    a, b, v = T.dmatrix("a"), T.dmatrix("b"), T.dvector("v")
    text = " ".join(page(symnb.function([a, b, v], (a @ b) @ v)).split())
    assert re.search(r"order: a @ b @ v: a @ \(b @ v\) \(.* instead of .* multip", text)


def test_a_pass_alone_is_told_whole(adam):
    text = told(adam, "simplify")
    rules = {e.rule.name for e in adam.trace["simplify"].events}
    assert all(name in text for name in rules)
    assert "stabilise" not in text
    assert told(adam, "steps").startswith("It runs ")
    assert "fuse: " in told(adam, "decisions") or "node by node" in told(adam, "steps")
    assert "nothing to change" in told(adam, "linalg")


def test_a_part_that_is_not_there_is_refused_with_those_that_are(adam):
    with pytest.raises(OptimiserError, match=r"'nonsense'.*simplify.*decisions"):
        told(adam, "nonsense")


def test_in_full_every_rule_is_named(adam):
    text = told(adam, full=True)
    rules = {e.rule.name for record in adam.trace for e in record.events if e.rule}
    assert all(name in text for name in rules)


STEPS = [
    lambda x, y: x * y + x,
    lambda x, y: T.log(1 + T.exp(x)) - y,
    lambda x, y: (x * 1 - 0) / T.exp(y),
    lambda x, y: x - y * 2.0 * 3.0,
    lambda x, y: T.exp(x) / T.exp(x).sum() + y.sum(),
]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=40))
def test_any_expression_fits_on_a_page(steps):
    x, y = T.dvector("x"), T.dvector("y")
    e, f = x * 1.0, y
    for step in steps:
        e, f = step(e, f), e
    slope = T.grad((e + f).sum(), x)
    with symnb.config.change(device="py"):
        function = symnb.function([x, y], [e, f, slope])
    assert fits(page(function))
