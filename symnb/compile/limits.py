"""Limits of this machine: what memory and arithmetic units can do at best.

Measured once per machine and number of threads (1 s, 1.5 s on a busy machine), kept in
the cache folder: the bandwidth of a triad over arrays larger than every cache, and the
rate of independent multiply-adds in registers. Nothing a kernel does to arrays of that
size is faster, so that a profile can say how near it comes. Reproducible mode answers
with fixed numbers.
Source of the triad: McCalpin 1995, Memory bandwidth and machine balance.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import symnb.compile.build as builder
from symnb.compile import cache
from symnb.errors import NoCompilerError
from symnb.options import config

FILE = "limits.json"
TRIAD_BYTES = 48 << 20  # of one array; three of them exceed the last cache
LEAST_BYTES = 16 << 20  # of each thread's part of it
# Short and often: on a busy machine a run counts only if nobody interrupts it. Among 8
# others on 2 cores the best of 5 runs of 20 ms found a third of the peak (2026-11).
BEST_OF = 50
SECONDS = {"memory": 0.4, "peak": 0.15}  # of each, at most; then a run ends
PIECES = 6  # of the triad's arrays; a run takes the next, so that no cache holds it
PEAK_SECONDS = 0.001
LANES = {"float": 192, "double": 96}  # 12 registers of AVX-512: hides 4 cycles, 2 units

# Stores go past the caches: an ordinary one reads its line before it writes, so that a
# triad moves 4 arrays where 3 are counted (28 GB/s against 41, EPYC, gcc 12, 2026-11).
TEXT = """
typedef __INT64_TYPE__ int64_t;
typedef float lanes __attribute__((vector_size(32)));
typedef float loose __attribute__((vector_size(32), aligned(4), may_alias));
#ifndef __has_builtin
#define __has_builtin(name) 0
#endif
#if __has_builtin(__builtin_nontemporal_store)
#define PUT(p, v) __builtin_nontemporal_store(v, (lanes *)(p))
#elif defined(__AVX__)
#define PUT(p, v) __builtin_ia32_movntps256(p, v)
#else
#define PUT(p, v) (*(lanes *)(p) = (v))
#endif
void symnb_triad(float *a, const float *b, const float *c, int64_t n)
{
  int64_t i = 0;
  for (; i < n && (__UINTPTR_TYPE__)(a + i) % 32; i++) a[i] = b[i] + 3.0f * c[i];
  for (; i + 8 <= n; i += 8)
    PUT(a + i, *(const loose *)(b + i) + 3.0f * *(const loose *)(c + i));
  for (; i < n; i++) a[i] = b[i] + 3.0f * c[i];
}
int symnb_run(void) { return 0; }
void symnb_plan(void) {}
"""
# The pragma keeps the lanes in registers: the loop over them is written out whole.
PEAK = """
double symnb_peak_%(type)s(int64_t rounds)
{
  %(type)s a[%(lanes)d], total = 0;
  for (int l = 0; l < %(lanes)d; l++) a[l] = l;
  for (int64_t r = 0; r < rounds; r++) {
    #pragma omp simd
    for (int l = 0; l < %(lanes)d; l++)
      a[l] = __builtin_%(fma)s(a[l], (%(type)s)0.999, (%(type)s)1e-3);
  }
  for (int l = 0; l < %(lanes)d; l++) total += a[l];
  return total;
}
"""


@dataclass(frozen=True)
class Limits:
    """What the machine does at best, with `threads` threads.

    memory   bytes per second, three arrays in a triad
    float32, float64   operations per second; a multiply-add counts two
    fixed    whether they are the numbers of reproducible mode
    """

    threads: int
    memory: float
    float32: float
    float64: float
    fixed: bool = False

    def seconds(self, bytes: float, flops: float, dtype: str = "float32") -> float:
        """The least time for moving `bytes` and doing `flops` (the roofline)."""
        rate = self.float64 if dtype == "float64" else self.float32
        return max(bytes / self.memory, flops / rate)

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return (
            f"{threads}: memory {self.memory / 1e9:.0f} GB/s, "
            f"float32 {self.float32 / 1e9:.0f} GFLOP/s, "
            f"float64 {self.float64 / 1e9:.0f} GFLOP/s"
        )


FIXED = {"memory": 10e9, "float32": 50e9, "float64": 25e9}


def limits(threads: int | None = None) -> Limits:
    """The limits of this machine for a number of threads (default: the configured).

    Raises NoCompilerError where there is no C compiler.
    """
    count = config.threads if threads is None else threads
    if count < 1:
        raise ValueError(f"a machine runs at least 1 thread, not {count}")
    if config.reproducible:
        return Limits(count, **FIXED, fixed=True)
    return _limits(count, _machine())


def known(threads: int | None = None) -> Limits | None:
    """The limits if they need not be measured; None otherwise."""
    count = config.threads if threads is None else threads
    if config.reproducible:
        return limits(count)
    try:
        return _recalled(f"{_machine()}-{count}")
    except NoCompilerError:
        return None


def _recalled(key: str) -> Limits | None:
    rows = cache.current().recall(FILE)
    try:
        return Limits(**rows[key])  # pyright: ignore
    except (KeyError, TypeError):
        return None


@functools.lru_cache(maxsize=64)
def _limits(threads: int, machine: str) -> Limits:
    key = f"{machine}-{threads}"
    found = _recalled(key)
    if found is None:
        found = _measured(threads)
        store = cache.current()
        rows = store.recall(FILE)
        rows = rows if isinstance(rows, dict) else {}
        store.remember(FILE, rows | {key: asdict(found)})
    return found


def _machine() -> str:
    """A short name of processor, compiler and what is measured."""
    compiler = builder.find_compiler()
    made = compiler.digest(builder.target())
    text = "\0".join((cache.cpu_features(), made, TEXT, PEAK))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _measured(threads: int) -> Limits:
    peaks = [
        PEAK % {"type": type, "lanes": LANES[type], "fma": fma}
        for type, fma in (("float", "fmaf"), ("double", "fma"))
    ]
    text = "".join([TEXT, *peaks])
    key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    library = builder.build(text, key)
    return Limits(
        threads,
        _bandwidth(library, threads),
        _peak(library, "float", threads),
        _peak(library, "double", threads),
    )


def _bandwidth(library: Any, threads: int) -> float:
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
    triad = signature(library.address("symnb_triad"))
    n = max(TRIAD_BYTES // threads, LEAST_BYTES) // 4
    arrays: list[Any] = [None] * threads
    done = [0] * threads

    def fill(at: int) -> None:
        arrays[at] = [np.ones(n, "float32") for _ in range(3)]

    def work(at: int) -> None:
        piece = n // PIECES
        first = 4 * piece * (done[at] % PIECES)
        done[at] += 1
        triad(*[a.ctypes.data + first for a in arrays[at]], piece)

    _together(fill, threads)
    moved = threads * 3 * 4 * (n // PIECES)
    return moved / _best(work, threads, SECONDS["memory"])


def _peak(library: Any, type: str, threads: int) -> float:
    signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)
    peak = signature(library.address(f"symnb_peak_{type}"))
    rounds = 1000

    def work(at: int) -> None:
        peak(rounds)

    while _together(work, 1) < PEAK_SECONDS:
        rounds *= 2
    spent = _best(work, threads, SECONDS["peak"])
    return threads * 2 * LANES[type] * rounds / spent


def _best(work: Callable[[int], Any], threads: int, seconds: float) -> float:
    """Seconds of an undisturbed run; no run begins when `seconds` have passed.

    Every second one has each thread on a processor of its own: a busy system may
    leave two on one.
    """
    end = time.perf_counter() + seconds
    found = [_together(work, threads)]
    while len(found) < BEST_OF and time.perf_counter() < end:
        found.append(_together(work, threads, len(found) % 2 == 1))
    return min(found)


def _together(work: Callable[[int], Any], threads: int, apart: bool = False) -> float:
    """Seconds from when the first thread begins with `work` until the last is done."""
    barrier = threading.Barrier(threads)
    spans: list[tuple[float, float]] = []

    def run(at: int) -> None:
        if apart and hasattr(os, "sched_setaffinity"):  # of this thread alone
            processors = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {processors[at % len(processors)]})
        barrier.wait()
        started = time.perf_counter()
        work(at)
        spans.append((started, time.perf_counter()))

    team = [threading.Thread(target=run, args=(at,)) for at in range(threads)]
    for one in team:
        one.start()
    for one in team:
        one.join()
    return max(end for _, end in spans) - min(start for start, _ in spans)


__all__ = ["FIXED", "Limits", "known", "limits"]
