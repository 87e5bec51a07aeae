"""Cases of the ops that only the optimiser makes: the peak of a row, and gemm."""

import numpy as np

from symnb.core.node import make
from symnb.ops.gemm import gemm
from symnb.ops.peak import PEAK
from tests.ops.cases import case

random = np.random.default_rng(17)
x = random.permutation(np.linspace(-2.3, 2.5, 12)).reshape(3, 4)
special = np.array([[np.nan, np.inf, -0.0], [-np.inf, 5e-324, 0.0]])

for a in (x, special, np.zeros((2, 0))):
    for axes, keepdims in (((1,), True), ((0, 1), False)):
        case(
            "peak",
            lambda a, i=axes, k=keepdims: make(PEAK, (a,), (i, k)),
            lambda a, i=axes, k=keepdims: np.max(
                a, axis=i, keepdims=k, initial=-np.inf
            ),
            a, smooth=a is x,
        )  # fmt: skip

c, left, right = (random.normal(size=s) for s in ((2, 5), (2, 3), (3, 5)))
for turn_a, turn_b in np.ndindex(2, 2):
    case(
        "gemm",
        lambda c, a, b, p, q, i=bool(turn_a), j=bool(turn_b): gemm(c, a, b, p, q, i, j),
        lambda c, a, b, p, q, i=turn_a, j=turn_b: (
            p * (a.T if i else a) @ (b.T if j else b) + q * c
        ),
        c, left.T.copy() if turn_a else left, right.T.copy() if turn_b else right,
        np.float64(-0.5), np.float64(2.0), smooth=False,
    )  # fmt: skip
