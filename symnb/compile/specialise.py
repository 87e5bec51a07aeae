"""Facts about sizes: what a compile takes for granted, and what a call must check.

The user's graph says "these two sizes are assumed equal" wherever it broadcasts two
unknown sizes. A compile turns assumptions into facts by substituting one size for
the other, and fixes the sizes of shared variables to their present numbers. A call
that does not fit gets a variant: the same graph under other facts. Happens once per
variant; linear in the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symnb.compile.failures import row_of
from symnb.core import dims, walk
from symnb.core.dims import Atom, Dim, DimLike
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.shared import Shared
from symnb.core.types import TensorType
from symnb.errors import MissingInputError, ShapeError, SizeError, message
from symnb.ops.reduce import SUM_TO_SHAPE
from symnb.ops.view import shape_of, specify_shape

Facts = dict[Atom, DimLike]


@dataclass(frozen=True)
class Check:
    """Two sizes that must be equal when the function runs, and who needs it."""

    node: Node
    left: DimLike
    right: DimLike


@dataclass(frozen=True)
class Specialised:
    """A graph under facts.

    graph    what is optimised
    facts    what was taken for granted, by size of the user's graph
    checks   assumptions no fact could settle; checked while running
    """

    graph: Graph
    facts: Facts
    checks: tuple[Check, ...]


def shared_facts(graph: Graph) -> Facts:
    """The present sizes of the shared variables, by the symbols of their types."""
    facts: Facts = {}
    for leaf in graph.shared:
        sizes = zip(leaf.tensor_type.shape, leaf.storage.array.shape, strict=True)
        for size, present in sizes:
            if isinstance(size, Dim) and size.leaf is not None:
                facts[size.leaf] = present
    return facts


def specialise(graph: Graph, given: Mapping[Atom, DimLike] = {}) -> Specialised:
    """`graph` with `given` facts and, after them, its assumptions made facts.

    Raises ShapeError when the facts contradict each other, MissingInputError for a size
    that no leaf shows.
    """
    facts: Facts = dict(given)
    graph, rounds = _under(graph, facts), 0
    free = _free(graph)
    while rounds <= len(free):
        found = _settle(graph, free)
        if not found:
            break
        facts = {atom: dims.substitute(d, found) for atom, d in facts.items()} | found
        graph, rounds = _under(graph, found), rounds + 1
    _check_shown(graph)
    checks = tuple(Check(*assumption) for assumption in graph.assumptions)
    return Specialised(_sums_decided(graph, checks), facts, checks)


def _check_shown(graph: Graph) -> None:
    """Raise MissingInputError for a size that no input or shared variable shows."""
    shown = {
        size.leaf
        for leaf in (*graph.inputs, *graph.shared)
        for size in leaf.tensor_type.shape
        if isinstance(size, Dim)
    }
    lost = {
        atom
        for atom in walk.atoms_of(graph.order)
        if atom.kind == "symbol" and atom not in shown
    }
    for node in graph.order if lost else ():
        for atom in sorted(walk.atoms_of([node]) & lost):
            what = f"{graph.name} needs the size {atom.name}, which no input has."
            fix = "add the tensor it was taken from to the inputs."
            raise MissingInputError(message(what, [row_of(node)], fix))


def _sums_decided(graph: Graph, checks: Sequence[Check]) -> Graph:
    """Without the sums over axes whose sizes are equal once `checks` hold."""
    equal = {frozenset((check.left, check.right)) for check in checks}

    def holds(a: DimLike, b: DimLike) -> bool:
        larger = a.atom if isinstance(a, Dim) else None
        if larger is not None and larger.kind == "max" and b in larger.args:
            return frozenset(larger.args) in equal
        return a == b or frozenset((a, b)) in equal

    def remake(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node.op is not SUM_TO_SHAPE:
            same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
            return node if same else walk.with_inputs(node, inputs)
        whole, part = shape_of(node.inputs[0]), node.params[0]
        if not all(map(holds, whole, part)):
            return walk.with_inputs(node, inputs)
        return specify_shape(inputs[0], part)

    if not any(node.op is SUM_TO_SHAPE for node in graph.order):
        return graph
    new = walk.rebuild(graph.roots, {}, None, remake)
    return graph.with_roots([new[root] for root in graph.roots])


def _free(graph: Graph) -> set[Atom]:
    """Sizes of leaves: the ones a fact may settle."""
    found: set[Atom] = set()
    for leaf in (*graph.inputs, *graph.shared):
        for size in leaf.tensor_type.shape:
            if isinstance(size, Dim) and size.leaf is not None:
                found.add(size.leaf)
    return found


def _settle(graph: Graph, free: set[Atom]) -> Facts:
    """Substitutions that make the graph's assumptions true, each size once."""
    found: Facts = {}
    for node, a, b in graph.assumptions:
        a, b = dims.substitute(a, found), dims.substitute(b, found)
        if a == b:
            continue
        if isinstance(a, int) and isinstance(b, int):
            if 1 not in (a, b):
                raise _contradiction(node, a, b)
            continue
        step = _choice(a, b, free) or _choice(b, a, free)
        if step is not None:
            atom, size = step
            found = {k: dims.substitute(d, {atom: size}) for k, d in found.items()}
            found[atom] = size
    return found


def _choice(
    whole: DimLike, part: DimLike, free: set[Atom]
) -> tuple[Atom, DimLike] | None:
    """`part` := `whole`, when part is one free size and whole does not contain it."""
    atom = part.leaf if isinstance(part, Dim) else None
    if atom is None or atom not in free:
        return None
    inside = whole.atoms() if isinstance(whole, Dim) else frozenset[Atom]()
    if atom in inside or any(a.kind == "bound" for a in inside):
        return None
    return atom, whole


def _contradiction(node: Node, a: int, b: int) -> ShapeError:
    rows = [
        (x.name or (x.site and x.site.text) or x.op.name, str(x.site or ""),
         str(x.type))
        for x in node.operands
    ]  # fmt: skip
    place = f"  ({node.site})" if node.site else ""
    return ShapeError(
        message(f"{node.op.name} needs equal sizes; got {a} and {b}.{place}", rows)
    )


def _under(graph: Graph, facts: Facts) -> Graph:
    """The graph with sizes replaced in its leaves, types inferred again."""
    if not facts:
        return graph
    leaves: dict[Node, Node] = {}
    for leaf in dict.fromkeys((*graph.inputs, *graph.shared)):
        shape = tuple(dims.substitute(size, facts) for size in leaf.tensor_type.shape)
        if shape != leaf.tensor_type.shape:
            leaves[leaf] = _leaf(leaf, leaf.tensor_type.with_shape(shape))
    new = walk.rebuild(graph.roots, leaves, facts)
    roots = [new[root] for root in graph.roots]
    count = len(graph.outputs)
    updates = [
        (leaves.get(target, target), value)
        for (target, _), value in zip(graph.updates, roots[count:], strict=True)
    ]
    inputs = [leaves.get(leaf, leaf) for leaf in graph.inputs]
    return Graph(inputs, roots[:count], updates, graph.name)  # pyright: ignore


def _leaf(leaf: Node, type: TensorType) -> Node:
    if isinstance(leaf, Shared):
        twin = Shared(leaf.storage, type, leaf.name)
        twin.site = leaf.site
        return twin
    return Input(type, leaf.name, leaf.site)


def broadcast_facts(
    checks: Sequence[tuple[DimLike, DimLike]], sizes: Mapping[Atom, int]
) -> Facts:
    """The sizes that make one side of an assumed-equal pair 1 beside another size.

    checks  the assumptions of the user's graph
    sizes   what this call's arrays say

    Raises SizeError for 1 beside 0: the graph takes the larger of two sizes.
    """
    found: Facts = {}
    for pair in checks:
        atoms = [d.atoms() if isinstance(d, Dim) else frozenset[Atom]() for d in pair]
        if not atoms[0] | atoms[1] <= sizes.keys():
            continue
        a, b = (dims.evaluate(d, sizes) for d in pair)
        if a != b and 1 in (a, b):
            if 0 in (a, b):
                raise SizeError(
                    f"sizes {pair[0]} = {a} and {pair[1]} = {b}: an empty axis beside "
                    "one whose size happens to be 1.\n"
                    "Fix: declare the size as 1 (T.row, T.col, shape=(1, None)), or "
                    "pass an array with an empty axis."
                )
            ones = atoms[0] if a == 1 else atoms[1]
            found |= {atom: sizes[atom] for atom in ones}
    return found
