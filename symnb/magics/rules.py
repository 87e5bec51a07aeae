"""`%symrules [GLOB]`: the optimiser's rules, their contracts and reasons.

Python twin: `symnb.optim.pipeline.PIPELINE.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from symnb.errors import CellError
from symnb.magics.arguments import LineParser, read_line
from symnb.magics.shown import Shown
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import Rule

MAGIC = "%symrules"


def make_parser() -> LineParser:
    """The options of `%symrules`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument(
        "pattern", nargs="?", default="*", metavar="GLOB",
        help="rules whose name or tag matches, e.g. 'log*'",
    )  # fmt: skip
    parser.add_argument(
        "--doc", action="store_true", help="with reason, source and place"
    )
    return parser


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the list of rules."""
    options = read_line(make_parser(), line)
    found = matching(options.pattern)
    if not found:
        raise CellError(
            f"no rule has a name or tag like {options.pattern!r}.\n"
            f"Fix: {MAGIC} lists all {len(PIPELINE.rules)}."
        )
    return Shown(found, "\n".join(_told(rule, options.doc) for rule in found))


def matching(pattern: str) -> Sequence[Rule]:
    """The rules whose name or one of whose tags matches, in pipeline order."""
    return [
        rule
        for rule in PIPELINE.rules
        if any(fnmatch(word, pattern) for word in (rule.name, *rule.tags))
    ]


def _told(rule: Rule, with_reasons: bool) -> str:
    lines = [f"{rule.name}: {rule}"]
    if with_reasons:
        notes = {"why": rule.reason, "source": rule.source}
        lines += [f"    {word}: {text}" for word, text in notes.items() if text]
    return "\n".join(lines)
