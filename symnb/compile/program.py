"""`Program`: buffers and steps, the last representation before C.

A program runs its steps in order: launch a kernel, call a library, run one op by its
NumPy reference, copy. Buffers are arguments, shared variables, constants, results,
updates, places in one arena, or allocated while running when their size depends on
data. Built once per compiled variant, linear in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from symnb.compile.kernels import Region, Target, lower, partition, schedule_cpu
from symnb.compile.kernels.kernel import Kernel
from symnb.compile.kernels.parallel import AWAKE_NS, WORTH_NS
from symnb.core import dims
from symnb.core.dims import Atom, Dim
from symnb.core.graph import Graph
from symnb.core.node import Constant, Node
from symnb.core.types import TensorType
from symnb.optim.trace import Decision

Place = Literal["argument", "shared", "constant", "result", "update", "arena", "run"]
TYPICAL = 1000  # the size every symbol has in estimates of work
ELEMENT_NS = 0.5  # estimated ns for one flop of a scalar loop, one element

Record = Callable[[Decision], None]


@dataclass(eq=False, repr=False)
class Buffer:
    """Storage of one array of the program.

    name    of the C pointer
    node    whose value it holds
    place   where it lives; "run": allocated while running
    index   position in `data`, or in `Plan.slots` for the arena
    alias   the buffer it shares storage with, when it is a view without a copy
    first, last  steps during which it holds a value
    """

    name: str
    node: Node
    place: Place
    index: int = -1
    alias: Buffer | None = None
    first: int = -1
    last: int = -1

    @property
    def root(self) -> Buffer:
        """The buffer that owns the storage."""
        return self if self.alias is None else self.alias.root

    @property
    def type(self) -> TensorType:
        """Dtype and sizes."""
        return self.node.type  # pyright: ignore[reportReturnType]

    def __repr__(self) -> str:
        return f"{self.name}: {self.type} ({self.place})"

    @property
    def is_dynamic(self) -> bool:
        """Whether its size is known only while running."""
        return any(
            atom.kind == "bound"
            for size in self.type.shape
            if isinstance(size, Dim)
            for atom in size.atoms()
        )


@dataclass(eq=False, repr=False)
class Step:
    """One action of the program.

    kind     launch | extern | opaque | copy
    reads, writes  buffers, in the order the action takes them
    kernel   of a launch
    in_place (output, input) pairs of a launch that share storage
    """

    kind: Literal["launch", "extern", "opaque", "copy"]
    name: str
    nodes: tuple[Node, ...]
    reads: list[Buffer]
    writes: list[Buffer]
    kernel: Kernel | None = None
    in_place: list[tuple[Node, Node]] = field(default_factory=list[tuple[Node, Node]])
    reason: str = ""

    def __str__(self) -> str:
        into = ", ".join(b.name for b in self.writes)
        out_of = ", ".join(b.name for b in self.reads)
        return f"{self.kind} {self.name}: {into} <- {out_of}"

    __repr__ = __str__


@dataclass
class Program:
    """Everything the host function needs, and what the inspector shows."""

    graph: Graph
    target: Target
    steps: list[Step]
    buffers: dict[Node, Buffer]
    leaves: list[Buffer]
    results: list[Buffer]
    updates: list[Buffer]
    slots: dict[Atom, tuple[int, int]]  # size -> (leaf, axis) it is read from
    decisions: list[Decision]

    @property
    def constants(self) -> list[Constant]:
        """Constants passed as data, in the order of their buffers."""
        return [b.node for b in self.leaves if isinstance(b.node, Constant)]

    @property
    def work(self) -> float:
        """Estimated ns of a call in which every size is TYPICAL."""
        return sum(_estimate(node) for step in self.steps for node in step.nodes)


def _estimate(node: Node) -> float:
    if not isinstance(node.type, TensorType):
        return 0.0
    env = {atom: TYPICAL for s in dims.dims_in(node.type.shape) for atom in s.atoms()}
    elements = dims.evaluate(node.type.size, env)
    inner = TYPICAL if node.op.kind == "contract" else 1
    return elements * inner * node.op.flops * ELEMENT_NS


def build_program(graph: Graph, target: Target, record: Record) -> Program:
    """The program of an optimised graph. `record` is told each decision."""
    decisions: list[Decision] = []

    def note(decision: Decision) -> None:
        decisions.append(decision)
        record(decision)

    builder = _Builder(graph, target)
    for region in partition(graph, note, "fuse" not in target.off):
        builder.add(region)
    builder.finish()
    for step in builder.steps:
        if step.kernel is not None:
            note(_threads(step, step.kernel))
    return Program(
        graph,
        target,
        builder.steps,
        builder.buffers,
        builder.leaves,
        builder.results,
        builder.updates,
        size_slots(graph),
        decisions,
    )


def _threads(step: Step, kernel: Kernel) -> Decision:
    """Which loops of a kernel run in threads, and from what size on."""
    regions = kernel.parallel
    if not regions:
        return Decision("threads", step.name, "one", kernel.alone, step.nodes)
    first = min(regions, key=lambda x: x.above)
    pays = WORTH_NS if first.results else AWAKE_NS
    chosen = f"in chunks from {first.above:,} points on"
    why = f"{first.ns:.2g} ns a point, {pays / 1e3:.0f} us pay"
    if any(x.results for x in regions):
        why += "; results of chunks are combined in their order"
    return Decision("threads", step.name, chosen, why, step.nodes)


def size_slots(graph: Graph) -> dict[Atom, tuple[int, int]]:
    """Size symbols of the leaves and the (leaf, axis) each is read from first."""
    found: dict[Atom, tuple[int, int]] = {}
    for number, leaf in enumerate((*graph.inputs, *graph.shared)):
        for axis, size in enumerate(leaf.tensor_type.shape):
            atom = size.leaf if isinstance(size, Dim) else None
            if atom is not None:
                found.setdefault(atom, (number, axis))
    return found


class _Builder:
    """Collects buffers and steps of one program."""

    def __init__(self, graph: Graph, target: Target) -> None:
        self.graph = graph
        self.target = target
        self.steps: list[Step] = []
        self.buffers: dict[Node, Buffer] = {}
        self.leaves: list[Buffer] = []
        self.results: list[Buffer] = []
        self.updates: list[Buffer] = []
        self.kernels = 0
        for leaf in graph.inputs:
            self._leaf(leaf, "argument")
        for leaf in graph.shared:
            self._leaf(leaf, "shared")

    def _leaf(self, node: Node, place: Place) -> Buffer:
        buffer = Buffer(f"a{len(self.leaves)}", node, place, len(self.leaves))
        self.leaves.append(buffer)
        return self.buffers.setdefault(node, buffer)

    def _buffer(self, node: Node) -> Buffer:
        buffer = self.buffers.get(node)
        if buffer is not None:
            return buffer
        if isinstance(node, Constant):
            return self._leaf(node, "constant")
        buffer = self.buffers[node] = Buffer(f"t{len(self.buffers)}", node, "arena")
        return buffer

    def add(self, region: Region) -> None:
        """Turn one region into a step, or into an alias."""
        reads = [self._buffer(node) for node in region.inputs]
        if region.kind == "alias":
            self._alias(region.outputs[0], reads[0])
            return
        writes = [self._buffer(node) for node in region.outputs]
        step = Step("opaque", "", region.nodes, reads, writes, reason=region.reason)
        if region.kind == "kernel":
            step.kind = "launch"
            step.kernel = schedule_cpu(lower(region), self.target)
            step.reads = reads + [self._buffer(node) for node in region.sizes]
            self.kernels += 1
            step.name = f"k{self.kernels}"
        elif region.kind == "extern":
            step.kind, step.name = "extern", region.nodes[0].op.name
        else:
            step.name = region.nodes[0].op.name
            step.reads = [self._buffer(node) for node in region.nodes[0].inputs]
        self.steps.append(step)

    def _alias(self, node: Node, source: Buffer) -> None:
        buffer = Buffer(f"t{len(self.buffers)}", node, source.place, alias=source)
        self.buffers[node] = buffer

    def finish(self) -> None:
        """Place results and updates; copy what has its storage elsewhere."""
        taken: set[Buffer] = set()
        for kind, nodes in (
            ("result", self.graph.outputs),
            ("update", tuple(value for _, value in self.graph.updates)),
        ):
            for number, node in enumerate(nodes):
                self._end(kind, number, node, taken)
        self._lifetimes()

    def _end(self, kind: Any, number: int, node: Node, taken: set[Buffer]) -> None:
        ends = self.results if kind == "result" else self.updates
        buffer = self._buffer(node)
        root = buffer.root
        if root.place == "arena" and root not in taken:
            root.place, root.index = kind, number
            taken.add(root)
            ends.append(buffer)
            return
        copy = Buffer(f"{kind[0]}{number}", node, kind, number)
        ends.append(copy)
        self.steps.append(Step("copy", "copy", (), [buffer], [copy]))

    def _lifetimes(self) -> None:
        for at, step in enumerate(self.steps):
            for buffer in (*step.reads, *step.writes):
                root = buffer.root
                root.first = at if root.first < 0 else root.first
                root.last = at
        for buffer in self.buffers.values():
            if buffer.place == "arena" and buffer.alias is None and buffer.is_dynamic:
                buffer.place = "run"


__all__ = ["Buffer", "Program", "Step", "build_program", "size_slots"]
