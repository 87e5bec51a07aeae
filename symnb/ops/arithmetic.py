"""Elementwise arithmetic: the four operations, division with remainder, rounding,
extremes, signs.

Meaning is NumPy's: integers wrap, dividing an integer by zero gives 0 (no trap),
the remainder has the sign of the divisor, halves round to even, NaN wins in
`maximum` and `minimum`. Where an extreme is reached twice the first operand gets
the whole gradient, as in Theano; `abs` has gradient 0 at 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Node
from symnb.ops.define import as_node, elementwise, promoted
from symnb.ops.logic import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_or,
    not_equal,
    where,
)

Array = np.ndarray[Any, Any]

_STEPS = "piecewise constant: zero wherever it exists"
_NUMBERS = ("float", "int", "uint")


def _except_bool(text: str) -> dict[str, str]:
    return dict.fromkeys(_NUMBERS, text)


add = elementwise(
    "add", "x y", c={"bool": "{x} | {y}", "else": "{x} + {y}"}, numpy=np.add,
    partial=lambda x, y, out: [1, 1], infix="+", commutative=True,
    latex="{x} + {y}", doc="x + y. Integers wrap; bool: or.",
)  # fmt: skip

sub = elementwise(
    "sub", "x y", c="{x} - {y}", numpy=np.subtract, allowed=_NUMBERS,
    partial=lambda x, y, out: [1, -1], infix="-", latex="{x} - {y}",
    doc="x - y. Integers wrap; not defined for bool (use logical_xor).",
)  # fmt: skip

mul = elementwise(
    "mul", "x y", c={"bool": "{x} & {y}", "else": "{x} * {y}"}, numpy=np.multiply,
    partial=lambda x, y, out: [y, x], infix="*", commutative=True,
    latex=r"{x} \, {y}", doc="x * y. Integers wrap; bool: and.",
)  # fmt: skip

true_div = elementwise(
    "true_div", "x y", out="quotient", c="{x} / {y}", numpy=np.true_divide,
    allowed=("float",), partial=lambda x, y, out: [1 / y, -(out / y)], infix="/",
    latex=r"\frac{{x}}{{y}}", weight=2, doc="x / y; integers are divided as float64.",
)  # fmt: skip

neg = elementwise(
    "neg", "x", c="-{x}", numpy=np.negative, allowed=_NUMBERS, ulp=0,
    partial=lambda x, out: [-1], infix="-", latex="-{x}",
    doc="-x. The least integer stays itself; not defined for bool.",
)  # fmt: skip

copy = elementwise(
    "copy", "x", c="{x}", numpy=np.copy, partial=lambda x, out: [1], ulp=0,
    tags=frozenset({"identity"}), latex="{x}", doc="x.",
)  # fmt: skip

# --------------------------------------------------------- division with remainder

# NumPy's npy_divmod: corrects the quotient of x - fmod(x, y), keeps signed zeros.
_FLOOR_DIV = """
static inline {t} symnb_floor_div_{t}({t} x, {t} y) {
  {t} rest = fmod{f}(x, y), quotient = (x - rest) / y;
  if (y == 0) return x / y;
  if (rest != 0 && (y < 0) != (rest < 0)) quotient -= 1;
  if (quotient == 0) return copysign{f}(0, x / y);
  {t} down = floor{f}(quotient);
  return quotient - down > ({t})0.5 ? down + 1 : down;
}
"""
_MOD = """
static inline {t} symnb_mod_{t}({t} x, {t} y) {
  {t} rest = fmod{f}(x, y);
  if (rest == 0) return copysign{f}(0, y);
  return y != 0 && (y < 0) != (rest < 0) ? rest + y : rest;
}
"""
_OPPOSED = "({x} % {y} != 0 && ({x} < 0) != ({y} < 0))"
# Rounded down for y > 0 without a branch or a second division, ~x being -x - 1:
# (a // 7) % 5 of int64 takes 2.4 ns instead of 4.8, of int8 0.5 (Zen 4, 2026-11).
_DOWN = "(({x} ^ -({t})({x} < 0)) / {y} ^ -({t})({x} < 0))"

floor_div = elementwise(
    "floor_div", "x y", out="number", allowed=_NUMBERS, numpy=np.floor_divide,
    c={"float": "symnb_floor_div_{t}({x}, {y})",
       "int": f"{{y}} == 0 ? 0 : {{y}} > 0 ? {_DOWN} : "
              f"{{y}} == -1 ? -{{x}} : {{x}} / {{y}} - {_OPPOSED}",
       "uint": "{y} == 0 ? 0 : {x} / {y}"},
    support=(_FLOOR_DIV,), partial=lambda x, y, out: [None, None], ulp=0.5,
    infix="//", latex=r"\left\lfloor \frac{{x}}{{y}} \right\rfloor", weight=3, flops=20,
    doc="x / y rounded down; integers divided by 0 give 0.",
)  # fmt: skip

mod = elementwise(
    "mod", "x y", out="number", allowed=_NUMBERS, numpy=np.remainder,
    c={"float": "symnb_mod_{t}({x}, {y})",
       "int": "{y} == 0 || {y} == -1 ? 0 : "
              f"{{y}} > 0 ? {{x}} - {_DOWN} * {{y}} : "
              f"{_OPPOSED} ? {{x}} % {{y}} + {{y}} : {{x}} % {{y}}",
       "uint": "{y} == 0 ? 0 : {x} % {y}"},
    support=(_MOD,), partial=lambda x, y, out: [1, -floor_div(x, y)], ulp=0.5,
    infix="%", latex=r"{x} \bmod {y}", weight=3, flops=20,
    doc="x - floor_div(x, y) * y, with the sign of y; integers modulo 0 give 0.",
)  # fmt: skip

fmod = elementwise(
    "fmod", "x y", out="number", allowed=_NUMBERS, numpy=np.fmod,
    c={"float": "fmod{f}({x}, {y})",
       "int": "{y} == 0 || {y} == -1 ? 0 : {x} % {y}",
       "uint": "{y} == 0 ? 0 : {x} % {y}"},
    partial=lambda x, y, out: [1, -trunc(x / y)], ulp=0, weight=3, flops=20,
    doc="The remainder of x / y with the sign of x (C's); integers modulo 0 give 0.",
)  # fmt: skip


def _int_reciprocal(x: Array) -> Array:
    if x.dtype.kind == "f":
        return np.reciprocal(x)
    return np.where((x == 1) | (-x == 1) & (x < 0), x, 0).astype(x.dtype)


reciprocal = elementwise(
    "reciprocal", "x", out="number", allowed=_NUMBERS, numpy=_int_reciprocal,
    c={"float": "1 / {x}", "int": "{x} == 1 || {x} == -1 ? {x} : 0",
       "uint": "{x} == 1"},
    partial=lambda x, out: [-(out * out)], weight=2, latex=r"\frac{1}{{x}}",
    doc="1 / x, in integers truncated; the integer 0 gives 0.",
)  # fmt: skip

square = elementwise(
    "square", "x", out="number", allowed=_NUMBERS, c="{x} * {x}", numpy=np.square,
    partial=lambda x, out: [2 * x], latex="{x}^2", doc="x * x. Integers wrap.",
)  # fmt: skip

# --------------------------------------------------------------- sign and magnitude

abs = elementwise(
    "abs", "x", numpy=np.absolute, ulp=0,
    c={"float": "fabs{f}({x})", "int": "{x} < 0 ? -{x} : {x}", "else": "{x}"},
    partial=lambda x, out: [sign(x)], latex=r"\left|{x}\right|",
    doc="|x|. Gradient 0 at 0; the least integer stays itself.",
)  # fmt: skip

sign = elementwise(
    "sign", "x", numpy=np.sign, allowed=_NUMBERS, ulp=0,
    c={"float": "{x} != {x} ? {x} : ({t})({x} > 0) - ({t})({x} < 0)",
       "else": "({x} > 0) - ({x} < 0)"},
    no_gradient=_STEPS, latex=r"\operatorname{sign}\left({x}\right)",
    doc="-1, 0 or 1; 0 for -0, NaN for NaN.",
)  # fmt: skip

copysign = elementwise(
    "copysign", "x y", out="float", allowed=("float",), numpy=np.copysign, ulp=0,
    c="copysign{f}({x}, {y})",
    partial=lambda x, y, out: [sign(x) * copysign(1, y), None],
    doc="|x| with the sign of y, which may be -0.",
)  # fmt: skip

heaviside = elementwise(
    "heaviside", "x h", out="float", allowed=("float",), numpy=np.heaviside, ulp=0,
    c="{x} != {x} ? {x} : {x} == 0 ? {h} : ({t})({x} > 0)",
    partial=lambda x, h, out: [None, equal(x, 0)],
    doc="0 for x < 0, h at 0, 1 for x > 0. Its gradient in x is 0 also at 0.",
)  # fmt: skip

nextafter = elementwise(
    "nextafter", "x y", out="float", allowed=("float",), numpy=np.nextafter, ulp=0,
    c="nextafter{f}({x}, {y})", partial=lambda x, y, out: [1, None], weight=2,
    doc="The float after x towards y.",
)  # fmt: skip

maximum = elementwise(
    "maximum", "x y", numpy=np.maximum, commutative=True, ulp=0,
    c={"float": "{x} >= {y} || {x} != {x} ? {x} : {y}",
       "else": "{x} > {y} ? {x} : {y}"},
    partial=lambda x, y, out: [greater_equal(x, y), less(x, y)],
    latex=r"\max\left({x}, {y}\right)",
    doc="The greater of x and y; NaN if one is. At a tie x gets the gradient.",
)  # fmt: skip

minimum = elementwise(
    "minimum", "x y", numpy=np.minimum, commutative=True, ulp=0,
    c={"float": "{x} <= {y} || {x} != {x} ? {x} : {y}",
       "else": "{x} < {y} ? {x} : {y}"},
    partial=lambda x, y, out: [less_equal(x, y), greater(x, y)],
    latex=r"\min\left({x}, {y}\right)",
    doc="The lesser of x and y; NaN if one is. At a tie x gets the gradient.",
)  # fmt: skip

clip = elementwise(
    "clip", "x lo hi", ulp=0, weight=2,
    c={"float": "{x} != {x} ? {x} : {lo} != {lo} ? {lo} : "
                "{x} > {hi} || {lo} > {hi} || {hi} != {hi} ? {hi} : "
                "{x} < {lo} ? {lo} : {x}",
       "else": "{x} > {hi} || {lo} > {hi} ? {hi} : {x} < {lo} ? {lo} : {x}"},
    numpy=lambda x, lo, hi: np.minimum(np.maximum(x, lo), hi),
    partial=lambda x, lo, hi, out: [
        logical_and(greater_equal(x, lo), less_equal(x, hi)),
        logical_and(less(x, lo), less_equal(lo, hi)),
        greater(maximum(x, lo), hi),
    ],
    latex=r"\operatorname{clip}\left({x}, {lo}, {hi}\right)",
    doc="minimum(maximum(x, lo), hi). x gets the gradient in [lo, hi], ends included.",
)  # fmt: skip

# --------------------------------------------------------------------- rounding


def _keeping_integers(numpy: Callable[..., Any]) -> Callable[[Array], Array]:
    return lambda x: numpy(x) if x.dtype.kind == "f" else x


def _away(x: Array) -> Array:
    whole = np.trunc(x)
    return whole + np.copysign(np.abs(x - whole) >= 0.5, x).astype(x.dtype)


def _rounding(
    name: str, text: str, numpy: Callable[..., Any], latex: str, doc: str
) -> Any:
    return elementwise(
        name, "x", c={"float": f"{text}{{f}}({{x}})", "else": "{x}"}, ulp=0,
        numpy=_keeping_integers(numpy), no_gradient=_STEPS, latex=latex,
        doc=f"{doc} Integers are unchanged.",
    )  # fmt: skip


round = _rounding(
    "round", "rint", np.rint, r"\operatorname{round}\left({x}\right)",
    "The nearest integer, halves to the even one.",
)  # fmt: skip
round_away = _rounding(
    "round_half_away_from_zero", "round", _away, "", "The nearest integer, halves away."
)
ceil = _rounding(
    "ceil", "ceil", np.ceil, r"\left\lceil {x} \right\rceil", "x rounded up."
)
floor = _rounding(
    "floor", "floor", np.floor, r"\left\lfloor {x} \right\rfloor", "x rounded down."
)
trunc = _rounding("trunc", "trunc", np.trunc, "", "x rounded towards zero.")

# -------------------------------------------------------------------- composites


def divmod(x: Any, y: Any) -> tuple[Node, Node]:
    """(floor_div(x, y), mod(x, y))."""
    return floor_div(x, y), mod(x, y)


def ceil_intdiv(x: Any, y: Any) -> Node:
    """x / y rounded up, for integers; 0 where y is 0."""
    return add(floor_div(x, y), not_equal(mod(x, y), 0))


def isclose(
    x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Node:
    """Whether |x - y| <= atol + rtol * |y|; an infinity is close to itself."""
    x, y = promoted((x, y), to_float=True)
    near = less_equal(abs(sub(x, y)), add(atol, mul(rtol, abs(y))))
    near = logical_or(equal(x, y), logical_and(near, isfinite(y)))
    if equal_nan:
        near = logical_or(near, logical_and(isnan(x), isnan(y)))
    return near


def allclose(
    x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Node:
    """Whether `isclose` holds everywhere: a scalar truth value."""
    return isclose(x, y, rtol, atol, equal_nan).all()


def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Node:
    """x with NaN and infinities replaced; None: the largest finite number."""
    x = as_node(x)
    if not dtypes.is_float(x.dtype):
        return x
    top = float(np.finfo(x.dtype).max)
    x = where(equal(x, np.inf), top if posinf is None else posinf, x)
    x = where(equal(x, -np.inf), -top if neginf is None else neginf, x)
    return where(isnan(x), nan, x)


def relu(x: Any, alpha: Any = 0) -> Node:
    """x where it is positive, else alpha * x; its gradient at 0 is alpha."""
    if isinstance(alpha, int | float) and alpha == 0:
        return maximum(0, x)
    return where(greater(x, 0), x, mul(alpha, x))
