"""Graph text: the canonical form for pickles, golden tests, digests, bug reports.

    graph loss(%x: f64[n, 784], @W: f64[784, 10]) -> (%1)
      %0 = dot(%x, @W) : f64[n, 10]              # cell 4, line 1
      %1 = sum(%0, axes=(0, 1), keepdims=False) : f64[]
      update @W = %2

`%` names a value, `@` a shared variable; scalars stand inline (`f32(0.5)`), sizes
as `size(10*n)`, larger arrays as `f64[3, 4]#<digest>` with the array beside the
text. `parse(render(g))` gives a graph with the same text. The digest form drops
names and sites and numbers leaves and sizes by position.
"""

from __future__ import annotations

import ast
import hashlib
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from symnb.core import dims
from symnb.core.dims import Atom, Dim, DimLike, dim_key, dim_text
from symnb.core.dtypes import LONG, SHORT
from symnb.core.graph import Graph
from symnb.core.node import SIZE, Constant, Input, Node, bound_nodes, size
from symnb.core.op import TABLE
from symnb.core.seams import slots
from symnb.core.shared import Shared, Storage
from symnb.core.types import TensorType, TupleType, Type
from symnb.errors import TextError

Arrays = dict[str, np.ndarray[Any, Any]]
INLINE_ITEMS = 8  # longer constants go beside the text
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")
_RESERVED = frozenset({"None", "True", "False", "min", "max", "size", "update"})


# ------------------------------------------------------------------------ printing


@dataclass
class _Names:
    """Unique names of values and sizes inside one text."""

    keep: bool
    nodes: dict[Node, str] = field(default_factory=dict[Node, str])
    atoms: dict[Atom, str] = field(default_factory=dict[Atom, str])
    used: set[str] = field(default_factory=set[str])
    arrays: Arrays = field(default_factory=dict[str, np.ndarray[Any, Any]])

    def unique(self, wish: str | None, stem: str) -> str:
        """`wish` if it is a free identifier, else `stem` with a number."""
        name = wish if self.keep and wish and _NAME.match(wish) else ""
        if name and name not in self.used and name not in _RESERVED:
            self.used.add(name)
            return name
        number = 0
        while f"{stem}{number}" in self.used:
            number += 1
        self.used.add(f"{stem}{number}")
        return f"{stem}{number}"

    def dim(self, value: DimLike) -> str:
        """A size in this text's names."""
        if isinstance(value, int):
            return str(value)
        show = dim_text if self.keep else dim_key
        return show(value, self.atom)

    def atom(self, atom: Atom) -> str:
        """The name of one size; sizes bound to a node are named by it."""
        if atom.kind == "bound":
            return self.nodes[atom.node]
        name = self.atoms.get(atom)
        if name is None:
            name = self.atoms[atom] = self.unique(atom.name, "s")
        return name

    def type(self, type: Type) -> str:
        """A type in this text's names."""
        if isinstance(type, TupleType):
            return f"({', '.join(map(self.type, type.types))})"
        return f"{SHORT[type.dtype]}[{', '.join(map(self.dim, type.shape))}]"

    def param(self, value: Any) -> str:
        """A parameter value."""
        if isinstance(value, tuple):
            parts = cast(tuple[Any, ...], value)
            inner = ", ".join(map(self.param, parts))
            return f"({inner},)" if len(parts) == 1 else f"({inner})"
        if isinstance(value, Dim):
            return self.dim(value)
        return repr(value)

    def operand(self, node: Node) -> str:
        """How a node is referred to."""
        if isinstance(node, Constant):
            return self.constant(node)
        if node.op is SIZE:
            return f"size({self.dim(node.params[0])})"
        return self.nodes[node]

    def constant(self, node: Constant) -> str:
        """A constant: inline when small, else by digest with the array beside."""
        value = node.value
        if value.size > INLINE_ITEMS or value.size == 0 or value.ndim > 1:
            key = hashlib.blake2b(value.tobytes(), digest_size=8).hexdigest()
            self.arrays[key] = value
            return f"{self.type(node.type)}#{key}"
        items = ", ".join(_item(x) for x in value.ravel())
        sizes = f"[{value.size}]" if value.ndim else ""
        return f"{SHORT[node.dtype]}{sizes}({items})"


def _item(x: Any) -> str:
    """A number that reads back to the same bits."""
    if x.dtype.kind != "f":
        return str(x.item())
    text = repr(float(x)) if x.dtype == np.float64 else str(x)
    if type(x)(text).tobytes() == x.tobytes():
        return text
    return f"'{x.tobytes().hex()}'"


def _lines(graph: Graph, names: _Names, sites: bool) -> list[str]:
    shared = [n for n in graph.shared if n not in graph.inputs]
    for stem, leaves in (("%", graph.inputs), ("@", shared)):
        for leaf in leaves:
            letter = "s" if stem == "@" else "x"
            names.nodes[leaf] = stem + names.unique(leaf.name, letter)
    head = [f"{names.nodes[leaf]}: {names.type(leaf.type)}" for leaf in graph.inputs]
    head += [f"{names.nodes[leaf]}: {names.type(leaf.type)}" for leaf in shared]
    body: list[str] = []
    for node in graph.order:
        if node.op.kind == "leaf" or (node.op is SIZE):
            if node.op.name == "input" and node not in names.nodes:
                names.nodes[node] = "%" + names.unique(node.name, "free")
            continue
        names.nodes[node] = f"%{len(body)}"
        body.append(_line(node, names, sites))
    for target, value in graph.updates:
        body.append(f"update {names.nodes[target]} = {names.operand(value)}")
    outs = ", ".join(map(names.operand, graph.outputs))
    title = graph.name if names.keep else "f"
    return [f"graph {title}({', '.join(head)}) -> ({outs})"] + [f"  {b}" for b in body]


def _line(node: Node, names: _Names, sites: bool) -> str:
    parts = [names.operand(x) for x in node.inputs]
    labels = node.op.params or tuple(f"p{i}" for i in range(len(node.params)))
    parts += [
        f"{label}={names.param(value)}"
        for label, value in zip(labels, node.params, strict=True)
    ]
    text = f"{names.nodes[node]} = {node.op.name}({', '.join(parts)})"
    text += f" : {names.type(node.type)}"
    comments: list[str] = []
    if sites and names.keep and node.name:
        comments.append(node.name)
    if sites and node.site is not None:
        comments.append(str(node.site))
    return f"{text}  # {', '.join(comments)}" if comments else text


def render(graph: Graph, sites: bool = True) -> str:
    """The text of a graph, with the user's names and, in comments, sites."""
    return "\n".join(_lines(graph, _Names(keep=True), sites))


def render_with_arrays(graph: Graph) -> tuple[str, Arrays]:
    """The text without sites, and the arrays it mentions by digest."""
    names = _Names(keep=True)
    return "\n".join(_lines(graph, names, sites=False)), names.arrays


def canonical(graph: Graph) -> str:
    """The text a digest is taken of: no names, leaves and sizes by position."""
    return "\n".join(_lines(graph, _Names(keep=False), sites=False))


# ------------------------------------------------------------------------- parsing

_HEAD = re.compile(r"graph\s+(\S+?)\((.*)\)\s*->\s*\((.*)\)\s*\Z")
_LINE = re.compile(r"%(\w+) = (\w+)\((.*)\) : (.+?)\s*\Z")
_UPDATE = re.compile(r"update (@\w+|%\w+) = (.+?)\s*\Z")
_TYPE = re.compile(r"(\w+)\[(.*)\]\Z")
_INLINE = re.compile(r"(\w+)(\[\d+\])?\((.*)\)\Z")


@dataclass
class _Reader:
    """Names met so far while reading a text."""

    arrays: Mapping[str, np.ndarray[Any, Any]]
    given: Mapping[str, Node]
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    sizes: dict[str, Dim] = field(default_factory=dict[str, Dim])

    def dim(self, text: str) -> DimLike:
        """A size; an unknown name is a new symbol."""
        value = self.value(text)
        if not isinstance(value, int | Dim):
            raise TextError(f"{text!r} is not a size.")
        return value

    def value(self, text: str) -> Any:
        """A parameter value."""
        tree = ast.parse(re.sub(r"%(\w+)", r"_ref_\1", text.strip()), mode="eval")
        return _fold(tree.body, self)

    def type(self, text: str) -> TensorType:
        """A tensor type."""
        match = _TYPE.match(text.strip())
        if match is None or match[1] not in LONG:
            raise TextError(f"{text!r} is not a type.")
        shape = tuple(self.dim(part) for part in split(match[2]))
        return TensorType(LONG[match[1]], shape)

    def operand(self, text: str) -> Node:
        """A node reference, a size or an inline constant."""
        text = text.strip()
        if text.startswith(("%", "@")):
            if text not in self.nodes:
                raise TextError(f"{text} is used before it is defined.")
            return self.nodes[text]
        if text.startswith("size("):
            return size(self.dim(text[5:-1]))
        if "#" in text:
            return self._array(text)
        return _inline(text)

    def _array(self, text: str) -> Node:
        key = text.rsplit("#", 1)[1]
        if key not in self.arrays:
            raise TextError(f"the array {key} is not beside the text.")
        return Constant(self.arrays[key])

    def leaf(self, text: str) -> Node:
        """A leaf declaration `%x: f64[n]` or `@W: f64[3]`."""
        label, _, type_text = text.partition(":")
        label = label.strip()
        node = self.given.get(label)
        if node is not None:
            self._name_sizes(type_text, node)
        elif label.startswith("@"):
            type = self.type(type_text)
            static = [s if isinstance(s, int) else 0 for s in type.shape]
            storage = Storage(np.zeros(static, type.dtype), label[1:])
            node = Shared(storage, type, label[1:])
        else:
            node = Input(self.type(type_text), label[1:])
        self.nodes[label] = node
        return node

    def _name_sizes(self, type_text: str, node: Node) -> None:
        match = _TYPE.match(type_text.strip())
        sizes = node.tensor_type.shape
        for part, dim in zip(split(match[2] if match else ""), sizes, strict=True):
            if isinstance(dim, Dim) and dim.atom is not None:
                self.sizes.setdefault(part, dim)


def _fold(tree: ast.expr, reader: _Reader) -> Any:
    """The value of a parameter's syntax tree (depth is that of what was printed)."""
    match tree:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=items):
            return tuple(_fold(item, reader) for item in items)
        case ast.Name(id=name) if name.startswith("_ref_"):
            node = reader.nodes["%" + name[5:]]
            return dims.bound(node, node.name or "size")
        case ast.Name(id=name):
            return reader.sizes.setdefault(name, dims.symbol(name, lower=0))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_fold(inner, reader)
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_fold(left, reader), _fold(right, reader))
        case ast.Call(func=ast.Name(id=name), args=args) if name in _CALLS:
            return _CALLS[name](*(_fold(a, reader) for a in args))
        case _:
            raise TextError(f"cannot read {ast.unparse(tree)!r}.")


_Binary = Callable[[Any, Any], Any]
_ARITHMETIC: dict[type[ast.operator], _Binary] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: operator.mod,
    ast.Pow: lambda a, b: a**b,
}
_CALLS: dict[str, Any] = {"min": dims.dim_min, "max": dims.dim_max, "float": float}


def _inline(text: str) -> Node:
    match = _INLINE.match(text)
    if match is None or match[1] not in LONG:
        raise TextError(f"cannot read the operand {text!r}.")
    dtype = np.dtype(LONG[match[1]])
    items = [_number(item.strip(), dtype) for item in split(match[3])]
    return Constant(np.array(items, dtype) if match[2] else items[0])


def _number(text: str, dtype: np.dtype[Any]) -> Any:
    if text.startswith("'"):
        return np.frombuffer(bytes.fromhex(text[1:-1]), dtype)[0]
    if dtype.kind == "b":
        return np.bool_(text == "True")
    return dtype.type(text if dtype.kind == "f" else int(text))


def split(text: str, separator: str = ",") -> list[str]:
    """`text` cut at separators that stand outside brackets and quotes."""
    parts: list[str] = []
    depth, start, quote = 0, 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == separator and not depth:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def parse(
    text: str,
    arrays: Mapping[str, np.ndarray[Any, Any]] | None = None,
    given: Mapping[str, Node] | None = None,
) -> Graph:
    """The graph a text describes.

    arrays  the arrays mentioned by digest
    given   leaves to use, by label ("%x", "@W"); others are made, state zero

    Raises TextError with the line that cannot be read.
    """
    reader = _Reader(arrays or {}, given or {})
    lines = [_strip_comment(line) for line in text.splitlines()]
    lines = [line for line in lines if line]
    head = _HEAD.match(lines[0]) if lines else None
    if head is None:
        raise TextError("graph text starts with 'graph name(inputs) -> (outputs)'.")
    leaves = [reader.leaf(part) for part in split(head[2])]
    updates: list[tuple[Shared, Node]] = []
    for line in lines[1:]:
        try:
            _read_line(line, reader, updates)
        except (SyntaxError, KeyError, ValueError, TypeError) as error:
            raise TextError(f"cannot read {line!r}: {error}") from error
    outputs = [reader.operand(part) for part in split(head[3])]
    inputs = [leaf for leaf in leaves if not isinstance(leaf, Shared)]
    return Graph(inputs, outputs, updates, head[1])


def _strip_comment(line: str) -> str:
    return line.partition("  # ")[0].strip()


def _read_line(line: str, reader: _Reader, updates: list[tuple[Shared, Node]]) -> None:
    update = _UPDATE.match(line)
    if update is not None:
        target = reader.nodes[update[1]]
        if not isinstance(target, Shared):
            raise TextError(f"{update[1]} is not a shared variable.")
        updates.append((target, reader.operand(update[2])))
        return
    match = _LINE.match(line)
    if match is None or match[2] not in TABLE:
        raise TextError(f"cannot read {line!r}.")
    op = TABLE[match[2]]
    parts = split(match[3])
    count = len(parts) - len(op.params)
    inputs = tuple(reader.operand(part) for part in parts[:count])
    values = tuple(reader.value(part.split("=", 1)[1]) for part in parts[count:])
    operands = inputs if op.arity is None else inputs[: op.arity]
    types = tuple(operand.type for operand in operands)
    type = op.infer(types, values)  # pyright: ignore[reportArgumentType]
    node = Node(op, operands + bound_nodes(values, operands), values, type)
    reader.nodes[f"%{match[1]}"] = node


# ------------------------------------------------------------------------- pickling


def _pickle(node: Node) -> tuple[Any, ...]:
    """A node travels as the text of everything it needs, leaves as themselves."""
    if isinstance(node, Constant):
        return Constant, (node.value, node.name)
    if isinstance(node, Shared):
        return Shared, (node.storage, node.type, node.name)
    if isinstance(node, Input):
        return Input, (node.type, node.name)
    leaves = [n for n in Graph((), (node,)).order if isinstance(n, Input)]
    return _restore, (*_parts(Graph(leaves, (node,))), node.name)


def _pickle_graph(graph: Graph) -> tuple[Any, ...]:
    return parse, _parts(graph)


def _parts(graph: Graph) -> tuple[str, Arrays, dict[str, Node]]:
    """Text, arrays beside it, and the leaves by label."""
    names = _Names(keep=True)
    text = "\n".join(_lines(graph, names, sites=False))
    given = {names.nodes[leaf]: leaf for leaf in (*graph.inputs, *graph.shared)}
    return text, names.arrays, given


def _restore(
    text: str, arrays: Arrays, given: dict[str, Node], name: str | None
) -> Node:
    node = parse(text, arrays, given).outputs[0]
    node.name = name
    return node


slots.fill(
    graph_text=render,
    graph_digest_text=canonical,
    pickle_node=_pickle,
    pickle_graph=_pickle_graph,
)
