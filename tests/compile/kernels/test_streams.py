"""Large results go past the caches a line at a time, and are the same results."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.compile.kernels import Target, lower, partition, schedule_cpu, streams
from symnb.compile.kernels.kernel import Kernel, Loop
from symnb.compile.render.c import render_kernel
from symnb.core.graph import Graph
from symnb.core.node import Node
from tests.compile.kernels import harness

A, B, ROW = T.fmatrix("a"), T.fmatrix("b"), T.fvector("r")
D = T.dvector("d")
ENOUGH = 2_200_003  # elements of three arrays of float32: more than streams.LARGE


def graph(*outputs: Node) -> Graph:
    return Graph([x for x in Graph((), outputs).order if x.is_leaf], outputs)


def kernel(*outputs: Node) -> Kernel:
    [region] = partition(graph(*outputs))
    return schedule_cpu(lower(region), Target(64))


def streamed(made: Kernel) -> list[Loop]:
    loops = [s for s in made.statements() if isinstance(s, Loop)]
    return [loop for loop in loops if loop.streams != 0]


@pytest.mark.parametrize(
    "result", [A * B + A, A + ROW, D * 2, A - A.mean(axis=1)[:, None]]
)
def test_simple_results_of_unknown_size_may_go_past_the_caches(result: Node) -> None:
    assert len(streamed(kernel(result))) == 1


@pytest.mark.parametrize(
    "result",
    [T.exp(T.tanh(A) * B), A > B, A.sum(axis=0), A.T + B, T.ones((4, 4)) * ROW[:4]],
)
def test_costly_narrow_transposed_and_small_results_do_not(result: Node) -> None:
    assert not streamed(kernel(result))


def test_what_a_later_kernel_reads_does_not() -> None:
    regions = partition(graph(T.dot(A * 2 + A, B)))
    [first] = [region for region in regions if region.kind == "kernel"]
    assert not streamed(schedule_cpu(lower(first), Target(64)))


def test_a_result_in_the_place_of_an_operand_does_not() -> None:
    made = kernel(A * 2 + A)
    target = Target(64)
    assert "symnb_stream(" in render_kernel(made, "k", target).text
    assert made.in_place
    text = render_kernel(made, "k", target, in_place=made.in_place[:1]).text
    assert "symnb_stream(" not in text


def aligned(lead: int) -> object:
    """`poisoned` with arrays that begin `lead` bytes after a cache line."""

    def make(shape: tuple[int, ...], dtype: str) -> np.ndarray:
        bytes_ = int(np.prod(shape)) * np.dtype(dtype).itemsize
        room = np.full(bytes_ + 192, 0x5A, "uint8")
        start = -room.ctypes.data % 64 + lead
        return room[start : start + bytes_].view(dtype).reshape(shape)

    return make


@functools.cache
def always() -> harness.Compiled:
    """Kernels that stream whatever the size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "LARGE", 16)
        return harness.Compiled(graph(A * 2 + A, B + ROW, D * D))


@pytest.mark.cc
@given(
    st.integers(1, 5), st.integers(1, 70), st.sampled_from([0, 8, 32]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_lines_and_what_is_left_of_a_row_are_numpys(
    n: int, m: int, lead: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n, m)).astype("float32")
    d = rng.standard_normal(n * m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "poisoned", aligned(lead))
        found = always()({A: a, B: b, ROW: b[0], D: d})
    for x, want in zip(found, (a * 2 + a, b + b[0], d * d), strict=True):
        np.testing.assert_array_equal(x, want)


@pytest.mark.cc
@pytest.mark.parametrize("threads", [1, 2])
def test_large_results_are_numpys(threads: int) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(ENOUGH, dtype="float32") for _ in "xy")
    u, v = T.fvector("u"), T.fvector("v")
    f = symnb.function([u, v], [u * v + u, u - v], threads=threads)
    product, difference = f(x, y)
    np.testing.assert_array_equal(product, x * y + x)
    np.testing.assert_array_equal(difference, x - y)
