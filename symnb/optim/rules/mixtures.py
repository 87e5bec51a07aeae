"""Logarithms of weighted and averaged exponentials: mixtures far from their means.

As `logsumexp_shift`: the largest term is taken out, so that what remains in the sum is
at most one in size and one term of it is one. Weights count: log|w| + x decides which
term is largest, since a weight of zero must not choose the shift.
"""

from __future__ import annotations

from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.elementwise import abs, equal, exp, log, where
from symnb.ops.reduce import sum
from symnb.optim.contract import STABLER
from symnb.optim.guard import fills, tensor_type
from symnb.optim.rule import AXES, KEEP, holes, rewrite, ruleset
from symnb.optim.rules.stability import finite_peak, not_shifted

x, w, y = holes("x w y")
OVERFLOW = "exp(x) overflows above 709, and underflows below -745"


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


MIXTURES = ruleset(
    "mixtures", [log_of_mixture, log_of_mixture_mean, log_of_mean], "one_sweep"
)
