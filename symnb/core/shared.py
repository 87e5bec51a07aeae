"""Shared variables: leaves that own storage which functions read and update.

`Storage` is what a compiled function binds: the current C-contiguous array, a spare
buffer of the same kind for the next update, and a lock taken by calls that write.
A shared variable's sizes are symbols named after their present numbers, so that
`set_value` with other sizes stays right; a function fixes them when it is compiled.
"""

from __future__ import annotations

import threading
from typing import Any, cast
from weakref import WeakValueDictionary

import numpy as np

from symnb.core import site as sites
from symnb.core.dims import Atom, Dim, DimLike, symbol
from symnb.core.dtypes import as_dtype, is_masked
from symnb.core.node import Node
from symnb.core.op import SHARED
from symnb.core.types import TensorType
from symnb.errors import ArgumentError, DTypeError

Array = np.ndarray[Any, Any]

# Which variable a size symbol belongs to: `data.shape[0]` has no edge to `data`, and a
# graph must know all state it reads. Weak: it keeps no variable alive.
_owners: WeakValueDictionary[Atom, Shared] = WeakValueDictionary()


def owner_of(atom: Atom) -> Shared | None:
    """The shared variable whose size `atom` is."""
    return _owners.get(atom)


class Storage:
    """The state behind a shared variable."""

    __slots__ = ("__weakref__", "array", "lock", "name", "spare")

    def __init__(self, array: Array, name: str | None = None) -> None:
        self.array = array
        self.spare: Array | None = None
        self.lock = threading.RLock()
        self.name = name

    def __getstate__(self) -> tuple[Array, str | None]:
        return self.array, self.name

    def __setstate__(self, state: tuple[Array, str | None]) -> None:
        self.array, self.name = state
        self.spare = None
        self.lock = threading.RLock()


class Shared(Node):
    """A tensor with state: `W = shared(value, name="W")`."""

    __slots__ = ("default_update", "storage")

    def __init__(
        self,
        storage: Storage,
        type: TensorType,
        name: str | None = None,
    ) -> None:
        super().__init__(SHARED, (), (), type, name, sites.capture(2))
        self.storage = storage
        self.default_update: Node | None = None
        for size in type.shape:
            if isinstance(size, Dim) and size.leaf is not None:
                _owners.setdefault(size.leaf, self)

    def get_value(
        self, borrow: bool = False, return_internal_type: bool = False
    ) -> Any:
        """The present value; a copy unless `borrow`."""
        array = self.storage.array
        return array if borrow else array.copy()

    def set_value(self, value: Any, borrow: bool = False) -> None:
        """Replace the value; same dtype and number of axes.

        borrow  keep the caller's array itself when it is C-contiguous
        Raises DTypeError or ArgumentError.
        """
        array = _as_value(value, borrow)
        self._check(array)
        with self.storage.lock:
            self.storage.array = array

    def zero(self) -> None:
        """Set every element to zero."""
        self.set_value(np.zeros_like(self.storage.array))

    @property
    def container(self) -> Storage:
        """Theano's word for the storage."""
        return self.storage

    def _check(self, array: Array) -> None:
        type = self.tensor_type
        label = self.name or "a shared variable"
        if as_dtype(array.dtype) != type.dtype:
            raise DTypeError(
                f"{label} holds {type.dtype}; got {array.dtype}.\n"
                f"Fix: cast the value with .astype({type.dtype!r})."
            )
        if array.ndim != type.ndim:
            raise ArgumentError(
                f"{label} has {type.ndim} axes; got a value with {array.ndim}.\n"
                "Fix: give a value with the same number of axes."
            )
        for axis, (want, got) in enumerate(zip(type.shape, array.shape, strict=True)):
            if isinstance(want, int) and want != got:
                raise ArgumentError(
                    f"{label} has size {want} on axis {axis}, fixed when it was "
                    f"made; got {got}."
                )


def _as_value(value: Any, borrow: bool) -> Array:
    if is_masked(value):
        raise DTypeError(
            "a shared variable has no masked elements.\n"
            "Fix: pass value.filled(number), and the mask as a variable of its own."
        )
    array = np.asarray(value)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if not array.flags.c_contiguous:
        array = np.array(array, order="C")
    if (
        not borrow
        and isinstance(value, np.ndarray)
        and np.may_share_memory(array, cast(Array, value))
    ):
        array = array.copy()
    if borrow and not array.flags.writeable:
        array = array.copy()
    return array


def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    shape: tuple[int | None, ...] | None = None,
    broadcastable: tuple[bool, ...] | None = None,
) -> Shared:
    """A variable with state, initialised with `value` (array or Python scalar).

    shape          per axis a size that is promised never to change, or None
    broadcastable  Theano's way to promise size 1 on an axis
    borrow         use the caller's array without a copy

    Python ints give int64 and floats float64. Raises DTypeError for other values.
    """
    if isinstance(value, Node):
        raise DTypeError("shared() takes a value, not a symbolic tensor.")
    array = _as_value(value, borrow)
    dtype = as_dtype(array.dtype)
    sizes: list[DimLike] = []
    for axis, present in enumerate(array.shape):
        promised = shape[axis] if shape is not None else None
        if broadcastable is not None and broadcastable[axis]:
            promised = 1
        if promised is not None and promised != present:
            raise ArgumentError(f"axis {axis} is {present}, not {promised}.")
        sizes.append(present if promised is not None else symbol(str(present), lower=0))
    return Shared(Storage(array, name), TensorType(dtype, tuple(sizes)), name)
