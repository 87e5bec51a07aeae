"""Declarators: how an op is written down once, and what follows from it.

`elementwise`, `view` and `reduction` each take one declaration and give an `Op`
that is also the public callable. From an elementwise op's partial derivatives both
vjp and jvp are derived (its Jacobian is diagonal); from a view's index map its
lowering; from a reduction's combiner its loop. Declaring happens at import, calling
an op costs a few microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from symnb.core import dtypes
from symnb.core.dims import DimLike, dim_max
from symnb.core.node import Constant, Node, Shape, make
from symnb.core.op import Context, Op, Params, Types
from symnb.core.seams import slots
from symnb.core.types import ANY, TensorType, Type
from symnb.errors import DTypeError, ShapeError

Sizes = tuple[DimLike, ...]
Out = Literal["same", "float", "number", "quotient", "bool", "logic", "where"]
Weak = bool | int | float


# --------------------------------------------------------------------- operands


def as_node(value: Any, dtype: str | None = None) -> Node:
    """`value` as a node: nodes pass, arrays and Python scalars become constants.

    Lists and tuples that contain nodes are stacked. Raises DTypeError for values
    that are no numbers.
    """
    if isinstance(value, Node):
        node = value
    elif isinstance(value, Shape) or _holds_node(value):
        node = slots["stack"](list(value))
    else:
        node = _constant(value, dtype)
    if dtype is not None and node.type is not ANY and node.dtype != dtype:
        node = slots["cast"](node, dtype)
    return node


def _holds_node(value: Any) -> bool:
    if not isinstance(value, list | tuple):
        return False
    return any(isinstance(v, Node) or _holds_node(v) for v in value)


def _constant(value: Any, dtype: str | None) -> Node:
    if dtypes.is_masked(value):
        raise DTypeError(
            "a constant has no masked elements.\n"
            "Fix: pass value.filled(number), and the mask as an operand of its own."
        )
    try:
        array = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DTypeError(f"{value!r} is not an array of numbers: {error}") from None
    if array.dtype.kind in "USOMmV":
        raise DTypeError(
            f"{value!r} is not an array of numbers.\n"
            "Fix: use numbers, or symbolic tensors of symnb.tensor."
        )
    if isinstance(value, list | tuple) and not array.size and dtype is None:
        array = array.astype("float64")
    return Constant(array)


def promoted(values: Sequence[Any], to_float: bool = False) -> tuple[Node, ...]:
    """Operands in their common dtype (NumPy 2: Python scalars are weak).

    to_float  integers become the float dtype they are computed in
    """
    return _promoted(values, dtypes.float_of if to_float else None)


def _promoted(
    values: Sequence[Any], computed: Callable[[str], str] | None
) -> tuple[Node, ...]:
    if _is_settled(values, computed):
        return tuple(values)
    strong = [as_node(v) for v in values if not _is_weak(v)]
    if any(node.type is ANY for node in strong):
        return tuple(as_node(v) for v in values)
    weak = tuple(v for v in values if _is_weak(v))
    kinds = [node.dtype for node in strong]
    if computed is not None and computed is dtypes.float_of and not weak:
        kinds = [computed(kind) for kind in kinds]  # int8 with uint16: float32
    common = dtypes.promote(*kinds) if kinds else None
    dtype = dtypes.promote_weak(common, weak)
    if computed is not None:
        dtype = computed(dtype)
    nodes = iter(strong)
    return tuple(
        _weak_constant(v, dtype) if _is_weak(v) else slots["cast"](next(nodes), dtype)
        for v in values
    )


def _is_settled(values: Sequence[Any], computed: Callable[[str], str] | None) -> bool:
    """Whether all are tensors of the dtype computed in: the usual case, 1 us."""
    kinds = {
        getattr(v.type, "dtype", "") if isinstance(v, Node) else "" for v in values
    }
    kind = kinds.pop()
    if kinds or not kind or kind == "any":
        return False
    return computed is None or computed(kind) == kind


def _comparable(values: Sequence[Any]) -> Sequence[Any]:
    """The operands of a comparison; a Python int too large for the tensor's dtype
    becomes an int64, a larger one a float64, so that `uint8 < 300` is answered."""
    kinds = [v.dtype for v in values if isinstance(v, Node) and v.type is not ANY]
    if not kinds or not dtypes.is_integer(kinds[0]):
        return values
    bounds = np.iinfo(kinds[0])
    return [
        v
        if type(v) is not int or bounds.min <= v <= bounds.max
        else Constant(np.int64(v) if -(2**63) <= v < 2**63 else np.float64(v))
        for v in values
    ]


def _is_weak(value: Any) -> bool:
    return type(value) in (bool, int, float)


def _weak_constant(value: Weak, dtype: str) -> Node:
    try:
        return Constant(np.asarray(value, dtype=dtype))
    except OverflowError:
        raise DTypeError(
            f"the Python integer {value} does not fit in {dtype}.\n"
            f"Fix: cast the tensor it meets to a wider dtype."
        ) from None


def broadcast_sizes(shapes: Sequence[Sizes]) -> Sizes:
    """The common shape by NumPy's rules; two unknown sizes are assumed equal.

    Raises ShapeError when two static sizes differ and neither is 1.
    """
    ndim = max((len(shape) for shape in shapes), default=0)
    result: list[DimLike] = [1] * ndim
    for shape in shapes:
        offset = ndim - len(shape)
        for axis, size in enumerate(shape):
            result[offset + axis] = _common_size(result[offset + axis], size, axis)
    return tuple(result)


def _common_size(a: DimLike, b: DimLike, axis: int) -> DimLike:
    if isinstance(b, int):
        if b == 1:
            return a
        if isinstance(a, int) and a not in (1, b):
            raise ShapeError(
                f"sizes {a} and {b} on axis {axis} do not broadcast.\n"
                "Fix: make them equal, or one of them 1."
            )
        return b
    if isinstance(a, int):
        return b if a == 1 else a
    return dim_max(a, b)


def broadcast_pairs(shapes: Sequence[Sizes]) -> list[tuple[DimLike, DimLike]]:
    """The pairs of unequal sizes that broadcasting assumes to be equal.

    Of several unknown sizes on an axis the first stands for all; a number for any.
    """
    ndim = max((len(shape) for shape in shapes), default=0)
    pairs: list[tuple[DimLike, DimLike]] = []
    for axis in range(-ndim, 0):
        sizes = [shape[axis] for shape in shapes if len(shape) >= -axis]
        sizes = [size for size in dict.fromkeys(sizes) if size != 1]
        sizes.sort(key=lambda size: not isinstance(size, int))
        pairs += [(sizes[0], size) for size in sizes[1:]]
    return pairs


def normal_axis(axis: int, ndim: int) -> int:
    """`axis` in [0, ndim). Raises AxisError."""
    return slots["normal_axis"](axis, ndim)


# ------------------------------------------------------------------ elementwise

Partials = Callable[..., Sequence[Node | float | None]]

# The dtype an op computes in, from the common dtype of its operands.
COMPUTED: dict[str, Callable[[str], str]] = {
    "float": dtypes.float_of,
    "quotient": lambda dtype: dtype if dtypes.is_float(dtype) else "float64",
    "number": lambda dtype: "int8" if dtype == "bool" else dtype,
}


@dataclass(eq=False, kw_only=True, repr=False)
class Elementwise(Op):
    """An op applied to each element, with implicit broadcasting.

    operands  names, as the texts use them
    out       dtype rule: same | float (integers in, float out) | number (bool in,
              int8 out) | quotient (integers in, float64 out) | bool (compare) |
              logic (operands as bool) | where (first operand bool)
    c         C expression in {x}, {y}, ...; {f} is "f" for float32 and "" for
              float64, {t} the C type; or one such text per dtype class:
              {"float": ..., "int": ..., "uint": ..., "bool": ..., "else": ...};
              "" where there is none and the reference is the implementation.
              `ops/c_text.py` writes it out
    support   C function definitions the expression calls, each emitted once
    partial   (operands..., out) -> d out / d operand each: a node, a Python number,
              None for zero, or a bool node: the gradient passes where it is true
              (and is zero elsewhere, even if it was infinite or NaN)
    allowed   dtype classes of the computed dtype: float, int, uint, bool
    ulp       bound of the error of the C text in units in the last place
    sample    interval tests draw from
    """

    operands: tuple[str, ...]
    out: Out = "same"
    c: str | Mapping[str, str]
    support: tuple[str, ...] = ()
    partial: Partials | None = None
    allowed: tuple[str, ...] = ("float", "int", "uint", "bool")
    ulp: float = 0.5
    sample: tuple[float, float] = (-10.0, 10.0)
    infix: str = ""

    def __call__(self, *values: Any) -> Node:
        """The node of this op, operands promoted and broadcast."""
        if len(values) != len(self.operands):
            raise TypeError(
                f"{self.name} takes {len(self.operands)} operands "
                f"({', '.join(self.operands)}), not {len(values)}"
            )
        return make(self, self.convert(values))

    def convert(self, values: Sequence[Any]) -> tuple[Node, ...]:
        """The operands in the dtypes this op computes in."""
        if self.out == "where":
            return (as_node(values[0], "bool"), *promoted(values[1:]))
        if self.out == "logic":
            return tuple(as_node(value, "bool") for value in values)
        if self.out == "bool":
            values = _comparable(values)
        return _promoted(values, COMPUTED.get(self.out))

    def result_dtype(self, computed: str) -> str:
        """The output's dtype for operands of dtype `computed`."""
        return "bool" if self.out in ("bool", "logic") else computed


def dtype_class(dtype: str) -> str:
    """float | int | uint | bool."""
    return dtype.rstrip("0123456789")


def _infer_elementwise(op: Elementwise, types: Types) -> Type:
    computed = types[-1].dtype
    if dtype_class(computed) not in op.allowed:
        raise DTypeError(
            f"{op.name} is not defined for {computed}.\n"
            f"Fix: cast to one of {', '.join(op.allowed)}."
        )
    shape = broadcast_sizes([type.shape for type in types])
    return TensorType(op.result_dtype(computed), shape)


def elementwise(
    name: str,
    operands: str,
    *,
    c: str | Mapping[str, str],
    numpy: Callable[..., Any],
    partial: Partials | None = None,
    no_gradient: str = "",
    **facts: Any,
) -> Elementwise:
    """Declare an elementwise op; see `Elementwise` for the facts it takes.

    `partial=None` means a gradient of zero everywhere and needs `no_gradient`.
    """
    names = tuple(operands.split())
    op = Elementwise(
        name=name,
        kind="elementwise",
        arity=len(names),
        operands=names,
        c=c,
        numpy=numpy,
        partial=partial,
        no_gradient=no_gradient,
        infer=lambda types, params: _infer_elementwise(op, types),
        assumes=lambda types, params: broadcast_pairs([t.shape for t in types]),
        vjp=lambda node, g, context: _elementwise_vjp(op, node, g),
        jvp=lambda node, tangents: _elementwise_jvp(op, node, tangents),
        **facts,
    )
    return op


def _partials(op: Elementwise, node: Node) -> Sequence[Node | float | None]:
    if op.partial is None:
        return [None] * len(node.inputs)
    return op.partial(*node.inputs, node)


def _elementwise_vjp(op: Elementwise, node: Node, g: Node) -> list[Node | None]:
    result: list[Node | None] = []
    for x, d in zip(node.inputs, _partials(op, node), strict=True):
        if d is None or not dtypes.is_float(x.dtype):
            result.append(None)
        else:
            result.append(slots["sum_to_shape"](_scaled(g, d), x))
    return result


def _scaled(g: Node, d: Node | float) -> Node:
    """g * d; where d is a truth value, g or zero."""
    if not isinstance(d, Node):
        return g if d == 1 else g * d
    return slots["where"](d, g, 0) if d.dtype == "bool" else g * d


def _elementwise_jvp(
    op: Elementwise, node: Node, tangents: Sequence[Node | None]
) -> Node | None:
    total: Node | None = None
    for dx, d in zip(tangents, _partials(op, node), strict=True):
        if dx is None or d is None:
            continue
        term = _scaled(dx, d)
        total = term if total is None else total + term
    if total is None or not dtypes.is_float(node.dtype):
        return None
    return slots["broadcast_like"](total, node)


# ------------------------------------------------------------------------ views

IndexMap = Callable[[Node, Sizes], Sizes]


@dataclass(eq=False, kw_only=True, repr=False)
class View(Op):
    """An op that only renames elements: out[i] = x[index(i)].

    index  (node, output index) -> index into the operand, as size expressions
    """

    index: IndexMap
    kind: str = "view"


@dataclass(eq=False, kw_only=True, repr=False)
class Reduction(Op):
    """An op that combines elements along `params = (axes, keepdims)`.

    combine   add | mul | max | min | and | or | argmax | argmin
    identity  what an empty reduction yields; None: it raises, as in NumPy
    """

    combine: str
    identity: float | None
    kind: str = "reduction"
    params: tuple[str, ...] = ("axes", "keepdims")


def reduced_shape(shape: Sizes, axes: tuple[int, ...], keepdims: bool) -> Sizes:
    """The shape after reducing `axes`."""
    if keepdims:
        return tuple(1 if i in axes else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axes)


__all__ = [
    "Context",
    "Elementwise",
    "Params",
    "Reduction",
    "View",
    "as_node",
    "broadcast_pairs",
    "broadcast_sizes",
    "dtype_class",
    "elementwise",
    "promoted",
    "reduced_shape",
]
