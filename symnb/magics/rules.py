"""`%symrules [GLOB]`: the optimiser's rules, their contracts and reasons.

`%symrules on NAME` and `%symrules off NAME` switch a rule of the notebook's;
`%symrules --modes` says what the modes run. Python twins: `PIPELINE.rules` of
`symnb.optim.pipeline`, `RULES` of `symnb.optim.user`, `PRESETS` of `symnb.optim.mode`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from symnb.errors import CellError
from symnb.magics.arguments import LineParser, read_line
from symnb.magics.shown import Shown
from symnb.optim.mode import PRESETS
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import Rule
from symnb.optim.stages import STAGES
from symnb.optim.user import RULES

MAGIC = "%symrules"


def make_parser() -> LineParser:
    """The options of `%symrules`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument(
        "words", nargs="*", metavar="GLOB | on NAME | off NAME",
        help="rules whose name or tag matches, e.g. 'log*'; or switch one of yours",
    )  # fmt: skip
    parser.add_argument(
        "--modes", action="store_true", help="what each mode runs, and the stages"
    )
    parser.add_argument(
        "--doc", action="store_true", help="with reason, source and place"
    )
    return parser


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the list of rules, then of stages."""
    options = read_line(make_parser(), line)
    if options.modes:
        return Shown(list(PRESETS), "\n".join(map(str, (*PRESETS, "", *STAGES))))
    match options.words:
        case ["on" | "off" as state, name]:
            switched = RULES.switch(name, state == "on")
            return Shown([switched], f"{switched.name}: {state}")
        case []:
            pattern = "*"
        case [pattern]:
            pass
        case _:
            raise CellError(f"{MAGIC} takes one pattern.\nFix: {MAGIC} 'log*'")
    found = matching(pattern)
    stages = [stage for stage in STAGES if fnmatch(stage.name, pattern)]
    if not found and not stages:
        raise CellError(
            f"no rule has a name or tag like {pattern!r}.\n"
            f"Fix: {MAGIC} lists all {len(PIPELINE.rules)}."
        )
    lines = [_told(rule, options.doc) for rule in found]
    lines += [f"stage {stage}" for stage in stages]
    return Shown([*found, *stages], "\n".join(lines))


def matching(pattern: str) -> Sequence[Rule]:
    """The rules whose name or one of whose tags matches, the notebook's own first."""
    return [
        rule
        for rule in (*RULES, *PIPELINE.rules)
        if any(fnmatch(word, pattern) for word in (rule.name, *rule.tags))
    ]


def _told(rule: Rule, with_reasons: bool) -> str:
    off = any(rule is one for one in RULES) and rule not in RULES.on
    lines = [f"{rule.name}: {rule}" + (", off" if off else "")]
    if with_reasons:
        notes = {"why": rule.reason, "source": rule.source}
        lines += [f"    {word}: {text}" for word, text in notes.items() if text]
    return "\n".join(lines)
