"""Short texts of nodes: what stands in a box, a table cell or a tree line.

Called once per node and picture. Invariants: one line, no control characters,
bounded length; the same node gives the same text on every machine.
"""

from __future__ import annotations

import re
from typing import Any

MAX_LABEL = 28
MAX_PARAMS = 60
LEAVES = ("input", "constant", "shared")
ALIKE = re.compile(r"\bmax\((\w+), \1\)")  # two shared variables of size 3


def kind_of(node: Any) -> str:
    """ "input", "shared", "constant" or "op"."""
    name = node.op.name
    return name if name in LEAVES else "op"


def label(node: Any) -> str:
    """The name of a leaf, the value of a constant, the op's name of anything else."""
    kind = kind_of(node)
    if kind == "constant":
        return clip(node.name or constant_text(node), MAX_LABEL)
    if kind != "op":
        return clip(node.name or kind, MAX_LABEL)
    return clip(node.op.name, MAX_LABEL)


def constant_text(node: Any) -> str:
    """The value of a scalar or short array, else its type."""
    value = getattr(node, "value", None)
    if value is None:
        return "constant"
    if value.ndim == 0:
        return _number(value.item())
    if value.size <= 4:
        text = str(value.tolist()).replace("'", "")
        if len(text) <= 20:
            return text
    return str(node.type)


def _number(value: Any) -> str:
    """Seven digits at most, whole floats as they are typed."""
    if isinstance(value, bool | int):
        return str(value)
    text = f"{value:.7g}"
    return text if any(c in text for c in ".einf") else text + "."


def type_text(node: Any) -> str:
    """The type; a common size of two sizes that print alike is that size."""
    return ALIKE.sub(r"\1", str(node.type))


def params_text(node: Any) -> str:
    """ "axis=1, keepdims=True", shortened."""
    names = node.op.params
    if len(names) != len(node.params):
        names = [""] * len(node.params)
    parts = []
    for name, value in zip(names, node.params, strict=True):
        text = value_text(value)
        parts.append(f"{name}={text}" if name else text)
    if kind_of(node) == "constant":
        return ""
    return clip(ALIKE.sub(r"\1", ", ".join(parts)), MAX_PARAMS)


def value_text(value: Any) -> str:
    """A parameter as one would type it; sizes by name."""
    if isinstance(value, tuple):
        inner = ", ".join(value_text(part) for part in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return str(value)


def clip(text: str, limit: int) -> str:
    """`text` on one line, at most `limit` characters."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
