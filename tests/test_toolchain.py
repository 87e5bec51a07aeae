"""The machine can do what the compiler of symnb asks of it."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import cffi
import pytest

pytestmark = pytest.mark.cc


def build(source: str, folder: Path, *flags: str) -> Path:
    """Path of the shared object compiled from C `source`."""
    names = (os.environ.get("SYMNB_CC", ""), "gcc", "cc", "clang")
    compiler = next(path for name in names if name and (path := shutil.which(name)))
    unit, library = folder / "unit.c", folder / "unit.so"
    unit.write_text(source)
    command = [compiler, "-shared", "-fPIC", *flags, "-o", library, unit, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return library


def test_compiled_c_is_callable_from_python(tmp_path: Path) -> None:
    library = build(
        "double fma(double, double, double);"
        "double f(double x) { return fma(x, x, 1.0); }",
        tmp_path,
    )
    ffi = cffi.FFI()
    ffi.cdef("double f(double);")
    assert ffi.dlopen(str(library)).f(3.0) == 10.0


def test_extension_modules_compile_against_this_python(tmp_path: Path) -> None:
    include = sysconfig.get_paths()["include"]
    source = "#include <Python.h>\nlong v(void) { return PY_VERSION_HEX >> 16; }"
    library = build(source, tmp_path, f"-I{include}")
    ffi = cffi.FFI()
    ffi.cdef("long v(void);")
    major, minor = divmod(ffi.dlopen(str(library)).v(), 256)
    assert f"{major}.{minor}" == sysconfig.get_python_version()
