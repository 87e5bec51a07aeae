"""Static pictures: a pass, a graph, the kernels, as one SVG text each.

Used where no script runs (GitHub, mail, untrusted notebooks) and by `-o f.svg`.
A white card with dark text, because an image cannot inherit the host's theme. Drawn
from the picture dicts of `picture` and `summary`; the page draws the same shapes.
Invariants: well-formed XML whatever the names; no script, no external reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape as escape_text

CORNER = 7
COLOURS = {
    "added": ("#1a7431", "#e5f4e8"),
    "removed": ("#b3261e", "#fcebea"),
    "rewired": ("#8a5300", "#fdf3dc"),
    "merged": ("#6741b5", "#efe9fb"),
    "": ("#868a8e", "#ffffff"),
}
GLYPHS = {"added": "+", "removed": "−", "rewired": "~", "merged": "="}
DASHES = {"removed": "4 3", "rewired": "1.5 2", "merged": "7 2.5"}
EDGE_COLOURS = ("#8b8f94", "#b3261e", "#1a7431")
STYLE = (
    "text{font:600 11.5px Inter,system-ui,sans-serif;fill:#212121}"
    ".t{font:10px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#5f6368}"
    ".b{font-size:11px}.m{fill:#5f6368}"
)

Json = dict[str, Any]


def escape(text: str) -> str:
    """`text` as XML character data or attribute; control characters dropped."""
    kept = "".join(c for c in text if c in "\t\n" or ord(c) >= 32)
    kept = kept.replace("\ufffe", "").replace("\uffff", "")
    kept = "".join(c for c in kept if not 0xD800 <= ord(c) <= 0xDFFF)
    return escape_text(kept, {'"': "&quot;", "'": "&#39;"})


def svg(width: int, height: int, body: Sequence[str], title: str) -> str:
    """A whole SVG file on a white card."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style>"
        f'<rect width="{width}" height="{height}" rx="3" fill="#fff"/>'
        + "".join(body)
        + "</svg>"
    )


def pass_svg(document: Json, index: int, title: str) -> str:
    """The picture of pass `index`: before and after in one drawing."""
    step = document["passes"][index]
    drawn = step["picture"]
    state = states(step)
    body = [_box(box) for box in drawn["boxes"]]
    flat = drawn["nodes"]
    at = {flat[i]: flat[i + 1 : i + 4] for i in range(0, len(flat), 4)}
    for source, target, kind, *path in sorted(drawn["routes"], key=lambda r: r[2]):
        top = at[source][1] + (24 if source >= 0 else 20)
        body.append(_edge(down_path(path, top, at[target][1]), kind))
    for stub in drawn["stubs"]:
        body.append(_stub(document, stub, at, state))
    for source, x, y, text in drawn["tails"]:
        body.append(_tail(x, y, text))
    for victim, survivor, *points in drawn["merges"]:
        if points:
            body.append(_merge_line(points))
    for row, (x, y, width) in at.items():
        if row >= 0:
            body.append(_node(document, row, x, y, width, state.get(row, "")))
        else:
            body.append(_sink(document["meta"]["sinks"], -1 - row, x, y, width))
    return svg(drawn["w"], drawn["h"], body, title)


def states(step: Json) -> dict[int, str]:
    """Row -> state, for the rows a pass changed."""
    state: dict[int, str] = {}
    for name in ("rewired", "added", "removed"):
        state |= dict.fromkeys(step.get(name, ()), name)
    for victim, survivor in step.get("merged", ()):
        state[victim] = state[survivor] = "merged"
    return state


def down_path(path: Sequence[int], top: int, bottom: int) -> str:
    """SVG path data of a route, with round corners."""
    points = [(path[0], top)]
    for y, x in zip(path[1::2], path[2::2], strict=True):
        points += [(points[-1][0], y), (x, y)]
    points.append((points[-1][0], bottom))
    return rounded(points)


def rounded(points: Sequence[tuple[int, int]]) -> str:
    """SVG path data through points joined by vertical and horizontal lines."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for (x0, y0), (x, y), (x1, y1) in zip(points, points[1:], points[2:], strict=False):
        before, after = abs(x - x0) + abs(y - y0), abs(x1 - x) + abs(y1 - y)
        r = min(CORNER, before // 2, after // 2)
        if r <= 0:
            parts.append(f"L{x} {y}")
            continue
        ax, ay = x - r * _sign(x - x0), y - r * _sign(y - y0)
        bx, by = x + r * _sign(x1 - x), y + r * _sign(y1 - y)
        parts.append(f"L{ax} {ay}Q{x} {y} {bx} {by}")
    parts.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(parts)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _edge(data: str, kind: int) -> str:
    colour = EDGE_COLOURS[kind]
    look = ('stroke-width="1.2"', 'stroke-width="1.2" stroke-dasharray="4 3"',
            'stroke-width="1.6"')[kind]  # fmt: skip
    x, y = data.replace("M", "L").split("L")[-1].split(" ")
    return (
        f'<path d="{data}" fill="none" stroke="{colour}" {look}/>'
        f'<path d="M{x} {y}l-2.8 -5.5h5.6z" fill="{colour}"/>'
    )


def shape(kind: str, x: int, y: int, width: int, height: int, look: str) -> str:
    """The outline of a node: box, pill, double bars, hexagon or pentagon."""
    left, right, middle, low = x - width // 2, x + (width + 1) // 2, y + height // 2, y + height
    if kind == "constant":
        return (
            f'<path d="M{left} {middle}L{left + 7} {y}H{right - 7}L{right} {middle}'
            f'L{right - 7} {low}H{left + 7}z" {look}/>'
        )
    if kind == "output":
        return (
            f'<path d="M{left} {y}H{right}V{low - 7}L{x} {low}L{left} {low - 7}z" {look}/>'
        )
    if kind in ("shared", "update"):
        return (
            f'<rect x="{left}" y="{y}" width="{width}" height="{height}" rx="2" {look}/>'
            f'<path d="M{left + 4} {y}V{low}M{right - 4} {y}V{low}" {look}/>'
        )
    radius = height // 2 if kind == "input" else 4
    return (
        f'<rect x="{left}" y="{y}" width="{width}" height="{height}" rx="{radius}" {look}/>'
    )


def _node(document: Json, row: int, x: int, y: int, width: int, state: str) -> str:
    """A node with its chip, label and type."""
    nodes, texts = document["nodes"], document["str"]
    kind = texts[nodes["kind"][row]]
    stroke, fill = COLOURS[state]
    look = f'fill="{fill}" stroke="{stroke}" stroke-width="{1.4 if state else 1}"'
    if state in DASHES:
        look += f' stroke-dasharray="{DASHES[state]}"'
    parts = [shape(kind, x, y, width, 24, look)]
    middle = x
    if state:
        if state == "added":
            inner = f'fill="none" stroke="{stroke}" stroke-width=".8"'
            parts.append(shape(kind, x, y + 2, width - 5, 20, inner))
        left = x - width // 2 + (10 if kind == "op" else 13)
        parts.append(
            f'<rect x="{left - 3}" y="{y + 5}" width="13" height="13" rx="2" fill="{stroke}"/>'
            f'<text x="{left + 3.5}" y="{y + 15.5}" text-anchor="middle" '
            f'style="fill:#fff">{GLYPHS[state]}</text>'
        )
        middle += 9
    label = escape(texts[nodes["label"][row]])
    type_text = escape(drawn_type(document, row))
    parts.append(
        f'<text x="{middle}" y="{y + 16}" text-anchor="middle">{label}'
        + (f'<tspan class="t" dx="6">{type_text}</tspan>' if type_text else "")
        + "</text>"
    )
    return "".join(parts)


def drawn_type(document: Json, row: int) -> str:
    """The type beside a node's label; none for scalar constants."""
    nodes, texts = document["nodes"], document["str"]
    text = texts[nodes["type"][row]]
    if texts[nodes["kind"][row]] == "constant" and text.endswith("[]"):
        return ""
    return text if len(text) <= 26 else text[:25] + "…"


def _sink(sinks: Sequence[Sequence[str]], k: int, x: int, y: int, width: int) -> str:
    name, kind = sinks[k] if k < len(sinks) else (f"out {k}", "output")
    look = 'fill="#fff" stroke="#212121" stroke-width="1"'
    text_y = y + (13 if kind == "output" else 14)
    return (
        shape(kind, x, y, width, 20, look)
        + f'<text class="b" x="{x}" y="{text_y}" text-anchor="middle">{escape(name)}</text>'
    )


def _box(box: Sequence[Any]) -> str:
    title, left, top, width, height, tab = box
    wide = 16 + 7 * len(title)
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="3" '
        f'fill="#fafafa" stroke="#dcdfe2"/><rect x="{tab}" y="{top}" width="{wide}" '
        f'height="16" rx="2" fill="#eceff1"/>'
        f'<text class="b" x="{tab + 8}" y="{top + 12}">{escape(title)}</text>'
    )


def _stub(
    document: Json, stub: Sequence[int], at: Mapping[int, Sequence[int]], state: Json
) -> str:
    source, target, kind, x, y, width, own = stub
    nodes, texts = document["nodes"], document["str"]
    stroke = EDGE_COLOURS[kind] if not own else COLOURS[state.get(source, "")][0]
    look = f'fill="#fff" stroke="{stroke}"' + ("" if own else ' stroke-dasharray="2 2"')
    end = at[target][0] - at[target][2] // 2
    aim = at[target][1] + (12 if target >= 0 else 10)
    start = x + width // 2
    return (
        shape(texts[nodes["kind"][source]], x, y, width, 18, look)
        + f'<text class="b" x="{x}" y="{y + 13}" text-anchor="middle">'
        f'{escape(texts[nodes["label"][source]])}</text>'
        f'<path d="M{start} {y + 9}L{end} {aim if abs(aim - y - 9) < 2 else y + 9}" '
        f'stroke="{stroke}" stroke-dasharray="2 2"/>'
    )


def _tail(x: int, y: int, text: str) -> str:
    return (
        f'<path d="M{x} {y}h10" stroke="#8b8f94" stroke-dasharray="1.5 2"/>'
        f'<text class="t" x="{x + 12}" y="{y + 3}">→ {escape(text)}</text>'
    )


def _merge_line(points: Sequence[int]) -> str:
    pairs = list(zip(points[::2], points[1::2], strict=True))
    data = rounded(pairs)
    return (
        f'<path d="{data}" fill="none" stroke="#6741b5" stroke-width="3.6"/>'
        f'<path d="{data}" fill="none" stroke="#fff" stroke-width="1.4"/>'
    )


def kernels_svg(document: Json, title: str) -> str:
    """The kernels from left to right."""
    drawn = document["summary"]["compiled"]
    body = []
    for points in drawn["routes"]:
        pairs = list(zip(points[::2], points[1::2], strict=True))
        x, y = pairs[-1]
        body.append(
            f'<path d="{rounded(pairs)}" fill="none" stroke="#8b8f94" stroke-width="1.2"/>'
            f'<path d="M{x} {y}l-5.5 -2.8v5.6z" fill="#8b8f94"/>'
        )
    for kind, name, below, x, y, width, height in drawn["boxes"]:
        dark = "#212121" if kind in ("output", "update") else "#868a8e"
        look = f'fill="#fff" stroke="{dark}"'
        drawn_kind = "op" if kind == "output" else kind
        body.append(shape(drawn_kind, x, y - height // 2, width, height, look))
        if kind == "op":
            left = x - width // 2 + 11
            at = y - 3 if below else y + 4
            body.append(f'<text x="{left}" y="{at}">{escape(name)}</text>')
            body.append(f'<text class="t" x="{left}" y="{y + 12}">{escape(below)}</text>')
        else:
            body.append(
                f'<text x="{x}" y="{y + 4}" text-anchor="middle">{escape(name)}</text>'
            )
    return svg(drawn["w"], drawn["h"], body, title)
