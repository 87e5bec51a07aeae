"""What may fail while a compiled function runs, outside kernels: sizes and memory.

The host function tells the number of an entry and two values (`failure 3 8 6`); the
entry knows the user's node, so the message says where it was written. The numbers are
those of one compile; the table is made again when somebody needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from symnb.core.node import Node
from symnb.core.types import TensorType
from symnb.errors import BoundsError, SizeError, message

Row = tuple[str, ...]
WIDEST = 48  # characters of the user's text in a row

# What to do about sizes that differ, by op; the others: AGREE.
AGREE = "pass arrays whose sizes agree."
FIXES = {
    "reshape": "give sizes whose product is the number of elements; -1 stands for "
    "what is left.",
    "broadcast_to": "only an axis written as 1 is repeated; add one with x[None].",
    "specify_shape": "pass an array of that size.",
    "slice": "pass a larger array, or index inside it.",
    "set_slice": "pass a larger array, or index inside it.",
}
LATE_ONE = (
    "a size that turns out to be 1 while the function runs does not broadcast. Where "
    "it\n  is always 1, say so: y.reshape((1, ...)) or T.addbroadcast(y, axis)."
)


@dataclass(frozen=True)
class Failure:
    """One way to fail: two sizes differ, a size is negative, memory is missing.

    The values told are the two sizes; the size; the elements, not above 0 where sizes
    come to more than 2**62 bytes.
    """

    kind: Literal["unequal", "negative", "memory"]
    node: Node

    def error(self, name: str, a: int, b: int) -> Exception:
        """The error to raise in the function `name`."""
        rows = [row_of(self.node)]
        if self.kind == "unequal":
            return misfit(name, self.node, a, b, (), late=True)
        if self.kind == "negative":
            what = f"{name}: a size is negative: {a}."
            return SizeError(message(what, rows, "pass a size of at least 0."))
        type = self.node.type
        assert isinstance(type, TensorType)
        if a <= 0:
            what = f"{name}: an array of more than 2**62 bytes."
        else:
            size = a * np.dtype(type.dtype).itemsize
            what = f"{name}: no memory for an array of {size:,} bytes."
        return MemoryError(message(what, rows, "ask for a smaller one."))


def row_of(node: Node) -> Row:
    """What the user typed (or the op's name), its type, and where."""
    return typed(node) or node.op.name, str(node.type), str(node.site or "")


def typed(node: Node) -> str:
    """What the user typed, if it is known, in a few words."""
    text = node.site.text if node.site else ""
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


def misfit(
    name: str, node: Node, a: int, b: int, rows: Sequence[Row], late: bool = False
) -> Exception:
    """The error of sizes `a` and `b`, which `node` needs to be equal.

    rows  about the arrays they come from
    late  whether they are known only while the function runs
    """
    rows = [row_of(node), *rows]
    fix = FIXES.get(node.op.name, LATE_ONE if late and 1 in (a, b) else AGREE)
    if node.op.name in ("slice", "set_slice"):  # i + 1 > size, or i < 0
        what = f"index {a - 1 if b < a else a} is out of bounds"
        what += f" for an axis of size {b}" if b < a else ""
        return BoundsError(message(f"{name}: {what}.", rows, fix))
    what = f"{name}: {node.op.name} needs equal sizes; this call has {a} and {b}."
    if node.op.name == "specify_shape":
        what = f"{name}: a size of {a} is needed; this call has {b}."
    return SizeError(message(what, rows, fix))


__all__ = ["Failure", "Row", "misfit", "row_of", "typed"]
