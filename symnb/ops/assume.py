"""`assume`: what the user knows of a matrix and no rule could prove.

An identity: compiled code has nothing of it. Where a graph is run by its references
(`f.check`, test values, `evaluate`) the matrix is looked at, and a property that it
has not is an AssertionFailed with the size of the gap. Cost of a look: O(n^2), for
positive definite and orthogonal matrices O(n^3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symnb.core.node import Node, make
from symnb.core.op import Context, Op, Params, Types
from symnb.core.types import Type
from symnb.errors import AssertionFailed
from symnb.ops.triangular import float_matrix, infer_square

Array = Any
SLACK = 64.0  # units of n eps, relative to the largest element, that are rounding


def _turned(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


def _symmetric(x: Array) -> Array:
    return x - _turned(x)


def _above(x: Array) -> Array:
    return np.triu(x, 1)


def _below(x: Array) -> Array:
    return np.tril(x, -1)


def _off_diagonal(x: Array) -> Array:
    return x * (1 - np.eye(x.shape[-1]))


def _orthogonal(x: Array) -> Array:
    return _turned(x) @ x - np.eye(x.shape[-1])


def _not_positive(x: Array) -> Array:
    """What is missing: asymmetry, and how far eigenvalues lie below zero."""
    lowest = np.linalg.eigvalsh(x.astype(np.float64))[..., :1]
    return np.concatenate(
        [np.abs(_symmetric(x)).max(-1), np.maximum(-lowest, 0)], axis=-1
    )


# property -> what is zero where the matrix has it
GAPS: dict[str, Callable[[Array], Array]] = {
    "symmetric": _symmetric,
    "positive_definite": _not_positive,
    "lower_triangular": _above,
    "upper_triangular": _below,
    "diagonal": _off_diagonal,
    "orthogonal": _orthogonal,
}


def _look(x: Array, properties: tuple[str, ...], dtype: str) -> Array:
    """x, after its properties have been found true; NaN and inf say nothing.

    dtype  of the matrix in the graph: a run in more digits gets the same inputs,
           which were rounded in this one
    """
    known = x.dtype.kind == "f" and x.size and np.isfinite(x).all()
    for name in properties if known else ():
        gap = float(np.abs(GAPS[name](x)).max())
        scale = 1.0 if name == "orthogonal" else float(np.abs(x).max())
        if gap > SLACK * x.shape[-1] * float(np.finfo(dtype).eps) * scale:
            raise AssertionFailed(
                f"a matrix assumed {name} is not: it is off by {gap:.3g}, where its "
                f"largest element is {float(np.abs(x).max()):.3g}.\n"
                "Fix: make the matrix so, or leave the assumption out."
            )
    return x


def _pass(node: Node, g: Node, context: Context | None) -> list[Node | None]:
    return [g]


def _infer(types: Types, params: Params) -> Type:
    return infer_square("assume", types[0])


ASSUME = Op(
    name="assume", kind="identity", params=("properties", "dtype"), infer=_infer,
    numpy=_look, vjp=_pass, jvp=lambda node, tangents: tangents[0],
    tags=frozenset({"identity"}), doc="x, of which the user knows something.",
)  # fmt: skip


def assume(x: Any, *properties: str) -> Node:
    """x, a (..., n, n) that the optimiser takes to have these properties.

    properties  symmetric | positive_definite | lower_triangular | upper_triangular |
                diagonal | orthogonal

    Not checked by compiled code: what a rule made of a wrong assumption is wrong, or
    an error. `f.check(inputs)` looks, and raises AssertionFailed.
    """
    for name in properties:
        if name not in GAPS:
            raise ValueError(f"a matrix is {', '.join(GAPS)}, not {name!r}.")
    if not properties:
        raise ValueError(f"assume what?\nFix: name one of {', '.join(GAPS)}.")
    node = float_matrix(x, "assume")
    return make(ASSUME, (node,), (tuple(sorted(set(properties))), node.dtype))
