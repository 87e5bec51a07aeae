"""Creation against NumPy: constant values, ranges, eye and triangles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.core.dtypes import DTYPES
from symnb.core.node import Input
from symnb.core.types import TensorType
from symnb.ops import create
from tests.ops.structure import agrees, check_derivatives, tensor, value


def scalar(name: str, dtype: str = "int64") -> Input:
    return Input(TensorType(dtype, ()), name)


def equal(node, expected, inputs=(), arrays=()) -> None:
    expected = np.asarray(expected)
    np.testing.assert_array_equal(value(node, inputs, arrays), expected, strict=True)
    assert node.dtype == expected.dtype.name


@pytest.mark.parametrize("dtype", [None, *DTYPES])
def test_zeros_ones_full(dtype) -> None:
    equal(create.zeros((2, 3), dtype), np.zeros((2, 3), dtype or "float64"))
    equal(create.ones(2, dtype), np.ones(2, dtype or "float64"))
    equal(create.full((2,), 7, dtype), np.full((2,), 7, dtype))
    assert create.empty((2, 3), dtype).type == create.zeros((2, 3), dtype).type


def test_sizes_may_be_symbolic_or_known_only_while_running() -> None:
    x, k = tensor(np.zeros((2, 3))), scalar("k")
    data = [np.zeros((2, 3)), 4]
    equal(create.zeros(x.shape), np.zeros((2, 3)), [x, k], data)
    equal(create.ones((x.shape[1] * 2, k)), np.ones((6, 4)), [x, k], data)
    equal(create.alloc(5, k, 2), np.full((4, 2), 5), [x, k], data)
    equal(create.alloc(x, k, *x.shape), np.zeros((4, 2, 3)), [x, k], data)


@pytest.mark.parametrize("dtype", [None, "int8"])
def test_likes(dtype) -> None:
    x = np.arange(6, dtype="float32").reshape(2, 3)
    agrees(lambda a: create.zeros_like(a, dtype), lambda a: np.zeros_like(a, dtype), x)
    agrees(lambda a: create.ones_like(a, dtype), lambda a: np.ones_like(a, dtype), x)
    agrees(
        lambda a: create.full_like(a, 3, dtype), lambda a: np.full_like(a, 3, dtype), x
    )
    agrees(lambda a: a.fill(2.5), lambda a: np.full_like(a, 2.5), x)
    agrees(lambda a: create.fill(a, np.float64(1)), lambda a: np.ones(a.shape), x)


ints = st.integers(-7, 7)


@given(ints, ints, ints.filter(bool))
def test_integer_ranges(start, stop, step) -> None:
    expected = np.arange(start, stop, step)
    equal(create.arange(start, stop, step), expected)
    a, b, c = scalar("a"), scalar("b"), scalar("c")
    given = ([a, b, c], [start, stop, step])
    equal(create.arange(a, b, c), expected, *given)
    equal(create.arange(a, b, step), expected, *given)
    equal(create.arange(start, b, step, "float32"), expected.astype("f4"), *given)
    x = tensor(np.zeros(max(stop, 0)))
    sized = create.arange(start, x.shape[0], step)
    equal(sized, np.arange(start, max(stop, 0), step), [x], [np.zeros(max(stop, 0))])


def test_the_length_of_a_range_of_sizes_is_a_size() -> None:
    x = tensor(np.zeros(3))
    n = x.type.shape[0]
    assert create.arange(x.shape[0]).type.shape == (n,)
    assert create.arange(1, x.shape[0]).type.shape[0].atoms() == n.atoms()
    assert create.arange(10).type.shape == (10,)


@given(st.floats(-5, 5), st.floats(-5, 5), st.sampled_from([0.25, -0.5, 0.1, 1.0]))
def test_float_ranges(start, stop, step) -> None:
    equal(create.arange(start, stop, step), np.arange(start, stop, step))
    a, b = scalar("a", "float64"), scalar("b", "float64")
    equal(
        create.arange(a, b, step), np.arange(start, stop, step), [a, b], [start, stop]
    )


def test_ranges_of_small_integers_keep_their_dtype() -> None:
    k = scalar("k", "int16")
    equal(create.arange(k), np.arange(np.int16(4)).astype("int16"), [k], [4])


@given(st.floats(-9, 9), st.floats(-9, 9), st.integers(0, 7), st.booleans())
def test_linspace(start, stop, count, endpoint) -> None:
    expected = np.linspace(start, stop, count, endpoint=endpoint)
    found = value(create.linspace(start, stop, count, endpoint))
    np.testing.assert_allclose(found, expected, rtol=4e-16, atol=2e-15, strict=True)
    if endpoint and count > 1:
        assert found[-1] == stop
    k = scalar("k")
    found = value(create.linspace(start, stop, k, endpoint), [k], [count])
    np.testing.assert_allclose(found, expected, rtol=4e-16, atol=2e-15, strict=True)


def test_linspace_and_logspace_dtypes() -> None:
    equal(create.linspace(0, 4, 5, dtype="int64"), np.arange(5))
    found = value(create.logspace(0, 2, 3))
    np.testing.assert_allclose(found, [1, 10, 100], rtol=1e-15)


@given(st.integers(0, 4), st.none() | st.integers(0, 4), st.integers(-3, 3))
def test_eye_and_triangles(n, m, k) -> None:
    equal(create.eye(n, m, k), np.eye(n, m, k))
    equal(create.tri(n, m, k, "int64"), np.tri(n, m, k, "int64"))
    x = np.arange(n * (m or 2)).reshape(n, m or 2) if m != 0 else np.zeros((n, 0))
    agrees(lambda a: create.tril(a, k), lambda a: np.tril(a, k), x)
    agrees(lambda a: create.triu(a, k), lambda a: np.triu(a, k), x)


def test_triangles_of_stacks_vectors_and_symbolic_offsets() -> None:
    x = np.arange(12).reshape(2, 2, 3)
    agrees(create.tril, np.tril, x)
    agrees(create.triu, np.triu, x)
    agrees(create.tril, np.tril, np.arange(3))
    k = scalar("k")
    equal(create.eye(3, k=k), np.eye(3, k=1), [k], [1])
    agrees(create.identity_like, lambda a: np.eye(2, 3), np.ones((2, 3)))
    equal(create.identity(2, "bool"), np.eye(2, dtype="bool"))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sparse", [False, True])
def test_meshgrid(indexing, sparse) -> None:
    vectors = [np.arange(2), np.arange(3.0), np.arange(4)]
    for count in (1, 2, 3):
        given = vectors[:count]
        inputs = [tensor(v, f"v{i}") for i, v in enumerate(given)]
        found = create.meshgrid(*inputs, indexing=indexing, sparse=sparse)
        expected = np.meshgrid(*given, indexing=indexing, sparse=sparse)
        for node, want in zip(found, expected, strict=True):
            equal(node, want, inputs, given)


def test_iota_counts_along_its_axis() -> None:
    equal(create.iota((2, 3), 1), np.indices((2, 3))[1])
    equal(create.iota((2, 3), -2), np.indices((2, 3))[0])


def test_derivatives() -> None:
    x = np.random.default_rng(0).standard_normal((3, 3))
    check_derivatives(lambda a: create.tril(a, 1), x)
    check_derivatives(lambda a: create.full((2, 2), a), x[0, 0])
    check_derivatives(lambda a, b: create.linspace(a, b, 4), x[0, 0], x[0, 1])
