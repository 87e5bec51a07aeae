"""Pictures as plain numbers: the union of a pass, the kernels, the thumbnail.

Called once per changed pass. A picture holds both sides of a pass, so that Diff,
Before and After are the same drawing with parts hidden. Node references are rows;
-1 - k is the k-th result or updated shared variable. Units: pixels.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symnb.viz.layout import Item, Layout, lay_out
from symnb.viz.measure import mono_width, text_width

MOST_ITEMS = 260
LABEL = 115
TYPE = 100
STUB_LABEL = 105
PADDING = 14
CHIP = 18
SINK_HEIGHT = 20
EXTRA = {"input": 6, "shared": 10, "constant": 12, "output": 6, "update": 10}
KEPT, OLD, NEW = 0, 1, 2

Json = dict[str, Any]
Edges = dict[tuple[int, int], int]


@dataclass(frozen=True, slots=True)
class Look:
    """How one row is drawn: kind, label, type text."""

    kind: str
    label: str
    type: str


@dataclass(slots=True)
class Side:
    """One graph by rows: inputs of every row alive, and the row of every sink."""

    inputs: Mapping[int, Sequence[int]]
    sinks: Sequence[int]


@dataclass(slots=True)
class Scene:
    """What to draw: both sides of a pass, the looks, chips, groups and sink names.

    sinks   (label, "output" or "update")
    marked  rows that carry a chip
    groups  (title, rows) of the boxes
    stacked  groups lie below the groups they read
    chips    leave room for a chip in every op
    """

    before: Side
    after: Side
    looks: Sequence[Look]
    sinks: Sequence[tuple[str, str]]
    marked: frozenset[int] = frozenset()
    merged: Mapping[int, int] = field(default_factory=dict)
    groups: Sequence[tuple[str, Sequence[int]]] = ()
    stacked: bool = False
    chips: bool = False


def picture(scene: Scene, hint: Mapping[int, int] | None = None) -> Json:
    """The drawing of a scene; `hint` are x of rows in an earlier picture."""
    edges = union_edges(scene)
    rows = union_order(scene, edges)
    whole = len(rows)
    if whole > MOST_ITEMS:
        rows = _near_changes(scene, edges, rows)
    kept = set(rows)
    number = {row: i for i, row in enumerate(rows)}
    number |= {-1 - k: len(rows) + k for k in range(len(scene.sinks))}
    joined = {
        (number[s], number[t]): state
        for (s, t), state in edges.items()
        if s in kept and (t < 0 or t in kept)
    }
    items = _items(scene, rows)
    pairs = list(joined)
    starts = {number[row]: x for row, x in (hint or {}).items() if row in number}
    tabs = [text_width(title, 110) + 16 for title, _ in scene.groups]
    layout = lay_out(items, pairs, tabs, stacked=scene.stacked, hint=starts)
    names = [*rows, *(-1 - k for k in range(len(scene.sinks)))]
    drawn = _columns(layout, items, pairs, names, list(joined.values()))
    drawn["boxes"] = [[scene.groups[box[0]][0], *box[1:]] for box in layout.boxes]
    drawn["merges"] = _merges(scene, layout, items, number)
    if whole > len(rows):
        drawn["of"] = whole
    return drawn


def _columns(
    layout: Layout,
    items: Sequence[Item],
    pairs: Sequence[tuple[int, int]],
    names: Sequence[int],
    states: Sequence[int],
) -> Json:
    """Layout by rows: flat lists of integers."""
    nodes: list[int] = []
    for i, name in enumerate(names):
        if layout.ranks[i] >= 0:
            nodes += [name, layout.x[i], layout.y[i], items[i].width]
    routes = [
        [names[pairs[e][0]], names[pairs[e][1]], states[e], *path]
        for e, path in layout.routes
    ]
    stubs = [
        [names[pairs[e][0]], names[pairs[e][1]], states[e], x, y,
         items[pairs[e][0]].stub, int(own)]
        for e, x, y, own in layout.stubs
    ]  # fmt: skip
    tails = [[names[i], x, y, text] for i, x, y, text in layout.tails]
    return {
        "w": layout.width,
        "h": layout.height,
        "nodes": nodes,
        "routes": routes,
        "stubs": stubs,
        "tails": tails,
    }


def union_edges(scene: Scene) -> Edges:
    """(source, target) -> KEPT, OLD or NEW, of both sides together."""
    edges: Edges = {}
    for side, state in ((scene.after, NEW), (scene.before, OLD)):
        pairs = [(s, t) for t, inputs in side.inputs.items() for s in inputs]
        pairs += [(row, -1 - k) for k, row in enumerate(side.sinks)]
        for pair in pairs:
            if state == OLD and edges.get(pair) == NEW:
                edges[pair] = KEPT
            else:
                edges.setdefault(pair, state)
    return edges


def union_order(scene: Scene, edges: Edges) -> list[int]:
    """All rows, sources first; what lies on a circle comes last."""
    rows = sorted({*scene.before.inputs, *scene.after.inputs})
    waiting = dict.fromkeys(rows, 0)
    users: dict[int, list[int]] = {row: [] for row in rows}
    for source, target in edges:
        if target >= 0 and source in waiting:
            waiting[target] += 1
            users[source].append(target)
    ready = [row for row in rows if not waiting[row]]
    order: list[int] = []
    while ready:
        row = heapq.heappop(ready)
        order.append(row)
        for user in users[row]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, user)
    if len(order) < len(rows):
        seen = set(order)
        order += [row for row in rows if row not in seen]
    return order


def _near_changes(scene: Scene, edges: Edges, order: Sequence[int]) -> list[int]:
    """At most `MOST_ITEMS` rows: the changed ones, then what is joined to them."""
    near: dict[int, list[int]] = {row: [] for row in order}
    for source, target in edges:
        if target >= 0:
            near[source].append(target)
            near[target].append(source)
    ends = {row for row in (*scene.after.sinks, *scene.before.sinks) if row in near}
    changed = [row for row in order if row in scene.marked] or sorted(ends)
    found = dict.fromkeys(changed[:MOST_ITEMS])
    wave = list(found)
    while wave and len(found) < MOST_ITEMS:
        following: list[int] = []
        for row in wave:
            for other in near[row]:
                if other not in found and len(found) < MOST_ITEMS:
                    found[other] = None
                    following.append(other)
        wave = following
    return [row for row in order if row in found]


def _items(scene: Scene, rows: Iterable[int]) -> list[Item]:
    """The boxes of the rows, then of the sinks."""
    group = {row: g for g, (_, members) in enumerate(scene.groups) for row in members}
    items = [
        Item(
            width=box_width(
                scene.looks[row],
                row in scene.marked or (scene.chips and scene.looks[row].kind == "op"),
            ),
            kind=scene.looks[row].kind,
            group=group.get(row, -1),
            stub=text_width(scene.looks[row].label, STUB_LABEL) + 14,
            label=scene.looks[row].label,
        )
        for row in rows
    ]
    for name, kind in scene.sinks:
        width = text_width(name, LABEL) + PADDING + EXTRA[kind]
        items.append(
            Item(width=max(36, width), height=SINK_HEIGHT, kind=kind, label=name)
        )
    return items


def box_width(look: Look, chip: bool = False) -> int:
    """Width of a node's box: padding, chip, label, type."""
    width = PADDING + text_width(look.label, LABEL) + EXTRA.get(look.kind, 0)
    if look.type:
        width += 6 + mono_width(look.type, TYPE)
    return width + (CHIP if chip else 0)


def _merges(
    scene: Scene, layout: Layout, items: Sequence[Item], number: Mapping[int, int]
) -> list[list[int]]:
    """[victim, survivor, x, y, x, y, ...]: lines from side to side clear of boxes."""
    boxes = [
        (layout.x[i] - items[i].width // 2 - 4, layout.y[i] - 3,
         layout.x[i] + items[i].width // 2 + 4, layout.y[i] + items[i].height + 3, i)
        for i in range(len(items))
        if layout.ranks[i] >= 0
    ]  # fmt: skip
    lines: list[list[int]] = []
    for victim, survivor in scene.merged.items():
        if victim not in number or survivor not in number:
            continue
        a, b = number[victim], number[survivor]
        if layout.ranks[a] < 0 or layout.ranks[b] < 0:
            continue
        lines.append([victim, survivor, *_side_line(layout, items, boxes, a, b)])
    return lines


def _side_line(
    layout: Layout,
    items: Sequence[Item],
    boxes: Sequence[tuple[int, int, int, int, int]],
    a: int,
    b: int,
) -> list[int]:
    """Points of the first of several lines from a to b that crosses no box, or none."""
    ya, yb = (layout.y[i] + items[i].height // 2 for i in (a, b))
    right = layout.x[b] > layout.x[a]
    side = 1 if right else -1
    xa = layout.x[a] + side * (items[a].width // 2)
    near = layout.x[b] - side * (items[b].width // 2)
    far = layout.x[b] + side * (items[b].width // 2)
    options: list[tuple[int, int]] = []
    if (near - xa) * side > 16:
        options += [(near - side * step, near) for step in range(10, abs(near - xa), 8)]
    reach = max(xa * side, far * side)
    options += [(side * (reach + step), far) for step in (14, 26, 38)]
    spans = [
        [
            (left, right)
            for left, top, right, bottom, i in boxes
            if i not in (a, b) and top <= low and bottom >= high
        ]
        for high, low in ((ya, ya), (min(ya, yb), max(ya, yb)), (yb, yb))
    ]
    for turn, end in options:
        ways = ((xa, turn), (turn, turn), (turn, end))
        if not any(map(_meets, spans, ways)):
            return [xa, ya, turn, ya, turn, yb, end, yb]
    return []


def _meets(spans: Sequence[tuple[int, int]], way: tuple[int, int]) -> bool:
    """Whether a piece of line from one x to another meets a span of a box."""
    first, last = min(way), max(way)
    return any(left <= last and right >= first for left, right in spans)
