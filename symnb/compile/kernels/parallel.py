"""Which loops of a scheduled kernel run in threads, in chunks of what size.

The outermost loop whose iterations are independent is cut in chunks; so is a loop that
reduces, where each chunk has accumulators of its own that are combined in chunk order.
Chunks depend on sizes alone, so results repeat bit for bit; one thread runs the loop as
if there were no chunks. Whether threads pay is decided at every call, from a number of
points that is estimated here. Once per kernel, tens of statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symnb.compile.kernels.columns import Columns
from symnb.compile.kernels.flatten import Form
from symnb.compile.kernels.kernel import (
    FIRST,
    LAST,
    Cell,
    Combine,
    Define,
    Element,
    Kernel,
    Loop,
    Name,
    Parallel,
    Push,
    Result,
    Row,
    Statement,
    Total,
    Tree,
    Variable,
    Write,
    operands_of,
    used,
    variable,
)
from symnb.compile.kernels.nest import Nest, Reduce
from symnb.compile.kernels.schedule import product
from symnb.core.dims import DimLike, dim_max, dim_min, dims_in

# ns, EPYC Zen 4, gcc 12, 2026-11. A worker that sleeps takes 16 to 60 us to come, one
# that looks for work 0.2. The workspace wakes workers for 8 chunks and more, and gives
# fewer to those who are awake; but where results are combined, sizes alone decide.
WORTH_NS = 40_000.0  # work from which threads pay where results are combined
AWAKE_NS = 12_000.0  # where they are not
CHUNK_NS = 5_000.0  # least work of a chunk: taking one costs 0.1 us
FLOP_NS = 0.02  # one flop of a vector loop, per 4 bytes of the result
SCALAR_FLOPS = 50  # ops of more flops run one element at a time ...
SCALAR_NS = 0.2  # ... each flop taking so long
BYTE_NS = 0.01  # one byte from or to the last-level cache
FLAT_UNIT = 1024  # elements: chunks of a flat loop share no cache line and few pages


def in_threads(kernel: Kernel, form: Form) -> Kernel:
    """The kernel with the loops that may run in threads marked, or why there are
    none."""
    cut = _Cut(kernel, form)
    body = cut.outermost(kernel.body)
    made = replace(kernel, body=tuple(body))
    return replace(made, alone="" if made.parallel else cut.reason)


@dataclass(frozen=True)
class _Span:
    """Statements [start, stop) of a body whose `loops` are cut together."""

    start: int
    stop: int
    loops: tuple[Loop, ...]
    results: tuple[Result, ...] = ()


class _Cut:
    """Cuts the loops of one kernel."""

    def __init__(self, kernel: Kernel, form: Form) -> None:
        self.kernel = kernel
        self.form = form
        self.nest: Nest = form.nest
        self.arrays = {b.name: np.dtype(b.dtype).itemsize for b in kernel.buffers}
        self.reductions: dict[str, Reduce] = {}
        self.points: dict[str, DimLike] = {}  # of the stage of a reduction
        for stage in self.nest.stages:
            for item in stage.reductions:
                self.reductions[item.name] = item
                self.points[item.name] = product(a.extent for a in stage.inner)
        self.reason = "no loop"

    # ------------------------------------------------------------- what is cut

    def outermost(self, body: Sequence[Statement]) -> list[Statement]:
        """The body of the kernel with its outermost loops cut."""
        found: list[Statement] = []
        at = 0
        own = [s for s in body if isinstance(s, Row)] if self.nest.outer else []
        for span in self._spans(body):
            found += [s for s in body[at : span.start] if s not in own]
            found += self._cut(span, [*own, *body[span.start : span.stop]])
            at = span.stop
        if not at:
            return list(body)
        return [*found, *body[at:]]

    def _cut(self, span: _Span, body: Sequence[Statement]) -> list[Statement]:
        points = self._points(span)
        made = self._parallel(span, body, points)
        if made is None:
            return list(body)
        if isinstance(self.form, Columns) and not span.results:
            inner = tuple(self._deeper(s) for s in made.body)
            shares = any(
                new is not old for new, old in zip(inner, made.body, strict=True)
            )
            made = replace(made, body=inner, shares=shares)
        return [made]

    def _deeper(self, statement: Statement) -> Statement:
        """A loop over columns whose loops over rows are cut, where they are long."""
        if not isinstance(statement, Loop):
            return statement
        path = [statement]
        while not any(isinstance(s, Cell) for s in path[-1].body):
            inner = [s for s in path[-1].body if isinstance(s, Loop)]
            if len(inner) != 1:
                return statement
            path += inner
        changed = self._rows(path[-1].body)
        if changed is None:
            return statement
        new = replace(path[-1], body=tuple(changed))
        for loop, old in zip(path[-2::-1], path[:0:-1], strict=True):
            body = tuple(new if s is old else s for s in loop.body)
            new = replace(loop, body=body)
        return new

    def _rows(self, body: Sequence[Statement]) -> list[Statement] | None:
        """The body of a loop over tiles with its reductions cut; None: as it is."""
        assert isinstance(self.form, Columns)
        found: list[Statement] = []
        at = 0
        for span in self._spans(body):
            inside = body[span.start : span.stop]
            if not span.results:
                continue
            width = self.form.stop - self.form.start
            made = self._parallel(span, inside, self._points(span) * width)
            if made is not None:
                found += [*body[at : span.start], made]
                at = span.stop
        return [*found, *body[at:]] if at else None

    def _parallel(
        self, span: _Span, body: Sequence[Statement], points: DimLike
    ) -> Parallel | None:
        """The span as chunks, unless it is known to be short."""
        size = span.loops[-1].stop
        unit = max(loop.step for loop in span.loops)
        if unit == 1 and not any(isinstance(s, Loop) for s in span.loops[0].body):
            unit = FLAT_UNIT
        ns = self._ns(body)
        worth = WORTH_NS if span.results else AWAKE_NS
        above, grain = _rounded(worth / ns), _rounded(CHUNK_NS / ns)
        if isinstance(points, int) and points <= above:
            self.reason = f"{points * ns / 1e3:.2g} us of work"
            return None
        if isinstance(size, int) and size <= unit:
            self.reason = f"{size} iterations"
            return None
        chunk = {loop: _chunk(loop, size) for loop in span.loops}
        inside = tuple(
            chunk[s] if isinstance(s, Loop) and s in chunk else s for s in body
        )
        return Parallel(inside, size, points, unit, above, grain, ns, span.results)

    # ---------------------------------------------------------------- spans

    def _spans(self, body: Sequence[Statement]) -> list[_Span]:
        """The loops of a body that can be cut, each with what belongs to it."""
        found: list[_Span] = []
        at = 0
        while at < len(body):
            span = self._span(body, at)
            if span is not None and (not found or span.start >= found[-1].stop):
                found.append(span)
                at = span.stop
            else:
                at += 1
        return found

    def _span(self, body: Sequence[Statement], at: int) -> _Span | None:
        loop = body[at]
        if not isinstance(loop, Loop):
            return None
        if loop.role == "ordered":
            self.reason = "its loop runs in order"
            return None
        inside = _defined([loop])
        updated = _updated([loop]) - inside - self.arrays.keys()
        rows = {s.name for s in body if isinstance(s, Row)}
        if not updated - rows:
            shared = set() if self.nest.outer else rows
            loops = [loop]
            for more in body[at + 1 :]:
                if not isinstance(more, Loop) or not _continues(loops[-1], more):
                    break
                loops.append(more)
            if not all(_is_spread(x, self.arrays.keys() | shared) for x in loops):
                self.reason = "its iterations write the same elements"
                return None
            return _Span(at, at + len(loops), tuple(loops))
        return self._reducing(body, at, updated - rows)

    def _reducing(
        self, body: Sequence[Statement], at: int, updated: set[str]
    ) -> _Span | None:
        """The span of a loop that reduces: from its cells to what they come to."""
        start, stop = at, at + 1
        first = body[at]
        assert isinstance(first, Loop)
        loops = [first]
        while stop < len(body) and _continues(loops[-1], body[stop]):
            more = body[stop]
            assert isinstance(more, Loop)
            updated |= _updated([more]) - _defined([more]) - self.arrays.keys()
            loops.append(more)
            stop += 1
        missing = set(updated)
        while start > 0 and missing:
            start -= 1
            missing -= _defined([body[start]])
        known = set(updated)
        while stop < len(body) and self._belongs(body[stop], known):
            known |= _defined([body[stop]])
            stop += 1
        results = self._results(body[start:stop], body[stop:])
        more = _updated(body[stop:]) & updated
        if missing or more or results is None or _is_part(loops[-1]):
            self.reason = "its iterations depend on one another"
            return None
        return _Span(start, stop, tuple(loops), results)

    def _belongs(self, statement: Statement, known: set[str]) -> bool:
        """Whether a statement makes a result of accumulators."""
        if isinstance(statement, Total):
            return statement.tile in known
        made = isinstance(statement, Define) and statement.name in self.reductions
        return made and not known.isdisjoint(used(statement))

    def _results(
        self, span: Sequence[Statement], after: Sequence[Statement]
    ) -> tuple[Result, ...] | None:
        """What a span defines that is read later; None if it is no reduction."""
        later = _mentioned(after)
        found: list[Result] = []
        for name in sorted(_defined(span, inside=False) & later):
            item = self.reductions.get(f"r{name[1:]}")
            cells = [s for s in span if isinstance(s, Cell) and s.name == name]
            if item is None or name[0] not in "ra":
                return None
            length = cells[0].length if cells else None
            found.append(Result(name, item.value.dtype, item.combine, length))
        return tuple(found)

    # ---------------------------------------------------------------- how much

    def _points(self, span: _Span) -> DimLike:
        if span.results:
            return self.points[f"r{span.results[0].name[1:]}"]
        if self.nest.outer:
            return self.kernel.points
        return product(_extents(span.loops))

    def _ns(self, body: Iterable[Statement]) -> float:
        """Estimated time of a point: each graph node once, each array once."""
        nodes: dict[object, float] = {}
        arrays: set[str] = set()
        for s in _walk(body):
            if isinstance(s, Define | Combine):
                arrays |= {x.array for x in operands_of(s) if isinstance(x, Element)}
                flops = 1.0 if isinstance(s, Combine) else s.op.flops if s.op else 0.0
                rate = SCALAR_NS if flops > SCALAR_FLOPS else FLOP_NS
                ns = flops * rate * max(np.dtype(s.dtype).itemsize, 4) / 4
                nodes.setdefault(s.node if s.node is not None else s, ns)
            elif isinstance(s, Write):
                arrays |= {x.array for x in operands_of(s) if isinstance(x, Element)}
        moved = sum(self.arrays.get(name, 0) for name in arrays)
        return max(sum(nodes.values()) + moved * BYTE_NS, BYTE_NS)


def _rounded(count: float) -> int:
    """A number of points with two digits, for readers; at least 1."""
    return max(1, int(float(f"{count:.2g}")))


# ------------------------------------------------------------------------- loops


def _chunk(loop: Loop, size: DimLike) -> Loop:
    """The loop over the part of a chunk."""
    first, last = variable(FIRST), variable(LAST)
    start = first if loop.start == 0 else dim_max(first, loop.start)
    stop = last if loop.stop == size else dim_min(last, loop.stop)
    note = f"parallel: {loop.note}" if loop.note else "parallel"
    return replace(loop, start=start, stop=stop, note=note)


def _continues(loop: Loop, after: Statement) -> bool:
    """Whether a loop goes on where another one ends."""
    return (
        isinstance(after, Loop) and after.atom == loop.atom and after.start == loop.stop
    )


def _is_part(loop: Loop) -> bool:
    """Whether a loop ends where a variable says: at the end of a part of another."""
    atoms = [a for d in dims_in((loop.stop,)) for a in d.atoms()]
    return any(isinstance(a.node, Variable) for a in atoms)


def _extents(loops: Iterable[Loop]) -> Iterable[DimLike]:
    """Sizes of nested loops, those over parts of another loop left out."""
    for loop in _walk(loops):
        if isinstance(loop, Loop) and loop.start == 0 and not _is_part(loop):
            yield loop.stop


def _walk(body: Iterable[Statement]) -> Iterable[Statement]:
    """Every statement, those inside loops included, in order."""
    stack = list(body)[::-1]
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, Loop | Parallel):
            stack += reversed(statement.body)


def _defined(body: Iterable[Statement], inside: bool = True) -> set[str]:
    return {
        s.name
        for s in (_walk(body) if inside else body)
        if isinstance(s, Define | Cell | Row | Tree | Total)
    }


def _updated(body: Iterable[Statement]) -> set[str]:
    """Variables, tiles and arrays that are changed."""
    found: set[str] = set()
    for s in _walk(body):
        if isinstance(s, Push):
            found |= {s.tree, s.tile}
        elif isinstance(s, Combine | Write):
            target = s.target
            found.add(target.text if isinstance(target, Name) else target.array)
    return found


def _mentioned(body: Iterable[Statement]) -> set[str]:
    return {name for s in _walk(body) for name in used(s)}


def _is_spread(loop: Loop, arrays: Iterable[str]) -> bool:
    """Whether every write of a loop moves with its index, by way of the variables and
    indices that depend on it."""
    moving = {loop.atom.name}
    for s in _walk([loop]):
        if isinstance(s, Loop) and not moving.isdisjoint(used(s)):
            moving.add(s.atom.name)
        elif isinstance(s, Define) and not moving.isdisjoint(used(s)):
            moving.add(s.name)
        elif isinstance(s, Write) and s.target.array in arrays:
            place = replace(s, value=Name(s.target.array))
            if moving.isdisjoint(used(place)):
                return False
    return True
