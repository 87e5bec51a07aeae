"""Products as library calls: the C text of one dot, batched dot or gemm step.

Matrices are row-major. Where no BLAS was found, and for integers, a plain loop stands
in (order i, k, j: the inner loop is contiguous and vectorises), so everything runs and
every export works without a library.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from symnb.compile.extern.blas import ROUTINES, blas, declarations
from symnb.compile.operands import operand
from symnb.compile.program import Buffer, Step
from symnb.core.dims import DimLike
from symnb.ops.gemm import reads_c

SizeText = Callable[[DimLike], str]
CTYPE = {"float32": "float", "float64": "double", "bool": "uint8_t"}


@dataclass(frozen=True)
class Matrix:
    """An operand of a product: C pointer text, rows and columns as stored, turned."""

    text: str
    rows: str
    columns: str
    turned: bool = False

    @property
    def shape(self) -> tuple[str, str]:
        """(rows, columns) as the product sees it."""
        pair = self.rows, self.columns
        return (pair[1], pair[0]) if self.turned else pair


@dataclass
class Products:
    """Collects what the products of one program need.

    externs  library functions, in the order of ws->externs
    plain    C loops that stand in, by name
    library  whether there may be calls of BLAS
    """

    externs: list[str] = field(default_factory=list[str])
    plain: dict[str, str] = field(default_factory=dict[str, str])
    library: bool = True

    def text(self) -> str:
        """The C definitions the calls refer to."""
        routines = [name for name in self.externs if name[1:] in ROUTINES]
        parts = [declarations(routines)] if routines else []
        return "\n".join([*parts, *self.plain.values()])

    def gemm(
        self,
        dtype: str,
        a: Matrix,
        b: Matrix,
        scale: tuple[str, str],
        c: str,
        d: str | None = None,
    ) -> str:
        """c = scale[0] * a @ b + scale[1] * d, where d is c unless given."""
        m, k = a.shape
        n = b.shape[1]
        given = [int(a.turned), int(b.turned), m, n, k, scale[0]]
        given += [a.text, a.columns, b.text, b.columns, scale[1]]
        routine = self._found("gemm", dtype)
        if routine is None:
            copy = f"__builtin_memcpy({c}, {d}, ({m}) * ({n}) * sizeof *{c}); "
            call = self._plain("gemm", dtype, [*given, c, n])
            return call if d is None else copy + call
        return self._call(routine, "shared", [*given, d or c, n, c, n])

    def gemv(
        self, dtype: str, a: Matrix, x: str, scale: tuple[str, str], y: str
    ) -> str:
        """y = scale[0] * a @ x + scale[1] * y."""
        given = [int(a.turned), a.rows, a.columns, scale[0], a.text, a.columns, x]
        routine = self._found("gemv", dtype)
        if routine is None:
            return self._plain("gemv", dtype, [*given, 1, scale[1], y, 1])
        return self._call(routine, "pieces gemv", [*given, scale[1], y])

    def dot(self, dtype: str, n: str, x: str, y: str, out: str) -> str:
        """*out = x . y."""
        routine = self._found("dot", dtype)
        if routine is None:
            return self._plain("dot", dtype, [n, x, 1, y, 1, out])
        return self._call(routine, "pieces dot", [n, x, y, out])

    def batch(
        self, dtype: str, count: str, pair: tuple[Matrix, Matrix],
        apart: tuple[str, str], c: str,
    ) -> list[str]:  # fmt: skip
        """c[i] = pair[0][i] @ pair[1][i] for i < count.

        apart  elements from one matrix to the next
        """
        a, b = pair
        m, k = a.shape
        n = b.shape[1]
        routine = self._found("gemm", dtype)
        if routine is None:
            first = replace(a, text=f"{a.text} + i * ({apart[0]})")
            second = replace(b, text=f"{b.text} + i * ({apart[1]})")
            into = f"{c} + i * ({m}) * ({n})"
            call = self.gemm(dtype, first, second, ("1", "0"), into)
            return [f"for (int64_t i = 0; i < {count} && !status; i++)", f"  {call}"]
        given = [int(a.turned), int(b.turned), count, m, n, k]
        given += [a.text, a.columns, apart[0], b.text, b.columns, apart[1], c]
        return [self._call(routine, "shared pieces batch", given, "batch")]

    def _call(
        self,
        routine: str,
        texts: str,
        arguments: Sequence[object],
        form: str = "shared",
    ) -> str:
        """A call of the form of a routine that these files define."""
        kind = routine[0]
        for text in texts.split():
            self.plain.setdefault(f"{text} {kind}", _text(text, kind))
        names = [f"own_{routine}", routine] if routine[1:] == "gemm" else [routine]
        given = ["ws", *(f"ws->externs[{self.place(name)}]" for name in names)]
        given += map(str, arguments)
        return f"status = symnb_{routine}_{form}({', '.join(given)});"

    def _plain(self, kind: str, dtype: str, arguments: Sequence[object]) -> str:
        name = f"plain_{kind}_{dtype}"
        self.plain[name] = _plain(kind, dtype, name)
        return f"status = {name}({', '.join(map(str, arguments))});"

    def _found(self, kind: str, dtype: str) -> str | None:
        """The library's routine for this dtype, or None."""
        routine = {"float32": "s", "float64": "d"}.get(dtype, "-") + kind
        found = blas() if self.library else None
        return routine if found is not None and routine in found.addresses else None

    def place(self, routine: str) -> int:
        """Where the address of a library function is; added if it is new."""
        if routine not in self.externs:
            self.externs.append(routine)
        return self.externs.index(routine)


# Fewer are not shared out: multiplications, and numbers read, of one thread in 12 us.
ALONE = {"shared": 600_000, "gemv": 300_000, "dot": 150_000}


@functools.cache
def _text(name: str, kind: str) -> str:
    """The C text of a file, for s or d."""
    text = Path(__file__).with_name(f"{name}.h").read_text()
    real = {"s": "float", "d": "double"}[kind]
    text = text.replace("KIND", kind).replace("REAL", real)
    return text.replace("ALONE", str(ALONE.get(name)))


def _plain(kind: str, dtype: str, name: str) -> str:
    add, times = ("|=", "&") if dtype == "bool" else ("+=", "*")
    text = (
        PLAIN[kind]
        .replace("NAME", name)
        .replace("REAL", CTYPE.get(dtype, dtype + "_t"))
    )
    return text.replace("ADD", add).replace("TIMES", times)


def emit_contract(step: Step, size: SizeText, products: Products) -> list[str]:
    """The C statements of one product step."""
    name = step.nodes[0].op.name
    out = step.writes[0]
    if name == "gemm":
        return _gemm(step, size, products, out)
    if name == "batched_dot":
        return _batched(step, size, products)
    a, b = step.reads[:2]
    return [_dot(a, b, out, size, products)]


def _matrix(buffer: Buffer, size: SizeText, turned: bool = False) -> Matrix:
    rows, columns = buffer.type.shape[-2:]
    return Matrix(buffer.name, size(rows), size(columns), turned)


def _dot(a: Buffer, b: Buffer, out: Buffer, size: SizeText, products: Products) -> str:
    dtype, scale = out.type.dtype, ("1", "0")
    match a.type.ndim, b.type.ndim:
        case 2, 2:
            pair = _matrix(a, size), _matrix(b, size)
            return products.gemm(dtype, *pair, scale, out.name)
        case 2, 1:
            return products.gemv(dtype, _matrix(a, size), b.name, scale, out.name)
        case 1, 2:
            turned = _matrix(b, size, turned=True)
            return products.gemv(dtype, turned, a.name, scale, out.name)
        case _:
            n = size(a.type.shape[0])
            return products.dot(dtype, n, a.name, b.name, out.name)


def is_one_place(a: Buffer, b: Buffer) -> bool:
    """Whether two buffers have the same storage: one object, or one place."""
    a, b = a.root, b.root
    return a is b or (a.place == b.place == "arena" and a.index == b.index)


def _gemm(step: Step, size: SizeText, products: Products, out: Buffer) -> list[str]:
    """alpha * op(a) @ op(b) + beta * c, where the result need not be c."""
    c, a, b, alpha, beta = step.reads[:5]
    turn_a, turn_b = step.nodes[0].params[:2]
    dtype = out.type.dtype
    apart = not is_one_place(c, out) and reads_c(step.nodes[0])
    scale = f"*{alpha.name}", f"*{beta.name}"
    matrix = _matrix(a, size, turn_a)
    if b.type.ndim == 2:
        added = c.name if apart else None
        other = _matrix(b, size, turn_b)
        return [products.gemm(dtype, matrix, other, scale, out.name, added)]
    lines: list[str] = []
    if apart:
        bytes_of = f"{size(out.type.size)} * sizeof *{out.name}"
        lines.append(f"__builtin_memcpy({out.name}, {c.name}, {bytes_of});")
    return [*lines, products.gemv(dtype, matrix, b.name, scale, out.name)]


def _batched(step: Step, size: SizeText, products: Products) -> list[str]:
    out = step.writes[0]
    pair: list[Matrix] = []
    apart: list[str] = []
    for buffer, node in zip(step.reads[:2], step.nodes[0].operands, strict=True):
        seen = operand(node)
        matrix = _matrix(buffer, size, seen.turned)
        pair.append(matrix)
        each = f"({matrix.rows}) * ({matrix.columns})"
        apart.append("0" if seen.spread else each)
    count = size(out.type.shape[0])
    return products.batch(
        out.type.dtype, count, (pair[0], pair[1]), (apart[0], apart[1]), out.name
    )


# Same arguments as the library's wrappers (extern/blas.py). beta = 0 overwrites.
PLAIN = {
    "gemm": """
static int NAME(int ta, int tb, int64_t m, int64_t n, int64_t k, REAL alpha,
                const REAL *a, int64_t lda, const REAL *b, int64_t ldb, REAL beta,
                REAL *c, int64_t ldc)
{
  for (int64_t i = 0; i < m; i++) {
    REAL *row = c + i * ldc;
    for (int64_t j = 0; j < n; j++) row[j] = beta == 0 ? 0 : beta TIMES row[j];
    for (int64_t p = 0; p < k; p++) {
      const REAL x = alpha TIMES (ta ? a[p * lda + i] : a[i * lda + p]);
      if (tb)
        for (int64_t j = 0; j < n; j++) row[j] ADD x TIMES b[j * ldb + p];
      else
        for (int64_t j = 0; j < n; j++) row[j] ADD x TIMES b[p * ldb + j];
    }
  }
  return 0;
}
""",
    "gemv": """
static int NAME(int ta, int64_t rows, int64_t columns, REAL alpha, const REAL *a,
                int64_t lda, const REAL *x, int64_t incx, REAL beta, REAL *y,
                int64_t incy)
{
  const int64_t m = ta ? columns : rows, k = ta ? rows : columns;
  for (int64_t i = 0; i < m; i++) {
    REAL total = 0;
    for (int64_t p = 0; p < k; p++)
      total ADD (ta ? a[p * lda + i] : a[i * lda + p]) TIMES x[p * incx];
    y[i * incy] = beta == 0 ? 0 : beta TIMES y[i * incy];
    y[i * incy] ADD alpha TIMES total;
  }
  return 0;
}
""",
    "dot": """
static int NAME(int64_t n, const REAL *x, int64_t incx, const REAL *y, int64_t incy,
                REAL *result)
{
  REAL total = 0;
  for (int64_t i = 0; i < n; i++) total ADD x[i * incx] TIMES y[i * incy];
  *result = total;
  return 0;
}
""",
}
