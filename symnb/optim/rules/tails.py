"""Far tails: ratios and logarithms of functions that reach 0, 1 or infinity early.

A supplement to the rules of stability, same form and contracts: what people write for
the normal distribution and for tanh, which is 0/0 or log(0) a few standard deviations
out. Where the written form is right it is kept, so the error there is what it was.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from symnb.core.node import Node
from symnb.ops.elementwise import (
    abs,
    cosh,
    exp,
    expm1,
    greater,
    log,
    log1p,
    maximum,
    minimum,
    reciprocal,
    sigmoid,
    sinh,
    square,
    tanh,
    where,
)
from symnb.ops.special import erf, erfc, erfcx
from symnb.optim.contract import STABLER
from symnb.optim.guard import condition, positive
from symnb.optim.rule import hole, holes, rule, ruleset

LN2 = 0.6931471805599453
[x] = holes("x")
c = hole("c", positive)

_unbounded = condition("x may exceed 1", lambda x: x.op is not minimum)


def _far(x: Node) -> Node:
    """log(erfc(x)) for x above 1."""
    return log(erfcx(maximum(x, 1))) - square(maximum(x, 1))


def _log_cosh(x: Node) -> Node:
    """log(cosh(x)): by sinh where that is small, else as |x| and what is left."""
    size = abs(x)
    near = log1p(2 * square(sinh(0.5 * minimum(size, 1))))
    return where(greater(size, 1), size + log1p(exp(-2 * size)) - LN2, near)


TAILS = ruleset(
    "tails",
    [
        rule(log(1 - erf(x)),
             where(greater(x, 1), _far(x), log1p(-erf(minimum(x, 1)))), STABLER,
             "1 - erf(x) is 0 above x = 6", "Abramowitz & Stegun 7.1.23",
             name="log_one_minus_erf"),
        rule(log(c * erfc(x)),
             where(greater(x, 1), log(c) + _far(x), log(c * erfc(minimum(x, 1)))),
             STABLER, "the logarithm of a normal probability: 0 above x = 27",
             "Abramowitz & Stegun 7.1.23", name="log_scaled_erfc",
             where=[_unbounded], answers=("local_log_erfc",)),
        rule(log(cosh(x)), _log_cosh(x), STABLER,
             "cosh overflows above x = 710, and is 1 near x = 0", name="log_cosh"),
        rule(exp(-square(x)) / erfc(x),
             where(greater(x, 1), reciprocal(erfcx(maximum(x, 1))),
                   exp(-square(minimum(x, 1))) / erfc(minimum(x, 1))),
             STABLER, "0/0 above x = 27", "Abramowitz & Stegun 7.1.3",
             name="exp_over_erfc", where=[_unbounded],
             answers=("local_grad_log_erfc_neg",)),
    ],
    "one_sweep",
)  # fmt: skip

RATIOS = ruleset(
    "ratios",
    [
        rule((exp(x) - exp(-x)) / (exp(x) + exp(-x)), tanh(x), STABLER,
             "inf/inf above x = 709, and cancels near x = 0",
             name="tanh_of_exponentials"),
        rule(expm1(x) * sigmoid(-x), tanh(0.5 * x), STABLER, "inf * 0 above x = 709",
             name="tanh_of_expm1"),
    ],
)  # fmt: skip
