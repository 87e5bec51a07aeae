"""Every op through compiled functions: values, gradients, special values, small sizes.

What the C of a whole function returns is compared with the reference evaluation of the
graph as written. About 35 results share one function, so that a compiler is started
seldom and the code generator meets large programs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

import symnb
from symnb.core.evaluate import evaluate
from symnb.core.node import Node
from symnb.gradient import Lop
from symnb.ops import distributions
from symnb.ops.define import Elementwise
from tests.ops import c_loops
from tests.ops.cases import CASES
from tests.ops.structure import tensor
from tests.ops.test_every_op import (
    OUTSIDE,
    SCALE,
    errors,
    grid,
    inner_samples,
    reference,
    samples,
    units,
    unknown,
)

pytestmark = pytest.mark.cc
Array = np.ndarray[Any, Any]
GROUP = 35  # results per function
MODES = ("strict", "FAST_RUN")
ELEMENTWISE = c_loops.elementwise_ops()


@dataclass(frozen=True)
class Item:
    """Results of one case in a function: how they are called, made and compared."""

    label: str
    inputs: tuple[Node, ...]
    arrays: tuple[Array, ...]
    outputs: tuple[Node, ...]
    compare: Callable[[Array, Array], None]


def item(
    label: str,
    build: Callable[..., Any],
    arrays: Sequence[Array],
    compare: Callable[[Array, Array], None],
    static: bool = False,
) -> Item:
    """An item whose inputs have fixed or free sizes."""
    inputs = tuple(tensor(a, f"x{i}", static) for i, a in enumerate(arrays))
    made = build(*inputs)
    outputs = tuple(made) if isinstance(made, list | tuple) else (made,)
    return Item(label, inputs, tuple(map(np.asarray, arrays)), outputs, compare)


def groups(items: Sequence[Item]) -> list[list[Item]]:
    """The items in runs of about GROUP results."""
    found: list[list[Item]] = [[]]
    for one in items:
        if sum(len(i.outputs) for i in found[-1]) >= GROUP:
            found.append([])
        found[-1].append(one)
    return found


def check(items: Sequence[Item], mode: str, cut: Sequence[int] = ()) -> None:
    """Compiled results equal the reference's; also of the first elements, per `cut`."""
    inputs = [x for one in items for x in one.inputs]
    outputs = [y for one in items for y in one.outputs]
    f = symnb.function(inputs, outputs, mode=mode, on_unused_input="ignore")
    for count in (None, *cut):
        used = [[_head(a, count) for a in one.arrays] for one in items]
        results = iter(f(*[a for arrays in used for a in arrays]))
        for one, mine in zip(items, used, strict=True):
            given = dict(zip(one.inputs, mine, strict=True))
            for want in evaluate(one.outputs, given):
                got, label = next(results), f"{one.label}, {mode}, {count}"
                assert (got.dtype, got.shape) == (want.dtype, want.shape), label
                try:
                    one.compare(got, want)
                except AssertionError as error:
                    raise AssertionError(f"{label}: {error}") from None


def _head(array: Array, count: int | None) -> Array:
    return array if count is None else array[:count]


def close(got: Array, want: Array) -> None:
    """Equal but for the order of sums and library functions in their last digits."""
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    eps = float(np.finfo(want.dtype).eps)
    with np.errstate(all="ignore"):
        size = np.max(np.abs(want[np.isfinite(want)]), initial=0.0)
    np.testing.assert_allclose(got, want, rtol=64 * eps, atol=64 * eps * float(size))


# --------------------------------------------------------------------- elementwise


def elementwise_items(dtype: str, special: bool, turn: int = 0) -> list[Item]:
    """One item per op that computes in `dtype`, its operands moved on by `turn`."""
    found = []
    for op in ELEMENTWISE:
        if dtype in c_loops.computed_dtypes(op):
            operands = grid(op, dtype) if special else samples(op, dtype, 70)
            if op.name in OUTSIDE:
                with np.errstate(all="ignore"):
                    kept = ~OUTSIDE[op.name](*operands)
                operands = [x[kept] for x in operands]
            operands = [np.roll(x, turn) for x in operands]
            found.append(item(op.name, op, operands, comparison(op, dtype, operands)))
    return found


def comparison(
    op: Elementwise, dtype: str, operands: list[Array]
) -> Callable[[Array, Array], None]:
    """Within the declared bound of the reference, or of the exact value."""

    def compare(got: Array, want: Array) -> None:
        if want.dtype.kind != "f":
            np.testing.assert_array_equal(got, want)
            return
        distance = units(got, want, SCALE.get(op.name, 0))
        for i in np.flatnonzero(~(distance <= 2 * op.ulp + 4)):
            point = [x[i : i + 1] for x in operands]
            assert np.isfinite(point).all(), (dtype, point, got[i], want[i])
            error = errors(op, dtype, point, got[i : i + 1])
            assert error <= op.ulp + 1, (dtype, point, got[i], want[i])

    return compare


DTYPES = sorted({d for op in ELEMENTWISE for d in c_loops.computed_dtypes(op)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_elementwise_ops_at_special_values(dtype: str) -> None:
    for group in groups(elementwise_items(dtype, special=True)):
        check(group, "strict", cut=(0, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values_in_whole_vectors_and_behind_them(dtype: str) -> None:
    several = {op.name for op in ELEMENTWISE if 4 <= op.flops < 100}
    for turn in (0, 13):
        items = elementwise_items(dtype, special=True, turn=turn)
        for group in groups([one for one in items if one.label in several]):
            check(group, "FAST_RUN", cut=(5,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elementwise_ops_with_vector_functions(dtype: str) -> None:
    for group in groups(elementwise_items(dtype, special=False)):
        check(group, "FAST_RUN", cut=(1, 7))


def pulled(op: Elementwise) -> Item:
    """The gradients of one op at inner samples."""
    arrays, skip = inner_samples(op), unknown(op)
    if op.name == "polygamma":
        arrays[0] = np.array([1.0, 2.0, 3.0])
    g = np.random.default_rng(5).standard_normal(3)

    def build(*inputs: Node) -> Any:
        *xs, weight = inputs
        moving = [x for x, s in zip(xs, skip, strict=True) if not s]
        return Lop(op(*xs), moving, weight, disconnected_inputs="ignore")

    return item(op.name, build, [*arrays, g], loose)


def loose(got: Array, want: Array) -> None:
    """Equal up to rounding of a formula with a few special functions."""
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_gradients_of_elementwise_ops(mode: str) -> None:
    smooth = [
        op
        for op in ELEMENTWISE
        if op.partial is not None and "float" in op.allowed and not all(unknown(op))
    ]
    for group in groups([pulled(op) for op in smooth]):
        check(group, mode)


# -------------------------------------------------------------------------- cases


@cache
def case_items(static: bool) -> list[Item]:
    """Every case: its value and, where it is smooth, its gradients."""
    found = []
    for name, cases in CASES.items():
        for number, case in enumerate(cases):
            label = f"{name}-{number}, {'static' if static else 'symbolic'}"
            found.append(item(label, case.build, case.arrays, close, static))
            if case.smooth:
                found.append(_case_gradient(label, case, static))
    return found


def _case_gradient(label: str, case: Any, static: bool) -> Item:
    arrays = [np.asarray(a, "float64") for a in case.arrays]
    inputs = [tensor(a, "x", True) for a in arrays]
    given = dict(zip(inputs, arrays, strict=True))
    [value] = evaluate([case.build(*inputs)], given)
    g = np.random.default_rng(6).standard_normal(value.shape)

    def build(*nodes: Node) -> Any:
        *xs, weight = nodes
        return Lop(case.build(*xs), xs, weight, disconnected_inputs="ignore")

    return item(f"gradient of {label}", build, [*arrays, g], close, static)


@pytest.mark.parametrize(("static", "mode"), [(True, "strict"), (False, "FAST_RUN")])
def test_structural_ops(mode: str, static: bool) -> None:
    for group in groups(case_items(static)):
        check(group, mode)


# -------------------------------------------------------------------------- draws

STATE = np.array([2026, 11, 20], "uint64")
SHAPES = ((), (0,), (1,), (7, 5), (130,))
DRAWS: dict[str, Callable[..., Node]] = {
    "uniform": lambda k, s: distributions.uniform(k, s, -1.0, 3.0, "float64"),
    "uniform32": lambda k, s: distributions.uniform(k, s, 0.0, 1.0, "float32"),
    "normal": lambda k, s: distributions.normal(k, s, 1.0, 2.0, "float64"),
    "normal32": lambda k, s: distributions.normal(k, s, 0.0, 1.0, "float32"),
    "exponential": lambda k, s: distributions.exponential(k, s, 2.0, "float64"),
    "integers": lambda k, s: distributions.integers(k, s, -3, 12),
    "bernoulli": lambda k, s: distributions.bernoulli(k, s, 0.3),
    "binomial": lambda k, s: distributions.binomial(k, s, 10, 0.3),
    "category": lambda k, s: distributions.category(k, s, [0.2, 0.5, 0.3]),
    "permutation": lambda k, s: distributions.permutation(k, s, 6),
}


@pytest.mark.parametrize("mode", MODES)
def test_draws_of_a_fixed_key(mode: str) -> None:
    items = [
        item(f"{name} {shape}", lambda k, d=draw, s=shape: d(k, s), [STATE], close)
        for name, draw in DRAWS.items()
        for shape in SHAPES
    ]
    for group in groups(items):
        check(group, mode)


def test_the_suite_knows_every_elementwise_dtype() -> None:
    names = {one.label for d in DTYPES for one in elementwise_items(d, True)}
    assert names == {op.name for op in ELEMENTWISE}
    assert reference(ELEMENTWISE[0], grid(ELEMENTWISE[0], "float64")).size > 0
