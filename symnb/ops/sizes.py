"""Reading what a user writes as a shape or an axis.

Sizes come as ints, as scalars of `x.shape`, as integer scalars known only while
running, or together as one vector. They become `int | Dim`. Axes become ints in
[0, ndim). Costs microseconds, once per node built.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from symnb.core import site as sites
from symnb.core.dims import (
    Atom,
    Dim,
    DimLike,
    dim_max,
    dim_of,
    div_mod,
    is_positive,
    substitute,
    symbol,
)
from symnb.core.node import Constant, Node, as_dim, size
from symnb.core.seams import slots
from symnb.core.types import ANY
from symnb.errors import AxisError, DTypeError, RankError, ShapeError

Sizes = tuple[DimLike, ...]
Pairs = list[tuple[DimLike, DimLike]]


def here() -> str:
    """The user's place as the end of a message's first line."""
    place = sites.capture(2)
    return f"  ({place})" if place else ""


# ------------------------------------------------------------------------- axes


def normal_axis(axis: Any, ndim: int) -> int:
    """`axis` in [0, ndim). Raises AxisError."""
    if isinstance(axis, Constant):
        axis = axis.value.item()
    number = operator.index(axis)
    if not -ndim <= number < ndim:
        place = f"give one from {-ndim} to {ndim - 1}" if ndim else "a scalar has none"
        raise AxisError(
            f"axis {number} does not exist in a tensor with {ndim} axes.{here()}\n"
            f"Fix: {place}."
        )
    return number % ndim


def normal_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """`axes` (None for all, an int, or several) in [0, ndim), in the given order.

    Raises AxisError for one that does not exist or is named twice.
    """
    if axes is None:
        return tuple(range(ndim))
    several = axes if isinstance(axes, list | tuple | np.ndarray) else (axes,)
    found = tuple(normal_axis(axis, ndim) for axis in several)
    if len(set(found)) != len(found):
        raise AxisError(f"an axis is named twice in {tuple(several)}.{here()}")
    return found


# ------------------------------------------------------------------------ sizes


def product(sizes: Iterable[DimLike]) -> DimLike:
    """The number of elements of a tensor with these sizes."""
    total: DimLike = 1
    for one in sizes:
        total = total * one
    return total


def as_sizes(shape: Any, ndim: int | None = None) -> Sizes:
    """The sizes `shape` lists: an int, a scalar, a sequence of them, or a vector.

    ndim  number of axes, needed for a vector whose length is not known
    Raises RankError or ShapeError; -1 passes.
    """
    if isinstance(shape, Node) and shape.type is not ANY and shape.ndim:
        items: Sequence[Any] = _elements(shape, ndim)
    elif isinstance(shape, list | tuple | np.ndarray):
        items = list(shape)
    else:
        items = [shape]
    try:
        sizes = tuple(as_dim(item) for item in items)
    except TypeError as error:
        raise DTypeError(
            f"{error}.{here()}\n"
            "Fix: use ints, sizes such as x.shape[0], or integer scalars."
        ) from None
    if ndim is not None and len(sizes) != ndim:
        raise RankError(
            f"a shape with {len(sizes)} sizes was given where ndim={ndim}.{here()}\n"
            "Fix: give as many sizes as axes."
        )
    for one in sizes:
        if isinstance(one, int) and one < -1:
            raise ShapeError(f"a size is at least 0, not {one}.{here()}")
    return sizes


def _elements(vector: Node, ndim: int | None) -> list[Any]:
    """The entries of an integer vector as scalars."""
    if vector.ndim != 1:
        raise RankError(f"a shape is a vector, not {vector.type}.")
    if isinstance(vector, Constant):
        return vector.value.tolist()
    length = vector.type.shape[0]  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(length, Dim):
        if ndim is None:
            raise RankError(
                "the number of axes is the length of the shape vector, "
                f"{length}, which is not known.\nFix: give ndim=."
            )
        length = ndim
    found = _listed(vector)
    if found is not None and len(found) == length:
        return found
    return [slots["getitem"](vector, i) for i in range(length)]


def _listed(vector: Node) -> list[Any] | None:
    """The scalars a vector was joined from, so that sizes stay sizes; None if not."""
    found: list[Any] = []
    stack = [vector]
    while stack:
        part = stack.pop()
        if part.op.name == "join":
            stack.extend(reversed(part.operands))
        elif isinstance(part, Constant):
            found += part.value.tolist()
        elif part.op.name == "expand_dims" and not part.inputs[0].ndim:
            found.append(part.inputs[0])
        else:
            return None
    return found


def fill_in(sizes: Sizes, total: DimLike) -> Sizes:
    """`sizes` with a -1 replaced by what makes their product `total`."""
    unknown = [i for i, one in enumerate(sizes) if one == -1]
    if not unknown:
        return sizes
    if len(unknown) > 1:
        raise ShapeError(f"a shape has at most one -1.{here()}")
    rest = product(one for one in sizes if one != -1)
    if isinstance(rest, int) and isinstance(total, int) and (rest == 0 or total % rest):
        raise ShapeError(
            f"{total} elements do not divide into a shape with {rest} times -1."
            f"{here()}\n"
            f"Fix: the other sizes should have a product that divides {total}."
        )
    at = unknown[0]
    return (*sizes[:at], quotient(total, rest), *sizes[at + 1 :])


def quotient(total: DimLike, part: DimLike) -> DimLike:
    """total // part where part divides total; n*m // m is n also for m = 0."""
    if part == 0:
        raise ShapeError("the size that -1 stands for cannot be told: another is 0.")
    up = positive_atoms(part)
    down = {new.atom: dim_of(atom) for atom, new in up.items() if new.atom}
    whole, rest = div_mod(substitute(total, up), substitute(part, up))
    if rest == 0:
        return substitute(whole, down)
    return total // (part if is_positive(part) else dim_max(part, 1))


def positive_atoms(one: DimLike) -> dict[Atom, Dim]:
    """Symbols >= 1 for the atoms of a size that are only known to be >= 0."""
    atoms = one.atoms() if isinstance(one, Dim) else ()
    return {atom: symbol(atom.name) for atom in sorted(atoms) if not atom.lower}


def equal_pairs(left: Sequence[DimLike], right: Sequence[DimLike]) -> Pairs:
    """The pairs of sizes, one of each side, that differ as expressions.

    Of each pair the static one comes first.
    """
    return [
        (b, a) if isinstance(b, int) else (a, b)
        for a, b in zip(left, right, strict=True)
        if a != b
    ]


def differ(a: DimLike, b: DimLike) -> bool:
    """Whether two sizes are known to be unequal."""
    gap = a - b
    return isinstance(gap, int) and gap != 0


def size_of(x: Node) -> Node:
    """The number of elements as a scalar int64."""
    return size(product(x.type.shape))  # pyright: ignore[reportAttributeAccessIssue]


def prod_of_sizes(sizes: Iterable[Node]) -> Node:
    """The product of the sizes of a shape as a scalar int64."""
    return size(product(as_dim(one) for one in sizes))


def static_length(x: Node, axis: int) -> int | None:
    """The size of an axis when it is a number."""
    one = x.type.shape[axis]  # pyright: ignore[reportAttributeAccessIssue]
    return one if isinstance(one, int) else None


slots.fill(normal_axis=normal_axis, size_of=size_of, prod_of_sizes=prod_of_sizes)
