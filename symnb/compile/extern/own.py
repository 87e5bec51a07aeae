"""Products of our own: a library of kernels per machine, called by address like BLAS.

`panels.h` multiplies matrices with tiles of sums kept in registers (`tile.h`). It reads
its operands where they are, so thin and small products pay no packing, and adds to
another matrix than it writes, so an update needs no copy first. Built once per machine,
1 s; functions do not compile it again. Products are exact and each is added with one
rounding, DEEP of them before they join the result, in an order set by sizes alone.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import symnb.compile.build as builder
from symnb.compile.processor import vector_bytes
from symnb.errors import BuildError, NoCompilerError

__all__ = ["NAMES", "address", "library", "text"]

NAMES = ("own_sgemm", "own_dgemm")
KINDS = {"s": "float", "d": "double"}
BYTES = {"s": 4, "d": 8}
MASKS = {  # (kind, lanes) -> what GCC calls loads and stores of some lanes
    ("s", 16): "ups512", ("s", 8): "ups256", ("d", 8): "upd512", ("d", 4): "upd256",
}  # fmt: skip
DEEP = 384  # summed before they are added to the result: a panel fits in L2
OFTEN = 48  # reads of a panel that are worth a copy of it
LITTLE = 1_000_000  # multiplications, see symnb_KINDyields
MUCH = {"s": 2_000_000_000, "d": 200_000_000}  # beyond, BLAS is as fast
ROWS = 12  # of a tile of two vectors: 24 of 32 registers hold its sums
FEW_ROWS = 6  # with 16 registers

HEAD = """typedef __INT64_TYPE__ int64_t;
#ifdef __clang__
#pragma STDC FP_CONTRACT ON
#else
#pragma GCC optimize("fp-contract=fast")
#endif
#if defined(__AVX512F__) && defined(__AVX512VL__) && VECTOR == 64
#define MASKED 1
#else
#define MASKED 0
#endif
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SHUFFLE(x, y, ...) \\
  __builtin_shuffle(x, y, (__typeof__((x) == (y))){__VA_ARGS__})
#endif
int symnb_run(void) { return 1; } /* what every library has; this one is no function */
void symnb_plan(void) {}
"""

TYPE = """
/* What a tile reads and writes: y has `down` elements from row to row and `across` from
 * column to column; c = alpha sums + beta d for the first `lanes` columns. */
typedef struct {
  const REAL *x, *y, *d;
  REAL *c, *sums;
  int64_t k, lanes, down, across, ldx, ldd, ldc;
  REAL alpha, beta;
} symnb_KINDtile;

"""


def address(name: str) -> int:
    """Address of one of NAMES; 0 where nothing can be compiled, and BLAS serves."""
    found = library(vector_bytes())
    return 0 if found is None else found.address(f"symnb_{name}")


@functools.cache
def library(vector: int) -> builder.Library | None:
    """The kernels for vectors of so many bytes; None where nothing can be compiled."""
    source = text(vector)
    digest = hashlib.blake2b(source.encode(), digest_size=16).hexdigest()
    try:
        return builder.build(source, f"products {digest}")
    except (BuildError, NoCompilerError, OSError):
        return None


def text(vector: int) -> str:
    """The C text of all kernels for vectors of so many bytes."""
    head = HEAD.replace("VECTOR", str(vector))
    return "\n".join([head, *(_kind(kind, vector) for kind in KINDS)])


def _kind(kind: str, vector: int) -> str:
    lanes = vector // BYTES[kind]
    wide, half = f"symnb_{kind}{lanes}", f"symnb_{kind}{lanes // 2}"
    most = ROWS if vector == 64 else FEW_ROWS
    tables = [(half, 1, ROWS), (wide, 1, ROWS), (wide, 2, most)]
    parts = [TYPE, _tile(kind, lanes // 2), _tile(kind, lanes)]
    parts += [_sizes(*table) for table in tables]
    names = ", ".join(
        "{" + ", ".join(f"{name}_{r}_{v}" for r in range(1, high + 1)) + "}"
        for name, v, high in tables
    )
    halves = [f"{i}, {i + lanes}" for i in range(lanes)]
    body = _read("panels.h").replace("WIDE", wide).replace("HALF", half)
    body = body.replace("TILES", names)
    body = body.replace("FIRST_HALVES", ", ".join(halves[: lanes // 2]))
    body = body.replace("SECOND_HALVES", ", ".join(halves[lanes // 2 :]))
    body = body.replace("LANES", str(lanes)).replace("MOST", str(most))
    numbers = {"DEEP": DEEP, "OFTEN": OFTEN, "LITTLE": LITTLE, "MUCH": MUCH[kind]}
    for mark, number in numbers.items():
        body = body.replace(mark, str(number))
    whole = "".join([*parts, body])
    return whole.replace("KIND", kind).replace("REAL", KINDS[kind])


def _tile(kind: str, lanes: int) -> str:
    mask = MASKS.get((kind, lanes), "")
    body = _read("tile.h").replace("TILE", f"symnb_{kind}{lanes}")
    body = body.replace("LOAD(", f"__builtin_ia32_load{mask}_mask(")
    body = body.replace("STORE(x", f"__builtin_ia32_store{mask}_mask((void *)x")
    return body.replace("LANES", str(lanes))


def _sizes(name: str, vectors: int, most: int) -> str:
    """A function per height of a tile."""
    return "".join(
        f"static void {name}_{rows}_{vectors}(const symnb_KINDtile *t)\n"
        f"{{\n  {name}_run(t, {rows}, {vectors});\n}}\n"
        for rows in range(1, most + 1)
    )


@functools.cache
def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text()
