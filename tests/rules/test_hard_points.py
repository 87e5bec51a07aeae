"""Forms as people type them, at the points where they lose their digits.

Values and slopes of what the compiler makes of them, against mpmath. The slope is that
of the stabilised form, so it is tested where the written one is 0/0 or cancels.
"""

import mpmath as mp
import numpy as np
import pytest

import symnb
import symnb.tensor as T

ULP = 10.0  # of the value; of the slope unless a form says otherwise
SMALL = [1e-300, 1e-30, 1e-20, 1e-12, 1e-8, 1e-5, 1e-3, 0.1, 0.5, 0.9]
MIDDLE = [1.0, 1.5, 2.0, 5.0, 10.0, 20.0]
LARGE = [30.0, 40.0, 100.0, 300.0]
HUGE = [600.0, 710.0, 800.0, 1e4]


def both(points):
    return [-p for p in reversed(points)] + points


REAL = both(SMALL + MIDDLE + LARGE)
LINE = both(SMALL + MIDDLE + LARGE + HUGE)
RAY = SMALL + MIDDLE + LARGE + HUGE
FAR = [*RAY, 1e10, 1e16, 1e20, 1e100, 1e200]


def square(x):
    return x * x


# name: (as typed, by mpmath, points, ulp of the slope or None where it is not asked)
FORMS = {
    "root of 1 + x, less 1": (
        lambda x: T.sqrt(1 + x) - 1, lambda x: mp.sqrt(1 + x) - 1,
        [-0.9, -0.5, *[-p for p in SMALL[:8]], *FAR], ULP),
    "1 less root of 1 - x": (
        lambda x: 1 - T.sqrt(1 - x), lambda x: 1 - mp.sqrt(1 - x),
        [*SMALL, *[-p for p in FAR]], ULP),
    "root of x*x + 4, less 2": (
        lambda x: T.sqrt(x**2 + 4) - 2, lambda x: mp.sqrt(x * x + 4) - 2,
        [p for p in REAL if abs(p) > 1e-100], ULP),
    "difference of roots": (
        lambda x: T.sqrt(x + 1) - T.sqrt(x), lambda x: mp.sqrt(x + 1) - mp.sqrt(x),
        FAR, ULP),
    "1 - cos(x)": (lambda x: 1 - T.cos(x), lambda x: 1 - mp.cos(x),
                   [p for p in both(SMALL + MIDDLE) if abs(p) > 1e-100], ULP),
    "(1 - cos(x)) / x**2": (
        lambda x: (1 - T.cos(x)) / x**2, lambda x: (1 - mp.cos(x)) / (x * x),
        [p for p in both(SMALL + MIDDLE) if abs(p) > 1e-100], None),
    "cosh(x) - 1": (lambda x: T.cosh(x) - 1, lambda x: mp.cosh(x) - 1,
                    [p for p in REAL if abs(p) > 1e-100], ULP),
    "exp(x) - exp(-x)": (lambda x: T.exp(x) - T.exp(-x), lambda x: 2 * mp.sinh(x),
                         REAL, ULP),
    "log(exp(x) - 1)": (lambda x: T.log(T.exp(x) - 1),
                        lambda x: mp.log(mp.expm1(x)), RAY, ULP),
    "log(sinh(x))": (lambda x: T.log(T.sinh(x)), lambda x: mp.log(mp.sinh(x)),
                     RAY, ULP),
    "log(1 - tanh(x))": (lambda x: T.log(1 - T.tanh(x)),
                         lambda x: mp.log(2) - mp.log1p(mp.exp(2 * x)), LINE, ULP),
    "log(1 + tanh(x))": (lambda x: T.log(1 + T.tanh(x)),
                         lambda x: mp.log(2) - mp.log1p(mp.exp(-2 * x)), LINE, ULP),
    "log(1 - tanh(x)**2)": (
        lambda x: T.log(1 - T.tanh(x) ** 2), lambda x: -2 * mp.log(mp.cosh(x)),
        [p for p in LINE if abs(p) > 1e-100], ULP),
    "log(2 * sigmoid(x))": (lambda x: T.log(2 * T.sigmoid(x)),
                            lambda x: mp.log(2) - mp.log1p(mp.exp(-x)), LINE, ULP),
    "log(x + 1) - log(x)": (lambda x: T.log(x + 1) - T.log(x),
                            lambda x: mp.log1p(1 / x), FAR, ULP),
    "log((x + 2) / x)": (lambda x: T.log((x + 2) / x), lambda x: mp.log1p(2 / x),
                         [-1e16, -1e10, -10.0, -3.0, *FAR[2:]], ULP),
    "1 - 1 / (1 + exp(-x))": (lambda x: 1 - 1 / (1 + T.exp(-x)),
                              lambda x: 1 / (1 + mp.exp(x)), REAL, None),
    "exp(x) / (exp(x) - 1)": (lambda x: T.exp(x) / (T.exp(x) - 1),
                              lambda x: -1 / mp.expm1(-x),
                              [p for p in LINE if abs(p) > 1e-100], None),
    "(1 - exp(-2x)) / (1 + exp(-2x))": (
        lambda x: (1 - T.exp(-2 * x)) / (1 + T.exp(-2 * x)), mp.tanh, LINE, None),
    "2 * sigmoid(x) - 1": (lambda x: 2 * T.sigmoid(x) - 1, lambda x: mp.tanh(x / 2),
                           LINE, None),
    "log(1 + exp(x)) - x": (lambda x: T.log(1 + T.exp(x)) - x,
                            lambda x: mp.log1p(mp.exp(-x)), REAL, None),
    "x - log(1 + exp(x))": (lambda x: x - T.log(1 + T.exp(x)),
                            lambda x: -mp.log1p(mp.exp(-x)), REAL, None),
    "log((1 + x) / (1 - x))": (lambda x: T.log((1 + x) / (1 - x)),
                               lambda x: 2 * mp.atanh(x), both(SMALL), ULP),
    "log(x + sqrt(x**2 + 1))": (lambda x: T.log(x + T.sqrt(x**2 + 1)), mp.asinh,
                                LINE, ULP),
    "log(x + sqrt(x**2 - 1))": (lambda x: T.log(x + T.sqrt(x**2 - 1)), mp.acosh,
                                [1.5, 2.0, 1e5, 1e200], None),
    "expm1(x) / exp(x)": (lambda x: T.expm1(x) / T.exp(x), lambda x: -mp.expm1(-x),
                          LINE[4:], ULP),
    "log of three exponentials": (
        lambda x: T.log(T.exp(x) + T.exp(2 * x) + T.exp(3 * x)),
        lambda x: mp.log(mp.exp(x) + mp.exp(2 * x) + mp.exp(3 * x)), LINE, 2e4),
    "log(1 + exp(x) + exp(2x))": (
        lambda x: T.log(1 + T.exp(x) + T.exp(2 * x)),
        lambda x: mp.log(1 + mp.exp(x) + mp.exp(2 * x)), LINE[4:], 2e4),
    "log(exp(x) + 3)": (lambda x: T.log(T.exp(x) + 3), lambda x: mp.log(mp.exp(x) + 3),
                        LINE[4:], 2e3),
    "log of a normal density": (
        lambda x: T.log(T.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
        lambda x: -x * x / 2 - mp.log(2 * mp.pi) / 2,
        [p for p in LINE if abs(p) > 1e-100], ULP),
    "log of a logistic density": (
        lambda x: T.log(T.exp(-x) / (1 + T.exp(-x)) ** 2),
        lambda x: -x - 2 * mp.log1p(mp.exp(-x)), LINE, None),
    "log(s * (1 - s))": (lambda x: T.log(T.sigmoid(x) * (1 - T.sigmoid(x))),
                         lambda x: -x - 2 * mp.log1p(mp.exp(-x)), LINE, None),
    "naive binary cross-entropy": (
        lambda x: -(0.25 * T.log(T.sigmoid(x)) + 0.75 * T.log(1 - T.sigmoid(x))),
        lambda x: mp.log1p(mp.exp(-x)) / 4 + 3 * mp.log1p(mp.exp(x)) / 4, LINE, ULP),
}  # fmt: skip

# Slopes are asked only where they are finite floats and not 0.
SAME = {
    "1 - tanh(x)": (lambda x: 1 - T.tanh(x), lambda x: 2 / (1 + mp.exp(2 * x))),
    "1 + tanh(x)": (lambda x: 1 + T.tanh(x), lambda x: 2 / (1 + mp.exp(-2 * x))),
    "1 - tanh(x)**2": (lambda x: 1 - T.tanh(x) ** 2, lambda x: mp.sech(x) ** 2),
    "s * (1 - s)": (lambda x: T.sigmoid(x) * (1 - T.sigmoid(x)),
                    lambda x: mp.sech(x / 2) ** 2 / 4),
}  # fmt: skip


def compiled(*outputs, x):
    with symnb.config.change(device="py"):
        return symnb.function([x], list(outputs))


def worst(got, points, exact):
    """The largest error in ulp, and where."""
    found = (0.0, 0.0)
    for value, point in zip(got, points, strict=True):
        truth = exact(point)
        size = float(abs(truth))
        error = abs(mp.mpf(float(value)) - truth) if np.isfinite(value) else mp.inf
        found = max(found, (float(error / mp.mpf(float(np.spacing(size)))), point))
    return found


@pytest.fixture(autouse=True)
def many_digits():
    with mp.workdps(700):
        yield


@pytest.mark.parametrize("name", FORMS)
def test_values_and_slopes_are_right_at_hard_points(name: str) -> None:
    typed, exact, points, slope_ulp = FORMS[name]
    x = T.dvector("x")
    y = typed(x)
    value, slope = compiled(y, T.grad(y.sum(), x), x=x)(np.array(points))
    assert np.isfinite(slope).all()
    error, where = worst(value, points, lambda p: exact(mp.mpf(p)))
    assert error <= ULP, where
    if slope_ulp is not None:
        error, where = worst(slope, points, lambda p: slope_of(exact, mp.mpf(p)))
        assert error <= slope_ulp, where


def slope_of(exact, point):
    step = abs(point) * mp.mpf(10) ** -60
    return (exact(point + step) - exact(point - step)) / (2 * step)


@pytest.mark.parametrize("name", SAME)
def test_tails_are_right_where_nothing_else_reads_the_function(name: str) -> None:
    typed, exact = SAME[name]
    x = T.dvector("x")
    [value] = compiled(typed(x), x=x)(np.array(REAL))
    error, where = worst(value, REAL, lambda p: exact(mp.mpf(p)))
    assert error <= ULP, where


def test_a_tanh_that_is_computed_anyway_is_not_computed_twice() -> None:
    x = T.dvector("x")
    f = compiled(T.tanh(x), 1 - T.tanh(x), 1 - T.tanh(x) ** 2, x=x)
    ops = f.optimised.ops()
    assert ops.count("tanh") == 1
    assert not {"exp", "sigmoid"} & set(ops)


@pytest.mark.parametrize("mode", ["strict", "FAST_COMPILE", None])
def test_the_slope_of_expm1_keeps_its_digits_in_every_mode(mode: str | None) -> None:
    """expm1(x) + 1 has no digit of exp(x) below x = -37."""
    x = T.dvector("x")
    points = [-700.0, -40.0, -20.0, -1e-9, 0.0, 1e-9, 3.0, 700.0]
    with symnb.config.change(device="py"):
        f = symnb.function([x], T.grad(T.expm1(x).sum(), x), mode=mode)
    error, where = worst(f(np.array(points)), points, lambda p: mp.exp(p))
    assert error <= 1, where


# ------------------------------------------------------------------ rows and moments


@pytest.fixture
def rows():
    """Logits around 1000, around -1000, and spread over both."""
    rng = np.random.default_rng(3)
    middle = np.array([[1000.0], [-1000.0], [0.0]])
    return middle + rng.normal(size=(3, 4)) * [[1.0], [1.0], [400.0]]


def log_softmax(rows):
    top = rows.max(1, keepdims=True)
    return rows - top - np.log(np.exp(rows - top).sum(1, keepdims=True))


def test_a_softmax_by_transposition_is_stable(rows) -> None:
    x = T.dmatrix("x")
    soft = (T.exp(x).T / T.exp(x).sum(1)).T
    value, log, slope = compiled(soft, T.log(soft), T.grad(T.log(soft)[:, 0].sum(), x),
                                 x=x)(rows)  # fmt: skip
    want = log_softmax(rows)
    np.testing.assert_allclose(value, np.exp(want), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(log, want, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(slope, np.eye(1, 4) - np.exp(want), atol=1e-14)


def test_weights_of_a_mixture_are_stable(rows) -> None:
    x, w = T.dmatrix("x"), np.array([0.0, 0.25, 2.0, 0.5])
    terms = w * T.exp(x)
    [value] = compiled(terms / terms.sum(1, keepdims=True), x=x)(rows)
    top = rows[:, 1:].max(1, keepdims=True)
    want = w * np.exp(np.where(w > 0, rows - top, 0))
    np.testing.assert_allclose(value, want / want.sum(1, keepdims=True), rtol=1e-12)


def test_the_logarithm_of_one_exponential_over_their_sum_is_stable(rows) -> None:
    x = T.dmatrix("x")
    log = T.log(T.exp(x)[:, 0] / T.exp(x).sum(1))
    value, slope = compiled(log, T.grad(log.sum(), x), x=x)(rows)
    want = log_softmax(rows)
    np.testing.assert_allclose(value, want[:, 0], rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(slope, np.eye(1, 4) - np.exp(want), atol=1e-14)


@pytest.mark.parametrize("keep", [False, True])
def test_a_variance_from_two_moments_keeps_its_digits(keep: bool) -> None:
    values = np.random.default_rng(5).normal(size=(3, 50)) + 1e8
    x = T.dmatrix("x")
    moments = (x**2).mean(1, keepdims=keep) - x.mean(1, keepdims=keep) ** 2
    value, slope = compiled(moments, T.grad(moments.sum(), x), x=x)(values)
    rest = values - values.mean(1, keepdims=True)
    np.testing.assert_allclose(value, (rest**2).mean(1, keepdims=keep), rtol=1e-14)
    np.testing.assert_allclose(slope, 2 * rest / 50, rtol=1e-6, atol=1e-9)


def test_a_variance_over_all_axes_is_never_negative() -> None:
    x = T.dmatrix("x")
    [value] = compiled((x * x).mean() - x.mean() * x.mean(), x=x)(np.full((9, 7), 1e8))
    assert value == 0
