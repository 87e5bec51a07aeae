"""Functions written out, where the function has a name that keeps the digits.

What people type from a textbook: inverse hyperbolic functions as logarithms, tanh as a
sigmoid, softplus as a difference. The named form is one function of one tensor, so
these rules terminate and run with those of stability.
"""

from __future__ import annotations

from symnb.ops.elementwise import (
    arccosh,
    arcsinh,
    arctanh,
    exp,
    expm1,
    log,
    sigmoid,
    softplus,
    sqrt,
    square,
    tanh,
)
from symnb.optim.contract import STABLER
from symnb.optim.rule import holes, rule, ruleset

[x] = holes("x")
HYPERBOLIC = "Abramowitz & Stegun 4.6.20-22"

NAMED = ruleset(
    "named",
    [
        rule(log(x + sqrt(square(x) + 1)), arcsinh(x), STABLER,
             "log(0) below x = -1e8, no digit left near 0, x**2 overflows above 1e154",
             HYPERBOLIC, name="arcsinh_as_log"),
        rule(log(x + sqrt(square(x) - 1)), arccosh(x), STABLER,
             "x**2 overflows above 1e154, and x**2 - 1 cancels near 1", HYPERBOLIC,
             name="arccosh_as_log"),
        rule(log((1 + x) / (1 - x)), 2 * arctanh(x), STABLER,
             "1 + x has no digit left of x below 1e-16", HYPERBOLIC,
             name="arctanh_as_log"),
        rule(2 * sigmoid(x) - 1, tanh(0.5 * x), STABLER, "cancels near x = 0",
             name="two_sigmoid_minus_one"),
        rule(1 - 2 * sigmoid(x), -tanh(0.5 * x), STABLER, "cancels near x = 0",
             name="one_minus_two_sigmoid"),
        rule(softplus(x) - x, softplus(-x), STABLER, "0 above x = 37",
             name="softplus_minus_x"),
        rule(softplus(x) - softplus(-x), x, STABLER, "cancels near x = 0",
             name="softplus_difference"),
        rule(expm1(x) / exp(x), -expm1(-x), STABLER, "inf/inf above x = 709",
             name="expm1_over_exp"),
    ],
)  # fmt: skip
