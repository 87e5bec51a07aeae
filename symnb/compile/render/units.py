"""A program's C text as several units, which compile at the same time.

One unit with n kernels takes 10 ms and 9 to 60 ms a kernel; 200 kernels 1.7 s, in two
units on two cores 0.9 (gcc 12, EPYC, 2026-11). Kernels keep their names, hidden from
other libraries; the unit with the host functions declares them.
"""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 3  # kernels of a unit: another one costs the prelude again, 10 ms
HOST = 3  # times as fast as a kernel of the same length the host is compiled
HIDDEN = '__attribute__((visibility("hidden"))) '


def unit_count(kernels: int, cores: int) -> int:
    """Into how many units so many kernels are cut: two from six on, if two cores."""
    return max(1, min(cores, kernels // LEAST))


def unit_texts(
    prelude: str, kernels: Sequence[tuple[str, str]], host: str, count: int
) -> tuple[str, ...]:
    """The texts of `count` units, the host functions in the last one.

    kernels  (name, text) in order; each text begins a function `static int name(`
    """
    if count < 2:
        texts = [text for _, text in kernels]
        return ("\n\n".join([prelude, *texts, host]) + "\n",)
    shares = _shares([text for _, text in kernels], count, len(host) // HOST)
    found: list[str] = []
    for share in shares:
        texts = [_shown(*kernels[at]) for at in share]
        found.append("\n\n".join([prelude, *texts]) + "\n")
    heads = [f"{HIDDEN}{_signature(*kernel)};" for kernel in kernels]
    found[-1] += "\n".join(["", *heads, "", host, ""])
    return tuple(found)


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
