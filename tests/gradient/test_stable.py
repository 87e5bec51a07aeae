"""Naive formulas far out: right values and right gradients, against mpmath.

The forward graph is stabilised before it is differentiated, whatever the mode, so
gradients are held to their value in every mode; values in the modes that stabilise.
Truth: mpmath with 420 digits, derivatives by differences with a step of 1e-60.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import pytest

import symnb
import symnb.tensor as T

MODES = ("FAST_RUN", "FAST_COMPILE", "strict", "None")
STABILISING = ("FAST_RUN",)
DIGITS = 420  # exp(-800) beside 1
STEP = mpmath.mpf(10) ** -60
ULP = 64


@dataclass(frozen=True)
class Case:
    """A formula as one types it, its function over the reals, where to try it.

    term  the largest term of the derivative where that is a difference: 1 - tanh**2
    """

    name: str
    typed: Any
    real: Any
    points: tuple[float, ...]
    term: float = 0.0


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


TAILS = (-800.0, -40.0, -1.0, 0.0, 1.0, 30.0, 800.0)
CASES = [
    Case("log sigmoid", lambda x: T.log(T.sigmoid(x)),
         lambda x: mpmath.log(sigmoid(x)), TAILS),
    Case("log sigmoid, spelled", lambda x: T.log(1 / (1 + T.exp(-x))),
         lambda x: mpmath.log(sigmoid(x)), TAILS),
    Case("log(1 - sigmoid)", lambda x: T.log(1 - T.sigmoid(x)),
         lambda x: mpmath.log(1 - sigmoid(x)), TAILS),
    Case("softplus, spelled", lambda x: T.log(1 + T.exp(x)),
         lambda x: mpmath.log1p(mpmath.exp(x)), TAILS),
    Case("log(exp + exp)", lambda x: T.log(T.exp(x) + T.exp(-x)),
         lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(-x)), (-800.0, 0.5, 800.0)),
    Case("log(1 - exp)", lambda x: T.log(1 - T.exp(x)),
         lambda x: mpmath.log(-mpmath.expm1(x)), (-1e-17, -1e-9, -0.5, -40.0, -80.0)),
    Case("log erfc", lambda x: T.log(T.erfc(x)),
         lambda x: mpmath.log(mpmath.erfc(x)), (-30.0, 0.0, 1.0, 5.0, 27.0, 30.0)),
    Case("log(1 - erf)", lambda x: T.log(1 - T.erf(x)),
         lambda x: mpmath.log(mpmath.erfc(x)), (-3.0, 0.5, 5.0, 30.0)),
    Case("log of a normal probability", lambda x: T.log(0.5 * T.erfc(-x)),
         lambda x: mpmath.log(mpmath.erfc(-x) / 2), (-40.0, -3.0, 0.25)),
    Case("log cosh", lambda x: T.log(T.cosh(x)),
         lambda x: mpmath.log(mpmath.cosh(x)), (-800.0, -1.5, 1e-9, 0.75, 800.0)),
    Case("sqrt of a square", lambda x: T.sqrt(x**2), abs, (-1e-25, -3.0, 2.0, 1e25)),
    Case("exp over one plus exp", lambda x: T.exp(x) / (1 + T.exp(x)), sigmoid,
         (-800.0, -1.0, 0.0, 40.0, 800.0), 1.0),
    Case("tanh by exponentials",
         lambda x: (T.exp(x) - T.exp(-x)) / (T.exp(x) + T.exp(-x)), mpmath.tanh,
         (-800.0, -8.0, -1e-9, 1e-9, 0.5, 800.0), 1.0),
    Case("x log x", lambda x: x * T.log(x), lambda x: x * mpmath.log(x),
         (1e-30, 1e-3, 1.0, 1e10)),
    Case("(1 - x) log(1 - x)", lambda x: (1 - x) * T.log(1 - x),
         lambda x: (1 - x) * mpmath.log(1 - x), (1e-9, 0.25, 0.75)),
    Case("exp minus one", lambda x: T.exp(x) - 1, mpmath.expm1, (-40.0, -1e-9, 1e-9),
         1.0),
]  # fmt: skip


@lru_cache
def exact(case, dtype):
    """Values and derivatives over the reals."""
    points = np.array(case.points, dtype)
    with mpmath.workdps(DIGITS):
        at = [mpmath.mpf(float(p)) for p in points]
        values = [mpmath.re(case.real(p)) for p in at]
        slopes = [mpmath.diff(case.real, p, h=STEP * (abs(p) or 1)) for p in at]
        return (
            np.array([float(v) for v in values], np.longdouble),
            np.array([float(mpmath.re(s)) for s in slopes], np.longdouble),
        )


def close(got, want, dtype, term=0.0):
    """Finite, and within ULP ulp of the value or of the largest term it is made of."""
    limits = np.finfo(dtype)
    size = np.maximum(np.abs(want), max(term, float(limits.tiny)))
    assert np.isfinite(got).all(), got
    error = np.abs(got.astype(np.longdouble) - want)
    assert (error <= ULP * limits.eps * size).all(), (got, want, error / size)


@pytest.mark.parametrize("device", ["c", "py"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_and_gradients_are_right_far_out(case, dtype, device):
    points = np.array(case.points, dtype)
    values, slopes = exact(case, dtype)
    x = T.vector("x", dtype=dtype)
    value = case.typed(x)
    slope = T.grad(value.sum(), x)
    with symnb.config.change(device=device):
        for mode in ("strict", "None") if device == "py" else ("FAST_RUN",):
            f = symnb.function([x], [value, slope], mode=mode)
            with np.errstate(all="ignore"):
                got, got_slope = f(points)
            if mode in STABILISING:
                close(got, values, dtype)
            close(got_slope, slopes, dtype, case.term)


# ---------------------------------------------------------------- losses of many logits

LOGITS = np.array([[1000.0, 0.0, -1000.0], [-1000.0, 999.0, 1000.0], [3.0, 1.0, 2.0]])
LABELS = np.array([0, 1, 2])


def cross_entropy():
    """Mean loss and its gradient over the reals, hand-worked: (softmax - 1[y]) / n."""
    with mpmath.workdps(DIGITS):
        loss, slope = mpmath.mpf(0), np.zeros(LOGITS.shape)
        for i, (row, label) in enumerate(zip(LOGITS.tolist(), LABELS, strict=True)):
            powers = [mpmath.exp(v) for v in row]
            total = mpmath.fsum(powers)
            loss -= mpmath.log(powers[label] / total)
            for j, power in enumerate(powers):
                slope[i, j] = float(power / total - (j == label))
        return float(loss) / len(LABELS), slope / len(LABELS)


def picked(p, y):
    return -T.log(p)[T.arange(p.shape[0]), y].mean()


def picked_first(p, y):
    return -T.log(p[T.arange(p.shape[0]), y]).mean()


def one_hot(p, y):
    return -(T.eq(y[:, None], T.arange(3)) * T.log(p)).sum(axis=1).mean()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", [picked, picked_first, one_hot])
def test_naive_cross_entropy_at_logits_of_1000(loss, dtype, mode):
    m, y = T.matrix("m", dtype=dtype), T.lvector("y")
    p = T.exp(m) / T.exp(m).sum(axis=1, keepdims=True)
    cost = loss(p, y)
    f = symnb.function([m, y], [cost, T.grad(cost, m)], mode=mode)
    with np.errstate(all="ignore"):
        got, slope = f(LOGITS.astype(dtype), LABELS)
    want, slopes = cross_entropy()
    if mode in STABILISING:
        close(got, np.longdouble(want), dtype)
    close(slope, slopes.astype(np.longdouble), dtype, term=1.0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_log_of_a_sum_of_exponentials(axis, mode):
    m = T.dmatrix("m")
    cost = T.log(T.exp(m).sum(axis=axis)).sum()
    f = symnb.function([m], [cost, T.grad(cost, m)], mode=mode)
    with np.errstate(all="ignore"):
        got, slope = f(LOGITS)
    top = LOGITS.max(axis=axis, keepdims=True)
    powers = np.exp((LOGITS - top).astype(np.longdouble))
    total = powers.sum(axis=axis, keepdims=True)
    if mode in STABILISING:
        close(got, (np.log(total) + top).sum(), "float64")
    close(slope, powers / total, "float64", term=1.0)


@pytest.mark.parametrize("mode", MODES)
def test_the_slope_of_an_absolute_value_by_its_square_is_zero_at_zero(mode):
    x = T.dvector("x")
    f = symnb.function([x], T.grad(T.sqrt(x**2).sum(), x), mode=mode)
    np.testing.assert_array_equal(f(np.array([-2.0, 0.0, 3.0])), [-1, 0, 1])


def test_the_side_not_taken_adds_nothing():
    x, w = T.dvector("x"), T.dvector("w")
    cost = (w * T.where(x > 0, T.log(x), 0.0)).sum()
    f = symnb.function([x, w], T.grad(cost, x))
    with np.errstate(all="ignore"):
        got = f(np.array([-1.0, 0.0, 2.0]), np.array([3.0, 3.0, 3.0]))
    np.testing.assert_array_equal(got, [0, 0, 1.5])


def test_the_side_not_taken_adds_nothing_without_a_weight_either():
    x = T.dvector("x")
    cost = T.where(x > 0, T.log(x), 0.0).sum()
    f = symnb.function([x], T.grad(cost, x))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f(np.array([-1.0, 0.0, 2.0])), [0, 0, 0.5])


@pytest.mark.parametrize("weighted", [False, True])
def test_mixtures_far_from_their_means(weighted):
    x, w = T.dmatrix("x"), T.dvector("w")
    cost = T.log((w * T.exp(x)).sum(1)) if weighted else T.log(T.exp(x).mean(1))
    f = symnb.function([x, w], [cost, T.grad(cost.sum(), x)], on_unused_input="ignore")
    points = np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -3000.0]])
    weights = np.array([0.2, 0.3, 0.5]) if weighted else np.full(3, 1 / 3)
    got, slope = f(points, weights)
    want = [
        mpmath.fsum(weights[i] * mpmath.exp(v) for i, v in enumerate(row))
        for row in points
    ]
    close(got, [float(mpmath.log(total)) for total in want], "float64")
    parts = [
        [float(weights[i] * mpmath.exp(v) / total) for i, v in enumerate(row)]
        for row, total in zip(points, want, strict=True)
    ]
    close(slope, parts, "float64", term=1.0)


def test_a_weight_of_zero_does_not_choose_the_shift():
    x, w = T.dvector("x"), T.dvector("w")
    f = symnb.function([x, w], T.log((w * T.exp(x)).sum()))
    assert f(np.array([700.0, -100.0]), np.array([0.0, 1.0])) == pytest.approx(-100)
