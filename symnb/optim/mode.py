"""Modes: which passes, which rules and which stages of the back end a compile runs.

A preset is a mode with a name; `including` and `excluding` make others from it, by
names of rules, passes and stages, by tags and contracts, and by Theano's and
PyTensor's names.

    o1            merge, fold, simplifications that change no bit; a kernel for each op
    o2            o1, all simplifications, stability, reductions; loops are fused
    o3            o2, collected terms, BLAS, choices by cost; memory of its own for all
    o4, FAST_RUN  everything

Resolved once per compile; a mode's digest is part of the key of what it compiled.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from symnb.core.stamp import stamp
from symnb.errors import OptimiserError
from symnb.optim import catalogue
from symnb.optim.contract import CONTRACTS
from symnb.optim.passes import MERGE, Pass
from symnb.optim.pipeline import FAST, FULL, PIPELINE, Pipeline
from symnb.optim.rule import Rule
from symnb.optim.stages import STAGES, stages_named
from symnb.optim.user import RULES, TAG, UserRule, insert
from symnb.options import config

SIMPLE = ("merge", "fold", "simplify")
STABLE = (*SIMPLE, "shift", "stabilise")
OWN_MEMORY = frozenset({"inplace", "reuse"})


@dataclass(frozen=True)
class Preset:
    """A mode by name.

    base    passes to choose from
    passes  names of those it runs; empty: all. One it does not name belongs to o3
    strict  only rules that change no bit
    off     stages of the back end it leaves out
    stops   a pass that fails stops the compile, whatever `config.on_pass_error` says
    check   the graph is validated after every pass
    """

    name: str
    meaning: str
    base: Pipeline = PIPELINE
    passes: tuple[str, ...] = ()
    strict: bool = False
    off: frozenset[str] = frozenset()
    stops: bool = False
    check: bool = False

    @property
    def pipeline(self) -> Pipeline:
        """Its passes."""
        chosen = self.base
        if self.passes:
            chosen = Pipeline(p for p in chosen if p.name in self.passes)
        if self.strict:
            chosen = chosen.filtered(lambda rule: rule.contract.strict)
            chosen = Pipeline(p for p in chosen if p.contract == "bitwise")
        return chosen

    def __str__(self) -> str:
        return f"{self.name:<13} {self.meaning}"


PRESETS = (
    Preset("FAST_RUN", "everything: the default"),
    Preset("FAST_COMPILE", "the quickest compile: one pass of simplification",
           FAST),
    Preset("o1", "merge, fold, simplifications that change no bit; a kernel for "
           "each op", passes=SIMPLE, strict=True, off=OWN_MEMORY | {"fuse"}),
    Preset("o2", "o1, all simplifications, stability, reductions; loops are fused",
           passes=(*STABLE, "reduce", "tidy"), off=OWN_MEMORY),
    Preset("o3", "o2, collected terms, BLAS, choices by cost; no memory is shared",
           off=OWN_MEMORY),
    Preset("o4", "everything, as FAST_RUN"),
    Preset("strict", "rules that change no bit; functions as in the reference",
           strict=True, stops=True),
    Preset("unsafe", "everything, and what holds for finite numbers in the domain of "
           "every function only; asserts are dropped", FULL),
    Preset("debug", "everything, the graph validated after each pass; the first that "
           "fails stops the compile", stops=True, check=True),
    Preset("merge", "equal parts become one, nothing else", passes=("merge",)),
    Preset("stabilize", "merge, fold, simplifications, stability", passes=STABLE),
    Preset("None", "nothing: the graph as written", Pipeline(())),
)  # fmt: skip
ALIASES = {
    "default": "FAST_RUN", "debugmode": "debug", "debug_mode": "debug",
    "stabilise": "stabilize",
}  # fmt: skip
_BY_NAME = {preset.name.lower(): preset for preset in PRESETS}
MODES = tuple(preset.name for preset in PRESETS)


@dataclass(frozen=True)
class Mode:
    """How a function is compiled.

    name      of the preset it starts from
    exclude   names taken out of it
    include   names of rules, passes, stages and tags added to it
    require   of its rules and passes only those with one of these names; empty: all
    device    c | py | cuda; None: the configured one
    passes    a pipeline of the user's own, in place of the preset's
    rules     the notebook's rules when it was chosen, each with whether it was on
    """

    name: str = "FAST_RUN"
    exclude: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    require: frozenset[str] = frozenset()
    device: str | None = None
    passes: Pipeline | None = None
    rules: tuple[tuple[UserRule, bool], ...] = ()

    @property
    def preset(self) -> Preset:
        """What it starts from; a user's own pipeline from FAST_RUN."""
        return _BY_NAME.get(self.name.lower(), PRESETS[0])

    @property
    def pipeline(self) -> Pipeline:
        """The passes this mode runs."""
        if self.passes is not None:
            return _without(_only(self.passes, self.require), self.exclude)
        chosen = _pipeline(self.preset, self.exclude, self.include, self.require)
        return insert(chosen, self.user_rules)

    @property
    def user_rules(self) -> tuple[UserRule, ...]:
        """The notebook's rules this mode applies."""
        if self.passes is not None:
            return ()
        strict, require = self.preset.strict, self.require
        return tuple(
            rule
            for rule, on in self.rules
            if (on or words_of_rule(rule) & self.include)
            and not words_of_rule(rule) & self.exclude
            and (not require or words_of_rule(rule) & require)
            and (rule.contract.strict or not strict)
        )

    @property
    def off(self) -> frozenset[str]:
        """The stages of the back end this mode leaves out."""
        off = self.preset.off if self.passes is None else frozenset[str]()
        return off - stages_named(self.include) | stages_named(self.exclude)

    @property
    def checks(self) -> bool:
        """Whether the graph is validated after every pass."""
        return self.preset.check

    def excluding(self, *names: str) -> Mode:
        """Without these passes, rules, stages or tags. Raises OptimiserError."""
        self._check_known(names)
        return replace(
            self, exclude=self.exclude | set(names), include=self.include - set(names)
        )

    def including(self, *names: str) -> Mode:
        """With these passes, rules, stages or tags. Raises OptimiserError."""
        self._check_known(names)
        return replace(
            self, exclude=self.exclude - set(names), include=self.include | set(names)
        )

    def requiring(self, *names: str) -> Mode:
        """With only those of its passes and rules that have one of these names."""
        self._check_known(names)
        return replace(self, require=self.require | set(names))

    def _check_known(self, names: Iterable[str]) -> None:
        check_known(names, self.passes or (), [rule for rule, _ in self.rules])

    @property
    def digest(self) -> str:
        """Changes whenever the passes or the rules of this mode may."""
        parts = [
            self.name,
            *sorted(self.exclude),
            "+",
            *sorted(self.include),
            "only",
            *sorted(self.require),
            _sources(),
            *(rule.digest_text for rule in self.user_rules),
        ]
        if self.passes is not None:  # functions of a user's rules have no digest
            parts += [_PROCESS, str(id(self.passes))]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()

    def __str__(self) -> str:
        more = f" with {', '.join(sorted(self.include))}" if self.include else ""
        less = f" without {', '.join(sorted(self.exclude))}" if self.exclude else ""
        only = f" only {', '.join(sorted(self.require))}" if self.require else ""
        return f"{self.name}{more}{less}{only}"


_PROCESS = secrets.token_hex(8)
_kept: list[Pipeline] = []  # so that no later pipeline has the id of one used before


def get_mode(mode: Any = None) -> Mode:
    """The mode called `mode`; None is the configured one. Raises OptimiserError.

    It takes the notebook's rules as they are now.
    """
    found = _found(mode)
    rules = RULES.present
    return found if found.rules == rules else replace(found, rules=rules)


def _found(mode: Any) -> Mode:
    if isinstance(mode, Mode):
        return mode
    if isinstance(mode, Pipeline):
        _kept.append(mode)
        return Mode("custom", passes=mode)
    name = (config.mode if mode is None else str(mode)).lower()
    preset = _BY_NAME.get(ALIASES.get(name, name).lower())
    if preset is None:
        raise OptimiserError(
            f"no mode {str(mode or config.mode)!r}; modes are {', '.join(MODES)}."
        )
    return Mode(preset.name)


# ---------------------------------------------------------------- choosing by names


@lru_cache(maxsize=64)
def _pipeline(
    preset: Preset,
    exclude: frozenset[str],
    include: frozenset[str],
    require: frozenset[str],
) -> Pipeline:
    base = preset.pipeline
    chosen = _included(base, include) if include else base
    return _without(_only(chosen, require), exclude)


def _only(base: Pipeline, names: frozenset[str]) -> Pipeline:
    if not names:
        return base
    passes: list[Pass] = []
    for one in base:
        if one is MERGE or words_of(one) & names:
            passes.append(one)
        elif one.rules is not None:
            part = one.filtered(lambda rule: bool(words_of_rule(rule) & names))
            passes += [part] if part is not None else []
    return Pipeline(passes)


def _without(base: Pipeline, names: frozenset[str]) -> Pipeline:
    if not names:
        return base
    kept = Pipeline(p for p in base if not words_of(p) & names)
    return kept.filtered(lambda rule: not words_of_rule(rule) & names)


def _included(base: Pipeline, names: frozenset[str]) -> Pipeline:
    """`base` and, in their places, what `names` adds of the full pipeline."""

    def wanted(rule: Any) -> bool:
        return rule in present or bool(words_of_rule(rule) & names)

    present = set(base.rules)
    passes: list[Pass] = []
    for one in FULL:
        if one in base or words_of(one) & names:
            passes.append(one)
            continue
        part = one.filtered(wanted) if one.rules is not None else None
        if part is not None and (present or set(part.rules or ()) - present):
            passes.append(part)
    return Pipeline(passes)


def words_of(one: Pass) -> frozenset[str]:
    """What a pass is included or excluded by."""
    named = catalogue.passes_answering().get(one.name, frozenset())
    return one.tags | {one.name} | named


def words_of_rule(rule: Rule) -> frozenset[str]:
    """What a rule is included or excluded by: name, tags, contract, Theano's names."""
    return rule.words | {rule.contract.name}


def known_words(more: Iterable[Pass] = (), rules: Iterable[Rule] = ()) -> Iterator[str]:
    """Every name that `including` and `excluding` take."""
    yield from (TAG, *CONTRACTS)
    for rule in (*rules, *RULES):
        yield from rule.words
    for one in (*FULL, *more):
        yield from words_of(one)
        for rule in one.rules or ():
            yield from rule.words
    for stage in STAGES:
        yield from stage.words


def check_known(
    names: Iterable[str], more: Iterable[Pass] = (), rules: Iterable[Rule] = ()
) -> None:
    """Raise OptimiserError for the first of `names` that names nothing."""
    names = list(names)
    known = set(known_words(more, rules)) if names else set[str]()
    for name in names:
        if name not in known:
            raise OptimiserError(_unknown(name, known))


def _unknown(name: str, known: set[str]) -> str:
    for row in catalogue.rows():
        if name in row.names:
            return (
                f"nothing here is switched by {name!r}: {row.formula}.\n"
                f"symnb's answer to it: {row.answer or 'none yet'}."
            )
    close = get_close_matches(name, sorted(known), 3)
    cure = f"\nFix: did you mean {' or '.join(close)}?" if close else ""
    return f"no pass, rule, stage or tag {name!r}.{cure}"


@lru_cache(maxsize=1)
def _sources() -> str:
    """Digest of the optimiser's files: any change of a rule changes it."""
    return stamp([Path(__file__).parent])
