"""Elementwise ops as a user meets them: operators, edges of derivatives, integers.

What holds for each op by itself is in test_every_op.py.
"""

import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mp

from symnb.core import dims
from symnb.core.dims import symbol
from symnb.core.node import SIZE, Input, Node, as_dim
from symnb.core.types import TensorType
from symnb.errors import DTypeError, ShapeError
from symnb.ops import elementwise as ew
from symnb.ops.barrier import zero_grad
from symnb.ops.define import Elementwise
from tests.ops import c_loops
from tests.ops.exact import EXACT, exact
from tests.ops.structure import pullback, pushforward, tensor, tensors, value

inf, nan = math.inf, math.nan


def at(function: Any, *arrays: Any) -> Any:
    """The value of a symbolic function at arrays."""
    arrays = [np.asarray(a) for a in arrays]
    inputs = tensors(arrays)
    return value(function(*inputs), inputs, arrays)


def slopes(function: Any, *numbers: float, g: float = 1.0) -> list[float]:
    """The gradient at scalars; 0 where nothing flows."""
    arrays = [np.float64(x) for x in numbers]
    inputs = tensors(arrays)
    seed = tensor(np.float64(g), "g")
    found = pullback(function(*inputs), seed, inputs)
    given_ = (*inputs, seed)
    return [
        0.0 if d is None else float(value(d, given_, (*arrays, np.float64(g))))
        for d in found
    ]


# ---------------------------------------------------------- random expressions

UNARY = (
    (operator.neg, operator.neg), (abs, abs), (ew.sin, np.sin), (ew.exp, np.exp),
    (ew.log, np.log), (ew.sqrt, np.sqrt), (ew.tanh, np.tanh), (ew.floor, np.floor),
    (ew.square, np.square), (ew.sign, np.sign), (ew.isnan, np.isnan),
    (ew.arctan, np.arctan), (ew.logical_not, np.logical_not),
    (lambda x: x.clip(-1, 1), lambda x: np.minimum(np.maximum(x, -1), 1)),
)  # fmt: skip
BINARY = (
    (operator.add, operator.add), (operator.sub, operator.sub),
    (operator.mul, operator.mul), (operator.truediv, operator.truediv),
    (operator.floordiv, operator.floordiv), (operator.mod, operator.mod),
    (ew.maximum, np.maximum), (ew.minimum, np.minimum), (operator.lt, operator.lt),
    (operator.ge, operator.ge), (ew.equal, np.equal), (ew.hypot, np.hypot),
    (ew.logical_and, np.logical_and), (operator.and_, operator.and_),
    (ew.arctan2, np.arctan2), (ew.logaddexp, np.logaddexp),
)  # fmt: skip
KINDS = ("float64", "float32", "int64", "int8", "uint8", "uint32", "bool")


@st.composite
def expressions(draw: Any) -> tuple[list[Any], list[tuple[Any, ...]]]:
    """Arrays that broadcast, and steps that combine earlier values."""
    shapes = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3)
    ).input_shapes
    leaves = [draw(hnp.arrays(draw(st.sampled_from(KINDS)), s)) for s in shapes]
    leaves.append(draw(st.sampled_from([2, -1, 0.5, 0, True])))
    steps = []
    place = st.integers(0, 99)
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(UNARY)), draw(place)))
        else:
            steps.append((draw(st.sampled_from(BINARY)), draw(place), draw(place)))
    return leaves, steps


@given(expressions())
def test_random_expressions_are_those_of_numpy(expression: Any) -> None:
    leaves, steps = expression
    inputs = tensors(leaves[:2], static=True)
    symbolic, numeric = [*inputs, leaves[2]], list(leaves)
    for (ours, theirs), *places in steps:
        places = [i % len(numeric) for i in places]
        values = [numeric[i] for i in places]
        if not any(isinstance(symbolic[i], Node) for i in places):
            continue
        with np.errstate(all="ignore"):
            try:
                expected = theirs(*values)
            except (TypeError, OverflowError):
                with pytest.raises(DTypeError):
                    ours(*[symbolic[i] for i in places])
                continue
        if np.asarray(expected).dtype == np.float16:  # symnb has float32 there
            continue
        result = ours(*[symbolic[i] for i in places])
        symbolic.append(result)
        numeric.append(expected)
        found = value(result, inputs, leaves[:2])
        assert found.dtype == np.asarray(expected).dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("op", "x", "y"),
    [
        (operator.lt, np.uint8([1, 255]), 300), (operator.eq, np.uint8([1]), -1),
        (operator.gt, np.int8([-128, 127]), -129), (operator.le, np.int64([1]), 2**70),
    ],
)  # fmt: skip
def test_comparison_with_a_python_int_that_does_not_fit(
    op: Any, x: Any, y: int
) -> None:
    ours = ew.equal if op is operator.eq else op
    np.testing.assert_array_equal(at(lambda a: ours(a, y), x), op(x, y))


def test_arithmetic_with_a_python_int_that_does_not_fit_says_so() -> None:
    with pytest.raises(DTypeError, match="300 does not fit in uint8"):
        tensor(np.uint8([1])) + 300


# ---------------------------------------------------------------------- operators


def test_arithmetic_of_sizes_is_a_size() -> None:
    n, m = symbol("n", 0), symbol("m", 0)
    x = Input(TensorType("float64", (n, m)), "x")
    rows, columns = x.shape
    for node, dim in [
        (rows * columns, n * m), (2 * rows + 1, 2 * n + 1), (rows - columns, n - m),
        ((2 * rows) // 2, n), ((2 * rows + 1) % 2, 1), (-rows, -n), (rows + 0, n),
        (np.int64(3) * rows, 3 * n),
    ]:  # fmt: skip
        assert as_dim(node) == dim
        assert node.dtype == "int64"
        assert node.ndim == 0
    quotient, rest = divmod(rows, 4)
    assert (as_dim(quotient), as_dim(rest)) == (n // 4, n % 4)


def test_sizes_meet_arrays_and_zero_as_integers() -> None:
    x = tensor(np.zeros(7))
    assert value(x.shape[0] // 0, [x], [np.zeros(7)]) == 0
    assert value(x.shape[0] * 0.5, [x], [np.zeros(7)]) == 3.5
    assert (x.shape[0] / 2).op is not SIZE
    assert (x.shape[0] + np.uint64(1)).dtype == "float64"
    negative = x.shape[0] // -2
    assert value(negative, [x], [np.zeros(7)]) == -4


@given(st.integers(0, 50), st.integers(1, 9))
def test_sizes_divide_as_integers_do(count: int, by: int) -> None:
    n = symbol("n", 0)
    x = Input(TensorType("int8", (n,)), "x")
    for node, expected in [
        (x.shape[0] // by, count // by),
        (x.shape[0] % by, count % by),
    ]:
        assert dims.evaluate(as_dim(node), {n.atom: count}) == expected


@given(
    hnp.arrays("float64", 5, elements=st.floats(-1e4, 1e4)), st.integers(-3, 4)
)  # fmt: skip
def test_round_to_decimals_is_that_of_numpy(x: Any, digits: int) -> None:
    np.testing.assert_array_equal(at(lambda a: a.round(digits), x), np.round(x, digits))


def test_round_leaves_integers_but_rounds_them_to_tens() -> None:
    x = np.array([15, 25, -15, 149], "int16")
    for digits in (2, 0, -1, -2):
        found = at(lambda a, d=digits: round(a, d), x)
        np.testing.assert_array_equal(found, np.round(x, digits), strict=True)


def test_clip_with_one_limit() -> None:
    x = np.array([-3.0, nan, 9.0])
    np.testing.assert_array_equal(at(lambda a: a.clip(0, None), x), [0, nan, 9])
    np.testing.assert_array_equal(at(lambda a: a.clip(None, 0), x), [-3, nan, 0])


def test_copy_takes_a_name_and_positive_refuses_bool() -> None:
    x = tensor(np.ones(2))
    assert x.copy("twin").name == "twin"
    assert +x is x
    with pytest.raises(DTypeError):
        +tensor(np.array([True]))


def test_integer_to_a_negative_power_is_refused_when_it_is_seen() -> None:
    with pytest.raises(DTypeError, match="negative integer powers"):
        tensor(np.array([2])) ** -1
    assert at(lambda a: a**-1.0, np.array([2])) == 0.5
    found = at(lambda a, b: a**b, [1, -1, -1, 2, 0], [-1, -1, -2, -1, -1])
    np.testing.assert_array_equal(found, [1, -1, 1, 0, 0])


def test_sizes_that_do_not_broadcast_are_named() -> None:
    with pytest.raises(ShapeError, match="3 and 4"):
        tensor(np.ones(3), static=True) + tensor(np.ones(4), static=True)


# -------------------------------------------------------------- edges of derivatives

EDGES = [
    (abs, (0.0,), (0.0,)),
    (ew.sqrt, (0.0,), (inf,)),
    (lambda x: x**2, (0.0,), (0.0,)),
    (lambda x: x**0, (0.0,), (0.0,)),
    (lambda x: x**0.0, (inf,), (0.0,)),
    (ew.pow, (0.0, 0.0), (0.0, 0.0)),
    (ew.pow, (0.0, 2.0), (0.0, 0.0)),
    (ew.pow, (0.0, 1.0), (1.0, 0.0)),
    (ew.pow, (2.0, 0.0), (0.0, math.log(2))),
    (ew.maximum, (1.0, 1.0), (1.0, 0.0)),
    (ew.minimum, (1.0, 1.0), (1.0, 0.0)),
    (ew.clip, (1.0, 1.0, 2.0), (1.0, 0.0, 0.0)),
    (ew.clip, (2.0, 1.0, 2.0), (1.0, 0.0, 0.0)),
    (ew.clip, (0.0, 1.0, 2.0), (0.0, 1.0, 0.0)),
    (ew.clip, (9.0, 1.0, 2.0), (0.0, 0.0, 1.0)),
    (ew.clip, (0.0, 3.0, 2.0), (0.0, 0.0, 1.0)),
    (ew.relu, (0.0,), (0.0,)),
    (ew.relu, (2.0,), (1.0,)),
    (ew.hypot, (0.0, 0.0), (0.0, 0.0)),
    (ew.sinc, (0.0,), (0.0,)),
    (ew.xlogx, (0.0,), (-inf,)),
    (ew.xlogy, (0.0, 0.0), (-inf, 0.0)),
    (ew.xlogy, (0.0, 2.0), (math.log(2), 0.0)),
    (ew.logaddexp, (inf, inf), (0.5, 0.5)),
    (ew.logaddexp, (-inf, -inf), (0.5, 0.5)),
    (ew.logaddexp, (800.0, 0.0), (1.0, 0.0)),
    (ew.softplus, (1000.0,), (1.0,)),
    (ew.softplus, (-1000.0,), (0.0,)),
    (ew.sigmoid, (-1000.0,), (0.0,)),
    (ew.heaviside, (0.0, 5.0), (0.0, 1.0)),
    (ew.copysign, (2.0, -1.0), (-1.0, 0.0)),
    (ew.i1, (0.0,), (0.5,)),
    (ew.j1, (0.0,), (0.5,)),
    (ew.floor, (0.5,), (0.0,)),
    (zero_grad, (3.0,), (0.0,)),
]


@pytest.mark.parametrize(("function", "point", "expected"), EDGES)
def test_derivative_at_an_edge(function: Any, point: Any, expected: Any) -> None:
    np.testing.assert_allclose(slopes(function, *point), expected, rtol=1e-15)


@pytest.mark.parametrize("g", [inf, nan])
def test_the_side_not_taken_gets_no_gradient(g: float) -> None:
    def chosen(x: Node, y: Node) -> Node:
        return ew.where(ew.greater(x, 0), x, y)

    assert slopes(chosen, 1.0, nan, g=g)[1] == 0
    assert slopes(chosen, -1.0, 2.0, g=g)[0] == 0
    assert slopes(ew.maximum, 3.0, 2.0, g=g)[1] == 0


@pytest.mark.parametrize("name", ["polygamma", "jv", "iv", "kv", "ive", "kve"])
def test_an_unknown_derivative_is_nan_not_zero(name: str) -> None:
    order, argument = slopes(getattr(ew, name), 2.0, 1.5)
    assert math.isnan(order)
    assert math.isfinite(argument)


def test_gradient_of_a_broadcast_operand_is_summed() -> None:
    x, y = np.arange(6.0).reshape(2, 3), np.array([[2.0], [3.0]])
    inputs = tensors([x, y])
    g = tensor(np.ones((2, 3)), "g")
    dx, dy = pullback(inputs[0] * inputs[1], g, inputs)
    found = value(dy, (*inputs, g), (x, y, np.ones((2, 3))))
    np.testing.assert_array_equal(found, x.sum(axis=1, keepdims=True))
    assert dx.ndim == 2


def test_tangent_of_a_broadcast_operand_has_the_shape_of_the_result() -> None:
    x, y, v = np.zeros((2, 3)), np.ones((2, 1)), np.full((2, 1), 5.0)
    inputs = tensors([x, y])
    move = tensor(v, "v")
    along = pushforward(inputs[0] + inputs[1], {inputs[1]: move})
    found = value(along, (*inputs, move), (x, y, v))
    np.testing.assert_array_equal(found, np.full((2, 3), 5.0))


# --------------------------------------------------------------------- composites


@given(*[hnp.arrays("float64", 4, elements=st.floats(width=16)) for _ in "xy"])
def test_isclose_is_that_of_numpy(x: Any, y: Any) -> None:
    for equal_nan in (False, True):
        found = at(lambda a, b, e=equal_nan: ew.isclose(a, b, equal_nan=e), x, y)
        np.testing.assert_array_equal(found, np.isclose(x, y, equal_nan=equal_nan))


@given(*[hnp.arrays("int16", 4) for _ in "xy"])
def test_ceil_intdiv_rounds_up(x: Any, y: Any) -> None:
    found = at(ew.ceil_intdiv, x, y)
    with np.errstate(all="ignore"):
        exact_ = np.where(y == 0, 0, np.ceil(x / np.where(y == 0, 1, y)))
    np.testing.assert_array_equal(found, exact_.astype("int64").astype("int16"))


def test_nan_to_num_is_that_of_numpy() -> None:
    x = np.array([nan, inf, -inf, 1.5], "float32")
    np.testing.assert_array_equal(at(ew.nan_to_num, x), np.nan_to_num(x), strict=True)
    found = at(lambda a: ew.nan_to_num(a, 1, 2, 3), x)
    np.testing.assert_array_equal(found, np.nan_to_num(x, nan=1, posinf=2, neginf=3))


def test_relu_leaks_alpha_and_keeps_nan() -> None:
    x = np.array([-2.0, 0.0, 3.0, nan])
    np.testing.assert_array_equal(at(ew.relu, x), [0, 0, 3, nan])
    np.testing.assert_array_equal(at(lambda a: ew.relu(a, 0.1), x), [-0.2, 0, 3, nan])


def test_composites_of_gamma() -> None:
    for function, numbers, expected in [
        (ew.factorial, (5,), 120), (ew.poch, (3.0, 4.0), 360),
        (ew.gammal, (2.0, 1.0), 1 - 2 / math.e), (ew.gammau, (2.0, 1.0), 2 / math.e),
        (ew.chi2sf, (3.0, 2), math.exp(-1.5)),
    ]:  # fmt: skip
        np.testing.assert_allclose(at(function, *numbers), expected, rtol=4e-14)


# ---------------------------------------------------------- C far from the samples

# op: operands, and the bound in units in the last place of max(|value|, scale)
FAR = {
    "beta": ([40.5, 200.0, 1e-5, -2.5], [30.5, 1.5, 1e-8, 4.5], 600, 0),
    "betaln": ([40.5, 2e5, 1e-5, 15.0, 1e10], [30.5, 1.5, 1e-8, 2.5, 1e9], 60, 0),
    "digamma": ([-0.5, -3.3, -20.7, -1e-20, 1e-300, 9.999, 10.0, 1e6, 1e300], 12, 1),
    "erfcinv": ([1e-300, 1e-10, 0.4999, 0.5, 1.4999, 1.5001, 1.9999999], 4, 0),
    "erfcx": ([-26.0, -1.0, 0.0, 9.9999, 10.0, 26.0, 1e3, 1e6], 6, 0),
    "erfinv": ([-0.9999999999, 1e-300, 0.49999, 0.50001, 0.999999], 4, 0),
    "gamma": ([-0.5, -3.3, -20.7, 1e-300, 33.3, 170.5], 10, 0),
    "gammainc": (
        [30.0, 200.0, 1e4, 0.001, 1e6], [25.0, 230.0, 1e4, 2.0, 1.001e6], 400, 0,
    ),
    "gammaincc": (
        [30.0, 200.0, 1e4, 1e-3, 50.0], [25.0, 230.0, 1e4, 0.5, 120.0], 400, 0,
    ),
    "gammaln": ([-0.5, -3.3, 1e-300, 33.3, 1e10, 1e300], 6, 0),
    "i0": ([-700.0, 7.999, 8.001, 1e-9, 100.0], 8, 0),
    "i1": ([-700.0, 7.999, 8.001, 1e-9, 100.0], 8, 0),
    "log_ndtr": ([-1e4, -40.0, -1.0001, -0.9999, 0.0, 8.0, 37.0], 12, 0),
    "logit": ([1e-300, 0.2499, 0.2501, 0.5000001, 0.99999], 6, 0),
    "ndtr": ([-37.0, -20.0, -1.0, 0.0, 5.0], 8, 0),
    "ndtri": ([1e-300, 1e-10, 0.2, 0.5000001, 0.999], 4, 0),
    "polygamma": (
        [1.0, 2.0, 3.0, 9.0, 20.0, 5.0], [0.01, 50.0, 1e5, 3.5, 30.0, 1e16], 60, 0,
    ),
    "sinc": ([1e-300, 0.5, 1e-9, 100.5], 16, 0.1),
    "trigamma": ([-0.5, -3.3, -20.7, 1e-9, 11.99, 12.0, 1e8], 12, 0),
}  # fmt: skip


@pytest.mark.cc
@pytest.mark.parametrize("name", FAR)
def test_special_functions_in_c_far_from_the_samples(name: str) -> None:
    *operands, bound, scale = FAR[name]
    arrays = [np.array(x) for x in operands]
    found = c_loops.run(getattr(ew, name), "float64", arrays, "scalar")
    for *point, got in zip(*arrays, found, strict=True):
        true = exact(name, *point)
        with mp.workdps(40):
            size = max(abs(float(true)), scale, 2.3e-308)
            assert abs(mp.mpf(float(got)) - true) <= bound * mp.mpf(np.spacing(size)), (
                point, got, true,
            )  # fmt: skip


@pytest.mark.cc
def test_gammainc_at_large_parameters_against_scipy() -> None:
    from scipy import special

    a = np.array([1e7 - 1, 1e8, 1e12, 1e12, 1e300, 1e8])
    x = a * [1.0001, 1.0002, 1 + 2e-6, 1 - 1e-6, 1.0, 2.0]
    for name in ("gammainc", "gammaincc"):
        found = c_loops.run(getattr(ew, name), "float64", [a, x], "scalar")
        np.testing.assert_allclose(
            found, getattr(special, name)(a, x), rtol=2e-9, atol=1e-17
        )


def test_every_function_of_the_special_file_is_checked_exactly() -> None:
    ops = [vars(ew)[name] for name in ew.__all__]
    own = {op.name for op in ops if isinstance(op, Elementwise) and op.support}
    assert own - {"gcd", "lcm"} <= EXACT.keys()  # those two equal NumPy's
