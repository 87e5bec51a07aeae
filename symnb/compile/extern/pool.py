"""Pooling as C: one loop nest per step, written for its windows.

The text is `pool.h` with what is done in a window filled in; its size and steps are
numbers in the text. Windows inside the image take a loop without tests. Windows that
lie side by side and cover the image, the usual case, have loops of their own (`tiles`).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from symnb.compile.extern import tiles
from symnb.compile.extern.contract import CTYPE, Products, SizeText
from symnb.compile.program import Step
from symnb.core.types import TensorType
from symnb.ops.pool import counts_of, windows_of
from symnb.ops.windows import too_small

# What is done with the element e of the window i, j.
LARGEST = (
    "REAL best = x[at + FIRST + j * S1];",
    "{ const REAL v = x[e]; best = v > best || v != v ? v : best; }",
    "out[to + j] = best;",
)
TOTAL = ("REAL sum = 0;", "sum += x[e];", "out[to + j] = sum SCALE;")
SHARE = ("const REAL part = g[to + j] SCALE;", "out[e] += part;", "")
HAND_DOWN = (
    "const REAL best = y[to + j], part = g[to + j];",
    "out[e] += x[e] == best ? part : 0;",
    "",
)
TAKE_UP = (
    "const REAL best = y[to + j]; REAL sum = 0;",
    "sum += x[e] == best ? g[e] : 0;",
    "out[to + j] = sum;",
)
ALONE = 100_000  # elements one thread pools in 30 us: fewer are not shared out
UNROLLED = 64  # elements of a window written out one by one, so that columns vectorise
ZERO = "__builtin_memset(out + base, 0, h * wide * sizeof *out);"

# op -> (what is read, what comes before a plane, what is done: first, each, last)
FORMS = {
    "pool2d": (("x",), "", TOTAL),
    "pool2d_spread": (("g",), ZERO, SHARE),
    "pool2d_grad": (("x", "y", "g"), ZERO, HAND_DOWN),
    "pool2d_pick": (("x", "y", "g"), "", TAKE_UP),
}


def emit_pool(step: Step, size: SizeText, products: Products) -> list[str]:
    """The C statements of one pooling step."""
    node, out = step.nodes[0], step.writes[0]
    op, params = node.op.name, node.params
    image = out.type if op in ("pool2d_spread", "pool2d_grad") else step.reads[0].type
    name = _define(op, params, out.type.dtype, products)
    h, wide = image.shape[-2:]
    sizes = [_planes(image, size), size(h), size(wide)]
    sizes += map(size, counts_of(params, (h, wide)))
    arrays = [buffer.name for buffer in (*step.reads, out)]
    run = f"{name}_chunk"
    if _tiles(params):
        k0, k1 = params[1]
        covered = f"n[0] == n[2] * {k0} && n[1] == n[3] * {k1}"
        run = f"{covered} ? {name}_tiles_chunk : {name}_chunk"
    pointers = ", ".join(f"(void *){array}" for array in arrays)
    return [
        *_fit(params, image, size),
        "if (!status) {",
        f"  const int64_t planes = {sizes[0]}, parts = 4 * ws->threads;",
        f"  const int64_t n[] = {{{', '.join(sizes[1:])}}};",
        f"  void *const p[] = {{{pointers}}};",
        f"  const symnb_chunk run = {run};",
        f"  if (ws->threads < 2 || planes * n[0] * n[1] < {ALONE})",
        "    status = run(p, n, 0, 0, planes, ws);",
        "  else",
        "    status = ws->spread(ws, run, p, n, planes, (planes + parts - 1) / parts);",
        "}",
    ]


def _tiles(params: tuple[Any, ...]) -> bool:
    """Whether windows lie side by side, from the first row and column on."""
    _, kernel, stride, pads, _ = params[:5]
    small = kernel[0] <= UNROLLED and kernel[1] <= UNROLLED
    return kernel == stride and not any(pads) and small


def _real(dtype: str) -> str:
    return CTYPE.get(dtype, dtype + "_t")


def _planes(image: TensorType, size: SizeText) -> str:
    return " * ".join([f"({size(one)})" for one in image.shape[:-2]] or ["1"])


def _fit(params: tuple[Any, ...], image: TensorType, size: SizeText) -> list[str]:
    """Tests, of sizes not known yet, that a window fits into the image."""
    if not params[4]:
        return []
    rows_columns = image.shape[-2:]
    windows = windows_of(params, rows_columns)
    lines: list[str] = []
    for axis in (0, 1):
        room = windows.room(axis, rows_columns[axis])
        if not isinstance(room, int):
            text = too_small(axis, "so few", windows.kernel[axis]).split("\n")[0]
            say = f'host_say(ws, "{text}")'
            lines.append(f"if (!status && {size(room)} < 0) status = ({say}, 1);")
    return lines


def _define(op: str, params: tuple[Any, ...], dtype: str, products: Products) -> str:
    """Put the loops of this op and these windows among the definitions; their name."""
    mode, kernel, stride, pads, _ = params[:5]
    numbers = (*kernel, *stride, pads[0], pads[2])
    name = f"symnb_{op}_{mode}_{dtype}_" + "_".join(map(str, numbers))
    if name in products.plain:
        return name
    real = _real(dtype)
    reads, before, window = FORMS[op]
    if mode == "max" and op == "pool2d":
        window = LARGEST
    arguments = ", ".join(
        [f"const {real} *restrict {x}" for x in reads] + [f"{real} *restrict out"]
    )
    text = _text()
    if _tiles(params):
        text += "\n" + tiles.text(f"{name}_tiles", op, str(mode), kernel)
    pointers = ", ".join(f"p[{at}]" for at in range(len(reads) + 1))
    text = text.replace("POINTERS", pointers).replace("ARGUMENTS", arguments)
    text = text.replace("BEFORE", before)
    apart = stride[0] >= kernel[0] and stride[1] >= kernel[1]
    text = text.replace("SIMD", "#pragma omp simd" if apart or not before else "")
    text = text.replace("INNER", _inner(window, kernel))
    text = text.replace("EDGE", _loops(window, ("k0", "k1"), ("l0", "l1")))
    text = text.replace("SCALE", _scale(str(mode), pads, real))
    for mark, number in zip(
        ("K0", "K1", "S0", "S1", "TOP", "LEFT"), numbers, strict=True
    ):
        text = text.replace(mark, str(number))
    products.plain[name] = text.replace("NAME", name).replace("REAL", real)
    return name


def _inner(window: tuple[str, str, str], kernel: tuple[int, int]) -> str:
    """The statements of a window inside the image."""
    k, l = kernel  # noqa: E741 - beside k
    if k * l > UNROLLED:
        return _loops(window, ("0", "K0"), ("0", "K1"))
    first, each, last = window
    lines = [first.replace("FIRST", "0")]
    for element in range(k * l):
        place = f"at + {element // l} * wide + {element % l} + j * S1"
        lines.append(each.replace("[e]", f"[{place}]"))
    return "\n          ".join([*lines, last])


def _loops(
    window: tuple[str, str, str], rows: tuple[str, str], columns: tuple[str, str]
) -> str:
    """The statements of a window with loops over its elements."""
    first, each, last = window
    return f"""{first.replace("FIRST", f"{rows[0]} * wide + {columns[0]}")}
        for (int64_t k = {rows[0]}; k < {rows[1]}; k++)
          for (int64_t l = {columns[0]}; l < {columns[1]}; l++) {{
            const int64_t e = at + k * wide + l + j * S1;
            {each}
          }}
        {last}"""


def _scale(mode: str, pads: tuple[int, ...], real: str) -> str:
    """What a sum is multiplied by: one over the elements that count."""
    if not mode.startswith("average"):
        return ""
    if mode == "average_exc_pad":
        return f"/ ({real})((k1 - k0) * (l1 - l0))"
    _, bottom, _, right = pads
    rows = f"((row + K0 > h + {bottom} ? h + {bottom} - row : K0))"
    columns = (
        f"((j * S1 - LEFT + K1 > wide + {right} ? wide + {right} - j * S1 + LEFT : K1))"
    )
    return f"/ ({real})({rows} * {columns})"


@functools.cache
def _text() -> str:
    return Path(__file__).with_name("pool.h").read_text()
