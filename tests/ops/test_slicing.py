"""Basic indexing and writing a part, against NumPy's rules for every bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core import dims
from symnb.core.dims import symbol
from symnb.core.node import Input, Node
from symnb.core.types import ANY, TensorType
from symnb.errors import AxisError, DTypeError, ShapeError
from symnb.ops import slicing
from tests.ops.structure import agrees, arrays, check_derivatives, tensor, value

n, m = symbol("n", 0), symbol("m", 0)
bounds = st.none() | st.integers(-6, 6)
steps = st.none() | st.integers(-3, 3).filter(bool)
slices = st.builds(slice, bounds, bounds, steps)


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)), st.data())
def test_slices_by_numpys_rules(x, data) -> None:
    index = tuple(data.draw(st.lists(slices, min_size=0, max_size=x.ndim)))
    agrees(lambda a: a[index], lambda a: a[index], x)


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=3)), st.data())
def test_integers_slices_new_axes_and_ellipsis(x, data) -> None:
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True))
    agrees(lambda a: a[index], lambda a: np.asarray(a[index]), x)


scalars = st.integers(-6, 6)


@given(st.integers(0, 5), scalars, scalars, st.sampled_from([1, 2, -1, -2]))
def test_bounds_known_only_while_running(length, start, stop, step) -> None:
    x = np.arange(length)
    a, i, j = tensor(x), scalar("i"), scalar("j")
    for part, expected in (
        (a[i:j:step], x[start:stop:step]),
        (a[i::step], x[start::step]),
        (a[:j:step], x[:stop:step]),
    ):
        found = value(part, [a, i, j], [x, start, stop])
        np.testing.assert_array_equal(found, expected, strict=True)


def scalar(name: str, dtype: str = "int64") -> Input:
    return Input(TensorType(dtype, ()), name)


def test_bounds_made_of_sizes() -> None:
    x = np.arange(12).reshape(4, 3)
    a = tensor(x)
    rows, columns = a.shape
    for part, expected in (
        (a[columns:], x[3:]),
        (a[: rows - columns], x[:1]),
        (a[columns - rows :], x[-1:]),
        (a[rows - 1], x[3]),
        (a[rows // 4 :: columns + 1], x[1::4]),
    ):
        np.testing.assert_array_equal(value(part, [a], [x]), expected)


def test_sizes_of_slices_are_simple() -> None:
    x = Input(TensorType("float64", (n,)), "x")
    shown = [x[s].type.shape[0] for s in (
        slice(1, None), slice(None, -1), slice(-3, None), slice(None, None, -1),
        slice(None, 5), slice(1, -1), slice(None, None, 2),
    )]  # fmt: skip
    texts = [str(d) for d in shown]
    assert texts == [
        "max(n - 1, 0)", "max(n - 1, 0)", "min(n, 3)", "n",
        "min(n, 5)", "max(n - 2, 0)", "(n + 1)//2",
    ]  # fmt: skip
    assert x[:] is x and x[...] is x


def test_integers_must_lie_in_their_axis() -> None:
    x = Input(TensorType("float64", (n, 3)), "x")
    y = x[2, 1]
    assert y.op.assumes((x.type,), y.params) == [(3, dims.dim_min(3, n))]
    y = x[-2]
    assert y.op.assumes((x.type,), y.params) == [(n - 2, dims.dim_max(n - 2, 0))]
    with pytest.raises(ShapeError, match="index 3 on axis 1, whose size is 3"):
        x[:, 3]
    with pytest.raises(ShapeError, match="index -1 on axis 1"):
        x[:, -4]
    for at in (2, -3):
        with pytest.raises(IndexError, match="axis 0 of size 2"):
            value(x[at], [x], [np.zeros((2, 3))])
    with pytest.raises(AxisError, match="3 indices for a tensor with 2 axes"):
        x[0, 0, 0]
    with pytest.raises(AxisError, match="at most one Ellipsis"):
        x[..., ...]


def test_what_is_no_index_is_refused() -> None:
    x = Input(TensorType("float64", (n,)), "x")
    with pytest.raises(ValueError, match="step cannot be zero"):
        x[::0]
    with pytest.raises(ShapeError, match="sign is not known"):
        x[:: scalar("k")]
    with pytest.raises(DTypeError, match="integer scalar"):
        x[scalar("f", "float64") :]
    with pytest.raises(DTypeError, match="made of integers"):
        x[scalar("f", "float64")]
    with pytest.raises(DTypeError, match="bool is no index"):
        x[True]
    with pytest.raises(TypeError):
        x[1.5:]


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=3)), st.data())
def test_flip_reverses_axes(x, data) -> None:
    axes = st.sets(st.integers(0, x.ndim - 1)).map(tuple)
    axis = data.draw(st.none() | axes)
    agrees(lambda a: slicing.flip(a, axis), lambda a: np.flip(a, axis), x)


def part_of(data, x, a: Node):
    """A random slice of x: as NumPy's index and as the index of `a`."""
    parts = tuple(data.draw(st.lists(slices, min_size=x.ndim, max_size=x.ndim)))
    spans = zip(parts, a.type.shape, strict=True)
    return parts, tuple(slicing.span_of(part, size) for part, size in spans)


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=2)), st.data())
@pytest.mark.parametrize("mode", ["set", "add"])
@pytest.mark.parametrize("static", [True, False])
def test_a_part_is_set_or_increased(mode, static, x, data) -> None:
    a = tensor(x, "a", static)
    where, index = part_of(data, x, a)
    expected = x.copy()
    if mode == "set":
        expected[where] = -7
    else:
        expected[where] += -7
    y = slicing.set_slice(a, -7, index, mode)
    np.testing.assert_array_equal(value(y, [a], [x]), expected, strict=True)


def test_setting_broadcasts_and_casts_the_value() -> None:
    x = np.zeros((3, 4), "float32")
    a = tensor(x, static=True)
    y = slicing.set_slice(a, np.arange(4.0), ((0, 2, 2), (0, 4, 1)))
    expected = x.copy()
    expected[::2] = np.arange(4)
    np.testing.assert_array_equal(value(y, [a], [x]), expected, strict=True)
    with pytest.raises(ShapeError, match="does not broadcast"):
        slicing.set_slice(a, np.arange(3.0), ((0, 2, 2), (0, 4, 1)))


@pytest.mark.parametrize(
    "index",
    [
        (slice(None), 1),
        (slice(None, None, -2), slice(1, None)),
        (-1, slice(0, 0)),
        (0, 0),
    ],
)
def test_derivatives_of_slices(index) -> None:
    x = np.random.default_rng(0).standard_normal((3, 2))
    check_derivatives(lambda a: a[index], x)


@pytest.mark.parametrize("mode", ["set", "add"])
def test_derivatives_of_writing_a_part(mode) -> None:
    x = np.random.default_rng(0).standard_normal((4, 2))
    y = np.random.default_rng(1).standard_normal(2)
    check_derivatives(
        lambda a, b: slicing.set_slice(a, b, ((3, 2, -2), (0, 2, 1)), mode), x, y
    )


def test_a_pattern_keeps_params_as_they_are() -> None:
    hole = Node(tensor(0.0).op, (), (), ANY)
    assert hole[slice(1)].params == (slice(1),)
