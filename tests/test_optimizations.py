"""docs/optimizations.md says what the rules say, and its evidence what they promise."""

import pytest

from symnb.optim import catalogue
from symnb.optim.pipeline import FULL
from symnb.optim.rule import Rule
from tools.optimizations import (
    PAGE,
    Measured,
    answering,
    contradiction,
    form_of,
    kept,
    measured,
    page,
)

CURE = "run `make docs`"


def test_every_rule_has_evidence_for_what_it_says_now() -> None:
    evidence = kept()
    stale = [
        rule.name
        for rule in FULL.rules
        if rule.name not in evidence or evidence[rule.name].form != form_of(rule)
    ]
    assert not stale, f"{stale}: {CURE}"
    assert set(evidence) == {rule.name for rule in FULL.rules}, CURE


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text("utf-8") == page(kept()), CURE


def test_evidence_contradicts_no_contract() -> None:
    evidence = kept()
    found = {rule.name: contradiction(rule, evidence[rule.name]) for rule in FULL.rules}
    assert not {name: text for name, text in found.items() if text}


def test_a_contradiction_is_found() -> None:
    rules = {rule.contract.stated: rule for rule in FULL.rules}
    seen = Measured("x", "", "float64", 10, 9, (0.5, 1.0), (100.0, 200.0))
    for name in ("bitwise", "rounding", "stabler", "finite_only", "domain"):
        assert contradiction(rules[name], seen)


def test_every_idea_we_answer_by_rules_names_them() -> None:
    for row in catalogue.rows():
        if row.kind == "rule" and row.verdict == "must" and row.part in "ABCDEFGH":
            assert answering(row), row


@pytest.mark.slow
@pytest.mark.parametrize("rule", FULL.rules, ids=lambda rule: rule.name)
def test_measured_again_it_still_holds(rule: Rule) -> None:
    assert contradiction(rule, measured(rule)) == ""
