"""Values on which rules are checked: specials, all magnitudes, near-cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from symnb.core.node import Node
from symnb.optim.guard import Guard, tensor_type

Array = Any
_EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0)
_BEYOND = (np.inf, -np.inf, np.nan)


def sample(
    leaves: Sequence[Node], rng: np.random.Generator, special: bool, flat: bool = True
) -> dict[Node, Array]:
    """An array for each leaf, of its dtype and (static) shape.

    special  whether inf and NaN are among them and, if elements are computed one by
             one (`flat`), the ends of the range; beside an inf or NaN no value is
             so large or small that it would overflow on its own
    """
    values: dict[Node, Array] = {}
    for leaf in leaves:
        type = tensor_type(leaf)
        shape = tuple(int(n) for n in type.shape)  # pyright: ignore[reportArgumentType]
        values[leaf] = _draw(type.dtype, shape, rng, special and flat)
        if special and not flat and type.dtype.startswith("float"):
            beyond = rng.random(shape) < 0.05
            values[leaf] = np.where(beyond, rng.choice(_BEYOND, shape), values[leaf])
            values[leaf] = values[leaf].astype(type.dtype)
    _bring_near(values, rng)
    if special and flat:
        _calm_beside_infinity(values)
    return values


def _calm_beside_infinity(values: dict[Node, Array]) -> None:
    """Where one array holds inf or NaN, moderate values in the others."""
    arrays = [v for v in values.values() if v.dtype.kind == "f" and v.ndim]
    if not arrays or any(v.shape != arrays[0].shape for v in arrays):
        return
    beyond = np.logical_or.reduce([~np.isfinite(v) for v in arrays])
    for array in arrays:
        size = np.abs(array)
        extreme = np.isfinite(array) & ((size > 1e6) | ((size < 1e-6) & (size > 0)))
        array[beyond & extreme] = 1.5


def _draw(
    dtype: str, shape: tuple[int, ...], rng: np.random.Generator, special: bool
) -> Array:
    count = int(np.prod(shape))
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if not dtype.startswith("float"):
        return _integers(dtype, count, rng).reshape(shape)
    return _floats(dtype, count, rng, special).astype(dtype).reshape(shape)


def _integers(dtype: str, count: int, rng: np.random.Generator) -> Array:
    ends = np.iinfo(dtype)
    small = rng.integers(max(-5, ends.min), 6, count)
    whole = rng.integers(ends.min, ends.max, count, endpoint=True, dtype=dtype)
    edges = rng.choice(np.array([ends.min, ends.max, 0, 1], dtype), count)
    pick = rng.integers(0, 4, count)
    return np.choose(pick, [small.astype(dtype), whole, edges, whole])


def _floats(dtype: str, count: int, rng: np.random.Generator, special: bool) -> Array:
    sign = rng.choice([-1.0, 1.0], count)
    limits = np.finfo(dtype)
    wide = np.log10(float(limits.max)) - 1
    middling = sign * 10 ** rng.uniform(-12, 3, count)
    usual = rng.normal(0, 3, count)
    if not special:
        return np.where(rng.random(count) < 0.3, middling, usual)
    extreme = sign * 10 ** rng.uniform(-wide, wide, count)
    near_one = sign * (1 + rng.integers(-4, 5, count) * float(limits.eps))
    edges = rng.choice(
        [*_EDGES, *_BEYOND, float(limits.max), float(limits.tiny),
         float(limits.smallest_subnormal)], count,
    )  # fmt: skip
    pick = rng.choice(6, count, p=[0.2, 0.3, 0.15, 0.1, 0.2, 0.05])
    whole = np.round(rng.uniform(-40, 40, count))
    return np.choose(pick, [middling, usual, extreme, near_one, edges, whole])


def _bring_near(values: dict[Node, Array], rng: np.random.Generator) -> None:
    """Make some elements of each array nearly equal to the first array's."""
    arrays = [v for v in values.values() if v.dtype.kind == "f" and v.ndim]
    for other in arrays[1:]:
        first = arrays[0]
        if other.shape == first.shape and other.dtype == first.dtype:
            near = cast(Array, rng.random(other.shape) < 0.2)
            with np.errstate(all="ignore"):
                nudged = np.nextafter(first, np.asarray(0, first.dtype))
            some = cast(Array, rng.random(other.shape) < 0.5)
            other[near] = np.where(some, first, nudged)[near]


def constant_values(guard: Guard, dtype: str, rng: np.random.Generator) -> Array:
    """A scalar a guard of constants accepts."""
    if dtype == "bool":
        return np.asarray(rng.integers(0, 2), bool)
    low = max(guard.low, -10.0)
    high = min(guard.high, 10.0)
    value = rng.uniform(low, high)
    if not dtype.startswith("float"):
        value = np.clip(np.round(value), max(low, 0 if dtype[0] == "u" else low), high)
    return np.asarray(value).astype(dtype)
