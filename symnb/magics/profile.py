"""`%symprofile [NAME | NAME(ARGUMENTS)] [-n CALLS] [--limits]`: where the time goes.

Python twins: `f.profile`, `f.profile.against()`. With arguments the function is called
CALLS times first, timing every step; updates of shared variables happen as in any call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnb.compile.profile import Profile, Roofline
from symnb.errors import CellError
from symnb.magics.arguments import LineParser, function_parser
from symnb.magics.subject import Call, read_call

MAGIC = "%symprofile"


def make_parser() -> LineParser:
    """The options of `%symprofile`."""
    parser = function_parser(MAGIC)
    parser.add_argument(
        "-n", "--calls", type=int, default=100, help="calls to make (100)"
    )
    parser.add_argument(
        "-l", "--limits", action="store_true", help="beside the limits of this machine"
    )
    return parser


def run(line: str, names: Mapping[str, Any]) -> Profile | Roofline:
    """The profile, after the calls the line asks for."""
    call, options = read_call(make_parser(), line, names)
    if options.calls < 1:
        raise CellError(f"{MAGIC}: {options.calls} calls measure nothing.")
    if call.arguments is not None:
        _measure(call, options.calls)
    profile = call.function.profile
    return profile.against() if options.limits else profile


def _measure(call: Call, calls: int) -> None:
    function = call.function
    function.wait()
    before = function.profiling
    function.profiling = True
    try:
        for _ in range(calls):
            function(*call.arguments or (), **call.keywords or {})
    finally:
        function.profiling = before
