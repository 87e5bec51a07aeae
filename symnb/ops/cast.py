"""`cast`: the only op that changes a dtype, C's and NumPy's conversion rules.

Float to integer truncates towards zero; NaN and out-of-range values are whatever
the conversion instruction gives, as in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Constant, Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.seams import slots
from symnb.core.types import ANY, Type
from symnb.ops.define import as_node
from symnb.options import config


def _infer(types: Types, params: Params) -> Type:
    return types[0].with_dtype(params[0])


def _vjp(node: Node, g: Node, context: Any) -> list[Node | None]:
    x = node.inputs[0]
    return [cast(g, x.dtype) if dtypes.is_float(x.dtype) else None]


def _jvp(node: Node, tangents: Any) -> Node | None:
    if tangents[0] is None or not dtypes.is_float(node.dtype):
        return None
    return cast(tangents[0], node.dtype)


CAST = Op(
    name="cast",
    kind="elementwise",
    params=("dtype",),
    infer=_infer,
    numpy=lambda x, dtype: np.asarray(x).astype(dtype),
    vjp=_vjp,
    jvp=_jvp,
    doc="The same values in another dtype.",
)


def cast(x: Any, dtype: Any) -> Node:
    """`x` as `dtype` (a name, short name, NumPy dtype, or "floatX").

    Nothing is inserted when x has that dtype; a constant is converted at once.
    """
    if dtype == "floatX":
        dtype = config.floatX
    dtype = dtypes.as_dtype(dtype)
    node = as_node(x)
    if node.type is ANY:
        return make(CAST, (node,), (dtype,))
    if node.dtype == dtype:
        return node
    if isinstance(node, Constant) and node.ndim == 0:
        with np.errstate(all="ignore"):
            return Constant(node.value.astype(dtype), node.name)
    return make(CAST, (node,), (dtype,))


slots.fill(cast=cast)
