"""What a function takes and gives: `In`, `Out`, and how an argument becomes an array.

This is the slow path of a call: keywords, defaults, Python scalars, casts, copies of
arrays the compiled code cannot read (strided, byte-swapped, misaligned). The fast
path never comes here. An argument is cast where `np.can_cast(a, type, "safe")`,
Python scalars are weak, everything else is an error unless downcasting is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symnb.core.dtypes import is_masked
from symnb.core.node import Node
from symnb.core.shared import Shared, Storage
from symnb.errors import ArgumentError, message

Array = np.ndarray[Any, Any]
_MISSING = object()


@dataclass(eq=False)
class In:
    """One argument of a function.

    variable        the symbolic input
    name            keyword; default the variable's name
    value           default value, or a shared variable whose value is the default
    update          new value of the default after each call
    mutable, borrow the function may use the caller's array (it never does)
    strict          the argument must be an array of exactly this dtype
    allow_downcast  cast even where precision is lost
    """

    variable: Node
    name: str | None = None
    value: Any = _MISSING
    update: Node | None = None
    mutable: bool = False
    borrow: bool | None = None
    strict: bool = False
    allow_downcast: bool | None = None
    storage: Storage | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.name = self.name or self.variable.name
        if isinstance(self.value, Shared):
            self.storage = self.value.storage
        elif self.value is not _MISSING and self.value is not None:
            self.value = as_argument(self, "default of " + str(self.name), self.value)

    @property
    def has_default(self) -> bool:
        """Whether the argument may be left out."""
        return self.value is not _MISSING and self.value is not None

    def default(self) -> Any:
        """The value used when it is left out."""
        return self.storage.array if self.storage is not None else self.value


Param = In


@dataclass(eq=False)
class Out:
    """One result of a function; `borrow` allows it to share storage."""

    variable: Node
    borrow: bool = False


def as_in(item: Any) -> In:
    """An entry of `inputs` as an `In`. Raises ArgumentError."""
    if isinstance(item, In):
        return item
    if isinstance(item, Shared):
        raise ArgumentError(
            f"the shared variable {item} cannot be an argument.\n"
            "Fix: leave it out of the inputs; a function reads shared variables "
            "by itself."
        )
    if isinstance(item, Node) and item.op.name == "input":
        return In(item)
    if isinstance(item, Node):
        raise ArgumentError(
            f"{item!r} is computed, so it cannot be an argument.\n"
            "Fix: make a new input and pass givens={expression: input}."
        )
    raise ArgumentError(f"inputs are symbolic tensors, not {type(item).__name__}.")


def bind(
    name: str, inputs: Sequence[In], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[Any]:
    """One value per input, from positions, keywords and defaults.

    Raises ArgumentError naming what is missing, extra, unknown or given twice.
    """
    if len(args) > len(inputs):
        raise _wrong(name, inputs, f"takes {len(inputs)} arguments, got {len(args)}")
    values: list[Any] = [*args, *([_MISSING] * (len(inputs) - len(args)))]
    places = {spec.name: at for at, spec in enumerate(inputs) if spec.name}
    for key, value in kwargs.items():
        if key not in places:
            raise _wrong(name, inputs, f"has no argument {key!r}")
        if values[places[key]] is not _MISSING:
            raise _wrong(name, inputs, f"got {key!r} twice")
        values[places[key]] = value
    for at, spec in enumerate(inputs):
        if values[at] is _MISSING:
            if not spec.has_default:
                raise _wrong(name, inputs, f"needs argument {at} ({spec.name})")
            values[at] = spec.default()
    return values


def _wrong(name: str, inputs: Sequence[In], what: str) -> ArgumentError:
    rows = [
        (str(spec.name or f"argument {at}"), str(spec.variable.tensor_type),
         str(spec.variable.site or ""))
        for at, spec in enumerate(inputs)
    ]  # fmt: skip
    return ArgumentError(message(f"{name} {what}.", rows, "call it with these."))


def as_argument(
    spec: In, where: str, value: Any, downcast: bool | None = None
) -> Array:
    """`value` as the array compiled code reads: dtype, rank, layout.

    Raises ArgumentError naming the argument, what was found and how to fix it.
    """
    want = spec.variable.tensor_type
    allowed = spec.allow_downcast if spec.allow_downcast is not None else downcast
    if isinstance(value, Node):
        raise ArgumentError(
            f"{where} is a symbolic tensor; a call takes values.\n"
            "Fix: pass an array, or use symnb.clone_replace to substitute symbols."
        )
    array = _as_array(spec, where, value)
    if array.dtype != want.dtype:
        array = _cast(spec, where, value, array, allowed)
    if array.ndim != want.ndim:
        what = f"{where} needs {want.ndim} axes; got {array.ndim}."
        raise _refused(spec, what, value, array, _rank_fix(want.ndim, array.ndim))
    return np.require(array, want.dtype, ["C", "A"])


def _refused(
    spec: In, what: str, value: Any, found: Array | None, fix: str
) -> ArgumentError:
    """The error of an argument: what was wanted and where, what was found."""
    want, kind = spec.variable.tensor_type, type(value).__name__
    if found is not None:
        kind += f" {found.dtype}{list(found.shape)}"
    rows = [("wanted", str(want), str(spec.variable.site or "")), ("found", kind)]
    return ArgumentError(message(what, rows, fix))


def _rank_fix(want: int, got: int) -> str:
    if got < want:
        return f"add {want - got} axis with x[None] or x.reshape(...)."
    return f"take a part with {want} axes, e.g. x[0], or x.reshape(...)."


def _as_array(spec: In, where: str, value: Any) -> Array:
    want = np.dtype(spec.variable.tensor_type.dtype)
    if is_masked(value):
        what = f"{where} has masked elements, which no tensor has."
        fix = "pass its .filled(value), and the mask as an argument of its own."
        raise _refused(spec, what, value, value, fix)
    try:
        array = np.asarray(value)
    except ValueError as error:
        what = f"{where} is no array of {want}: {str(error).split('.')[0]}."
        fix = "pass a NumPy array, or a list whose rows have one length."
        raise _refused(spec, what, value, None, fix) from None
    if array.dtype.kind == "O" or (array.dtype.kind == "f" and want.kind in "iu"):
        array = _exact(spec, where, value, array)
    if array.dtype.kind not in "biuf":
        fix = f"pass a NumPy array of {want}, e.g. np.asarray(x, {want.name!r})."
        if array.dtype.names:
            fix = f"pass one of its fields, e.g. x[{array.dtype.names[0]!r}]."
        what = f"{where} needs numbers of dtype {want}; got "
        what += f"{type(value).__name__} of dtype {array.dtype}."
        raise _refused(spec, what, value, array, fix)
    return array


def _exact(spec: In, where: str, value: Any, array: Array) -> Array:
    """Python integers no dtype holds together (2**63 beside 1) in a dtype that does."""
    want = np.dtype(spec.variable.tensor_type.dtype)
    if isinstance(value, np.ndarray | np.generic) or want.kind == "b":
        return array
    numbers: Array = np.asarray(value, dtype=object)
    kinds: set[type] = {type(number) for number in numbers.flat}
    if not kinds or not kinds <= ({int, float} if want.kind == "f" else {int}):
        return array
    try:
        return numbers.astype("float64" if want.kind == "f" else want)
    except OverflowError:
        raise _outside(spec, where, value, None) from None


def _outside(spec: In, where: str, value: Any, found: Array | None) -> ArgumentError:
    want = spec.variable.tensor_type
    what = f"{where} has a value that {want.dtype} cannot hold."
    return _refused(spec, what, value, found, "pass smaller values, or another dtype.")


def _cast(
    spec: In, where: str, value: Any, array: Array, downcast: bool | None
) -> Array:
    want = np.dtype(spec.variable.tensor_type.dtype)
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    if native.dtype == want:
        return native
    is_weak = _is_weak(value, native, want, downcast)
    if not spec.strict and (
        downcast or np.can_cast(native.dtype, want, "safe") or is_weak
    ):
        with np.errstate(all="ignore"):
            cast = native.astype(want)
        if _loses_values(native, cast, bool(is_weak and not downcast)):
            raise _outside(spec, where, value, native)
        return cast
    whole = want.kind in "iu" and native.dtype.kind in "iu"
    if whole and not isinstance(value, np.ndarray | np.generic):
        raise _outside(spec, where, value, native)
    fix = f"cast it with .astype({want.name!r}), or compile with "
    fix += "allow_input_downcast=True."
    what = f"{where} needs {want}; got {native.dtype}, which may lose digits."
    raise _refused(spec, what, value, native, fix)


def _loses_values(before: Array, after: Array, is_weak: bool) -> bool:
    """Whether NaN, inf or a large number became some integer, or (a Python number)
    became inf. Digits may be lost, values not."""
    if before.dtype.kind != "f":
        return False
    if after.dtype.kind in "iu":
        limits, whole = np.iinfo(after.dtype), np.trunc(before)
        inside = (whole >= float(limits.min)) & (whole < float(limits.max + 1))
        return not bool(np.all(inside))
    return is_weak and bool(np.any(np.isinf(after) & np.isfinite(before)))


def _is_weak(
    value: Any, array: Array, want: np.dtype[Any], downcast: bool | None
) -> bool:
    """Whether a Python scalar (or list of them) fits the dtype by its kind."""
    if isinstance(value, np.ndarray | np.generic) or downcast is False:
        return False
    if not array.size:  # NumPy calls an empty list float64
        return True
    if want.kind == "f":
        return array.dtype.kind in "biuf"
    if want.kind in "iu" and array.dtype.kind in "iu":
        limits = np.iinfo(want)
        inside = (array >= limits.min) & (array <= limits.max)
        return bool(np.all(inside))
    return False
