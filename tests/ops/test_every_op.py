"""Every op of the table: reference, C and derivatives agree, special values included.

A new op is found by itself; one that is not elementwise needs a case (`cases.py`).
"""

import itertools
import pkgutil
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import symnb.ops  # noqa: F401  (declares them)
from symnb.core import walk
from symnb.core.dtypes import DTYPES
from symnb.core.op import TABLE
from symnb.errors import DTypeError
from symnb.ops.c_text import template
from symnb.ops.define import Elementwise, dtype_class
from tests.ops import c_loops
from tests.ops.cases import CASES
from tests.ops.exact import EXACT, exact
from tests.ops.structure import agrees, check_derivatives, tensors, value

for _module in pkgutil.iter_modules([str(Path(__file__).parent)]):
    if _module.name.startswith("cases_"):
        import_module(f"tests.ops.{_module.name}")

Array = np.ndarray[Any, Any]
OPS = [pytest.param(op, id=op.name) for op in c_loops.elementwise_ops()]

# Where NumPy has the function under another name; "" where it has none.
NUMPY = {
    "arccos": "arccos", "mod": "remainder", "mul": "multiply", "neg": "negative",
    "pow": "power", "round": "round", "sub": "subtract", "square": "square",
}  # fmt: skip
# Results near zero whose error is absolute: |error| <= ulp * eps * max(|f|, scale).
SCALE = {
    "digamma": 1.0, "gammainc_da": 1.0, "j0": 1.0, "j1": 1.0, "logaddexp": 1.0,
    "logaddexp2": 1.0, "betaln": 1.0, "sinc": 0.1, "poch": 1.0,
}  # fmt: skip

LIMITS = {"float32": (-80, 80), "float64": (-700, 700)}  # exp stays finite


# Errors of SciPy's functions where they exceed those of the C text by far.
REFERENCE_ULP = {"erfc": 40, "gammaln": 500, "ndtr": 60, "log_ndtr": 60}


def seed(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def samples(op: Elementwise, dtype: str, count: int) -> list[Array]:
    """Random operands inside the op's interval, as it computes them."""
    random, (low, high) = seed(op.name), op.sample
    made = []
    for kind in c_loops.operand_dtypes(op, dtype):
        if kind == "bool":
            made.append(random.integers(0, 2, count).astype(bool))
        elif dtype_class(kind) == "float":
            ends = np.clip([low, high], *LIMITS[kind])
            inside = np.array(random.uniform(*ends, count), kind)
            inner = np.nextafter(ends.astype(kind), ends[::-1].astype(kind))
            made.append(np.clip(inside, *inner))
        else:
            made.append(random.integers(0 if kind[0] == "u" else -9, 9, count, kind))
    if op.name == "polygamma":
        made[0] = np.round(made[0])
    return made


def specials(dtype: str) -> Array:
    kind = dtype_class(dtype)
    if kind == "bool":
        return np.array([False, True])
    if kind == "float":
        tiny = np.finfo(dtype).smallest_subnormal
        numbers = [0, -0.0, 1, -1, 0.5, 2, -2.5, np.inf, -np.inf, np.nan, 3, -3]
        limits = [tiny, -tiny, np.finfo(dtype).tiny, np.finfo(dtype).max]
        return np.array([*numbers, *limits, np.finfo(dtype).min, 1e-9, 40, -40], dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return np.array([0, 1, 2, 3, 7, low, low + 1, high, high - 1, 8], dtype)


def grid(op: Elementwise, dtype: str) -> list[Array]:
    """Every combination of special values."""
    values = [specials(d) for d in c_loops.operand_dtypes(op, dtype)]
    if len(values) == 3:
        values = [v[:12] for v in values]
    return [np.ascontiguousarray(a.ravel()) for a in np.meshgrid(*values)]


def reference(op: Elementwise, operands: list[Array]) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(op.numpy(*operands))


def units(found: Array, expected: Array, scale: float) -> Array:
    """|found - expected| in units in the last place of expected's dtype, at `scale`."""
    info = np.finfo(expected.dtype)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(expected), max(scale, float(info.tiny)))
        distance = np.abs(found.astype(np.longdouble) - expected) / np.spacing(size)
        distance = distance.astype(float)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    return np.where(same, 0, distance)


# ------------------------------------------------------------------------ coverage


def test_every_op_is_tested() -> None:
    bare = [
        op.name
        for op in TABLE.values()
        if op.kind not in ("leaf", "size", "hole")
        and not isinstance(op, Elementwise)
        and "kernel" not in op.tags  # a scalar of kernels, not of graphs
        and op.name not in CASES
    ]
    assert not bare, f"no case for {', '.join(bare)}: write one in tests/ops/cases_*.py"


@pytest.mark.parametrize("op", OPS)
def test_every_op_says_what_it_is(op: Elementwise) -> None:
    assert op.doc.endswith(".")
    assert op.arity == len(op.operands)
    assert op.sample[0] < op.sample[1]
    assert op.partial is not None or op.no_gradient


# ---------------------------------------------------------------- dtypes and shapes

SHAPES = [((), ()), ((0,), (1,)), ((3,), ()), ((2, 1), (3,)), ((1, 0), (4, 1))]


@pytest.mark.parametrize("op", OPS)
def test_type_is_inferred_as_the_reference_computes(op: Elementwise) -> None:
    for dtype, shapes in itertools.product(c_loops.computed_dtypes(op), SHAPES):
        arrays = [
            np.resize(x, shapes[i % 2]) for i, x in enumerate(samples(op, dtype, 3))
        ]
        node = op(*tensors(arrays, static=True))
        raw = reference(op, arrays)
        assert raw.dtype.name == node.dtype
        assert raw.shape == node.type.shape
        evaluated = value(op(*(xs := tensors(arrays, static=True))), xs, arrays)
        np.testing.assert_array_equal(evaluated, raw, strict=True)


UNLIKE = {"copy", "i0"}  # np.copy takes no dtype; np.i0 is another series
TWINS = {
    "abs": "absolute", "floor_div": "floor_divide", "mod": "remainder",
    "mul": "multiply", "neg": "negative", "pow": "power", "sub": "subtract",
    "true_div": "true_divide",
}  # fmt: skip
DIFFERENT = {
    ("reciprocal", "int"): "1 / 0 is 0, not what the processor happens to give",
    ("round", "bool"): "stays bool, as floor and ceil do",
    ("sinc", "bool"): "float32 as sin gives, not float64",
    ("sinc", "int"): "the same",
    ("sinc", "uint"): "the same",
    ("nextafter", "int"): "float16 in NumPy, whose next number is another",
    ("nextafter", "uint"): "the same",
    ("nextafter", "bool"): "the same",
}


@pytest.mark.parametrize("op", OPS)
def test_dtypes_and_values_are_those_of_numpy(op: Elementwise) -> None:
    if not hasattr(np, TWINS.get(op.name, op.name)) or op.name in UNLIKE:
        return
    twin = getattr(np, TWINS.get(op.name, op.name))
    for dtypes in itertools.product(DTYPES, repeat=min(len(op.operands), 2)):
        dtypes = (*dtypes, dtypes[-1])[: len(op.operands)]
        arrays = [np.array([1, 0, 2, 1]).astype(d) for d in dtypes]
        arrays[0] = arrays[0][:, None]
        if any((op.name, dtype_class(d)) in DIFFERENT for d in dtypes):
            continue
        agree_with_numpy(op, twin, arrays)


def agree_with_numpy(op: Elementwise, twin: Any, arrays: list[Array]) -> None:
    inputs = tensors(arrays, static=True)
    try:
        with np.errstate(all="ignore"):
            expected = twin(*arrays)
    except TypeError:
        with pytest.raises(DTypeError):
            op(*inputs)
        return
    found = value(op(*inputs), inputs, arrays)
    half = expected.dtype == np.float16  # which symnb does not have
    assert found.dtype == ("float32" if half else expected.dtype), arrays
    np.testing.assert_allclose(found, expected, rtol=2e-3 if half else 1e-7)


# --------------------------------------------------------------------------- values


# Operands for which SciPy has no answer of its own, or a wrong one.
OUTSIDE = {
    "beta": lambda a, b: ~((a >= 0) & (b >= 0) & (a < 1e300) & (b < 1e300)),
    "betaln": lambda a, b: ~((a >= 0) & (b >= 0) & (a < 1e300) & (b < 1e300)),
    "polygamma": lambda n, x: (
        (n < 0) | (n != np.floor(n)) | (n > 170) | ~((x >= 0) & (x < np.inf))
    ),
    "gammainc": lambda a, x: (a > 1e8) | (a < 1e-300),
    "gammaincc": lambda a, x: (a > 1e8) | (a < 1e-300),
    "j0": np.isinf,  # 0; SciPy: NaN
    "j1": np.isinf,
}


@pytest.mark.cc
@pytest.mark.parametrize("op", OPS)
def test_c_agrees_with_the_reference(op: Elementwise) -> None:
    kinds = ("scalar", "vector")
    for dtype, kind in itertools.product(c_loops.computed_dtypes(op), kinds):
        if template(op, dtype):
            for operands in (grid(op, dtype), samples(op, dtype, 200)):
                agree(op, dtype, operands, kind)


def agree(op: Elementwise, dtype: str, operands: list[Array], kind: str) -> None:
    """C equals the reference, or (where that is poor) the exact value."""
    outside = OUTSIDE.get(op.name)
    if outside is not None:
        with np.errstate(all="ignore"):
            operands = [x[~outside(*operands)] for x in operands]
    expected = reference(op, operands)
    found = c_loops.run(op, dtype, operands, kind)
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, err_msg=f"{dtype} {kind}")
        return
    distance = units(found, expected, SCALE.get(op.name, 0))
    for i in np.flatnonzero(~(distance <= 2 * op.ulp + 4)):
        point = [x[i] for x in operands]
        assert np.isfinite(point).all(), (dtype, kind, point, found[i], expected[i])
        error = errors(op, dtype, [x[i : i + 1] for x in operands], found[i : i + 1])
        assert error <= op.ulp + 1, (dtype, kind, point, found[i], expected[i])


EXACTLY = [
    pytest.param(op, id=op.name) for op in c_loops.elementwise_ops() if op.name in EXACT
]


def errors(op: Elementwise, dtype: str, operands: list[Array], found: Array) -> Array:
    """Errors of `found` in units in the last place, against mpmath."""
    result = []
    for numbers, got in zip(zip(*operands, strict=True), found, strict=True):
        true = exact(op.name, *numbers)
        rounded = np.dtype(dtype).type(float(true))
        size = max(abs(rounded), SCALE.get(op.name, 0), float(np.finfo(dtype).tiny))
        with mp.workdps(40):
            error = abs(mp.mpf(float(got)) - true) / mp.mpf(
                float(np.spacing(rounded.dtype.type(size)))
            )
        result.append(float(error) if np.isfinite(rounded) else float(got != rounded))
    return np.array(result)


@pytest.mark.cc
@pytest.mark.parametrize("op", EXACTLY)
def test_error_is_within_the_declared_bound(op: Elementwise) -> None:
    for dtype in ("float32", "float64"):
        operands = samples(op, dtype, 30)
        if template(op, dtype):
            for kind in ("scalar", "vector"):
                found = c_loops.run(op, dtype, operands, kind)
                assert errors(op, dtype, operands, found).max() <= max(op.ulp, 0.501)
        bound = REFERENCE_ULP.get(op.name, 2 * op.ulp + 4)
        assert errors(op, dtype, operands, reference(op, operands)).max() <= bound


# ---------------------------------------------------------------------- derivatives

SMOOTH = [
    pytest.param(op, id=op.name)
    for op in c_loops.elementwise_ops()
    if op.partial is not None and "float" in op.allowed
]


def unknown(op: Elementwise) -> list[bool]:
    """Per operand whether its derivative is declared not to be known (NaN)."""
    inputs = tensors([np.ones(1) for _ in op.operands])
    parts = op.partial(*inputs, op(*inputs))
    return [isinstance(d, float) and np.isnan(d) for d in parts]


@pytest.mark.parametrize("op", SMOOTH)
def test_derivatives_agree_with_differences(op: Elementwise) -> None:
    arrays, skip = inner_samples(op), unknown(op)
    if op.name == "polygamma":
        arrays[0] = np.array([1.0, 2.0, 3.0])

    def build(*moving: Any) -> Any:
        given = iter(moving)
        return op(*[x if s else next(given) for x, s in zip(arrays, skip, strict=True)])

    free = [x for x, s in zip(arrays, skip, strict=True) if not s]
    if free:
        check_derivatives(build, *free)


def inner_samples(op: Elementwise) -> list[Array]:
    """Float samples away from the ends of the interval and from one another."""
    random, (low, high) = seed(op.name), op.sample
    low, high = max(low, -4.0), min(high, 4.0)
    margin = 0.05 * (high - low)
    return [random.uniform(low + margin, high - margin, 3) for _ in op.operands]


CASED = [
    pytest.param(name, i, id=f"{name}-{i}")
    for name, cases in CASES.items()
    for i in range(len(cases))
]


@pytest.mark.parametrize(("name", "index"), CASED)
def test_case(name: str, index: int) -> None:
    case = CASES[name][index]
    inputs = tensors(case.arrays)
    assert any(node.op.name == name for node in walk.order([case.build(*inputs)]))
    if case.reference is not None:
        agrees(case.build, case.reference, *case.arrays)
    if case.smooth:
        check_derivatives(case.build, *case.arrays)
