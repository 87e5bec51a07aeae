"""Rules as data: text, place, holes, params, guards, what they refuse."""

import numpy as np
import pytest

from symnb.core.node import Constant, Node
from symnb.errors import OptimiserError
from symnb.ops import elementwise as el
from symnb.ops.cast import cast
from symnb.ops.reduce import SUM, reduced
from symnb.ops.reduce import sum as total
from symnb.ops.view import broadcast_to, transpose
from symnb.optim.contract import BITWISE, ROUNDING
from symnb.optim.guard import (
    condition,
    is_integer,
    is_nonnegative,
    literal,
    negative,
    positive,
)
from symnb.optim.match import Index, matchers, orders
from symnb.optim.rule import AXES, KEEP, hole, holes, param, rewrite, rule, ruleset
from symnb.optim.verify import fire_once
from tests.optim.graphs import leaf

a, b, c = holes("a b c")
x, y = leaf(3, name="x"), leaf(3, name="y")


def fires(one, node: Node) -> bool:
    return fire_once(one, node) is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (a + b * c, "a + b * c"),
        ((a + b) * c, "(a + b) * c"),
        (a - (b - c), "a - (b - c)"),
        (a - b - c, "a - b - c"),
        (el.neg(-a), "-(-a)"),
        (-a * b, "-a * b"),
        (-(a * b), "-(a * b)"),
        (a / (b / c), "a / (b / c)"),
        ((a**b) ** c, "(a ** b) ** c"),
        (el.log(1 + a), "log(1 + a)"),
        (total(a, AXES, keepdims=KEEP), "sum(a, axes, keepdims)"),
        (transpose(a, param("P")), "transpose(a, axes=P)"),
        (a * -1, "a * (-1)"),
    ],
)
def test_a_pattern_reads_as_typed(pattern: Node, text: str) -> None:
    assert rule(pattern, a, BITWISE, name="t").lhs_text == text


def test_a_rule_tells_its_place_and_story() -> None:
    one = rule(el.log(1 + a), el.log1p(a), "stabler", "why", "who")
    assert (one.name, one.contract.name) == ("log_1_plus_a", "stabler")
    assert one.file == __file__ and one.line > 0
    assert str(one) == "log(1 + a) -> log1p(a)  [stabler]"
    assert (one.reason, one.source) == ("why", "who")


def test_guards_print_themselves() -> None:
    k = hole("k", positive)
    one = rule(a * k + b, a, ROUNDING, name="t",
               where=[condition("a is not b", lambda a, b: a is not b)])  # fmt: skip
    assert one.where_text == "k is a constant > 0 and a is not b"


def test_an_unbound_hole_is_refused() -> None:
    with pytest.raises(OptimiserError, match="c on the right side only"):
        rule(a + b, c, BITWISE)


def test_a_repeated_hole_binds_one_node() -> None:
    one = rule(a - a, 0, "finite_only", name="t")
    assert fires(one, x - x)
    assert fires(one, el.exp(x) - el.exp(x))  # merged first
    assert not fires(one, x - y)


def test_commutative_operands_match_in_any_order() -> None:
    one = rule(el.exp(a) * b + c, a, BITWISE, name="t")
    e = el.exp(x)
    for node in (e * y + x, y * e + x, x + e * y, x + y * e):
        assert fires(one, node)
    assert not fires(one, x + y * y)


def test_orders_that_differ_only_in_names_are_tried_once() -> None:
    assert len(list(orders(a + b))) == 1
    assert len(list(orders(el.exp(a) + b))) == 2
    assert len(list(orders(el.exp(a) * b + c))) == 4


@pytest.mark.parametrize(
    ("node", "matches"),
    [
        (x * 1, True),
        (x * Constant(np.float64(1)), True),
        (x * broadcast_to(Constant(np.float64(1)), (3,)), True),
        (x * cast(broadcast_to(Constant(np.int64(1)), (3,)), "float64"), True),
        (x * Constant(np.ones(3)), True),
        (x * Constant(np.array([1.0, 1.0, 2.0])), False),
        (x * -1, False),
        (x * y, False),
    ],
)
def test_constants_are_seen_through_casts_and_broadcasts(node, matches: bool) -> None:
    assert fires(rule(a * 1, a, BITWISE, name="t"), node) == matches


def test_zeros_match_by_sign() -> None:
    plus, minus = rule(a + 0.0, a, ROUNDING), rule(a + -0.0, a, BITWISE)
    assert fires(plus, x + 0.0) and not fires(plus, x + -0.0)
    assert fires(minus, x + -0.0) and not fires(minus, x + 0.0)


def test_params_bind_and_must_agree() -> None:
    again = param("again")
    one = rule(transpose(transpose(a, again), again), a, BITWISE, name="t")
    m = leaf(3, 3)
    assert fires(one, transpose(transpose(m)))
    cube = leaf(2, 2, 2)
    assert not fires(one, transpose(transpose(cube, (1, 2, 0)), (0, 2, 1)))
    moved = rule(total(-a, AXES, keepdims=KEEP), -total(a, AXES, keepdims=KEEP),
                 ROUNDING, name="u")  # fmt: skip
    made = fire_once(moved, reduced(SUM, -m, 1, True))
    assert made is not None and made.inputs[0].params == ((1,), True)


def test_guards_decide() -> None:
    k = hole("k", negative)
    one = rule(a * k, a, BITWISE, name="t")
    assert fires(one, x * -2) and not fires(one, x * 2) and not fires(one, x * y)
    n = hole("n", is_integer)
    whole = rule(n + 0, n, BITWISE, name="u")
    assert fires(whole, leaf(3, dtype="int8") + 0) and not fires(whole, x + 0)


def test_python_numbers_on_the_right_take_the_type_they_meet() -> None:
    one = rule(el.exp(a) - 1, 2 * el.expm1(a), BITWISE, name="t")
    made = fire_once(one, el.exp(leaf(3, dtype="float32")) - 1)
    assert made is not None and str(made.type) == "f32[3]"
    assert {node.dtype for node in made.inputs} == {"float32"}


def test_a_computed_right_side_may_refuse() -> None:
    @rewrite(el.exp(a), "exp(a) -> a, where a is x", BITWISE)
    def only_x(a: Node) -> Node | None:
        return a if a is x else None

    assert only_x.name == "only_x" and only_x.lhs_text == "exp(a)"
    assert fires(only_x, el.exp(x)) and not fires(only_x, el.exp(y))


def test_the_index_offers_only_what_may_fit() -> None:
    rules = ruleset("t", [
        rule(el.exp(el.log(a)), a, BITWISE, name="p"),
        rule(el.exp(a), a, BITWISE, name="q"),
        rule(el.exp(a) * 1, a, BITWISE, name="r"),
    ])  # fmt: skip
    index = Index(rules.rules)

    def names(node: Node) -> list[str]:
        return [m.rule.name for m in index.candidates(node)]

    assert names(el.exp(el.log(x))) == ["p", "q"]
    assert names(el.exp(x)) == ["q"]
    assert names(el.sin(x)) == []
    assert names(el.exp(x) * 1) == ["r"]
    assert names(1 * el.exp(x)) == ["r"]
    assert len(matchers(rules.rules[2])) == 2


@pytest.mark.parametrize(
    ("node", "proven"),
    [
        (el.exp(x), True), (el.square(x) + el.abs(y), True), (x * x, True),
        (total(el.exp(x)), True), (el.exp(x)[1:], True), (x, False),
        (el.exp(x) * -2, False), (el.exp(x) + y, False), (el.sqrt(x) * 2, True),
        (leaf(3, dtype="uint8"), True),
    ],
)  # fmt: skip
def test_nonnegative_is_proven_from_the_ops(node: Node, proven: bool) -> None:
    assert is_nonnegative(node) == proven


def test_literals() -> None:
    assert literal(Constant(np.full((2, 2), 3))) == 3
    assert literal(Constant(np.array([0.0, -0.0]))) is None
    assert literal(Constant(np.zeros(0))) is None
    assert literal(x) is None
