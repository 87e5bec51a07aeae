"""Reductions of truth values: bytes in vectors; any byte but 0 stands for true."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb.tensor as T
from symnb.core.graph import Graph
from tests.compile.kernels import harness

X = T.TensorType("bool", (None, None))("x")
NUMPY = {"any": np.any, "all": np.all, "max": np.max, "min": np.min}


@functools.cache
def made(name: str, axis: int | None) -> harness.Compiled:
    return harness.Compiled(Graph([X], [getattr(T, name)(X, axis)]))


@pytest.mark.cc
@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("name", NUMPY)
@given(st.integers(1, 40), st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_reductions_of_truth_are_numpys(
    name: str, axis: int | None, n: int, m: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    often = rng.choice([0.0, 0.002, 0.5, 0.998, 1.0])
    x = rng.random((n, m)) < often
    bytes_ = x.view("uint8") * rng.choice([1, 2, 255], (n, m)).astype("uint8")
    [found] = made(name, axis)({X: bytes_.view("bool")})
    assert found.dtype == "bool"
    np.testing.assert_array_equal(found.view("uint8"), NUMPY[name](x, axis))
