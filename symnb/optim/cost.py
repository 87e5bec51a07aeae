"""What a node costs: flops and bytes as size expressions, and how two costs compare.

Flops come from `Op.flops` (per output element), products and reductions count what
they sum; bytes are what is read and written once. Costs with open sizes are compared
by proof where there is one (for all sizes >= 1), else at sampled sizes: all of them
small, middling and large, and each one small among large, large among small. "Less"
is then less at none of the samples more. Units: operations, bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from symnb.core.dims import Atom, Dim, DimError, DimLike, evaluate
from symnb.core.dims_proof import nonnegative
from symnb.core.node import Node
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.conv import CONV, CONV_IMAGES, CONV_WEIGHTS
from symnb.ops.dot import BATCHED_DOT, DOT
from symnb.ops.gemm import GEMM
from symnb.ops.sizes import product

SMALL, MIDDLING, LARGE = 16, 128, 1024  # below 16 a product takes microseconds anyway
MOST_OPEN = 6  # open sizes varied one at a time; of more, all together only
FREE = frozenset({"leaf", "view", "size", "pick"})
# Which node has the type of the filters.
CONVOLUTIONS: dict[Op, Callable[[Node], Node]] = {
    CONV: lambda node: node.operands[1],
    CONV_IMAGES: lambda node: node.operands[0],
    CONV_WEIGHTS: lambda node: node,
}
How = Literal["proven", "sampled", ""]


@dataclass(frozen=True, slots=True)
class Cost:
    """Operations and bytes moved.

    One core does about 50 flops in the time it moves 30 to 60 bytes (EPYC Zen 4,
    OpenBLAS, f64, 2026-11), so `effort` adds the two.
    """

    flops: DimLike = 0
    bytes: DimLike = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    @property
    def effort(self) -> DimLike:
        """Both in one number."""
        return self.flops + self.bytes


def elements(node: Node) -> DimLike:
    """Number of elements of a node with one output."""
    type: Any = node.type
    return type.size if isinstance(type, TensorType) else 0


def flops(node: Node) -> DimLike:
    """Operations one evaluation of the node takes; 0 for views and leaves."""
    op = node.op
    if op.kind in FREE:
        return 0
    if op is DOT or op is BATCHED_DOT:
        a: Any = node.inputs[0].type
        return 2 * elements(node) * a.shape[-1]
    if op is GEMM:
        a = node.inputs[1].type
        inner = a.shape[0] if node.params[0] else a.shape[1]
        return 2 * elements(node) * inner
    if op in CONVOLUTIONS:
        # Two per element of the result (or its gradient) and of a filter.
        filters: Any = CONVOLUTIONS[op](node).type
        result = node if op is CONV else node.operands[1]
        return 2 * elements(result) * product(filters.shape[1:])
    if op.kind == "reduction":
        return elements(node.inputs[0]) * _whole(op.flops)
    return elements(node) * _whole(op.flops)


def _whole(number: float) -> int:
    return max(1, math.ceil(number))


def traffic(node: Node) -> DimLike:
    """Bytes read and written when the node runs on its own; 0 for views and leaves."""
    if node.op.kind in FREE:
        return 0
    return sum((_bytes(x) for x in {*node.operands, node}), start=0)


def _bytes(node: Node) -> DimLike:
    type: Any = node.type
    if not isinstance(type, TensorType):
        return 0
    return type.size * np.dtype(type.dtype).itemsize


def cost(nodes: Iterable[Node]) -> Cost:
    """Of all nodes, each run on its own."""
    total = Cost()
    for node in nodes:
        total = total + Cost(flops(node), traffic(node))
    return total


def between(root: Node, ends: Collection[Node]) -> list[Node]:
    """The nodes from `root` down to `ends`, without these and without leaves."""
    found: dict[Node, None] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node not in ends and node not in found and not node.is_leaf:
            found[node] = None
            stack.extend(node.inputs)
    return list(found)


# ------------------------------------------------------------------------ comparison


def never_more(new: DimLike, old: DimLike) -> How:
    """How it is known that `new` <= `old`; "" if it is not.

    Of numbers, and of polynomials for all sizes >= 1, it is proven.
    """
    gap = old - new
    if isinstance(gap, int):
        return "proven" if gap >= 0 else ""
    if nonnegative(gap, {atom: 1 for atom in gap.atoms()}):
        return "proven"
    points = samples(new, old)
    at_all = all(evaluate(gap, point) >= 0 for point in points)
    return "sampled" if points and at_all else ""


def less(new: DimLike, old: DimLike, percent: int = 0) -> How:
    """How it is known that `new` is less than `old`, by some percent at least.

    Less at one sample is enough where it is never more.
    """
    known = never_more(100 * new, (100 - percent) * old)
    if known and any(
        evaluate(new, point) < evaluate(old, point) for point in samples(new, old)
    ):
        return known
    return ""


def samples(*sizes: DimLike) -> list[dict[Atom, int]]:
    """Values of the open sizes at which costs are compared; [{}] if none is open.

    Only such at which none of `sizes` is negative, so perhaps none.
    """
    found: set[Atom] = set()
    for size in sizes:
        if isinstance(size, Dim):
            found |= size.atoms()
    atoms = sorted(found)
    if not atoms:
        return [{}]
    points = [dict.fromkeys(atoms, value) for value in (MIDDLING, SMALL, LARGE)]
    if 1 < len(atoms) <= MOST_OPEN:
        for atom in atoms:
            points.append({**points[1], atom: LARGE})
            points.append({**points[2], atom: SMALL})
    return [point for point in points if all(_exists(n, point) for n in sizes)]


def _exists(size: DimLike, point: dict[Atom, int]) -> bool:
    """Whether a size is one at a sample: not negative, no division by zero."""
    try:
        return evaluate(size, point) >= 0
    except DimError:
        return False


def best(options: Sequence[DimLike]) -> int:
    """Place of the least at middling sizes; of equals the first."""
    points = samples(*options)
    if not points:
        return 0
    point = points[0]
    values = [evaluate(option, point) for option in options]
    return values.index(min(values))


def describe(new: DimLike, old: DimLike, what: str, how: How) -> str:
    """Why `new` was chosen: "2 n^2 instead of n^3 + n^2 multiplications"."""
    text = f"{amount(new)} instead of {amount(old)} {what}"
    if how == "sampled":
        text += f", compared at sizes of {SMALL} to {LARGE}"
    return text


def amount(size: DimLike) -> str:
    """A cost as one reads it: powers as powers, numbers with commas."""
    if isinstance(size, int):
        return f"{size:,}"
    return " + ".join(_monomial(m, c) for m, c in size.terms)


def _monomial(atoms: Sequence[Atom], count: int) -> str:
    powers: dict[str, int] = {}
    for atom in atoms:
        powers[str(atom)] = powers.get(str(atom), 0) + 1
    parts = [name if n == 1 else f"{name}^{n}" for name, n in powers.items()]
    return " ".join([f"{count:,}"] * (count != 1 or not parts) + parts)


__all__ = [
    "Cost", "amount", "best", "between", "cost", "describe", "elements", "flops",
    "less", "never_more", "samples", "traffic",
]  # fmt: skip
