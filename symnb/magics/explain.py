"""`%symexplain [NAME] [-p PART] [--full]`: the story of a compile on a page.

Python twin: `symnb.explain(f)`; PART is a pass, "decisions" or "steps".
"""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from symnb.magics.arguments import LineParser, function_parser, read_line
from symnb.magics.shown import Shown
from symnb.magics.subject import find_function
from symnb.viz.page import explain

MAGIC = "%symexplain"


def make_parser() -> LineParser:
    """The options of `%symexplain`."""
    parser = function_parser(MAGIC)
    parser.add_argument(
        "-p", "--part", metavar="PART", help="a pass, decisions or steps: all of it"
    )
    parser.add_argument("--full", action="store_true", help="everything, however long")
    return parser


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the text."""
    options = read_line(make_parser(), line)
    told = StringIO()
    explain(find_function(options.function, names), options.part, options.full, told)
    text = told.getvalue().rstrip("\n")
    return Shown(text, text)
