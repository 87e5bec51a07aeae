"""The pool of workers: every chunk once, first failure told, forks, signals, end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.compile.runtime import dispatch, foreign
from symnb.options import config
from tests.compile.interrupts import interrupted
from tests.compile.runtime import programs as p
from tests.compile.runtime.test_concurrency import child_status, in_threads

pytestmark = pytest.mark.cc

# y[i] = x[i] + 1 + (chunk it was in) / 1024 by way of memory of the chunk
CHUNK = """
static int part(void *const *p, const int64_t *n, int64_t chunk, int64_t first,
                int64_t last, symnb_ws *ws)
{
  const double *x = p[0]; double *y = p[1], *t = ws->alloc(ws, (last - first) * 8);
  if (!t || ws->threads != 1) return 1;
  for (int64_t i = first; i < last; i++) {
    if (x[i] < 0) {
      for (int k = 0; k < 12; k++) ws->message[k] = "chunk abcdef"[k];
      ws->message[6] = '0' + chunk % 10, ws->message[7] = 0;
      return 1;
    }
    t[i - first] = x[i] + 1 + chunk / 1024.0;
  }
  for (int64_t i = first; i < last; i++) y[i] = t[i - first];
  return 0;
}
"""


def spread(step: str = "7") -> Any:
    """The spec of a function that runs CHUNK over its argument."""
    lib = p.library(
        f"""void *const both[] = {{data[0], data[1]}};
        if (ws->spread(ws, part, both, 0, shape[0][0], {step})) return 1;""",
        "out[0] = slot[0];",
        CHUNK,
    )
    vector = (p.array("x", "float64", p.N),)
    return p.spec(lib, vector, (p.array("y", "float64", p.N),), work=1e9)


def native(spec: Any, threads: int | None = None) -> Any:
    """The spec as a call of the C dispatcher."""
    module: Any = dispatch.load()
    f = module.Call(spec)
    f.threads = threads
    return f


@pytest.fixture(scope="module")
def plus() -> Iterator[Any]:
    """The function of CHUNK with chunks of 7."""
    yield native(spread())


def expected(n: int) -> np.ndarray:
    return np.arange(n) + 1 + np.arange(n) // 7 / 1024


@given(n=st.integers(0, 500), threads=st.integers(1, 9))
def test_every_chunk_runs_once_within_its_bounds(
    plus: Any, n: int, threads: int
) -> None:
    plus.threads = threads
    np.testing.assert_array_equal(plus(np.arange(float(n))), expected(n))


def test_64_threads_share_the_workers(plus: Any) -> None:
    plus.threads = 3
    x = np.arange(3000.0)

    def work(_: int) -> bool:
        return all((plus(x) == expected(3000)).all() for _ in range(20))

    assert all(in_threads(work))


@given(bad=st.sets(st.integers(0, 99), min_size=1), threads=st.integers(1, 4))
def test_the_first_chunk_that_fails_is_the_one_that_is_told(
    plus: Any, bad: set[int], threads: int
) -> None:
    plus.threads = threads
    x = np.arange(100.0)
    x[list(bad)] = -1
    with pytest.raises(Exception, match=f"chunk {min(bad) // 7 % 10}"):
        plus(x)
    assert (plus(np.arange(50.0)) == expected(50)).all()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_workers_of_its_own() -> None:
    lib = p.library(
        """void *const both[] = {data[0], data[1]};
        return ws->spread(ws, part, both, 0, shape[0][0], 100000);""",
        "out[0] = slot[0];",
        CHUNK.replace(" + chunk / 1024.0", " - 1 + x[i]"),
    )
    vector = (p.array("x", "float64", p.N),)
    f = native(p.spec(lib, vector, (p.array("y", "float64", p.N),), work=1e9), 3)
    x, stop = np.ones(1_000_000), threading.Event()

    def busy() -> None:
        while not stop.is_set():
            f(x)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        statuses = [child_status(f, x) for _ in range(10)]
    finally:
        stop.set()
        thread.join()
    assert statuses == [0] * 10 and (f(x) == 2).all()


SPIN = """
static int part(void *const *p, const int64_t *n, int64_t chunk, int64_t first,
                int64_t last, symnb_ws *ws)
{
  const int64_t end = ws->now() + (int64_t)(*(double *)p[0] * 1e9);
  while (ws->now() < end) if (ws->stop(ws)) return 1;
  return 0;
}
"""


def spinning() -> Any:
    """Four chunks, each `seconds` long unless stopped; then the shared w is set."""
    lib = p.library(
        """if (ws->spread(ws, part, data, 0, 4, 1)) return 1;
        *(double *)data[2] = *(double *)data[0];""",
        "",
        SPIN,
    )
    w = p.array("w", "float64")
    storage = p.Storage(np.array(1.0))
    spec = p.spec(
        lib, (p.array("seconds", "float64"),), (), shared=((storage, w),),
        updates=((0, w),), returns="none", work=1e6,
    )  # fmt: skip
    return storage, spec


def test_an_interrupt_ends_all_chunks_and_changes_nothing() -> None:
    storage, spec = spinning()
    f = native(spec, 3)
    with interrupted(within=20):
        f(60.0)
    assert storage.array == 1.0
    f(0.001)
    assert storage.array == 0.001


def test_a_signal_that_raises_nothing_lets_the_chunks_go_on() -> None:
    storage, spec = spinning()
    f = native(spec, 2)
    seen: list[int] = []
    old = signal.signal(signal.SIGUSR1, lambda number, _frame: seen.append(number))
    try:
        timer = threading.Timer(0.06, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        f(0.1)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert seen == [signal.SIGUSR1] and storage.array == 0.1


def test_threads_of_a_call_are_checked(Call: Any) -> None:
    f = Call(p.add())
    assert f.threads is None
    f.threads = 3
    assert f.threads == 3
    for wrong in (0, -1, 1.5, "two", True):
        with pytest.raises(ValueError, match="threads is an int of at least 1"):
            f.threads = wrong
    assert f.threads == 3
    f.threads = None
    assert f.threads is None


def told() -> Any:
    """How many threads a call may use."""
    lib = p.library("*(int64_t *)data[0] = ws->threads;", "")
    return p.spec(lib, (), (p.array("y", "int64"),))


def test_the_option_counts_from_the_next_call_on() -> None:
    f = native(told())
    with config.change(threads=5):
        assert f() == 5
        f.threads = 3
        assert f() == 3
        f.threads = None
        with config.change(reproducible=True):
            assert f() == 1
        assert f() == 5
    assert f() == dispatch.threads()


def test_cffi_runs_loops_in_one_thread() -> None:

    assert foreign.Call(told())() == 1


def test_after_the_end_of_the_workers_loops_still_run() -> None:
    code = """
import numpy as np
from tests.compile.runtime.test_workers import expected, native, spread
from symnb.compile.runtime import dispatch, foreign
f = native(spread(), 4)
x = np.arange(5000.0)
assert (f(x) == expected(5000)).all()
for _ in range(2):
    dispatch.load().end_threads()
    assert (f(x) == expected(5000)).all()
print("well")
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert run.stdout.split() == ["well"] and run.returncode == 0, run.stderr


PROCESSORS = """
import os
import numpy as np
from pathlib import Path
from tests.compile.runtime.test_workers import expected, native, spread
os.nice(3)
f, x = native(spread(), 2), np.arange(100_000.0)
def threads():
    return [int(t.name) for t in Path("/proc/self/task").iterdir()]
allowed, before = os.sched_getaffinity(0), set(threads())
apart = []
for _ in range(20):
    assert (f(x) == expected(len(x))).all()
    (worker,) = set(threads()) - before
    apart.append(len(allowed - os.sched_getaffinity(worker)))
    assert os.sched_getaffinity(worker) <= allowed
    assert os.getpriority(os.PRIO_PROCESS, worker) == 3
print(max(apart))
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="the test counts the processors a thread may use",
)
def test_a_worker_keeps_off_its_callers_processor_and_keeps_its_priority() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROCESSORS], capture_output=True, text=True, timeout=60,
        cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert run.stdout.split() == ["1"], run.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs processors")
def test_with_one_processor_a_worker_shares_it() -> None:
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"
    run = subprocess.run(
        [sys.executable, "-c", code + PROCESSORS], capture_output=True, text=True,
        timeout=60, cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert run.stdout.split() == ["0"], run.stderr
