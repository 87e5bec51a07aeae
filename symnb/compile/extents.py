"""C text of the size of an array as a double: tells what int64_t cannot hold.

Sizes of zero-sized arrays, and sizes that are data, multiply to more than 2**63 and
wrap to something small, which a kernel would then write beyond. One addition and a few
products per array and call (about 1 ns), only where a size is not settled.
"""

from __future__ import annotations

from collections.abc import Callable

from symnb.core.dims import Atom, DimLike
from symnb.core.dims_render import is_opaque
from symnb.core.polynomial import terms_of

MOST = "4.6e18"  # bytes of one call: 2**62
Name = Callable[[Atom], str]


def extent(size: DimLike, name: Name) -> str:
    """A C double of at least `size` (a // counts without its division)."""
    parts = [_term(monomial, c, name) for monomial, c in terms_of(size)]
    return " + ".join(part for part in parts if part) or "0.0"


def _term(monomial: tuple[Atom, ...], c: int, name: Name) -> str:
    if c < 0 and any(map(is_opaque, monomial)):
        return ""  # what is subtracted must not be too large
    return " * ".join([f"{float(c)!r}", *(_factor(atom, name) for atom in monomial)])


def _factor(atom: Atom, name: Name) -> str:
    if not is_opaque(atom):
        return f"(double){name(atom)}"
    first, second = (f"({extent(arg, name)})" for arg in atom.args)
    match atom.kind:
        case "min":
            return f"__builtin_fmin({first}, {second})"
        case "max":
            return f"__builtin_fmax({first}, {second})"
        case "mod":
            return second
        case _:
            return first


__all__ = ["MOST", "extent"]
