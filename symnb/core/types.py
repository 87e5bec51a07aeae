"""What a node yields: `TensorType(dtype, shape)`, `TupleType`, or `ANY` in a pattern.

A shape is a tuple of `int | Dim`; an int is a static size and 1 broadcasts. Types
are immutable, hashed once, and compared when nodes are merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symnb.core.dims import Dim, DimLike
from symnb.core.dtypes import SHORT, as_dtype
from symnb.core.seams import slots


class TensorType:
    """An array of `dtype` with the sizes `shape`."""

    __slots__ = ("_hash", "dtype", "shape")

    def __init__(self, dtype: str, shape: tuple[DimLike, ...]) -> None:
        self.dtype = dtype
        self.shape = shape
        self._hash = hash((dtype, shape))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """Per axis whether its size is known to be 1 (Theano's word)."""
        return tuple(size == 1 for size in self.shape)

    @property
    def size(self) -> DimLike:
        """Number of elements."""
        total: DimLike = 1
        for size in self.shape:
            total = total * size
        return total

    def with_shape(self, shape: tuple[DimLike, ...]) -> TensorType:
        """Same dtype, other sizes."""
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: str) -> TensorType:
        """Same sizes, other dtype."""
        return TensorType(as_dtype(dtype), self.shape)

    def __call__(self, name: str | None = None) -> Any:
        """A new input of this type; unknown sizes are unknown anew (Theano's way)."""
        return slots["make_input"](self, name)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, TensorType):
            return NotImplemented
        return (
            self._hash == other._hash
            and self.dtype == other.dtype
            and self.shape == other.shape
        )

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{SHORT[self.dtype]}[{', '.join(map(str, self.shape))}]"

    def __repr__(self) -> str:
        return f"TensorType({self.dtype!r}, ({', '.join(map(str, self.shape))}))"

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorType, (self.dtype, self.shape)


class TupleType:
    """Several tensors, projected by `Pick` nodes."""

    __slots__ = ("types",)

    def __init__(self, types: tuple[TensorType, ...]) -> None:
        self.types = types

    def __len__(self) -> int:
        return len(self.types)

    def __iter__(self) -> Iterator[TensorType]:
        return iter(self.types)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TupleType) and self.types == other.types

    def __hash__(self) -> int:
        return hash(self.types)

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.types))})"

    __repr__ = __str__


class AnyType:
    """The type of a hole and of every node of a rule pattern: not known yet."""

    __slots__ = ()
    dtype = "any"
    shape: tuple[DimLike, ...] = ()
    ndim = 0

    def __str__(self) -> str:
        return "any"

    __repr__ = __str__


ANY = AnyType()
Type = TensorType | TupleType | AnyType


def scalar_type(dtype: str) -> TensorType:
    """The type of a 0-d tensor."""
    return TensorType(dtype, ())


def is_static(shape: tuple[DimLike, ...]) -> bool:
    """Whether every size is a number."""
    return not any(isinstance(size, Dim) for size in shape)
