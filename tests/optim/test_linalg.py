"""Linear algebra in graphs: what is proven of matrices, what is factorised, errors.

Each rule's own proof is in tests/rules; here whole functions are compared with SciPy,
well and ill conditioned, and what raises is looked at.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.core.evaluate import evaluate
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.core.walk import order
from symnb.errors import AssertionFailed
from symnb.gradient import grad
from symnb.ops import elementwise as el
from symnb.ops.create import eye, tril, triu
from symnb.ops.diagonal import diag
from symnb.ops.dot import dot, matmul, outer
from symnb.ops.factor import eigh, qr
from symnb.ops.linalg import det, expm, inv, slogdet, solve
from symnb.ops.triangular import cholesky
from symnb.optim.optimiser import rewrite_graph
from symnb.optim.structure import (
    DEFINITE,
    LOWER,
    ORTHOGONAL,
    RISING,
    SEMIDEFINITE,
    SYMMETRIC,
    UPPER,
    facts,
)


def leaf(*shape: int, dtype: str = "float64", name: str = "x") -> Node:
    return Input(TensorType(dtype, shape), name)


def ops(*roots: Node) -> list[str]:
    """Names of the ops below, each node once."""
    return [n.op.name for n in order(roots) if not n.is_leaf]


A, V, S = leaf(4, 4), leaf(4, name="v"), leaf(name="s")
L, DIAGONAL = tril(el.exp(A)), {LOWER, UPPER, SYMMETRIC}
GRAM = dot(A, A.T)

PROVEN = {
    "an input": (A, set()),
    "x + x.T": (A + A.T, {SYMMETRIC}),
    "x * x.T": (A * A.T, {SYMMETRIC}),
    "x - x.T": (A - A.T, set()),
    "x + 1": (A + A.T + 1, {SYMMETRIC}),
    "x @ x.T": (GRAM, {SYMMETRIC, SEMIDEFINITE}),
    "x.T @ x + eye": (dot(A.T, A) + eye(4), {DEFINITE, SEMIDEFINITE}),
    "x @ x.T + exp(s) eye": (GRAM + el.exp(S) * eye(4), {DEFINITE}),
    "x @ x.T + s eye": (GRAM + S * eye(4), {SYMMETRIC}),
    "x @ x.T - eye": (GRAM - eye(4), {SYMMETRIC}),
    "v v.T + eye": (outer(V, V) + eye(4), {DEFINITE}),
    "x (y + y.T) x.T": (dot(dot(A, GRAM + GRAM), A.T), {SYMMETRIC, SEMIDEFINITE}),
    "tril": (tril(A), {LOWER}),
    "tril above": (tril(A, 1), set()),
    "triu below": (triu(A, -1), set()),
    "triu": (triu(A), {UPPER}),
    "tril.T": (tril(A).T, {UPPER}),
    "tril of exp": (L, {LOWER, RISING}),
    "l @ l": (dot(L, L), {LOWER, RISING}),
    "l @ l.T": (dot(L, L.T), {DEFINITE, SYMMETRIC}),
    "inv(l)": (inv(L), {LOWER, RISING}),
    "inv(gram + eye)": (inv(GRAM + eye(4)), {DEFINITE, SYMMETRIC}),
    "inv(x)": (inv(A), set()),
    "tril * v": (tril(A) * V, {LOWER}),
    "tril + tril": (tril(A) + L, {LOWER}),
    "tril + triu": (tril(A) + triu(A), set()),
    "diag": (diag(V), DIAGONAL),
    "diag + eye": (diag(V) + 2 * eye(4), DIAGONAL),
    "diag(exp)": (diag(el.exp(V)), {*DIAGONAL, DEFINITE}),
    "eye": (eye(4), {*DIAGONAL, ORTHOGONAL, DEFINITE}),
    "eye above": (eye(4, 4, 1), {UPPER}),
    "cholesky": (cholesky(GRAM), {LOWER, RISING}),
    "q": (qr(A)[0], {ORTHOGONAL}),
    "r": (qr(A)[1], {UPPER}),
    "q of a tall matrix": (qr(leaf(5, 4))[0], set()),
    "q @ q": (dot(qr(A)[0], eigh(A)[1]), {ORTHOGONAL}),
    "expm of symmetric": (expm(A + A.T), {DEFINITE}),
    "assumed": (symnb.assume(A, "positive_definite"), {DEFINITE, SYMMETRIC}),
}  # fmt: skip


@pytest.mark.parametrize(("node", "known"), PROVEN.values(), ids=PROVEN)
def test_what_is_proven_of_a_matrix(node: Node, known: set[str]) -> None:
    found = facts(node)
    assert found >= known
    assert found if known else not found


@pytest.mark.parametrize("node", [node for node, _ in PROVEN.values()], ids=PROVEN)
def test_what_is_proven_holds_for_numbers(node: Node) -> None:
    random = np.random.default_rng(1)
    inputs = [n for n in order([node]) if isinstance(n, Input)]
    given = {x: random.uniform(-1, 1, x.type.shape) for x in inputs}
    if "assume" in ops(node):
        given[A] = given[A] @ given[A].T + np.eye(4)
    value, found = evaluate([node], given)[0], facts(node)
    close = {"rtol": 0, "atol": 1e-13 * max(1, np.abs(value).max())}
    if SYMMETRIC in found:
        np.testing.assert_allclose(value, value.T, **close)
    if LOWER in found:
        np.testing.assert_allclose(value, np.tril(value), **close)
    if UPPER in found:
        np.testing.assert_allclose(value, np.triu(value), **close)
    if ORTHOGONAL in found:
        np.testing.assert_allclose(value @ value.T, np.eye(4), **close)
    if SEMIDEFINITE in found:
        assert np.linalg.eigvalsh(value).min() > (0 if DEFINITE in found else -1e-13)
    if RISING in found:
        assert (np.diagonal(value) > 0).all()


# ---------------------------------------------------------------- whole functions

x, b = T.dmatrix("x"), T.dvector("b")


def plus_eye(x: Node, scale: float) -> Node:
    return x + scale * eye(x.shape[0], dtype=x.dtype)


FUNCTIONS = {
    "inv(x) @ b": (lambda x, b: T.dot(inv(x), b), np.linalg.solve),
    "b @ inv(x)": (
        lambda x, b: T.dot(b, inv(x)), lambda x, b: np.linalg.solve(x.T, b)
    ),
    "mahalanobis": (
        lambda x, b: T.dot(b, T.dot(inv(plus_eye(T.dot(x, x.T), 1)), b)),
        lambda x, b: b @ scipy.linalg.solve(x @ x.T + np.eye(len(x)), b),
    ),
    "log|det|": (
        lambda x, b: T.log(abs(det(x))), lambda x, b: np.linalg.slogdet(x)[1]
    ),
    "ridge": (
        lambda x, b: solve(plus_eye(T.dot(x.T, x), 0.1), b),
        lambda x, b: scipy.linalg.solve(x.T @ x + 0.1 * np.eye(len(x)), b),
    ),
}  # fmt: skip


def conditioned(n: int, exponent: float, seed: int) -> np.ndarray:
    """A matrix of condition 10**exponent."""
    random = np.random.default_rng(seed)
    q, _ = np.linalg.qr(random.normal(size=(n, n)))
    p, _ = np.linalg.qr(random.normal(size=(n, n)))
    return q * np.logspace(0, -exponent, n) @ p


@pytest.mark.parametrize(("build", "truth"), FUNCTIONS.values(), ids=FUNCTIONS)
@given(
    st.integers(1, 12),
    st.floats(0, 7),
    st.integers(0, 99),
    st.sampled_from(["float64", "float32"]),
)
@settings(max_examples=10, deadline=None)
def test_rewritten_functions_are_those_of_scipy(build, truth, n, exponent, seed, dtype):
    matrix = conditioned(n, exponent if dtype == "float64" else exponent / 4, seed)
    matrix = matrix.astype(dtype)
    right = np.random.default_rng(seed).normal(size=n).astype(dtype)
    a, c = T.matrix("x", dtype=dtype), T.vector("b", dtype=dtype)
    got = evaluate([rewrite_graph(build(a, c))], {a: matrix, c: right})[0]
    assert got.dtype == dtype
    want = np.asarray(truth(matrix.astype("float64"), right.astype("float64")))
    eps = np.finfo(dtype).eps
    bound = 40 * n * eps * np.linalg.cond(matrix.astype("float64"))
    np.testing.assert_allclose(
        got, want, rtol=max(bound, 40 * n * eps),
        atol=max(bound, 40 * n * eps) * max(1.0, np.abs(want).max()),
    )  # fmt: skip


def test_the_gradient_of_an_inverse_is_that_of_the_system() -> None:
    cost = T.sum(T.dot(inv(x), b))
    done = ops(*rewrite_graph(list(grad(cost, [x, b]))))
    assert "inv" not in done and done.count("lu_factor") == 1


def test_the_gradient_of_a_definite_system_is_two_more_substitutions() -> None:
    matrix = T.dot(x, x.T) + eye(x.shape[0])
    cost = T.dot(b, solve(matrix, b))
    names = ops(*rewrite_graph(list(grad(cost, [x]))))
    assert names.count("cholesky") == 1
    assert "solve" not in names
    shapes = [n.ndim for n in order(rewrite_graph(list(grad(cost, [x])))) if
              n.op.name == "solve_triangular"]  # fmt: skip
    assert set(shapes) == {1}


def test_no_inverse_is_formed_where_one_is_only_multiplied() -> None:
    assert ops(rewrite_graph(dot(inv(A), V))) == ["solve"]


def test_an_inverse_that_is_a_result_stays_and_is_multiplied() -> None:
    inverse = inv(A)
    left = ops(*rewrite_graph([inverse, dot(inverse, V)]))
    assert sorted(left) == ["dot", "inv"]


def test_an_inverse_that_is_only_multiplied_is_not_formed() -> None:
    inverse = inv(A)
    roots = rewrite_graph([dot(inverse, V), dot(V, inverse), dot(inverse.T, A + 1)])
    assert ops(*roots).count("lu_factor") == 1
    assert "inv" not in ops(*roots)
    random = np.random.default_rng(6)
    given = {A: random.normal(size=(4, 4)), V: random.normal(size=4)}
    got = evaluate(roots, given)
    matrix, vector = given[A], given[V]
    np.testing.assert_allclose(got[0], np.linalg.solve(matrix, vector), rtol=1e-10)
    np.testing.assert_allclose(got[1], np.linalg.solve(matrix.T, vector), rtol=1e-10)
    want = np.linalg.solve(matrix.T, matrix + 1)
    np.testing.assert_allclose(got[2], want, rtol=1e-9, atol=1e-12)


def test_an_inverse_multiplied_with_itself_is_formed() -> None:
    inverse = inv(A)
    assert "inv" in ops(*rewrite_graph([dot(inverse, inverse), dot(inverse, V)]))


def test_systems_and_determinant_of_one_matrix_share_a_factorisation() -> None:
    roots = rewrite_graph([solve(A, V), solve(A.T, V), slogdet(A)[1]])
    assert ops(*roots).count("lu_factor") == 1
    assert not {"solve", "slogdet"} & set(ops(*roots))


def test_a_gaussian_log_density_takes_one_cholesky_factor() -> None:
    cov = dot(A, A.T) + eye(4)
    density = -0.5 * dot(V, dot(inv(cov), V)) - 0.5 * el.log(det(cov))
    names = ops(rewrite_graph(density))
    assert names.count("cholesky") == 1
    assert not {"inv", "det", "slogdet", "solve", "lu_factor"} & set(names)
    matrix = np.random.default_rng(3).normal(size=(4, 4))
    vector = np.arange(4.0)
    got = evaluate([rewrite_graph(density)], {A: matrix, V: vector})[0]
    from scipy.stats import multivariate_normal

    want = multivariate_normal(cov=matrix @ matrix.T + np.eye(4)).logpdf(vector)
    np.testing.assert_allclose(got, want + 2 * np.log(2 * np.pi), rtol=1e-12)


def test_a_batch_of_systems_is_solved() -> None:
    many, sides = leaf(3, 4, 4), leaf(3, 4, 2, name="b")
    random = np.random.default_rng(0)
    given = {many: random.normal(size=(3, 4, 4)), sides: random.normal(size=(3, 4, 2))}
    done = rewrite_graph(matmul(inv(many), sides))
    assert ops(done) == ["solve"]
    want = np.linalg.solve(given[many], given[sides])
    np.testing.assert_allclose(evaluate([done], given)[0], want, rtol=1e-10)


@pytest.mark.parametrize("n", [0, 1])
def test_empty_and_one_by_one_matrices(n: int) -> None:
    roots = [
        T.dot(inv(x), b), solve(T.dot(x, x.T) + eye(x.shape[0]), b), T.log(abs(det(x)))
    ]  # fmt: skip
    f = symnb.function([x, b], roots)
    matrix, vector = np.full((n, n), 2.0), np.ones(n)
    got = f(matrix, vector)
    np.testing.assert_allclose(got[0], vector / 2)
    np.testing.assert_allclose(got[1], vector / 5)
    np.testing.assert_allclose(got[2], n * np.log(2))


# -------------------------------------------------------------------------- errors

SINGULAR = {
    "inv(x) @ b": (T.dot(inv(x), b), np.ones((3, 3))),
    "two systems": (solve(x, b) + solve(x.T, b), np.ones((3, 3))),
    "a diagonal": (solve(diag(b), b), np.eye(3)),
    "a triangle": (solve(tril(x), b), np.eye(3) - np.diag([0.0, 1, 0])),
    "the determinant of an inverse": (det(inv(x)), np.ones((3, 3))),
    "one by one": (solve(x[:1, :1], b[:1]), np.zeros((3, 3))),
}


@pytest.mark.parametrize(("node", "matrix"), SINGULAR.values(), ids=SINGULAR)
def test_a_singular_matrix_is_still_an_error(node: Node, matrix: np.ndarray) -> None:
    f = symnb.function([x, b], node, on_unused_input="ignore")
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        f(matrix, np.array([1.0, 0.0, 2.0]))


def test_log_det_of_a_negative_determinant_is_nan() -> None:
    f = symnb.function([x], T.log(det(x)))
    assert np.isnan(f(np.diag([1.0, -1.0])))
    assert f(np.zeros((2, 2))) == -np.inf
    np.testing.assert_allclose(f(1e-200 * np.eye(4)), 4 * np.log(1e-200))


# -------------------------------------------------------------------------- assume


def test_an_assumption_chooses_the_method_and_leaves_no_trace() -> None:
    done = rewrite_graph(solve(symnb.assume(A, "positive_definite"), V))
    assert ops(done) == ["cholesky", "solve_triangular", "solve_triangular"]
    assert ops(rewrite_graph(symnb.assume(A, "symmetric").T)) == []


def test_a_wrong_assumption_is_found_by_check() -> None:
    f = symnb.function([x, b], solve(symnb.assume(x, "lower_triangular"), b))
    matrix = np.tril(np.ones((3, 3)))
    f.check([matrix, np.ones(3)])
    with pytest.raises(AssertionFailed, match="assumed lower_triangular"):
        f.check([matrix.T, np.ones(3)])


@pytest.mark.parametrize("name", ["symmetric", "orthogonal", "diagonal"])
def test_assumptions_allow_rounding(name: str) -> None:
    q = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0]
    matrix = {"symmetric": q @ q.T, "orthogonal": q, "diagonal": q.T @ q}[name]
    y = leaf(20, 20)
    assert evaluate([symnb.assume(y, name)], {y: matrix})[0] is not None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_matrix_orthogonal_in_its_own_digits_passes_a_run_in_more(dtype: str) -> None:
    x, b = T.matrix("x", dtype=dtype), T.vector("b", dtype=dtype)
    f = symnb.function([x, b], solve(symnb.assume(x, "orthogonal"), b))
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    assert f.check([matrix.astype(dtype), np.ones(5, dtype)]).rows
    with pytest.raises(AssertionFailed, match="assumed orthogonal"):
        f.check([1.01 * matrix.astype(dtype), np.ones(5, dtype)])


def test_unknown_assumptions_are_refused() -> None:
    with pytest.raises(ValueError, match="not 'round'"):
        symnb.assume(A, "round")
    with pytest.raises(ValueError, match="assume what"):
        symnb.assume(A)


BATCHES = st.sampled_from([(), (3,), (2, 3), (1, 3), (2, 1), (4, 2, 3)])


@settings(max_examples=12, deadline=None)
@given(BATCHES, BATCHES, st.booleans())
def test_inverses_in_batches_are_systems_whatever_broadcasts(a, b, first) -> None:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return
    x, y = leaf(*a, 3, 3), leaf(*b, 3, 3, name="y")
    typed = matmul(inv(x), y) if first else matmul(y, inv(x))
    made = rewrite_graph(typed)
    assert "inv" not in ops(made) and "solve" in ops(made)
    rng = np.random.default_rng(len(a) + 10 * len(b))
    given_x = rng.normal(size=(*a, 3, 3)) + 6 * np.eye(3)
    given_y = rng.normal(size=(*b, 3, 3))
    inverse = np.linalg.inv(given_x)
    want = inverse @ given_y if first else given_y @ inverse
    [got] = evaluate([made], {x: given_x, y: given_y})
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)
