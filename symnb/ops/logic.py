"""Elementwise comparison, truth, choice and bits: ops whose result is no measure.

NaN compares false, except in `not_equal`. int64 with uint64 is compared as float64
(NumPy: exactly), so beyond 2**53 cast first. Shifts by a negative count or by the
width of the type and more give what shifting one by one would: 0, or -1 for a
negative number shifted right. Tests of floats (`isnan` ...) accept integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symnb.core.node import Node
from symnb.ops.define import Elementwise, elementwise

_TRUTH = "a truth value does not vary smoothly"
_BITS = "integers have no derivative"
_INTEGERS = ("int", "uint")


def _comparison(
    name: str, sign: str, latex: str, numpy: Callable[..., Any], **facts: Any
) -> Elementwise:
    return elementwise(
        name, "x y", out="bool", c=f"{{x}} {sign} {{y}}", numpy=numpy, ulp=0,
        no_gradient=_TRUTH, infix=sign, latex=f"{{x}} {latex} {{y}}",
        doc=f"Whether x {sign} y; with a NaN {'true' if sign == '!=' else 'false'}.",
        **facts,
    )  # fmt: skip


equal = _comparison("equal", "==", "=", np.equal, commutative=True)
not_equal = _comparison("not_equal", "!=", r"\ne", np.not_equal, commutative=True)
less = _comparison("less", "<", "<", np.less)
less_equal = _comparison("less_equal", "<=", r"\le", np.less_equal)
greater = _comparison("greater", ">", ">", np.greater)
greater_equal = _comparison("greater_equal", ">=", r"\ge", np.greater_equal)

where = elementwise(
    "where", "c x y", out="where", c="{c} ? {x} : {y}", numpy=np.where, ulp=0,
    partial=lambda c, x, y, out: [None, c, logical_not(c)],
    latex=r"\begin{cases}{x} & \text{if } {c}\\ {y}\end{cases}",
    doc="x where c holds, else y. The side not taken gets a gradient of exactly 0.",
)  # fmt: skip

# ------------------------------------------------------------------------ truth


def _connective(
    name: str, sign: str, latex: str, numpy: Callable[..., Any], doc: str
) -> Elementwise:
    return elementwise(
        name, "x y", out="logic", c=f"{{x}} {sign} {{y}}", numpy=numpy, ulp=0,
        no_gradient=_TRUTH, commutative=True, latex=f"{{x}} {latex} {{y}}", doc=doc,
    )  # fmt: skip


logical_and = _connective(
    "logical_and", "&", r"\land", np.logical_and, "Whether both hold."
)
logical_or = _connective(
    "logical_or", "|", r"\lor", np.logical_or, "Whether one or both hold."
)
logical_xor = _connective(
    "logical_xor", "!=", r"\oplus", np.logical_xor, "Whether exactly one holds."
)
logical_not = elementwise(
    "logical_not", "x", out="logic", c="!{x}", numpy=np.logical_not, ulp=0,
    no_gradient=_TRUTH, latex=r"\lnot {x}", doc="Whether x is false (zero).",
)  # fmt: skip


def _float_test(
    name: str, text: str, otherwise: str, numpy: Callable[..., Any], doc: str
) -> Elementwise:
    return elementwise(
        name, "x", out="bool", c={"float": text, "else": otherwise}, numpy=numpy,
        no_gradient=_TRUTH, ulp=0, weight=2, doc=doc,
    )  # fmt: skip


isnan = _float_test("isnan", "{x} != {x}", "0", np.isnan, "Whether x is NaN.")
isinf = _float_test(
    "isinf", "fabs{f}({x}) == {inf}", "0", np.isinf, "Whether x is inf or -inf."
)
isfinite = _float_test(
    "isfinite", "fabs{f}({x}) < {inf}", "1", np.isfinite,
    "Whether x is neither infinite nor NaN.",
)  # fmt: skip
isposinf = _float_test(
    "isposinf", "{x} == {inf}", "0", lambda x: x == np.inf, "Whether x is inf."
)
isneginf = _float_test(
    "isneginf", "{x} == -{inf}", "0", lambda x: x == -np.inf, "Whether x is -inf."
)
signbit = elementwise(
    "signbit", "x", out="bool", ulp=0, no_gradient=_TRUTH, weight=2,
    c={"float": "copysign{f}(1, {x}) < 0", "int": "{x} < 0", "else": "0"},
    numpy=np.signbit, doc="Whether the sign bit of x is set; true of -0.",
)  # fmt: skip

# ------------------------------------------------------------------------- bits


def _bitwise(name: str, sign: str, numpy: Callable[..., Any], doc: str) -> Elementwise:
    return elementwise(
        name, "x y", c=f"{{x}} {sign} {{y}}", numpy=numpy, ulp=0, infix=sign,
        allowed=("int", "uint", "bool"), no_gradient=_BITS, commutative=True, doc=doc,
    )  # fmt: skip


bitwise_and = _bitwise("bitwise_and", "&", np.bitwise_and, "The bits set in x and y.")
bitwise_or = _bitwise("bitwise_or", "|", np.bitwise_or, "The bits set in x or y.")
bitwise_xor = _bitwise("bitwise_xor", "^", np.bitwise_xor, "The bits set in only one.")
invert = elementwise(
    "invert", "x", c={"bool": "!{x}", "else": "~{x}"}, numpy=np.invert, ulp=0,
    allowed=("int", "uint", "bool"), no_gradient=_BITS,
    doc="x with every bit flipped; for bool the other truth value.",
)  # fmt: skip

_BEYOND = "{y} < 0 || {y} >= 8 * (int)sizeof({x})"
_BEYOND_UINT = "{y} >= 8 * sizeof({x})"

left_shift = elementwise(
    "left_shift", "x y", out="number", allowed=_INTEGERS, ulp=0, infix="<<",
    c={"int": f"({_BEYOND}) ? 0 : {{x}} << {{y}}",
       "uint": f"({_BEYOND_UINT}) ? 0 : {{x}} << {{y}}"},
    numpy=np.left_shift, no_gradient=_BITS, weight=2, sample=(-9, 9),
    doc="x * 2**y, bits beyond the type lost.",
)  # fmt: skip

right_shift = elementwise(
    "right_shift", "x y", out="number", allowed=_INTEGERS, ulp=0, infix=">>",
    c={"int": f"({_BEYOND}) ? -({{x}} < 0) : {{x}} >> {{y}}",
       "uint": f"({_BEYOND_UINT}) ? 0 : {{x}} >> {{y}}"},
    numpy=np.right_shift, no_gradient=_BITS, weight=2, sample=(-9, 9),
    doc="x / 2**y, rounded down.",
)  # fmt: skip

_GCD = """
static inline {t} symnb_gcd_{t}({t} x, {t} y) {
  while (y) { {t} rest = y < 0 && y == ({t})-1 ? 0 : x % y; x = y; y = rest; }
  return x < 0 ? -x : x;
}
"""


gcd = elementwise(
    "gcd", "x y", allowed=_INTEGERS, c="symnb_gcd_{t}({x}, {y})",
    support=(_GCD,), numpy=np.gcd, ulp=0, no_gradient=_BITS, commutative=True,
    weight=8, flops=20, doc="The greatest common divisor; gcd(0, 0) = 0.",
)  # fmt: skip

lcm = elementwise(
    "lcm", "x y", allowed=_INTEGERS, c="symnb_lcm_{t}({x}, {y})",
    support=(_GCD, """
static inline {t} symnb_lcm_{t}({t} x, {t} y) {
  {t} common = symnb_gcd_{t}(x, y);
  {t} a = x < 0 ? -x : x, b = y < 0 ? -y : y;
  return common ? a / common * b : 0;
}
"""), numpy=np.lcm, ulp=0, no_gradient=_BITS, commutative=True, weight=8, flops=20,
    doc="The least common multiple; 0 if one is 0.",
)  # fmt: skip


def switch(condition: Any, ift: Any, iff: Any) -> Node:
    """`where` by Theano's name."""
    return where(condition, ift, iff)
