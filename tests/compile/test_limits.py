"""The machine's limits: plausible, remembered, and reached by nothing."""

import ctypes
import hashlib
import os
import time

import numpy as np
import pytest

import symnb
import symnb.compile.build as builder
from symnb.compile import limits as module
from symnb.compile.limits import FIXED, Limits, limits
from symnb.options import config


@pytest.mark.cc
def test_no_product_and_no_copy_is_faster_than_the_limits() -> None:
    with config.change(reproducible=False):
        found = limits(config.threads)
    n = 512
    a = np.ones((n, n), "float32")
    rates = []
    for _ in range(5):
        started = time.perf_counter()
        a @ a
        rates.append(2 * n**3 / (time.perf_counter() - started))
    # A product runs at 80 to 95 % of the peak; a busy machine slows both.
    assert max(rates) < 3 * found.float32
    assert found.float64 < found.float32
    assert found.memory > 1e8


def test_limits_are_public() -> None:
    assert symnb.limits is limits
    assert "limits" in dir(symnb)


@pytest.mark.cc
def test_limits_are_measured_once(monkeypatch) -> None:
    with config.change(reproducible=False):
        first = limits(1)
        module._limits.cache_clear()
        monkeypatch.setattr(module, "_measured", lambda threads: pytest.fail("again"))
        assert limits(1) == first


@pytest.mark.cc
def test_the_triad_is_right_wherever_its_arrays_begin() -> None:
    text = "".join(
        [module.TEXT, module.PEAK % {"type": "float", "lanes": 8, "fma": "fmaf"}]
    )
    library = builder.build(text, hashlib.blake2b(text.encode()).hexdigest()[:32])
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
    triad = signature(library.address("symnb_triad"))
    b, c = np.random.default_rng(0).normal(size=(2, 100)).astype("float32")
    for start in range(9):
        for n in (0, 1, 7, 8, 33, 80):
            a = np.full(100, 7, "float32")
            triad(a[start:].ctypes.data, b.ctypes.data, c.ctypes.data, n)
            want = np.full(100, 7, "float32")
            want[start : start + n] = b[:n] + 3 * c[:n]
            np.testing.assert_allclose(a, want, rtol=1e-5, atol=1e-6)


def test_reproducible_limits_are_fixed() -> None:
    with config.change(reproducible=True):
        found = limits(2)
    assert found == Limits(2, **FIXED, fixed=True)


def test_the_roofline_is_the_slower_of_the_two() -> None:
    machine = Limits(1, memory=10e9, float32=100e9, float64=50e9)
    assert machine.seconds(1e9, 1e9) == pytest.approx(0.1)  # 1 GB at 10 GB/s
    assert machine.seconds(1e6, 1e12) == pytest.approx(10.0)
    assert machine.seconds(0, 1e9, "float64") == pytest.approx(0.02)
    assert str(machine).startswith("1 thread: memory 10 GB/s")


def test_threads_apart_leave_this_one_where_it_may_run() -> None:
    before = os.sched_getaffinity(0)
    assert module._together(lambda at: time.sleep(0.01), 3, apart=True) >= 0.01
    assert os.sched_getaffinity(0) == before


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        limits(0)
