"""Which loops of a kernel ask whether the user wants to stop, and how much they count.

A loop asks after about POINTS runs of what is inside it: some ms at most. It has to
hold a loop long enough for one addition and one comparison (0.3 ns) not to matter,
and no loop inside it asks. Once per kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

from symnb.compile.kernels.kernel import Loop, Parallel, Statement
from symnb.core.dims import Dim, DimLike

POINTS = 1 << 20  # a body takes 0.1 to 100 ns, so that is asked every 0.1 to 100 ms
SHORT = 512  # loops known to be shorter count as one point each


def polled_loops(body: Sequence[Statement]) -> dict[Loop, DimLike]:
    """Loop -> points of the loops directly inside it, per run of its body.

    body  of a kernel, or of what it runs in threads
    """
    found: dict[Loop, DimLike] = {}
    stack: list[tuple[Loop, bool]] = [(s, False) for s in body if isinstance(s, Loop)]
    asks: set[Loop] = set()  # loops that ask or hold one that does
    while stack:
        loop, ready = stack.pop()
        inner = [s for s in loop.body if isinstance(s, Loop)]
        if not ready:
            stack.append((loop, True))
            stack += [(one, False) for one in inner]
            continue
        if not asks.isdisjoint(inner) or any(
            isinstance(s, Parallel) for s in loop.body
        ):
            asks.add(loop)
        elif loop.role != "simd" and any(not _is_short(one) for one in inner):
            asks.add(loop)
            extents = [one.stop - one.start for one in inner]
            found[loop] = sum(extents[1:], extents[0])
    return found


def _is_short(loop: Loop) -> bool:
    """Whether a loop is known to run a few times at most."""
    extent = loop.stop - loop.start
    if loop.role == "plain":
        return True
    if isinstance(extent, Dim) and extent.atom is not None:
        bounds = [x for x in extent.atom.args if isinstance(x, int)]
        if extent.atom.kind == "min" and bounds:
            extent = bounds[0]
    return isinstance(extent, int) and extent < SHORT
