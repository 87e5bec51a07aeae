"""Order against NumPy: sort, argsort, topk, unique, searchsorted, bincount."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.compile.function import function
from symnb.core.node import Input
from symnb.core.types import TensorType
from symnb.errors import AxisError, DTypeError, RankError, ShapeError, SymnbError
from symnb.ops import sort
from tests.ops.structure import agrees, axis_of, check_derivatives, tensor, value

DTYPES = ("float32", "float64", "int8", "uint16", "int64", "bool")
shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
few = st.sampled_from([0, 1, 2, 3])
special = np.array([np.nan, 1.0, -np.inf, 0.0, np.nan, -0.0, 1.0, np.inf])


@st.composite
def tensors_with_ties(draw):
    """Arrays of few distinct values, floats with NaN, infinities and both zeros."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(shapes)
    if dtype.startswith("float"):
        return draw(
            hnp.arrays(dtype, shape, elements=st.sampled_from(special.tolist()))
        )
    return draw(hnp.arrays("int64", shape, elements=few)).astype(dtype)


@given(tensors_with_ties(), st.data())
def test_sort_and_argsort(x, data) -> None:
    axis = data.draw(st.none() | axis_of(x))
    agrees(lambda a: sort.sort(a, axis), lambda a: np.sort(a, axis, kind="stable"), x)
    agrees(
        lambda a: sort.argsort(a, axis), lambda a: np.argsort(a, axis, kind="stable"), x
    )


def test_sort_passes_gradients_to_where_elements_came_from() -> None:
    x = np.random.default_rng(3).permutation(np.arange(12.0)).reshape(3, 4)
    for axis in (0, 1, None):
        check_derivatives(lambda a, k=axis: sort.sort(a, k) ** 2, x)
    check_derivatives(lambda a: sort.topk(a, 2, 0), x)


def test_what_cannot_be_sorted() -> None:
    with pytest.raises(RankError, match="no order"):
        sort.sort(1.0)
    with pytest.raises(AxisError):
        sort.argsort(tensor(special), 1)
    with pytest.raises(ValueError, match="kind"):
        sort.sort(tensor(special), kind="bogo")


# ------------------------------------------------------------------------- topk


@given(tensors_with_ties().filter(lambda x: x.size), st.data())
def test_topk(x, data) -> None:
    axis = data.draw(axis_of(x))
    n = x.shape[axis]
    k = data.draw(st.integers(1, n)) * data.draw(st.sampled_from([1, -1]))
    part = slice(0, -k) if k < 0 else slice(n - k, n)

    def reference(a):
        ordered = np.sort(a, axis)[(slice(None),) * (axis % a.ndim) + (part,)]
        return ordered if k < 0 else np.flip(ordered, axis)

    agrees(lambda a: sort.topk(a, k, axis), reference, x)
    a = tensor(x)
    places = value(sort.argtopk(a, k, axis), [a], [x])
    np.testing.assert_array_equal(np.take_along_axis(x, places, axis), reference(x))


def test_topk_has_limits() -> None:
    with pytest.raises(ShapeError, match="topk of 0"):
        sort.topk(tensor(special), 0)
    with pytest.raises(ShapeError, match="topk of 9 of 8"):
        sort.topk(tensor(special, static=True), 9)
    with pytest.raises(ShapeError):
        a = tensor(special)
        value(sort.topk(a, 9), [a], [special])
    agrees(
        lambda a: sort.argtopk(a, 2, idx_dtype="int32"),
        lambda a: np.array([2, 1], "int32"), np.arange(3.0),
    )  # fmt: skip


@pytest.mark.cc
def test_topk_of_a_number_known_while_running() -> None:
    a, k = tensor(special), Input(TensorType("int64", ()), "k")
    f = function([a, k], sort.topk_and_argtopk(a, k))
    values, places = f(np.array([3.0, 1.0, 2.0]), 2)
    assert values.tolist() == [3, 2] and places.tolist() == [0, 2]
    with pytest.raises(SymnbError):
        f(np.array([3.0, 1.0, 2.0]), 4)


# ----------------------------------------------------------------------- unique


@settings(max_examples=12)
@given(tensors_with_ties())
def test_unique(x) -> None:
    options = {"return_index": True, "return_inverse": True, "return_counts": True}
    for at in range(4):
        agrees(
            lambda a, k=at: sort.unique(a, **options)[k],
            lambda a, k=at: np.asarray(np.unique(a, **options)[k]).reshape(-1),
            x,
        )
    agrees(sort.unique, np.unique, x)


@settings(max_examples=8)
@given(
    hnp.arrays(
        "int64",
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3),
        elements=few,
    ),
    st.data(),
)
def test_unique_slices(x, data) -> None:
    axis = data.draw(axis_of(x))
    options = {"return_index": True, "return_inverse": True, "return_counts": True}
    for at in range(4):
        agrees(
            lambda a, k=at: sort.unique(a, axis=axis, **options)[k],
            lambda a, k=at: np.unique(a, axis=axis, **options)[k],
            x,
        )


def test_unique_elements_pass_their_gradient_to_the_first_of_each() -> None:
    check_derivatives(lambda a: sort.unique(a) ** 2, np.array([3.0, 1.0, 2.0, 5.0]))


# ----------------------------------------------------------------- search and count


@given(tensors_with_ties(), st.data())
def test_searchsorted(v, data) -> None:
    line = np.sort(data.draw(hnp.arrays(v.dtype, data.draw(st.integers(0, 5)))))
    side = data.draw(st.sampled_from(["left", "right"]))
    agrees(
        lambda a, b: sort.searchsorted(a, b, side),
        lambda a, b: np.searchsorted(a, b, side), line, v,
    )  # fmt: skip
    mixed = data.draw(st.permutations(list(line)))
    mixed = np.array(mixed, line.dtype)
    agrees(
        lambda a, b: a.searchsorted(b, side, a.argsort()),
        lambda a, b: np.searchsorted(a, b, side, np.argsort(a)), mixed, v,
    )  # fmt: skip


def test_searchsorted_says_what_it_takes() -> None:
    with pytest.raises(RankError, match="vector"):
        sort.searchsorted(tensor(np.zeros((2, 2))), 1)
    with pytest.raises(ValueError, match="side"):
        sort.searchsorted(tensor(special), 1, "middle")


@given(hnp.arrays("int64", st.integers(0, 6), elements=st.integers(0, 7)), st.data())
def test_bincount(x, data) -> None:
    least = data.draw(st.integers(0, 9))
    weights = np.linspace(-1, 1, len(x))
    agrees(
        lambda a: sort.bincount(a, minlength=least),
        lambda a: np.bincount(a, minlength=least), x,
    )  # fmt: skip
    agrees(
        lambda a, w: sort.bincount(a, w, least),
        lambda a, w: np.bincount(a, w, least).astype(float), x, weights,
    )  # fmt: skip


def test_bincount_refuses_negative_numbers_and_floats() -> None:
    a = tensor(np.zeros(2, "int64"))
    with pytest.raises(ValueError, match="negative"):
        value(sort.bincount(a), [a], [np.array([1, -1])])
    with pytest.raises(DTypeError, match="integers"):
        sort.bincount(tensor(special))


@given(
    hnp.arrays("int64", st.tuples(st.integers(1, 3), st.integers(0, 5)), elements=few)
)
def test_lexsort(keys) -> None:
    agrees(sort.lexsort, np.lexsort, keys)
