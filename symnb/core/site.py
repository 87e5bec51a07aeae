"""Where the user wrote an expression: cell or file, line and column.

Captured at every node creation (~0.3 us): the code object and instruction offset
of the nearest frame outside this package. Everything else is resolved when shown.
Cells are known by the file name IPython compiles them under; a front registers a
`Source` for it, which keeps the cell's text after the kernel forgets it. A node made
by a rule has the places of all the nodes it was made of (`Sites`).
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from types import CodeType, FrameType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@dataclass(frozen=True)
class Source:
    """A text the user wrote: label ("cell 4"), text, and its file name."""

    filename: str
    label: str
    text: str


class Sources:
    """Registered sources by the file name their code was compiled under."""

    def __init__(self) -> None:
        self._by_name: dict[str, Source] = {}

    def register(self, source: Source) -> None:
        """Remember a cell's text and label."""
        self._by_name[source.filename] = source

    def find(self, filename: str) -> Source:
        """The source of a file name; unregistered ones are read from disk."""
        found = self._by_name.get(filename)
        if found is None:
            text = "".join(linecache.getlines(filename))
            label = _cell_label(filename) or os.path.basename(filename)
            found = Source(filename, label, text)
        return found


def _cell_label(filename: str) -> str | None:
    """ "cell 4" for code of a running notebook; IPython knows its cells' file names."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    known = getattr(getattr(shell, "compile", None), "_filename_map", {})
    number = known.get(filename)
    return None if number is None else f"cell {number}"


sources = Sources()


class Site:
    """One place in the user's code."""

    __slots__ = ("code", "offset")

    def __init__(self, code: CodeType, offset: int) -> None:
        self.code = code
        self.offset = offset

    @property
    def filename(self) -> str:
        """Name under which the code was compiled."""
        return self.code.co_filename

    @property
    def span(self) -> tuple[int, int, int, int]:
        """(first line, first column, last line, last column); columns from 0."""
        positions = islice(self.code.co_positions(), self.offset // 2, None)
        line, last, column, end = next(positions, (None, None, None, None))
        first = line or self.code.co_firstlineno
        return first, column or 0, last or first, end or 0

    @property
    def line(self) -> int:
        """First line, from 1."""
        return self.span[0]

    @property
    def source(self) -> Source:
        """The cell or file."""
        return sources.find(self.filename)

    @property
    def text(self) -> str:
        """The expression as typed, on one line."""
        first, column, last, end = self.span
        lines = self.source.text.splitlines()
        if not 1 <= first <= len(lines) or not end:
            return ""
        if first == last:
            raw = lines[first - 1].encode()[column:end].decode(errors="replace")
            return raw.strip()
        return lines[first - 1][column:].strip() + " ..."

    @property
    def places(self) -> tuple[Site, ...]:
        """Every place this stands for: itself."""
        return (self,)

    def __str__(self) -> str:
        return f"{self.source.label}, line {self.line}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Site):
            return NotImplemented
        return self.code is other.code and self.offset == other.offset

    def __hash__(self) -> int:
        return hash((id(self.code), self.offset))


class Sites(Site):
    """Several places: of a node made of several, or typed more than once.

    It acts as the first of them, which messages name. The parts may have parts of
    their own; `places` takes them apart when somebody looks.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Site, ...]) -> None:
        super().__init__(parts[0].code, parts[0].offset)
        self.parts = parts

    @property
    def places(self) -> tuple[Site, ...]:
        """The places, each once, in the order they were met."""
        found: dict[Site, None] = {}
        seen: set[int] = set()
        stack: list[Site] = [self]
        while stack:
            site = stack.pop()
            if not isinstance(site, Sites):
                found[site] = None
            elif id(site) not in seen:
                seen.add(id(site))
                stack.extend(reversed(site.parts))
        return tuple(found)


def united(sites: Iterable[Site | None]) -> Site | None:
    """All of these as one site; None when there is none."""
    parts = tuple({id(site): site for site in sites if site is not None}.values())
    if len(parts) < 2:
        return parts[0] if parts else None
    return Sites(parts)


def is_foreign(frame: FrameType) -> bool:
    """Whether the frame runs code outside this package."""
    return not frame.f_code.co_filename.startswith(_PACKAGE)


def capture(depth: int = 1) -> Site | None:
    """The user's place that led here, or None when there is none."""
    frame: FrameType | None = sys._getframe(depth)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
            return Site(code, frame.f_lasti)
        frame = frame.f_back
    return None
