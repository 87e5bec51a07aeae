"""The one place that turns an object into what a front-end shows.

`mimebundle` gives exactly text/plain and text/html for a function, and text/plain
and text/latex for a node. A widget is never part of it: a saved notebook would show
"model not found". 10 to 60 ms for a function; nothing for `repr`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from symnb.compile.ablation import Ablation
from symnb.compile.check import CheckReport
from symnb.compile.limits import known
from symnb.compile.profile import Profile, Roofline
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.optim.rule import Rule
from symnb.viz.document import Json, document
from symnb.viz.dot import dot_text
from symnb.viz.formula import rule_latex
from symnb.viz.html import html, page
from symnb.viz.infix import pp
from symnb.viz.latex import latex_text
from symnb.viz.roofline import profile_html, roofline_html
from symnb.viz.rules import known_evidence
from symnb.viz.story import story_of
from symnb.viz.svg import kernels_svg, pass_svg
from symnb.viz.table import ablation_html, ablation_text
from symnb.viz.text import function_text, tree_text


def mimebundle(thing: Any) -> dict[str, str]:
    """What a notebook shows of a node, graph, rule, check, profile or function."""
    if isinstance(thing, Node):
        return {
            "text/plain": f"{pp(thing)} : {thing.type}",
            "text/latex": f"$\\displaystyle {latex_text(thing)}$",
        }
    if isinstance(thing, Graph):
        return {"text/plain": tree_text(thing)}
    if isinstance(thing, CheckReport):
        return {"text/plain": str(thing), "text/html": html(check_document(thing))}
    if isinstance(thing, Ablation):
        return {"text/plain": ablation_text(thing), "text/html": ablation_html(thing)}
    if isinstance(thing, Profile):
        shown = profile_html(thing, known())
        return {"text/plain": str(thing), "text/html": shown}
    if isinstance(thing, Roofline):
        return {"text/plain": str(thing), "text/html": roofline_html(thing)}
    if isinstance(thing, Rule):
        return {
            "text/plain": repr(thing),
            "text/latex": f"$\\displaystyle {rule_latex(thing)}$",
        }
    return {"text/plain": function_text(thing), "text/html": show_html(thing)}


def trace_document(
    function: Any, evidence: Callable[[Any], Any] = known_evidence
) -> Json:
    """The trace of a function as plain data of schema `symnb.trace/1`.

    evidence  rule -> what was measured of it, None where nothing is known
    """
    return document(replace(story_of(function), evidence=evidence))


def check_document(report: CheckReport) -> Json:
    """The trace of the checked function, open at what failed, else at the check."""
    assert report.yardstick is not None
    function = report.yardstick.function
    told = document(replace(story_of(function), check=report))
    bad = next((row for row in told["check"]["rows"] if not row["ok"]), None)
    changed = [i for i, p in enumerate(told["passes"]) if "picture" in p]
    start: Json = {"open": True, "view": "passes", "tab": "check"}
    start["pass"] = bad["pass"] if bad else changed[-1] if changed else 0
    if bad and "event" in bad:
        start |= {"event": bad["event"], "tab": "rule"}
    told["meta"]["start"] = start
    return told


def show_html(function: Any) -> str:
    """The inspector of a function as one HTML string."""
    return html(trace_document(function))


def save(function: Any, path: str | Path) -> Path:
    """Write the inspector or a picture to a file, by its ending.

    html  a self-contained page    svg  the kernels, else the optimised graph
    json  the trace document       dot  Graphviz source        txt  the text tree
    Raises ValueError for another ending.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending in (".dot", ".gv"):
        text = dot_text(function)
    elif ending == ".txt":
        text = function_text(function) + "\n"
    elif ending in (".html", ".json", ".svg"):
        text = _from_document(trace_document(function), ending)
    else:
        raise ValueError(
            f"cannot write {target.name}: the ending says the form.\n"
            "Fix: use .html, .svg, .json, .dot or .txt."
        )
    target.write_text(text, encoding="utf-8")
    return target


def _from_document(told: Json, ending: str) -> str:
    name = told["meta"]["name"]
    if ending == ".html":
        return page(told)
    if ending == ".json":
        return json.dumps(told, separators=(",", ":")) + "\n"
    if "compiled" in told["summary"]:
        return kernels_svg(told, name)
    drawn = [i for i, step in enumerate(told["passes"]) if "picture" in step]
    return pass_svg(told, drawn[-1], name)
