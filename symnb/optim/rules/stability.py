"""Numerical stability: forms that overflow or cancel become forms that do not.

Left sides are in the normal form that the simplification reaches (`1/x` is
`reciprocal(x)`), whose rules run in the same pass. Rules that repeat a tensor on the
right, or ask who else reads a node, are in SHIFTS, whose results are final.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from symnb.core.node import Input, Node, make
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.barrier import consider_constant
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
    reciprocal,
    round,
    sigmoid,
    softplus,
    sqrt,
    square,
    sub,
    true_div,
    where,
)
from symnb.ops.peak import PEAK
from symnb.ops.reduce import MAX, PROD, SUM, reduced, sum
from symnb.ops.special import erf, erfc, erfcx, iv, ive, kv, kve, logit
from symnb.optim.contract import DOMAIN, FINITE_ONLY, STABLER
from symnb.optim.driver import Uses
from symnb.optim.guard import condition, nonnegative, nonzero
from symnb.optim.rule import AXES, KEEP, hole, holes, rewrite, rule, ruleset, term

x, y, s = holes("x y s")
p = hole("p", nonnegative)
c = hole("c", nonzero)

_OVERFLOW = "exp overflows above 709 (float64), 88 (float32)"
_CANCELS = "1 - a has no digit left of a below 1e-16"

LOGARITHMS = [
    rule(log(1 + x), log1p(x), STABLER, "1 + x has no digit left of x below 1e-16",
         "Goldberg 1991, theorem 4", name="log_one_plus",
         answers=("local_log1p",)),
    rule(log(1 - x), log1p(-x), STABLER, _CANCELS, "Goldberg 1991, theorem 4",
         name="log_one_minus", answers=("local_log1p",)),
    rule(log(exp(x)), x, STABLER, _OVERFLOW, name="log_exp",
         answers=("local_exp_log",)),
    rule(log1p(expm1(x)), x, STABLER, _OVERFLOW, name="log1p_expm1",
         answers=("local_exp_log",)),
    rule(exp(log(p)), p, DOMAIN, name="exp_log", answers=("local_exp_log",)),
    rule(exp(log1p(p)), 1 + p, DOMAIN, name="exp_log1p",
         answers=("local_exp_log",)),
    rule(expm1(log1p(p)), p, DOMAIN, name="expm1_log1p",
         answers=("local_exp_log",)),
    rule(log(reciprocal(x)), -log(x), FINITE_ONLY, "differs for -inf",
         name="log_reciprocal", answers=("local_log_div",)),
    rule(log(sqrt(x)), 0.5 * log(x), "rounding", name="log_sqrt",
         answers=("local_log_sqrt",)),
]  # fmt: skip

EXPONENTIALS = [
    rule(exp(x) - 1, expm1(x), STABLER, "cancels near x = 0", name="exp_minus_one",
         answers=("local_expm1",)),
    rule(1 - exp(x), -expm1(x), STABLER, "cancels near x = 0", name="one_minus_exp"),
    rule(expm1(x) + 1, exp(x), STABLER, name="expm1_plus_one"),
    rule(log1p(exp(x)), softplus(x), STABLER, _OVERFLOW, name="log1p_exp",
         answers=("log1pexp_to_softplus", "local_log1p_plusminus_exp")),
    rule(log1p(-exp(x)), log1mexp(x), STABLER, "cancels near x = 0",
         "Maechler 2012, Accurately computing log(1 - exp(-|a|))",
         name="log1p_neg_exp", answers=("local_log1p_plusminus_exp",)),
    rule(log(-expm1(x)), log1mexp(x), STABLER, "log of a number near 1 cancels",
         "Maechler 2012, Accurately computing log(1 - exp(-|a|))",
         name="log_neg_expm1", answers=("logmexpm1_to_log1mexp",)),
    rule(log(exp(x) + exp(y)), logaddexp(x, y), STABLER, _OVERFLOW,
         name="log_add_exp", answers=("local_log_add", "local_log_add_exp")),
    rule(exp(softplus(x)), 1 + exp(x), STABLER, name="exp_softplus",
         answers=("local_exp_log",)),
    rule(expm1(softplus(x)), exp(x), STABLER, name="expm1_softplus",
         answers=("local_exp_log",)),
]  # fmt: skip

SIGMOIDS = [
    rule(reciprocal(1 + exp(x)), sigmoid(-x), STABLER, _OVERFLOW,
         name="reciprocal_one_plus_exp",
         answers=("local_inv_1_plus_exp", "local_reciprocal_1_plus_exp")),
    rule(exp(x) / (1 + exp(x)), sigmoid(x), STABLER, "inf/inf above x = 709",
         name="exp_over_one_plus_exp", answers=("local_exp_over_1_plus_exp",)),
    rule(y / (1 + exp(x)), y * sigmoid(-x), STABLER, _OVERFLOW,
         name="over_one_plus_exp", answers=("local_exp_over_1_plus_exp",)),
    rule(exp(x) * sigmoid(-x), sigmoid(x), STABLER, "inf * 0 above x = 709",
         name="exp_times_sigmoid", answers=("local_sigm_times_exp",)),
    rule(exp(-x) * sigmoid(x), sigmoid(-x), STABLER, "inf * 0 below x = -709",
         name="exp_neg_times_sigmoid", answers=("local_sigm_times_exp",)),
    rule(log(sigmoid(x)), -softplus(-x), STABLER, "log(0) below x = -745",
         name="log_sigmoid", answers=("logsigm_to_softplus",)),
    rule(log1p(-sigmoid(x)), -softplus(x), STABLER, "log(0) above x = 37",
         name="log1p_neg_sigmoid",
         answers=("log1msigm_to_softplus", "log1p_neg_sigmoid")),
    rule(sigmoid(x) / sigmoid(-x), exp(x), STABLER, name="odds_sigmoid",
         answers=("local_odds_sigmoid",)),
    rule(sigmoid(-x) / sigmoid(x), exp(-x), STABLER, name="inverse_odds_sigmoid",
         answers=("local_inv_odds_sigmoid",)),
    rule(sigmoid(logit(x)), x, STABLER, name="sigmoid_logit",
         answers=("local_sigmoid_logit",)),
    rule(sigmoid(log(x / (1 - x))), x, FINITE_ONLY, "NaN below 0 and above 1",
         name="sigmoid_log_odds", answers=("local_sigmoid_logit",)),
]  # fmt: skip

ERROR_FUNCTIONS = [
    rule(1 - erf(x), erfc(x), STABLER, "0 above x = 6", name="one_minus_erf",
         answers=("local_one_minus_erf", "local_one_minus_erf2",
                  "local_one_plus_neg_erf")),
    rule(1 + erf(x), erfc(-x), STABLER, "0 below x = -6", name="one_plus_erf",
         answers=("local_one_plus_erf",)),
    rule(erf(x) - 1, -erfc(x), STABLER, "0 above x = 6", name="erf_minus_one",
         answers=("local_erf_minus_one",)),
    rule(1 - erfc(x), erf(x), STABLER, "cancels near x = 0", name="one_minus_erfc",
         answers=("local_one_minus_erfc", "local_one_minus_erfc2",
                  "local_one_minus_erfc3", "local_one_add_neg_erfc")),
    rule(erfc(-x) - 1, erf(x), STABLER, "cancels near x = 0", name="erfc_neg_minus_one",
         answers=("local_erf_neg_minus_one", "local_erf_neg_minus_one2")),
]  # fmt: skip


# -------------------------------------------------------------- normalised exponentials

_THROUGH = ("consider_constant", "expand_dims", "where", "broadcast_to")


def unshifted(x: Node) -> bool:
    """Whether x is not already something less its own maximum."""
    if x.op is not sub:
        return True
    first, shift = x.inputs
    for _ in range(4):
        if shift.op.name not in _THROUGH:
            break
        shift = shift.inputs[1 if shift.op is where else 0]
    return not (shift.op in (MAX, PEAK) and shift.inputs[0] is first)


not_shifted = condition("x is not less its maximum yet", unshifted)


def finite_peak(x: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """The maximum; 0 where it is infinite or NaN."""
    top = reduced(PEAK, x, axes, keepdims)
    return consider_constant(where(isfinite(top), top, 0))


def _matrix(name: str = "x") -> Node:
    return Input(TensorType("float64", (4, 5)), name)


def _softmax_examples() -> list[Node]:
    m = _matrix()
    v = Input(TensorType("float32", (5,)), "v")
    return [
        exp(m) / sum(exp(m), 1, keepdims=True),
        exp(m) / sum(exp(m), 0),
        exp(v) / sum(exp(v)),
    ]


@rewrite(
    exp(x) / sum(exp(x), AXES, keepdims=KEEP),
    "exp(x) / sum(exp(x)) -> exp(x - max(x)) / sum(exp(x - max(x)))",
    STABLER, _OVERFLOW, "Blanchard, Higham & Higham 2021, IMA J. Numer. Anal.",
    where=[not_shifted], examples=_softmax_examples,
    answers=("local_softmax_stabilize", "softmax_simplifier"),
)  # fmt: skip
def softmax_shift(
    node: Node, x: Node, axes: tuple[int, ...], keepdims: bool
) -> Node | None:
    """The normalised exponentials of x less its maximum along the axes."""
    total = node.inputs[1]
    lost = x.ndim - total.ndim
    if lost and axes != tuple(range(lost)):
        return None  # the sum does not line up with the axes it was taken over
    shifted = exp(x - finite_peak(x, axes, True))
    return shifted / sum(shifted, axes, keepdims=keepdims)


def _lse_examples() -> list[Node]:
    m = _matrix()
    return [
        log(sum(exp(m), 1, keepdims=True)), log(sum(exp(m), 0)), log(sum(exp(m))),
    ]  # fmt: skip


@rewrite(
    log(sum(exp(x), AXES, keepdims=KEEP)),
    "log(sum(exp(x))) -> log(sum(exp(x - max(x)))) + max(x)",
    STABLER, _OVERFLOW, "Blanchard, Higham & Higham 2021, IMA J. Numer. Anal.",
    where=[not_shifted], examples=_lse_examples,
    answers=("local_log_sum_exp",),
)  # fmt: skip
def logsumexp_shift(x: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """The logarithm of a sum of exponentials, the largest taken out."""
    shifted = exp(x - finite_peak(x, axes, True))
    inner = log(sum(shifted, axes, keepdims=keepdims))
    return inner + finite_peak(x, axes, keepdims)


def _log_softmax_examples() -> list[Node]:
    m = _matrix()
    shifted = m - reduced(MAX, m, (1,), True)
    return [log(exp(shifted) / sum(exp(shifted), 1, keepdims=True))]


@rewrite(
    log(exp(x) / sum(exp(x), AXES, keepdims=KEEP)),
    "log(exp(x) / sum(exp(x))) -> x - log(sum(exp(x))), x less its maximum",
    STABLER, "log(0) for entries 745 below the maximum; the form has 1.4 ulp where "
    "x - logsumexp(x) has 8.2", "measured at +-20",
    where=[condition("x is less its maximum", lambda x: not unshifted(x))],
    examples=_log_softmax_examples, decreases="weight",
    answers=("local_logsoftmax", "local_logsoftmax_grad"),
)  # fmt: skip
def log_softmax(node: Node, x: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """The logarithm of normalised exponentials without the exponentials."""
    return x - log(node.inputs[0].inputs[1])


SHIFTED_LSE = log(sum(exp(x - s), AXES, keepdims=KEEP)) + s


def _less_lse_examples() -> list[Node]:
    m = round(_matrix())
    top = reduced(MAX, m, (1,), True)
    return [m - (log(sum(exp(m - top), 1, keepdims=True)) + top)]


@rewrite(
    x - SHIFTED_LSE,
    "x - (log(sum(exp(x - s))) + s) -> (x - s) - log(sum(exp(x - s)))",
    STABLER, "x - logsumexp(x) measures 8.2 ulp at +-20, this form 1.4",
    examples=_less_lse_examples, decreases="summands",
    answers=("local_log_softmax_from_logsumexp",),
)  # fmt: skip
def less_logsumexp(node: Node, x: Node, s: Node) -> Node:
    """x - logsumexp(x), the shift subtracted first."""
    lse = node.inputs[1]
    inner = lse.inputs[0] if lse.inputs[1] is s else lse.inputs[1]
    return (x - s) - inner


def _exp_examples() -> list[Node]:
    m = round(_matrix())  # whole numbers: the shift itself is exact
    shifted = m - reduced(MAX, m, (1,), True)
    return [exp(shifted - log(sum(exp(shifted), 1, keepdims=True)))]


@rewrite(
    exp(x - log(sum(exp(x), AXES, keepdims=KEEP))),
    "exp(x - log(sum(exp(x)))) -> exp(x) / sum(exp(x)), x less its maximum",
    STABLER, "one exponential and no logarithm",
    where=[condition("x is less its maximum", lambda x: not unshifted(x))],
    examples=_exp_examples, decreases="weight", answers=("local_exp_log_softmax",),
)  # fmt: skip
def exp_log_softmax(node: Node, x: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """Normalised exponentials from their logarithm."""
    return exp(x) / node.inputs[0].inputs[1].inputs[0]


def _is_log(op: Op) -> bool:
    return op is log


SELECTING = ("gather", "slice", "transpose", "reshape", "squeeze", "expand_dims")


def _selected_examples() -> list[Node]:
    m = _matrix()
    shifted = m - reduced(MAX, m, (1,), True)
    softmax = exp(shifted) / sum(exp(shifted), 1, keepdims=True)
    return [log(softmax[:, 1]), log(softmax.T)]


@rewrite(
    _is_log, "log(select(exp(x) / sum(exp(x)))) -> select(log(exp(x) / sum(exp(x))))",
    STABLER, "so that the logarithm meets the exponential",
    operands=lambda ops: ops[0].name in SELECTING, examples=_selected_examples,
    decreases="logarithms of others", answers=("local_logsoftmax",),
)  # fmt: skip
def log_of_selected_softmax(node: Node) -> Node | None:
    """The logarithm taken before elements are selected or moved."""
    view = node.inputs[0]
    ratio = view.inputs[0]
    if ratio.op is not true_div or ratio.inputs[0].op is not exp:
        return None
    x = ratio.inputs[0].inputs[0]
    total = ratio.inputs[1]
    if unshifted(x) or total.op is not SUM or total.inputs[0] is not ratio.inputs[0]:
        return None
    return make(view.op, (log(ratio), *view.operands[1:]), view.params)


STABILITY = ruleset(
    "stability",
    [
        *LOGARITHMS, *EXPONENTIALS, *SIGMOIDS, *ERROR_FUNCTIONS, log_softmax,
        less_logsumexp, exp_log_softmax, log_of_selected_softmax,
    ],
)  # fmt: skip


# ------------------------------------------------------------------- final in one sweep


@rewrite(
    1 - sigmoid(x), "1 - sigmoid(x) -> sigmoid(-x)", STABLER,
    "1 - sigmoid(x) is 0 above x = 37", examples=lambda: [1 - sigmoid(_matrix())],
    answers=("local_1msigmoid",),
)  # fmt: skip
def one_minus_sigmoid(node: Node, x: Node, uses: Uses) -> Node | None:
    """sigmoid(-x), unless sigmoid(x) is computed anyway."""
    if uses(node.inputs[1]) > 1:
        return None
    return sigmoid(-x)


EXPANSIONS = [
    rule(log(exp(x) - exp(y)), x + log1mexp(y - x), FINITE_ONLY, _OVERFLOW,
         name="log_sub_exp", answers=("logdiffexp_to_log1mexpdiff",)),
    rule(log(erfc(x)),
         where(greater(x, 1),
               log(erfcx(maximum(x, 1))) - square(maximum(x, 1)),
               log1p(-erf(minimum(x, 1)))),
         STABLER, "erfc(x) is 0 above x = 27", "Abramowitz & Stegun 7.1.23",
         name="log_erfc", answers=("local_log_erfc", "local_grad_log_erfc_neg")),
    rule(log(square(x)), 2 * log(abs(x)), STABLER, "x**2 overflows above 1e154",
         name="log_square", answers=("local_log_pow",)),
    rule(log(p ** c), c * log(p), DOMAIN, "x**c overflows before its logarithm does",
         name="log_pow", answers=("local_log_pow",)),
    rule(log(kv(y, x)), log(kve(y, x)) - x, FINITE_ONLY, "kv(v, x) is 0 above x = 700",
         name="log_kv", answers=("local_log_kv",)),
    rule(log(iv(y, x)), log(ive(y, x)) + abs(x), FINITE_ONLY,
         "iv(v, x) overflows above x = 710", name="log_iv",
         answers=("local_log_iv",)),
    rule(log(term(PROD, square(x), params=(AXES, KEEP))),
         2 * term(SUM, log(abs(x)), params=(AXES, KEEP)), STABLER,
         "the product overflows or vanishes", name="log_prod_square",
         answers=("local_log_prod_sqr",)),
    rule(log(term(PROD, p, params=(AXES, KEEP))),
         term(SUM, log(p), params=(AXES, KEEP)), STABLER,
         "the product overflows or vanishes", name="log_prod",
         answers=("local_log_prod_to_sum_log",)),
]  # fmt: skip

SHIFTS = ruleset(
    "shift",
    [softmax_shift, logsumexp_shift, one_minus_sigmoid, *EXPANSIONS],
    "one_sweep",
)
