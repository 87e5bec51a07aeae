"""Random graphs: what compiled C returns is what the NumPy reference returns.

Graphs mix elementwise ops, broadcasting, views, reductions, products, indexing and
casts; sizes include 0 and 1, values include NaN, infinities and -0. The reference runs
the graph as written, so the optimiser is tested with the back end: bitwise rules where
values are not finite, all rules where they are.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.core.evaluate import evaluate

pytestmark = pytest.mark.cc

UNARY = [
    T.exp, T.tanh, T.neg, T.abs, T.sqrt, T.square, T.sigmoid, T.sin, T.floor, T.log1p,
    lambda x: x[::-1],
    lambda x: x.T,
    lambda x: T.sum(x, axis=0, keepdims=True),
    lambda x: T.max(x, axis=1, keepdims=True) if _static(x, 1) else T.sum(x, axis=1),
    lambda x: x.mean(axis=-1, keepdims=True),
    lambda x: T.cumsum(x, axis=0),
    lambda x: x.reshape((-1, 1)),
    lambda x: x.astype("float32").astype("float64"),
    lambda x: T.where(x > 0, x, -x * 0.5),
    lambda x: x[T.arange(x.shape[0]) * 0] if _static(x, 0) else x + 1,
    lambda x: T.concatenate([x, x * 2], axis=0),
    lambda x: T.exp(x) / T.exp(x).sum(axis=-1, keepdims=True),
    lambda x: T.log(1 + T.exp(x)),
    lambda x: x**3,
    lambda x: x**-5,
    lambda x: x.reshape((x.shape[0], 1, x.shape[1]))[:, 0],
    lambda x: T.exp(x).reshape((-1, 1)),
    lambda x: T.diagonal(T.exp(x))[None],
    lambda x: T.prod(x * 2, axis=0, keepdims=True),
    lambda x: T.argmin(-x, axis=1) * 1.0 if _static(x, 1) else x,
    lambda x: T.stack([x.sum(), (x * x).sum()]).sum() + x,
    lambda x: T.concatenate([x, x], axis=0)[: x.shape[0]] / T.abs(x),
    lambda x: T.log(T.square(x)),
    lambda x: T.maximum(x.shape[0], 0) * x,
]  # fmt: skip
# Which zero is the maximum of 0 and -0 is nobody's promise, so nothing divides by one.
BINARY = [
    T.add, T.sub, T.mul, T.maximum, lambda x, y: x / (1 + y * y), T.less, T.logaddexp,
    lambda x, y: T.exp(x * 1.0) * T.exp(y * 1.0), lambda x, y: x / T.exp(y * 1.0),
    lambda x, y: T.where(T.gt(x, y), 0, y) * x, lambda x, y: x * y + x,
]  # fmt: skip


def _static(x, axis):
    """Whether an axis exists and surely has elements."""
    return x.ndim > axis and x.type.shape[axis] not in (0,) and isinstance(
        x.type.shape[axis], int
    )  # fmt: skip


@st.composite
def programs(draw):
    """A recipe: sizes, values, and which op takes which earlier value."""
    n, m = draw(st.integers(0, 4)), draw(st.sampled_from([1, 2, 3, 9]))
    special = st.sampled_from([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, 1e-310, 700.0])
    number = st.one_of(st.floats(-3, 3, width=32), st.floats(-3, 3, width=32), special)
    dtype = draw(st.sampled_from(["float64", "float64", "float32"]))
    shapes = [(n, m), (m,), (1, m)]
    values = [
        np.array(draw(st.lists(number, min_size=k, max_size=k)), dtype).reshape(shape)
        for shape in shapes
        for k in [int(np.prod(shape))]
    ]
    steps = draw(
        st.lists(
            st.tuples(
                st.booleans(), st.integers(0, 99), st.integers(0, 9), st.integers(0, 9)
            ),
            min_size=1,
            max_size=9,
        )
    )
    return values, steps


def build(values, steps):
    """Inputs and outputs of the recipe; steps whose shapes do not fit are left out."""
    dtype = values[0].dtype.name
    inputs = [
        T.tensor(dtype, (None, values[0].shape[1]), "x"),
        T.tensor(dtype, (values[0].shape[1],), "y"),
        T.tensor(dtype, (1, values[0].shape[1]), "z"),
    ]
    made = list(inputs)
    for binary, which, a, b in steps:
        first, second = made[-1 - a % len(made)], made[b % len(made)]
        try:
            if binary:
                made.append(BINARY[which % len(BINARY)](first, second))
            else:
                node = first if first.ndim == 2 else first[None]
                made.append(UNARY[which % len(UNARY)](node.astype(dtype)))
        except symnb.errors.GraphError:
            continue
        if made[-1].ndim > 2:
            made.pop()
    return inputs, made


@settings(deadline=None)
@given(programs(), st.sampled_from(["strict", "FAST_RUN"]))
def test_compiled_graphs_return_what_the_reference_returns(recipe, mode):
    values, steps = recipe
    inputs, made = build(values, steps)
    try:
        want = evaluate(made, dict(zip(inputs, values, strict=True)))
    except ValueError:
        return  # sizes of this draw that NumPy refuses as well
    if not all(np.isfinite(array).all() for array in want):
        mode = "strict"  # rules that hold for numbers only are off
    f = symnb.function(inputs, made[-3:], mode=mode, on_unused_input="ignore")
    for mine, theirs in zip(f(*values), want[-3:], strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        compare(mine, theirs, values[0].dtype == np.float32)


def compare(mine, theirs, single=False):
    """Equal up to rounding; NaN and infinities in the same places."""
    if mine.dtype.kind != "f":
        np.testing.assert_array_equal(mine, theirs)
        return
    tolerance = 2e-4 if single or mine.dtype == np.float32 else 1e-9
    with np.errstate(all="ignore"):
        scale = np.nanmax(np.abs(theirs[np.isfinite(theirs)]), initial=1.0)
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance * scale)
