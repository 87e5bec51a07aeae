"""Static pictures: a pass, a graph, the kernels, as one SVG text each.

Used where no script runs (GitHub, mail, untrusted notebooks) and by `save`. A white
card with dark text, because an image cannot inherit the host's theme. Drawn from the
picture dicts of `picture` and `summary`; the page draws the same shapes. Invariants:
well-formed XML whatever the names; no script, no external reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape as escape_text

CORNER = 7
COLOURS = {
    "added": ("#1a7431", "#e5f4e8", "none", "1.4"),
    "removed": ("#b3261e", "#fcebea", "4 3", "1.4"),
    "rewired": ("#8a5300", "#fdf3dc", "1.5 2", "1.6"),
    "merged": ("#6741b5", "#efe9fb", "7 2.5", "1.4"),
}
GLYPHS = {"added": "+", "removed": "−", "rewired": "~", "merged": "="}
NOT_XML = {0xFFFE, 0xFFFF, *range(0xD800, 0xE000)}
BASE = (
    "text{font:600 11.5px Inter,system-ui,sans-serif;fill:#212121;text-anchor:middle}"
    ".t{font:10px ui-monospace,Menlo,Consolas,monospace;fill:#5f6368}"
    ".l{text-anchor:start}"
    ".b{font-size:11px}.w{fill:#fff}rect,path{fill:#fff;stroke:#868a8e}"
    ".e{fill:none;stroke:#8b8f94;stroke-width:1.2}.a{fill:#8b8f94;stroke:none}"
    ".e1{stroke:#b3261e;stroke-dasharray:4 3}.a1{fill:#b3261e}"
    ".e2{stroke:#1a7431;stroke-width:1.6}.a2{fill:#1a7431}"
    ".r{stroke:#212121}.c{stroke-dasharray:2 2}.g{fill:#fafafa;stroke:#dcdfe2}"
    ".h{fill:#eceff1;stroke:none}.i{fill:none}.d{fill:none;stroke-dasharray:1.5 2}"
    ".m{fill:none;stroke:#6741b5;stroke-width:3.6}"
    ".n{fill:none;stroke:#fff;stroke-width:1.4}"
)

Json = dict[str, Any]
Places = Mapping[int, Sequence[int]]


def _style() -> str:
    """The style sheet of every picture."""
    rows = [
        f".{name} .o{{stroke:{line};fill:{fill};stroke-dasharray:{dash};"
        f"stroke-width:{width}}}.{name} .k{{fill:{line};stroke:none}}"
        f".{name} .i{{fill:none;stroke:{line};stroke-width:.8}}"
        for name, (line, fill, dash, width) in COLOURS.items()
    ]
    return BASE + "".join(rows)


STYLE = _style()


def escape(text: str) -> str:
    """`text` as XML character data or attribute; characters XML lacks are dropped."""
    kept = [c for c in text if (c in "\t\n" or ord(c) >= 32) and ord(c) not in NOT_XML]
    return escape_text("".join(kept), {'"': "&quot;", "'": "&#39;"})


def svg(width: int, height: int, body: Sequence[str], title: str) -> str:
    """A whole SVG file on a white card."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style>"
        f'<rect width="{width}" height="{height}" style="stroke:none"/>'
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
    body += [_stub(document, stub, at, state) for stub in drawn["stubs"]]
    body += [_tail(x, y, text) for _, x, y, text in drawn["tails"]]
    body += [_merge_line(points) for _, _, *points in drawn["merges"] if points]
    for row, place in at.items():
        if row >= 0:
            body.append(_node(document, row, place, state.get(row, "")))
        else:
            body.append(_sink(document["meta"]["sinks"], -1 - row, place))
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
    for ((x0, y0), (x, y)), (_, (x1, y1)) in pairwise(pairwise(points)):
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
    x, y = data.replace("M", "L").split("L")[-1].split(" ")
    return (
        f'<path class="e e{kind}" d="{data}"/>'
        f'<path class="a a{kind}" d="M{x} {y}l-2.8-5.5h5.6z"/>'
    )


def shape(kind: str, x: int, y: int, width: int, height: int, look: str = "o") -> str:
    """The outline of a node: box, pill, double bars, hexagon or pentagon."""
    left, right, low = x - width // 2, x + (width + 1) // 2, y + height
    start = f'<path class="{look}" d="'
    if kind == "constant":
        middle = y + height // 2
        sides = f"L{left + 7} {y}H{right - 7}L{right} {middle}L{right - 7} {low}"
        return f'{start}M{left} {middle}{sides}H{left + 7}z"/>'
    if kind == "output":
        return f'{start}M{left} {y}H{right}V{low - 7}L{x} {low}L{left} {low - 7}z"/>'
    radius = {"input": height // 2, "op": 4}.get(kind, 2)
    box = (
        f'<rect class="{look}" x="{left}" y="{y}" width="{width}" height="{height}" '
        f'rx="{radius}"/>'
    )
    if kind in ("shared", "update"):
        box += f'{start}M{left + 4} {y}V{low}M{right - 4} {y}V{low}"/>'
    return box


def _text(x: float, y: float, text: str, look: str = "") -> str:
    mark = f' class="{look}"' if look else ""
    return f'<text{mark} x="{x}" y="{y}">{escape(text)}</text>'


def _node(document: Json, row: int, place: Sequence[int], state: str) -> str:
    """A node with its chip, label and type."""
    x, y, width = place
    nodes, texts = document["nodes"], document["str"]
    kind = texts[nodes["kind"][row]]
    parts = [f'<g class="{state}">', shape(kind, x, y, width, 24)]
    if state == "added":
        parts.append(shape(kind, x, y + 2, width - 5, 20, "i"))
    if state:
        left = x - width // 2 + (7 if kind == "op" else 11)
        box = f'x="{left}" y="{y + 5}" width="13" height="13" rx="2"'
        parts.append(f'<rect class="k" {box}/>')
        parts.append(_text(left + 6.5, y + 15.5, GLYPHS[state], "w"))
        x += 9
    label, kind_text = texts[nodes["label"][row]], drawn_type(document, row)
    if kind_text:
        label_text = escape(label)
        tail = f'<tspan class="t" dx="6">{escape(kind_text)}</tspan>'
        parts.append(f'<text x="{x}" y="{y + 16}">{label_text}{tail}</text>')
    else:
        parts.append(_text(x, y + 16, label))
    return "".join(parts) + "</g>"


def drawn_type(document: Json, row: int) -> str:
    """The type beside a node's label; none for scalar constants."""
    nodes, texts = document["nodes"], document["str"]
    text = texts[nodes["type"][row]]
    if texts[nodes["kind"][row]] == "constant" and text.endswith("[]"):
        return ""
    return text if len(text) <= 26 else text[:25] + "…"


def _sink(sinks: Sequence[Sequence[str]], k: int, place: Sequence[int]) -> str:
    x, y, width = place
    name, kind = sinks[k] if k < len(sinks) else (f"out {k}", "output")
    text = _text(x, y + (13 if kind == "output" else 14), name, "b")
    return shape(kind, x, y, width, 20, "r") + text


def _box(box: Sequence[Any]) -> str:
    title, left, top, width, height, tab = box
    wide = 16 + 7 * len(title)
    return (
        f'<rect class="g" x="{left}" y="{top}" width="{width}" height="{height}" '
        'rx="3"/>'
        f'<rect class="h" x="{tab}" y="{top}" width="{wide}" height="16" rx="2"/>'
        + _text(tab + 8, top + 12, title, "b l")
    )


def _stub(
    document: Json, stub: Sequence[int], at: Places, state: Mapping[int, str]
) -> str:
    source, target, kind, x, y, width, own = stub
    nodes, texts = document["nodes"], document["str"]
    end = at[target][0] - at[target][2] // 2
    form = shape(texts[nodes["kind"][source]], x, y, width, 18, "o" if own else "o c")
    line = f"M{x + width // 2} {y + 9}H{end}"
    look = f"e e{kind}" if own else "d"
    label = _text(x, y + 13, texts[nodes["label"][source]], "b")
    mark = state.get(source, "") if own else ""
    return f'<g class="{mark}"><path class="{look}" d="{line}"/>{form}{label}</g>'


def _tail(x: int, y: int, text: str) -> str:
    tail = _text(x + 12, y + 3, "→ " + text, "t l")
    return f'<path class="d" d="M{x} {y}h10"/>{tail}'


def _merge_line(points: Sequence[int]) -> str:
    data = rounded(list(zip(points[::2], points[1::2], strict=True)))
    return f'<path class="m" d="{data}"/><path class="n" d="{data}"/>'


def kernels_svg(document: Json, title: str) -> str:
    """The kernels from left to right."""
    drawn = document["summary"]["compiled"]
    body = []
    for points in drawn["routes"]:
        pairs = list(zip(points[::2], points[1::2], strict=True))
        x, y = pairs[-1]
        body.append(f'<path class="e" d="{rounded(pairs)}"/>')
        body.append(f'<path class="a" d="M{x} {y}l-5.5-2.8v5.6z"/>')
    for kind, name, below, x, y, width, height in drawn["boxes"]:
        look = "r" if kind in ("output", "update") else "o"
        form = "op" if kind == "output" else kind
        body.append(shape(form, x, y - height // 2, width, height, look))
        if kind == "op":
            left = x - width // 2 + 11
            body.append(_text(left, y - 3 if below else y + 4, name, "l"))
            body.append(_text(left, y + 12, below, "t l") if below else "")
        else:
            body.append(_text(x, y + 4, name))
    return svg(drawn["w"], drawn["h"], body, title)


# ------------------------------------------------------------------ the memory plan

STEP_WIDTH, ROW_HEIGHT, NAME_WIDTH, BYTES_WIDTH = 44, 21, 88, 84
LIVES = {  # role -> style of its bar
    "arena": "fill:#e3f2fd;stroke:#1976d2",
    "result": "fill:#fff;stroke:#212121",
    "update": "fill:#fff;stroke:#212121",
}
GIVEN = "fill:#eceff1;stroke:#868a8e;stroke-dasharray:3 2"  # the caller's, shared


def memory_svg(document: Json, title: str) -> str:
    """The life of every buffer over the steps; arrays of one place share a row."""
    memory = document["memory"]
    steps = ["call", *memory["steps"]]
    body = [
        _text(NAME_WIDTH + STEP_WIDTH * (i + 0.5), 15, _cut(step, 7), "t")
        for i, step in enumerate(steps)
    ]
    for at, row in enumerate(memory["rows"]):
        top = 24 + ROW_HEIGHT * at
        middle = top + 14
        body.append(_text(8, middle, _cut(row["name"], 13), "b l"))
        for first, last, _ in row["spans"]:
            left = NAME_WIDTH + STEP_WIDTH * (first + 1) + 2
            width = STEP_WIDTH * (last - first + 1) - 4
            look = LIVES.get(row["role"], GIVEN)
            body.append(
                f'<rect x="{left}" y="{top + 3}" width="{width}" height="15" rx="2" '
                f'style="{look}"/>'
            )
        right = NAME_WIDTH + STEP_WIDTH * len(steps) + 8
        size = f"{row['bytes']:,} B" if isinstance(row["bytes"], int) else row["bytes"]
        body.append(_text(right, middle, _cut(str(size), 18), "t l"))
    width = NAME_WIDTH + STEP_WIDTH * len(steps) + BYTES_WIDTH
    return svg(width, 32 + ROW_HEIGHT * len(memory["rows"]), body, title)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
