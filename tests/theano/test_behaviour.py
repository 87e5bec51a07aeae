"""What Theano's documentation promises of functions, state, gradients and tensors."""

import pickle

import numpy as np
import pytest

import symnb as theano
import symnb.tensor as T
from symnb.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    SymnbError,
    UnusedInputError,
)
from symnb.ifelse import ifelse
from symnb.sandbox.rng_mrg import MRG_RandomStreams
from symnb.tensor.shared_randomstreams import RandomStreams

# ------------------------------------------------------------------------ function


def test_result_has_the_form_outputs_were_given_in(device) -> None:
    x = T.dscalar("x")
    assert theano.function([x], x)(1).shape == ()
    assert theano.function([x], [x])(1) == [1.0]
    assert theano.function([x], {"a": x, "b": 2 * x})(1) == {"a": 1.0, "b": 2.0}
    assert theano.function([], [])() == []
    assert theano.function([], None)() is None


def test_updates_are_simultaneous_and_outputs_see_old_values(device) -> None:
    a, b = theano.shared(1.0, "a"), theano.shared(2.0, "b")
    f = theano.function([], [a, b], updates=[(a, b), (b, a + b)])
    assert f() == [1.0, 2.0]
    assert (a.get_value(), b.get_value()) == (2.0, 3.0)
    assert f() == [2.0, 3.0]


def test_updates_may_be_a_dict_or_ordered_pairs(device) -> None:
    s = theano.shared(np.zeros(2), "s")
    theano.function([], updates={s: s + 1})()
    theano.function([], updates=[(s, s * 3)])()
    np.testing.assert_array_equal(s.get_value(), [3.0, 3.0])
    theano.function([], updates=[(s, [7.0, 8.0])])()
    np.testing.assert_array_equal(s.get_value(), [7.0, 8.0])


def test_update_may_change_the_size_of_the_state(device) -> None:
    s = theano.shared(np.ones(1), "s")
    grow = theano.function([], s.sum(), updates=[(s, T.concatenate([s, s]))])
    assert [grow() for _ in range(4)] == [1.0, 2.0, 4.0, 8.0]
    assert s.get_value().shape == (16,)


def test_set_value_with_another_size_is_used_by_compiled_functions(device) -> None:
    s = theano.shared(np.ones(3), "s")
    f = theano.function([], s * 2)
    assert f().shape == (3,)
    s.set_value(np.arange(5.0))
    np.testing.assert_array_equal(f(), [0, 2, 4, 6, 8])


def test_givens_replace_inner_expressions_and_inputs(device) -> None:
    x, y = T.dvector("x"), T.dvector("y")
    z = x * 2
    out = z + 1
    f = theano.function([y], out, givens={z: y})
    np.testing.assert_array_equal(f([3.0]), [4.0])
    data = theano.shared(np.arange(6.0).reshape(3, 2), "data")
    i = T.lscalar("i")
    row = T.dvector("row")
    g = theano.function([i], row.sum(), givens={row: data[i]})
    assert [float(g(k)) for k in range(3)] == [1.0, 5.0, 9.0]


def test_minibatches_of_a_shared_data_set(device) -> None:
    data = theano.shared(np.arange(20.0).reshape(10, 2), "data")
    x, index = T.dmatrix("x"), T.lscalar("index")
    size = 4
    f = theano.function(
        [index], x.sum(axis=0), givens={x: data[index * size : (index + 1) * size]}
    )
    full = np.arange(20.0).reshape(10, 2)
    for k in range(3):
        np.testing.assert_array_equal(f(k), full[k * 4 : k * 4 + 4].sum(axis=0))


def test_default_updates_may_be_turned_off(device) -> None:
    s = theano.shared(0.0, "s")
    s.default_update = s + 1
    f = theano.function([], s * 1)
    assert [f(), f()] == [0.0, 1.0]
    g = theano.function([], s * 1, no_default_updates=True)
    assert [g(), g()] == [2.0, 2.0]
    h = theano.function([], s * 1, updates=[(s, s + 10)])  # goes before the default
    assert [h(), h()] == [2.0, 12.0]
    k = theano.function([], s * 1, no_default_updates=[s])
    assert [k(), k()] == [22.0, 22.0]


def test_arguments_by_keyword_default_and_shared_default(device) -> None:
    x, y = T.dscalars("x", "y")
    state = theano.shared(5.0, "state")
    f = theano.function([x, theano.In(y, value=state, update=y + x)], x * y)
    assert f(2) == 10.0
    assert state.get_value() == 7.0
    assert f(x=1, y=3) == 3.0
    with pytest.raises(ArgumentError):
        f()


def test_in_options_strict_and_downcast(device) -> None:
    x = T.fvector("x")
    double = np.array([1.0, 2.0])
    with pytest.raises(ArgumentError):
        theano.function([x], x)(double)
    loose = theano.function([theano.In(x, allow_downcast=True)], x)
    assert loose(double).dtype == np.float32
    assert theano.function([x], x, allow_input_downcast=True)(double).shape == (2,)
    with pytest.raises(ArgumentError):
        theano.function([theano.In(x, strict=True)], x)([1.0])


def test_results_are_the_callers_own(device) -> None:
    s = theano.shared(np.ones(3), "s")
    x = T.dvector("x")
    f = theano.function([x], [x, s, T.zeros(2), x], updates=[(s, s + 1)])
    argument = np.ones(3)
    first = f(argument)
    for value in first:
        value[...] = 99
    np.testing.assert_array_equal(argument, 1)
    np.testing.assert_array_equal(s.get_value(), 2)
    np.testing.assert_array_equal(f(argument)[2], 0)
    assert not np.shares_memory(first[0], first[3])


def test_function_of_only_constants(device) -> None:
    f = theano.function([], T.constant([1.0, 2.0]) * 2)
    np.testing.assert_array_equal(f(), [2.0, 4.0])


def test_inner_expression_as_input_needs_givens() -> None:
    x = T.dvector("x")
    with pytest.raises(ArgumentError, match="givens"):
        theano.function([x * 2], x)
    with pytest.raises(UnusedInputError):
        theano.function([x], T.constant(1.0))


def test_compiled_functions_are_pickled_with_their_state(device) -> None:
    s = theano.shared(np.zeros(2), "s")
    x = T.dvector("x")
    f = theano.function([x], s.sum(), updates=[(s, s + x)], name="f")
    f([1.0, 2.0])
    g = pickle.loads(pickle.dumps(f))
    assert g([0.0, 0.0]) == 3.0
    g([5.0, 5.0])
    np.testing.assert_array_equal(s.get_value(), [1.0, 2.0])


def test_functions_tell_about_themselves(device) -> None:
    x = T.dvector("x")
    s = theano.shared(1.0, "s")
    f = theano.function([x], T.exp(x) * s, name="f")
    order = f.maker.fgraph.toposort()
    assert [node.op.name for node in order] == f.optimised.ops()
    assert f.get_shared() == [s]
    assert "exp" in theano.printing.debugprint(f, file="str")
    assert theano.pp(T.exp(x) * 2) == "exp(x) * 2."


def test_modes_under_theanos_names(device) -> None:
    x = T.dvector("x")
    modes = [
        "FAST_RUN", "FAST_COMPILE", theano.compile.mode.get_default_mode(),
        theano.compile.mode.FAST_RUN.excluding("stabilise"),
        theano.Mode(linker="py", optimizer="fast_compile"),
        theano.Mode(optimizer=None), theano.Mode("cvm", "fast_run"),
    ]  # fmt: skip
    for mode in modes:
        f = theano.function([x], T.log(1 + T.exp(x)), mode=mode)
        np.testing.assert_allclose(f([0.0]), [np.log(2)])
    by_numpy = theano.function([x], x, mode=theano.Mode(linker="py"))
    assert type(by_numpy).__name__ == "ReferenceFunction"


# -------------------------------------------------------------------------- shared


def test_shared_copies_unless_borrowed() -> None:
    array = np.ones(2)
    own, lent = theano.shared(array), theano.shared(array, borrow=True)
    array[0] = 5
    np.testing.assert_array_equal(own.get_value(), [1, 1])
    np.testing.assert_array_equal(lent.get_value(), [5, 1])
    got = own.get_value()
    got[0] = 7
    np.testing.assert_array_equal(own.get_value(), [1, 1])
    own.get_value(borrow=True)[0] = 7
    np.testing.assert_array_equal(own.get_value(), [7, 1])


def test_lent_storage_is_never_written_by_updates(device) -> None:
    array = np.zeros(2)
    s = theano.shared(array, borrow=True)
    f = theano.function([], updates=[(s, s + 1)])
    f(), f()
    np.testing.assert_array_equal(s.get_value(), [2, 2])
    assert array.tolist() in ([0, 0], [2, 2])  # whole values only


def test_python_numbers_become_64_bits() -> None:
    assert theano.shared(0).dtype == "int64"
    assert theano.shared(0.0).dtype == "float64"
    assert theano.shared([1.0, 2.0]).ndim == 1
    with pytest.raises(DTypeError):
        theano.shared(0).set_value(0.5)


def test_two_functions_share_state(device) -> None:
    s = theano.shared(0, "s")
    up = theano.function([], s, updates=[(s, s + 1)])
    down = theano.function([], s, updates=[(s, s - 1)])
    assert [up(), up(), down(), up()] == [0, 1, 2, 1]


# ----------------------------------------------------------------- clone and graph


def test_clone_replace_substitutes_in_every_form(device) -> None:
    x, y, z = T.dvectors("x", "y", "z")
    out = T.exp(x) + y
    one = theano.clone_replace(out, {x: z * 2})
    got = one.eval({z: [0.5], y: [1.0]})
    np.testing.assert_allclose(got, [np.e + 1])
    two = theano.clone([out, x * y], replace=[(y, x)])
    f = theano.function([x], two)
    np.testing.assert_allclose(f([2.0])[1], [4.0])
    named = theano.clone_replace({"a": out}, {y: T.constant([3.0])})
    np.testing.assert_allclose(named["a"].eval({x: [0.0]}), [4.0])
    apart = theano.clone_replace(out, share_inputs=False)
    assert theano.Graph((), (apart,)).missing() != theano.Graph((), (out,)).missing()
    with pytest.raises(SymnbError):
        theano.clone_replace(out, {x: T.fvector()})
    loose = theano.clone_replace(out, {x: T.fvector("v")}, strict=False)
    assert loose.dtype == "float64"


def test_replaced_sizes_are_inferred_again(device) -> None:
    x = T.dmatrix("x")
    out = (x * 2).sum(axis=1) / x.shape[1]
    wide = T.tensor("float64", (None, 4), "wide")
    moved = theano.clone_replace(out, {x: wide})
    np.testing.assert_allclose(moved.eval({wide: np.ones((3, 4))}), [2.0, 2.0, 2.0])


def test_theanos_view_of_a_graph() -> None:
    x, y = T.dvectors("x", "y")
    z = x + y
    assert z.owner.op.name == "add"
    assert z.owner.inputs == (x, y)
    assert z.owner.outputs == [z]
    assert x.owner is None
    assert isinstance(z, theano.Variable)


# ----------------------------------------------------------------------- gradients


def test_gradient_of_a_list_comes_as_a_list(device) -> None:
    x, y = T.dscalars("x", "y")
    cost = x**2 * y
    gx, gy = T.grad(cost, [x, y])
    f = theano.function([x, y], [gx, gy])
    assert f(3, 2) == [12.0, 9.0]
    assert theano.function([x, y], T.grad(cost, wrt=x))(3, 2) == 12.0


def test_consider_constant_and_known_grads(device) -> None:
    x = T.dscalar("x")
    y = x**2
    stopped = T.grad(x * y, x, consider_constant=[y])
    assert theano.function([x], stopped)(3) == 9.0
    assert theano.function([x], T.grad(x * T.consider_constant(y), x))(3) == 9.0
    known = T.grad(None, x, known_grads={y: T.constant(10.0)})
    assert theano.function([x], known)(3) == 60.0


def test_gradient_of_a_gradient(device) -> None:
    x = T.dscalar("x")
    third = x**3
    for _ in range(2):
        third = T.grad(third, x)
    assert theano.function([x], third)(5) == 30.0


def test_gradients_through_subtensors(device) -> None:
    x = T.dvector("x")
    i = T.lvector("i")
    f = theano.function([x, i], T.grad((x[i] ** 2).sum(), x))
    np.testing.assert_array_equal(f([1.0, 2.0, 3.0], [0, 0, 2]), [4.0, 0.0, 6.0])
    y = T.set_subtensor(x[:2], 0.0)
    g = theano.function([x], T.grad((y**2).sum(), x))
    np.testing.assert_array_equal(g([1.0, 2.0, 3.0]), [0.0, 0.0, 6.0])


def test_verify_grad_accepts_right_and_refuses_wrong() -> None:
    point = [np.array([0.5, -0.3])]
    T.verify_grad(lambda x: T.tanh(x).sum(), point, rng=np.random.RandomState(0))
    with pytest.raises(SymnbError):
        T.verify_grad(
            lambda x: (T.tanh(x) * T.consider_constant(x)).sum(),
            point,
            rng=np.random.RandomState(0),
        )


# ------------------------------------------------------------------------- tensors


def test_subtensors_are_set_and_incremented_functionally(device) -> None:
    x = T.dmatrix("x")
    a = np.arange(12.0).reshape(3, 4)
    f = theano.function(
        [x],
        [
            T.set_subtensor(x[1:, ::2], 9.0),
            T.inc_subtensor(x[0], 1.0),
            T.inc_subtensor(x[[0, 0, 2], [1, 1, 3]], 1.0),
            x,
        ],
    )
    done = f(a)
    one, two, three = a.copy(), a.copy(), a.copy()
    one[1:, ::2] = 9
    two[0] += 1
    np.add.at(three, ([0, 0, 2], [1, 1, 3]), 1)
    for got, want in zip(done, [one, two, three, a], strict=True):
        np.testing.assert_array_equal(got, want)


def test_dimshuffle(device) -> None:
    x = T.dmatrix("x")
    a = np.arange(6.0).reshape(2, 3)
    f = theano.function(
        [x], [x.dimshuffle(1, 0), x.dimshuffle("x", 0, 1), x.dimshuffle((0, "x", 1))]
    )
    for got, want in zip(f(a), [a.T, a[None], a[:, None]], strict=True):
        np.testing.assert_array_equal(got, want)
    column = T.dcol("column")
    np.testing.assert_array_equal(
        column.dimshuffle(0).eval({column: [[1.0], [2.0]]}), [1.0, 2.0]
    )
    assert x.dimshuffle("x", 0, 1).broadcastable == (True, False, False)


def test_row_and_col_broadcast(device) -> None:
    r, c = T.drow("r"), T.dcol("c")
    f = theano.function([r, c], r + c)
    np.testing.assert_array_equal(f([[1, 2]], [[10], [20]]), [[11, 12], [21, 22]])
    with pytest.raises(SymnbError):
        f([[1], [2]], [[10], [20]])


def test_theanos_spellings_mean_numpys_functions(device) -> None:
    x, y = T.dvectors("x", "y")
    a, b = np.array([1.5, -2.5, 0.5]), np.array([0.5, 2.0, 0.5])
    pairs = [
        (T.eq(x, y), a == b), (T.neq(x, y), a != b), (T.lt(x, y), a < b),
        (T.ge(x, y), a >= b), (T.sqr(x), a**2), (T.sgn(x), np.sign(a)),
        (T.abs_(x), abs(a)), (T.inv(x), 1 / a), (T.intdiv(x, y), a // b),
        (T.truediv(x, y), a / b), (T.mod(x, y), a % b), (T.add(x, y, x), a + b + a),
        (T.mul(x, y, 2), a * b * 2), (T.iround(x), np.rint(a).astype("int64")),
        (T.switch(x > 0, x, y), np.where(a > 0, a, b)),
        (T.and_(x > 0, y > 1), (a > 0) & (b > 1)), (T.pow(abs(x), y), abs(a) ** b),
        (T.cast(x, "int32"), a.astype("int32")), (T.shape_padleft(x), a[None]),
        (T.shape_padright(x, 2), a[:, None, None]), (T.flatten(x), a),
        (T.alloc(x, 2, 3), np.broadcast_to(a, (2, 3))),
        (T.xlogx.xlogx(abs(x)), abs(a) * np.log(abs(a))),
        (T.join(0, x, y), np.concatenate([a, b])),
    ]  # fmt: skip
    f = theano.function([x, y], [symbol for symbol, _ in pairs])
    for got, (_, want) in zip(f(a, b), pairs, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-15)


def test_grids() -> None:
    got = [g.eval() for g in T.mgrid[0:2, 0:3]]
    np.testing.assert_array_equal(got, np.mgrid[0:2, 0:3])
    for g, want in zip(T.ogrid[0:2, 0:3], np.ogrid[0:2, 0:3], strict=True):
        np.testing.assert_array_equal(g.eval(), want)
    np.testing.assert_array_equal(T.mgrid[1:7:2].eval(), np.mgrid[1:7:2])


def test_softmax_and_its_losses(device) -> None:
    x = T.dmatrix("x")
    labels = T.lvector("labels")
    a = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])
    p = T.nnet.softmax(x)
    loss = T.nnet.categorical_crossentropy(p, labels).mean()
    f = theano.function([x, labels], [p, loss, T.grad(loss, x)])
    got_p, got_loss, got_g = f(a, [2, 1])
    shifted = a - a.max(axis=1, keepdims=True)
    want_p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(got_p, want_p, rtol=1e-14)
    np.testing.assert_allclose(got_loss, -(logs[0, 2] + logs[1, 1]) / 2, rtol=1e-14)
    onehot = np.array([[0, 0, 1], [0, 1, 0]])
    np.testing.assert_allclose(got_g, (want_p - onehot) / 2, rtol=1e-12, atol=1e-300)


def test_ifelse_is_a_module_and_a_function(device) -> None:
    c, x, y = T.dscalars("c", "x", "y")
    for choose in (ifelse, theano.ifelse, theano.ifelse.ifelse):
        f = theano.function([c, x, y], choose(T.gt(c, 0), x * 2, y * 3))
        assert (f(1, 1, 1), f(-1, 1, 1)) == (2.0, 3.0)


def test_test_values_are_tried_while_building(device) -> None:
    x, w = T.dmatrix("x"), T.dvector("w")
    x.tag.test_value = np.ones((2, 3))
    w.tag.test_value = np.arange(3.0)
    with theano.config.change_flags(compute_test_value="raise"):
        y = T.dot(x, w) * 2
        np.testing.assert_array_equal(y.tag.test_value, [6.0, 6.0])
        gradient = T.grad(y.sum(), w)
        f = theano.function([x, w], [y, gradient])
        with pytest.raises(SymnbError, match="no value") as missing:
            T.exp(T.dvector("unknown"))
        assert "unknown" in str(missing.value)
        w.tag.test_value = np.arange(4.0)
        with pytest.raises(ShapeError) as wrong:
            T.dot(x, w)
        assert "shape (2, 3)" in str(wrong.value)
        assert "test_behaviour.py, line" in str(wrong.value)
    warned = pytest.warns(UserWarning, match="unknown")
    with theano.config.change_flags(compute_test_value="warn"), warned:
        T.exp(T.dvector("unknown"))
    with theano.config.change_flags(compute_test_value="ignore"):
        T.exp(T.dvector("unknown"))
    np.testing.assert_array_equal(f(np.ones((2, 3)), np.ones(3))[1], [4.0, 4.0, 4.0])
    assert f.trace


# -------------------------------------------------------------------------- random


@pytest.mark.parametrize("streams", [RandomStreams, MRG_RandomStreams])
def test_random_streams_of_the_tutorial(device, streams) -> None:
    srng = streams(seed=234)
    rv_u = srng.uniform((2, 2))
    rv_n = srng.normal((2, 2))
    f = theano.function([], rv_u)
    g = theano.function([], rv_n, no_default_updates=True)
    nearly_zeros = theano.function([], rv_u + rv_u - 2 * rv_u)
    assert not np.array_equal(f(), f())
    np.testing.assert_array_equal(g(), g())
    np.testing.assert_allclose(nearly_zeros(), 0, atol=1e-15)


def test_random_state_is_kept_and_seeded_again(device) -> None:
    srng = RandomStreams(seed=234)
    rv_u = srng.uniform((2, 2))
    f = theano.function([], rv_u)
    state = rv_u.rng.get_value(borrow=True).copy()
    first = f()
    rv_u.rng.set_value(state)
    np.testing.assert_array_equal(f(), first)
    srng.seed(234)
    np.testing.assert_array_equal(f(), first)
    srng.seed(1)
    assert not np.array_equal(f(), first)


def test_draws_have_the_right_moments(device) -> None:
    srng = MRG_RandomStreams(seed=7)
    n = 40_000
    draws = theano.function(
        [],
        [
            srng.uniform((n,), low=-1.0, high=3.0),
            srng.normal((n,), avg=2.0, std=0.5),
            srng.binomial((n,), n=1, p=0.3),
        ],
    )()
    # mean and variance; 5 standard errors
    for values, mean, variance in zip(
        draws, [1.0, 2.0, 0.3], [16 / 12, 0.25, 0.21], strict=True
    ):
        assert abs(values.mean() - mean) < 5 * np.sqrt(variance / n)
        assert abs(values.var() - variance) < 0.05 * variance


def test_permutation_and_choice(device) -> None:
    srng = RandomStreams(seed=3)
    f = theano.function([], srng.permutation(n=10, size=()))
    np.testing.assert_array_equal(np.sort(f().ravel()), np.arange(10))
    g = theano.function([], srng.choice(size=(50,), a=4, replace=True))
    assert set(g().tolist()) == {0, 1, 2, 3}


def test_dropout_keeps_the_mean_of_what_it_keeps(device) -> None:
    srng = MRG_RandomStreams(seed=11)
    x = T.dmatrix("x")
    mask = srng.binomial(n=1, p=0.5, size=x.shape)
    f = theano.function([x], x * T.cast(mask, theano.config.floatX) / 0.5)
    out = f(np.ones((200, 50)))
    assert set(np.unique(out)) == {0.0, 2.0}
    assert abs(out.mean() - 1) < 0.05
