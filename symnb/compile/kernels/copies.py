"""Copies that a shared storage makes needless.

A kernel that writes parts of a tensor begins with a copy of the whole. Where the result
takes the place of what is copied, the loops of that copy do nothing and are left out:
an increment of three rows then costs three rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from symnb.compile.kernels.kernel import (
    Element,
    Kernel,
    Loop,
    Parallel,
    Statement,
    Write,
)
from symnb.core.node import Node


def without_copies(kernel: Kernel, pairs: Collection[tuple[Node, Node]]) -> Kernel:
    """The kernel for `pairs` (output, input) that share storage."""
    name = {(b.node, b.role): b.name for b in kernel.buffers}
    same = {(name[out, "out"], name[source, "in"]) for out, source in pairs}
    if not same:
        return kernel
    return replace(kernel, body=tuple(_kept(kernel.body, same)))


def _kept(body: Sequence[Statement], same: set[tuple[str, str]]) -> list[Statement]:
    """The statements that do something; a loop left without a body does not."""
    found: list[Statement] = []
    for statement in body:
        if isinstance(statement, Loop | Parallel):
            inner = _kept(statement.body, same)
            if len(inner) == len(statement.body) and all(
                a is b for a, b in zip(inner, statement.body, strict=True)
            ):
                found.append(statement)
            elif inner:
                found.append(replace(statement, body=tuple(inner)))
        elif not _is_copy(statement, same):
            found.append(statement)
    return found


def _is_copy(statement: Statement, same: set[tuple[str, str]]) -> bool:
    """Whether an element is written to where it is."""
    return (
        isinstance(statement, Write)
        and statement.mode == "set"
        and isinstance(statement.value, Element)
        and (statement.target.array, statement.value.array) in same
        and statement.target.offset == statement.value.offset
    )
