"""Operands of library calls: the arrays they read, seen through views.

A batched product takes its matrices turned, and one matrix for the whole batch, where
they lie: the views between are not computed. Once per node of kind extern.
"""

from __future__ import annotations

from dataclasses import dataclass

from symnb.core import dims
from symnb.core.dims import Atom, DimLike
from symnb.core.node import Node
from symnb.ops.dot import BATCHED_DOT
from symnb.ops.view import BROADCAST_TO, RESHAPE, TRANSPOSE, shape_of

__all__ = ["Operand", "arrays", "operand"]


VIEWS = (TRANSPOSE, RESHAPE, BROADCAST_TO)


@dataclass(frozen=True)
class Operand:
    """Matrices of a batched product as stored.

    array   [..., rows, columns]: as many as the batch, or one where `spread`
    turned  whether each is transposed
    spread  whether one serves all entries
    """

    array: Node
    turned: bool
    spread: bool


def operand(node: Node) -> Operand:
    """What an operand of a batched product is a view of."""
    x, turned = node, False
    while not x.is_leaf and _keeps_matrices(x):
        turned ^= x.op is TRANSPOSE
        x = x.inputs[0]
    alone = all(size == 1 for size in shape_of(x)[:-2])
    return Operand(x, turned, alone and shape_of(node)[0] != 1)


def _keeps_matrices(node: Node) -> bool:
    """Whether a view has the matrices of its operand in their order, or one for all.

    Its sizes are to be known before any step: a step checks the others.
    """
    if node.op not in VIEWS:
        return False
    inner, outer = shape_of(node.inputs[0]), shape_of(node)
    if len(inner) < 2 or any(a.kind == "bound" for a in _atoms((*inner, *outer))):
        return False
    if node.op is TRANSPOSE:
        first = len(inner) - 2
        return tuple(node.params[0]) == (*range(first), first + 1, first)
    if inner[-2:] != outer[-2:] or node.op is RESHAPE:
        return inner[-2:] == outer[-2:]
    batch, wider = inner[:-2], outer[:-2]
    if all(size == 1 for size in batch):
        return True
    same = zip(batch, wider, strict=False)
    return len(batch) == len(wider) and not any(i == 1 != o for i, o in same)


def _atoms(sizes: tuple[DimLike, ...]) -> list[Atom]:
    return [atom for size in dims.dims_in(sizes) for atom in size.atoms()]


def arrays(node: Node) -> tuple[Node, ...]:
    """The arrays a library call reads, in the order of its operands."""
    if node.op is not BATCHED_DOT:
        return node.operands
    return tuple(operand(x).array for x in node.operands)
