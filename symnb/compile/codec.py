"""Arrays as JSON: dtype, shape and the bytes in base 64."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def encode(value: Array) -> dict[str, Any]:
    """An array as JSON values."""
    data = base64.b64encode(value.tobytes()).decode()
    return {"dtype": value.dtype.name, "shape": list(value.shape), "bytes": data}


def decode(item: dict[str, Any]) -> Array:
    """The array `encode` wrote; writable."""
    raw = np.frombuffer(base64.b64decode(item["bytes"]), item["dtype"])
    return raw.reshape(item["shape"]).copy()
