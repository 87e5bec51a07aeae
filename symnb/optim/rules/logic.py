"""Choices, truth values, comparisons and casts that say nothing.

NaN compares false: `x == x` is true only for integers and bool, and `not (x < y)` is
`x >= y` only there.
"""

from __future__ import annotations

from symnb.core.dtypes import is_float, is_integer
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.cast import CAST, cast
from symnb.ops.define import Elementwise, dtype_class
from symnb.ops.elementwise import (
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    equal,
    greater,
    greater_equal,
    invert,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    mul,
    not_equal,
    true_div,
    where,
)
from symnb.ops.view import shape_of
from symnb.optim.contract import BITWISE, FINITE_ONLY
from symnb.optim.guard import fills, is_bool, is_exact
from symnb.optim.rule import Rule, hole, holes, param, rewrite, rule, ruleset, term

c, d, x, y, z = holes("c d x y z")
b = hole("b", is_bool)
k = hole("k", is_exact)

CHOICES = [
    rule(where(True, x, y), x, BITWISE, name="where_true",
         answers=("local_useless_switch",)),
    rule(where(False, x, y), y, BITWISE, name="where_false",
         answers=("local_useless_switch",)),
    rule(where(c, x, x), x, BITWISE, name="where_same",
         answers=("local_useless_switch",)),
    rule(where(logical_not(c), x, y), where(c, y, x), BITWISE, name="where_not"),
    rule(where(c, where(c, x, y), z), where(c, x, z), BITWISE,
         name="where_where_then"),
    rule(where(c, x, where(c, y, z)), where(c, x, z), BITWISE,
         name="where_where_else"),
    rule(where(c, x, y) + where(c, z, d), where(c, x + z, y + d), BITWISE,
         name="add_wheres", answers=("local_merge_switch_same_cond",)),
    rule(where(c, x, y) * where(c, z, d), where(c, x * z, y * d), BITWISE,
         name="mul_wheres", answers=("local_merge_switch_same_cond",)),
    rule(where(c, x, y) - where(c, z, d), where(c, x - z, y - d), BITWISE,
         name="sub_wheres", answers=("local_merge_switch_same_cond",)),
    rule(maximum(where(c, x, y), where(c, z, d)),
         where(c, maximum(x, z), maximum(y, d)), BITWISE,
         name="maximum_wheres", answers=("local_merge_switch_same_cond",)),
    rule(minimum(where(c, x, y), where(c, z, d)),
         where(c, minimum(x, z), minimum(y, d)), BITWISE,
         name="minimum_wheres", answers=("local_merge_switch_same_cond",)),
]  # fmt: skip


def _vector(dtype: str = "float64", name: str = "x") -> Node:
    return Input(TensorType(dtype, (8,)), name)


def _zero_through(op: Elementwise, first: bool) -> Rule:
    """0 chosen, then multiplied or divided: multiplied or divided, then chosen.

    first  the zero stands for the condition being true
    """
    choice = where(c, 0, y) if first else where(c, y, 0)
    sides = ("0, y", "0, y {0} x") if first else ("y, 0", "y {0} x, 0")
    sign = op.infix

    def example() -> list[Node]:
        flag, other = _vector("bool", "c"), _vector(name="y")
        chosen = where(flag, 0.0, other) if first else where(flag, other, 0.0)
        return [op(chosen, _vector())]

    @rewrite(
        op(choice, x), f"where(c, {sides[0]}) {sign} x -> "
        f"where(c, {sides[1].format(sign)})", FINITE_ONLY,
        "0 stays 0 also beside inf and NaN", decreases="choices in products",
        answers=("local_mul_switch_sink" if op is mul else "local_div_switch_sink",),
        tags="after_gradient",  # the derivative of a choice would meet the inf itself
        examples=example,
    )  # fmt: skip
    def sink(node: Node, c: Node, x: Node, y: Node) -> Node | None:
        """The choice made last, where that computes no more elements."""
        shape = shape_of(node)
        if not (fills(x, shape) and fills(c, shape)):
            return None
        done = op(y, x)
        return where(c, 0, done) if first else where(c, done, 0)

    sink.name = f"{op.name}_zero_{'then' if first else 'else'}"
    return sink


SINKS = [_zero_through(op, first) for op in (mul, true_div) for first in (True, False)]

TRUTH = [
    rule(logical_not(logical_not(c)), c, BITWISE, name="not_not"),
    rule(logical_and(c, True), c, BITWISE, name="and_true",
         answers=("local_useless_elemwise",)),
    rule(logical_and(c, False), False, BITWISE, name="and_false",
         answers=("local_useless_elemwise",)),
    rule(logical_or(c, True), True, BITWISE, name="or_true",
         answers=("local_useless_elemwise",)),
    rule(logical_or(c, False), c, BITWISE, name="or_false",
         answers=("local_useless_elemwise",)),
    rule(logical_and(c, c), c, BITWISE, name="and_self"),
    rule(logical_or(c, c), c, BITWISE, name="or_self"),
    rule(logical_xor(c, c), False, BITWISE, name="xor_self"),
    rule(logical_xor(c, False), c, BITWISE, name="xor_false"),
    rule(logical_xor(c, True), logical_not(c), BITWISE, name="xor_true"),
    rule(logical_and(c, logical_not(c)), False, BITWISE, name="and_not_self"),
    rule(logical_or(c, logical_not(c)), True, BITWISE, name="or_not_self"),
    rule(bitwise_and(k, k), k, BITWISE, name="bitwise_and_self"),
    rule(bitwise_or(k, k), k, BITWISE, name="bitwise_or_self"),
    rule(bitwise_xor(k, k), 0, BITWISE, name="bitwise_xor_self"),
    rule(bitwise_and(k, 0), 0, BITWISE, name="bitwise_and_zero"),
    rule(bitwise_or(k, 0), k, BITWISE, name="bitwise_or_zero"),
    rule(bitwise_xor(k, 0), k, BITWISE, name="bitwise_xor_zero"),
    rule(invert(invert(k)), k, BITWISE, name="invert_invert"),
]  # fmt: skip

_OPPOSITE = (
    (less, greater_equal), (less_equal, greater), (greater, less_equal),
    (greater_equal, less),
)  # fmt: skip
COMPARISONS = [
    rule(equal(k, k), True, BITWISE, name="equal_self",
         answers=("local_useless_elemwise",)),
    rule(not_equal(k, k), False, BITWISE, name="not_equal_self",
         answers=("local_useless_elemwise",)),
    rule(less(x, x), False, BITWISE, name="less_self",
         answers=("local_useless_elemwise_comparison",)),
    rule(greater(x, x), False, BITWISE, name="greater_self",
         answers=("local_useless_elemwise_comparison",)),
    rule(less_equal(k, k), True, BITWISE, name="less_equal_self",
         answers=("local_useless_elemwise_comparison",)),
    rule(greater_equal(k, k), True, BITWISE, name="greater_equal_self",
         answers=("local_useless_elemwise_comparison",)),
    rule(equal(b, True), b, BITWISE, name="equal_true"),
    rule(equal(b, False), logical_not(b), BITWISE, name="equal_false"),
    rule(not_equal(b, True), logical_not(b), BITWISE, name="not_equal_true"),
    rule(not_equal(b, False), b, BITWISE, name="not_equal_false"),
    rule(logical_not(equal(x, y)), not_equal(x, y), BITWISE, name="not_equal"),
    rule(logical_not(not_equal(x, y)), equal(x, y), BITWISE, name="not_not_equal"),
    *(
        rule(logical_not(one(k, y)), other(k, y), BITWISE, name=f"not_{one.name}")
        for one, other in _OPPOSITE
    ),
]  # fmt: skip

# ------------------------------------------------------------------------------ casts

_DIGITS = {"float32": 24, "float64": 53}


def _bits(dtype: str) -> int:
    return 1 if dtype == "bool" else int(dtype.lstrip("uintfloa"))


def holds(wide: str, narrow: str) -> bool:
    """Whether every value of `narrow` is a value of `wide`."""
    if wide == narrow or narrow == "bool":
        return True
    if is_float(narrow):
        return is_float(wide) and _bits(wide) >= _bits(narrow)
    if is_float(wide):
        return _bits(narrow) <= _DIGITS[wide]
    if wide == "bool":
        return False
    signs = dtype_class(wide), dtype_class(narrow)
    if signs == ("uint", "int"):
        return False
    return _bits(wide) >= _bits(narrow) + (signs == ("int", "uint"))


def _cast_through(origin: str, middle: str, target: str) -> bool:
    """Whether casting by way of `middle` changes nothing."""
    if holds(middle, origin):
        return True
    whole = is_integer(origin) and is_integer(middle) and is_integer(target)
    return whole and _bits(middle) >= _bits(target)  # both keep the low bits


def _cast_examples() -> list[Node]:
    pairs = (
        ("float32", "float64", "float32"), ("int8", "int64", "float64"),
        ("bool", "int8", "float32"), ("int64", "int8", "uint8"),
    )  # fmt: skip
    return [
        cast(cast(Input(TensorType(origin, (8,)), "x"), middle), target)
        for origin, middle, target in pairs
    ]


@rewrite(
    term(CAST, term(CAST, x, params=(param("middle"),)), params=(param("target"),)),
    "cast(cast(x, middle), target) -> cast(x, target)", BITWISE,
    "where the first cast loses nothing the second keeps",
    answers=("local_cast_cast",), examples=_cast_examples,
)  # fmt: skip
def cast_cast(x: Node, middle: str, target: str) -> Node | None:
    """One cast in place of two."""
    return cast(x, target) if _cast_through(x.dtype, middle, target) else None


# Late: while a choice is a choice, its zero sinks through what it is divided by, and
# the gradient of where(x > 0, log(x), 0) is a number at 0.
TRUTH_VALUES = ruleset("truth values", [
    rule(where(c, 1, 0), c, BITWISE, name="where_one_zero"),
    rule(where(c, 0, 1), logical_not(c), BITWISE, name="where_zero_one"),
])  # fmt: skip

LOGIC = ruleset("logic", [*CHOICES, *SINKS, *TRUTH, *COMPARISONS, cast_cast])
