"""A loop in C around the text of every elementwise op, for every dtype it computes in.

Two objects, built once per test session with the flags of real kernels: `scalar`
calls libm's functions, `vector` what kernels call on this machine: forms that are
taken into the loop, libmvec's variants.
"""

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI

from symnb.compile import build
from symnb.compile.kernels.target import Target
from symnb.compile.processor import has_fma, vector_bytes
from symnb.compile.render.math_c import definitions, inlined
from symnb.core.dtypes import DTYPES
from symnb.core.op import TABLE
from symnb.ops.c_text import C_TYPES, LIBM, expression, libm_calls, support, template
from symnb.ops.define import Elementwise, dtype_class

Array = np.ndarray[Any, Any]

TYPES = "".join(
    f"typedef __{name[:-2].upper()}_TYPE__ {name};\n"
    for name in C_TYPES.values()
    if name.endswith("_t")
)
SIMD = '__attribute__((simd("notinbranch"), const)) '


def elementwise_ops() -> list[Elementwise]:
    return [op for op in TABLE.values() if isinstance(op, Elementwise)]


def computed_dtypes(op: Elementwise) -> list[str]:
    """The dtypes the op computes in."""
    if op.out == "logic":
        return ["bool"]
    return [d for d in DTYPES if dtype_class(d) in op.allowed]


def operand_dtypes(op: Elementwise, dtype: str) -> list[str]:
    first = "bool" if op.out == "where" else dtype
    return [first, *[dtype] * (len(op.operands) - 1)]


def _read(dtype: str, at: int) -> str:
    """Element i of operand `at`. gcc 12 vectorises no selection by a loaded _Bool,
    but one by a comparison of a signed char."""
    if dtype == "bool":
        return f"((const signed char *)at[{at}])[i] > 0"
    return f"((const {C_TYPES[dtype]} *)at[{at}])[i]"


def _loop(op: Elementwise, dtype: str, target: Target) -> str:
    reads = "".join(
        f"    {C_TYPES[d]} {x} = {_read(d, i)};\n"
        for i, (x, d) in enumerate(
            zip(op.operands, operand_dtypes(op, dtype), strict=True)
        )
    )
    result = C_TYPES[op.result_dtype(dtype)]
    text = inlined(expression(op, dtype, op.operands), target)
    return (
        f"void {op.name}_{dtype}(void *const *at, long length) {{\n"
        f"  {result} *restrict out = at[{len(op.operands)}];\n"
        "  #pragma omp simd\n"
        f"  for (long i = 0; i < length; i++) {{\n{reads}"
        f"    out[i] = {text};\n  }}\n}}\n"
    )


def source(vector: bool) -> str:
    pairs = [
        (op, d)
        for op in elementwise_ops()
        for d in computed_dtypes(op)
        if template(op, d)
    ]
    target = Target(vector_bytes(), fma=vector and has_fma())
    functions = dict.fromkeys(
        inlined(text, target) for op, d in pairs for text in support(op, d)
    )
    loops = [_loop(op, d, target) for op, d in pairs]
    own = definitions([*functions, *loops])
    fast = build.vector_functions() if vector else frozenset()
    libm = "".join(
        f"{SIMD if name in fast else ''}{t} {name}({', '.join([t] * LIBM[key])});\n"
        for name, (key, t) in libm_calls([*own, *functions, *loops]).items()
    )
    return TYPES + libm + "".join(own) + "".join(functions) + "".join(loops)


@functools.cache
def libraries() -> dict[str, Any]:
    """`scalar` and `vector`, compiled side by side."""
    ffi = FFI()
    compiler = build.find_compiler()
    folder = Path(tempfile.mkdtemp(prefix="symnb-op-loops-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    flags = dict.fromkeys((*compiler.flags("native"), "-fwrapv"))
    running = {}
    for name in ("scalar", "vector"):
        file = folder / f"{name}.c"
        file.write_text(source(name == "vector"))
        library = file.with_suffix(".so")
        command = [*compiler.command, *flags, str(file), "-o", str(library)]
        running[library] = subprocess.Popen([*command, *compiler.link_flags()])
    assert not any(job.wait() for job in running.values())
    for op in elementwise_ops():
        for dtype in computed_dtypes(op):
            ffi.cdef(f"void {op.name}_{dtype}(void *const *at, long length);")
    return {"ffi": ffi} | {f.stem: ffi.dlopen(str(f)) for f in running}


def run(op: Elementwise, dtype: str, operands: Sequence[Array], kind: str) -> Array:
    """The op in C on operands of one shape, cast to the dtypes it computes in."""
    built = libraries()
    ffi = built["ffi"]
    arrays = [
        np.ascontiguousarray(x, dtype=d)
        for x, d in zip(operands, operand_dtypes(op, dtype), strict=True)
    ]
    out = np.empty(arrays[0].shape, op.result_dtype(dtype))
    pointers = [ffi.cast("void *", a.ctypes.data) for a in [*arrays, out]]
    getattr(built[kind], f"{op.name}_{dtype}")(ffi.new("void *[]", pointers), out.size)
    return out
