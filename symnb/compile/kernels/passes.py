"""Nests of ops that write their result in passes: join, set_slice, scatter, cumsum.

Each operand is computed where it is written, so what leads to it is fused. Passes run
one after the other; a scatter runs in order, because positions may repeat.
"""

from __future__ import annotations

from typing import Any

from symnb.compile.kernels.nest import (
    Axis,
    AxisKind,
    Buffer,
    Mode,
    Reduce,
    Stage,
    Store,
    axis,
    read,
    wrapped,
)
from symnb.compile.kernels.points import (
    Index,
    broadcast_index,
    known_position,
    shape_of,
)
from symnb.compile.kernels.space import NAMES, Space
from symnb.compile.kernels.values import Values
from symnb.core.dims import DimLike, bound
from symnb.core.node import Node
from symnb.ops.cumulative import Cumulative
from symnb.ops.slicing import SET_SLICE


def lower_passes(
    node: Node, values: Values
) -> tuple[tuple[Axis, ...], tuple[Stage, ...]]:
    """(outer axes, stages) that compute `node`."""
    out = values.outputs[node]
    kind = node.op.kind
    if kind == "cumulative":
        return _scan(node, values, out)
    if kind == "join":
        return (), _join(node, values, out)
    if node.op is SET_SLICE:
        return (), _set_slice(node, values, out)
    return (), _scatter(node, values, out)


def loops(shape: Index, kind: AxisKind = "parallel") -> tuple[tuple[Axis, ...], Index]:
    """Axes over a shape, and the index of a point."""
    axes: list[Axis] = []
    at: list[DimLike] = []
    for number, size in enumerate(shape):
        if size == 1:
            at.append(0)
            continue
        name = NAMES[number] if number < len(NAMES) else f"i{number}"
        axes.append(axis(name, size, kind))
        at.append(axes[-1].at)
    return tuple(axes), tuple(at)


def _copy(x: Node, values: Values, out: Buffer) -> Stage:
    axes, at = loops(shape_of(x))
    return Stage(axes, stores=(Store(out, at, values.at(x, at)),))


def _join(node: Node, values: Values, out: Buffer) -> tuple[Stage, ...]:
    along: int = node.params[0]
    stages: list[Stage] = []
    start: DimLike = 0
    for x in node.operands:
        axes, at = loops(shape_of(x))
        place = (*at[:along], start + at[along], *at[along + 1 :])
        stages.append(Stage(axes, stores=(Store(out, place, values.at(x, at)),)))
        start = start + shape_of(x)[along]
    return tuple(stages)


def _set_slice(node: Node, values: Values, out: Buffer) -> tuple[Stage, ...]:
    x, y = node.operands
    index: tuple[Any, ...] = node.params[0]
    mode: Mode = node.params[1]
    axes, at = loops(shape_of(y))
    inner = iter(at)
    place: list[DimLike] = []
    for entry in index:
        part: Any = entry
        spans = isinstance(entry, tuple)
        place.append(part[0] + part[2] * next(inner) if spans else part)
    store = Store(out, tuple(place), values.at(y, at), mode)
    return _copy(x, values, out), Stage(axes, stores=(store,))


def _scatter(node: Node, values: Values, out: Buffer) -> tuple[Stage, ...]:
    x, y, *indices = node.operands
    axes: tuple[int, ...] = node.params[0]
    mode: Mode = node.params[1]
    first = axes[0]
    shapes = [shape_of(i) for i in indices]
    rank = max(len(shape) for shape in shapes)
    loop_axes, at = loops(shape_of(node_part(node)), "ordered")
    loop_axes = _apart(loop_axes, at[first + rank :])
    inner = at[first : first + rank]
    found: list[DimLike] = []
    for i, along in zip(indices, axes, strict=True):
        where = broadcast_index(shape_of(i), inner)
        extent = shape_of(x)[along]
        known = known_position(i, where, extent)
        if known is None:
            value = values.same(wrapped(values.at(i, where), extent, along))
            known = bound(value, "g")
        found.append(known)
    place = (*at[:first], *found, *at[first + rank :])
    value = values.at(y, broadcast_index(shape_of(y), at))
    store = Store(out, place, value, mode)
    return _copy(x, values, out), Stage(loop_axes, stores=(store,))


def _apart(axes: tuple[Axis, ...], inner: Index) -> tuple[Axis, ...]:
    """The axes, those of `inner` in any order: they write to places of their own."""
    free = [at for at in inner if at != 0]
    return tuple(Axis(a.atom) if a.at in free else a for a in axes)


def node_part(node: Node) -> Node:
    """The operand of a scatter that has the shape of the part written."""
    return node.operands[1]


def _scan(
    node: Node, values: Values, out: Buffer
) -> tuple[tuple[Axis, ...], tuple[Stage, ...]]:
    assert isinstance(node.op, Cumulative)
    [along] = node.params
    space = Space(shape_of(node), (along,))
    outer, [inner] = space.outer, space.inner
    ordered = Axis(inner.atom, "ordered")
    value = values.at(node.operands[0], space.full)
    running = values.same(read("r0", node.dtype), node)
    stage = Stage(
        (ordered,),
        reductions=(Reduce("r0", node.op.combine, value),),
        stores=(Store(out, space.full, running),),
    )
    return outer, (stage,)
