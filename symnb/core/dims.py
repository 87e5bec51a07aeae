"""Sizes and indices: `DimLike = int | Dim`, an integer or a polynomial over atoms.

Shapes, strides, index maps, loop bounds and launch sizes are all of this one kind.
This file is what the rest of the package imports: minimum and maximum, values,
substitution and proofs, beside the classes of `dims_algebra` and the text of
`dims_render`. A proof answers True only if the statement holds for every value of
the atoms; an index that occurs is in its range, so its extent is >= 1 there.
Units: elements.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from symnb.core.dims_algebra import (
    LEAVES,
    Atom,
    Dim,
    DimError,
    DimLike,
    Kind,
    bound,
    build,
    dim_of,
    div_mod,
    index,
    key_of,
    opaque,
    remember_sign,
    symbol,
)
from symnb.core.dims_proof import facts_of, nonnegative
from symnb.core.dims_render import C_PRELUDE, dim_key, dim_text, dim_to_c
from symnb.core.polynomial import Poly, terms_of

__all__ = [
    "C_PRELUDE", "Atom", "Dim", "DimError", "DimLike", "bound", "ceil_div",
    "dim_key", "dim_max", "dim_min", "dim_of", "dim_text", "dim_to_c", "dims_in",
    "div_mod", "divides", "evaluate", "index", "is_nonnegative", "is_positive",
    "map_dims", "prove_equal", "prove_le", "prove_lt", "substitute", "symbol",
    "terms_of",
]  # fmt: skip

LONG_CHAIN = 12  # levels of nesting from which min and max of many are balanced


def ceil_div(a: DimLike, b: DimLike) -> DimLike:
    """The least integer >= a / b."""
    return div_mod(a + b - 1, b)[0] if is_positive(b) else -div_mod(-a, b)[0]


def dim_min(a: DimLike, b: DimLike) -> DimLike:
    """The lesser of a and b."""
    return _extreme("min", a, b)


def dim_max(a: DimLike, b: DimLike) -> DimLike:
    """The greater of a and b."""
    return _extreme("max", a, b)


def _extreme(kind: Literal["min", "max"], a: DimLike, b: DimLike) -> DimLike:
    """min or max; `first(x, y)` says that x is the answer."""
    first: Callable[[DimLike, DimLike], bool] = prove_le
    if kind == "max":
        first = lambda x, y: prove_le(y, x)  # noqa: E731
    if first(a, b):
        return a
    if first(b, a):
        return b
    for one, other in ((a, b), (b, a)):
        for x, y in _branches(kind, one):
            if first(other, x):  # min(min(x, y), other) with other <= x
                return _extreme(kind, y, other)
    same = dict(set(terms_of(a)) & set(terms_of(b)))
    if same:
        common = build(same, True)
        return common + _extreme(kind, a - common, b - common)
    # A constant comes last.
    a, b = sorted((a, b), key=lambda d: (isinstance(d, int), key_of(d)))
    if max(_level(a), _level(b)) >= LONG_CHAIN:
        return _balanced(kind, a, b)
    return dim_of(opaque(kind, a, b))


def _level(d: DimLike) -> int:
    """How deep // % min max are nested in d."""
    return (
        0
        if isinstance(d, int)
        else max((a.level for m, _ in d.terms for a in m), default=0)
    )


def _balanced(kind: Literal["min", "max"], *sizes: DimLike) -> DimLike:
    """min or max of many sizes, nested as little as can be."""
    parts: dict[DimLike, None] = {}
    stack = [*sizes]
    while stack:
        d = stack.pop()
        atom = d.atom if isinstance(d, Dim) else None
        if atom is not None and atom.kind == kind:
            stack += atom.args
        else:
            parts[d] = None
    row = sorted(parts, key=lambda d: (isinstance(d, int), key_of(d)))
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=False)
        last = row[-1:] if len(row) % 2 else []
        row = [dim_of(opaque(kind, a, b)) for a, b in pairs] + last
    return row[0]


def _branches(kind: Kind, d: DimLike) -> Iterator[tuple[DimLike, DimLike]]:
    """Both orders of (x, y) for each min(x, y) with coefficient 1 in d."""
    for monomial, c in terms_of(d):
        if c == 1 and len(monomial) == 1 and monomial[0].kind == kind:
            rest = d - dim_of(monomial[0])
            x, y = (arg + rest for arg in monomial[0].args)
            yield x, y
            yield y, x


# Values and substitution

OPERATION: dict[str, Callable[[Any, Any], Any]] = {
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "min": dim_min,
    "max": dim_max,
}


def evaluate(d: DimLike, env: Mapping[Atom, int]) -> int:
    """The value of d when atoms have the values `env`.

    Raises DimError naming the atom without a value, or the division by zero.
    """
    total = 0
    for monomial, c in terms_of(d):
        for atom in monomial:
            value = env.get(atom)
            c *= _value(atom, env) if value is None else value
        total += c
    return total


def _value(atom: Atom, env: Mapping[Atom, int]) -> int:
    """The value of an atom that `env` does not list."""
    if atom.kind in LEAVES:
        known = ", ".join(f"{a} = {env[a]}" for a in sorted(env)) or "none"
        raise DimError(f"The size {atom} has no value; known sizes: {known}.")
    a, b = (evaluate(arg, env) for arg in atom.args)
    if b == 0 and atom.kind in ("floordiv", "mod"):
        raise DimError(f"{atom} divides {a} by zero: {atom.args[1]} = 0.")
    return OPERATION[atom.kind](a, b)


def substitute(d: DimLike, mapping: Mapping[Atom, DimLike]) -> DimLike:
    """d with atoms replaced, all at once, also inside opaque atoms.

    Extents are not followed: an index that is not replaced keeps its own.
    """
    return _substitute(d, mapping, {})


def _substitute(
    d: DimLike, mapping: Mapping[Atom, DimLike], done: dict[Atom, DimLike]
) -> DimLike:
    """substitute, remembering in `done` the image of each opaque atom."""
    if isinstance(d, int):
        return d
    kept: Poly = {}
    total: DimLike = 0
    for monomial, c in d.terms:
        images = [_image(atom, mapping, done) for atom in monomial]
        if all(image is None for image in images):
            kept[monomial] = c
            continue
        product: DimLike = c
        for atom, image in zip(monomial, images, strict=True):
            product = product * (dim_of(atom) if image is None else image)
        total = total + product
    return d if len(kept) == len(d.terms) else total + build(kept, d.mods)


def _image(
    atom: Atom, mapping: Mapping[Atom, DimLike], done: dict[Atom, DimLike]
) -> DimLike | None:
    """What becomes of `atom`, or None if it stays."""
    image = mapping.get(atom)
    if image is not None or atom.kind in LEAVES:
        return image
    image = done.get(atom)
    if image is None and not atom.inside.isdisjoint(mapping):
        a, b = (_substitute(arg, mapping, done) for arg in atom.args)
        image = OPERATION[atom.kind](a, b) if b != 0 else _by_zero(atom, a)
        done[atom] = image
    return image


def _by_zero(atom: Atom, a: DimLike) -> DimLike:
    """`atom` when its second operand has become 0."""
    if atom.kind in ("min", "max"):
        return OPERATION[atom.kind](a, 0)
    raise DimError(f"{atom} divides {a} by zero: {atom.args[1]} = 0.")


def map_dims(obj: Any, f: Callable[[Dim], Any]) -> Any:
    """`obj` with f applied to every Dim inside nested tuples; itself if unchanged."""
    if isinstance(obj, Dim):
        return f(obj)
    if obj.__class__ is not tuple:
        return obj
    images = [map_dims(item, f) for item in obj]
    return obj if all(map(operator.is_, images, obj)) else tuple(images)


def dims_in(obj: Any) -> Iterator[Dim]:
    """The Dims inside nested tuples, from left to right."""
    stack = [obj]
    while stack:
        item = stack.pop()
        if isinstance(item, Dim):
            yield item
        elif item.__class__ is tuple:
            stack.extend(reversed(item))


# Proofs: True only if proven for every value of the atoms


def is_nonnegative(d: DimLike) -> bool:
    """Whether d >= 0 is proven."""
    if isinstance(d, int):
        return d >= 0
    if d.sign is None:
        remember_sign(d, nonnegative(d, facts_of(d)))
    return d.sign is True


def is_positive(d: DimLike) -> bool:
    """Whether d >= 1 is proven."""
    return is_nonnegative(d - 1)


def prove_le(a: DimLike, b: DimLike) -> bool:
    """Whether a <= b is proven."""
    return is_nonnegative(b - a)


def prove_lt(a: DimLike, b: DimLike) -> bool:
    """Whether a < b is proven."""
    return is_nonnegative(b - a - 1)


def prove_equal(a: DimLike, b: DimLike) -> bool:
    """Whether a == b is proven."""
    return a == b or (prove_le(a, b) and prove_le(b, a))


def divides(k: DimLike, d: DimLike) -> bool:
    """Whether d % k == 0 is proven."""
    return d == 0 or (k != 0 and div_mod(d, k)[1] == 0)
