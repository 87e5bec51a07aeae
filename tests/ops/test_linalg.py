"""Linear algebra: values by their defining equations, errors, dtypes, both devices.

Every op's values and derivatives at good matrices are in the suite of every op; here
is what an op does at the edge of its domain and inside a compiled function.
"""

from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

import symnb
import symnb.tensor as T
from symnb.core.evaluate import evaluate
from symnb.errors import NoGradientError, RankError, ShapeError, SizeError
from symnb.gradient.vectorize import vectorize
from symnb.ops import linalg as ops
from symnb.ops import triangular
from symnb.tensor import linalg, nlinalg, slinalg
from tests.ops.structure import check_derivatives, tensors, value

EPS = np.finfo(float).eps
random = np.random.default_rng(3)
A = random.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
S = A @ A.T
TALL = random.uniform(-1, 1, (4, 3))
DEVICES = ["py", pytest.param("c", marks=pytest.mark.cc)]


def of(build, *arrays, static=False):
    """The value of `build` at arrays; several results as a list."""
    inputs = tensors(arrays, static)
    result = build(*inputs)
    if isinstance(result, tuple):
        return [value(part, inputs, arrays) for part in result]
    return value(result, inputs, arrays)


def close(found, expected, factor=100):
    """Equal within factor * eps of the largest entry: backward stable algorithms on
    matrices with a condition number below 10."""
    scale = max(1.0, np.max(np.abs(expected), initial=0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=factor * EPS * scale)


# ------------------------------------------------------------------------- values


def determinant(rows):
    """Laplace's expansion, exactly."""
    if not rows:
        return Fraction(1)
    total = Fraction(0)
    for j, entry in enumerate(rows[0]):
        minor = [row[:j] + row[j + 1 :] for row in rows[1:]]
        total += (-1) ** j * entry * determinant(minor)
    return total


small = st.integers(0, 4).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(-5, 5), min_size=n, max_size=n), min_size=n, max_size=n
    )
)


@given(small)
def test_determinant_and_cofactors_of_integers(rows) -> None:
    n = len(rows)
    a = np.array(rows, float).reshape(n, n)
    exact = [[Fraction(v) for v in row] for row in rows]
    assert abs(of(linalg.det, a) - float(determinant(exact))) < 1e4 * EPS * 1000
    cofactors = [
        [
            (-1) ** (i + j)
            * float(determinant([r[:j] + r[j + 1 :] for k, r in enumerate(exact)
                                 if k != i]))
            for i in range(n)
        ]
        for j in range(n)
    ]  # fmt: skip
    found = of(linalg.adjugate, a)
    np.testing.assert_allclose(found, np.reshape(cofactors, (n, n)), atol=1e-7)


def test_factors_multiply_to_the_matrix() -> None:
    close(of(linalg.inv, A) @ A, np.eye(4))
    close(A @ of(linalg.solve, A, S), S)
    lower = of(linalg.cholesky, S)
    close(lower @ lower.T, S)
    upper = of(lambda x: linalg.cholesky(x, lower=False), S)
    close(upper.T @ upper, S)
    assert np.array_equal(upper, np.triu(upper))
    q, r = of(linalg.qr, TALL)
    close(q @ r, TALL)
    close(q.T @ q, np.eye(3))
    for full in (False, True):
        u, s, vt = of(lambda x, f=full: linalg.svd(x, f), TALL)
        close((u[:, :3] * s) @ vt, TALL)
        close(u.T @ u, np.eye(4 if full else 3))
    values, vectors = of(linalg.eigh, S)
    close(S @ vectors, vectors * values)
    close(of(linalg.expm, np.diag([0.0, 1.0, -2.0])), np.diag(np.exp([0, 1, -2])))


def test_solving_with_what_is_known_of_the_matrix() -> None:
    b = TALL[:, 0]
    for kind, seen in (
        ("gen", A), ("pos", np.triu(S)), ("sym", np.triu(S)), ("upper triangular", A),
        ("lower triangular", A),
    ):  # fmt: skip
        full = {"gen": A, "upper triangular": np.triu(A),
                "lower triangular": np.tril(A)}.get(kind, S)  # fmt: skip
        for right in (b, TALL):
            found = of(lambda x, y, k=kind: linalg.solve(x, y, assume_a=k), seen, right)
            close(full @ found, right)
    found = of(lambda x, y: linalg.cho_solve((x, True), y), np.linalg.cholesky(S), b)
    close(S @ found, b)
    with pytest.raises(ValueError, match="assume_a is one of"):
        linalg.solve(A, b, assume_a="orthogonal")


def test_batches_broadcast_when_solving() -> None:
    many = np.stack([A, S])
    found = of(linalg.solve, many, TALL)
    close(many @ found, np.stack([TALL, TALL]))
    found = of(linalg.solve, A, np.stack([TALL, -TALL]))
    close(A @ found, np.stack([TALL, -TALL]))
    found = of(linalg.solve, many, TALL[:, 0])
    close(many @ found[..., None], np.stack([TALL[:, :1]] * 2))


ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("order", ORDERS)
def test_norms_are_those_of_numpy(order) -> None:
    close(of(lambda x: linalg.norm(x, order), TALL), np.linalg.norm(TALL, order))
    many = np.stack([TALL, 2 * TALL])
    for keep in (False, True):
        close(
            of(lambda x, k=keep: linalg.norm(x, order, (2, 1), k), many),
            np.linalg.norm(many, order, (2, 1), keep),
        )
    if order != -2:  # smallest singular value of a batch: covered above
        check_derivatives(lambda x: linalg.norm(x, order), TALL)


def test_what_is_made_of_others() -> None:
    for n in (-3, -1, 0, 1, 2, 5, 6):
        found = of(lambda x, n=n: linalg.matrix_power(x, n), A / 3)
        close(found, np.linalg.matrix_power(A / 3, n), 1000)
    whole = np.array([[1, 2], [3, 4]])
    assert of(lambda x: linalg.matrix_power(x, 3), whole).tolist() == [
        [37, 54],
        [81, 118],
    ]
    close(of(lambda x, y: linalg.matrix_dot(x, y, x), A, S), A @ S @ A)
    for p in (None, 2, -2, 1, np.inf, "fro"):
        close(of(lambda x, p=p: linalg.cond(x, p), A), np.linalg.cond(A, p), 1000)
    assert of(linalg.matrix_rank, np.outer(TALL[:, 0], TALL[:, 1])) == 1
    assert of(linalg.matrix_rank, np.stack([A, S])).tolist() == [4, 4]
    block = random.uniform(-1, 1, (4, 6, 8, 3))
    found = of(linalg.tensorinv, block)
    close(found, np.linalg.tensorinv(block), 1e4)
    right = block[:, :, 0, 0]
    close(
        of(linalg.tensorsolve, block, right), np.linalg.tensorsolve(block, right), 1e4
    )


# --------------------------------------------------------------------- dtypes, edges


@pytest.mark.parametrize(
    ("given", "result"),
    [("int8", "float64"), ("bool", "float64"), ("float32", "float32"),
     ("uint64", "float64"), ("float64", "float64")],
)  # fmt: skip
def test_integers_become_float64_and_float32_stays(given: str, result: str) -> None:
    a = np.eye(3).astype(given)
    for build in (
        linalg.inv, linalg.det, linalg.slogdet, linalg.pinv, linalg.cholesky,
        linalg.eigh, linalg.eigvalsh, linalg.qr, linalg.svd, linalg.svdvals,
        linalg.expm, linalg.adjugate, linalg.cond, lambda x: linalg.norm(x, "nuc"),
    ):  # fmt: skip
        parts = of(build, a)
        for part in parts if isinstance(parts, list) else [parts]:
            assert part.dtype == result, build
    for name in ("inv", "solve"):
        left = np.eye(2, dtype="float32")
        arrays = (left, left.astype(given))[: 1 + (name == "solve")]
        expected = getattr(np.linalg, name)(*arrays).dtype
        assert of(getattr(linalg, name), *arrays).dtype == expected


def test_singular_matrices() -> None:
    zero = np.zeros((2, 2))
    assert of(linalg.det, zero) == 0
    assert of(linalg.slogdet, zero)[1] == -np.inf
    assert not of(linalg.pinv, zero).any()
    for build in (linalg.inv, lambda x: linalg.solve(x, x)):
        with pytest.raises(np.linalg.LinAlgError, match="singular matrix"):
            of(build, zero)
    with pytest.raises(np.linalg.LinAlgError, match="a zero on its diagonal"):
        of(lambda x: linalg.solve_triangular(x, x), zero)


def test_cholesky_of_an_indefinite_matrix() -> None:
    for bad in (-np.eye(2), np.array([[1.0, 2], [2, 1]])):
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            of(linalg.cholesky, bad)
        both = np.stack([bad, 4 * np.eye(2)])
        found = of(lambda x: linalg.cholesky(x, on_error="nan"), both)
        assert np.isnan(found[0]).all()
        assert found[1].tolist() == [[2, 0], [0, 2]]
    assert np.isnan(of(linalg.cholesky, np.full((2, 2), np.nan))).any()  # as NumPy


def test_gradient_of_the_determinant_at_a_singular_matrix() -> None:
    # rank n - 1: the cofactors are not all zero; rank n - 2: they are
    x = T.dmatrix("x")
    slope = T.grad(linalg.det(x), x)
    a = np.array([[1.0, 2, 3], [2, 4, 6], [0, 1, 5]])
    expected = [[14, -10, 2], [-7, 5, -1], [0, 0, 0]]
    np.testing.assert_allclose(slope.eval({x: a}), expected, atol=1e-13)
    assert not slope.eval({x: np.ones((3, 3))}).round(12).any()


def test_eigenvectors_of_equal_eigenvalues_have_no_gradient_number() -> None:
    x = T.dmatrix("x")
    values, vectors = linalg.eigh(x)
    weights = np.arange(9.0).reshape(3, 3)
    through_vectors = T.grad((vectors * weights).sum(), x)
    assert not np.isfinite(through_vectors.eval({x: np.eye(3)})).all()
    through_values = T.grad(values.sum(), x)  # the trace
    close(through_values.eval({x: np.eye(3)}), np.eye(3))


def test_full_svd_has_a_gradient_of_its_values_only() -> None:
    x = T.dmatrix("x")
    u, s, _ = linalg.svd(x)
    close(T.grad(s.sum(), x).eval({x: np.eye(3, 2)}), np.eye(3, 2))
    with pytest.raises(NoGradientError, match="full_matrices=False"):
        T.grad(u.sum(), x)
    tangents = [T.Rop(part, x, x) for part in (u, s)]
    moved = [part.eval({x: np.eye(3, 2)}) for part in tangents]
    assert np.isnan(moved[0]).all()
    close(moved[1], np.ones(2))


@settings(max_examples=15)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_transposed_derivatives_agree(n: int, m: int, seed: int) -> None:
    # <g, J v> = <Jᵀ g, v> through all factors at once, any shape
    draw = np.random.default_rng(seed).standard_normal
    x, v = T.dmatrix("x"), T.dmatrix("v")
    outputs = [*linalg.qr(x), *linalg.svd(x, False), linalg.pinv(x)]
    arrays = {x: draw((n, m)) + 2 * np.eye(n, m), v: draw((n, m))}
    shapes = [part.shape for part in evaluate(outputs, arrays)]
    g = [T.constant(draw(shape)) for shape in shapes]
    cost = sum((a * b).sum() for a, b in zip(outputs, g, strict=True))
    along, pushed = evaluate([(T.grad(cost, x) * v).sum(), T.Rop(cost, x, v)], arrays)
    np.testing.assert_allclose(along, pushed, rtol=1e-6, atol=1e-6)


# -------------------------------------------------------------------------- errors


def test_bad_shapes_are_refused_when_built() -> None:
    flat, cube = T.dvector("v"), T.tensor("float64", shape=(2, 3))
    for build in (
        linalg.inv, linalg.det, linalg.slogdet, linalg.cholesky, linalg.eigh,
        linalg.expm, linalg.eigvalsh, lambda x: linalg.matrix_power(x, 2),
    ):  # fmt: skip
        with pytest.raises(RankError, match="takes a matrix"):
            build(flat)
        with pytest.raises(ShapeError, match="square matrix; got 2 rows and 3 columns"):
            build(cube)
    for build in (linalg.qr, linalg.svd, linalg.pinv, linalg.svdvals):
        with pytest.raises(RankError, match="takes a matrix"):
            build(flat)
    with pytest.raises(ShapeError, match="b should have 2 rows"):
        linalg.solve(np.eye(2), np.ones(3))
    with pytest.raises(RankError, match="scalar right side"):
        linalg.solve(np.eye(2), 1.0)


@pytest.mark.parametrize("device", DEVICES)
def test_sizes_assumed_equal_are_checked_at_the_call(device: str) -> None:
    x, b = T.dmatrix("x"), T.dvector("b")
    with symnb.config.change(device=device):
        f = symnb.function([x, b], linalg.solve(x, b))
        for shape, n in (((2, 3), 2), ((3, 3), 2), ((1, 1), 3), ((3, 3), 1)):
            with pytest.raises(SizeError):
                f(np.ones(shape), np.ones(n))
        close(f(A, A[0]), np.linalg.solve(A, A[0]))


# ------------------------------------------------------------------ in functions


@pytest.mark.parametrize("device", DEVICES)
def test_factors_inside_a_function(device: str) -> None:
    x = T.dmatrix("x")
    sign, logarithm = linalg.slogdet(x)
    outputs = [
        linalg.inv(x) + 1, sign * logarithm, *linalg.eigh(x), *linalg.qr(x),
        *linalg.svd(x, False), T.exp(linalg.cholesky(x)), linalg.expm(x / 10),
    ]  # fmt: skip
    expected = [
        np.linalg.inv(S) + 1, np.linalg.slogdet(S)[1], *np.linalg.eigh(S),
        *np.linalg.qr(S), *np.linalg.svd(S), np.exp(np.linalg.cholesky(S)),
        scipy.linalg.expm(S / 10),
    ]  # fmt: skip
    with symnb.config.change(device=device):
        found = symnb.function([x], outputs)(S)
    for one, other in zip(found, expected, strict=True):
        close(one, other, 1000)


@pytest.mark.parametrize("device", DEVICES)
def test_gaussian_likelihood_is_fitted_by_its_gradient(device: str) -> None:
    # the minimum of log det K + tr(K^-1 S) is K = S
    with symnb.config.change(device=device):
        factor = symnb.shared(np.eye(4), name="L")
        covariance = linalg.matrix_dot(factor, factor.T)
        lower = linalg.cholesky(covariance)
        white = linalg.solve_triangular(lower, T.constant(np.linalg.cholesky(S)),
                                        lower=True)  # fmt: skip
        cost = 2 * T.log(T.diag(lower)).sum() + (white * white).sum()
        step = symnb.function([], cost, updates=[(factor, factor - 0.1 * T.grad(
            cost, factor))])  # fmt: skip
        for _ in range(400):
            last = step()
    least = np.linalg.slogdet(S)[1] + 4
    np.testing.assert_allclose(last, least, rtol=1e-6)
    fitted = factor.get_value()
    np.testing.assert_allclose(fitted @ fitted.T, S, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("device", DEVICES)
def test_an_error_while_running_leaves_the_function_usable(device: str) -> None:
    x = T.dmatrix("x")
    with symnb.config.change(device=device):
        state = symnb.shared(0.0)
        f = symnb.function([x], linalg.cholesky(x), updates=[(state, state + 1)])
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            f(-np.eye(3))
        assert state.get_value() == 0
        close(f(np.eye(3)), np.eye(3))
        assert state.get_value() == 1


def test_second_derivatives() -> None:
    x = T.dmatrix("x")
    slope = T.grad(linalg.slogdet(x)[1], x)
    second = T.grad((slope * T.constant(TALL @ TALL.T)).sum(), x)
    inverse = np.linalg.inv(A)
    close(second.eval({x: A}), -(inverse @ (TALL @ TALL.T).T @ inverse).T)


# ----------------------------------------------------------------------- names


def test_theano_names() -> None:
    x, b = T.dmatrix("x"), T.dvector("b")
    given = {x: S, b: S[0]}
    for build, expected in (
        (nlinalg.MatrixInverse()(x), np.linalg.inv(S)),
        (nlinalg.matrix_inverse(x), np.linalg.inv(S)),
        (nlinalg.Det()(x), np.linalg.det(S)),
        (nlinalg.trace(x), np.trace(S)),
        (nlinalg.norm(x, "inf"), np.linalg.norm(S, np.inf)),
        (nlinalg.matrix_dot(x, x), S @ S),
        (nlinalg.Eigh("U")(x)[0], np.linalg.eigvalsh(S)),
        (nlinalg.SVD(compute_uv=False)(x), np.linalg.svd(S)[1]),
        (slinalg.Cholesky()(x), np.linalg.cholesky(S)),
        (slinalg.Solve("lower_triangular")(x, b), np.linalg.solve(np.tril(S), S[0])),
        (slinalg.solve_symmetric(x, b), np.linalg.solve(S, S[0])),
        (slinalg.kron(x, x), np.kron(S, S)),
    ):
        close(symnb.function([x, b], build, on_unused_input="ignore")(*given.values()),
              expected, 1000)  # fmt: skip


def test_numpy_linalg_on_symbols_is_linear_algebra() -> None:
    # T.inv is Theano's 1 / x; np.linalg.inv must not be
    x = T.dmatrix("x")
    close(np.linalg.inv(x).eval({x: A}), np.linalg.inv(A))
    close(np.linalg.norm(x, 2).eval({x: A}), np.linalg.norm(A, 2))
    close(np.linalg.solve(x, x).eval({x: A}), np.eye(4))


# ------------------------------------------------------------------- precision


def test_references_in_long_doubles_have_more_digits() -> None:
    # the rounding error of float64 is gone: a Hilbert matrix, condition 5e5
    a = np.array([[1 / np.longdouble(i + j + 1) for j in range(4)] for i in range(4)])
    exact = np.round(np.linalg.inv(a.astype(float)))  # its inverse is of integers
    assert exact.tolist()[0] == [16, -120, 240, -140]
    for build, true in (
        (ops.INV.numpy(a), exact), (ops.SOLVE.numpy(a, a), np.eye(4)),
        (ops.DET.numpy(a), 1 / np.longdouble(6048000)),
    ):  # fmt: skip
        assert build.dtype == np.longdouble
        assert np.max(np.abs(build - true)) < 1e-14 * np.max(np.abs(true))
    factor = triangular.CHOLESKY.numpy(a, "raise")
    assert np.max(np.abs(factor @ factor.T - a)) < np.finfo(np.longdouble).eps
    right = triangular.SOLVE_TRIANGULAR.numpy(factor, a, True, False, False)
    assert np.max(np.abs(factor @ right - a)) < 4 * np.finfo(np.longdouble).eps
    logarithm = ops.SLOGDET.numpy(np.stack([a, -a]))[1]
    assert np.max(np.abs(logarithm + np.log(np.longdouble(6048000)))) < 1e-13


def test_references_of_exact_numbers_are_exact() -> None:
    with mp.workdps(50):
        a = np.array([[mp.mpf(1) / (i + j + 1) for j in range(3)] for i in range(3)])
        inverse = ops.INV.numpy(a)
        expected = [[9, -36, 30], [-36, 192, -180], [30, -180, 180]]
        assert np.max(np.abs(inverse - np.array(expected))) < 1e-45
        assert abs(ops.DET.numpy(a) - mp.mpf(1) / 2160) < 1e-49
        assert abs(ops.SLOGDET.numpy(a)[1] + mp.log(2160)) < 1e-45
        root = triangular.CHOLESKY.numpy(a, "raise")
        assert np.max(np.abs(root @ root.T - a)) < 1e-49
        upper = triangular.SOLVE_TRIANGULAR.numpy(root, a, True, True, False)
        assert np.max(np.abs(root.T @ upper - a)) < 1e-45


def test_check_of_a_function_with_linear_algebra() -> None:
    x = T.dmatrix("x")
    cost = linalg.slogdet(x)[1] + linalg.svd(x, compute_uv=False).sum()
    report = symnb.function([x], [cost, T.grad(cost, x)]).check([S])
    assert report


# --------------------------------------------------------------------- jacobians


def jacobian_by_differences(build, x):
    """d build(x) / d x, by central differences of NumPy's function."""
    columns = []
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        columns.append((build(x + step) - build(x - step)) / 2e-6)
    return np.stack(columns, -1).reshape(*columns[0].shape, *x.shape)


def test_jacobians_batch_the_ops() -> None:
    x, v = T.dmatrix("x"), T.dvector("v")
    b = TALL[:, 0]
    for build, plain in (
        (lambda a: linalg.solve(a, v), lambda a: np.linalg.solve(a, b)),
        (lambda a: linalg.cholesky(a).flatten(), lambda a: np.linalg.cholesky(a)),
        (lambda a: linalg.solve(a, a.T).flatten(), lambda a: np.linalg.solve(a, a.T)),
        (lambda a: linalg.inv(a).flatten(), np.linalg.inv),
    ):
        y = build(x)
        jacobian = symnb.function([x, v], T.jacobian(y, x), on_unused_input="ignore")
        expected = jacobian_by_differences(plain, S)
        found = jacobian(S, b)
        np.testing.assert_allclose(found, expected.reshape(found.shape), atol=1e-7)
    second = T.hessian(linalg.slogdet(T.outer(v, v) + T.eye(4))[1], v)
    scale = 1 + b @ b  # log det(1 + v vᵀ) = log(1 + vᵀ v)
    expected = 2 * np.eye(4) / scale - 4 * np.outer(b, b) / scale**2
    close(symnb.function([v], second)(b), expected)


@pytest.mark.parametrize("static", [True, False])
def test_vectorised_ops_have_a_leading_axis(static: bool) -> None:
    # x[0] and x.shape mention sizes of x, which become those of an entry of the batch
    arrays = np.stack([S, S + np.eye(4)])
    x, many = *tensors([S], static), *tensors([arrays], static)
    roots = [linalg.inv(x), *linalg.slogdet(x), *linalg.eigh(x), linalg.solve(x, x[0]),
             linalg.solve(T.constant(S), x), linalg.solve(x, x.T),
             x + T.eye(x.shape[0])]  # fmt: skip
    found = evaluate(vectorize(roots, {x: many}), {many: arrays})
    for k in range(2):
        for one, other in zip(found, evaluate(roots, {x: arrays[k]}), strict=True):
            close(one[k], other, 1000)
