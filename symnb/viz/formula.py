"""A rule as LaTeX: left side, arrow, right side, condition.

From the pattern's own nodes where both sides are patterns; a computed right side is
only written, so then both sides are read from the rule's text, which is Python with
words behind a comma. What is not Python stays text. Called when a rule is shown.
"""

from __future__ import annotations

import ast
from typing import Any

from symnb.core.op import TABLE
from symnb.viz.latex import (
    CALL,
    OF_RULES,
    PRODUCT,
    REDUCTIONS,
    escaped,
    fenced,
    filled,
    latex_text,
    level_of,
    name_text,
)

OPERATORS: dict[type, str] = {
    ast.Add: "{x} + {y}", ast.Sub: "{x} - {y}", ast.Mult: r"{x} \, {y}",
    ast.Div: r"\frac{{x}}{{y}}", ast.Pow: "{x}^{{y}}",
    ast.FloorDiv: r"\left\lfloor \frac{{x}}{{y}} \right\rfloor",
    ast.Mod: r"{x} \bmod {y}", ast.MatMult: r"{x} \, {y}", ast.USub: "-{x}",
    ast.Lt: "{x} < {y}", ast.Gt: "{x} > {y}", ast.LtE: r"{x} \le {y}",
    ast.GtE: r"{x} \ge {y}", ast.Eq: "{x} = {y}", ast.NotEq: r"{x} \ne {y}",
}  # fmt: skip


def rule_latex(rule: Any) -> str:
    """LaTeX of a rule: `\\log(1 + x) \\;\\to\\; \\operatorname{log1p}(x)`."""
    if rule.lhs is not None and rule.rhs is not None:
        left, right = latex_text(rule.lhs), latex_text(rule.rhs)
    else:
        left, right = written(rule.lhs_text), written(rule.rhs_text)
    where = rule.where_text
    condition = rf" \quad\text{{where {escaped(where)}}}" if where else ""
    return rf"{left} \;\to\; {right}{condition}"


def written(text: str) -> str:
    """LaTeX of one side as written; words behind a comma stay words."""
    parts = text.split(", ")
    for count in range(len(parts), 0, -1):
        head = ", ".join(parts[:count])
        try:
            tree = ast.parse(head, mode="eval").body
            if isinstance(tree, ast.Tuple):
                continue
            made = _tree(tree)
        except (SyntaxError, KeyError):
            continue
        rest = ", ".join(parts[count:])
        return made + (rf"\text{{, {escaped(rest)}}}" if rest else "")
    return rf"\text{{{escaped(text)}}}"


def _tree(tree: ast.expr) -> str:
    """LaTeX of a Python expression. Raises KeyError for what has no form here."""
    match tree:
        case ast.Name(id=name):
            return name_text(name)
        case ast.Constant(value=value):
            return str(value)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _call(name, [_tree(a) for a in args])
        case ast.Call(func=ast.Attribute(value=a, attr=name), args=args):
            inside = ", ".join(_tree(b) for b in args)
            return rf"{_base(a)}.\operatorname{{{escaped(name)}}}\left({inside}\right)"
        case ast.Attribute(value=a, attr="T"):
            return rf"{_base(a)}^{{\mathsf{{T}}}}"
        case ast.Subscript(value=a, slice=index):
            inside = ast.unparse(index)
            if isinstance(index, ast.Tuple):
                inside = inside[1:-1]
            return rf"{_base(a)}[{escaped(inside)}]"
    return _operation(tree)


def _operation(tree: ast.expr) -> str:
    """LaTeX of an operator with its operands. Raises KeyError for another node."""
    match tree:
        case ast.BinOp(left=a, op=op, right=b):
            return filled(OPERATORS[type(op)], {"x": _tree(a), "y": _tree(b)})
        case ast.UnaryOp(op=op, operand=a):
            return filled(OPERATORS[type(op)], {"x": _tree(a)})
        case ast.Compare(left=a, ops=[op], comparators=[b]):
            return filled(OPERATORS[type(op)], {"x": _tree(a), "y": _tree(b)})
    raise KeyError(type(tree).__name__)


def _base(tree: ast.expr) -> str:
    """What an index or a method is applied to."""
    part = _tree(tree)
    return part if level_of(part) >= CALL else fenced(part)


def _call(name: str, parts: list[str]) -> str:
    """An op by its form in rules, its own form, or its name."""
    if name in REDUCTIONS and parts:
        below = f"_{{{parts[1]}}}" if len(parts) == 2 else ""
        return rf"{REDUCTIONS[name]}{below}\left({parts[0]}\right)"
    if name == "dot":
        return r" \, ".join(
            part if level_of(part) >= PRODUCT else fenced(part) for part in parts
        )
    op = TABLE.get(name)
    form = OF_RULES.get(name) or getattr(op, "latex", "")
    names = getattr(op, "operands", ())
    if form and len(names) == len(parts):
        return filled(form, dict(zip(names, parts, strict=True)))
    return rf"\operatorname{{{escaped(name)}}}\left({', '.join(parts)}\right)"
