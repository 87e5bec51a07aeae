"""Rows that turn out short: NumPy's numbers, on both sides of the border."""

import functools
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb.tensor as T
from symnb.compile.kernels import Target, lower, partition, schedule_cpu
from symnb.compile.kernels.kernel import Kernel, Loop, Parallel
from symnb.core.graph import Graph
from symnb.core.node import Node
from tests.compile.kernels import harness

FLOATS = ("float32", "float64")
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e-40, 1.0]
LENGTHS = st.one_of(st.integers(0, 12), st.integers(13, 40))


def matrix(dtype: str, name: str = "x") -> Node:
    return T.TensorType(dtype, (None, None))(name)


@functools.cache
def sums(dtype: str, threads: int = 1) -> tuple[Node, harness.Compiled]:
    x = matrix(dtype)
    outputs = [x.sum(1), x.prod(1), (x * x - x).sum(1), T.sqrt((x * x).sum(1))]
    return x, harness.Compiled(Graph([x], outputs), threads=threads)


@functools.cache
def others(dtype: str) -> tuple[Node, harness.Compiled]:
    x = matrix(dtype)
    e = T.exp(x - x.max(1, keepdims=True))
    outputs = [
        x.max(1), x.min(1), x.argmax(1), x.argmin(1), (x > 0).any(1), (x > 0).all(1),
        x - x.mean(1, keepdims=True), x.var(1), e / e.sum(1, keepdims=True),
        T.log(e.sum(1)) + x.max(1),
    ]  # fmt: skip
    return x, harness.Compiled(Graph([x], outputs))


def numpys(x: Any) -> list[Any]:
    e = np.exp(x - x.max(1, keepdims=True))
    return [
        x.max(1), x.min(1), x.argmax(1), x.argmin(1), (x > 0).any(1), (x > 0).all(1),
        x - x.mean(1, keepdims=True), x.var(1), e / e.sum(1, keepdims=True),
        np.log(e.sum(1)) + x.max(1),
    ]  # fmt: skip


def drawn(dtype: str, n: int, m: int, seed: int) -> np.ndarray:
    """Rows, a few of them with special values."""
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((n, m)) * 10.0 ** rng.integers(-3, 4, (n, m))
    some = rng.random((n, m)) < rng.choice([0.0, 0.1])
    data[some] = rng.choice(SPECIAL, np.count_nonzero(some))
    return data.astype(dtype)


def close(got: Any, want: Any, terms: Any, m: int) -> None:
    """Equal but for m roundings of sums of the sizes `terms`."""
    bound = (2 * m + 8) * np.finfo(want.dtype).eps
    with np.errstate(all="ignore"):
        near = np.abs(got - want) <= bound * terms + np.finfo(want.dtype).tiny
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    unbounded = ~np.isfinite(np.broadcast_to(terms, want.shape))
    assert np.all(near | same | (unbounded & ~np.isfinite(got))), (got, want)


@pytest.mark.cc
@pytest.mark.parametrize("dtype", FLOATS)
@given(st.integers(0, 40), LENGTHS, st.integers(0, 2**32 - 1))
def test_sums_and_products_are_numpys(dtype: str, n: int, m: int, seed: int) -> None:
    data = drawn(dtype, n, m, seed)
    x, compiled = sums(dtype)
    found = compiled({x: data})
    with np.errstate(all="ignore"):
        other, square = data * data - data, data * data
        parts = [data, data, other, square]
        wanted = [data.sum(1), data.prod(1), other.sum(1), np.sqrt(square.sum(1))]
        sizes = [np.abs(part).sum(1) for part in parts]
        sizes[1], sizes[3] = np.abs(wanted[1]), wanted[3]
    for at, (got, want) in enumerate(zip(found, wanted, strict=True)):
        if m < 8 and at != 1:  # in order, as NumPy adds
            np.testing.assert_array_equal(got, want)
        else:
            close(got, want, sizes[at], m)


@pytest.mark.cc
@pytest.mark.parametrize("dtype", FLOATS)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_other_reductions_are_numpys(dtype: str, n: int, m: int, seed: int) -> None:
    data = drawn(dtype, n, m, seed)
    x, compiled = others(dtype)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found, wanted = compiled({x: data}), numpys(data)
        sizes = [0.0] * 6
        sums = np.abs(data).sum(1)
        sizes += [sums[:, None], sums * sums, 1.0, 1 + np.abs(data).max(1)]
    for got, want, size in zip(found, wanted, sizes, strict=True):
        if want.dtype.kind != "f":
            np.testing.assert_array_equal(got, want)
        else:
            close(got, want, size, m)


@pytest.mark.cc
@given(st.integers(1, 5), st.integers(1, 40), LENGTHS, st.integers(0, 2**32 - 1))
def test_distances_of_pairs_are_numpys(n: int, k: int, m: int, seed: int) -> None:
    x, y, compiled = pairs()
    a, b = drawn("float64", n, m, seed), drawn("float64", k, m, seed + 1)
    [got] = compiled({x: a, y: b})
    with np.errstate(all="ignore"):
        want = np.sum((a[:, None] - b[None]) ** 2, 2)
    close(got, want, want, m)


@functools.cache
def pairs() -> tuple[Node, Node, harness.Compiled]:
    x, y = matrix("float64"), matrix("float64", "y")
    d = x[:, None, :] - y[None, :, :]
    return x, y, harness.Compiled(Graph([x, y], [(d * d).sum(2)]))


@pytest.mark.cc
@pytest.mark.parametrize("m", [1, 3, 7, 8, 33])
def test_chunks_change_nothing(m: int) -> None:
    data = drawn("float64", 120_000 // m + 3, m, m)
    data[np.isnan(data)] = 1.0
    (x, one), (y, four) = sums("float64"), sums("float64", 4)
    for got, want in zip(four({y: data}), one({x: data}), strict=True):
        np.testing.assert_array_equal(got, want)
    assert max(four.chunks) > 1


def scheduled(*outputs: Node) -> Kernel:
    leaves = [x for x in Graph((), outputs).order if x.op.name == "input"]
    [region] = partition(Graph(leaves, outputs))
    return schedule_cpu(lower(region), Target(32))


def plain(kernel: Kernel) -> list[Loop]:
    loops = [s for s in kernel.statements() if isinstance(s, Loop)]
    return [loop for loop in loops if loop.role == "plain"]


def test_short_and_long_rows_run_in_the_same_threads() -> None:
    x = matrix("float32")
    kernel = scheduled(x.sum(1))
    [region] = [s for s in kernel.statements() if isinstance(s, Parallel)]
    assert region.unit == 1
    assert sum(isinstance(s, Loop) for s in region.body) == 2


def test_rows_of_known_length_have_one_form() -> None:
    x = T.TensorType("float32", (None, 3))("x")
    assert not plain(scheduled(x.sum(1)))


def test_costly_rows_have_one_form() -> None:
    assert not plain(scheduled(T.exp(matrix("float32")).sum(1)))
    assert plain(scheduled(matrix("float32").sum(1)))


def test_a_result_may_take_the_place_of_short_rows() -> None:
    x = matrix("float32")
    out = x / x.sum(1, keepdims=True)
    assert scheduled(out).in_place == ((out, x),)
