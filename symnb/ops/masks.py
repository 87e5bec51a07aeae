"""The places where a tensor is true: `nonzero` and its relations.

How many there are is known only while running: the result's size is bound to the
scalar that counts them. Indexing by one mask twice gives one size, so that
`x[mask] - y[mask]` needs no assumption.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from symnb.core.node import Constant, Node, as_dim, make, size
from symnb.core.op import Op, Params, Types
from symnb.core.seams import slots
from symnb.core.types import TensorType, Type
from symnb.errors import DTypeError, RankError
from symnb.ops import reduce
from symnb.ops.cast import cast
from symnb.ops.define import as_node
from symnb.ops.join import stack
from symnb.ops.logic import not_equal
from symnb.ops.sizes import Sizes, product
from symnb.ops.view import shape_of, specify_shape


def _infer(types: Types, params: Params) -> Type:
    if types[0].dtype != "bool":
        raise DTypeError(f"the places of a mask, not of {types[0]}.")
    return TensorType("int64", (params[0],))


NONZERO_FLAT = Op(
    name="nonzero_flat", kind="order", params=("count",), infer=_infer,
    numpy=lambda mask, count: np.flatnonzero(mask),
    no_gradient="places are integers", tags=frozenset({"distinct"}),
    doc="The C-order positions of the true elements; `count` is their number.",
)  # fmt: skip


def _flat_places(mask: Node) -> Node:
    """The positions of the true elements, ascending; one node per mask."""
    if isinstance(mask, Constant):
        return Constant(np.flatnonzero(mask.value))
    known = getattr(mask.tag, "places", lambda: None)()
    if known is None:
        count = as_dim(reduce.sum(cast(mask, "int64")))
        known = make(NONZERO_FLAT, (mask,), (count,))
        mask.tag.places = weakref.ref(known)  # weak: the places hold the mask
    return known


def _truth(x: Any) -> Node:
    """x as a mask; a tag keeps it, so that the same x gives the same mask."""
    node = as_node(x)
    if node.dtype == "bool":
        return node
    known = getattr(node.tag, "truth", lambda: None)()
    if known is None:
        known = not_equal(node, 0)
        node.tag.truth = weakref.ref(known)
    return known


def flatnonzero(x: Any) -> Node:
    """The positions, in C order, of the nonzero elements of x."""
    return _flat_places(_truth(x))


def places_of(mask: Node) -> list[Node]:
    """One index vector per axis: the places of the true elements in C order."""
    if mask.ndim == 0:
        raise RankError("the nonzero places of a scalar.\nFix: use T.atleast_1d(x).")
    flat = _flat_places(mask)
    if mask.ndim == 1:
        return [flat]
    return _coordinates(flat, shape_of(mask))


def _coordinates(flat: Node, shape: Sizes) -> list[Node]:
    """The index per axis of C-order positions in a tensor of `shape`."""
    found: list[Node] = []
    for axis, length in enumerate(shape):
        place = flat
        behind = product(shape[axis + 1 :])
        if behind != 1:
            place = place // size(behind)
        if axis:
            place = place % size(length)
        found.append(place)
    return found


def mask_places(mask: Node, sizes: Sizes) -> list[Node]:
    """The places of a mask over axes of these sizes, which must be its own."""
    if shape_of(mask) == sizes:
        return places_of(mask)
    fitting: dict[Sizes, Any] = mask.tag.__dict__.setdefault("fitting", {})
    known = fitting.get(sizes, lambda: None)()
    if known is None:
        known = specify_shape(mask, sizes)
        fitting[sizes] = weakref.ref(known)
    return places_of(known)


def nonzero(x: Any, return_matrix: bool = False) -> Any:
    """Index vectors of the nonzero elements of x, one per axis, in C order.

    return_matrix  as the rows of one matrix, as in Theano
    """
    places = places_of(_truth(x))
    return stack(places) if return_matrix else tuple(places)


def argwhere(x: Any) -> Node:
    """The places of the nonzero elements, one a row."""
    return stack(places_of(_truth(x)), axis=1)


slots.fill(nonzero=nonzero, mask_places=mask_places)
