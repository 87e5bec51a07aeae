"""A program's C text as several units, which compile at the same time.

One unit with n kernels takes 10 ms and 9 to 60 ms a kernel; 200 kernels 1.7 s, in two
units on two cores 0.9 (gcc 12, EPYC, 2026-11). So even one kernel is cut: its loop into
one unit, what starts the loop and the host functions into another, 48 ms beside 23
where one took 58. Functions keep their names, hidden from other libraries; a unit
declares those of others that it calls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LEAST = 3  # kernels of a unit: another one costs the prelude again, 10 ms
HOST = 3  # times as fast as a kernel of the same length the host is compiled
PART = re.compile(r"^static SYMNB_PART int \w+\([^{]*\)$", re.M)
HIDDEN = '__attribute__((visibility("hidden"))) '


def unit_count(kernels: int, cores: int) -> int:
    """Into how many units so many kernels are cut: two at least, if two cores."""
    return max(1, min(cores, kernels and max(2, kernels // LEAST)))


def unit_texts(
    prelude: str, kernels: Sequence[tuple[str, str]], host: str, count: int
) -> tuple[str, ...]:
    """The texts of at most `count` units, the host functions in the last one.

    kernels  (name, text) in order; each text begins a function `static int name(`
    """
    if count < 2:
        texts = [text for _, text in kernels]
        return ("\n\n".join([prelude, *texts, host]) + "\n",)
    cut = len(kernels) < 2 * LEAST
    pieces = [_pieces(*kernel) if cut else [_shown(*kernel)] for kernel in kernels]
    # Few kernels stay beside the host, into which they may be copied.
    beside = [piece[-1] for piece in pieces if cut]
    apart = [piece[0] for piece in pieces if len(piece) > 1 or not cut]
    heads = [f"{HIDDEN}{_signature(*kernel)};" for kernel in kernels]
    last = "\n\n".join([*beside, "\n".join(heads), host])
    found: list[str] = []
    for share in _shares(apart, count, len(last) // HOST):
        found.append("\n\n".join([prelude, *(apart[at] for at in share)]) + "\n")
    found[-1] += f"\n{last}\n"
    return tuple(text for text in found if text != f"{prelude}\n")


def _pieces(name: str, text: str) -> list[str]:
    """A kernel's loops that run in threads, and the rest of it, which declares them."""
    text = _shown(name, text)
    at = text.rfind(f"/* {name}: ", 0, text.index(f"int {name}("))
    parts = PART.findall(text[:at]) if at > 0 else []
    if not parts or text[:at].count("static ") != len(parts):
        return [text]  # what else stands there is this unit's own
    shown = [HIDDEN + part.removeprefix("static ") for part in parts]
    loops = text[:at]
    for part, other in zip(parts, shown, strict=True):
        loops = loops.replace(part, other)
    heads = "".join(f"{part};\n" for part in shown)
    return [loops, heads + text[at:]]


def _shares(texts: Sequence[str], count: int, last: int) -> list[list[int]]:
    """Places of texts in `count` shares of about the same length.

    last  length that the last share has without them
    """
    shares: list[list[int]] = [[] for _ in range(count)]
    lengths = [0] * (count - 1) + [last]
    for at in sorted(range(len(texts)), key=lambda at: -len(texts[at])):
        least = lengths.index(min(lengths))
        shares[least].append(at)
        lengths[least] += len(texts[at])
    return [sorted(share) for share in shares]


def _start(name: str, text: str) -> int:
    """Where the function of a kernel begins; what runs its chunks stands before."""
    return text.index(f"static int {name}(")


def _shown(name: str, text: str) -> str:
    """The text with a function that other units of the library can call."""
    at = _start(name, text)
    return text[:at] + HIDDEN + text[at:].removeprefix("static ")


def _signature(name: str, text: str) -> str:
    start = _start(name, text)
    return text[start : text.index("\n{", start)].removeprefix("static ")
