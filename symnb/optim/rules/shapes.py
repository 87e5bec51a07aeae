"""What is known of shapes: sizes compared, axes of size 1, diagonals, assertions.

Every rule is bitwise. A comparison of sizes is decided where the algebra of sizes
proves it for all values; nothing is assumed.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core.dims import DimLike, is_nonnegative, is_positive
from symnb.core.node import SIZE, Constant, Input, Node, make
from symnb.core.op import CONSTANT, Op
from symnb.core.types import TensorType
from symnb.ops import elementwise as el
from symnb.ops.cast import CAST
from symnb.ops.control import ASSERT
from symnb.ops.create import IOTA, iota
from symnb.ops.define import Elementwise
from symnb.ops.diagonal import DIAGONAL, diagonal
from symnb.ops.elementwise import exp, maximum, minimum
from symnb.ops.join import JOIN, concatenate
from symnb.ops.view import (
    BROADCAST_TO,
    EXPAND_DIMS,
    RESHAPE,
    SQUEEZE,
    TRANSPOSE,
    broadcast_to,
    expand_dims,
    reshape,
    shape_of,
    squeeze,
)
from symnb.optim.contract import BITWISE
from symnb.optim.guard import literal
from symnb.optim.rule import hole, param, rewrite, ruleset, term

x = hole("x")
P, K = param("P"), param("K")


def _input(*shape: DimLike, name: str = "x") -> Node:
    return Input(TensorType("float64", shape), name)


# ----------------------------------------------------------------------- axes of size 1


def _ones(shape: tuple[DimLike, ...]) -> tuple[int, ...]:
    return tuple(axis for axis, one in enumerate(shape) if one == 1)


@rewrite(
    lambda op: op is RESHAPE,
    "reshape(x) that adds or leaves out axes of size 1 -> expand_dims or squeeze",
    BITWISE, "such axes are known, a reshape is not", decreases="reshapes",
    answers=("local_reshape_to_dimshuffle",),
    examples=lambda: [reshape(_input(2, 3), (2, 1, 3)),
                      reshape(_input(2, 1, 3, 1), (2, 3)),
                      reshape(_input(1, 3), (3, 1))],
)  # fmt: skip
def reshape_by_ones(node: Node) -> Node | None:
    """The operand without its axes of size 1, with those of the result."""
    source = node.inputs[0]
    old, new = shape_of(source), shape_of(node)
    if [n for n in old if n != 1] != [n for n in new if n != 1]:
        return None
    return expand_dims(squeeze(source, _ones(old)), _ones(new))


@rewrite(
    lambda op: op in (EXPAND_DIMS, SQUEEZE),
    "squeeze(iota(shape, axis)) -> iota without these axes, also of expand_dims",
    BITWISE, "a count is made in any shape", operands=lambda ops: ops[0] is IOTA,
    examples=lambda: [squeeze(iota((4, 1), 0), 1), expand_dims(iota((4,)), (0, 2))],
)  # fmt: skip
def iota_by_ones(node: Node) -> Node | None:
    """The count along the axis that it was along."""
    axis = node.inputs[0].params[1]
    kept = [at for at in range(node.inputs[0].ndim) if at not in node.params[0]]
    if node.op is EXPAND_DIMS:
        kept = [at for at in range(node.ndim) if at not in node.params[0]]
        return iota(shape_of(node), kept[axis])
    return iota(shape_of(node), kept.index(axis)) if axis in kept else None


# --------------------------------------------------------------------------- broadcasts


def _wide(own: tuple[int, ...], shape: tuple[int, ...]) -> Node:
    return broadcast_to(_input(*own), shape)


def _thin(piece: Node, axis: int) -> Node | None:
    """What a piece of a join is a broadcast of, with all its axes; None when it is
    broadcast along the join itself, or along less than all other axes."""
    if piece.op is not BROADCAST_TO:
        return None
    source = expand_dims(
        piece.inputs[0], tuple(range(piece.ndim - piece.inputs[0].ndim))
    )
    sizes = shape_of(source)
    others = [n for at, n in enumerate(sizes) if at != axis]
    same = sizes[axis] == shape_of(piece)[axis]
    return source if same and all(n == 1 for n in others) else None


@rewrite(
    lambda op: op is JOIN,
    "join(broadcast_to(x), broadcast_to(y)) -> broadcast_to(join(x, y))", BITWISE,
    "one row is copied", operands=lambda ops: all(op is BROADCAST_TO for op in ops),
    decreases="elements", answers=("local_join_of_alloc",),
    examples=lambda: [concatenate([_wide((3,), (4, 3)), _wide((2,), (4, 2))], 1),
                      concatenate([_wide((3, 1), (3, 4)), _wide((2, 1), (2, 4))], 0)],
)  # fmt: skip
def join_of_broadcasts(node: Node) -> Node | None:
    """The join of what was broadcast along all other axes."""
    (axis,) = node.params
    sources = [_thin(piece, axis) for piece in node.operands]
    if node.ndim < 2 or any(source is None for source in sources):
        return None
    return broadcast_to(concatenate(sources, axis), shape_of(node))


# ----------------------------------------------------------------------- sizes compared


def _dim(node: Node) -> DimLike | None:
    """A size or whole number as a size expression."""
    if node.op is SIZE:
        return node.params[0]
    value = literal(node) if node.op is CONSTANT else None
    return value if type(value) is int else None


def _at_least(a: Any, b: Any) -> bool:
    return is_nonnegative(a - b)


def _above(a: Any, b: Any) -> bool:
    return is_positive(a - b)


_TRUE_WHEN: dict[Op, Any] = {
    el.less: lambda a, b: _above(b, a), el.less_equal: lambda a, b: _at_least(b, a),
    el.greater: _above, el.greater_equal: _at_least,
    el.equal: lambda a, b: a - b == 0,
    el.not_equal: lambda a, b: _above(a, b) or _above(b, a),
}  # fmt: skip
_OPPOSITE: dict[Op, Op] = {
    el.less: el.greater_equal, el.less_equal: el.greater, el.greater: el.less_equal,
    el.greater_equal: el.less, el.equal: el.not_equal, el.not_equal: el.equal,
}  # fmt: skip


def _n(length: int = 3) -> Node:
    return Node(SIZE, (), (length,), TensorType("int64", ()))


@rewrite(
    lambda op: op in _TRUE_WHEN or op is maximum or op is minimum,
    "size < 0 -> false, max(size, 0) -> size, and what else is proven", BITWISE,
    "a size is not negative", operands=lambda ops: SIZE in ops,
    answers=("local_useless_elemwise_comparison",),
    examples=lambda: [_n() < 0, el.equal(_n(), 4), maximum(_n(), 0),
                      minimum(_n(), _n(5))],
)  # fmt: skip
def sizes_compared(node: Node) -> Node | None:
    """The truth, or the larger or smaller, where it is so for every size."""
    a, b = (_dim(operand) for operand in node.inputs)
    if a is None or b is None:
        return None
    if node.op is maximum or node.op is minimum:
        first, second = node.inputs if node.op is maximum else node.inputs[::-1]
        if _at_least(a, b):
            return first
        return second if _at_least(b, a) else None
    if _TRUE_WHEN[node.op](a, b):
        return Constant(np.True_)
    return Constant(np.False_) if _TRUE_WHEN[_OPPOSITE[node.op]](a, b) else None


# ---------------------------------------------------------------------------- diagonals


@rewrite(
    term(DIAGONAL, term(TRANSPOSE, x, params=(P,)), params=(K, 0, 1)),
    "diagonal(x.T, k) -> diagonal(x, -k)", BITWISE,
    answers=("local_extract_diag_lift", "extract_diag_lift_pass",
             "extract_diag_of_transpose"),
    examples=lambda: [diagonal(_input(3, 4).T, 1), diagonal(_input(3, 4).T, -1)],
)  # fmt: skip
def diagonal_transposed(x: Node, P: tuple[int, ...], K: int) -> Node | None:
    """The diagonal on the other side, of a matrix."""
    return diagonal(x, -K) if P == (1, 0) else None


def _on_diagonal(x: Node, shape: tuple[DimLike, ...], offset: int) -> Node | None:
    """The elements of an operand, broadcast to a matrix, on its diagonal."""
    own = shape_of(x)
    if x.ndim == 2 and own == shape:
        return diagonal(x, offset)
    square = shape[0] == shape[1] and not offset
    if x.ndim < 2:
        return x if square or not x.ndim or own[0] == 1 else None
    if square and 1 in own:
        return squeeze(x, 0 if own[0] == 1 else 1)
    return None


@rewrite(
    term(DIAGONAL, x, params=(K, 0, 1)),
    "diagonal(f(x, y)) -> f(diagonal(x), diagonal(y)), f elementwise", BITWISE,
    "one element a row is computed", decreases="elements",
    operands=lambda ops: isinstance(ops[0], Elementwise) or ops[0] is CAST,
    answers=("local_extract_diag_of_alloc_diag", "local_extract_diag_of_eye",
             "local_extract_diag_lift"),
    examples=lambda: [diagonal(exp(_input(3, 3))),
                      diagonal(_input(3, 4) * _input(3, 4, name="y"), 1),
                      diagonal(_input(3, 1) + _input(3, name="y"))],
)  # fmt: skip
def diagonal_elementwise(node: Node, x: Node, K: int) -> Node | None:
    """The op on the diagonals of its operands."""
    if x.ndim != 2 or not (isinstance(x.op, Elementwise) or x.op is CAST):
        return None
    found = [_on_diagonal(y, shape_of(x), K) for y in x.operands]
    if any(y is None for y in found):
        return None
    return make(x.op, tuple(found), x.params)  # pyright: ignore


# --------------------------------------------------------------------------- assertions


def _asserted() -> list[Node]:
    y = _input(3)
    params = ("AssertionError", "never", -1)
    flag = Input(TensorType("bool", ()), "c")
    yes = Constant(np.True_)
    always = el.logical_or(flag, el.logical_not(flag))
    return [make(ASSERT, (y, yes), params), make(ASSERT, (y, yes, always), params)]


@rewrite(
    lambda op: op is ASSERT, "assert(x, true) -> x", BITWISE,
    answers=("local_remove_useless_assert",), examples=_asserted,
    decreases="assertions",
)  # fmt: skip
def assert_true(node: Node) -> Node | None:
    """Without the conditions that hold."""
    value, *conditions = node.operands
    left = [c for c in conditions if not literal(c)]
    if len(left) == len(conditions):
        return None
    return make(ASSERT, (value, *left), node.params) if left else value


SHAPES = ruleset(
    "shapes",
    [
        reshape_by_ones, iota_by_ones, join_of_broadcasts, sizes_compared,
        diagonal_transposed, diagonal_elementwise, assert_true,
    ],
)  # fmt: skip
