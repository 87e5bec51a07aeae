"""Convolution and pooling against their definitions, written as loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d

import symnb
import symnb.tensor as T
from symnb.core.evaluate import evaluate
from symnb.errors import GraphError, RankError, ShapeError
from symnb.gradient import grad, verify_grad
from symnb.tensor.nnet import (
    conv2d,
    conv2d_grad_wrt_inputs,
    conv2d_grad_wrt_weights,
    conv2d_transpose,
)
from symnb.tensor.signal import conv as signal_conv
from symnb.tensor.signal.pool import pool_2d


def by_definition(x, w, pads, stride, dilation, groups, flip):
    """The sum that defines a convolution, term by term."""
    n, c, h, wide = x.shape
    f, depth, k, l = w.shape  # noqa: E741
    top, bottom, left, right = pads
    padded = np.zeros((n, c, h + top + bottom, wide + left + right))
    padded[:, :, top : top + h, left : left + wide] = x
    if flip:
        w = w[:, :, ::-1, ::-1]
    p = (padded.shape[2] - (k - 1) * dilation[0] - 1) // stride[0] + 1
    q = (padded.shape[3] - (l - 1) * dilation[1] - 1) // stride[1] + 1
    y = np.zeros((n, f, p, q))
    for i, j, a, b in itertools.product(range(p), range(q), range(k), range(l)):
        row = i * stride[0] + a * dilation[0]
        column = j * stride[1] + b * dilation[1]
        for one in range(f):
            first = one // (f // groups) * depth
            part = padded[:, first : first + depth, row, column]
            y[:, one, i, j] += part @ w[one, :, a, b]
    return y


geometries = st.fixed_dictionaries({
    "n": st.integers(0, 3),
    "groups": st.integers(1, 2),
    "depth": st.integers(1, 2),
    "filters": st.integers(1, 2),
    "kernel": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    "pads": st.tuples(*[st.integers(0, 2)] * 4),
    "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
    "room": st.tuples(st.integers(0, 4), st.integers(0, 4)),
    "flip": st.booleans(),
})  # fmt: skip


def _arrays(geometry, dtype="float64"):
    g = geometry
    need = [
        max(1, (k - 1) * d + 1 - sum(g["pads"][2 * i : 2 * i + 2])) + g["room"][i]
        for i, (k, d) in enumerate(zip(g["kernel"], g["dilation"], strict=True))
    ]
    rng = np.random.default_rng(1)
    channels, filters = g["depth"] * g["groups"], g["filters"] * g["groups"]
    x = rng.normal(size=(g["n"], channels, *need)).astype(dtype)
    return x, rng.normal(size=(filters, g["depth"], *g["kernel"])).astype(dtype)


def _built(geometry, x, w):
    pads = geometry["pads"]
    return conv2d(
        x, w, border_mode=(pads[:2], pads[2:]), subsample=geometry["stride"],
        filter_flip=geometry["flip"], filter_dilation=geometry["dilation"],
        num_groups=geometry["groups"],
    )  # fmt: skip


@given(geometries)
@settings(max_examples=60, deadline=None)
def test_conv2d_is_its_definition(geometry) -> None:
    a, b = _arrays(geometry)
    x, w = T.dtensor4("x"), T.dtensor4("w")
    keys = ("pads", "stride", "dilation", "groups", "flip")
    want = by_definition(a, b, *(geometry[key] for key in keys))
    [got] = evaluate([_built(geometry, x, w)], {x: a, w: b})
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.cc
@given(geometries, st.sampled_from(["float32", "float64", "int32"]), st.booleans())
@settings(max_examples=12, deadline=None)
def test_compiled_conv2d_and_its_gradients_equal_the_reference(
    geometry, dtype, static
) -> None:
    a, b = _arrays(geometry)
    a, b = (np.round(a * 4), np.round(b * 4)) if dtype == "int32" else (a, b)
    a, b = a.astype(dtype), b.astype(dtype)
    shapes = (a.shape, b.shape) if static else ((None,) * 4,) * 2
    x, w = (T.tensor(dtype, s) for s in shapes)
    y = _built(geometry, x, w)
    results = [y]
    if dtype != "int32":
        results += grad((y * y).sum(), [x, w])
    f = symnb.function([x, w], results)
    eps = 1e-4 if dtype == "float32" else 1e-11
    for got, want in zip(f(a, b), evaluate(results, {x: a, w: b}), strict=True):
        np.testing.assert_allclose(got, want, rtol=eps, atol=eps * 100)


@pytest.mark.parametrize("mode", ["valid", "full", "half", 1, (2, 0), ((1, 0), (0, 2))])
def test_border_modes(mode) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 1, 7, 6)), rng.normal(size=(1, 1, 3, 3))
    pads = {
        "valid": ((0, 0), (0, 0)), "full": ((2, 2), (2, 2)), "half": ((1, 1), (1, 1)),
        1: ((1, 1), (1, 1)), (2, 0): ((2, 2), (0, 0)),
    }.get(mode, mode)  # fmt: skip
    got = conv2d(x, w, border_mode=mode).eval()
    want = convolve2d(np.pad(x[0, 0], pads), w[0, 0], "valid")
    np.testing.assert_allclose(got[0, 0], want, rtol=1e-12, atol=1e-12)


def test_gradients_of_all_three_products() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 2, 6, 5)), rng.normal(size=(4, 1, 3, 2))
    g = conv2d(x, w, subsample=(2, 1), num_groups=2, border_mode=1).eval()
    options = {"subsample": (2, 1), "num_groups": 2, "border_mode": 1}
    verify_grad(lambda a, b: conv2d(a, b, **options), [x, w])
    verify_grad(lambda a, b: conv2d_grad_wrt_weights(a, b, w.shape, **options), [x, g])
    verify_grad(lambda a, b: conv2d_grad_wrt_inputs(a, b, x.shape, **options), [g, w])


def test_transpose_is_the_adjoint() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 8, 7)), rng.normal(size=(4, 3, 3, 3))
    y = conv2d(x, w, subsample=(2, 2)).eval()
    g = rng.normal(size=y.shape)
    back = conv2d_transpose(g, w, x.shape, input_dilation=(2, 2)).eval()
    assert (g * y).sum() == pytest.approx((back * x).sum(), rel=1e-12)


def test_second_derivatives() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, 2, 2))

    def penalty(x, w):
        cost = (conv2d(x, w) ** 3).sum()
        return (grad(cost, x) ** 2).sum()

    verify_grad(penalty, [a, b], rel_tol=1e-3)


def test_images_and_stacks_of_signal() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 6, 7)), rng.normal(size=(2, 2, 3))
    got = signal_conv.conv2d(T.constant(x), T.constant(w)).eval()
    want = [[convolve2d(a, b, "valid") for b in w] for a in x]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    one = signal_conv.conv2d(T.constant(x[0]), T.constant(w[0]), "full").eval()
    np.testing.assert_allclose(one, convolve2d(x[0], w[0]), rtol=1e-12, atol=1e-12)


def test_what_does_not_fit_is_refused() -> None:
    x, w = T.dtensor4("x"), T.dtensor4("w")
    with pytest.raises(RankError, match="4 axes"):
        conv2d(T.dmatrix(), w)
    with pytest.raises(ShapeError, match="channels"):
        conv2d(np.zeros((1, 2, 5, 5)), np.zeros((1, 3, 2, 2)))
    with pytest.raises(ShapeError, match="no window of 4"):
        conv2d(np.zeros((1, 1, 3, 9)), np.zeros((1, 1, 4, 2)))
    with pytest.raises(GraphError, match="border_mode"):
        conv2d(x, w, border_mode="same")
    with pytest.raises(GraphError, match="subsample"):
        conv2d(x, w, subsample=0)
    with pytest.raises(ShapeError, match="groups"):
        conv2d(np.zeros((1, 2, 3, 3)), np.zeros((3, 1, 1, 1)), num_groups=2)


@pytest.mark.cc
def test_an_image_smaller_than_the_filter_is_refused_at_the_call() -> None:
    x, w = T.dtensor4("x"), T.dtensor4("w")
    f = symnb.function([x, w], [conv2d(x, w), pool_2d(x, 3)])
    small, filters = np.zeros((1, 1, 2, 5)), np.zeros((1, 1, 3, 3))
    with pytest.raises(ShapeError, match="no window"):
        f(small, filters)
    assert f(np.zeros((1, 1, 5, 5)), filters)[0].shape == (1, 1, 3, 3)


# ------------------------------------------------------------------------ pooling


def pooled(x, kernel, stride, pad, whole, mode):
    """Each window in turn, cut to what there is of the image."""
    h, wide = x.shape[-2:]
    counts = []
    for size, k, s, p in zip((h, wide), kernel, stride, pad, strict=True):
        if whole:
            counts.append((size + 2 * p - k) // s + 1)
        else:  # windows begin at 0, s, ... until one reaches the end
            starts = range(0, size, s)
            reach = [i for i, at in enumerate(starts) if at + k >= size]
            counts.append(reach[0] + 1 if reach else len(starts))
    y = np.zeros((*x.shape[:-2], *counts))
    for i, j in itertools.product(*map(range, counts)):
        top, left = i * stride[0] - pad[0], j * stride[1] - pad[1]
        part = x[
            ...,
            max(top, 0) : min(top + kernel[0], h),
            max(left, 0) : min(left + kernel[1], wide),
        ]
        values = part.reshape(*part.shape[:-2], -1)
        if mode == "max":
            y[..., i, j] = values.max(-1)
        else:
            rows = min(top + kernel[0], h + pad[0]) - top
            columns = min(left + kernel[1], wide + pad[1]) - left
            count = {"sum": 1, "average_exc_pad": values.shape[-1]}
            y[..., i, j] = values.sum(-1) / count.get(mode, rows * columns)
    return y


windows = st.tuples(
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.booleans(),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.sampled_from(["max", "sum", "average_inc_pad", "average_exc_pad"]),
    st.tuples(st.integers(3, 8), st.integers(3, 8)),
)


@given(windows)
@settings(max_examples=80, deadline=None)
def test_pool_2d_is_its_definition(drawn) -> None:
    kernel, stride, whole, pad, mode, image = drawn
    pad = tuple(min(p, k - 1) for p, k in zip(pad, kernel, strict=True))
    pad = pad if whole else (0, 0)
    a = np.random.default_rng(2).normal(size=(2, *image))
    x = T.dtensor3("x")
    y = pool_2d(x, kernel, whole, stride, pad, mode)
    want = pooled(a, kernel, stride, pad, whole, mode)
    np.testing.assert_allclose(evaluate([y], {x: a})[0], want, rtol=1e-12)


@pytest.mark.cc
@given(windows, st.sampled_from(["float32", "float64"]))
@settings(max_examples=12, deadline=None)
def test_compiled_pool_2d_and_its_gradient_equal_the_reference(drawn, dtype) -> None:
    kernel, stride, whole, pad, mode, image = drawn
    pad = tuple(min(p, k - 1) for p, k in zip(pad, kernel, strict=True))
    pad = pad if whole else (0, 0)
    a = np.random.default_rng(2).integers(-3, 3, (2, *image)).astype(dtype)
    x = T.tensor(dtype, (None,) * 3)
    y = pool_2d(x, kernel, whole, stride, pad, mode)
    results = [y, grad((y**2).sum(), x)]
    f = symnb.function([x], results)
    for got, want in zip(f(a), evaluate(results, {x: a}), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad", "average_exc_pad"])
def test_gradient_of_pooling(mode) -> None:
    a = np.random.default_rng(0).permutation(2 * 6 * 7).reshape(2, 6, 7) / 3.0
    verify_grad(lambda x: pool_2d(x, (3, 2), True, (2, 2), (1, 1), mode), [a])
    verify_grad(lambda x: pool_2d(x, (2, 2), False, mode=mode), [a])


def test_equal_largest_elements_all_get_the_gradient() -> None:
    x = T.dmatrix("x")
    [got] = evaluate([grad(pool_2d(x, 2).sum(), x)], {x: np.ones((2, 2))})
    np.testing.assert_array_equal(got, np.ones((2, 2)))


@pytest.mark.cc
def test_nan_is_the_largest_and_integers_pool() -> None:
    a = np.array([[1.0, np.nan, 2.0, 3.0], [0.0, 5.0, -1.0, -np.inf]])
    for ws in ((2, 2), (2, 1), (1, 3)):
        f = symnb.function([x := T.dmatrix("x")], pool_2d(x, ws, stride=(1, 1)))
        with np.errstate(all="ignore"):
            want = pooled(a[None], ws, (1, 1), (0, 0), True, "max")[0]
        np.testing.assert_array_equal(f(a), want)
    n = T.tensor("int8", (None, None))
    f = symnb.function([n], [pool_2d(n, 2), pool_2d(n, 2, mode="sum")])
    most, total = f(np.array([[-128, -128], [-128, -127]], "int8"))
    assert most.item() == -127
    assert total.item() == np.int8(1)


def test_bad_windows_are_refused() -> None:
    x = T.dmatrix("x")
    with pytest.raises(GraphError, match="ws"):
        pool_2d(x)
    with pytest.raises(GraphError, match="mode"):
        pool_2d(x, 2, mode="median")
    with pytest.raises(GraphError, match="ignore_border"):
        pool_2d(x, 2, ignore_border=False, pad=1)
    with pytest.raises(GraphError, match="smaller than ws"):
        pool_2d(x, 2, pad=2)
    with pytest.raises(RankError, match="rows and columns"):
        pool_2d(T.dvector(), 2)


@pytest.mark.cc
def test_threads_share_images_and_repeat_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(33, 6, 20, 20)).astype("float32")
    b = rng.normal(size=(10, 3, 5, 5)).astype("float32")
    x, w = T.ftensor4("x"), T.ftensor4("w")
    y = pool_2d(conv2d(x, w, num_groups=2), 2)
    results = [y, *grad((y * y).sum(), [x, w])]
    want = evaluate(results, {x: a, w: b})
    for threads in (1, 2, 3):
        f = symnb.function([x, w], results, threads=threads)
        got, again = f(a, b), f(a, b)
        for one, other, exact in zip(got, again, want, strict=True):
            np.testing.assert_array_equal(one, other)
            size = np.abs(exact).max()
            np.testing.assert_allclose(one, exact, rtol=1e-4, atol=1e-5 * size)


@pytest.fixture(scope="module")
def grouped():
    """Value and gradients of sum(g * conv2d(x, w)) with two groups, padded by one."""
    x, w, g = T.dtensor4("x"), T.dtensor4("w"), T.dtensor4("g")
    y = conv2d(x, w, border_mode=1, filter_flip=False, num_groups=2)
    return symnb.function([x, w, g], [y, *grad((y * g).sum(), [x, w])])


@pytest.mark.cc
@given(wide=st.integers(1, 36), filters=st.sampled_from([2, 40]))
@settings(max_examples=25, deadline=None)
def test_long_rows_and_many_filters_give_the_gradients_of_windows(
    grouped, wide, filters
) -> None:
    rng = np.random.default_rng(wide)
    x, w = rng.normal(size=(2, 6, 4, wide)), rng.normal(size=(filters, 3, 3, 3))
    g = rng.normal(size=(2, filters, 4, wide))
    y, gx, gw = grouped(x, w, g)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    split = windows.reshape(2, 2, 3, 4, wide, 3, 3), g.reshape(2, 2, -1, 4, wide)
    right = np.einsum("ngchwij,ngfhw->gfcij", *split).reshape(w.shape)
    np.testing.assert_allclose(gw, right, rtol=1e-11, atol=1e-11)
    right = np.einsum("ngchwij,gfcij->ngfhw", split[0], w.reshape(2, -1, 3, 3, 3))
    np.testing.assert_allclose(y, right.reshape(g.shape), rtol=1e-11, atol=1e-11)
    # the gradient in x is the adjoint: <conv(x), g> = <x, gx>, for any x
    other = rng.normal(size=x.shape)
    inner = (grouped(other, w, g)[0] * g).sum()
    np.testing.assert_allclose((other * gx).sum(), inner, rtol=1e-9, atol=1e-9)
