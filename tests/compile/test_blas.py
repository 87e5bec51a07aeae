"""BLAS by address: against NumPy bit for bit, and against exact integer products."""

import ctypes
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.compile import build
from symnb.compile.extern import blas as b

pytestmark = pytest.mark.cc

REALS = {"s": np.float32, "d": np.float64}
FOUND = {"numpy": b._from_numpy(), "scipy": b._from_scipy()}
SOURCES = [name for name, found in FOUND.items() if found is not None]


@pytest.fixture(scope="module")
def wrappers() -> dict[str, ctypes.CDLL]:
    """A library per source with an exported twin `call_<name>` of every wrapper."""
    libraries = {}
    for source in SOURCES:
        found = FOUND[source]
        assert found is not None
        libraries[source] = build.build(
            text_of(found.convention), f"blas test {found.convention}"
        ).handle
    return libraries


def text_of(convention: str) -> str:
    """C text that exports every wrapper as call_<name>."""
    texts = ["typedef __INT64_TYPE__ int64_t;\n", b.declarations(b.NAMES, convention)]
    for name in b.NAMES:
        match = re.search(rf"symnb_{name}\(([^)]*)\)", texts[1])
        assert match is not None
        head = match.group(1)
        names = [part.split()[-1].lstrip("*") for part in head.split(",")]
        texts.append(
            f"int call_{name}({head}) {{ return symnb_{name}({', '.join(names)}); }}\n"
        )
    texts.append("int symnb_run() { return 0; }\nvoid symnb_plan() {}\n")
    return "".join(texts)


def call(libraries: Any, source: str, name: str, *args: Any) -> int:
    """Status of the wrapper `name`: ints as int64, floats in its type, arrays."""
    real = ctypes.c_float if name[0] == "s" else ctypes.c_double
    found = FOUND[source]
    assert found is not None
    values: list[Any] = [ctypes.c_void_p(found.addresses[name])]
    for arg in args:
        if isinstance(arg, np.ndarray):
            values.append(ctypes.c_void_p(arg.ctypes.data))
        elif isinstance(arg, bool):
            values.append(ctypes.c_int(arg))
        elif isinstance(arg, int):
            values.append(ctypes.c_int64(arg))
        else:
            values.append(real(arg))
    return getattr(libraries[source], f"call_{name}")(*values)


def test_numpys_library_is_found() -> None:
    found = b.blas()
    assert found is not None
    assert set(found.addresses) == set(b.NAMES)
    assert all(found.addresses.values())


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 3, 5), (64, 64, 64), (128, 784, 512)])
def test_gemm_is_bit_identical_to_matmul(
    wrappers: Any, kind: str, shape: tuple[int, int, int]
) -> None:
    m, k, n = shape
    rng = np.random.default_rng(3)
    x = rng.standard_normal((m, k)).astype(REALS[kind])
    y = rng.standard_normal((k, n)).astype(REALS[kind])
    c = np.full((m, n), np.nan, REALS[kind])
    args = (False, False, m, n, k, 1.0, x, k, y, n, 0.0, c, n)
    assert call(wrappers, "numpy", f"{kind}gemm", *args) == 0
    np.testing.assert_array_equal(c, x @ y)
    c[:] = np.nan
    yt = np.ascontiguousarray(y.T)
    args = (False, True, m, n, k, 1.0, x, k, yt, k, 0.0, c, n)
    assert call(wrappers, "numpy", f"{kind}gemm", *args) == 0
    np.testing.assert_array_equal(c, x @ yt.T)


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("source", SOURCES)
@given(data=st.data())
def test_gemm_of_integers_is_exact(
    wrappers: Any, source: str, kind: str, data: st.DataObject
) -> None:
    m, n, k = (data.draw(st.integers(0, 5)) for _ in range(3))
    ta, tb = data.draw(st.booleans()), data.draw(st.booleans())
    alpha, beta = (float(data.draw(st.integers(-2, 2))) for _ in range(2))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x, y, z = (integers(rng, s, kind) for s in ((m, k), (k, n), (m, n)))
    expected = alpha * (x @ y) + beta * z
    c = z if beta else np.full_like(z, np.nan)
    xs, ys = stored(x, ta), stored(y, tb)
    lead = xs.shape[1], ys.shape[1]
    args = (ta, tb, m, n, k, alpha, xs, lead[0], ys, lead[1], beta, c, n)
    assert call(wrappers, source, f"{kind}gemm", *args) == 0
    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("source", SOURCES)
@given(data=st.data())
def test_vector_routines_of_integers_are_exact(
    wrappers: Any, source: str, kind: str, data: st.DataObject
) -> None:
    def run(name: str, *args: Any) -> None:
        assert call(wrappers, source, kind + name, *args) == 0

    m, n = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
    step, ta = data.draw(st.integers(1, 3)), data.draw(st.booleans())
    alpha, beta = (float(data.draw(st.integers(-2, 2))) for _ in range(2))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    a, u, v = (integers(rng, s, kind) for s in ((m, n), (m * step,), (n * step,)))
    x, y = u[::step], v[::step]

    into, of = (v, x) if ta else (u, y)
    expected = (alpha * (a.T if ta else a) @ of + beta * into[::step]).astype(a.dtype)
    out, given_ = (v.copy(), u) if ta else (u.copy(), v)
    if beta == 0:
        out[::step] = np.nan
    run("gemv", ta, m, n, alpha, a, n, given_, step, beta, out, step)
    np.testing.assert_array_equal(out[::step], expected)

    outer = a + alpha * np.outer(x, y)
    run("ger", m, n, alpha, u, step, v, step, a, n)
    np.testing.assert_array_equal(a, outer)

    w = integers(rng, (m * step,), kind)
    result = np.full(1, np.nan, REALS[kind])
    run("dot", m, u, step, w, step, result)
    assert result[0] == x @ w[::step]
    sums = w[::step] + alpha * x
    run("axpy", m, alpha, u, step, w, step)
    np.testing.assert_array_equal(w[::step], sums)
    run("scal", m, alpha, w, step)
    np.testing.assert_array_equal(w[::step], alpha * sums)


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("ta", [False, True])
def test_syrk_fills_the_upper_half(
    wrappers: Any, source: str, kind: str, ta: bool
) -> None:
    rng = np.random.default_rng(5)
    a, c = integers(rng, (4, 3), kind), integers(rng, (4, 4), kind)
    whole = 2 * a @ a.T + 3 * c
    expected = np.triu(whole) + np.tril(c, -1)
    given_ = stored(a, ta)
    args = (ta, 4, 3, 2.0, given_, given_.shape[1], 3.0, c, 4)
    assert call(wrappers, source, f"{kind}syrk", *args) == 0
    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("flags", list(np.ndindex(2, 2, 2, 2)))
def test_trsm_undoes_a_product(
    wrappers: Any, source: str, kind: str, flags: tuple[int, ...]
) -> None:
    right, lower, ta, unit = map(bool, flags)
    rng = np.random.default_rng(7)
    m, n = 3, 4
    size = n if right else m
    a = integers(rng, (size, size), kind)
    np.fill_diagonal(a, 2.0 ** rng.integers(-2, 3, size))  # division is exact
    triangle = np.tril(a) if lower else np.triu(a)
    if unit:
        np.fill_diagonal(triangle, 1.0)
    factor = triangle.T if ta else triangle
    x = integers(rng, (m, n), kind)
    rhs = (x @ factor if right else factor @ x).astype(REALS[kind])
    args = (right, lower, ta, unit, m, n, 1.0, a, size, rhs, n)
    assert call(wrappers, source, f"{kind}trsm", *args) == 0
    np.testing.assert_array_equal(rhs, x)


def test_sizes_beyond_the_library_are_refused(wrappers: Any) -> None:
    if "scipy" not in wrappers:
        pytest.skip("no 32-bit BLAS here")
    x = np.ones(1)
    args = (False, False, 2**31, 1, 1, 1.0, x, 1, x, 1, 0.0, x, 1)
    assert call(wrappers, "scipy", "dgemm", *args) == 1
    assert x[0] == 1


def test_threads_are_set_and_restored() -> None:
    before = b.threads()
    if before is None:
        pytest.skip("this BLAS does not tell its threads")
    try:
        b.set_threads(1)
        assert b.threads() == 1
    finally:
        b.set_threads(before)
    assert b.threads() == before
    with pytest.raises(ValueError, match="at least 1"):
        b.set_threads(0)


def test_without_numpys_names_scipy_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(b, "SPELLINGS", ())
    found = b.blas.__wrapped__()
    assert found is not None and found.convention == "fortran32"


def test_without_any_library_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for finder in ("_from_numpy", "_from_scipy"):
        monkeypatch.setattr(b, finder, lambda: None)
    none: Callable[[], Any] = b.blas.__wrapped__
    assert none() is None


def integers(rng: Any, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Small integers, whose products and sums are exact in any order."""
    return rng.integers(-8, 9, shape).astype(REALS[kind])


def stored(x: np.ndarray, transposed: bool) -> np.ndarray:
    """x, or its transpose, as rows in memory."""
    return np.ascontiguousarray(x.T) if transposed else x


def test_every_convention_defines_every_wrapper() -> None:
    for convention in ("cblas64", "cblas32", "fortran32"):
        text = b.declarations(b.NAMES, convention)
        assert all(f"symnb_{name}(" in text for name in b.NAMES)
