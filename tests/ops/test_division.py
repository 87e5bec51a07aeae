"""Integers divided, rounded down: every pair of bytes, the ends of wider ranges."""

import itertools

import numpy as np
import pytest

import symnb
import symnb.tensor as T

pytestmark = pytest.mark.cc
CONSTANTS = (1, 2, 7, 100, 127, -1, -2, -7, -128)


def edges(dtype: str) -> np.ndarray:
    limits = np.iinfo(dtype)
    near = [*range(-9, 10), *(limits.min + k for k in range(3)), limits.min // 2]
    return np.array(
        [*near, limits.max // 3, *(limits.max - k for k in range(3))], dtype
    )


def test_every_pair_of_bytes_divides_as_in_numpy() -> None:
    every = np.arange(-128, 128).astype("int8")
    x, y = (np.ravel(a).copy() for a in np.meshgrid(every, every))
    a, b = T.bvector("a"), T.bvector("b")
    got = symnb.function([a, b], [a // b, a % b])(x, y)
    with np.errstate(all="ignore"):
        right = [x // y, x % y]
    for one, other in zip(got, right, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64"])
def test_wide_integers_divide_as_in_numpy_up_to_their_ends(dtype: str) -> None:
    x = edges(dtype)
    pairs = np.array(list(itertools.product(x, x)), dtype)
    a, b = T.TensorType(dtype, (None,))("a"), T.TensorType(dtype, (None,))("b")
    left, right = pairs.T.copy()
    by = [np.dtype(dtype).type(c) for c in CONSTANTS]
    f = symnb.function(
        [a, b], [a // b, a % b, *(a // c for c in by), *(a % c for c in by)]
    )
    with np.errstate(all="ignore"):
        want = [left // right, left % right]
        want += [left // c for c in by] + [left % c for c in by]
    for one, other in zip(f(left, right), want, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
