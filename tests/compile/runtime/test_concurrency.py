"""Threads, signals and forks: right results, state unharmed."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from symnb.compile.runtime import dispatch
from tests.compile.interrupts import interrupted
from tests.compile.runtime import programs as p

pytestmark = pytest.mark.cc

THREADS = 64


def in_threads(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """work(i) in `count` threads that start together."""
    barrier = threading.Barrier(count)

    def run(i: int) -> Any:
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("n", [3, 5000])
def test_threads_in_one_call_have_arenas_of_their_own(Call: Any, n: int) -> None:
    f = Call(p.arena(work=1e9))  # the GIL is always released

    def work(i: int) -> bool:
        x = np.full(n, float(i))
        return all((f(x) == 2 * i).all() for _ in range(20))

    assert all(in_threads(work))


def test_threads_with_large_results(Call: Any) -> None:
    f = Call(p.arena(work=1e9))

    def work(i: int) -> bool:
        x = np.full(200_000, float(i))
        return all((f(x) == 2 * i).all() for _ in range(3))

    assert all(in_threads(work, 8))


def test_updates_from_many_threads_all_count(Call: Any) -> None:
    storage = p.Storage(np.zeros(100))
    f = Call(p.step(storage, work=1e9))
    sums = in_threads(lambda i: [float(f(1.0)) for _ in range(20)])
    expected = [100.0 * i for i in range(THREADS * 20)]
    assert sorted(x for row in sums for x in row) == expected
    assert (storage.array == THREADS * 20).all()


def test_readers_never_see_half_an_update(Call: Any) -> None:
    storage = p.SlottedStorage(np.zeros(20_000))
    write, read = Call(p.step(storage, work=1e9)), Call(p.total(storage, work=1e9))

    def work(i: int) -> float:
        if i % 4 == 0:
            return sum(0 * float(write(1.0)) for _ in range(40))
        return max(float(read()) for _ in range(40))

    assert set(in_threads(work, 8)) == {0.0}


def test_locks_of_two_functions_never_deadlock(Call: Any) -> None:
    both = [p.Storage(np.zeros(4)), p.Storage(np.zeros(4))]
    calls = [Call(two_updates(*order)) for order in (both, both[::-1])]
    in_threads(lambda i: [calls[i % 2]() for _ in range(50)], 8)
    assert (both[0].array == 400).all() and (both[1].array == 400).all()


def two_updates(u: Any, v: Any) -> Any:
    """u += 1 and v += 1."""
    lib = p.library(
        """const double *u = data[0], *v = data[1]; double *x = data[2], *y = data[3];
        for (int i = 0; i < 4; i++) x[i] = u[i] + 1, y[i] = v[i] + 1;""",
        "out[0] = 4; out[1] = 4;",
    )
    w = p.array("w", "float64", 4)
    return p.spec(
        lib,
        (),
        (),
        shared=((u, w), (v, w)),
        updates=((0, w), (1, w)),
        returns="none",
        work=1e9,
    )


def test_one_lock_for_two_storages_is_taken_once(Call: Any) -> None:
    lock = threading.Lock()
    u, v = p.Storage(np.zeros(4), lock=lock), p.Storage(np.zeros(4), lock=lock)
    Call(two_updates(u, v))()
    assert (u.array == 1).all() and not lock.locked()


def test_interrupt_stops_a_long_run_and_harms_nothing(Call: Any) -> None:
    before = np.array(1.0)
    storage = p.Storage(before)
    f = Call(p.spin(storage))
    with interrupted(within=10):
        f(60.0)
    assert storage.array is before and before == 1.0
    f(0.001)
    assert storage.array == 0.001


def test_signal_handler_without_exception_lets_the_run_go_on(Call: Any) -> None:
    storage = p.Storage(np.array(1.0))
    f = Call(p.spin(storage))
    seen: list[int] = []
    old = signal.signal(signal.SIGUSR1, lambda number, _frame: seen.append(number))
    try:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        f(0.4)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert seen == [signal.SIGUSR1] and storage.array == 0.4


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_child_calls(Call: Any) -> None:
    f, x = Call(p.arena(work=1e9)), np.ones(200_000)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            f(x)

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        statuses = [child_status(f, x) for _ in range(10)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert statuses == [0] * 10


def child_status(f: Any, x: np.ndarray) -> int:
    """Exit status of a forked child: 0 if its calls are right."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os._exit(0 if all((f(x) == 2).all() for _ in range(3)) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# ---- the pool of large results ----------------------------------------------


def test_pool_recycles_and_trims() -> None:
    module: Any = dispatch.load()
    f, x = module.Call(p.add()), np.ones(1_000_000)
    dispatch.trim()
    del_me = f(x, x)
    at = del_me.ctypes.data
    live = dispatch.memory()["live"]
    assert at % (2 << 20) == 0 and live >= 8_000_000
    del del_me
    after = dispatch.memory()
    assert after["idle"] >= 8_000_000 and after["live"] < live
    assert f(x, x).ctypes.data == at
    view = f(x, x)[5:]
    assert dispatch.memory()["live"] >= 8_000_000 and (view == 2).all()
    del view
    assert dispatch.trim() >= 8_000_000
    assert dispatch.memory()["idle"] == 0


def test_pool_keeps_no_more_than_its_limit() -> None:
    module: Any = dispatch.load()
    f, x = module.Call(p.add()), np.ones(1_000_000)
    limit = dispatch.memory()["limit"]
    assert 0 < limit <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 4
    hooks = dispatch.hooks()
    try:
        module.configure(*hooks, 20 << 20)
        results = [f(x, x) for _ in range(6)]
        del results
        assert dispatch.memory()["idle"] <= 20 << 20
        module.configure(*hooks, 0)
        dispatch.trim()
        del_me = f(x, x)
        del del_me
        assert dispatch.memory()["idle"] == 0
    finally:
        module.configure(*hooks, limit)


def test_sizes_in_the_pool_stay_apart() -> None:
    module: Any = dispatch.load()
    f = module.Call(p.add())
    sizes = [131_072, 131_073, 262_144, 300_000, 1_000_000]
    kept = [(n, f(np.full(n, 1.0 * n), np.zeros(n))) for n in sizes * 3]
    kept = kept[::2]
    kept += [(n, f(np.full(n, 1.0 * n), np.zeros(n))) for n in sizes]
    assert all(len(y) == n and (y == n).all() for n, y in kept)
