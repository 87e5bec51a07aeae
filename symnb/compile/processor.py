"""What generated C may use of this processor: vector width and vector functions."""

from __future__ import annotations

import functools
import platform

import symnb.compile.build as builder

FUSED = ("x86-64-v3", "x86-64-v4")  # targets with fma


def vector_bytes() -> int:
    """Bytes of a vector register: 64 with AVX-512, else 32; 32 when reproducible.

    Where registers are narrower the compiler takes two for one.
    """
    target = builder.target()
    wide = target == "x86-64-v4" or (target == "native" and "avx512f" in _flags())
    return 64 if wide else 32


def has_fma() -> bool:
    """Whether a fused multiply-add is one instruction: in x86-64 from v3 on."""
    if platform.machine() not in builder.X86:
        return platform.machine() in ("aarch64", "arm64")
    target = builder.target()
    return target in FUSED or (target == "native" and " fma " in _flags())


def vector_functions() -> frozenset[str]:
    """Names of the functions the vector library has."""
    return frozenset(builder.vector_functions())


@functools.cache
def _flags() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return ""
