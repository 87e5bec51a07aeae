"""Shows of part B: algebra."""

from __future__ import annotations

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Constant
from symnb.ops.cast import cast
from symnb.ops.elementwise import (
    abs,
    arccosh,
    arcsinh,
    arctanh,
    cosh,
    equal,
    exp,
    expm1,
    greater_equal,
    less,
    log,
    log1p,
    logical_and,
    logical_not,
    logit,
    maximum,
    neg,
    reciprocal,
    sigmoid,
    sign,
    sinh,
    softplus,
    sqrt,
    square,
    tanh,
    where,
)
from symnb.ops.reduce import sum as total
from symnb.ops.view import broadcast_to
from symnb.optim.optimiser import rewrite_graph
from tests.theano.catalogue.shows import scalar, shows, tensor, vector, witness

# -------------------------------------------------------------------- sums and products


@shows("local_add_canonizer", "add_canonizer")
def _(a=vector(), b=vector(), c=vector()):
    return a + (b - c) + 2 + 3, a + b - c + 5


@shows("local_mul_canonizer", "mul_canonizer")
def _(a=vector(), b=vector(), c=vector()):
    return [a * (b / c) * 2 * 3, a * b / a, c / abs(c)], [a * b * 6 / c, b, sign(c)]


@shows("local_neg_to_mul")
def _(x=vector(), y=vector()):
    return -(2 * x) * 3 / y, x * -6 / y


@shows("local_inv_canon", "local_reciprocal_canon")
def _(x=vector(), y=vector()):
    return reciprocal(x) * (y * x), y


@shows("local_pow_canonicalize")
def _(x=vector()):
    one = broadcast_to(Constant(1.0), (5,))
    return [x**0, x**1, Constant(1.0) ** x], [one, x, one]


@shows("local_mul_zero", "local_mul_specialize")
def _(x=vector()):
    return [0 * x, 1 * x, -1 * x], [broadcast_to(Constant(0.0), (5,)), x, -x]


@shows("local_zero_div")
def _(x=vector()):
    return 0 / x, broadcast_to(Constant(0.0), (5,))


@shows("local_intdiv_by_one", "local_div_by_one")
def _(n=vector(dtype="int64"), x=vector()):
    return [n // 1, x / 1], [n, x]


@shows("local_sub_neg_to_add")
def _(x=vector(), y=vector()):
    return x - (-y), x + y


@shows("local_greedy_distributor")
def _(a=vector(), b=vector(), c=vector()):
    return [a * (b / a + c), (a * b - c) / a], [b + a * c, b - c / a]


@witness("local_abs_lift")
def absolute_values_are_merged_not_taken_apart() -> None:
    x, y = vector(), vector()
    assert rewrite_graph(abs(x * y)).op is abs
    assert rewrite_graph(abs(x) * abs(y)).op is abs


@shows("local_elemwise_sub_zeros")
def _(x=vector(), n=vector(dtype="int64")):
    return (
        [x - x, n - n],
        [broadcast_to(Constant(v), (5,)) for v in (np.float64(0), np.int64(0))],
    )


# --------------------------------------------------------------------- casts, constants


@shows("local_upcast_elemwise_constant_inputs")
def _(x=vector()):
    return x + Constant(np.int8(2)), x + 2.0


@shows("local_cast_cast")
def _(x=vector(dtype="float32")):
    return cast(cast(x, "float64"), "float32"), x


@shows("local_useless_elemwise")
def _(n=vector(dtype="int64"), c=vector(dtype="bool")):
    yes = broadcast_to(Constant(np.True_), (5,))
    return [equal(n, n), logical_and(c, True)], [yes, c]


@shows("local_useless_elemwise_comparison")
def _(x=vector()):
    n = tensor(5).shape[0]
    no, yes = Constant(np.False_), Constant(np.True_)
    return (
        [less(x, x), maximum(x, x), n >= 0, maximum(n, 0), n < 0],
        [broadcast_to(no, (5,)), x, yes, n, no],
    )


@witness("local_tensor_scalar_tensor", "local_scalar_tensor_scalar")
def a_scalar_is_a_tensor_without_axes() -> None:
    assert total(vector()).type == scalar().type
    assert scalar().ndim == 0


@witness("local_useless_conj", "useless_Conj_of_Conj")
def there_are_no_complex_tensors() -> None:
    assert not [name for name in dtypes.DTYPES if "complex" in name]


# ------------------------------------------------------------------------------ choices


@shows("local_mul_switch_sink")
def _(c=vector(dtype="bool"), a=vector(), b=vector()):
    return a * where(c, 0, b), where(c, 0, b * a)


@shows("local_div_switch_sink")
def _(c=vector(dtype="bool"), a=vector(), b=vector()):
    return where(c, 0, b) / a, where(c, 0, b / a)


@shows("local_merge_switch_same_cond")
def _(c=vector(dtype="bool"), a=vector(), b=vector(), x=vector(), y=vector()):
    return (
        [where(c, a, b) + where(c, x, y), where(c, a, b) - where(c, x, y)],
        [where(c, a + x, b + y), where(c, a - x, b - y)],
    )


@shows("local_useless_switch")
def _(c=vector(dtype="bool"), a=vector(), b=vector()):
    return [where(True, a, b), where(c, a, a), where(logical_not(c), a, b)], [
        a, a, where(c, b, a),
    ]  # fmt: skip


# -------------------------------------------------------------------- functions undone


@shows("local_func_inv", "useless_Cosh_of_Arccosh", "useless_Arccosh_of_Cosh", low=1)
def _(x=vector()):
    return [cosh(arccosh(x)), arccosh(cosh(x))], [x, abs(x)]


@shows(
    "useless_Tanh_of_Arctanh", "useless_Arctanh_of_Tanh", "useless_Sinh_of_Arcsinh",
    "useless_Arcsinh_of_Sinh", low=-0.9, high=0.9,
)  # fmt: skip
def _(x=vector()):
    return [tanh(arctanh(x)), arctanh(tanh(x)), sinh(arcsinh(x)), arcsinh(sinh(x))], [
        x, x, x, x,
    ]  # fmt: skip


@shows("useless_Reciprocal_of_Reciprocal", "useless_Neg_of_Neg")
def _(x=vector()):
    return [reciprocal(reciprocal(x)), neg(-x)], [x, x]


@shows("local_exp_log")
def _(x=vector()):
    return (
        [log(exp(x)), log1p(expm1(x)), exp(softplus(x)), expm1(softplus(x))],
        [x, x, 1 + exp(x), exp(x)],
    )


@shows("local_exp_log_nan_switch")
def _(x=vector()):
    return (
        [exp(log(x)), exp(log1p(x)), expm1(log1p(x))],
        [
            where(greater_equal(x, 0), x, np.nan),
            where(greater_equal(x, -1), 1 + x, np.nan),
            where(greater_equal(x, -1), x, np.nan),
        ],
    )


@shows("local_sqrt_sqr")
def _(x=vector()):
    return [sqrt(square(x)), square(sqrt(x)), square(sqrt(square(x)))], [
        abs(x), where(greater_equal(x, 0), x, np.nan), square(x),
    ]  # fmt: skip


@shows("local_log_sqrt", "local_log_div", low=0.1)
def _(x=vector()):
    return [log(sqrt(x)), log(1 / x)], [log(x) * 0.5, -log(x)]


@shows("local_sign_div")
def _(x=vector()):
    return [sign(1 / x), sign(x / 3)], [sign(x), sign(x)]


@shows("local_log_pow", low=0.1)
def _(x=vector()):
    return [log(x**2), log(exp(x) ** 3)], [log(abs(x)) * 2, x * 3]


@shows("local_sigmoid_logit", low=0.1, high=0.9)
def _(x=vector()):
    return [sigmoid(log(x / (1 - x))), sigmoid(logit(x))], [x, x]
