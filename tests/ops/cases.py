"""Samples for the suite of every op.

Elementwise ops need nothing: their declarations say where to sample. Every other op
brings cases, written beside its tests: a file `tests/ops/cases_*.py` that calls

    case("reshape", lambda x: reshape(x, (3, 4)), lambda x: x.reshape(3, 4), array)

The suite evaluates `build`, compares it with `reference` (None: the op is random or
has no NumPy twin), and checks vjp and jvp at the arrays unless `smooth` is False.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnb.core.node import Node

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """One way to use an op: `build` makes the node, `reference` its value."""

    build: Callable[..., Node]
    reference: Callable[..., Any] | None
    arrays: tuple[Array, ...]
    smooth: bool


CASES: dict[str, list[Case]] = {}


def case(
    op: str,
    build: Callable[..., Node],
    reference: Callable[..., Any] | None,
    *arrays: Any,
    smooth: bool = True,
) -> None:
    """Register a case of the op of that name."""
    made = Case(build, reference, tuple(np.asarray(a) for a in arrays), smooth)
    CASES.setdefault(op, []).append(made)
