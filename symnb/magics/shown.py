"""What a line magic gives back: a value with a text and perhaps an HTML form."""

from __future__ import annotations

from typing import Any


class Shown:
    """`value`, displayed as `text` and, where a front-end can, as `html`."""

    def __init__(self, value: Any, text: str, html: str = "") -> None:
        self.value = value
        self.text = text
        self.html = html

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        bundle = {"text/plain": self.text}
        return bundle | {"text/html": self.html} if self.html else bundle
