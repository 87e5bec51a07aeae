"""Size expressions as text: for people (Python's syntax), for C, and for digests.

One expression a few times per node shown and per loop written. The three forms share
one walk; a form says how leaves are named and how // % min max are spelt. A text is
a function of the expression alone: terms come in the Dim's own order, the first
positive one in front. The Python form reads back by `eval` to the same value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from symnb.core.dims_proof import facts_of, nonnegative
from symnb.core.polynomial import Atom, Term, over, terms_of

Name = Callable[[Atom], str]
Show = Callable[[Any], str]  # an atom, or a DimLike as the operand of an operator

C_PRELUDE = """\
static inline int64_t symnb_floordiv(int64_t a, int64_t b)
{
    if (b == 0) return 0; /* nobody reads it: the loop around it runs zero times */
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}
static inline int64_t symnb_floormod(int64_t a, int64_t b)
{
    if (b == 0) return 0;
    int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static inline int64_t symnb_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t symnb_max(int64_t a, int64_t b) { return a > b ? a : b; }
"""
C_NAMES = {
    "floordiv": "symnb_floordiv",
    "mod": "symnb_floormod",
    "min": "symnb_min",
    "max": "symnb_max",
}


def dim_text(d: Any, name: Name = lambda atom: atom.name) -> str:
    """A DimLike in Python's syntax: `2*n + 1`, `(n + 1)//2`, `min(n, 3)`."""

    def show(atom: Atom) -> str:
        if not is_opaque(atom):
            return name(atom)
        if atom.kind in ("min", "max"):
            a, b = (dim_text(arg, name) for arg in atom.args)
            return f"{atom.kind}({a}, {b})"
        sign = "//" if atom.kind == "floordiv" else "%"
        a, b = (_operand(arg, dim_text(arg, name)) for arg in atom.args)
        return f"{a}{sign}{b}"

    return _sum(terms_of(d), show)


def dim_to_c(d: Any, name: Name) -> str:
    """A DimLike as a C expression of type int64_t, products factored by Horner.

    name  atom -> C name of an int64_t
    `/` and `%` where both operands are proven in range, else the functions of
    `C_PRELUDE`.
    """

    def show(atom: Atom) -> str:
        if not is_opaque(atom):
            return name(atom)
        a, b = atom.args
        natural = atom.kind in ("floordiv", "mod") and atom.lower is not None
        if natural and nonnegative(a, facts_of(a, b)):
            sign = "/" if atom.kind == "floordiv" else "%"
            a, b = (_operand(arg, dim_to_c(arg, name)) for arg in atom.args)
            return f"{a} {sign} {b}"
        return f"{C_NAMES[atom.kind]}({dim_to_c(a, name)}, {dim_to_c(b, name)})"

    return _horner(terms_of(d), show)


def dim_key(d: Any, name: Name) -> str:
    """A text that depends on the names alone, not on when symbols were made.

    Terms and factors, and the operands of min and max, come in order of their text.
    """

    def show(atom: Atom) -> str:
        if not is_opaque(atom):
            return name(atom)
        args = [dim_key(arg, name) for arg in atom.args]
        if atom.kind in ("min", "max"):
            args.sort()
        return f"{atom.kind}({','.join(args)})"

    terms = [[str(c), *sorted(show(a) for a in m)] for m, c in terms_of(d)]
    return "+".join(sorted("*".join(term) for term in terms)) or "0"


def is_opaque(atom: Atom) -> bool:
    """Whether the atom is a // % min or max."""
    return atom.kind in C_NAMES


def _operand(d: Any, text: str) -> str:
    """`text` of d, in parentheses unless it is one name, number or call."""
    if d.__class__ is int:
        return text if d >= 0 else f"({text})"
    atom = d.atom
    tight = atom is not None and (not is_opaque(atom) or _is_call(text))
    return text if tight else f"({text})"


def _is_call(text: str) -> bool:
    """Whether `text` is one call f(...)."""
    head, _, tail = text.partition("(")
    if not head.isidentifier() or not tail.endswith(")"):
        return False
    depth = 1
    for i, character in enumerate(tail):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return i == len(tail) - 1
    return False


def _factor(atom: Atom, show: Show) -> str:
    """An atom as a factor of a product."""
    text = show(atom)
    return text if not is_opaque(atom) or _is_call(text) else f"({text})"


def _term(term: Term, show: Show, alone: bool) -> str:
    """|c| * monomial; a lone // needs no parentheses."""
    monomial, c = term
    if len(monomial) == 1 and abs(c) == 1 and alone:
        return show(monomial[0])
    factors = [_factor(atom, show) for atom in monomial]
    if abs(c) != 1 or not monomial:
        factors.insert(0, str(abs(c)))
    return "*".join(factors)


def _sum(terms: Iterable[Term], show: Show) -> str:
    """The terms joined by + and -, the first positive one in front."""
    return _joined([(_term(t, show, t[1] > 0), t[1] > 0) for t in terms])


def _joined(parts: list[tuple[str, bool]]) -> str:
    """Parts (text, is positive) as a sum."""
    if not parts:
        return "0"
    first = next((i for i, (_, positive) in enumerate(parts) if positive), 0)
    parts = [parts[first], *parts[:first], *parts[first + 1 :]]
    text, positive = parts[0]
    text = text if positive else f"-{text}"
    for part, positive in parts[1:]:
        text += f" + {part}" if positive else f" - {part}"
    return text


def _horner(terms: tuple[Term, ...], show: Show) -> str:
    """A sum in which the atom of most terms is factored out, again and again."""
    groups: list[tuple[Atom, list[Term]]] = []
    left = list(terms)
    while True:
        counts = Counter(atom for monomial, _ in left for atom in set(monomial))
        shared = [atom for atom, count in counts.items() if count > 1]
        if not shared:
            break
        atom = min(shared, key=lambda a: (-counts[a], a.key))
        inner = [(over(m, (atom,)) or (), c) for m, c in left if atom in m]
        groups.append((atom, inner))
        left = [(m, c) for m, c in left if atom not in m]
    parts: list[tuple[str, bool]] = []
    for atom, inner in groups:
        parts.append((f"({_horner(tuple(inner), show)})*{_factor(atom, show)}", True))
    parts += [(_term(t, show, t[1] > 0), t[1] > 0) for t in left]
    return _joined(parts)
