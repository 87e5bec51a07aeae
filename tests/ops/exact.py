"""Elementwise ops by mpmath: their exact values, independent of NumPy and libm.

`exact(name, *numbers)` computes at 40 digits (more where the function cancels).
"""

from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import mp, mpf

DIGITS = 40
TWO = mpf(2)


def _logit(x: Any) -> Any:
    return mp.log(x / (1 - x))


def _round_away(x: Any) -> Any:
    return mp.sign(x) * mp.floor(abs(x) + mpf("0.5"))


def _root(f: Callable[[Any], Any], start: Any) -> Any:
    return mp.findroot(f, start, tol=mpf(10) ** (-2 * mp.dps + 10), verify=False)


def _erfcinv(p: Any) -> Any:
    if p > 1:
        return -_erfcinv(2 - p)
    if p > 0.5:
        return mp.erfinv(1 - p)
    start = mp.sqrt(-mp.log(p))
    for _ in range(4):
        start = mp.sqrt(-mp.log(p * mp.sqrt(mp.pi) * max(start, mpf("0.3"))))
    return _root(lambda y: mp.log(mp.erfc(y)) - mp.log(p), start)


def _log_ndtr(x: Any) -> Any:
    if x > 0:
        return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def _gammainc(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def _gammainc_da(a: Any, x: Any) -> Any:
    return mp.diff(lambda b: _gammainc(b, x), a)


EXACT: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "add": lambda x, y: x + y,
    "arccos": mp.acos,
    "arccosh": mp.acosh,
    "arcsin": mp.asin,
    "arcsinh": mp.asinh,
    "arctan": mp.atan,
    "arctan2": mp.atan2,
    "arctanh": mp.atanh,
    "beta": mp.beta,
    "betainc": lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True),
    "betaln": lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "ceil": mp.ceil,
    "clip": lambda x, lo, hi: min(max(x, lo), hi),
    "copy": lambda x: x,
    "copysign": lambda x, y: abs(x) if y >= 0 else -abs(x),
    "cos": mp.cos,
    "cosh": mp.cosh,
    "deg2rad": lambda x: x * mp.pi / 180,
    "digamma": mp.digamma,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfcinv": _erfcinv,
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "erfinv": lambda x: (
        mp.sign(x) * _erfcinv(1 - abs(x)) if abs(x) > 0.5 else mp.erfinv(x)
    ),
    "exp": mp.exp,
    "exp2": lambda x: mp.power(2, x),
    "expm1": mp.expm1,
    "floor": mp.floor,
    "floor_div": lambda x, y: mp.floor(x / y),
    "fmod": lambda x, y: mp.sign(x) * mp.fmod(abs(x), abs(y)),
    "gamma": mp.gamma,
    "gammainc": _gammainc,
    "gammainc_da": _gammainc_da,
    "gammaincc": lambda a, x: mp.gammainc(a, x, regularized=True),
    "gammaln": lambda x: mp.log(abs(mp.gamma(x))),
    "heaviside": lambda x, h: h if x == 0 else mpf(x > 0),
    "hyp2f1": mp.hyp2f1,
    "hypot": mp.hypot,
    "i0": lambda x: mp.besseli(0, x),
    "i1": lambda x: mp.besseli(1, x),
    "iv": mp.besseli,
    "ive": lambda v, x: mp.besseli(v, x) * mp.exp(-abs(x)),
    "j0": lambda x: mp.besselj(0, x),
    "j1": lambda x: mp.besselj(1, x),
    "jv": mp.besselj,
    "kv": mp.besselk,
    "kve": lambda v, x: mp.besselk(v, x) * mp.exp(x),
    "log": mp.log,
    "log10": mp.log10,
    "log1mexp": lambda x: mp.log(-mp.expm1(x)),
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x, 2),
    "log_ndtr": _log_ndtr,
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "logaddexp2": lambda x, y: mp.log(TWO**x + TWO**y, 2),
    "logit": _logit,
    "maximum": max,
    "minimum": min,
    "mod": lambda x, y: x - y * mp.floor(x / y),
    "mul": lambda x, y: x * y,
    "ndtr": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    "ndtri": lambda p: -mp.sqrt(2) * _erfcinv(2 * p),
    "neg": lambda x: -x,
    "polygamma": lambda n, x: mp.polygamma(int(n), x),
    "pow": mp.power,
    "rad2deg": lambda x: x * 180 / mp.pi,
    "reciprocal": lambda x: 1 / x,
    "round": mp.nint,
    "round_half_away_from_zero": _round_away,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "sign": mp.sign,
    "sin": mp.sin,
    "sinc": lambda x: mp.sincpi(x),
    "sinh": mp.sinh,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "sqrt": mp.sqrt,
    "square": lambda x: x * x,
    "sub": lambda x, y: x - y,
    "tan": mp.tan,
    "tanh": mp.tanh,
    "trigamma": lambda x: mp.polygamma(1, x),
    "true_div": lambda x, y: x / y,
    "trunc": lambda x: mp.sign(x) * mp.floor(abs(x)),
    "xlog1py": lambda x, y: x * mp.log1p(y) if x else mpf(0),
    "xlogx": lambda x: x * mp.log(x) if x else mpf(0),
    "zeta": mp.zeta,
    "xlogy": lambda x, y: x * mp.log(y) if x else mpf(0),
}


def exact(name: str, *numbers: float) -> mpmath.mpf:
    """The real value of op `name`; NaN where it is complex or undefined."""
    with mp.workdps(DIGITS):
        value = EXACT[name](*[mpf(float(x)) for x in numbers])
        return mp.nan if isinstance(value, mpmath.mpc) and value.imag else mp.re(value)
