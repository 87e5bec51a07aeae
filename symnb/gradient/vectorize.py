"""`vectorize`: a graph computed for a whole batch of one of its inputs at once.

The new axis is the first of every batched value. Each op kind has one rule, because
elementwise ops broadcast by themselves and structural ops only shift their axes. Used
for Jacobians (the rows of an identity are a batch of vectors), and public as Theano's
successors know it. Linear in the graph; no recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from symnb.core import walk
from symnb.core.dims import Atom, DimLike
from symnb.core.node import Input, Node, make, size
from symnb.core.types import TensorType
from symnb.errors import NoGradientError, ShapeError
from symnb.ops.create import iota
from symnb.ops.dot import batched_dot, dot, tensordot
from symnb.ops.index import gather
from symnb.ops.join import stack
from symnb.ops.view import broadcast_to, expand_dims, reshape, shape_of, transpose

Rule = Callable[[Node, list["Batched"], DimLike], Node]


class Batched:
    """A value of the graph in the batch: its node, and whether it has the axis."""

    __slots__ = ("node", "old", "on")

    def __init__(self, old: Node, node: Node, on: bool) -> None:
        self.old = old
        self.node = node
        self.on = on

    def full(self, count: DimLike, ndim: int | None = None) -> Node:
        """With the batch axis, and `ndim` axes after it."""
        node = self.padded(ndim if ndim is not None else self.old.ndim)
        if self.on:
            return node
        return broadcast_to(node, (size(count), *node.shape))

    def padded(self, ndim: int) -> Node:
        """With axes of size 1 so that `ndim` axes follow the batch axis."""
        missing = ndim - self.old.ndim
        if missing <= 0 or not self.on:
            return self.node
        return expand_dims(self.node, tuple(range(1, 1 + missing)))


def vectorize(roots: Sequence[Node], batch: Mapping[Node, Node]) -> list[Node]:
    """`roots` with leaves replaced by batches of them along a new first axis.

    batch  leaf (..) -> node (count, ..) of the same dtype
    ->     one node (count, ..) per root, repeated where it does not depend on a leaf

    Raises ShapeError when a batch has the wrong number of axes, NoGradientError for
    an op without a rule.
    """
    count = _count(batch)
    roots, batch = _resized(roots, batch)
    done: dict[Node, Batched] = {}
    for node in walk.order(roots, stop=batch):
        if node in batch:
            done[node] = Batched(node, batch[node], True)
            continue
        inputs = [done[x] for x in node.operands]
        if any(x.on for x in inputs):
            done[node] = Batched(node, _apply(node, inputs, count), True)
        else:
            done[node] = Batched(node, node, False)
    return [done[root].full(count) for root in roots]


vectorize_graph = vectorize


def _count(batch: Mapping[Node, Node]) -> DimLike:
    sizes = [new.tensor_type.shape[0] for new in batch.values() if new.ndim]
    for old, new in batch.items():
        if new.ndim != old.ndim + 1:
            raise ShapeError(f"the batch of {old} has {new.ndim} axes.")
    return sizes[0]


def _resized(
    roots: Sequence[Node], batch: Mapping[Node, Node]
) -> tuple[Sequence[Node], Mapping[Node, Node]]:
    """The graph over leaves with the sizes of one entry of their batch."""
    single: dict[Node, Node] = {}
    facts: dict[Atom, DimLike] = {}
    for old, new in batch.items():
        type = TensorType(new.dtype, shape_of(new)[1:])
        single[old] = Input(type, old.name)
        facts.update(walk.leaf_facts(old, single[old]))
    if not facts:
        return roots, batch
    image = walk.rebuild(roots, single, facts)
    return (
        [image[root] for root in roots],
        {single[old]: new for old, new in batch.items()},
    )


def _apply(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    rule = RULES.get(node.op.name) or BY_KIND.get(node.op.kind)
    if rule is not None:
        return rule(node, inputs, count)
    if isinstance(count, int):
        return _one_by_one(node, inputs, count)
    raise NoGradientError(
        f"{node.op.name} cannot be computed for a batch of unknown size.\n"
        "Fix: give the tensor a static size."
    )


def _one_by_one(node: Node, inputs: list[Batched], count: int) -> Node:
    rows = [
        make(
            node.op,
            tuple(x.node[i] if x.on else x.node for x in inputs),
            node.params,
        )
        for i in range(count)
    ]
    return stack(rows)


def _elementwise(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    ndim = max(x.old.ndim for x in inputs)
    return make(node.op, tuple(x.padded(ndim) for x in inputs), node.params)


def _shifted_axes(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    axes, *rest = node.params
    moved = tuple(axis + 1 for axis in axes)
    return make(node.op, (inputs[0].node,), (moved, *rest))


def _shifted_axis(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    axis, *rest = node.params
    return make(node.op, (inputs[0].node,), (axis + 1, *rest))


def _transpose(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    axes = (0, *(axis + 1 for axis in node.params[0]))
    return transpose(inputs[0].node, axes)


def _longer_shape(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    operand = inputs[0].padded(len(node.params[0]))
    return make(node.op, (operand,), ((count, *node.params[0]),))


def _reshape(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    return make(node.op, (inputs[0].node,), ((count, *node.params[0]),))


def _sum_to_shape(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    shape = node.params[0]
    lead = tuple(range(1, 1 + inputs[0].old.ndim - len(shape)))
    operand = inputs[0].node.sum(axis=lead) if lead else inputs[0].node
    return make(node.op, (operand,), ((count, *shape),))


def _slice(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    return make(node.op, (inputs[0].node,), (((0, count, 1), *node.params[0]),))


def _set_slice(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    index, mode = node.params
    part = sum(isinstance(entry, tuple) for entry in index)
    operands = inputs[0].full(count), inputs[1].full(count, part)
    return make(node.op, operands, (((0, count, 1), *index), mode))


def _join(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    parts = tuple(x.full(count) for x in inputs)
    return make(node.op, parts, (node.params[0] + 1,))


def _gather(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    x, *places = inputs
    axes = tuple(axis + 1 for axis in node.params[0])
    if not any(place.on for place in places):
        return make(node.op, (x.node, *(p.node for p in places)), (axes,))
    ndim = max(place.old.ndim for place in places)
    rows = reshape(iota((count,), 0), (size(count), *([1] * ndim)))
    wide = [rows, *(place.padded(ndim) for place in places)]
    first = (0, *axes, *(a for a in range(1, x.old.ndim + 1) if a not in axes))
    taken = gather(transpose(x.full(count), first), wide, tuple(range(len(wide))))
    lead = node.params[0][0]
    axis_order = list(range(taken.ndim))
    index_axes = axis_order[1 : 1 + ndim]
    rest = axis_order[1 + ndim :]
    return transpose(taken, (0, *rest[:lead], *index_axes, *rest[lead:]))


def _scatter(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    x, y, *places = inputs
    if any(place.on for place in places):
        if isinstance(count, int):
            return _one_by_one(node, inputs, count)
        raise NoGradientError("scatter at batched places needs a static batch size.")
    axes, mode = node.params
    rank = max(p.old.ndim for p in places) + x.old.ndim - len(axes)
    operands = (x.full(count), y.full(count, rank), *(p.node for p in places))
    return make(node.op, operands, (tuple(a + 1 for a in axes), mode))


def _dot(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    a, b = inputs
    if not b.on:
        return tensordot(a.node, b.node, ((a.node.ndim - 1,), (0,)))
    if not a.on and b.old.ndim == 1:
        return dot(b.node, a.node) if a.old.ndim == 1 else dot(b.node, a.node.T)
    if not a.on and a.old.ndim == 1:
        return tensordot(b.node, a.node, ((1,), (0,)))
    left, right = a.full(count), b.full(count)
    if a.old.ndim == 1:
        left = expand_dims(left, 1)
    if b.old.ndim == 1:
        right = expand_dims(right, -1)
    product = batched_dot(left, right)
    gone = tuple(
        axis for axis, x in ((1, a), (2, b)) if x.old.ndim == 1
    )  # fmt: skip
    return product.squeeze(gone) if gone else product


def _batched_dot(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    a, b = (x.full(count) for x in inputs)
    rows = a.shape[0] * a.shape[1]
    product = batched_dot(
        reshape(a, (rows, *a.shape[2:])), reshape(b, (rows, *b.shape[2:]))
    )
    return reshape(product, (*a.shape[:2], *product.shape[1:]))


def _leading(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    """An op of matrices, whose axes before the last two are a batch anyway."""
    return make(node.op, (inputs[0].node,), node.params)


def _solve(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    """Right sides for one matrix are more columns: it is factored once."""
    a, b = inputs
    if a.on or a.old.ndim > 2:
        right = b.full(count)
        sides = expand_dims(right, -1) if b.old.ndim == 1 else right
        result = make(node.op, (a.full(count), sides), node.params)
        return result.squeeze(-1) if b.old.ndim == 1 else result
    if b.old.ndim == 1:
        return transpose(make(node.op, (a.node, transpose(b.node)), node.params))
    rows = transpose(b.node, (1, 0, 2))
    flat = reshape(rows, (rows.shape[0], rows.shape[1] * rows.shape[2]))
    result = make(node.op, (a.node, flat), node.params)
    return transpose(reshape(result, rows.shape), (1, 0, 2))


def _pick(node: Node, inputs: list[Batched], count: DimLike) -> Node:
    return make(node.op, (inputs[0].node,), node.params)


BY_KIND: dict[str, Rule] = {
    "pick": _pick,
    "elementwise": _elementwise,
    "identity": _elementwise,
    "effect": _elementwise,
    "reduction": _shifted_axes,
    "cumulative": _shifted_axis,
}

RULES: dict[str, Rule] = {
    "transpose": _transpose,
    "expand_dims": _shifted_axes,
    "squeeze": _shifted_axes,
    "broadcast_to": _longer_shape,
    "specify_shape": _longer_shape,
    "reshape": _reshape,
    "sum_to_shape": _sum_to_shape,
    "slice": _slice,
    "set_slice": _set_slice,
    "join": _join,
    "gather": _gather,
    "scatter": _scatter,
    "dot": _dot,
    "batched_dot": _batched_dot,
    "sort": _shifted_axis,
    "argsort": _shifted_axis,
    "solve": _solve,
    "solve_triangular": _solve,
}
RULES |= {
    name: _leading
    for name in (
        "inv", "det", "slogdet", "adjugate", "pinv", "expm", "cholesky", "eigh",
        "eigvalsh", "qr", "svd", "svdvals",
    )
}  # fmt: skip
