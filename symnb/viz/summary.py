"""What a cell shows right after it ran: two small pictures and a few sentences.

Called once per document. The left picture is the graph as written, shapes only; the
right one the kernels from left to right. Units: pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from symnb.viz.layout import Item, lay_out
from symnb.viz.measure import mono_width, text_width
from symnb.viz.picture import Look, Side

DOT_WIDTH, DOT_HEIGHT = 20, 7
ROW = 14
MOST_DOTS = 150
BOX_HEIGHT = 38
LEAF_HEIGHT = 24
MOST_BOXES = 32
MOST_HIGHLIGHTS = 3

Json = dict[str, Any]
_ID = re.compile(r"%\d+ ")  # of a node in the text tree


def thumbnail(side: Side, looks: Sequence[Look]) -> Json | None:
    """The graph as shapes 20 x 7: [kind, x, y] a node, [from, to] an edge."""
    rows = list(side.inputs)
    if len(rows) > MOST_DOTS:
        return None
    number = {row: i for i, row in enumerate(rows)}
    items = [
        Item(
            DOT_WIDTH,
            DOT_HEIGHT,
            "op" if looks[r].kind == "constant" else looks[r].kind,
            stub=0,
        )
        for r in rows
    ]
    edges = list(
        dict.fromkeys(
            (number[source], number[row])
            for row in rows
            for source in side.inputs[row]
            if source in number
        )
    )
    layout = lay_out(items, edges)
    nodes = []
    for row, i in number.items():
        nodes.append([looks[row].kind, layout.x[i], layout.ranks[i] * ROW + 8])
    lines = [[s, t] for s, t in edges if layout.ranks[t] - layout.ranks[s] <= 6]
    height = (max(layout.ranks, default=0) + 1) * ROW + 8
    return {"w": layout.width, "h": height, "nodes": nodes, "edges": lines}


def kernel_picture(
    groups: Sequence[tuple[str, Sequence[int]]],
    side: Side,
    looks: Sequence[Look],
    sinks: Sequence[tuple[str, str]],
) -> Json | None:
    """Kernels, leaves and results from left to right; None if there are too many.

    boxes   [kind, title, line below, centre x, centre y, width, height]
    routes  points x, y, x, y, ...
    """
    home = {row: g for g, (_, members) in enumerate(groups) for row in members}
    loose = [row for row in side.inputs if row not in home and looks[row].kind == "op"]
    leaves = [r for r in side.inputs if looks[r].kind in ("input", "shared")]
    boxes = [(looks[r].kind, looks[r].label, "") for r in leaves]
    place = {row: i for i, row in enumerate(leaves)}
    units = [(name, list(members)) for name, members in groups if members]
    units += [(looks[row].label, [row]) for row in loose]
    if not groups or len(units) > MOST_BOXES:
        return None
    units = _in_order(units, side)
    for name, members in units:
        count = len(members)
        ops = (
            " ".join(looks[r].label for r in members) if count <= 2 else f"{count} ops"
        )
        for row in members:
            place[row] = len(boxes)
        boxes.append(("op", name, "" if name.startswith(ops) else ops))
    edges = _box_edges(side, place, len(leaves))
    for k, row in enumerate(side.sinks):
        if row in place:
            edges[place[row], len(boxes)] = None
            boxes.append((sinks[k][1], sinks[k][0], ""))
    return _from_left(boxes, list(edges))


def _box_edges(
    side: Side, place: Mapping[int, int], leaves: int
) -> dict[tuple[int, int], None]:
    """Which boxes read which; a leaf, box below `leaves`, goes to its first reader."""
    edges: dict[tuple[int, int], None] = {}
    read: set[int] = set()
    for row, inputs in side.inputs.items():
        for source in inputs:
            if source not in place or row not in place or place[source] == place[row]:
                continue
            if place[source] < leaves and source in read:
                continue
            read.add(source)
            edges[place[source], place[row]] = None
    return edges


def _in_order(
    units: Sequence[tuple[str, list[int]]], side: Side
) -> list[tuple[str, list[int]]]:
    """The units so that each comes after those it reads; circles stay as they were."""
    home = {row: u for u, (_, members) in enumerate(units) for row in members}
    needs = [
        {home[i] for row in members for i in side.inputs[row] if i in home} - {u}
        for u, (_, members) in enumerate(units)
    ]
    done: dict[int, None] = {}
    while len(done) < len(units):
        left = [u for u in range(len(units)) if u not in done]
        for u in [u for u in left if needs[u] <= set(done)] or left:
            done[u] = None
    return [units[u] for u in done]


def _from_left(
    boxes: Sequence[tuple[str, str, str]], edges: Sequence[tuple[int, int]]
) -> Json:
    """Lay the boxes out top-down with sides exchanged, then turn the picture."""
    widths = [
        max(text_width(title, 115), mono_width(below, 100))
        + (24 if kind == "op" else 22)
        for kind, title, below in boxes
    ]
    heights = [BOX_HEIGHT if below else LEAF_HEIGHT for _, _, below in boxes]
    items = [
        Item(height, max(width, 28), kind, stub=0)
        for (kind, _, _), width, height in zip(boxes, widths, heights, strict=True)
    ]
    layout = lay_out(items, edges)
    drawn = [
        [kind, title, below, layout.y[i] + items[i].height // 2, layout.x[i],
         items[i].height, items[i].width]
        for i, (kind, title, below) in enumerate(boxes)
    ]  # fmt: skip
    routes = []
    for edge, path in layout.routes:
        source, target = edges[edge]
        points = [layout.y[source] + items[source].height, path[0]]
        for across, after in zip(path[1::2], path[2::2], strict=True):
            points += [across, points[-1], across, after]
        points += [layout.y[target], path[-1]]
        routes.append(points)
    return {"w": layout.height, "h": layout.width, "boxes": drawn, "routes": routes}


def highlights(document: Json) -> list[Json]:
    """The few firings and decisions a reader wants to know first, at most three.

    Each has kind, text, whether the text is code, and the line it is about.
    """
    found: list[Json] = []
    rules, events = document["rules"], document["events"]
    seen: set[int] = set()
    for number, rule in enumerate(events["rule"]):
        if rule < 0 or rule in seen or rules[rule].get("contract") != "stabler":
            continue
        seen.add(rule)
        lhs, rhs = rules[rule].get("lhs", ""), rules[rule].get("rhs", "")
        text = f"{lhs} → {rhs}" if lhs and rhs else rules[rule]["name"]
        line = _line(document, [events["old"][number], events["new"][number]])
        found.append({"kind": "stabilised", "text": text, "code": True, **line})
        if len(found) == 2:
            break
    kinds: set[str] = set()
    for decision in document["decisions"]:
        if decision["kind"] in kinds or len(found) >= MOST_HIGHLIGHTS:
            continue
        if decision["kind"] == "sizes" or decision["chosen"] == "separate":
            continue  # what was joined or saved tells more
        kinds.add(decision["kind"])
        text = f"{_ID.sub('', decision['subject'])}: {decision['chosen']}"
        text += f", {decision['reason']}" if decision["reason"] else ""
        line = _line(document, decision["nodes"])
        found.append({"kind": decision["kind"], "text": text, "code": False, **line})
    return found


def _line(document: Json, rows: Sequence[int]) -> Json:
    """The first line of the user's text that these rows come from, if any."""
    for row in rows:
        for span in document["nodes"]["spans"][row]:
            return {"line": document["spans"][span][1], "row": row}
    return {}
