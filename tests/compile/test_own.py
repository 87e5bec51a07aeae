"""Products of our own: exact for whole numbers, within the bound of their sums else."""

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.compile.extern import own
from symnb.compile.processor import vector_bytes

pytestmark = pytest.mark.cc

REALS = {"s": np.float32, "d": np.float64}
WIDTHS = sorted({32, vector_bytes()})
EDGE = 3  # elements around and between rows that nothing may touch


def stored(values: Any, turn: bool, pad: int) -> tuple[Any, Any]:
    """`values` in rows `pad` elements longer than needed, off any alignment: the whole
    storage, and the view of the values in it as BLAS sees them."""
    rows = values.T if turn else values
    whole = np.full(rows.size + rows.shape[0] * pad + 2 * EDGE, np.nan, values.dtype)
    wide = whole[EDGE : len(whole) - EDGE].reshape(rows.shape[0], rows.shape[1] + pad)
    view = wide[:, : rows.shape[1]]
    view[:] = rows
    return whole, view


def call(
    width: int, kind: str, a: Any, b: Any, d: Any, c: Any,
    turns: tuple[bool, bool], scale: tuple[float, float], always: bool = True,
) -> int:  # fmt: skip
    """Status of c = scale[0] op(a) op(b) + scale[1] d, all views of rows."""
    found = own.library(width)
    assert found is not None
    function = getattr(found.handle, f"symnb_own_{kind}gemm")
    real = ctypes.c_float if kind == "s" else ctypes.c_double
    k = a.shape[0] if turns[0] else a.shape[1]
    sizes = [ctypes.c_int64(size) for size in (*c.shape, k)]

    def at(x: Any) -> list[Any]:
        return [
            ctypes.c_void_p(x.ctypes.data),
            ctypes.c_int64(x.strides[0] // x.itemsize),
        ]

    return function(
        int(always), int(turns[0]), int(turns[1]), *sizes, real(scale[0]), *at(a),
        *at(b), real(scale[1]), *at(d), *at(c),
    )  # fmt: skip


SIZES = st.one_of(
    st.integers(1, 20), st.sampled_from([31, 32, 33, 48, 70]), st.integers(0, 3)
)


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=60)
@given(data=st.data())
def test_whole_numbers_are_exact_and_nothing_else_is_touched(
    width: int, kind: str, data: st.DataObject
) -> None:
    m, n = data.draw(SIZES), data.draw(SIZES)
    k = data.draw(st.one_of(SIZES, st.sampled_from([own.DEEP, 2 * own.DEEP + 1])))
    turns = data.draw(st.booleans()), data.draw(st.booleans())
    pads = [data.draw(st.integers(0, 2)) for _ in range(4)]
    scale = tuple(float(data.draw(st.integers(-2, 2))) for _ in range(2))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x, y, z = (
        rng.integers(-3, 4, shape).astype(REALS[kind])
        for shape in ((m, k), (k, n), (m, n))
    )
    _, a = stored(x, turns[0], pads[0])
    _, b = stored(y, turns[1], pads[1])
    whole, c = stored(z, False, pads[2])
    _, d = stored(z, False, pads[3])
    added = c if data.draw(st.booleans()) else d
    if scale[1] == 0:
        d[:] = np.nan  # not read
        c[:] = np.nan
    expected = scale[0] * (x @ y) + scale[1] * z
    assert call(width, kind, a, b, added, c, turns, scale) == 1
    np.testing.assert_array_equal(c, expected)
    c[:] = np.nan  # as what lies around it has been from the start
    assert np.isnan(whole).all()


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("turns", [(False, False), (False, True), (True, False)])
def test_errors_are_within_the_bound_of_sums_of_blocks(
    kind: str, turns: tuple[bool, bool]
) -> None:
    m, n, k = 37, 45, 2000
    rng = np.random.default_rng(2)
    x, y, d = (
        rng.standard_normal(shape).astype(REALS[kind])
        for shape in ((m, k), (k, n), (m, n))
    )
    a, b = (
        np.ascontiguousarray(v.T) if t else v
        for v, t in zip((x, y), turns, strict=True)
    )
    c = np.empty_like(d)
    assert call(vector_bytes(), kind, a, b, d, c, turns, (0.5, -2.0)) == 1
    x, y, d = (np.longdouble(v) for v in (x, y, d))
    exact, size = 0.5 * (x @ y) - 2 * d, 0.5 * (abs(x) @ abs(y)) + 2 * abs(d)
    roundings = own.DEEP + k // own.DEEP + 3
    assert (abs(c - exact) <= roundings * np.finfo(REALS[kind]).eps / 2 * size).all()


@pytest.mark.parametrize("width", WIDTHS)
def test_nan_and_infinity_stay_in_their_row_and_column(width: int) -> None:
    x, y = np.ones((21, 40), "float32"), np.ones((40, 10), "float32")
    x[3, 5], y[7, 2] = np.nan, np.inf
    c = np.empty((21, 10), "float32")
    assert call(width, "s", x, y, c, c, (False, False), (1.0, 0.0)) == 1
    np.testing.assert_array_equal(c, x @ y)
    call(width, "s", x, y, c, c, (False, False), (0.0, 0.0))  # alpha = 0 reads nothing
    np.testing.assert_array_equal(c, np.zeros((21, 10)))


@pytest.mark.parametrize("shape", [(1500, 10, 300), (64, 10, 1797), (300, 200, 100)])
def test_an_update_adds_to_what_it_read(shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    rng = np.random.default_rng(7)
    x, g, w = (
        rng.integers(-3, 4, s).astype("float32") for s in ((k, m), (k, n), (m, n))
    )
    for threads in (1, 2):
        W = symnb.shared(w, name="W")
        a, b = T.fmatrices("a", "b")
        step = symnb.function(
            [a, b], [], updates=[(W, W - 2 * T.dot(a.T, b))], threads=threads
        )
        for times in (1, 2):
            step(x, g)
            np.testing.assert_array_equal(W.get_value(), w - 2 * times * (x.T @ g))


def test_without_the_library_blas_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "library", lambda vector: None)
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((200, 300)), rng.standard_normal((300, 90))
    a, b, c = T.dmatrices("a", "b", "c")
    f = symnb.function([a, b, c], c - 3 * T.dot(a, b))
    z = rng.standard_normal((200, 90))
    np.testing.assert_allclose(f(x, y, z), z - 3 * (x @ y), rtol=1e-12, atol=1e-12)


BATCHES = [
    (1000, 8, 8, 8),
    (64, 32, 64, 32),
    (2, 200, 150, 100),
    (0, 3, 4, 5),
    (3, 4, 0, 5),
]


@pytest.mark.parametrize("shape", BATCHES)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_batches_are_shared_out_matrix_by_matrix(shape: Any, threads: int) -> None:
    count, m, k, n = shape
    rng = np.random.default_rng(4)
    x = rng.integers(-3, 4, (count, m, k)).astype("float32")
    y = rng.integers(-3, 4, (count, k, n)).astype("float32")
    a, b = T.ftensor3("a"), T.ftensor3("b")
    f = symnb.function([a, b], T.batched_dot(a, b), threads=threads)
    np.testing.assert_array_equal(f(x, y), x @ y)


@pytest.mark.parametrize("shape", [(700, 900), (3, 200_000), (200_000, 3), (0, 4)])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_vectors_times_matrices_in_threads(shape: Any, threads: int) -> None:
    rng = np.random.default_rng(5)
    m = rng.integers(-3, 4, shape).astype("float64")
    x, y = (rng.integers(-3, 4, n).astype("float64") for n in shape)
    a, u, v = T.dmatrix("a"), T.dvector("u"), T.dvector("v")
    outputs = [T.dot(a, v), T.dot(u, a), T.dot(u, u), v + 2 * T.dot(a.T, u)]
    f = symnb.function([a, u, v], outputs, threads=threads)
    for got, want in zip(
        f(m, x, y), [m @ y, x @ m, x @ x, y + 2 * (m.T @ x)], strict=True
    ):
        np.testing.assert_array_equal(got, want)


def _steps(f: Any) -> list[str]:
    return [f"{step.kind} {step.name}" for step in f.story.program.steps]


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("batch", [(5, 5), (1, 5), (5, 1), (1, 1), (0, 0)])
def test_batches_are_read_turned_and_spread_where_they_lie(dtype, batch) -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(-3, 4, (batch[0], 6, 7)).astype(dtype)
    y = rng.integers(-3, 4, (batch[1], 4, 7)).astype(dtype)
    a = T.TensorType(dtype, (None, None, None))("a")
    b = T.TensorType(dtype, (None, None, None))("b")
    f = symnb.function([a, b], T.matmul(a, b.transpose(0, 2, 1)))
    np.testing.assert_array_equal(f(x, y), x @ y.transpose(0, 2, 1))
    assert _steps(f) == ["extern batched_dot"]
    g = symnb.function([a, b], T.matmul(b, a.transpose(0, 2, 1)).transpose(0, 2, 1))
    np.testing.assert_array_equal(g(x, y), x @ y.transpose(0, 2, 1))
    h = symnb.function([a], T.matmul(a, a.transpose(0, 2, 1)))
    np.testing.assert_array_equal(h(x), x @ x.transpose(0, 2, 1))


def test_one_matrix_serves_a_whole_batch() -> None:
    rng = np.random.default_rng(8)
    x = rng.integers(-3, 4, (6, 7)).astype("float64")
    y = rng.integers(-3, 4, (5, 7, 4)).astype("float64")
    a, b = T.dmatrix("a"), T.dtensor3("b")
    f = symnb.function([a, b], T.matmul(a, b), threads=2)
    np.testing.assert_array_equal(f(x, y), x @ y)
    assert _steps(f)[-1] == "extern batched_dot"


@pytest.mark.parametrize(
    "shapes", [((2, 3), (2, 3)), ((2, 3), (1, 1)), ((1, 1), (2, 3))]
)
def test_several_axes_of_a_batch_are_read_where_they_lie(shapes) -> None:
    rng = np.random.default_rng(9)
    x = rng.integers(-3, 4, (*shapes[0], 5, 4)).astype("float32")
    y = rng.integers(-3, 4, (*shapes[1], 6, 4)).astype("float32")
    a, b = (
        T.TensorType("float32", tuple(1 if n == 1 else None for n in v.shape))()
        for v in (x, y)
    )
    f = symnb.function([a, b], T.matmul(a, b.transpose(0, 1, 3, 2)))
    np.testing.assert_array_equal(f(x, y), x @ y.transpose(0, 1, 3, 2))
    assert [s for s in _steps(f) if "alias" not in s] == ["extern batched_dot"]


@pytest.mark.parametrize(
    "shapes", [((2, 1), (1, 3)), ((1, 3), (2, 1)), ((2, 3), (2, 1))]
)
def test_batches_spread_along_some_axes_only(shapes) -> None:
    rng = np.random.default_rng(9)
    x = rng.integers(-3, 4, (*shapes[0], 5, 4)).astype("float32")
    y = rng.integers(-3, 4, (*shapes[1], 4, 6)).astype("float32")
    a, b = (
        T.TensorType("float32", tuple(1 if n == 1 else None for n in v.shape))()
        for v in (x, y)
    )
    f = symnb.function([a, b], T.matmul(a, b))
    np.testing.assert_array_equal(f(x, y), x @ y)


def test_a_view_that_is_a_result_too_is_computed_once() -> None:
    x = np.arange(60.0).reshape(5, 3, 4)
    a = T.dtensor3("a")
    turned = a.transpose(0, 2, 1)
    f = symnb.function([a], [T.matmul(a + 1, turned), turned])
    product, view = f(x)
    np.testing.assert_array_equal(product, (x + 1) @ x.transpose(0, 2, 1))
    np.testing.assert_array_equal(view, x.transpose(0, 2, 1))
