"""Integer polynomials as plain dictionaries {monomial: coefficient}.

A monomial is a tuple of atoms sorted by their `key`, with repetition: n*n*m is
(n, n, m) and 1 is (). No coefficient is 0. `dims_algebra` wraps these in the frozen
`Dim`; `dims_proof` works on them as they are. A call takes 0.1 to 5 us.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd
from operator import attrgetter
from typing import Any

Atom = Any  # here only `key` is read, and atoms are compared by identity
Monomial = tuple[Atom, ...]
Term = tuple[Monomial, int]
Terms = Iterable[Term]
Poly = dict[Monomial, int]

_key = attrgetter("key")


def terms_of(d: Any) -> tuple[Term, ...]:
    """The terms of a size: an int, or a Dim."""
    if d.__class__ is int:
        return (((), d),) if d else ()
    return d.terms


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
        rest = list(other)
        shared: list[Atom] = []
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


def multiply(a: Terms, b: tuple[Term, ...]) -> Poly:
    """The product of two polynomials."""
    total: Poly = {}
    for left, c in a:
        for right, d in b:
            add_term(total, times(left, right), c * d)
    return total


def negate(a: Terms) -> Poly:
    """-a."""
    return {monomial: -c for monomial, c in a}


def long_division(a: tuple[Term, ...], b: tuple[Term, ...]) -> tuple[Poly, Poly]:
    """(q, r) with a = b*q + r, by long division in graded lexicographic order.

    Coefficients round toward 0, that of the constant quotient down: the remainder
    keeps the signs of `a`, and a number divided by a number leaves one in [0, b).
    """
    (divisor, lead), *tail = b
    quotient: Poly = {}
    remainder: Poly = {}
    left = dict(a)
    while left:
        monomial = min(left.items(), key=grlex)[0]
        c = left.pop(monomial)
        rest = over(monomial, divisor)
        if rest is None:
            remainder[monomial] = c
            continue
        count = c // lead if not rest or c * lead >= 0 else -(-c // lead)
        if c != count * lead:
            remainder[monomial] = c - count * lead
        if count:
            quotient[rest] = count
            for m, d in tail:
                add_term(left, times(rest, m), -count * d)
    return quotient, remainder


def shared_factors(a: tuple[Term, ...], b: tuple[Term, ...]) -> list[Term]:
    """One-term factors of b, other than 1 and b, shared with a term of a.

    Largest first. A number in `a` does not count: it shares factors with anything.
    """
    content = gcd(*[c for _, c in b])
    shared = common(m for m, _ in b)
    found: dict[Term, None] = {}
    for monomial, c in a:
        factor = (common((monomial, shared)), gcd(c, content))
        if monomial and factor != ((), 1) and b != (factor,):
            found[factor] = None
    return sorted(found, key=lambda term: (grlex(term), -term[1]))
