"""Rules as the inspector shows them: formula, promise, reason, place, evidence.

A rule that fired is one dict of the document, made once per document, microseconds.
Evidence takes 40 ms a rule to measure, so only what is known already is told: what
was stored with the package, or measured in this process before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symnb.optim import evidence
from symnb.optim.rule import Rule
from symnb.viz.formula import rule_latex

Json = dict[str, Any]
FACTS = {
    "lhs": "lhs_text", "rhs": "rhs_text", "where": "where_text",
    "contract": "contract", "reason": "reason", "source": "source", "file": "file",
}  # fmt: skip
MOST_ANSWERS = 6  # of Theano's names; gemm answers to more than anybody reads


class Rules:
    """The rules that fired, by number."""

    def __init__(self, evidence: Callable[[Any], Any]) -> None:
        self.numbers: dict[Any, int] = {}
        self.evidence = evidence

    def number(self, rule: Any) -> int:
        """The number of `rule`, -1 for none."""
        return -1 if rule is None else self.numbers.setdefault(rule, len(self.numbers))

    def table(self) -> list[Json]:
        """One dict a rule."""
        return [rule_row(rule, self.evidence(rule)) for rule in self.numbers]


def known_evidence(rule: Any) -> Any:
    """What was measured of a rule before, None where nothing was."""
    if not isinstance(rule, Rule):
        return None
    return getattr(rule, "evidence", None) or evidence.known(rule)


def rule_row(rule: Any, seen: Any = None) -> Json:
    """What the Rule pane shows of a rule."""
    result: Json = {"name": str(getattr(rule, "name", rule))}
    for key, attribute in FACTS.items():
        value = getattr(rule, attribute, "")
        value = getattr(value, "name", value)
        if value:
            result[key] = short_path(str(value)) if key == "file" else str(value)
    line = getattr(rule, "line", 0)
    if line:
        result["line"] = int(line)
    if isinstance(rule, Rule):
        result["latex"] = rule_latex(rule)
        result["promise"] = rule.contract.promise
        if rule.answers:
            result["answers"] = list(rule.answers[:MOST_ANSWERS])
    if seen is not None:
        result["evidence"] = {
            "samples": seen.samples,
            "same": seen.same,
            "left": [float(f"{ulp:.3g}") for ulp in seen.left],
            "right": [float(f"{ulp:.3g}") for ulp in seen.right],
        }
    return result


def short_path(path: str) -> str:
    """A file's path from the package on; of other files only the name."""
    parts = path.replace("\\", "/").split("/")
    if "symnb" in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index("symnb")
        return "/".join(parts[last + 1 :])
    return parts[-1]
