"""The C dialect: kernels as static functions of one translation unit.

The text includes no header: each costs 10 to 150 ms of compile time. Flags that give
it its meaning: -fwrapv (integers wrap), -ffp-contract=off, -fno-math-errno,
-fopenmp-simd; see `compile/build.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from symnb.compile.kernels.kernel import (
    Define,
    Kernel,
    Loop,
    Parallel,
    Refuse,
    Row,
    Total,
    Tree,
    Write,
)
from symnb.compile.kernels.nest import WRAP
from symnb.compile.kernels.target import Target
from symnb.compile.render.chunks import (
    PART,
    joining_text,
    parameter,
    part_call,
    part_function,
    wrapped,
)
from symnb.compile.render.cstyle import KernelSource, Printer, combined
from symnb.compile.render.math_c import definitions, inlined
from symnb.compile.render.parts import Part
from symnb.compile.render.polling import POINTS
from symnb.compile.runtime.abi import PRELUDE
from symnb.core.dims_render import C_PRELUDE
from symnb.core.dtypes import SHORT
from symnb.core.node import Node
from symnb.ops.c_text import C_TYPES, LIBM, expression, libm_calls, support
from symnb.ops.define import Elementwise

CLAUSE = {
    "add": "+", "mul": "*", "and": "&", "or": "|",
    "max": "max", "min": "min", "fmax": "max", "fmin": "min",
}  # fmt: skip


def render_kernel(
    kernel: Kernel,
    name: str,
    target: Target,
    in_place: Collection[tuple[Node, Node]] = (),
) -> KernelSource:
    """The kernel as a static C function called `name`.

    in_place  (output, input) pairs that share storage
    """
    shared = {b.name for b in kernel.buffers for pair in in_place if b.node in pair}
    printer = Printer(kernel, name, _C(kernel, shared, target))
    parts = [parameter(b, b.name in shared) for b in kernel.buffers]
    parts += [f"int64_t n{k}" for k in range(len(kernel.sizes))]
    head = wrapped(f"static int {name}(", [*parts, "symnb_ws *ws"], ")")
    return printer.source([f"/* {name}: {_summary(kernel)} */", *head])


def _summary(kernel: Kernel) -> str:
    """What it does, and from what size on in threads."""
    above = [region.above for region in kernel.parallel]
    threads = f"; in threads from {min(above):,} points on" if above else ""
    return f"{kernel.summary}{threads}"


class _C:
    """Loops, temporary arrays and threads in C."""

    def __init__(self, kernel: Kernel, shared: Collection[str], target: Target) -> None:
        self.kernel = kernel
        self.shared = shared
        self.target = target

    def expression(self, text: str) -> str:
        """An expression with forms of libm's functions that vectorise inline."""
        return inlined(text, self.target)

    def part(self, part: Part) -> tuple[list[str], list[str], list[str]]:
        """A function of its own."""
        return part_function(part, self.kernel, self.shared)

    def run_part(self, part: Part) -> list[str]:
        """A call of that function, or of `spread`."""
        return part_call(part)

    def open_loop(self, loop: Loop, index: str, start: str, stop: str) -> list[str]:
        """`for (...) {` after its pragma, or with what keeps vectors out."""
        step = f"{index}++" if loop.step == 1 else f"{index} += {loop.step}"
        head = f"for (int64_t {index} = {start}; {index} < {stop}; {step}) {{"
        if loop.role == "plain":  # what is no C, gcc does not vectorise
            return [f'{head} __asm__("");']
        if loop.role != "simd":
            return [head]
        clauses = [f" reduction({CLAUSE[c]}:{n})" for n, c, _ in loop.combines]
        return [f"#pragma omp simd{''.join(clauses)}", head]

    def streams(self, loop: Loop) -> bool:
        """Not in place: a line that was just read is in the cache."""
        arrays = {s.target.array for s in loop.body if isinstance(s, Write)}
        return loop.streams != 0 and arrays.isdisjoint(self.shared)

    def past(
        self, name: str, streams: str, lines: Sequence[str], start: str, stop: str
    ) -> list[str]:
        """Where arrays are large and whole lines are written."""
        tests = [streams, *(f"symnb_is_line(&{line})" for line in lines)]
        return [
            f"const int64_t {name} = {' && '.join(tests)}",
            f"    ? {stop} : {start};",
        ]

    def settle(self, streams: str) -> list[str]:
        """A fence: streamed lines come in any order."""
        return [f"if ({streams}) symnb_settle();"]

    def stream(self, place: str, tile: str) -> str:
        """A call of the prelude's function."""
        return f"symnb_stream(&{place}, {tile});"

    def row(self, name: str, type: str, length: str) -> list[str]:
        """Memory of the workspace, freed when the call returns."""
        return [
            f"{type} *restrict {name} = ws->alloc(ws, ({length})*sizeof({type}));",
            f'if (!{name}) return symnb_fail(ws, "no memory for a row");',
        ]

    def poll(self, points: str | None) -> list[str]:
        """A count of points; the workspace asks every 50 ms at most."""
        if points is None:
            return ["int64_t polled = 0;"]
        return [
            f"if ((polled += {points}) > {POINTS}) {{",
            "    if (ws->stop(ws)) return 1;",
            "    polled = 0;",
            "}",
        ]


# ------------------------------------------------------------------------- prelude

TYPES = "".join(
    f"typedef __{name.upper()}_TYPE__ {name};\n"
    for name in (
        "int8_t", "int16_t", "int32_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"
    )
).replace("_T_TYPE__", "_TYPE__")  # fmt: skip

WRITE_MESSAGE = """\
static void symnb_say(symnb_ws *ws, const char *a, int64_t x, const char *b,
                      int64_t y, const char *c, int64_t z)
{
    const char *texts[3] = {a, b, c};
    const int64_t numbers[3] = {x, y, z};
    char digits[24], *to = ws->message, *end = to + ws->message_size - 24;
    for (int k = 0; k < 3 && texts[k]; k++) {
        for (const char *s = texts[k]; *s && to < end; s++) *to++ = *s;
        if (k > 0 || c) {
            uint64_t rest = numbers[k] < 0 ? -(uint64_t)numbers[k] : numbers[k];
            int count = 0;
            do digits[count++] = '0' + rest % 10; while (rest /= 10);
            if (numbers[k] < 0 && to < end) *to++ = '-';
            while (count && to < end) *to++ = digits[--count];
        }
    }
    if (ws->message_size > 24) *to = 0;
}
"""
FAIL = """\
static int symnb_fail(symnb_ws *ws, const char *s)
{
    char *to = ws->message, *end = to + ws->message_size - 1;
    while (*s && to < end) *to++ = *s++;
    if (ws->message_size > 0) *to = 0;
    return 1;
}
"""
# One selection, one test of it: a gather of 1e5 numbers by indices of any sign 73 us,
# 86 with -1 selected for what is outside (EPYC, gcc 12, 2026-11).
OUT_OF_RANGE = """\
static inline int64_t symnb_wrap(int64_t i, int64_t n)
{
    return i < 0 ? i + n : i;
}
static inline int symnb_within(int64_t i, int64_t n)
{
    return (uint64_t)i < (uint64_t)n;
}
static int symnb_out_of_range(symnb_ws *ws, int64_t i, int64_t axis, int64_t n)
{
    symnb_say(ws, "index ", i, " is out of bounds for axis ", axis,
              " with size ", n);
    return 1;
}
"""
TREE = """\
/* Pairwise sums of {k} lanes: part[i] holds the sums of a power of two of runs. */
typedef struct {{ {t} part[40][{k}]; int64_t count, top; }} symnb_tree_{s};
static inline void symnb_push_{s}(symnb_tree_{s} *tree, {t} *restrict a)
{{
    for (int64_t n = tree->count++; n & 1; n >>= 1) {{
        const {t} *restrict part = tree->part[--tree->top];
        for (int l = 0; l < {k}; l++) a[l] += part[l];
    }}
    {t} *restrict part = tree->part[tree->top++];
    for (int l = 0; l < {k}; l++) part[l] = a[l];
    for (int l = 0; l < {k}; l++) a[l] = 0;
}}
static inline void symnb_collect_{s}(const symnb_tree_{s} *tree, {t} *restrict a)
{{
    for (int64_t k = tree->top; k > 0; k--)
        for (int l = 0; l < {k}; l++) a[l] += tree->part[k - 1][l];
}}
"""
STREAM = """\
/* Stores of whole cache lines that do not read them first. */
#if defined(__AVX512F__)
#define SYMNB_BYTES 64
#define SYMNB_PAST(to, x) __builtin_ia32_movntps512((float *)(to), x)
#elif defined(__AVX__)
#define SYMNB_BYTES 32
#define SYMNB_PAST(to, x) __builtin_ia32_movntps256((float *)(to), x)
#endif
#ifdef SYMNB_PAST
typedef float symnb_past_to __attribute__((vector_size(SYMNB_BYTES), may_alias));
typedef float symnb_past_from
    __attribute__((vector_size(SYMNB_BYTES), aligned(4), may_alias));
#ifdef __clang__
#undef SYMNB_PAST
#define SYMNB_PAST(to, x) __builtin_nontemporal_store(x, to)
#endif
static inline int symnb_is_line(const void *to) { return ((uint64_t)to & 63) == 0; }
static inline void symnb_stream(void *to, const void *from)
{
    for (int k = 0; k < 64 / SYMNB_BYTES; k++)
        SYMNB_PAST((symnb_past_to *)to + k, ((const symnb_past_from *)from)[k]);
}
static inline void symnb_settle(void) { __builtin_ia32_sfence(); }
#else
static inline int symnb_is_line(const void *to) { (void)to; return 0; }
static inline void symnb_stream(void *to, const void *from) { (void)to; (void)from; }
static inline void symnb_settle(void) {}
#endif
"""


def _fold(total: Total) -> str:
    """How the lanes of a tile are combined: halves onto halves."""
    type, lanes = C_TYPES[total.dtype], total.lanes
    name = f"symnb_fold_{total.combine}_{SHORT[total.dtype]}x{lanes}"
    lines = [f"static inline {type} {name}({type} *a)", "{"]
    half = lanes // 2
    while half:
        text = combined(total.combine, total.dtype, "a[l]", f"a[l + {half}]")
        lines.append(f"    for (int l = 0; l < {half}; l++) a[l] = {text};")
        half //= 2
    return "\n".join([*lines, "    return a[0];", "}", ""])


def _pairs(total: Total) -> str:
    """How a few values are combined, pairs of neighbours at a time.

    Straight code: reading back as a vector what was stored in parts stalls for some
    15 cycles, more than the additions take.
    """
    type, lanes = C_TYPES[total.dtype], total.lanes
    name = f"symnb_pairs_{total.combine}_{SHORT[total.dtype]}x{lanes}"
    lines = [f"static inline {type} {name}(const {type} *a)", "{"]
    values = [f"a[{lane}]" for lane in range(lanes)]
    for level in "bcdefgh":
        if len(values) == 1:
            break
        pairs = list(zip(values[::2], values[1::2], strict=False))
        for at, (left, right) in enumerate(pairs):
            text = combined(total.combine, total.dtype, left, right)
            lines.append(f"    const {type} {level}{at} = {text};")
        values = [f"{level}{at}" for at in range(len(pairs))] + values[2 * len(pairs) :]
    return "\n".join([*lines, f"    return {values[0]};", "}", ""])


# Loops stay scalar in gcc; clang goes by the lack of `omp simd` where it matters.
SCALAR = '#pragma GCC optimize ("no-tree-vectorize")\n'


def prelude(kernels: Sequence[Kernel], target: Target) -> str:
    """What the texts of `kernels` need before them: types, libm, support functions."""
    texts: dict[str, None] = {}
    statements = [s for kernel in kernels for s in kernel.statements()]
    functions = [inlined(text, target) for text in _functions(statements)]
    called = [*functions, *_expressions(statements, target)]
    own = definitions(called)
    libm = _prototypes([*own, *called], target)
    scalar = SCALAR if "simd" in target.off else ""
    for text in (scalar, PRELUDE, TYPES, libm, C_PRELUDE):
        texts[text] = None
    if any(isinstance(s, Define) and s.op is WRAP for s in statements):
        texts |= {WRITE_MESSAGE: None, OUT_OF_RANGE: None}
    if any(isinstance(s, Refuse | Row) for s in statements):
        texts[FAIL] = None
    if any(isinstance(s, Loop) and s.streams != 0 for s in statements):
        texts[STREAM] = None
    regions = [s for s in statements if isinstance(s, Parallel)]
    if regions:
        texts[PART] = None
    if any(r.length is not None for s in regions for r in s.results):
        texts[FAIL] = None
    texts |= dict.fromkeys(joining_text(r) for s in regions for r in s.results)
    for s in statements:
        if isinstance(s, Tree):
            name = f"{SHORT[s.dtype]}x{s.lanes}"
            texts[TREE.format(t=C_TYPES[s.dtype], s=name, k=s.lanes)] = None
        elif isinstance(s, Total):
            texts[_pairs(s) if s.short else _fold(s)] = None
    texts |= dict.fromkeys([*own, *functions])
    return "".join(texts)


def _functions(statements: Iterable[object]) -> list[str]:
    """Definitions of C functions that ops call, each once, in order."""
    found: dict[str, None] = {}
    for s in statements:
        if isinstance(s, Define) and isinstance(s.op, Elementwise):
            found |= dict.fromkeys(support(s.op, s.operand_dtypes[-1]))
    return list(found)


def _expressions(statements: Iterable[object], target: Target) -> list[str]:
    """The expressions of elementwise ops, as a kernel has them."""
    found: list[str] = []
    for s in statements:
        if isinstance(s, Define) and isinstance(s.op, Elementwise):
            names = ["x"] * len(s.operands)
            text = expression(s.op, s.operand_dtypes[-1], names)
            found.append(inlined(text, target))
    return found


def _prototypes(texts: Iterable[str], target: Target) -> str:
    """libm's functions, with vector variants where the target has them."""
    found = ""
    for name, (key, type) in libm_calls(texts).items():
        vector = key in target.simd and not target.strict
        attributes = 'simd("notinbranch"), const' if vector else "const"
        arguments = ", ".join([type] * LIBM[key])
        found += f"__attribute__(({attributes})) {type} {name}({arguments});\n"
    return found
