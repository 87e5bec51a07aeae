"""Pooling where windows tile the image: whole rows and planes at a time.

Combining the rows of all windows first, then the columns of the plane, makes loops
long enough for the vector unit: 64 x 20 planes of 24 x 24, windows of 2 x 2, take
0.17 ms where one row of windows at a time takes 0.8 (one thread, 2026-11). The text is
`tiles.h` with the stages of one op filled in.
"""

from __future__ import annotations

import functools
from pathlib import Path

# Where windows tile the image. Down: the K0 rows of a row of windows at column c become
# one row of `first`; flat: the K1 elements of that row become the result. Wide: y and g
# of each window K1 times side by side in `first` and `second`; then over the rows.
DOWN = """for (int64_t i = 0; i < p; i++) {{
      const REAL *from = x + image + i * K0 * wide;
      #pragma omp simd
      for (int64_t c = 0; c < wide; c++) {{
        {begin}
        {rows}
        first[i * wide + c] = total;
      }}
    }}"""
FLAT = """#pragma omp simd
    for (int64_t j = 0; j < p * q; j++) {{
      REAL total = first[j * K1];
      {columns}
      out[small + j] = total{scale};
    }}"""
WIDE = """#pragma omp simd
    for (int64_t j = 0; j < p * q; j++) {{
      {columns}
    }}"""
OVER = """for (int64_t i = 0; i < p * K0; i++) {{
      const int64_t row = i / K0 * wide, at = image + i * wide;
      #pragma omp simd
      for (int64_t c = 0; c < wide; c++) {body}
    }}"""


def text(name: str, op: str, mode: str, kernel: tuple[int, int]) -> str:
    """The C function for planes that windows tile; K0, K1, ARGUMENTS, REAL stay."""
    return (
        _text().replace("NAME_TILES", name).replace("STAGES", _stages(op, mode, kernel))
    )


def _stages(op: str, mode: str, kernel: tuple[int, int]) -> str:
    """What is done with one plane."""
    scale = f" / (REAL){kernel[0] * kernel[1]}" if mode.startswith("average") else ""
    match op:
        case "pool2d":
            rows = [f"from[{k} * wide + c]" for k in range(kernel[0])]
            return _combined(rows, kernel[1], LARGER if mode == "max" else ADD, scale)
        case "pool2d_pick":
            same = "from[{0} * wide + c] == second[i * wide + c]"
            taken = "g[image + (i * K0 + {0}) * wide + c]"
            one = f"({same} ? {taken} : 0)"
            rows = [one.format(k) for k in range(kernel[0])]
            before = _widened(["second[{}] = y[{}];"], kernel)
            return f"{before}\n    {_combined(rows, kernel[1], ADD, scale)}"
        case "pool2d_spread":
            before = _widened([f"first[{{}}] = g[{{}}]{scale};"], kernel)
            body = "out[at + c] = first[row + c];"
        case _:
            before = _widened(["first[{}] = y[{}];", "second[{}] = g[{}];"], kernel)
            body = "out[at + c] = x[at + c] == first[row + c] ? second[row + c] : 0;"
    return f"{before}\n    {OVER.format(body=body)}"


ADD = "total += {};"
LARGER = "{{ const REAL v = {}; total = v > total || v != v ? v : total; }}"


def _combined(rows: list[str], width: int, step: str, scale: str) -> str:
    """The rows of each window combined, then its columns."""
    columns = [f"first[j * K1 + {k}]" for k in range(1, width)]
    down = DOWN.format(
        begin=f"REAL total = {rows[0]};",
        rows="\n        ".join(step.format(row) for row in rows[1:]),
    )
    flat = FLAT.format(
        columns="\n      ".join(step.format(one) for one in columns), scale=scale
    )
    return f"{down}\n    {flat}"


def _widened(copies: list[str], kernel: tuple[int, int]) -> str:
    """Values of windows, each as often side by side as its window is wide."""
    lines = [
        copy.format(f"j * K1 + {k}", "small + j")
        for copy in copies
        for k in range(kernel[1])
    ]
    return WIDE.format(columns="\n      ".join(lines))


@functools.cache
def _text() -> str:
    return Path(__file__).with_name("tiles.h").read_text()
