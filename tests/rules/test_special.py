"""Where rules hold back, and values that only their right sides have."""

import mpmath
import numpy as np
import pytest

from symnb.core.dims import symbol
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.elementwise import exp, log, where
from symnb.ops.reduce import prod
from symnb.ops.reduce import sum as total
from symnb.ops.special import iv, kv
from symnb.optim.optimiser import rewrite_graph

n = symbol("n", 0)


def leaf(*shape, dtype="float64", name="x") -> Node:
    return Input(TensorType(dtype, shape), name)


def count(op, *roots) -> int:
    """How many nodes of an op are left after the pipeline."""
    return Graph((), tuple(rewrite_graph(list(roots)))).ops().count(op.name)


x, y = leaf(4), leaf(4, name="y")


def test_exponentials_of_a_row_and_a_column_stay_apart() -> None:
    row, column = leaf(1, 400, name="row"), leaf(300, 1, name="column")
    assert count(exp, exp(row) * exp(column)) == 2


def test_exponentials_read_elsewhere_stay_apart() -> None:
    assert count(exp, exp(x) * exp(y), exp(x), exp(y)) == 2
    assert count(exp, exp(x) * exp(y), exp(x)) == 2
    assert count(exp, exp(x) * exp(y)) == 1


def test_exponentials_whose_factors_overflow_have_a_product() -> None:
    made = rewrite_graph(exp(x) * exp(y))
    given = {x: np.array([800.0, -800, 1, 0]), y: np.array([-800.0, 800, 1, 2])}
    np.testing.assert_allclose(made.eval(given), np.exp([0, 0, 2, 2]), rtol=1e-14)


@pytest.mark.parametrize("exponent", [3, 7, 31, 100, -4, -9])
def test_powers_by_squaring_are_within_as_many_ulp(exponent: int) -> None:
    made = rewrite_graph(x**exponent)
    assert "pow" not in Graph((), (made,)).ops()
    values = np.array([1.1, 0.9, -1.3, 2.7])
    got = made.eval({x: values})
    for value, result in zip(values, got, strict=True):
        truth = mpmath.mpf(float(value)) ** exponent
        error = abs(float((truth - float(result)) / float(np.spacing(abs(result)))))
        assert error <= abs(exponent)


def test_a_sum_keeps_its_factor_outside() -> None:
    s, c = leaf(name="s"), leaf(4, dtype="bool", name="c")
    made = rewrite_graph(total(where(c, 0.0, x) * s))
    assert made.op.name == "mul"
    assert made.ndim == 0


def test_a_count_that_float32_cannot_hold_is_no_exponent() -> None:
    """(-1)**n has another sign when n is rounded to an even number."""
    m, s = leaf(n, dtype="float32", name="m"), leaf(dtype="float32", name="s")
    assert "pow" not in Graph((), (rewrite_graph(prod(m * s)),)).ops()
    wide, t = leaf(n, name="wide"), leaf(name="t")
    assert "pow" in Graph((), (rewrite_graph(prod(wide * t)),)).ops()


@pytest.mark.parametrize("bessel", [iv, kv], ids=["iv", "kv"])
def test_logarithms_of_bessel_functions_far_out(bessel) -> None:
    order, point = leaf(name="v"), leaf(name="p")
    exact = mpmath.besseli if bessel is iv else mpmath.besselk
    made = rewrite_graph(log(bessel(order, point)))
    for v, p in ((0.0, 800.0), (2.5, 2000.0), (1.0, 0.25)):
        want = float(mpmath.log(exact(v, p)))
        got = made.eval({order: np.float64(v), point: np.float64(p)})
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_a_logarithm_of_a_product_neither_overflows_nor_vanishes() -> None:
    m = leaf(3, 300, name="m")
    made = rewrite_graph(log(prod(exp(m), 1)))
    values = np.linspace(-900, 900, 900).reshape(3, 300)
    want = values.sum(1)
    np.testing.assert_allclose(made.eval({m: values}), want, rtol=1e-12, atol=1e-9)
