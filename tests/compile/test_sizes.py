"""Sizes not settled when a function is made: checked or taken at call time."""

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.errors import SizeError

pytestmark = pytest.mark.cc
RNG = np.random.default_rng(20261121)


@pytest.fixture(params=["strict", "FAST_RUN"])
def mode(request):
    return request.param


def test_a_part_to_set_is_never_written_beyond_the_array(mode):
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = symnb.function([x, y], T.set_subtensor(x[1:], y), mode=mode)
    a = RNG.normal(size=(3, 2))
    for rows in (1, 2):  # one row broadcasts
        b = RNG.normal(size=(rows, 2))
        want = a.copy()
        want[1:] = b
        np.testing.assert_array_equal(f(a, b), want)
    for wrong in ((3, 2), (2, 3), (900, 2), (0, 2)):
        with pytest.raises(SizeError, match=r"equal sizes|empty axis"):
            f(a, np.ones(wrong))


def test_computed_sizes_may_agree_broadcast_or_be_refused(mode):
    x, y = T.dmatrix("x"), T.dmatrix("y")
    outputs = [T.exp(x.reshape((-1,))) + y.reshape((-1,))]
    outputs += T.grad((outputs[0] * outputs[0]).sum(), [x, y])
    f = symnb.function([x, y], outputs, mode=mode)
    for p, q in (((2, 3), (3, 2)), ((1, 1), (2, 3)), ((4, 2), (1, 1))):
        a, b = RNG.normal(size=p), RNG.normal(size=q)
        total, da, db = f(a, b)
        want = np.exp(a.ravel()) + b.ravel()
        np.testing.assert_allclose(total, want)
        ga = 2 * want * np.exp(a.ravel())
        np.testing.assert_allclose(da, (ga if a.size > 1 else ga.sum()).reshape(p))
        gb = 2 * want
        np.testing.assert_allclose(db, (gb if b.size > 1 else gb.sum()).reshape(q))
    with pytest.raises(SizeError, match="6 and 9"):
        f(np.ones((2, 3)), np.ones((3, 3)))
    assert f(np.ones((2, 3)), np.ones((3, 2)))[0].shape == (6,)


def test_what_is_removed_still_has_its_sizes_checked(mode):
    x, y = T.dmatrix("x"), T.dmatrix("y")
    part = T.specify_shape(y.reshape((-1,)), (x.shape[0] * x.shape[1],))
    f = symnb.function([x, y], [part * 0 + 1, x], mode=mode)
    assert f(np.ones((2, 3)), np.ones((6, 1)))[0].shape == (6,)
    with pytest.raises(SizeError, match="equal sizes"):
        f(np.ones((2, 3)), np.ones((5, 1)))


def test_gradients_alone_sum_over_sizes_known_only_when_called(mode):
    x, y = T.dmatrix("x"), T.dmatrix("y")
    total = T.sum(T.exp(x.reshape((-1,))) + T.log(y.reshape((-1,))))
    f = symnb.function([x, y], T.grad(total, [x, y]), mode=mode)
    a, b = np.ones((2, 3)), np.full((3, 2), 2.0)
    dx, dy = f(a, b)
    np.testing.assert_allclose(dx, np.exp(a))
    np.testing.assert_allclose(dy, 1 / b)
    dx, dy = f(a[:1, :1], b)
    np.testing.assert_allclose(dx, [[6 * np.e]])
    np.testing.assert_allclose(dy, 1 / b)


def test_gradients_of_parts_chosen_by_two_masks(mode):
    v, w = T.dvector("v"), T.dvector("w")
    cost = (T.exp(v[v > 0]) * (w[w > 0] + 1)).sum()
    f = symnb.function([v, w], T.grad(cost, [v, w]), mode=mode)
    a, b = np.array([1.0, -1, 2, 0]), np.array([0.5, 3.0])
    da, db = f(a, b)
    np.testing.assert_allclose(da, [np.exp(1) * 1.5, 0, np.exp(2) * 4, 0])
    np.testing.assert_allclose(db, np.exp([1, 2]))
    with pytest.raises(SizeError, match="equal sizes"):
        f(a, np.array([0.5, 3.0, 1.0]))
    assert not f(-a * a, -b)[0].any()


@pytest.mark.parametrize("shape", [(2, 3), (1, 1), (0, 3)])
def test_kron_of_a_constant_and_its_gradients(mode, shape):
    x, fixed = T.dmatrix("x"), RNG.normal(size=(4, 6))
    y = np.array([[1.0, -2], [3, 4]])
    weights = np.resize(fixed, (2 * shape[0], 2 * shape[1]))
    out = T.kron(x, T.constant(y))
    f = symnb.function([x], [out, T.grad((out * weights).sum(), x)], mode=mode)
    a = RNG.normal(size=shape)
    value, slope = f(a)
    np.testing.assert_array_equal(value, np.kron(a, y))
    blocks = weights.reshape(shape[0], 2, shape[1], 2)
    np.testing.assert_allclose(slope, np.einsum("ikjl,kl->ij", blocks, y))


def test_parts_whose_sizes_come_from_data_stay_inside_the_axis(mode):
    k, v = T.lscalar("k"), T.dvector("v")
    parts = T.split(v, T.stack([k, 4 - k]), 2)
    f = symnb.function([k, v], parts, mode=mode)
    data = np.arange(4.0)
    for cut in (0, 1, 4):
        first, second = f(cut, data)
        np.testing.assert_array_equal(first, data[:cut])
        np.testing.assert_array_equal(second, data[cut:])
    for wrong in (5, -1):
        with pytest.raises(SizeError):
            f(wrong, data)


def test_sizes_given_as_numbers_are_checked_where_a_rule_needs_them_no_more(mode):
    k, v = T.lscalar("k"), T.dvector("v")
    f = symnb.function([k, v], [T.zeros((k,)) + v, T.ones((k,)) * v], mode=mode)
    np.testing.assert_array_equal(f(3, np.ones(3)), np.ones((2, 3)))
    with pytest.raises(SizeError, match="equal sizes"):
        f(3, np.ones(5))
