"""Joins, stacks and splits against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core.dims import symbol
from symnb.core.node import Input, Node
from symnb.core.types import ANY, TensorType
from symnb.errors import RankError, ShapeError
from symnb.ops import join
from tests.ops.structure import (
    agrees,
    arrays,
    axis_of,
    check_derivatives,
    tensor,
    tensors,
    value,
)

n, m = symbol("n", 0), symbol("m", 0)


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)), st.data())
def test_concatenate_and_join(x, data) -> None:
    axis = data.draw(axis_of(x))
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [np.repeat(x[..., :], 1, axis=0) for _ in sizes]
    parts = [np.take(p, range(min(s, p.shape[axis])), axis) for p, s in
             zip(parts, sizes, strict=True)]  # fmt: skip
    agrees(lambda *a: join.concatenate(a, axis), lambda *a: np.concatenate(a, axis),
           *parts)  # fmt: skip
    agrees(lambda *a: join.join(axis, *a), lambda *a: np.concatenate(a, axis), *parts)


def test_concatenate_promotes_and_flattens() -> None:
    a, b = np.arange(3, dtype="int8"), np.arange(2.0)
    agrees(lambda *p: join.concatenate(p), lambda *p: np.concatenate(p), a, b)
    c = np.arange(6).reshape(2, 3)
    agrees(lambda *p: join.concatenate(p, None),
           lambda *p: np.concatenate(p, None), a.astype("int64"), c)  # fmt: skip


@given(arrays(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)), st.data())
def test_stacks(x, data) -> None:
    axis = data.draw(st.integers(-x.ndim - 1, x.ndim))
    agrees(lambda *a: join.stack(a, axis=axis), lambda *a: np.stack(a, axis), x, x + 50)
    agrees(lambda *a: join.stack(list(a), axis), lambda *a: np.stack(a, axis), x, x)
    agrees(join.stack, lambda *a: np.stack(a), x, x, x)
    for name in ("hstack", "vstack", "dstack"):
        agrees(lambda *a, f=name: getattr(join, f)(a),
               lambda *a, f=name: getattr(np, f)(a), x, x + 50)  # fmt: skip


def test_columns_and_theanos_stacks() -> None:
    a, b = np.arange(3), np.arange(6).reshape(3, 2)
    agrees(lambda *p: join.column_stack(p), lambda *p: np.column_stack(p), a, b)
    agrees(join.horizontal_stack, lambda *p: np.hstack(p), b, b)
    agrees(join.vertical_stack, lambda *p: np.vstack(p), b, b)
    agrees(lambda p: join.stacklists([[p, p], [p, 2 * p]]),
           lambda p: np.array([[p, p], [p, 2 * p]]), a)  # fmt: skip


def test_shapes_that_do_not_join_are_an_error() -> None:
    a, b = tensor(np.zeros((2, 3)), "a", True), tensor(np.zeros((2, 4)), "b", True)
    with pytest.raises(ShapeError, match="sizes 3 and 4 on axis 1"):
        join.concatenate([a, b], 0)
    with pytest.raises(RankError, match="2 and 1 axes"):
        join.concatenate([a, a[0]])
    with pytest.raises(RankError, match="scalar"):
        join.concatenate([1.0, 2.0])
    with pytest.raises(RankError, match="stack of tensors with 1 and 2 axes"):
        join.stack([a, a[0]])
    with pytest.raises(ShapeError, match="no tensors"):
        join.concatenate([])


def test_unknown_sizes_are_assumed_equal() -> None:
    x = Input(TensorType("float64", (n, 2)), "x")
    y = Input(TensorType("float64", (m, m)), "y")
    z = join.concatenate([x, y], 0)
    assert z.type.shape == (n + m, 2)
    assert z.op.assumes((x.type, y.type), z.params) == [(2, m)]


def parts_agree(build, reference, x) -> None:
    expected = reference(x)
    for static in (True, False):
        a = tensor(x, "a", static)
        parts = build(a)
        assert len(parts) == len(expected)
        for part, want in zip(parts, expected, strict=True):
            np.testing.assert_array_equal(value(part, [a], [x]), want, strict=True)


@given(arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)), st.data())
def test_splits(x, data) -> None:
    axis = data.draw(axis_of(x))
    cuts = data.draw(st.lists(st.integers(-5, 5), max_size=3))
    count = data.draw(st.integers(1, 4))
    if cuts:
        parts_agree(lambda a: join.split(a, cuts, axis=axis),
                    lambda a: np.split(a, cuts, axis), x)  # fmt: skip
    parts_agree(lambda a: join.array_split(a, count, axis),
                lambda a: np.array_split(a, count, axis), x)  # fmt: skip
    if x.shape[axis] % count == 0:
        parts_agree(lambda a: join.split(a, count, axis=axis),
                    lambda a: np.split(a, count, axis), x)  # fmt: skip


def test_theanos_split_takes_the_sizes_of_the_parts() -> None:
    x = np.arange(7)
    parts_agree(lambda a: join.split(a, [2, 4, 1], 3), lambda a: np.split(a, [2, 6]), x)
    a = tensor(x, "a", True)
    with pytest.raises(ShapeError, match="sum to 6"):
        join.split(a, [2, 4], 2)
    with pytest.raises(ShapeError, match="2 equal parts"):
        join.split(a, 2)


def test_unstack_needs_a_known_size() -> None:
    x = np.arange(6).reshape(2, 3)
    a = tensor(x, "a", True)
    columns = join.unstack(a, 1)
    assert [value(c, [a], [x]).tolist() for c in columns] == x.T.tolist()
    with pytest.raises(ShapeError, match="symbolic"):
        join.unstack(tensor(x), 0)


def test_derivatives() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 3)), random.standard_normal((2, 1))
    check_derivatives(lambda a, b: join.concatenate([a, b, a * b], 1), x, y)
    check_derivatives(lambda a: join.stack([a, 2 * a], 1), x)


def test_one_tangent_is_enough() -> None:
    x, y = tensors([np.zeros(2), np.zeros(3)])
    z = join.concatenate([x, y])
    dz = z.op.jvp(z, [None, y])
    found = value(dz, [x, y], [np.zeros(2), np.ones(3)])
    assert found.tolist() == [0, 0, 1, 1, 1]


def test_a_pattern_keeps_params_as_they_are() -> None:
    hole = Node(tensor(0.0).op, (), (), ANY)
    assert join.concatenate([hole, hole], 1).params == (1,)
