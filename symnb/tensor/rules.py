"""`symnb.rule`: a rewrite rule written as text, with the names of `symnb.tensor`.

    rule = symnb.rule("log(1 + exp(x)) -> softplus(x)", register=True)

What it must pass and where it runs: `symnb.optim.user`.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from symnb.core.site import capture
from symnb.optim.user import RULES, UserRule, write_rule

_NAMESPACE = __name__.rpartition(".")[0]


@lru_cache(maxsize=1)
def vocabulary() -> MappingProxyType[str, Any]:
    """The functions a rule may name."""
    names = vars(sys.modules[_NAMESPACE])
    found = {k: v for k, v in names.items() if callable(v) and k[0] != "_"}
    return MappingProxyType(found)


def rule(
    text: str, where: str = "", contract: str = "", *, name: str = "",
    reason: str = "", once: bool = False, register: bool = False, check: bool = True,
    file: str = "", line: int = 0,
) -> UserRule:  # fmt: skip
    """The rule `LEFT -> RIGHT where CONDITIONS`, checked at once.

    where     conditions: "x: float, c: positive constant", "x >= 0"
    contract  declared (finite_only, rounding:50, ...); "": measured
    once      it fires once at a place, so it may make an expression longer
    register  functions compiled from now on use it; one of its name is replaced
    check     False for a rule that was checked before

    Raises OptimiserError for a text that is no rule, ContractError for a rule that
    is wrong, FuelError for one that does not end.
    """
    site = capture()
    if not file and site is not None:
        file, line = site.source.label, site.line
    made = write_rule(
        text, vocabulary(), where=where, contract=contract, name=name, reason=reason,
        once=once, file=file, line=line, check=check, maker=_again,
    )  # fmt: skip
    if register:
        RULES.add(made)
    return made


def _again(**options: Any) -> UserRule:
    """The rule of these options in another process; it was checked in the first."""
    return rule(**options, check=False)
