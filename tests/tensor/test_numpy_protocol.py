"""NumPy's own functions called on symbolic tensors build graphs."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import symnb.tensor as T
from symnb.core.node import Node
from symnb.errors import SymbolicError

A = np.array([[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]])
V = np.array([1.5, -2.0, 0.125])
I = np.array([3, 0, 7])  # noqa: E741

CASES = {
    "exp": lambda x: np.exp(x),
    "operators": lambda x: 2 * x - x / 3 + x**2,
    "sum axis": lambda x: np.sum(x, axis=0),
    "sum all keepdims": lambda x: np.sum(x, keepdims=True),
    "mean negative axis": lambda x: np.mean(x, axis=-1),
    "var ddof": lambda x: np.var(x, axis=1, ddof=1),
    "max": lambda x: np.max(x, axis=1),
    "amax": lambda x: np.amax(x),
    "argmax": lambda x: np.argmax(x, axis=1),
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce axis": lambda x: np.add.reduce(x, axis=1),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1, keepdims=True),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=None),
    "multiply.outer": lambda x: np.multiply.outer(x, V),
    "subtract.outer": lambda x: np.subtract.outer(V, x),
    "concatenate": lambda x: np.concatenate([x, A, x], axis=0),
    "stack": lambda x: np.stack([x, A], axis=1),
    "vstack": lambda x: np.vstack([x, V]),
    "where": lambda x: np.where(x > 0, x, 0.0),
    "clip": lambda x: np.clip(x, -1, 1),
    "array left": lambda x: A + x,
    "array divides": lambda x: A / (x * x + 1),
    "array broadcast": lambda x: V * x,
    "numpy scalar left": lambda x: np.float64(2) * x,
    "numpy float32 scalar": lambda x: np.float32(2) + x,
    "array @": lambda x: A @ x.T,
    "dot": lambda x: np.dot(A, np.transpose(x)),
    "matmul": lambda x: np.matmul(x, V),
    "einsum": lambda x: np.einsum("ij,j->i", x, V),
    "tensordot": lambda x: np.tensordot(x, A, axes=2),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "ravel": lambda x: np.ravel(x),
    "transpose": lambda x: np.transpose(x, (1, 0)),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "squeeze": lambda x: np.squeeze(np.expand_dims(x, 0), 0),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "tile": lambda x: np.tile(x, (1, 2)),
    "repeat": lambda x: np.repeat(x, 2, axis=1),
    "roll": lambda x: np.roll(x, 1, axis=1),
    "flip": lambda x: np.flip(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "diff": lambda x: np.diff(x, axis=1),
    "zeros_like": lambda x: np.zeros_like(x) + 1,
    "full_like": lambda x: np.full_like(x, 2.5),
    "maximum": lambda x: np.maximum(x, A[::-1]),
    "arctan2": lambda x: np.arctan2(x, A + 3),
    "hypot": lambda x: np.hypot(x, V),
    "logaddexp": lambda x: np.logaddexp(x, 0.0),
    "isfinite": lambda x: np.isfinite(x),
    "logical_not": lambda x: np.logical_not(x > 0),
    "comparison": lambda x: np.less_equal(x, 0.25),
    "array compares": lambda x: A[0] < x,
    "round": lambda x: np.round(x, 1),
    "take": lambda x: np.take(x, [1, 0], axis=1),
    "index array": lambda x: x[np.array([1, 0, 1])],
    "mask": lambda x: x[A > 0],
    "diag": lambda x: np.diag(x),
    "tril": lambda x: np.tril(x),
    "outer": lambda x: np.outer(x[0], V),
    "negative": lambda x: np.negative(x),
    "absolute": lambda x: np.absolute(x),
    "fmax": lambda x: np.maximum(x, 0),
    "float_power": lambda x: np.power(np.abs(x), 1.5),
    "dtype=": lambda x: np.add(x, 1, dtype="float32"),
}


@pytest.mark.parametrize("name", CASES)
def test_numpy_call_means_the_same(name: str) -> None:
    build = CASES[name]
    x = T.dmatrix("x")
    node = build(x)
    assert isinstance(node, Node)
    want = build(A)
    got = node.eval({x: A})
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=2e-14, atol=1e-14)


def test_integers_promote_as_in_numpy() -> None:
    x = T.lvector("x")
    for build in (
        lambda v: v + np.float32([1, 2, 3]),
        lambda v: v / 2,
        lambda v: np.sqrt(v),
        lambda v: v + np.int8(1),
        lambda v: v * 2.5,
    ):
        want = build(I)
        got = build(x).eval({x: I})
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-15)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.fft.fft(x),
        lambda x: np.exp(x, out=np.zeros(3)),
        lambda x: np.add.at(x, 0, 1),
        lambda x: np.add.accumulate(x),
        lambda x: np.exp(x, where=np.array([True, False, True])),
        lambda x: np.frexp(x),
        lambda x: np.interp(x, V, V),
    ],
)
def test_what_has_no_symbolic_form_says_so(call) -> None:
    with pytest.raises(SymbolicError) as caught:
        call(T.dvector("x"))
    assert "numpy." in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 15


@pytest.mark.parametrize(
    "use",
    [
        bool, float, int, complex, np.asarray, np.array, np.float64,
        lambda x: [1, 2, 3][x],
        lambda x: range(x),
        lambda x: "yes" if x > 0 else "no",
        lambda x: np.zeros(3) + np.array(x),
    ],
)  # fmt: skip
def test_asking_a_symbol_for_its_value_is_an_error_with_a_cure(use) -> None:
    with pytest.raises((SymbolicError, TypeError)) as caught:
        use(T.lscalar("x"))
    assert isinstance(caught.value, SymbolicError)
    assert "Fix:" in str(caught.value)


def test_length_and_iteration_need_static_sizes() -> None:
    x = T.tensor("float64", (3, 2))
    assert len(x) == 3
    assert [row.ndim for row in x] == [1, 1, 1]
    a, _, c = x
    np.testing.assert_array_equal((a + c).eval({x: np.ones((3, 2))}), [2, 2])
    for ask in (len, iter, list):
        with pytest.raises(SymbolicError):
            ask(T.vector("x"))
    with pytest.raises(TypeError):
        len(T.scalar())


def test_equality_outside_bodies_is_identity_of_nodes() -> None:
    x, y = T.vectors("x", "y")
    assert x == x
    assert x != y
    assert {x: 1}[x] == 1
    for value in (1, 2.5, V):
        with pytest.raises(SymbolicError, match=r"T\.eq"):
            _ = x == value


@given(
    arrays.arrays(
        np.float64,
        arrays.array_shapes(max_dims=3, max_side=4, min_side=0),
        elements=st.floats(-3, 3),
    ),
    st.sampled_from([np.sum, np.mean, np.prod, np.any]),
    st.booleans(),
)
def test_reductions_of_any_array(array, reduce, keepdims) -> None:
    axis = 0
    x = T.tensor("float64", (None,) * array.ndim)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy: mean of an empty axis
        want = reduce(array, axis=axis, keepdims=keepdims)
    got = reduce(x, axis=axis, keepdims=keepdims).eval({x: array})
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    assert got.dtype == want.dtype
