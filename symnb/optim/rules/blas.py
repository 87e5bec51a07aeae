"""Products: transposes, scalings and additions become part of one BLAS call.

Of floats only. A product is taken into a gemm when nothing else reads it. The
transposed operands of a gemm cost nothing, where `dot` would copy them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symnb.core import dtypes
from symnb.core.node import Input, Node
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops.define import as_node
from symnb.ops.dot import DOT, dot
from symnb.ops.elementwise import add, mul, neg, sub, true_div
from symnb.ops.gemm import GEMM, gemm
from symnb.ops.view import TRANSPOSE, broadcast_to, shape_of
from symnb.optim.contract import ROUNDING
from symnb.optim.driver import Uses
from symnb.optim.guard import literal
from symnb.optim.rule import rewrite, ruleset

Number = bool | int | float
SCALINGS = 4  # signs and factors looked through


def _matrix(n: int, m: int, name: str) -> Node:
    return Input(TensorType("float64", (n, m)), name)


def _vector(n: int) -> Node:
    return Input(TensorType("float64", (n,)), "v")


def _is_dot(node: Node) -> bool:
    return node.op is DOT and dtypes.is_float(node.dtype)


def _turned(node: Node) -> tuple[Node, bool]:
    """The matrix behind a transpose, and whether there was one."""
    if node.op is TRANSPOSE and node.ndim == 2:
        return node.inputs[0], True
    return node, False


def _number(value: Number, like: Node) -> Node:
    return as_node(value, like.dtype)


def _as_scalar(node: Node) -> Node | None:
    """`node` as a 0-d tensor, when it is one or the same everywhere."""
    if node.ndim == 0:
        return node
    value = literal(node)
    return None if value is None else _number(value, node)


# ------------------------------------------------------------------------ vectors first


@rewrite(
    lambda op: op is DOT, "dot(v, a.T) -> dot(a, v), dot(a.T, v) -> dot(v, a)",
    ROUNDING, "a vector needs no transposed matrix",
    operands=lambda ops: TRANSPOSE in ops, answers=("local_gemm_to_gemv",),
    examples=lambda: [dot(_matrix(3, 4, "a").T, _vector(3)),
                      dot(_vector(4), _matrix(3, 4, "a").T)],
)  # fmt: skip
def dot_transposed_vector(node: Node) -> Node | None:
    """The product from the other side."""
    a, b = node.inputs
    if {a.ndim, b.ndim} != {1, 2}:
        return None
    (left, left_turned), (right, right_turned) = _turned(a), _turned(b)
    if not left_turned and not right_turned:
        return None
    return dot(b, left) if left_turned else dot(right, a)


def _gemm_alone(a: Node, b: Node) -> Node:
    """op(a) @ op(b), transposes taken in, added to nothing."""
    (left, turn_a), (right, turn_b) = _turned(a), _turned(b)
    shape = (shape_of(a)[0], shape_of(b)[1])
    nothing = broadcast_to(_number(0, a), shape)
    one, zero = _number(1, a), _number(0, a)
    return gemm(nothing, left, right, one, zero, turn_a, turn_b)


@rewrite(
    lambda op: op is DOT, "dot(a.T, b.T) -> gemm(a, b, transposed)", ROUNDING,
    "BLAS reads a transposed matrix without a copy",
    operands=lambda ops: TRANSPOSE in ops, decreases="transposes",
    answers=("local_dot_to_dot22",),
    examples=lambda: [dot(_matrix(4, 3, "a").T, _matrix(4, 5, "b")),
                      dot(_matrix(3, 4, "a"), _matrix(5, 4, "b").T)],
)  # fmt: skip
def dot_transposed(node: Node) -> Node | None:
    """One product that reads its operands transposed."""
    a, b = node.inputs
    if a.ndim != 2 or b.ndim != 2 or not _is_dot(node):
        return None
    return _gemm_alone(a, b) if _turned(a)[1] or _turned(b)[1] else None


@rewrite(
    lambda op: op is TRANSPOSE, "dot(a, b).T -> gemm(b, a, transposed)", ROUNDING,
    "(AB)^T = B^T A^T, read without a copy", operands=lambda ops: ops[0] is DOT,
    decreases="transposes", answers=("local_lift_transpose_through_dot",),
    examples=lambda: [dot(_matrix(3, 4, "a"), _matrix(4, 5, "b")).T],
)  # fmt: skip
def transposed_dot(node: Node, uses: Uses) -> Node | None:
    """The product of the transposes in the other order."""
    inner = node.inputs[0]
    if uses(inner) > 1 or node.ndim != 2 or not _is_dot(inner):
        return None
    a, b = inner.inputs
    (right, a_was), (left, b_was) = _turned(a), _turned(b)
    nothing = broadcast_to(_number(0, a), shape_of(node))
    one, zero = _number(1, a), _number(0, a)
    return gemm(nothing, left, right, one, zero, not b_was, not a_was)


# --------------------------------------------------------------------------- with alpha


@dataclass(frozen=True)
class Product:
    """alpha * op(a) @ op(b)."""

    a: Node
    b: Node
    turn_a: bool
    turn_b: bool
    alpha: Node

    def times(self, scale: Node) -> Product:
        """The product scaled by a scalar."""
        return replace(self, alpha=self.alpha * scale)


def _product(node: Node) -> Product | None:
    """A plain product of matrices, written as dot or as gemm added to nothing."""
    if node.op is GEMM and literal(node.inputs[4]) == 0 and node.ndim == 2:
        _, a, b, alpha, _ = node.inputs
        turn_a, turn_b = node.params
        return Product(a, b, turn_a, turn_b, alpha)
    if not _is_dot(node) or node.ndim != 2:
        return None
    (a, turn_a), (b, turn_b) = map(_turned, node.inputs)
    return Product(a, b, turn_a, turn_b, _number(1, a))


def _scaled(node: Node, uses: Uses) -> Product | None:
    """A product behind signs and scalar factors, each read once."""
    steps: list[Node] = []
    while not (node.op is DOT or node.op is GEMM):
        if node.op not in _SCALING or len(steps) == SCALINGS or uses(node) > 1:
            return None
        step = _factor(node)
        if step is None:
            return None
        node = step[0]
        steps.append(step[1])
    found = _product(node) if uses(node) == 1 else None
    for scale in steps if found is not None else ():
        found = found.times(scale)  # pyright: ignore[reportOptionalMemberAccess]
    return found


_SCALING = frozenset({neg, mul, true_div})


def _factor(node: Node) -> tuple[Node, Node] | None:
    """(rest, scalar) of a negation, or a product or quotient by a scalar."""
    if node.op is neg:
        return node.inputs[0], _number(-1, node)
    if node.op is mul:
        for rest, factor in (node.inputs, node.inputs[::-1]):
            scale = _as_scalar(factor)
            if scale is not None and shape_of(rest) == shape_of(node):
                return rest, scale
    if node.op is true_div:
        rest, divisor = node.inputs
        scale = _as_scalar(divisor)
        if scale is not None and shape_of(rest) == shape_of(node):
            return rest, 1 / scale
    return None


def _sum_examples() -> list[Node]:
    a, b, c = _matrix(3, 4, "a"), _matrix(4, 5, "b"), _matrix(3, 5, "c")
    s = Input(TensorType("float64", ()), "s")
    return [
        c + dot(a, b), c - s * dot(a, b), dot(a, b) * 2 + c * s, dot(a, b) - c,
        c - 0.1 * dot(_matrix(4, 3, "t").T, b),
    ]  # fmt: skip


def _is_sum(op: Op) -> bool:
    return op is add or op is sub


@rewrite(
    _is_sum, "beta * c + alpha * dot(a, b) -> gemm(c, a, b, alpha, beta)", ROUNDING,
    "one pass over c instead of two", examples=_sum_examples, decreases="passes",
    answers=("gemm_optimizer", "local_dot22_to_dot22scalar"),
)  # fmt: skip
def gemm_of_sum(node: Node, uses: Uses) -> Node | None:
    """One product that adds to a matrix of its own shape."""
    if node.ndim != 2 or not dtypes.is_float(node.dtype):
        return None
    x, y = node.inputs
    for product, rest, first in ((y, x, False), (x, y, True)):
        if not shape_of(product) == shape_of(rest) == shape_of(node):
            continue  # one of them is broadcast
        found = _scaled(product, uses)
        if found is None:
            continue
        one, second = _number(1, node), _number(-1 if node.op is sub else 1, node)
        sign, sign_c = (one, second) if first else (second, one)
        return _added(found.times(sign), rest, sign_c)
    return None


def _added(product: Product, rest: Node, beta: Node) -> Node:
    step = _factor(rest)
    if step is not None:
        rest, beta = step[0], beta * step[1]
    p = product
    return gemm(rest, p.a, p.b, p.alpha, beta, p.turn_a, p.turn_b)


BLAS = ruleset(
    "blas", [gemm_of_sum, transposed_dot, dot_transposed_vector, dot_transposed],
    "one_sweep",
)  # fmt: skip
