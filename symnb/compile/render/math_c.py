"""C of exponentials, tanh, erf, erfc and log1p that a loop takes in whole, not libm's.

A call of libmvec in a loop moves every live register to memory and back. These forms
are plain arithmetic on one element: they are inlined before gcc vectorises the loop,
at any width, and since every product and sum is written out (fma where it is fused),
an element has the same bits wherever it lies. They need a processor with fma, and
-fno-thread-jumps, without which gcc 12 splits two selections of one value into five.

ns an element, 512 bits, call of libmvec -> form here (EPYC, gcc 12, 2026-11): expf .31
.23, expm1f .34 .24, tanhf .39 .30, log1pf .43 .34, erfcf 1.01 .54; double exp .78 .70,
expm1 .85 .73, tanh 1.85 .81. At 256 bits expf .33 .33, expm1f .69 .35, tanhf .75 .40,
log1pf .55 .51; expm1 1.18 1.12, tanh 2.5 1.23. Too little gained, so left to libmvec:
logf .31 .33, double log .98 .93, log1p .82 1.01, erfcf at 256 bits .64 .74. Bounds of
errors: every 97th float (erfcf: all), 1.5 million doubles; libmvec's are 2.6, 2.4,
1.4, 1.9, 1.5; 2.9, 2.1, 1.2 ulp in this order, erff 4.0.
Polynomials are minimax (Lawson's iteration, coefficients rounded one by one). Source of
the reductions: Muller, Elementary Functions, 3rd ed. 2016, ch. 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from symnb.compile.kernels.target import Target

WIDE = 64  # bytes of a register


@dataclass(frozen=True)
class Form:
    """A function of one operand.

    ulp     bound of its error, units in the last place
    narrow  whether it also beats libmvec in registers of 32 bytes
    needs   names of the texts it calls
    """

    text: str
    ulp: float
    narrow: bool
    needs: tuple[str, ...]


INLINE = "#define SYMNB_INLINE static inline __attribute__((always_inline))\n"

BITS = """\
SYMNB_INLINE uint32_t symnb_bits32(float x)
{
    uint32_t i;
    __builtin_memcpy(&i, &x, 4);
    return i;
}
SYMNB_INLINE float symnb_float32(uint32_t i)
{
    float x;
    __builtin_memcpy(&x, &i, 4);
    return x;
}
"""
BITS_DOUBLE = """\
SYMNB_INLINE uint64_t symnb_bits64(double x)
{
    uint64_t i;
    __builtin_memcpy(&i, &x, 8);
    return i;
}
SYMNB_INLINE double symnb_float64(uint64_t i)
{
    double x;
    __builtin_memcpy(&x, &i, 8);
    return x;
}
"""

# e^r = 1 + r + r^2 p(r), |r| <= ln(2)/2: 2^-28 and 2^-57 of e^r.
SERIES = """\
/* (e^r - 1 - r) / r^2 for |r| <= ln(2)/2 */
SYMNB_INLINE float symnb_seriesf(float r)
{
    float p = fmaf(0x1.6b7becp-10f, r, 0x1.12280ep-7f);
    p = fmaf(p, r, 0x1.55571p-5f);
    p = fmaf(p, r, 0x1.5554bp-3f);
    return fmaf(p, r, 0x1.fffffep-2f);
}
"""
SERIES_DOUBLE = """\
/* (e^r - 1 - r) / r^2 for |r| <= ln(2)/2 */
SYMNB_INLINE double symnb_series(double r)
{
    double p = fma(0x1.ad83aee490f95p-26, r, 0x1.28aed3e3623c1p-22);
    p = fma(p, r, 0x1.71df24b129e6fp-19);
    p = fma(p, r, 0x1.a019989202277p-16);
    p = fma(p, r, 0x1.a01a0129a9bf8p-13);
    p = fma(p, r, 0x1.6c16c184b4a44p-10);
    p = fma(p, r, 0x1.1111111128144p-7);
    p = fma(p, r, 0x1.5555555550603p-5);
    p = fma(p, r, 0x1.55555555554f7p-3);
    return fma(p, r, 0x1.000000000000ap-1);
}
"""
LOG = """\
/* log(2^k (1 + f)) for sqrt(1/2) <= 1 + f < sqrt(2) */
SYMNB_INLINE float symnb_log_partsf(float k, float f)
{
    float p = fmaf(0x1.65f88cp-4f, f, -0x1.250df6p-3f);
    p = fmaf(p, f, 0x1.317f02p-3f);
    p = fmaf(p, f, -0x1.535aeap-3f);
    p = fmaf(p, f, 0x1.98d334p-3f);
    p = fmaf(p, f, -0x1.0004aep-2f);
    p = fmaf(p, f, 0x1.5556f2p-2f);
    p = fmaf(p, f, -0x1.fffffap-2f);
    const float r = fmaf(f * f, p, fmaf(k, 0x1.7f7d1cp-20f, f));
    return fmaf(k, 0x1.62e4p-1f, r);
}
"""

EXP = """\
/* e^x, {ulp} ulp: 2^n e^r. Adding 1.5 * 2^23 leaves n in the low bits of t; 2^n is
 * multiplied in halves, so that the result may be denormal. */
SYMNB_INLINE float symnb_expf(float x)
{{
    const float t = fmaf(x, 0x1.715476p0f, 0x1.8p23f);
    const int32_t most = 0x4b400080, bits = symnb_bits32(t);
    const uint32_t i = bits < most ? bits : most, half = i >> 1;
    const float n = symnb_float32(i) - 0x1.8p23f;
    const float r = fmaf(n, -0x1.7f7d1cp-20f, fmaf(n, -0x1.62e4p-1f, x));
    const float p = fmaf(fmaf(symnb_seriesf(r), r, 1.0f), r, 1.0f);
    const float a = symnb_float32((half << 23) + 0x3f800000);
    const float b = symnb_float32(((i - half) << 23) + 0x3f800000);
    return x < -104.0f ? 0.0f : p * a * b;
}}
"""
EXP_DOUBLE = """\
/* e^x, {ulp} ulp: 2^n e^r. Adding 1.5 * 2^52 leaves n in the low bits of t; 2^n is
 * multiplied in halves, so that the result may be denormal. */
SYMNB_INLINE double symnb_exp(double x)
{{
    const double t = fma(x, 0x1.71547652b82fep0, 0x1.8p52);
    const int64_t most = 0x4338000000000400, bits = symnb_bits64(t);
    const uint64_t i = bits < most ? bits : most, half = i >> 1;
    const double n = symnb_float64(i) - 0x1.8p52;
    const double r = fma(n, -0x1.a39ef35793c76p-33, fma(n, -0x1.62e42feep-1, x));
    const double p = fma(fma(symnb_series(r), r, 1.0), r, 1.0);
    const double a = symnb_float64((half << 52) + 0x3ff0000000000000);
    const double b = symnb_float64(((i - half) << 52) + 0x3ff0000000000000);
    return x < -746.0 ? 0.0 : p * a * b;
}}
"""
EXPM1 = """\
/* e^x - 1, {ulp} ulp: 2^n (e^r - 1) + (2^n - 1), halved: 2^n may be 2^128 */
SYMNB_INLINE float symnb_expm1f(float x)
{{
    const float t = fmaf(x, 0x1.715476p0f, 0x1.8p23f);
    const int32_t most = 0x4b400080, bits = symnb_bits32(t);
    const uint32_t i = bits < most ? bits : most;
    const float n = symnb_float32(i) - 0x1.8p23f;
    const float r = fmaf(n, -0x1.7f7d1cp-20f, fmaf(n, -0x1.62e4p-1f, x));
    const float s = symnb_float32((i << 23) + 0x3f000000);
    const float e = fmaf(s, fmaf(r * r, symnb_seriesf(r), r), s - 0.5f);
    const float y = x < -18.0f ? -1.0f : e + e;
    return fabsf(x) < 0x1p-30f ? x : y;
}}
"""
EXPM1_DOUBLE = """\
/* e^x - 1, {ulp} ulp: 2^n (e^r - 1) + (2^n - 1), halved: 2^n may be 2^1024 */
SYMNB_INLINE double symnb_expm1(double x)
{{
    const double t = fma(x, 0x1.71547652b82fep0, 0x1.8p52);
    const int64_t most = 0x4338000000000400, bits = symnb_bits64(t);
    const uint64_t i = bits < most ? bits : most;
    const double n = symnb_float64(i) - 0x1.8p52;
    const double r = fma(n, -0x1.a39ef35793c76p-33, fma(n, -0x1.62e42feep-1, x));
    const double s = symnb_float64((i << 52) + 0x3fe0000000000000);
    const double e = fma(s, fma(r * r, symnb_series(r), r), s - 0.5);
    const double y = x < -40.0 ? -1.0 : e + e;
    return fabs(x) < 0x1p-60 ? x : y;
}}
"""
TANH = """\
/* tanh x, {ulp} ulp: -(e^-2y - 1) / (e^-2y + 1) for y = |x|, e^-2y = s (1 + q) */
SYMNB_INLINE float symnb_tanhf(float x)
{{
    const float y = fabsf(x) > 9.1f ? 9.1f : fabsf(x);
    const float t = fmaf(y, -0x1.715476p1f, 0x1.8p23f);
    const float r = fmaf(t - 0x1.8p23f, -0x1.62e43p-1f, -2 * y);
    const float q = fmaf(r * r, symnb_seriesf(r), r);
    const float s = symnb_float32((symnb_bits32(t) << 23) + 0x3f800000);
    return copysignf(fmaf(s, q, s - 1.0f) / fmaf(s, q, s + 1.0f), x);
}}
"""
TANH_DOUBLE = """\
/* tanh x, {ulp} ulp: -(e^-2y - 1) / (e^-2y + 1) for y = |x|, e^-2y = s (1 + q) */
SYMNB_INLINE double symnb_tanh(double x)
{{
    const double y = fabs(x) > 19.1 ? 19.1 : fabs(x);
    const double t = fma(y, -0x1.71547652b82fep1, 0x1.8p52);
    const double r = fma(t - 0x1.8p52, -0x1.62e42fefa39efp-1, -2 * y);
    const double q = fma(r * r, symnb_series(r), r);
    const double s = symnb_float64((symnb_bits64(t) << 52) + 0x3ff0000000000000);
    return copysign(fma(s, q, s - 1.0) / fma(s, q, s + 1.0), x);
}}
"""
LOG1P = """\
/* log(1 + x), {ulp} ulp; what u = 1 + x lost in rounding joins f, scaled by s = 2^-k */
SYMNB_INLINE float symnb_log1pf(float x)
{{
    const float u = 1.0f + x;
    const uint32_t i = symnb_bits32(u) + 0x004afb0d;
    const float k = symnb_float32(0x4b000000 | i >> 23) - 8388735.0f;
    const int32_t scale = 0x7f000000 - (i & 0x7f800000);
    const float s = symnb_float32(scale > 0 ? scale : 0);
    const float m = symnb_float32((i & 0x7fffff) + 0x3f3504f3);
    const float f = fmaf(x - (u - 1.0f), s, m - 1.0f);
    float y = copysignf(symnb_log_partsf(k, f), x);
    y = u < __builtin_inff() ? y : x;
    y = u > 0 ? y : __builtin_nanf("");
    return u == 0 ? -__builtin_inff() : y;
}}
"""
ERF = """\
/* erf x, {ulp} ulp: for y = |x| < 0.9 a polynomial, else 1 - e^z, z = log(erfc y) */
SYMNB_INLINE float symnb_erff(float x)
{{
    const float y = fabsf(x) > 4.0f ? 4.0f : fabsf(x), v = y * y;
    float z = fmaf(0x1.a1a426p-13f, y, -0x1.92fb1ap-9f);
    z = fmaf(z, y, 0x1.6e31eap-6f);
    z = fmaf(z, y, -0x1.aabf9cp-4f);
    z = fmaf(z, y, -0x1.4616f6p-1f);
    z = fmaf(z, y, -0x1.20ba7ap0f);
    z = fmaf(z, y, -0x1.44f556p-13f);
    const float t = fmaf(z, 0x1.715476p0f, 0x1.8p23f);
    const float r = fmaf(t - 0x1.8p23f, -0x1.62e43p-1f, z);
    const float e = fmaf(fmaf(symnb_seriesf(r), r, 1.0f), r, 1.0f);
    const float s = symnb_float32((symnb_bits32(t) << 23) + 0x3f800000);
    float p = fmaf(-0x1.3defe2p-11f, v, 0x1.4821eap-8f);
    p = fmaf(p, v, -0x1.b6b06ap-6f);
    p = fmaf(p, v, 0x1.ce1ccap-4f);
    p = fmaf(p, v, -0x1.8126f2p-2f);
    p = fmaf(p, v, 0x1.06eba6p-3f);
    return copysignf(y < 0.9f ? fmaf(y, p, y) : fmaf(-s, e, 1.0f), x);
}}
"""
ERFC = """\
/* erfc x, {ulp} ulp: e^(-y^2) p(q) / (1 + y) for y = |x|, q = (y - 1) / (y + 1). p is
 * 2^-24 of itself and 2^n 2^24 of itself, so that the result may be denormal. */
SYMNB_INLINE float symnb_erfcf(float x)
{{
    const float y = fabsf(x), v = y * y;
    const float r = 1.0f / (y + 1.0f), q = (y - 1.0f) * r;
    float p = fmaf(0x1.58b556p-36f, q, 0x1.8aed9cp-35f);
    p = fmaf(p, q, -0x1.7e74b6p-37f);
    p = fmaf(p, q, -0x1.44c39ep-33f);
    p = fmaf(p, q, -0x1.fbfeecp-33f);
    p = fmaf(p, q, -0x1.358182p-34f);
    p = fmaf(p, q, 0x1.3aa648p-31f);
    p = fmaf(p, q, 0x1.9ff88ap-30f);
    p = fmaf(p, q, 0x1.c78f0ep-31f);
    p = fmaf(p, q, -0x1.8765bep-28f);
    p = fmaf(p, q, -0x1.e6c526p-27f);
    p = fmaf(p, q, 0x1.b5d878p-25f);
    const float t = fmaf(v, -0x1.715476p0f, 0x1.8p23f), n = t - 0x1.8p23f;
    float e = fmaf(n, -0x1.7f7d1cp-20f, -fmaf(y, y, n * 0x1.62e4p-1f));
    e = fmaf(e * e, symnb_seriesf(e), e);
    p *= r;
    const float s = symnb_float32((symnb_bits32(t) << 23) + 0x4b800000);
    float c = fmaf(p, e, p) * s;
    c = y > 10.06f ? 0.0f : c;
    return x < 0 ? 2.0f - c : c;
}}
"""

_FLOAT, _DOUBLE = (BITS, SERIES), (BITS_DOUBLE, SERIES_DOUBLE)
FORMS = {
    "expf": Form(EXP, 1.0, True, _FLOAT),
    "exp": Form(EXP_DOUBLE, 1.0, False, _DOUBLE),
    "expm1f": Form(EXPM1, 1.6, True, _FLOAT),
    "expm1": Form(EXPM1_DOUBLE, 1.9, True, _DOUBLE),
    "tanhf": Form(TANH, 2.0, True, _FLOAT),
    "tanh": Form(TANH_DOUBLE, 2.2, True, _DOUBLE),
    "erff": Form(ERF, 1.2, True, _FLOAT),
    "erfcf": Form(ERFC, 3.6, False, _FLOAT),
    "log1pf": Form(LOG1P, 1.8, True, (BITS, LOG)),
}

_CALL = re.compile(rf"\b({'|'.join(FORMS)})(?=\s*\()")
_CONTROL = re.compile(r"\b(if|for|while|do|switch)\b")


def forms(target: Target) -> frozenset[str]:
    """C names of the functions that have a form of their own on this processor."""
    if target.strict or not target.fma or "simd" in target.off:
        return frozenset()
    wide = target.vector >= WIDE
    return frozenset(name for name, form in FORMS.items() if wide or form.narrow)


def inlined(text: str, target: Target) -> str:
    """The C expression or function, calling the forms of `target` where it has them.

    A function with branches or loops of its own stays as it is: no loop around it is
    vectorised, and libm's functions are the better ones for single numbers.
    """
    own = forms(target)
    if not own or _CONTROL.search(text):
        return text
    found = _CALL.sub(lambda m: f"symnb_{m[0]}" if m[1] in own else m[0], text)
    return found if found == text else found.replace("static inline", "SYMNB_INLINE")


def definitions(texts: Iterable[str]) -> list[str]:
    """The forms that C texts call and what these need, each once, in order."""
    whole = "\n".join(texts)
    found: dict[str, None] = {}
    for name, form in FORMS.items():
        if re.search(rf"\bsymnb_{name}\s*\(", whole):
            found |= dict.fromkeys((INLINE, *form.needs))
            found[form.text.format(ulp=form.ulp)] = None
    return list(found)
