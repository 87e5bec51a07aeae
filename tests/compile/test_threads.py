"""Compiled functions in threads: NumPy's values, the same bits again, whatever runs."""

import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.compile.extern import blas
from symnb.compile.mode import FAST_RUN
from symnb.compile.opaque import OpaqueSteps
from tests.compile.interrupts import interrupted
from tests.compile.runtime.test_concurrency import child_status, in_threads

pytestmark = pytest.mark.cc

RNG = np.random.default_rng(20261121)
MOST = 2_000_000  # elements: well above what threads pay from
DATA = RNG.normal(size=MOST).astype("float32")

EPS = float(np.finfo("float32").eps)


def softmax(x: Any, m: Any) -> Any:
    e = m.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


# name: (the form in the words of a module, bound on the relative error)
FORMS: dict[str, tuple[Callable[[Any, Any], Any], float]] = {
    "chain": (lambda x, m: m.tanh(x) * m.exp(-x * x), 16 * EPS),
    "row added": (lambda x, m: x + x[0], EPS),
    "transposed": (lambda x, m: x.T * 2 + 1, 2 * EPS),
    "joined": (lambda x, m: m.concatenate([x, x * 2], axis=1), EPS),
    "softmax": (softmax, 32 * EPS),
    "sum of squares": (lambda x, m: (x * x).sum(), 8 * EPS),
    "of rows": (lambda x, m: (x * x).sum(1), 16 * EPS),
    "of columns": (lambda x, m: (x * x).sum(0), 32 * EPS),
    "variance": (lambda x, m: x.var(), 16 * EPS),
    "greatest": (lambda x, m: x.max(0), 0.0),
    "where it is": (lambda x, m: x.argmax(), 0.0),
}


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    """Each form compiled once."""
    made = {}
    for name, (form, _) in FORMS.items():
        x = T.fmatrix("x")
        made[name] = symnb.function([x], form(x, T))
    return made


@st.composite
def matrices(draw: Any) -> np.ndarray:
    """Matrices of all shapes, short and long, and not always from their start."""
    rows = draw(st.sampled_from((1, 2, 3, 7, 100, 511, 1500, 40_000, 700_001)))
    columns = draw(st.integers(1, min(3000, MOST // rows)))
    start = draw(st.integers(0, MOST - rows * columns))
    return DATA[start : start + rows * columns].reshape(rows, columns)


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=4)
@given(x=matrices())
def test_threads_change_no_value(
    functions: dict[str, Any], name: str, x: np.ndarray
) -> None:
    f, (form, bound) = functions[name], FORMS[name]
    want = form(x.astype("float64"), np)
    scale = np.maximum(np.abs(want), np.abs(want).max() / 64)
    for threads in (1, 2, 3):
        f.threads = threads
        got = f(x)
        assert got.shape == want.shape
        assert np.all(np.abs(got - want) <= bound * scale), threads
        assert f(x).tobytes() == got.tobytes()


@pytest.mark.parametrize("name", FORMS)
def test_results_do_not_depend_on_what_else_runs(
    functions: dict[str, Any], name: str
) -> None:
    f = functions[name]
    f.threads = 3
    x = DATA[:600_000].reshape(3000, 200)
    alone = f(x).tobytes()
    assert set(in_threads(lambda _: f(x).tobytes(), 6)) == {alone}


@pytest.mark.parametrize("shape", [(0, 0), (0, 1000), (1000, 0), (1, 1)])
def test_nothing_and_little(functions: dict[str, Any], shape: Any) -> None:
    x = DATA[: shape[0] * shape[1]].reshape(shape)
    for name in ("chain", "transposed", "joined", "sum of squares", "of columns"):
        functions[name].threads = 2
        np.testing.assert_allclose(functions[name](x), FORMS[name][0](x, np), 1e-5)


def test_0d_arrays() -> None:
    x = T.fscalar("x")
    f = symnb.function([x], T.exp(x), threads=4)
    assert abs(f(1.0) - np.e) < 1e-6


def test_a_function_may_say_how_many() -> None:
    x = T.fvector("x")
    f = symnb.function([x], T.exp(x), threads=2)
    assert f.threads == 2
    assert pickle.loads(pickle.dumps(f)).threads == 2
    assert f.copy().threads == 2
    with pytest.raises(ValueError, match="at least 1"):
        symnb.function([x], x * 2, threads=0)


def test_jit_takes_threads() -> None:
    @symnb.jit(threads=3)
    def f(x: "f32[n]"):  # type: ignore[valid-type]  # noqa: F821
        return x * 2

    assert f.threads == 3
    np.testing.assert_array_equal(f(DATA), DATA * 2)


def test_variants_have_the_threads_of_their_function() -> None:
    x, y = T.fmatrix("x"), T.fmatrix("y")
    f = symnb.function([x, y], x + y, threads=3)
    f(DATA[:6].reshape(2, 3), DATA[:3].reshape(1, 3))
    [variant] = f.variants.values()
    assert variant.threads == 3
    f.threads = None
    f(DATA[:6].reshape(2, 3), DATA[:3].reshape(1, 3))
    assert variant.threads is None


def test_decisions_tell_from_what_size_on() -> None:
    x = T.fmatrix("x")
    f = symnb.function([x], [T.exp(x), T.cumsum(x.ravel())])
    found = [d for d in f.program.decisions if d.kind == "threads"]
    assert any("points on" in d.chosen and "us pay" in d.reason for d in found)
    assert any(d.chosen == "one" and "in order" in d.reason for d in found)
    assert "ws->spread(ws," in f.source()


def test_a_mode_can_leave_threads_out() -> None:
    x = T.fvector("x")
    mode = FAST_RUN.excluding("threads")
    f = symnb.function([x], T.exp(x), mode=mode)
    assert "ws->spread(ws," not in f.source()
    [why] = [d.reason for d in f.program.decisions if d.kind == "threads"]
    assert "mode" in why


# ------------------------------------------------------------- signals, forks, errors


def test_an_index_out_of_range_is_told_from_any_thread() -> None:
    x, i = T.fvector("x"), T.lvector("i")
    f = symnb.function([x, i], T.exp(x[i]).sum(), threads=3)
    at = RNG.integers(0, 1000, 1_000_000)
    np.testing.assert_allclose(
        f(DATA[:1000], at), np.exp(DATA[at].astype("float64")).sum(), 1e-6
    )
    at[[900_000, 500_000, 999_999]] = 5000, 4000, 3000
    for _ in range(5):
        with pytest.raises(IndexError, match="index 4000 is out of bounds"):
            f(DATA[:1000], at)


def long_running() -> Any:
    """A function of one reduction that takes minutes on a vector of 200,000."""
    x = T.dvector("x")
    return symnb.function([x], T.exp(T.sin(x[:, None] * x[None])).sum(), threads=3)


def test_an_interrupt_stops_a_parallel_loop() -> None:
    f = long_running()
    x = np.ones(200_000)
    with interrupted(within=30):
        f(x)
    assert np.isfinite(f(x[:3]))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_runs_in_threads(functions: dict[str, Any]) -> None:
    f, x = functions["sum of squares"], DATA.reshape(1000, 2000)
    f.threads = 3
    want = f(x)

    def right(x: np.ndarray) -> np.ndarray:
        return np.full(1, 2.0 if f(x) == want else 0.0)

    assert child_status(right, x) == 0
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        assert pool.map(_again, range(2)) == [float(_again(0))] * 2


def _again(_: int) -> float:
    x = T.fmatrix("x")
    f = symnb.function([x], (x * x).sum(), threads=2)
    return float(f(DATA.reshape(1000, 2000)))


def test_on_one_cpu_many_threads_are_right_too() -> None:
    code = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np, symnb, symnb.tensor as T
print(symnb.config.threads)
x = T.fvector("x")
f = symnb.function([x], T.exp(x).sum(), threads=8)
a = np.linspace(0, 1, 1_000_000, dtype="float32")
first = f(a)
assert all(f(a) == first for _ in range(20))
assert abs(first / np.exp(a.astype("float64")).sum() - 1) < 1e-6
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert not hasattr(os, "sched_setaffinity") or run.stdout.split() == ["1"]


def test_the_environment_sets_threads() -> None:
    code = "import symnb; print(symnb.config.threads)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "SYMNB_THREADS": "3"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.stdout.strip() == "3"


# ------------------------------------------------------------------------- products


def test_products_leave_the_count_of_blas_alone() -> None:
    before = blas.threads()
    if before is None:
        pytest.skip("this BLAS does not tell its threads")
    a, b = T.fmatrix("a"), T.fmatrix("b")
    f = symnb.function([a, b], T.exp(T.dot(a, b)).sum(0))
    x = DATA[:40_000].reshape(200, 200) / 100
    want = np.exp(x.astype("float64") @ x).sum(0)
    for threads in (1, 2, None):
        f.threads = threads
        np.testing.assert_allclose(f(x, x), want, 1e-5)
        assert blas.threads() == before
    with symnb.config.change(threads=1):
        np.testing.assert_allclose(f(x, x), want, 1e-5)
    assert all(in_threads(lambda _: np.allclose(f(x, x), want, 1e-5), 16))
    assert blas.threads() == before


def test_steps_in_python_have_the_blas_threads_of_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = blas.threads()
    if before is None:
        pytest.skip("this BLAS does not tell its threads")
    seen: list[int | None] = []
    run = OpaqueSteps.run

    def watched(steps: OpaqueSteps, *arguments: Any) -> Any:
        seen.append(blas.threads())
        return run(steps, *arguments)

    monkeypatch.setattr(OpaqueSteps, "run", watched)
    x = T.fmatrix("x")
    f = symnb.function([x], T.nlinalg.svd(x)[1], threads=1)
    f(DATA[:6].reshape(3, 2))
    assert seen == [1] and blas.threads() == before


@pytest.mark.parametrize("turn_a", [False, True])
@pytest.mark.parametrize("turn_b", [False, True])
@pytest.mark.parametrize("shape", [(1797, 64, 10), (10, 900, 700), (130, 97, 333)])
def test_products_are_shared_out_by_rows_or_columns(shape, turn_a, turn_b) -> None:
    m, k, n = shape
    rng = np.random.default_rng(5)
    x = rng.integers(-3, 4, (k, m) if turn_a else (m, k)).astype("float64")
    y = rng.integers(-3, 4, (n, k) if turn_b else (k, n)).astype("float64")
    a, b = T.dmatrices("a", "b")
    product = T.dot(a.T if turn_a else a, b.T if turn_b else b)
    want = (x.T if turn_a else x) @ (y.T if turn_b else y)
    for threads in (1, 2, 5):
        f = symnb.function([a, b], [product, 2 * product + 1], threads=threads)
        got, scaled = f(x, y)
        np.testing.assert_array_equal(got, want)  # whole numbers: exact in any order
        np.testing.assert_array_equal(scaled, 2 * want + 1)
