"""Tensors that are mostly zeros: zeros with parts written.

A gradient makes one of each `x[i]`. A sum with such a tensor becomes an increment of
the part, several become a chain of increments, each of which overwrites what the one
before it made: the zeros are filled in once or never, and nothing of full size is
added. The product with such a tensor is a product of the part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symnb.core.node import Node
from symnb.ops.cast import CAST, cast
from symnb.ops.create import zeros
from symnb.ops.elementwise import add, mul, neg, sub, true_div
from symnb.ops.index import gather
from symnb.ops.slicing import SET_SLICE, set_slice, slice_by
from symnb.ops.view import shape_of
from symnb.optim.contract import BITWISE, FINITE_ONLY, ROUNDING
from symnb.optim.guard import literal
from symnb.optim.rule import rewrite, ruleset
from symnb.optim.rules.spans import aligned, leaf
from symnb.optim.rules.writes import (
    WRITES,
    again,
    has_write,
    indices_of,
    is_once,
    mode_of,
    zero_based,
)


def part_of(write: Node, whole: Node) -> Node | None:
    """What `whole`, which broadcasts to what was written to, has at those places."""
    base = write.inputs[0]
    if not whole.ndim:
        return whole
    if write.op is SET_SLICE:
        index = aligned(write.params[0], shape_of(whole), shape_of(base))
        return None if index is None else slice_by(whole, index)
    if shape_of(whole) != shape_of(base):
        return None
    return gather(whole, indices_of(write), write.params[0])


def sparse(node: Node) -> list[Node] | None:
    """The writes into zeros that made a tensor, first one first; None if it is other.

    Adding their values at their places to any tensor adds the tensor they made.
    """
    chain: list[Node] = []
    while node.op in WRITES:
        chain.append(node)
        node = node.inputs[0]
    if not chain or literal(node) != 0:
        return None
    if any(mode_of(write) == "set" for write in chain[:-1]):
        return None
    first = chain[-1]
    return chain[::-1] if mode_of(first) == "add" or is_once(first) else None


def _sparse_examples(op: Callable[[Node, Node], Node]) -> list[Node]:
    one, other = zero_based()
    dense = leaf(5, 4, name="z")
    row = set_slice(one, leaf(4, name="v"), (0, (0, 4, 1)), "add")
    return [op(dense, one), op(other, dense), op(dense, row), op(other, row)]


@rewrite(
    lambda op: op is add, "x + zeros[i].set(y) -> x[i].inc(y)", ROUNDING,
    "one addition per element of y; several such terms become a chain of increments, "
    "each in place of the one before", operands=has_write,
    answers=("local_IncSubtensor_serialize", "pre_local_IncSubtensor_serialize",
             "local_add_of_sparse_write"),
    examples=lambda: _sparse_examples(add),
)  # fmt: skip
def add_of_sparse(node: Node) -> Node | None:
    """The increments of the other summand."""
    for base, other in _fewer_writes_last(*node.inputs):
        chain = sparse(other)
        if chain is not None and shape_of(base) == shape_of(other):
            for write in chain:
                base = again(write, base, write.inputs[1], "add")
            return base
    return None


def _fewer_writes_last(a: Node, b: Node) -> tuple[tuple[Node, Node], ...]:
    """Both orders of two summands; the shorter chain of writes is taken apart.

    A gradient adds part after part: taking the long chain would be quadratic.
    """
    x, y = a, b
    while x.op in WRITES and y.op in WRITES:
        x, y = x.inputs[0], y.inputs[0]
    return ((b, a), (a, b)) if y.op in WRITES else ((a, b), (b, a))


@rewrite(
    lambda op: op is sub, "x - zeros[i].set(y) -> x[i].inc(-y)", ROUNDING,
    "one subtraction per element of y", operands=has_write, decreases="elements",
    answers=("local_add_of_sparse_write",), examples=lambda: _sparse_examples(sub),
)  # fmt: skip
def sub_of_sparse(node: Node) -> Node | None:
    """The increments of the other operand, with their signs."""
    a, b = node.inputs
    chain = sparse(b)
    if chain is not None and shape_of(a) == shape_of(b):
        for write in chain:
            a = again(write, a, -write.inputs[1], "add")
        return a
    chain = sparse(a)
    if chain is None or shape_of(a) != shape_of(b):
        return None
    base = -b
    for write in chain:
        base = again(write, base, write.inputs[1], "add")
    return base


def _scaled(chain: list[Node], scale: Callable[[Node], Node | None]) -> Node | None:
    """The same writes into zeros of other values."""
    base = chain[0].inputs[0]
    for write in chain:
        value = scale(write)
        if value is None:
            return None
        base = again(write, base, value, mode_of(write))
    return base


def _products() -> list[Node]:
    one, other = zero_based()
    scale, dense = leaf(name="s"), leaf(5, 4, name="z")
    return [
        one * 0.1, scale * other, one / scale, other * dense, dense * one,
        one / leaf(4, name="v"),
    ]  # fmt: skip


@rewrite(
    lambda op: op is mul or op is true_div,
    "zeros[i].set(y) * z -> zeros[i].set(y * z[i]), also of quotients", FINITE_ONLY,
    "0 * inf is NaN; the part is all there is to scale", operands=has_write,
    decreases="elements", answers=("local_add_of_sparse_write",), examples=_products,
)  # fmt: skip
def product_of_sparse(node: Node) -> Node | None:
    """The products of the parts."""
    for rest, other in (node.inputs, node.inputs[::-1]):
        chain = sparse(rest)
        if chain is not None and shape_of(rest) == shape_of(node):
            factor = other

            def scaled(write: Node, factor: Node = factor) -> Node | None:
                part = part_of(write, factor)
                op: Any = node.op
                return None if part is None else op(write.inputs[1], part)

            return _scaled(chain, scaled)
        if node.op is true_div:
            break
    return None


@rewrite(
    lambda op: op is neg, "-(zeros[i].set(y)) -> zeros[i].set(-y)", ROUNDING,
    "-0 becomes 0", operands=has_write, decreases="elements",
    answers=("local_add_of_sparse_write",),
    examples=lambda: [-one for one in zero_based()],
)  # fmt: skip
def neg_of_sparse(node: Node) -> Node | None:
    """The opposites of the parts."""
    chain = sparse(node.inputs[0])
    return _scaled(chain, lambda write: -write.inputs[1]) if chain else None


@rewrite(
    lambda op: op is CAST, "cast(zeros[i].set(y)) -> zeros[i].set(cast(y))", BITWISE,
    operands=has_write, decreases="elements", answers=("local_add_of_sparse_write",),
    examples=lambda: [set_slice(zeros((5,), "float64"), leaf(3), ((1, 3, 1),))
                      .astype("float32")],
)  # fmt: skip
def cast_of_sparse(node: Node) -> Node | None:
    """The zeros of the other dtype, with the part cast."""
    chain = sparse(node.inputs[0])
    if chain is None or len(chain) > 1 or mode_of(chain[0]) != "set":
        return None
    [write] = chain
    blank = zeros(shape_of(node), node.dtype)
    return again(write, blank, cast(write.inputs[1], node.dtype), "set")


INCREMENTS = ruleset(
    "increments",
    [add_of_sparse, sub_of_sparse, product_of_sparse, neg_of_sparse, cast_of_sparse],
)
