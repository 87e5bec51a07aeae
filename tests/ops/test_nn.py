"""Network composites against SciPy, hand-worked numbers and finite differences."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core.evaluate import evaluate
from symnb.core.node import Input
from symnb.core.types import TensorType
from symnb.errors import RankError
from symnb.gradient import grad
from symnb.ops import elementwise, nn
from tests.ops.structure import (
    agrees,
    check_derivatives,
    pullback,
    tensor,
    tensors,
    value,
)

shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
floats = hnp.arrays("float64", shapes, elements=st.floats(-1e3, 1e3))
EPS = np.finfo("float64").eps


def close(build, reference, *arrays, ulp=8, absolute=0.0) -> None:
    """Equal up to `ulp` roundings of the result and an absolute error."""
    with np.errstate(all="ignore"):
        expected = np.asarray(reference(*arrays))
    for static in (True, False):
        inputs = tensors(arrays, static)
        found = value(build(*inputs), inputs, arrays)
        np.testing.assert_allclose(found, expected, ulp * EPS, absolute, strict=True)


# exp(x - m) errs by |x - m| eps, up to 2000 eps here.
@given(floats, st.data())
def test_softmax_and_its_logarithm(x, data) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    close(lambda a: nn.softmax(a, axis), lambda a: scipy.special.softmax(a, axis), x,
          ulp=32, absolute=1e-300)  # fmt: skip
    close(lambda a: nn.log_softmax(a, axis),
          lambda a: scipy.special.log_softmax(a, axis), x,
          absolute=8 * EPS)  # fmt: skip
    for keepdims in (False, True):
        close(lambda a, k=keepdims: nn.logsumexp(a, axis, k),
              lambda a, k=keepdims: scipy.special.logsumexp(a, axis, keepdims=k), x,
              absolute=8 * EPS)  # fmt: skip
    close(nn.logsumexp, scipy.special.logsumexp, x, absolute=8 * EPS)


def test_extreme_lines_of_logsumexp() -> None:
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, -inf], [inf, 0], [inf, inf], [-inf, 3], [nan, 0], [800, 800]])
    close(lambda a: nn.logsumexp(a, 1), lambda a: np.array(
        [-inf, inf, inf, 3, nan, 800 + np.log(2)]), x)  # fmt: skip


def test_softmax_takes_rows_and_keeps_float32() -> None:
    x = np.arange(6, dtype="float32").reshape(2, 3)
    a = tensor(x)
    found = value(nn.softmax(a), [a], [x])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    assert nn.softmax(tensor(np.arange(3))).dtype == "float64"


x = np.random.default_rng(0).standard_normal((3, 4))

ACTIVATIONS = {
    "relu": (nn.relu, lambda a: np.maximum(a, 0)),
    "relu of slope": (lambda a: nn.relu(a, 0.1), lambda a: np.where(a > 0, a, 0.1 * a)),
    "leaky_relu": (nn.leaky_relu, lambda a: np.where(a > 0, a, 0.01 * a)),
    "elu": (nn.elu, lambda a: np.where(a > 0, a, np.expm1(a))),
    "silu": (nn.silu, lambda a: a * scipy.special.expit(a)),
    "gelu": (nn.gelu, lambda a: a * scipy.special.ndtr(a)),
    "softsign": (nn.softsign, lambda a: a / (1 + abs(a))),
    "hard_sigmoid": (nn.hard_sigmoid, lambda a: np.clip(0.2 * a + 0.5, 0, 1)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name) -> None:
    build, reference = ACTIVATIONS[name]
    close(build, reference, x, absolute=4 * EPS)
    check_derivatives(build, x)
    special = np.array([np.nan, np.inf])
    found = value(build(a := tensor(special)), [a], [special])
    np.testing.assert_array_equal(found[:1], [np.nan])


def test_selu_keeps_mean_and_variance_of_normal_numbers() -> None:
    # Gauss-Hermite quadrature of the normal distribution, split at the kink.
    at = np.linspace(-12, 12, 480_001)
    weight = np.exp(-at * at / 2) / np.sqrt(2 * np.pi) * (at[1] - at[0])
    a = tensor(at)
    found = value(nn.selu(a), [a], [at])
    assert abs(np.sum(weight * found)) < 1e-8
    assert abs(np.sum(weight * found**2) - 1) < 1e-8


def test_the_tanh_form_of_gelu_is_close_to_it() -> None:
    close(lambda a: nn.gelu(a, approximate=True),
          lambda a: a * scipy.special.ndtr(a), x, absolute=2e-3)  # fmt: skip


def test_elu_has_a_finite_gradient_where_exp_overflows() -> None:
    big = np.array([1000.0, -1000.0])
    a, g = tensors([big, big])
    (dx,) = pullback(nn.elu(a), g, [a])
    assert value(dx, [a, g], [big, np.ones(2)]).tolist() == [1, 0]


def test_crossentropies() -> None:
    p = scipy.special.softmax(x, 1)
    q = scipy.special.softmax(x[::-1], 1)
    close(nn.categorical_crossentropy, lambda a, b: -(b * np.log(a)).sum(1), p, q)
    check_derivatives(nn.categorical_crossentropy, p, q)
    t = (x > 0).astype(float)
    s = scipy.special.expit(x)
    expected = -(t * np.log(s) + (1 - t) * np.log1p(-s))
    close(nn.binary_crossentropy, lambda a, b: expected, s, t)
    close(nn.sigmoid_binary_crossentropy, lambda a, b: expected, x, t)
    check_derivatives(lambda a: nn.sigmoid_binary_crossentropy(a, t), x)
    with pytest.raises(RankError, match="categorical_crossentropy"):
        nn.categorical_crossentropy(tensor(p), tensor(p[0, 0]))


def test_the_crossentropy_of_logits_neither_overflows_nor_cancels() -> None:
    logits, t = np.array([1000.0, -1000.0, 40.0]), np.array([0.0, 1.0, 1.0])
    close(nn.sigmoid_binary_crossentropy,
          lambda a, b: np.array([1000, 1000, np.log1p(np.exp(-40.0))]),
          logits, t)  # fmt: skip


def test_crossentropy_with_class_indices() -> None:
    p, classes = scipy.special.softmax(x, 1), np.array([3, 0, 1])
    close(nn.categorical_crossentropy, lambda a, b: -np.log(a[range(3), b]), p, classes)
    check_derivatives(lambda a: nn.categorical_crossentropy(a, classes), p)


def test_confusion_matrix_counts_pairs_of_labels() -> None:
    actual, pred = np.array([2, 0, 2, 2, 0, 5]), np.array([0, 0, 2, 2, 0, 2])
    inputs = tensors([actual, pred])
    counts, labels = nn.confusion_matrix(*inputs)
    assert value(labels, inputs, [actual, pred]).tolist() == [0, 2, 5]
    found = value(counts, inputs, [actual, pred])
    assert found.tolist() == [[2, 0, 0], [1, 2, 0], [0, 1, 0]]


def test_one_hot() -> None:
    y = np.array([[0, 2], [1, 3]])
    agrees(lambda a: nn.one_hot(a, 3), lambda a: np.eye(4, 3, dtype="int64")[a], y)
    agrees(lambda a: nn.one_hot(a, 4, "float32"), lambda a: np.eye(4, dtype="f4")[a], y)
    k = Input(TensorType("int64", ()), "k")
    a = tensor(y)
    assert value(nn.one_hot(a, k), [a, k], [y, 4]).shape == (2, 2, 4)


# ------------------------------------------------------------------- normalisation

BATCH = np.random.default_rng(1).standard_normal((4, 3, 2))
AXES = {"per-activation": (0,), "spatial": (0, 2)}


@pytest.mark.parametrize("axes", AXES)
def test_batch_normalization_of_a_batch(axes) -> None:
    over = AXES[axes]
    middle, spread = BATCH.mean(over, keepdims=True), BATCH.var(over, keepdims=True)
    gamma, beta = np.full_like(middle, 1.5), np.full_like(middle, -0.5)
    inputs = tensors([BATCH, gamma, beta])
    found = nn.batch_normalization_train(
        *inputs, axes, running_mean=gamma, running_var=beta, running_average_factor=0.25
    )
    count = BATCH.size // middle.size
    expected = [
        (BATCH - middle) / np.sqrt(spread + 1e-4) * gamma + beta,
        middle,
        1 / np.sqrt(spread + 1e-4),
        gamma * 0.75 + middle * 0.25,
        beta * 0.75 + spread * 0.25 * count / (count - 1),
    ]
    for node, want in zip(found, expected, strict=True):
        got = value(node, inputs, [BATCH, gamma, beta])
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-14)


def test_parameters_may_leave_out_the_averaged_axes() -> None:
    gamma = np.array([1.0, 2.0, 3.0])
    wide = gamma[None, :, None]
    close(
        lambda a, b: nn.batch_normalization_test(a, b, b, b, b, "spatial"),
        lambda a, b: wide * (a - wide) / np.sqrt(wide + 1e-4) + wide,
        BATCH, gamma, ulp=16, absolute=1e-14,
    )  # fmt: skip
    with pytest.raises(RankError, match="one value per axis"):
        nn.batch_normalization_test(tensor(BATCH), *[tensor(BATCH[0])] * 4, "spatial")


def test_derivatives_of_normalisation() -> None:
    gamma, beta = BATCH[0] + 2, BATCH[1]
    check_derivatives(
        lambda a, b, c: nn.batch_normalization_train(a, b, c)[0], BATCH, gamma, beta,
        tolerance=1e-7,
    )  # fmt: skip
    close(
        lambda a: nn.batch_normalization(a, 2.0, 1.0, 0.5, 4.0),
        lambda a: (a - 0.5) / 2 + 1,
        BATCH,
        absolute=4 * EPS,
    )


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_derivatives_of(name) -> None:
    check_derivatives(lambda a: getattr(nn, name)(a, 1), x)


def test_there_is_one_relu_and_its_gradient_at_zero_is_zero() -> None:
    assert nn.relu is elementwise.relu
    x = Input(TensorType("float64", (3,)), "x")
    g = grad(nn.relu(x).sum(), x)
    [found] = evaluate([g], {x: np.array([-1.0, 0.0, 2.0])})
    np.testing.assert_array_equal(found, [0, 0, 1])
