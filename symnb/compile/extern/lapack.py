"""LAPACK by address: linear algebra without a call of Python where all goes well.

The library NumPy has loaded, else SciPy's `cython_lapack`, is called from compiled
code, so that a system of 8 equations costs what its arithmetic costs. Steps keep their
Python form: where a matrix is singular, or no LAPACK was found, the reference runs and
says what is wrong in its own words. Looked up once per process; the C is in `lapack.h`.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from symnb.compile.extern import blas
from symnb.compile.extern.contract import Products, SizeText
from symnb.compile.program import Buffer, Step

ROUTINES = ("potrf", "gesv", "getrf", "syevd")
NAMES = tuple(kind + routine for routine in ROUTINES for kind in "sd")
KINDS = {"float32": "s", "float64": "d"}
STACK = 16384  # bytes of workspace that are taken from the stack
# cblas convention -> (before, after) the Fortran name of the same library
SPELLINGS = {
    "cblas64": (("scipy_", "_64_"), ("", "_64_")),
    "cblas32": (("scipy_", "_"), ("", "_")),
}


@dataclass(frozen=True)
class Lapack:
    """The routines found: name ("dpotrf") -> address; `bits` of their sizes."""

    source: str
    bits: int
    addresses: Mapping[str, int]


@functools.cache
def lapack() -> Lapack | None:
    """NumPy's LAPACK, else SciPy's, else None."""
    return from_numpy() or from_scipy()


def addresses(names: Iterable[str]) -> tuple[int, ...]:
    """Addresses of the routines a program was written for, those of BLAS among them.

    Raises KeyError when this process has no such routine.
    """
    found = lapack()
    own = found.addresses if found is not None else dict[str, int]()
    return tuple(
        own[name] if name in NAMES else blas.addresses((name,))[0] for name in names
    )


def convention() -> str:
    """How BLAS and LAPACK are called; part of the cache key."""
    found = lapack()
    return f"{blas.convention()} lapack{found.bits if found is not None else ''}"


def from_numpy() -> Lapack | None:
    """The LAPACK in the library of NumPy's BLAS."""
    spellings = SPELLINGS.get(blas.convention(), ())
    module = importlib.import_module("numpy._core._multiarray_umath")
    if not spellings or module.__file__ is None:
        return None
    loaded = ctypes.CDLL(module.__file__)
    for before, after in spellings:
        found = {name: f"{before}{name}{after}" for name in NAMES}
        if all(hasattr(loaded, symbol) for symbol in found.values()):
            table = {
                name: ctypes.cast(getattr(loaded, symbol), ctypes.c_void_p).value or 0
                for name, symbol in found.items()
            }
            return Lapack("NumPy's library", int(blas.convention()[-2:]), table)
    return None


def from_scipy() -> Lapack | None:
    """SciPy's, whose sizes have 32 bits."""
    table = blas.scipy_addresses("scipy.linalg.cython_lapack", NAMES)
    return None if table is None else Lapack("SciPy's cython_lapack", 32, table)


# ---------------------------------------------------------------------- writing calls


def emit_lapack(
    step: Step, size: SizeText, products: Products, otherwise: list[str]
) -> list[str]:
    """The C statements of a Python step: a call of LAPACK, and where that cannot
    decide, or there is none, `otherwise`."""
    call = _CALLS.get(step.nodes[0].op.name)
    kind = KINDS.get(step.reads[0].type.dtype) if step.reads else None
    found = lapack() if products.library else None
    if call is None or kind is None or found is None or blas.blas() is None:
        return otherwise
    prefix = f"symnb_{kind}"
    products.plain["lapack"] = _macros(found.bits)
    for name in call.needs:
        products.plain[prefix + name] = _texts(kind, found.bits)[name]
    address = f"ws->externs[{products.place(call.routine.replace('KIND', kind))}]"
    given = ", ".join([address, *call.arguments(step, size)])
    inner = [f"  {line}" for line in otherwise]
    return [f"if ({prefix}{call.needs[-1]}({given})) {{", *inner, "}"]


@dataclass(frozen=True)
class _Call:
    """How an op is called: the library's routine, the C functions, the last one called.

    numpy.linalg calculates float32 in float64, scipy.linalg does not; so do these.

    arguments  (step, size text) -> C text of what follows the address
    """

    routine: str
    needs: tuple[str, ...]
    arguments: Callable[[Step, SizeText], list[str]]


def _batch(matrix: Buffer, size: SizeText) -> list[str]:
    """How many matrices there are, and their rows."""
    *batch, n, _ = matrix.type.shape
    count = " * ".join(f"({size(one)})" for one in batch) or "1"
    return [count, size(n)]


def _columns(side: Buffer, matrix: Buffer, size: SizeText) -> str:
    """How many right sides each system has."""
    return "1" if side.type.ndim < matrix.type.ndim else size(side.type.shape[-1])


def _cholesky(step: Step, size: SizeText) -> list[str]:
    a, out = step.reads[0], step.writes[0]
    return ["ws", *_batch(a, size), a.name, out.name]


def _inv(step: Step, size: SizeText) -> list[str]:
    a, out = step.reads[0], step.writes[0]
    count, n = _batch(a, size)
    return ["ws", count, n, n, a.name, "0", out.name]


def _solve(step: Step, size: SizeText) -> list[str]:
    a, b = step.reads[:2]
    sizes = [*_batch(a, size), _columns(b, a, size)]
    return ["ws", *sizes, a.name, b.name, step.writes[0].name]


def _solve_triangular(step: Step, size: SizeText) -> list[str]:
    a, b = step.reads[:2]
    sizes = [*_batch(a, size), _columns(b, a, size)]
    flags = [str(int(flag)) for flag in step.nodes[0].params]
    return [*sizes, a.name, b.name, step.writes[0].name, *flags]


def _parts(step: Step, size: SizeText) -> list[str]:
    """Of an op of two results: 0 for the one nobody reads."""
    parts = {pick.params[0]: out for pick, out in zip(
        step.nodes[1:], step.writes, strict=True)}  # fmt: skip
    made = [parts[at].name if at in parts else "0" for at in (0, 1)]
    a = step.reads[0]
    return ["ws", *_batch(a, size), a.name, *made]


def _det(step: Step, size: SizeText) -> list[str]:
    a = step.reads[0]
    return ["ws", *_batch(a, size), a.name, step.writes[0].name, "0", "0"]


def _slogdet(step: Step, size: SizeText) -> list[str]:
    *given, sign, logarithm = _parts(step, size)
    return [*given, "0", sign, logarithm]


def _eigvalsh(step: Step, size: SizeText) -> list[str]:
    a = step.reads[0]
    return ["ws", *_batch(a, size), a.name, step.writes[0].name, "0"]


def _pivots(step: Step, size: SizeText) -> list[str]:
    d = step.reads[0]
    positive = str(int(step.nodes[0].params[0]))
    return [size(d.type.size), d.name, step.writes[0].name, positive]


def _lu_solve(step: Step, size: SizeText) -> list[str]:
    factors, moved, b = step.reads[:3]
    sizes = [*_batch(factors, size), _columns(b, factors, size)]
    names = [factors.name, moved.name, b.name, step.writes[0].name]
    return [*sizes, *names, str(int(step.nodes[0].params[0]))]


_CALLS = {
    "cholesky": _Call("dpotrf", ("cholesky",), _cholesky),
    "inv": _Call("dgesv", ("widen", "narrow", "solve"), _inv),
    "solve": _Call("dgesv", ("widen", "narrow", "solve"), _solve),
    "det": _Call("dgetrf", ("widen", "det"), _det),
    "slogdet": _Call("dgetrf", ("widen", "det"), _slogdet),
    "eigh": _Call("dsyevd", ("widen", "narrow", "eigh"), _parts),
    "eigvalsh": _Call("dsyevd", ("widen", "narrow", "eigh"), _eigvalsh),
    "lu_factor": _Call("KINDgetrf", ("turn", "factor"), _parts),
    "solve_triangular": _Call("KINDtrsm", ("substitute",), _solve_triangular),
    "pivots": _Call("KINDtrsm", ("pivots",), _pivots),
    "lu_solve": _Call("KINDtrsm", ("back",), _lu_solve),
}


CALLED = frozenset(_CALLS)  # names of the ops


def _macros(bits: int) -> str:
    takes = "1" if bits == 64 else "((x) <= 2147483647)"
    return (
        f"#define SYMNB_TAKES(x) {takes}\n"
        f"#define SYMNB_ROOM(x) ((x) <= {STACK} ? __builtin_alloca(x) "
        ": ws->alloc(ws, x))"
    )


@functools.cache
def _texts(kind: str, bits: int) -> dict[str, str]:
    """C function -> its text, from `lapack.h`."""
    real, size = {"s": "float", "d": "double"}[kind], "int64_t" if bits == 64 else "int"
    found: dict[str, str] = {}
    text = Path(__file__).with_name("lapack.h").read_text()
    for part in text.strip().split("\n\n")[1:]:
        name = part.split("symnb_KIND", 1)[1].split("(", 1)[0]
        part = part.replace("REAL", real).replace("KIND", kind)
        found[name] = part.replace("SIZE", size)
    return found
