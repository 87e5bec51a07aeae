"""The only traversals of a graph: order, users, rebuild. No recursion anywhere.

Every function is linear in nodes and edges and deterministic: operands are visited
left to right, so equal graphs are walked alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from symnb.core.dims import Atom, DimLike, dims_in, map_dims, substitute
from symnb.core.node import Node, as_dim, bound_nodes, located
from symnb.core.types import ANY, TensorType, TupleType, Type
from symnb.errors import GraphError

Facts = Mapping[Atom, DimLike]


def order(roots: Iterable[Node], stop: Iterable[Node] = ()) -> list[Node]:
    """All nodes that `roots` need, each after its inputs.

    stop  nodes whose inputs are not visited
    """
    done: set[Node] = set()
    halt = set(stop)
    result: list[Node] = []
    for root in roots:
        if root in done:
            continue
        stack: list[tuple[Node, int]] = [(root, 0)]
        while stack:
            node, at = stack.pop()
            if at == 0 and node in done:
                continue
            inputs = () if node in halt else node.inputs
            while at < len(inputs) and inputs[at] in done:
                at += 1
            if at < len(inputs):
                stack.append((node, at + 1))
                stack.append((inputs[at], 0))
            elif node not in done:
                done.add(node)
                result.append(node)
    return result


def users(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """Per node the nodes that read it, in the order of `nodes`, without repeats."""
    readers: dict[Node, list[Node]] = {}
    for node in nodes:
        readers.setdefault(node, [])
        for source in dict.fromkeys(node.inputs):
            readers.setdefault(source, []).append(node)
    return readers


def ancestors(roots: Iterable[Node], blockers: Iterable[Node] = ()) -> list[Node]:
    """Theano's name: every node the roots need, not looking behind blockers."""
    return order(roots, blockers)


def depends_on(roots: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """The nodes on some path from `sources` to `roots`, both ends included."""
    marked = set(sources)
    for node in order(roots, stop=marked):
        if any(source in marked for source in node.inputs):
            marked.add(node)
    return marked


def with_inputs(
    node: Node, inputs: tuple[Node, ...], facts: Facts | None = None
) -> Node:
    """`node` over other inputs; type and sizes inferred again where they change.

    facts  sizes to substitute in params (and in the types of leaves)

    The new node keeps name and site. Raises what inference raises.
    """
    if len(inputs) != len(node.inputs):
        raise ValueError(f"{node!r} has {len(node.inputs)} inputs, not {len(inputs)}")
    changes = dict(facts) if facts else {}
    for old, new in zip(node.inputs, inputs, strict=True):
        if old is not new:
            changes.update(size_changes(old, new, node))
    arity = len(node.operands)
    operands = inputs[:arity]
    params = node.params
    if changes and params:
        params = map_dims(params, lambda dim: substitute(dim, changes))
    type = _inferred(node, operands, params, bool(changes))
    bounds = bound_nodes(params, operands) if params else ()
    made = Node(node.op, operands + bounds, params, type, node.name, node.site)
    return made.continuing(node)


def _inferred(
    node: Node, operands: tuple[Node, ...], params: tuple[object, ...], moved: bool
) -> Type:
    types = tuple([operand.type for operand in operands])
    if ANY in types:
        return ANY
    same = not moved and all(
        new == old.type for new, old in zip(types, node.operands, strict=True)
    )
    if same:
        return node.type
    try:
        return node.op.infer(types, params)  # pyright: ignore[reportArgumentType]
    except GraphError as error:
        raise located(error, operands, node.site) from None


def size_changes(old: Node, new: Node, reader: Node | None = None) -> Facts:
    """What replacing `old` by `new` says about sizes.

    A size bound to the value of `old` becomes the size `new` stands for.
    """
    if old.type is ANY or isinstance(old.type, TupleType) or old.ndim:
        return {}
    found: dict[Atom, DimLike] = {}
    dims = dims_in(reader.params) if reader is not None else ()
    for dim in dims:
        for atom in dim.atoms():
            if atom.kind == "bound" and atom.node is old:
                found[atom] = as_dim(new)
    return found


def leaf_facts(old: Node, new: Node) -> Facts:
    """The sizes fixed by putting `new` in the place of the leaf `old`."""
    found: dict[Atom, DimLike] = {}
    if isinstance(old.type, TensorType) and isinstance(new.type, TensorType):
        for was, now in zip(old.type.shape, new.type.shape, strict=True):
            atom = None if isinstance(was, int) else was.leaf
            if atom is not None and was != now:
                found[atom] = now
    return found


def rebuild(
    roots: Sequence[Node],
    replace: Mapping[Node, Node],
    facts: Facts | None = None,
    remake: Callable[[Node, tuple[Node, ...]], Node] | None = None,
) -> dict[Node, Node]:
    """Old node -> new node for everything `roots` need, after `replace`.

    replace  nodes and what stands in their place (taken as they are)
    facts    sizes to substitute everywhere (their leaves must be in `replace`)
    remake   makes a node over new inputs; default `with_inputs`
    """
    mapping: dict[Node, Node] = {}
    for node in order(roots, stop=replace):
        new = replace.get(node)
        if new is None:
            inputs = tuple([mapping[source] for source in node.inputs])
            changed = any(a is not b for a, b in zip(inputs, node.inputs, strict=True))
            if remake is not None:
                new = remake(node, inputs)
            elif changed or (facts and mentions(node, facts)):
                new = with_inputs(node, inputs, facts)
            else:
                new = node
        mapping[node] = new
    return mapping


def mentions(node: Node, facts: Facts) -> bool:
    """Whether the params of `node` use one of the sizes in `facts`."""
    return any(
        not atoms.isdisjoint(facts)
        for atoms in (dim.atoms() for dim in dims_in(node.params))
    )


def atoms_of(nodes: Iterable[Node]) -> set[Atom]:
    """Every size atom in the types and params of `nodes`."""
    found: set[Atom] = set()
    for node in nodes:
        types = node.type.types if isinstance(node.type, TupleType) else (node.type,)
        for type in types:
            for dim in dims_in(type.shape):
                found |= dim.atoms()
        for dim in dims_in(node.params):
            found |= dim.atoms()
    return found
