"""Products against NumPy for every pair of ranks, dtypes, empties and derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.core import walk
from symnb.core.dims import symbol
from symnb.core.dtypes import DTYPES
from symnb.core.node import Input, Node
from symnb.core.types import ANY, TensorType
from symnb.errors import RankError, ShapeError
from symnb.ops import dot
from tests.ops.structure import agrees, check_derivatives, tensor, value

random = np.random.default_rng(5)
n, m, k = symbol("n", 0), symbol("m", 0), symbol("k", 0)


def small(*shape, dtype="int64"):
    return random.integers(-4, 5, shape).astype(dtype)


def shapes_of(rank, inner, batch=(2, 3)):
    """A left operand's shape of the rank whose last size is `inner`."""
    return (*batch, 4, inner)[4 - rank :] if rank else ()


@pytest.mark.parametrize("left", range(5))
@pytest.mark.parametrize("right", range(4))
def test_dot_for_every_pair_of_ranks(left, right) -> None:
    a = small(*shapes_of(left, 3))
    b = small(*(5, 3, 2)[3 - right :]) if right != 1 else small(3)
    agrees(dot.dot, np.dot, a, b)


@pytest.mark.parametrize("left", range(1, 5))
@pytest.mark.parametrize("right", range(1, 5))
def test_matmul_for_every_pair_of_ranks(left, right) -> None:
    a = small(*shapes_of(left, 3))
    b = small(*(2, 3, 3, 2)[4 - right :]) if right != 1 else small(3)
    agrees(dot.matmul, np.matmul, a, b)


def test_matmul_broadcasts_axes_of_size_one() -> None:
    a, b = small(2, 1, 4, 3), small(5, 3, 2)
    inputs = [tensor(a, "a", True), tensor(b, "b", True)]
    found = value(dot.matmul(*inputs), inputs, [a, b])
    np.testing.assert_array_equal(found, a @ b, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_keep_the_dtype(dtype) -> None:
    a, b = small(2, 3, dtype=dtype), small(3, 2, dtype=dtype)
    agrees(dot.dot, np.dot, a, b)
    agrees(dot.matmul, np.matmul, a, b)


def test_products_promote() -> None:
    agrees(dot.dot, np.dot, small(2, 3), small(3, 2, dtype="float32"))
    agrees(lambda a: dot.dot(a, 2), lambda a: a * 2, small(2, 3, dtype="f4"))


@given(*[st.integers(0, 3)] * 3)
def test_empty_products_are_zero(rows, inner, columns) -> None:
    a, b = np.ones((rows, inner)), np.ones((inner, columns))
    agrees(dot.dot, np.dot, a, b)
    agrees(dot.matmul, np.matmul, a[None], b[None])
    agrees(
        lambda x, y: dot.tensordot(x, y, 1), lambda x, y: np.tensordot(x, y, 1), a, b
    )


AXES = [
    ((2, 3, 4), (3, 4, 5), 2),
    ((2, 3, 4), (5,), 0),
    ((2, 3, 4), (4, 3, 5), [[1, 2], [1, 0]]),
    ((2, 3, 4), (2, 5), [0, 0]),
    ((2, 3), (2, 3), [[0, 1], [0, -1]]),
    ((2, 3), (5, 2), [[-2], [1]]),
]


@pytest.mark.parametrize(("left", "right", "axes"), AXES)
def test_tensordot(left, right, axes) -> None:
    agrees(
        lambda x, y: dot.tensordot(x, y, axes),
        lambda x, y: np.tensordot(x, y, axes),
        small(*left),
        small(*right),
    )


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ((5, 2, 3), (5, 3, 4), "bij,bjk->bik"),
        ((5, 3), (5, 3, 4), "bj,bjk->bk"),
        ((5, 2, 3), (5, 3), "bij,bj->bi"),
        ((5, 3), (5, 3), "bj,bj->b"),
        ((5,), (5, 3), "b,bj->bj"),
        ((5, 2, 6, 3), (5, 3, 4), "baij,bjk->baik"),
    ],
)
def test_batched_dot(left, right, text) -> None:
    agrees(
        dot.batched_dot, lambda x, y: np.einsum(text, x, y), small(*left), small(*right)
    )


def test_batched_tensordot() -> None:
    a, b = small(5, 2, 3, 4), small(5, 4, 3, 6)
    agrees(
        lambda x, y: dot.batched_tensordot(x, y, [[2, 3], [2, 1]]),
        lambda x, y: np.einsum("bijk,bkjl->bil", x, y),
        a,
        b,
    )
    agrees(
        lambda x, y: dot.batched_tensordot(x, y, 1),
        lambda x, y: np.einsum("bijk,bkml->bijml", x, y),
        a,
        small(5, 4, 2, 3),
    )


@pytest.mark.parametrize("left", [(), (3,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("right", [(), (3,), (4, 3), (2, 5, 3)])
def test_products_of_pairs(left, right) -> None:
    a, b = small(*left), small(*right)
    agrees(dot.outer, np.outer, a, b)
    agrees(dot.inner, np.inner, a, b)
    agrees(dot.kron, np.kron, a, b)


def test_vectors_and_matrices_in_the_last_axes() -> None:
    a, v, w = small(5, 2, 3), small(5, 3), small(5, 2)
    agrees(dot.matvec, lambda x, y: np.einsum("bij,bj->bi", x, y), a, v)
    agrees(dot.vecmat, lambda x, y: np.einsum("bi,bij->bj", x, y), w, a)
    agrees(dot.vecdot, lambda x, y: (x * y).sum(-1), v, v + 1)
    agrees(lambda x, y: dot.vecdot(x, y, 0), lambda x, y: (x * y).sum(0), v, v + 1)
    agrees(dot.vdot, np.vdot, a, a + 1)


def test_sizes_that_do_not_fit_are_an_error_with_a_cure() -> None:
    def x(*shape):
        return Input(TensorType("float64", shape), "x")

    with pytest.raises(ShapeError, match=r"got 3 and 4") as error:
        dot.dot(x(n, 3), x(4, 3))
    assert "dot(a, b.T)" in str(error.value) and "f64[n, 3]" in str(error.value)
    with pytest.raises(ShapeError, match=r"dot\(a.T, b\)"):
        dot.dot(x(4, 3), x(4, 2))
    with pytest.raises(ShapeError, match="batches 2 and 3"):
        dot.batched_dot(x(2, 4, 5), x(3, 5, 6))
    with pytest.raises(ShapeError, match="axis 0 of b, of size 4"):
        dot.tensordot(x(2, 3), x(4, 3), [[1], [0]])
    with pytest.raises(RankError, match="over 3 axes"):
        dot.tensordot(x(2, 3), x(4, 3), 3)
    with pytest.raises(RankError, match="scalar"):
        dot.matmul(x(2), 2.0)
    with pytest.raises(ShapeError, match="do not broadcast"):
        dot.matmul(x(2, 4, 5), x(3, 5, 6))


def test_unknown_inner_sizes_are_assumed_equal() -> None:
    a = Input(TensorType("float64", (n, m)), "a")
    b = Input(TensorType("float64", (k, 3)), "b")
    y = dot.dot(a, b)
    assert y.op.assumes((a.type, b.type), ()) == [(m, k)]
    db = y.op.vjp(y, y, None)[1]
    assert db.type.shape == (k, 3)


def test_a_product_of_matrices_is_one_node() -> None:
    a, b = (Input(TensorType("float64", (n, n)), name) for name in "ab")
    for y in (dot.dot(a, b), dot.matmul(a, b)):
        assert [node.op.name for node in walk.order([y])] == ["input", "input", "dot"]


RANKS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2))]


@pytest.mark.parametrize(("left", "right"), RANKS)
def test_derivatives_of_dot(left, right) -> None:
    draw = np.random.default_rng(0).standard_normal
    check_derivatives(dot.dot, draw(left), draw(right))


def test_derivatives_of_the_others() -> None:
    draw = np.random.default_rng(0).standard_normal
    a, b = draw((2, 2, 3)), draw((2, 3, 2))
    check_derivatives(dot.batched_dot, a, b)
    check_derivatives(dot.matmul, a, b[0])
    check_derivatives(dot.outer, a[0, 0], b[0, :, 0])
    check_derivatives(lambda x, y: dot.tensordot(x, y, [[0, 2], [0, 1]]), a, b)


def test_a_pattern_is_a_dot_of_holes() -> None:
    hole = Node(tensor(0.0).op, (), (), ANY)
    assert dot.dot(hole, hole).type is ANY
    assert dot.matmul(hole, hole).op is dot.DOT
