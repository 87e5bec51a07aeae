"""Scripts and style sheets without comments and needless blanks.

Run once per process, about 10 ms, so that the sources stay readable and an output
stays small. Only blanks are touched: strings, templates and regular expressions are
copied, and a line end is kept where a statement could end. Invariant: same source,
same bytes.
"""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | (?P<string> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
  | (?P<template> ` )
  | (?P<regex> (?<=[(,=:\[!&|?;]) \s* /(?![/*])
      (?: \\. | \[ (?: \\. | [^\]\\\n] )* \] | [^/\\\n] )+ /[a-z]* )
  | (?P<blank> \s+ )
  | (?P<word> [\w$]+ )
  | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
OPEN_ENDED = ";{,([=&|?:+*<>"
CLOSING = "})],.;&|?:"


def squeeze_css(text: str) -> str:
    """The style sheet without comments and line ends."""
    return re.sub(r"\s*\n\s*", "", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def squeeze_js(text: str) -> str:
    """The script without comments and needless blanks."""
    out: list[str] = []
    blank = ""
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match is not None
        kind, piece = match.lastgroup, match.group()
        at = match.end()
        if kind in ("blank", "comment"):
            blank += "\n" if "\n" in piece else " "
            continue
        if kind == "template":
            at = _template_end(text, at)
            piece = text[match.start() : at]
        piece = piece.strip() if kind == "regex" else piece
        if blank and out:
            out.append(_between(out[-1][-1], piece[0], "\n" in blank))
            if not out[-1]:
                out.pop()
        out.append(piece)
        blank = ""
    return "".join(out) + "\n"


def _between(before: str, after: str, line_end: bool) -> str:
    """What must stay of a blank between two characters."""
    if line_end and before not in OPEN_ENDED and after not in CLOSING:
        return "\n"
    wordy = re.compile(r"[\w$]")
    if wordy.match(before) and wordy.match(after):
        return " "
    return " " if before == after and before in "+-" else ""


def _template_end(text: str, at: int) -> int:
    """Where the template literal that starts before `at` ends."""
    depth: list[int] = []
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif depth:
            if char == "`":
                at = _template_end(text, at + 1) - 1
            elif char == "{":
                depth[-1] += 1
            elif char == "}":
                depth[-1] -= 1
                if not depth[-1]:
                    depth.pop()
        elif char == "`":
            return at + 1
        elif text.startswith("${", at):
            depth.append(1)
            at += 1
        at += 1
    return at
