"""Sorting and searching in C: NumPy's order for every dtype, any axis, any length."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.core.dtypes import DTYPES, is_float

pytestmark = pytest.mark.cc
LENGTHS = (0, 1, 2, 7, 16, 17, 63, 130, 513, 1025, 1100)


@functools.cache
def ordered(dtype: str, ndim: int, axis: int) -> symnb.Function:
    """[sort, argsort] of a tensor along an axis."""
    x = T.TensorType(dtype, (None,) * ndim)("x")
    return symnb.function([x], [T.sort(x, axis), T.argsort(x, axis)])


@functools.cache
def found(dtype: str) -> symnb.Function:
    """Where to insert, on the left and on the right."""
    line = T.TensorType(dtype, (None,))("line")
    v = T.TensorType(dtype, (None, None))("v")
    left, right = T.searchsorted(line, v), T.searchsorted(line, v, side="right")
    return symnb.function([line, v], [left, right])


def drawn(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values many of which are equal, the strange ones among them."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if not is_float(dtype):
        limits = np.iinfo(dtype)
        few = np.array([limits.min, limits.max, 0, 1, 2, 3, limits.max - 1], dtype)
        return rng.choice(few, shape)
    few = np.array(
        [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -1.5, 2], dtype
    )
    x = rng.standard_normal(shape).astype(dtype)
    return np.where(rng.random(shape) < 0.5, x, rng.choice(few, shape))


@given(
    st.sampled_from(["float64", "float32", "uint16"]), st.sampled_from(LENGTHS),
    st.integers(0, 40), st.integers(0, 1), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_lines_side_by_side_are_sorted_as_numpy_does(
    dtype: str, length: int, lines: int, axis: int, seed: int
) -> None:
    shape = (length, lines) if axis == 0 else (lines, length)
    x = drawn(np.random.default_rng(seed), dtype, shape)
    values, places = ordered(dtype, 2, axis)(x)
    np.testing.assert_array_equal(values, np.sort(x, axis), strict=True)
    np.testing.assert_array_equal(places, np.argsort(x, axis, kind="stable"))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [0, 1, 3, 100, 1024, 5000])
def test_a_vector_is_sorted_and_equal_elements_keep_their_order(
    dtype: str, length: int
) -> None:
    x = drawn(np.random.default_rng(length), dtype, (length,))
    values, places = ordered(dtype, 1, 0)(x)
    np.testing.assert_array_equal(values, np.sort(x), strict=True)
    np.testing.assert_array_equal(places, np.argsort(x, kind="stable"))


def test_the_axis_may_be_in_the_middle() -> None:
    x = drawn(np.random.default_rng(0), "float32", (3, 70, 5))
    values, places = ordered("float32", 3, 1)(x)
    np.testing.assert_array_equal(values, np.sort(x, 1), strict=True)
    np.testing.assert_array_equal(places, np.argsort(x, 1, kind="stable"))


def test_threads_sort_as_one_thread_does() -> None:
    x = drawn(np.random.default_rng(0), "float64", (300, 301))
    f = ordered("float64", 2, 1)
    with symnb.config.change(threads=1):
        alone = f(x)
    with symnb.config.change(threads=2):
        together = f(x)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@given(
    st.sampled_from(["float64", "float32", "uint8", "bool"]),
    st.sampled_from(LENGTHS), st.integers(0, 50),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_places_to_insert_are_numpys(
    dtype: str, length: int, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    line = np.sort(drawn(rng, dtype, (length,)))
    v = drawn(rng, dtype, (2, count))
    left, right = found(dtype)(line, v)
    np.testing.assert_array_equal(left, np.searchsorted(line, v), strict=True)
    np.testing.assert_array_equal(right, np.searchsorted(line, v, "right"))


def test_sorting_calls_no_python() -> None:
    x = T.dvector("x")
    f = symnb.function([x], [T.sort(x), T.argsort(x), T.searchsorted(x, x)])
    assert "ws->python" not in f.source().split("int symnb_run", 2)[2]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_the_true_places_are_numpys(share: float, count: int) -> None:
    rng = np.random.default_rng(count)
    mask, x = rng.random(count) < share, rng.standard_normal(count)
    places, kept, total = chosen()(mask, x)
    np.testing.assert_array_equal(places, np.flatnonzero(mask), strict=True)
    np.testing.assert_array_equal(kept, x[mask], strict=True)
    assert total == pytest.approx(x[mask].sum(), abs=1e-9)


@functools.cache
def chosen() -> symnb.Function:
    """The places of a mask, and what it keeps of a vector."""
    mask, x = T.TensorType("bool", (None,))("mask"), T.dvector("x")
    return symnb.function([mask, x], [T.flatnonzero(mask), x[mask], x[mask].sum()])
