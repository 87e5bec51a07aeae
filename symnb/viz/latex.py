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
from symnb.core.types import ANY
from symnb.viz.labels import label, params_text

PART = 160
LETS = 24
SIMPLE = re.compile(r"([\w.]+|\\mathrm\{[^{}]*\}|\\[a-zA-Z]+)(_\w+|_\{[^{}]*\})?")
FENCED = re.compile(r"\\left[(|](?:(?!\\left|\\right).)*\\right[)|]")
TOKEN = re.compile(r"\\left|\\right|\\begin|\\end|\\[a-zA-Z]+|\\.|[{}]| [-+<>=] |.")
BINDING = frozenset({"+", "-", r"\bmod", r"\lnot"})
OPENING = frozenset({r"\left", r"\begin", "{"})
CLOSING = frozenset({r"\right", r"\end", "}"})
ANYTHING, SUMMAND, PRODUCT, CALL, ATOM = range(5)
LEVELS = {
    " + ": SUMMAND, " - ": SUMMAND, r"\,": PRODUCT, r"\bmod": PRODUCT,
    **dict.fromkeys(
        (" < ", " > ", " = ", r"\le", r"\ge", r"\neq", r"\land", r"\lor", r"\oplus"),
        ANYTHING,
    ),
}  # fmt: skip
REDUCTIONS = {
    "sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min",
    "all": r"\forall", "any": r"\exists",
}  # fmt: skip
# In a rule the op is the point: log1p(x) must not look like log(1 + x).
OF_RULES = {
    "reciprocal": "{x}^{-1}",
    **{
        name: rf"\operatorname{{{name}}}\left({{{'}, {'.join(xs)}}}\right)"
        for name, xs in (
            ("log1p", "x"), ("expm1", "x"), ("log1mexp", "x"), ("logaddexp", "xy"),
            ("logaddexp2", "xy"), ("exp2", "x"), ("hypot", "xy"),
        )
    },
}  # fmt: skip
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
        names = [name_text(node.name) if node.name else "" for node in graph.outputs]
        names += [name_text(shared.name or "shared") for shared, _ in graph.updates]
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
    name = node.op.name
    if name == "hole":
        return name_text(node.name or name)
    if node.is_leaf:
        text = label(node)
        return (
            _number(text) if not node.name and name == "constant" else name_text(text)
        )
    if name == "size":
        return name_text(str(node.params[0]))
    parts = [texts[x] for x in node.operands]
    if name == "dot":
        return r" \, ".join(
            part if level_of(part) > 1 else fenced(part) for part in parts
        )
    if name in REDUCTIONS:
        return _reduction(node, parts[0])
    names = getattr(node.op, "operands", ())
    form = OF_RULES.get(name) if _is_pattern(node) else None
    form = node.op.latex if form is None else form
    if form and len(names) == len(parts):
        return filled(form, dict(zip(names, parts, strict=True)))
    params = "" if _is_pattern(node) else params_text(node)
    if params:
        parts.append(rf"\text{{{escaped(params)}}}")
    return rf"\operatorname{{{escaped(name)}}}\left({', '.join(parts)}\right)"


def _is_pattern(node: Node) -> bool:
    """Whether a node is part of a rule, where the op is the point."""
    return node.type is ANY


def _reduction(node: Node, part: str) -> str:
    """A sum, product or extremum, with the axes below it where they are some."""
    axes = node.params[0]
    sign = REDUCTIONS[node.op.name]
    if isinstance(axes, tuple) and len(axes) < node.operands[0].ndim:
        sign += f"_{{{', '.join(map(str, axes))}}}"
    return rf"{sign}\left({part}\right)"


def filled(form: str, parts: dict[str, str]) -> str:
    """The op's form with the operands in it, in parentheses where they need them."""

    def put(match: re.Match[str]) -> str:
        part = parts.get(match.group(2))
        if part is None:
            return match.group()
        if match.group(1):  # {{x}} stands in a brace group of its own
            return "{" + part + "}"
        need = _needed(form[: match.start()], form[match.end() :])
        return part if level_of(part) >= need else fenced(part)

    return re.sub(r"(\{)?\{(\w+)\}(?(1)\})", put, form)


def _needed(before: str, after: str) -> int:
    """The level an operand must have to stand between two pieces of a form."""
    if after.startswith("^"):
        return ATOM
    left = before.split(" ")[-2:][0] if before.endswith(" ") else before[-1:]
    right = after.split(" ")[1] if after.startswith(" ") else ""
    if left == r"\,":  # the order of a product is part of what is written
        return CALL
    if left in BINDING or right in (r"\,", r"\bmod"):
        return PRODUCT
    if (before.endswith(" ") and not before.endswith((", ", r"\\ ", "} "))) or (
        right and right != "&"
    ):
        return SUMMAND
    return ANYTHING


def level_of(part: str) -> int:
    """How tightly a text holds together: sum, product, power or call, one symbol."""
    if SIMPLE.fullmatch(part) or FENCED.fullmatch(part):
        return ATOM
    if part.startswith("-"):
        return SUMMAND
    depth, level = 0, CALL
    for match in TOKEN.finditer(part):
        token = match.group()
        depth += (token in OPENING) - (token in CLOSING)
        if depth == 0 and token in LEVELS:
            level = min(level, LEVELS[token])
    return level


def fenced(part: str) -> str:
    """`part` in parentheses."""
    return rf"\left({part}\right)"


def name_text(text: str) -> str:
    """A variable's name: one letter as it is, Greek names as letters, else upright."""
    stem, _, index = text.partition("_")
    if stem in GREEK:
        stem = "\\" + stem
    elif len(stem) != 1 or not stem.isalpha():
        return rf"\mathrm{{{escaped(text)}}}"
    return f"{stem}_{{{escaped(index)}}}" if index else stem


def _number(text: str) -> str:
    """A number with its exponent written as a power of ten."""
    match = re.fullmatch(r"(-?[\d.]+)e([+-]?\d+)", text)
    if match:
        return rf"{match.group(1)} \cdot 10^{{{int(match.group(2))}}}"
    return {"inf": r"\infty", "-inf": r"-\infty"}.get(text, escaped(text))


def escaped(text: str) -> str:
    """A text with LaTeX's special characters escaped."""
    return "".join(SPECIAL.get(char, char) for char in text)
