"""The classes of the size algebra: `Atom`, `Dim`, and their + - * // %.

A `Dim` is a sum of integer coefficients times products of atoms. Atoms are size
symbols, loop indices with 0 <= i < extent, sizes bound to a graph node, and opaque
`//`, `%`, `min`, `max` of two DimLikes. Thousands are built per compile: a sum or
product takes 1 to 4 us, a division with its proofs 30 to 250. Units: elements.

Invariants: a Dim is never constant (that is an int); its terms are in graded
lexicographic order with no zero coefficient; equal atoms are one object, so equality
is a comparison of tuples of pointers. The order of atoms is by creation, never by
hash. `//` and `%` are Python's: floor, and the remainder has the divisor's sign.

Pickle: a symbol or index read from a pickle is a new one, one for each in that
pickle (restored symbols are equal iff the originals were, and keep their order); two
pickles of one symbol restore to two symbols. A copy of a Dim is the Dim itself.
"""

from __future__ import annotations

import itertools
import operator
import threading
from typing import Any, Literal, NoReturn
from weakref import WeakValueDictionary

from symnb.core.dims_proof import Facts, facts_of, least_opaque, nonnegative
from symnb.core.dims_render import dim_text
from symnb.core.polynomial import (
    Poly,
    Term,
    add_term,
    grlex,
    long_division,
    multiply,
    over,
    shared_factors,
    terms_of,
    times,
)
from symnb.errors import SymnbError

Kind = Literal["symbol", "index", "bound", "floordiv", "mod", "min", "max"]
LEAVES = ("symbol", "bound", "index")
RANK = {"symbol": "0", "bound": "1", "index": "2"}
DEPTH_LIMIT = 40  # nesting of // % min max: proofs, pickle and C compilers recurse
SIZE_LIMIT = 4_000  # atoms in its text; a doubling chain gets there in 11 steps
COEFFICIENT_LIMIT = 2**62  # nested divisors merge below it: they end up in int64


class DimError(SymnbError, LookupError):
    """A size that cannot be built or has no value."""


class Frozen:
    """Slots are written once, by the constructor."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable.")

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


class Atom(Frozen):
    """One unknown integer. Equal atoms are one object; ordered by `key`.

    kind    what it is; `LEAVES` are values, the others combine two `args`
    name    label of a leaf, "" for the others
    args    (extent,) of an index, (a, b) of the opaque kinds, else ()
    node    what a bound size is bound to, else None
    key     order and digest of an atom within one process
    lower   least value it is proven to take, or None
    inside  all atoms its args mention, extents of indices included
    level   nesting depth of its args, plus 1
    size    number of atoms in its text
    values  leaves that an opaque atom is computed from
    whole   of a % b: Dims (c*(a//b), a + k*b) with a % b + first = second
    """

    __slots__ = (
        "__weakref__", "args", "inside", "key", "kind", "level", "lower", "name",
        "node", "serial", "size", "values", "whole",
    )  # fmt: skip
    kind: Kind
    name: str
    args: tuple[DimLike, ...]
    node: Any
    serial: int
    key: str
    lower: int | None
    values: frozenset[Atom]
    inside: frozenset[Atom]
    level: int
    size: int
    whole: tuple[DimLike, DimLike] | None

    def __lt__(self, other: Atom) -> bool:
        return self.key < other.key

    def __str__(self) -> str:
        return dim_text(dim_of(self))

    def __repr__(self) -> str:
        return f"Atom({self})"

    @property
    def leaves(self) -> frozenset[Atom]:
        """The leaf atoms it is computed from: itself for a leaf."""
        return frozenset((self,)) if self.kind in LEAVES else self.values

    @property
    def extent(self) -> DimLike:
        """The size an index runs over."""
        return self.args[0]

    def __reduce__(self) -> tuple[Any, ...]:
        if self.kind == "bound":
            return bound_atom, (self.node, self.name)
        if self.kind in LEAVES:
            return _restore_leaf, (
                self.kind, self.name, self.args, self.lower, self.serial,
            )  # fmt: skip
        return opaque, (self.kind, *self.args)


class Dim(Frozen):
    """An integer polynomial over atoms that is not a constant."""

    __slots__ = ("_hash", "mods", "sign", "terms")
    terms: tuple[Term, ...]
    mods: bool  # some atom may be a `%`: sums look for a // b * b + a % b
    sign: bool | None  # remembered answer of is_nonnegative
    _hash: int
    __array_ufunc__ = None  # NumPy integers leave the arithmetic to this class

    def __add__(self, other: DimLike) -> DimLike:
        terms = dict(self.terms)
        if isinstance(other, Dim):
            for monomial, c in other.terms:
                add_term(terms, monomial, c)
            return build(terms, self.mods or other.mods)
        number = _integer(other)
        if number is None:
            return NotImplemented
        add_term(terms, (), number)
        return build(terms, self.mods)

    def __mul__(self, other: DimLike) -> DimLike:
        if isinstance(other, Dim):
            product = multiply(self.terms, other.terms)
            return build(product, self.mods or other.mods)
        number = _integer(other)
        if number is None:
            return NotImplemented
        return self._scaled(number) if number else 0

    __radd__ = __add__
    __rmul__ = __mul__

    def _scaled(self, c: int) -> Dim:
        """c * self for a c other than 0."""
        return _dim(tuple([(m, c * d) for m, d in self.terms]), self.mods)

    def __neg__(self) -> DimLike:
        return self._scaled(-1)

    def __pos__(self) -> DimLike:
        return self

    def __sub__(self, other: DimLike) -> DimLike:
        term = _operand(other)
        return NotImplemented if term is None else self + -term

    def __rsub__(self, other: DimLike) -> DimLike:
        return self._scaled(-1) + other

    def __floordiv__(self, other: DimLike) -> DimLike:
        divisor = _operand(other)
        return NotImplemented if divisor is None else div_mod(self, divisor)[0]

    def __rfloordiv__(self, other: DimLike) -> DimLike:
        dividend = _operand(other)
        return NotImplemented if dividend is None else div_mod(dividend, self)[0]

    def __mod__(self, other: DimLike) -> DimLike:
        divisor = _operand(other)
        return NotImplemented if divisor is None else div_mod(self, divisor)[1]

    def __rmod__(self, other: DimLike) -> DimLike:
        dividend = _operand(other)
        return NotImplemented if dividend is None else div_mod(dividend, self)[1]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Dim):
            return False
        return self._hash == other._hash and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> NoReturn:
        raise DimError(
            f"Whether the size {self} is zero is not known yet.\n"
            "Fix: compare with ==, or ask is_positive(size)."
        )

    def __str__(self) -> str:
        return dim_text(self)

    def __repr__(self) -> str:
        return f"Dim({self})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_dim, (self.terms,)

    @property
    def atom(self) -> Atom | None:
        """The atom this Dim is, or None if it is a larger expression."""
        terms = self.terms
        if len(terms) == 1 and terms[0][1] == 1 and len(terms[0][0]) == 1:
            return terms[0][0][0]
        return None

    @property
    def leaf(self) -> Atom | None:
        """The symbol, bound or index this Dim is; None for anything computed."""
        atom = self.atom
        return atom if atom is not None and atom.kind in LEAVES else None

    @property
    def key(self) -> str:
        """A string that orders Dims; equal iff the Dims are, within one process."""
        return "+".join(
            f"{c}*" + "*".join([atom.key for atom in m]) for m, c in self.terms
        )

    def atoms(self) -> frozenset[Atom]:
        """The symbols, bounds and indices it is computed from; sort to iterate."""
        return frozenset[Atom]().union(*[a.leaves for m, _ in self.terms for a in m])


DimLike = int | Dim

_new = object.__new__
_set_terms, _set_mods = Dim.terms.__set__, Dim.mods.__set__  # type: ignore[attr-defined]
_set_sign, _set_hash = Dim.sign.__set__, Dim._hash.__set__  # type: ignore[attr-defined]


def _dim(terms: tuple[Term, ...], mods: bool) -> Dim:
    """The Dim of sorted nonconstant terms."""
    d = _new(Dim)
    _set_terms(d, terms)
    _set_mods(d, mods)
    _set_sign(d, None)
    _set_hash(d, hash(terms))
    return d


def remember_sign(d: Dim, sign: bool) -> None:
    """Keep whether d >= 0 was proven."""
    _set_sign(d, sign)


def build(terms: Poly, mods: bool) -> DimLike:
    """The normal form of a sum of terms without zero coefficients."""
    if mods:
        _recombine(terms)
    if len(terms) == 1:
        [(monomial, c)] = terms.items()
        return _dim(((monomial, c),), mods) if monomial else c
    if not terms:
        return 0
    return _dim(tuple(sorted(terms.items(), key=grlex)), mods)


def _recombine(terms: Poly) -> None:
    """Replace c*(a % b) + c*b*(a // b) by c*a wherever both are present."""
    pending = list(terms)
    while pending:
        monomial = pending.pop()
        c = terms.get(monomial)
        for atom in monomial if c else ():
            if atom.whole is None or monomial.count(atom) > 1:
                continue
            first, second = atom.whole
            rest = over(monomial, (atom,))
            assert rest is not None and c is not None
            taken = [(times(rest, m), c * d) for m, d in terms_of(first)]
            if any(terms.get(m) != d for m, d in taken):
                continue
            for m, d in [*taken, (monomial, c)]:
                add_term(terms, m, -d)
            for m, d in terms_of(second):
                add_term(terms, times(rest, m), c * d)
            pending = list(terms)
            break


def _integer(value: Any) -> int | None:
    """`value` as an int, or None if it is no integer."""
    if value.__class__ is int:
        return value
    try:
        return int(operator.index(value))
    except TypeError:
        return None


def _operand(value: Any) -> DimLike | None:
    """`value` as a DimLike, or None."""
    return value if isinstance(value, Dim) else _integer(value)


def dim_of(atom: Atom) -> Dim:
    """The Dim that is `atom`."""
    return _dim((((atom,), 1),), atom.kind == "mod")


# Atoms

_serials = itertools.count(1)
_restored = itertools.count(1)
_interned: WeakValueDictionary[Any, Atom] = WeakValueDictionary()  # Note [Interning]
_lock = threading.Lock()


def _atom(kind: Kind, key: str, **slots: Any) -> Atom:
    """A new Atom with the given slots."""
    atom = _new(Atom)
    slots = {"name": "", "args": (), "node": None, "serial": 0, **slots}
    slots = {"kind": kind, "key": key, "lower": None, "whole": None, **slots}
    inside = [a for d in slots["args"] for m, _ in terms_of(d) for a in m]
    slots["inside"] = frozenset(inside).union(*[a.inside for a in inside])
    slots["level"] = 1 + max((a.level for a in inside), default=0)
    slots["size"] = 1 + sum(a.size for a in inside)
    slots["values"] = frozenset[Atom]().union(*[a.leaves for a in inside])
    for name, value in slots.items():
        object.__setattr__(atom, name, value)
    return atom


def _leaf(kind: Kind, serial: int, suffix: str = "", **slots: Any) -> Atom:
    """A new leaf atom, ordered by kind and serial number."""
    key = f"{RANK[kind]}{serial:09d}{suffix}"
    return _atom(kind, key, serial=serial, **slots)


def symbol(name: str, lower: int = 1) -> Dim:
    """A fresh size with value >= lower, printed by its name."""
    return dim_of(_leaf("symbol", next(_serials), name=name, lower=lower))


def index(name: str, extent: DimLike) -> Dim:
    """A fresh loop index i with 0 <= i < extent."""
    args = (_operand(extent),)
    return dim_of(_leaf("index", next(_serials), name=name, args=args, lower=0))


def bound(node: Any, name: str) -> Dim:
    """The size >= 0 that the object `node` will yield; one per object."""
    return dim_of(bound_atom(node, name))


def bound_atom(node: Any, name: str) -> Atom:
    """The atom of `bound(node, name)`; the first name given stays."""
    with _lock:
        atom = _interned.get(("bound", id(node)))
        if atom is None:
            atom = _leaf("bound", next(_serials), name=name, node=node, lower=0)
            _interned["bound", id(node)] = atom
        return atom


def _restore_leaf(
    kind: Kind, name: str, args: tuple[DimLike, ...], lower: int, serial: int
) -> Atom:
    """A symbol or index read from a pickle, in the same place of the order."""
    suffix = f".{next(_restored):09d}"
    return _leaf(kind, serial, suffix, name=name, args=args, lower=lower)


def _restore_dim(terms: tuple[Term, ...]) -> DimLike:
    """A Dim read from a pickle, sorted anew."""
    mods = any(a.kind == "mod" for m, _ in terms for a in m)
    return build({times(m[:1], m[1:]): c for m, c in terms}, mods)


def opaque(kind: Kind, a: DimLike, b: DimLike) -> Atom:
    """The atom `a // b`, `a % b`, `min(a, b)` or `max(a, b)`, as it stands."""
    known = _interned.get((kind, a, b))
    if known is not None:
        return known
    key = f"9{kind}({key_of(a)},{key_of(b)})"
    whole = _whole(a, b) if kind == "mod" else None
    lower = least_opaque(kind, a, b)
    atom = _atom(kind, key, args=(a, b), lower=lower, whole=whole)
    if atom.level > DEPTH_LIMIT or atom.size > SIZE_LIMIT:
        raise DimError(
            f"A size expression nests {atom.level} levels of // % min max "
            f"(limit {DEPTH_LIMIT}) and names {atom.size} sizes (limit {SIZE_LIMIT}).\n"
            "Fix: give an intermediate size a name of its own."
        )
    with _lock:
        return _interned.setdefault((kind, a, b), atom)


def key_of(d: DimLike) -> str:
    """A string that orders DimLikes."""
    return d.key if isinstance(d, Dim) else str(d)


def _whole(a: DimLike, b: DimLike) -> tuple[DimLike, DimLike] | None:
    """(c, d) with a % b + c = d, where c is b*(a // b) less its constant part."""
    quotient = _quotient(a, b)
    constant = next((c for m, c in terms_of(quotient) if not m), 0)
    return b * (quotient - constant), a - b * constant


# Division


def div_mod(a: DimLike, b: DimLike) -> tuple[DimLike, DimLike]:
    """(a // b, a % b), simplified as far as 0 <= remainder < b can be proven.

    Raises DimError when b is the number 0. A b that may be 0 gives opaque atoms.
    """
    if isinstance(b, int):
        if isinstance(a, int) and b:
            return divmod(a, b)
        if b == 0:
            raise DimError(f"The size {a} is divided by 0.")
    return _divide(a, b, facts_of(a, b))


def _divide(a: DimLike, b: DimLike, facts: Facts) -> tuple[DimLike, DimLike]:
    """div_mod under `facts`, lower bounds of atoms."""
    if not nonnegative(b - 1, facts):
        if not nonnegative(-b - 1, facts):
            return dim_of(opaque("floordiv", a, b)), dim_of(opaque("mod", a, b))
        quotient, rest = _divide(-a, -b, facts)
        return quotient, -rest
    q, r = _split(a, b)
    settled = _settle(q, r, b, facts)
    if settled is not None:
        return settled
    for monomial, c in shared_factors(terms_of(r), terms_of(b)):
        factor = build({monomial: c}, True)
        settled = _settle(*_split(r, factor), factor, facts)
        if settled is not None:
            whole, rest = _divide(settled[0], _split(b, factor)[0], facts)
            return q + whole, factor * rest + settled[1]
    atom = r.atom if isinstance(r, Dim) else None
    if atom is not None and atom.kind == "mod":
        factor, rest = _split(atom.args[1], b)
        if rest == 0 and nonnegative(factor - 1, facts):
            # (x % (b*k)) // b = (x // b) % k
            whole, rest = _divide(atom.args[0], b, facts)
            return q + _divide(whole, factor, facts)[1], rest
    return q + _quotient(r, b), dim_of(opaque("mod", r, b))


def _split(a: DimLike, b: DimLike) -> tuple[DimLike, DimLike]:
    """(q, r) with a = b*q + r, by long division; the range of r is not known."""
    q, r = long_division(terms_of(a), terms_of(b))
    mods = _has_mods(a) or _has_mods(b)
    return build(q, mods), build(r, mods)


def _has_mods(d: DimLike) -> bool:
    """Whether some atom of d may be a %."""
    return isinstance(d, Dim) and d.mods


def _settle(
    q: DimLike, r: DimLike, b: DimLike, facts: Facts
) -> tuple[DimLike, DimLike] | None:
    """(q, r) moved by at most one b so that 0 <= r < b is proven, or None."""
    proven = nonnegative
    if proven(r, facts):
        if proven(b - 1 - r, facts):
            return q, r
        if proven(r - b, facts) and proven(2 * b - 1 - r, facts):
            return q + 1, r - b
    elif proven(-1 - r, facts) and proven(r + b, facts):
        return q - 1, r + b
    return None


def _quotient(r: DimLike, b: DimLike) -> DimLike:
    """r // b for an r that cannot be split further; the facts are its own.

    -x // b is written -((x + b - 1) // b), and (x // p + k) // b as
    (x + p*k) // (p*b), so that chains of divisions do not nest.
    """
    signs = [c < 0 for m, c in terms_of(r) if m]
    facts = facts_of(r, b)
    if signs and nonnegative(b - 1, facts):
        if all(signs):
            return -_divide(b - 1 - r, b, facts)[0]
        [(m, c), *rest] = terms_of(r)
        inner = m[0] if c == 1 and len(m) == 1 else None
        if inner is not None and inner.kind == "floordiv" and len(signs) == 1:
            x, p = inner.args
            both = p * b
            k = rest[0][1] if rest else 0
            if _is_short(both) and nonnegative(p - 1, facts):
                return _divide(x + p * k, both, facts)[0]
    return dim_of(opaque("floordiv", r, b))


def _is_short(d: DimLike) -> bool:
    """Whether its coefficients fit in int64 with room to add."""
    return all(abs(c) < COEFFICIENT_LIMIT for _, c in terms_of(d))


# Note [Interning]. Opaque atoms and bound sizes live in one weak table, so that
# equal atoms are one object: Dims then compare and hash at the speed of pointers and
# no comparison recurses into nested // and %. The table holds an atom only as long
# as a Dim does. Nothing a user named is shared through it except the size of a node,
# which is one size by definition.
