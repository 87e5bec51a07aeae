"""LaTeX of an expression, with names for shared and long parts.

A part that is read twice, or that grows beyond `PART` characters, gets a name and
is written once above (`t_1 = ...`), so the text grows with the number of nodes and
not with the number of paths. At most `lets` names are written out; the rest is told
as a number. O(nodes), no recursion. Source of the forms: each op's `latex`, with
`{x}` standing for the operand of that name.
"""

from __future__ import annotations

import re
from typing import Any

from symnb.core import walk
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.viz.labels import label, params_text

PART = 160
LETS = 24
SIMPLE = re.compile(r"([\w.]+|\\mathrm\{[^{}]*\}|\\[a-zA-Z]+)(_\w+|_\{[^{}]*\})?")
FENCED = re.compile(r"\\(left|frac|sqrt|operatorname|begin)|e\^|\{\}")
SPECIAL = {
    "\\": r"\backslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
    "{": r"\{", "}": r"\}", "^": r"\hat{}", "~": r"\sim{}",
}  # fmt: skip
GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota",
    "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi",
    "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi",
    "Psi", "Omega",
})  # fmt: skip


def latex_text(thing: Any, lets: int = LETS) -> str:
    """LaTeX source of a node, a graph's or a function's results.

    lets  how many named parts are written out
    """
    if isinstance(thing, Node):
        roots, names = [thing], [""]
    else:
        graph = thing if isinstance(thing, Graph) else thing.optimised
        roots = list(graph.roots)
        names = [_name(node.name) if node.name else "" for node in graph.outputs]
        names += [_name(shared.name or "shared") for shared, _ in graph.updates]
    order = walk.order(roots)
    uses = _uses(order)
    texts: dict[Node, str] = {}
    named: list[str] = []
    for node in order:
        text = _text(node, texts)
        is_shared = uses.get(node, 0) > 1 and not node.is_leaf and len(text) > 8
        if node not in roots and (is_shared or len(text) > PART):
            part = f"t_{{{len(named) + 1}}}"
            named.append(f"{part} &= {text}")
            text = part
        texts[node] = text
    rows = named[:lets]
    if len(named) > lets:
        rows.append(rf"&\;\;\vdots\quad\text{{{len(named) - lets} more parts}}")
    for root, name in zip(roots, names, strict=True):
        rows.append(f"{name} &= {texts[root]}" if name else f"& {texts[root]}")
    if len(rows) == 1:
        return rows[0].replace("&", "", 1).strip()
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _uses(order: list[Node]) -> dict[Node, int]:
    """How many operands each node is."""
    uses: dict[Node, int] = {}
    for node in order:
        for x in node.inputs:
            uses[x] = uses.get(x, 0) + 1
    return uses


def _text(node: Node, texts: dict[Node, str]) -> str:
    """The text of a node whose operands have theirs."""
    if node.is_leaf:
        text = label(node)
        return (
            _number(text)
            if not node.name and node.op.name == "constant"
            else _name(text)
        )
    if node.op.name == "size":
        return _name(str(node.params[0]))
    parts = [texts[x] for x in node.operands]
    if node.op.name == "dot":
        return r"\,".join(_fenced(part) for part in parts)
    names = getattr(node.op, "operands", ())
    if node.op.latex and len(names) == len(parts):
        return _filled(node.op.latex, dict(zip(names, parts, strict=True)))
    params = params_text(node)
    if params:
        parts.append(rf"\text{{{_escaped(params)}}}")
    return rf"\operatorname{{{_escaped(node.op.name)}}}\left({', '.join(parts)}\right)"


def _filled(form: str, parts: dict[str, str]) -> str:
    """The op's form with the operands in it, in parentheses where they need them."""
    loose = form.startswith("{") or (form[-1] == "}" and " " in form)

    def put(match: re.Match[str]) -> str:
        part = parts.get(match.group(2))
        if part is None:
            return match.group()
        if match.group(1):  # {{x}} stands in a brace group of its own
            return "{" + part + "}"
        return _fenced(part) if loose or match.start() == 1 else part

    return re.sub(r"(\{)?\{(\w+)\}(?(1)\})", put, form)


def _fenced(part: str) -> str:
    """`part` in parentheses unless it is one symbol or already fenced."""
    if SIMPLE.fullmatch(part) or re.fullmatch(r"t_\{\d+\}", part):
        return part
    if FENCED.match(part) and " + " not in part and " - " not in part:
        return part
    return rf"\left({part}\right)"


def _name(text: str) -> str:
    """A variable's name: one letter as it is, Greek names as letters, else upright."""
    stem, _, index = text.partition("_")
    if stem in GREEK:
        stem = "\\" + stem
    elif len(stem) != 1 or not stem.isalpha():
        return rf"\mathrm{{{_escaped(text)}}}"
    return f"{stem}_{{{_escaped(index)}}}" if index else stem


def _number(text: str) -> str:
    """A number with its exponent written as a power of ten."""
    match = re.fullmatch(r"(-?[\d.]+)e([+-]?\d+)", text)
    if match:
        return rf"{match.group(1)} \cdot 10^{{{int(match.group(2))}}}"
    return {"inf": r"\infty", "-inf": r"-\infty"}.get(text, _escaped(text))


def _escaped(text: str) -> str:
    return "".join(SPECIAL.get(char, char) for char in text)
