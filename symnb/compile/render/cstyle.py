"""Kernel -> text of a language of the C family.

One line per statement, with the number and op of the graph node it computes. What
differs between dialects (type names, loop forms, how lanes are combined) is asked of
a `Dialect`. Deterministic: sizes are n0, n1, ..., values t<number in the graph>.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symnb.compile.kernels.kernel import (
    Cell,
    Combine,
    Define,
    Element,
    Kernel,
    Loop,
    Name,
    Number,
    Operand,
    Parallel,
    Position,
    Push,
    Refuse,
    Row,
    Statement,
    Stream,
    Total,
    Tree,
    Write,
    variable,
)
from symnb.compile.kernels.nest import LEADS, PLACE, WRAP, NestError
from symnb.compile.kernels.streams import lanes_of, streamed
from symnb.compile.render.parts import Part, parts_of
from symnb.compile.render.polling import polled_loops
from symnb.core.dims import Atom, DimLike, substitute
from symnb.core.dims_render import dim_to_c
from symnb.core.dtypes import SHORT, is_float
from symnb.core.node import Node
from symnb.ops.c_text import C_TYPES, expression
from symnb.ops.cast import CAST
from symnb.ops.define import Elementwise

Line = tuple[str, Node | None]  # and the graph node it computes
LINE = 88
COMMENT_COLUMN = 56  # comments start here where the code is short enough


@dataclass(frozen=True)
class KernelSource:
    """A kernel as text.

    lines  (first line, last line, nodes), 1-based, of what computes which nodes
    """

    text: str
    lines: tuple[tuple[int, int, tuple[Node, ...]], ...]


class Dialect(Protocol):
    """What the languages of the C family spell differently."""

    def expression(self, text: str) -> str:
        """The C expression of an op in this language."""
        ...

    def open_loop(self, loop: Loop, index: str, start: str, stop: str) -> list[str]:
        """The lines before the body, the last one ending in `{`."""
        ...

    def row(self, name: str, type: str, length: str) -> list[str]:
        """A temporary array for the whole kernel."""
        ...

    def poll(self, points: str | None) -> list[str]:
        """Lines that ask, once in a while, whether to stop, after `points` more of
        them; None: what they need at the start of the kernel."""
        ...

    def streams(self, loop: Loop) -> bool:
        """Whether what the loop writes may go past the caches."""
        ...

    def past(
        self, name: str, streams: str, lines: Sequence[str], start: str, stop: str
    ) -> list[str]:
        """Lines that define `name`, the index up to which a loop streams, whole lines
        from the places `lines`; if not, `start`."""
        ...

    def settle(self, streams: str) -> list[str]:
        """Lines after which others see what was streamed."""
        ...

    def stream(self, place: str, tile: str) -> str:
        """The line that streams a tile."""
        ...

    def part(self, part: Part) -> tuple[list[str], list[str], list[str]]:
        """The head of the function that runs chunks, what its body starts and what it
        ends with."""
        ...

    def run_part(self, part: Part) -> list[str]:
        """Lines that run it, in threads or not."""
        ...


class Printer:
    """Prints one kernel, line by line."""

    def __init__(self, kernel: Kernel, name: str, dialect: Dialect) -> None:
        self.kernel = kernel
        self.dialect = dialect
        self.sizes = {atom: f"n{k}" for k, atom in enumerate(kernel.sizes)}
        self.parts = parts_of(kernel, name)
        self.own: set[str] = set()  # tiles that are a parameter of the present part
        self.streamed_loops = 0
        self.lines: list[str] = []
        self.nodes: list[Node | None] = []

    # ------------------------------------------------------------------- lines

    def add(self, depth: int, text: str, comment: str = "", node: Any = None) -> None:
        """One line, with a comment at its end."""
        line = "    " * depth + text
        if comment:
            line = f"{line:<{COMMENT_COLUMN}} /* {comment} */"
        self.lines.append(line)
        self.nodes.append(node)

    def source(self, head: Sequence[str]) -> KernelSource:
        """The whole function after the lines `head`, after what it runs in threads."""
        for part in self.parts.values():
            self.part(part)
        self.function(head, self.body(self.kernel.body))
        return KernelSource("\n".join(self.lines) + "\n", tuple(self._spans()))

    def part(self, part: Part) -> None:
        """The functions that run the chunks of one part."""
        results = part.region.results
        self.own = {x.name for x in results if x.length is not None}
        inside = self.body(part.region.body)
        self.own = set()
        part.capture(self.kernel, "\n".join(line for line, _ in inside))
        part.size, part.points = map(self.dim, (part.region.size, part.region.points))
        head, start, end = self.dialect.part(part)
        first: list[Line] = [(f"    {line}", None) for line in start]
        self.function(head, [*first, *inside], end)
        self.add(0, "")

    def function(
        self, head: Sequence[str], inside: Sequence[Line], end: Sequence[str] = ()
    ) -> None:
        """A function around the lines `inside`."""
        for line in (*head, "{"):
            self.add(0, line)
        for line, node in inside:
            self.lines.append(line)
            self.nodes.append(node)
        for line in (*end, "return 0;"):
            self.add(1, line)
        self.add(0, "}")

    def _spans(self) -> list[tuple[int, int, tuple[Node, ...]]]:
        spans: list[tuple[int, int, tuple[Node, ...]]] = []
        for number, node in enumerate(self.nodes, start=1):
            if node is None:
                continue
            if spans and spans[-1][1] == number - 1 and spans[-1][2] == (node,):
                spans[-1] = (spans[-1][0], number, (node,))
            else:
                spans.append((number, number, (node,)))
        return spans

    def body(self, statements: Sequence[Statement]) -> list[Line]:
        """The lines of statements, loops without recursion."""
        before = self.lines, self.nodes
        self.lines, self.nodes = [], []
        polled = polled_loops(statements)
        settled: dict[str, None] = {}
        for line in self.dialect.poll(None) if polled else ():
            self.add(1, line)
        stack: list[tuple[int, Statement | str]] = [
            (1, s) for s in reversed(statements)
        ]
        while stack:
            depth, statement = stack.pop()
            if isinstance(statement, str):
                self.add(depth, statement)
            elif isinstance(statement, Loop) and self.dialect.streams(statement):
                settled[self.dim(statement.streams)] = None
                split = self.streamed(statement)
                stack += [(depth, s) for s in reversed(split)]
            elif isinstance(statement, Loop):
                self.loop(depth, statement)
                stack.append((depth, "}"))
                if statement in polled:
                    count = self.dim(polled[statement])
                    lines = self.dialect.poll(count)
                    stack += [(depth + 1, line) for line in reversed(lines)]
                stack += [(depth + 1, s) for s in reversed(statement.body)]
            elif isinstance(statement, Parallel):
                for line in self.dialect.run_part(self.parts[statement]):
                    self.add(depth, line)
            else:
                self.statement(depth, statement)
        for line in (x for test in settled for x in self.dialect.settle(test)):
            self.add(1, line)
        found = list(zip(self.lines, self.nodes, strict=True))
        self.lines, self.nodes = before
        return found

    def loop(self, depth: int, loop: Loop) -> None:
        """The head of a loop."""
        index = loop.atom.name
        start, stop = self.dim(loop.start), self.dim(loop.stop)
        *before, head = self.dialect.open_loop(loop, index, start, stop)
        for line in before:
            self.add(depth, line)
        self.add(depth, head, loop.note)

    def streamed(self, loop: Loop) -> list[Statement | str]:
        """A loop whose first part streams."""
        name = f"past{self.streamed_loops or ''}"
        self.streamed_loops += 1
        writes = [s.target for s in loop.body if isinstance(s, Write)]
        at = {loop.atom: loop.start}
        places = [Element(x.array, substitute(x.offset, at)) for x in writes]
        lanes = lanes_of(loop)
        whole = loop.start + (loop.stop - loop.start) // lanes * lanes
        start = self.dim(loop.start)
        before = self.dialect.past(
            name, self.dim(loop.streams), [self.operand(x) for x in places], start,
            self.dim(whole),
        )  # fmt: skip
        lines, rest = streamed(loop, variable(name))
        return [*before, lines, rest]

    def statement(self, depth: int, statement: Statement) -> None:
        """A statement that is not a loop."""
        match statement:
            case Define():
                self.define(depth, statement)
            case Cell():
                self.cell(depth, statement)
            case Combine():
                self.combine(depth, statement)
            case Write() | Stream():
                self.write(depth, statement)
            case Row(name, dtype, length):
                for line in self.dialect.row(name, C_TYPES[dtype], self.dim(length)):
                    self.add(depth, line)
            case Refuse(size, op):
                fail = f'return symnb_fail(ws, "{nothing(op)}");'
                self.add(depth, f"if ({self.factor(size)} == 0) {fail}")
            case Tree() | Push() | Total():
                self.lanes(depth, statement)
            case Loop() | Parallel():
                raise NestError("loops are printed by body()")

    def lanes(self, depth: int, statement: Tree | Push | Total) -> None:
        """A statement about lanes; the dialect's prelude defines what it calls."""
        suffix = f"{SHORT[statement.dtype]}x{statement.lanes}"
        match statement:
            case Tree(name):
                self.add(depth, f"symnb_tree_{suffix} {name};")
                self.add(depth, f"{name}.count = {name}.top = 0;")
            case Push(tree, _, _, tile, since):
                test = f"if ({since.name}) " if since is not None else ""
                self.add(depth, f"{test}symnb_push_{suffix}(&{tree}, {tile});")
            case Total(name, dtype, combine, _, tile, tree, node, short):
                if tree:
                    self.add(depth, f"symnb_collect_{suffix}(&{tree}, {tile});")
                way = "pairs" if short else "fold"
                text = f"symnb_{way}_{combine}_{suffix}({tile})"
                line = f"const {C_TYPES[dtype]} {name} = {text};"
                self.add(depth, line, self.label(node), node)

    # -------------------------------------------------------------- statements

    def define(self, depth: int, define: Define) -> None:
        """A variable."""
        type = C_TYPES[define.dtype]
        values = [self.operand(x) for x in define.operands]
        if isinstance(define.op, Elementwise):
            values = [
                f"({text} != 0)" if dtype == "bool" and isinstance(x, Element) else text
                for x, dtype, text in zip(
                    define.operands, define.operand_dtypes, values, strict=True
                )
            ]  # as _Bool: arrays of truth are read as bytes
        if define.op is None and isinstance(define.operands[0], Position):
            values = [self.dim(define.operands[0].dim)]
        label = self.label(define.node)
        if define.op is WRAP:
            extent, axis = self.dim(define.params[0]), define.params[1]
            value = f"(int64_t){values[0]}"
            text = f"const int64_t {define.name} = symnb_wrap({value}, {extent});"
            self.add(depth, text, label)
            fail = f"symnb_out_of_range(ws, {value}, {axis}, {extent})"
            within = f"symnb_within({define.name}, {extent})"
            self.add(depth, f"if (!{within}) return {fail};")
            return
        text = self.value(define, values)
        self.add(depth, f"const {type} {define.name} = {text};", label, define.node)

    def value(self, define: Define, values: list[str]) -> str:
        """The expression of a definition."""
        op = define.op
        if op is None:
            return values[0]
        if op is CAST:
            source, target = define.operand_dtypes[0], define.dtype
            if target == "bool":
                return f"{values[0]} != 0"
            if source == "bool" and is_float(target):  # gcc 12: no SIMD for the cast
                return f"{values[0]} ? {'1.0f' if target == 'float32' else '1.0'} : 0"
            return f"({C_TYPES[target]}){values[0]}"
        if op is PLACE:
            x, extremum, place = values
            found = f"{x} == {extremum}"
            if is_float(define.operand_dtypes[0]):
                found = f"({found}) | ({x} != {x})"
            return f"{found} ? {place} : {LARGEST}"
        if op is LEADS:
            return leads(define.params[0], define.operand_dtypes[0], *values)
        if isinstance(op, Elementwise):
            text = expression(op, define.operand_dtypes[-1], values)
            if text:
                return self.dialect.expression(text)
        raise NestError(f"{op.name} has no C text for {define.operand_dtypes}")

    def cell(self, depth: int, cell: Cell) -> None:
        """A variable or tile that is updated."""
        type = cell_type(cell.dtype)
        if cell.length is None:
            start = identity(cell.combine, cell.dtype)
            self.add(depth, f"{type} {cell.name} = {start};", cell.combine)
            return
        if cell.name not in self.own:
            self.add(depth, f"{type} {cell.name}[{cell.length}];")
        if cell.combine != "none":
            start = identity(cell.combine, cell.dtype)
            head = f"for (int64_t c = 0; c < {cell.length}; c++)"
            self.add(depth, f"{head} {cell.name}[c] = {start};", cell.combine)

    def combine(self, depth: int, combine: Combine) -> None:
        """An update of a cell."""
        target, value = self.operand(combine.target), self.operand(combine.value)
        label = self.label(combine.node)
        sign = SIGNS.get(combine.combine)
        if combine.dtype == "bool" and isinstance(combine.value, Element):
            value = f"({value} != 0)"  # a byte of an array, which may be another one
        if sign:
            self.add(depth, f"{target} {sign}= {value};", label, combine.node)
            return
        text = combined(combine.combine, combine.dtype, target, value)
        self.add(depth, f"{target} = {text};", label, combine.node)

    def write(self, depth: int, write: Write | Stream) -> None:
        """Elements of an array."""
        place = self.operand(write.target)
        if isinstance(write, Stream):
            self.add(depth, self.dialect.stream(place, write.tile))
            return
        sign = "=" if write.mode == "set" else "+="
        text = f"{place} {sign} {self.operand(write.value)};"
        self.add(depth, text, "", write.node)

    # ---------------------------------------------------------------- operands

    def operand(self, operand: Operand) -> str:
        """An operand as an expression that binds tightly."""
        match operand:
            case Name(text):
                return text
            case Element(array, offset):
                return f"{array}[{self.dim(offset)}]"
            case Number(value):
                return number(value)
            case Position(dim):
                return self.factor(dim, cast=True)

    def factor(self, dim: DimLike, cast: bool = False) -> str:
        """A size expression in parentheses unless it is one name."""
        text = self.dim(dim)
        if text.isidentifier():
            return text
        return (
            f"(int64_t)({text})" if cast and text.lstrip("-").isdigit() else f"({text})"
        )

    def dim(self, dim: DimLike) -> str:
        """A size expression."""
        return dim_to_c(dim, self.atom)

    def atom(self, atom: Atom) -> str:
        """The variable of a size, loop index or position given by data."""
        return self.sizes.get(atom) or atom.name

    def label(self, node: Node | None) -> str:
        """How a node is named in comments: its number and op."""
        if node is None:
            return ""
        number = self.kernel.numbers.get(node, -1)
        return f"%{number} {node.op.name}" if number >= 0 else node.op.name


def cell_type(dtype: str) -> str:
    """The C type of what is combined: for truth values a byte, 0 or 1.

    gcc 12 uses no vectors for _Bool in a tile (`all` over rows: 1152 us, bytes 40), and
    its loop over one with reduction(|:a) writes beyond its stack.
    """
    return "uint8_t" if dtype == "bool" else C_TYPES[dtype]


SIGNS = {"add": "+", "mul": "*", "and": "&", "or": "|"}
LARGEST = "0x7fffffffffffffff"


def nothing(op: str) -> str:
    """NumPy's words for the extremum of nothing."""
    if op.startswith("arg"):
        return f"attempt to get {op} of an empty sequence"
    name = {"max": "maximum", "min": "minimum"}.get(op, op)
    return f"zero-size array to reduction operation {name} which has no identity"


def number(value: Any) -> str:
    """A constant of its C type."""
    dtype = value.dtype.name
    if dtype == "bool":
        return str(int(value))
    if is_float(dtype):
        return _float(value, "f" if dtype == "float32" else "")
    text = str(int(value))
    if dtype == "int64":
        if int(value) == -(2**63):
            return f"(-{LARGEST} - 1)"
        return f"(int64_t){text}" if int(value) >= 0 else f"((int64_t){text})"
    if dtype == "uint64":
        return f"(uint64_t){text}u" if int(value) < 2**32 else f"{text}ull"
    suffix = "u" if dtype == "uint32" else ""
    return f"(({C_TYPES[dtype]}){text}{suffix})"


def _float(value: Any, suffix: str) -> str:
    if np.isnan(value):
        sign = "-" if np.signbit(value) else ""
        return f'({sign}__builtin_nan{suffix}(""))'
    if np.isinf(value):
        sign = "-" if value < 0 else ""
        return f"({sign}__builtin_inf{suffix}())"
    text = np.format_float_scientific(value, trim="0")
    plain = np.format_float_positional(value, trim="0")
    text = plain if len(plain) <= len(text) + 2 else text
    text = f"{text}{suffix}"
    return f"({text})" if text[0] == "-" else text


def identity(combine: str, dtype: str) -> str:
    """What a combination starts from."""
    if combine in ("max", "min", "fmax", "fmin"):
        low = combine.endswith("max")
        if is_float(dtype):
            suffix = "f" if dtype == "float32" else ""
            return f"{'-' if low else ''}__builtin_inf{suffix}()"
        if dtype == "bool":
            return "0" if low else "1"
        limits = np.iinfo(dtype)
        return number(np.dtype(dtype).type(limits.min if low else limits.max))
    return {"add": "0", "mul": "1", "and": "1", "or": "0"}[combine]


def leads(combine: str, dtype: str, x: str, best: str) -> str:
    """Whether x comes before the extremum `best`."""
    before, behind = (">", "<=") if combine == "max" else ("<", ">=")
    if is_float(dtype):
        return f"!({x} {behind} {best}) & ({best} == {best})"
    return f"{x} {before} {best}"


def combined(combine: str, dtype: str, old: str, value: str) -> str:
    """The expression of `old` combined with `value`.

    NaN wins max and min; fmax and fmin do not see it, as in C.
    """
    if combine in ("max", "min", "fmax", "fmin"):
        sign = ">" if combine.endswith("max") else "<"
        test = f"{value} {sign} {old}"
        if is_float(dtype) and combine[0] != "f":
            test = f"({test}) | ({value} != {value})"
        return f"{test} ? {value} : {old}"
    return f"{old} {SIGNS[combine]} {value}"
