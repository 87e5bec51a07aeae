"""Views and shapes that say nothing: composed, cancelled, moved out of the way.

Every rule is bitwise: views only rename elements. Broadcasts are dropped where the
reader broadcasts by itself, and moved behind elementwise ops, so that fewer elements
are computed.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnb.core.dims import DimLike
from symnb.core.node import SIZE, Input, Node, make, size
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.barrier import consider_constant
from symnb.ops.define import Elementwise
from symnb.ops.elementwise import copy, exp
from symnb.ops.reduce import SUM, SUM_TO_SHAPE, reduced, sum_to_shape
from symnb.ops.view import (
    BROADCAST_TO,
    EXPAND_DIMS,
    RESHAPE,
    SPECIFY_SHAPE,
    SQUEEZE,
    TRANSPOSE,
    broadcast_to,
    expand_dims,
    reshape,
    shape_of,
    specify_shape,
    squeeze,
    transpose,
)
from symnb.optim.contract import BITWISE
from symnb.optim.rule import hole, param, rewrite, ruleset, term

x, y = hole("x"), hole("y")
S, T, P, Q = param("S"), param("T"), param("P"), param("Q")


def _input(*shape: DimLike, name: str = "x") -> Node:
    return Input(TensorType("float64", shape), name)


# ------------------------------------------------------------------ views that are none


def _of(*ops: Op) -> Any:
    return lambda op: op in ops


@rewrite(
    _of(RESHAPE, BROADCAST_TO, SPECIFY_SHAPE, SUM_TO_SHAPE),
    "view(x) to its own shape -> x", BITWISE,
    answers=("local_useless_reshape", "local_useless_alloc", "local_useless_fill",
             "local_useless_specify_shape", "local_useless_rebroadcast"),
    examples=lambda: [make(RESHAPE, (_input(2, 3),), ((2, 3),)),
                      make(BROADCAST_TO, (_input(2, 3),), ((2, 3),)),
                      make(SUM_TO_SHAPE, (_input(2, 3),), ((2, 3),))],
)  # fmt: skip
def view_of_own_shape(node: Node) -> Node | None:
    """The operand, when it has the shape already."""
    source = node.inputs[0]
    return source if shape_of(source) == shape_of(node) else None


@rewrite(
    term(TRANSPOSE, x, params=(P,)), "transpose(x, axes in order) -> x", BITWISE,
    answers=("local_useless_dimshuffle_in_reshape",),
    examples=lambda: [make(TRANSPOSE, (_input(2, 3),), ((0, 1),))],
)  # fmt: skip
def transpose_identity(x: Node, P: tuple[int, ...]) -> Node | None:
    """The operand, when no axis moves."""
    return x if tuple(range(len(P))) == P else None


@rewrite(
    _of(EXPAND_DIMS, SQUEEZE), "expand_dims(x, ()) -> x", BITWISE,
    examples=lambda: [make(EXPAND_DIMS, (_input(2),), ((),))],
)  # fmt: skip
def no_axes(node: Node) -> Node | None:
    """The operand, when no axis is named."""
    return None if node.params[0] else node.inputs[0]


# ----------------------------------------------------------------------- views of views


@rewrite(
    term(RESHAPE, term(RESHAPE, x, params=(S,)), params=(T,)),
    "reshape(reshape(x, S), T) -> reshape(x, T)", BITWISE,
    answers=("local_reshape_chain",),
    examples=lambda: [reshape(reshape(_input(4, 6), (3, 8)), (12, 2))],
)  # fmt: skip
def reshape_reshape(x: Node, T: Any) -> Node:
    """One reshape in place of two."""
    return reshape(x, T)


@rewrite(
    term(RESHAPE, x, params=(T,)),
    "reshape(expand_dims(x)) -> reshape(x), also of squeeze", BITWISE,
    operands=lambda ops: ops[0] in (EXPAND_DIMS, SQUEEZE),
    answers=("local_useless_dimshuffle_in_reshape", "local_reshape_dimshuffle",
             "local_useless_expand_dims_in_reshape"),
    examples=lambda: [reshape(expand_dims(_input(4, 6), 1), (8, 3)),
                      reshape(squeeze(_input(4, 1, 6), 1), (8, 3))],
)  # fmt: skip
def reshape_of_ones(node: Node, T: Any) -> Node | None:
    """The reshape of what had its axes of size 1 added or left out."""
    inner = node.inputs[0]
    if inner.op not in (EXPAND_DIMS, SQUEEZE):
        return None
    return reshape(inner.inputs[0], T)


@rewrite(
    term(TRANSPOSE, term(TRANSPOSE, x, params=(P,)), params=(Q,)),
    "transpose(transpose(x, P), Q) -> transpose(x, P[Q])", BITWISE,
    answers=("local_dimshuffle_lift",),
    examples=lambda: [transpose(transpose(_input(2, 3, 4), (1, 2, 0)), (1, 0, 2)),
                      transpose(transpose(_input(2, 3)))],
)  # fmt: skip
def transpose_transpose(x: Node, P: tuple[int, ...], Q: tuple[int, ...]) -> Node:
    """One transpose in place of two."""
    return transpose(x, tuple(P[axis] for axis in Q))


@rewrite(
    term(SQUEEZE, term(EXPAND_DIMS, x, params=(P,)), params=(Q,)),
    "squeeze(expand_dims(x, P), Q) -> x, or what is left of the two", BITWISE,
    answers=("local_dimshuffle_lift", "local_useless_dimshuffle_makevector"),
    examples=lambda: [squeeze(expand_dims(_input(2, 3), (0, 2)), (0, 2)),
                      squeeze(expand_dims(_input(2, 3), (0, 2)), (2,))],
)  # fmt: skip
def squeeze_expand(x: Node, P: tuple[int, ...], Q: tuple[int, ...]) -> Node | None:
    """The new axes that are not left out again."""
    if not set(Q) <= set(P):
        return None
    kept = [axis for axis in range(x.ndim + len(P)) if axis not in Q]
    return expand_dims(x, [kept.index(axis) for axis in P if axis not in Q])


@rewrite(
    term(EXPAND_DIMS, term(SQUEEZE, x, params=(P,)), params=(P,)),
    "expand_dims(squeeze(x, P), P) -> x", BITWISE,
    answers=("local_dimshuffle_lift",),
    examples=lambda: [expand_dims(squeeze(_input(2, 1, 3), 1), 1)],
)  # fmt: skip
def expand_squeeze(x: Node, P: tuple[int, ...]) -> Node | None:
    """The operand, when its size-1 axes come back to their places."""
    return x if all(shape_of(x)[axis] == 1 for axis in P) else None


@rewrite(
    term(EXPAND_DIMS, term(EXPAND_DIMS, x, params=(P,)), params=(Q,)),
    "expand_dims(expand_dims(x, P), Q) -> expand_dims(x, both)", BITWISE,
    examples=lambda: [expand_dims(expand_dims(_input(2, 3), 0), (1, 4))],
)  # fmt: skip
def expand_expand(x: Node, P: tuple[int, ...], Q: tuple[int, ...]) -> Node:
    """All new axes at once."""
    ndim = x.ndim + len(P) + len(Q)
    rest = [axis for axis in range(ndim) if axis not in Q]
    return expand_dims(x, sorted([*Q, *(rest[axis] for axis in P)]))


@rewrite(
    term(SQUEEZE, term(SQUEEZE, x, params=(P,)), params=(Q,)),
    "squeeze(squeeze(x, P), Q) -> squeeze(x, both)", BITWISE,
    examples=lambda: [squeeze(squeeze(_input(1, 2, 1, 1), 0), (1,))],
)  # fmt: skip
def squeeze_squeeze(x: Node, P: tuple[int, ...], Q: tuple[int, ...]) -> Node:
    """All axes left out at once."""
    rest = [axis for axis in range(x.ndim) if axis not in P]
    return squeeze(x, sorted([*P, *(rest[axis] for axis in Q)]))


@rewrite(
    term(BROADCAST_TO, term(BROADCAST_TO, x, params=(S,)), params=(T,)),
    "broadcast_to(broadcast_to(x, S), T) -> broadcast_to(x, T)", BITWISE,
    answers=("local_merge_alloc",),
    examples=lambda: [broadcast_to(broadcast_to(_input(1, 3), (2, 3)), (4, 2, 3))],
)  # fmt: skip
def broadcast_broadcast(x: Node, T: Any) -> Node:
    """One broadcast in place of two."""
    return broadcast_to(x, T)


@rewrite(
    term(BROADCAST_TO, term(EXPAND_DIMS, x, params=(P,)), params=(T,)),
    "broadcast_to(expand_dims(x, leading axes), T) -> broadcast_to(x, T)", BITWISE,
    answers=("local_alloc_sink_dimshuffle", "local_canonicalize_alloc"),
    examples=lambda: [broadcast_to(expand_dims(_input(3), 0), (2, 3))],
)  # fmt: skip
def broadcast_leading(x: Node, P: tuple[int, ...], T: Any) -> Node | None:
    """Leading axes of size 1 are new to a broadcast anyway."""
    return broadcast_to(x, T) if tuple(range(len(P))) == P else None


@rewrite(
    term(SPECIFY_SHAPE, term(SPECIFY_SHAPE, x, params=(S,)), params=(T,)),
    "specify_shape(specify_shape(x, S), T) -> specify_shape(x, T), S less special",
    BITWISE, answers=("local_merge_consecutive_specify_shape",),
    examples=lambda: [
make(SPECIFY_SHAPE, (make(SPECIFY_SHAPE, (_input(2, 3),), ((2, 3),)),), ((2, 3),))
    ],
)  # fmt: skip
def specify_specify(x: Node, S: Any, T: Any) -> Node | None:
    """The stronger promise alone."""
    weaker = all(a == b or not isinstance(a, int) for a, b in zip(S, T, strict=True))
    own = shape_of(x)
    told = all(a in (b, c) for a, b, c in zip(S, T, own, strict=True))
    return specify_shape(x, T) if weaker and told else None


@rewrite(
    term(SUM_TO_SHAPE, x, params=(T,)),
    "sum_to_shape(x, T) -> a sum over the axes T was broadcast along", BITWISE,
    "once the sizes are known to be equal or 1",
    examples=lambda: [make(SUM_TO_SHAPE, (_input(4, 3),), ((1, 3),)),
                      make(SUM_TO_SHAPE, (_input(4, 3),), ((3,),))],
    decreases="undecided sums",
)  # fmt: skip
def sum_to_shape_decided(x: Node, T: Any) -> Node | None:
    """The plain reduction, when the sizes say which."""
    made = sum_to_shape(x, T)
    return None if made.op is SUM_TO_SHAPE else made


@rewrite(
    term(EXPAND_DIMS, x, params=(P,)),
    "expand_dims(reduce(x, axes), axes) -> reduce(x, axes, keepdims)", BITWISE,
    operands=lambda ops: ops[0].kind == "reduction",
    examples=lambda: [expand_dims(reduced(SUM, _input(3, 4), 1, False), 1)],
)  # fmt: skip
def expand_reduction(node: Node, P: tuple[int, ...]) -> Node | None:
    """The reduction that keeps its axes."""
    inner = node.inputs[0]
    if inner.op.kind != "reduction" or inner.params != (P, False):
        return None
    return make(inner.op, inner.inputs, (P, True))


@rewrite(
    term(SQUEEZE, x, params=(P,)),
    "squeeze(reduce(x, axes, keepdims), axes) -> reduce(x, axes)", BITWISE,
    operands=lambda ops: ops[0].kind == "reduction",
    examples=lambda: [squeeze(reduced(SUM, _input(3, 4), 1, True), 1)],
)  # fmt: skip
def squeeze_reduction(node: Node, P: tuple[int, ...]) -> Node | None:
    """The reduction that drops its axes."""
    inner = node.inputs[0]
    if inner.op.kind != "reduction" or inner.params != (P, True):
        return None
    return make(inner.op, inner.inputs, (P, False))


# --------------------------------------------------- broadcasts and elementwise ops


def _is_elementwise(op: Op) -> bool:
    return isinstance(op, Elementwise)


def _has_broadcast(ops: Sequence[Op]) -> bool:
    return BROADCAST_TO in ops


@rewrite(
    _is_elementwise,
    "f(broadcast_to(x), y) -> f(x, y), or broadcast_to(f(x, y))", BITWISE,
    "f broadcasts by itself; fewer elements are computed", operands=_has_broadcast,
    decreases="elements",
    answers=("local_elemwise_alloc", "local_fill_sink", "local_second_sink",
             "topological_second_sink", "local_alloc_unary"),
    examples=lambda: [broadcast_to(_input(3), (2, 3)) + _input(2, 3, name="y"),
                      exp(broadcast_to(_input(3), (2, 3)))],
)  # fmt: skip
def elementwise_broadcast(node: Node) -> Node | None:
    """The op on what was broadcast."""
    inner = tuple(x.inputs[0] if x.op is BROADCAST_TO else x for x in node.inputs)
    shape = shape_of(node)
    for source, old in zip(inner, node.inputs, strict=True):
        whole = shape[len(shape) - source.ndim :]
        if source is not old and any(
            a not in (1, b) for a, b in zip(shape_of(source), whole, strict=True)
        ):
            return None
    made = make(node.op, inner)
    return made if shape_of(made) == shape else broadcast_to(made, shape)


@rewrite(
    lambda op: op.kind == "elementwise" and not isinstance(op, Elementwise),
    "cast(broadcast_to(x)) -> broadcast_to(cast(x))", BITWISE,
    operands=_has_broadcast, decreases="elements", answers=("local_alloc_unary",),
    examples=lambda: [broadcast_to(_input(3), (2, 3)).astype("float32")],
)  # fmt: skip
def cast_broadcast(node: Node) -> Node:
    """The cast of what was broadcast, broadcast."""
    inner = make(node.op, (node.inputs[0].inputs[0],), node.params)
    return broadcast_to(inner, shape_of(node))


_LIFTABLE = (TRANSPOSE, RESHAPE, EXPAND_DIMS, SQUEEZE)


@rewrite(
    _of(*_LIFTABLE),
    "view(broadcast_to(scalar)) -> broadcast_to(scalar)", BITWISE,
    operands=_has_broadcast, decreases="nodes",
    answers=("local_dimshuffle_alloc", "local_alloc_dimshuffle",
             "local_subtensor_of_alloc"),
    examples=lambda: [transpose(broadcast_to(_input(), (2, 3)))],
)  # fmt: skip
def view_of_broadcast_scalar(node: Node) -> Node | None:
    """A scalar has the same elements in every shape."""
    value = node.inputs[0].inputs[0]
    return broadcast_to(value, shape_of(node)) if value.ndim == 0 else None


# ------------------------------------------------------------------- what was a marker


@rewrite(
    lambda op: "identity" in op.tags, "identity(x) -> x", BITWISE,
    "it only told the derivative something", tags="after_gradient",
    answers=("remove_tensor_copy", "local_view_op"),
    examples=lambda: [consider_constant(_input(3)), copy(_input(3))],
)  # fmt: skip
def identity(node: Node) -> Node:
    """The operand."""
    return node.inputs[0]


@rewrite(
    _of(SIZE), "size(n) -> n", BITWISE, "a size that became a number",
    examples=lambda: [Node(SIZE, (), (3,), TensorType("int64", ()))],
    decreases="sizes", answers=("local_shape_to_shape_i", "local_track_shape_i",
                                "local_shape_ground", "local_Shape_i_ground"),
)  # fmt: skip
def size_known(node: Node) -> Node | None:
    """The constant a size is, or the scalar it is bound to."""
    made = size(node.params[0])
    return None if made.op is SIZE else made


VIEWS = ruleset(
    "views",
    [
        view_of_own_shape, transpose_identity, no_axes, reshape_reshape,
        reshape_of_ones, transpose_transpose, squeeze_expand, expand_squeeze,
        expand_expand, squeeze_squeeze, broadcast_broadcast, broadcast_leading,
        specify_specify, sum_to_shape_decided, expand_reduction,
        squeeze_reduction, elementwise_broadcast, cast_broadcast,
        view_of_broadcast_scalar, size_known,
    ],
)  # fmt: skip
MARKERS = ruleset("markers", [identity])
