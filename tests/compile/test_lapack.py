"""LAPACK called from compiled code: NumPy's values and errors, no Python between."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import symnb
import symnb.tensor as T
from symnb.compile.extern import lapack
from symnb.core.node import Node, make
from symnb.core.op import TABLE
from symnb.errors import MatrixError
from symnb.ops.factor import eigh, eigvalsh
from symnb.ops.linalg import det, inv, slogdet, solve
from symnb.ops.lu import lu_factor, lu_solve
from symnb.ops.pivots import pivots
from symnb.ops.triangular import CHOLESKY, cholesky, solve_triangular
from symnb.optim.mode import get_mode

pytestmark = pytest.mark.cc
DTYPES = ("float64", "float32")


def compiled(inputs: list[Node], outputs, off: str = "") -> symnb.Function:
    """A function in which the ops are as written."""
    mode = get_mode("FAST_RUN").excluding("linalg", "factorise", *off.split())
    with symnb.config.change(device="c"):
        return symnb.function(inputs, outputs, mode=mode)


def sample(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=shape).astype(dtype)


def gram(*shape: int, dtype: str = "float64") -> np.ndarray:
    a = sample(*shape)
    return (a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])).astype(dtype)


def calls(f: symnb.Function) -> bool:
    """Whether LAPACK is called, with Python behind it."""
    text = f.source()
    return "if (symnb_" in text and "ws->python" in text


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (70, 70), (0, 0), (1, 1), (3, 5, 5)])
def test_inverse_and_systems_are_numpys_bit_for_bit(shape, dtype) -> None:
    x = T.tensor(dtype, (None,) * len(shape), name="x")
    b = T.tensor(dtype, (None,) * len(shape), name="b")
    f = compiled([x, b], [inv(x), solve(x, b), solve(x, b[..., :1])])
    assert calls(f)
    a, right = sample(*shape, dtype=dtype), sample(*shape, dtype=dtype, seed=1)
    got = f(a, right)
    want = (
        np.linalg.inv(a), np.linalg.solve(a, right), np.linalg.solve(a, right[..., :1])
    )  # fmt: skip
    for one, other in zip(got, want, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (70, 70), (0, 0), (3, 5, 5)])
def test_determinants_are_numpys(shape, dtype) -> None:
    x = T.tensor(dtype, (None,) * len(shape), name="x")
    f = compiled([x], [det(x), *slogdet(x)])
    a = sample(*shape, dtype=dtype)
    with np.errstate(over="ignore"):
        want = np.linalg.det(a), *np.linalg.slogdet(a)
    for got, one in zip(f(a), want, strict=True):
        np.testing.assert_allclose(got, one, rtol=8 * np.finfo(dtype).eps * a.shape[-1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (70, 70), (0, 0), (3, 5, 5)])
def test_cholesky_reads_the_lower_triangle(shape, dtype) -> None:
    x = T.tensor(dtype, (None,) * len(shape), name="x")
    f = compiled([x], cholesky(x))
    a = gram(*shape, dtype=dtype)
    want = np.linalg.cholesky(a)
    got = f(a + np.triu(np.ones_like(a), 1))
    scale = np.abs(want).max(initial=1)
    atol = 8 * np.finfo(dtype).eps * scale * max(1, shape[-1])
    np.testing.assert_allclose(got, want, rtol=0, atol=atol)
    assert not np.triu(got, 1).any()


@pytest.mark.parametrize("trans", [0, 1])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular_systems_are_scipys(trans, lower, unit) -> None:
    x, b, m = T.dmatrix("x"), T.dvector("b"), T.dmatrix("m")
    sides = [
        solve_triangular(x, side, trans, lower, unit_diagonal=unit) for side in (b, m)
    ]
    f = compiled([x, b, m], sides)
    a, right, more = sample(6, 6) / 4 + 2 * np.eye(6), sample(6), sample(6, 3)
    for got, side in zip(f(a, right, more), (right, more), strict=True):
        want = scipy.linalg.solve_triangular(
            a, side, trans=trans, lower=lower, unit_diagonal=unit
        )
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 70])
def test_lu_factors_are_scipys(n: int, dtype: str) -> None:
    x, b = T.matrix("x", dtype=dtype), T.matrix("b", dtype=dtype)
    factored = lu_factor(x)
    roots = [*factored, lu_solve(factored, b), lu_solve(factored, b, True)]
    f = compiled([x, b], roots)
    a, right = sample(n, n, dtype=dtype), sample(n, 2, dtype=dtype)
    factors, rows, *solved = f(a, right)
    want = scipy.linalg.lu_factor(a)
    np.testing.assert_array_equal(rows, want[1])
    eps = np.finfo(dtype).eps * np.linalg.cond(a)
    np.testing.assert_allclose(factors, want[0], rtol=0, atol=eps * n)
    for got, matrix in zip(solved, (a, a.T), strict=True):
        np.testing.assert_allclose(matrix @ got, right, rtol=0, atol=eps * n)


def test_an_unread_result_of_a_factorisation_is_not_written() -> None:
    x = T.dmatrix("x")
    a = sample(5, 5)
    logarithm = compiled([x], slogdet(x)[1])(a)
    np.testing.assert_allclose(logarithm, np.linalg.slogdet(a)[1], rtol=1e-14)
    rows = compiled([x], lu_factor(x)[1])(a)
    np.testing.assert_array_equal(rows, scipy.linalg.lu_factor(a)[1])


BAD = {
    "inv": (inv, "inv of a singular"),
    "solve": (lambda x: solve(x, x), "solve of a singular"),
    "triangular": (
        lambda x: solve_triangular(x, x, lower=True), "a zero on its diagonal"
    ),
    "cholesky": (lambda x: cholesky(x), "not positive definite"),
    "pivots": (lambda x: pivots(T.diagonal(x)), "singular"),
    "lu_solve": (lambda x: lu_solve(lu_factor(x), x), "solve of a singular"),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), BAD.values(), ids=BAD)
def test_where_lapack_fails_python_says_why(build, words: str) -> None:
    x = T.dmatrix("x")
    f = compiled([x], build(x))
    assert calls(f)
    with pytest.raises(np.linalg.LinAlgError, match=words):
        f(np.zeros((3, 3)))
    assert np.isfinite(f(2 * np.eye(3))).all()


def test_every_op_that_says_so_calls_lapack() -> None:
    tagged = {name for name, op in TABLE.items() if "lapack" in op.tags}
    assert tagged == lapack.CALLED


def test_a_factor_of_nan_is_pythons_to_make() -> None:
    x = T.dmatrix("x")
    f = compiled([x], make(CHOLESKY, (x,), ("nan",)))
    assert np.isnan(f(-np.eye(3))).all()
    np.testing.assert_array_equal(f(4 * np.eye(3)), 2 * np.eye(3))


def test_nan_goes_through_as_in_numpy() -> None:
    x, b = T.dmatrix("x"), T.dvector("b")
    a = np.eye(3)
    a[0, 1] = np.nan
    with np.errstate(all="ignore"):
        want = np.linalg.solve(a, np.ones(3))
    np.testing.assert_array_equal(compiled([x, b], solve(x, b))(a, np.ones(3)), want)


def test_without_the_library_python_calculates() -> None:
    x = T.dmatrix("x")
    f = compiled([x], inv(x), off="library")
    assert not calls(f)
    a = sample(4, 4)
    np.testing.assert_array_equal(f(a), np.linalg.inv(a))


def test_scipys_lapack_has_the_same_routines() -> None:
    found = lapack.from_scipy()
    assert found is not None
    assert found.bits == 32
    assert set(found.addresses) == set(lapack.NAMES)


def test_functions_of_scipys_lapack_agree(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(lapack, "lapack", lapack.from_scipy)
    x, b = T.dmatrix("x"), T.dvector("b")
    with symnb.config.change(cache_dir=str(tmp_path)):
        f = compiled([x, b], [solve(x, b), cholesky(x), slogdet(x)[1]])
    a, right = gram(6, 6), sample(6)
    solution, factor, logarithm = f(a, right)
    np.testing.assert_allclose(solution, np.linalg.solve(a, right), rtol=1e-10)
    np.testing.assert_allclose(factor, np.linalg.cholesky(a), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(logarithm, np.linalg.slogdet(a)[1], rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (60, 60), (0, 0), (1, 1), (3, 5, 5)])
def test_eigenvalues_and_vectors_are_numpys_bit_for_bit(shape, dtype) -> None:
    x = T.tensor(dtype, (None,) * len(shape), name="x")
    values, vectors = eigh(x)
    f = compiled([x], [values, vectors])
    one, other, alone = (compiled([x], y) for y in (values, vectors, eigvalsh(x)))
    assert calls(f)
    assert calls(alone)
    a = sample(*shape, dtype=dtype)  # only the lower triangle is read
    want = np.linalg.eigh(a)
    for part, right in zip(f(a), want, strict=True):
        np.testing.assert_array_equal(part, right, strict=True)
    np.testing.assert_array_equal(other(a), want[1], strict=True)
    for values_alone in (one(a), alone(a)):  # no vectors are computed
        np.testing.assert_array_equal(values_alone, np.linalg.eigvalsh(a), strict=True)


def test_eigenvalues_of_nan_are_numpys() -> None:
    x = T.dmatrix("x")
    f = compiled([x], list(eigh(x)))
    a = np.full((3, 3), np.nan)
    try:
        want = np.linalg.eigh(a)
    except np.linalg.LinAlgError:
        with pytest.raises(MatrixError):
            f(a)
    else:
        for part, right in zip(f(a), want, strict=True):
            np.testing.assert_array_equal(part, right)
