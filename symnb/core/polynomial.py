"""Integer polynomials as plain dictionaries {monomial: coefficient}.

A monomial is a tuple of atoms sorted by their `key`, with repetition: n*n*m is
(n, n, m) and 1 is (). No coefficient is 0. `dims` wraps these in its frozen `Dim`;
`dims_proof` works on them as they are. One call takes 0.1 to 2 us.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

Monomial = tuple[Any, ...]
Term = tuple[Monomial, int]
Terms = Iterable[Term]
Poly = dict[Monomial, int]

_key = attrgetter("key")


def grlex(term: Term) -> tuple[Any, ...]:
    """Sort key: higher degree first, then by atoms; the constant comes last."""
    return (-len(term[0]), *[atom.key for atom in term[0]])


def add_term(poly: Poly, monomial: Monomial, c: int) -> None:
    """Add c * monomial to `poly` in place."""
    total = poly.get(monomial, 0) + c
    if total:
        poly[monomial] = total
    else:
        poly.pop(monomial, None)


def times(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    if not left:
        return right
    return tuple(sorted(left + right, key=_key)) if right else left


def over(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """monomial / divisor, or None if it does not divide."""
    if not divisor:
        return monomial
    rest = list(monomial)
    for atom in divisor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def common(monomials: Iterable[Monomial]) -> Monomial:
    """The greatest common divisor of monomials."""
    first, *others = monomials
    for other in others:
        if not first:
            break
        rest, shared = list(other), []
        for atom in first:
            if atom in rest:
                rest.remove(atom)
                shared.append(atom)
        first = tuple(shared)
    return first


def add(*polys: Terms) -> Poly:
    """The sum of polynomials."""
    total: Poly = {}
    for poly in polys:
        for monomial, c in poly:
            add_term(total, monomial, c)
    return total


def multiply(a: Terms, b: Terms) -> Poly:
    """The product of two polynomials; `b` is iterated more than once."""
    total: Poly = {}
    for left, c in a:
        for right, d in b:
            add_term(total, times(left, right), c * d)
    return total


def negate(a: Terms) -> Poly:
    """-a."""
    return {monomial: -c for monomial, c in a}
