"""`%symnb [OPTION[=VALUE]]...`: show or set the switches of `symnb.config`.

Python twin: `symnb.config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnb.errors import CellError
from symnb.magics.arguments import LineParser, read_line
from symnb.magics.shown import Shown
from symnb.options import OPTIONS, config

MAGIC = "%symnb"
_TABLE = {option.name: option for option in OPTIONS}


def make_parser() -> LineParser:
    """The options of `%symnb`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument(
        "settings", nargs="*", metavar="OPTION[=VALUE]", help="show one, or set it"
    )
    return parser


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the options named, by name."""
    wanted = read_line(make_parser(), line).settings
    for item in wanted:
        name, equals, text = item.partition("=")
        if name not in _TABLE:
            raise CellError(
                f"{MAGIC}: there is no option {name!r}.\n"
                f"Fix: the options are {', '.join(_TABLE)}."
            )
        if equals:
            _set(name, text)
    chosen = [item.partition("=")[0] for item in wanted] or list(_TABLE)
    rows = [f"{n:<20} {getattr(config, n)!s:<10} {_TABLE[n].doc}" for n in chosen]
    return Shown({n: getattr(config, n) for n in chosen}, "\n".join(rows))


def _set(name: str, text: str) -> None:
    try:
        setattr(config, name, _TABLE[name].read(text))
    except ValueError as error:
        raise CellError(f"{MAGIC}: {error}.") from None
