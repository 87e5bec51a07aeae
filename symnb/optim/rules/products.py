"""Products and sums of products, chosen by what they cost.

Each choice is told as a decision. The order of a chain of matrices, scalings moved to
the smallest tensor, common factors, sums that need no product of all with all. All of
them reorder sums or products of floats, so inf and NaN may turn out differently, and
none runs in the mode `strict`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symnb.core import dtypes
from symnb.core.dims import DimLike
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.diagonal import DIAGONAL, diagonal
from symnb.ops.dot import DOT, dot, outer
from symnb.ops.elementwise import mul, square
from symnb.ops.linalg import SOLVE, solve
from symnb.ops.reduce import SUM, reduced
from symnb.ops.reduce import sum as total
from symnb.ops.view import (
    BROADCAST_TO,
    EXPAND_DIMS,
    broadcast_to,
    expand_dims,
    shape_of,
    squeeze,
    transpose,
)
from symnb.optim import cost
from symnb.optim.chain import Chain, Part, is_product, read_chain, text_of, written_text
from symnb.optim.choice import (
    Choice,
    as_written,
    build_chain,
    choose,
    outline,
    value_of,
)
from symnb.optim.contract import FINITE_ONLY
from symnb.optim.driver import Uses
from symnb.optim.expand import multiply_out
from symnb.optim.factors import SUMS, Taken, factor_text, is_candidate, take_out
from symnb.optim.guard import literal
from symnb.optim.rule import rewrite, ruleset
from symnb.optim.trace import Decision

Result = tuple[Node, Decision] | None


def _input(name: str, *shape: DimLike) -> Node:
    return Input(TensorType("float64", shape), name)


def _alone(uses: Uses) -> Callable[[Node], bool]:
    return lambda node: uses(node) <= 1


# ---------------------------------------------------------------------------- chains


def order_decision(chain: Chain, choice: Choice, reused: bool = False) -> Decision:
    """What was decided about a chain of products."""
    subject = written_text(chain)
    if not choice.how:
        why = "no order is best for all sizes; sizes given as numbers decide"
        return Decision("order", subject, "as written", why, (chain.root,))
    chosen = text_of(chain, choice.order, choice.spot)
    reason = cost.describe(choice.work, choice.before, "multiplications", choice.how)
    reason += ", reusing a product that is needed anyway" if reused else ""
    return Decision("order", subject, chosen, reason, (chain.root,))


def ordered(root: Node, uses: Uses) -> Result:
    """A product in the cheapest order, and why; None where it is that already."""
    chain = read_chain(root, _alone(uses))
    choice = choose(outline(chain)) if chain.has_choice else None
    if choice is None or not choice.how:
        return None
    made = build_chain(chain, choice)
    return None if made is None else (made, order_decision(chain, choice))


def _order_examples() -> list[Node]:
    m, n = _input("m", 4, 4), _input("n", 4, 4)
    q, s = _input("q", 4), _input("s")
    tall, wide = _input("tall", 6, 2), _input("wide", 2, 6)
    tall4, wide4 = _input("tall", 4, 1), _input("wide", 1, 4)
    return [
        dot(dot(m, n), q), dot(q, dot(m, n)), dot(dot(s * m, n), q),
        dot(transpose(dot(tall, wide)), tall), dot(s * wide, tall),
        dot(expand_dims(_input("d", 6), 1) * tall, _input("v", 2, 1)),
        dot(outer(q, q), m), dot(solve(m, n), q), solve(m, dot(tall4, wide4)),
    ]  # fmt: skip


@rewrite(
    lambda op: op is DOT or op is SOLVE,
    "dot(dot(a, b), c) -> dot(a, dot(b, c)), if cheaper", FINITE_ONLY,
    "the fewest multiplications; inf - inf may appear or vanish",
    source="Hu & Shing 1981, SIAM J. Comput. 10, for long chains Chin 1978",
    decreases="multiplications", examples=_order_examples,
)  # fmt: skip
def product_order(node: Node, uses: Uses) -> Node | None:
    """The product in the cheapest order."""
    found = ordered(node, uses) if is_product(node) else None
    return found[0] if found else None


# ------------------------------------------------------------------- common factors


def _taken_decision(root: Node, taken: Taken) -> Decision:
    products = any(side in ("left", "right") for side, _ in taken.factors)
    kind = "common matrix" if products else "common factor"
    factors = ", ".join(dict.fromkeys(map(factor_text, taken.factors)))
    reason = cost.describe(taken.new, taken.old, "flops", taken.how)
    subject = f"sum {root.name}" if root.name else f"a sum of {root.type}"
    return Decision(kind, subject, f"{factors} taken out", reason, (root,))


def factored(root: Node, uses: Uses) -> Result:
    """A sum with its common factors taken out, and why."""
    taken = take_out(root, _alone(uses)) if is_candidate(root) else None
    return None if taken is None else (taken.node, _taken_decision(root, taken))


def _factor_examples() -> list[Node]:
    x, y, z, w = (_input(name, 64) for name in "xyzw")
    c = _input("c")
    return [
        x * y + x * z, x * y - z * x, x / w + y / w, x * y + z + x * w,
        c * x + c * y, square(x) + x * y, x * y * z + y * z * w,
    ]  # fmt: skip


@rewrite(
    lambda op: op in SUMS, "a*b + a*c -> a*(b + c), if cheaper", FINITE_ONLY,
    "one multiplication in place of two; inf - inf may appear or vanish",
    decreases="flops", examples=_factor_examples,
)  # fmt: skip
def common_factor(node: Node, uses: Uses) -> Node | None:
    """The sum with the factors its terms share outside."""
    found = factored(node, uses)
    return found[0] if found and found[1].kind == "common factor" else None


def _matrix_examples() -> list[Node]:
    tall, b, c = _input("a", 12, 2), _input("b", 2, 3), _input("c", 2, 3)
    wide, d, e = _input("w", 2, 12), _input("d", 3, 2), _input("e", 3, 2)
    v, w = _input("v", 2), _input("w", 2)
    return [
        dot(tall, b) + dot(tall, c), dot(d, wide) - dot(e, wide),
        dot(tall, v) + dot(tall, w),
    ]  # fmt: skip


@rewrite(
    lambda op: op in SUMS, "dot(a, b) + dot(a, c) -> dot(a, b + c), if cheaper",
    FINITE_ONLY, "one product in place of two; inf - inf may appear or vanish",
    decreases="flops",
    examples=_matrix_examples,
)  # fmt: skip
def common_matrix(node: Node, uses: Uses) -> Node | None:
    """The sum with the matrix its products share outside."""
    found = factored(node, uses)
    return found[0] if found and found[1].kind == "common matrix" else None


def expanded(root: Node, uses: Uses) -> Result:
    """A sum multiplied out where its terms cancel then, and why."""
    found = multiply_out(root, _alone(uses)) if is_candidate(root) else None
    if found is None:
        return None
    made, new, old = found
    reason = cost.describe(new, old, "flops", "proven")
    subject = f"sum {root.name}" if root.name else f"a sum of {root.type}"
    return made, Decision("polynomial", subject, "multiplied out", reason, (root,))


def _polynomial_examples() -> list[Node]:
    x, y, z = (_input(name, 64) for name in "xyz")
    return [
        square(x + y) - (square(x) + 2 * x * y + square(y)), x * (1 + y) - x,
        (x + y) * (x - y) - square(x), x * (y + z) - x * y,
        square(x - y) + 2 * x * y - square(y) + z,
    ]  # fmt: skip


@rewrite(
    lambda op: op in SUMS, "(a + b)**2 - a**2 - 2*a*b -> b**2", FINITE_ONLY,
    "what cancels is not calculated; inf - inf may vanish", decreases="flops",
    examples=_polynomial_examples,
)  # fmt: skip
def multiplied_out(node: Node, uses: Uses) -> Node | None:
    """The sum as a polynomial of its atoms, where that is half the work."""
    found = expanded(node, uses)
    return found[0] if found else None


# ------------------------------------------------------------ sums without all products


@rewrite(
    lambda op: op is SUM, "sum(outer(a, b)) -> sum(a) * sum(b)", FINITE_ONLY,
    "no product of all with all; inf - inf may appear or vanish",
    operands=lambda ops: ops[0] is mul, decreases="elements",
    examples=lambda: [
        total(outer(_input("a", 5), _input("b", 6))),
        total(_input("a", 5, 1, 3) * _input("b", 1, 4, 3), (0, 1)),
        total(_input("a", 5, 1) * _input("b", 6), (0, 1), keepdims=True),
    ],
)  # fmt: skip
def sum_separable(node: Node) -> Node | None:
    """The sums of two factors that vary along different axes, multiplied."""
    axes, keepdims = node.params
    if not dtypes.is_float(node.dtype):
        return None
    x, y = (_padded(factor, node.inputs[0].ndim) for factor in node.inputs[0].inputs)
    along_x, along_y = _only_in(x, y, axes), _only_in(y, x, axes)
    if not along_x or not along_y:
        return None
    if _is_whole(x, along_x) and _is_whole(y, along_y):
        made = total(_bare(x)) * total(_bare(y))
        return expand_dims(made, axes) if keepdims else made
    made = reduced(SUM, x, along_x, True) * reduced(SUM, y, along_y, True)
    rest = [axis for axis in axes if axis not in (*along_x, *along_y)]
    made = reduced(SUM, made, rest, True) if rest else made
    return made if keepdims else squeeze(made, axes)


def _only_in(x: Node, y: Node, axes: Sequence[int]) -> list[int]:
    """The axes along which x varies and y does not."""
    return [i for i in axes if shape_of(y)[i] == 1 and shape_of(x)[i] != 1]


def _is_whole(x: Node, axes: Sequence[int]) -> bool:
    """Whether there are elements along these axes only."""
    return all(size == 1 for i, size in enumerate(shape_of(x)) if i not in axes)


def _bare(node: Node) -> Node:
    """The tensor before axes of size 1 were added."""
    while node.op is EXPAND_DIMS:
        node = node.inputs[0]
    return node


def _padded(node: Node, ndim: int) -> Node:
    missing = tuple(range(ndim - node.ndim))
    return expand_dims(node, missing) if missing else node


@rewrite(
    lambda op: op is SUM, "sum(dot(a, b), axis) -> dot(sum(a, axis), b)", FINITE_ONLY,
    "a product with a vector in place of one with a matrix",
    operands=lambda ops: ops[0] is DOT, decreases="elements",
    examples=lambda: [
        total(dot(_input("a", 6, 4), _input("b", 4, 5)), axis, keepdims=keep)
        for axis in (0, 1, None) for keep in (False, True)
    ],
)  # fmt: skip
def sum_dot(node: Node, uses: Uses) -> Node | None:
    """The product with the first factor summed over rows, the last over columns."""
    axes, keepdims = node.params
    product = node.inputs[0]
    if uses(product) > 1 or product.ndim != 2 or not is_product(product):
        return None
    chain = read_chain(product, _alone(uses))
    first, last = chain.parts[0], chain.parts[-1]
    if first.kind != "matrix" or last.kind != "matrix":
        return None
    if 0 in axes:
        chain.parts[0] = Part(total(first.node, int(first.turned)), "row")
    if 1 in axes:
        chain.parts[-1] = Part(total(last.node, int(not last.turned)), "column")
    choice = choose(outline(chain))
    value = value_of(chain, choice if choice and choice.how else as_written(chain))
    if value is None:
        return None
    return expand_dims(value[1], axes) if keepdims else value[1]


@rewrite(
    lambda op: op is DIAGONAL, "diagonal(dot(a, b)) -> sum(a * b.T, 1)", FINITE_ONLY,
    "n products of vectors in place of n^2", operands=lambda ops: ops[0] is DOT,
    decreases="elements",
    examples=lambda: [diagonal(dot(_input("a", 5, 4), _input("b", 4, 5))),
                      diagonal(dot(_input("a", 5, 4), _input("b", 4, 3)))],
)  # fmt: skip
def diagonal_dot(node: Node, uses: Uses) -> Node | None:
    """Each row of a with its column of b."""
    product = node.inputs[0]
    if uses(product) > 1 or product.ndim != 2 or not is_product(product):
        return None
    if node.params != (0, 0, 1):
        return None
    a, b = product.inputs
    rows, columns = shape_of(product)
    if rows != columns:
        count = shape_of(node)[0]
        a, b = a[:count], b[:, :count]
    return total(a * transpose(b), 1)


def _broadcast_examples() -> list[Node]:
    a, v, s = _input("a", 5, 4), _input("v", 4), _input("s")
    right = [broadcast_to(_input("b", *shape), (4, 6)) for shape in ((), (6,), (4, 1))]
    left = [broadcast_to(_input("b", *shape), (3, 5)) for shape in ((), (5,), (3, 1))]
    return [
        *(dot(a, b) for b in right), *(dot(b, a) for b in left),
        *(dot(v, b) for b in right), dot(a, broadcast_to(s, (4,))),
        dot(broadcast_to(s, (5,)), a), dot(v, broadcast_to(s, (4,))),
    ]  # fmt: skip


@rewrite(
    lambda op: op is DOT, "dot(a, broadcast_to(b)) -> sum(a) * b", FINITE_ONLY,
    "equal rows or columns are multiplied once; inf * 0 may appear or vanish",
    operands=lambda ops: BROADCAST_TO in ops, decreases="elements",
    examples=_broadcast_examples,
)  # fmt: skip
def dot_broadcast(node: Node) -> Node | None:
    """A sum where an operand is constant along the summed axis; else one line of it."""
    if not is_product(node):
        return None
    a, b = node.inputs
    for x, summed in ((a, a.ndim - 1), (b, 0)):
        if x.op is not BROADCAST_TO or shape_of(x)[summed] == 1 or literal(x) == 0:
            continue
        source = _padded(x.inputs[0], x.ndim)
        if shape_of(source)[summed] == 1:
            return _summed(source, b, True) if x is a else _summed(source, a, False)
        if x.ndim == 2 and shape_of(source)[1 - summed] == 1:
            line = squeeze(source, 1 - summed)
            made = dot(line, b) if x is a else dot(a, line)
            return expand_dims(made, 1) if x is b and made.ndim else made
    return None


def _summed(source: Node, other: Node, left: bool) -> Node:
    """source @ other where all columns of the left, or rows of the right, are equal.

    source  with one axis of size 1 in place of the one that is summed
    """
    matrix = source.ndim == 2
    bare = _bare(source)
    if bare.ndim == 0:
        source = bare
    if left:
        made = total(other, 0) * source
        return squeeze(made, made.ndim - 1) if other.ndim == 1 and source.ndim else made
    sums = total(other, other.ndim - 1)
    if matrix and other.ndim == 2:
        return expand_dims(sums, 1) * source
    made = sums * source
    return squeeze(made, 0) if other.ndim == 1 and source.ndim else made


PRODUCTS = ruleset(
    "products",
    [
        product_order, multiplied_out, common_factor, common_matrix,
        sum_separable, sum_dot,
        diagonal_dot, dot_broadcast,
    ],
    "one_sweep",
)  # fmt: skip
