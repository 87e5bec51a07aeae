"""Which points of its operands a node needs at one point of its own.

An index is a tuple of DimLikes, one per axis. Elementwise ops broadcast, views map,
a gather puts data into the index of its first operand. Used by partitioning (may
these nodes share a loop?) and by lowering (what to load), a few microseconds per
node and point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from symnb.core.dims import DimLike, is_nonnegative, prove_lt
from symnb.core.node import SIZE, Constant, Node
from symnb.core.types import TensorType
from symnb.ops.c_text import template
from symnb.ops.cast import CAST
from symnb.ops.create import IOTA
from symnb.ops.define import Elementwise, Reduction, View

Index = tuple[DimLike, ...]
# (integer node, index of its element, extent, axis) -> its value as a position
Position = Callable[[Node, Index, DimLike, int], DimLike]

Role = Literal["map", "reduce", "scan", "write", "extern", "opaque"]
# map      one element at a time, wherever it is needed: fuses freely
# reduce   combines along axes
# scan     running values along an axis
# write    writes parts of its result in turn (join, scatter)
# extern   for a library (dot), or C of its own (sort)
# opaque   no C: the NumPy reference

ROLES: dict[str, Role] = {
    "elementwise": "map",
    "identity": "map",
    "view": "map",
    "size": "map",
    "create": "map",
    "gather": "map",
    "random": "map",
    "reduction": "reduce",
    "cumulative": "scan",
    "join": "write",
    "scatter": "write",
    "contract": "extern",
    "order": "extern",
}


def role(node: Node) -> Role:
    """How a node takes part in kernels. Decided by kind, never by name."""
    known = ROLES.get(node.op.kind, "opaque")
    if known == "map" and not has_points(node):
        return "opaque"
    if known == "reduce":
        if not isinstance(node.op, Reduction):
            return "opaque"
        return "reduce" if node.params[0] else "map"
    return known


def has_points(node: Node) -> bool:
    """Whether single elements of a map node can be computed in C."""
    op = node.op
    if op.kind == "elementwise":
        has_text = isinstance(op, Elementwise) and template(op, node.inputs[-1].dtype)
        return op is CAST or bool(has_text)
    if op.kind == "view":
        return isinstance(op, View)
    if op.kind == "create":
        return op is IOTA
    return op.kind != "random"


def shape_of(node: Node) -> Index:
    """The sizes of a tensor node."""
    assert isinstance(node.type, TensorType)
    return node.type.shape


def kept_index(node: Node, full: Index) -> Index:
    """The index of a reduction's result when its operand is at `full`."""
    axes, keepdims = node.params[0], node.params[1]
    if keepdims:
        return tuple(0 if i in axes else at for i, at in enumerate(full))
    return tuple(at for i, at in enumerate(full) if i not in axes)


def operand_points(
    node: Node, at: Index, position: Position
) -> list[tuple[Node, Index]]:
    """(operand, index) for each element that `node` needs at `at`, in operand order."""
    kind = node.op.kind
    if kind in ("elementwise", "identity", "reduction"):
        return [(x, broadcast_index(shape_of(x), at)) for x in node.operands]
    if kind == "view":
        assert isinstance(node.op, View)
        return [(node.inputs[0], node.op.index(node, at))]
    if kind == "gather":
        return _gather_points(node, at, position)
    return []


def broadcast_index(shape: Index, at: Index) -> Index:
    """The index into an operand of `shape` for the element `at` of the result."""
    inner = at[len(at) - len(shape) :]
    return tuple(0 if size == 1 else i for size, i in zip(shape, inner, strict=True))


def _gather_points(
    node: Node, at: Index, position: Position
) -> list[tuple[Node, Index]]:
    source, *indices = node.operands
    axes: tuple[int, ...] = node.params[0]
    first, count = axes[0], len(axes)
    ndim = max(shape_rank(x) for x in indices)
    inner = at[first : first + ndim]
    points = [(x, broadcast_index(shape_of(x), inner)) for x in indices]
    found = [
        position(x, where, shape_of(source)[axis], axis)
        for (x, where), axis in zip(points, axes, strict=True)
    ]
    whole = (*at[:first], *found, *at[first + ndim :])
    assert len(whole) == len(shape_of(source)), (node, first, count)
    return [(source, whole), *points]


def shape_rank(node: Node) -> int:
    """Number of axes."""
    return len(shape_of(node))


def known_position(node: Node, at: Index, extent: DimLike) -> DimLike | None:
    """The value of an integer node at `at` as a Dim proven to be in [0, extent),
    or None: data, or not proven."""
    value = _known_value(node, at)
    if value is None:
        return None
    if is_nonnegative(value) and prove_lt(value, extent):
        return value
    negative = value + extent
    known = is_nonnegative(negative) and prove_lt(value, 0)
    return negative if known else None


def _known_value(node: Node, at: Index) -> DimLike | None:
    """A node that counts (iota, seen through views and casts) or is a size."""
    while True:
        if isinstance(node, Constant):
            value = node.value
            return int(value.reshape(-1)[0]) if value.size == 1 else None
        if node.op is SIZE:
            return node.params[0]
        if node.op is IOTA:
            along: int = node.params[1]
            return at[along]
        if isinstance(node.op, View):
            at = node.op.index(node, at)
        elif node.op is not CAST or not node.dtype.startswith("int"):
            return None
        node = node.inputs[0]


def is_inline(node: Node) -> bool:
    """Whether a leaf is written into the code: a constant of one element."""
    return isinstance(node, Constant) and node.value.size == 1


def total(shape: Index) -> DimLike:
    """Number of elements."""
    count: DimLike = 1
    for size in shape:
        count = count * size
    return count


def offset(shape: Index, at: Index) -> DimLike:
    """Linear position of an element in C order."""
    place: DimLike = 0
    for i, size in zip(at, shape, strict=True):
        place = place * size + i
    return place
