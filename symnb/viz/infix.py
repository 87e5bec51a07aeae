"""One-line infix text of an expression: `pp(x * 2 + sin(y))`.

Texts are built from the leaves up, each at most `budget` characters; what would be
longer becomes `op(...)`. O(nodes), no recursion.
"""

from __future__ import annotations

from typing import Any

from symnb.core import walk
from symnb.core.node import Node
from symnb.viz.labels import label, params_text

BUDGET = 200
INNER = 120
INFIX = {
    "logical_or": ("|", 10), "logical_xor": ("^", 11), "logical_and": ("&", 12),
    "equal": ("==", 14), "not_equal": ("!=", 14), "less": ("<", 14),
    "less_equal": ("<=", 14), "greater": (">", 14), "greater_equal": (">=", 14),
    "add": ("+", 20), "sub": ("-", 20),
    "mul": ("*", 30), "true_div": ("/", 30), "floor_div": ("//", 30),
    "mod": ("%", 30), "dot": ("@", 30), "pow": ("**", 50),
}  # fmt: skip
UNARY = {"neg": ("-", 40), "logical_not": ("~", 40), "invert": ("~", 40)}
ATOM = 99


def pp(thing: Any, budget: int = BUDGET) -> str:
    """An expression on one line, at most about `budget` characters."""
    roots = [thing] if isinstance(thing, Node) else list(thing.optimised.roots)
    texts: dict[Node, tuple[str, int]] = {}
    for node in walk.order(roots):
        text, rank = _text(node, texts)
        if len(text) > (budget if node in roots else INNER):
            text, rank = f"{node.op.name}(…)", ATOM
        texts[node] = (text, rank)
    return ", ".join(texts[root][0] for root in roots)


def _text(node: Node, texts: dict[Node, tuple[str, int]]) -> tuple[str, int]:
    """Text and precedence of a node whose inputs have theirs."""
    name = node.op.name
    if node.is_leaf:
        text = label(node)
        return text, 40 if text.startswith("-") else ATOM
    parts = [texts[x] for x in node.operands]
    if name == "size":
        return str(node.params[0]), 20
    if name in INFIX and len(parts) == 2:
        sign, rank = INFIX[name]
        right = rank + (name != "pow")
        left = rank + (name == "pow")
        return f"{_in(parts[0], left)} {sign} {_in(parts[1], right)}", rank
    if name in UNARY and len(parts) == 1:
        sign, rank = UNARY[name]
        return sign + _in(parts[0], rank), rank
    arguments = [text for text, _ in parts]
    params = params_text(node)
    if params:
        arguments.append(params)
    return f"{name}({', '.join(arguments)})", ATOM


def _in(part: tuple[str, int], least: int) -> str:
    """An operand's text, in parentheses if it binds less tightly."""
    text, rank = part
    return text if rank >= least else f"({text})"
