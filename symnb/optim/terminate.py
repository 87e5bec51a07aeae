"""Whether a rule set ends: the Knuth-Bendix condition on the rules' text.

A rule of a terminating set has no hole more often on the right than on the left, and
the right side weighs less; every op, constant and hole weighs at least 1. Matching is
modulo commutativity, so weights are sums. What the driver puts around a replacement
(cast, broadcast) weighs nothing. Rules with a computed right side name what they
have less of, which is checked on their examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from symnb.core.node import SIZE, Node
from symnb.core.op import Op
from symnb.ops.cast import CAST
from symnb.ops.control import ASSERT
from symnb.ops.elementwise import add, log, mul, true_div, where
from symnb.ops.factor import EIGVALSH, SVDVALS
from symnb.ops.index import GATHER, SCATTER
from symnb.ops.join import JOIN
from symnb.ops.linalg import DET, EXPM, INV, SLOGDET, SOLVE
from symnb.ops.reduce import SUM_TO_SHAPE
from symnb.ops.slicing import SET_SLICE, SLICE
from symnb.ops.triangular import CHOLESKY, SOLVE_TRIANGULAR
from symnb.ops.view import BROADCAST_TO, RESHAPE, TRANSPOSE
from symnb.optim.rule import Hole, Rule


def occurrences(root: Node) -> tuple[Counter[str], int]:
    """How often each hole occurs, and the weight of the whole, as a tree."""
    holes: Counter[str] = Counter()
    weight = 0
    stack = [root]
    while stack:
        node = stack.pop()
        weight += 1 if node.is_leaf else node.op.weight
        if isinstance(node, Hole):
            holes[node.params[0]] += 1
        stack.extend(node.inputs)
    return holes, weight


def reason_it_may_loop(rule: Rule) -> str:
    """Why a rule of a terminating set breaks the condition; "" if it does not."""
    if rule.lhs is None or rule.rhs is None:
        return "" if rule.decreases else "it does not say what it decreases"
    left_holes, left = occurrences(rule.lhs)
    right_holes, right = occurrences(rule.rhs)
    for name, count in right_holes.items():
        if count > left_holes[name]:
            return f"{name} occurs {count} times on the right, {left_holes[name]} left"
    if right >= left:
        return f"the right side weighs {right}, the left {left}"
    return ""


def _elements(node: Node) -> int:
    type: Any = node.type
    return 0 if node.is_leaf else int(type.size) + 1


def _weight(node: Node) -> int:
    return 1 if node.is_leaf else node.op.weight


def _of_op(*ops: Op) -> Callable[[Node], int]:
    return lambda node: int(node.op in ops)


# Heavier the less is known of the matrix; a product with an inverse, a determinant
# and a general system weigh more than the two of the next kind they may become.
_FACTORISATIONS = {
    INV: 20, DET: 9, SOLVE: 8, SLOGDET: 4, CHOLESKY: 2, EIGVALSH: 2, SVDVALS: 2,
    EXPM: 2, SOLVE_TRIANGULAR: 1,
}  # fmt: skip


def _linear_algebra(node: Node) -> int:
    turned = node.op is TRANSPOSE and node.inputs[0].op is INV
    return turned + _FACTORISATIONS.get(node.op, 0)


def _indexed(node: Node) -> int:
    """The nodes a slice reads through."""
    if node.op is not SLICE:
        return 0
    count = 0
    stack = list(node.inputs)
    while stack:
        below = stack.pop()
        count += not below.is_leaf
        stack.extend(below.inputs)
    return count


def _steps(node: Node) -> int:
    """The steps a slice takes."""
    entries: tuple[Any, ...] = node.params[0] if node.op is SLICE else ()
    steps = [cast(Any, entry)[2] for entry in entries if isinstance(entry, tuple)]
    return sum(step != 1 for step in steps)


MEASURES: dict[str, Callable[[Node], int]] = {
    "nodes": lambda node: int(not node.is_leaf),
    "weight": _weight,
    "elements": _elements,
    "sizes": _of_op(SIZE),
    "linear algebra": _linear_algebra,
    "batched systems": lambda node: int(node.op is SOLVE and node.ndim > 2),
    "undecided sums": _of_op(SUM_TO_SHAPE),
    "reshapes": _of_op(RESHAPE),
    "joins": _of_op(JOIN),
    "assertions": lambda node: len(node.inputs) if node.op is ASSERT else 0,
    "axes reduced": lambda node: (
        len(node.params[0]) if node.op.kind == "reduction" else 0
    ),
    "logarithms of others": lambda node: int(
        node.op is log and node.inputs[0].op.kind != "leaf"
        and node.inputs[0].op is not true_div
    ),
    "indexed": _indexed,
    "steps": _steps,
    "slices": _of_op(SLICE),
    "slices and gathers": _of_op(SLICE, GATHER),
    "writes": _of_op(SET_SLICE, SCATTER),
    "increments": lambda node: int(
        node.op in (SET_SLICE, SCATTER) and node.params[1] == "add"
    ),
    "choices in products": lambda node: (
        sum(x.op is where for x in node.inputs) if node.op in (mul, true_div) else 0
    ),
    "summands": lambda node: sum(x.op is add for x in node.inputs),
}  # fmt: skip


def amount(root: Node, what: str, replacement: bool = False) -> int:
    """How much of a quantity of MEASURES there is in a graph, seen as a tree.

    replacement  what the driver puts around it counts for nothing
    """
    measure = MEASURES[what]
    while replacement and root.op in (CAST, BROADCAST_TO):
        root = root.inputs[0]
    total = 0
    stack = [root]
    while stack:
        node = stack.pop()
        total += measure(node)
        stack.extend(node.inputs)
    return total
