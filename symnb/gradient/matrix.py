"""Jacobians and Hessians.

All rows of a Jacobian are taken at once: the vector-Jacobian product is built for one
vector and vectorised over the rows of an identity. A Hessian is the Jacobian of a
gradient; a Hessian-vector product is forward mode over reverse mode and never forms
the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnb.core.node import Input, Node
from symnb.errors import GradientError
from symnb.gradient.forward import Rop
from symnb.gradient.reverse import Lop, Wrt, grad
from symnb.gradient.vectorize import vectorize
from symnb.ops.create import eye
from symnb.ops.define import as_node
from symnb.ops.view import reshape


def jacobian(
    expression: Node,
    wrt: Wrt,
    consider_constant: Sequence[Node] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """d expression / d wrt.

    expression  tensor (a..), of any rank
    ->          per wrt (b..) a tensor (a.., b..)

    Raises DisconnectedInputError, NoGradientError.
    """
    if not isinstance(expression, Node):
        raise GradientError("jacobian needs a tensor expression.")
    if not expression.ndim:
        return grad(expression, wrt, consider_constant, disconnected_inputs)
    targets = [wrt] if isinstance(wrt, Node) else list(wrt)
    seed = Input(expression.type, "seed")  # pyright: ignore[reportArgumentType]
    rows = Lop(expression, targets, seed, consider_constant, disconnected_inputs)
    total = expression.size
    one = reshape(eye(total, dtype=expression.dtype), (total, *expression.shape))
    batched = vectorize(rows, {seed: one})
    results = [
        reshape(rows_of, (*expression.shape, *x.shape))
        for rows_of, x in zip(batched, targets, strict=True)
    ]
    if isinstance(wrt, Node):
        return results[0]
    return tuple(results) if isinstance(wrt, tuple) else results


def hessian(
    cost: Node,
    wrt: Wrt,
    consider_constant: Sequence[Node] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The second derivatives of a scalar: per wrt (b..) a tensor (b.., b..)."""
    targets = [wrt] if isinstance(wrt, Node) else list(wrt)
    results: list[Node] = []
    for x in targets:
        slope = grad(cost, x, consider_constant, disconnected_inputs)
        results.append(jacobian(slope, x, consider_constant, "ignore"))
    if isinstance(wrt, Node):
        return results[0]
    return tuple(results) if isinstance(wrt, tuple) else results


def hessian_vector_product(cost: Node, wrt: Wrt, p: Any) -> Any:
    """H p without forming H: the derivative of the gradient along p.

    p  like wrt, a tensor or a list of tensors, each with the shape of its wrt
    """
    targets = [wrt] if isinstance(wrt, Node) else list(wrt)
    points = [as_node(v) for v in (p if isinstance(p, list | tuple) else [p])]
    slopes = grad(cost, targets)
    results = Rop(slopes, targets, points, disconnected_outputs="ignore")
    return results[0] if isinstance(wrt, Node) else results
