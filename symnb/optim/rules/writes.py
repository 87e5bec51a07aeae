"""Writes of parts: those that change nothing, and two that are one.

A write is a `set_slice` or a `scatter`, with mode "set" or "add". Where a rule would
drop the write it asks for a proof that all places lie in the tensor, or else the error
would be lost; where it turns a set into an add, that no place is written twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb.core.node import Constant, Node, make
from symnb.core.op import CONSTANT, Op
from symnb.ops.cast import cast
from symnb.ops.create import zeros
from symnb.ops.elementwise import add, sub
from symnb.ops.index import GATHER, SCATTER, gather, is_distinct, scatter
from symnb.ops.slicing import (
    SET_SLICE,
    SLICE,
    Index,
    set_slice,
    slice_by,
)
from symnb.ops.view import BROADCAST_TO, broadcast_to, shape_of
from symnb.optim.contract import BITWISE, ROUNDING
from symnb.optim.guard import literal
from symnb.optim.rule import hole, param, rewrite, ruleset, term
from symnb.optim.rules.spans import in_range, is_full, leaf

x, y, z = hole("x"), hole("y"), hole("z")
P = param("P")
WRITES = (SET_SLICE, SCATTER)


def _is_write(op: Op) -> bool:
    return op in WRITES


def has_write(ops: Sequence[Op]) -> bool:
    """Whether one of the operands is a write."""
    return SET_SLICE in ops or SCATTER in ops


# ------------------------------------------------------------------ a write of any kind


def mode_of(write: Node) -> str:
    """Whether it sets or adds: "set" or "add"."""
    return write.params[1]


def indices_of(write: Node) -> tuple[Node, ...]:
    """The index arrays of a scatter; none of a set_slice."""
    return write.inputs[2:] if write.op is SCATTER else ()


def again(write: Node, base: Node, value: Node, mode: str) -> Node:
    """The write with another base and value, to the same places."""
    where = write.params[0]
    if write.op is SET_SLICE:
        return set_slice(base, value, where, mode)
    value = broadcast_to(cast(value, base.dtype), shape_of(write.inputs[1]))
    return scatter(base, value, indices_of(write), where, mode)


def is_once(write: Node) -> bool:
    """Whether no place is written twice."""
    return write.op is SET_SLICE or is_distinct(indices_of(write))


def is_in_range(write: Node) -> bool:
    """Whether all places are proven to lie in the tensor."""
    if write.op is SET_SLICE:
        return in_range(write)
    shape = shape_of(write.inputs[0])
    pairs = zip(write.params[0], indices_of(write), strict=True)
    return all(_is_within(index, shape[axis]) for axis, index in pairs)


def _is_within(index: Node, length: Any) -> bool:
    if not isinstance(index, Constant) or not isinstance(length, int):
        return False
    return bool((-length <= index.value).all() and (index.value < length).all())


def same_places(one: Node, other: Node) -> bool:
    """Whether two nodes read or write the same places of tensors of one shape."""
    kinds = {GATHER: SCATTER, SLICE: SET_SLICE}
    if kinds.get(one.op, one.op) is not kinds.get(other.op, other.op):
        return False
    return one.params[0] == other.params[0] and _arrays(one) == _arrays(other)


def _arrays(node: Node) -> tuple[Node, ...]:
    return node.inputs[1:] if node.op is GATHER else indices_of(node)


def _slice_write(mode: str, value: Node | None = None) -> Node:
    index: Index = ((1, 3, 1), 2)
    value = leaf(3, name="y") if value is None else value
    return set_slice(leaf(5, 4), value, index, mode)


def _array_write(mode: str, *places: int, base: Node | None = None) -> Node:
    where = Constant(np.array(places))
    base = leaf(5, 2) if base is None else base
    return scatter(base, leaf(len(places), 2, name="y"), [where], (0,), mode)


# ----------------------------------------------------------- writes that change nothing


@rewrite(
    term(SET_SLICE, x, y, params=(P, "set")), "x[:].set(y) -> y", BITWISE,
    tags="drops", answers=("local_useless_inc_subtensor",),
    examples=lambda: [make(SET_SLICE, (leaf(3), leaf(3, name="y")),
                           (((0, 3, 1),), "set"))],
)  # fmt: skip
def set_whole(x: Node, y: Node, P: Index) -> Node | None:
    """What was written, when it was written everywhere."""
    return y if is_full(P, shape_of(x)) else None


@rewrite(
    term(SET_SLICE, x, y, params=(P, "add")), "x[:].inc(y) -> x + y", BITWISE,
    answers=("local_useless_inc_subtensor",), decreases="writes",
    examples=lambda: [make(SET_SLICE, (leaf(3), leaf(3, name="y")),
                           (((0, 3, 1),), "add"))],
)  # fmt: skip
def inc_whole(x: Node, y: Node, P: Index) -> Node | None:
    """The sum, which fuses with its neighbours."""
    return x + y if is_full(P, shape_of(x)) else None


@rewrite(
    _is_write, "x[i].inc(0) -> x", ROUNDING, "-0 + 0 is +0",
    answers=("local_incsubtensor_of_zeros",),
    examples=lambda: [_slice_write("add", zeros((3,), "float64")),
                      again(_array_write("add", 1, 1), leaf(5, 2),
                            zeros((2, 2), "float64"), "add")],
)  # fmt: skip
def inc_by_zero(node: Node) -> Node | None:
    """The tensor that nothing was added to."""
    base, value = node.inputs[:2]
    if mode_of(node) != "add" or literal(value) != 0 or not is_in_range(node):
        return None
    return base


@rewrite(
    _is_write, "x[nothing].set(y) -> x, also of inc", BITWISE, tags="drops",
    answers=("local_useless_inc_subtensor",),
    examples=lambda: [set_slice(leaf(5), leaf(0, name="y"), ((2, 0, 1),))],
)  # fmt: skip
def write_nothing(node: Node) -> Node | None:
    """The tensor, when no place of it is named."""
    base, value = node.inputs[:2]
    return base if 0 in shape_of(value) and is_in_range(node) else None


def _own_parts() -> list[Node]:
    base, where = leaf(5, 4), Constant(np.array([3, 1, 3]))
    index: Index = ((1, 3, 1), 2)
    return [
        set_slice(base, slice_by(base, index), index),
        scatter(base, gather(base, [where], (1,)), [where], (1,)),
    ]


@rewrite(
    _is_write, "x[i].set(x[i]) -> x", BITWISE,
    operands=lambda ops: ops[1] is SLICE or ops[1] is GATHER,
    answers=("local_setsubtensor_of_constants",), examples=_own_parts,
)  # fmt: skip
def set_same(node: Node) -> Node | None:
    """The tensor that had these values already."""
    base, value = node.inputs[:2]
    if mode_of(node) != "set" or value.op not in (SLICE, GATHER):
        return None
    if value.inputs[0] is not base or not same_places(node, value):
        return None
    return base if is_in_range(node) else None


# ------------------------------------------------------------------- kinds of writes


def zero_based() -> list[Node]:
    """Examples: one part of zeros, and rows of zeros, written."""
    blank = zeros((5, 4), "float64")
    where = Constant(np.array([3, 1]))
    return [
        set_slice(blank, leaf(3, name="y"), ((1, 3, 1), 2), "add"),
        scatter(blank, leaf(2, 4, name="y"), [where], (0,), "add"),
    ]


@rewrite(
    _is_write, "zeros[i].inc(y) -> zeros[i].set(y)", ROUNDING, "0 + -0 is +0",
    operands=lambda ops: ops[0] in (BROADCAST_TO, CONSTANT),
    answers=("local_incsubtensor_of_zeros_to_setsubtensor",),
    decreases="increments", examples=zero_based,
)  # fmt: skip
def inc_of_zeros(node: Node) -> Node | None:
    """A write that reads nothing, where no place is written twice."""
    base, value = node.inputs[:2]
    if mode_of(node) != "add" or literal(base) != 0 or not is_once(node):
        return None
    return again(node, base, value, "set")


def _sums_of_own_parts() -> list[Node]:
    base, where = leaf(5, 4), Constant(np.array([3, 1]))
    index: Index = ((1, 3, 1), 2)
    part, rows = slice_by(base, index), gather(base, [where], (0,))
    return [
        set_slice(base, part + leaf(3, name="y"), index),
        set_slice(base, leaf(name="y") + part, index),
        set_slice(base, part - leaf(3, name="y"), index),
        scatter(base, rows + leaf(2, 4, name="y"), [where], (0,)),
    ]


@rewrite(
    _is_write, "x[i].set(x[i] + y) -> x[i].inc(y)", BITWISE,
    "the part is read once, and written in place",
    operands=lambda ops: ops[1] is add or ops[1] is sub,
    answers=("local_set_to_inc_subtensor",), decreases="slices and gathers",
    examples=_sums_of_own_parts,
)  # fmt: skip
def set_to_inc(node: Node) -> Node | None:
    """The increment; x - y is x + (-y) bit for bit."""
    base, value = node.inputs[:2]
    if mode_of(node) != "set" or value.op not in (add, sub) or not is_once(node):
        return None
    for part, rest in (value.inputs, value.inputs[::-1]):
        own = part.op in (SLICE, GATHER) and part.inputs[0] is base
        if own and same_places(node, part):
            return again(node, base, -rest if value.op is sub else rest, "add")
        if value.op is sub:
            break
    return None


# --------------------------------------------------------------------- writes of writes


def _twice(first: str, then: str) -> list[Node]:
    inner, rows = _slice_write(first), _array_write(first, 3, 1)
    return [
        again(inner, inner, leaf(3, name="z"), then),
        again(rows, rows, leaf(2, 2, name="z"), then),
    ]


@rewrite(
    _is_write, "x[i].set(y)[i].set(z) -> x[i].set(z), also of inc", BITWISE,
    operands=lambda ops: has_write(ops[:1]), tags="drops",
    answers=("local_write_of_write_same_indices",),
    examples=lambda: [*_twice("set", "set"), *_twice("add", "set")],
)  # fmt: skip
def set_of_write(node: Node) -> Node | None:
    """The last write alone."""
    inner = node.inputs[0]
    if mode_of(node) != "set" or inner.op not in WRITES or not same_places(node, inner):
        return None
    return again(node, inner.inputs[0], node.inputs[1], "set")


@rewrite(
    _is_write, "x[i].inc(y)[i].inc(z) -> x[i].inc(y + z), also of set", ROUNDING,
    "one pass over the part instead of two", operands=lambda ops: has_write(ops[:1]),
    answers=("local_write_of_write_same_indices",), decreases="writes",
    examples=lambda: [*_twice("add", "add"), *_twice("set", "add")],
)  # fmt: skip
def inc_of_write(node: Node) -> Node | None:
    """One write of the sum."""
    inner = node.inputs[0]
    if mode_of(node) != "add" or inner.op not in WRITES or not same_places(node, inner):
        return None
    if mode_of(inner) == "set" and not is_once(node):
        return None
    value = inner.inputs[1] + node.inputs[1]
    return again(node, inner.inputs[0], value, mode_of(inner))


def _read_again(mode: str) -> list[Node]:
    write = _array_write(mode, 3, 1)
    return [gather(write, indices_of(write), (0,))]


@rewrite(
    lambda op: op is GATHER, "x[v].set(y)[v] -> y", BITWISE,
    operands=lambda ops: ops[0] is SCATTER, tags="drops",
    answers=("local_adv_sub1_adv_inc_sub1", "local_read_of_write_same_indices"),
    examples=lambda: _read_again("set"),
)  # fmt: skip
def gather_of_set(node: Node) -> Node | None:
    """What was written, where no place is written twice."""
    inner = node.inputs[0]
    if inner.op is not SCATTER or mode_of(inner) != "set":
        return None
    if not (same_places(node, inner) and is_once(inner) and is_in_range(inner)):
        return None
    return inner.inputs[1]


@rewrite(
    lambda op: op is GATHER, "x[v].inc(y)[v] -> x[v] + y", BITWISE,
    operands=lambda ops: ops[0] is SCATTER, decreases="writes",
    answers=("local_adv_sub1_adv_inc_sub1", "local_read_of_write_same_indices"),
    examples=lambda: _read_again("add"),
)  # fmt: skip
def gather_of_inc(node: Node) -> Node | None:
    """What was there, and what was added, where no place is written twice."""
    inner = node.inputs[0]
    if inner.op is not SCATTER or mode_of(inner) != "add":
        return None
    if not (same_places(node, inner) and is_once(inner)):
        return None
    return gather(inner.inputs[0], indices_of(inner), node.params[0]) + inner.inputs[1]


WRITING = ruleset(
    "writing",
    [
        set_whole, inc_whole, inc_by_zero, write_nothing, set_same, inc_of_zeros,
        set_to_inc, set_of_write, inc_of_write, gather_of_set, gather_of_inc,
    ],
)  # fmt: skip
