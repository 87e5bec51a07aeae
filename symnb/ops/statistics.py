"""Statistics over axes, written with reductions: mean, variance, norms and kin.

The variance is computed in two passes, mean((x - mean)**2), so it never cancels.
Integers are averaged in float64, as in NumPy; an empty mean is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.dims import DimLike, dim_max
from symnb.core.node import Node, size
from symnb.core.seams import slots
from symnb.errors import DTypeError
from symnb.ops import reduce
from symnb.ops.arithmetic import abs as absolute
from symnb.ops.arithmetic import square
from symnb.ops.cast import cast
from symnb.ops.define import as_node, promoted
from symnb.ops.logic import isnan, logical_not, not_equal, where
from symnb.ops.sizes import normal_axes, product
from symnb.ops.transcendental import pow as power
from symnb.ops.transcendental import sqrt
from symnb.ops.view import shape_of


def _averaged(x: Any, dtype: Any = None) -> Node:
    """x in the dtype its mean has."""
    node = as_node(x)
    if dtype is not None:
        return cast(node, dtype)
    return node if dtypes.is_float(node.dtype) else cast(node, "float64")


def _count(x: Node, axis: Any) -> DimLike:
    return product(shape_of(x)[i] for i in normal_axes(axis, x.ndim))


def mean(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False,
    acc_dtype: Any = None,
) -> Node:  # fmt: skip
    """Sum along `axis` over the number of elements; NaN of nothing.

    dtype      of the result: float64 for integers, else that of x
    acc_dtype  in which the sum is formed
    """
    node = _averaged(x, dtype)
    total = reduce.sum(node, axis, None, keepdims, acc_dtype)
    return total / cast(size(_count(node, axis)), total.dtype)


def var(
    x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False,
    corrected: bool = False,
) -> Node:  # fmt: skip
    """Mean squared deviation from the mean, in two passes.

    ddof       the divisor is the number of elements less ddof, at least 0
    corrected  Theano's switch for a compensated sum, which two passes do not need
    """
    node = _averaged(x)
    deviation = node - mean(node, axis, keepdims=True)
    total = reduce.sum(square(deviation), axis, keepdims=keepdims)
    divisor = dim_max(_count(node, axis) - ddof, 0)
    return total / cast(size(divisor), total.dtype)


def std(
    x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False,
    corrected: bool = False,
) -> Node:  # fmt: skip
    """Square root of the variance."""
    return sqrt(var(x, axis, ddof, keepdims))


def average(x: Any, axis: Any = None, weights: Any = None) -> Node:
    """Mean, or the weighted mean sum(w * x) / sum(w)."""
    if weights is None:
        return mean(x, axis)
    node, w = promoted([x, weights], to_float=True)
    if w.ndim == 1 and axis is not None and node.ndim > 1:
        (place,) = normal_axes(axis, node.ndim)
        w = w.dimshuffle(*(0 if i == place else "x" for i in range(node.ndim)))
        w = slots["broadcast_like"](w, node)
    return reduce.sum(node * w, axis) / reduce.sum(w, axis)


def ptp(x: Any, axis: Any = None) -> Node:
    """Largest less smallest element along `axis`."""
    return reduce.max(x, axis) - reduce.min(x, axis)


def count_nonzero(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """The number of nonzero elements along `axis`."""
    return reduce.sum(cast(as_node(x), "bool"), axis, keepdims=keepdims)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Node:
    """The vector norm (sum |x|**ord) ** (1 / ord) along `axis`; 2 by default.

    ord  a number, inf, -inf, 0 (counts nonzeros), None or "fro" (2)
    The gradient of the 2-norm at the zero vector is NaN, as of sqrt at 0.
    """
    (node,) = promoted([x], to_float=True)
    if ord in (None, "fro", 2):
        return sqrt(reduce.sum(square(node), axis, keepdims=keepdims))
    if not isinstance(ord, int | float | np.number | Node):
        raise DTypeError(f"no vector norm {ord!r}.\nFix: give a number, inf or None.")
    magnitude = absolute(node)
    match ord:
        case 0:
            count = reduce.sum(not_equal(node, 0), axis, keepdims=keepdims)
            return cast(count, node.dtype)
        case 1:
            return reduce.sum(magnitude, axis, keepdims=keepdims)
        case np.inf:
            return reduce.max(magnitude, axis, keepdims)
    if ord == -np.inf:
        return reduce.min(magnitude, axis, keepdims)
    total = reduce.sum(power(magnitude, ord), axis, keepdims=keepdims)
    return power(total, 1.0 / ord)


def norm_method(x: Node, L: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Theano's `x.norm(L, axis)`."""
    return norm(x, L, axis, keepdims)


# ------------------------------------------------------------------ without NaN


def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Sum of the elements that are not NaN."""
    node = as_node(x)
    return reduce.sum(where(isnan(node), 0, node), axis, keepdims=keepdims)


def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Product of the elements that are not NaN."""
    node = as_node(x)
    return reduce.prod(where(isnan(node), 1, node), axis, keepdims=keepdims)


def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Mean of the elements that are not NaN; NaN if there is none."""
    node = _averaged(x)
    count = reduce.sum(logical_not(isnan(node)), axis, keepdims=keepdims)
    return nansum(node, axis, keepdims) / cast(count, node.dtype)


def _nan_extremum(x: Any, axis: Any, keepdims: bool, largest: bool) -> Node:
    """max or min of the elements that are not NaN; NaN if there is none."""
    node = as_node(x)
    if not dtypes.is_float(node.dtype):
        return (reduce.max if largest else reduce.min)(node, axis, keepdims)
    missing = isnan(node)
    if largest:
        found = reduce.max(where(missing, -np.inf, node), axis, keepdims)
    else:
        found = reduce.min(where(missing, np.inf, node), axis, keepdims)
    return where(reduce.all(missing, axis, keepdims), np.nan, found)


def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Largest element that is not NaN; NaN if there is none."""
    return _nan_extremum(x, axis, keepdims, largest=True)


def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """Smallest element that is not NaN; NaN if there is none."""
    return _nan_extremum(x, axis, keepdims, largest=False)


slots.fill(mean=mean, norm=norm_method, ptp=ptp, std=std, var=var)
