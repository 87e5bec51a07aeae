"""Views against NumPy, by value and by index map, with static and symbolic sizes."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core import dims
from symnb.core.dims import symbol
from symnb.core.node import Input, Node
from symnb.core.types import ANY, TensorType
from symnb.errors import AxisError, DTypeError, RankError, ShapeError
from symnb.ops import join, view
from tests.ops.structure import (
    agrees,
    arrays,
    axis_of,
    check_derivatives,
    check_views,
    tensor,
    tensors,
    value,
)

n, m = symbol("n", 0), symbol("m", 0)


def matrix(rows=n, columns=m) -> Node:
    return Input(TensorType("float64", (rows, columns)), "x")


@given(arrays(), st.data())
def test_reshape_to_any_shape_of_the_same_size(x, data) -> None:
    factors = data.draw(st.permutations(x.shape))
    cut = data.draw(st.integers(0, len(factors)))
    shape = (int(np.prod(factors[:cut])), *factors[cut:])
    agrees(lambda a: view.reshape(a, shape), lambda a: a.reshape(shape), x)


@given(arrays(hnp.array_shapes(min_side=1, max_side=4)), st.data())
def test_minus_one_is_what_is_left(x, data) -> None:
    at = data.draw(axis_of(x)) % x.ndim
    shape = list(x.shape)
    shape[at] = -1
    agrees(lambda a: view.reshape(a, shape), lambda a: a.reshape(shape), x)


def test_reshape_understands_sizes_of_other_tensors() -> None:
    x = matrix()
    assert view.reshape(x, (-1, x.shape[1])) is x
    assert x.reshape(x.shape[0] * x.shape[1]).type.shape == (n * m,)
    assert x.reshape((2, -1)).type.shape == (2, n * m // 2)
    assert x.reshape(x.shape) is x


def test_reshape_to_a_size_known_only_while_running() -> None:
    x, k = tensor(np.zeros(12)), Input(TensorType("int64", ()), "k")
    y = view.reshape(x, (k, -1))
    assert k in y.inputs
    data = np.arange(12.0)
    np.testing.assert_array_equal(value(y, [x, k], [data, 3]), data.reshape(3, 4))


def test_reshape_to_a_vector_of_sizes() -> None:
    x, s = tensor(np.zeros(12)), Input(TensorType("int64", (n,)), "s")
    with pytest.raises(RankError, match="ndim"):
        view.reshape(x, s)
    y = view.reshape(x, s, ndim=2)
    found = value(y, [x, s], [np.arange(12.0), np.array([4, 3])])
    np.testing.assert_array_equal(found, np.arange(12.0).reshape(4, 3))


def test_an_index_through_a_symbolic_reshape_has_no_division() -> None:
    x = matrix()
    y = view.reshape(view.reshape(x, (-1,)), x.shape)
    i, j = dims.index("i", n), dims.index("j", m)
    flat = y.inputs[0].op.index(y.inputs[0], y.op.index(y, (i, j)))
    assert flat == (i, j)


def test_reshape_of_another_size_is_an_error_when_it_is_built() -> None:
    with pytest.raises(ShapeError, match="12 elements cannot have the shape"):
        view.reshape(tensor(np.zeros((3, 4)), static=True), (5, 2))
    with pytest.raises(ShapeError, match="at most one -1"):
        view.reshape(matrix(), (-1, -1))
    with pytest.raises(ShapeError, match="do not divide"):
        view.reshape(tensor(np.zeros(5), static=True), (2, -1))


def test_messages_name_the_users_line_and_a_cure() -> None:
    with pytest.raises(AxisError, match=r"(?s)with 2 axes\.  \(.*\)\nFix: give one"):
        matrix().swapaxes(0, 2)
    with pytest.raises(DTypeError, match=r"(?s)not 2\.5.*Fix: use ints"):
        matrix().reshape((2.5, -1))
    with pytest.raises(ShapeError, match="at least 0, not -3"):
        view.broadcast_to(matrix(), (-3, 1))


def test_a_symbolic_reshape_assumes_the_product() -> None:
    y = view.reshape(matrix(), (6, 2))
    assert y.op.assumes((y.inputs[0].type,), y.params) == [(12, n * m)]


@given(arrays(hnp.array_shapes(min_dims=1, min_side=0)), st.data())
def test_flatten_joins_trailing_axes(x, data) -> None:
    ndim = data.draw(st.integers(1, x.ndim))
    shape = (*x.shape[: ndim - 1], int(np.prod(x.shape[ndim - 1 :])))
    agrees(lambda a: a.flatten(ndim), lambda a: a.reshape(shape), x)


@given(arrays(), st.data())
def test_transpose_swapaxes_moveaxis(x, data) -> None:
    order = data.draw(st.permutations(range(x.ndim)))
    agrees(lambda a: a.transpose(order), lambda a: a.transpose(order), x)
    agrees(lambda a: a.transpose(*order), lambda a: a.transpose(order), x)
    agrees(lambda a: a.T, lambda a: a.T, x)
    assume(x.ndim)
    one, other = data.draw(axis_of(x)), data.draw(axis_of(x))
    agrees(lambda a: a.swapaxes(one, other), lambda a: a.swapaxes(one, other), x)
    agrees(
        lambda a: view.moveaxis(a, one, other), lambda a: np.moveaxis(a, one, other), x
    )
    several = data.draw(st.permutations(range(x.ndim)))
    agrees(
        lambda a: view.moveaxis(a, order, several),
        lambda a: np.moveaxis(a, order, several),
        x,
    )


@given(arrays(), st.data())
def test_new_axes_and_their_removal(x, data) -> None:
    count = data.draw(st.integers(1, 3))
    places = st.integers(-x.ndim - count, x.ndim + count - 1)
    axes = tuple(data.draw(st.lists(places, min_size=count, max_size=count)))
    assume(len({a % (x.ndim + count) for a in axes}) == count)
    wide = np.expand_dims(x, axes)
    agrees(lambda a: view.expand_dims(a, axes), lambda a: wide, x)
    agrees(lambda a: view.squeeze(view.expand_dims(a, axes), axes), lambda a: x, x)
    agrees(lambda a: a.squeeze(axes), lambda a: x, wide)


def test_squeeze_without_an_axis_drops_what_is_known_to_be_one() -> None:
    x = Input(TensorType("float64", (1, n, 1)), "x")
    assert x.squeeze().type.shape == (n,)
    y = x.squeeze(1)
    assert y.type.shape == (1, 1)
    assert y.op.assumes((x.type,), y.params) == [(1, n)]
    with pytest.raises(ShapeError, match="size is 3"):
        view.squeeze(tensor(np.zeros((3, 1)), static=True), 0)


def test_dimshuffle_reorders_drops_and_adds() -> None:
    x = np.arange(6).reshape(2, 1, 3)
    agrees(lambda a: a.dimshuffle(2, "x", 0), lambda a: a[:, 0].T[:, None], x)
    agrees(lambda a: a.dimshuffle("x", 0, 1, 2), lambda a: a[None], x)
    agrees(lambda a: a.dimshuffle((0, 2)), lambda a: a[:, 0], x)
    with pytest.raises(AxisError, match="axis 3 does not exist"):
        tensor(x).dimshuffle(0, 3)
    with pytest.raises(AxisError, match="twice"):
        tensor(x).dimshuffle(0, 0)


@given(st.data())
def test_broadcast_to(data) -> None:
    whole = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    start = data.draw(st.integers(0, len(whole)))
    shape = tuple(data.draw(st.sampled_from((1, s))) for s in whole[start:])
    x = np.arange(int(np.prod(shape))).reshape(shape)
    a = tensor(x, static=True)
    y = view.broadcast_to(a, whole)
    expected = np.broadcast_to(x, whole)
    np.testing.assert_array_equal(value(y, [a], [x]), expected, strict=True)
    check_views(y, [a], [x])


def test_broadcast_of_unknown_sizes_assumes_them_equal() -> None:
    x = Input(TensorType("float64", (n,)), "x")
    y = view.broadcast_to(x, (4, m))
    assert y.op.assumes((x.type,), y.params) == [(m, n)]
    z = view.broadcast_to(x, (4, 1))
    assert z.op.assumes((x.type,), z.params) == [(1, n)]
    with pytest.raises(ShapeError, match="does not broadcast"):
        view.broadcast_to(tensor(np.zeros(3), static=True), (2, 4))
    with pytest.raises(ShapeError, match="does not broadcast"):
        view.broadcast_to(matrix(), (4,))


def test_broadcast_arrays_and_like() -> None:
    a, b = np.arange(3.0).reshape(3, 1), np.arange(4.0)
    nodes = tensors([a, b], static=True)
    found = [value(y, nodes, [a, b]) for y in view.broadcast_arrays(*nodes)]
    for y, expected in zip(found, np.broadcast_arrays(a, b), strict=True):
        np.testing.assert_array_equal(y, expected, strict=True)
    assert view.broadcast_like(nodes[1], nodes[1]) is nodes[1]
    assert [value(s) for s in view.broadcast_shape(*nodes)] == [3, 4]


def test_specify_shape_is_a_promise() -> None:
    x = matrix()
    y = view.specify_shape(x, (None, 3))
    assert y.type.shape == (n, 3)
    assert y.op.assumes((x.type,), y.params) == [(3, m)]
    assert view.addbroadcast(x, 0).type.shape == (1, m)
    assert view.unbroadcast(x, 0) is x
    with pytest.raises(ShapeError, match="specified"):
        value(y, [x], [np.zeros((2, 2))])
    with pytest.raises(ShapeError, match="axis 1"):
        view.specify_shape(tensor(np.zeros((2, 2)), static=True), (2, 3))


@pytest.mark.parametrize("rank", range(5))
def test_atleast_and_padding_axes_as_numpy(rank) -> None:
    x = np.arange(2.0**rank).reshape((2,) * rank)
    for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
        agrees(getattr(view, name), getattr(np, name), x)
    agrees(lambda a: view.shape_padleft(a, 2), lambda a: a[None, None], x)
    agrees(lambda a: view.shape_padright(a, 2), lambda a: a[..., None, None], x)
    agrees(lambda a: view.shape_padaxis(a, -1), lambda a: a[..., None], x)


VIEWS = {
    "reshape": lambda a: view.reshape(a, (-1, 2)),
    "transpose": lambda a: a.transpose(1, 2, 0),
    "expand_dims": lambda a: view.expand_dims(a, (0, 2)),
    "squeeze": lambda a: a.squeeze(1),
    "broadcast_to": lambda a: view.broadcast_to(a, (3, *view.shape_of(a))),
    "specify_shape": lambda a: view.specify_shape(a, (2, 1, 4)),
    "flatten": lambda a: a.flatten(2),
}


@pytest.mark.parametrize("name", VIEWS)
def test_derivatives_of(name) -> None:
    check_derivatives(VIEWS[name], np.random.default_rng(1).standard_normal((2, 1, 4)))


def test_broadcast_along_an_axis_of_one_sums_the_gradient() -> None:
    x = np.array([[1.0], [2.0]])
    a = tensor(x, static=True)
    y = view.broadcast_to(a, (2, 3))
    seed = np.arange(6.0).reshape(2, 3)
    g = tensor(seed, "g", static=True)
    (dx,) = y.op.vjp(y, g, None)
    assert dx.type.shape == (2, 1)
    np.testing.assert_array_equal(value(dx, [g], [seed]), [[3.0], [12.0]])


def test_a_pattern_keeps_params_as_they_are() -> None:
    hole = Node(tensor(0.0).op, (), (), ANY)
    for node in (
        view.reshape(view.reshape(hole, None), None),
        view.transpose(view.transpose(hole)),
        view.broadcast_to(hole, None),
        view.expand_dims(hole, 0),
        view.squeeze(hole, 0),
        view.flatten(hole),
        view.specify_shape(hole, None),
    ):
        assert node.type is ANY


def test_a_vector_joined_from_sizes_keeps_them() -> None:
    x = matrix()
    target = join.concatenate([join.stack(list(x.shape)), [1]])
    assert view.reshape(x, target).type.shape == (n, m, 1)
    assert view.reshape(x, join.stack([x.shape[1], x.shape[0]])).type.shape == (m, n)
