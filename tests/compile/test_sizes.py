"""Sizes not settled when a function is made: checked or taken at call time."""

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.errors import ShapeError, SizeError

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
    with pytest.raises((SizeError, ShapeError)):  # one row does not become three
        f(a[:2], np.ones((3, 2)))


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
    with pytest.raises(SizeError, match="size of 6 is needed; this call has 5"):
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


# --------------------------------------------------------------- sizes that turn out 1


def test_a_computed_size_that_is_1_broadcasts(mode):
    x, y = T.dvector("x"), T.dmatrix("y")
    f = symnb.function([x, y], [x[1:] + y, T.grad((x[1:] * y).sum(), x)], mode=mode)
    b = RNG.normal(size=(3, 2))
    for size in (2, 3, 2):
        a = RNG.normal(size=size)
        total, slope = f(a, b)
        np.testing.assert_array_equal(total, a[1:] + b)
        want = b.sum(0) if size == 3 else [b.sum()]
        np.testing.assert_allclose(slope, [0, *want])
    with pytest.raises(SizeError, match="3 and 2"):
        f(np.ones(4), b)


# ------------------------------------------------------------ what failed, and where


def refused(kind, f, *args):
    with pytest.raises(kind) as caught:
        f(*args)
    text = str(caught.value)
    assert text.startswith("f: ") and len(text.splitlines()) <= 15
    assert "test_sizes.py, line" in text and "\nFix: " in text
    return text


k, v, w = T.lscalar("k"), T.dvector("v"), T.lvector("w")
LATE = {  # what the user types, two calls that fail, what is said
    "T.reshape(v, (k, 2))": (4, 5, "6 and"),
    "T.broadcast_to(v, (2, k))": (4, 0, "and 6"),
    "T.eye(k)": (-3, -1, "a size is negative: -"),
    "T.zeros((k, 2))": (-3, -(2**63), "a size is negative: -"),
    "T.tile(v, k)": (-1, -2, "a size is negative: -"),
    "v[v > 0] + T.arange(k)": (7, 2, "5 and"),
    "T.arange(k) * v": (5, 7, " and 6"),
    "T.alloc(1.0, k, k)": (2**33, 2**63 - 1, "more than 2**62 bytes"),
    "T.sort(T.tile(v, k))": (2**61, 2**45, "bytes"),
    "T.sort(T.arange(k))": (2**61, 2**58, "bytes"),
    "T.zeros((k, 0))": (2**63 - 1, 2**62, "more than 2**62 bytes"),
}


@pytest.mark.parametrize("typed", LATE)
def test_sizes_of_a_running_call_name_the_user_s_line(mode, typed):
    first, second, words = LATE[typed]
    kinds = (SizeError, MemoryError)
    y = eval(compile(f"\n\n{typed}", __file__, "eval"))
    f = symnb.function([k, v], y, mode=mode, on_unused_input="ignore", name="f")
    for wrong in (first, second):
        assert words in refused(kinds, f, wrong, np.arange(6.0))
    again = symnb.function([k, v], y, mode=mode, on_unused_input="ignore", name="f")
    assert words in refused(kinds, again, first, np.arange(6.0))  # from the cache


def test_the_place_is_that_of_the_size_which_failed(mode):
    first = T.reshape(v, (k, 2)).sum()
    second = T.reshape(v, (k, 3)).sum()
    f = symnb.function([k, v], [first, second], mode=mode, name="f")
    assert "T.reshape(v, (k, 2))" in refused(SizeError, f, 2, np.ones(6))
    assert "T.reshape(v, (k, 3))" in refused(SizeError, f, 3, np.ones(6))
    assert [float(total) for total in f(0, np.ones(0))] == [0, 0]


def test_a_size_that_turns_out_1_while_running_says_the_way_out(mode):
    y = v[v > 4]
    f = symnb.function([v, w], y + w, mode=mode, name="f")
    a = np.arange(6.0)
    said = refused(SizeError, f, a, [1, 2, 3])
    assert "T.addbroadcast(y, axis)" in said and "y + w" in said
    for out in (T.addbroadcast(y, 0), y.reshape((1,))):
        g = symnb.function([v, w], out + w, mode=mode)
        np.testing.assert_array_equal(g(a, [1, 2, 3]), [6.0, 7, 8])


HUGE = 2**40
NONE = np.zeros((HUGE, 0)), np.zeros((0, HUGE))


def test_empty_arrays_whose_product_is_larger_than_any_memory(mode):
    x, y = T.dmatrix("x"), T.dmatrix("y")
    z = T.dot(x, y)
    for out in (T.exp(z).sum(), T.sort(z, 0).sum(), z.reshape((-1,)), [z, z.T + 1]):
        f = symnb.function([x, y], out, mode=mode, name="f")
        with pytest.raises(MemoryError, match="bytes"):
            f(*NONE)
    f = symnb.function([x, y], T.dot(y, x), mode=mode)
    assert f(NONE[0][:, :0], NONE[1][:0]).shape == (0, 0)
