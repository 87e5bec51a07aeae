"""`Nest`: one fused loop nest as plain data; what is computed, not how.

For every point of the outer axes the stages run one after the other, each over its
inner axes. Values are scalar Nodes whose leaves are `Load` (a buffer at an index),
`Index` (a size expression as a number) and `Read` (a let or reduction of an earlier
stage, at the same point); indices are Dim expressions. An index that depends on data
(gather) mentions an atom bound to a `Read`. A nest has tens of values and is made
once per region. Units: elements.

Invariants, checked by `validate`: names are unique and read after they are complete;
an index mentions axes in scope and sizes only; each output is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from symnb.compile.kernels.points import offset
from symnb.core.dims import (
    Atom,
    Dim,
    DimLike,
    bound,
    dim_of,
    dims_in,
    index,
    substitute,
)
from symnb.core.node import Constant, Node
from symnb.core.op import Op
from symnb.core.types import TensorType, scalar_type
from symnb.errors import SymnbError

AxisKind = Literal["parallel", "reduce", "ordered"]
Mode = Literal["set", "add"]
Make = Callable[[Node, Node], Node]


class NestError(SymnbError):
    """A nest or kernel that breaks its own rules: a fault in the compiler."""


def _no_reference(*args: Any) -> NoReturn:
    raise TypeError("values of a nest have no meaning outside it")


def _leaf(name: str, *params: str) -> Op:
    return Op(
        name=name, infer=_no_reference, numpy=_no_reference, kind="leaf", arity=0,
        params=params, no_gradient="a value of a nest",
    )  # fmt: skip


LOAD = _leaf("nest_load", "buffer", "index", "data")
INDEX = _leaf("nest_index", "dim", "data")
READ = _leaf("nest_read", "name")
# An index given by data: wrapped once if negative, an error if out of range.
WRAP = Op(
    name="nest_wrap", infer=_no_reference, numpy=_no_reference, arity=1,
    params=("extent", "axis"), kind="elementwise", no_gradient="an index",
    tags=frozenset({"kernel"}),
)  # fmt: skip

# (x, extremum, place): the place where x attains the extremum or is NaN, else the
# largest int64; the least of these is argmax.
PLACE = Op(
    name="nest_place", infer=_no_reference, numpy=_no_reference, arity=3,
    kind="elementwise", no_gradient="an index", tags=frozenset({"kernel"}),
)  # fmt: skip

# (x, best): whether x comes before `best`, an extremum of what was seen before; the
# first NaN comes before all.
LEADS = Op(
    name="nest_leads", infer=_no_reference, numpy=_no_reference, arity=2,
    params=("combine",), kind="elementwise", no_gradient="a choice",
    tags=frozenset({"kernel"}),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array a kernel reads ("in") or writes ("out"), C-contiguous.

    name  p0, p1, ... or q0, q1, ...; the C parameter
    node  the graph node whose elements it holds
    """

    name: str
    node: Node
    role: Literal["in", "out"]

    @property
    def dtype(self) -> str:
        """Element type."""
        return self.node.dtype

    @property
    def shape(self) -> tuple[DimLike, ...]:
        """Sizes."""
        return self.type.shape

    @property
    def type(self) -> TensorType:
        """Dtype and sizes."""
        assert isinstance(self.node.type, TensorType)
        return self.node.type

    def offset(self, at: tuple[DimLike, ...]) -> DimLike:
        """Linear position of the element at an index."""
        return offset(self.shape, at)

    def __repr__(self) -> str:
        return f"{self.name}: {self.type}"


@dataclass(frozen=True, eq=False)
class Axis:
    """One loop of the nest: an index atom over 0 <= index < extent."""

    atom: Atom
    kind: AxisKind = "parallel"

    @property
    def extent(self) -> DimLike:
        """Number of points."""
        return self.atom.extent

    @property
    def at(self) -> Dim:
        """The index as a Dim."""
        return dim_of(self.atom)

    def __str__(self) -> str:
        return f"{self.atom.name} < {self.extent}" + (
            "" if self.kind == "parallel" else f" ({self.kind})"
        )


def axis(name: str, extent: DimLike, kind: AxisKind = "parallel") -> Axis:
    """A fresh axis."""
    [atom] = index(name, extent).atoms()
    return Axis(atom, kind)


@dataclass(frozen=True, eq=False)
class Let:
    """A value kept for later stages: a scalar per outer point, or, in a stage with
    inner axes, one value per inner point (a row)."""

    name: str
    value: Node


@dataclass(frozen=True, eq=False)
class Reduce:
    """`value` combined over the inner axes; along an ordered axis, the running value.

    combine  add | mul | max | min | and | or
    """

    name: str
    combine: str
    value: Node


@dataclass(frozen=True, eq=False)
class Store:
    """`value` written (or added) to an output at an index."""

    buffer: Buffer
    index: tuple[DimLike, ...]
    value: Node
    mode: Mode = "set"


@dataclass(frozen=True, eq=False)
class Stage:
    """What runs for one outer point over the inner axes: lets, then reductions,
    then stores; a store may read running values of the same stage."""

    inner: tuple[Axis, ...] = ()
    lets: tuple[Let, ...] = ()
    reductions: tuple[Reduce, ...] = ()
    stores: tuple[Store, ...] = ()

    def values(self) -> Iterator[Node]:
        """The roots of everything it computes."""
        yield from (item.value for item in self.lets)
        yield from (item.value for item in self.reductions)
        yield from (item.value for item in self.stores)


@dataclass(frozen=True, eq=False)
class Nest:
    """A fused loop nest.

    origin   scalar value -> the graph node it is an element of
    numbers  graph node -> its number in the printed graph
    nonempty reduced sizes that may not be zero, with the name of the reduction
    awaited  graph nodes it computes that later kernels read
    """

    buffers: tuple[Buffer, ...]
    outer: tuple[Axis, ...]
    stages: tuple[Stage, ...]
    origin: dict[Node, Node] = field(default_factory=dict[Node, Node])
    numbers: dict[Node, int] = field(default_factory=dict[Node, int])
    nonempty: tuple[tuple[DimLike, str], ...] = ()
    awaited: tuple[Node, ...] = ()

    @property
    def inputs(self) -> tuple[Buffer, ...]:
        """Buffers it reads."""
        return tuple(b for b in self.buffers if b.role == "in")

    @property
    def outputs(self) -> tuple[Buffer, ...]:
        """Buffers it writes."""
        return tuple(b for b in self.buffers if b.role == "out")

    def __str__(self) -> str:
        return _Printer(self).text()


def load(buffer: Buffer, at: tuple[DimLike, ...]) -> Node:
    """The element of `buffer` at `at`."""
    return Node(LOAD, (), (buffer, at, _data(at)), scalar_type(buffer.dtype))


def _data(at: tuple[DimLike, ...]) -> tuple[Node, ...]:
    """The values of the nest that size expressions mention."""
    return tuple(a.node for a in sorted(atoms_of(dims_in(at))) if is_data(a))


def position(dim: DimLike) -> Node:
    """A size expression as an int64 value."""
    return Node(INDEX, (), (dim, _data((dim,))), scalar_type("int64"))


def read(name: str, dtype: str) -> Node:
    """The let or reduction of that name."""
    return Node(READ, (), (name,), scalar_type(dtype), name)


def wrapped(value: Node, extent: DimLike, axis: int) -> Node:
    """An index given by data as a position in [0, extent)."""
    return Node(WRAP, (value,), (extent, axis), scalar_type("int64"))


def scalar(node: Node, inputs: tuple[Node, ...]) -> Node:
    """One element of the elementwise `node`, computed from elements of its inputs."""
    return Node(node.op, inputs, node.params, scalar_type(node.dtype))


def place_of(value: Node, extremum: Node, place: Node) -> Node:
    """`place` where `value` is the extremum, else the largest int64."""
    return Node(PLACE, (value, extremum, place), (), scalar_type("int64"))


def sources(value: Node) -> tuple[Node, ...]:
    """The values needed for `value`: its inputs, and the data in its index."""
    return value.params[-1] if value.op in (LOAD, INDEX) else value.inputs


def is_data(atom: Atom) -> bool:
    """Whether an atom is a value of the nest (not a size given from outside)."""
    return atom.kind == "bound" and atom.node.op in (WRAP, READ)


def value_order(roots: Iterable[Node], stop: Container[Node] = ()) -> list[Node]:
    """Everything `roots` need, sources first; what is in `stop` is not entered."""
    done: dict[Node, None] = {}
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        value, ready = stack.pop()
        if value in done:
            continue
        if ready or value in stop:
            done[value] = None
            continue
        stack.append((value, True))
        stack += [(x, False) for x in reversed(sources(value))]
    return list(done)


def replace_values(
    roots: Sequence[Node], replaced: Mapping[Node, Node], make: Make
) -> list[Node]:
    """`roots` with values replaced, also inside the indices of loads.

    make  (new value, the value it stands for) -> the value to use
    """
    new: dict[Node, Node] = {}
    for value in value_order(roots, replaced):
        below = () if value in replaced else sources(value)
        if value in replaced:
            new[value] = replaced[value]
        elif all(new[x] is x for x in below):
            new[value] = value
        elif value.op in (LOAD, INDEX):
            new[value] = make(_moved(value, new), value)
        else:
            inputs = tuple(new[x] for x in value.inputs)
            made = Node(value.op, inputs, value.params, value.type)
            new[value] = make(made, value)
    return [new[root] for root in roots]


def _moved(value: Node, new: Mapping[Node, Node]) -> Node:
    """A load or position whose size expressions mention other data."""
    places = {x: bound(x, "g").atom for x in sources(value)}
    changes = {a: bound(new[x], "g") for x, a in places.items() if a is not None}
    if value.op is INDEX:
        return position(substitute(value.params[0], changes))
    buffer, at, _ = value.params
    return load(buffer, tuple(substitute(dim, changes) for dim in at))


def dims_of(value: Node) -> Iterator[Dim]:
    """The size expressions in one value's own params."""
    if value.op is LOAD:
        yield from dims_in(value.params[1])
    elif value.op in (INDEX, WRAP):
        yield from dims_in(value.params[:1])


def atoms_of(dims: Iterable[Dim]) -> set[Atom]:
    """The symbols, bounds and indices of several expressions."""
    return {atom for dim in dims for atom in dim.atoms()}


# ---------------------------------------------------------------------- validation


def validate(nest: Nest) -> None:
    """Raise NestError unless the nest keeps its invariants."""
    complete: dict[str, tuple[Axis, ...]] = {}
    stored: set[Buffer] = set()
    for stage in nest.stages:
        scope = {axis.atom for axis in nest.outer + stage.inner}
        running = _names(stage) if _is_ordered(stage) else set[str]()
        present: dict[str, tuple[Axis, ...]] = {}
        for let in stage.lets:
            _check_value(let.value, scope, complete | present, stage, set())
            _add_name(let.name, stage.inner, complete, present)
        for item in stage.reductions:
            _check_value(item.value, scope, complete | present, stage, set())
        for item in stage.reductions:
            _add_name(item.name, (), complete, present)
        local = {n: a for n, a in present.items() if n not in _names(stage)}
        for store in stage.stores:
            known = complete | local
            _check_value(store.value, scope, known, stage, running)
            _check_dims(dims_in(store.index), scope, known, running)
            stored.add(store.buffer)
        complete |= present
    if lost := [b.name for b in nest.outputs if b not in stored]:
        raise NestError(f"outputs {', '.join(lost)} are never stored")


def _names(stage: Stage) -> set[str]:
    return {item.name for item in stage.reductions}


def _is_ordered(stage: Stage) -> bool:
    return any(axis.kind == "ordered" for axis in stage.inner)


def _add_name(
    name: str, inner: tuple[Axis, ...], *scopes: dict[str, tuple[Axis, ...]]
) -> None:
    if any(name in scope for scope in scopes):
        raise NestError(f"{name} is defined twice")
    scopes[-1][name] = inner


def _check_value(
    root: Node,
    scope: set[Atom],
    known: dict[str, tuple[Axis, ...]],
    stage: Stage,
    running: set[str],
) -> None:
    for value in value_order([root]):
        if value.op is READ:
            _check_read(value.params[0], known, stage, running)
        elif value.is_leaf and value.op not in (LOAD, INDEX) and not _is_number(value):
            raise NestError(f"{value!r} is no leaf of a nest")
        _check_dims(dims_of(value), scope, known, running)


def _is_number(value: Node) -> bool:
    return isinstance(value, Constant) and not value.ndim


def _check_read(
    name: str, known: dict[str, tuple[Axis, ...]], stage: Stage, running: set[str]
) -> None:
    if name in running:
        return
    if name not in known:
        raise NestError(f"{name} is read before it is complete")
    if known[name] and known[name] != stage.inner:
        raise NestError(f"the row {name} is read over other axes")


def _check_dims(
    dims: Iterable[Dim],
    scope: set[Atom],
    known: dict[str, tuple[Axis, ...]],
    running: set[str],
) -> None:
    for atom in sorted(atoms_of(dims)):
        if atom.kind == "index" and atom not in scope:
            raise NestError(f"the index {atom} is used outside its loop")
        if atom.kind == "bound" and atom.node.op is READ:
            name = atom.node.params[0]
            if name not in known and name not in running:
                raise NestError(f"the position {name} is used before it is known")


# ------------------------------------------------------------------------ printing


class _Printer:
    """Lines of a nest; values used more than once get a name of their own."""

    def __init__(self, nest: Nest) -> None:
        self.nest = nest
        self.lines: list[str] = []
        self.names: dict[Node, str] = {}

    def text(self) -> str:
        """The nest as text."""
        nest = self.nest
        axes = ", ".join(map(str, nest.outer))
        self.lines.append(f"nest ({', '.join(map(repr, nest.buffers))})")
        self.lines.append(f"for {axes}:" if axes else "once:")
        for stage in nest.stages:
            self.names = {}
            inner = ", ".join(map(str, stage.inner))
            self.lines.append(f"  stage over {inner}:" if inner else "  stage:")
            for let in stage.lets:
                self.add(f"{let.name} = {self.value(let.value)}")
            for item in stage.reductions:
                value = self.value(item.value)
                self.add(f"{item.name} = {item.combine} {value}")
            for store in stage.stores:
                sign = "=" if store.mode == "set" else "+="
                value = self.value(store.value)
                self.add(f"{store.buffer.name}[{_at(store.index)}] {sign} {value}")
        return "\n".join(self.lines)

    def add(self, line: str) -> None:
        """One statement of a stage."""
        self.lines.append(f"    {line}")

    def value(self, root: Node) -> str:
        """The name of a value, after printing what it needs."""
        for value in value_order([root]):
            if value in self.names:
                continue
            if value.is_leaf:
                self.names[value] = _leaf_text(value)
                continue
            inputs = [self.names[x] for x in value.inputs]
            params = [str(p) for p in value.params]
            text = f"{value.op.name}({', '.join(inputs + params)})"
            name = f"v{sum(1 for n in self.names.values() if n[:1] == 'v')}"
            self.names[value] = name
            self.add(f"{name} = {text}")
        return self.names[root]


def _leaf_text(value: Node) -> str:
    if value.op is LOAD:
        buffer, at, _ = value.params
        return f"{buffer.name}[{_at(at)}]"
    if value.op is INDEX:
        return f"({value.params[0]})"
    if value.op is READ:
        return value.params[0]
    return repr(value.params[0].value.item())


def _at(index: tuple[DimLike, ...]) -> str:
    return ", ".join(map(str, index))
