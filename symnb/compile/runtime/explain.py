"""Why a call failed, in the user's words: the errors of both call paths.

Called only after the fast path has refused, so cost does not matter; every function
here raises. At most 15 lines: the argument, its site, what was found, how to fix it.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import numpy as np

from symnb.compile.runtime.spec import ArraySpec, CallSpec
from symnb.errors import (
    ArgumentError,
    BoundsError,
    ShapeError,
    SizeError,
    SymnbError,
    message,
)

__all__ = ["exhausted", "failed", "reject"]

# what compiled code says of a failure -> the error NumPy would raise
KINDS: dict[str, type[Exception]] = {
    "no memory": MemoryError,
    "out of bounds": BoundsError,
    "zero-size array": SizeError,
    "attempt to get": SizeError,
    "should be": SizeError,
    "no window": ShapeError,
}
# -> the start of the names of ops that may have failed so, how to fix it
SUSPECTS: dict[str, tuple[tuple[str, ...], str]] = {
    "out of bounds": (("gather", "scatter"), ""),
    "zero-size array": (("max", "min"), "pass an array that is not empty."),
    "attempt to get": (("argmax", "argmin"), "pass an array that is not empty."),
    "no window": (("conv", "pool"), "pass larger images, or pad them."),
}
TOLD = re.compile(r"failure (\d+) (-?\d+) (-?\d+)")
_SHORT = {"bool": "bool", "float": "f", "int": "i", "uint": "u"}


def reject(
    spec: CallSpec, index: int, value: Any, args: tuple[Any, ...] = ()
) -> NoReturn:
    """Raises because array `index` (arguments, then shared) does not fit.

    index  -1: the number of arguments is wrong and `value` is that number
    args   the arguments of the call
    """
    if index < 0:
        raise _count(spec, value)
    arrays = (*spec.arguments, *(array for _, array in spec.shared))
    array = arrays[index]
    kind = "argument" if index < len(spec.arguments) else "shared variable"
    subject = f"{spec.name}: {kind} {array.name!r}"
    if not isinstance(value, np.ndarray):
        raise _not_an_array(subject, array, value)
    if value.dtype != np.dtype(array.dtype):
        raise _wrong_dtype(subject, array, value)
    if value.ndim != len(array.dims):
        wanted = len(array.dims)
        raise _error(
            ArgumentError,
            f"{subject} has {value.ndim} axes; it needs {wanted}.",
            array,
            value,
            f"pass an array with {wanted} axes"
            + (" (x[None] adds one)." if value.ndim < wanted else "."),
        )
    _check_class_and_layout(subject, array, value)
    values = [*args, *(storage.array for storage, _ in spec.shared)][:index]
    raise _wrong_size(subject, array, value, list(zip(arrays, values, strict=False)))


def failed(spec: CallSpec, status: int, text: str) -> NoReturn:
    """Raises because compiled code returned `status`: step number + 1, or -1."""
    if status < 0:
        raise SizeError(f"{spec.name}: the sizes of this call do not fit one another.")
    told = TOLD.fullmatch(text)
    if told and spec.failure is not None:
        number, a, b = map(int, told.groups())
        raise spec.failure(number, a, b)
    kinds = (kind for phrase, kind in KINDS.items() if phrase in text)
    kind = next(kinds, SymnbError)
    text = text or "compiled code reported a failure without a reason."
    rows: list[tuple[str, ...]] = []
    names, fix = next((s for phrase, s in SUSPECTS.items() if phrase in text), ((), ""))
    if names and spec.where is not None:
        rows = [row for row in spec.where(status - 1) if row[0].startswith(names)]
    if kind is BoundsError and (size := int(text.rpartition(" ")[2])):
        fix = f"pass indices from {-size} to {size - 1}."
    step = "" if rows else f"step {status - 1} failed: "
    raise kind(message(f"{spec.name}: {step}{text}", rows, fix))


def exhausted(spec: CallSpec, index: int, shape: tuple[int, ...]) -> NoReturn:
    """Raises because result `index` of `shape` cannot be allocated; -1: the arena."""
    if index < 0:
        size = f"{shape[0]:,}" if shape[0] >= 0 else "more than 2**62"
        raise MemoryError(
            message(
                f"{spec.name}: no memory for {size} bytes of workspace and results.",
                fix="pass smaller arguments, or compute in parts.",
            )
        )
    made = (*spec.outputs, *(array for _, array in spec.updates))
    array = made[index]
    what = "result" if index < len(spec.outputs) else "new value of"
    itemsize = np.dtype(array.dtype).itemsize
    if any(size < 0 for size in shape):
        raise SizeError(
            message(
                f"{spec.name}: {what} {array.name!r} has a negative size or one "
                f"above 2**63: {shape}.",
                [_row(array)],
                "pass smaller arguments.",
            )
        )
    total = itemsize
    for size in shape:
        total *= size
    raise MemoryError(
        message(
            f"{spec.name}: no memory for {what} {array.name!r} of shape {shape} "
            f"and dtype {array.dtype} ({total:,} bytes).",
            fix="pass smaller arguments, or free arrays you no longer need.",
        )
    )


def type_text(array: ArraySpec) -> str:
    """`f64[n0, 3]`: the dtype and sizes an argument must have."""
    dims = ", ".join(f"n{d[1]}" if isinstance(d, tuple) else str(d) for d in array.dims)
    return f"{_short(array.dtype)}[{dims}]"


def _short(dtype: str) -> str:
    kind = dtype.rstrip("0123456789")
    return _SHORT.get(kind, kind) + dtype[len(kind) :]


def _found(value: Any) -> str:
    if isinstance(value, np.ndarray):
        dims = ", ".join(map(str, value.shape))
        return f"{_short(str(value.dtype))}[{dims}]"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def _row(array: ArraySpec) -> tuple[str, ...]:
    return array.name, f"needs {type_text(array)}", array.where


def _error(kind: type, what: str, array: ArraySpec, value: Any, fix: str) -> Exception:
    return kind(message(what, [_compared(array, value)], fix))


def _compared(array: ArraySpec, value: Any) -> tuple[str, ...]:
    needs, found = f"needs {type_text(array)}", f"got {_found(value)}"
    return array.name, needs, found, array.where


def _count(spec: CallSpec, count: int) -> Exception:
    wanted = len(spec.arguments)
    plural = "" if wanted == 1 else "s"
    return ArgumentError(
        message(
            f"{spec.name} takes {wanted} argument{plural}; got {count}.",
            [_row(array) for array in spec.arguments],
            "pass one value for each of these, in this order."
            if wanted
            else "call it without arguments.",
            limit=10,
        )
    )


def _not_an_array(subject: str, array: ArraySpec, value: Any) -> Exception:
    number = isinstance(value, (bool, int, float, complex, np.generic))
    if number and not array.dims:
        what = f"{subject} does not fit {array.dtype} exactly."
        fix = f"pass np.{array.dtype}(value)."
    else:
        what = f"{subject} is not a NumPy array."
        fix = f"pass np.asarray(value, dtype={array.dtype!r})."
    return _error(ArgumentError, what, array, value, fix)


def _wrong_dtype(subject: str, array: ArraySpec, value: np.ndarray) -> Exception:
    wanted = np.dtype(array.dtype)
    what = f"{subject} has dtype {value.dtype}; it needs {array.dtype}."
    if value.dtype.newbyteorder("=") == wanted:
        what = f"{subject} has swapped bytes ({value.dtype.str})."
    fix = f"pass {array.name}.astype({array.dtype!r})."
    return _error(ArgumentError, what, array, value, fix)


def _check_class_and_layout(subject: str, array: ArraySpec, value: np.ndarray) -> None:
    if type(value) is not np.ndarray:
        what = f"{subject} is a {type(value).__name__}, a subclass of ndarray."
        raise _error(ArgumentError, what, array, value, "pass np.asarray(value).")
    if not (value.flags.c_contiguous and value.flags.aligned):
        what = f"{subject} is not a contiguous, aligned array."
        fix = f"pass np.ascontiguousarray({array.name})."
        raise _error(ArgumentError, what, array, value, fix)


def _wrong_size(
    subject: str,
    array: ArraySpec,
    value: np.ndarray,
    before: list[tuple[ArraySpec, Any]],
) -> Exception:
    """The error for a size that is not the declared one, or not that of `before`."""
    sizes: dict[Any, tuple[int, int, ArraySpec, Any]] = {}
    seen = [(a, v) for a, v in before if isinstance(v, np.ndarray)]
    for other, found in (*seen, (array, value)):
        for axis, dim in reversed(list(enumerate(other.dims))):
            sizes.setdefault(dim, (axis, found.shape[axis], other, found))
    for axis, (dim, size) in enumerate(zip(array.dims, value.shape, strict=True)):
        if not isinstance(dim, tuple) and dim != size:
            what = f"{subject} has size {size} on axis {axis}; it needs {dim}."
            fix = f"pass an array of type {type_text(array)}."
            return _error(SizeError, what, array, value, fix)
        first_axis, first, other, found = sizes[dim]
        if isinstance(dim, tuple) and first != size:
            what = (
                f"{subject} has size {size} on axis {axis}, but axis {first_axis} of "
            )
            what += f"{other.name!r} has {first}; both are n{dim[1]}."
            rows = [_compared(other, found)] if other is not array else []
            rows.append(_compared(array, value))
            return SizeError(message(what, rows, f"make both sizes n{dim[1]} equal."))
    return _error(
        SizeError, f"{subject} does not fit.", array, value, "check its size."
    )
