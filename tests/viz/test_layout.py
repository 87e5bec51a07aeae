"""The layout: exact, repeatable, nothing on top of anything else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.viz.layout import SPAN, Item, Layout, lay_out


@st.composite
def drawings(draw: st.DrawFn) -> tuple[list[Item], list[tuple[int, int]], list[int]]:
    """Items, edges from earlier to later items, and the tabs of some groups."""
    count = draw(st.integers(1, 40))
    groups = draw(st.integers(0, 3))
    kinds = st.sampled_from(["op", "op", "op", "input", "shared", "constant"])
    items = [
        Item(
            width=draw(st.integers(20, 220)),
            kind=draw(kinds),
            group=draw(st.integers(-1, groups - 1)) if groups else -1,
            label=f"n{i}",
        )
        for i in range(count)
    ]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    drawn = draw(st.lists(pairs, max_size=3 * count))
    edges = [
        (min(a, b), max(a, b))
        for a, b in dict.fromkeys(drawn)
        if a != b and items[max(a, b)].kind == "op"
    ]
    return items, list(dict.fromkeys(edges)), [40] * groups


def rectangles(items: list[Item], layout: Layout) -> list[tuple[int, int, int, int]]:
    return [
        (x - item.width // 2, y, x + (item.width + 1) // 2, y + item.height)
        for item, x, y, rank in zip(
            items, layout.x, layout.y, layout.ranks, strict=True
        )
        if rank >= 0
    ]


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@given(drawings())
def test_no_two_boxes_overlap(drawing) -> None:
    items, edges, tabs = drawing
    boxes = rectangles(items, lay_out(items, edges, tabs))
    assert not any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


@given(drawings(), st.booleans())
def test_a_group_holds_its_nodes_and_no_other(drawing, stacked) -> None:
    items, edges, tabs = drawing
    layout = lay_out(items, edges, tabs, stacked=stacked)
    box_of = {group: (x, y, x + w, y + h) for group, x, y, w, h, _ in layout.boxes}
    for i, item in enumerate(items):
        if layout.ranks[i] < 0:
            continue
        x, y = layout.x[i], layout.y[i] + item.height // 2
        inside = {g for g, b in box_of.items() if b[0] < x < b[2] and b[1] < y < b[3]}
        assert inside <= {item.group}
        assert item.group < 0 or item.group in inside
    assert not any(
        overlap(a, b)
        for g, a in box_of.items()
        for other, b in box_of.items()
        if g < other
    )


@given(drawings())
def test_edges_go_down_and_none_is_lost(drawing) -> None:
    items, edges, tabs = drawing
    layout = lay_out(items, edges, tabs)
    drawn = [edge for edge, _ in layout.routes] + [edge for edge, *_ in layout.stubs]
    assert sorted(drawn) == list(range(len(edges)))
    for edge, path in layout.routes:
        source, target = edges[edge]
        assert 0 < layout.ranks[target] - layout.ranks[source] <= SPAN
        ys = [layout.y[source] + items[source].height, *path[1::2], layout.y[target]]
        assert ys == sorted(ys)
        half = items[target].width // 2
        assert abs(path[-1] - layout.x[target]) <= half
        assert path[0] == layout.x[source]


@given(drawings())
def test_the_same_drawing_gives_the_same_integers(drawing) -> None:
    items, edges, tabs = drawing
    first, second = lay_out(items, edges, tabs), lay_out(items, edges, tabs)
    assert first == second
    flat = [*first.x, *first.y, first.width, first.height]
    flat += [value for _, path in first.routes for value in path]
    assert all(type(value) is int for value in flat)
    assert min(flat, default=0) >= 0


@given(drawings())
def test_everything_lies_on_the_card(drawing) -> None:
    items, edges, tabs = drawing
    layout = lay_out(items, edges, tabs)
    for left, top, right, bottom in rectangles(items, layout):
        assert left >= 0 and top >= 0
        assert right <= layout.width and bottom <= layout.height


def test_a_chain_is_one_straight_line() -> None:
    items = [Item(80, label=f"n{i}") for i in range(6)]
    layout = lay_out(items, [(i, i + 1) for i in range(5)])
    assert len(set(layout.x)) == 1
    assert all(len(path) == 1 for _, path in layout.routes)
    assert layout.ranks == [0, 1, 2, 3, 4, 5]


def test_a_long_edge_becomes_a_copy_and_a_tail() -> None:
    items = [Item(40, kind="input", label="x"), *[Item(60)] * 8, Item(60, label="last")]
    edges = [(i, i + 1) for i in range(9)] + [(0, 9)]
    layout = lay_out(items, edges)
    assert [(edge, own) for edge, _, _, own in layout.stubs] == [(9, False)]
    assert [(item, text) for item, _, _, text in layout.tails] == [(0, "last")]


def test_a_constant_stands_beside_its_first_user_and_is_copied_for_others() -> None:
    items = [Item(40, kind="constant"), Item(60), Item(60)]
    layout = lay_out(items, [(0, 1), (1, 2), (0, 2)])
    assert layout.ranks[0] == -1
    assert [own for *_, own in layout.stubs] == [True, False]


def test_stacked_groups_lie_below_the_groups_they_read() -> None:
    items = [Item(50, group=0), Item(50, group=0), Item(50, group=1)]
    layout = lay_out(items, [(0, 1), (0, 2)], [40, 40], stacked=True)
    (_, _, top, _, height, _), (_, _, below, _, _, _) = layout.boxes
    assert below >= top + height


def test_groups_that_read_each_other_still_get_a_layout() -> None:
    items = [Item(50, group=0), Item(50, group=1), Item(50, group=0)]
    layout = lay_out(items, [(0, 1), (1, 2)], [40, 40], stacked=True)
    assert layout.ranks == [0, 1, 2]


def test_a_backward_edge_is_cut() -> None:
    layout = lay_out([Item(50), Item(50)], [(0, 1), (1, 0)])
    assert [edge for edge, *_ in layout.stubs] == [1]


def test_nothing_has_an_empty_layout() -> None:
    layout = lay_out([], [])
    assert (layout.x, layout.routes, layout.boxes) == ([], [], [])


@pytest.mark.slow
def test_five_thousand_nodes_take_a_fraction_of_a_second() -> None:
    items = [Item(60 + 7 * i % 60, label=f"n{i}") for i in range(5000)]
    edges = [(i - 1, i) for i in range(1, 5000)]
    edges += [(i - 2 - 5 * i % 13, i) for i in range(20, 5000)]
    times = []
    for _ in range(3):
        start = time.process_time()
        lay_out(items, edges)
        times.append(time.process_time() - start)
    assert min(times) < 1.0  # 0.2 s on an idle core of 2024
