"""`Kernel`: a scheduled nest, statements of a structured loop language; *how*.

Values are flattened into definitions of one op each, so that a renderer only prints:
an operand is a variable, an element of an array, a number or a size expression.
`role` of a loop says how it runs; loop bounds and offsets are Dim expressions over
sizes and loop indices. Made once per nest, tens of statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from symnb.compile.kernels.nest import Buffer, NestError
from symnb.core.dims import Atom, DimLike, bound, dims_in
from symnb.core.node import Node
from symnb.core.op import Op

LoopRole = Literal["serial", "simd", "parallel", "ordered", "plain"]
# serial    one after the other
# simd      independent iterations (but for `combines`), for vector registers
# parallel  independent iterations
# ordered   each iteration needs the one before
# plain     one after the other, so few that vectors are not worth compiling


class Variable:
    """A C variable as part of a size expression; equal by name."""

    op = None  # unlike a graph node

    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variable) and self.name == other.name


def variable(name: str) -> DimLike:
    """An int64 variable, known to be >= 0, in a size expression."""
    return bound(Variable(name), name)


@dataclass(frozen=True)
class Name:
    """A variable."""

    text: str


@dataclass(frozen=True)
class Element:
    """An element of a buffer, row or tile at a linear position."""

    array: str
    offset: DimLike


@dataclass(frozen=True)
class Number:
    """A constant: a NumPy scalar."""

    value: Any


@dataclass(frozen=True)
class Position:
    """A size expression as an int64."""

    dim: DimLike


Operand = Name | Element | Number | Position


@dataclass(frozen=True, eq=False)
class Define:
    """A new variable: `op` of operands, or a copy of the one operand when op is None.

    node  the graph node it is an element of, or None
    """

    name: str
    dtype: str
    op: Op | None
    operands: tuple[Operand, ...]
    operand_dtypes: tuple[str, ...]
    params: tuple[Any, ...] = ()
    node: Node | None = None


@dataclass(frozen=True, eq=False)
class Cell:
    """A variable, or a tile of `length` of them, that starts at the identity of
    `combine`."""

    name: str
    dtype: str
    combine: str
    length: int | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """A temporary array of `length` elements, for the whole kernel."""

    name: str
    dtype: str
    length: DimLike


@dataclass(frozen=True, eq=False)
class Tree:
    """An empty pairwise sum of `lanes` lanes."""

    name: str
    dtype: str
    lanes: int


@dataclass(frozen=True, eq=False)
class Push:
    """Add the lanes of a tile to a tree and clear them.

    since  a loop index: nothing is pushed while it is 0; None: always
    """

    tree: str
    dtype: str
    lanes: int
    tile: str
    since: Atom | None = None


@dataclass(frozen=True, eq=False)
class Total:
    """A new variable: all lanes of a tile (and of a tree) combined, in pairs.

    short  the tile holds the few values themselves, any number of them
    """

    name: str
    dtype: str
    combine: str
    lanes: int
    tile: str
    tree: str = ""
    node: Node | None = None
    short: bool = False


@dataclass(frozen=True, eq=False)
class Combine:
    """Update a cell with a value."""

    target: Name | Element
    dtype: str
    combine: str
    value: Operand
    node: Node | None = None


@dataclass(frozen=True, eq=False)
class Write:
    """Store a value into an array, or add it to what is there."""

    target: Element
    dtype: str
    value: Operand
    mode: str = "set"
    node: Node | None = None


@dataclass(frozen=True, eq=False)
class Loop:
    """Run `body` for start <= atom < stop in steps.

    combines  (variable, combine, dtype) of the variables a simd loop combines
    note      what the loop is, for readers
    streams   where this is not 0, what a simd loop writes may go past the caches
    """

    atom: Atom
    start: DimLike
    stop: DimLike
    role: LoopRole
    body: tuple[Statement, ...]
    step: int = 1
    note: str = ""
    combines: tuple[tuple[str, str, str], ...] = ()
    streams: DimLike = 0


@dataclass(frozen=True, eq=False)
class Stream:
    """Write a line, all elements of a tile, past the caches."""

    target: Element
    tile: str


@dataclass(frozen=True, eq=False)
class Refuse:
    """Fail when `size` is 0: the extremum `op` of nothing, as in NumPy also when
    there is no result to give."""

    size: DimLike
    op: str


FIRST, LAST = "first", "last"  # variables: the bounds of a chunk


@dataclass(frozen=True, eq=False)
class Result:
    """A variable, or a tile of `length` of them, that each chunk has of its own and
    that is combined over the chunks in their order."""

    name: str
    dtype: str
    combine: str
    length: int | None = None


@dataclass(frozen=True, eq=False)
class Parallel:
    """Run `body`, loops over FIRST <= i < LAST, for chunks of 0 <= i < size.

    In threads where `points` exceeds `above`; else once, for all of size.

    unit     a chunk starts at a multiple of it
    grain    least points of a chunk
    results  what later statements read
    shares   whether a chunk for each thread is needed: `body` can use threads too
    ns       estimated time of a point
    """

    body: tuple[Statement, ...]
    size: DimLike
    points: DimLike
    unit: int
    above: int
    grain: int
    ns: float
    results: tuple[Result, ...] = ()
    shares: bool = False


Statement = (
    Define | Cell | Row | Tree | Push | Total | Combine | Write | Stream | Loop | Refuse
    | Parallel
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Kernel:
    """A scheduled kernel.

    buffers   C parameters in order: inputs, then outputs
    sizes     int64 parameters in order: symbols, and atoms bound to scalar nodes
    nodes     graph nodes it computes, in execution order
    numbers   of nodes in the printed graph
    in_place  (output, input) that may share storage
    flops     per call, as a size expression in units of one operation
    points    how many times the innermost body runs
    summary   one line for readers
    alone     why no loop runs in threads
    """

    buffers: tuple[Buffer, ...]
    sizes: tuple[Atom, ...]
    body: tuple[Statement, ...]
    nodes: tuple[Node, ...]
    numbers: dict[Node, int] = field(default_factory=dict[Node, int])
    in_place: tuple[tuple[Node, Node], ...] = ()
    flops: DimLike = 0
    points: DimLike = 1
    summary: str = ""
    alone: str = ""

    def statements(self) -> Iterator[Statement]:
        """Every statement, those of loops included, in order."""
        stack: list[Statement] = list(reversed(self.body))
        while stack:
            statement = stack.pop()
            yield statement
            if isinstance(statement, Loop | Parallel):
                stack += reversed(statement.body)

    @property
    def parallel(self) -> tuple[Parallel, ...]:
        """What may run in threads, outer before inner."""
        return tuple(s for s in self.statements() if isinstance(s, Parallel))


def order_of_use(kernel: Kernel) -> tuple[dict[str, int], dict[str, int]]:
    """Per array the places, in statement order, of its last read and first write."""
    last: dict[str, int] = {}
    first: dict[str, int] = {}
    for at, statement in enumerate(kernel.statements()):
        written = statement.target if isinstance(statement, Write) else None
        for operand in operands_of(statement):
            if isinstance(operand, Element) and operand is not written:
                last[operand.array] = at
        if isinstance(written, Element):
            first.setdefault(written.array, at)
    return last, first


def safe_in_place(
    kernel: Kernel, pairs: tuple[tuple[Node, Node], ...]
) -> tuple[tuple[Node, Node], ...]:
    """The (output, input) pairs whose input is not read once the output is written.

    A schedule may write an output early, to use it as a row of intermediate values.
    """
    last, first = order_of_use(kernel)
    names = {(b.node, b.role): b.name for b in kernel.buffers}
    return tuple(
        (out, source)
        for out, source in pairs
        if last.get(names[source, "in"], -1) <= first.get(names[out, "out"], -1)
    )


def check(kernel: Kernel) -> None:
    """Raise NestError when a variable is used where it is not defined."""
    arrays = {b.name for b in kernel.buffers}
    scopes: list[tuple[list[Statement], set[str]]] = [(list(kernel.body), arrays)]
    while scopes:
        todo, known = scopes[-1]
        if not todo:
            scopes.pop()
            continue
        statement = todo.pop(0)
        for name in used(statement):
            if name not in known:
                raise NestError(f"{name} is used where it is not defined")
        if isinstance(statement, Loop):
            scopes.append((list(statement.body), known | {statement.atom.name}))
        elif isinstance(statement, Parallel):
            scopes.append((list(statement.body), known | {FIRST, LAST}))
            known |= {result.name for result in statement.results}
        elif isinstance(statement, Define | Cell | Row | Tree | Total):
            known.add(statement.name)


def operands_of(statement: Statement) -> tuple[Operand, ...]:
    """What a statement reads and writes."""
    if isinstance(statement, Define):
        return statement.operands
    if isinstance(statement, Combine | Write):
        return (statement.value, statement.target)
    return ()


def used(statement: Statement) -> Iterator[str]:
    """The variables and arrays a statement mentions, not those of its body."""
    if isinstance(statement, Push | Total):
        yield from filter(None, (statement.tree, statement.tile))
    elif isinstance(statement, Loop):
        yield from (name for name, _, _ in statement.combines)
        yield from _variables((statement.start, statement.stop))
    elif isinstance(statement, Parallel):
        yield from _variables((statement.size, statement.points))
    elif isinstance(statement, Row | Refuse):
        length = statement.length if isinstance(statement, Row) else statement.size
        yield from _variables((length,))
    for operand in operands_of(statement):
        if isinstance(operand, Name):
            yield operand.text
        elif isinstance(operand, Element):
            yield operand.array
            yield from _variables((operand.offset,))
        elif isinstance(operand, Position):
            yield from _variables((operand.dim,))


def _variables(dims: tuple[DimLike, ...]) -> Iterator[str]:
    """The variables and loop indices in size expressions."""
    for dim in dims_in(dims):
        for atom in sorted(dim.atoms()):
            if atom.kind == "index" or isinstance(atom.node, Variable):
                yield atom.name
