"""Identities that steer derivatives: the value passes, the gradient does not.

All are elementwise ops whose C text is the operand itself; rules remove them once
differentiation is over, so they cost nothing in a kernel.
"""

from __future__ import annotations

import itertools
from typing import Any

from symnb.core.node import Node, make
from symnb.core.op import Context, Op, Params, Types
from symnb.core.types import Type
from symnb.ops.define import as_node, elementwise


def _same(types: Types, params: Params) -> Type:
    return types[0]


CONSTANT_FOR_GRAD = elementwise(
    "consider_constant", "x", c="{x}", numpy=lambda x: x, ulp=0,
    no_gradient="declared constant: nothing flows through it",
    tags=frozenset({"disconnects", "identity"}),
    doc="x, held constant by `grad` (as if it were not connected).",
)  # fmt: skip

ZERO_GRAD = elementwise(
    "zero_grad", "x", c="{x}", numpy=lambda x: x, ulp=0,
    no_gradient="declared zero", tags=frozenset({"identity"}),
    doc="x with a gradient of zero (connected).",
)  # fmt: skip


def _clip_vjp(node: Node, g: Node, context: Context | None) -> list[Node]:
    low, high = node.params
    return [g.clip(low, high)]


def _scale_vjp(node: Node, g: Node, context: Context | None) -> list[Node]:
    return [g * node.params[0]]


def _pass_tangent(node: Node, tangents: Any) -> Node | None:
    return tangents[0]


GRAD_CLIP = Op(
    name="grad_clip", kind="identity", params=("low", "high"), infer=_same,
    numpy=lambda x, low, high: x, vjp=_clip_vjp, jvp=_pass_tangent,
    tags=frozenset({"identity"}), doc="x; its gradient is clipped to [low, high].",
)  # fmt: skip

GRAD_SCALE = Op(
    name="grad_scale", kind="identity", params=("factor",), infer=_same,
    numpy=lambda x, factor: x, vjp=_scale_vjp,
    jvp=lambda node, tangents: (
        None if tangents[0] is None else tangents[0] * node.params[0]
    ),
    tags=frozenset({"identity"}), doc="x; its gradient is multiplied by a number.",
)  # fmt: skip

PROTECT = Op(
    name="protect", kind="effect", params=("serial",), infer=_same,
    numpy=lambda x, serial: x, vjp=lambda node, g, context: [g],
    jvp=_pass_tangent,
    doc="x, kept as it is while a graph is stabilised before differentiation.",
)  # fmt: skip

_serial = itertools.count()


def consider_constant(x: Any) -> Node:
    """x, treated as a constant by `grad`."""
    return CONSTANT_FOR_GRAD(x)


disconnected_grad = consider_constant


def zero_grad(x: Any) -> Node:
    """x, with a gradient of zero."""
    return ZERO_GRAD(x)


def grad_clip(x: Any, lower_bound: float, upper_bound: float) -> Node:
    """x, whose gradient is clipped to [lower_bound, upper_bound]."""
    return make(GRAD_CLIP, (as_node(x),), (float(lower_bound), float(upper_bound)))


def grad_scale(x: Any, multiplier: float) -> Node:
    """x, whose gradient is multiplied by `multiplier`."""
    return make(GRAD_SCALE, (as_node(x),), (float(multiplier),))


def protect(x: Node) -> Node:
    """A node equal to x that no rule looks through."""
    return make(PROTECT, (x,), (next(_serial),))
