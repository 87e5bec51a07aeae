"""The C dialect: literals, identities, signatures, the prelude."""

import ctypes
import re

import numpy as np
import pytest

from symnb.compile.kernels import Kernel, Target, lower, partition, schedule_cpu
from symnb.compile.kernels.target import LIBMVEC
from symnb.compile.render import prelude, render_kernel
from symnb.compile.render.cstyle import combined, identity, number
from symnb.core.dims import symbol
from symnb.core.dtypes import DTYPES, is_float
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import reduce, transcendental
from symnb.ops.c_text import C_TYPES
from tests.compile.kernels.harness import compile_c

n, m = symbol("n", 0), symbol("m", 0)
TYPES = "#include <stdint.h>\nstatic int8_t symnb_unused;\nint symnb_run, symnb_plan;\n"


def kernels(*outputs: Node) -> list[Kernel]:
    leaves = [x for x in Graph((), outputs).order if x.op.name == "input"]
    regions = partition(Graph(leaves, outputs))
    return [schedule_cpu(lower(r), Target()) for r in regions if r.kind == "kernel"]


def edge_values() -> list[np.generic]:
    found: list[np.generic] = []
    for dtype in DTYPES:
        make = np.dtype(dtype).type
        if is_float(dtype):
            limits = np.finfo(dtype)
            some = [0.0, -0.0, 1.0, 0.1, -2.5, 1e10, np.nan, np.inf, -np.inf]
            some += [limits.max, limits.tiny, limits.smallest_subnormal, 1 / 3]
        elif dtype == "bool":
            some = [False, True]
        else:
            bounds = np.iinfo(dtype)
            some = [0, 1, bounds.min, bounds.max, bounds.max - 1]
        found += [make(value) for value in some]
    return found


@pytest.mark.cc
def test_literals_are_the_constants_bit_for_bit() -> None:
    values = edge_values()
    lines = [
        f"void c{k}({C_TYPES[v.dtype.name]} *q) {{ *q = {number(v)}; }}"
        for k, v in enumerate(values)
    ]
    library = compile_c(TYPES + "\n".join(lines))
    for k, value in enumerate(values):
        got = np.zeros(1, value.dtype)
        getattr(library, f"c{k}")(ctypes.c_void_p(got.ctypes.data))
        if np.isnan(value):
            assert np.isnan(got[0])
        else:
            assert got[0].tobytes() == value.tobytes(), (value, number(value))


@pytest.mark.cc
def test_identities_change_nothing() -> None:
    cases = [
        (combine, value)
        for value in edge_values()
        for combine in ("add", "mul", "max", "min", "fmax", "fmin", "and", "or")
        if (combine in ("and", "or")) == (value.dtype == np.bool_)
    ]
    lines = []
    for k, (combine, value) in enumerate(cases):
        dtype = value.dtype.name
        type = C_TYPES[dtype]
        text = combined(combine, dtype, "a", "x")
        lines.append(
            f"void c{k}({type} *q) {{ {type} a = {identity(combine, dtype)};"
            f" const {type} x = *q; *q = {text}; }}"
        )
    library = compile_c(TYPES + "\n".join(lines))
    for k, (combine, value) in enumerate(cases):
        got = np.array([value])
        getattr(library, f"c{k}")(ctypes.c_void_p(got.ctypes.data))
        if combine in ("fmax", "fmin") and np.isnan(value):
            assert np.isinf(got[0])
        else:
            np.testing.assert_array_equal(got[0], value, str((combine, value)))


def test_a_signature_is_wrapped_and_names_sizes_in_order() -> None:
    leaves = [Input(TensorType("float32", (n, m))) for _ in range(9)]
    total: Node = leaves[0]
    for x in leaves[1:]:
        total = total * x
    [kernel] = kernels(total)
    text = render_kernel(kernel, "k0", Target()).text
    head = text[text.index("/* k0:") :]
    head = head[: head.index("\n{")]
    assert all(len(line) <= 88 for line in head.splitlines())
    assert re.search(
        r"int64_t n0,\s+symnb_ws \*ws\)|int64_t n1,\s+symnb_ws \*ws\)", head
    )
    assert len(kernel.sizes) == 2


def test_the_prelude_defines_each_function_once() -> None:
    x = Input(TensorType("float32", (n, m)))
    e = transcendental.exp(x)
    made = kernels(reduce.sum(e, 1), reduce.max(e), reduce.sum(e), reduce.sum(e * x))
    text = prelude(made, Target(32, LIBMVEC))
    assert text.count("float expf(float)") == 1
    assert 'simd("notinbranch"), const)) float expf' in text
    assert "#include" not in text
    names = re.findall(r"^static inline \S+ (\w+)\(", text, re.MULTILINE)
    assert len(names) == len(set(names))


def test_a_strict_target_has_no_vector_functions() -> None:
    x = Input(TensorType("float32", (n,)))
    text = prelude(kernels(transcendental.exp(x)), Target(32, LIBMVEC, strict=True))
    assert "simd(" not in text


def test_shared_storage_takes_restrict_off_both_pointers() -> None:
    x = Input(TensorType("float32", (n,)))
    y = x * np.float32(2)
    [kernel] = kernels(y)
    assert "restrict" in render_kernel(kernel, "k", Target()).text
    assert "restrict" not in render_kernel(kernel, "k", Target(), [(y, x)]).text
