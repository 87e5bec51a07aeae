"""Reductions: fewer axes, fewer elements, one reduction in place of two.

Sums are reordered by some of these, which changes their rounding; extremes and
truth are not. An extreme of nothing raises, so rules that would drop one ask for a
proof that there is something.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

from symnb.core.dims import DimLike, is_positive
from symnb.core.node import Input, Node, make, size
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.cast import cast
from symnb.ops.elementwise import (
    logical_and,
    logical_or,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    true_div,
)
from symnb.ops.join import JOIN, concatenate
from symnb.ops.peak import PEAK
from symnb.ops.reduce import (
    ALL,
    ANY_TRUE,
    ARGMAX,
    ARGMIN,
    MAX,
    MIN,
    PROD,
    SUM,
    reduced,
)
from symnb.ops.sizes import product
from symnb.ops.view import (
    BROADCAST_TO,
    EXPAND_DIMS,
    RESHAPE,
    TRANSPOSE,
    broadcast_to,
    reshape,
    shape_of,
    squeeze,
)
from symnb.optim.contract import BITWISE, FINITE_ONLY, ROUNDING
from symnb.optim.guard import is_float, is_integer
from symnb.optim.rule import (
    AXES,
    KEEP,
    Rule,
    hole,
    param,
    rewrite,
    rule,
    ruleset,
    term,
)

x, y = hole("x"), hole("y")
f, n = hole("f", is_float), hole("n", is_integer)
_PLAIN = (SUM, PROD, MAX, MIN, ALL, ANY_TRUE, PEAK)
_A, _B = param("A"), param("B")
Axes = tuple[int, ...]


def _input(*shape: DimLike, dtype: str = "float64", name: str = "x") -> Node:
    return Input(TensorType(dtype, shape), name)


def _is_plain(op: Op) -> bool:
    return op in _PLAIN


# ----------------------------------------------------------------- fewer axes to reduce


@rewrite(
    _is_plain, "reduce(x, ()) -> x", BITWISE, answers=("local_useless_reduce",),
    examples=lambda: [reduced(SUM, _input(3), (), False)],
)  # fmt: skip
def reduce_nothing(node: Node) -> Node | None:
    """The operand, when no axis is reduced."""
    return None if node.params[0] else node.inputs[0]


def _without_ones(node: Node) -> Node | None:
    axes, keepdims = node.params
    source = node.inputs[0]
    sizes = shape_of(source)
    rest = tuple(axis for axis in axes if sizes[axis] != 1)
    if len(rest) == len(axes):
        return None
    made = make(node.op, (source,), (rest, True)) if rest else source
    return made if keepdims else squeeze(made, axes)


@rewrite(
    lambda op: _is_plain(op) and op is not SUM,
    "reduce(x, axes of size 1) -> squeeze(x)", BITWISE,
    answers=("local_reduce_broadcastable",), decreases="axes reduced",
    examples=lambda: [reduced(MAX, _input(1, 4), (0, 1), True),
                      reduced(PROD, _input(3, 1), 1, False)],
)  # fmt: skip
def reduce_ones(node: Node) -> Node | None:
    """The reduction over the axes that have elements to combine."""
    return _without_ones(node)


@rewrite(
    lambda op: op is SUM, "sum(x, axes of size 1) -> squeeze(x)", ROUNDING,
    reason="a sum of the one element -0 is +0",
    answers=("local_reduce_broadcastable",), decreases="axes reduced",
    examples=lambda: [reduced(SUM, _input(3, 1), 1, False),
                      reduced(SUM, _input(3, 1, 4), (1, 2), False)],
)  # fmt: skip
def sum_ones(node: Node) -> Node | None:
    """The sum over the axes that have elements to combine."""
    return _without_ones(node)


def _chain(op: Op) -> Rule:
    exact = op not in (SUM, PROD)

    @rewrite(
        term(op, term(op, x, params=(_A, None)), params=(_B, None)),
        f"{op.name}({op.name}(x, A), B) -> {op.name}(x, both)",
        BITWISE if exact else ROUNDING,
        answers=("local_op_of_op", "local_reduce_chain"),
        examples=lambda: [
            reduced(op, reduced(op, _typed(op), 0, False), 1, False),  # pyright: ignore
            reduced(op, reduced(op, _typed(op), 1, True), (0, 2), True),  # pyright: ignore
        ],
    )  # fmt: skip
    def chain(node: Node, x: Node, A: Axes, B: Axes) -> Node | None:
        """One reduction over all axes."""
        kept, keepdims = node.inputs[0].params[1], node.params[1]
        rest = [axis for axis in range(x.ndim) if kept or axis not in A]
        outer = {rest[axis] for axis in B}
        axes = tuple(sorted({*A, *outer}))
        if keepdims != kept and (keepdims or not set(A) <= outer):
            return None
        return make(op, (x,), (axes, keepdims))

    chain.name = f"{op.name}_{op.name}"
    return chain


def _typed(op: Op) -> Node:
    dtype = "bool" if op in (ALL, ANY_TRUE) else "float64"
    return _input(3, 2, 4, dtype=dtype)


@rewrite(
    _is_plain, "reduce(transpose(x), axes) -> reduce(x, moved axes)", ROUNDING,
    "the order of summation changes", operands=lambda ops: ops[0] is TRANSPOSE,
    examples=lambda: [reduced(SUM, _input(3, 4).T, (0, 1), False),
                      reduced(MAX, _input(3, 4).T, 0, False)],
)  # fmt: skip
def reduce_transpose(node: Node) -> Node | None:
    """The reduction of the operand, where the axes left keep their order."""
    axes, keepdims = node.params
    order = node.inputs[0].params[0]
    left = [axis for i, axis in enumerate(order) if i not in axes]
    if left != sorted(left) or (keepdims and left):
        return None
    moved = tuple(sorted(order[axis] for axis in axes))
    return make(node.op, node.inputs[0].inputs, (moved, keepdims))


@rewrite(
    _is_plain, "reduce(reshape(x)) over every axis -> reduce(x)", ROUNDING,
    "the same elements", operands=lambda ops: ops[0] in (RESHAPE, EXPAND_DIMS),
    examples=lambda: [reduced(SUM, reshape(_input(3, 4), (6, 2)), (0, 1), False)],
    answers=("local_sum_prod_all_to_none",),
)  # fmt: skip
def reduce_reshape(node: Node) -> Node | None:
    """The full reduction of the operand."""
    inner = node.inputs[0]
    if node.params != (tuple(range(inner.ndim)), False):
        return None
    source = inner.inputs[0]
    return make(node.op, (source,), (tuple(range(source.ndim)), False))


PIECES = 16  # of a join at most; more are combined by a loop
_COMBINED: dict[Op, Any] = {
    SUM: lambda a, b: a + b, PROD: lambda a, b: a * b, MAX: maximum, PEAK: maximum,
    MIN: minimum, ALL: logical_and, ANY_TRUE: logical_or,
}  # fmt: skip


def _join_examples() -> list[Node]:
    a, b, c = (_input(3, 1, name=name) for name in "abc")
    scalars = [_input(name=name).reshape(1) for name in "ab"]
    return [
        reduced(SUM, concatenate([a, b, c], 1), 1, False),
        reduced(MAX, concatenate([a, b], 1), 1, True),
        reduced(PROD, concatenate(scalars, 0), 0, False),
    ]


@rewrite(
    _is_plain, "reduce(join(x, y, z)) -> x + y + z, each of size 1 along the axis",
    ROUNDING, "nothing is copied", operands=lambda ops: ops[0] is JOIN,
    decreases="joins", examples=_join_examples,
    answers=("local_reduce_join", "local_sum_make_vector"),
)  # fmt: skip
def reduce_join(node: Node) -> Node | None:
    """The pieces combined element by element."""
    axes, keepdims = node.params
    pieces, (along,) = node.inputs[0].operands, node.inputs[0].params
    if axes != (along,) or len(pieces) > PIECES:
        return None
    if any(shape_of(piece)[along] != 1 for piece in pieces):
        return None
    parts = pieces if keepdims else [squeeze(piece, along) for piece in pieces]
    total: Any = parts[0]
    for part in parts[1:]:
        total = _COMBINED[node.op](total, part)
    return total


def _of_negative(op: Op, other: Op) -> Rule:
    made = rule(
        term(op, -f, params=(AXES, KEEP)), term(other, f, params=(AXES, KEEP)),
        BITWISE, name=f"{op.name}_neg",
    )  # fmt: skip
    return made


POSITIONS = [_of_negative(ARGMAX, ARGMIN), _of_negative(ARGMIN, ARGMAX)]


# ---------------------------------------------------------- what is constant along them


def _is_constant_along(node: Node, axes: Axes, ndim: int) -> bool:
    """Whether the operand of an op with `ndim` axes is broadcast along `axes`."""
    lost = ndim - node.ndim
    sizes = shape_of(node)
    return all(axis < lost or sizes[axis - lost] == 1 for axis in axes)


def _dropped(node: Node, axes: Axes, ndim: int) -> Node:
    """The operand without the reduced axes."""
    lost = ndim - node.ndim
    mine = [axis - lost for axis in axes if axis >= lost]
    return squeeze(node, mine) if mine else node


def _scaled_examples() -> list[Node]:
    m, c = _input(3, 4), _input(name="c")
    column = _input(3, 1, name="c")
    return [
        reduced(SUM, c * m, (0, 1), False), reduced(SUM, column * m, 1, False),
        reduced(SUM, m * column, 1, True),
    ]  # fmt: skip


@rewrite(
    term(SUM, mul(x, y), params=(AXES, KEEP)),
    "sum(c * x) -> c * sum(x), c constant along the axes", FINITE_ONLY,
    "inf * 1 + inf * -1 is NaN",
    answers=("local_sum_prod_mul_by_scalar", "local_sum_prod_of_mul_or_div"),
    decreases="elements", examples=_scaled_examples,
)  # fmt: skip
def sum_scaled(node: Node, x: Node, y: Node, axes: Axes, keepdims: bool) -> Node | None:
    """The factor outside of the sum."""
    ndim = node.inputs[0].ndim
    if not _is_constant_along(x, axes, ndim):
        return None
    return _outside(mul, x, y, node, axes, keepdims)


def _outside(
    op: Any, factor: Node, rest: Node, node: Node, axes: Axes, keepdims: bool
) -> Node | None:
    """op(sum(rest), factor), when the rest has all that is summed."""
    shape = shape_of(node.inputs[0])
    lost = len(shape) - rest.ndim
    if any(axis < lost or shape_of(rest)[axis - lost] != shape[axis] for axis in axes):
        return None
    mine = tuple(axis - lost for axis in axes)
    total = make(SUM, (rest,), (mine, keepdims))
    scale = factor if keepdims else _dropped(factor, axes, len(shape))
    return op(total, scale)


def _divided_examples() -> list[Node]:
    m, c = _input(3, 4), _input(name="c")
    return [
        reduced(SUM, m / c, (0, 1), False),
        reduced(SUM, m / _input(1, 4, name="c"), 0, True),
    ]  # fmt: skip


@rewrite(
    term(SUM, true_div(x, y), params=(AXES, KEEP)),
    "sum(x / c) -> sum(x) / c, c constant along the axes", FINITE_ONLY,
    "1/0 + -1/0 is NaN",
    answers=("local_sum_prod_of_mul_or_div", "local_sum_prod_div_dimshuffle"),
    decreases="elements", examples=_divided_examples,
)  # fmt: skip
def sum_divided(
    node: Node, x: Node, y: Node, axes: Axes, keepdims: bool
) -> Node | None:
    """The divisor outside of the sum."""
    if not _is_constant_along(y, axes, node.inputs[0].ndim):
        return None
    return _outside(true_div, y, x, node, axes, keepdims)


@rewrite(
    term(SUM, term(BROADCAST_TO, x, params=(None,)), params=(AXES, KEEP)),
    "sum(broadcast_to(x)) -> sum(x) * count", FINITE_ONLY,
    "NaN times a count of 0 is NaN",
    answers=("local_opt_alloc", "local_careduce_of_alloc"), decreases="elements",
    examples=lambda: [reduced(SUM, broadcast_to(_input(), (3, 4)), (0, 1), False),
                      reduced(SUM, broadcast_to(_input(4), (3, 4)), 0, False),
                      reduced(SUM, broadcast_to(_input(3, 1), (3, 4)), 1, True)],
)  # fmt: skip
def sum_broadcast(node: Node, x: Node, axes: Axes, keepdims: bool) -> Node | None:
    """The sum of one copy, times their number."""
    shape = shape_of(node.inputs[0])
    lost = len(shape) - x.ndim
    spread = tuple(
        axis
        for axis in axes
        if axis < lost or (shape_of(x)[axis - lost] == 1 and shape[axis] != 1)
    )
    if not spread:
        return None
    rest = [axis - lost for axis in axes if axis not in spread]
    total = reduced(SUM, x, rest, True) if rest else x
    if not keepdims:
        mine = [axis - lost for axis in axes if axis >= lost]
        total = squeeze(total, mine) if mine else total
    count = size(product(shape[axis] for axis in spread))
    return total * cast(count, x.dtype)


def _count(node: Node, axes: Axes) -> Node | None:
    """How many elements of a node are combined, in its dtype; None when an odd
    number may round to an even one, whose power has another sign."""
    count = product(shape_of(node)[axis] for axis in axes)
    exact = node.dtype == "float64" or (isinstance(count, int) and count < 2**24)
    return cast(size(count), node.dtype) if exact else None


@rewrite(
    term(PROD, mul(f, y), params=(AXES, KEEP)),
    "prod(c * f) -> prod(f) * c ** count, c constant along the axes", FINITE_ONLY,
    "overflows elsewhere", answers=("local_sum_prod_mul_by_scalar",
    "local_sum_prod_of_mul_or_div"), decreases="elements",
    examples=lambda: [reduced(PROD, _input(3, 4) * _input(name="c"), (0, 1), False),
                      reduced(PROD, _input(3, 4) * _input(3, 1, name="c"), 1, True)],
)  # fmt: skip
def prod_scaled(
    node: Node, f: Node, y: Node, axes: Axes, keepdims: bool
) -> Node | None:
    """The power of the factor outside of the product."""
    inner = node.inputs[0]
    if not _is_constant_along(y, axes, inner.ndim):
        return None
    count = _count(f, axes) if shape_of(f) == shape_of(inner) else None
    if count is None:
        return None
    scale = y if keepdims else _dropped(y, axes, inner.ndim)
    return make(PROD, (f,), (axes, keepdims)) * pow(scale, count)


@rewrite(
    term(PROD, term(BROADCAST_TO, f, params=(None,)), params=(AXES, KEEP)),
    "prod(broadcast_to(f)) -> f ** count", FINITE_ONLY,
    "NaN to the power of a count of 0 is 1", decreases="elements",
    answers=("local_opt_alloc", "local_careduce_of_alloc"),
    examples=lambda: [reduced(PROD, broadcast_to(_input(), (3, 4)), (0, 1), False),
                      reduced(PROD, broadcast_to(_input(4), (3, 4)), 0, False)],
)  # fmt: skip
def prod_broadcast(node: Node, f: Node, axes: Axes, keepdims: bool) -> Node | None:
    """The power of one copy."""
    inner = node.inputs[0]
    if keepdims or not _is_constant_along(f, axes, inner.ndim):
        return None
    count = _count(inner, axes)
    return None if count is None else pow(_dropped(f, axes, inner.ndim), count)


def _spread(op: Op) -> Node:
    return _input(4, dtype="bool" if op in (ALL, ANY_TRUE) else "float64")


def _spread_extreme(op: Op) -> Rule:
    @rewrite(
        term(op, term(BROADCAST_TO, x, params=(None,)), params=(AXES, KEEP)),
        f"{op.name}(broadcast_to(x)) -> {op.name}(x), where there is something",
        BITWISE, answers=("local_opt_alloc", "local_careduce_of_alloc"),
        decreases="elements", tags="after_gradient",  # ties share a gradient
        examples=lambda: [
            reduced(op, broadcast_to(_spread(op), (3, 4)), 0, False),  # pyright: ignore
        ],
    )  # fmt: skip
    def extreme(node: Node, x: Node, axes: Axes, keepdims: bool) -> Node | None:
        """The extreme of one copy."""
        shape = shape_of(node.inputs[0])
        lost = len(shape) - x.ndim
        if any(axis >= lost for axis in axes) or keepdims:
            return None
        return x if all(is_positive(shape[axis]) for axis in axes) else None

    extreme.name = f"{op.name}_broadcast"
    return extreme


@rewrite(
    term(SUM, -n, params=(AXES, KEEP)), "sum(-n) -> -sum(n)", BITWISE,
    decreases="elements", answers=("local_sum_of_neg_to_neg_of_sum",),
    examples=lambda: [reduced(SUM, -_input(3, 4, dtype="int8"), 1, False),
                      reduced(SUM, -_input(3, 4, dtype="int64"), (0, 1), True)],
)  # fmt: skip
def sum_neg_exact(n: Node, axes: Axes, keepdims: bool) -> Node:
    """The sign outside of the sum."""
    return -make(SUM, (n,), (axes, keepdims))


@rewrite(
    term(SUM, -f, params=(AXES, KEEP)), "sum(-f) -> -sum(f)", ROUNDING,
    "differs in the sign of zero", decreases="elements",
    answers=("local_sum_of_neg_to_neg_of_sum",),
    examples=lambda: [reduced(SUM, -_input(3, 4), 1, False)],
)  # fmt: skip
def sum_neg(f: Node, axes: Axes, keepdims: bool) -> Node:
    """The sign outside of the sum."""
    return -make(SUM, (f,), (axes, keepdims))


SIGNS = [
    sum_neg_exact,
    sum_neg,
    rule(neg(term(MAX, -f, params=(AXES, KEEP))), term(MIN, f, params=(AXES, KEEP)),
         ROUNDING, "differs in the sign of zero", name="neg_max_neg",
         answers=("local_max_to_min",)),
    rule(neg(term(MIN, -f, params=(AXES, KEEP))), term(MAX, f, params=(AXES, KEEP)),
         ROUNDING, "differs in the sign of zero", name="neg_min_neg",
         answers=("local_max_to_min",)),
]  # fmt: skip


REDUCTIONS = ruleset(
    "reductions",
    [
        reduce_nothing, reduce_ones, sum_ones, *(_chain(op) for op in _PLAIN),
        reduce_transpose,
        reduce_reshape, sum_scaled, sum_divided, sum_broadcast,
        prod_scaled, prod_broadcast, reduce_join, *POSITIONS,
        *(_spread_extreme(op) for op in (MAX, MIN, ALL, ANY_TRUE)), *SIGNS,
    ],
)  # fmt: skip
