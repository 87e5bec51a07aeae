"""`Part`: what a kernel runs in threads, as a function of its own.

It gets what its statements use: arrays, sizes, variables of the kernel around it, and
where its results go. Made by the printer, inner parts before outer ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from symnb.compile.kernels.kernel import (
    Cell,
    Define,
    Kernel,
    Loop,
    Parallel,
    Row,
    Statement,
    Total,
    Tree,
)

WORD = re.compile(r"[A-Za-z_]\w*")
COMMENT = re.compile(r"/\*.*?\*/")


@dataclass(frozen=True)
class Given:
    """What a part is given: an array, a number of the kernel around it, a size.

    kind    array | tile | number | size
    dtype   of its elements; "int64" for sizes and indices
    """

    name: str
    kind: Literal["array", "tile", "number", "size"]
    dtype: str


def parts_of(kernel: Kernel, name: str) -> dict[Parallel, Part]:
    """The parts of a kernel, inner before outer ones."""
    found: dict[Parallel, Part] = {}
    blocks: list[tuple[Statement, ...]] = [kernel.body]
    while blocks:
        body = blocks.pop()
        regions = [s for s in body if isinstance(s, Parallel)]
        for region in regions:
            found[region] = Part("", region, len(regions) == 1)
        blocks += [s.body for s in body if isinstance(s, Loop | Parallel)]
    for number, region in enumerate(reversed(list(found)), start=1):
        found[region].name = f"{name}_{number}"
    return dict(reversed(found.items()))


@dataclass
class Part:
    """A function that runs chunks of one `Parallel`.

    alone         whether no other part runs in the same block
    size, points  text of the number of iterations and points
    given         its parameters
    """

    name: str
    region: Parallel
    alone: bool = True
    size: str = ""
    points: str = ""
    given: list[Given] = field(default_factory=list[Given])

    def capture(self, kernel: Kernel, text: str) -> None:
        """Find out what the text of its body needs from the kernel."""
        words = set(WORD.findall(COMMENT.sub("", text)))
        own = {name for name, _ in _definitions(self.region.body)}
        own |= {result.name for result in self.region.results}
        known = {b.name: Given(b.name, "array", b.dtype) for b in kernel.buffers}
        for number in range(len(kernel.sizes)):
            known[f"n{number}"] = Given(f"n{number}", "size", "int64")
        for _, given in _definitions(kernel.body):
            known.setdefault(given.name, given)
        order = ("array", "tile", "size", "number")
        found = [x for n, x in known.items() if n in words and n not in own]
        self.given = sorted(found, key=lambda x: order.index(x.kind))


def _definitions(body: tuple[Statement, ...]) -> Iterator[tuple[str, Given]]:
    """Names defined in a body, and what a part inside would be given of them."""
    stack = list(body)[::-1]
    while stack:
        s = stack.pop()
        match s:
            case Loop():
                yield s.atom.name, Given(s.atom.name, "size", "int64")
            case Row() | Tree():
                yield s.name, Given(s.name, "tile", s.dtype)
            case Cell():
                kind = "number" if s.length is None else "tile"
                yield s.name, Given(s.name, kind, s.dtype)
            case Define() | Total():
                kind = "size" if s.dtype == "int64" else "number"
                yield s.name, Given(s.name, kind, s.dtype)
            case _:
                pass
        if isinstance(s, Loop | Parallel):
            stack += reversed(s.body)
