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
from symnb.core.evaluate import evaluate
from symnb.core.node import SIZE, Constant, Node
from symnb.core.op import CONSTANT, Op
from symnb.core.types import TensorType
from symnb.ops.cast import CAST, cast
from symnb.ops.create import IOTA, iota
from symnb.ops.define import Elementwise
from symnb.ops.linalg import slogdet
from symnb.ops.pick import PICK
from symnb.optim.contract import BITWISE
from symnb.optim.rule import rewrite, ruleset

FOLD_ITEMS = 4096  # elements; larger results are computed by the function
KINDS = frozenset({
    "elementwise", "view", "reduction", "contract", "gather", "scatter", "join",
    "sort", "order", "size", "opaque", "cumulative",
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
    if _is_symbolic(type, node.params):
        return None
    size: Any = type.size
    if node.op is SIZE and not isinstance(node.params[0], int):
        return None
    if size > max([FOLD_ITEMS, *(x.type.size for x in node.inputs)]):  # pyright: ignore
        return None
    if node.op.name == "broadcast_to" and size > 1:
        return None
    return _value(node, type)


def _is_symbolic(type: TensorType, params: tuple[Any, ...]) -> bool:
    """Whether a size is not a number."""
    return any(isinstance(d, Dim) for d in (*type.shape, *dims.dims_in(params)))


def _value(node: Node, type: TensorType) -> Node | None:
    return _applied(node, [x.params[0].value for x in node.operands], type)


def _applied(node: Node, arrays: list[Any], type: TensorType) -> Node | None:
    try:
        with np.errstate(all="ignore"):
            value = node.op.numpy(*arrays, *node.params)
    except Exception:
        return None
    array = np.asarray(value, dtype=type.dtype)
    return Constant(array) if array.shape == type.shape else None


# ------------------------------------------------------------------- counts and picks


COUNTED = 16  # nodes of integer arithmetic looked at


def _is_arithmetic(op: Op) -> bool:
    return isinstance(op, Elementwise) and op.out in ("same", "number")


@rewrite(
    lambda op: op is CAST,
    "a float cast of arithmetic on iota and constants -> its value", BITWISE,
    "computed once; of integers it is an index, which costs nothing", tags="fold",
    operands=lambda ops: ops[0] is IOTA or _is_arithmetic(ops[0]),
    answers=("constant_folding", "topo_constant_folding"),
    examples=lambda: [cast(iota((5,)), "float64"),
                      cast(iota((4, 3), 1) * 2 + 1, "float32")],
)  # fmt: skip
def fold_counts(node: Node) -> Node | None:
    """The value of a count of constant size."""
    type: Any = node.type
    if not type.dtype.startswith("float") or node.inputs[0].dtype[0] not in "iu":
        return None
    if isinstance(type.size, Dim) or type.size > FOLD_ITEMS:
        return None
    below: list[Node] = [node.inputs[0]]
    for source in below:
        counts = source.op is IOTA or source.op is CONSTANT
        if (not counts and not _is_arithmetic(source.op)) or len(below) > COUNTED:
            return None
        below += source.inputs
    return Constant(evaluate([node], {})[0])


def _picked() -> list[Node]:
    both = slogdet(Constant(np.array([[2.0, 1.0], [0.5, 3.0]])))
    return [x for x in both if x.op is PICK]


@rewrite(
    lambda op: op is PICK, "one of several results over constants -> its value",
    BITWISE, "computed once, when the graph is compiled", tags="fold",
    answers=("constant_folding",), examples=_picked,
)  # fmt: skip
def fold_picks(node: Node) -> Node | None:
    """The picked result of a node over constants."""
    source, type = node.inputs[0], node.type
    constants = all(x.op is CONSTANT for x in source.inputs)
    if not (source.inputs and constants) or not _foldable(source.op):
        return None
    if not isinstance(type, TensorType) or _is_symbolic(type, source.params):
        return None
    given = sum(x.type.size for x in source.inputs)  # pyright: ignore
    if max(type.size, given) > FOLD_ITEMS:  # pyright: ignore
        return None
    arrays = [x.params[0].value for x in source.operands]
    try:
        with np.errstate(all="ignore"):
            value = source.op.numpy(*arrays, *source.params)[node.params[0]]
    except Exception:
        return None
    array = np.asarray(value, dtype=type.dtype)
    return Constant(array) if array.shape == type.shape else None


FOLDING = ruleset("folding", [fold_constants, fold_counts, fold_picks])
