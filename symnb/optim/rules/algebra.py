"""Arithmetic that disappears: neutral and absorbing elements, signs, powers.

What holds bit for bit is declared bitwise; -0 and NaN decide. `x + 0` is not `x` for
x = -0, where `x + -0.0` is; `x * 0` is not 0 for NaN and inf.
"""

from __future__ import annotations

from symnb.ops.elementwise import (
    abs,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    ceil,
    clip,
    cos,
    cosh,
    deg2rad,
    floor,
    maximum,
    minimum,
    mod,
    neg,
    pow,
    rad2deg,
    reciprocal,
    round,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)
from symnb.ops.special import digamma, polygamma
from symnb.optim.contract import BITWISE, DOMAIN, FINITE_ONLY, ROUNDING, STABLER
from symnb.optim.guard import (
    is_exact,
    is_float,
    is_integer,
    is_signed,
    negative,
    nonnegative,
    positive,
)
from symnb.optim.rule import hole, holes, rule, ruleset

x, y, z = holes("x y z")
n = hole("n", is_integer)
k = hole("k", is_exact)
f = hole("f", is_float)
g = hole("g", is_signed)
p = hole("p", nonnegative)
c, m = hole("c", positive), hole("c", negative)

NEUTRAL = [
    rule(x * 1, x, BITWISE, name="mul_one", answers=("local_mul_specialize",)),
    rule(x / 1, x, BITWISE, name="div_one", answers=("local_div_by_one",)),
    rule(n // 1, n, BITWISE, name="floor_div_one", answers=("local_intdiv_by_one",)),
    rule(mod(n, 1), 0, BITWISE, name="mod_one"),
    rule(k + 0, k, BITWISE, name="add_zero_exact",
         answers=("local_add_specialize", "local_add_remove_zeros")),
    rule(x + -0.0, x, BITWISE, "-0 is the neutral element of float addition",
         name="add_minus_zero"),
    rule(f + 0.0, f, ROUNDING, "differs for -0, which becomes 0", name="add_zero",
         answers=("local_add_remove_zeros",)),
    rule(x - 0, x, BITWISE, name="sub_zero"),
    rule(-0.0 - x, -x, BITWISE, name="minus_zero_sub"),
    rule(0 - n, -n, BITWISE, name="zero_sub_exact"),
    rule(0.0 - f, -f, ROUNDING, "differs in the sign of zero", name="zero_sub"),
    rule(x ** 1, x, BITWISE, name="pow_one", answers=("local_pow_canonicalize",)),
    rule(x ** 0, 1, BITWISE, "also for NaN, as in C and NumPy", name="pow_zero",
         answers=("local_pow_canonicalize",)),
    rule(pow(1, x), 1, BITWISE, "also for NaN, as in C and NumPy", name="one_pow"),
]  # fmt: skip

ABSORBING = [
    rule(k * 0, 0, BITWISE, name="mul_zero_exact", answers=("local_mul_zero",)),
    rule(f * 0, 0, FINITE_ONLY, "NaN and inf times 0 are NaN", name="mul_zero",
         answers=("local_mul_zero", "local_mul_specialize")),
    rule(f * -0.0, 0, FINITE_ONLY, "NaN and inf times 0 are NaN",
         name="mul_minus_zero"),
    rule(0 / x, 0, FINITE_ONLY, "0/0 is NaN", name="zero_div",
         answers=("local_zero_div",)),
    rule(n - n, 0, BITWISE, name="sub_self_exact",
         answers=("local_elemwise_sub_zeros",)),
    rule(f - f, 0, FINITE_ONLY, "NaN - NaN and inf - inf are NaN", name="sub_self",
         answers=("local_elemwise_sub_zeros",)),
    rule(x / x, 1, FINITE_ONLY, "0/0 is NaN", name="div_self"),
]  # fmt: skip

SIGNS = [
    rule(neg(-x), x, BITWISE, name="neg_neg", answers=("local_neg_neg",
         "useless_Neg_of_Neg")),
    rule(x + -y, x - y, BITWISE, name="add_neg", answers=("local_add_neg_to_sub",)),
    rule(x - -y, x + y, BITWISE, name="sub_neg", answers=("local_sub_neg_to_add",)),
    rule(-x * -y, x * y, BITWISE, name="mul_negs"),
    rule(-x / -y, x / y, BITWISE, name="div_negs", answers=("local_neg_div_neg",)),
    rule(neg(-x * y), x * y, BITWISE, name="neg_mul_neg"),
    rule(neg(-x / y), x / y, BITWISE, name="neg_div_neg"),
    rule(neg(x / -y), x / y, BITWISE, name="neg_div_by_neg"),
    rule(x * -1, -x, BITWISE, name="mul_minus_one", answers=("local_mul_specialize",)),
    rule(x / -1, -x, BITWISE, name="div_minus_one"),
    rule(neg(n - y), y - n, BITWISE, name="neg_sub_exact"),
    rule(neg(f - y), y - f, ROUNDING, "differs in the sign of zero", name="neg_sub"),
    rule(abs(abs(x)), abs(x), BITWISE, name="abs_abs"),
    rule(abs(-g), abs(g), BITWISE, name="abs_neg"),
    rule(abs(p), p, DOMAIN, name="abs_nonnegative"),
    rule(square(-x), square(x), BITWISE, name="square_neg"),
    rule(square(abs(x)), square(x), BITWISE, name="square_abs"),
    rule(abs(square(f)), square(f), BITWISE, name="abs_square"),
    rule(sign(sign(x)), sign(x), BITWISE, name="sign_sign"),
    rule(f / abs(f), sign(f), FINITE_ONLY, "0/0 is NaN", name="over_abs",
         answers=("local_mul_canonizer",)),
    rule(abs(f) / f, sign(f), FINITE_ONLY, "0/0 is NaN", name="abs_over",
         answers=("local_mul_canonizer",)),
    rule(sign(reciprocal(f)), sign(f), FINITE_ONLY, "differs for 0",
         name="sign_reciprocal", answers=("local_sign_div",)),
    rule(sign(f / c), sign(f), ROUNDING, "differs where f / c underflows",
         name="sign_over_positive", answers=("local_sign_div",)),
    rule(sign(f / m), -sign(f), ROUNDING, "differs where f / c underflows",
         name="sign_over_negative", answers=("local_sign_div",)),
    rule(sign(f * c), sign(f), ROUNDING, "differs where f * c underflows",
         name="sign_times_positive"),
    rule(abs(f) * abs(y), abs(f * y), BITWISE, "integers wrap", name="mul_abs",
         answers=("local_abs_merge",)),
    rule(abs(x) / abs(y), abs(x / y), BITWISE, name="div_abs",
         answers=("local_abs_merge",)),
]  # fmt: skip

POWERS = [
    rule(x * x, square(x), BITWISE, name="mul_self", answers=("local_mul_to_sqr",)),
    rule(x ** 2, square(x), ROUNDING, name="pow_two",
         answers=("local_pow_specialize",)),
    rule(x ** 0.5, sqrt(x), FINITE_ONLY, "differs for -inf", name="pow_half",
         answers=("local_pow_specialize",)),
    rule(f ** -1, reciprocal(f), ROUNDING, name="pow_minus_one",
         answers=("local_pow_specialize",)),
    rule(f ** -2, reciprocal(square(f)), ROUNDING, name="pow_minus_two",
         answers=("local_pow_specialize",)),
    rule(x ** -0.5, reciprocal(sqrt(x)), FINITE_ONLY, "differs for -inf",
         name="pow_minus_half", answers=("local_pow_specialize",)),
    rule(1 / x, reciprocal(x), BITWISE, name="div_to_reciprocal",
         answers=("local_div_to_reciprocal", "local_div_to_inv")),
    rule(f * reciprocal(y), f / y, ROUNDING, name="mul_reciprocal"),
    rule(reciprocal(reciprocal(f)), f, ROUNDING, name="reciprocal_reciprocal",
         answers=("useless_Reciprocal_of_Reciprocal",)),
    rule(1 / reciprocal(f), f, ROUNDING, name="one_over_reciprocal"),
    rule(f / reciprocal(y), f * y, ROUNDING, name="div_reciprocal"),
    rule(reciprocal(f / y), y / f, ROUNDING, name="reciprocal_div"),
    rule(square(sqrt(p)), p, DOMAIN, name="square_sqrt",
         answers=("local_sqrt_sqr",)),
    rule(sqrt(square(x)), abs(x), "stabler", "the square overflows above 1e154",
         name="sqrt_square", answers=("local_sqrt_sqr",)),
]  # fmt: skip

_CANCELS = "cancels near 0, overflows far from it"
INVERSES = [
    rule(cosh(arccosh(x)), x, FINITE_ONLY, "NaN below 1", name="cosh_arccosh",
         answers=("useless_Cosh_of_Arccosh", "local_func_inv")),
    rule(arccosh(cosh(x)), abs(x), STABLER, _CANCELS, name="arccosh_cosh",
         answers=("useless_Arccosh_of_Cosh", "local_func_inv")),
    rule(sinh(arcsinh(x)), x, STABLER, name="sinh_arcsinh",
         answers=("useless_Sinh_of_Arcsinh", "local_func_inv")),
    rule(arcsinh(sinh(x)), x, STABLER, "sinh overflows above 710",
         name="arcsinh_sinh", answers=("useless_Arcsinh_of_Sinh", "local_func_inv")),
    rule(tanh(arctanh(x)), x, FINITE_ONLY, "NaN beyond -1 and 1",
         name="tanh_arctanh",
         answers=("useless_Tanh_of_Arctanh", "local_func_inv")),
    rule(arctanh(tanh(x)), x, STABLER, "tanh is 1 above 19", name="arctanh_tanh",
         answers=("useless_Arctanh_of_Tanh", "local_func_inv")),
    rule(sin(arcsin(x)), x, FINITE_ONLY, "NaN beyond -1 and 1", name="sin_arcsin"),
    rule(cos(arccos(x)), x, FINITE_ONLY, "NaN beyond -1 and 1", name="cos_arccos"),
    rule(tan(arctan(x)), x, FINITE_ONLY, "tan(arctan(inf)) is 1.6e16",
         name="tan_arctan"),
    rule(deg2rad(rad2deg(x)), x, ROUNDING, name="deg2rad_rad2deg",
         answers=("local_func_inv",)),
    rule(rad2deg(deg2rad(x)), x, ROUNDING, name="rad2deg_deg2rad",
         answers=("local_func_inv",)),
    rule(polygamma(0, x), digamma(x), ROUNDING, name="polygamma_zero",
         answers=("local_polygamma_to_digamma",)),
]  # fmt: skip

DISTRIBUTED = [
    rule(x * (y / x + z), y + x * z, FINITE_ONLY, "a division less; 0/0 is NaN",
         name="times_sum_over", answers=("local_greedy_distributor",)),
    rule(x * (y / x - z), y - x * z, FINITE_ONLY, "a division less; 0/0 is NaN",
         name="times_difference_over", answers=("local_greedy_distributor",)),
    rule(x * (z - y / x), x * z - y, FINITE_ONLY, "a division less; 0/0 is NaN",
         name="times_minus_over", answers=("local_greedy_distributor",)),
    rule((f * y + z) / f, y + z / f, FINITE_ONLY, "a product less; 0/0 is NaN",
         name="sum_times_over", answers=("local_greedy_distributor",)),
    rule((f * y - z) / f, y - z / f, FINITE_ONLY, "a product less; 0/0 is NaN",
         name="difference_times_over", answers=("local_greedy_distributor",)),
    rule((z - f * y) / f, z / f - y, FINITE_ONLY, "a product less; 0/0 is NaN",
         name="minus_times_over", answers=("local_greedy_distributor",)),
]  # fmt: skip

ROUNDINGS = [
    rule(outer(inner(x)), inner(x), BITWISE, "already whole",
         name=f"{outer.name}_{inner.name}")
    for outer in (round, ceil, floor, trunc)
    for inner in (round, ceil, floor, trunc)
] + [
    rule(outer(n), n, BITWISE, "integers are whole", name=f"{outer.name}_integer")
    for outer in (round, ceil, floor, trunc)
]  # fmt: skip

EXTREMES = [
    rule(maximum(x, x), x, BITWISE, name="maximum_self",
         answers=("local_useless_elemwise_comparison",)),
    rule(minimum(x, x), x, BITWISE, name="minimum_self"),
    rule(maximum(maximum(x, y), y), maximum(x, y), ROUNDING, name="maximum_again"),
    rule(minimum(minimum(x, y), y), minimum(x, y), ROUNDING, name="minimum_again"),
    rule(clip(clip(x, y, z), y, z), clip(x, y, z), BITWISE, name="clip_clip"),
    rule(neg(maximum(-f, -y)), minimum(f, y), ROUNDING, name="neg_maximum_negs"),
    rule(neg(minimum(-f, -y)), maximum(f, y), ROUNDING, name="neg_minimum_negs"),
]  # fmt: skip

ALGEBRA = ruleset(
    "algebra",
    [
        *NEUTRAL, *ABSORBING, *SIGNS, *POWERS, *INVERSES, *DISTRIBUTED, *ROUNDINGS,
        *EXTREMES,
    ],
)  # fmt: skip
