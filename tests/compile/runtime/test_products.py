"""Threads of BLAS around calls: lowered, never raised, given back."""

import ctypes
import os
import signal
import threading
from typing import Any

import numpy as np
import pytest

from symnb.compile.runtime import dispatch
from symnb.compile.runtime.products import Products
from symnb.options import config
from tests.compile.runtime import programs as p
from tests.compile.runtime.test_concurrency import in_threads

pytestmark = pytest.mark.cc

HEAD = """
static int count = 8;
int count_get(void) { return count; }
void count_set(int c) { count = c; }
"""


class Library:
    """A stand-in for BLAS with 8 threads, and the spec of a call that tells how many
    it finds, then waits a little and tells again."""

    def __init__(self) -> None:
        lib = p.library(
            """int64_t *seen = data[0], end = ws->now() + 200000;
            seen[0] = count;
            while (ws->now() < end) {}
            seen[1] = count;""",
            "out[0] = 2;",
            HEAD,
        )
        self.control = lib.address("count_get"), lib.address("count_set")
        self.get = ctypes.CFUNCTYPE(ctypes.c_int)(self.control[0])
        self.set = ctypes.CFUNCTYPE(None, ctypes.c_int)(self.control[1])
        outputs = (p.array("seen", "int64", 2),)
        self.spec = p.spec(lib, (), outputs, control=(*self.control, 0), work=1e9)
        self.set(8)


def test_a_call_lowers_the_count_and_gives_it_back(Call: Any) -> None:
    library = Library()
    f = Call(library.spec)
    for threads in (1, 3, 8):
        f.threads = threads
        assert list(f()) == [threads] * 2
        assert library.get() == 8


def test_the_option_counts_unless_the_function_says_otherwise(Call: Any) -> None:
    library = Library()
    f = Call(library.spec)
    with config.change(threads=2):
        assert list(f()) == [2, 2]
        f.threads = 5
        assert list(f()) == [5, 5]


def test_a_count_that_was_set_low_is_not_raised(Call: Any) -> None:
    library = Library()
    f = Call(library.spec)
    f.threads = 6
    library.set(2)
    assert list(f()) == [2, 2] and library.get() == 2


def test_calls_at_once_run_with_the_least_count(Call: Any) -> None:
    library = Library()
    calls = [Call(library.spec) for _ in range(4)]
    for threads, f in enumerate(calls, start=1):
        f.threads = threads

    def work(i: int) -> bool:
        mine = i % 4
        seen = np.array([calls[mine]() for _ in range(5)])
        return bool((seen <= mine + 1).all() and (seen >= 1).all())

    assert all(in_threads(work, 8))
    assert library.get() == 8


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_forked_within_a_call_has_the_old_count(Call: Any) -> None:
    library = Library()
    f = Call(library.spec)
    f.threads = 1
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            f()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        statuses = [_count_in_child(f, library) for _ in range(5)]
    finally:
        stop.set()
        thread.join()
    assert statuses == [8] * 5 and library.get() == 8


def _count_in_child(f: Any, library: Library) -> int:
    """What a forked child finds after a call of its own."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        inside = list(f())
        os._exit(library.get() if inside == [1, 1] else 99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_without_control_nothing_happens() -> None:
    with Products().at_most(1, (0, 0)):
        pass


DRIVEN = """
static int part(void *const *p, const int64_t *n, int64_t chunk, int64_t first,
                int64_t last, symnb_ws *ws)
{
  const int64_t end = ws->now() + 100000;
  while (ws->now() < end) {}
  ((int64_t *)p[0])[first] = count;
  return ws->products(ws, 1);
}
"""


def test_loops_that_call_blas_in_chunks_leave_it_one_thread() -> None:
    library = Library()
    lib = p.library(
        """void *const to[] = {data[0]};
        const int lowered = ws->products(ws, 1);
        const int status = ws->spread(ws, part, to, 0, 6, 1);
        if (lowered) ws->products(ws, 0);
        if (status) return 1;
        ((int64_t *)data[0])[6] = count;""",
        "out[0] = 7;",
        HEAD + DRIVEN,
    )
    module: Any = dispatch.load()
    control = lib.address("count_get"), lib.address("count_set")
    outputs = (p.array("seen", "int64", 7),)
    f = module.Call(p.spec(lib, (), outputs, control=(*control, 0), work=1e9))
    for threads, rest in ((1, 1), (3, 3), (8, 8)):
        f.threads = threads
        seen = list(f())
        assert seen[:6] == [1] * 6
        assert seen[6] in (1, rest)  # a call that lowered it keeps the least count
    assert ctypes.CFUNCTYPE(ctypes.c_int)(control[0])() == 8
    f.threads = 8
    assert all(in_threads(lambda _: list(f())[:6] == [1] * 6, 8))
    assert ctypes.CFUNCTYPE(ctypes.c_int)(control[0])() == 8
    assert library.get() == 8
