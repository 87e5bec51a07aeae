"""Rules for who knows their numbers: finite, and in the domain of every function.

None of them is part of FAST_RUN; the mode `unsafe` has all, `mode.including(NAME)`
adds one. Outside their contract the results are wrong without a word.
"""

from __future__ import annotations

from symnb.core.node import Constant, Input, Node, make
from symnb.core.types import TensorType
from symnb.ops.control import ASSERT
from symnb.ops.elementwise import (
    exp,
    expm1,
    isfinite,
    isinf,
    isnan,
    log,
    log1p,
    sqrt,
    square,
    where,
)
from symnb.optim.contract import DOMAIN, FINITE_ONLY
from symnb.optim.rule import holes, rewrite, rule, ruleset

x, y, z = holes("x y z")

_DOMAIN = "holds where the left side has a value"
_FINITE = "holds where no number is inf or NaN"

FUNCTIONS = [
    rule(exp(log(x)), x, DOMAIN, _DOMAIN, name="exp_log_unchecked", tags="unsafe"),
    rule(exp(log1p(x)), 1 + x, DOMAIN, _DOMAIN, name="exp_log1p_unchecked",
         tags="unsafe"),
    rule(expm1(log1p(x)), x, DOMAIN, _DOMAIN, name="expm1_log1p_unchecked",
         tags="unsafe"),
    rule(square(sqrt(x)), x, DOMAIN, _DOMAIN, name="square_sqrt_unchecked",
         tags="unsafe"),
    rule(sqrt(x) * sqrt(y), sqrt(x * y), DOMAIN, "one square root less",
         name="sqrt_times_sqrt", tags="unsafe"),
    rule(sqrt(x) / sqrt(y), sqrt(x / y), DOMAIN, "one square root less",
         name="sqrt_over_sqrt", tags="unsafe"),
]  # fmt: skip

TESTS = [
    rule(where(isnan(x), y, z), z, FINITE_ONLY, _FINITE, name="no_nan", tags="unsafe"),
    rule(where(isinf(x), y, z), z, FINITE_ONLY, _FINITE, name="no_inf", tags="unsafe"),
    rule(where(isfinite(x), y, z), y, FINITE_ONLY, _FINITE, name="all_finite",
         tags="unsafe"),
]  # fmt: skip


def _asserted() -> list[Node]:
    leaf = Input(TensorType("float64", (3,)), "x")
    params = ("AssertionError", "never", -1)
    return [make(ASSERT, (leaf, Constant(True)), params)]


@rewrite(
    lambda op: op is ASSERT, "assert(x, conditions) -> x", DOMAIN,
    "what is asserted is believed; a condition that fails goes unnoticed",
    answers=("local_remove_all_assert",), tags="unsafe", examples=_asserted,
)  # fmt: skip
def assert_any(node: Node) -> Node:
    """What is asserted of, without the condition."""
    return node.inputs[0]


UNSAFE = ruleset("unsafe", [*FUNCTIONS, *TESTS, assert_any])
