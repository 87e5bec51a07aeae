"""The programs of Theano's tutorial, run with only the import lines changed.

Expected values are worked out by hand or with NumPy.
"""

import numpy as np
import pytest

import symnb as theano
import symnb.tensor as T
import symnb.tensor.nnet as nnet


def test_adding_two_scalars(device) -> None:
    x = T.dscalar("x")
    y = T.dscalar("y")
    z = x + y
    f = theano.function([x, y], z)
    assert f(2, 3) == 5.0
    assert np.allclose(f(16.3, 12.1), 28.4)
    assert np.allclose(z.eval({x: 16.3, y: 12.1}), 28.4)
    assert f(2, 3).dtype == np.float64
    assert theano.pp(z) == "x + y"


def test_adding_two_matrices(device) -> None:
    x = T.dmatrix("x")
    y = T.dmatrix("y")
    f = theano.function([x, y], x + y)
    expected = [[11.0, 22.0], [33.0, 44.0]]
    np.testing.assert_array_equal(f([[1, 2], [3, 4]], [[10, 20], [30, 40]]), expected)
    np.testing.assert_array_equal(
        f(np.array([[1, 2], [3, 4]]), np.array([[10, 20], [30, 40]])), expected
    )


def test_exercise_of_two_vectors(device) -> None:
    a = T.vector()
    b = T.vector()
    f = theano.function([a, b], a**2 + b**2 + 2 * a * b)
    np.testing.assert_allclose(f([1, 2], [4, 5]), [25.0, 49.0])


def test_logistic_function(device) -> None:
    x = T.dmatrix("x")
    s = 1 / (1 + T.exp(-x))
    logistic = theano.function([x], s)
    s2 = (1 + T.tanh(x / 2)) / 2
    logistic2 = theano.function([x], s2)
    # the table printed in the tutorial
    expected = [[0.5, 0.73105858], [0.26894142, 0.11920292]]
    np.testing.assert_allclose(logistic([[0, 1], [-1, -2]]), expected, rtol=1e-7)
    np.testing.assert_allclose(logistic2([[0, 1], [-1, -2]]), expected, rtol=1e-7)


def test_more_than_one_output(device) -> None:
    a, b = T.dmatrices("a", "b")
    diff = a - b
    f = theano.function([a, b], [diff, abs(diff), diff**2])
    results = f([[1, 1], [1, 1]], [[0, 1], [2, 3]])
    assert isinstance(results, list)
    for got, want in zip(
        results,
        [[[1, 0], [-1, -2]], [[1, 0], [1, 2]], [[1, 0], [1, 4]]],
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)


def test_default_values(device) -> None:
    x, y, w = T.dscalars("x", "y", "w")
    z = (x + y) * w
    f = theano.function(
        [x, theano.In(y, value=1), theano.In(w, value=2, name="w_by_name")], z
    )
    assert f(33) == 68.0
    assert f(33, 2) == 70.0
    assert f(33, 0, 1) == 33.0
    assert f(33, w_by_name=1) == 34.0
    assert f(33, w_by_name=1, y=0) == 33.0


def test_accumulator(device) -> None:
    state = theano.shared(0)
    inc = T.iscalar("inc")
    accumulator = theano.function([inc], state, updates=[(state, state + inc)])
    assert state.get_value() == 0
    assert accumulator(1) == 0
    assert state.get_value() == 1
    assert accumulator(300) == 1
    assert state.get_value() == 301
    state.set_value(-1)
    assert accumulator(3) == -1
    assert state.get_value() == 2
    decrementor = theano.function([inc], state, updates=[(state, state - inc)])
    assert decrementor(2) == 2
    assert state.get_value() == 0
    assert state.get_value().dtype == np.int64


def test_givens_leave_the_state_unread(device) -> None:
    state = theano.shared(0)
    inc = T.iscalar("inc")
    fn_of_state = state * 2 + inc
    foo = T.scalar(dtype=state.dtype)
    skip_shared = theano.function([inc, foo], fn_of_state, givens=[(state, foo)])
    assert skip_shared(1, 3) == 7
    assert state.get_value() == 0


def test_copies_of_a_function_have_their_own_or_no_state(device) -> None:
    state = theano.shared(0)
    inc = T.iscalar("inc")
    accumulator = theano.function([inc], state, updates=[(state, state + inc)])
    assert accumulator(10) == 0
    assert state.get_value() == 10
    new_state = theano.shared(0)
    new_accumulator = accumulator.copy(swap={state: new_state})
    assert new_accumulator(100) == 0
    assert new_state.get_value() == 100
    assert state.get_value() == 10
    null_accumulator = accumulator.copy(delete_updates=True)
    assert null_accumulator(9000) == 10
    assert state.get_value() == 10


def test_swapping_two_variables_by_updates(device) -> None:
    a = theano.shared(np.array([1.0, 2.0]), "a")
    b = theano.shared(np.array([10.0, 20.0]), "b")
    swap = theano.function([], updates=[(a, b), (b, a)])
    assert swap() is None
    np.testing.assert_array_equal(a.get_value(), [10.0, 20.0])
    np.testing.assert_array_equal(b.get_value(), [1.0, 2.0])
    swap()
    np.testing.assert_array_equal(a.get_value(), [1.0, 2.0])


def test_gradients_of_scalars(device) -> None:
    x = T.dscalar("x")
    f = theano.function([x], T.grad(x**2, x))
    assert f(4) == 8.0
    assert np.allclose(f(94.2), 188.4)


def test_gradient_of_the_logistic_function(device) -> None:
    x = T.dmatrix("x")
    s = T.sum(1 / (1 + T.exp(-x)))
    dlogistic = theano.function([x], T.grad(s, x))
    np.testing.assert_allclose(
        dlogistic([[0, 1], [-1, -2]]),
        [[0.25, 0.19661193], [0.19661193, 0.10499359]],
        rtol=1e-7,
    )


def test_jacobian_and_hessian(device) -> None:
    x = T.dvector("x")
    jacobian = theano.function([x], theano.gradient.jacobian(x**2, x))
    np.testing.assert_array_equal(jacobian([4, 4]), [[8.0, 0.0], [0.0, 8.0]])
    cost = (x**2).sum()
    hessian = theano.function([x], theano.gradient.hessian(cost, x))
    np.testing.assert_array_equal(hessian([4, 4]), [[2.0, 0.0], [0.0, 2.0]])


def test_right_and_left_products_with_the_jacobian(device) -> None:
    W = T.dmatrix("W")
    V = T.dmatrix("V")
    x = T.dvector("x")
    y = T.dot(x, W)
    f = theano.function([W, V, x], T.Rop(y, W, V), on_unused_input="ignore")
    np.testing.assert_array_equal(f([[1, 1], [1, 1]], [[2, 2], [2, 2]], [0, 1]), [2, 2])
    v = T.dvector("v")
    g = theano.function([v, x], T.Lop(T.dot(x, W), W, v))
    np.testing.assert_array_equal(g([2, 2], [0, 1]), [[0, 0], [2, 2]])


def test_hessian_times_vector_both_ways(device) -> None:
    x = T.dvector("x")
    v = T.dvector("v")
    y = T.sum(x**2)
    gy = T.grad(y, x)
    f = theano.function([x, v], T.grad(T.sum(gy * v), x), on_unused_input="ignore")
    np.testing.assert_array_equal(f([4, 4], [2, 2]), [4.0, 4.0])
    g = theano.function([x, v], T.Rop(gy, x, v), on_unused_input="ignore")
    np.testing.assert_array_equal(g([4, 4], [2, 2]), [4.0, 4.0])


def _labels_of(points: np.ndarray) -> np.ndarray:
    return (points @ np.linspace(-1, 1, points.shape[1]) > 0).astype(float)


def test_logistic_regression(device) -> None:
    rng = np.random.RandomState(0)
    N, feats, training_steps = 60, 8, 200
    points = rng.randn(N, feats)
    D = (points, _labels_of(points))
    x = T.dmatrix("x")
    y = T.dvector("y")
    w = theano.shared(rng.randn(feats), name="w")
    b = theano.shared(0.0, name="b")
    w0 = w.get_value()
    p_1 = 1 / (1 + T.exp(-T.dot(x, w) - b))
    prediction = p_1 > 0.5
    xent = -y * T.log(p_1) - (1 - y) * T.log(1 - p_1)
    cost = xent.mean() + 0.01 * (w**2).sum()
    gw, gb = T.grad(cost, [w, b])
    train = theano.function(
        inputs=[x, y],
        outputs=[prediction, xent],
        updates=((w, w - 0.1 * gw), (b, b - 0.1 * gb)),
    )
    predict = theano.function(inputs=[x], outputs=prediction)
    for _ in range(training_steps):
        pred, err = train(*D)
    assert pred.dtype == bool
    assert err.mean() < 0.5
    assert (predict(D[0]) == D[1]).mean() > 0.95
    wanted_w, wanted_b = _descend(*D, w0, training_steps)
    np.testing.assert_allclose(w.get_value(), wanted_w, rtol=1e-9)
    np.testing.assert_allclose(b.get_value(), wanted_b, rtol=1e-9)


def _descend(x, y, w, steps):
    """The same descent by NumPy, gradient worked out by hand."""
    b = 0.0
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x @ w - b))
        gw = x.T @ (p - y) / len(y) + 0.02 * w
        w, b = w - 0.1 * gw, b - 0.1 * (p - y).mean()
    return w, b


def test_a_net_of_2_3_1_sigmoids_learns_xor(device) -> None:
    rng = np.random.RandomState(1)
    x = T.dmatrix("x")
    t = T.dvector("t")
    W1 = theano.shared(rng.uniform(-1, 1, (2, 3)), "W1")
    b1 = theano.shared(np.zeros(3), "b1")
    W2 = theano.shared(rng.uniform(-1, 1, 3), "W2")
    b2 = theano.shared(0.0, "b2")
    hidden = nnet.sigmoid(T.dot(x, W1) + b1)
    out = nnet.sigmoid(T.dot(hidden, W2) + b2)
    cost = nnet.binary_crossentropy(out, t).mean()
    params = [W1, b1, W2, b2]
    updates = [
        (p, p - 2.0 * g) for p, g in zip(params, T.grad(cost, params), strict=True)
    ]
    train = theano.function([x, t], cost, updates=updates)
    run = theano.function([x], out)
    inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]
    first = train(inputs, [0, 1, 1, 0])
    for _ in range(1500):
        last = train(inputs, [0, 1, 1, 0])
    assert last < 0.05 < first
    np.testing.assert_array_equal(np.round(run(inputs)), [0, 1, 1, 0])


def test_power_of_a_matrix_by_updates(device) -> None:
    A = theano.shared(np.array([[1.0, 1.0], [1.0, 0.0]]), "A")
    power = theano.shared(np.eye(2), "power")
    step = theano.function([], power, updates={power: T.dot(power, A)})
    for _ in range(10):
        step()
    # A**n holds the Fibonacci numbers F(n+1), F(n), F(n-1)
    np.testing.assert_array_equal(power.get_value(), [[89, 55], [55, 34]])


def test_unused_input_is_an_error_unless_allowed(device) -> None:
    x, y = T.dscalars("x", "y")
    with pytest.raises(theano.compile.request.UnusedInputError):
        theano.function([x, y], x)
    assert theano.function([x, y], x, on_unused_input="ignore")(1, 2) == 1
