"""A piece of work in the form one system does it: a call, and what it computed.

Pieces are built in the worker of their system (bench/worker.py) and never leave it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]


def as_arrays(result: Any) -> list[Array]:
    """A result, or a list or tuple of results, as NumPy arrays."""
    if isinstance(result, list | tuple):
        return [np.asarray(x) for x in result]
    return [np.asarray(result)]


@dataclass(frozen=True)
class Piece:
    """One row's work as one system does it.

    call    does it once and has finished when it returns
    arguments  of every call
    values  what a call's result says, in the order of the workload's exact values
    form    how it differs from the plainest form: "out=", "parallel"
    before  makes a call's argument anew, untimed
    facts   numbers to keep with the measurement
    """

    call: Callable[..., Any]
    values: Callable[[Any], Sequence[Array]] = as_arrays
    form: str = ""
    arguments: tuple[Any, ...] = ()
    before: Callable[[], Any] | None = None
    facts: Mapping[str, float] = field(default_factory=dict)

    def run(self) -> Any:
        """One call."""
        if self.before is not None:
            return self.call(self.before())
        return self.call(*self.arguments)


Build = Callable[[Arrays], Piece]


class Rows(dict[str, Build]):
    """The rows a system has a form for, by name."""

    def row(self, *names: str) -> Callable[[Build], Build]:
        """Declare what builds the rows of these names."""

        def keep(build: Build) -> Build:
            for name in names:
                self[name] = build
            return build

        return keep


class NotYet(Exception):
    """The system cannot do this row; the message says why."""
