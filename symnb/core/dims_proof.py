"""Proofs that a polynomial over bounded integers is >= 0.

Two steps repeat. Shift: write every atom as its lower bound plus a variable >= 0; if
then no coefficient is negative, the polynomial is >= 0. Eliminate: an atom with an
upper bound (index, %, min, max, //) that occurs linearly takes its least value at an
end of its range, so polynomials without that atom are proven instead. Atoms are
treated as independent within their bounds, which is sound. A proof makes at most FUEL
eliminations of a few microseconds; True means proven, False not proven.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Any

from symnb.core.polynomial import (
    Atom,
    Monomial,
    Poly,
    Term,
    Terms,
    add,
    add_term,
    common,
    multiply,
    negate,
    over,
    terms_of,
)

Facts = dict[Atom, int]  # lower bounds that hold beside the atoms' own
Goals = list[Poly]  # all of them have to be proven

FUEL = 48
TERM_LIMIT = 48  # longer ones are not worth a millisecond each
ORDER = {"index": 0, "mod": 1, "min": 2, "max": 3, "floordiv": 4}  # cheapest first
ONE: Term = ((), 1)
MINUS_ONE: Term = ((), -1)


def facts_of(*dims: Any) -> Facts:
    """What the indices in `dims` say: an index exists, so its extent is >= 1."""
    seen: set[Atom] = set()
    for d in dims:
        for monomial, _ in terms_of(d):
            for atom in monomial:
                if atom.inside or atom.kind == "index":
                    seen.add(atom)
                    seen |= atom.inside
    facts: Facts = {}
    for atom in seen:
        if atom.kind == "index":
            _extent_is_positive(terms_of(atom.args[0]), facts)
    return facts


def _extent_is_positive(extent: tuple[Term, ...], facts: Facts) -> None:
    """Add what extent >= 1 says of the atoms of its only positive term."""
    constant = 0
    positive: list[tuple[Monomial, int]] = []
    for monomial, c in extent:
        if any(atom.lower is None or atom.lower < 0 for atom in monomial):
            return
        if not monomial:
            constant = c
        elif c > 0:
            positive.append((monomial, c))
    if len(positive) != 1 or constant > 0:
        return
    [(monomial, c)] = positive  # c * monomial >= 1 - constant >= 1
    least = -((constant - 1) // c) if len(monomial) == 1 else 1
    for atom in monomial:
        facts[atom] = max(least, facts.get(atom, least))


def nonnegative(d: Any, facts: Facts) -> bool:
    """Whether the DimLike d >= 0 is proven from the atoms' bounds and `facts`."""
    if d.__class__ is int:
        return d >= 0
    return _search(dict(d.terms), facts, frozenset(), [FUEL])


def _search(poly: Poly, facts: Facts, kept: frozenset[Atom], fuel: list[int]) -> bool:
    """Whether poly >= 0 is proven; atoms in `kept` are not eliminated any more."""
    least = least_value(poly.items(), facts)
    if least is not None and least >= 0:
        return True
    if poly.keys() == {()} or len(poly) > TERM_LIMIT:
        return False
    poly = _primitive(poly, facts)
    while fuel[0] > 0 and (atom := _next_atom(poly, kept)) is not None:
        fuel[0] -= 1
        for goals in _alternatives(poly, atom, facts):
            if all(_search(goal, facts, kept, fuel) for goal in goals):
                return True
        kept |= {atom}
    return False


def _lower(atom: Atom, facts: Facts) -> int | None:
    """The best lower bound of `atom`."""
    fact, own = facts.get(atom), atom.lower
    return own if fact is None else fact if own is None else max(fact, own)


def _is_natural(atom: Atom, facts: Facts) -> bool:
    """Whether atom >= 0."""
    lower = _lower(atom, facts)
    return lower is not None and lower >= 0


def least_value(terms: Terms, facts: Facts) -> int | None:
    """A lower bound of a polynomial, by shifting atoms to be >= 0; None if none.

    It is the value where all atoms are least, if no shifted coefficient is negative.
    """
    shifted: Poly = {}
    for monomial, c in terms:
        lowers = [_lower(a, facts) if facts else a.lower for a in monomial]
        if None in lowers:
            return None
        if not any(lowers):
            add_term(shifted, monomial, c)
            continue
        parts: Poly = {(): c}
        for atom, lower in zip(monomial, lowers, strict=True):
            longer = {(*m, atom): v for m, v in parts.items()}
            if lower:
                for m, v in parts.items():
                    add_term(longer, m, lower * v)
            parts = longer
        for m, v in parts.items():
            add_term(shifted, m, v)
    least = shifted.pop((), 0)
    return least if all(v > 0 for v in shifted.values()) else None


def _next_atom(poly: Poly, kept: frozenset[Atom]) -> Atom | None:
    """The atom to eliminate: bounded, and no other atom's bounds mention it."""
    atoms = {atom for monomial in poly for atom in monomial} - kept
    inside = {a for atom in atoms if atom.inside for a in atom.inside}
    bounded = [a for a in atoms if a.kind in ORDER and a not in inside]
    return min(bounded, key=lambda a: (ORDER[a.kind], a.key), default=None)


def _primitive(poly: Poly, facts: Facts) -> Poly:
    """`poly` without factors that are >= 0, its constant rounded down."""
    shared = tuple(a for a in common(poly) if _is_natural(a, facts))
    content = gcd(*[c for monomial, c in poly.items() if monomial])
    if not shared and content == 1:
        return poly
    quotient: Poly = {}
    for monomial, c in poly.items():
        add_term(quotient, over(monomial, shared) or (), c // content)
    return quotient


def _alternatives(poly: Poly, atom: Atom, facts: Facts) -> Iterator[Goals]:
    """Goals without `atom`; one alternative proven in full proves poly >= 0."""
    slope: Poly = {}
    rest: Poly = {}
    for monomial, c in poly.items():
        if atom not in monomial:
            rest[monomial] = c
        elif monomial.count(atom) == 1:
            slope[tuple(a for a in monomial if a is not atom)] = c
        else:
            if atom.kind == "index":
                yield from _by_monomials(poly, atom, facts)
            return
    rising = _signed(slope, facts)
    falling = _signed(negate(slope.items()), facts)
    if atom.kind in ("index", "mod"):
        yield from _over_range(slope, rest, rising, falling, atom, facts)
    elif atom.kind == "floordiv":
        yield from _over_quotient(slope, rest, rising, falling, atom, facts)
    else:  # min or max is one of its operands, and bounds both
        a, b = (_at(slope, rest, terms_of(arg)) for arg in atom.args)
        if falling if atom.kind == "min" else rising:
            yield [a]
            yield [b]
        else:
            yield [a, b]


def _signed(slope: Poly, facts: Facts) -> bool:
    """Whether slope >= 0 by shifting alone."""
    least = least_value(slope.items(), facts)
    return least is not None and least >= 0


def _at(slope: Poly, rest: Poly, value: Terms) -> Poly:
    """slope * value + rest."""
    return add(multiply(slope.items(), tuple(value)).items(), rest.items())


def _over_range(
    slope: Poly, rest: Poly, rising: bool, falling: bool, atom: Atom, facts: Facts
) -> Iterator[Goals]:
    """An index in [0, extent - 1]; a % b in [0, b - 1], and <= a if a >= 0."""
    tops = [add(terms_of(atom.args[-1]), [MINUS_ONE])]
    if atom.kind == "mod":
        if not _search(dict(tops[0]), facts, frozenset(), [0]):
            return
        if _signed(dict(terms_of(atom.args[0])), facts):
            tops.append(dict(terms_of(atom.args[0])))
    if rising:
        yield [rest]
        return
    for top in tops:
        at_top = _at(slope, rest, top.items())
        yield [at_top] if falling else [rest, at_top]


def _over_quotient(
    slope: Poly, rest: Poly, rising: bool, falling: bool, atom: Atom, facts: Facts
) -> Iterator[Goals]:
    """a // b for b >= 1: a - b + 1 <= b * (a // b) <= a.

    The integer P = slope * (a // b) + rest is >= 0 iff P > -1, which holds if
    slope * (b * (a // b)) + b * rest >= -(b - 1).
    """
    a, b = (terms_of(arg) for arg in atom.args)
    slack = add(b, [MINUS_ONE])
    if not _search(dict(slack), facts, frozenset(), [0]):
        return
    scaled = add(multiply(b, tuple(rest.items())).items(), slack.items())
    top = _at(slope, scaled, a)
    bottom = _at(slope, scaled, add(a, negate(slack.items()).items()).items())
    yield [bottom] if rising else [top] if falling else [top, bottom]


def _by_monomials(poly: Poly, index: Atom, facts: Facts) -> Iterator[Goals]:
    """Powers of an index: 0 below positive terms, the greatest above negative ones."""
    top = add(terms_of(index.args[0]), [MINUS_ONE])
    total: Poly = {}
    for monomial, c in poly.items():
        others = tuple(a for a in monomial if a is not index)
        power = len(monomial) - len(others)
        if not all(_is_natural(a, facts) for a in others):
            return
        if power and c > 0:
            continue
        term: Poly = {others: c}
        for _ in range(power):
            term = multiply(term.items(), tuple(top.items()))
        total = add(total.items(), term.items())
    yield [total]


def least_opaque(kind: str, a: Any, b: Any) -> int | None:
    """A lower bound of `a // b`, `a % b`, `min(a, b)` or `max(a, b)`, or None."""
    facts = facts_of(a, b)
    if kind == "mod":
        return 0 if nonnegative(b - 1, facts) else None
    low = [least_value(terms_of(d), facts) for d in (a, b)]
    if kind == "floordiv":
        if not nonnegative(b - 1, facts) or not nonnegative(a, facts):
            return None
        if b.__class__ is int and low[0] is not None:
            return low[0] // b
        return 1 if nonnegative(a - b, facts) else 0
    known = [value for value in low if value is not None]
    if kind == "max":
        return max(known, default=None)
    return min(known) if len(known) == 2 else None
