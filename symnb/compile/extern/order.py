"""Sorting and searching as C: `order.h` with a dtype filled in, called per step.

Elements become integers of their own order. Lines go side by side through a sorting
network, one line a lane; a line alone is cut into runs, which are the lines, and these
are merged in pairs, from both ends at once and without branches. argsort exchanges
places with the keys and compares them where keys are equal, so it is stable.
us beside NumPy 2.4's (EPYC Zen 4, float64, one thread, 2026-11): 1e4 elements 156
against 255, argsort 176 against 337; 500 rows of 300 533 against 998, argsort 980
against 1846; digit by digit 1e4 took 257.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from symnb.compile.extern.contract import CTYPE, Products, SizeText
from symnb.compile.plan import ITEMSIZE
from symnb.compile.program import Step
from symnb.core.dims import DimLike
from symnb.core.dtypes import is_float
from symnb.core.types import TensorType

LANES = 16  # lines in one network: two vectors of 64 bytes of float64
ITEM_NS = 3  # of an element of a short line, or of a search
ALONE = 20_000  # elements sorted in 50 us: fewer are not shared out among threads
CONSTANTS = {"LANES": LANES, "MANY": 512, "RUN": 64}
NEEDS = {
    "sort": ("key", "of_key", "network", "merge", "line", "sort"),
    "argsort": ("key", "places", "merge_pairs", "line_places", "argsort"),
    "search": ("search",),
    "nonzero": ("nonzero",),
}


def emit_sort(step: Step, size: SizeText, products: Products) -> list[str]:
    """The C statements of sort and argsort."""
    node, x = step.nodes[0], step.reads[0]
    assert isinstance(x.type, TensorType)
    axis: int = node.params[0]
    shape = x.type.shape
    inner = _product(shape[axis + 1 :], size)
    lines = f"{_product(shape[:axis], size)} * {inner}"
    name = _define(node.op.name, x.type.dtype, products)
    return [
        f"const int64_t n[] = {{{size(shape[axis])}, {inner}}}, lines = {lines};",
        f"void *const p[] = {{{_pointers(step)}}};",
        *_spread(name, "lines", "n[0] * lines"),
    ]


def emit_search(step: Step, size: SizeText, products: Products) -> list[str]:
    """The C statements of searchsorted."""
    node, (line, v) = step.nodes[0], step.reads
    right = int(node.params[0] == "right")
    name = _define("search", v.type.dtype, products)
    return [
        f"const int64_t n[] = {{{size(line.type.size)}, {right}}};",
        f"const int64_t count = {size(v.type.size)};",
        f"void *const p[] = {{{_pointers(step)}}};",
        *_spread(name, "count", "count"),
    ]


def emit_nonzero(step: Step, size: SizeText, products: Products) -> list[str]:
    """The C statements of nonzero_flat, whose result's size is known by now."""
    mask, out = step.reads[0], step.writes[0]
    name = _define("nonzero", mask.type.dtype, products)
    sizes = f"{size(mask.type.size)}, {size(out.type.size)}"
    return [f"status = {name}({mask.name}, {sizes}, {out.name});"]


def _spread(name: str, lines: str, work: str) -> list[str]:
    """A call for all lines, in threads where there are many elements."""
    return [
        f"const int64_t part = ({lines} / (4 * ws->threads) / {LANES} + 1) * {LANES};",
        f"if (ws->threads > 1 && part < {lines} && {work} > {ALONE}) {{",
        f"  ws->chunk_ns = {work} / {lines} * part * {ITEM_NS};",
        f"  status = ws->spread(ws, {name}, p, n, {lines}, part);",
        "  ws->chunk_ns = 0;",
        f"}} else if ({work} > 0) status = {name}(p, n, 0, 0, {lines}, ws);",
    ]


def _product(sizes: Sequence[DimLike], size: SizeText) -> str:
    return " * ".join([f"({size(one)})" for one in sizes]) or "1"


def _pointers(step: Step) -> str:
    names = [buffer.name for buffer in (*step.reads, *step.writes)]
    return ", ".join(f"(void *){name}" for name in names)


def _define(routine: str, dtype: str, products: Products) -> str:
    """The name of the function; its text, and what it needs, join the program's."""
    kind, bits = f"order_{dtype}", 8 * ITEMSIZE[dtype]
    for name, value in CONSTANTS.items():
        products.plain[f"order {name}"] = f"#define {name} {value}"
    if routine == "argsort":
        pair = f"symnb_pair_{bits}"
        text = f"typedef struct {{ int{bits}_t key; int64_t at; }} {pair};"
        products.plain[pair] = text
    texts = _texts(dtype)
    for name in NEEDS[routine]:
        products.plain[f"symnb_{kind}_{name}"] = texts[name]
    return f"symnb_{kind}_{routine}"


@functools.cache
def _texts(dtype: str) -> dict[str, str]:
    """C function -> its text, from `order.h`."""
    bits = 8 * ITEMSIZE[dtype]
    key, word = f"int{bits}_t", f"uint{bits}_t"
    real = "uint8_t" if dtype == "bool" else CTYPE.get(dtype, f"{dtype}_t")
    less = "((a) < (b))"
    to_key, of_key, zero = "return x;", "return k;", ""
    if is_float(dtype):
        less = "(((a) < (b)) | (((b) != (b)) & ((a) == (a))))"
        turned = f"k ^ (k >> {bits - 1} & INT{bits}_MAX)"
        nan = '__builtin_nanf("")' if dtype == "float32" else '__builtin_nan("")'
        to_key = (
            f"const REAL y = x != x ? {nan} : x;\n  KEY k;\n"
            f"  __builtin_memcpy(&k, &y, sizeof k);\n  return {turned};"
        )
        of_key = (
            f"const KEY y = {turned};\n  REAL x;\n"
            "  __builtin_memcpy(&x, &y, sizeof x);\n  return x;"
        )
        zero = " + 0"  # -0 and 0 are equal
    elif dtype == "bool" or dtype.startswith("uint"):
        to_key = "return (KEY)(x ^ (WORD)1 << (BITS - 1));"
        of_key = "return (WORD)k ^ (WORD)1 << (BITS - 1);"
    changes = {
        "TO_KEY": to_key, "OF_KEY": of_key, " ZERO": zero, "REAL": real, "KEY": key,
        "WORD": word, "BITS": str(bits), "KIND": f"order_{dtype}",
        "MOST": f"INT{bits}_MAX",
        "LESS(y, e)": less.replace("(a)", "y").replace("(b)", "e"),
        "LESS(e, y)": less.replace("(a)", "e").replace("(b)", "y"),
    }  # fmt: skip
    text = Path(__file__).with_name("order.h").read_text()
    for name, new in changes.items():
        text = text.replace(name, new)
    text = text.replace(f"INT{bits}_MAX", str(2 ** (bits - 1) - 1))
    parts = text.strip().split("\n\n")[1:]
    return {part.split(f"symnb_order_{dtype}_", 1)[1].split("(", 1)[0]: part
            for part in parts}  # fmt: skip
