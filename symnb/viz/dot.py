"""Graphviz: the DOT text of a graph, and its picture where the program is installed.

The text is always available; `render` needs the `graphviz` package and its `dot`
program. Colours have six digits because Graphviz 2.43 draws `#eef` black. Names are
quoted; ids are canonical numbers, so the same graph gives the same text. O(nodes).
"""

from __future__ import annotations

from typing import Any

from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.errors import SymnbError
from symnb.viz.labels import kind_of, label
from symnb.viz.text import sink_names

SHAPES = {"op": "box", "input": "ellipse", "shared": "box3d", "constant": "hexagon"}
FILLS = {
    "op": "#ffffff",
    "input": "#e3f2fd",
    "shared": "#eceff1",
    "constant": "#fdf3dc",
}
MOST_NODES = 1500


def dot_text(thing: Any) -> str:
    """The DOT source of a node, graph or function (its optimised graph)."""
    if isinstance(thing, Node):
        graph = Graph((), (thing,))
    else:
        graph = thing if isinstance(thing, Graph) else thing.optimised
    number = {node: at for at, node in enumerate(graph.order)}
    rows = [
        f"digraph {_quoted(graph.name)} {{",
        '  node [fontname="sans-serif" fontsize=11 style="rounded,filled"'
        ' color="#868a8e" height=0.3 margin="0.1,0.04"];',
        '  edge [color="#8b8f94" arrowsize=0.6];',
    ]
    for node, at in number.items():
        kind = kind_of(node)
        text = _quoted(f"{label(node)}\n{node.type}")
        rows.append(
            f'  n{at} [label={text} shape={SHAPES[kind]} fillcolor="{FILLS[kind]}"];'
        )
    for node, at in number.items():
        rows += [f"  n{number[x]} -> n{at};" for x in node.inputs]
    names = sink_names(graph)
    for at, (root, (name, kind)) in enumerate(zip(graph.roots, names, strict=True)):
        shape = "box3d" if kind == "update" else "invhouse"
        rows.append(
            f'  r{at} [label={_quoted(name)} shape={shape} fillcolor="#ffffff"];'
        )
        rows.append(f"  n{number[root]} -> r{at};")
    return "\n".join([*rows, "}"]) + "\n"


def render(thing: Any, format: str = "svg") -> bytes:
    """The picture as Graphviz draws it. Raises SymnbError where it cannot."""
    source = dot_text(thing)
    if source.count("[label=") > MOST_NODES:
        raise SymnbError(
            f"the graph has more than {MOST_NODES} nodes; Graphviz takes minutes.\n"
            "Fix: look at it in the inspector, or render dot_text(f) yourself."
        )
    try:
        import graphviz
    except ImportError:
        raise SymnbError(
            "drawing with Graphviz needs the package `graphviz`.\n"
            "Fix: pip install graphviz, or use symnb.viz.dot.dot_text(f)."
        ) from None
    try:
        return graphviz.Source(source).pipe(format=format)
    except graphviz.ExecutableNotFound:
        raise SymnbError(
            "the program `dot` of Graphviz is not installed.\n"
            "Fix: install the system package `graphviz`, or use dot_text(f)."
        ) from None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
