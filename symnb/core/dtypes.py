"""Dtypes are NumPy names; this file knows their short names and how they promote.

Promotion follows NumPy 2 (NEP 50): Python scalars are weak and follow the tensor
they meet. One difference: there is no float16, so `sqrt` of an 8-bit integer
gives float32 where NumPy gives float16.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from symnb.errors import DTypeError

SHORT = {
    "bool": "bool",
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
    "float32": "f32", "float64": "f64",
}  # fmt: skip
DTYPES = tuple(SHORT)
FLOATS = ("float32", "float64")
INTS = tuple(d for d in DTYPES if d.startswith(("int", "uint")))
LONG = {short: long for long, short in SHORT.items()}

PythonScalar = bool | int | float
_FLOAT_OF = dict.fromkeys(DTYPES, "float64") | dict.fromkeys(
    ("bool", "int8", "uint8", "int16", "uint16", "float32"), "float32"
)


@cache
def _name_of(dtype: Any) -> str:
    return np.dtype(dtype).name


def as_dtype(dtype: Any) -> str:
    """The NumPy name of `dtype` (a name, short name, NumPy dtype or type).

    Raises DTypeError when symnb does not compute with it.
    """
    if isinstance(dtype, str) and dtype in LONG:
        return LONG[dtype]
    try:
        name = _name_of(dtype)
    except TypeError:
        name = repr(dtype)
    if name not in SHORT:
        raise DTypeError(f"no dtype {name}; symnb computes with {', '.join(DTYPES)}.")
    return name


def is_float(dtype: str) -> bool:
    """Whether the dtype is a floating-point one."""
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """Whether the dtype is a signed or unsigned integer (bool is not)."""
    return dtype in INTS


@cache
def promote(*dtypes: str) -> str:
    """The dtype in which tensors of these dtypes are combined."""
    return as_dtype(np.result_type(*dtypes))


@cache
def _promote_weak(dtype: str, kind: type) -> str:
    name = np.result_type(np.dtype(dtype), kind(0)).name
    return "float64" if name == "float16" else name


def promote_weak(dtype: str | None, values: tuple[PythonScalar, ...]) -> str:
    """`dtype` after meeting weak Python scalars; None: scalars only."""
    kinds = {type(v) for v in values}
    if dtype is None:
        if float in kinds:
            return "float64"
        return "int64" if int in kinds else "bool"
    for kind in (bool, int, float):
        if kind in kinds:
            dtype = _promote_weak(dtype, kind)
    return dtype


def float_of(dtype: str) -> str:
    """The float dtype in which a function of `dtype` with real results is computed.

    8- and 16-bit integers and bool give float32, wider integers float64.
    """
    return _FLOAT_OF[dtype]


def is_masked(value: Any) -> bool:
    """Whether it is one of NumPy's masked arrays with an element that is masked.

    np.asarray drops the mask and keeps what stands below it.
    """
    if type(value).__module__.partition(".")[0] != "numpy" or type(value) is np.ndarray:
        return False
    return bool(np.any(getattr(value, "mask", False)))
