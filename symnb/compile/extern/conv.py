"""Convolutions as C: windows copied out of an image, then one product per image.

The windows of one image are the columns of a matrix that stays in the second-level
cache (im2col), so the product runs at the library's speed. The gradient in the
filters adds up one such product per image; that in the images adds the columns of
its product back. The loops are in `conv.h`, written once per dtype; a step fills in
the sizes. Images are independent: they are what threads share.
"""

from __future__ import annotations

import functools
from pathlib import Path

from symnb.compile.extern.contract import CTYPE, Matrix, Products, SizeText
from symnb.compile.program import Step
from symnb.core.types import TensorType
from symnb.ops.conv import windows_of
from symnb.ops.windows import Windows, too_small


def emit_convolution(step: Step, size: SizeText, products: Products) -> list[str]:
    """The C statements of one convolution step."""
    node, out = step.nodes[0], step.writes[0]
    first, second = step.reads[:2]
    name = node.op.name
    match name:
        case "conv2d":
            x, w, y = first, second, out
        case "conv2d_grad_weights":
            x, y, w = first, second, out
        case _:
            w, y, x = first, second, out
    real = _define(out.type.dtype, products)
    # The order in which the C function takes what it reads.
    reads = (second, first) if name == "conv2d_grad_images" else (first, second)
    groups: int = node.params[3]
    windows = windows_of(w.type.shape[2:], node.params)
    return [
        *_fit(windows, x.type, size),
        "if (!status) {",
        f"  const symnb_conv_{real} v = {{",
        f"    {reads[0].name}, {reads[1].name}, {out.name},",
        f"    {_sizes(x.type, w.type, y.type, groups, size)},",
        f"    {_steps(windows, size)}",
        "  };",
        *_run(name, real, out.name, size(out.type.size)),
        "}",
    ]


def _sizes(
    x: TensorType, w: TensorType, y: TensorType, groups: int, size: SizeText
) -> str:
    """The fields n to q."""
    filters = f"{size(w.shape[0])} / {groups}"
    n, _, h, wide = map(size, x.shape)
    fields = [n, groups, size(w.shape[1]), h, wide, filters, *map(size, w.shape[2:])]
    return ", ".join(map(str, [*fields, *map(size, y.shape[2:])]))


def _steps(windows: Windows, size: SizeText) -> str:
    """The fields s0 to plain."""
    (s0, s1), (d0, d1) = windows.stride, windows.dilation
    top, _, left, _ = map(size, windows.pads)
    plain = windows == Windows((1, 1))
    return f"{s0}, {s1}, {top}, {left}, {d0}, {d1}, {int(plain)}"


def _fit(windows: Windows, x: TensorType, size: SizeText) -> list[str]:
    """Tests, of sizes not known yet, that a window fits into the image."""
    lines: list[str] = []
    for axis in (0, 1):
        room = windows.room(axis, x.shape[2 + axis])
        if not isinstance(room, int):
            text = too_small(axis, "so few", "this size").split("\n")[0]
            say = f'host_say(ws, "{text}")'
            lines.append(f"if (!status && {size(room)} < 0) status = ({say}, 1);")
    return lines


def _run(name: str, real: str, out: str, count: str) -> list[str]:
    """All images, in chunks if there are threads for them; BLAS has one in each."""
    function, share = f"symnb_{name}_{real}", f"symnb_share_{real}(ws, &v)"
    sums = name == "conv2d_grad_weights"
    chunk = f"symnb_{name}_chunk_{real}"
    lines = [f"  const int64_t share = {share}, parts = (v.n + share - 1) / share;"]
    if sums:
        lines.append(f"  __builtin_memset({out}, 0, {count} * sizeof *{out});")
    lines.append(f"  if (parts < 2) status = {function}(ws, &v, 0, v.n);")
    lines += ["  else {", f"    const int64_t n[] = {{{count}}};"]
    lines.append(f"    {real} *sums = 0;")
    if sums:
        size = f"(parts - 1) * ({count}) * sizeof *sums + 1"
        lines.append(f"    if (!(sums = ws->alloc(ws, {size}))) status = 1;")
    lines += [
        "    void *const p[] = {(void *)&v, sums};",
        "    const int lowered = ws->products(ws, 1);",
        f"    if (!status) status = ws->spread(ws, {chunk}, p, n, v.n, share);",
        "    if (lowered) ws->products(ws, 0);",
    ]
    if sums:
        lines += [
            "    for (int64_t k = 0; k < parts - 1 && !status; k++, sums += n[0])",
            f"      for (int64_t i = 0; i < n[0]; i++) {out}[i] += sums[i];",
        ]
    return [*lines, "  }"]


def _define(dtype: str, products: Products) -> str:
    """Put the loops for a dtype among the definitions; the C name of the type."""
    real = CTYPE.get(dtype, dtype + "_t")
    text = _text().replace("REAL", real)
    windows = Matrix("columns", "depth", "area")
    turned = Matrix("columns", "depth", "area", turned=True)
    filters = Matrix("w", "v->f", "depth")
    calls = {
        "GEMM_CONV2D": (filters, windows, ("1", "0"), "y"),
        "GEMM_WEIGHTS": (Matrix("g", "v->f", "area"), turned, ("1", "1"), "dw"),
        "GEMM_TURNED": (
            windows,
            Matrix("g", "v->f", "area", turned=True),
            ("1", "1"),
            "turned",
        ),
        "GEMM_IMAGES": (
            Matrix("w", "v->f", "depth", turned=True),
            Matrix("g", "v->f", "area"),
            ("1", "0"),
            "columns",
        ),
    }
    for mark, (a, b, scale, into) in calls.items():
        text = text.replace(mark, products.gemm(dtype, a, b, scale, into))
    products.plain[f"conv_{dtype}"] = text
    return real


@functools.cache
def _text() -> str:
    return Path(__file__).with_name("conv.h").read_text()
