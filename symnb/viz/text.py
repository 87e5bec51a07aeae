"""Text views: the tree of a graph, the table of passes, the table of times.

The tree prints each node once, with its number; a second mention is its number only.
Below `DEEP` levels a branch is cut and continued at the margin, so a chain of 10,000
nodes takes 10,000 short lines, not a triangle. No recursion; O(nodes). Invariants:
no addresses, no times when `config.reproducible`; same graph, same text.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from symnb.core import walk
from symnb.core.graph import Graph
from symnb.core.node import SIZE, Node
from symnb.options import config
from symnb.viz.labels import kind_of, label, params_text

DEEP = 24
PLAIN_LINES = 60
Branch = tuple[Node, str, bool, bool]


def dprint(thing: Any, file: TextIO | str | None = None, **options: Any) -> str | None:
    """Print the tree of a function, graph, node or list of nodes.

    file     a stream, None for standard output, "str" to get the text instead
    options  `sites=True` adds the user's line, `lines` is the most lines printed
    """
    text = tree_text(thing, **options)
    if file == "str":
        return text
    stream = sys.stdout if file is None else file
    assert not isinstance(stream, str)
    stream.write(text + "\n")
    return None


def tree_text(thing: Any, sites: bool = False, lines: int | None = None) -> str:
    """The tree of a function, graph, node or list of nodes, as text."""
    whole: Any = thing
    graph = whole if isinstance(whole, Graph) else getattr(whole, "optimised", None)
    if graph is not None:
        roots = list(graph.roots)
        names = sink_names(getattr(whole, "graph", graph))
    else:
        roots = [whole] if isinstance(whole, Node) else list(whole)
        names = [("", "")] * len(roots)
    rows = _tree(roots, names, sites)
    if lines is not None and len(rows) > lines:
        more = len(rows) - lines
        rows = [*rows[:lines], f"... {more} more lines; symnb.dprint(f) prints all"]
    return "\n".join(rows)


def sink_names(graph: Graph) -> list[tuple[str, str]]:
    """(name, "output" or "update") of each root of a graph."""
    count = len(graph.outputs)
    names = []
    for at, node in enumerate(graph.outputs):
        fallback = "out" if count == 1 else f"out {at}"
        names.append((node.name or fallback, "output"))
    names += [(shared.name or "shared", "update") for shared, _ in graph.updates]
    return names


def _tree(
    roots: Sequence[Node], names: Sequence[tuple[str, str]], sites: bool
) -> list[str]:
    """The lines of the tree; cut branches follow, each at the margin."""
    order = walk.order(roots)
    number = {node: at for at, node in enumerate(n for n in order if not _is_end(n))}
    rows: list[str] = []
    printed: set[Node] = set()
    queue: list[tuple[Node, str]] = []
    for root, (name, kind) in zip(roots, names, strict=True):
        arrow = " <-" if kind == "update" else ":"
        queue.append((root, f"{name}{arrow} " if name else ""))
    for root, prefix in queue:
        if prefix.startswith("...") and root in printed:
            continue
        stack: list[Branch] = [(root, "", True, True)]
        while stack:
            node, indent, is_last, is_root = stack.pop()
            lead = prefix if is_root else indent + ("└─ " if is_last else "├─ ")
            below = "" if is_root else indent + ("   " if is_last else "│  ")
            again = node in printed and not _is_end(node)
            cut = len(below) > 3 * DEEP and not _is_end(node) and not again
            rows.append(lead + _line(node, number, again, cut, sites))
            if again or _is_end(node):
                continue
            if cut:
                queue.append((node, "... "))
                continue
            printed.add(node)
            inputs = node.inputs
            for at in range(len(inputs) - 1, -1, -1):
                stack.append((inputs[at], below, at == len(inputs) - 1, False))
    return rows


def _is_end(node: Node) -> bool:
    """A leaf, or a size: it has no number, in the C text neither."""
    return node.is_leaf or node.op is SIZE


def _line(
    node: Node, number: dict[Node, int], again: bool, cut: bool, sites: bool
) -> str:
    """One node: number, op, parameters, name, type, site."""
    if node.is_leaf:
        mark = "@" if kind_of(node) == "shared" else ""
        return f"{mark}{label(node)} : {node.type}"
    if node.op is SIZE:
        return f"size({node.params[0]}) : {node.type}"
    head = f"%{number[node]} {node.op.name}"
    if again:
        return f"{head} (above)"
    if cut:
        return f"{head} (below)"
    params = params_text(node)
    text = head + (f" {{{params}}}" if params else "")
    if node.name:
        text += f" '{node.name}'"
    text += f" : {node.type}"
    if sites and node.site is not None:
        text += f"  # {node.site}"
    return text


def function_text(function: Any) -> str:
    """What a terminal shows of a function: signature, tree, passes."""
    graph = function.graph
    inputs = ", ".join(
        f"{name}: {spec.variable.type}"
        for name, spec in zip(function.labels, function.inputs, strict=True)
    )
    names = sink_names(graph)
    outputs = ", ".join(name for name, kind in names if kind == "output")
    updates = ", ".join(name for name, kind in names if kind == "update")
    head = f"{function.name}({inputs}) -> {outputs or 'nothing'}"
    if updates:
        head += f"; updates {updates}"
    parts = [head, "", tree_text(function, lines=PLAIN_LINES)]
    fired = [record for record in function.trace if record.events]
    if fired:
        parts += ["", pass_table(fired)]
    idle = len(function.trace) - len(fired)
    if idle:
        parts += ["", f"{idle} of {len(function.trace)} passes changed nothing."]
    return "\n".join(parts)


def pass_table(trace: Any) -> str:
    """Name, nodes before and after, firings and time of every pass."""
    rows = [["pass", "nodes", "firings"]]
    timed = not config.reproducible
    if timed:
        rows[0].append("ms")
    for record in trace:
        row = [
            record.name,
            f"{len(record.before)} -> {len(record.after)}",
            str(len(record.events) or ""),
        ]
        if timed:
            row.append(f"{1e3 * record.seconds:.2f}")
        rows.append(row)
    return table_text(rows) if len(rows) > 1 else ""


def profile_table(profile: Any) -> str:
    """Step, time a call, share of the total."""
    calls = max(1, profile.calls)
    rows = [["step", "ops", "us a call", "%"]]
    for step in sorted(profile.steps, key=lambda step: -step.ns):
        ops = " ".join(dict.fromkeys(node.op.name for node in step.nodes))
        us = f"{step.ns / 1e3 / calls:.2f}"
        rows.append([step.name, ops[:48], us, f"{100 * step.share:.0f}"])
    return table_text(rows, left=2)


def table_text(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows in columns, the first `left` ones flush left, the others right."""
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if c < left else cell.rjust(width)
            for c, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
