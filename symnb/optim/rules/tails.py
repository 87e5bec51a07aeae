"""Far tails: ratios and logarithms of functions that reach 0, 1 or infinity early.

A supplement to the rules of stability, same form and contracts: what people write for
the normal distribution and for tanh, which is 0/0 or log(0) a few standard deviations
out. Where the written form is right it is kept, so the error there is what it was.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.elementwise import (
    abs,
    clip,
    cosh,
    exp,
    expm1,
    greater,
    log,
    log1mexp,
    log1p,
    maximum,
    minimum,
    reciprocal,
    sigmoid,
    sinh,
    softplus,
    square,
    tanh,
    where,
)
from symnb.ops.special import erf, erfc, erfcx
from symnb.optim.contract import STABLER
from symnb.optim.driver import Uses
from symnb.optim.guard import condition, positive
from symnb.optim.rule import hole, holes, rewrite, rule, ruleset

LN2 = 0.6931471805599453
[x] = holes("x")
c = hole("c", positive)

_unbounded = condition("x may exceed 1", lambda x: x.op is not minimum)


def _far(x: Node) -> Node:
    """log(erfc(x)) for x above 1."""
    return log(erfcx(maximum(x, 1))) - square(maximum(x, 1))


_X = Input(TensorType("float64", (64,)), "x")


def _log_one_minus_tanh(x: Node) -> Node:
    """log(1 - tanh(x)): beyond -1 and 1 that of the sigmoid it is twice of."""
    near = log1p(-tanh(clip(x, -1, 1)))
    return where(greater(abs(x), 1), LN2 - softplus(2 * x), near)


def _log_two_sigmoid(x: Node) -> Node:
    """log(2 * sigmoid(x)): of 1 + tanh(x / 2) between -2 and 2."""
    near = log1p(tanh(0.5 * clip(x, -2, 2)))
    return where(greater(abs(x), 2), LN2 - softplus(-x), near)


def _log_cosh(x: Node) -> Node:
    """log(cosh(x)): by sinh where that is small, else as |x| and what is left."""
    size = abs(x)
    near = log1p(2 * square(sinh(0.5 * minimum(size, 1))))
    return where(greater(size, 1), size + log1p(exp(-2 * size)) - LN2, near)


def _bose(x: Node) -> Node:
    """exp(x) / expm1(x): beyond 1 one and what is left."""
    near = minimum(x, 1)
    far = -reciprocal(expm1(-maximum(x, 1)))
    return where(greater(x, 1), far, exp(near) / expm1(near))


SATURATED = "0 above x = 19, where tanh(x) is 1"


@rewrite(
    1 - tanh(x), "1 - tanh(x) -> 2 * sigmoid(-2 * x)", STABLER, SATURATED,
    examples=lambda: [1 - tanh(_X)],
)  # fmt: skip
def one_minus_tanh(node: Node, x: Node, uses: Uses) -> Node | None:
    """Twice a sigmoid, unless tanh(x) is computed anyway."""
    return None if uses(node.inputs[1]) > 1 else 2 * sigmoid(-2 * x)


@rewrite(
    1 + tanh(x), "1 + tanh(x) -> 2 * sigmoid(2 * x)", STABLER,
    "0 below x = -19, where tanh(x) is -1", examples=lambda: [1 + tanh(_X)],
)  # fmt: skip
def one_plus_tanh(node: Node, x: Node, uses: Uses) -> Node | None:
    """Twice a sigmoid, unless tanh(x) is computed anyway."""
    shared = [a for a in node.inputs if a.op is tanh and uses(a) > 1]
    return None if shared else 2 * sigmoid(2 * x)


@rewrite(
    1 - square(tanh(x)),
    "1 - tanh(x)**2 -> 4 * e / (1 + e)**2, e = exp(-2 * abs(x))", STABLER,
    "0 beyond x = 19, where tanh(x) is 1; its slope is taken of the written form",
    examples=lambda: [1 - square(tanh(_X))], tags="after_gradient",
)  # fmt: skip
def one_minus_tanh_square(node: Node, x: Node, uses: Uses) -> Node | None:
    """One exponential for one tanh, unless that is computed anyway."""
    power = node.inputs[1]
    if uses(power) > 1 or uses(power.inputs[0]) > 1:
        return None
    e = exp(-2 * abs(x))
    return 4 * e / square(1 + e)


@rewrite(
    sigmoid(x) * (1 - sigmoid(x)),
    "sigmoid(x) * (1 - sigmoid(x)) -> e / (1 + e)**2, e = exp(-abs(x))", STABLER,
    "0 above x = 37; its slope is taken of the written form",
    examples=lambda: [sigmoid(_X) * (1 - sigmoid(_X))],
    tags="after_gradient",
)  # fmt: skip
def slope_of_sigmoid(node: Node, x: Node, uses: Uses) -> Node | None:
    """One exponential, unless the sigmoid is computed for others as well."""
    [own] = [a for a in node.inputs if a.op is sigmoid]
    if uses(own) > 2:
        return None
    e = exp(-abs(x))
    return e / square(1 + e)


TAILS = ruleset(
    "tails",
    [
        rule(log(exp(x) - 1), x + log1mexp(-x), STABLER,
             "exp overflows above 709 (float64), 88 (float32)",
             name="log_exp_minus_one"),
        rule(log(expm1(x)), x + log1mexp(-x), STABLER,
             "exp overflows above 709 (float64), 88 (float32)", name="log_expm1"),
        rule(log(sinh(x)), x + (log1mexp(-2 * x) - LN2), STABLER,
             "sinh overflows above 710 (float64), 89 (float32)", name="log_sinh"),
        rule(log(1 - tanh(x)), _log_one_minus_tanh(x), STABLER,
             "log(0) above x = 19, where tanh(x) is 1", name="log_one_minus_tanh"),
        rule(log(1 + tanh(x)), _log_one_minus_tanh(-x), STABLER,
             "log(0) below x = -19, where tanh(x) is -1", name="log_one_plus_tanh"),
        rule(log(1 - square(tanh(x))), -2 * _log_cosh(x), STABLER,
             "log(0) beyond x = 19, where tanh(x) is 1",
             "Haarnoja et al. 2018, Soft actor-critic, appendix C",
             name="log_one_minus_tanh_square"),
        rule(log(2 * sigmoid(x)), _log_two_sigmoid(x), STABLER,
             "log(0) below x = -745, and cancels near x = 0", name="log_two_sigmoid"),
        one_minus_tanh, one_plus_tanh,
        rule(exp(x) / (exp(x) - 1), _bose(x), STABLER, "inf/inf above x = 709",
             name="exp_over_exp_minus_one", where=[_unbounded]),
        rule(exp(x) / expm1(x), _bose(x), STABLER, "inf/inf above x = 709",
             name="exp_over_expm1", where=[_unbounded]),
        rule((1 - exp(x)) / (1 + exp(x)), tanh(-0.5 * x), STABLER,
             "inf/inf above x = 709, and cancels near x = 0",
             name="tanh_of_exponential"),
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

SLOPES = ruleset("slopes", [one_minus_tanh_square, slope_of_sigmoid], "one_sweep")
