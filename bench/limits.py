"""What the machine can do at best: bandwidths by size of what is touched, FMA rate.

Measured once per run with the C of bench/limits.c, best of several. A workload's
roof is the time its traffic or its arithmetic takes at these rates, the larger.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.workload import Workload

SIZES = (16 << 10, 512 << 10, 8 << 20)  # bytes: level 1, 2 and 3 of the caches
WORKING = 120 << 20  # bytes of the three arrays of the triad: memory
TRIES = 21


@dataclass(frozen=True)
class Limits:
    """Rates of the machine with some number of threads.

    read   bytes touched -> bytes per second, from the caches
    triad  bytes per second, memory
    flops  float32 operations per second
    """

    read: dict[int, float]
    triad: float
    flops: float

    def bandwidth(self, touched: float) -> float:
        """Bytes per second where that many bytes are in use."""
        for size, rate in self.read.items():
            if touched <= 2 * size:
                return rate
        return self.triad

    def roof(self, work: Workload) -> float | None:
        """The least ns a call can take, as far as memory and arithmetic say."""
        if not work.traffic and not work.flops:
            return None
        touched = work.touched or work.traffic
        moved = work.traffic / self.bandwidth(touched) if work.traffic else 0.0
        return 1e9 * max(moved, work.flops / self.flops)


def _library(folder: str) -> ctypes.CDLL:
    source = Path(__file__).with_suffix(".c")
    target = f"{folder}/limits.so"
    flags = ["-O3", "-march=native", "-fopenmp", "-ffast-math", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, str(source), "-o", target], check=True)
    library = ctypes.CDLL(target)
    library.read_bytes.restype = library.multiply_add.restype = ctypes.c_float
    return library


def _least(call: Callable[[], object]) -> float:
    """Seconds of the fastest of several calls."""
    times: list[float] = []
    for _ in range(TRIES):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def _aligned(size: int) -> np.ndarray:
    """`size` floats at a multiple of 64 bytes, touched."""
    room = np.ones(size + 16, "float32")
    skip = -room.ctypes.data % 64 // 4
    return room[skip : skip + size]


def measure(threads: int) -> Limits:
    """The limits with that many threads."""
    with tempfile.TemporaryDirectory() as folder:
        library = _library(folder)
        pointer = ctypes.c_void_p

        def reading(size: int) -> float:
            x = _aligned(size * threads // 4)
            times = max(1, (64 << 20) // size)
            args = pointer(x.ctypes.data), ctypes.c_size_t(x.size), times, threads
            return x.nbytes * times / _least(lambda: library.read_bytes(*args))

        arrays = [_aligned(WORKING // 12) for _ in range(3)]
        where = [pointer(a.ctypes.data) for a in arrays]
        count = ctypes.c_size_t(arrays[0].size)
        memory = WORKING / _least(lambda: library.triad(*where, count, threads))
        rounds = 1_000_000
        spent = _least(lambda: library.multiply_add(ctypes.c_long(rounds), threads))
        return Limits(
            {size: reading(size) for size in SIZES}, memory,
            2 * 160 * rounds * threads / spent,
        )  # fmt: skip
