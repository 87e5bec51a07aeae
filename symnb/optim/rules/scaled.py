"""A product and its scalar factor: one call of BLAS, no pass over the result.

Runs beside the rules of BLAS. Where the scaled product is read element by element
nothing is won and nothing lost: there the factor would have joined a kernel.
"""

from __future__ import annotations

from symnb.core import dtypes
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.define import as_node
from symnb.ops.dot import DOT, dot
from symnb.ops.elementwise import mul, neg, true_div
from symnb.ops.gemm import GEMM, gemm
from symnb.ops.view import TRANSPOSE, broadcast_to, shape_of
from symnb.optim.contract import FINITE_ONLY
from symnb.optim.driver import Uses
from symnb.optim.guard import literal
from symnb.optim.rule import rewrite, ruleset

PRODUCTS = frozenset({DOT, GEMM})
SCALING = frozenset({mul, neg, true_div})


def _examples() -> list[Node]:
    a, b, s = (
        Input(TensorType("float64", shape), name)
        for name, shape in (("a", (3, 4)), ("b", (4, 5)), ("s", ()))
    )
    c = Input(TensorType("float64", (5, 4)), "c")
    return [s * dot(a, b), dot(a, b) / s, -dot(a, b), dot(a, b) * 0.5, dot(a, c.T) * s]


@rewrite(
    lambda op: op in SCALING, "s * dot(a, b) -> gemm(a, b, s)", FINITE_ONLY,
    "no pass over the result; for a factor of 0 BLAS does not look for NaN",
    operands=lambda ops: not PRODUCTS.isdisjoint(ops), decreases="passes",
    answers=("local_dot22_to_dot22scalar",), examples=_examples,
)  # fmt: skip
def scaled_product(node: Node, uses: Uses) -> Node | None:
    """The product with the factor as BLAS's alpha."""
    found = _factor(node)
    if found is None or node.ndim != 2 or not dtypes.is_float(node.dtype):
        return None
    product, scale = found
    if uses(product) > 1 or shape_of(product) != shape_of(node):
        return None
    if product.op is GEMM:
        c, a, b, alpha, beta = product.inputs
        if literal(beta) != 0:
            return None
        return gemm(c, a, b, alpha * scale, beta, *product.params)
    (a, turn_a), (b, turn_b) = map(_turned, product.inputs)
    zero = as_node(0, node.dtype)
    return gemm(broadcast_to(zero, shape_of(node)), a, b, scale, zero, turn_a, turn_b)


def _factor(node: Node) -> tuple[Node, Node] | None:
    """(product, scalar) of a scaled product."""
    if node.op is neg:
        return node.inputs[0], as_node(-1, node.dtype)
    pairs = [node.inputs] if node.op is true_div else [node.inputs, node.inputs[::-1]]
    for product, factor in pairs:
        if product.op in PRODUCTS:
            value = literal(factor)
            if factor.ndim and value is None:
                return None
            scale = factor if value is None else as_node(value, node.dtype)
            return product, 1 / scale if node.op is true_div else scale
    return None


def _turned(node: Node) -> tuple[Node, bool]:
    """The matrix behind a transpose, and whether there was one."""
    if node.op is TRANSPOSE and node.ndim == 2:
        return node.inputs[0], True
    return node, False


SCALED = ruleset("scaled", [scaled_product], "one_sweep")
