"""BLAS by address: the routines of the library NumPy has already loaded.

No link step and nothing to find: NumPy's wheels bring OpenBLAS (20 ns a call, sizes of
64 bits), and a product through it is bit-identical to NumPy's. Else SciPy's
`cython_blas` (Fortran calls, sizes of 32 bits), else nothing, and the compiler uses its
own loops. Looked up once per process.

Generated C calls row-major wrappers. It starts with `declarations(names)`, its CallSpec
has `externs = tuple(blas().addresses[name] for name in names)`, and a product is

    symnb_sgemm(ws->externs[0], 0, 1, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, c, ldc)

where the flags transpose a and b, and leading dimensions are the elements between rows.
A wrapper returns nonzero, having done nothing, when a size exceeds what the library
takes (2**31 - 1 with 32-bit sizes); dot returns through its last argument.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from symnb.compile.extern import own

__all__ = [
    "ROUTINES",
    "Blas",
    "addresses",
    "blas",
    "control",
    "convention",
    "declarations",
    "set_threads",
    "threads",
]

ROUTINES = ("gemm", "gemv", "ger", "syrk", "trsm", "dot", "axpy", "scal")
NAMES = tuple(kind + routine for routine in ROUTINES for kind in "sd")
GET_THREADS, SET_THREADS = "get_num_threads", "set_num_threads"

# (before, after) the cblas name, and the bits of its sizes
SPELLINGS = (
    ("scipy_", "64_", 64),
    ("", "64_", 64),
    ("", "_64", 64),
    ("scipy_", "", 32),
    ("", "", 32),
)


@dataclass(frozen=True)
class Blas:
    """The routines found: name ("sgemm", "ddot", ...) -> address.

    convention  "cblas64" | "cblas32" | "fortran32": how the addresses are called
    source      where they come from, for a reader
    """

    source: str
    convention: str
    addresses: Mapping[str, int]
    get_threads: int = 0  # address of int (*)(void), or 0
    set_threads: int = 0  # address of void (*)(int), or 0


@functools.cache
def blas() -> Blas | None:
    """NumPy's BLAS, else SciPy's, else None."""
    return _from_numpy() or _from_scipy()


def addresses(names: Iterable[str]) -> tuple[int, ...]:
    """Addresses of the routines a program was written for, our own among them (`own`).

    Raises KeyError when this process has no such routine.
    """
    found = blas()
    table = found.addresses if found is not None else {}
    return tuple(
        own.address(name) if name in own.NAMES else table[name] for name in names
    )


def convention() -> str:
    """How the library found is called, or "none"; part of the cache key."""
    found = blas()
    return found.convention if found is not None else "none"


def control() -> tuple[int, int]:
    """Addresses of what gets and sets the threads of BLAS; 0 where there is none."""
    found = blas()
    return (found.get_threads, found.set_threads) if found is not None else (0, 0)


def threads() -> int | None:
    """Threads BLAS uses now, in the whole process; None if it does not say."""
    found = blas()
    if found is None or not found.get_threads:
        return None
    return ctypes.CFUNCTYPE(ctypes.c_int)(found.get_threads)()


def set_threads(count: int) -> None:
    """Sets the threads BLAS uses in the whole process; nothing if it cannot be told."""
    if count < 1:
        raise ValueError(f"BLAS runs on at least 1 thread, not {count}")
    found = blas()
    if found is not None and found.set_threads:
        ctypes.CFUNCTYPE(None, ctypes.c_int)(found.set_threads)(count)


# ---- finding it -------------------------------------------------------------


def _from_numpy() -> Blas | None:
    module = _numpy_core()
    if module is None or module.__file__ is None:
        return None
    try:
        library = ctypes.CDLL(module.__file__)  # finds what it was linked with, too
    except OSError:
        return None
    for before, after, bits in SPELLINGS:
        if bits == 32 and not after and _numpy_has_64_bit_sizes():
            continue
        found = {n: _address(library, f"{before}cblas_{n}{after}") for n in NAMES}
        if not all(found.values()):
            continue
        control = f"{before}openblas_%s{after}"
        return Blas(
            f"NumPy {np.__version__}'s library, {before}cblas_sgemm{after}",
            f"cblas{bits}",
            {name: address for name, address in found.items() if address},
            _address(library, control % GET_THREADS) or 0,
            _address(library, control % SET_THREADS) or 0,
        )
    return None


def _numpy_core() -> ModuleType | None:
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _numpy_has_64_bit_sizes() -> bool:
    """True if NumPy says that its unsuffixed BLAS takes 64-bit sizes."""
    parts = np.show_config(mode="dicts")
    blas_part = (parts or {}).get("Build Dependencies", {}).get("blas", {})
    text = " ".join(map(str, blas_part.values())).lower()
    return "use64bitint" in text or "ilp64" in text


def _address(library: ctypes.CDLL, name: str) -> int | None:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    except AttributeError:
        return None


def _from_scipy() -> Blas | None:
    found = scipy_addresses("scipy.linalg.cython_blas", NAMES)
    return None if found is None else Blas("SciPy's cython_blas", "fortran32", found)


def scipy_addresses(path: str, names: Iterable[str]) -> dict[str, int] | None:
    """Addresses of the Fortran routines a Cython module of SciPy offers.

    None without SciPy, or where one is missing or has sizes of another width.
    """
    try:
        module = importlib.import_module(path)
    except ImportError:
        return None
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype = ctypes.c_void_p
    pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
    found: dict[str, int] = {}
    for name in names:
        capsule = module.__pyx_capi__.get(name)
        text = name_of(capsule) if capsule is not None else None
        if text is None or b"int *" not in text or b"long" in text:
            return None
        found[name] = pointer_of(capsule, text)
    return found


# ---- calling it from C ------------------------------------------------------


def declarations(names: Iterable[str], convention: str | None = None) -> str:
    """C text that defines `symnb_<name>` for each of `names`, without any header.

    convention  None: that of the library found

    Sizes m, n, k and leading dimensions count elements, inc the elements between
    entries of a vector. Vectors are not read where beta is 0. With op(a) = a or a^T:

    gemm  c = alpha op(a) op(b) + beta c         c (m, n), op(a) (m, k), op(b) (k, n)
    gemv  y = alpha op(a) x + beta y             a (m, n)
    ger   a = alpha x y^T + a                    a (m, n)
    syrk  c = alpha op(a) op(a)^T + beta c       c (n, n) upper half, op(a) (n, k)
    trsm  b = alpha op(a)^-1 b, or b op(a)^-1    b (m, n), a triangular
    dot   *result = x . y      axpy  y = alpha x + y      scal  x = alpha x
    """
    if convention is None:
        found = blas()
        if found is None:
            raise ValueError("no BLAS was found")
        convention = found.convention
    size = "int64_t" if convention == "cblas64" else "int"
    texts = [MACROS, LIMITS[size]]
    for name in names:
        text = _wrappers(convention.rstrip("3264"))[name[1:]]
        text = text.replace("REAL", {"s": "float", "d": "double"}[name[0]])
        texts.append(text.replace("KIND", name[0]).replace("SIZE", size))
    return "\n".join(texts) + "\n"


MACROS = "#define SYMNB_LEAD(x) ((x) > 1 ? (x) : 1)"
LIMITS = {
    "int64_t": "#define SYMNB_FITS(x) 1",
    "int": "#define SYMNB_FITS(x) ((x) <= 2147483647)",
}


@functools.cache
def _wrappers(convention: str) -> dict[str, str]:
    """Routine -> text of its wrapper, from `cblas.h` or `fortran.h`."""
    text = Path(__file__).with_name(f"{convention}.h").read_text()
    paragraphs = text.strip().split("\n\n")[1:]
    return dict(zip(ROUTINES, paragraphs, strict=True))
