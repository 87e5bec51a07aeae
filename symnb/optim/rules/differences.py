"""Differences of nearly equal numbers: the same in a form that does not subtract.

The classics of cancellation (Goldberg 1991, Higham 2002, chapter 1): roots, cosines,
logarithms, moments. Where the written form is right it is kept; the rewritten one
reads its tensor clipped to its own side, so that neither value nor slope of the side
not taken is ever infinite, and a rule knows by the clip what it has seen before.
"""

from __future__ import annotations

import math

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.define import as_node
from symnb.ops.elementwise import (
    abs,
    add,
    clip,
    cos,
    cosh,
    exp,
    greater,
    log,
    log1p,
    maximum,
    minimum,
    mul,
    neg,
    reciprocal,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    square,
    sub,
    where,
)
from symnb.ops.reduce import sum
from symnb.ops.view import shape_of
from symnb.optim.contract import STABLER
from symnb.optim.driver import Uses
from symnb.optim.guard import condition, literal, positive
from symnb.optim.rule import AXES, KEEP, hole, holes, rewrite, rule, ruleset

x, y = holes("x y")
c = hole("c", positive)
GOLDBERG = "Goldberg 1991, What every computer scientist should know, 1.4"


_X = Input(TensorType("float64", (64,)), "x")
_F = Input(TensorType("float32", (64,)), "x")
_M = Input(TensorType("float64", (4, 5)), "x")


def is_opposite(a: Node, b: Node) -> bool:
    """Whether b is -a, from the ops alone."""
    if (a.op is neg and a.inputs[0] is b) or (b.op is neg and b.inputs[0] is a):
        return True
    if a.op is not mul or b.op is not mul:
        return False
    (s, u), (t, v) = _factor(a), _factor(b)
    return u is v and s is not None and t is not None and s == -t


def _factor(product: Node) -> tuple[float | None, Node]:
    """(constant, the other factor) of a product."""
    for at in (0, 1):
        value = literal(product.inputs[at])
        if value is not None:
            return value, product.inputs[1 - at]
    return None, product


def _offset(node: Node) -> tuple[Node, float]:
    """(x, c) where the node is x + c, x - c or x itself."""
    if node.op is add or node.op is sub:
        for at in (0, 1) if node.op is add else (1,):
            value = literal(node.inputs[at])
            if value is not None and math.isfinite(value):
                return node.inputs[1 - at], -value if node.op is sub else value
    return node, 0.0


# ------------------------------------------------------------------------------ roots


@rewrite(
    sqrt(x) - sqrt(y), "sqrt(x + c) - sqrt(x) -> c / (sqrt(x + c) + sqrt(x))",
    STABLER, "0 above x = 1e16, where a digit of c no longer fits beside x", GOLDBERG,
    examples=lambda: [
        sqrt(_X + 1) - sqrt(_X), sqrt(_X) - sqrt(_X - 0.5),
        sqrt(_F + 1) - sqrt(_F),
    ],
)  # fmt: skip
def difference_of_roots(node: Node, x: Node, y: Node) -> Node | None:
    """The difference of the operands over the sum of the roots."""
    (u, first), (v, second) = _offset(x), _offset(y)
    gap = first - second
    if u is not v or not gap or not dtypes.is_float(node.dtype):
        return None
    if float(np.asarray(gap).astype(node.dtype)) != gap:
        return None
    return as_node(gap, node.dtype) / (node.inputs[0] + node.inputs[1])


def _shifted_root(root: Node, other: Node) -> tuple[Node, float] | None:
    """(y, d) where the root is sqrt(y + d*d) and the other is the constant d > 0."""
    d = literal(other)
    if root.op is not sqrt or d is None or not 0 < d < math.inf:
        return None
    inner = root.inputs[0]
    y, at = _offset(inner)
    if not at and inner.op is sub:
        value = literal(inner.inputs[0])
        y, at = (inner.inputs[1], 0.0 if value is None else value)
        y = -y
    return (y, d) if at == d * d and y.op is not maximum else None


@rewrite(
    sqrt(x) - y, "sqrt(c*c + x) - c -> x / (sqrt(c*c + x) + c)", STABLER,
    "1 + x has no digit left of x below 1e-16", GOLDBERG,
    examples=lambda: [sqrt(1 + _X) - 1, sqrt(1 - _X) - 1,
                      sqrt(_F + 4) - 2],
)  # fmt: skip
def root_minus_constant(node: Node) -> Node | None:
    """The operand over the sum, up to c*c; as written beyond, where it may be inf."""
    return _root_less(node, node.inputs[0], node.inputs[1])


@rewrite(
    y - sqrt(x), "c - sqrt(c*c + x) -> -x / (sqrt(c*c + x) + c)", STABLER,
    "1 + x has no digit left of x below 1e-16", GOLDBERG,
    examples=lambda: [1 - sqrt(1 - _X), 1 - sqrt(_X + 1)],
)  # fmt: skip
def constant_minus_root(node: Node) -> Node | None:
    """Minus what `root_minus_constant` gives."""
    made = _root_less(node, node.inputs[1], node.inputs[0])
    return None if made is None else -made


def _root_less(node: Node, root: Node, constant: Node) -> Node | None:
    found = _shifted_root(root, constant)
    if found is None or not dtypes.is_float(node.dtype):
        return None
    (y, d), u = found, root.inputs[0]
    far = sqrt(maximum(u, 2 * d * d)) - constant
    return where(greater(y, d * d), far, minimum(y, d * d) / (root + constant))


# ----------------------------------------------------------------------- exponentials


def _pair(node: Node) -> Node | None:
    """x of exp(x) - exp(-x)."""
    a, b = (side.inputs[0] for side in node.inputs)
    return a if is_opposite(a, b) else None


@rewrite(
    exp(x) - exp(y), "exp(x) - exp(-x) -> 2 * sinh(x)", STABLER, "cancels near x = 0",
    examples=lambda: [exp(_X) - exp(-_X),
                      exp(2 * _X) - exp(-2 * _X)],
)  # fmt: skip
def difference_of_exponentials(node: Node, uses: Uses) -> Node | None:
    """Twice the hyperbolic sine, unless an exponential is computed anyway."""
    u = _pair(node)
    if u is None or max(map(uses, node.inputs)) > 1:
        return None
    return 2 * sinh(u)


@rewrite(
    1 - reciprocal(1 + exp(x)), "1 - 1 / (1 + exp(x)) -> sigmoid(x)", STABLER,
    "0 below x = -37", examples=lambda: [1 - reciprocal(1 + exp(_X))],
)  # fmt: skip
def one_minus_logistic(node: Node, x: Node, uses: Uses) -> Node | None:
    """The sigmoid, unless the logistic function is computed anyway."""
    return None if uses(node.inputs[1]) > 1 else sigmoid(x)


# ------------------------------------------------------------------------- logarithms

_unbounded = condition(
    "x is not clipped yet", lambda x: x.op not in (minimum, maximum, clip)
)


def _log_ratio(x: Node, c: Node) -> Node:
    """log(x + c) - log(x), c > 0: as written up to c, else by log1p."""
    near, far = minimum(x, c), maximum(x, c)
    return where(greater(x, c), log1p(c / far), log(near + c) - log(near))


def _log_quotient(x: Node, c: Node) -> Node:
    """log((x + c) / x), c > 0: by log1p beyond 2c, else as written."""
    beyond = greater(abs(x), 2 * c)
    far, near = where(beyond, x, 4 * c), clip(x, -2 * c, 2 * c)
    return where(beyond, log1p(c / far), log((near + c) / near))


# ---------------------------------------------------------------------------- moments


@rewrite(
    sum(square(x), AXES, keepdims=KEEP) / y
    - square(sum(x, AXES, keepdims=KEEP) / y),
    "mean(x**2) - mean(x)**2 -> mean((x - mean(x))**2)", STABLER,
    "no digit left where the mean is 1e8 times the deviation, and negative at times",
    "Higham 2002, Accuracy and Stability of Numerical Algorithms, 1.9",
    examples=lambda: [
        sum(square(_M), 1) / 5.0 - square(sum(_M, 1) / 5.0),
        sum(square(_M)) / 20.0 - square(sum(_M) / 20.0),
    ],
)  # fmt: skip
def variance_in_two_passes(
    node: Node, x: Node, y: Node, axes: tuple[int, ...], keepdims: bool
) -> Node | None:
    """The mean square of what is left of x without its mean."""
    if y.ndim or not _counts(y, x, axes):
        return None
    rest = x - sum(x, axes, keepdims=True) / y
    return sum(square(rest), axes, keepdims=keepdims) / y


def _counts(y: Node, x: Node, axes: tuple[int, ...]) -> bool:
    """Whether y is the number of elements of x along the axes."""
    count: object = 1
    for axis in axes:
        count = count * shape_of(x)[axis]  # pyright: ignore
    value = literal(y)
    if value is not None:
        return value == count
    while y.op.name == "cast":
        y = y.inputs[0]
    return y.op.name == "size" and y.params[0] == count


DIFFERENCES = ruleset(
    "differences",
    [
        difference_of_roots, root_minus_constant, constant_minus_root,
        rule(1 - cos(x), 2 * square(sin(0.5 * x)), STABLER,
             "0 below x = 1e-8", GOLDBERG, name="one_less_cosine"),
        rule(cos(x) - 1, -2 * square(sin(0.5 * x)), STABLER,
             "0 below x = 1e-8", GOLDBERG, name="cosine_less_one"),
        rule(cosh(x) - 1, 2 * square(sinh(0.5 * x)), STABLER,
             "0 below x = 1e-8", name="cosh_less_one"),
        difference_of_exponentials, one_minus_logistic,
        rule(x - softplus(x), -softplus(-x), STABLER, "0 above x = 37",
             name="x_minus_softplus"),
        rule(x - log(1 + exp(x)), -softplus(-x), STABLER, "0 above x = 37",
             name="x_minus_log_one_plus_exp"),
        rule(log(x + c) - log(x), _log_ratio(x, c), STABLER,
             "0 above x = 1e16, where a digit of c no longer fits beside x",
             name="difference_of_logs", where=[_unbounded]),
        rule(log1p(x) - log(x), _log_ratio(x, 1), STABLER,
             "0 above x = 1e16, where a digit of 1 no longer fits beside x",
             name="log1p_minus_log", where=[_unbounded]),
        rule(log((x + c) / x), _log_quotient(x, c), STABLER,
             "0 above x = 1e16, where a digit of c no longer fits beside x",
             name="log_of_quotient", where=[_unbounded]),
        variance_in_two_passes,
    ],
    "one_sweep",
)  # fmt: skip
