"""`%sympasses [NAME] [-a] [--rule GLOB]`: the passes of a compile and what fired.

Python twin: `f.trace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

from symnb.magics.arguments import LineParser, function_parser, read_line
from symnb.magics.shown import Shown
from symnb.magics.subject import find_function
from symnb.optim.trace import Event, Trace
from symnb.viz import pass_table

MAGIC = "%sympasses"


def make_parser() -> LineParser:
    """The options of `%sympasses`."""
    parser = function_parser(MAGIC)
    parser.add_argument(
        "-a", "--all", action="store_true", help="list every firing of every rule"
    )
    parser.add_argument(
        "--rule", metavar="GLOB", help="list the firings of rules of these names"
    )
    return parser


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the Trace."""
    options = read_line(make_parser(), line)
    trace = find_function(options.function, names).trace
    parts = [pass_table(trace)]
    if options.all or options.rule:
        parts.append(firings(trace, options.rule or "*"))
    if trace.decisions:
        parts.append("\n".join(_decided(choice) for choice in trace.decisions))
    return Shown(trace, "\n\n".join(part for part in parts if part))


def firings(trace: Trace, pattern: str) -> str:
    """One line per firing of a rule whose name matches: pass, rule, where."""
    rows = [
        f"{record.name}: {_told(event)}"
        for record in trace
        for event in record.events
        if fnmatch(_name(event), pattern)
    ]
    return "\n".join(rows) or f"no rule matching {pattern!r} fired"


def _name(event: Event) -> str:
    return event.kind if event.rule is None else event.rule.name


def _told(event: Event) -> str:
    site = event.before.site
    return f"{event}" + (f"  ({site})" if site else "")


def _decided(choice: Any) -> str:
    return f"{choice.kind}: {choice.subject}: {choice.chosen} ({choice.reason})"
