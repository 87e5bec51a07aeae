"""`Space`: the loop axes the nodes of one kernel share, and each node's place in it.

A space is a shape with some axes reduced. A node is at home in it at the full index
(one element per point), or at the kept index (one element per point of the axes that
are not reduced, like a row's sum). Made a few times per region.
"""

from __future__ import annotations

from symnb.compile.kernels.nest import Axis, axis
from symnb.compile.kernels.points import Index, Role, kept_index, role, shape_of
from symnb.core.dims import DimLike
from symnb.core.node import Node

NAMES = "ijkl"


class Space:
    """The axes of `shape`; those in `reduced` are combined.

    axes  per position an Axis, or None where the size is 1 and not reduced
    full  the index of a point
    """

    def __init__(self, shape: Index, reduced: tuple[int, ...] = ()) -> None:
        self.shape = shape
        self.reduced = reduced
        self.axes = tuple(
            None if size == 1 and at not in reduced else self._axis(at, size)
            for at, size in enumerate(shape)
        )
        self.full: Index = tuple(0 if a is None else a.at for a in self.axes)

    def _axis(self, at: int, size: DimLike) -> Axis:
        name = NAMES[at] if at < len(NAMES) else f"i{at}"
        return axis(name, size, "reduce" if at in self.reduced else "parallel")

    @property
    def outer(self) -> tuple[Axis, ...]:
        """The axes that are kept."""
        pairs = enumerate(self.axes)
        return tuple(a for at, a in pairs if a is not None and at not in self.reduced)

    @property
    def inner(self) -> tuple[Axis, ...]:
        """The axes that are reduced."""
        pairs = enumerate(self.axes)
        return tuple(a for at, a in pairs if a is not None and at in self.reduced)

    def home(self, node: Node) -> Index | None:
        """The index at which `node` is computed here; None: other axes."""
        kind: Role = role(node)
        if kind == "reduce":
            same = shape_of(node.inputs[0]) == self.shape
            if not same or node.params[0] != self.reduced:
                return None
            return kept_index(node, self.full)
        shape = shape_of(node)
        if shape == self.shape:
            return self.full
        if not self.reduced:
            return None
        return self._kept(shape)

    def _kept(self, shape: Index) -> Index | None:
        """The kept index in a shape with or without the reduced axes."""
        pairs = list(enumerate(zip(self.full, self.shape, strict=True)))
        ones = tuple(1 if at in self.reduced else size for at, (_, size) in pairs)
        if shape == ones:
            return tuple(0 if at in self.reduced else i for at, (i, _) in pairs)
        rest = [pair for at, pair in pairs if at not in self.reduced]
        if shape == tuple(size for _, size in rest):
            return tuple(i for i, _ in rest)
        return None


def space_of(anchors: tuple[Node, ...]) -> Space:
    """The space of a kernel with these anchors: that of its reductions, if any."""
    for node in anchors:
        if role(node) == "reduce":
            return Space(shape_of(node.inputs[0]), node.params[0])
    return Space(shape_of(anchors[0]))
