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
from types import ModuleType

import numpy as np

__all__ = ["ROUTINES", "Blas", "blas", "declarations", "set_threads", "threads"]

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
    try:
        module = importlib.import_module("scipy.linalg.cython_blas")
    except ImportError:
        return None
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype = ctypes.c_void_p
    pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
    addresses = {}
    for name in NAMES:
        capsule = module.__pyx_capi__.get(name)
        text = name_of(capsule) if capsule is not None else None
        if text is None or b"int *" not in text or b"long" in text:
            return None  # sizes of another width, or a name that has gone
        addresses[name] = pointer_of(capsule, text)
    return Blas("SciPy's cython_blas", "fortran32", addresses)


# ---- calling it from C ------------------------------------------------------


def declarations(names: Iterable[str], convention: str | None = None) -> str:
    """C text that defines `symnb_<name>` for each of `names`, without any header.

    convention  None: that of the library found
    """
    if convention is None:
        found = blas()
        if found is None:
            raise ValueError("no BLAS was found")
        convention = found.convention
    size = "int64_t" if convention == "cblas64" else "int"
    texts = [LIMITS[size]]
    for name in names:
        kind = {"s": "float", "d": "double"}[name[0]]
        table = FORTRAN if convention.startswith("fortran") else CBLAS
        body = table[name[1:]]
        text = f"static inline int symnb_{name}({HEADS[name[1:]]}) {{\n{body}}}\n"
        texts.append(text.replace("REAL", kind).replace("SIZE", size))
    return "".join(texts)


LIMITS = {
    "int64_t": "#define SYMNB_FITS(x) 1\n",
    "int": "#define SYMNB_FITS(x) ((x) <= 2147483647)\n",
}
LIMITS = {
    size: text + "#define SYMNB_LEAD(x) ((x) > 1 ? (x) : 1)\n"
    for size, text in LIMITS.items()
}

# Sizes m, n, k and leading dimensions in elements, row-major; inc: elements between
# entries. gemm: c = alpha op(a) op(b) + beta c, c is (m, n). gemv: y = alpha op(a) x +
# beta y, a is (m, n). ger: a += alpha x y^T. syrk: upper half of c = alpha a a^T + beta
# c, a is (n, k) (or a^T a, a is (k, n)). trsm: b = alpha op(a)^-1 b, or b op(a)^-1 with
# `right`, b is (m, n).
HEADS = {
    "gemm": "const void *f, int ta, int tb, int64_t m, int64_t n, int64_t k, "
    "REAL alpha, const REAL *a, int64_t lda, const REAL *b, int64_t ldb, REAL beta, "
    "REAL *c, int64_t ldc",
    "gemv": "const void *f, int ta, int64_t m, int64_t n, REAL alpha, const REAL *a, "
    "int64_t lda, const REAL *x, int64_t incx, REAL beta, REAL *y, int64_t incy",
    "ger": "const void *f, int64_t m, int64_t n, REAL alpha, const REAL *x, "
    "int64_t incx, const REAL *y, int64_t incy, REAL *a, int64_t lda",
    "syrk": "const void *f, int ta, int64_t n, int64_t k, REAL alpha, const REAL *a, "
    "int64_t lda, REAL beta, REAL *c, int64_t ldc",
    "trsm": "const void *f, int right, int lower, int ta, int unit, int64_t m, "
    "int64_t n, REAL alpha, const REAL *a, int64_t lda, REAL *b, int64_t ldb",
    "dot": "const void *f, int64_t n, const REAL *x, int64_t incx, const REAL *y, "
    "int64_t incy, REAL *result",
    "axpy": "const void *f, int64_t n, REAL alpha, const REAL *x, int64_t incx, REAL *y, "
    "int64_t incy",
    "scal": "const void *f, int64_t n, REAL alpha, REAL *x, int64_t incx",
}

# a vector that beta = 0 overwrites is cleared first: OpenBLAS multiplies it by 0, and
# what was in it may be NaN
CLEAR = """  int64_t count = ta ? n : m;
  if (beta == 0) for (int64_t i = 0; i < count; i++) y[i * incy] = 0;
"""

# cblas: 101 row-major, 111 as it is, 112 transposed, 121 upper, 122 lower, 131 any
# diagonal, 132 ones, 141 left, 142 right
CBLAS = {
    "gemm": """  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda)
        && SYMNB_FITS(ldb) && SYMNB_FITS(ldc))) return 1;
  ((void (*)(int, int, int, SIZE, SIZE, SIZE, REAL, const REAL *, SIZE, const REAL *,
    SIZE, REAL, REAL *, SIZE))f)(101, ta ? 112 : 111, tb ? 112 : 111, m, n, k, alpha, a,
    SYMNB_LEAD(lda), b, SYMNB_LEAD(ldb), beta, c, SYMNB_LEAD(ldc));
  return 0;
""",
    "gemv": """  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(incx)
        && SYMNB_FITS(incy))) return 1;
"""
    + CLEAR
    + """  if (m == 0 || n == 0) {
    if (beta != 0) for (int64_t i = 0; i < count; i++) y[i * incy] *= beta;
    return 0;
  }
  ((void (*)(int, int, SIZE, SIZE, REAL, const REAL *, SIZE, const REAL *, SIZE, REAL,
    REAL *, SIZE))f)(101, ta ? 112 : 111, m, n, alpha, a, SYMNB_LEAD(lda), x, incx, beta,
    y, incy);
  return 0;
""",
    "ger": """  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(incx)
        && SYMNB_FITS(incy))) return 1;
  ((void (*)(int, SIZE, SIZE, REAL, const REAL *, SIZE, const REAL *, SIZE, REAL *,
    SIZE))f)(101, m, n, alpha, x, incx, y, incy, a, SYMNB_LEAD(lda));
  return 0;
""",
    "syrk": """  if (n == 0) return 0;
  if (!(SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda) && SYMNB_FITS(ldc))) return 1;
  ((void (*)(int, int, int, SIZE, SIZE, REAL, const REAL *, SIZE, REAL, REAL *,
    SIZE))f)(101, 121, ta ? 112 : 111, n, k, alpha, a, SYMNB_LEAD(lda), beta, c,
    SYMNB_LEAD(ldc));
  return 0;
""",
    "trsm": """  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(ldb))) return 1;
  ((void (*)(int, int, int, int, int, SIZE, SIZE, REAL, const REAL *, SIZE, REAL *,
    SIZE))f)(101, right ? 142 : 141, lower ? 122 : 121, ta ? 112 : 111,
    unit ? 132 : 131, m, n, alpha, a, SYMNB_LEAD(lda), b, SYMNB_LEAD(ldb));
  return 0;
""",
    "dot": """  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  *result = ((REAL (*)(SIZE, const REAL *, SIZE, const REAL *, SIZE))f)(n, x, incx, y,
    incy);
  return 0;
""",
    "axpy": """  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  ((void (*)(SIZE, REAL, const REAL *, SIZE, REAL *, SIZE))f)(n, alpha, x, incx, y, incy);
  return 0;
""",
    "scal": """  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx))) return 1;
  ((void (*)(SIZE, REAL, REAL *, SIZE))f)(n, alpha, x, incx);
  return 0;
""",
}

# Fortran sees the transposes: c^T = op(b)^T op(a)^T
FORTRAN = {
    "gemm": """  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda)
        && SYMNB_FITS(ldb) && SYMNB_FITS(ldc))) return 1;
  SIZE im = m, in = n, ik = k, ia = SYMNB_LEAD(lda), ib = SYMNB_LEAD(ldb);
  SIZE ic = SYMNB_LEAD(ldc);
  ((void (*)(const char *, const char *, SIZE *, SIZE *, SIZE *, REAL *, const REAL *,
    SIZE *, const REAL *, SIZE *, REAL *, REAL *, SIZE *))f)(tb ? "T" : "N",
    ta ? "T" : "N", &in, &im, &ik, &alpha, b, &ib, a, &ia, &beta, c, &ic);
  return 0;
""",
    "gemv": """  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(incx)
        && SYMNB_FITS(incy))) return 1;
"""
    + CLEAR
    + """  if (m == 0 || n == 0) {
    if (beta != 0) for (int64_t i = 0; i < count; i++) y[i * incy] *= beta;
    return 0;
  }
  SIZE im = m, in = n, ia = SYMNB_LEAD(lda), ix = incx, iy = incy;
  ((void (*)(const char *, SIZE *, SIZE *, REAL *, const REAL *, SIZE *, const REAL *,
    SIZE *, REAL *, REAL *, SIZE *))f)(ta ? "N" : "T", &in, &im, &alpha, a, &ia, x, &ix,
    &beta, y, &iy);
  return 0;
""",
    "ger": """  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(incx)
        && SYMNB_FITS(incy))) return 1;
  SIZE im = m, in = n, ia = SYMNB_LEAD(lda), ix = incx, iy = incy;
  ((void (*)(SIZE *, SIZE *, REAL *, const REAL *, SIZE *, const REAL *, SIZE *, REAL *,
    SIZE *))f)(&in, &im, &alpha, y, &iy, x, &ix, a, &ia);
  return 0;
""",
    "syrk": """  if (n == 0) return 0;
  if (!(SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda) && SYMNB_FITS(ldc))) return 1;
  SIZE in = n, ik = k, ia = SYMNB_LEAD(lda), ic = SYMNB_LEAD(ldc);
  ((void (*)(const char *, const char *, SIZE *, SIZE *, REAL *, const REAL *, SIZE *,
    REAL *, REAL *, SIZE *))f)("L", ta ? "N" : "T", &in, &ik, &alpha, a, &ia, &beta, c,
    &ic);
  return 0;
""",
    "trsm": """  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(ldb))) return 1;
  SIZE im = m, in = n, ia = SYMNB_LEAD(lda), ib = SYMNB_LEAD(ldb);
  ((void (*)(const char *, const char *, const char *, const char *, SIZE *, SIZE *,
    REAL *, const REAL *, SIZE *, REAL *, SIZE *))f)(right ? "L" : "R",
    lower ? "U" : "L", ta ? "T" : "N", unit ? "U" : "N", &in, &im, &alpha, a, &ia, b,
    &ib);
  return 0;
""",
    "dot": """  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  SIZE in = n, ix = incx, iy = incy;
  *result = ((REAL (*)(SIZE *, const REAL *, SIZE *, const REAL *, SIZE *))f)(&in, x, &ix,
    y, &iy);
  return 0;
""",
    "axpy": """  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  SIZE in = n, ix = incx, iy = incy;
  ((void (*)(SIZE *, REAL *, const REAL *, SIZE *, REAL *, SIZE *))f)(&in, &alpha, x, &ix,
    y, &iy);
  return 0;
""",
    "scal": """  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx))) return 1;
  SIZE in = n, ix = incx;
  ((void (*)(SIZE *, REAL *, REAL *, SIZE *))f)(&in, &alpha, x, &ix);
  return 0;
""",
}
