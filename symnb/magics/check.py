"""`%symcheck NAME(ARGUMENTS) [--firings PASS]`: the error of every pass and of the C.

A page shows the inspector, open at the firing that broke a contract if one did. Python
twins: `f.check([arguments])` and, for one pass, `f.check(...).firings(PASS)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnb.compile.arguments import bind
from symnb.compile.check import CheckReport
from symnb.errors import CellError
from symnb.magics.arguments import LineParser
from symnb.magics.subject import read_call

MAGIC = "%symcheck"


def make_parser() -> LineParser:
    """The options of `%symcheck`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument(
        "function", nargs="?", metavar="NAME(ARGUMENTS)", help="the call to check"
    )
    parser.add_argument(
        "--firings", metavar="PASS", help="with the error after each firing of a pass"
    )
    return parser


def run(line: str, names: Mapping[str, Any]) -> CheckReport:
    """The report for the arguments of the line. Raises CellError."""
    call, options = read_call(make_parser(), line, names)
    function = call.function
    if call.arguments is None and function.inputs:
        labels = ", ".join(function.labels)
        raise CellError(
            f"{MAGIC} needs values to check {function.name} on.\n"
            f"Fix: {MAGIC} {function.name}({labels})"
        )
    values = bind(
        function.name, function.inputs, call.arguments or (), call.keywords or {}
    )
    report = function.check(values)
    if options.firings:
        try:
            report.firings(options.firings)
        except KeyError as error:
            raise CellError(f"{MAGIC}: {error.args[0]}.") from None
    return report
