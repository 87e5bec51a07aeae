"""In which order to multiply a chain of matrices.

A chain p[0] x p[1], p[1] x p[2], ... is a polygon with a corner for each size, and an
order is a way to cut it into triangles: (i, k, j) multiplies the product of the parts
i..k-1 with that of the parts k..j-1, which takes p[i] p[k] p[j] multiplications. The
least is found exactly, in n^3 / 6 steps, for up to `EXACT` parts; beyond, in linear
time, an order that takes at most 15.5 % more (Chin 1978, Comm. ACM 21(7); bound: Hu &
Shing 1981, SIAM J. Comput. 10). Two kinds of parts are special: a diagonal matrix,
given as a vector, takes one multiplication per element of the other side; an inverse
is a system to be solved and has no elements, so it needs another side that has.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any

EXACT = 32  # parts: 6,000 steps, about 5 ms
FULL, DIAGONAL, INVERSE = ".", "d", "i"
NEVER = 10**60  # multiplications of what cannot be done
Triangle = tuple[int, int, int]
Order = tuple[Triangle, ...]
Span = tuple[int, int]


def multiplications(sizes: Sequence[Any], kinds: str, at: Triangle) -> Any:
    """Of one product of a chain; ints or size expressions, as `sizes` are.

    kinds  one letter per part: FULL, DIAGONAL or INVERSE
    """
    i, k, j = at
    left, right = kinds[i:k].strip(DIAGONAL), kinds[k:j].strip(DIAGONAL)
    if left.strip(INVERSE) or right.strip(INVERSE):
        thin = not left or not right
        return sizes[i] * sizes[j] if thin else sizes[i] * sizes[k] * sizes[j]
    return sizes[i] * sizes[j] if not left and not right else NEVER


def moved(sizes: Sequence[Any], at: Triangle) -> Any:
    """Elements read and written by one product."""
    i, k, j = at
    return sizes[i] * sizes[k] + sizes[k] * sizes[j] + sizes[i] * sizes[j]


def best_order(
    sizes: Sequence[int],
    kinds: str = "",
    free: Collection[Span] = frozenset(),
) -> Order:
    """The triangles of an order with the fewest multiplications, inner ones first.

    sizes  the n + 1 sizes of a chain of n parts
    kinds  one letter per part; "": all FULL
    free   spans (i, j) whose product exists anyway: nothing in them is multiplied

    Of orders that multiply as much, one that moves the least. Beyond `EXACT` parts
    `kinds` and `free` are not looked at.
    """
    count = len(sizes) - 1
    if count > EXACT:
        return near_best(sizes)
    kinds = kinds or FULL * count
    cheapest: dict[Span, tuple[int, int]] = {(i, i + 1): (0, 0) for i in range(count)}
    cut: dict[Span, int] = {}
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length
            if (i, j) in free:
                cheapest[i, j] = (0, 0)
                continue
            cheapest[i, j], cut[i, j] = min(
                (_joined(sizes, kinds, (i, k, j), cheapest), k) for k in range(i + 1, j)
            )
    return _cuts(cut, count)


def _joined(
    sizes: Sequence[int],
    kinds: str,
    at: Triangle,
    cheapest: dict[Span, tuple[int, int]],
) -> tuple[int, int]:
    """(multiplications, elements moved) of a span cut at one place."""
    i, k, j = at
    left, right = cheapest[i, k], cheapest[k, j]
    return (
        left[0] + right[0] + multiplications(sizes, kinds, at),
        left[1] + right[1] + moved(sizes, at),
    )


def _cuts(cut: dict[Span, int], count: int) -> Order:
    found: list[Triangle] = []
    stack = [(0, count)]
    while stack:
        i, j = stack.pop()
        k = cut.get((i, j))
        if k is not None:
            found.append((i, k, j))
            stack += [(i, k), (k, j)]
    return tuple(sorted(found, key=lambda t: (t[2] - t[0], t)))


def near_best(sizes: Sequence[int]) -> Order:
    """An order found in linear time, at most 15.5 % above the best."""
    corners = len(sizes)
    first = min(range(corners), key=lambda at: sizes[at])
    around = [*range(first, corners), *range(first)]
    least = 1 / max(sizes[first], 1e-9)
    worth = [1 / max(size, 1e-9) for size in sizes]
    triangles: list[tuple[int, ...]] = []
    stack: list[int] = []
    for corner in [*around, first]:
        while len(stack) > 1:
            last, top = stack[-2:]
            if last == corner or least + worth[top] >= worth[last] + worth[corner]:
                break
            triangles.append((last, top, corner))
            stack.pop()
        stack.append(corner)
    fan = stack[1:-1]
    triangles += [(first, a, b) for a, b in itertools.pairwise(fan)]
    ordered: Any = [tuple(sorted(t)) for t in triangles]
    return tuple(sorted(ordered, key=lambda t: (t[2] - t[0], t)))
