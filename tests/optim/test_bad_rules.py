"""Bad rules and passes: refused or reported with name and place, never a wrong answer.

Expected values are NumPy's.
"""

from collections.abc import Iterator

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.core.graph import Graph
from symnb.errors import ContractError, FuelError, OptimiserError, RuleWarning
from symnb.ops import elementwise as el
from symnb.optim.mode import get_mode
from symnb.optim.passes import Pass, apply
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import holes, rewrite, rule, ruleset
from symnb.optim.user import RULES


@pytest.fixture
def no_rules() -> Iterator[None]:
    """The rules a test registers are forgotten after it."""
    yield
    for made in list(RULES):
        RULES.remove(made.name)


DATA = np.array([-2.0, 0.5, 3.0])


def refused(text: str, error: type[Exception] = ContractError, **options) -> str:
    """The message with which a rule is refused."""
    with pytest.raises(error) as found:
        symnb.rule(text, file="cell 3", line=2, **options)
    assert "cell 3, line 2" in str(found.value)
    return str(found.value)


# ----------------------------------------------------------------- rules that are wrong


def test_a_rule_that_is_wrong_is_refused_with_a_counterexample() -> None:
    text = refused("exp(x) -> 1 + x")
    assert "rule exp_x (cell 3, line 2): exp(x) -> 1 + x" in text
    assert "on the left" in text and "on the right" in text


def test_the_counterexample_is_one() -> None:
    [line] = [t for t in refused("abs(x) -> x").splitlines() if "(float64)" in t][:1]
    given, _, rest = line.partition(" gives ")
    left, right = rest.split(" on the left, ")
    value = float(given.split("=")[1])
    assert abs(value) == float(left)
    assert value == float(right.split(" on the right")[0])


def test_a_rule_that_loses_nan_is_refused() -> None:
    text = refused("x * 0 -> 0")
    assert "x = nan gives nan on the left, 0.0 on the right" in text
    assert "finite_only" in text


@pytest.mark.parametrize(
    "text", ["x / x -> 1", "x - x -> 0", "sin(x)**2 + cos(x)**2 -> 1"]
)
def test_rules_to_a_constant_lose_nan(text: str) -> None:
    assert "nan on the left" in refused(text)


def test_a_declared_weaker_contract_allows_it() -> None:
    assert symnb.rule("x * 0 -> 0", contract="finite_only").contract.name == (
        "finite_only"
    )


def test_a_value_where_the_left_side_has_none_is_refused() -> None:
    assert "gives nan on the left" in refused("sqrt(x)**2 -> x")
    assert symnb.rule("sqrt(x)**2 -> x where x >= 0").contract.name == "stabler"
    assert symnb.rule("sqrt(x)**2 -> x", contract="domain").contract.name == "domain"


def test_a_rule_wrong_for_integers_names_the_condition_it_needs() -> None:
    """-(-128) is -128 in int8, so there is no turning round with the sign."""
    text = refused("-maximum(y, -x) -> minimum(x, -y)")
    assert "(int8)" in text
    assert "it holds for floats; say so with `where y: float, x: float`" in text
    assert symnb.rule("-maximum(y, -x) -> minimum(x, -y)", "x: float, y: float")


def test_a_declared_contract_is_held_to() -> None:
    text = refused("log(1 + exp(x)) -> softplus(x)", contract="bitwise")
    assert "does not keep its contract bitwise" in text


def test_a_larger_error_can_be_declared() -> None:
    assert "declare rounding:1024" in refused("exp(x) * exp(y) -> exp(x + y)")
    made = symnb.rule("exp(x) * exp(y) -> exp(x + y)", contract="rounding:1024")
    assert made.contract.bound == 1024


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x > 0 -> x", "changes the dtype: the left side is bool"),
        ("sum(x) -> x", "changes the shape"),
        ("x + y -> y + x", "says nothing"),
    ],
)
def test_a_rule_that_changes_type_or_shape_is_refused(text: str, what: str) -> None:
    assert what in refused(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("exp(x) -> exp(x) * 1.0", "may fire for ever: the right side weighs"),
        ("x * 2 -> x + x", "x occurs 2 times on the right"),
        ("c * sum(x) -> sum(c * x) where c: constant scalar", "loops with the rules"),
    ],
)
def test_a_rule_that_loops_is_refused(text: str, what: str) -> None:
    assert what in refused(text, FuelError)


def test_a_rule_that_grows_may_fire_once() -> None:
    made = symnb.rule("x * 2 -> x + x where x: float", once=True)
    assert made.once and made.contract.strict


def test_rules_that_undo_each_other_are_refused(no_rules) -> None:
    there, back = "trunc(-x) -> -trunc(x)", "-trunc(x) -> trunc(-x)"
    symnb.rule(there, "x: float", name="there", register=True)
    text = refused(back, FuelError, where="x: float", name="back")
    assert "back" in text and "there" in text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("exp(x)", "is no rule"),
        ("x -> exp(x)", "would match everything"),
        ("exp(x) -> y", "y stands on the right side only"),
        ("expp(x) -> x", "did you mean exp"),
        ("exp(x -> x", "cannot read it"),
        ("x.real -> x", "only numbers, names, functions"),
        ("cumsum(x) -> x", "cannot stand in a rule"),
        ("exp(x) -> x where x: flaot", "did you mean float"),
        ("exp(x) -> x where z: float", "about no name of the left side"),
        ("exp(x) -> x where x ~ 3", "cannot read the condition"),
        ("mul(x, 1) -> x", "symnb has a rule 'mul_one'"),
    ],
)
def test_a_text_that_is_no_rule_is_refused(text: str, what: str) -> None:
    name = {"mul(x, 1) -> x": "mul_one"}.get(text, "")
    assert what in refused(text, OptimiserError, name=name)


def test_unknown_contracts_and_names_are_refused() -> None:
    assert "use one of bitwise" in refused("exp(x) -> x", OptimiserError, contract="so")
    assert "is no name" in refused("exp(x) -> x", OptimiserError, name="a b")


def test_an_unknown_name_in_excluding_is_answered_with_near_ones() -> None:
    with pytest.raises(OptimiserError, match=r"did you mean .*fuse"):
        get_mode().excluding("fusee")


def test_a_theano_name_without_a_switch_is_answered_with_ours() -> None:
    with pytest.raises(OptimiserError, match="nothing here is switched by"):
        get_mode().excluding("gpuablas_opt_inplace")


# --------------------------------------------------------------------- passes that fail


def compiled(one: Pass, **options):
    """exp(a) + 1 compiled with a pass of one's own behind `simplify`."""
    a = T.dvector("a")
    mode = options.pop("mode", None) or PIPELINE.after("simplify", one)
    return symnb.function([a], T.exp(a) + 1, mode=mode)


def raising(graph: Graph, compile) -> Graph:
    raise KeyError("no such thing")


def lossy(graph: Graph, compile) -> Graph:
    return Graph(graph.inputs, [el.exp(root).sum() for root in graph.roots])


def forgetful(graph: Graph, compile) -> None:
    return None


def stranger(graph: Graph, compile) -> Graph:
    return graph.with_roots([T.dvector("other")])


@pytest.fixture(params=["py", pytest.param("c", marks=pytest.mark.cc)])
def device(request):
    with symnb.config.change(device=request.param):
        yield request.param


FAILING = {
    "raises": (Pass("mine", raising), "KeyError: 'no such thing'"),
    "changes the type": (Pass("mine", lossy), "replaces a result"),
    "returns nothing": (Pass("mine", forgetful), "returned a NoneType"),
    "invents a leaf": (Pass("mine", stranger), "a leaf the graph did not have"),
}


@pytest.mark.parametrize(("one", "what"), FAILING.values(), ids=FAILING)
def test_a_pass_that_fails_is_left_out(device, one: Pass, what: str) -> None:
    with pytest.warns(RuntimeWarning, match="pass mine is left out") as seen:
        f = compiled(one)
        np.testing.assert_allclose(f(DATA), np.exp(DATA) + 1, rtol=1e-15)
        [choice] = [d for d in f.trace.decisions if d.kind == "pass"]
    assert what in str(seen[0].message)
    assert "test_bad_rules.py:" in str(seen[0].message) or what[0] != "K"
    assert seen[0].filename.endswith("test_bad_rules.py")
    assert choice.subject == "mine" and choice.chosen == "left out"
    assert what in choice.reason


@pytest.mark.parametrize(("one", "what"), FAILING.values(), ids=FAILING)
def test_a_pass_that_fails_stops_where_wanted(one: Pass, what: str) -> None:
    with (
        symnb.config.change(on_pass_error="raise", device="py"),
        pytest.raises(OptimiserError, match="mine"),
    ):
        compiled(one)(DATA)


def test_a_rule_that_raises_is_named_with_its_place() -> None:
    [x] = holes("x")

    @rewrite(el.exp(x), "exp(x) -> ?", "bitwise", "wrong on purpose")
    def divides_by_zero(x):
        return x / (1 // 0)

    one = apply(ruleset("mine", [divides_by_zero]), "mine")
    with symnb.config.change(device="py"), pytest.warns(RuntimeWarning) as seen:
        f = compiled(one)
        np.testing.assert_allclose(f(DATA), np.exp(DATA) + 1, rtol=1e-15)
    text = str(seen[0].message)
    assert "rule divides_by_zero (" in text and "test_bad_rules.py:" in text
    assert "ZeroDivisionError" in text


def test_rules_that_loop_are_left_out_with_their_names() -> None:
    x, y = holes("x y")
    there = rule(el.exp(x) + y, el.exp(x) - -y, "rounding", name="there")
    back = rule(x - -y, x + y, "bitwise", name="back")
    one = apply(ruleset("mine", [there, back]), "mine")
    with symnb.config.change(device="py"), pytest.warns(RuntimeWarning) as seen:
        f = compiled(one)
        np.testing.assert_allclose(f(DATA), np.exp(DATA) + 1, rtol=1e-15)
    assert "there" in str(seen[0].message) and "back" in str(seen[0].message)


def test_a_rule_that_changes_dtype_is_made_to_fit() -> None:
    """The driver casts what a rule makes; a shape that does not fit is not taken."""
    [x] = holes("x")
    narrow = rule(el.exp(x) + 1, T.cast(el.exp(x) + 1, "float64"), "bitwise", name="n")
    wide = rule(el.exp(x), T.sum(el.exp(x), (0,)), "bitwise", name="w")
    one = apply(ruleset("mine", [narrow, wide], "one_sweep"), "mine")
    with symnb.config.change(device="py"), pytest.warns(RuleWarning, match="rule w"):
        f = compiled(one)
        assert f(DATA).dtype == np.float64
        assert f(DATA).shape == DATA.shape


WRONG = {
    "values": ("sin_is_x", lambda x: (el.sin(x), x), "gives"),
    "NaN": (
        "loses_nan",
        lambda x: (el.maximum(x, 0.0), el.where(x > 0, x, 0.0)),
        "nan",
    ),
}


@pytest.mark.parametrize(("name", "sides", "what"), WRONG.values(), ids=WRONG)
def test_a_wrong_rule_of_ones_own_pipeline_is_told(name, sides, what) -> None:
    [x] = holes("x")
    wrong = rule(*sides(x), "rounding", name=name)
    one = apply(ruleset("mine", [wrong]), "mine")
    with symnb.config.change(device="py"), pytest.warns(RuleWarning) as seen:
        f = compiled(one)
        [choice] = [d for d in f.trace.decisions if d.kind == "rule"]
    text = str(seen[0].message)
    assert name in text and "test_bad_rules.py:" in text and what in text
    assert choice.subject == name and what in choice.reason
    with (
        symnb.config.change(on_pass_error="raise", device="py"),
        pytest.raises(ContractError, match=name),
    ):
        compiled(one)(DATA)


def test_a_right_rule_of_ones_own_pipeline_is_not() -> None:
    [x] = holes("x")
    right = rule(el.log(1 + x), el.log1p(x), "stabler", name="right")
    with symnb.config.change(device="py"):
        f = compiled(apply(ruleset("mine", [right]), "mine"))
        assert not [d for d in f.trace.decisions if d.kind == "rule"]
