"""Do the sizes of a call fit? Reads them off its arrays and checks what was promised.

Runs only on the slow path of a call. Two promises: axes whose sizes have one name are
equal, and sizes an op assumed equal are equal (or one of them broadcasts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symnb.compile.failures import misfit
from symnb.core import dims
from symnb.core.dims import Atom, Dim, DimLike
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.errors import SizeError, message

Array = np.ndarray[Any, Any]
Leaf = tuple[str, Node, Array]  # label, input or shared variable, its array
STRICT = ("contract", "join")  # kinds of ops in which a size of 1 does not broadcast


def read_sizes(name: str, leaves: Sequence[Leaf]) -> dict[Atom, int]:
    """Size symbol -> number. Raises SizeError where two numbers differ."""
    sizes: dict[Atom, int] = {}
    origin: dict[Atom, str] = {}
    for leaf in leaves:
        label, node, array = leaf
        pairs = zip(node.type.shape, array.shape, strict=True)  # pyright: ignore
        for axis, (size, got) in enumerate(pairs):
            atom = size.leaf if isinstance(size, Dim) else None
            want = size if atom is None else sizes.get(atom, got)
            if want != got:
                raise _broken(name, leaf, axis, want, origin.get(atom))  # pyright: ignore
            if atom is not None:
                sizes.setdefault(atom, got)
                origin.setdefault(atom, label)
    return sizes


def _broken(
    name: str, leaf: Leaf, axis: int, want: DimLike, origin: str | None
) -> SizeError:
    label, node, array = leaf
    size = node.type.shape[axis]  # pyright: ignore
    because = f" ({size} is {want} by {origin!r})" if origin else ""
    return SizeError(
        message(
            f"{name}: {label!r} needs size {want} on axis {axis}{because}; "
            f"got {array.shape[axis]}.",
            [_row(leaf)],
            "pass arrays whose sizes agree.",
        )
    )


def _row(leaf: Leaf) -> tuple[str, ...]:
    label, node, array = leaf
    return label, str(node.type), f"got shape {array.shape}", str(node.site or "")


def check_assumptions(
    graph: Graph, leaves: Sequence[Leaf], sizes: Mapping[Atom, int]
) -> None:
    """Raise SizeError where an op needs equal sizes and this call's differ."""
    for node, left, right in graph.assumptions:
        a, b = _number(left, sizes), _number(right, sizes)
        if a == b or a is None or b is None:
            continue
        if 1 in (a, b) and node.op.kind not in STRICT:
            continue
        atoms = {
            atom for d in (left, right) if isinstance(d, Dim) for atom in d.atoms()
        }
        rows = [
            _row(leaf)
            for leaf in leaves
            if any(atom in atoms for d in dims.dims_in(leaf[1].type.shape)  # pyright: ignore
                   for atom in d.atoms())
        ]  # fmt: skip
        raise misfit(graph.name, node, a, b, rows)


def _number(size: DimLike, sizes: Mapping[Atom, int]) -> int | None:
    if isinstance(size, int):
        return size
    return dims.evaluate(size, sizes) if size.atoms() <= sizes.keys() else None
