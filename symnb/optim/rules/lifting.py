"""Indices moved below what computes: only the elements that are read are computed.

    f(x, y)[i] -> f(x[i], y[i])      sum(x, 1)[i] -> sum(x[i], 0)
    dot(a, b)[i, j] -> dot(a[i], b[:, j])

A value that somebody else reads is computed anyway and keeps its index. The pass looks
at graphs that slice something; it repeats, because two readers of one value may become
one when their slices meet (softmax(x)[i] takes three rounds).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from symnb.core.graph import Graph
from symnb.core.node import Node, make
from symnb.core.op import Op
from symnb.ops.cumulative import CUMPROD, CUMSUM, Cumulative, cumsum
from symnb.ops.dot import BATCHED_DOT, DOT, batched_dot, dot
from symnb.ops.elementwise import exp, sqrt, where
from symnb.ops.join import JOIN, concatenate
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
from symnb.ops.slicing import SLICE, Entry, Index, slice_by
from symnb.ops.view import shape_of, squeeze
from symnb.optim.contract import BITWISE, ROUNDING
from symnb.optim.driver import Uses
from symnb.optim.passes import Compile, Pass, apply, replay_sweep
from symnb.optim.rule import Rule, Ruleset, rewrite, ruleset
from symnb.optim.rules.indexing import INDEXING, picked
from symnb.optim.rules.joins import JOINS
from symnb.optim.rules.spans import aligned, leaf

ROUNDS = 8  # of the pass; each looks through one more value with two readers
ROUNDED = (SUM, PROD)
EXACT = (MAX, MIN, ALL, ANY_TRUE, ARGMAX, ARGMIN)


def _is_slice(op: Op) -> bool:
    return op is SLICE


def _is_exact(op: Op) -> bool:
    """Whether an elementwise op has one result, however it is computed."""
    return op.kind == "elementwise" and getattr(op, "ulp", 0.0) <= 0.5


def _is_inexact(op: Op) -> bool:
    return op.kind == "elementwise" and not _is_exact(op)


@rewrite(
    _is_slice, "f(x, y)[i] -> f(x[i], y[i])", BITWISE,
    "only what is read is computed", operands=lambda ops: _is_exact(ops[0]),
    decreases="indexed",
    answers=("local_subtensor_lift", "local_subtensor_of_batch_dims"),
    examples=lambda: [(leaf(5, 4) * leaf(4, name="y"))[1:3, 2], sqrt(leaf(6))[::-2],
                      where(leaf(3, 1, name="c") > 0, leaf(4), 2.0)[0, 1:],
                      leaf(5).astype("float32")[3]],
)  # fmt: skip
def lift_elementwise(node: Node, uses: Uses) -> Node | None:
    """The op on the parts of its operands."""
    return _lifted_elementwise(node, uses) if _is_exact(node.inputs[0].op) else None


@rewrite(
    _is_slice, "exp(x)[i] -> exp(x[i]), and its like", ROUNDING,
    "only what is read is computed; libraries round by the place in a vector",
    operands=lambda ops: _is_inexact(ops[0]), decreases="indexed",
    answers=("local_subtensor_lift",), examples=lambda: [exp(leaf(6))[::-2]],
)  # fmt: skip
def lift_function(node: Node, uses: Uses) -> Node | None:
    """The function of the part."""
    return _lifted_elementwise(node, uses) if _is_inexact(node.inputs[0].op) else None


def _lifted_elementwise(node: Node, uses: Uses) -> Node | None:
    inner = node.inputs[0]
    if uses(inner) > 1:
        return None
    parts: list[Node] = []
    for x in inner.operands:
        index = aligned(node.params[0], shape_of(x), shape_of(inner))
        if index is None:
            return None
        parts.append(slice_by(x, index) if x.ndim else x)
    return make(inner.op, tuple(parts), inner.params)


# --------------------------------------------------------------------------- reductions


def _lifted_reduction(node: Node) -> Node | None:
    """The reduction of the part, over the same axes in their new places."""
    inner, index = node.inputs[0], node.params[0]
    axes, keepdims = inner.params
    source = inner.inputs[0]
    outer = iter(index)
    below: list[Any] = []
    dropped: list[int] = []
    places: list[int] = []
    for axis, length in enumerate(shape_of(source)):
        if axis not in axes:
            below.append(next(outer))
            continue
        entry = next(outer) if keepdims else 0
        if entry not in (0, (0, 1, 1)):
            return None
        place = sum(isinstance(one, tuple) for one in below)
        places.append(place)
        if keepdims and entry == 0:
            dropped.append(place)
        below.append((0, length, 1))
    part = slice_by(source, tuple(below))
    made = make(inner.op, (part,), (tuple(places), keepdims))
    return squeeze(made, tuple(dropped)) if dropped else made


def _reduction(name: str, ops: tuple[Op, ...], exact: bool) -> Rule:
    @rewrite(
        _is_slice, f"{'sum' if not exact else 'max'}(x, 1)[i] -> "
        f"{'sum' if not exact else 'max'}(x[i], 0), and its like",
        BITWISE if exact else ROUNDING, "the part is all there is to reduce",
        operands=lambda found: found[0] in ops, decreases="indexed",
        answers=("local_subtensor_of_reduce",),
        examples=lambda: [
            example
            for op in ops
            for example in (
                reduced(op, _typed(op), 1, False)[2],
                reduced(op, _typed(op), (0, 2), True)[0, 1:, 0],
            )
        ],
    )  # fmt: skip
    def lift(node: Node, uses: Uses) -> Node | None:
        """The reduction of the part."""
        inner = node.inputs[0]
        if inner.op not in ops or uses(inner) > 1:
            return None
        return _lifted_reduction(node)

    lift.name = name
    return lift


def _typed(op: Op) -> Node:
    return leaf(3, 2, 4, dtype="bool" if op in (ALL, ANY_TRUE) else "float64")


# ----------------------------------------------------------------------------- products


def _shrinks(index: Index, lengths: Sequence[Any]) -> bool:
    """Whether a part is so small that copying it is less than computing the rest."""
    for entry, length in zip(index, lengths, strict=True):
        if not isinstance(entry, tuple):
            return True
        sizes = (entry[1], length)
        if all(isinstance(n, int) for n in sizes) and 2 * entry[1] <= length:
            return True
    return False


@rewrite(
    _is_slice, "dot(a, b)[i, j] -> dot(a[i], b[:, j])", ROUNDING,
    "rows and columns that nobody reads are not computed",
    operands=lambda ops: ops[0] is DOT, decreases="indexed",
    answers=("local_subtensor_of_dot",),
    examples=lambda: [dot(leaf(4, 3), leaf(3, 5))[1, 2], dot(leaf(4, 3), leaf(3))[1:3],
                      dot(leaf(3), leaf(3, 6))[::3],
                      dot(leaf(4, 3), leaf(3, 5))[1:3, ::-1]],
)  # fmt: skip
def lift_dot(node: Node, uses: Uses) -> Node | None:
    """The product of the rows and columns that are read."""
    inner, index = node.inputs[0], node.params[0]
    if inner.op is not DOT or uses(inner) > 1 or not _shrinks(index, shape_of(inner)):
        return None
    a, b = inner.operands
    whole = (0, shape_of(a)[-1], 1)
    rows, columns = index[: a.ndim - 1], index[a.ndim - 1 :]
    left = slice_by(a, (*rows, whole))
    return dot(left, slice_by(b, ((0, shape_of(b)[0], 1), *columns)))


@rewrite(
    _is_slice, "batched_dot(a, b)[i] -> dot(a[i], b[i])", ROUNDING,
    "products that nobody reads are not computed",
    operands=lambda ops: ops[0] is BATCHED_DOT, decreases="indexed",
    answers=("local_subtensor_of_dot", "local_subtensor_of_batch_dims"),
    examples=lambda: [batched_dot(leaf(4, 2, 3), leaf(4, 3, 5))[1],
                      batched_dot(leaf(4, 2, 3), leaf(4, 3, 5))[2, 1, 1:],
                      batched_dot(leaf(4, 2, 3), leaf(4, 3, 5))[:2, :, 4]],
)  # fmt: skip
def lift_batched(node: Node, uses: Uses) -> Node | None:
    """The product of the matrices that are read."""
    inner, index = node.inputs[0], node.params[0]
    if inner.op is not BATCHED_DOT or uses(inner) > 1:
        return None
    if not _shrinks(index, shape_of(inner)):
        return None
    a, b = inner.operands
    batch, row, column = cast(tuple[Any, Any, Any], index)
    if not isinstance(batch, tuple):
        left = slice_by(a, (batch, row, (0, shape_of(a)[2], 1)))
        return dot(left, slice_by(b, (batch, (0, shape_of(b)[1], 1), column)))
    batch = cast(Any, batch)
    left = slice_by(a, (batch, _spanned(row), (0, shape_of(a)[2], 1)))
    right = slice_by(b, (batch, (0, shape_of(b)[1], 1), _spanned(column)))
    single = [axis for axis, e in ((1, row), (2, column)) if not isinstance(e, tuple)]
    made = make(BATCHED_DOT, (left, right))
    return squeeze(made, tuple(single)) if single else made


def _spanned(entry: Entry) -> Entry:
    return entry if isinstance(entry, tuple) else (entry, 1, 1)


# ------------------------------------------------------------------ joins, running sums


@rewrite(
    _is_slice, "join(x, y)[k] -> join(x[k], y[k])", BITWISE,
    "less is copied", operands=lambda ops: ops[0] is JOIN, decreases="indexed",
    answers=("local_subtensor_of_join", "local_subtensor_make_vector"), tags="drops",
    examples=lambda: [concatenate([leaf(3, 2), leaf(3, 4, name="y")], 1)[1],
                      concatenate([leaf(3), leaf(2), leaf(4)])[1:4]],
)  # fmt: skip
def lift_join(node: Node, uses: Uses) -> Node | None:
    """The join of the parts that are read."""
    inner, index = node.inputs[0], node.params[0]
    if inner.op is not JOIN or uses(inner) > 1:
        return None
    [along] = inner.params
    parts = picked(node)
    if not parts or not isinstance(index[along], tuple):
        return None
    place = sum(isinstance(entry, tuple) for entry in index[:along])
    return make(JOIN, tuple(parts), (place,))


@rewrite(
    _is_slice, "cumsum(x, 1)[i, :n] -> cumsum(x[i, :n], 0), also of cumprod", BITWISE,
    "lines that nobody reads are not computed",
    operands=lambda ops: isinstance(ops[0], Cumulative), decreases="indexed",
    answers=("local_subtensor_of_batch_dims",),
    examples=lambda: [cumsum(leaf(3, 4), 1)[2], cumsum(leaf(3, 4), 0)[:2, 1:],
                      make(CUMPROD, (leaf(3, 4),), (1,))[1:, :2]],
)  # fmt: skip
def lift_cumulative(node: Node, uses: Uses) -> Node | None:
    """The running sum of the lines, up to the last element, that are read."""
    inner, index = node.inputs[0], node.params[0]
    if inner.op not in (CUMSUM, CUMPROD) or uses(inner) > 1:
        return None
    [axis] = inner.params
    entry = index[axis]
    if not isinstance(entry, tuple) or (entry[0], entry[2]) != (0, 1):
        return None
    place = sum(isinstance(one, tuple) for one in index[:axis])
    return make(inner.op, (slice_by(inner.inputs[0], index),), (place,))


LIFTS = ruleset(
    "lifts",
    [
        lift_elementwise, lift_function, _reduction("lift_sum", ROUNDED, False),
        _reduction("lift_extreme", EXACT, True), lift_dot, lift_batched, lift_join,
        lift_cumulative,
    ],
)  # fmt: skip


# ----------------------------------------------------------------------------- the pass


def lifting(rules: Ruleset = LIFTS + INDEXING + JOINS) -> Pass:
    """The pass that moves indices down, round after round until none moves."""
    sweep = apply(rules, "lift")

    def run(graph: Graph, compile: Compile) -> Graph:
        for _ in range(ROUNDS):
            if not any(node.op is SLICE for node in graph.order):
                break
            before, graph = graph, sweep.run(graph, compile)
            if graph is before:
                break
        return graph

    return Pass(
        "lift", run, sweep.contract, rules=rules, rebuild=lifting,
        replay=lambda record, k: replay_sweep(record, k, False),
    )  # fmt: skip
