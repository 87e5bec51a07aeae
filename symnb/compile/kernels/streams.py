"""Results that go past the caches: loops that write whole cache lines to memory.

An ordinary store reads the line first; of a result larger than the caches every line is
then moved twice. A loop whose arrays together are that large computes a line at a time
and hands it over (`Stream`), if it does little else and no later kernel reads it:
float32 a*b + c*d - a of 3e6 elements 1612 -> 1273 us, of 1e6 317 -> 252 (EPYC Zen 4,
gcc 12, 2026-11); gcc takes 10 ms more. By way of a longer tile nothing is won, and
lines that were just read (in place) are not streamed. Marked by schedules, written out
by renderers; a few statements per kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symnb.compile.kernels.kernel import (
    Cell,
    Combine,
    Define,
    Element,
    Loop,
    Operand,
    Position,
    Statement,
    Stream,
    Write,
)
from symnb.compile.kernels.nest import Nest, axis
from symnb.compile.kernels.schedule import product
from symnb.core.dims import Atom, DimLike, dim_of, substitute

LINE = 64  # bytes
LARGE = 24 << 20  # bytes of all arrays: more than is left of a last-level cache
FLOPS = 24  # of a point: beyond, arithmetic takes longer than memory
SIZES = (4, 8)  # bytes of elements that are streamed


def streams(nest: Nest, body: Sequence[Statement], points: DimLike) -> DimLike:
    """0 where a flat loop of these statements does not stream, else a size that is 0
    where its arrays are small."""
    writes = [s for s in body if isinstance(s, Write)]
    sizes = {np.dtype(s.dtype).itemsize for s in writes}
    plain = all(isinstance(s, Define | Write) for s in body)
    flops = sum(s.op.flops for s in body if isinstance(s, Define) and s.op is not None)
    whole = all(product(b.shape) == points for b in nest.outputs)
    awaited = any(b.node in nest.awaited for b in nest.outputs)
    if not plain or flops > FLOPS or len(sizes) != 1 or not whole or awaited:
        return 0
    if any(s.mode != "set" for s in writes) or not sizes <= {*SIZES}:
        return 0
    written = {s.target.array for s in writes}
    read = {x.array for s in body for x in _read(s) if isinstance(x, Element)}
    if len(written) != len(writes) or not written.isdisjoint(read):
        return 0
    moved = [b for b in nest.buffers if product(b.shape) == points]
    each = sum(np.dtype(b.dtype).itemsize for b in moved)
    return points // max(1, LARGE // each)


def _read(statement: Statement) -> tuple[Operand, ...]:
    if isinstance(statement, Define):
        return statement.operands
    return (statement.value,) if isinstance(statement, Write) else ()


def lanes_of(loop: Loop) -> int:
    """Elements of a line of what a loop streams."""
    [size] = {np.dtype(s.dtype).itemsize for s in loop.body if isinstance(s, Write)}
    return LINE // size


def streamed(loop: Loop, stop: DimLike) -> tuple[Loop, Loop]:
    """The loop in lines up to `stop`, and the rest of it from there on."""
    lanes = lanes_of(loop)
    place = axis("l", lanes)
    here: dict[Atom, DimLike] = {loop.atom: dim_of(loop.atom) + place.at}
    tiles: list[Statement] = []
    after: list[Statement] = []
    inner: list[Statement] = []
    for s in loop.body:
        if isinstance(s, Write):
            tile = f"line_{s.target.array}"
            tiles.append(Cell(tile, s.dtype, "none", lanes))
            after.append(Stream(s.target, tile))
            value = _moved(s.value, here)
            s = replace(s, target=Element(tile, place.at), value=value)
        elif isinstance(s, Define):
            s = replace(s, operands=tuple(_moved(x, here) for x in s.operands))
        elif isinstance(s, Combine):
            raise TypeError("a loop that reduces does not stream")
        inner.append(s)
    vector = Loop(place.atom, 0, lanes, "simd", tuple(inner))
    body = (*tiles, vector, *after)
    note = "past the caches"
    first = Loop(loop.atom, loop.start, stop, "serial", body, lanes, note)
    return first, replace(loop, start=stop, streams=0)


def _moved(operand: Operand, here: dict[Atom, DimLike]) -> Operand:
    """An operand at another point."""
    if isinstance(operand, Element):
        return Element(operand.array, substitute(operand.offset, here))
    if isinstance(operand, Position):
        return Position(substitute(operand.dim, here))
    return operand
