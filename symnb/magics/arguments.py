"""Reading the line of a magic: options as argparse knows them, errors as exceptions.

IPython's own parsers raise UsageError, which only prints: a notebook checker would
not notice. Here every mistake is a CellError.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from symnb.errors import CellError


class LineParser(argparse.ArgumentParser):
    """An argument parser that raises CellError."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise CellError(f"{self.prog}: {message}.\nFix: {self.usage_line()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Raise instead of leaving the interpreter."""
        raise CellError((message or self.format_help()).strip())

    def usage_line(self) -> str:
        """The usage on one line."""
        return " ".join(self.format_usage().split())

    def words(self) -> list[str]:
        """Every option, for completion."""
        return [word for action in self._actions for word in action.option_strings]


def function_parser(magic: str) -> LineParser:
    """The parser of a magic about one function, the last one where none is named."""
    parser = LineParser(prog=magic, add_help=False)
    parser.add_argument(
        "function", nargs="?", metavar="NAME", help="function; default: the last"
    )
    return parser


def read_line(parser: LineParser, line: str) -> Any:
    """The options given on a line. Raises CellError."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise CellError(f"{parser.prog}: {error} in {line!r}.") from None
    return parser.parse_args(words)


def split_signature(line: str) -> tuple[str, str, str]:
    """(name, text between the parentheses, the rest) of `f(x: f64[n]) --wrt x`.

    Raises CellError when parentheses do not match.
    """
    opening = line.find("(")
    first_option = line.find(" -")
    if opening < 0 or 0 <= first_option < opening or line.strip().startswith("-"):
        return "", "", line.strip()
    depth = 0
    for at in range(opening, len(line)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(line[at], 0)
        if depth == 0:
            return (
                line[:opening].strip(),
                line[opening + 1 : at].strip(),
                line[at + 1 :].strip(),
            )
    raise CellError(
        f"the parenthesis of {line!r} is never closed.\n"
        "Fix: write %%symfunc name(x: f64[n], ...)."
    )


def names_of(values: Sequence[str]) -> list[str]:
    """Names separated by spaces or commas."""
    return [name for value in values for name in value.replace(",", " ").split()]
