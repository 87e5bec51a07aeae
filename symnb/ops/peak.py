"""`peak`: the largest element along axes, -inf where there is none.

The shift of stabilised exponentials. It differs from `max` only for nothing, where
`max` raises: a rule that puts a shift into a graph must not make it raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core.node import Node, make
from symnb.core.op import Params, Types
from symnb.core.types import Type
from symnb.errors import DTypeError
from symnb.ops.define import Reduction, reduced_shape
from symnb.ops.logic import equal, where
from symnb.ops.reduce import SUM, restore_axes
from symnb.ops.view import broadcast_like


def _infer(types: Types, params: Params) -> Type:
    if not types[0].dtype.startswith("float"):
        raise DTypeError(f"peak is defined for floats, not {types[0].dtype}.")
    return types[0].with_shape(reduced_shape(types[0].shape, *params))


def _attained(node: Node) -> Node:
    return equal(node.inputs[0], restore_axes(node, node))


def _vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    spread = broadcast_like(restore_axes(g, node), node.inputs[0])
    return [where(_attained(node), spread, 0.0)]


def _jvp(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    dx = tangents[0]
    if dx is None:
        return None
    return make(SUM, (where(_attained(node), dx, 0.0),), node.params)


PEAK = Reduction(
    name="peak", combine="max", identity=-np.inf, infer=_infer, vjp=_vjp, jvp=_jvp,
    numpy=lambda x, axes, keepdims: np.max(
        x, axis=axes, keepdims=keepdims, initial=-np.inf
    ),
    doc="Largest element along axes; NaN if there is one, -inf if there is none.",
)  # fmt: skip
