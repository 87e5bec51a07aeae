"""Samples of the linear algebra ops: well conditioned matrices, batches, no rows.

The derivative of a factor is checked through the factor itself: LAPACK's choice of
signs is continuous at these matrices.
"""

import itertools

import numpy as np
import scipy.linalg

from symnb.ops import factor, linalg, lu, triangular
from symnb.ops.assume import assume
from symnb.ops.pivots import pivots
from tests.ops.cases import case

random = np.random.default_rng(5)
general = random.uniform(-1, 1, (3, 3)) + 3 * np.eye(3)
batch = random.uniform(-1, 1, (2, 3, 3)) + 3 * np.diag([1.0, 2, 3])
symmetric = general + general.T + np.diag([0.0, 3, 6])
tall = random.uniform(-1, 1, (4, 3)) + 2 * np.eye(4, 3) * [1, 2, 3]
wide = tall.T.copy()
vector = random.uniform(-1, 1, 3)
columns = random.uniform(-1, 1, (3, 2))
empty = np.zeros((0, 0))

for a in (general, batch, empty, np.array([[2.0]]), np.arange(1, 5).reshape(2, 2)):
    real = a.dtype == float
    case("inv", linalg.inv, np.linalg.inv, a, smooth=real)
    case("det", linalg.det, np.linalg.det, a, smooth=real)
    for i in range(2):
        case("slogdet", lambda x, k=i: linalg.slogdet(x)[k],
             lambda x, k=i: np.linalg.slogdet(x)[k], a, smooth=real)  # fmt: skip
        case("pick", lambda x, k=i: linalg.slogdet(x)[k],
             lambda x, k=i: np.linalg.slogdet(x)[k], a, smooth=False)  # fmt: skip
    case("expm", linalg.expm,
         lambda x: scipy.linalg.expm(x.astype(float)) if x.size else x,
         a / 4 if real else a, smooth=real)  # fmt: skip
    case("adjugate", linalg.adjugate, None, a, smooth=real)
case("det", linalg.det, np.linalg.det, np.ones((3, 3)) + np.diag([1.0, 0, 0]))
for a in (general, tall, wide, batch[:, :2], empty):
    case("pinv", linalg.pinv, np.linalg.pinv, a)


def case_triangular(a, b, trans, lower, unit):
    """A case of solve_triangular; SciPy's own has no batches here."""

    def build(x, y):
        return triangular.solve_triangular(x, y, trans, lower, unit)

    def reference(x, y):
        return scipy.linalg.solve_triangular(x, y, trans, lower, unit)

    plain = a.ndim == 2 and a.size
    case("solve_triangular", build, reference if plain else None, a, b)


for flags in itertools.product((0, 1), (False, True), (False, True)):
    case_triangular(general, vector, *flags)
case_triangular(general, columns, 1, True, False)
case_triangular(batch, batch[:, :, :2], 0, True, False)
case_triangular(empty, empty, 0, True, False)
for a, b in ((general, vector), (general, columns), (batch, batch[:, :, :2])):
    case("solve", linalg.solve, np.linalg.solve, a, b)
case("solve", linalg.solve, np.linalg.solve, empty, empty)

for a in (symmetric, np.stack([symmetric, symmetric + np.diag([1.0, 0, 2])]), empty):
    case("cholesky", triangular.cholesky, np.linalg.cholesky, a)
    case("cholesky", lambda x: triangular.cholesky(x, lower=False),
         lambda x: np.swapaxes(np.linalg.cholesky(np.swapaxes(x, -1, -2)), -1, -2),
         a)  # fmt: skip
    for i in range(2):
        case("eigh", lambda x, k=i: factor.eigh(x)[k],
             lambda x, k=i: np.linalg.eigh(x)[k], a)  # fmt: skip
        case("eigh", lambda x, k=i: factor.eigh(x, "U")[k],
             lambda x, k=i: np.linalg.eigh(np.swapaxes(x, -1, -2))[k], a)  # fmt: skip
    case("eigvalsh", factor.eigvalsh, np.linalg.eigvalsh, a)

for a in (tall, wide, general, np.stack([tall, -tall]), empty):
    for i in range(2):
        case("qr", lambda x, k=i: factor.qr(x)[k], lambda x, k=i: np.linalg.qr(x)[k],
             a)  # fmt: skip
    for i in range(3):
        case("svd", lambda x, k=i: factor.svd(x, full_matrices=False)[k],
             lambda x, k=i: np.linalg.svd(x, full_matrices=False)[k], a)  # fmt: skip
    case("svd", lambda x: factor.svd(x)[1], lambda x: np.linalg.svd(x)[1], a)
    case("svdvals", factor.svdvals, lambda x: np.linalg.svd(x, compute_uv=False), a)

case("assume", lambda x: assume(x, "symmetric"), lambda x: x, symmetric,
     smooth=False)  # fmt: skip
case("assume", lambda x: assume(x, "diagonal", "orthogonal"), lambda x: x, np.eye(3),
     smooth=False)  # fmt: skip
case("pivots", pivots, lambda x: x, vector)
case("pivots", lambda x: pivots(x, positive=True), lambda x: x, np.abs(vector))
for a, b in ((general, vector), (general, columns), (batch, batch[:, :, :2])):
    for i in range(2):
        case("lu_factor", lambda x, k=i: lu.lu_factor(x)[k],
             lambda x, k=i: scipy.linalg.lu_factor(x)[k] if x.ndim == 2 else np.stack(
                 [scipy.linalg.lu_factor(one)[k] for one in x]),
             a, smooth=False)  # fmt: skip
    for trans in (False, True):
        case("lu_solve", lambda x, y, t=trans: lu.lu_solve(lu.lu_factor(x), y, t),
             (lambda x, y, t=trans: scipy.linalg.lu_solve(
                 scipy.linalg.lu_factor(x), y, int(t))) if a.ndim == 2 else None,
             a, b, smooth=False)  # fmt: skip
case("lu_solve", lambda x, y: lu.lu_solve(lu.lu_factor(x), y), np.linalg.solve,
     empty, empty, smooth=False)  # fmt: skip
