"""Which cell a notebook's name was last given its value in."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def cell_defining(name: str, cells: Sequence[str]) -> int | None:
    """Number of the last cell that binds `name`, or None.

    cells  texts by number, as IPython's `In` (entry 0 is empty)
    """
    for number in range(len(cells) - 1, 0, -1):
        if name in cells[number] and name in _bound(cells[number]):
            return number
    return None


def _bound(text: str) -> set[str]:
    """Names a cell binds, as far as its syntax shows; magic lines are left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("%")]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names
