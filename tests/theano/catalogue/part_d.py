"""Shows of part D: cheaper special cases."""

from __future__ import annotations

from symnb.ops.elementwise import abs, exp, neg, reciprocal, sqrt, square
from symnb.ops.special import digamma, polygamma
from tests.theano.catalogue.shows import shows, vector


@shows("local_mul_specialize")
def _(x=vector()):
    return [1 * x, -1 * x], [x, -x]


@shows("local_add_specialize", "local_add_remove_zeros")
def _(x=vector(), n=vector(dtype="int64")):
    return [x + 0.0, n + 0], [x, n]


@shows("local_add_neg_to_sub")
def _(x=vector(), y=vector()):
    return -x + y, y - x


@shows("local_pow_specialize", low=0.1)
def _(x=vector()):
    return [x**2, x**0.5, x**-0.5, x**-1, x**-2], [
        square(x), sqrt(x), reciprocal(sqrt(x)), reciprocal(x), reciprocal(square(x)),
    ]  # fmt: skip


@shows("local_pow_specialize_device", "local_pow_to_nested_squaring")
def _(x=vector(), n=vector(dtype="int64")):
    two, four = square(x), square(square(x))
    return [x**3, x**10, x**-4, n**5], [
        x * two, two * square(four), reciprocal(four), n * square(square(n)),
    ]  # fmt: skip


@shows("local_mul_to_sqr")
def _(x=vector()):
    return x * x, square(x)


@shows("local_div_to_inv", "local_div_to_reciprocal")
def _(x=vector()):
    return 1 / x, reciprocal(x)


@shows("local_neg_neg")
def _(x=vector()):
    return neg(-x), x


@shows("local_neg_div_neg")
def _(a=vector(), b=vector()):
    return [neg(-a / b), -a / -b], [a / b, a / b]


@shows("local_abs_merge")
def _(x=vector(), y=vector()):
    return [abs(x) * abs(y), abs(x) / abs(y)], [abs(x * y), abs(x / y)]


@shows("local_mul_exp_to_exp_add")
def _(x=vector(), y=vector(), z=vector()):
    return exp(x) * exp(y) * exp(z), exp(x + y + z)


@shows("local_mul_exp_to_exp_add")
def _(x=vector(), y=vector()):
    return exp(x) / exp(y), exp(x - y)


@shows("local_div_exp_to_mul_exp")
def _(x=vector(), y=vector()):
    return [y / exp(x), 1 / exp(x + 1)], [y * exp(-x), exp(-(x + 1))]


@shows("local_mul_pow_to_pow_add", low=0.1)
def _(x=vector()):
    return x**2.5 * x**0.25, x**2.75


@shows("local_polygamma_to_digamma", low=0.1)
def _(x=vector()):
    return polygamma(0, x), digamma(x)
