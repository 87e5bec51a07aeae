"""Pictures of functions in a row, with captions: before and after, on and off.

    gallery(("with", f), ("without", g))        the kernels of both
    gallery(("written", f, "as written"), ("merge", f, "merge"))   graphs of passes

A page shows them in a row; a terminal one line each. Used by notebooks, not per call.
"""

from __future__ import annotations

from typing import Any

from symnb.viz.html import image
from symnb.viz.show import trace_document
from symnb.viz.svg import escape, kernels_svg, memory_svg, pass_svg

KERNELS, MEMORY = "kernels", "memory"
ROW = "display:flex;flex-wrap:wrap;gap:10px 24px;align-items:flex-start"
FIGURE = "max-width:100%"


class Gallery:
    """Captions, what is said of each picture, pictures."""

    def __init__(self, rows: list[tuple[str, str, str]]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        width = max((len(caption) for caption, *_ in self.rows), default=0)
        return "\n".join(
            f"{caption:<{width}}  {said}" for caption, said, _ in self.rows
        )

    def _repr_html_(self) -> str:
        figures = "".join(
            f'<div style="{FIGURE}"><b>{escape(caption)}</b><br>{escape(said)}'
            f'<div style="margin-top:6px">{svg}</div></div>'
            for caption, said, svg in self.rows
        )
        return f'<div style="{ROW}">{figures}</div>'


def gallery(*pictures: tuple[Any, ...]) -> Gallery:
    """Pictures of (caption, function) or (caption, function, name of a pass).

    Without a name, or with "kernels", the kernels; "memory" is the memory plan, "as
    written" the graph as typed.
    Raises KeyError for a pass that changed nothing.
    """
    return Gallery([_picture(*asked) for asked in pictures])


def _picture(caption: str, function: Any, of: str = KERNELS) -> tuple[str, str, str]:
    """Caption, numbers, image."""
    told = trace_document(function)
    title = f"{function.name}: {caption}"
    kernels = told.get("kernels", [])
    count = f"{len(kernels)} step{'s' * (len(kernels) != 1)}"
    if of == MEMORY and "memory" in told:
        return caption, _arena(function), image(memory_svg(told, title), title)
    if of == KERNELS and "compiled" in told["summary"]:
        said = f"{count}, {_arena(function)}"
        return caption, said, image(kernels_svg(told, title), title)
    steps = [
        (i, p)
        for i, p in enumerate(told["passes"])
        if "picture" in p and p["phase"] != "gradient"
    ]
    for i, step in steps:
        if step["name"] == of:
            before, after = step["nodes"]
            said = f"{before} nodes" if before == after else f"{before} → {after} nodes"
            return caption, said, image(pass_svg(told, i, title), title)
    raise KeyError(f"no picture of {of!r}; there are {[p['name'] for _, p in steps]}")


def _arena(function: Any) -> str:
    """Bytes of the arrays that one step leaves for another."""
    size = function.program.plan.arena_bytes
    return f"{size:,} bytes between steps" if isinstance(size, int) else f"{size} bytes"
