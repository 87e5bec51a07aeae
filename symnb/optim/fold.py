"""Constant folding: a node whose operands are constants becomes its value.

The value is what the NumPy reference gives, NaN and all. Nothing is folded that would
raise, that has an effect, or whose value is larger than `FOLD_ITEMS` and than its
operands: those stay for run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core import dims
from symnb.core.dims import Dim
from symnb.core.node import SIZE, Constant, Node
from symnb.core.op import CONSTANT, Op
from symnb.core.types import TensorType
from symnb.optim.contract import BITWISE
from symnb.optim.rule import rewrite, ruleset

FOLD_ITEMS = 4096  # elements; larger results are computed by the function
KINDS = frozenset({
    "elementwise", "view", "reduction", "contract", "gather", "scatter", "join",
    "sort", "size", "opaque", "cumulative",
})  # fmt: skip


def _foldable(op: Op) -> bool:
    return op.kind in KINDS and "disconnects" not in op.tags


def _all_constant(operands: Sequence[Op]) -> bool:
    return all(op is CONSTANT for op in operands)


@rewrite(
    _foldable, "f(constants) -> their value", BITWISE,
    "computed once, when the graph is compiled", operands=_all_constant, tags="fold",
    answers=("constant_folding", "topo_constant_folding",
             "local_upcast_elemwise_constant_inputs", "local_cast_cast"),
    examples=lambda: [Node.__add__(Constant(np.float64(2)), 3.0)],
)  # fmt: skip
def fold_constants(node: Node) -> Node | None:
    """The value of a node over constants."""
    type = node.type
    if not isinstance(type, TensorType) or any(
        x.op is not CONSTANT for x in node.inputs
    ):
        return None
    if any(isinstance(d, Dim) for d in (*type.shape, *dims.dims_in(node.params))):
        return None
    size: Any = type.size
    if node.op is SIZE and not isinstance(node.params[0], int):
        return None
    if size > max([FOLD_ITEMS, *(x.type.size for x in node.inputs)]):  # pyright: ignore
        return None
    if node.op.name == "broadcast_to" and size > 1:
        return None
    return _value(node, type)


def _value(node: Node, type: TensorType) -> Node | None:
    arrays: Any = [x.params[0].value for x in node.operands]
    try:
        with np.errstate(all="ignore"):
            value = node.op.numpy(*arrays, *node.params)
    except Exception:
        return None
    array = np.asarray(value, dtype=type.dtype)
    return Constant(array) if array.shape == type.shape else None


FOLDING = ruleset("folding", [fold_constants])
