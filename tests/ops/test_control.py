"""ifelse, Print, Assert and CheckAndRaise: values, gradients, what they refuse."""

import numpy as np
import pytest

from symnb.compile.function import function
from symnb.core.graph import Graph
from symnb.core.node import Input
from symnb.core.text import parse
from symnb.core.types import TensorType
from symnb.errors import AssertionFailed, RankError
from symnb.ops import control
from tests.ops.structure import agrees, check_derivatives, pullback, tensor, value

x, y = np.array([1.0, np.nan, 3.0]), np.array([-1.0, 2.0, np.inf])
flag = Input(TensorType("bool", ()), "c")


@pytest.mark.parametrize("c", [True, False])
def test_ifelse_is_one_of_its_sides(c) -> None:
    agrees(control.ifelse, lambda c, a, b: a if c else b, np.array(c), x, y)
    agrees(
        lambda c, a, b: control.ifelse(c, [a, b], [b, a])[1],
        lambda c, a, b: b if c else a, np.array(2.0 * c), x, y,
    )  # fmt: skip


def test_ifelse_sends_the_gradient_to_the_side_taken() -> None:
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for c in (0.0, 1.0):
        check_derivatives(lambda u, v, c=c: control.ifelse(c, u * u, v**3), a, b)
    zero = np.zeros(2)
    inputs = [tensor(zero, "a"), tensor(zero, "b")]
    chosen = control.ifelse(flag, inputs[0], 1 / inputs[1])
    g = tensor(zero, "g")
    gradient = pullback(chosen, g, inputs)[1]
    found = value(gradient, [flag, *inputs, g], [np.True_, zero, zero, zero + 1])
    assert not found[np.isfinite(found)].any()


def test_ifelse_needs_a_scalar_condition_and_matching_sides() -> None:
    with pytest.raises(RankError, match="scalar"):
        control.ifelse(tensor(x), 1.0, 2.0)
    with pytest.raises(RankError, match="between"):
        control.ifelse(flag, tensor(x), 1.0)
    with pytest.raises(RankError, match="as many"):
        control.ifelse(flag, [1.0, 2.0], [1.0])


def test_print_prints_when_computed(capsys) -> None:
    a = tensor(x)
    node = control.Print("h is", attrs=("shape", "sum", "__str__"))(a)
    assert capsys.readouterr().out == ""
    np.testing.assert_array_equal(value(node, [a], [x]), x)
    assert capsys.readouterr().out == (
        "h is shape = (3,)\nh is sum = nan\nh is __str__ = [ 1. nan  3.]\n"
    )


def test_every_print_is_its_own() -> None:
    a = tensor(x)
    assert control.Print("a")(a).params != control.Print("a")(a).params


def test_print_takes_no_function() -> None:
    with pytest.raises(TypeError, match="attributes"):
        control.Print("a", global_fn=print)


def test_assert_lets_through_or_raises() -> None:
    a = tensor(x)
    node = control.Assert("x is small")(a, a.shape[0] < 4, a > 0)
    good = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(value(node, [a], [good]), good)
    for bad in (-good, np.ones(5), x):
        with pytest.raises(AssertionFailed, match="x is small"):
            value(node, [a], [bad])
    with pytest.raises(AssertionError):
        value(control.assert_op(a, False), [a], [x])


def test_an_assert_of_what_is_known_costs_nothing() -> None:
    a = tensor(x)
    assert control.Assert()(a, True, np.ones(3)) is a


def test_check_and_raise_raises_what_it_is_told() -> None:
    a = tensor(x)
    node = control.CheckAndRaise(IndexError, "too far")(a, a.shape[0] < 2)
    with pytest.raises(IndexError, match="too far"):
        value(node, [a], [x])
    check_derivatives(lambda a: control.Assert()(a**2, a > 0), np.array([1.0, 2.0]))

    class Own(Exception):
        pass

    with pytest.raises(TypeError, match="built-in"):
        control.CheckAndRaise(Own)


def test_effects_are_read_back_from_text() -> None:
    a = tensor(x)
    effects = control.Print('"h"\n')(control.Assert("it's")(a, a < 9))
    graph = Graph([a], [effects])
    assert graph.digest == parse(graph.text()).digest


@pytest.mark.cc
def test_effects_and_choices_compiled(capfd) -> None:
    a, c = tensor(y, "a"), Input(TensorType("bool", ()), "c")
    checked = control.CheckAndRaise(ValueError, "negative")(a, a >= 0)
    f = function([a, c], control.Print("a")(control.ifelse(c, checked * 2, a)))
    good = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(f(good, True), 2 * good)
    np.testing.assert_array_equal(f(good, False), good)
    assert capfd.readouterr().out.count("a __str__ = [") == 2
    with pytest.raises(ValueError, match="negative"):
        f(-good, True)
    np.testing.assert_array_equal(f(good, True), 2 * good)
