"""Einstein sums: a static string of axis labels becomes products of pairs.

The cheapest pair of operands is combined first, again and again: "ij,jk,k->i" is two
products of a matrix and a vector. Of each pair, labels that nothing later needs are
summed: shared ones by a matrix product, others before it; labels both have and that
stay make a batch. Where no matrix product is left (`ij,ij->ij`,
`bi,bi->b`) it is an elementwise product, which fuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import prod
from typing import Any

from symnb.core.dims import Dim, DimLike, evaluate
from symnb.core.node import Node
from symnb.errors import RankError, ShapeError
from symnb.ops import reduce
from symnb.ops.cast import cast
from symnb.ops.define import promoted
from symnb.ops.diagonal import diagonal
from symnb.ops.dot import contract
from symnb.ops.sizes import differ
from symnb.ops.view import dimshuffle, shape_of, squeeze, transpose

ELLIPSIS = "..."
TYPICAL = 1000  # what an unknown size counts as
Labels = list[str]
Term = tuple[Node, Labels]


def einsum(subscripts: str, *operands: Any, optimize: Any = None) -> Node:
    """NumPy's einsum for a string like "ij,jk->ik"; "..." and repeats allowed.

    optimize  False combines the operands from left to right; by default the pair
              that takes the fewest products comes first, unknown sizes being 1000
    """
    nodes = promoted(operands)
    truth = nodes[0].dtype == "bool"
    if truth:
        nodes = tuple(cast(x, "int64") for x in nodes)
    inputs, output = read(subscripts, [x.ndim for x in nodes])
    terms = [_one_axis_each(x, k) for x, k in zip(nodes, inputs, strict=True)]
    _check_sizes(terms, subscripts)
    terms = [_without_ones(term, terms, i) for i, term in enumerate(terms)]
    while len(terms) > 1:
        i, j = (0, 1) if optimize is False else _cheapest(terms, output)
        right = terms.pop(j)
        needed = {k for at, (_, keys) in enumerate(terms) if at != i for k in keys}
        terms[i] = _pair(terms[i], right, needed | set(output))
    x, keys = _summed(terms[0], set(output))
    result = transpose(x, tuple(keys.index(k) for k in output))
    return cast(result, "bool") if truth else result


def read(subscripts: str, ranks: list[int]) -> tuple[list[Labels], Labels]:
    """The axis labels of each operand and of the result.

    Axes under "..." get the labels "0", "1", ... counted from the last.
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(ranks):
        raise ShapeError(
            f"einsum {subscripts!r} names {len(texts)} operands; got {len(ranks)}."
        )
    inputs = [_labels(t, n, subscripts) for t, n in zip(texts, ranks, strict=True)]
    dots = max((sum(k.isdigit() for k in keys) for keys in inputs), default=0)
    broadcast = [str(i) for i in reversed(range(dots))]
    if arrow:
        before, mark, after = right.partition(ELLIPSIS)
        output = [*before, *(broadcast if mark else []), *after]
    else:
        count = Counter(k for keys in inputs for k in keys if not k.isdigit())
        output = broadcast + sorted(k for k, times in count.items() if times == 1)
    known = {k for keys in inputs for k in keys}
    if len(set(output)) < len(output) or not set(output) <= known:
        raise ShapeError(
            f"einsum {subscripts!r}: the result names {''.join(output)!r}.\n"
            "Fix: name axes of the operands, each once."
        )
    return inputs, output


def _labels(text: str, rank: int, subscripts: str) -> Labels:
    before, mark, after = text.partition(ELLIPSIS)
    named = len(before) + len(after)
    letters = before + after
    if not all(k.isalpha() for k in letters):
        raise ShapeError(f"einsum {subscripts!r}: {text!r} is not made of letters.")
    if named > rank or (named < rank and not mark):
        raise RankError(
            f"einsum {subscripts!r}: {text!r} names {named} axes of an operand "
            f"with {rank}.\nFix: one letter per axis, or ... for the rest."
        )
    return [*before, *(str(i) for i in reversed(range(rank - named))), *after]


def _one_axis_each(x: Node, keys: Labels) -> Term:
    """A label named twice in one operand is its diagonal."""
    keys = list(keys)
    for key in [k for k, times in Counter(keys).items() if times > 1]:
        while keys.count(key) > 1:
            first = keys.index(key)
            second = keys.index(key, first + 1)
            x = diagonal(x, 0, first, second)
            del keys[second], keys[first]
            keys.append(key)
    return x, keys


def _check_sizes(terms: list[Term], subscripts: str) -> None:
    sizes: dict[str, Any] = {}
    for x, keys in terms:
        for key, one in zip(keys, shape_of(x), strict=True):
            known = sizes.setdefault(key, one)
            if 1 in (known, one):
                sizes[key] = one if known == 1 else known
            elif differ(known, one):
                raise ShapeError(
                    f"einsum {subscripts!r}: axis {key} has sizes {known} and {one}."
                )


def _without_ones(term: Term, terms: list[Term], at: int) -> Term:
    """An axis of size 1 broadcasts where another operand has that label."""
    x, keys = term
    others = [
        key
        for i, (y, names) in enumerate(terms)
        for key, one in zip(names, shape_of(y), strict=True)
        if i != at and (one != 1 or i < at)
    ]
    pairs = zip(keys, shape_of(x), strict=True)
    dropped = [i for i, (key, one) in enumerate(pairs) if one == 1 and key in others]
    kept = [key for i, key in enumerate(keys) if i not in dropped]
    return (squeeze(x, dropped), kept) if dropped else term


def _summed(term: Term, needed: set[str]) -> Term:
    """The term summed over labels that are not needed."""
    x, keys = term
    axes = tuple(i for i, key in enumerate(keys) if key not in needed)
    if not axes:
        return term
    kept = [key for key in keys if key in needed]
    return reduce.sum(x, axes, dtype=x.dtype), kept


def _cheapest(terms: list[Term], output: Labels) -> tuple[int, int]:
    """The pair of fewest products, then of the smallest result, then the first one."""
    sizes: dict[str, int] = {}
    for x, keys in terms:
        for key, one in zip(keys, shape_of(x), strict=True):
            sizes[key] = max(sizes.get(key, 1), _typical(one))
    found: list[tuple[int, int, int, int]] = []
    count = Counter(k for _, keys in terms for k in set(keys))
    for j, (_, right) in enumerate(terms):
        for i, (_, left) in enumerate(terms[:j]):
            both = {*left, *right}
            own = {k: (k in left) + (k in right) for k in both}
            kept = [k for k in both if k in output or count[k] > own[k]]
            found.append((_product(sizes, both), _product(sizes, kept), i, j))
    return min(found)[2:]


def _product(sizes: dict[str, int], keys: Iterable[str]) -> int:
    return prod(sizes[key] for key in keys)


def _typical(size: DimLike) -> int:
    atoms = size.atoms() if isinstance(size, Dim) else ()
    return evaluate(size, dict.fromkeys(atoms, TYPICAL))


def _pair(left: Term, right: Term, needed: set[str]) -> Term:
    """The product of two terms, with the labels that are still needed."""
    x, a = _summed(left, needed | set(right[1]))
    y, b = _summed(right, needed | set(left[1]))
    over = [key for key in a if key in b and key not in needed]
    batch = [key for key in a if key in b and key in needed]
    keep_a = [key for key in a if key not in b]
    keep_b = [key for key in b if key not in a]
    keys = [*batch, *keep_a, *keep_b]
    if over and (keep_a or keep_b or not batch):
        places = [
            tuple(names.index(key) for key in part)
            for part in (batch, keep_a, over)
            for names in (a,)
        ]
        others = [tuple(b.index(key) for key in part) for part in (batch, keep_b, over)]
        args = [axes for pair in zip(places, others, strict=True) for axes in pair]
        return contract(x, y, *args), keys
    product = _spread(x, a, [*keys, *over]) * _spread(y, b, [*keys, *over])
    axes = tuple(range(len(keys), len(keys) + len(over)))
    return (reduce.sum(product, axes, dtype=x.dtype) if axes else product), keys


def _spread(x: Node, keys: Labels, order: Labels) -> Node:
    """x with its axes in the places of `order`, size 1 where it has none."""
    return dimshuffle(x, *(keys.index(k) if k in keys else "x" for k in order))
