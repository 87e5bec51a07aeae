"""`%symablate NAME(ARGUMENTS) [-s SECONDS]`: what each pass and stage is worth.

Python twin: `symnb.ablate(f, [arguments])`. State of shared variables stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnb.compile.ablate import SECONDS, ablate
from symnb.compile.ablation import Ablation
from symnb.compile.arguments import bind
from symnb.errors import CellError
from symnb.magics.arguments import LineParser
from symnb.magics.subject import read_call

MAGIC = "%symablate"


def make_parser() -> LineParser:
    """The options of `%symablate`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument(
        "function", nargs="?", metavar="NAME(ARGUMENTS)", help="the call to measure"
    )
    parser.add_argument(
        "-s", "--seconds", type=float, default=SECONDS, help="to measure, about"
    )
    return parser


def run(line: str, names: Mapping[str, Any]) -> Ablation:
    """The table for the arguments of the line. Raises CellError."""
    call, options = read_call(make_parser(), line, names)
    function = call.function
    if call.arguments is None and function.inputs:
        labels = ", ".join(function.labels)
        raise CellError(
            f"{MAGIC} needs values to run {function.name} on.\n"
            f"Fix: {MAGIC} {function.name}({labels})"
        )
    values = bind(
        function.name, function.inputs, call.arguments or (), call.keywords or {}
    )
    return ablate(function, values, seconds=options.seconds)
