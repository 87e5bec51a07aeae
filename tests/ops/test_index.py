"""Indexing by arrays and masks against NumPy, read and written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.compile.function import function
from symnb.core.dims import symbol
from symnb.core.node import Constant, Input
from symnb.core.types import TensorType
from symnb.errors import AxisError, DTypeError, RankError, ShapeError, SizeError
from symnb.gradient import grad
from symnb.ops import masks, selection, subtensor
from symnb.ops.create import arange
from tests.ops.structure import (
    agrees,
    arrays,
    axis_of,
    check_derivatives,
    tensor,
    tensors,
    value,
)

x = np.arange(24.0).reshape(2, 3, 4)
filled = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


@st.composite
def indices(draw, shape) -> tuple:
    """An index of an array of `shape`: integers, slices, None, arrays and masks."""
    items, axis = [], 0
    common = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    while axis < len(shape):
        n = shape[axis]
        kind = draw(st.sampled_from(["int", "slice", "none", "array", "array", "mask"]))
        if kind == "mask" and any(isinstance(i, np.ndarray) for i in items):
            kind = "slice"  # a mask's count would have to fit the arrays
        if kind == "int":
            items.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            items.append(draw(st.slices(n)))
        elif kind == "none":
            items.append(None)
            continue
        elif kind == "array":
            shapes = [common, common[1:], tuple(1 for _ in common)]
            one = draw(st.sampled_from(shapes))
            items.append(
                draw(hnp.arrays("int64", one, elements=st.integers(-n, n - 1)))
            )
        else:
            count = draw(st.integers(1, len(shape) - axis))
            items.append(draw(hnp.arrays("bool", shape[axis : axis + count])))
            axis += count
            items += [slice(None)] * (len(shape) - axis)
            break
        axis += 1
    if draw(st.booleans()):
        while items and isinstance(items[-1], slice) and items[-1] == slice(None):
            items.pop()
        return (*items, Ellipsis)
    return tuple(items)


def symbolic(index, static: bool):
    """The index with its arrays as inputs, and these inputs with their values."""
    nodes = {
        i: tensor(item, f"i{i}_", static)
        for i, item in enumerate(index)
        if isinstance(item, np.ndarray)
    }
    items = tuple(nodes.get(i, item) for i, item in enumerate(index))
    return items, list(nodes.values()), [index[i] for i in nodes]


def reads_as_numpy(array, index, static: bool) -> None:
    items, leaves, values = symbolic(index, static)
    a = tensor(array, "a", static)
    found = value(a[items], [a, *leaves], [array, *values])
    np.testing.assert_array_equal(found, array[index], strict=True)


def writes_as_numpy(array, index, static: bool, scale: int) -> None:
    items, leaves, values = symbolic(index, static)
    a, part = tensor(array, "a", static), array[index]
    y = np.asarray(np.arange(part.size).reshape(part.shape) * scale + 100)
    for method in ("set", "inc"):
        expected = array.copy()
        if method == "set":
            expected[index] = y
        else:
            np.add.at(expected, index, y)
        found = value(getattr(a[items], method)(y), [a, *leaves], [array, *values])
        np.testing.assert_array_equal(found, expected, strict=True)


@given(arrays(filled), st.data(), st.booleans())
def test_any_index_reads_as_in_numpy(array, data, static) -> None:
    reads_as_numpy(array, data.draw(indices(array.shape)), static)


@given(arrays(filled), st.data(), st.booleans(), st.integers(0, 1))
def test_any_index_is_written_as_in_numpy(array, data, static, scale) -> None:
    writes_as_numpy(array, data.draw(indices(array.shape)), static, scale)


MIXED = [
    np.s_[0, :, [0, 1]],
    np.s_[:, [0, 2], None, [1, 1]],
    np.s_[[0, 1], :, [1, 2]],
    np.s_[1, [0, 1]],
    np.s_[..., [2, 0]],
    np.s_[[[0], [1]], [0, 2], ::-1],
    np.s_[None, [1], None],
    np.s_[::-1, 1:, [0, -1]],
    x > 7,
    (slice(None), x[0] > 3),
    (0, x[0, :, 0] > 3),
]


@pytest.mark.parametrize("index", MIXED, ids=str)
def test_arrays_mix_with_slices_by_the_rules_of_numpy(index) -> None:
    agrees(lambda a: a[index], lambda a: a[index], x)


def test_derivatives_of_reading_and_writing() -> None:
    part = np.linspace(1, 2, 12).reshape(3, 4)
    check_derivatives(lambda a: a[:, [0, 1, 0], 1:3], x)
    check_derivatives(lambda a: a[a > 7.5] ** 2, x)
    check_derivatives(lambda a, b: a[1, [0, 2, 0]].set(b), x, part)
    check_derivatives(lambda a, b: a[1, [0, 2, 0]].inc(b), x, part)
    check_derivatives(lambda a, b: a[:, None, [0, 0]].set(b), x, x[:, None, :2])
    check_derivatives(lambda a, b: a[a > 20.5].set(b), x, part[0, :3])
    check_derivatives(lambda a, b: a[:1, 1:].inc(b), x, part[0])


def test_an_overwritten_value_has_no_gradient() -> None:
    a, b = tensors([np.zeros(3), np.ones(2)])
    written, g = a[[1, 1]].set(b), np.array([5.0, 6.0, 7.0])
    leaves = [a, b, tensor(g, "g")]
    gradient = written.op.vjp(written, leaves[2], None)[1]
    found = value(gradient, leaves, [np.zeros(3), np.ones(2), g])
    np.testing.assert_array_equal(found, [0.0, 6.0])


# -------------------------------------------------------------------------- bounds


@pytest.mark.parametrize("place", [5, -6, 7])
def test_an_index_out_of_range_is_named_while_running(place) -> None:
    a, i = tensor(np.zeros(5)), Input(TensorType("int64", ()), "i")
    line = tensor(np.zeros(1, "int64"), "k")
    for node, leaf, at in ((a[i], i, place), (a[line], line, [place])):
        with pytest.raises(
            IndexError, match=f"index {place} is out of bounds for axis"
        ):
            value(node, [a, leaf], [np.zeros(5), np.asarray(at)])
    with pytest.raises(IndexError, match=f"index {place} is out of bounds"):
        value(a[line].inc(1.0), [a, line], [np.zeros(5), np.array([place])])


def test_integers_of_every_dtype_index() -> None:
    for dtype in ("int8", "uint8", "int32", "uint64"):
        at = np.array([1, 0, 1], dtype)
        agrees(lambda a, i: a[i], lambda a, i: a[i], x, at)
        agrees(lambda a, i: a[i[0]], lambda a, i: a[i[0]], x, at)


def test_lists_and_empty_lists_index() -> None:
    agrees(lambda a: a[[]], lambda a: a[[]], x)
    agrees(lambda a: a[[[1, 0]]], lambda a: a[[[1, 0]]], x)


def test_what_is_no_index_is_refused() -> None:
    a = tensor(x)
    with pytest.raises(DTypeError, match="integers, not f64"):
        a[tensor(np.zeros(2))]
    with pytest.raises(AxisError, match="4 indices"):
        a[tensor(x > 0), 1]
    with pytest.raises(DTypeError, match="a bool is no index"):
        a[True]


# --------------------------------------------------------------------------- masks


def test_a_mask_of_another_size_is_an_error() -> None:
    a, mask = tensor(x, "a"), tensor(np.ones(2, "bool"), "m")
    part = a[:, :, mask]
    with pytest.raises((ShapeError, ValueError)):
        value(part, [a, mask], [x, np.ones(2, "bool")])
    with pytest.raises(ShapeError):
        tensor(x, static=True)[np.array([True, False, True])]


def test_one_mask_gives_one_size() -> None:
    same = Input(TensorType("float64", (symbol("n", 0),)), "s")
    chosen = same > 0
    difference = same[chosen] - (2 * same)[chosen]
    assert difference.type.shape == same[chosen].type.shape


@given(hnp.arrays("int8", hnp.array_shapes(max_dims=3, min_side=0, max_side=3)))
def test_nonzero_and_its_relations(array) -> None:
    agrees(masks.flatnonzero, np.flatnonzero, array)
    agrees(selection.nonzero_values, lambda a: a[a != 0], array)
    agrees(masks.argwhere, np.argwhere, array)
    agrees(lambda a: a.nonzero(True), lambda a: np.stack(np.nonzero(a)), array)
    for axis in range(array.ndim):
        agrees(
            lambda a, k=axis: a.nonzero()[k], lambda a, k=axis: a.nonzero()[k], array
        )


def test_nan_counts_as_nonzero_and_a_scalar_has_no_places() -> None:
    special = np.array([np.nan, -0.0, np.inf, 5e-324])
    agrees(masks.flatnonzero, np.flatnonzero, special)
    with pytest.raises(RankError):
        masks.nonzero(1.0)


# ------------------------------------------------------------------------- writing


def test_the_whole_tensor_is_a_part_of_itself() -> None:
    agrees(lambda a: a[:].set(3), lambda a: np.full_like(a, 3), x)
    agrees(lambda a: a[...].inc(a), lambda a: a + a, x)


def test_a_part_of_a_part_is_written_into_that_part() -> None:
    agrees(
        lambda a: a[1][0].set(7), lambda a: np.vstack([a[1][0] * 0 + 7, a[1][1:]]), x
    )


def test_broadcast_values_and_extra_leading_ones() -> None:
    agrees(
        lambda a: subtensor.set_subtensor(a[:, [0, 2]], np.ones((1, 1, 1, 4))),
        lambda a: np.stack([np.where([[True], [False], [True]], 1, b) for b in a]),
        x,
    )


def test_values_are_cast_within_their_kind_only() -> None:
    a = tensor(np.zeros(3, "int32"))
    assert a[[0]].set(2).dtype == "int32"
    assert a[[0]].inc(np.int64(2)).dtype == "int32"
    for wrong in (1.5, np.float32(1), tensor(np.zeros(1), "y")):
        with pytest.raises(DTypeError, match="Fix: cast"):
            a[[0]].set(wrong)
    with pytest.raises(DTypeError):
        tensor(np.zeros(3, "uint8"))[[0]].set(300)
    assert tensor(np.zeros(3, "float32"))[0].set(np.pi).dtype == "float32"


def test_a_value_of_the_wrong_shape_is_an_error() -> None:
    with pytest.raises(ShapeError):
        tensor(x, static=True)[:, [0, 1]].set(np.ones((3, 4)))
    with pytest.raises(ShapeError):
        tensor(x, static=True)[0, 1:].set(np.ones((2, 2, 4)))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (3, 3, 3), (0, 2)])
def test_fill_diagonal(shape) -> None:
    array = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)

    def reference(a):
        a = a.copy()
        for i in range(min(a.shape)):
            a[(i,) * a.ndim] = 9
        return a

    agrees(lambda a: subtensor.fill_diagonal(a, 9), reference, array)


@pytest.mark.parametrize("offset", [-3, -1, 0, 2, 4])
def test_fill_diagonal_offset(offset) -> None:
    where = np.eye(3, 4, offset, dtype=bool)
    agrees(
        lambda a: subtensor.fill_diagonal_offset(a, -1, offset),
        lambda a: np.where(where, -1.0, a),
        x[0],
    )


def test_fill_diagonal_has_a_gradient_for_both() -> None:
    check_derivatives(lambda a, b: subtensor.fill_diagonal(a, b), x[0], np.array(2.0))


def test_to_one_hot() -> None:
    labels = np.array([2, 0, 1, 2], "int8")
    agrees(lambda y: subtensor.to_one_hot(y, 3), lambda y: np.eye(3)[y], labels)
    agrees(
        lambda y: subtensor.to_one_hot(y, 3, "int32"),
        lambda y: np.eye(3, dtype="int32")[y],
        labels.reshape(2, 2),
    )


# ----------------------------------------------------------------------- selection


@given(arrays(filled), st.data(), st.sampled_from(["raise", "wrap", "clip"]))
def test_take(array, data, mode) -> None:
    axis = data.draw(st.none() | axis_of(array))
    n = array.size if axis is None else array.shape[axis]
    low, high = (-n, n - 1) if mode == "raise" else (-2 * n, 2 * n)
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    at = data.draw(hnp.arrays("int64", shape, elements=st.integers(low, high)))
    agrees(
        lambda a, i: a.take(i, axis, mode), lambda a, i: a.take(i, axis, mode=mode),
        array, at,
    )  # fmt: skip


@given(arrays(filled), st.data())
def test_take_and_put_along_axis(array, data) -> None:
    axis = data.draw(axis_of(array))
    n, shape = array.shape[axis], list(array.shape)
    shape[axis] = data.draw(st.integers(0, 4))
    at = data.draw(hnp.arrays("int64", shape, elements=st.integers(-n, n - 1)))
    agrees(
        lambda a, i: selection.take_along_axis(a, i, axis),
        lambda a, i: np.take_along_axis(a, i, axis), array, at,
    )  # fmt: skip

    def put(a, i):
        a = a.copy()
        np.put_along_axis(a, i, 77, axis)
        return a

    agrees(lambda a, i: selection.put_along_axis(a, i, 77, axis), put, array, at)


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choose(mode) -> None:
    at = np.array([[0, 1, 1, 0], [1, 1, 0, 0]]) + (0 if mode == "raise" else 2)
    agrees(
        lambda i, a, b: selection.choose(i, [a, b], mode),
        lambda i, a, b: np.choose(i, [a, b], mode=mode), at, x[0, :2], x[0, 2],
    )  # fmt: skip
    agrees(
        lambda i, a: i.choose(a, mode), lambda i, a: np.choose(i, a, mode=mode),
        at[0], x[:, 0],
    )  # fmt: skip


def test_choose_refuses_negative_entries() -> None:
    i = tensor(np.array([-1]), "i")
    with pytest.raises(IndexError):
        value(selection.choose(i, [1.0, 2.0]), [i], [np.array([-1])])


@pytest.mark.parametrize(
    ("mask", "axis"), [([1, 0, 1], 1), ([0, 1], 0), ([1] * 9, None)]
)
def test_compress(mask, axis) -> None:
    mask = np.array(mask, bool)
    agrees(
        lambda c, a: a.compress(c, axis), lambda c, a: np.compress(c, a, axis), mask, x
    )


@given(st.permutations(range(5)))
def test_permutations_of_rows(order) -> None:
    order, rows = np.array(order), np.arange(10).reshape(2, 5)
    agrees(selection.inverse_permutation, np.argsort, order)
    agrees(selection.permute_row_elements, lambda a, p: a[:, p], rows, order)
    agrees(
        lambda a, p: selection.permute_row_elements(a, p, inverse=True),
        lambda a, p: a[:, np.argsort(p)], rows, order,
    )  # fmt: skip


def test_flat_positions_and_back() -> None:
    flat = np.array([[0, 23], [7, 12]])
    for axis in range(3):
        agrees(
            lambda i, k=axis: selection.unravel_index(i, (2, 3, 4))[k],
            lambda i, k=axis: np.unravel_index(i, (2, 3, 4))[k],
            flat,
        )
    agrees(
        lambda a, b, c: selection.ravel_multi_index((a, b, c), (2, 3, 4)),
        lambda a, b, c: np.ravel_multi_index((a, b, c), (2, 3, 4)),
        *np.unravel_index(flat, (2, 3, 4)),
    )
    agrees(
        lambda a: selection.slice_at_axis(a, slice(1, None), 1), lambda a: a[:, 1:], x
    )


def test_constants_are_indexed_when_the_graph_is_built() -> None:
    places = masks.flatnonzero(Constant(np.array([True, False, True])))
    assert places.type.shape == (2,)
    agrees(lambda a: a[[True, False, True]], lambda a: a[[True, False, True]], x[0])
    agrees(lambda a: a[arange(2)], lambda a: a[:2], x[0])


# ------------------------------------------------------------------------ compiled


@pytest.mark.cc
def test_compiled_code_reads_and_writes_as_numpy_does() -> None:
    a = tensor(x, "a")
    parts = [a[index] for index in MIXED]
    f = function(
        [a], [*parts, *(p.set(p * 2) for p in parts), *(p.inc(1) for p in parts)]
    )
    results = iter(f(x))
    for index in MIXED:
        np.testing.assert_array_equal(next(results), x[index], strict=True)
    for write in (
        lambda b, i: b.__setitem__(i, b[i] * 2),
        lambda b, i: np.add.at(b, i, 1),
    ):
        for index in MIXED:
            expected = x.copy()
            write(expected, index)
            np.testing.assert_array_equal(next(results), expected, strict=True)


@pytest.mark.cc
def test_a_compiled_index_out_of_range_is_named() -> None:
    a, i = tensor(np.zeros(5), "a"), tensor(np.zeros(2, "int64"), "i")
    f, g = function([a, i], a[i] * 2), function([a, i], a[i].inc(1.0))
    for call in (f, g):
        for place in (5, -6):
            with pytest.raises(IndexError, match=f"index {place} is out of bounds"):
                call(np.zeros(5), np.array([0, place]))
        assert call(np.zeros(5), np.array([4, -5])).sum() in (0, 2)


@pytest.mark.cc
def test_a_compiled_mask_gives_another_size_at_each_call() -> None:
    a, m = tensor(np.zeros(5), "a"), tensor(np.zeros(5, "bool"), "m")
    f = function([a, m], [a[m] - 2 * a[m], a[m].set(-1), a[a > 2].sum()])
    line = np.arange(5.0)
    for mask in (line > 2, line > 9, line >= 0):
        read, written, total = f(line, mask)
        np.testing.assert_array_equal(read, -line[mask])
        np.testing.assert_array_equal(written, np.where(mask, -1, line))
        assert total == 7
    with pytest.raises(SizeError, match="m"):
        f(line, np.ones(4, "bool"))


@pytest.mark.cc
def test_the_gradient_of_an_embedding_adds_up_repeated_rows() -> None:
    table, rows = tensor(x[0], "w"), tensor(np.zeros(3, "int64"), "i")
    f = function([table, rows], grad((table[rows] ** 2).sum(), table))
    expected = np.zeros((3, 4))
    np.add.at(expected, [2, 0, 2], 2 * x[0][[2, 0, 2]])
    np.testing.assert_array_equal(f(x[0], np.array([2, 0, -1])), expected)


def test_all_of_a_part_is_a_part_of_the_part() -> None:
    inner = Constant(np.arange(3.0))[1:]
    np.testing.assert_array_equal(value(inner[:].set(0.0)), [0, 0])
    np.testing.assert_array_equal(value(inner[:].inc(inner)), [2, 4])
