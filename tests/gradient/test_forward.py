"""`Rop`, Jacobians, Hessians and the finite-difference check."""

import numpy as np
import pytest

from symnb.core.evaluate import evaluate
from symnb.errors import DisconnectedInputError, GradientError
from symnb.gradient import (
    Rop,
    hessian,
    hessian_vector_product,
    jacobian,
    numeric_grad,
    verify_grad,
)
from symnb.ops.dot import dot
from symnb.ops.elementwise import exp, log, sin, tanh
from symnb.ops.join import concatenate
from symnb.ops.reduce import max as largest
from symnb.ops.view import reshape, transpose
from symnb.tensor.constructors import KINDS

dscalar, dvector, dmatrix = KINDS["dscalar"], KINDS["dvector"], KINDS["dmatrix"]
RNG = np.random.default_rng(11)


def numeric_jacobian(f, point, h=1e-6):
    """Central differences of an array function of one array."""
    columns = []
    for at in np.ndindex(point.shape):
        step = np.zeros_like(point)
        step[at] = h
        columns.append((f(point + step) - f(point - step)) / (2 * h))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(f(point).shape + point.shape)


FUNCTIONS = {
    "elementwise": lambda x: sin(x) * x,
    "reduction": lambda x: tanh(x).sum(axis=0),
    "rows": lambda x: x - x.mean(axis=1, keepdims=True),
    "product": lambda x: dot(x, transpose(x)),
    "views": lambda x: reshape(x[1:, ::-1], (-1,)) ** 2,
    "join": lambda x: concatenate([exp(x), x[:1]], axis=0),
    "broadcast": lambda x: x[:, None, :] * x[None],
    "maximum": lambda x: largest(x, axis=1),
    "softmax": lambda x: exp(x) / exp(x).sum(axis=1, keepdims=True),
    "set": lambda x: x[0].set(x[1] ** 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobian_agrees_with_finite_differences(name):
    x = dmatrix("x")
    y = FUNCTIONS[name](x)
    point = RNG.normal(size=(3, 4))
    got = evaluate([jacobian(y, x)], {x: point})[0]
    want = numeric_jacobian(lambda p: evaluate([y], {x: p})[0], point)
    np.testing.assert_allclose(got, want, atol=2e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rop_is_the_jacobian_times_v(name):
    x, v = dmatrix("x"), dmatrix("v")
    y = FUNCTIONS[name](x)
    point, along = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    [product, full] = evaluate([Rop(y, x, v), jacobian(y, x)], {x: point, v: along})
    want = np.tensordot(full, along, axes=2)
    np.testing.assert_allclose(product, want, rtol=1e-11, atol=1e-12)


def test_hessian_of_the_logistic_loss():
    x, w = dmatrix("x"), dvector("w")
    cost = log(1 + exp(dot(x, w))).sum()
    data, weights = RNG.normal(size=(5, 3)), RNG.normal(size=3)
    got = evaluate([hessian(cost, w)], {x: data, w: weights})[0]
    s = 1 / (1 + np.exp(-data @ weights))
    np.testing.assert_allclose(got, data.T @ np.diag(s * (1 - s)) @ data, rtol=1e-12)


def test_hessian_vector_product_needs_no_hessian():
    w = dvector("w")
    cost = (w**4).sum() + w[0] * w[1]
    point, p = np.array([1.0, 2, 3]), np.array([1.0, -1, 2])
    got = evaluate([hessian_vector_product(cost, w, p)], {w: point})[0]
    full = np.diag(12 * point**2)
    full[0, 1] = full[1, 0] = 1
    np.testing.assert_allclose(got, full @ p)


def test_jacobian_of_a_scalar_is_its_gradient():
    x = dvector("x")
    got = evaluate([jacobian((x**2).sum(), x)], {x: np.arange(3.0)})[0]
    np.testing.assert_array_equal(got, [0, 2, 4])


def test_rop_of_something_unrelated_is_refused():
    x, y, v = dvector("x"), dvector("y"), dvector("v")
    with pytest.raises(DisconnectedInputError):
        Rop(y * 2, x, v)


def test_numeric_grad_of_a_cubic():
    [got] = numeric_grad(lambda x: float((x**3).sum()), [np.array([1.0, 2.0])])
    np.testing.assert_allclose(got, [3, 12], rtol=1e-8)


def test_verify_grad_accepts_right_and_refuses_wrong_gradients():
    verify_grad(
        lambda a, b: tanh(dot(a, b)), [RNG.normal(size=(2, 3)), RNG.normal(size=3)]
    )
    from symnb.gradient import grad_scale

    with pytest.raises(GradientError, match="is wrong"):
        verify_grad(lambda a: grad_scale(a, 1.5) ** 2, [np.array([1.0, 2.0])])
