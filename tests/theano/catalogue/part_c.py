"""Shows of part C: numerical stability."""

from __future__ import annotations

import mpmath
import numpy as np

from symnb.core.node import Node
from symnb.gradient import grad
from symnb.ops.create import empty
from symnb.ops.elementwise import (
    abs,
    exp,
    expm1,
    greater,
    isfinite,
    log,
    log1mexp,
    log1p,
    logaddexp,
    maximum,
    minimum,
    sigmoid,
    softplus,
    square,
    sub,
    where,
)
from symnb.ops.peak import PEAK
from symnb.ops.reduce import prod, reduced
from symnb.ops.reduce import sum as total
from symnb.ops.special import erf, erfc, erfcx, iv, ive, kv, kve
from tests.theano.catalogue.shows import matrix, shows, vector, witness


@shows("local_log1p", low=-0.9, high=0.9)
def _(x=vector()):
    return [log(1 + x), log(1 - x)], [log1p(x), log1p(-x)]


@shows("local_expm1")
def _(x=vector()):
    return [exp(x) - 1, 1 - exp(x)], [expm1(x), -expm1(x)]


@shows("local_log_add", "local_log_add_exp")
def _(x=vector(), y=vector()):
    return log(exp(x) + exp(y)), logaddexp(x, y)


def shifted(x: Node) -> tuple[Node, Node]:
    """(x less its maximum, the maximum), as the rules write it."""
    top = reduced(PEAK, x, 1, True)
    top = where(isfinite(top), top, 0.0)
    return sub(x, top), top


@shows("local_log_sum_exp")
def _(m=matrix()):
    less, top = shifted(m)
    wanted = log(total(exp(less), 1, keepdims=True)) + top
    return log(total(exp(m), 1, keepdims=True)), wanted


@shows("logsigm_to_softplus", "log1msigm_to_softplus", "log1p_neg_sigmoid")
def _(x=vector()):
    return [log(sigmoid(x)), log(1 - sigmoid(x)), log1p(-sigmoid(x))], [
        -softplus(-x), -softplus(x), -softplus(x),
    ]  # fmt: skip


@shows(
    "log1pexp_to_softplus", "local_log1p_plusminus_exp", "logmexpm1_to_log1mexp",
    low=-3, high=-0.1,
)  # fmt: skip
def _(x=vector()):
    return [log1p(exp(x)), log1p(-exp(x)), log(-expm1(x))], [
        softplus(x), log1mexp(x), log1mexp(x),
    ]  # fmt: skip


@shows("logdiffexp_to_log1mexpdiff")
def _(x=vector(), y=vector()):
    return log(exp(x) - exp(y)), x + log1mexp(y - x)


@shows("local_exp_over_1_plus_exp", "local_sigm_times_exp")
def _(x=vector()):
    return [exp(x) / (1 + exp(x)), 3 / (1 + exp(x)), exp(x) * sigmoid(-x)], [
        sigmoid(x), sigmoid(-x) * 3, sigmoid(x),
    ]  # fmt: skip


@shows("local_inv_1_plus_exp", "local_reciprocal_1_plus_exp", "local_1msigmoid")
def _(x=vector()):
    return [1 / (1 + exp(x)), 1 - sigmoid(x + 2)], [sigmoid(-x), sigmoid(-(x + 2))]


@shows("local_odds_sigmoid", "local_inv_odds_sigmoid")
def _(x=vector()):
    return [sigmoid(x) / sigmoid(-x), sigmoid(-x) / sigmoid(x)], [exp(x), exp(-x)]


@shows("local_softmax_stabilize", "softmax_simplifier")
def _(m=matrix()):
    less, _ = shifted(m)
    wanted = exp(less) / total(exp(less), 1, keepdims=True)
    return exp(m) / total(exp(m), 1, keepdims=True), wanted


@shows("local_logsoftmax")
def _(m=matrix()):
    less, _ = shifted(m)
    naive = exp(m) / total(exp(m), 1, keepdims=True)
    wanted = less - log(total(exp(less), 1, keepdims=True))
    return [log(naive), log(naive.T)], [wanted, wanted.T]


@witness("local_logsoftmax_grad")
def the_gradient_of_a_log_softmax_is_finite_far_out() -> None:
    m = matrix(2, 3)
    naive = exp(m) / total(exp(m), 1, keepdims=True)
    far = np.array([[1000.0, 0.0, -1000.0], [0.0, 0.0, 800.0]])
    cost = -log(naive)[[0, 1], [1, 2]].sum()
    got = grad(cost, m).eval({m: far})
    np.testing.assert_allclose(got, [[1, -1, 0], [0, 0, 0]], atol=1e-300)


@shows("local_exp_log_softmax", "local_log_softmax_from_logsumexp")
def _(m=matrix()):
    less, _ = shifted(m)
    naive = exp(m) / total(exp(m), 1, keepdims=True)
    log_sum = log(total(exp(less), 1, keepdims=True))
    return (
        [exp(log(naive)), m - log(total(exp(m), 1, keepdims=True))],
        [exp(less) / total(exp(less), 1, keepdims=True), less - log_sum],
    )


@shows("local_one_plus_erf", "local_one_minus_erf", "local_erf_minus_one")
def _(x=vector()):
    return [1 + erf(x), 1 - erf(x), erf(x) - 1], [erfc(-x), erfc(x), -erfc(x)]


@shows("local_one_minus_erfc", "local_erf_neg_minus_one")
def _(x=vector()):
    return [1 - erfc(x), erfc(-x) - 1], [erf(x), erf(x)]


@shows("local_log_erfc")
def _(x=vector()):
    above = maximum(x, 1)
    wanted = where(
        greater(x, 1),
        log(erfcx(above)) - square(above),
        log1p(-erf(minimum(x, 1))),
    )
    return log(erfc(x)), wanted


@witness("local_grad_log_erfc_neg")
def the_gradient_of_log_erfc_is_finite_far_out() -> None:
    x, places = vector(3), [-3.0, 1.0, 40.0]
    got = grad(log(erfc(x)).sum(), x).eval({x: np.array(places)})
    root = mpmath.sqrt(mpmath.pi)
    want = [-2 * mpmath.exp(-p * p) / (root * mpmath.erfc(p)) for p in places]
    np.testing.assert_allclose(got, np.array(want, float), rtol=1e-13)


@shows("local_log_kv", "local_log_iv", low=0.5)
def _(x=vector(), v=vector()):
    return [log(kv(v, x)), log(iv(v, x))], [
        log(kve(v, x)) - x, log(ive(v, x)) + abs(x),
    ]  # fmt: skip


@shows("local_log_prod_to_sum_log", "local_log_prod_sqr")
def _(m=matrix()):
    return [log(prod(exp(m), 1)), log(prod(square(m), 1))], [
        total(m, 1), total(log(abs(m)), 1) * 2,
    ]  # fmt: skip


@witness("local_alloc_empty_to_zeros", "local_gpua_alloc_empty_to_zeros")
def empty_is_zeros() -> None:
    assert not empty((2, 3)).eval().any()
