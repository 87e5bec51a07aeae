"""`gemm`: alpha * op(a) @ op(b) + beta * c, the product BLAS calculates in one call.

Made by the optimiser only; op transposes when its parameter says so. alpha and beta
are scalars of the operands' dtype; where beta is zero c is not read, not even its
NaN, as in BLAS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core.dims import DimLike
from symnb.core.node import Constant, Node, make
from symnb.core.op import Op, Params, Types
from symnb.core.types import TensorType, Type
from symnb.errors import DTypeError, RankError, ShapeError
from symnb.ops.sizes import Pairs, Sizes, differ, equal_pairs

Array = Any


def _turned(type: TensorType, turn: bool) -> Sizes:
    return type.shape[::-1] if turn else type.shape


def _infer(types: Types, params: Params) -> Type:
    c, a, b, alpha, beta = types
    if {t.dtype for t in types} - {"float32", "float64"} or any(
        t.dtype != c.dtype for t in types
    ):
        raise DTypeError("gemm needs five operands of one float dtype.")
    if a.ndim != 2 or b.ndim not in (1, 2) or alpha.ndim or beta.ndim:
        raise RankError("gemm multiplies a matrix and a matrix or vector.")
    for one, other in _pairs(types, params):
        if differ(one, other):
            raise ShapeError(f"gemm of {a} and {b} added to {c}.")
    return c


def _pairs(types: Types, params: Params) -> list[tuple[DimLike, DimLike]]:
    c, a, b = types[:3]
    rows, inner = _turned(a, params[0])
    inner_b, *columns = _turned(b, params[1] and b.ndim == 2)
    return [(inner, inner_b), *zip(c.shape, (rows, *columns), strict=True)]


def _assumes(types: Types, params: Params) -> Pairs:
    left, right = zip(*_pairs(types, params), strict=True)
    return equal_pairs(left, right)


def _numpy(
    c: Array, a: Array, b: Array, alpha: Array, beta: Array, turn_a: bool, turn_b: bool
) -> Array:
    product = alpha * np.dot(a.T if turn_a else a, b.T if turn_b else b)
    return product if beta == 0 else product + beta * c


GEMM = Op(
    name="gemm", kind="contract", arity=5, params=("transpose_a", "transpose_b"),
    infer=_infer, numpy=_numpy, weight=3, assumes=_assumes,
    no_gradient="made after differentiation",
    doc="alpha * op(a) @ op(b) + beta * c in one call of BLAS.",
)  # fmt: skip


def reads_c(node: Node) -> bool:
    """Whether a gemm node reads its operand c: not when beta is the constant 0."""
    beta = node.inputs[4]
    return not (isinstance(beta, Constant) and beta.value == 0)


def gemm(
    c: Node, a: Node, b: Node, alpha: Node, beta: Node,
    turn_a: bool = False, turn_b: bool = False,
) -> Node:  # fmt: skip
    """The node alpha * op(a) @ op(b) + beta * c."""
    return make(GEMM, (c, a, b, alpha, beta), (turn_a, turn_b))
