"""The forms of libm's functions that loops take in whole: their errors, the same bits
at every place of a loop, and where they are used."""

import ctypes
import itertools
import re
import subprocess
from typing import Any

import mpmath
import numpy as np
import pytest

from symnb.compile import build
from symnb.compile.kernels import lower, partition, schedule_cpu
from symnb.compile.kernels.target import LIBMVEC, Target
from symnb.compile.render.c import TYPES, prelude, render_kernel
from symnb.compile.render.math_c import FORMS, definitions, forms, inlined
from symnb.core.graph import Graph
from symnb.core.node import Input
from symnb.core.types import TensorType
from symnb.ops import transcendental
from symnb.ops.c_text import prototypes

Array = np.ndarray[Any, Any]
WIDE = Target(64, LIBMVEC, fma=True)
# Where a result over- or underflows, or a form changes its ways.
EDGES = {
    "exp": (88.72283, 88.72284, -87.33655, -103.972, -103.973, -104.5, 709.78271289338,
            709.7827128933841, -708.3964, -745.1332191, -745.13321910194, -746.5),
    "expm1": (88.37, 88.3763, 88.72283, 88.73, 709.78, 709.79, -17.3, -18.1, -37, -41),
    "tanh": (0.1733, 9.01, 9.2, 19.06, 19.2),
    "log1p": (-1 + 2.0**-24, -0.2928932, 0.4142135, 0.4142136, 1.7e38, 2.3e38, 3.4e38),
    "erf": (0.8999999, 0.9, 3.9, 4.1),
    "erfc": (9.1949, 9.3, 10.0, 10.05, 10.0541, 10.0542, 10.0544, 10.06, 10.1, 11.6),
}  # fmt: skip
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-45, -1e-45, 1e-40, -1e-40,
           5e-324, -5e-324, 2.0**-1040, 3.4e38, -3.4e38, 1.7e308, -1.7e308)  # fmt: skip
NAMES = [pytest.param(name, id=name) for name in FORMS]


def named(name: str) -> tuple[str, Any]:
    """The function of a form and its dtype."""
    single = name not in EDGES
    return (name[:-1], np.float32) if single else (name, np.float64)


def type_of(name: str) -> str:
    return "float" if named(name)[1] is np.float32 else "double"


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A loop around each form, built with the flags of kernels."""
    text = ""
    for name in FORMS:
        type = type_of(name)
        text += (
            f"void loop_{name}(const {type} *restrict x, {type} *restrict y, long n)\n"
            "{\n#pragma omp simd\n"
            f"for (long i = 0; i < n; i++) y[i] = symnb_{name}(x[i]);\n}}\n"
        )
    own = definitions([text])
    path = tmp_path_factory.mktemp("forms") / "forms.c"
    integers = "typedef __INT64_TYPE__ int64_t;\n" + TYPES
    path.write_text(integers + prototypes(own) + "".join(own) + text)
    compiler, made = build.find_compiler(), path.with_suffix(".so")
    flags = compiler.flags(build.target())
    command = [*compiler.command, *flags, str(path), "-o", str(made)]
    subprocess.run([*command, *compiler.link_flags()], check=True)
    return ctypes.CDLL(str(made))


def run(loops: Any, name: str, x: Array) -> Array:
    y = np.empty_like(x)
    pointers = (ctypes.c_void_p(a.ctypes.data) for a in (x, y))
    getattr(loops, f"loop_{name}")(*pointers, ctypes.c_long(x.size))
    return y


def arguments(name: str, count: int) -> Array:
    """Edges, special values, and numbers of every size."""
    (base, dtype), rng = named(name), np.random.default_rng(len(name))
    low, high = (-30, 7) if dtype is np.float32 else (-60, 10)
    if base == "log1p":
        low, high = (-140, 127)
    spread = np.exp2(rng.uniform(low, high, count)) * rng.choice([-1, 1], count)
    near = rng.uniform(-2, 2, count)
    edges = [s * e for e in EDGES[base] for s in (1, -1)]
    with np.errstate(over="ignore", under="ignore"):
        return np.concatenate([edges, SPECIAL, near, spread]).astype(dtype)


def true_value(base: str, x: float) -> Any:
    if base == "log1p" and x <= -1:
        return mpmath.mpf("-inf" if x == -1 else "nan")
    return getattr(mpmath, base)(mpmath.mpf(x))


@pytest.mark.cc
@pytest.mark.parametrize("name", NAMES)
def test_errors_are_within_the_bound_of_the_form(name: str, loops: Any) -> None:
    x = arguments(name, 1000)
    got, (base, dtype) = run(loops, name, x), named(name)
    tiny = mpmath.mpf(float(np.finfo(dtype).smallest_subnormal))
    with mpmath.workdps(40):
        for at, value in zip(x, got, strict=True):
            true = true_value(base, float(at))
            with np.errstate(over="ignore"):
                rounded = dtype(float(true))
            if not np.isfinite(rounded) or not np.isfinite(value):
                np.testing.assert_array_equal(value, rounded, str(at))
                continue
            unit = max(mpmath.mpf(float(np.spacing(abs(rounded)))), tiny)
            error = abs(mpmath.mpf(float(value)) - true) / unit
            assert error <= FORMS[name].ulp, (at, value, error)
            if rounded == 0:
                assert np.signbit(value) == (np.signbit(at) and base != "exp"), at


@pytest.mark.cc
@pytest.mark.parametrize("name", NAMES)
def test_an_element_has_the_same_bits_at_every_place(name: str, loops: Any) -> None:
    x = arguments(name, 100)
    whole = run(loops, name, x)
    for start, size in itertools.product((0, 1, 37), (1, 2, 3, 5, 8, 13, 31, 64)):
        part = x[start : start + size]
        found = run(loops, name, part)
        same = whole[start : start + size]
        nan = np.isnan(found) & np.isnan(same)
        assert (
            nan | (found.view(f"u{x.itemsize}") == same.view(f"u{x.itemsize}"))
        ).all()


@pytest.mark.cc
def test_every_form_is_vectorised(tmp_path: Any) -> None:
    if not build.vector_functions():
        pytest.skip("no gcc")
    for name in FORMS:
        type = type_of(name)
        loop = f"void f(const {type} *restrict x, {type} *restrict y, long n) {{\n"
        loop += "#pragma omp simd\nfor (long i = 0; i < n; i++) "
        loop += f"y[i] = symnb_{name}(x[i]); }}\n"
        own = definitions([loop])
        head = "typedef __INT64_TYPE__ int64_t;\n" + TYPES + prototypes(own)
        (tmp_path / "a.c").write_text(head + "".join(own) + loop)
        compiler = build.find_compiler()
        flags = [*compiler.flags(build.target()), "-fopt-info-vec", "-c", "a.c"]
        said = subprocess.run(
            [*compiler.command, *flags], cwd=tmp_path, capture_output=True, text=True
        )
        assert "loop vectorized" in said.stderr, (name, said.stderr)


def text_of(target: Target, *dtypes: str) -> str:
    """The C of exp and log1p in these dtypes."""
    found = []
    for dtype in dtypes:
        x = Input(TensorType(dtype, (10,)))
        y = transcendental.exp(x) + transcendental.log1p(x) + transcendental.sigmoid(x)
        found += partition(Graph([x], [y]))
    kernels = [schedule_cpu(lower(r), target) for r in found if r.kind == "kernel"]
    texts = [render_kernel(k, "k", target).text for k in kernels]
    return prelude(kernels, target) + "".join(texts)


def test_a_kernel_calls_and_defines_only_the_forms_it_uses() -> None:
    text = text_of(WIDE, "float32")
    assert text.count("SYMNB_INLINE float symnb_expf(float x)") == 1
    assert re.search(r"= symnb_log1pf\(\w+\);", text)
    assert "symnb_logf" not in text and "double symnb_" not in text
    assert " expf(" not in text.replace("symnb_expf", "")
    assert "SYMNB_INLINE float symnb_sigmoid_float" in text


def test_narrow_registers_keep_libmvec_where_it_is_faster() -> None:
    text = text_of(Target(32, LIBMVEC, fma=True), "float64")
    assert "symnb_exp(" not in text and "double exp(double)" in text
    assert forms(Target(32, fma=True)) < forms(WIDE)


@pytest.mark.parametrize(
    "target", [Target(64), Target(64, fma=True, strict=True),
               Target(64, fma=True, off=frozenset({"simd"}))]
)  # fmt: skip
def test_without_fma_strict_or_scalar_libm_is_called(target: Target) -> None:
    assert not forms(target)
    assert "SYMNB_INLINE" not in text_of(target, "float32", "float64")


def test_functions_with_branches_keep_libm() -> None:
    text = "static inline float f(float x)\n{\n    if (x > 0) return expf(x);\n}"
    assert inlined(text, WIDE) == text
