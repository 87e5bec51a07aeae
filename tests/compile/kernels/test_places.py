"""The place of an extremum, found in one pass: the first, NaN before all."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb.tensor as T
from symnb.compile.kernels import Target, lower, partition, schedule_cpu
from symnb.core.graph import Graph
from symnb.core.node import Node
from tests.compile.kernels import harness

DTYPES = ("float32", "float64", "int32", "int64", "int8", "uint32")
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0]


@functools.cache
def made(dtype: str) -> tuple[Node, harness.Compiled]:
    x = T.TensorType(dtype, (None, None))("x")
    outputs = [x.argmax(1), x.argmin(1), x.argmax(), (x * x).argmin(1), x.max(1)]
    return x, harness.Compiled(Graph([x], outputs))


def drawn(dtype: str, n: int, m: int, seed: int) -> np.ndarray:
    """Rows with repeats and, if floats, special values."""
    rng = np.random.default_rng(seed)
    values: Any = rng.integers(0, 100, rng.integers(1, 12))
    if np.dtype(dtype).kind == "f":
        some = rng.choice(SPECIAL, rng.integers(0, 3))
        values = np.concatenate([values, rng.standard_normal(3), some])
    return rng.choice(values, (n, m)).astype(dtype)


@pytest.mark.cc
@pytest.mark.parametrize("dtype", DTYPES)
@given(st.integers(1, 5), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_places_of_extrema_are_numpys(dtype: str, n: int, m: int, seed: int) -> None:
    data = drawn(dtype, n, m, seed)
    x, compiled = made(dtype)
    found = compiled({x: data})
    with np.errstate(all="ignore"):
        square = data * data
    wanted = [
        data.argmax(1), data.argmin(1), data.argmax(), square.argmin(1), data.max(1),
    ]  # fmt: skip
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(got, want)


def test_one_row_is_not_cut() -> None:
    x = T.TensorType("float32", (None, None))("x")
    [region] = partition(Graph([x], [x.argmax()]))
    kernel = schedule_cpu(lower(region), Target(64))
    assert not kernel.parallel
    assert "depend" in kernel.alone


@pytest.mark.cc
@pytest.mark.parametrize("value", [-np.inf, np.nan, np.inf])
@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_the_place_of_equals_is_the_first(value: float, size: int) -> None:
    x, compiled = made("float32")
    row = np.full((1, size), value, "float32")
    for found in compiled({x: row})[:4]:
        assert found.sum() == 0


@pytest.mark.cc
@pytest.mark.parametrize(("size", "way"), [(10, "a short row"), (200, "32 lanes")])
def test_rows_of_known_length_go_one_way(size: int, way: str) -> None:
    x = T.TensorType("float32", (None, size))("x")
    compiled = harness.Compiled(Graph([x], [x.argmax(1)]))
    ways = [
        text
        for text in ("a short row", "32 lanes")
        if f"/* {text} */" in compiled.source
    ]
    assert ways == [way]
    data = drawn("float32", 20, size, 3)
    [found] = compiled({x: data})
    np.testing.assert_array_equal(found, data.argmax(1))
