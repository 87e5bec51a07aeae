"""`grad` and `Lop` against hand-worked derivatives and NumPy."""

import numpy as np
import pytest

from symnb.core.evaluate import evaluate
from symnb.errors import DisconnectedInputError, GradientError, NoGradientError
from symnb.gradient import (
    Lop,
    consider_constant,
    grad,
    grad_clip,
    grad_scale,
    subgraph_grad,
    zero_grad,
)
from symnb.ops.dot import dot
from symnb.ops.elementwise import exp, log, maximum, sigmoid, sqrt, tanh
from symnb.ops.view import broadcast_to
from symnb.options import config
from symnb.tensor.constructors import KINDS

RNG = np.random.default_rng(7)
LEAVES = {}


def leaf(kind):
    """A maker of inputs that `value` finds by name."""

    def make(name):
        LEAVES[name] = KINDS[kind](name)
        return LEAVES[name]

    return make


dscalar, dvector, dmatrix = leaf("dscalar"), leaf("dvector"), leaf("dmatrix")


def value(node, **values):
    """The value of `node` for inputs given by name."""
    return evaluate([node], {LEAVES[name]: v for name, v in values.items()})[0]


def test_logistic_loss_has_the_textbook_gradient():
    x, w = dmatrix("x"), dvector("w")
    cost = log(1 + exp(dot(x, w))).sum()
    data, weights = RNG.normal(size=(5, 3)), RNG.normal(size=3)
    got = value(grad(cost, w), x=data, w=weights)
    want = data.T @ (1 / (1 + np.exp(-data @ weights)))
    np.testing.assert_allclose(got, want, rtol=1e-13)


def test_an_inner_node_and_what_it_depends_on_both_get_gradients():
    x, w = dmatrix("x"), dvector("w")
    h = tanh(dot(x, w))
    gh, gw = grad((h**2).sum(), [h, w])
    data, weights = RNG.normal(size=(4, 3)), RNG.normal(size=3)
    t = np.tanh(data @ weights)
    np.testing.assert_allclose(value(gh, x=data, w=weights), 2 * t, rtol=1e-14)
    want = data.T @ (2 * t * (1 - t**2))
    np.testing.assert_allclose(value(gw, x=data, w=weights), want, rtol=1e-13)


def test_a_shared_subexpression_collects_both_paths():
    x = dscalar("x")
    y = x * x
    assert value(grad(y * y + y, x), x=3.0) == 4 * 27 + 6


def test_broadcast_operands_get_gradients_of_their_own_shape():
    x, b = dmatrix("x"), dvector("b")
    g = grad((x * b).sum(), b)
    data = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(value(g, x=data, b=np.ones(3)), data.sum(0))
    assert g.ndim == 1


def test_a_size_that_turns_out_to_be_one_is_summed_over():
    x, y = dvector("x"), dvector("y")
    g = grad((broadcast_to(x, y.shape) * y).sum(), x)
    assert value(g, x=np.ones(4), y=np.arange(4.0)).shape == (4,)


def test_consider_constant_blocks_and_disconnects():
    x = dscalar("x")
    assert value(grad(x * consider_constant(x), x), x=3.0) == 3.0
    with pytest.raises(DisconnectedInputError, match="does not depend"):
        grad(consider_constant(x) * 2, x)


def test_consider_constant_argument_blocks_the_named_node():
    x = dscalar("x")
    y = x * x
    assert value(grad(x * y, x, consider_constant=[y]), x=3.0) == 9.0


def test_zero_grad_is_connected_and_zero():
    x = dscalar("x")
    assert value(grad(zero_grad(x) * 5, x), x=2.0) == 0.0


def test_grad_clip_and_grad_scale_change_only_the_gradient():
    x = dscalar("x")
    assert value(grad(grad_clip(x, -1, 1) * 5, x), x=2.0) == 1.0
    assert value(grad(grad_scale(x, 0.5) * 5, x), x=2.0) == 2.5
    assert value(grad_clip(x, -1, 1), x=7.0) == 7.0


def test_known_grads_replace_the_derivation():
    x = dscalar("x")
    y = exp(x)
    g = grad(None, x, known_grads={y: 3.0})
    np.testing.assert_allclose(value(g, x=1.0), 3 * np.e, rtol=1e-15)


@pytest.mark.parametrize("how", ["raise", "warn", "ignore"])
def test_disconnected_inputs(how):
    x, y = dscalar("x"), dvector("y")
    if how == "raise":
        with pytest.raises(DisconnectedInputError, match="y"):
            grad(x * 2, y)
        return
    if how == "warn":
        with pytest.warns(UserWarning, match="does not depend"):
            g = grad(x * 2, y, disconnected_inputs="warn")
    else:
        g = grad(x * 2, y, disconnected_inputs="ignore")
    np.testing.assert_array_equal(value(g, y=np.ones(3)), np.zeros(3))


def test_return_disconnected_none():
    x, y = dscalar("x"), dvector("y")
    options = {"disconnected_inputs": "ignore", "return_disconnected": "none"}
    assert grad(x * 2, y, **options) is None


def test_integer_wrt_gets_float_zeros():
    k = leaf("lvector")("k")
    g = grad((k.astype("float64") * 2).sum(), k)
    assert g.dtype == config.floatX
    np.testing.assert_array_equal(value(g, k=np.arange(3)), np.zeros(3))


def test_a_cost_that_is_no_float_scalar_is_refused():
    x, k = dvector("x"), leaf("lscalar")("k")
    with pytest.raises(GradientError, match="scalar cost"):
        grad(x * 2, x)
    with pytest.raises(GradientError, match="float cost"):
        grad(k * 2, k)


def test_a_list_gives_a_list_and_a_tuple_a_tuple():
    x, y = dscalar("x"), dscalar("y")
    assert isinstance(grad(x * y, [x, y]), list)
    assert isinstance(grad(x * y, (x, y)), tuple)


def test_float32_stays_float32_through_a_cast():
    x = leaf("fvector")("x")
    g = grad((x.astype("float64") ** 2).sum(), x)
    assert g.dtype == "float32"
    got = value(g, x=np.array([1, 2], "float32"))
    np.testing.assert_array_equal(got, np.array([2, 4], "float32"))


def test_lop_is_the_transposed_jacobian_times_v():
    x, v = dvector("x"), dvector("v")
    weights = RNG.normal(size=(3, 4))
    y = tanh(dot(x, weights))
    point, direction = RNG.normal(size=3), RNG.normal(size=4)
    got = value(Lop(y, x, v), x=point, v=direction)
    jacobian = weights.T * (1 - np.tanh(point @ weights) ** 2)[:, None]
    np.testing.assert_allclose(got, jacobian.T @ direction, rtol=1e-13)


def test_subgraph_grad_continues_a_chain():
    x, w = dvector("x"), dmatrix("w")
    h = dot(x, w)
    cost = (sigmoid(h) ** 2).sum()
    _, [gh] = subgraph_grad([], [h], cost=cost)
    [gw], _ = subgraph_grad([w], [x], start={h: gh})
    data = {"x": RNG.normal(size=3), "w": RNG.normal(size=(3, 2))}
    np.testing.assert_allclose(
        value(gw, **data), value(grad(cost, w), **data), rtol=1e-13
    )


def test_deep_chains_need_no_recursion():
    x = dscalar("x")
    y = x
    for _ in range(5000):
        y = y + x
    assert value(grad(y, x), x=1.0) == 5001


def test_gradients_at_the_edges_are_finite_or_as_the_mathematics_says():
    x = dscalar("x")
    assert value(grad(abs(x), x), x=0.0) == 0.0
    assert value(grad(sqrt(x), x), x=0.0) == np.inf
    assert value(grad(maximum(x, 0.0), x), x=-1.0) == 0.0
    assert value(grad(x**0, x), x=0.0) == 0.0


def test_an_op_without_gradient_says_why():
    from symnb.ops.reduce import prod

    x = dvector("x")
    assert value(grad(prod(x), x), x=np.array([0.0, 2, 3])).tolist() == [6, 0, 0]
    assert issubclass(NoGradientError, GradientError)
