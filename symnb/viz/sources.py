"""The user's texts that a trace points into, and the spans of its nodes.

Built once per document. Rows of `spans` are (source, first line, first column, last
line, last column); lines from 1, columns in characters from 0. Long files are kept
only round the lines that are pointed at. Invariant: no path of the machine, only
the label ("cell 4", "model.py").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

WHOLE_LINES = 120
CONTEXT_LINES = 4

Json = dict[str, Any]


class SourceTable:
    """Sources and spans by number."""

    def __init__(self) -> None:
        self._sources: dict[str, int] = {}
        self._texts: list[tuple[str, str]] = []
        self._spans: dict[tuple[int, ...], int] = {}
        self._sites: dict[Any, int] = {}

    def spans_of(self, node: Any) -> list[int]:
        """Numbers of the spans at which the user wrote `node`."""
        own = () if node.site is None else (node.site,)
        return self.spans_at(getattr(node, "sites", own))

    def spans_at(self, sites: Iterable[Any]) -> list[int]:
        """Numbers of the spans of these sites."""
        found: list[int] = []
        for site in sites:
            number = self._span(site)
            if number is not None and number not in found:
                found.append(number)
        return found

    def _span(self, site: Any) -> int | None:
        if site in self._sites:
            return self._sites[site]
        source = site.source
        if not source.text:
            return None
        key = source.filename
        if key not in self._sources:
            self._sources[key] = len(self._texts)
            self._texts.append((source.label, source.text))
        first, column, last, end = site.span
        lines = source.text.splitlines()
        if not 1 <= first <= last <= len(lines):
            return None
        start = _characters(lines[first - 1], column)
        stop = _characters(lines[last - 1], end)
        span = (self._sources[key], first, start, last, stop)
        number = self._spans.setdefault(span, len(self._spans))
        self._sites[site] = number
        return number

    def tables(self) -> tuple[list[Json], list[list[int]]]:
        """The two columns of the document; the source most pointed at comes first."""
        hits = [0] * len(self._texts)
        for span in self._spans:
            hits[span[0]] += 1
        order = sorted(range(len(hits)), key=lambda source: (-hits[source], source))
        place = {source: at for at, source in enumerate(order)}
        used: dict[int, set[int]] = {}
        for source, first, _, last, _ in self._spans:
            used.setdefault(source, set()).update((first, last))
        rows = []
        for number in order:
            label, text = self._texts[number]
            lines = text.splitlines()
            first, last = 1, len(lines)
            if len(lines) > WHOLE_LINES:
                points = used.get(number, {1})
                first = max(1, min(points) - CONTEXT_LINES)
                last = min(len(lines), max(points) + CONTEXT_LINES)
                last = min(last, first + WHOLE_LINES)
            kept = "\n".join(lines[first - 1 : last])
            rows.append({"name": label, "first": first, "text": kept})
        return rows, [[place[source], *rest] for source, *rest in self._spans]


def _characters(line: str, byte: int) -> int:
    """The column in characters of a column in UTF-8 bytes."""
    return len(line.encode()[:byte].decode(errors="ignore"))
