"""Pivots: the diagonal of a matrix that is divided by, checked as LAPACK checks it.

A system with a diagonal matrix is a division; the matrix being singular stays an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core.node import Node, make
from symnb.core.op import Context, Op

Array = Any


def _pivots(d: Array, positive: bool) -> Array:
    if positive and not (d > 0).all():
        raise np.linalg.LinAlgError(
            "cholesky of a matrix that is not positive definite.\n"
            "Fix: add a small multiple of the identity to it."
        )
    if (d == 0).any():
        raise np.linalg.LinAlgError(
            "inv or solve of a singular matrix.\n"
            "Fix: check that no row depends on others; pinv has a value for every "
            "matrix."
        )
    return d


def _pass(node: Node, g: Node, context: Context | None) -> list[Node | None]:
    return [g]


PIVOTS = Op(
    name="pivots", params=("positive",), infer=lambda types, params: types[0],
    tags=frozenset({"lapack"}),
    numpy=_pivots, vjp=_pass, jvp=lambda node, tangents: tangents[0],
    doc="x; raises numpy.linalg.LinAlgError where an element is 0 (or not positive).",
)  # fmt: skip


def pivots(d: Node, positive: bool = False) -> Node:
    """d, none of whose elements is zero (or below): else numpy.linalg.LinAlgError."""
    return make(PIVOTS, (d,), (positive,))
