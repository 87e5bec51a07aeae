"""Order: sort, argsort, topk, unique, searchsorted, bincount.

NaN sorts behind every number, as in NumPy; sorting is stable. Ops of kind `order` have
C of their own, those of kind `sort` run by their NumPy reference; the functions around
them (unique, topk) are gathers and elementwise ops, with gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.dims import DimLike
from symnb.core.node import Node, as_dim, make, size
from symnb.core.op import Op, Params, Types
from symnb.core.seams import slots
from symnb.core.types import TensorType, Type
from symnb.errors import DTypeError, RankError, ShapeError
from symnb.ops import reduce
from symnb.ops.arithmetic import maximum
from symnb.ops.cast import cast
from symnb.ops.create import iota, zeros_like
from symnb.ops.cumulative import cumsum
from symnb.ops.define import as_node, promoted
from symnb.ops.getitem import getitem
from symnb.ops.index import gather, scatter
from symnb.ops.join import concatenate
from symnb.ops.logic import equal, isnan, not_equal
from symnb.ops.masks import flatnonzero
from symnb.ops.selection import put_along_axis, take, take_along_axis
from symnb.ops.sizes import equal_pairs, normal_axis, product, static_length
from symnb.ops.slicing import flip
from symnb.ops.view import moveaxis, reshape, shape_of, specify_shape

Array = Any


# ------------------------------------------------------------------------- sort


def _sort_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    x, axis = node.inputs[0], node.params[0]
    return [put_along_axis(zeros_like(x), argsort(x, axis), g, axis)]


def _sort_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dx, axis = tangents[0], node.params[0]
    if dx is None:
        return None
    return take_along_axis(dx, argsort(node.inputs[0], axis), axis)


SORT = Op(
    name="sort", kind="order", params=("axis",), infer=lambda types, params: types[0],
    numpy=lambda x, axis: np.sort(x, axis, kind="stable"),
    vjp=_sort_vjp, jvp=_sort_jvp, flops=20.0,
    doc="The elements in ascending order along an axis, NaN last.",
)  # fmt: skip

ARGSORT = Op(
    name="argsort", kind="order", params=("axis",), flops=20.0,
    infer=lambda types, params: types[0].with_dtype("int64"),
    numpy=lambda x, axis: np.argsort(x, axis, kind="stable"),
    no_gradient="places are integers",
    doc="The places from which a stable sort along an axis takes its elements.",
)  # fmt: skip

_KINDS = (None, "quicksort", "mergesort", "heapsort", "stable", "auto", "radixsort")


def _operand(
    x: Any, axis: int | None, kind: str | None, order: Any
) -> tuple[Node, int]:
    if kind not in _KINDS or order is not None:
        raise ValueError(f"sorting knows no kind={kind!r}, order={order!r}.")
    node = as_node(x)
    if axis is None:
        return reshape(node, -1), 0
    if not node.ndim:
        raise RankError("a scalar has no order.\nFix: use axis=None.")
    return node, normal_axis(axis, node.ndim)


def sort(
    x: Any, axis: int | None = -1, kind: str | None = None, order: Any = None
) -> Node:
    """x in ascending order along `axis` (None: flattened), NaN last.

    kind  accepted for NumPy's sake; every sort is stable
    """
    node, place = _operand(x, axis, kind, order)
    return make(SORT, (node,), (place,))


def argsort(
    x: Any, axis: int | None = -1, kind: str | None = None, order: Any = None
) -> Node:
    """int64: the places that sort x along `axis`; equal elements keep their order."""
    node, place = _operand(x, axis, kind, order)
    return make(ARGSORT, (node,), (place,))


# ------------------------------------------------------------------------- topk


def argtopk(
    x: Any, kth: Any, axis: int | None = -1, sorted: bool = True,
    idx_dtype: Any = "int64",
) -> Node:  # fmt: skip
    """Places of the kth largest elements, largest first; -k: of the k smallest.

    kth     not 0, at most the size of the axis; may be symbolic if positive
    sorted  accepted; the result always is. Of equal elements the last comes first
            (for -k the first). NaN counts as largest.
    """
    node, place = _operand(x, axis, None, None)
    number = as_dim(kth)
    smallest = isinstance(number, int) and number < 0
    count: DimLike = -number if smallest else number
    if number == 0:
        raise ShapeError("topk of 0 elements.\nFix: give k > 0, or k < 0 for smallest.")
    length = static_length(node, place)
    if isinstance(count, int) and length is not None and count > length:
        raise ShapeError(f"topk of {count} of {length} elements.")
    order = argsort(node, place)
    ends = order if smallest else flip(order, place)
    return cast(_first(ends, count, place), idx_dtype)


def _first(x: Node, count: DimLike, axis: int) -> Node:
    """The first `count` elements along an axis; fewer are an error while running."""
    whole = (slice(None),) * axis
    part = getitem(x, (*whole, slice(None, size(count))))
    sizes = list(shape_of(part))
    sizes[axis] = count
    return specify_shape(part, tuple(sizes))


def topk(
    x: Any, kth: Any, axis: int | None = -1, sorted: bool = True,
    idx_dtype: Any = "int64",
) -> Node:  # fmt: skip
    """The kth largest elements, largest first; -k: the k smallest, smallest first."""
    return topk_and_argtopk(x, kth, axis, sorted, idx_dtype)[0]


def topk_and_argtopk(
    x: Any, kth: Any, axis: int | None = -1, sorted: bool = True,
    idx_dtype: Any = "int64",
) -> list[Node]:  # fmt: skip
    """[topk, argtopk]."""
    node, place = _operand(x, axis, None, None)
    places = argtopk(node, kth, place, sorted, idx_dtype)
    return [take_along_axis(node, places, place), places]


# ------------------------------------------------------------------ searchsorted


def _infer_search(types: Types, params: Params) -> Type:
    line, v = types
    if line.ndim != 1:
        raise RankError(f"searchsorted looks into a vector, not {line}.")
    if params[0] not in ("left", "right"):
        raise ValueError(f'side is "left" or "right", not {params[0]!r}.')
    return v.with_dtype("int64")


SEARCHSORTED = Op(
    name="searchsorted", kind="order", arity=2, params=("side",), infer=_infer_search,
    numpy=lambda line, v, side: np.searchsorted(line, v, side), flops=20.0,
    no_gradient="places are integers",
    doc="Where to insert v so that a sorted vector stays sorted.",
)  # fmt: skip


def searchsorted(x: Any, v: Any, side: str = "left", sorter: Any = None) -> Node:
    """int64, shape of v: before which place of the sorted vector x to insert v.

    side    "left": x[i-1] < v <= x[i]; "right": x[i-1] <= v < x[i]
    sorter  places that sort x, e.g. argsort(x)
    """
    line, values = promoted([x, v])
    if sorter is not None:
        line = getitem(line, as_node(sorter))
    return make(SEARCHSORTED, (line, values), (side,))


# ---------------------------------------------------------------------- bincount


def _infer_bincount(types: Types, params: Params) -> Type:
    for x in types:
        if x.ndim != 1:
            raise RankError(f"bincount counts a vector, not {x}.")
    dtype = "int64" if len(types) == 1 else "float64"
    return TensorType(dtype, (params[0],))


def _weights_vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    return [None, gather(g, [node.inputs[0]], (0,))]


def _weights_jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dw = tangents[1]
    return None if dw is None else make(node.op, (node.inputs[0], dw), node.params)


BINCOUNT = Op(
    name="bincount", kind="sort", params=("length",), infer=_infer_bincount,
    numpy=lambda x, length: np.bincount(x, minlength=length),
    no_gradient="a count varies in steps",
    doc="How often each of 0 ... length - 1 occurs in a vector.",
)  # fmt: skip

WEIGHTED_BINCOUNT = Op(
    name="weighted_bincount", kind="sort", arity=2, params=("length",),
    infer=_infer_bincount, vjp=_weights_vjp, jvp=_weights_jvp,
    numpy=lambda x, weights, length: np.bincount(x, weights, length),
    assumes=lambda types, params: equal_pairs(types[0].shape, types[1].shape),
    doc="The sum of the weights of each of 0 ... length - 1 in a vector.",
)  # fmt: skip


def bincount(
    x: Any, weights: Any = None, minlength: Any = None, assert_nonneg: bool = False
) -> Node:
    """How often each of 0 ... max(x) occurs in the vector x of integers >= 0.

    weights    what each occurrence counts; the result is then float64
    minlength  the least length of the result

    A negative entry raises while running.
    """
    node = as_node(x)
    if dtypes.is_float(node.dtype):
        raise DTypeError(f"bincount counts integers, not {node.type}.")
    node = cast(node, "int64")
    least = as_dim(0 if minlength is None else minlength)
    most = reduce.max(concatenate([node.flatten(), np.array([-1])])) + 1
    length = as_dim(maximum(most, size(least)))
    if weights is None:
        return make(BINCOUNT, (node,), (length,))
    return make(WEIGHTED_BINCOUNT, (node, cast(as_node(weights), "float64")), (length,))


# ------------------------------------------------------------------------ unique


def _infer_lexsort(types: Types, params: Params) -> Type:
    if types[0].ndim != 2:
        raise RankError(f"the rows of a matrix, not of {types[0]}.")
    return TensorType("int64", types[0].shape[1:])


LEXSORT = Op(
    name="lexsort", kind="sort", infer=_infer_lexsort, numpy=np.lexsort, flops=20.0,
    no_gradient="places are integers",
    doc="The places that sort columns by the last row, then the one before, and so on.",
)  # fmt: skip


def lexsort(keys: Any) -> Node:
    """int64: the places that sort by the last of `keys`, ties by the one before.

    keys  the rows of a matrix, or a list of vectors
    """
    return make(LEXSORT, (as_node(keys),))


def unique(
    x: Any, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: int | None = None,
) -> Any:  # fmt: skip
    """The distinct elements of x, sorted; NaN is one of them at most.

    return_index    also the place of the first of each
    return_inverse  also, for each element of the flattened x, its place in the result
    return_counts   also how often each occurs
    axis            distinct slices along an axis instead of elements

    A tensor, or a list when more than it is asked for.
    """
    node = as_node(x)
    rows = _rows(node, axis)
    if axis is None:
        order, sorted_rows = argsort(rows), sort(rows)
        new = _differs(sorted_rows)
    else:
        order = lexsort(flip(rows.T, 0))
        sorted_rows = take(rows, order, 0)
        new = reduce.any(_differs(sorted_rows), axis=1) | equal(_count(order), 0)
    first = flatnonzero(new)
    place = 0 if axis is None else normal_axis(axis, node.ndim)
    source = sorted_rows if axis is None else take(moveaxis(node, place, 0), order, 0)
    found = [moveaxis(take(source, first, 0), 0, place)]
    if return_index:
        found.append(take(order, first))
    if return_inverse:
        rank = cumsum(cast(new, "int64")) - 1
        found.append(scatter(zeros_like(order), rank, [order], (0,), "set"))
    if return_counts:
        after = concatenate([first[1:], size(shape_of(order)[0]).reshape(1)])
        found.append(after[: first.shape[0]] - first)
    return found[0] if len(found) == 1 else found


def _rows(x: Node, axis: int | None) -> Node:
    """The elements of x as a vector, or its slices along `axis` as rows."""
    if axis is None:
        return reshape(x, -1)
    first = moveaxis(x, normal_axis(axis, x.ndim), 0)
    length, *rest = shape_of(first)
    return reshape(first, (length, product(rest)))


def _count(x: Node) -> Node:
    return iota((shape_of(x)[0],))


def _differs(x: Node) -> Node:
    """Whether each row (or element) of sorted x is not the one before."""
    count = _count(x)
    before = take(x, maximum(count - 1, 0), 0)
    other = not_equal(x, before)
    if dtypes.is_float(x.dtype):
        other = other & ~(isnan(x) & isnan(before))
    return other | equal(count, 0) if x.ndim == 1 else other


slots.fill(sort=sort, argsort=argsort, searchsorted=searchsorted)
