"""Symbolic inputs: `T.matrix("x")`, `T.dscalar()`, `T.tensor("float32", (None, 3))`.

Theano's names. A size that is not given is a symbol of its own, named after the
tensor and the axis; a size given as text is shared by every tensor of one call that
names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symnb.core import site
from symnb.core.dims import Dim, DimLike, symbol
from symnb.core.dtypes import LONG, as_dtype
from symnb.core.node import Constant, Input, Node
from symnb.core.seams import slots
from symnb.core.types import TensorType as Type
from symnb.errors import DTypeError
from symnb.ops.define import as_node
from symnb.ops.view import expand_dims
from symnb.options import config

Axis = int | str | bool | Dim | None
Names = dict[str, Dim]


def fresh_shape(
    axes: Sequence[Axis], name: str | None, names: Names | None = None
) -> tuple[DimLike, ...]:
    """Sizes for axes: int is static, True is 1, None and False unknown, text named.

    names  sizes already named; new names are added
    """
    names = {} if names is None else names
    return tuple(_size(axis, i, name, names) for i, axis in enumerate(axes))


def _size(axis: Axis, number: int, name: str | None, names: Names) -> DimLike:
    if axis is True:
        return 1
    if axis is None or axis is False:
        return symbol(f"{name or 'd'}{number}", lower=0)
    if isinstance(axis, str):
        return names.setdefault(axis, symbol(axis, lower=0))
    return axis


def tensor(
    dtype: Any = None,
    shape: Sequence[Axis] | None = None,
    name: str | None = None,
    broadcastable: Sequence[bool] | None = None,
    ndim: int | None = None,
) -> Node:
    """A symbolic input.

    dtype  default `config.floatX`
    shape  per axis a number, a name (equal names are one size), or None
    """
    axes = shape if shape is not None else broadcastable
    if axes is None:
        axes = (None,) * (ndim or 0)
    if dtype is not None and not _is_dtype(dtype) and name is None:
        dtype, name = None, dtype
    kind = as_dtype(config.floatX if dtype in (None, "floatX") else dtype)
    return Input(Type(kind, fresh_shape(axes, name)), name, site.capture(2))


def _is_dtype(text: Any) -> bool:
    try:
        as_dtype(text)
    except DTypeError:
        return text == "floatX"
    return True


def make_input(type: Type, name: str | None = None) -> Node:
    """A new input of `type`, with new symbols for its unknown sizes."""
    axes = [size if isinstance(size, int) else None for size in type.shape]
    return Input(type.with_shape(fresh_shape(axes, name)), name, site.capture(2))


def TensorType(
    dtype: Any,
    broadcastable: Sequence[Axis] | None = None,
    name: str | None = None,
    shape: Sequence[Axis] | None = None,
) -> Type:
    """The type of tensors with these axes: Theano's `TensorType(dtype, (False,))`.

    Call it with a name to get an input of that type.
    """
    axes = shape if shape is not None else broadcastable or ()
    return Type(as_dtype(dtype), fresh_shape(axes, name))


class DType:
    """A dtype as an annotation: `f64["n", 64]` is a type, `f64` a scalar of it."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __getitem__(self, axes: Any) -> Type:
        axes = axes if isinstance(axes, tuple) else (axes,)
        return Type(self.dtype, fresh_shape(axes, None))

    def __repr__(self) -> str:
        return next(short for short, long in LONG.items() if long == self.dtype)


class TensorKind:
    """A kind of input: `matrix("x")`, `matrix("x", "y")` gives one per name.

    Works as an annotation in `%%symfunc` and `@jit` too.
    """

    def __init__(self, name: str, axes: tuple[Axis, ...], dtype: str | None) -> None:
        self.__name__ = name
        self.axes = axes
        self.dtype = dtype

    def type(self, names: str | None = None) -> Type:
        """The type, with unknown sizes as symbols named after `names`."""
        return Type(self.dtype or config.floatX, fresh_shape(self.axes, names))

    def __call__(self, name: str | None = None, dtype: Any = None) -> Node:
        """A new input of this kind."""
        kind = as_dtype(dtype) if dtype else self.dtype or config.floatX
        return Input(Type(kind, fresh_shape(self.axes, name)), name, site.capture(2))

    def __repr__(self) -> str:
        return self.__name__


def plural(kind: TensorKind) -> Callable[..., list[Node]]:
    """`matrices("a b")`, `matrices("a", "b")` or `matrices(2)` as a list of inputs."""

    def make(*names: Any, dtype: Any = None) -> list[Node]:
        wanted: list[str | None] = []
        for item in names:
            if isinstance(item, int):
                wanted += [None] * item
            else:
                wanted += item.split() if isinstance(item, str) else list(item)
        return [kind(name, dtype) for name in wanted]

    make.__name__ = kind.__name__ + "s"
    make.__doc__ = f"Several inputs like `{kind.__name__}`, one per name."
    return make


RANKS: dict[str, tuple[Axis, ...]] = {
    "scalar": (),
    "vector": (None,),
    "row": (1, None),
    "col": (None, 1),
    "matrix": (None, None),
    **{f"tensor{n}": (None,) * n for n in range(3, 8)},
}

LETTERS = {
    "b": "int8", "w": "int16", "i": "int32", "l": "int64",
    "f": "float32", "d": "float64",
}  # fmt: skip

PLURALS = {"matrix": "matrices"}


def _kinds() -> dict[str, Any]:
    """Every kind of input by name: `vector`, `dvector`, `dvectors`, ..."""
    table: dict[str, Any] = {}
    for rank, axes in RANKS.items():
        for letter, dtype in {"": None, **LETTERS}.items():
            kind = table[letter + rank] = TensorKind(letter + rank, axes, dtype)
            table[letter + PLURALS.get(rank, rank + "s")] = plural(kind)
    return table


KINDS = _kinds()
DTYPE_NAMES = {short: DType(long) for short, long in LONG.items() if short != "bool"}


def constant(value: Any, name: str | None = None, dtype: Any = None) -> Node:
    """`value` as a constant node."""
    node = as_node(value, as_dtype(dtype) if dtype else None)
    if isinstance(node, Constant):
        return Constant(node.value, name, site.capture(2))
    return node


def as_tensor(x: Any, name: str | None = None, ndim: int | None = None) -> Node:
    """`x` as a node: nodes pass, arrays, scalars and lists become constants.

    ndim  axes to reach by adding axes of size 1 in front
    """
    node = as_node(x)
    if ndim is not None and node.ndim < ndim:
        node = expand_dims(node, tuple(range(ndim - node.ndim)))
    if name is not None and node.name is None:
        node.name = name
    return node


as_tensor_variable = as_tensor
slots.fill(make_input=make_input)
