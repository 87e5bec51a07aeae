"""Elementwise special functions: error function, gamma, beta, Bessel, normal.

References are SciPy's, imported at the first evaluation. C comes from libm and from
`special_c.py`, in double; float32 is the rounded double. A derivative that is not
known in closed form (in the order of a Bessel function, say) is NaN, never zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from symnb.core.node import Node
from symnb.ops import special_c as texts
from symnb.ops.arithmetic import add, mul, sign
from symnb.ops.define import Elementwise, elementwise
from symnb.ops.logic import equal, where
from symnb.ops.transcendental import exp, log, log1p

Array = np.ndarray[Any, Any]
Partial = Callable[..., list[Any]]

SQRT_PI = math.sqrt(math.pi)
UNKNOWN = math.nan  # a derivative that is not available


def _scipy(name: str, *operands: Array | int) -> Array:
    from scipy import special

    return getattr(special, name)(*operands)


def _hyp2f1(a: Array, b: Array, c: Array, z: Array) -> Array:
    # SciPy 1.17 ends in a segmentation fault at (1e30, 0.5, 1e30, nan).
    unknown = np.isnan(z)
    value = _scipy("hyp2f1", a, b, c, np.where(unknown, z.dtype.type(0), z))
    return np.where(unknown, z.dtype.type("nan"), value)


def _special(
    name: str,
    operands: str,
    partial_: Partial,
    doc: str,
    *,
    c: str | None = None,
    latex: str = "",
    **facts: Any,
) -> Elementwise:
    """An op SciPy knows by its name; in C a function of doubles unless `c` is given."""
    names = operands.split()
    inside = ", ".join(f"{{{x}}}" for x in names)
    facts = {"ulp": 8, "weight": 12, "flops": 100, "sample": (0.05, 8)} | facts
    return elementwise(
        name, operands, out="float", allowed=("float",), partial=partial_, doc=doc,
        c=f"({{t}})symnb_{name}({inside})" if c is None else c,
        numpy=facts.pop("numpy", partial(_scipy, name)),
        latex=rf"{latex}\left({inside}\right)" if latex else "", **facts,
    )  # fmt: skip


# -------------------------------------------------------------- error function

erf = _special(
    "erf", "x", lambda x, out: [exp(-x * x) * (2 / SQRT_PI)],
    "The error function, 2 / sqrt(pi) times the integral of exp(-t*t) from 0 to x.",
    c="erf{f}({x})", ulp=4, weight=8, flops=30, sample=(-5, 5),
    latex=r"\operatorname{erf}",
)  # fmt: skip
erfc = _special(
    "erfc", "x", lambda x, out: [exp(-x * x) * (-2 / SQRT_PI)],
    "1 - erf(x), exact also where that is small.",
    c="erfc{f}({x})", weight=8, flops=40, sample=(-5, 5),
    latex=r"\operatorname{erfc}",
)  # fmt: skip
erfcx = _special(
    "erfcx", "x", lambda x, out: [2 * x * out - 2 / SQRT_PI],
    "exp(x*x) * erfc(x); inf below -26.7.", sample=(-5, 50),
    support=(texts.EXP_SQUARE, texts.ERFCX), latex=r"\operatorname{erfcx}",
)  # fmt: skip
erfinv = _special(
    "erfinv", "x", lambda x, out: [exp(out * out) * (SQRT_PI / 2)],
    "The number whose erf is x; infinite at -1 and 1, NaN outside.",
    sample=(-1, 1), latex=r"\operatorname{erf}^{-1}",
    support=(texts.EXP_SQUARE, texts.ERFCX, texts.ERFINV),
)  # fmt: skip
erfcinv = _special(
    "erfcinv", "x", lambda x, out: [exp(out * out) * (-SQRT_PI / 2)],
    "The number whose erfc is x; infinite at 0 and 2, NaN outside.",
    sample=(0, 2), latex=r"\operatorname{erfc}^{-1}",
    support=(texts.EXP_SQUARE, texts.ERFCX, texts.ERFINV),
)  # fmt: skip

# ------------------------------------------------------------ normal distribution

ndtr = _special(
    "ndtr", "x", lambda x, out: [exp(-0.5 * x * x) / math.sqrt(2 * math.pi)],
    "Probability that a standard normal variable is at most x.",
    sample=(-8, 8), support=(texts.EXP_SQUARE, texts.ERFCX, texts.NDTR), latex=r"\Phi",
)  # fmt: skip
log_ndtr = _special(
    "log_ndtr", "x",
    lambda x, out: [exp(-0.5 * x * x - out) / math.sqrt(2 * math.pi)],
    "log(ndtr(x)), exact in both tails.", sample=(-30, 8),
    support=(texts.EXP_SQUARE, texts.ERFCX, texts.NDTR), latex=r"\log\Phi",
)  # fmt: skip
ndtri = _special(
    "ndtri", "p", lambda p, out: [exp(0.5 * out * out) * math.sqrt(2 * math.pi)],
    "The quantile of the standard normal distribution: inverse of ndtr.",
    c="({t})(-1.41421356237309504880 * symnb_erfcinv(2. * {p}))", sample=(0, 1),
    support=(texts.EXP_SQUARE, texts.ERFCX, texts.ERFINV), latex=r"\Phi^{-1}",
)  # fmt: skip


def _logit(x: Array) -> Array:
    middle = 2 * np.arctanh(2 * x - 1)
    return np.where(np.abs(x - 0.5) < 0.25, middle, np.log(x / (1 - x)))


logit = _special(
    "logit", "x", lambda x, out: [1 / (x * (1 - x))],
    "log(x / (1 - x)), the inverse of sigmoid; NaN outside [0, 1].", numpy=_logit,
    c="fabs{f}({x} - ({t})0.5) < ({t})0.25 ? 2 * atanh{f}(2 * {x} - 1) "
      ": log{f}({x} / (1 - {x}))", sample=(0, 1), latex=r"\operatorname{logit}",
)  # fmt: skip

# ------------------------------------------------------------------ x log(y)


def _xlogx(x: Array) -> Array:
    return _scipy("xlogy", x, x)


xlogx = _special(
    "xlogx", "x", lambda x, out: [log(x) + 1], "x log(x), 0 at 0.", numpy=_xlogx,
    c="{x} == 0 ? 0 : {x} * log{f}({x})", flops=21, weight=9,
)  # fmt: skip
xlogy = _special(
    "xlogy", "x y", lambda x, y, out: [log(y), where(equal(x, 0), 0, x / y)],
    "x log(y), 0 where x is 0 (unless y is NaN).",
    c="{x} == 0 && {y} == {y} ? 0 : {x} * log{f}({y})", flops=21, weight=9,
)  # fmt: skip
xlogy0 = xlogy
xlog1py = _special(
    "xlog1py", "x y",
    lambda x, y, out: [log1p(y), where(equal(x, 0), 0, x / (1 + y))],
    "x log(1 + y), 0 where x is 0 (unless y is NaN).",
    c="{x} == 0 && {y} == {y} ? 0 : {x} * log1p{f}({y})", flops=21, weight=9,
)  # fmt: skip

# ------------------------------------------------------------------------- gamma

gamma = _special(
    "gamma", "x", lambda x, out: [out * digamma(x)],
    "The gamma function, (x - 1)! at integers; NaN at negative integers.",
    c="tgamma{f}({x})", ulp=10, latex=r"\Gamma",
)  # fmt: skip
gammaln = _special(
    "gammaln", "x", lambda x, out: [digamma(x)],
    "log|gamma(x)|; inf at 0 and negative integers.",
    support=(texts.GAMMALN,), latex=r"\log\Gamma",
)  # fmt: skip
digamma = _special(
    "digamma", "x", lambda x, out: [trigamma(x)],
    "The derivative of gammaln. Relative error also at the root 1.4616; near the "
    "negative roots the error is absolute, 8 eps.",
    numpy=partial(_scipy, "psi"), support=(texts.DIGAMMA,), latex=r"\psi",
)  # fmt: skip
psi = digamma
trigamma = _special(
    "trigamma", "x", lambda x, out: [polygamma(2, x)], "The derivative of digamma.",
    numpy=lambda x: _scipy("polygamma", 1, x).astype(x.dtype),
    support=(texts.TRIGAMMA,), latex=r"\psi_1",
)  # fmt: skip
polygamma = _special(
    "polygamma", "n x", lambda n, x, out: [UNKNOWN, polygamma(n + 1, x)],
    "The n-th derivative of digamma at x, n = 0, 1, ..., 170 as a float. "
    "Below 0 the error is relative to the nearest pole's share.", ulp=60,
    numpy=lambda n, x: _scipy("polygamma", n, x).astype(x.dtype), flops=400,
    support=(texts.DIGAMMA, texts.POLYGAMMA), latex=r"\psi",
)  # fmt: skip

_BETA = (texts.GAMMALN, texts.STIRLING_REST, texts.BETALN)
betaln = _special(
    "betaln", "a b",
    lambda a, b, out: [digamma(a) - digamma(a + b), digamma(b) - digamma(a + b)],
    "log|beta(a, b)|.", support=_BETA, ulp=40, commutative=True, latex=r"\log B",
)  # fmt: skip
beta = _special(
    "beta", "a b",
    lambda a, b, out: [
        out * (digamma(a) - digamma(a + b)), out * (digamma(b) - digamma(a + b))
    ],
    "gamma(a) * gamma(b) / gamma(a + b). Relative error |log beta| eps when large.",
    support=_BETA, ulp=40, commutative=True, latex="B",
)  # fmt: skip


def _gammainc_da(a: Array, x: Array) -> Array:
    """Series of d gammainc / d a: terms x**n / (a+1)_n (log x - psi(a + n + 1))."""
    dtype, (a, x) = x.dtype, np.broadcast_arrays(a.astype(float), x.astype(float))
    known, far = (a > 0) & (x >= 0) & (a <= 1e5), x > a + 60 * np.sqrt(a) + 1000
    valid = known & (x > 0) & ~far
    b, y = np.where(valid, a, 1), np.where(valid, x, 1)
    slope, term = np.log(y) - _scipy("psi", b + 1), np.ones_like(y)
    total, n = slope, 0
    while np.any((n < y) | (term > 1e-17)):
        n += 1
        term = term * (y / (b + n))
        slope = slope - 1 / (b + n)
        total = total + term * slope
    total = total * np.exp(b * np.log(y) - y - _scipy("gammaln", b + 1))
    return np.where(valid, total, np.where(known, 0.0, np.nan)).astype(dtype)


def _gamma_density(a: Node, x: Node) -> Node:
    return exp(xlogy(a - 1, x) - x - gammaln(a))


_GAMMAINC = (texts.GAMMALN, texts.STIRLING_REST, texts.DIGAMMA, texts.GAMMAINC)
gammainc_da = _special(
    "gammainc_da", "a x", lambda a, x, out: [UNKNOWN, UNKNOWN],
    "The derivative of gammainc(a, x) in a, for a <= 1e5. The error is absolute.",
    numpy=_gammainc_da, support=_GAMMAINC, ulp=200, flops=1000,
)  # fmt: skip
gammainc = _special(
    "gammainc", "a x",
    lambda a, x, out: [gammainc_da(a, x), _gamma_density(a, x)],
    "The regularised lower incomplete gamma function P(a, x), a > 0, x >= 0.",
    c="({t})symnb_gammainc_part({a}, {x}, 0)", support=_GAMMAINC, ulp=100, flops=400,
    latex="P",
)  # fmt: skip
gammaincc = _special(
    "gammaincc", "a x",
    lambda a, x, out: [-gammainc_da(a, x), -_gamma_density(a, x)],
    "The regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x).",
    c="({t})symnb_gammainc_part({a}, {x}, 1)", support=_GAMMAINC, ulp=100, flops=400,
    latex="Q",
)  # fmt: skip

# ------------------------------------------------------------------------ Bessel


def _ratio(value: Node, x: Node, at_zero: float) -> Node:
    return where(equal(x, 0), at_zero, value / where(equal(x, 0), 1, x))


_I = {"support": (texts.BESSEL_I,), "sample": (-20, 20)}
i0 = _special(
    "i0", "x", lambda x, out: [i1(x)], "Modified Bessel function of order 0.",
    latex="I_0", **_I,
)  # fmt: skip
i1 = _special(
    "i1", "x", lambda x, out: [i0(x) - _ratio(out, x, 0.5)],
    "Modified Bessel function of order 1.", latex="I_1", ulp=16, **_I,
)  # fmt: skip
j0 = _special(
    "j0", "x", lambda x, out: [-j1(x)],
    "Bessel function of order 0. Near its zeros the error is absolute.",
    c="({t})j0({x})", sample=(-20, 20), latex="J_0",
)  # fmt: skip
j1 = _special(
    "j1", "x", lambda x, out: [j0(x) - _ratio(out, x, 0.5)],
    "Bessel function of order 1. Near its zeros the error is absolute.",
    c="({t})j1({x})", sample=(-20, 20), latex="J_1",
)  # fmt: skip


def _order_op(
    name: str, dx: Callable[[Any, Any, Any], Node], latex: str, doc: str
) -> Elementwise:
    """A Bessel function of any order; no C: SciPy computes it (AMOS)."""
    return _special(
        name, "v x", lambda v, x, out: [UNKNOWN, dx(v, x, out)], doc, c="",
        latex=latex, flops=1000, weight=20, ulp=500,
    )  # fmt: skip


jv = _order_op(
    "jv", lambda v, x, out: (jv(v - 1, x) - jv(v + 1, x)) / 2, "J",
    "Bessel function of the first kind of real order v.",
)  # fmt: skip
iv = _order_op(
    "iv", lambda v, x, out: (iv(v - 1, x) + iv(v + 1, x)) / 2, "I",
    "Modified Bessel function of the first kind of real order v.",
)  # fmt: skip
kv = _order_op(
    "kv", lambda v, x, out: -(kv(v - 1, x) + kv(v + 1, x)) / 2, "K",
    "Modified Bessel function of the second kind of real order v, x > 0.",
)  # fmt: skip
ive = _order_op(
    "ive", lambda v, x, out: (ive(v - 1, x) + ive(v + 1, x)) / 2 - out * sign(x), "",
    "iv(v, x) * exp(-|x|).",
)  # fmt: skip
kve = _order_op(
    "kve", lambda v, x, out: out - (kve(v - 1, x) + kve(v + 1, x)) / 2, "",
    "kv(v, x) * exp(x), x > 0.",
)  # fmt: skip

# ------------------------------------------- only SciPy: no C, no order derivatives


def _scipy_only(
    name: str, operands: str, partial_: Partial, doc: str, **facts: Any
) -> Elementwise:
    return _special(
        name, operands, partial_, doc, c="", flops=1000, weight=20, ulp=500,
        sample=(0.05, 0.95), **facts,
    )  # fmt: skip


def _inverse_gamma_partial(a: Node, p: Node, out: Node) -> list[Any]:
    density = _gamma_density(a, out)
    return [-gammainc_da(a, out) / density, 1 / density]


def _inverse_gammacc_partial(a: Node, q: Node, out: Node) -> list[Any]:
    density = _gamma_density(a, out)
    return [-gammainc_da(a, out) / density, -1 / density]


def _beta_density(a: Node, b: Node, x: Node) -> Node:
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


gammaincinv = _scipy_only(
    "gammaincinv", "a p", _inverse_gamma_partial, "The x with gammainc(a, x) = p."
)
gammainccinv = _scipy_only(
    "gammainccinv", "a q", _inverse_gammacc_partial, "The x with gammaincc(a, x) = q."
)
betainc = _scipy_only(
    "betainc", "a b x",
    lambda a, b, x, out: [UNKNOWN, UNKNOWN, _beta_density(a, b, x)],
    "The regularised incomplete beta function, 0 <= x <= 1.",
)  # fmt: skip
betaincinv = _scipy_only(
    "betaincinv", "a b p",
    lambda a, b, p, out: [UNKNOWN, UNKNOWN, 1 / _beta_density(a, b, out)],
    "The x with betainc(a, b, x) = p.",
)  # fmt: skip
hyp2f1 = _scipy_only(
    "hyp2f1", "a b c z",
    lambda a, b, c, z, out: [
        UNKNOWN, UNKNOWN, UNKNOWN, a * b / c * hyp2f1(a + 1, b + 1, c + 1, z)
    ],
    "Gauss' hypergeometric function.", numpy=_hyp2f1,
)  # fmt: skip
zeta = _special(
    "zeta", "s q", lambda s, q, out: [UNKNOWN, -s * zeta(s + 1, q)],
    "Hurwitz' zeta function, the sum of (q + k)**-s over k = 0, 1, ...", c="",
    flops=1000, weight=20, ulp=500, sample=(1.2, 8),
)  # fmt: skip

# --------------------------------------------------------------------- composites


def gammal(a: Any, x: Any) -> Node:
    """The lower incomplete gamma function, gammainc times gamma(a)."""
    return gammainc(a, x) * gamma(a)


def gammau(a: Any, x: Any) -> Node:
    """The upper incomplete gamma function, gammaincc times gamma(a)."""
    return gammaincc(a, x) * gamma(a)


def chi2sf(x: Any, k: Any) -> Node:
    """Probability that a chi-squared variable of k degrees exceeds x."""
    return gammaincc(mul(k, 0.5), mul(x, 0.5))


def factorial(n: Any) -> Node:
    """n! as gamma(n + 1), in float."""
    return gamma(add(n, 1.0))


def poch(z: Any, m: Any) -> Node:
    """The rising factorial gamma(z + m) / gamma(z), z > 0, m > -z."""
    return exp(gammaln(add(z, m)) - gammaln(z))
