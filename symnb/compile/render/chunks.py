"""C text of the parts of kernels that run in threads, and of the calls of them.

A part is a function over iterations first <= i < last, compiled once: the kernel calls
it for all iterations where threads do not pay, else the workspace's `spread` calls it
for chunks. It finds pointers in `p` and numbers in `n`. Each function more costs 1 to 2
ms of compile time (gcc 12), so none stands between.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from symnb.compile.kernels.kernel import Kernel, Result
from symnb.compile.kernels.nest import Buffer
from symnb.compile.render.cstyle import LINE, cell_type, combined
from symnb.compile.render.parts import Given, Part
from symnb.core.dtypes import SHORT
from symnb.ops.c_text import C_TYPES

MOST_CHUNKS = 64  # partial results of a reduction fit on the stack
PART = "#define SYMNB_PART __attribute__((noinline, noclone)) /* compiled once */\n"


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
    """The C parameter of an array; `shared`: others may point there too.

    Truth is read as bytes: gcc 12 vectorises no loop that loads a _Bool.
    """
    const = "const " if buffer.role == "in" else ""
    restrict = "" if shared else "restrict "
    type = "uint8_t" if buffer.dtype == "bool" else C_TYPES[buffer.dtype]
    return f"{const}{type} *{restrict}{buffer.name}"


def part_function(
    part: Part, kernel: Kernel, shared: Collection[str]
) -> tuple[list[str], list[str], list[str]]:
    """Head, first and last statements of the function of a part.

    shared  arrays whose storage another one shares
    """
    whole = part.name.rpartition("_")[0]
    parameters = ["void *const *p", "const int64_t *n", "int64_t chunk"]
    parameters += ["int64_t first", "int64_t last", "symnb_ws *ws"]
    head = [
        f"/* {part.name}: a chunk of a loop of {whole}, or all of it */",
        *wrapped(f"static SYMNB_PART int {part.name}(", parameters, ")"),
    ]
    buffers = {b.name: parameter(b, b.name in shared) for b in kernel.buffers}
    start = [f"const int64_t {x.name} = n[{at}];" for at, x in enumerate(_sizes(part))]
    start += [
        f"{_declared(x, buffers)} = {_value(x, at)};"
        for at, x in enumerate(_pointers(part))
    ]
    end: list[str] = []
    for at, r in enumerate(part.region.results, start=len(_pointers(part))):
        type = cell_type(r.dtype)
        if r.length is None:
            end.append(f"(({type} *)p[{at}])[chunk] = {r.name};")
        else:
            place = f"({type} *)p[{at}] + {r.length}*chunk"
            start.append(f"{type} *restrict {r.name} = {place};")
    return head, start, end


def _declared(x: Given, buffers: dict[str, str]) -> str:
    if x.kind == "array":
        return buffers[x.name]
    if x.kind == "tile":
        return f"{cell_type(x.dtype)} *{x.name}"
    return f"const {C_TYPES[x.dtype]} {x.name}"


def _value(x: Given, at: int) -> str:
    return f"*(const {C_TYPES[x.dtype]} *)p[{at}]" if x.kind == "number" else f"p[{at}]"


def _pointers(part: Part) -> list[Given]:
    return [x for x in part.given if x.kind != "size"]


def _sizes(part: Part) -> list[Given]:
    return [x for x in part.given if x.kind == "size"]


# ------------------------------------------------------------------------ running it


def part_call(part: Part) -> list[str]:
    """Statements that run a part, in threads where they pay."""
    region, size = part.region, part.size
    declared = [_declaration(r) for r in region.results]
    lines = [f"int64_t step = {size};", f"if ({_test(part)}) {{"]
    lines += [f"    {line}" for line in _chunks(part)]
    lines.append("}")
    pointers = [
        f"(void *){'&' if x.kind == 'number' else ''}{x.name}" for x in _pointers(part)
    ]
    pointers += [r.name if r.length else f"each_{r.name}" for r in region.results]
    lines += wrapped("void *const p[] = {", pointers, "};")
    sizes = [x.name for x in _sizes(part)]
    numbers = "n" if sizes else "0"
    lines += wrapped("const int64_t n[] = {", sizes, "};") if sizes else []
    lines += [
        f"if (step < {size} ? ws->spread(ws, {part.name}, p, {numbers}, {size}, step)",
        f"    : {part.name}(p, {numbers}, 0, 0, {size}, ws)) return 1;",
    ]
    for r in region.results:
        lines += _joined(r, size)
    if not part.alone:
        lines = ["{", *(f"    {line}" for line in lines), "}"]
    return [*declared, *lines]


def _chunks(part: Part) -> list[str]:
    """The iterations of a chunk: a multiple of its unit; places for results."""
    region = part.region
    each = f"{_factor(part.size)} / chunks + {region.unit}"
    if region.unit > 1:
        each = f"({each}) / {region.unit} * {region.unit}"
    count = f"symnb_min({_factor(part.points)} / {region.grain}, {MOST_CHUNKS})"
    lines = [f"const int64_t chunks = {count};", f"step = {each};"]
    for r in region.results:
        lines += _places(r)
    return lines


def _factor(text: str) -> str:
    return text if text.isidentifier() else f"({text})"


def _test(part: Part) -> str:
    """Whether threads pay."""
    region = part.region
    test = f"ws->threads > 1 && {part.points} > {region.above}"
    if not region.shares:
        return test
    chunks = f"({part.size} + {region.unit - 1}) / {region.unit}"
    return f"{test} && {part.size if region.unit == 1 else chunks} >= ws->threads"


def _declaration(result: Result) -> str:
    type, name = cell_type(result.dtype), result.name
    if result.length is None:
        return f"{type} {name}, each_{name}[{MOST_CHUNKS}];"
    return f"{type} own_{name}[{result.length}], *{name} = own_{name};"


def _places(result: Result) -> list[str]:
    """Where the chunks leave tiles; those without chunks have their own."""
    if result.length is None:
        return []
    size = f"chunks*{result.length}*sizeof({cell_type(result.dtype)})"
    fail = 'return symnb_fail(ws, "no memory for parts of a result");'
    return [f"{result.name} = ws->alloc(ws, {size});", f"if (!{result.name}) {fail}"]


def _joined(result: Result, size: str) -> list[str]:
    """The results of the chunks combined, in their order."""
    name = result.name
    if result.length is None:
        count = f"step < {size} ? ({size} + step - 1) / step : 1"
        return [f"{name} = {joining(result)}(each_{name}, {count});"]
    return [
        f"for (int64_t chunk = 1; chunk*step < {size}; chunk++)",
        f"    {joining(result)}({name}, {name} + {result.length}*chunk);",
    ]


def joining(result: Result) -> str:
    """Name of the function that combines results of chunks."""
    size = "" if result.length is None else f"x{result.length}"
    return f"symnb_join_{result.combine}_{SHORT[result.dtype]}{size}"


def joining_text(result: Result) -> str:
    """Its definition: numbers in pairs, tiles one after the other."""
    type, name, length = cell_type(result.dtype), joining(result), result.length
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
