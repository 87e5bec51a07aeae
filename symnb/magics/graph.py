"""`%symgraph [NAME] [-p PASS] [--text]`: the graph of a function, or after a pass.

Python twins: `f.graph`, `f.optimised`, `f.trace[PASS].after`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnb.compile.function import Function
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.errors import CellError
from symnb.magics.arguments import LineParser, read_line
from symnb.magics.shown import Shown
from symnb.magics.subject import find_subject
from symnb.viz import trace_document, tree_text
from symnb.viz.html import image
from symnb.viz.svg import pass_svg

MAGIC = "%symgraph"
WRITTEN = ("written", "as written")


def make_parser() -> LineParser:
    """The options of `%symgraph`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument(
        "function", nargs="?", metavar="NAME", help="function or tensor; default: last"
    )
    parser.add_argument(
        "-p", "--pass", dest="after", metavar="PASS",
        help="the graph after this pass (name or number), or `written`",
    )  # fmt: skip
    parser.add_argument("--text", action="store_true", help="the tree, no picture")
    return parser


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the Graph (or the tensor)."""
    options = read_line(make_parser(), line)
    subject = find_subject(options.function, names)
    if isinstance(subject, Node):
        return Shown(subject, tree_text(subject))
    graph = graph_after(subject, options.after)
    html = "" if options.text else _picture(subject, options.after)
    return Shown(graph, tree_text(graph), html)


def graph_after(function: Function, after: str | None) -> Graph:
    """The optimised graph, the one as written, or the one after a pass."""
    if after is None:
        return function.optimised
    if after in WRITTEN:
        return function.graph
    known = [record.name for record in function.trace]
    if after.lstrip("-").isdigit() and -len(known) <= int(after) < len(known):
        return function.trace[int(after)].after
    if after not in known:
        raise CellError(
            f"{function.name} has no pass {after!r}.\n"
            f"Fix: the passes are {', '.join(known)}; `written` is the graph as typed."
        )
    return function.trace[after].after


def _picture(function: Function, after: str | None) -> str:
    """The picture of that pass as an image, or "" where it would be too large."""
    told = trace_document(function)
    steps = told["passes"]
    drawn = [i for i, step in enumerate(steps) if "picture" in step]
    if after is None:
        wanted = [i for i in drawn if steps[i]["phase"] == "graph"][-1:]
    elif after in WRITTEN:
        wanted = [i for i in drawn if steps[i]["name"] == WRITTEN[1]][:1]
    else:
        name = after if not after.lstrip("-").isdigit() else _name(function, after)
        wanted = [i for i in drawn if steps[i]["name"] == name][:1]
    if not wanted:
        return ""
    title = f"{function.name}: {steps[wanted[0]]['name']}"
    return image(pass_svg(told, wanted[0], title), title)


def _name(function: Function, number: str) -> str:
    return function.trace[int(number)].name
