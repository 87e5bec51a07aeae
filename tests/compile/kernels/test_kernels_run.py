"""Generated C, compiled and run: special values, sizes, errors, accuracy, vectors."""

import re
import subprocess

import numpy as np
import pytest

from symnb.compile.kernels import Target
from symnb.compile.kernels.target import LIBMVEC
from symnb.compile.render import render_kernel
from symnb.core.dims import symbol
from symnb.core.evaluate import evaluate
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import cumulative, index, join, logic, reduce, slicing, transcendental
from symnb.ops.cast import cast
from symnb.ops.create import arange
from tests.compile.kernels.harness import (
    Compiled,
    KernelError,
    Workspace,
    compile_c,
    entry,
)

pytestmark = pytest.mark.cc
n, m = symbol("n", 0), symbol("m", 0)
RNG = np.random.default_rng(20261120)


def tensor(*shape: object, dtype: str = "float32") -> Input:
    return Input(TensorType(dtype, shape))  # type: ignore[arg-type]


def run(outputs: Node | list[Node], values: dict[Node, np.ndarray]) -> list[np.ndarray]:
    roots = outputs if isinstance(outputs, list) else [outputs]
    return Compiled(Graph(list(values), roots))(values)


def agrees(outputs: Node | list[Node], values: dict[Node, np.ndarray]) -> None:
    """C and the reference give the same bits."""
    roots = outputs if isinstance(outputs, list) else [outputs]
    for got, want in zip(run(roots, values), evaluate(roots, values), strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype


SPECIAL = np.array([1, np.nan, -np.inf, np.inf, -0.0, 0.0, 5e-324, 3], "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin", "any", "all"])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_extrema_treat_nan_as_numpy_does(name: str, dtype: str, axis: object) -> None:
    x = tensor(n, m, dtype=dtype)
    values = RNG.choice(SPECIAL, (19, 37)).astype(dtype)
    values[3], values[:, 5] = 2.0, -np.inf
    agrees(getattr(reduce, name)(x, axis), {x: values})


def test_argmax_is_the_first_of_equals() -> None:
    x = tensor(n, m, dtype="int64")
    values = RNG.integers(0, 3, (50, 70))
    agrees([reduce.argmax(x, 0), reduce.argmax(x, 1), reduce.argmin(x)], {x: values})


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "int64"])
def test_integers_wrap_around(dtype: str) -> None:
    x = tensor(n, dtype=dtype)
    limits = np.iinfo(dtype)
    values = np.array([limits.max, limits.min, 1, limits.max, 2], dtype)
    agrees([x + x * x, logic.greater(x + 1, x), reduce.prod(x)], {x: values})


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_empty_arrays_run_zero_times(shape: tuple[int, int]) -> None:
    x = tensor(n, m)
    outputs = [x * 2, reduce.sum(x, 0), reduce.sum(x, 1), reduce.prod(x), x.T + 1]
    outputs += [reduce.all(x, 1), cumulative.cumsum(x, 0), join.concatenate([x, x])]
    agrees(outputs, {x: np.zeros(shape, "float32")})


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_the_extremum_of_nothing_fails_in_numpys_words(
    name: str, shape: tuple[int, int], axis: int | None
) -> None:
    x = tensor(n, m)
    value = np.zeros(shape, "float32")
    out = getattr(reduce, name)(x, axis)
    try:
        want = getattr(np, name)(value, axis=axis)
    except ValueError as error:
        with pytest.raises(KernelError) as found:
            run(out, {x: value})
        assert str(found.value) == str(error)
    else:
        assert run(out, {x: value})[0].shape == want.shape


def test_positions_out_of_range_are_told() -> None:
    x, i = tensor(n, m), tensor(n, dtype="int64")
    rows = index.gather(x, [arange(x.shape[0]), i], (0, 1))
    value = RNG.normal(size=(4, 3)).astype("float32")
    agrees(rows, {x: value, i: np.array([0, -1, 2, -3])})
    for bad in (3, -4):
        with pytest.raises(KernelError) as error:
            run(rows, {x: value, i: np.array([0, 1, bad, 0])})
        assert str(error.value) == (
            f"index {bad} is out of bounds for axis 1 with size 3"
        )


@pytest.mark.parametrize("mode", ["set", "add"])
def test_scatter_takes_repeated_positions_in_order(mode: str) -> None:
    x, y = tensor(n, dtype="int64"), tensor(m, dtype="int64")
    i = tensor(m, dtype="int32")
    values = {
        x: np.arange(5), y: np.arange(10) ** 2,
        i: RNG.integers(-5, 5, 10).astype("int32"),
    }  # fmt: skip
    agrees(index.scatter(x, y, [i], (0,), mode), values)


@pytest.mark.parametrize("mode", ["set", "add"])
def test_a_slice_is_written_into_a_copy(mode: str) -> None:
    x = tensor(n, m)
    value = RNG.normal(size=(6, 9)).astype("float32")
    part = x[1:5:2, ::-1]
    where = part.params[0]
    out = slicing.set_slice(x, part * 2, where, mode)
    agrees([out, x], {x: value})


def test_running_values_equal_numpys_bits() -> None:
    x = tensor(n, m)
    value = RNG.normal(size=(300, 70)).astype("float32")
    agrees([cumulative.cumsum(x, axis) for axis in (0, 1)], {x: value})
    agrees(cumulative.cumprod(x, None), {x: value})


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 511, 512, 513, 5000])
def test_sums_are_right_at_the_edges_of_blocks(size: int) -> None:
    x = tensor(n, m, dtype="float64")
    for shape in (
        (3, size),
        (size, 3),
        (size, 1100)[: 2 if size < 600 else 0] or (2, 2),
    ):
        value = RNG.integers(-9, 9, shape).astype("float64")
        agrees([reduce.sum(x, 0), reduce.sum(x, 1), reduce.sum(x)], {x: value})


def error(got: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(got.astype("float64") - exact).mean())


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("shape", [(2000, 300), (64, 10_000), (100_000, 3)])
def test_float32_sums_are_as_accurate_as_numpys(axis: object, shape: object) -> None:
    x = tensor(n, m)
    value = RNG.random(shape).astype("float32")  # type: ignore[arg-type]
    exact = value.sum(axis=axis, dtype="float64")  # type: ignore[arg-type]
    [got] = run(reduce.sum(x, axis), {x: value})
    ours, numpys = error(got, exact), error(value.sum(axis=axis), exact)  # type: ignore[arg-type]
    half_ulp = float(np.spacing(np.abs(exact).max().astype("float32"))) / 2
    assert ours <= max(1.25 * numpys, half_ulp)


def test_softmax_of_large_numbers_is_right() -> None:
    x = tensor(n, m)
    value = (RNG.normal(size=(40, 1000)) * 30).astype("float32")
    e = transcendental.exp(x - reduce.max(x, 1, keepdims=True))
    [got] = run(e / reduce.sum(e, 1, keepdims=True), {x: value})
    exact = np.exp(value.astype("float64") - value.max(1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    eps = np.finfo("float32").eps
    bound = (np.abs(value - value.max(1, keepdims=True)) / 2 + 16) * eps  # of x - m
    assert np.all(np.abs(got - exact) <= bound * exact + 1e-37)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_down_the_columns_agrees_with_softmax_of_rows(dtype: str) -> None:
    x = tensor(n, m, dtype=dtype)
    value = RNG.normal(size=(1300, 70)).astype(dtype)
    e = transcendental.exp(x - reduce.max(x, 0, keepdims=True))
    [got] = run(e / reduce.sum(e, 0, keepdims=True), {x: value})
    exact = np.exp(value.astype("float64") - value.max(0, keepdims=True))
    exact /= exact.sum(0, keepdims=True)
    np.testing.assert_allclose(got, exact, rtol=50 * np.finfo(dtype).eps)


def test_a_row_without_an_output_to_borrow_has_memory_of_its_own() -> None:
    x = tensor(n, m)
    value = RNG.normal(size=(30, 41)).astype("float32")
    e = transcendental.exp(x)
    spread = reduce.sum((e - reduce.max(e, 1, keepdims=True)) ** 2, 1)
    compiled = Compiled(Graph([x], [spread]))
    assert "ws->alloc" in compiled.source
    [got] = compiled({x: value})
    exact = np.exp(value.astype("float64"))
    exact = ((exact - exact.max(1, keepdims=True)) ** 2).sum(1)
    np.testing.assert_allclose(got, exact, rtol=1e-5)


def test_sizes_known_only_from_data_are_arguments() -> None:
    x, k = tensor(n), tensor(dtype="int64")
    value = np.arange(10, dtype="float32")
    agrees(x[: reduce.sum(k) + 0] * 2, {x: value, k: np.array(4)})


def test_casts_follow_numpy() -> None:
    x = tensor(n, dtype="float64")
    value = np.array([0.0, -0.0, 1.9, -1.9, 100.5, 255.0])
    names = ("int64", "int32", "int8", "bool", "float32")
    agrees([cast(x, name) for name in names], {x: value})


ALIASED = """\
int both(float *a, int64_t n, symnb_ws *ws) { return k0(a, a, n, ws); }
"""


def test_a_kernel_may_write_over_its_input() -> None:
    x = tensor(n)
    y = transcendental.exp(x) * x + x
    compiled = Compiled(Graph([x], [y]))
    [kernel] = compiled.kernels.values()
    text = render_kernel(kernel, "k0", Target(), kernel.in_place).text
    assert "restrict" not in text
    head = compiled.source[: compiled.source.index("/* k0_1:")]
    library = compile_c(head + text + entry(kernel, "k0") + ALIASED)
    value = RNG.normal(size=1001).astype("float32")
    [want] = compiled({x: value})
    library.both.argtypes = None
    import ctypes

    status = library.both(
        ctypes.c_void_p(value.ctypes.data),
        ctypes.c_int64(1001),
        ctypes.byref(Workspace()),
    )
    assert status == 0
    np.testing.assert_array_equal(value, want)


def calls(library: object) -> set[str]:
    """The vector functions a library calls, with the registers it computes in."""
    path = str(library.path)  # type: ignore[attr-defined]
    text = subprocess.run(
        ["objdump", "-d", path], capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"_ZGV\w+|\b[xyz]mm(?=\d)", text))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chains_run_in_vector_registers(dtype: str) -> None:
    x = tensor(n, dtype=dtype)
    y = transcendental.tanh(x) * transcendental.exp(-x * x)
    y = y + transcendental.log1p(x * x)
    target = Target(vector=32, simd=LIBMVEC)
    found = calls(Compiled(Graph([x], [y]), target).library)
    suffix = "f" if dtype == "float32" else ""
    for name in ("tanh", "exp", "log1p"):
        assert any(f.endswith(f"v_{name}{suffix}") for f in found), (name, found)
    assert {"ymm", "zmm"} & found


def test_without_vector_variants_the_scalar_function_is_called() -> None:
    x = tensor(n)
    compiled = Compiled(Graph([x], [transcendental.exp(x)]), Target())
    assert not [name for name in calls(compiled.library) if name.startswith("_ZGV")]
    value = RNG.normal(size=100).astype("float32")
    [got] = compiled({x: value})
    np.testing.assert_allclose(got, np.exp(value.astype("f8")), rtol=2e-7)


def test_the_same_graph_gives_the_same_text() -> None:
    def text() -> str:
        x = Input(TensorType("float32", (symbol("a", 0), symbol("b", 0))))
        y = transcendental.exp(x) / reduce.sum(x, 1, keepdims=True)
        return Compiled(Graph([x], [y, reduce.max(y, 0)])).source

    assert text() == text()


def test_lines_name_the_nodes_they_compute() -> None:
    x = tensor(n, m)
    e = transcendental.exp(x)
    y = e / reduce.sum(e, 1, keepdims=True)
    compiled = Compiled(Graph([x], [y]))
    [kernel] = compiled.kernels.values()
    source = render_kernel(kernel, "k0", Target())
    lines = source.text.splitlines()
    found: dict[str, str] = {}
    for first, last, nodes in source.lines:
        for node in nodes:
            text = "\n".join(lines[first - 1 : last])
            found[node.op.name] = found.get(node.op.name, "") + text
    assert "expf(" in found["exp"]
    assert "+=" in found["sum"]
    assert " / " in found["true_div"]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_row_kept_in_an_output_lives_until_its_last_reader(axis: int) -> None:
    x = tensor(n, m, dtype="float64")
    e = transcendental.exp(x - reduce.max(x, axis, keepdims=True))
    total = reduce.sum(e, axis, keepdims=True)
    p = e / total
    outputs = [p, (reduce.sum(p * p, axis, keepdims=True) + 1 / total) * e]
    copies = [e / total, (e * 2) / total, e]
    values = {x: 30 * RNG.normal(size=(7, 9))}
    for roots in (outputs, outputs[::-1], copies, copies[::-1]):
        for got, want in zip(run(roots, values), evaluate(roots, values), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-300)


def test_counted_numbers_read_at_places_given_by_data() -> None:
    k, x = tensor(n, dtype="int64"), tensor(m)
    places = arange(x.shape[0] * 2)[k]
    values = {k: np.array([5, 0, -1, 3]), x: np.zeros(4, "float32")}
    roots = [places, places * 3 + 1, reduce.sum(places, 0), x[places // 3]]
    agrees(roots, values)
    with pytest.raises(KernelError, match="out of bounds"):
        run([places, x + 1], values | {k: np.array([0, 8])})


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(6, 7), (1, 9), (37, 70)])
def test_argmax_of_computed_values_finds_the_very_number(
    axis: int, shape: tuple[int, int]
) -> None:
    x = tensor(n, m, dtype="float64")
    y = transcendental.tanh(x) * 2 + x
    roots = [reduce.argmax(y, axis), reduce.argmin(transcendental.exp(-x), axis)]
    values = {x: RNG.normal(size=shape)}
    for got, want in zip(run(roots, values), evaluate(roots, values), strict=True):
        np.testing.assert_array_equal(got, want)
