"""Roll, repeat, tile, pad, rot90, diagonals and running sums against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core.node import Input
from symnb.core.types import TensorType
from symnb.errors import RankError
from symnb.ops import cumulative, diagonal, rearrange
from tests.ops.structure import (
    agrees,
    arrays,
    axis_of,
    check_derivatives,
    tensor,
    value,
)

some = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
matrices = hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4)


def scalar(name: str) -> Input:
    return Input(TensorType("int64", ()), name)


@given(arrays(some), st.integers(-9, 9), st.data())
def test_roll(x, shift, data) -> None:
    axis = data.draw(st.none() | axis_of(x))
    agrees(
        lambda a: rearrange.roll(a, shift, axis), lambda a: np.roll(a, shift, axis), x
    )
    a, k = tensor(x), scalar("k")
    found = value(rearrange.roll(a, k, axis), [a, k], [x, shift])
    np.testing.assert_array_equal(found, np.roll(x, shift, axis), strict=True)


def test_roll_over_several_axes() -> None:
    x = np.arange(12).reshape(3, 4)
    agrees(lambda a: rearrange.roll(a, (1, -1), (0, 1)),
           lambda a: np.roll(a, (1, -1), (0, 1)), x)  # fmt: skip


@given(arrays(some), st.integers(0, 3), st.data())
def test_repeat(x, times, data) -> None:
    axis = data.draw(st.none() | axis_of(x))
    agrees(lambda a: a.repeat(times, axis), lambda a: a.repeat(times, axis), x)
    a, k = tensor(x), scalar("k")
    found = value(a.repeat(k, axis), [a, k], [x, times])
    np.testing.assert_array_equal(found, x.repeat(times, axis), strict=True)


@given(arrays(some), st.data())
def test_each_element_its_own_number_of_times(x, data) -> None:
    axis = data.draw(axis_of(x))
    count = st.lists(st.integers(0, 3), min_size=x.shape[axis], max_size=x.shape[axis])
    repeats = np.array(data.draw(count), "int64")
    agrees(lambda a, r: a.repeat(r, axis), lambda a, r: a.repeat(r, axis), x, repeats)


@given(arrays(some), st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_tile(x, reps) -> None:
    agrees(lambda a: rearrange.tile(a, reps), lambda a: np.tile(a, reps), x)
    agrees(lambda a: rearrange.tile(a, reps[0]), lambda a: np.tile(a, reps[0]), x)


def test_theanos_tile_can_ask_for_axes() -> None:
    x = np.arange(3)
    agrees(lambda a: rearrange.tile(a, (2,), 2), lambda a: np.tile(a, (1, 2)), x)
    with pytest.raises(RankError, match="where 2 are needed"):
        rearrange.tile(tensor(x), (2, 2), 1)


@given(arrays(some), st.data())
def test_pad_with_constants(x, data) -> None:
    pairs = st.tuples(st.integers(0, 3), st.integers(0, 3))
    widths = data.draw(st.lists(pairs, min_size=x.ndim, max_size=x.ndim))
    for width in (widths, widths[0], widths[0][0]):
        agrees(lambda a, w=width: rearrange.pad(a, w), lambda a, w=width: np.pad(a, w),
               x)  # fmt: skip
    agrees(
        lambda a: rearrange.pad(a, 1, constant_values=(5, 6)),
        lambda a: np.pad(a, 1, constant_values=(5, 6)),
        x,
    )


def test_pad_refuses_what_it_cannot_do() -> None:
    x = tensor(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="mode 'mean'"):
        rearrange.pad(x, 1, "mean")
    with pytest.raises(RankError, match="3 axes"):
        rearrange.pad(x, [(1, 1)] * 3)


@given(arrays(matrices), st.integers(-5, 5))
def test_rot90(x, k) -> None:
    agrees(lambda a: rearrange.rot90(a, k), lambda a: np.rot90(a, k), x)
    agrees(lambda a: rearrange.rot90(a, k, (1, 0)), lambda a: np.rot90(a, k, (1, 0)), x)


@given(arrays(matrices), st.integers(-5, 5), st.data())
def test_diagonal_and_trace(x, offset, data) -> None:
    one, other = data.draw(st.permutations(range(x.ndim)))[:2]
    agrees(
        lambda a: a.diagonal(offset, one, other),
        lambda a: a.diagonal(offset, one, other),
        x,
    )
    agrees(
        lambda a: a.trace(offset, one, other), lambda a: a.trace(offset, one, other), x
    )


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=2, min_side=0)), st.integers(-3, 3))
def test_diag_reads_and_writes(x, k) -> None:
    agrees(lambda a: diagonal.diag(a, k), lambda a: np.diag(a, k), x)
    agrees(lambda a: diagonal.diagflat(a, k), lambda a: np.diagflat(a, k), x)


@given(arrays(some), st.data())
def test_cumsum_and_cumprod(x, data) -> None:
    axis = data.draw(st.none() | axis_of(x))
    for name in ("cumsum", "cumprod"):
        agrees(
            lambda a, f=name: getattr(cumulative, f)(a, axis),
            lambda a, f=name: getattr(np, f)(a, axis),
            x % 4,
        )


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "float32"])
def test_running_sums_widen_as_numpy(dtype) -> None:
    x = np.ones(5, dtype)
    agrees(cumulative.cumsum, np.cumsum, x)
    agrees(cumulative.cumprod, np.cumprod, x)
    agrees(lambda a: cumulative.cumsum(a, dtype="float64"),
           lambda a: np.cumsum(a, dtype="float64"), x)  # fmt: skip


@given(arrays(some), st.integers(0, 3), st.data())
def test_diff(x, n, data) -> None:
    axis = data.draw(axis_of(x))
    agrees(lambda a: cumulative.diff(a, n, axis), lambda a: np.diff(a, n, axis), x * x)
    agrees(lambda a: cumulative.diff(a, n, axis), lambda a: np.diff(a, n, axis), x > 2)


@pytest.mark.parametrize("zeros", [(), (1,), (0, 2), (1, 2, 3), (3,)])
def test_derivatives_of_running_products_with_zeros(zeros) -> None:
    x = np.array([2.0, -3.0, 0.5, 4.0, 1.5])
    x[list(zeros)] = 0
    check_derivatives(lambda a: a.cumprod(), x)
    check_derivatives(lambda a: a.cumprod(0), np.stack([x, x[::-1] + 1, x]))


def test_derivatives_of_the_rest() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    check_derivatives(lambda a: a.cumsum(1), x)
    for offset in (-2, -1, 0, 1, 3):
        check_derivatives(lambda a, k=offset: a.diagonal(k), x)
        check_derivatives(lambda a, k=offset: a.diagonal(k, 1, 0), x)
    check_derivatives(lambda a: diagonal.diag(a, 1), x[0])
    check_derivatives(lambda a: rearrange.roll(a, 1, 0), x)
    check_derivatives(lambda a: rearrange.tile(a, (2, 1)), x)
    check_derivatives(lambda a: a.repeat(2, 0), x)
    check_derivatives(lambda a: rearrange.pad(a, ((1, 0), (2, 1))), x)


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=2, min_side=1)), st.data())
@pytest.mark.parametrize("mode", ["edge", "wrap", "reflect", "symmetric"])
def test_pad_with_elements_of_the_tensor(mode, x, data) -> None:
    pairs = st.tuples(st.integers(0, 5), st.integers(0, 5))
    widths = data.draw(st.lists(pairs, min_size=x.ndim, max_size=x.ndim))
    agrees(
        lambda a: rearrange.pad(a, widths, mode), lambda a: np.pad(a, widths, mode), x
    )
