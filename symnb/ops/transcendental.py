"""Elementwise powers, exponentials, logarithms, trigonometric and hyperbolic
functions, and the stable forms built from them.

Integers are computed in float. The C texts call libm, whose vector variants are
good to 4 units in the last place (measured: exp 2.64, log 3.69, sin 3.18, erf 4.00);
that is the bound they declare. On processors with fma some calls become arithmetic
within the loop, good to 2.2 units (erfc: 3.6): `compile/render/math_c.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symnb.core.node import Constant, Node
from symnb.ops.define import Elementwise, elementwise
from symnb.ops.logic import equal, greater_equal, less, logical_and, where

Array = np.ndarray[Any, Any]
Partial = Callable[[Node, Node], list[Any]]

LN2 = math.log(2.0)
LN10 = math.log(10.0)


def _libm(
    name: str,
    call: str,
    numpy: Callable[..., Any],
    partial: Partial,
    doc: str,
    **facts: Any,
) -> Elementwise:
    """An op of one operand that libm computes under the name `call`."""
    facts = {"ulp": 4, "weight": 8, "flops": 20, "sample": (-5, 5)} | facts
    facts.setdefault("latex", rf"\{name}\left({{x}}\right)")
    return elementwise(
        name, "x", out="float", allowed=("float",), c=f"{call}{{f}}({{x}})",
        numpy=numpy, partial=partial, doc=doc, **facts,
    )  # fmt: skip


# ----------------------------------------------------------------------- powers

sqrt = _libm(
    "sqrt", "sqrt", np.sqrt, lambda x, out: [0.5 / out],
    "The square root; NaN below 0, -0 for -0. Its derivative at 0 is inf.",
    ulp=0.5, weight=3, flops=4, sample=(0, 10), latex=r"\sqrt{{x}}",
)  # fmt: skip

cbrt = _libm(
    "cbrt", "cbrt", np.cbrt, lambda x, out: [1 / (3 * out * out)],
    "The real cube root, also of negative numbers.", latex=r"\sqrt[3]{{x}}",
)  # fmt: skip


def _pow_partial(x: Node, y: Node, out: Node) -> list[Node]:
    dx = y * pow(x, y - 1)
    if not isinstance(y, Constant) or bool((y.value == 0).any()):
        dx = where(equal(y, 0), 0, dx)
    if isinstance(y, Constant):
        return [dx, out]  # nobody differentiates by a constant
    at_zero = logical_and(equal(x, 0), greater_equal(y, 0))
    return [dx, where(at_zero, 0, out * log(x))]


def _pow(x: Array, y: Array) -> Array:
    if x.dtype.kind != "i":
        return np.power(x, y)
    inverse = np.where(x == 1, 1, np.where(x == -1, 1 - 2 * (y & 1), 0))
    return np.where(y < 0, inverse, np.power(x, np.maximum(y, 0))).astype(x.dtype)


_INT_POW = """
static inline {t} symnb_pow_{t}({t} x, {t} n) {
  if (n < 0) return x == 1 ? 1 : x == ({t})-1 ? (n & 1 ? x : 1) : 0;
  {t} result = 1;
  for (; n; n >>= 1, x *= x) if (n & 1) result *= x;
  return result;
}
"""
_POW_INTEGER = "symnb_pow_{t}({x}, {y})"

pow = elementwise(
    "pow", "x y", out="number", allowed=("float", "int", "uint"), numpy=_pow,
    c={"float": "pow{f}({x}, {y})", "int": _POW_INTEGER, "uint": _POW_INTEGER},
    support=(_INT_POW,), partial=_pow_partial, ulp=4, sample=(0.1, 5), infix="**",
    latex="{x}^{{y}}", weight=10, flops=40,
    doc="x**y; x**0 = 1 and 1**y = 1 even for NaN. Integers wrap; an integer to a "
        "negative power is the truncated quotient (1, -1 or 0).",
)  # fmt: skip

hypot = elementwise(
    "hypot", "x y", out="float", allowed=("float",), c="hypot{f}({x}, {y})",
    numpy=np.hypot, ulp=4, weight=5, flops=20, commutative=True,
    partial=lambda x, y, out: [
        where(equal(out, 0), 0, x / out), where(equal(out, 0), 0, y / out)
    ],
    latex=r"\sqrt{{x}^2 + {y}^2}",
    doc="sqrt(x*x + y*y) without overflow. Gradient 0 at the origin.",
)  # fmt: skip

# ------------------------------------------------------- exponentials, logarithms

exp = _libm(
    "exp", "exp", np.exp, lambda x, out: [out],
    "e**x. Overflows to inf above 709.78 (float64), 88.72 (float32).",
    sample=(-700, 700), latex="e^{{x}}",
)  # fmt: skip
exp2 = _libm(
    "exp2", "exp2", np.exp2, lambda x, out: [out * LN2], "2**x.", latex="2^{{x}}"
)  # fmt: skip
expm1 = _libm(
    "expm1", "expm1", np.expm1, lambda x, out: [exp(x)],
    "e**x - 1, exact to the last digits near 0.", latex="e^{{x}} - 1",
)  # fmt: skip
log = _libm(
    "log", "log", np.log, lambda x, out: [1 / x],
    "The natural logarithm; -inf at 0, NaN below.", sample=(0.01, 100),
)  # fmt: skip
log2 = _libm(
    "log2", "log2", np.log2, lambda x, out: [1 / (x * LN2)],
    "The logarithm to base 2.", sample=(0.01, 100), latex=r"\log_2\left({x}\right)",
)  # fmt: skip
log10 = _libm(
    "log10", "log10", np.log10, lambda x, out: [1 / (x * LN10)],
    "The logarithm to base 10.", sample=(0.01, 100),
    latex=r"\log_{10}\left({x}\right)",
)  # fmt: skip
log1p = _libm(
    "log1p", "log1p", np.log1p, lambda x, out: [1 / (1 + x)],
    "log(1 + x), exact to the last digits near 0.", sample=(-0.9, 10),
    latex=r"\log\left(1 + {x}\right)",
)  # fmt: skip

# ------------------------------------------------------------------ stable forms


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


sigmoid = elementwise(
    "sigmoid", "x", out="float", allowed=("float",), c="symnb_sigmoid_{t}({x})",
    support=("""
static inline {t} symnb_sigmoid_{t}({t} x) {
  {t} small = exp{f}(-fabs{f}(x));
  return (x < 0 ? small : 1) / (1 + small);
}
""",), numpy=_sigmoid, partial=lambda x, out: [out * (1 - out)], ulp=6, weight=8,
    flops=25, sample=(-40, 40), latex=r"\sigma\left({x}\right)",
    doc="1 / (1 + exp(-x)), without overflow.",
)  # fmt: skip
expit = sigmoid


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


softplus = elementwise(
    "softplus", "x", out="float", allowed=("float",), numpy=_softplus,
    c="({x} > 0 ? {x} : 0) + log1p{f}(exp{f}(-fabs{f}({x})))",
    partial=lambda x, out: [sigmoid(x)], ulp=8, weight=9, flops=45, sample=(-40, 40),
    latex=r"\operatorname{softplus}\left({x}\right)",
    doc="log(1 + exp(x)), without overflow and exact for very negative x.",
)  # fmt: skip


def _log1mexp(x: Array) -> Array:
    near = np.log(-np.expm1(np.maximum(x, -1)))
    return np.where(x > -LN2, near, np.log1p(-np.exp(x)))


log1mexp = elementwise(
    "log1mexp", "x", out="float", allowed=("float",), numpy=_log1mexp,
    c=f"{{x}} > ({{t}})-{LN2!r} ? log{{f}}(-expm1{{f}}({{x}})) "
      ": log1p{f}(-exp{f}({x}))",
    partial=lambda x, out: [-1 / expm1(-x)], ulp=10, weight=9, flops=80,
    sample=(-40, -0.01), latex=r"\log\left(1 - e^{{x}}\right)",
    doc="log(1 - exp(x)) for x <= 0; -inf at 0, NaN above. "
        "Source: Maechler 2012, Accurately computing log(1 - exp(-|a|)).",
)  # fmt: skip

_MAX = "({x} > {y} ? {x} : {y})"


def _logaddexp_partial(x: Node, y: Node, out: Node) -> list[Node]:
    same = equal(x, y)  # also both infinite, where x - y is NaN
    return [where(same, 0.5, sigmoid(x - y)), where(same, 0.5, sigmoid(y - x))]


def _logaddexp2_partial(x: Node, y: Node, out: Node) -> list[Node]:
    return _logaddexp_partial(x * LN2, y * LN2, out)


logaddexp = elementwise(
    "logaddexp", "x y", out="float", allowed=("float",), numpy=np.logaddexp,
    c=f"{{x}} == {{y}} ? {{x}} + ({{t}}){LN2!r} : "
      f"{_MAX} + log1p{{f}}(exp{{f}}(-fabs{{f}}({{x}} - {{y}})))",
    partial=_logaddexp_partial, ulp=8, weight=9, flops=50, commutative=True,
    sample=(-40, 40), latex=r"\log\left(e^{{x}} + e^{{y}}\right)",
    doc="log(exp(x) + exp(y)), without overflow.",
)  # fmt: skip
logaddexp2 = elementwise(
    "logaddexp2", "x y", out="float", allowed=("float",), numpy=np.logaddexp2,
    c=f"{{x}} == {{y}} ? {{x}} + 1 : {_MAX} + "
      f"log1p{{f}}(exp2{{f}}(-fabs{{f}}({{x}} - {{y}}))) * ({{t}}){1 / LN2!r}",
    partial=_logaddexp2_partial, ulp=8, weight=9, flops=50, commutative=True,
    sample=(-40, 40), latex=r"\log_2\left(2^{{x}} + 2^{{y}}\right)",
    doc="log2(2**x + 2**y), without overflow.",
)  # fmt: skip

# ------------------------------------------------------- angles, trigonometric


def _scaling(
    name: str, factor: float, numpy: Callable[..., Any], doc: str
) -> Elementwise:
    return elementwise(
        name, "x", out="float", allowed=("float",), c=f"{{x}} * ({{t}}){factor!r}",
        numpy=numpy, partial=lambda x, out: [factor], ulp=1.5, doc=doc,
    )  # fmt: skip


deg2rad = _scaling("deg2rad", math.pi / 180, np.deg2rad, "Degrees to radians.")
rad2deg = _scaling("rad2deg", 180 / math.pi, np.rad2deg, "Radians to degrees.")

sin = _libm("sin", "sin", np.sin, lambda x, out: [cos(x)], "The sine, x in radians.")
cos = _libm("cos", "cos", np.cos, lambda x, out: [-sin(x)], "The cosine.")
tan = _libm("tan", "tan", np.tan, lambda x, out: [1 + out * out], "The tangent.")
arcsin = _libm(
    "arcsin", "asin", np.arcsin, lambda x, out: [1 / sqrt((1 - x) * (1 + x))],
    "The angle in [-pi/2, pi/2] whose sine is x.", sample=(-1, 1),
)  # fmt: skip
arccos = _libm(
    "arccos", "acos", np.arccos, lambda x, out: [-1 / sqrt((1 - x) * (1 + x))],
    "The angle in [0, pi] whose cosine is x.", sample=(-1, 1),
)  # fmt: skip
arctan = _libm(
    "arctan", "atan", np.arctan, lambda x, out: [1 / (1 + x * x)],
    "The angle in [-pi/2, pi/2] whose tangent is x.",
)  # fmt: skip


def _arctan2_partial(y: Node, x: Node, out: Node) -> list[Node]:
    norm = x * x + y * y
    return [x / norm, -y / norm]


arctan2 = elementwise(
    "arctan2", "y x", out="float", allowed=("float",), c="atan2{f}({y}, {x})",
    numpy=np.arctan2, partial=_arctan2_partial, ulp=4, weight=8, flops=40,
    latex=r"\operatorname{arctan2}\left({y}, {x}\right)",
    doc="The angle of the point (x, y), in [-pi, pi].",
)  # fmt: skip


def _sinc_partial(x: Node, out: Node) -> list[Node]:
    square = (math.pi * x) * (math.pi * x)
    tail = 1 - square / 28 * (1 - square / 54 * (1 - square / 88))
    near = -math.pi * math.pi / 3 * x * (1 - square / 10 * tail)
    near_zero = less(x * x, 0.0025)
    far = (cos(math.pi * x) - out) / where(near_zero, 1, x)
    return [where(near_zero, near, far)]


sinc = elementwise(
    "sinc", "x", out="float", allowed=("float",), numpy=np.sinc,
    c=f"{{x}} == 0 ? 1 : sin{{f}}({{x}} * ({{t}}){math.pi!r}) "
      f"/ ({{x}} * ({{t}}){math.pi!r})",
    partial=_sinc_partial, ulp=16, weight=9, flops=25,
    latex=r"\operatorname{sinc}\left({x}\right)",
    doc="sin(pi x) / (pi x), 1 at 0. Near its zeros the error is absolute.",
)  # fmt: skip

# --------------------------------------------------------------------- hyperbolic

sinh = _libm("sinh", "sinh", np.sinh, lambda x, out: [cosh(x)], "Hyperbolic sine.")
cosh = _libm("cosh", "cosh", np.cosh, lambda x, out: [sinh(x)], "Hyperbolic cosine.")
tanh = _libm(
    "tanh", "tanh", np.tanh, lambda x, out: [1 - out * out], "Hyperbolic tangent."
)
arcsinh = _libm(
    "arcsinh", "asinh", np.arcsinh, lambda x, out: [1 / hypot(x, 1)],
    "Inverse of sinh.", latex=r"\operatorname{arsinh}\left({x}\right)",
)  # fmt: skip
arccosh = _libm(
    "arccosh", "acosh", np.arccosh, lambda x, out: [1 / sqrt((x - 1) * (x + 1))],
    "Inverse of cosh; NaN below 1.", sample=(1, 50),
    latex=r"\operatorname{arcosh}\left({x}\right)",
)  # fmt: skip
arctanh = _libm(
    "arctanh", "atanh", np.arctanh, lambda x, out: [1 / ((1 - x) * (1 + x))],
    "Inverse of tanh; NaN outside [-1, 1].", sample=(-1, 1),
    latex=r"\operatorname{artanh}\left({x}\right)",
)  # fmt: skip
