"""`%%symrule LEFT -> RIGHT where CONDITIONS`: a rewrite rule, checked and switched on.

    %%symrule log(1 + exp(x)) -> softplus(x)

The rule may also stand in the cell's body, over several lines; lines that begin with
`#` are its reason. Shown is what was measured, and where it fires in the functions
compiled so far. Python twin: `symnb.rule(text, register=True)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from symnb.compile.function import Function
from symnb.errors import CellError
from symnb.magics.arguments import LineParser, read_line
from symnb.magics.shown import Shown
from symnb.optim.optimiser import firings
from symnb.optim.ordeal import is_known
from symnb.optim.user import RULES, UserRule
from symnb.tensor.rules import rule
from symnb.viz.table import table_html, table_text

MAGIC = "%%symrule"
PLACES = 3  # sites named for one function


def make_parser() -> LineParser:
    """The options of `%%symrule`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument("--name", default="", help="what to switch it by")
    parser.add_argument(
        "--contract", default="",
        help="what it keeps, e.g. finite_only; without: measured",
    )  # fmt: skip
    parser.add_argument("--once", action="store_true", help="fire once at a place")
    parser.add_argument(
        "--off", action="store_true", help="leave it off until it is switched on"
    )
    return parser


def run(line: str, body: str, label: str, names: Mapping[str, Any]) -> Shown:
    """What the cell shows; its `value` is the rule. Raises CellError and the rule's.

    label  of the cell, for messages
    """
    text, options = split_line(line)
    lines = body.splitlines()
    said = [part.strip() for part in lines if part.strip()]
    reason = " ".join(part.lstrip("# ") for part in said if part.startswith("#"))
    text = " ".join([text, *(part for part in said if not part.startswith("#"))])
    if not text.strip():
        raise CellError(
            f"{MAGIC} has no rule.\nFix: {MAGIC} log(1 + exp(x)) -> softplus(x)"
        )
    first = 1 if "->" in line else 2 + _first(lines)
    given = read_line(make_parser(), options)
    made = rule(
        text, contract=given.contract, name=given.name, reason=reason,
        once=given.once, register=True, file=label, line=first,
    )  # fmt: skip
    if given.off:
        RULES.switch(made.name, on=False)
    return report(made, names)


def split_line(line: str) -> tuple[str, str]:
    """(rule, options) of the magic's line."""
    found = re.search(r"(?:^|\s)--\w", line)
    at = found.start() if found else len(line)
    return line[:at].strip(), line[at:].strip()


def _first(lines: Sequence[str]) -> int:
    return next((at for at, text in enumerate(lines) if "->" in text), 0)


def report(made: UserRule, names: Mapping[str, Any]) -> Shown:
    """What is known of a rule: contract, evidence, where it fires."""
    state = "on" if made in RULES.on else "off"
    rows = [
        ("name", f"{made.name}, {state}"),
        ("contract", f"{made.contract.stated}: {made.contract.promise}"),
    ]
    if made.evidence is not None:
        rows.append(("measured", str(made.evidence).partition(": ")[2]))
    rows += [("fires", text) for text in places(made, names)]
    if is_known(made):
        rows.append(("note", "symnb's own rules make the same of both sides"))
    head = f"{made.written}"
    text = head + "\n" + table_text([("", *row) for row in rows])
    return Shown(made, text, f"<code>{_escaped(head)}</code>{table_html(rows)}")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def places(made: UserRule, names: Mapping[str, Any]) -> list[str]:
    """Where the rule fires, one text for each compiled function of the notebook."""
    functions = {id(f): f for f in names.values() if isinstance(f, Function)}
    found = [_fired(made, f) for f in functions.values()]
    return [text for text in found if text] or ["in no function compiled so far"]


def _fired(made: UserRule, function: Function) -> str:
    """ "2 times in f: cell 2, line 3", or "" where it does not."""
    trace = firings(made, function.graph, function.mode)
    events = [event for event in trace.events if event.rule is made]
    if not events:
        return ""
    sites = [str(event.before.site) for event in events if event.before.site]
    sites = list(dict.fromkeys(sites))
    where = "; ".join(sites[:PLACES]) + (" ..." if len(sites) > PLACES else "")
    times = "once" if len(events) == 1 else f"{len(events)} times"
    return f"{times} in {function.name}" + (f": {where}" if where else "")
