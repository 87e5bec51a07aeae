"""`@symnb.jit` and what is rewritten in bodies."""
# ruff: noqa: F821 - sizes in annotations are names nobody defined

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.errors import CellError, ShapeError, SymbolicError
from symnb.tensor import f64, i64, matrix, scalar, update, vector

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
SCALE = 3.0
STATE = symnb.shared(np.zeros(3), "STATE")


def test_annotated_function_becomes_a_compiled_one(device) -> None:
    @symnb.jit
    def loss(x: "f64[n, 3]", w: vector):
        """Softplus of a projection."""
        return np.log1p(np.exp(x @ w)).sum()

    w = np.array([0.1, -0.2, 0.3])
    np.testing.assert_allclose(loss(X, w), np.log1p(np.exp(X @ w)).sum(), rtol=1e-14)
    assert loss.name == "loss"
    assert loss.__doc__ == "Softplus of a projection."
    assert loss.__wrapped__(X, w) == pytest.approx(float(loss(X, w)))


def test_wrt_adds_gradients(device) -> None:
    @symnb.jit(wrt="w, x")
    def loss(x: vector, w: vector):
        return (x * w**2).sum()

    value, dw, dx = loss([1.0, 2.0], [3.0, 4.0])
    assert value == 41.0
    np.testing.assert_allclose(dw, [6.0, 16.0])
    np.testing.assert_allclose(dx, [9.0, 16.0])


def test_wrt_a_shared_variable_with_an_update_in_the_body(device) -> None:
    weights = symnb.shared(np.array([1.0, 2.0, 3.0]), "weights")

    @symnb.jit(wrt="weights")
    def step(x: vector):
        cost = ((weights - x) ** 2).sum()
        update(weights, weights - 0.5 * T.grad(cost, weights))
        return cost

    cost, gradient = step(np.zeros(3))
    assert cost == 14.0
    np.testing.assert_allclose(gradient, [2.0, 4.0, 6.0])
    np.testing.assert_allclose(weights.get_value(), 0, atol=1e-15)


def test_update_casts_to_the_dtype_of_the_variable(device) -> None:
    count = symnb.shared(np.float32(0), "count")

    @symnb.jit
    def tick(x: scalar):
        update(count, count + x)

    assert tick(1.5) is None
    assert count.get_value() == np.float32(1.5)
    assert count.get_value().dtype == np.float32


def test_update_outside_a_body_is_an_error() -> None:
    with pytest.raises(CellError, match="inside a %%symfunc cell"):
        update(STATE, STATE + 1)


def test_equality_compares_elements(device) -> None:
    @symnb.jit
    def same(x: vector, y: vector):
        return x == y, x != y, (x == 2.0) & (y != 2.0)

    results = same([1.0, 2.0, np.nan], [1.0, 3.0, np.nan])
    want = [[1, 0, 0], [0, 1, 1], [0, 1, 0]]
    for got, row in zip(results, want, strict=True):
        np.testing.assert_array_equal(got, np.array(row, bool))


def test_equality_of_plain_values_stays_pythons(device) -> None:
    @symnb.jit
    def branch(x: vector, kind: i64 = 0):
        mode = "double"
        if mode == "double" and SCALE != 4:
            return 2 * x + kind
        return x

    np.testing.assert_array_equal(branch([1.0]), [2.0])


def test_assignment_to_items_makes_a_new_tensor(device) -> None:
    @symnb.jit
    def write(x: vector, y: matrix):
        z = x
        z[0] = 10.0
        z[1:] += 5.0
        z[-1] -= 1.0
        y[:, 1] = z[:2]
        return x, z, y

    x, z, y = write([1.0, 2.0, 3.0], X[:, :2])
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(z, [10.0, 7.0, 7.0])
    np.testing.assert_array_equal(y, [[1.0, 10.0], [4.0, 7.0]])


def test_assignment_to_items_of_plain_containers_is_pythons(device) -> None:
    @symnb.jit
    def collect(x: vector):
        parts = {}
        parts["a"] = x + 1
        row = [None, 2]
        row[0] = parts["a"]
        row[1] += 3
        return row[0] * row[1]

    np.testing.assert_array_equal(collect([1.0]), [10.0])


def test_loops_and_functions_of_python_run_while_building(device) -> None:
    def square(v):
        return v * v

    @symnb.jit
    def polynomial(x: scalar):
        total = 0.0
        for power in range(3):
            total = total + square(x) ** power
        return total

    assert polynomial(2.0) == 1 + 4 + 16


def test_captured_values_are_constants(device) -> None:
    local = np.array([1.0, 2.0, 3.0])

    @symnb.jit
    def scaled(x: vector):
        return SCALE * x + local

    local[:] = 0  # constants were copied
    np.testing.assert_array_equal(scaled([1.0, 1.0, 1.0]), [4.0, 5.0, 6.0])


def test_defaults_and_dicts(device) -> None:
    @symnb.jit
    def both(x: f64["n"], k: scalar = 2.0):
        return {"scaled": k * x, "total": x.sum()}

    found = both([1.0, 2.0])
    np.testing.assert_array_equal(found["scaled"], [2.0, 4.0])
    assert found["total"] == 3.0
    np.testing.assert_array_equal(both([1.0], k=3)["scaled"], [3.0])


def test_nodes_point_at_the_lines_of_the_file() -> None:
    with symnb.config.change(device="py"):

        @symnb.jit
        def f(x: vector):
            z = np.exp(x)
            return z.sum()

    first, last = f.graph.nodes
    assert first.name == "z"
    assert first.site.text == "np.exp(x)"
    assert str(first.site).startswith("test_jit.py, line ")
    assert last.site.line == first.site.line + 1
    assert f.graph.inputs[0].site.text == "x: vector"


def test_mistakes_show_where_they_are_made() -> None:
    with pytest.raises(ShapeError, match=r"test_jit\.py, line"):

        @symnb.jit
        def f(x: "f64[3]", y: "f64[4]"):
            return x + y

    with pytest.raises(SymbolicError, match="truth value"):

        @symnb.jit
        def g(x: vector):
            return x if x.sum() > 0 else -x

    with pytest.raises(CellError, match="has no type"):

        @symnb.jit
        def h(x):
            return x

    with pytest.raises(CellError, match="no tensor"):

        @symnb.jit
        def k(x: vector):
            return object()


def test_a_function_without_source_says_so() -> None:
    scope: dict = {"vector": vector}
    exec("def f(x: vector):\n    return x", scope)
    with pytest.raises(CellError, match="source of f cannot be found"):
        symnb.jit(scope["f"])
