"""Partition of a graph into regions: what is fused into one kernel, and why not.

A value is an *anchor* when it is computed at points of its own: results, reductions,
what libraries and NumPy read or write, and values too costly to compute twice. All
other values are computed where they are needed. Anchors with the same loop axes then
grow regions, producers before neighbours that read the same arrays; an anchor that
only its own region reads is never stored. Once per compile, about 30 us per node.
Each choice is told to `record` as a Decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from symnb.compile.kernels.points import (
    Index,
    is_inline,
    known_position,
    offset,
    operand_points,
    role,
    shape_of,
    total,
)
from symnb.compile.kernels.region import Region, RegionKind
from symnb.compile.kernels.space import Space
from symnb.compile.operands import arrays
from symnb.core.dims import Dim, DimLike, bound, evaluate
from symnb.core.graph import Graph
from symnb.core.node import SIZE, Node
from symnb.core.types import TensorType
from symnb.core.walk import atoms_of
from symnb.ops.define import Reduction
from symnb.ops.gemm import GEMM, reads_c
from symnb.optim.trace import Decision

MAX_BUFFERS = 32  # pointers beyond that spill: 16 registers, 2 uses each
MAX_VALUES = 200  # body lines; gcc's time and register spills grow faster than linear
COSTLY_FLOPS = 6.0  # computing less twice is cheaper than a store and a load
OFTEN = 1.5  # from here on storing a costly value beats computing it again
MAX_COST = 1e9  # more is not told apart
NEIGHBOURS = 32  # regions tried for an anchor that reads no region's result


WHY_ALONE = {
    "extern": "runs in a library",
    "opaque": "has no C and runs in NumPy",
    "scan": "runs along an axis in order",
    "write": "writes its parts in turn",
    "map": "shares the storage of another array",
    "reduce": "",
}


Record = Callable[[Decision], Any]


def partition(
    graph: Graph, record: Record = lambda decision: None, fusing: bool = True
) -> list[Region]:
    """The regions that compute `graph`, in execution order.

    fusing  False: a kernel for each op; views are still computed where they are read
    """
    parts = _Partition(graph, record, fusing)
    if not fusing:
        parts.anchor_each()
    parts.find_anchors()
    parts.find_sources()
    parts.find_readers()
    parts.grow()
    return parts.regions()


@dataclass(eq=False)
class _Cluster:
    """Anchors that share a kernel.

    bit     its place in `before`
    before  clusters it needs, directly or not, as a bit set
    """

    serial: int
    kind: RegionKind
    space: Space | None
    anchors: list[Node] = field(default_factory=list[Node])
    before: int = 0
    reads: set[Node] = field(default_factory=set[Node])
    values: set[Node] = field(default_factory=set[Node])

    @property
    def bit(self) -> int:
        return 1 << self.serial


class _Partition:
    def __init__(self, graph: Graph, record: Record, fusing: bool) -> None:
        self.graph = graph
        self.record = record
        self.fusing = fusing
        self.all = graph.nodes
        self.nodes = [n for n in self.all if n.op is not SIZE]
        self.place = {node: k for k, node in enumerate(self.all)}
        self.numbers = _numbers(graph)
        self.roles = {node: role(node) for node in self.all}
        self.anchors: dict[Node, str] = {}  # anchor -> why
        self.sources: dict[
            Node, list[Node]
        ] = {}  # anchor -> anchors and leaves it reads
        self.inside: dict[Node, list[Node]] = {}  # anchor -> nodes computed for it
        self.clusters: list[_Cluster] = []
        self.home: dict[Node, _Cluster] = {}
        self.sizes: dict[Node, list[Node]] = {}  # anchor -> scalars its sizes need
        self.roots = frozenset(graph.roots)
        self.readers: dict[Node, list[Node]] = {}  # anchor -> anchors that read it

    # ---------------------------------------------------------------- anchors

    def anchor_each(self) -> None:
        """Where nothing is fused, each op is computed at points of its own."""
        for node in self.nodes:
            if node.op.kind == "elementwise":
                self._anchor(node, "each op has a kernel")

    def find_anchors(self) -> None:
        """Decide which values are computed at points of their own."""
        for node in self.graph.roots:
            self._anchor(node, "a result")
        for node in self.nodes:
            if self.roles[node] != "map":
                self._anchor(node, f"{node.op.name} runs over axes of its own")
                if self.roles[node] != "reduce":
                    self._anchor_operands(node)
                if self._compares_inexact(node):
                    self._anchor(node.inputs[0], f"{node.op.name} looks it up again")
        for node in self.all:
            for x in node.inputs[len(node.operands) :]:
                self._anchor(x, "a size")
        self._find_costly()
        count: dict[Node, int] = {}
        reads: dict[Node, set[Node]] = {}
        for node in self.all:
            below = self._inline(node)
            reads[node] = self._reads(node, below, reads)
            count[node] = 1 + sum(count[x] for x in below)
            if count[node] > MAX_VALUES // 2:
                self._anchor(node, f"more than {MAX_VALUES // 2} values lead to it")

    def _inline(self, node: Node) -> list[Node]:
        """The operands computed where `node` is."""
        operands = dict.fromkeys(node.operands)
        return [x for x in operands if x in self.roles and x not in self.anchors]

    def _costs(self) -> dict[Node, float]:
        """Operations for one element, with those of operands computed for it."""
        cost: dict[Node, float] = {}
        for node in self.all:
            below = sum(cost[x] for x in self._inline(node))
            cost[node] = min(node.op.flops + below, MAX_COST)
        return cost

    def _find_costly(self) -> None:
        """Values that would be computed at more points than they have elements.

        From results to operands: how often an operand is needed depends on what has
        been decided for its users.
        """
        cost = self._costs()
        needed: dict[Node, float] = {}
        found: dict[Node, str] = {}
        again: dict[Node, str] = {}
        for node in reversed(self.all):
            if not isinstance(node.type, TensorType):
                continue
            own = typical(total(shape_of(node)))
            times = needed.get(node, 0.0)
            costly = node not in self.anchors and cost[node] >= COSTLY_FLOPS
            if costly and times >= OFTEN * own:
                found[node] = f"needed {times / max(own, 1):.3g} times per element"
            elif costly and len(self.graph.users(node)) > 1:
                again[node] = f"{times / max(own, 1):.3g} times per element in all"
            points: float = own if node in found or node in self.anchors else times
            if self.roles[node] == "reduce":
                points = typical(total(shape_of(node.inputs[0])))
            for x in dict.fromkeys(node.operands):
                needed[x] = needed.get(x, 0.0) + points
        self.anchors |= found
        cost = self._costs()
        for node, why in found.items():
            if cost[node] < COSTLY_FLOPS:
                del self.anchors[node]
            else:
                self._tell_cost(node, "computed once", why)
        for node, why in again.items():
            self._tell_cost(node, "computed where it is needed", why)

    def _tell_cost(self, node: Node, chosen: str, why: str) -> None:
        self.record(Decision("recompute", self._label(node), chosen, why, (node,)))

    def _reads(
        self, node: Node, below: list[Node], reads: dict[Node, set[Node]]
    ) -> set[Node]:
        """The arrays read for one element; an operand is stored if they are many."""
        own = {x for x in node.operands if x not in below and not is_inline(x)}
        found = own.union(*(reads[x] for x in below))
        if len(found) > MAX_BUFFERS - 2 and self.roles[node] == "map":
            for x in sorted(below, key=lambda x: -len(reads[x]))[:1]:
                self._anchor(x, f"more than {MAX_BUFFERS - 2} arrays are read for it")
                found = (found - reads[x]) | {x}
        return found

    def _anchor(self, node: Node, why: str) -> None:
        if not node.is_leaf:
            self.anchors.setdefault(node, why)

    def _compares_inexact(self, node: Node) -> bool:
        """Whether a position is found by comparing numbers that, computed twice,
        may differ in the last place: library functions have several forms."""
        if not isinstance(node.op, Reduction) or not node.op.combine.startswith("arg"):
            return False
        seen: set[Node] = set()
        stack = [node.inputs[0]]
        while stack:
            x = stack.pop()
            if x in seen or x.is_leaf or self.roles[x] != "map":
                continue
            seen.add(x)
            stack += x.operands
            if x.op.flops >= COSTLY_FLOPS:
                return True
        return False

    def _anchor_operands(self, node: Node) -> None:
        if self.roles[node] in ("extern", "opaque"):
            unread = node.op is GEMM and not reads_c(node)
            for x in node.operands[1:] if unread else arrays(node):
                self._anchor(x, f"{node.op.name} reads it as an array")

    # ---------------------------------------------------------------- sources

    def find_sources(self) -> None:
        """Per anchor: what is computed for it, and the anchors and leaves it reads."""
        for anchor in self.anchors:
            inside: dict[Node, None] = {}
            found: dict[Node, None] = {}
            stack = [(anchor, False)]
            while stack:
                node, ready = stack.pop()
                if ready:
                    inside[node] = None
                elif node is not anchor and (node.is_leaf or node in self.anchors):
                    found[node] = None
                elif node not in inside:
                    stack.append((node, True))
                    stack += [(x, False) for x in reversed(node.operands)]
            self.sources[anchor] = list(found)
            self.inside[anchor] = list(inside)
            atoms = sorted(atoms_of([*inside, *found]))
            sizes = dict.fromkeys(a.node for a in atoms if a.kind == "bound")
            self.sizes[anchor] = [x for x in sizes if x is not anchor]

    def find_readers(self) -> None:
        """Per anchor the anchors that read it, as an array or as a size."""
        for anchor in self.anchors:
            for x in (*self.sources[anchor], *self.sizes[anchor]):
                if x in self.anchors:
                    self.readers.setdefault(x, []).append(anchor)

    # --------------------------------------------------------------- clusters

    def grow(self) -> None:
        """Put each anchor into a cluster, in execution order."""
        for node in self.all:
            if node not in self.anchors:
                continue
            if node.op.kind == "pick":
                self._add(self.home[node.inputs[0]], node)
            elif self._is_alias(node):
                self._start(node, "alias")
            elif self.roles[node] in ("map", "reduce"):
                self._add(self._best_cluster(node) or self._start(node), node)
            else:
                known = self.roles[node]
                self._start(node, known if known in ("extern", "opaque") else "kernel")

    def _start(self, node: Node, kind: RegionKind = "kernel") -> _Cluster:
        """A new cluster for `node`."""
        space = None
        if self.roles[node] == "reduce":
            space = Space(shape_of(node.inputs[0]), node.params[0])
        elif self.roles[node] == "map":
            space = Space(shape_of(node))
        cluster = _Cluster(len(self.clusters), kind, space)
        self.clusters.append(cluster)
        self._add(cluster, node)
        return cluster

    def _add(self, cluster: _Cluster, node: Node) -> None:
        if node in self.home:
            return
        self.home[node] = cluster
        cluster.anchors.append(node)
        cluster.reads |= {x for x in self.sources[node] if not is_inline(x)}
        cluster.values |= set(self.inside[node])
        before = 0
        for other in self._needs(node):
            if other is not cluster:
                before |= other.bit | other.before
        cluster.before |= before
        for other in self.clusters:
            if other.before & cluster.bit:
                other.before |= cluster.before

    def _needs(self, node: Node) -> list[_Cluster]:
        """The clusters that compute what `node` reads, latest first."""
        found = {
            self.home[x]: None
            for x in (*self.sources[node], *self.sizes[node])
            if x in self.home
        }
        return sorted(found, key=lambda c: -c.serial)

    def _best_cluster(self, node: Node) -> _Cluster | None:
        """The cluster whose loops `node` joins: of its producers, then neighbours."""
        if not self.fusing:
            return None
        needs = self._needs(node)
        for cluster in needs:
            refusal = self._refusal(cluster, node)
            self._tell(cluster, node, refusal)
            if not refusal:
                return cluster
        reads = {x for x in self.sources[node] if not is_inline(x)}
        for cluster in self.clusters[: -NEIGHBOURS - 1 : -1]:
            near = cluster not in needs and not reads.isdisjoint(cluster.reads)
            if near and not self._refusal(cluster, node):
                self._tell(cluster, node, "")
                return cluster
        return None

    def _refusal(self, cluster: _Cluster, node: Node) -> str:
        """Why `node` cannot join `cluster`, or "" after making room for it."""
        if cluster.kind != "kernel" or cluster.space is None:
            first = cluster.anchors[0]
            if "lapack" in first.op.tags:
                return f"{first.op.name} runs in LAPACK"
            return f"{first.op.name} {WHY_ALONE[self.roles[first]]}"
        space = self._common_space(cluster.space, node)
        if space is None:
            return "its loops run over other axes"
        if any(c.before & cluster.bit for c in self._needs(node) if c is not cluster):
            return "something between them is computed elsewhere"
        if len(cluster.values | set(self.inside[node])) > MAX_VALUES:
            return f"the kernel would have more than {MAX_VALUES} values"
        reads = cluster.reads | set(self.sources[node])
        if len(reads) + len(cluster.anchors) > MAX_BUFFERS:
            return f"the kernel would use more than {MAX_BUFFERS} arrays"
        if any(self.home.get(x) is cluster for x in self.sizes[node]):
            return "one computes a size of the other"
        if self._compares_inexact(node) and self.home.get(node.inputs[0]) is cluster:
            return f"{node.op.name} compares numbers, which have to be the same twice"
        refusal = self._misfit(cluster, space, node)
        if not refusal:
            cluster.space = space
        return refusal

    def _common_space(self, space: Space, node: Node) -> Space | None:
        """The axes for both, or None."""
        if self.roles[node] == "reduce" and not space.reduced:
            if shape_of(node.inputs[0]) != space.shape:
                return None
            return Space(space.shape, node.params[0])
        return space if space.home(node) is not None else None

    def _misfit(self, cluster: _Cluster, space: Space, node: Node) -> str:
        """Whether some value of the cluster is needed at another point than its own."""
        at = space.home(node)
        assert at is not None
        if self.roles[node] == "reduce":
            stack = [(node.inputs[0], space.full)]
        else:
            stack = self._operands(node, at)
        waits = False
        seen: set[tuple[Node, Index]] = set()
        while stack:
            point = stack.pop()
            x, index = point
            if point in seen or x.is_leaf:
                continue
            seen.add(point)
            if x not in self.anchors:
                stack += self._operands(x, index)
            elif self.home.get(x) is cluster:
                if index != space.home(x):
                    return f"it reads {x.op.name} at other points than it is computed"
                waits = waits or self._waits(cluster, x)
        whole = self.roles[node] == "reduce" or at == space.full
        if waits and whole and not space.outer and space.inner:
            return "the reduction of the whole array must be complete first"
        return ""

    def _waits(self, cluster: _Cluster, node: Node) -> bool:
        """Whether `node` is, or reads, a reduction of its cluster."""
        if self.roles[node] == "reduce":
            return True
        inner = [x for x in self.sources[node] if self.home.get(x) is cluster]
        seen = set(inner)
        while inner:
            x = inner.pop()
            if self.roles[x] == "reduce":
                return True
            more = {y for y in self.sources[x] if self.home.get(y) is cluster} - seen
            seen |= more
            inner += more
        return False

    def _operands(self, node: Node, at: Index) -> list[tuple[Node, Index]]:
        return operand_points(node, at, _any_position)

    def _is_alias(self, node: Node) -> bool:
        """Whether `node` has the elements of one stored array in the same order."""
        if self.roles[node] != "map":
            return False
        if any(x.op.kind != "view" for x in self.inside[node]):
            return False
        space = Space(shape_of(node))
        x, at = node, space.full
        while x is node or (x not in self.anchors and not x.is_leaf):
            [(x, at)] = self._operands(x, at)
        if is_inline(x):
            return False
        return total(shape_of(x)) == total(node_shape := shape_of(node)) and (
            offset(shape_of(x), at) == offset(node_shape, space.full)
        )

    def _tell(self, cluster: _Cluster, node: Node, refusal: str) -> None:
        other = cluster.anchors[-1]
        subject = f"{self._label(node)} with {self._label(other)}"
        if refusal:
            decision = Decision("fuse", subject, "separate", refusal, (node, other))
        else:
            reason = self._gain(cluster, node)
            decision = Decision("fuse", subject, "fused", reason, (node, other))
        self.record(decision)

    def _gain(self, cluster: _Cluster, node: Node) -> str:
        """What is saved by computing `node` in `cluster`."""
        shared = [x for x in self.sources[node] if self.home.get(x) is cluster]
        if shared:
            return f"{_names(shared)} is used as soon as it is computed"
        both = [x for x in self.sources[node] if x in cluster.reads]
        return f"{_names(both)} is read once for both"

    def _label(self, node: Node) -> str:
        return f"%{self.numbers.get(node, '?')} {node.op.name}"

    # ---------------------------------------------------------------- regions

    def regions(self) -> list[Region]:
        """The clusters as regions, each after those it needs."""
        done = 0
        found: list[Region] = []
        for cluster in self.clusters:
            wanted = [c for c in self.clusters if cluster.before & c.bit]
            wanted.sort(key=lambda c: (c.before.bit_count(), c.serial))
            for one in (*wanted, cluster):
                if not done & one.bit:
                    done |= one.bit
                    found.append(self._region(one))
        return found

    def _region(self, cluster: _Cluster) -> Region:
        nodes = sorted(cluster.values, key=self.place.__getitem__)
        first = cluster.anchors[0]
        if cluster.kind in ("extern", "opaque"):
            picks = tuple(cluster.anchors[1:])
            nodes, inputs, outputs = [first, *picks], arrays(first), picks or (first,)
        else:
            inputs = tuple(
                dict.fromkeys(
                    x
                    for anchor in cluster.anchors
                    for x in self.sources[anchor]
                    if self.home.get(x) is not cluster and not is_inline(x)
                )
            )
            outputs = tuple(n for n in cluster.anchors if self._is_stored(n, cluster))
        sizes = {x: None for n in cluster.anchors for x in self.sizes[n]}
        numbers = tuple(self.numbers.get(n, -1) for n in nodes)
        reason = "; ".join(f"{self._label(n)}: {self.anchors[n]}" for n in outputs)
        awaited = tuple(n for n in outputs if self._is_awaited(n, cluster))
        return Region(
            cluster.kind, tuple(nodes), inputs, outputs, numbers, tuple(sizes), reason,
            awaited,
        )  # fmt: skip

    def _is_stored(self, node: Node, cluster: _Cluster) -> bool:
        """Whether something outside the cluster reads `node`."""
        return node in self.roots or self._is_awaited(node, cluster)

    def _is_awaited(self, node: Node, cluster: _Cluster) -> bool:
        """Whether another cluster reads `node`."""
        readers = self.readers.get(node, ())
        return any(self.home[reader] is not cluster for reader in readers)


def _any_position(x: Node, at: Index, extent: DimLike, axis: int) -> DimLike:
    """A position that is known, or some data."""
    known = known_position(x, at, extent)
    return bound(x, "g") if known is None else known


def _numbers(graph: Graph) -> dict[Node, int]:
    """The numbers of nodes in the printed graph."""
    nodes = [node for node in graph.nodes if node.op is not SIZE]
    return {node: number for number, node in enumerate(nodes)}


def _names(nodes: Iterable[Node]) -> str:
    names = dict.fromkeys(node.name or node.op.name for node in nodes)
    return ", ".join(names)


TYPICAL = 1000  # the size a symbol has in estimates


def typical(dim: DimLike) -> int:
    """A size expression where every symbol is TYPICAL."""
    atoms = dim.atoms() if isinstance(dim, Dim) else ()
    return evaluate(dim, dict.fromkeys(atoms, TYPICAL))
