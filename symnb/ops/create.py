"""Creation: `iota` counts, everything else is arithmetic on it or a broadcast.

`zeros` and `full` are a scalar broadcast; `arange` is start + step * iota; `eye` and
triangles compare two iotas. Sizes may be ints, `x.shape` scalars or integer scalars
known only while running.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.dims import DimLike, bound, ceil_div, dim_max
from symnb.core.node import Constant, Node, as_dim, known_dim, make, size
from symnb.core.op import Op
from symnb.core.seams import slots
from symnb.core.types import ANY, TensorType
from symnb.errors import ShapeError
from symnb.ops.arithmetic import ceil, maximum
from symnb.ops.cast import cast
from symnb.ops.define import as_node, promoted
from symnb.ops.logic import equal, where
from symnb.ops.sizes import as_sizes, normal_axis
from symnb.ops.view import broadcast_to, expand_dims, reshape, shape_of
from symnb.options import config

Array = Any


def _count(shape: tuple[int, ...], axis: int) -> Array:
    ones = [1] * len(shape)
    ones[axis] = shape[axis]
    return np.broadcast_to(np.arange(shape[axis]).reshape(ones), shape)


IOTA = Op(
    name="iota", kind="create", arity=0, params=("shape", "axis"),
    infer=lambda types, params: TensorType("int64", params[0]),
    numpy=_count, no_gradient="an integer", flops=0.0,
    doc="0, 1, 2, ... along an axis, constant along the others.",
)  # fmt: skip


def iota(shape: Any, axis: int = 0) -> Node:
    """int64 of `shape` that counts 0, 1, 2, ... along `axis`."""
    sizes = as_sizes(shape)
    return make(IOTA, (), (sizes, normal_axis(axis, len(sizes))))


# -------------------------------------------------------------- constant values


def _dtype(dtype: Any) -> str:
    """A dtype; None and "floatX" are the configured float."""
    return config.floatX if dtype in (None, "floatX") else dtypes.as_dtype(dtype)


def _filled(value: float, shape: Any, dtype: Any) -> Node:
    return broadcast_to(Constant(np.asarray(value, _dtype(dtype))), shape)


def zeros(shape: Any, dtype: Any = None) -> Node:
    """Zeros; `dtype` is config.floatX by default."""
    return _filled(0, shape, dtype)


def ones(shape: Any, dtype: Any = None) -> Node:
    """Ones; `dtype` is config.floatX by default."""
    return _filled(1, shape, dtype)


def empty(shape: Any, dtype: Any = None) -> Node:
    """A tensor whose values do not matter: zeros."""
    return zeros(shape, dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Node:
    """`fill_value` everywhere, in its own dtype unless given."""
    value = as_node(fill_value)
    return broadcast_to(value if dtype is None else cast(value, dtype), shape)


def alloc(value: Any, *shape: Any) -> Node:
    """Theano's `full`: `value` broadcast to the sizes `shape`."""
    sizes = shape[0] if len(shape) == 1 and not _is_size(shape[0]) else shape
    return broadcast_to(as_node(value), sizes)


def _is_size(value: Any) -> bool:
    if isinstance(value, Node):
        return value.ndim == 0
    return not isinstance(value, list | tuple | np.ndarray)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Node:
    """`fill_value` in the shape and dtype of x."""
    node = as_node(x)
    value = as_node(fill_value)
    value = cast(value, node.dtype if dtype is None else dtype)
    return value if node.type is ANY else broadcast_to(value, shape_of(node))


def zeros_like(x: Any, dtype: Any = None, opt: bool = False) -> Node:
    """Zeros in the shape and dtype of x (`opt` is accepted for Theano's sake)."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None, opt: bool = False) -> Node:
    """Ones in the shape and dtype of x."""
    return full_like(x, 1, dtype)


def empty_like(x: Any, dtype: Any = None) -> Node:
    """Zeros in the shape of x."""
    return zeros_like(x, dtype)


def fill(x: Any, value: Any) -> Node:
    """`value` in the shape of x; a Python number takes the dtype of x."""
    node = as_node(x)
    weak = type(value) in (bool, int, float)
    dtype = promoted([node, value])[1].dtype if weak else None
    return broadcast_to(as_node(value, dtype), shape_of(node))


# ---------------------------------------------------------------------- ranges


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Node:
    """start, start + step, ... up to but not including `stop`, as NumPy does.

    Any of them may be a symbolic scalar. Integers give int64 (or their common
    dtype), floats NumPy's length ceil((stop - start) / step).
    """
    if stop is None:
        start, stop = 0, start
    if all(_is_number(v) for v in (start, stop, step)):
        length: DimLike = len(np.arange(start, stop, step))
    elif any(_is_real(v) for v in (start, stop, step)):
        length = _real_length(start, stop, step)
    else:
        length = _integer_length(start, stop, step)
    common = promoted([start, stop, step])[0].dtype
    if not dtypes.is_float(common) and all(_is_known(v) for v in (start, stop, step)):
        common = "int64"
    result = common if dtype is None else _dtype(dtype)
    return _arithmetic(as_node(start), as_node(step), length, result)


def _is_number(value: Any) -> bool:
    return not isinstance(value, Node)


def _is_known(value: Any) -> bool:
    return not isinstance(value, Node) or known_dim(value) is not None


def _is_real(value: Any) -> bool:
    return dtypes.is_float(as_node(value).dtype)


def _real_length(start: Any, stop: Any, step: Any) -> DimLike:
    """ceil((stop - start) / step), at least 0, counted while running."""
    a, b, s = promoted([start, stop, step], to_float=True)
    count = cast(maximum(ceil((b - a) / s), 0), "int64")
    return bound(count, "length")


def _integer_length(start: Any, stop: Any, step: Any) -> DimLike:
    known = [_known_size(v) for v in (start, stop, step)]
    if all(v is not None for v in known):
        a, b, s = known
        if isinstance(s, int) and s:
            span = b - a if s > 0 else a - b  # pyright: ignore
            return dim_max(ceil_div(span, abs(s)), 0)
    a, b, s = (cast(as_node(v), "int64") for v in (start, stop, step))
    count = maximum(-((a - b) // s), 0)
    return bound(count, "length")


def _known_size(value: Any) -> DimLike | None:
    return known_dim(value) if isinstance(value, Node) else int(value)


def _arithmetic(start: Node, step: Node, length: DimLike, dtype: str) -> Node:
    """start + step * i for i < length; floats use NumPy's rounded step."""
    count = cast(iota((length,)), dtype)
    first = cast(start, dtype)
    if not dtypes.is_float(dtype):
        return _plus(first, _times(count, cast(step, dtype)))
    delta = cast(start + step, dtype) - first
    return _plus(first, _times(count, delta))


def _value(x: Node) -> Any:
    return x.value.item() if isinstance(x, Constant) and not x.ndim else None


def _plus(first: Node, rest: Node) -> Node:
    return rest if _value(first) == 0 else first + rest


def _times(count: Node, step: Node) -> Node:
    return count if _value(step) == 1 else count * step


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None
) -> Node:
    """`num` evenly spaced values from start to stop.

    endpoint  whether `stop` is the last one, exactly
    """
    count = as_dim(num)
    a, b = promoted([start, stop], to_float=True)
    result = a.dtype if dtype is None else _dtype(dtype)
    if count == 1 or count == 0:
        values = broadcast_to(a, (count,))
        return cast(values, result)
    gaps = dim_max(count - 1, 1) if endpoint else count
    i = cast(iota((count,)), a.dtype)
    values = i * ((b - a) / cast(size(gaps), a.dtype)) + a
    if endpoint:
        last = equal(iota((count,)), size(gaps))  # never true for num = 1
        values = where(last, b, values)
    return cast(values, result)


def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None,
) -> Node:  # fmt: skip
    """base ** linspace(start, stop, num)."""
    powers = slots["pow"](base, linspace(start, stop, num, endpoint))
    return powers if dtype is None else cast(powers, dtype)


# ------------------------------------------------------------ eye and triangles


def _grid(n: DimLike, m: DimLike, k: Any) -> tuple[Node, Node]:
    """(row + k, column) of an n by m matrix, as a column and a row of int64."""
    rows = iota((n, 1), 0)
    shifted = rows if isinstance(k, int) and k == 0 else rows + k
    return shifted, iota((1, m), 1)


def eye(n: Any, m: Any = None, k: Any = 0, dtype: Any = None) -> Node:
    """n by m with ones where column = row + k, zeros elsewhere."""
    rows, columns = _grid(as_dim(n), as_dim(n if m is None else m), k)
    return cast(equal(rows, columns), _dtype(dtype))


def identity(n: Any, dtype: Any = None) -> Node:
    """The n by n identity matrix."""
    return eye(n, dtype=dtype)


def identity_like(x: Any) -> Node:
    """Ones on the diagonal, in the shape and dtype of the matrix x."""
    node = as_node(x)
    n, m = shape_of(node)
    return eye(n, m, dtype=node.dtype)


def tri(n: Any, m: Any = None, k: Any = 0, dtype: Any = None) -> Node:
    """n by m with ones where column <= row + k, zeros elsewhere."""
    rows, columns = _grid(as_dim(n), as_dim(n if m is None else m), k)
    return cast(columns <= rows, _dtype(dtype))


def _matrix(x: Any, name: str) -> Node:
    node = as_node(x)
    if node.ndim == 1:
        node = broadcast_to(node, shape_of(node) * 2)
    if node.ndim < 1:
        raise ShapeError(f"{name} of a scalar.\nFix: give at least one axis.")
    return node


def tril(x: Any, k: Any = 0) -> Node:
    """x with zeros above diagonal k of its last two axes."""
    node = _matrix(x, "tril")
    n, m = shape_of(node)[-2:]
    rows, columns = _grid(n, m, k)
    return where(columns <= rows, node, 0)


def triu(x: Any, k: Any = 0) -> Node:
    """x with zeros below diagonal k of its last two axes."""
    node = _matrix(x, "triu")
    n, m = shape_of(node)[-2:]
    rows, columns = _grid(n, m, k)
    return where(columns >= rows, node, 0)


def meshgrid(*vectors: Any, indexing: str = "xy", sparse: bool = False) -> list[Node]:
    """One coordinate tensor per vector; `indexing` "xy" swaps the first two axes."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f'indexing is "xy" or "ij", not {indexing!r}.')
    nodes = [as_node(x) for x in vectors]
    count = len(nodes)
    axes = list(range(count))
    if indexing == "xy" and count > 1:
        axes[:2] = [1, 0]
    lines = [
        expand_dims(reshape(x, -1), tuple(a for a in range(count) if a != axis))
        for x, axis in zip(nodes, axes, strict=True)
    ]
    if sparse:
        return lines
    shape: list[DimLike] = [1] * count
    for line, axis in zip(lines, axes, strict=True):
        shape[axis] = shape_of(line)[axis]
    return [broadcast_to(line, tuple(shape)) for line in lines]


slots.fill(fill=fill, ones_like=ones_like, zeros_like=zeros_like)
