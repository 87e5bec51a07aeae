"""`%symmemory [NAME]`: where every array lives, when, and what is written in place.

Python twin: `f.program.plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnb.compile.plan import Plan
from symnb.magics.arguments import LineParser, function_parser, read_line
from symnb.magics.shown import Shown
from symnb.magics.subject import find_function
from symnb.viz.text import table_text

MAGIC = "%symmemory"
COLUMNS = ("buffer", "node", "type", "place", "first", "last", "bytes")


def make_parser() -> LineParser:
    """The options of `%symmemory`."""
    return function_parser(MAGIC)


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the Plan."""
    options = read_line(make_parser(), line)
    function = find_function(options.function, names)
    plan = function.program.plan
    return Shown(plan, memory_text(function.name, plan))


def memory_text(name: str, plan: Plan) -> str:
    """The plan as a table; first and last are the steps between which it is kept."""
    head = f"{name}: arena of {plan.arena_bytes} bytes in {len(plan.slots)} places"
    if not plan.rows:
        return head
    rows = [list(COLUMNS), *([row[c] for c in COLUMNS] for row in plan.rows)]
    parts = [head, table_text(rows, left=4)]
    return "\n".join([*parts, *map(str, plan.in_place)])
