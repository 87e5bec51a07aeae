"""Rows by index: the check of an index is paid once a row, and rows use vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.compile.kernels import Target, lower, partition, schedule_cpu
from symnb.compile.kernels.kernel import Define, Kernel, Loop, Statement
from symnb.compile.kernels.nest import WRAP
from symnb.core.graph import Graph
from symnb.core.node import Node

X, V, I2 = T.fmatrix("x"), T.ftensor3("v"), T.lmatrix("i")
COLUMNS, I1 = T.fmatrix("c"), T.lvector("k")


def kernel(*outputs: Node) -> Kernel:
    leaves = [x for x in Graph((), outputs).order if x.op.name == "input"]
    [region] = partition(Graph(leaves, outputs))
    return schedule_cpu(lower(region), Target(32))


def innermost(made: Kernel) -> list[Loop]:
    """The loops without loops in them."""
    found = [s for s in made.statements() if isinstance(s, Loop)]
    return [x for x in found if not any(isinstance(s, Loop) for s in x.body)]


def checks(body: tuple[Statement, ...]) -> bool:
    return any(isinstance(s, Define) and s.op is WRAP for s in body)


@pytest.mark.parametrize(
    "result",
    [
        X[I1],
        X[I2] * 2,
        T.inc_subtensor(X[I1], COLUMNS),
        T.set_subtensor(X[I2], V),
        X[I2].sum(axis=1),
    ],
)
def test_an_index_is_checked_before_the_loop_over_its_row(result: Node) -> None:
    loops = innermost(kernel(result))
    assert not any(checks(loop.body) for loop in loops)
    assert all(loop.role == "simd" for loop in loops)


@pytest.mark.cc
@given(
    st.integers(1, 9), st.integers(0, 40), st.integers(0, 9), st.integers(0, 4),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_rows_by_index_are_numpys(n: int, m: int, a: int, b: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, m)).astype("float32")
    places = rng.integers(-n, n, (a, b))
    v = rng.standard_normal((a, b, m)).astype("float32")
    added, put = x.astype("float64"), x.copy()
    np.add.at(added, places, v)
    put[places] = v
    taken = x[places]
    got = ROWS(x, places, v)
    right = [taken, taken.sum(1, dtype="float64"), added, put]
    for one, other in zip(got, right, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, 0, 4e-5)


ROWS = symnb.function(
    [X, I2, V],
    [X[I2], X[I2].sum(axis=1), T.inc_subtensor(X[I2], V), T.set_subtensor(X[I2], V)],
)


@pytest.mark.cc
@pytest.mark.parametrize("width", [3, 0])
def test_an_index_out_of_bounds_is_an_error_also_of_rows_without_elements(
    width: int,
) -> None:
    x, y = np.zeros((4, width), "float32"), np.zeros((2, width), "float32")
    places = np.array([1, 4])
    for f, args in (
        (symnb.function([X, I1], X[I1]), (x, places)),
        (symnb.function([X, I1, COLUMNS], T.inc_subtensor(X[I1], COLUMNS)),
         (x, places, y)),
    ):  # fmt: skip
        with pytest.raises(IndexError, match="4"):
            f(*args)
    with pytest.raises(IndexError):
        x[places]


@pytest.mark.cc
def test_columns_by_index_are_added_in_order() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 7)).astype("float32")
    y = rng.standard_normal((5, 20)).astype("float32")
    places = rng.integers(0, 7, 20)
    f = symnb.function([X, I1, COLUMNS], T.inc_subtensor(X[:, I1], COLUMNS))
    right = x.copy()
    np.add.at(right, (slice(None), places), y)
    np.testing.assert_array_equal(f(x, places, y), right)
