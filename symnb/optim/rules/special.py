"""Cheaper special cases: powers, exponentials, round trips.

What is true only of this case or costs more elsewhere: results are final, so a rule
may repeat a tensor, and rules ask who else reads a node, so nothing is computed twice.
Runs once, after the algebra is done.
"""

from __future__ import annotations

import math

from symnb.core import dtypes
from symnb.core.node import Input, Node, make
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.cast import CAST
from symnb.ops.define import Elementwise
from symnb.ops.elementwise import (
    exp,
    expm1,
    greater_equal,
    less_equal,
    log,
    log1mexp,
    log1p,
    pow,
    reciprocal,
    sqrt,
    square,
    where,
)
from symnb.ops.view import EXPAND_DIMS, RESHAPE, SQUEEZE, reshape, shape_of
from symnb.optim.contract import BITWISE, FINITE_ONLY, ROUNDING, STABLER
from symnb.optim.driver import Uses
from symnb.optim.guard import constant, fills, is_exact, is_float, literal
from symnb.optim.rule import hole, holes, rewrite, rule, ruleset

x, y = holes("x y")
f = hole("f", is_float)
n = hole("n", is_exact)
c, d = holes("c d", constant)


def _vector(dtype: str = "float64", name: str = "x") -> Node:
    return Input(TensorType(dtype, (32,)), name)


_X = _vector()

# ------------------------------------------------------------------------------ powers

LEAST, MOST = 3, 512  # exponents taken apart
NEAR = 4  # largest exponent within the usual rounding


def _whole(exponent: Node) -> int | None:
    """The exponent, when it is a whole number in range."""
    value = literal(exponent)
    if value is None or value != int(value if math.isfinite(value) else 0):
        return None
    return int(value) if LEAST <= abs(value) <= MOST else None


def _by_squaring(base: Node, exponent: int) -> Node:
    """base ** exponent as squares and products, least significant bit first."""
    result: Node | None = None
    power, rest = base, abs(exponent)
    while rest:
        if rest & 1:
            result = power if result is None else result * power
        rest >>= 1
        if rest:
            power = square(power)
    assert result is not None
    return result if exponent > 0 else reciprocal(result)


@rewrite(
    n**c, "n ** c -> squares and products, of integers, 3 <= c <= 512", BITWISE,
    "the same modulo a power of two", decreases="powers",
    answers=("local_pow_specialize_device", "local_pow_to_nested_squaring"),
    examples=lambda: [_vector("int64") ** 3, _vector("uint8") ** 13],
)  # fmt: skip
def pow_of_integer(n: Node, c: Node) -> Node | None:
    """Repeated squaring."""
    exponent = _whole(c)
    return _by_squaring(n, exponent) if exponent and exponent > 0 else None


@rewrite(
    f**c, "f ** c -> squares and products, c = 3, 4, -3 or -4", ROUNDING,
    "two products in place of a call of pow", decreases="powers",
    answers=("local_pow_specialize_device", "local_pow_to_nested_squaring"),
    examples=lambda: [_vector() ** 3, _vector("float32") ** 4, _vector() ** -3,
                      _vector() ** -4.0],
)  # fmt: skip
def pow_near(f: Node, c: Node) -> Node | None:
    """Repeated squaring."""
    exponent = _whole(c)
    return _by_squaring(f, exponent) if exponent and abs(exponent) <= NEAR else None


@rewrite(
    f**c, "f ** c -> squares and products, 5 <= |c| <= 512",
    ROUNDING.within(MOST), "c ulp at most: as much as c times half an ulp of f",
    "Higham 2002, Accuracy and Stability of Numerical Algorithms, lemma 3.1",
    decreases="powers",
    answers=("local_pow_specialize_device", "local_pow_to_nested_squaring"),
    examples=lambda: [_vector() ** 5, _vector("float32") ** 10, _vector() ** 100.0,
                      _vector() ** 512, _vector() ** -7],
)  # fmt: skip
def pow_by_squaring(f: Node, c: Node) -> Node | None:
    """Repeated squaring."""
    exponent = _whole(c)
    return _by_squaring(f, exponent) if exponent else None


@rewrite(
    x**c * x**d, "x ** c * x ** d -> x ** (c + d), c + d without rounding",
    FINITE_ONLY, "NaN times a number is NaN where the power of the sum is none",
    decreases="powers", answers=("local_mul_pow_to_pow_add",),
    examples=lambda: [_X**2.5 * _X**0.25, _X ** -0.5 * _X**3.5],
)  # fmt: skip
def mul_pows(node: Node, x: Node, c: Node, d: Node) -> Node | None:
    """One power, where the exponents add up exactly."""
    first, second = literal(c), literal(d)
    if first is None or second is None or not dtypes.is_float(node.dtype):
        return None
    total = first + second
    if math.fsum((first, second, -total)) != 0 or not math.isfinite(total):
        return None
    return pow(x, total) if total else None


# ------------------------------------------------------------------------ exponentials

# Half an ulp of x + y, at most 709, changes exp(x + y) by 2^-44: 512 ulp.
EXPONENT = ROUNDING.within(516)
_HALF = "one exponential less; the error is that of half an ulp in the exponent"


def _worth(node: Node, uses: Uses) -> bool:
    """Whether two exponentials of a node's shape become one."""
    first, second = node.inputs
    shape = shape_of(node)
    alike = fills(first, shape) and fills(second, shape)
    return alike and min(uses(first), uses(second)) == 1


@rewrite(
    exp(x) * exp(y), "exp(x) * exp(y) -> exp(x + y)", EXPONENT, _HALF,
    answers=("local_mul_exp_to_exp_add",), decreases="exponentials",
    examples=lambda: [exp(_vector()) * exp(_vector(name="y"))],
)  # fmt: skip
def mul_exps(node: Node, x: Node, y: Node, uses: Uses) -> Node | None:
    """One exponential, unless both are computed anyway."""
    return exp(x + y) if _worth(node, uses) else None


@rewrite(
    exp(x) / exp(y), "exp(x) / exp(y) -> exp(x - y)", EXPONENT, _HALF,
    answers=("local_mul_exp_to_exp_add",), decreases="exponentials",
    examples=lambda: [exp(_vector()) / exp(_vector(name="y"))],
)  # fmt: skip
def div_exps(node: Node, x: Node, y: Node, uses: Uses) -> Node | None:
    """One exponential, unless both are computed anyway."""
    return exp(x - y) if _worth(node, uses) else None


@rewrite(
    reciprocal(exp(x)), "1 / exp(x) -> exp(-x)", ROUNDING, "no division",
    answers=("local_div_exp_to_mul_exp",), decreases="divisions",
    examples=lambda: [reciprocal(exp(_vector()))],
)  # fmt: skip
def reciprocal_exp(node: Node, x: Node, uses: Uses) -> Node | None:
    """The exponential of -x, unless that of x is computed anyway."""
    return exp(-x) if uses(node.inputs[0]) == 1 else None


@rewrite(
    y / exp(x), "y / exp(x) -> y * exp(-x)", ROUNDING, "no division",
    answers=("local_div_exp_to_mul_exp",), decreases="divisions",
    examples=lambda: [_vector(name="y") / exp(_vector())],
)  # fmt: skip
def over_exp(node: Node, x: Node, y: Node, uses: Uses) -> Node | None:
    """A product with exp(-x), unless exp(x) is computed anyway."""
    return y * exp(-x) if uses(node.inputs[1]) == 1 else None


_NAN = math.nan
_DEFINED = "no logarithm; NaN where it had none"
ROUND_TRIPS = [
    rule(exp(log(x)), where(greater_equal(x, 0), x, _NAN), STABLER, _DEFINED,
         name="exp_log_anywhere", answers=("local_exp_log_nan_switch",)),
    rule(exp(log1p(x)), where(greater_equal(x, -1), 1 + x, _NAN), STABLER, _DEFINED,
         name="exp_log1p_anywhere", answers=("local_exp_log_nan_switch",)),
    rule(exp(log1mexp(x)), where(less_equal(x, 0), -expm1(x), _NAN), STABLER,
         _DEFINED, name="exp_log1mexp", answers=("local_exp_log_nan_switch",)),
    rule(expm1(log(x)), where(greater_equal(x, 0), x - 1, _NAN), STABLER, _DEFINED,
         name="expm1_log", answers=("local_exp_log_nan_switch",)),
    rule(expm1(log1p(x)), where(greater_equal(x, -1), x, _NAN), STABLER, _DEFINED,
         name="expm1_log1p_anywhere", answers=("local_exp_log_nan_switch",)),
    rule(expm1(log1mexp(x)), where(less_equal(x, 0), -exp(x), _NAN), STABLER,
         _DEFINED, name="expm1_log1mexp", answers=("local_exp_log_nan_switch",)),
    rule(square(sqrt(x)), where(greater_equal(x, 0), x, _NAN), STABLER,
         "no root; NaN where it had none", name="square_sqrt_anywhere",
         answers=("local_sqrt_sqr",)),
]  # fmt: skip


# ------------------------------------------------------------------- reshaped operands


def _is_unary(op: Op) -> bool:
    return op is CAST or (isinstance(op, Elementwise) and op.arity == 1)


@rewrite(
    lambda op: op is RESHAPE, "reshape(f(x)) -> f(reshape(x)), f unary", BITWISE,
    "so that reshapes meet", operands=lambda ops: _is_unary(ops[0]),
    decreases="reshaped results", answers=("local_reshape_lift", "local_flatten_lift"),
    examples=lambda: [reshape(exp(-Input(TensorType("float64", (2, 3)), "x")), 6)],
)  # fmt: skip
def reshape_of_unary(node: Node, uses: Uses) -> Node | None:
    """The reshape below the ops of one operand that nothing else reads."""
    above: list[Node] = []
    inner = node.inputs[0]
    while _is_unary(inner.op) and uses(inner) == 1:
        above.append(inner)
        inner = inner.inputs[0]
    if not above:
        return None
    while inner.op in (RESHAPE, EXPAND_DIMS, SQUEEZE):
        inner = inner.inputs[0]
    made = reshape(inner, shape_of(node))
    for old in reversed(above):
        made = make(old.op, (made,), old.params)
    return made


SPECIAL = ruleset(
    "special",
    [
        pow_of_integer, pow_near, pow_by_squaring, mul_pows, mul_exps, div_exps,
        reciprocal_exp, over_exp, *ROUND_TRIPS, reshape_of_unary,
    ],
    "one_sweep",
)  # fmt: skip
