"""`%%symrule`: a rule written in a cell is checked, switched on, and shows where."""

from collections.abc import Iterator

import numpy as np
import pytest

import symnb
from symnb.errors import CellError, ContractError, FuelError, OptimiserError
from symnb.optim.mode import PRESETS, get_mode
from symnb.optim.stages import STAGES
from symnb.optim.user import RULES, UserRule

CELL = "%%symfunc f(x: vector, y: vector) -q\nz = np.hypot(x, x)\n(z * y).sum()"
RULE = "%%symrule hypot(x, x) -> abs(x) * 1.4142135623730951 --name diagonal"
BOUND = " --contract rounding:8 --once"
ONES = np.ones(3)


@pytest.fixture(autouse=True)
def own_rules() -> Iterator[None]:
    """Rules written in a test are forgotten after it."""
    yield
    for made in list(RULES):
        RULES.remove(made.name)


def fired(f) -> list[str]:
    """Names of the rules that fired in the passes of users' rules."""
    return [e.rule.name for r in f.trace if r.name.startswith("user") for e in r.events]


def test_a_rule_fires_in_what_is_compiled_after_it(notebook) -> None:
    notebook(CELL)
    notebook(RULE + BOUND)
    assert fired(notebook.names["f"]) == []  # what was compiled stays as it is
    notebook(CELL)
    f = notebook.names["f"]
    assert fired(f) == ["diagonal"]
    assert "hypot" not in f.optimised.ops()
    np.testing.assert_allclose(f([3.0, -4.0], [1, 2]), np.sqrt(2) * 11, rtol=1e-14)


def test_it_shows_contract_evidence_and_where_it_fires(notebook) -> None:
    notebook(CELL)  # cell 2
    shown = notebook.value(RULE + BOUND)
    assert isinstance(shown.value, UserRule)
    text = repr(shown)
    assert "diagonal, on" in text
    assert "rounding, 8 ulp" in text
    assert "samples" in text and "left" in text
    assert "once in f: cell 2, line 2" in text
    assert "<table>" in shown._repr_mimebundle_()["text/html"]


def test_a_rule_that_fires_nowhere_says_so(notebook) -> None:
    shown = notebook.value("%%symrule hypot(x, 0) -> abs(x) where x: float")
    assert "in no function compiled so far" in repr(shown)


def test_a_rule_symnb_has_already_says_so(notebook) -> None:
    shown = notebook.value("%%symrule log(1 + exp(x)) -> softplus(x)")
    assert shown.value.contract.name == "stabler"
    assert "symnb's own rules make the same" in repr(shown)


def test_a_rule_may_stand_in_the_body_with_its_reason(notebook) -> None:
    shown = notebook.value(
        "%%symrule --name halves\n# one multiplication less\n\nx / 2 + x / 2 -> x\n"
        "where x: float"
    )
    assert shown.value.reason == "one multiplication less"
    assert shown.value.line == 4 and shown.value.file == "cell 2"
    assert shown.value.where_text == "x is float"


@pytest.mark.parametrize(
    ("cell", "error", "what"),
    [
        ("%%symrule exp(x) -> 1 + x", ContractError, "is wrong"),
        ("%%symrule x * 0 -> 0", ContractError, "x = nan gives nan on the left"),
        ("%%symrule exp(x) -> exp(x) * 1", FuelError, "may fire for ever"),
        ("%%symrule exp(x) -> y", OptimiserError, "y stands on the right side only"),
        ("%%symrule exp(x) -> x --contract so", OptimiserError, "use one of bitwise"),
    ],
)
def test_a_bad_rule_is_refused_with_its_place(notebook, cell, error, what) -> None:
    found, shown = notebook.fails(cell)
    assert isinstance(found, error)
    assert "cell 2, line 1" in str(found) and what in str(found)
    assert "ordeal.py" not in shown  # no frame of symnb's
    assert len(RULES) == 0


def test_mistakes_of_the_line_are_told(notebook) -> None:
    for cell in ("%%symrule", "%%symrule --name x", "%%symrule exp(x) -> x --nonsense"):
        error, _ = notebook.fails(cell)
        assert isinstance(error, CellError)
        assert "Fix:" in str(error)


def test_rules_are_switched_off_and_on_by_name(notebook) -> None:
    notebook(RULE + BOUND)
    assert "diagonal: off" in repr(notebook.value("%symrules off diagonal"))
    assert ", off" in repr(notebook.value("%symrules diagonal"))
    notebook(CELL)
    assert fired(notebook.names["f"]) == []
    notebook("%symrules on diagonal")
    notebook(CELL)
    assert fired(notebook.names["f"]) == ["diagonal"]
    error, _ = notebook.fails("%symrules off nonsense")
    assert "there are diagonal" in str(error)


def test_a_rule_may_be_written_switched_off(notebook) -> None:
    assert "diagonal, off" in repr(notebook.value(RULE + BOUND + " --off"))
    assert RULES.on == ()


def test_modes_and_stages_are_listed_with_what_they_do(notebook) -> None:
    text = repr(notebook.value("%symrules --modes"))
    for preset in PRESETS:
        assert f"{preset.name} " in text and preset.meaning in text
    assert all(stage.meaning in text for stage in STAGES)


def test_writing_a_rule_again_replaces_it(notebook) -> None:
    notebook(RULE + " --contract rounding:99 --once")
    notebook(RULE + BOUND)
    assert [made.contract.bound for made in RULES] == [8.0]


def test_modes_take_users_rules_by_name_and_tag(notebook) -> None:
    notebook(RULE + BOUND)
    assert get_mode().pipeline.names.count("user once") == 1
    for word in ("diagonal", "user"):
        mode = get_mode(get_mode().excluding(word))
        assert "user once" not in mode.pipeline.names
        assert mode.digest != get_mode().digest
    notebook("%symrules off diagonal")
    assert "user once" not in get_mode().pipeline.names
    assert "user once" in get_mode().including("diagonal").pipeline.names


def test_strict_mode_takes_only_rules_that_change_no_bit(notebook) -> None:
    notebook(RULE + BOUND)
    assert "user once" not in get_mode("strict").pipeline.names
    notebook("%%symrule where(c, x, x) -> x")
    assert "user" in get_mode("strict").pipeline.names


def test_users_rules_help_gradients(notebook) -> None:
    """d/dx sqrt(x * x) is sign(x) of abs(x); as written it is 0/0 at tiny x."""
    x = symnb.tensor.dvector("x")
    notebook("%%symrule sqrt(x * x) -> abs(x) where x: float --name root")
    slope = symnb.grad(symnb.tensor.sqrt(x * x).sum(), x)
    f = symnb.function([x], slope)
    np.testing.assert_array_equal(f([1e-200, -3.0]), [1.0, -1.0])


def test_the_twin_returns_the_rule_and_registers_on_demand(notebook) -> None:
    made = symnb.rule("log(1 + exp(x)) -> softplus(x)")
    assert made.file == "test_symrule.py" and len(RULES) == 0
    symnb.rule("log(1 + exp(x)) -> softplus(x)", register=True, name="again")
    assert [rule.name for rule in RULES.on] == ["again"]


@pytest.mark.cc
def test_functions_with_users_rules_travel(notebook) -> None:
    import pickle

    notebook("symnb.config.device = 'c'")
    notebook(RULE + BOUND)
    notebook(CELL)
    f = notebook.names["f"]
    twin = pickle.loads(pickle.dumps(f))
    assert fired(twin) == ["diagonal"]
    np.testing.assert_array_equal(twin(ONES, ONES), f(ONES, ONES))
