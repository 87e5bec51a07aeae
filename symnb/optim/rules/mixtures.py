"""Logarithms of weighted and averaged exponentials: mixtures far from their means.

As `logsumexp_shift`: the largest term is taken out, so that what remains in the sum is
at most one in size and one term of it is one. Weights count: log|w| + x decides which
term is largest, since a weight of zero must not choose the shift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from symnb.core.node import Input, Node, make
from symnb.core.types import TensorType
from symnb.ops.elementwise import (
    abs,
    add,
    equal,
    exp,
    log,
    logaddexp,
    mul,
    reciprocal,
    sigmoid,
    softplus,
    square,
    sub,
    true_div,
    where,
)
from symnb.ops.reduce import SUM, sum
from symnb.ops.view import TRANSPOSE, transpose
from symnb.optim.contract import FINITE_ONLY, STABLER
from symnb.optim.guard import fills, is_float, is_nonnegative, literal, tensor_type
from symnb.optim.rule import AXES, KEEP, holes, param, rewrite, ruleset, term
from symnb.optim.rules.stability import SELECTING, finite_peak, not_shifted

x, w, y = holes("x w y")
OVERFLOW = "exp(x) overflows above 709, and underflows below -745"
MOST_TERMS = 8  # of a sum or product taken apart


def _matrix() -> Node:
    return Input(TensorType("float64", (4, 5)), "x")


def _weights() -> Node:
    return Input(TensorType("float64", (5,)), "w")


def _mixtures() -> list[Node]:
    m, w = _matrix(), abs(_weights())
    return [log(sum(w * exp(m), 1)), log(sum(exp(m) * w, 1, keepdims=True))]


@rewrite(
    log(sum(w * exp(x), AXES, keepdims=KEEP)),
    "log(sum(w * exp(x))) -> log(sum(w * exp(x - m))) + m, m the largest log|w| + x",
    STABLER, OVERFLOW, where=[not_shifted], examples=_mixtures,
)  # fmt: skip
def log_of_mixture(
    node: Node, w: Node, x: Node, axes: tuple[int, ...], keepdims: bool
) -> Node | None:
    """The logarithm of a weighted sum of exponentials, the largest taken out."""
    product = node.inputs[0].inputs[0]
    if not fills(x, tensor_type(product).shape):
        return None
    terms, top = _shifted(w, x, axes, keepdims)
    return log(sum(terms, axes, keepdims=keepdims)) + top


def _shifted(
    w: Node, x: Node, axes: tuple[int, ...], keepdims: bool
) -> tuple[Node, Node]:
    """w * exp(x - m), and m as it is after summing; a weight of 0 leaves x out."""
    size = log(abs(w)) + x
    power = where(equal(w, 0), 0, x - finite_peak(size, axes, True))
    return w * exp(power), finite_peak(size, axes, keepdims)


@rewrite(
    log(sum(w * exp(x), AXES, keepdims=KEEP) / y),
    "log(sum(w * exp(x)) / y) -> log(sum(w * exp(x - m)) / y) + m, m the largest "
    "log|w| + x",
    STABLER, OVERFLOW, where=[not_shifted],
    examples=lambda: [log(sum(abs(_weights()) * exp(_matrix()), 1) / 5.0)],
)  # fmt: skip
def log_of_mixture_mean(
    node: Node, w: Node, x: Node, y: Node, axes: tuple[int, ...], keepdims: bool
) -> Node | None:
    """The logarithm of a weighted mean of exponentials, the largest taken out."""
    total = node.inputs[0].inputs[0]
    product = total.inputs[0]
    if not fills(total, tensor_type(node).shape):
        return None
    if not fills(x, tensor_type(product).shape):
        return None
    terms, top = _shifted(w, x, axes, keepdims)
    return log(sum(terms, axes, keepdims=keepdims) / y) + top


def _means() -> list[Node]:
    m = _matrix()
    return [log(sum(exp(m), 1) / 5.0), log(sum(exp(m)) / 20.0)]


@rewrite(
    log(sum(exp(x), AXES, keepdims=KEEP) / y),
    "log(sum(exp(x)) / y) -> log(sum(exp(x - m)) / y) + m, m = max(x)",
    STABLER, OVERFLOW, where=[not_shifted], examples=_means,
)  # fmt: skip
def log_of_mean(
    node: Node, x: Node, y: Node, axes: tuple[int, ...], keepdims: bool
) -> Node | None:
    """The logarithm of a mean of exponentials, the largest taken out."""
    total = node.inputs[0].inputs[0]
    if not fills(total, tensor_type(node).shape):
        return None
    shifted = sum(exp(x - finite_peak(x, axes, True)), axes, keepdims=keepdims)
    return log(shifted / y) + finite_peak(x, axes, keepdims)


# ---------------------------------------------------------------- sums of a few terms


def _vectors() -> list[Node]:
    return [Input(TensorType("float64", (64,)), name) for name in "xy"]


def _log_of_term(node: Node) -> Node | float | None:
    """The logarithm of exp(x), c * exp(x) or c, c > 0; None of anything else."""
    value = literal(node)
    if value is not None:
        return math.log(value) if 0 < value < math.inf else None
    if node.op is exp:
        return node.inputs[0]
    if node.op is mul or node.op is true_div:
        first, second = node.inputs
        if node.op is mul and literal(first) is not None:
            first, second = second, first
        scale = literal(second)
        if first.op is exp and scale is not None and 0 < scale < math.inf:
            sign = 1 if node.op is mul else -1
            return first.inputs[0] + sign * math.log(scale)
    return None


def _summands(total: Node) -> list[Node]:
    """The operands of additions of additions, left to right."""
    found: list[Node] = []
    stack = [total]
    while stack and len(found) <= MOST_TERMS:
        node = stack.pop()
        if node.op is add:
            stack.extend(reversed(node.inputs))
        else:
            found.append(node)
    return found


def _sums() -> list[Node]:
    x, y = _vectors()
    return [
        log(exp(x) + exp(y) + exp(2 * x)), log(exp(x) + 3), log(1 + exp(x) + exp(y)),
        log(0.25 * exp(x) + 0.75 * exp(y)), log((exp(x) + exp(y)) * 0.5),
    ]  # fmt: skip


@rewrite(
    lambda op: op is log, "log(a * exp(x) + b * exp(y) + ... + c) -> "
    "logaddexp(logaddexp(x + log(a), y + log(b)), ..., log(c)), a, b, c > 0",
    STABLER, OVERFLOW, operands=lambda ops: ops[0] in (add, mul, true_div),
    examples=_sums, decreases="exponentials",
)  # fmt: skip
def log_of_sum_of_exponentials(node: Node) -> Node | None:
    """logaddexp of three terms and more, or of terms with constants."""
    inner, outer = node.inputs[0], 0.0
    if inner.op is not add:
        scale = literal(inner.inputs[1])
        if scale is None or not 0 < scale < math.inf or inner.inputs[0].op is not add:
            return None
        outer = math.log(scale) * (1 if inner.op is mul else -1)
        inner = inner.inputs[0]
    terms = _summands(inner)
    if not 2 <= len(terms) <= MOST_TERMS or not is_float.test(node):
        return None
    logs = [_log_of_term(term) for term in terms]
    plain = [term for term in terms if term.op is exp or literal(term) == 1]
    if None in logs or (len(terms) == 2 == len(plain) and not outer):
        return None  # two plain terms have rules of their own
    powers = [power for power in logs if isinstance(power, Node)]
    constant = [power for power in logs if isinstance(power, float)]
    if not powers or len(constant) > 1:
        return None
    made = powers[0]
    for power in [*powers[1:], *constant]:
        made = logaddexp(made, power)
    return made + outer if outer else made


# ------------------------------------------------------- products of a few exponentials


def _products() -> list[Node]:
    x, y = _vectors()
    return [
        log(exp(x) * y), log(exp(-square(x)) * 0.4), log(exp(x) / square(1 + exp(x))),
        log(sigmoid(x) * (1 - sigmoid(x))), log(2 * sigmoid(x)), log(y / exp(x)),
    ]  # fmt: skip


def _factors(root: Node) -> list[tuple[Node, int]]:
    """(factor, +1 or -1) of products of products and quotients, left to right."""
    found: list[tuple[Node, int]] = []
    stack = [(root, 1)]
    while stack and len(found) <= MOST_TERMS:
        node, sign = stack.pop()
        if node.op is mul or node.op is true_div:
            other = sign if node.op is mul else -sign
            stack += [(node.inputs[1], other), (node.inputs[0], sign)]
        elif node.op is reciprocal:
            stack.append((node.inputs[0], -sign))
        else:
            found.append((node, sign))
    return found


def _log_of_factor(node: Node) -> Node | None:
    """The logarithm of exp(x), sigmoid(x), 1 - sigmoid(x) or p**2; None of others."""
    if node.op is exp:
        return node.inputs[0]
    if node.op.name in SELECTING and node.inputs[0].op is exp:
        return make(
            node.op, (node.inputs[0].inputs[0], *node.operands[1:]), node.params
        )
    if node.op is sigmoid:
        return -softplus(-node.inputs[0])
    if node.op is sub and literal(node.inputs[0]) == 1 and node.inputs[1].op is sigmoid:
        return -softplus(node.inputs[1].inputs[0])
    if node.op is square and is_nonnegative(node.inputs[0]):
        return 2 * log(node.inputs[0])
    return None


def _has_name(factors: Sequence[tuple[Node, int]]) -> bool:
    """Whether it is exp(x) over their sum or over 1 + exp(x), which have rules."""
    above = {factor for factor, sign in factors if sign > 0}
    return any(
        (f.op is SUM and f.inputs[0] in above)
        or (f.op is add and literal(f.inputs[0]) == 1 and f.inputs[1] in above)
        or (f.op is add and literal(f.inputs[1]) == 1 and f.inputs[0] in above)
        for f, sign in factors
        if sign < 0
    )


def _rest(factor: Node, sign: int) -> list[tuple[Node, int]]:
    """Terms of the logarithm of a factor; of a sum of exponentials, the shift first."""
    if factor.op is not SUM or factor.inputs[0].op is not exp:
        return [(log(factor), sign)]
    x = factor.inputs[0].inputs[0]
    axes, keepdims = factor.params
    shifted = sum(exp(x - finite_peak(x, axes, True)), axes, keepdims=keepdims)
    return [(finite_peak(x, axes, keepdims), sign), (log(shifted), sign)]


@rewrite(
    lambda op: op is log, "log(exp(x) * sigmoid(y) * z / w) -> "
    "x - softplus(-y) + log(z) - log(w), as many of them as there are",
    FINITE_ONLY, f"{OVERFLOW}; log(0 * -1) is -inf",
    operands=lambda ops: ops[0] in (mul, true_div), examples=_products,
    decreases="exponentials",
)  # fmt: skip
def log_of_product(node: Node) -> Node | None:
    """The sum of the logarithms, where at least one of them is no logarithm.

    Normalised exponentials are left to their own rules; of other factors there may
    be one, so that the signs of two cannot cancel.
    """
    factors = _factors(node.inputs[0])
    if len(factors) > MOST_TERMS or not is_float.test(node):
        return None
    logs = [(_log_of_factor(factor), sign) for factor, sign in factors]
    others = [pair for pair, (power, _) in zip(factors, logs, strict=True)
              if power is None]  # fmt: skip
    known = [(power, sign) for power, sign in logs if power is not None]
    if not known or len(others) > 1 or _has_name(factors):
        return None
    if all(
        factor.op is square
        for (factor, _), (power, _) in zip(factors, logs, strict=True)
        if power is not None
    ):
        return None  # it would only split the logarithm
    made: Node | None = None
    rest = [part for factor, side in others for part in _rest(factor, side)]
    for power, sign in [*known, *rest]:
        if made is None:
            made = power if sign > 0 else -power
        else:
            made = made + power if sign > 0 else made - power
    return made


# ------------------------------------------------------- normalised in other ways


def _weighted() -> list[Node]:
    terms = exp(_matrix()) * abs(_weights())
    return [terms / sum(terms, 1, keepdims=True), terms / sum(terms, 0)]


@rewrite(
    w * exp(x) / sum(w * exp(x), AXES, keepdims=KEEP),
    "w * exp(x) / sum(w * exp(x)) -> the same of x - m, m the largest log|w| + x",
    STABLER, OVERFLOW, where=[not_shifted],
    examples=_weighted,
)  # fmt: skip
def weighted_softmax_shift(
    node: Node, w: Node, x: Node, axes: tuple[int, ...], keepdims: bool
) -> Node | None:
    """Weights of a mixture after seeing data, of exponents less the largest."""
    product, total = node.inputs
    lost = tensor_type(product).ndim - total.ndim
    if lost and axes != tuple(range(lost)):
        return None
    if not fills(x, tensor_type(product).shape):
        return None
    terms, _ = _shifted(w, x, axes, keepdims)
    return terms / sum(terms, axes, keepdims=keepdims)


_M = _matrix()
PERM = param("axes", (1, 0))
OVER = param("over", (0,), (1,))


@rewrite(
    term(TRANSPOSE, exp(x), params=(PERM,)) / sum(exp(x), OVER),
    "transpose(exp(x)) / sum(exp(x)) -> "
    "transpose(exp(x - max(x)) / sum(exp(x - max(x))))", STABLER, OVERFLOW,
    where=[not_shifted],
    examples=lambda: [exp(_M).T / sum(exp(_M), 1)],
)  # fmt: skip
def softmax_shift_transposed(
    node: Node, x: Node, axes: tuple[int, ...], over: tuple[int, ...]
) -> Node | None:
    """Normalised exponentials, where the sum met the axes by a transposition."""
    rest = tuple(axis for axis in range(x.ndim) if axis not in over)
    if not rest or tuple(axes[-len(rest) :]) != rest:
        return None
    shifted = exp(x - finite_peak(x, over, True))
    return transpose(shifted / sum(shifted, over, keepdims=True), axes)


MIXTURES = ruleset(
    "mixtures",
    [
        log_of_mixture, log_of_mixture_mean, log_of_mean, log_of_sum_of_exponentials,
        log_of_product, weighted_softmax_shift, softmax_shift_transposed,
    ],
    "one_sweep",
)  # fmt: skip
