"""Rules people write: read from text, checked at once, switched on and off by name.

A rule is taken only if it keeps a contract, ends, and keeps dtype and shape; else it
is refused with what was found. It runs where `insert` puts it: behind `merge`, on the
graph as written, before every rule of symnb, and once more before `tidy`; and before
differentiation, unless it drops a tensor. `RULES` is the notebook's table of them:
written by cells, read when a mode is chosen; what was compiled before stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symnb.errors import OptimiserError
from symnb.ops.define import as_node
from symnb.optim import grammar, ordeal
from symnb.optim.contract import BITWISE, CONTRACTS, Contract
from symnb.optim.passes import Pass, apply
from symnb.optim.pipeline import FULL, Pipeline
from symnb.optim.rule import Rule, Ruleset, slug
from symnb.optim.verify import Evidence

TAG = "user"
AGAIN = "tidy"  # the pass before which the rules run once more


@dataclass(eq=False, repr=False)
class UserRule(Rule):
    """A rule read from text.

    written   the text, conditions included
    once      what it made is final; else it is matched until nothing fires
    evidence  what was measured when it was written
    maker     makes it again from its options: how it travels to other processes
    """

    written: str = ""
    once: bool = False
    evidence: Evidence | None = None
    maker: Callable[..., Any] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What makes the same rule, given to its maker."""
        return {
            "text": self.written, "name": self.name,
            "contract": f"{self.contract.name}:{self.contract.bound}",
            "reason": self.reason, "once": self.once, "file": self.file,
            "line": self.line,
        }  # fmt: skip

    @property
    def digest_text(self) -> str:
        """Changes whenever what the rule does may."""
        return f"{self.name}: {self} once {self.once}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.maker, self.options)


def _again(maker: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    return maker(**options)


def write_rule(
    text: str, vocabulary: Mapping[str, Any], *, where: str = "", contract: str = "",
    name: str = "", reason: str = "", once: bool = False, file: str = "",
    line: int = 0, check: bool = True, maker: Callable[..., Any] | None = None,
) -> UserRule:  # fmt: skip
    """The rule a text says, checked.

    text      `log(1 + exp(x)) -> softplus(x) where x: float`
    contract  declared, perhaps with a bound (`rounding:50` ulp), and then held to it;
              "": of bitwise, stabler and rounding the one that fits best
    once      it fires once at a place; for rules that make expressions longer
    check     False for a rule that was checked before

    Raises OptimiserError for a text that is no rule, ContractError, FuelError for a
    rule that is wrong or does not end.
    """
    try:
        left, right, conditions = grammar.split(text)
        conditions = ", ".join(part for part in (conditions, where) if part)
        sides = grammar.read_sides(left, right, conditions, vocabulary)
        name = name or _name_of(left)
        _check_name(name)
        declared = _contract(contract) if contract else None
    except OptimiserError as error:
        raise OptimiserError(f"{file}, line {line}: {error}") from None
    lhs, rhs = sides.left, as_node(sides.right)
    written = f"{left} -> {right}" + (f" where {conditions}" if conditions else "")
    made = UserRule(
        name, lhs, rhs, None, declared or BITWISE, f"{left} -> {right}", reason,
        where=sides.conditions, tags=frozenset({TAG}), file=file, line=line,
        written=written, once=once, maker=maker,
    )  # fmt: skip
    if check:
        ordeal.check_form(made)
        made.contract, made.evidence = ordeal.check_values(made, declared)
        ordeal.check_end(made, once, tuple(RULES.on))
    return made


def _name_of(text: str) -> str:
    name = slug(text).lower()
    return name if name.isidentifier() else f"rule_{name}".rstrip("_")


def _contract(text: str) -> Contract:
    """`rounding`, or `rounding:50` with the ulp allowed."""
    name, colon, ulp = text.partition(":")
    try:
        found = CONTRACTS[name.strip()]
        return found.within(float(ulp)) if colon else found
    except (KeyError, ValueError):
        raise OptimiserError(
            f"no contract {text!r}.\nFix: use one of {', '.join(CONTRACTS)}; a bound "
            "in ulp may follow, as in rounding:50."
        ) from None


def _check_name(name: str) -> None:
    if not name.isidentifier():
        raise OptimiserError(f"{name!r} is no name.\nFix: give one of letters and _.")
    for one in FULL:
        for rule in one.rules or ():
            if rule.name == name:
                raise OptimiserError(
                    f"symnb has a rule {name!r}: {rule}\nFix: give yours another name."
                )


# ------------------------------------------------------------------------ the table


class Rules:
    """The rules a notebook wrote, by name, each on or off."""

    def __init__(self) -> None:
        self._known: dict[str, UserRule] = {}
        self._off: set[str] = set()

    def add(self, rule: UserRule) -> None:
        """Take a rule in, on; one of the same name is replaced."""
        self._known[rule.name] = rule
        self._off.discard(rule.name)

    def switch(self, name: str, on: bool) -> UserRule:
        """Switch a rule on or off. Raises OptimiserError for an unknown name."""
        if name not in self._known:
            known = ", ".join(self._known) or "none yet"
            raise OptimiserError(
                f"no rule {name!r} was written here.\nFix: there are {known}."
            )
        (self._off.discard if on else self._off.add)(name)
        return self._known[name]

    def remove(self, name: str) -> None:
        """Forget a rule. Raises OptimiserError for an unknown name."""
        self.switch(name, True)
        del self._known[name]

    @property
    def on(self) -> tuple[UserRule, ...]:
        """Those that are on, in order of writing."""
        return tuple(r for r in self if r.name not in self._off)

    @property
    def present(self) -> tuple[tuple[UserRule, bool], ...]:
        """All, each with whether it is on."""
        return tuple((r, r.name not in self._off) for r in self)

    def __iter__(self) -> Iterator[UserRule]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)


RULES = Rules()


def insert(base: Pipeline, rules: Sequence[UserRule]) -> Pipeline:
    """`base` with the passes of these rules in their places."""
    if not rules or not base:
        return base
    new = _passes(tuple(rules))
    first = 1 if base[0].name == "merge" else 0
    passes = [*base[:first], *new]
    for one in base[first:]:
        if one.name == AGAIN:
            passes += [p for p in new if p.name == TAG]
        passes.append(one)
    return Pipeline(passes)


@lru_cache(maxsize=64)
def _passes(rules: tuple[UserRule, ...]) -> tuple[Pass, ...]:
    tags = frozenset({TAG})
    ending = tuple(r for r in rules if not r.once)
    once = tuple(r for r in rules if r.once)
    sets = [
        Ruleset(TAG, ending), Ruleset(f"{TAG} once", once, "one_sweep"),
    ]  # fmt: skip
    return tuple(apply(s, s.name, tags=tags) for s in sets if len(s))
