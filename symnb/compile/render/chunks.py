"""C text of the parts of kernels that run in threads, and of the calls of them.

A part is a function over iterations first <= i < last, never inlined: it is compiled
once, and the kernel calls it for all iterations where threads do not pay. Else the
workspace's `spread` calls it for chunks, through a function that unpacks pointers and
numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from symnb.compile.kernels.kernel import Kernel, Result
from symnb.compile.kernels.nest import Buffer
from symnb.compile.render.cstyle import LINE, combined
from symnb.compile.render.parts import Given, Part
from symnb.core.dtypes import SHORT
from symnb.ops.c_text import C_TYPES

MOST_CHUNKS = 64  # partial results of a reduction fit on the stack

CHUNKS = f"""\
#define SYMNB_PART __attribute__((noinline, noclone)) /* compiled once */
/* Iterations of a chunk, of `size` in all: a multiple of unit, at least `grain` points
 * and a {MOST_CHUNKS}th of all. */
static inline int64_t symnb_step(int64_t size, int64_t points, int64_t grain,
                                 int64_t unit)
{{
    int64_t count = points / grain;
    count = count < 1 ? 1 : count > {MOST_CHUNKS} ? {MOST_CHUNKS} : count;
    const int64_t step = (size + count - 1) / count;
    return (step + unit - 1) / unit * unit;
}}
"""


def wrapped(start: str, parts: Sequence[str], end: str) -> list[str]:
    """A list in parentheses, on as many lines as it takes."""
    lines, line, indent = list[str](), start, " " * len(start)
    for at, part in enumerate(parts):
        text = part + (end if at == len(parts) - 1 else ",")
        if len(line) + len(text) + 1 > LINE and line.strip() and line != start:
            lines.append(line.rstrip())
            line = indent
        line += text if line in (start, indent) else f" {text}"
    return [*lines, line if parts else start + end]


def parameter(buffer: Buffer, shared: bool) -> str:
    """The C parameter of an array; `shared`: others may point there too."""
    const = "const " if buffer.role == "in" else ""
    restrict = "" if shared else "restrict "
    return f"{const}{C_TYPES[buffer.dtype]} *{restrict}{buffer.name}"


def part_functions(
    part: Part, kernel: Kernel, shared: Collection[str]
) -> tuple[list[str], list[str], list[str]]:
    """Head and last statements of the function of a part, and the function that
    unpacks what it is given.

    shared  arrays whose storage another one shares
    """
    buffers = {b.name: b for b in kernel.buffers}
    parameters = [
        parameter(buffers[x.name], x.name in shared) if x.kind == "array" else _given(x)
        for x in part.given
    ]
    parameters += [
        f"{C_TYPES[r.dtype]} *restrict {_target(r)}" for r in part.region.results
    ]
    parameters += ["int64_t first", "int64_t last", "symnb_ws *ws"]
    whole = part.name.rpartition("_")[0]
    comment = f"/* {part.name}: a chunk of a loop of {whole}, or all of it */"
    head = [comment, *wrapped(f"static SYMNB_PART int {part.name}(", parameters, ")")]
    end = [f"*to_{r.name} = {r.name};" for r in part.region.results if r.length is None]
    return head, end, _unpacking(part)


def _given(x: Given) -> str:
    type = C_TYPES[x.dtype]
    return f"{type} *restrict {x.name}" if x.kind == "tile" else f"{type} {x.name}"


def _target(result: Result) -> str:
    return result.name if result.length is not None else f"to_{result.name}"


def _pointers(part: Part) -> list[Given]:
    return [x for x in part.given if x.kind != "size"]


def _sizes(part: Part) -> list[Given]:
    return [x for x in part.given if x.kind == "size"]


def _unpacking(part: Part) -> list[str]:
    pointers, sizes = _pointers(part), _sizes(part)
    arguments: list[str] = []
    for x in part.given:
        if x.kind == "size":
            arguments.append(f"n[{sizes.index(x)}]")
        elif x.kind == "number":
            at = pointers.index(x)
            arguments.append(f"*(const {C_TYPES[x.dtype]} *)p[{at}]")
        else:
            arguments.append(f"p[{pointers.index(x)}]")
    for at, r in enumerate(part.region.results, start=len(pointers)):
        place = "chunk" if r.length is None else f"{r.length}*chunk"
        arguments.append(f"({C_TYPES[r.dtype]} *)p[{at}] + {place}")
    arguments += ["first", "last", "ws"]
    start = f"static int {part.name}_chunk("
    given = ["void *const *p", "const int64_t *n", "int64_t chunk"]
    given += ["int64_t first", "int64_t last", "symnb_ws *ws"]
    call = wrapped(f"    return {part.name}(", arguments, ");")
    return [*wrapped(start, given, ")"), "{", *call, "}"]


# ------------------------------------------------------------------------ running it


def part_call(part: Part) -> list[str]:
    """Statements that run a part, in threads where they pay."""
    region = part.region
    lines = [_declaration(r) for r in region.results]
    test = f"ws->threads < 2 || {part.points} <= {region.above}"
    if region.shares:
        chunks = f"({part.size} + {region.unit - 1}) / {region.unit}"
        chunks = part.size if region.unit == 1 else chunks
        test += f" || {chunks} < ws->threads"
    arguments = [x.name for x in part.given]
    arguments += [r.name if r.length else f"&{r.name}" for r in region.results]
    arguments += ["0", part.size, "ws"]
    lines += [f"if ({test}) {{"]
    lines += wrapped(f"    if ({part.name}(", arguments, ")) return 1;")
    lines += ["} else {", *(f"    {line}" for line in _spread(part)), "}"]
    return lines


def _declaration(result: Result) -> str:
    length = "" if result.length is None else f"[{result.length}]"
    return f"{C_TYPES[result.dtype]} {result.name}{length};"


def _spread(part: Part) -> list[str]:
    region, results = part.region, part.region.results
    step = f"symnb_step({part.size}, {part.points}, {region.grain}, {region.unit})"
    lines = [f"const int64_t step = {step};"]
    if results:
        lines.append(f"const int64_t count = ({part.size} + step - 1) / step;")
    for r in results:
        lines += _places(r)
    pointers = [
        f"(void *){'&' if x.kind == 'number' else ''}{x.name}" for x in _pointers(part)
    ]
    pointers += [f"each_{r.name}" for r in results]
    lines += wrapped("void *const p[] = {", pointers, "};")
    sizes = [x.name for x in _sizes(part)] or ["0"]
    lines += wrapped("const int64_t n[] = {", sizes, "};")
    call = f"ws->spread(ws, {part.name}_chunk, p, n, {part.size}, step)"
    lines.append(f"if ({call}) return 1;")
    for r in results:
        lines += _joined(r)
    return lines


def _places(result: Result) -> list[str]:
    """Where the chunks leave their results."""
    type, each = C_TYPES[result.dtype], f"each_{result.name}"
    if result.length is None:
        return [f"{type} {each}[{MOST_CHUNKS}];"]
    size = f"count*{result.length}*sizeof({type})"
    return [
        f"{type} *{each} = ws->alloc(ws, {size});",
        f'if (!{each}) return symnb_fail(ws, "no memory for parts of a result");',
    ]


def _joined(result: Result) -> list[str]:
    """The results of the chunks combined, in their order."""
    name, each = result.name, f"each_{result.name}"
    if result.length is None:
        return [f"{name} = {joining(result)}({each}, count);"]
    return [
        f"for (int64_t c = 0; c < {result.length}; c++) {name}[c] = {each}[c];",
        "for (int64_t chunk = 1; chunk < count; chunk++)",
        f"    {joining(result)}({name}, {each} + {result.length}*chunk);",
    ]


def joining(result: Result) -> str:
    """Name of the function that combines results of chunks."""
    size = "" if result.length is None else f"x{result.length}"
    return f"symnb_join_{result.combine}_{SHORT[result.dtype]}{size}"


def joining_text(result: Result) -> str:
    """Its definition: numbers in pairs, tiles one after the other."""
    type, name, length = C_TYPES[result.dtype], joining(result), result.length
    if length is not None:
        text = combined(result.combine, result.dtype, "a[c]", "b[c]")
        return (
            f"static void {name}({type} *restrict a, const {type} *restrict b)\n{{\n"
            f"    for (int64_t c = 0; c < {length}; c++) a[c] = {text};\n}}\n"
        )
    text = combined(result.combine, result.dtype, "a[c]", "a[c + far]")
    return (
        f"static {type} {name}({type} *a, int64_t count)\n{{\n"
        f"    for (int64_t far = 1; far < count; far *= 2)\n"
        f"        for (int64_t c = 0; c + far < count; c += 2*far) a[c] = {text};\n"
        f"    return a[0];\n}}\n"
    )
