"""Identities of functions: sin^2 + cos^2 is 1, cosh^2 - sinh^2 is 1.

As sums are written: alone, behind another term, with one factor in both.
"""

from __future__ import annotations

from symnb.ops.elementwise import cos, cosh, sin, sinh, square
from symnb.optim.contract import FINITE_ONLY, STABLER
from symnb.optim.guard import is_float
from symnb.optim.rule import hole, rule, ruleset

f = hole("f", is_float)
x = hole("x", is_float)
_SIN, _COS = square(sin(f)), square(cos(f))
_NAN = "sin(inf) is NaN"

IDENTITIES = ruleset(
    "identities",
    [
        rule(_SIN + _COS, 1, FINITE_ONLY, _NAN, name="sin_cos_one"),
        rule(x + _SIN + _COS, x + 1, FINITE_ONLY, _NAN, name="plus_sin_cos"),
        rule(x + _COS + _SIN, x + 1, FINITE_ONLY, _NAN, name="plus_cos_sin"),
        rule(x * _SIN + x * _COS, x, FINITE_ONLY, _NAN, name="times_sin_cos"),
        rule(square(x * sin(f)) + square(x * cos(f)), square(x), FINITE_ONLY,
             "polar coordinates; " + _NAN, name="polar_norm"),
        rule(1 - _SIN, _COS, STABLER, "keeps no digit where cos is small",
             name="one_minus_sin"),
        rule(1 - _COS, _SIN, STABLER, "keeps no digit where sin is small",
             name="one_minus_cos"),
        rule(square(cosh(f)) - square(sinh(f)), 1, FINITE_ONLY,
             "inf - inf is NaN", name="cosh_sinh_one"),
    ],
)  # fmt: skip
