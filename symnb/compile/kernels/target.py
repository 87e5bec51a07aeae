"""`Target`: what a schedule and a renderer must know of the processor and its libm.

Made once per process by the one who builds C (`compile/build.py`), part of the cache
key through `str(target)`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Functions with a vector variant in glibc's libmvec since 2.35 (notes: 23 functions
# x 2 dtypes, all vectorise through our own prototypes, gcc 12).
NAMES = """acos acosh asin asinh atan atan2 atanh cbrt cos cosh erf erfc exp exp10 exp2
expm1 hypot log log10 log1p log2 pow sin sinh tan tanh"""
LIBMVEC = frozenset(NAMES.split())


@dataclass(frozen=True)
class Target:
    """A processor and its vector library.

    vector   bytes of a vector register: 64 AVX-512, 32 AVX2, 16 SSE2 or NEON
    simd     names (float64 spelling) of libm functions with a vector variant
    strict   libm functions only, no contraction: closest to the reference
    off      stages left out (`symnb.optim.stages`)
    fma      a fused multiply-add is one instruction
    """

    vector: int = 32
    simd: frozenset[str] = frozenset()
    strict: bool = False
    off: frozenset[str] = frozenset()
    fma: bool = False

    def __str__(self) -> str:
        names = " ".join(sorted(self.simd))
        off = " ".join(sorted(self.off))
        return (
            f"vector {self.vector}, simd [{names}], strict {self.strict}, off [{off}], "
            f"fma {self.fma}"
        )
