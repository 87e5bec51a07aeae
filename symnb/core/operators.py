"""Operators and methods of a symbolic tensor, one line each.

They are looked up in a slot table that `symnb.ops` fills, so that `core` knows
their names and types and nothing of their meaning. NumPy's and Theano's names;
what each does is documented where it is defined, in `ops/`.
"""

# ruff: noqa: D102 - each is documented where it is defined
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symnb.core.seams import slots
from symnb.errors import SymbolicError

if TYPE_CHECKING:
    from symnb.core.node import Node


def _no_value(what: str, cure: str) -> SymbolicError:
    return SymbolicError(
        f"a symbolic tensor has no {what} yet.\nFix: {cure}, or give it a value "
        "with x.eval({...}) or a compiled function."
    )


class TensorOperators:
    """Mixin of `Node`: Python's operators, NumPy's methods, Theano's methods."""

    __slots__ = ()
    __array_priority__ = 1000

    # arithmetic
    def __neg__(self) -> Node:
        return slots["neg"](self)

    def __pos__(self) -> Node:
        return slots["positive"](self)

    def __abs__(self) -> Node:
        return slots["abs"](self)

    def __add__(self, other: Any) -> Node:
        return slots["add"](self, other)

    def __radd__(self, other: Any) -> Node:
        return slots["add"](other, self)

    def __sub__(self, other: Any) -> Node:
        return slots["sub"](self, other)

    def __rsub__(self, other: Any) -> Node:
        return slots["sub"](other, self)

    def __mul__(self, other: Any) -> Node:
        return slots["mul"](self, other)

    def __rmul__(self, other: Any) -> Node:
        return slots["mul"](other, self)

    def __truediv__(self, other: Any) -> Node:
        return slots["true_div"](self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return slots["true_div"](other, self)

    def __floordiv__(self, other: Any) -> Node:
        return slots["floor_div"](self, other)

    def __rfloordiv__(self, other: Any) -> Node:
        return slots["floor_div"](other, self)

    def __mod__(self, other: Any) -> Node:
        return slots["mod"](self, other)

    def __rmod__(self, other: Any) -> Node:
        return slots["mod"](other, self)

    def __divmod__(self, other: Any) -> tuple[Node, Node]:
        return slots["divmod"](self, other)

    def __rdivmod__(self, other: Any) -> tuple[Node, Node]:
        return slots["divmod"](other, self)

    def __pow__(self, other: Any) -> Node:
        return slots["pow"](self, other)

    def __rpow__(self, other: Any) -> Node:
        return slots["pow"](other, self)

    def __matmul__(self, other: Any) -> Node:
        return slots["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Node:
        return slots["matmul"](other, self)

    def __round__(self, digits: int = 0) -> Node:
        return slots["round"](self, digits)

    # comparison and bits
    def __lt__(self, other: Any) -> Node:
        return slots["less"](self, other)

    def __le__(self, other: Any) -> Node:
        return slots["less_equal"](self, other)

    def __gt__(self, other: Any) -> Node:
        return slots["greater"](self, other)

    def __ge__(self, other: Any) -> Node:
        return slots["greater_equal"](self, other)

    def __and__(self, other: Any) -> Node:
        return slots["bitwise_and"](self, other)

    def __rand__(self, other: Any) -> Node:
        return slots["bitwise_and"](other, self)

    def __or__(self, other: Any) -> Node:
        return slots["bitwise_or"](self, other)

    def __ror__(self, other: Any) -> Node:
        return slots["bitwise_or"](other, self)

    def __xor__(self, other: Any) -> Node:
        return slots["bitwise_xor"](self, other)

    def __rxor__(self, other: Any) -> Node:
        return slots["bitwise_xor"](other, self)

    def __lshift__(self, other: Any) -> Node:
        return slots["left_shift"](self, other)

    def __rshift__(self, other: Any) -> Node:
        return slots["right_shift"](self, other)

    def __invert__(self) -> Node:
        return slots["invert"](self)

    # indexing and views
    def __getitem__(self, index: Any) -> Node:
        return slots["getitem"](self, index)

    @property
    def T(self) -> Node:
        return slots["transpose"](self)

    @property
    def mT(self) -> Node:
        return slots["matrix_transpose"](self)

    @property
    def size(self) -> Node:
        return slots["size_of"](self)

    def transpose(self, *axes: Any) -> Node:
        return slots["transpose"](self, *axes)

    def reshape(self, *shape: Any, ndim: int | None = None) -> Node:
        return slots["reshape_method"](self, *shape, ndim=ndim)

    def dimshuffle(self, *pattern: Any) -> Node:
        return slots["dimshuffle"](self, *pattern)

    def flatten(self, ndim: int = 1) -> Node:
        return slots["flatten"](self, ndim)

    def ravel(self) -> Node:
        return slots["flatten"](self, 1)

    def squeeze(self, axis: Any = None) -> Node:
        return slots["squeeze"](self, axis)

    def swapaxes(self, a: int, b: int) -> Node:
        return slots["swapaxes"](self, a, b)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
        return slots["diagonal"](self, offset, axis1, axis2)

    def set(self, value: Any) -> Node:
        return slots["set_subtensor"](self, value)

    def inc(self, value: Any) -> Node:
        return slots["inc_subtensor"](self, value)

    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Node:
        return slots["take"](self, indices, axis, mode)

    def choose(self, choices: Any, mode: str = "raise") -> Node:
        return slots["choose"](self, choices, mode)

    def compress(self, condition: Any, axis: int | None = None) -> Node:
        return slots["compress"](condition, self, axis)

    def nonzero(self, return_matrix: bool = False) -> Any:
        return slots["nonzero"](self, return_matrix)

    def nonzero_values(self) -> Node:
        return slots["nonzero_values"](self)

    def repeat(self, repeats: Any, axis: int | None = None) -> Node:
        return slots["repeat"](self, repeats, axis)

    # elementwise methods
    def astype(self, dtype: Any) -> Node:
        return slots["cast"](self, dtype)

    def clip(self, low: Any, high: Any) -> Node:
        return slots["clip"](self, low, high)

    def round(self, digits: int = 0) -> Node:
        return slots["round"](self, digits)

    def conj(self) -> Node:
        return slots["positive"](self)

    def copy(self, name: str | None = None) -> Node:
        return slots["copy"](self, name)

    def fill(self, value: Any) -> Node:
        return slots["fill"](self, value)

    def zeros_like(self, dtype: Any = None) -> Node:
        return slots["zeros_like"](self, dtype)

    def ones_like(self, dtype: Any = None) -> Node:
        return slots["ones_like"](self, dtype)

    # reductions, products, order
    def dot(self, other: Any) -> Node:
        return slots["dot"](self, other)

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Node:
        return slots["sum"](self, axis, dtype, keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Node:
        return slots["prod"](self, axis, dtype, keepdims)

    def mean(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Node:
        return slots["mean"](self, axis, dtype, keepdims)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Node:
        return slots["var"](self, axis, ddof, keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Node:
        return slots["std"](self, axis, ddof, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Node:
        return slots["max"](self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Node:
        return slots["min"](self, axis, keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Node:
        return slots["argmax"](self, axis, keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Node:
        return slots["argmin"](self, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Node:
        return slots["any"](self, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Node:
        return slots["all"](self, axis, keepdims)

    def norm(self, L: Any, axis: Any = None, keepdims: bool = False) -> Node:
        return slots["norm"](self, L, axis, keepdims)

    def ptp(self, axis: Any = None) -> Node:
        return slots["ptp"](self, axis)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
        return slots["trace"](self, offset, axis1, axis2)

    def cumsum(self, axis: int | None = None) -> Node:
        return slots["cumsum"](self, axis)

    def cumprod(self, axis: int | None = None) -> Node:
        return slots["cumprod"](self, axis)

    def sort(self, axis: int | None = -1) -> Node:
        return slots["sort"](self, axis)

    def argsort(self, axis: int | None = -1) -> Node:
        return slots["argsort"](self, axis)

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Node:
        return slots["searchsorted"](self, v, side, sorter)

    # values and NumPy's protocols
    def eval(self, values: Any = None, **options: Any) -> Any:
        return slots["evaluate"](self, values or {}, **options)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kw: Any) -> Any:
        return slots["ufunc"](ufunc, method, *args, **kw)

    def __array_function__(self, function: Any, types: Any, args: Any, kw: Any) -> Any:
        return slots["array_function"](function, types, args, kw)

    def __array__(self, *args: Any, **kw: Any) -> np.ndarray[Any, Any]:
        raise _no_value("array value", "keep it symbolic with symnb.tensor functions")

    def __bool__(self) -> bool:
        raise _no_value("truth value", "use T.switch(condition, a, b)")

    def __float__(self) -> float:
        raise _no_value("float value", "use x.astype('float64')")

    def __int__(self) -> int:
        raise _no_value("integer value", "use x.astype('int64')")

    def __index__(self) -> int:
        raise _no_value("integer value", "index with a symbolic expression")

    def __complex__(self) -> complex:
        raise _no_value("complex value", "keep it real and symbolic")
