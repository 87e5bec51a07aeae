"""What is proven of matrices, from how they were made: symmetric, triangular, ...

`facts(x)` walks down from a square matrix through ops that keep or make structure
(sums, products, transposes, inverses, factors, masks of row and column numbers, small
constants, `assume`) and says what holds over the reals. It looks at no more than
`NODES` nodes, 2 us each; inside `remembering` at each node of a graph once.

A batch of matrices has a property when each of its matrices has. Products are
symmetric over the reals, which in floats is up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import numpy as np

from symnb.core.node import Constant, ConstantKey, Node
from symnb.core.op import CONSTANT, Op
from symnb.core.types import TensorType
from symnb.ops import elementwise as el
from symnb.ops.assume import ASSUME
from symnb.ops.cast import CAST
from symnb.ops.create import IOTA
from symnb.ops.define import Elementwise
from symnb.ops.dot import BATCHED_DOT, DOT
from symnb.ops.factor import EIGH, QR, SVD
from symnb.ops.linalg import ADJUGATE, EXPM, INV, PINV
from symnb.ops.pick import PICK
from symnb.ops.triangular import CHOLESKY
from symnb.ops.view import (
    BROADCAST_TO,
    EXPAND_DIMS,
    RESHAPE,
    SPECIFY_SHAPE,
    SQUEEZE,
    TRANSPOSE,
    shape_of,
)
from symnb.optim.guard import UNIFORM_ITEMS, Guard, is_nonnegative, literal

NODES = 48  # looked at for one question
SYMMETRIC, SEMIDEFINITE, DEFINITE = "symmetric", "semidefinite", "definite"
LOWER, UPPER, ORTHOGONAL = "lower", "upper", "orthogonal"
RISING = "positive diagonal"
Facts = frozenset[str]
Known = Callable[[Node], Facts]
NONE: Facts = frozenset()
EYE: Facts = frozenset({LOWER, UPPER, ORTHOGONAL, DEFINITE})
TRIANGLES: Facts = frozenset({LOWER, UPPER})

_DECLARED: dict[str, tuple[str, ...]] = {
    "symmetric": (SYMMETRIC,), "positive_definite": (DEFINITE,),
    "lower_triangular": (LOWER,), "upper_triangular": (UPPER,),
    "diagonal": (LOWER, UPPER), "orthogonal": (ORTHOGONAL,),
}  # fmt: skip


def closed(facts: Facts) -> Facts:
    """With what follows from them."""
    found = set(facts)
    if DEFINITE in found:
        found |= {SEMIDEFINITE, RISING}
    if SEMIDEFINITE in found or found >= TRIANGLES:
        found.add(SYMMETRIC)
    return frozenset(found)


def turned(node: Node) -> Node | None:
    """x where the node is x with its last two axes exchanged."""
    if node.op is not TRANSPOSE:
        return None
    n = node.ndim
    swapped = (*range(n - 2), n - 1, n - 2)
    return node.inputs[0] if node.params[0] == swapped else None


def are_transposes(a: Node, b: Node) -> bool:
    """Whether one is the other's transpose, as written."""
    return turned(a) is b or turned(b) is a


def is_square(node: Node) -> bool:
    """Whether the last two sizes are known to be equal."""
    type = node.type
    if not isinstance(type, TensorType) or type.ndim < 2:
        return False
    return type.shape[-1] == type.shape[-2]


# ------------------------------------------------------------------ the walk down


_memory: ContextVar[dict[Node, Facts] | None] = ContextVar("facts", default=None)


@contextmanager
def remembering() -> Generator[None]:
    """What is found inside the block is found once."""
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def facts(root: Node) -> Facts:
    """What is proven of a matrix, and what follows from it."""
    memory = _memory.get()
    found: dict[Node, Facts] = {} if memory is None else memory
    limit = NODES if memory is None else math.inf
    stack = [root]
    while stack:
        node = stack[-1]
        if node in found:
            stack.pop()
            continue
        missing = [x for x in _matrices(node) if x not in found]
        if missing and len(found) + len(stack) < limit:
            stack += missing
            continue
        stack.pop()
        found[node] = closed(_derive(node, lambda x: found.get(x, NONE)))
    return found[root]


def _matrices(node: Node) -> list[Node]:
    """The operands whose structure may tell something."""
    if node.op not in _OF_OP and not isinstance(node.op, Elementwise):
        return []
    return [x for x in node.inputs if is_square(x) or x.op is PICK]


def _derive(node: Node, known: Known) -> Facts:
    if not is_square(node):
        return NONE
    derive = _OF_OP.get(node.op)
    if derive is not None:
        return derive(node, known)
    if isinstance(node.op, Elementwise):
        return _elementwise(node, known)
    return NONE


# ----------------------------------------------------------------- leaves and views


def _constant(node: Node, known: Known) -> Facts:
    return _of_value(node.params[0])


@lru_cache(maxsize=256)
def _of_value(key: ConstantKey) -> Facts:
    """What the numbers of a small constant show."""
    value = key.value
    if not 0 < value.size <= UNIFORM_ITEMS or value.dtype.kind not in "fb":
        return NONE
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        return NONE
    found: set[str] = set()
    if not np.triu(value, 1).any():
        found.add(LOWER)
    if not np.tril(value, -1).any():
        found.add(UPPER)
    if value.dtype.kind == "b":
        return frozenset(found)
    if np.array_equal(value, np.swapaxes(value, -1, -2)):
        found.add(SYMMETRIC)
        if np.linalg.eigvalsh(value.astype("float64")).min() > 0:
            found.add(DEFINITE)
    if (np.diagonal(value, 0, -2, -1) > 0).all():
        found.add(RISING)
    return frozenset(found)


def _transpose(node: Node, known: Known) -> Facts:
    inner = turned(node)
    if inner is None:
        n = node.ndim
        kept = node.params[0][-2:] == (n - 2, n - 1)
        return known(node.inputs[0]) if kept else NONE
    other = {LOWER: UPPER, UPPER: LOWER}
    return frozenset(other.get(fact, fact) for fact in known(inner))


def _same_matrices(node: Node, known: Known) -> Facts:
    """A view that leaves the last two axes as they are."""
    source = node.inputs[0]
    if source.ndim < 2 or shape_of(source)[-2:] != shape_of(node)[-2:]:
        return NONE
    return known(source)


def _leading(node: Node, known: Known) -> Facts:
    axes = node.params[0]
    ndim = node.ndim if node.op is EXPAND_DIMS else node.inputs[0].ndim
    return known(node.inputs[0]) if all(a < ndim - 2 for a in axes) else NONE


def _assumed(node: Node, known: Known) -> Facts:
    named = {fact for name in node.params[0] for fact in _DECLARED[name]}
    return known(node.inputs[0]) | named


# ------------------------------------------------------------ factors and functions


def _keeps(*kept: str, made: Facts = NONE) -> Callable[[Node, Known], Facts]:
    return lambda node, known: (known(node.inputs[0]) & set(kept)) | made


def _cast(node: Node, known: Known) -> Facts:
    if is_eye(node):
        return EYE
    return known(node.inputs[0]) if node.dtype.startswith("float") else NONE


def _inverse(node: Node, known: Known) -> Facts:
    before = known(node.inputs[0])
    return before if before & TRIANGLES else before - {RISING}


def _expm(node: Node, known: Known) -> Facts:
    before = known(node.inputs[0])
    definite = {DEFINITE} if SYMMETRIC in before else NONE
    return (before & TRIANGLES) | definite


def _picked(node: Node, known: Known) -> Facts:
    source, at = node.inputs[0].op, node.params[0]
    if source is QR:
        return frozenset({UPPER if at else ORTHOGONAL})
    if (source is EIGH and at == 1) or (source is SVD and at != 1):
        return frozenset({ORTHOGONAL})
    return NONE


def _product(node: Node, known: Known) -> Facts:
    a, b = node.inputs
    if a.ndim < 2 or b.ndim < 2:
        return NONE
    first, second = known(a), known(b)
    found = set(first & second & (TRIANGLES | {ORTHOGONAL}))
    if found & TRIANGLES and RISING in first & second:
        found.add(RISING)
    if are_transposes(a, b) or (a is b and SYMMETRIC in first):
        regular = RISING in first and bool(first & TRIANGLES)
        found.add(DEFINITE if regular or DEFINITE in first else SEMIDEFINITE)
    middle = _sandwiched(node, a, b)
    if middle is not None:
        found |= known(middle) & {SYMMETRIC, SEMIDEFINITE}
    return frozenset(found)


def _sandwiched(node: Node, a: Node, b: Node) -> Node | None:
    """s where the product is x s x.T, in either order of multiplication."""
    if a.op is node.op and are_transposes(a.inputs[0], b):
        return a.inputs[1]
    if b.op is node.op and are_transposes(a, b.inputs[1]):
        return b.inputs[0]
    return None


_OF_OP: dict[Op, Callable[[Node, Known], Facts]] = {
    CONSTANT: _constant, TRANSPOSE: _transpose, EXPAND_DIMS: _leading,
    SQUEEZE: _leading, RESHAPE: _same_matrices, BROADCAST_TO: _same_matrices,
    SPECIFY_SHAPE: _same_matrices, CAST: _cast, ASSUME: _assumed, INV: _inverse,
    PINV: _keeps(SYMMETRIC, SEMIDEFINITE),
    ADJUGATE: _keeps(SYMMETRIC, LOWER, UPPER), EXPM: _expm, PICK: _picked,
    CHOLESKY: _keeps(UPPER, made=frozenset({LOWER, RISING})),
    DOT: _product, BATCHED_DOT: _product,
}  # fmt: skip

# ------------------------------------------------------------ element by element

_ZERO_AT_ZERO = frozenset({
    el.neg, el.abs, el.square, el.sqrt, el.sign, el.sin, el.tan, el.tanh, el.sinh,
    el.arcsin, el.arctan, el.arcsinh, el.expm1, el.log1p, el.copy,
})  # fmt: skip
_COMPARED: dict[Op, tuple[str, ...]] = {  # row op column, where it holds
    el.equal: (LOWER, UPPER), el.greater_equal: (LOWER,), el.greater: (LOWER,),
    el.less_equal: (UPPER,), el.less: (UPPER,),
}  # fmt: skip


def is_uniform(x: Node, like: Node) -> bool:
    """Whether an operand is one number per matrix of `like`."""
    if literal(x) is not None or x.ndim == 0:
        return True
    if x.op is BROADCAST_TO:
        x = x.inputs[0]
    return x.ndim == 0 or (shape_of(x)[-2:] == (1, 1) and x.ndim <= like.ndim)


def is_positive(x: Node) -> bool:
    """Whether every element is above zero, over the reals, from the ops alone."""
    value = literal(x)
    if value is not None:
        return value > 0
    if x.op is el.add:
        a, b = x.inputs
        return any(
            (literal(p) or 0) > 0 and is_nonnegative(q) for p, q in ((a, b), (b, a))
        )
    if x.op.kind == "view" or x.op is CAST:
        return is_positive_op(x.inputs[0])
    return is_positive_op(x)


def is_positive_op(x: Node) -> bool:
    """Whether an op has no value of zero or below."""
    return x.op in (el.exp, el.exp2, el.sigmoid, el.softplus, el.cosh)


def _elementwise(node: Node, known: Known) -> Facts:
    if node.dtype == "bool":
        return _mask(node)
    if "identity" in node.op.tags:
        return known(node.inputs[0])
    full = [x for x in node.inputs if not is_uniform(x, node)]
    found: set[str] = set()
    if full and all(SYMMETRIC in known(x) for x in full):
        found.add(SYMMETRIC)
    if node.op is el.where:
        return frozenset(found) | _chosen(node, known)
    paired = node.op.commutative and len(full) == 2
    if paired and (are_transposes(*full) or _is_outer(*full)):
        found.add(SYMMETRIC)
    if node.op in _ZERO_AT_ZERO and full:
        found |= known(full[0]) & TRIANGLES
    rule = _ARITHMETIC.get(node.op)
    return frozenset(found) | (rule(node, full, known) if rule is not None else NONE)


def _mask(node: Node) -> Facts:
    """Where a comparison of the numbers of rows and columns may hold."""
    found = _COMPARED.get(node.op)
    if found is None:
        return NONE
    (first, a), (second, b) = map(_counted, node.inputs)
    if first is None or second is None or {first, second} != {-2, -1}:
        return NONE
    gap = b - a if first == -2 else a - b  # row op column + gap
    if first == -1:
        found = tuple({LOWER: UPPER, UPPER: LOWER}[fact] for fact in found)
        if node.op is el.equal:
            found = (LOWER, UPPER)
    return frozenset(
        fact for fact in found if gap == 0 or fact == (LOWER if gap > 0 else UPPER)
    )


def _counted(x: Node) -> tuple[int | None, int]:
    """(axis counted from the end, offset) of an iota plus a number."""
    offset = 0
    if x.op in (el.add, el.sub):
        for rest, number in (x.inputs, x.inputs[::-1]):
            value = literal(number)
            if value is not None and (x.op is el.add or number is x.inputs[1]):
                x, offset = rest, int(value) * (-1 if x.op is el.sub else 1)
                break
    while x.op in (CAST, BROADCAST_TO):
        x = x.inputs[0]
    if x.op is not IOTA or x.ndim < 2:
        return None, 0
    return x.params[1] - x.ndim, offset


def _chosen(node: Node, known: Known) -> Facts:
    """where(mask, x, 0) is as triangular as its mask, or as x."""
    mask, x, y = node.inputs
    if literal(y) != 0:
        return NONE
    found = set(known(mask) & TRIANGLES)
    if not is_uniform(x, node):
        found |= known(x) & TRIANGLES
    if is_positive(x) and _holds_on_diagonal(mask):
        found.add(DEFINITE if found >= TRIANGLES else RISING)
    return frozenset(found)


def _holds_on_diagonal(mask: Node) -> bool:
    """Whether a comparison of row and column includes equality, without offset."""
    if mask.op not in (el.equal, el.greater_equal, el.less_equal):
        return False
    (first, a), (second, b) = map(_counted, mask.inputs)
    return first is not None and {first, second} == {-2, -1} and a == b


def _is_diagonal_mask(mask: Node) -> bool:
    """Whether a mask is true on the diagonal and nowhere else."""
    return mask.op is el.equal and _mask(mask) >= TRIANGLES


def _is_outer(a: Node, b: Node) -> bool:
    """Whether two operands are one vector as a column and as a row."""
    pair = [x for x in (a, b) if x.op is EXPAND_DIMS]
    if len(pair) != 2 or pair[0].inputs[0] is not pair[1].inputs[0]:
        return False
    ndim = a.ndim
    return {x.params[0] for x in pair} == {(ndim - 1,), (ndim - 2,)}


def _add(node: Node, full: list[Node], known: Known) -> Facts:
    if len(full) != len(node.inputs):
        return NONE
    first, second = (known(x) for x in full)
    found = set(first & second & (TRIANGLES | {SEMIDEFINITE, RISING}))
    if SEMIDEFINITE in found and DEFINITE in first | second:
        found.add(DEFINITE)
    return frozenset(found)


def _sub(node: Node, full: list[Node], known: Known) -> Facts:
    if len(full) != 2:
        return NONE
    return known(full[0]) & known(full[1]) & TRIANGLES


def _mul(node: Node, full: list[Node], known: Known) -> Facts:
    """One triangle is enough for a triangle; of positive matrices: Schur."""
    found: set[str] = set()
    for x in full:
        found |= known(x) & TRIANGLES
    if len(full) == 2:
        both = known(full[0]) & known(full[1])
        found |= both & {SEMIDEFINITE, DEFINITE, RISING}
        if _is_outer(*full):
            found.add(SEMIDEFINITE)
        return frozenset(found)
    other = [x for x in node.inputs if x is not full[0]] if full else []
    return frozenset(found) | (_scaled(full[0], other[0], known) if other else NONE)


def _scaled(x: Node, factor: Node, known: Known) -> Facts:
    """What x keeps when every matrix is multiplied by a number."""
    if is_positive(factor):
        return known(x) & {SEMIDEFINITE, DEFINITE, RISING}
    return known(x) & {SEMIDEFINITE} if is_nonnegative(factor) else NONE


def _true_div(node: Node, full: list[Node], known: Known) -> Facts:
    x, divisor = node.inputs
    if full != [x]:
        return NONE
    return (known(x) & TRIANGLES) | _scaled(x, divisor, known)


_ARITHMETIC: dict[Op, Callable[[Node, list[Node], Known], Facts]] = {
    el.add: _add, el.sub: _sub, el.mul: _mul, el.true_div: _true_div,
}  # fmt: skip

# ---------------------------------------------------------------------- questions


def is_eye(x: Node) -> bool:
    """Whether a matrix is the identity, as `eye` makes it."""
    while x.op in (CAST, BROADCAST_TO, EXPAND_DIMS):
        x = x.inputs[0]
    if isinstance(x, Constant):
        value: Any = x.value
        return value.ndim == 2 and np.array_equal(value, np.eye(*value.shape))
    return is_square(x) and _is_diagonal_mask(x)


def is_diagonal(x: Node) -> bool:
    """Whether everything off the diagonal is proven zero."""
    return facts(x) >= TRIANGLES


def has(*wanted: str) -> Callable[[Node], bool]:
    """A question: whether all of these are proven of a matrix."""
    return lambda x: facts(x) >= set(wanted)


symmetric = Guard("{} is proven symmetric", has(SYMMETRIC))
lower = Guard("{} is proven lower triangular", has(LOWER))
upper = Guard("{} is proven upper triangular", has(UPPER))
diagonal = Guard("{} is proven diagonal", is_diagonal)
orthogonal = Guard("{} is proven orthogonal", has(ORTHOGONAL))
definite = Guard("{} is proven positive definite", has(DEFINITE))
