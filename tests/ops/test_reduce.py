"""Reductions and `sum_to_shape` against NumPy: values, dtypes, NaN, empties, slopes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core.dims import symbol
from symnb.core.dtypes import DTYPES
from symnb.core.node import Input, Node
from symnb.core.types import ANY, TensorType
from symnb.errors import AxisError, ShapeError
from symnb.ops import reduce, view
from tests.ops.structure import (
    agrees,
    arrays,
    axis_of,
    check_derivatives,
    tensor,
    value,
)

SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1.0)
specials = st.sampled_from(SPECIAL)
nonempty = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)


def axes_of(x):
    subsets = st.sets(st.integers(0, x.ndim - 1)).map(lambda s: tuple(sorted(s)))
    return st.none() | (subsets if x.ndim else st.just(()))


@given(arrays(), st.data(), st.booleans())
@pytest.mark.parametrize("name", ["sum", "prod", "any", "all"])
def test_reductions_with_an_identity(name, x, data, keepdims) -> None:
    axes = data.draw(axes_of(x))
    agrees(
        lambda a: getattr(reduce, name)(a, axes, keepdims=keepdims),
        lambda a: getattr(np, name)(a, axis=axes, keepdims=keepdims),
        x % 5,
    )


@given(hnp.arrays("float64", nonempty, elements=specials), st.data(), st.booleans())
@pytest.mark.parametrize("name", ["max", "min"])
def test_extrema_propagate_nan(name, x, data, keepdims) -> None:
    axes = data.draw(axes_of(x))
    agrees(
        lambda a: getattr(reduce, name)(a, axes, keepdims=keepdims),
        lambda a: getattr(np, name)(a, axis=axes, keepdims=keepdims),
        x,
    )


@given(hnp.arrays("float64", nonempty, elements=specials), st.data(), st.booleans())
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_find_the_first_nan(name, x, data, keepdims) -> None:
    axis = data.draw(st.none() | axis_of(x) if x.ndim else st.none())
    agrees(
        lambda a: getattr(reduce, name)(a, axis, keepdims=keepdims),
        lambda a: np.asarray(getattr(np, name)(a, axis=axis, keepdims=keepdims)),
        x,
    )


def test_a_position_over_two_axes_counts_in_c_order() -> None:
    x = np.random.default_rng(3).permutation(24).reshape(2, 3, 4)
    flat = x.transpose(1, 0, 2).reshape(3, 8)
    agrees(lambda a: reduce.argmax(a, (0, 2)), lambda a: flat.argmax(1), x)
    agrees(lambda a: reduce.argmin(a, (2, 0)), lambda a: flat.argmin(1), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "any", "all"])
def test_dtypes_of_results_are_those_of_numpy(name, dtype) -> None:
    x = np.array([[1, 0, 1], [1, 1, 1]]).astype(dtype)
    agrees(
        lambda a: getattr(reduce, name)(a, 0), lambda a: getattr(np, name)(a, axis=0), x
    )


def test_small_integers_do_not_overflow_and_a_dtype_is_obeyed() -> None:
    x = np.full(300, 127, "int8")
    agrees(reduce.sum, np.sum, x)
    agrees(lambda a: a.sum(dtype="int8"), lambda a: a.sum(dtype="int8"), x)
    agrees(lambda a: a.sum(dtype="float32"), lambda a: a.sum(dtype="float32"), x)
    f = np.full(1000, 0.1, "float32")
    exact = np.float32(np.sum(f.astype("float64")))
    agrees(lambda a: reduce.sum(a, acc_dtype="float64"), lambda a: exact, f)


def test_the_extremum_of_nothing_is_an_error() -> None:
    with pytest.raises(ShapeError, match="extremum of nothing"):
        reduce.max(tensor(np.zeros((2, 0)), static=True), 1)
    x = tensor(np.zeros((2, 0)))
    with pytest.raises(ValueError, match="zero-size array"):
        value(reduce.max(x, 1), [x], [np.zeros((2, 0))])
    assert reduce.max(tensor(np.zeros((2, 0)), static=True), 0).type.shape == (0,)
    with pytest.raises(AxisError, match="axis 2 does not exist"):
        reduce.sum(tensor(np.zeros((2, 2))), 2)
    with pytest.raises(AxisError, match="twice"):
        reduce.sum(tensor(np.zeros((2, 2))), (0, -2))


@pytest.mark.parametrize("axes", [None, 0, 1, (0, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_derivatives_of(name, axes, keepdims) -> None:
    x = np.random.default_rng(0).permutation(np.linspace(-1.1, 1.3, 12))
    check_derivatives(
        lambda a: getattr(reduce, name)(a, axes, keepdims=keepdims), x.reshape(2, 3, 2)
    )


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_gradient_of_a_product_with_zeros(zeros) -> None:
    x = np.array([2.0, -3.0, 0.5, 4.0])
    x[:zeros] = 0
    check_derivatives(lambda a: reduce.prod(a), x)
    check_derivatives(lambda a: reduce.prod(a, 1), np.stack([x, x[::-1], x + 1]))


def test_all_maxima_get_the_gradient() -> None:
    x = tensor(np.array([1.0, 3.0, 3.0]))
    y, g = reduce.max(x), tensor(np.float64(2.0), "g")
    (dx,) = y.op.vjp(y, g, None)
    assert value(dx, [x, g], [np.array([1.0, 3.0, 3.0]), 2.0]).tolist() == [0, 2, 2]


@given(st.data())
def test_sum_to_shape_undoes_a_broadcast(data) -> None:
    whole = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    start = data.draw(st.integers(0, len(whole)))
    shape = tuple(data.draw(st.sampled_from((1, s))) for s in whole[start:])
    g = np.arange(int(np.prod(whole))).reshape(whole)
    lead = tuple(range(start))
    ones = tuple(
        start + i for i, s in enumerate(shape) if s == 1 and whole[start + i] != 1
    )
    expected = g.sum(axis=(*lead, *ones), keepdims=True).reshape(shape)
    like = tensor(np.zeros(shape), "l")
    for target in (shape, like):
        for static in (True, False):
            x = tensor(g, "x", static)
            y = reduce.sum_to_shape(x, target)
            found = value(y, [x, like], [g, np.zeros(shape)])
            np.testing.assert_array_equal(found, expected, strict=True)


def test_sum_to_shape_of_two_unknown_sizes_waits_for_them() -> None:
    n, m = symbol("n", 0), symbol("m", 0)
    g = Input(TensorType("float64", (n, n)), "g")
    x = Input(TensorType("float64", (m, 1)), "x")
    y = reduce.sum_to_shape(g, x)
    assert y.op is reduce.SUM_TO_SHAPE and y.type.shape == (m, 1)
    assert y.inputs[0].op is reduce.SUM
    assert reduce.sum_to_shape(g, g) is g
    for rows in (1, 4):
        data = np.arange(16.0).reshape(4, 4)
        expected = data.sum(1, keepdims=True)
        expected = expected.sum(0, keepdims=True) if rows == 1 else expected
        found = value(y, [g, x], [data, np.zeros((rows, 1))])
        np.testing.assert_array_equal(found, expected)


def test_derivatives_of_sum_to_shape() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 4))
    check_derivatives(lambda a: reduce.sum_to_shape(a, (2, 1)), x)

    def undecided(a: Node) -> Node:
        return reduce.sum_to_shape(a, (view.shape_of(a)[1], 1))

    check_derivatives(undecided, x[:2, :, 0])


def test_the_sizes_of_a_shape_multiply_to_a_size() -> None:
    x = tensor(np.zeros((2, 3)))
    assert reduce.prod(x.shape).op.name == "size"
    assert value(reduce.prod(x.shape), [x], [np.zeros((2, 3))]) == 6
    assert value(x.size, [x], [np.zeros((2, 3))]) == 6


def test_a_pattern_keeps_params_as_they_are() -> None:
    hole = Node(tensor(0.0).op, (), (), ANY)
    assert reduce.sum(hole).params == (None, False)
    assert reduce.max(hole, 1, True).params == (1, True)
    assert reduce.all(hole).type is ANY
    assert reduce.sum_to_shape(hole, hole).type is ANY
