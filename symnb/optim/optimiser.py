"""The optimiser's doors: `optimise` a compile, `stabilise` a gradient, see rules work.

A pass that raises, or leaves a broken graph, is left out: the compile goes on with
the graph it found, warns, and tells it as a decision; or it stops, where the mode
(strict, debug) or `config.on_pass_error` says so.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any

from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.site import is_foreign
from symnb.errors import ContractError, OptimiserError, RuleWarning
from symnb.optim.mode import Mode, check_known, get_mode
from symnb.optim.ordeal import broken_promise
from symnb.optim.passes import MERGE, Compile, Pass, apply
from symnb.optim.pipeline import FULL, GRADIENT, Pipeline, run_passes
from symnb.optim.rule import Rule, Ruleset
from symnb.optim.trace import Decision, PassRecord, Trace
from symnb.optim.user import RULES, UserRule, insert
from symnb.options import config

_STDLIB = os.path.dirname(os.__file__) + os.sep


def optimise(
    graph: Graph,
    mode: Mode | str | None = None,
    first: Sequence[PassRecord] = (),
    limit: int | None = None,
    check: bool = False,
) -> tuple[Graph, Trace]:
    """The optimised graph and the story of how it came about.

    first  records of passes that ran before (specialise, the gradient's)
    limit  number of firings after which rules stop, for bisection
    check  validate the graph after every pass
    """
    chosen = mode if isinstance(mode, Mode) else get_mode(mode)
    decisions: list[Decision] = []
    if chosen.passes is not None:
        report_rules(chosen.passes, decisions)
    compile = Compile(
        record=config.record, limit=limit, check=check or chosen.checks,
        failed=lambda one, e: judge(chosen, one, e, decisions),
        decisions=decisions,
    )  # fmt: skip
    after, records = run_passes(graph, chosen.pipeline, compile)
    return after, Trace([*first, *records], decisions)


def judge(mode: Mode, one: Pass, error: Exception, decisions: list[Decision]) -> None:
    """A pass failed: stop, or note it and go on without it.

    Raises OptimiserError where the mode or `config.on_pass_error` says to stop.
    """
    what = message_of(one, error)
    if mode.preset.stops or config.on_pass_error == "raise":
        if isinstance(error, OptimiserError):
            raise error
        raise OptimiserError(f"pass {one.name} failed: {what}") from error
    decisions.append(Decision("pass", one.name, "left out", what))
    warnings.warn(
        f"pass {one.name} is left out: {what}\n"
        "Fix: mend it, or symnb.config.on_pass_error = 'raise' to stop there.",
        RuntimeWarning,
        stacklevel=_level_of_user(),
    )


def report_rules(passes: Pipeline, decisions: list[Decision]) -> None:
    """Tell of the rules of a user's own pipeline that do not keep their contract.

    They are used all the same, so that `f.check` and `f.bisect` can show what they
    do; where `config.on_pass_error` is "raise", ContractError. 0.1 s a rule, once.
    """
    own = set(FULL.rules)
    for rule in passes.rules:
        broken = "" if rule in own else broken_promise(rule)
        if not broken:
            continue
        what = f"does not keep its contract {rule.contract}: {broken}"
        text = f"rule {rule.name} ({rule.file}:{rule.line}) {what}"
        if config.on_pass_error == "raise":
            raise ContractError(f"{text}\nFix: mend it, or declare what it keeps.")
        decisions.append(Decision("rule", rule.name, "used all the same", what))
        warnings.warn(text, RuleWarning, stacklevel=_level_of_user())


def _level_of_user() -> int:
    """Frames from our caller up to the user's code, for the place of a warning."""
    level, frame = 1, sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        installed = name.startswith(_STDLIB) and "-packages" not in name
        if is_foreign(frame) and not installed:
            break
        level, frame = level + 1, frame.f_back
    return level


def message_of(one: Pass, error: Exception) -> str:
    """What went wrong in a pass: the rule that raised, or the pass, and its place."""
    text = str(error) or type(error).__name__
    kind = "" if isinstance(error, OptimiserError) else f"{type(error).__name__}: "
    rule = _guilty(one, error)
    if rule is not None:
        return f"rule {rule.name} ({rule.file}:{rule.line}): {kind}{text}"
    return f"{kind}{text}" + (f" ({one.place})" if one.place else "")


def _guilty(one: Pass, error: Exception) -> Rule | None:
    """The rule whose function raised."""
    codes = {
        rule.build.__code__: rule
        for rule in one.rules or ()
        if isinstance(rule.build, FunctionType)
    }
    at = error.__traceback__
    while at is not None:
        if at.tb_frame.f_code in codes:
            return codes[at.tb_frame.f_code]
        at = at.tb_next
    return None


def stabilise(roots: Sequence[Node]) -> tuple[dict[Node, Node], list[PassRecord]]:
    """What becomes of `roots` before they are differentiated, and how.

    Merges, simplifies and applies the stability rules, whatever the mode, but none
    that would cut a tensor off from the result; the notebook's rules too. A pass that
    fails is left out, as in `optimise`.
    """
    graph = Graph((), tuple(roots), name="gradient")
    compile = Compile(
        record=config.record,
        failed=lambda one, e: judge(get_mode(), one, e, []),
    )
    passes = insert(GRADIENT, [rule for rule in RULES.on if not rule.drops])
    after, records = run_passes(graph, passes, compile)
    for record in records:
        record.phase = "gradient"
    return dict(zip(roots, after.roots, strict=True)), records


def firings(rule: UserRule, graph: Graph, mode: Mode | str | None = None) -> Trace:
    """The trace of optimising `graph` with this rule of the notebook's, and only it.

    Its events whose `rule` is the rule tell where it fires.
    """
    chosen = replace(get_mode(mode), rules=((rule, True),), exclude=frozenset())
    return Trace(run_passes(graph, chosen.pipeline, Compile())[1])


def rewrite_graph(
    target: Graph | Node | Sequence[Node],
    include: str | Iterable[str] | Ruleset = (),
    exclude: Iterable[str] = (),
    mode: Mode | str = "FAST_RUN",
) -> Any:
    """`target` after the passes of `mode`, in the form it was given.

    include  names of passes or rules: only these; or a rule set to apply
    exclude  names of passes, rules or tags to leave out
    """
    if isinstance(include, Ruleset):
        passes = Pipeline((MERGE, apply(include)))
    else:
        chosen = get_mode(mode).excluding(*exclude).pipeline
        names = (include,) if isinstance(include, str) else tuple(include)
        check_known(names, chosen)
        passes = chosen.only(*names) if names else chosen
    if isinstance(target, Graph):
        return run_passes(target, passes, Compile())[0]
    roots = (target,) if isinstance(target, Node) else tuple(target)
    after, _ = run_passes(Graph((), roots), passes, Compile())
    return after.outputs[0] if isinstance(target, Node) else list(after.outputs)
