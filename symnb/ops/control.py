"""Choosing and watching: `ifelse`, `Print`, `Assert`, `CheckAndRaise`.

`ifelse` is an elementwise choice by a scalar: both sides are evaluated. Effects are
identities whose serial keeps them apart: never merged, never duplicated. They run by
their Python reference.
"""

from __future__ import annotations

import builtins
import itertools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from symnb import errors
from symnb.core.node import Constant, Node, make
from symnb.core.op import Context, Op, Params, Types
from symnb.core.types import Type
from symnb.errors import AssertionFailed, RankError
from symnb.ops import reduce
from symnb.ops.cast import cast
from symnb.ops.define import as_node, elementwise, promoted
from symnb.ops.logic import logical_not, not_equal

_serial = itertools.count()

# ----------------------------------------------------------------------- ifelse

IFELSE = elementwise(
    "ifelse", "condition x y", out="where", c="{condition} ? {x} : {y}",
    numpy=np.where, ulp=0, doc="x if the scalar condition holds, else y.",
    partial=lambda c, x, y, out: [None, c, logical_not(c)],
)  # fmt: skip


def ifelse(
    condition: Any, then_branch: Any, else_branch: Any, name: str | None = None
) -> Any:
    """`then_branch` if the scalar `condition` is true, else `else_branch`.

    Both are computed at every call, so that what fails in one fails, chosen or not: an
    index out of bounds, a singular matrix. Where that may happen, make the operand safe
    instead: `ifelse(n > 0, x[maximum(n, 1) - 1], 0.0)`.

    Each branch is a tensor or a list of tensors; the two sides have the same number
    of axes and the same sizes. Raises RankError.
    """
    chosen = _flag(condition)
    if isinstance(then_branch, list | tuple):
        if not isinstance(else_branch, list | tuple) or (
            len(then_branch) != len(else_branch)
        ):
            raise RankError("ifelse needs as many values on both sides.")
        pairs = zip(then_branch, else_branch, strict=True)
        return [_choose(chosen, x, y, name) for x, y in pairs]
    return _choose(chosen, then_branch, else_branch, name)


def _flag(condition: Any) -> Node:
    node = as_node(condition)
    if node.ndim:
        raise RankError(
            f"the condition of ifelse is a scalar, not {node.type}.\n"
            "Fix: use T.switch for an elementwise choice."
        )
    return node if node.dtype == "bool" else not_equal(node, 0)


def _choose(condition: Node, x: Any, y: Any, name: str | None) -> Node:
    then, other = promoted([x, y])
    if then.ndim != other.ndim:
        raise RankError(f"ifelse between {then.type} and {other.type}.")
    node = IFELSE(condition, then, other)
    node.name = name
    return node


# ---------------------------------------------------------------------- effects


def _same(types: Types, params: Params) -> Type:
    return types[0]


def _pass_gradient(node: Node, g: Node, context: Context | None) -> list[Node | None]:
    return [g, *[None] * (len(node.operands) - 1)]


def _pass_tangent(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    return tangents[0]


def _print(x: Any, message: str, attributes: tuple[str, ...], serial: int) -> Any:
    for attribute in attributes:
        shown = getattr(x, attribute)
        shown = shown() if callable(shown) else shown
        sys.stdout.write(f"{message} {attribute} = {shown}\n")
    return x


PRINT = Op(
    name="print", kind="effect", params=("message", "attributes", "serial"),
    infer=_same, numpy=_print, vjp=_pass_gradient, jvp=_pass_tangent,
    doc="x; when it is computed, a message and its value are printed.",
)  # fmt: skip


class Print:
    """`Print("h is")(h)` is h and prints it whenever it is computed.

    attrs  attributes or methods of the array to print, e.g. ("shape", "mean")
    """

    def __init__(
        self, message: str = "", attrs: Sequence[str] = ("__str__",),
        global_fn: None = None,
    ) -> None:  # fmt: skip
        if global_fn is not None:
            raise TypeError(
                "Print prints attributes; a compiled function keeps no Python function."
                '\nFix: name attributes, e.g. attrs=("shape", "max").'
            )
        self.message, self.attrs = message, tuple(attrs)

    def __call__(self, x: Any) -> Node:
        """x, printed whenever it is computed."""
        return make(PRINT, (as_node(x),), (self.message, self.attrs, next(_serial)))


def _assert(x: Any, *rest: Any) -> Any:
    *conditions, exception, text, _ = rest
    if not all(bool(c) for c in conditions):
        raise exception_class(exception)(text)
    return x


ASSERT = Op(
    name="assert", kind="effect", arity=None,
    params=("exception", "message", "serial"), infer=_same, numpy=_assert,
    vjp=_pass_gradient, jvp=_pass_tangent,
    doc="x; raises when one of the scalar conditions that follow it is false.",
)  # fmt: skip


def exception_class(name: str) -> type[Exception]:
    """The built-in or symnb exception of that name. Raises LookupError."""
    for place in (builtins, errors):
        found = getattr(place, name, None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
    raise LookupError(f"no exception {name}")


class CheckAndRaise:
    """`CheckAndRaise(ValueError, "text")(x, c)` is x, and raises unless c holds."""

    def __init__(self, exc_type: type[Exception], msg: str = "") -> None:
        name = getattr(exc_type, "__name__", "")
        try:
            known = exception_class(name)
        except LookupError:
            known = None
        if known is not exc_type:
            raise TypeError(
                f"{exc_type!r} is neither a built-in exception nor one of symnb's."
            )
        self.exception, self.message = name, str(msg)

    def __call__(self, x: Any, *conditions: Any) -> Node:
        """x, checked whenever it is computed.

        conditions  scalars, or tensors all of whose elements must be true
        """
        node = as_node(x)
        checks = [_holds(c) for c in conditions]
        open_checks = [c for c in checks if not _is_true(c)]
        if not open_checks:
            return node
        params = (self.exception, self.message, next(_serial))
        return make(ASSERT, (node, *open_checks), params)


def _holds(condition: Any) -> Node:
    """A condition as one bool."""
    node = as_node(condition)
    if isinstance(node, Constant):
        return Constant(np.bool_(node.value.all()))
    return reduce.all(node) if node.ndim else cast(node, "bool")


def _is_true(condition: Node) -> bool:
    return isinstance(condition, Constant) and bool(condition.value)


class Assert(CheckAndRaise):
    """`Assert("text")(x, c, ...)` is x, and raises AssertionError unless all hold."""

    def __init__(self, msg: str = "Assert failed.") -> None:
        super().__init__(AssertionFailed, msg)


def assert_op(x: Any, *conditions: Any) -> Node:
    """x, after the conditions have been found true."""
    return Assert()(x, *conditions)


assert_ = assert_op
