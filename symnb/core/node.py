"""`Node`, the one class of the graph, and its leaves.

A node's meaning is `op`, `inputs`, `params`, `type`: set once, never changed, and
what merging compares. `name`, `site` and `tag` are labels. `inputs` are the op's
operands followed by the scalar nodes that define data-dependent sizes mentioned in
`params`, so nothing that defines a size is ever dropped. Making a node costs a few
microseconds, most of them type inference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from symnb.core import site as sites
from symnb.core.dims import Dim, DimLike, bound, dims_in
from symnb.core.dtypes import as_dtype
from symnb.core.op import CONSTANT, INPUT, Op
from symnb.core.operators import TensorOperators
from symnb.core.seams import slots
from symnb.core.site import Site
from symnb.core.types import ANY, TensorType, TupleType, Type, scalar_type
from symnb.errors import GraphError, SymbolicError, message
from symnb.options import config

INLINE_BYTES = 4096  # larger constants are compared by digest and passed as data


class Node(TensorOperators):
    """One value in a graph.

    op      what is computed
    inputs  operands, then size-defining scalars
    params  plain hashable values (axes, slices, sizes)
    type    TensorType, TupleType for several outputs, ANY inside a rule pattern
    name    label chosen by the user, or None
    site    where the user wrote it, or None
    """

    __slots__ = (
        "__weakref__", "_tag", "inputs", "name", "op", "params", "site", "type",
    )  # fmt: skip

    def __init__(
        self,
        op: Op,
        inputs: tuple[Node, ...],
        params: tuple[Any, ...],
        type: Type,
        name: str | None = None,
        site: Site | None = None,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.params = params
        self.type = type
        self.name = name
        self.site = site

    @property
    def operands(self) -> tuple[Node, ...]:
        """The inputs without the nodes listed only for a size."""
        arity = self.op.arity
        return self.inputs if arity is None else self.inputs[:arity]

    @property
    def is_leaf(self) -> bool:
        """Whether nothing computes it."""
        return self.op.kind == "leaf"

    @property
    def sites(self) -> tuple[Site, ...]:
        """Every place the user wrote that this node comes from."""
        return () if self.site is None else self.site.places

    @property
    def owner(self) -> Node | None:
        """Theano's view: None for a leaf, the producer of a Pick, else itself."""
        if self.op.kind == "leaf":
            return None
        return self.inputs[0] if self.op.kind == "pick" else self

    @property
    def outputs(self) -> list[Node]:
        """Theano's view: the values this node yields."""
        return [self]

    @property
    def dtype(self) -> str:
        """NumPy name of the element type."""
        return self.tensor_type.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.tensor_type.shape)

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """Per axis whether its size is known to be 1."""
        return self.tensor_type.broadcastable

    @property
    def shape(self) -> Shape:
        """Sizes as scalar int64 nodes (constants where static)."""
        shape = self.tensor_type.shape
        return Shape(tuple(size(s) for s in shape))

    @property
    def tag(self) -> SimpleNamespace:
        """A writable scratch space, e.g. `x.tag.test_value`."""
        try:
            return self._tag
        except AttributeError:
            self._tag = SimpleNamespace()
            return self._tag

    @property
    def labels(self) -> SimpleNamespace | None:
        """The scratch space if there is one: reading it makes none."""
        return getattr(self, "_tag", None)

    def continuing(self, other: Node) -> Node:
        """This node, with the story of the gradient `other` was part of."""
        story = getattr(other.labels, "gradient_story", None)
        if story is not None:
            self.tag.gradient_story = story
        return self

    @property
    def tensor_type(self) -> TensorType:
        """The type, of a node that is one tensor (or stands for one in a pattern).

        Raises TypeError for a node with several outputs.
        """
        if isinstance(self.type, TupleType):
            raise TypeError(f"{self} has several outputs; take one with pick(i).")
        return cast(TensorType, self.type)

    def __len__(self) -> int:
        shape = self.tensor_type.shape
        if not shape:
            raise TypeError("len() of a 0-d tensor")
        if isinstance(shape[0], Dim):
            raise SymbolicError(
                f"len() of a tensor whose size {shape[0]} is symbolic.\n"
                "Fix: use x.shape[0], a symbolic scalar."
            )
        return shape[0]

    def __iter__(self) -> Iterator[Node]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Node):
            return self is other
        if isinstance(other, bool | int | float | np.ndarray | np.generic):
            raise SymbolicError(
                "== compares symbolic tensors by identity, as in Theano.\n"
                "Fix: use T.eq(x, y) for an elementwise comparison."
            )
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = object.__hash__

    def __str__(self) -> str:
        return self.name or f"{self.op.name}.{self.type}"

    def __repr__(self) -> str:
        label = f" {self.name}" if self.name else ""
        return f"<{self.op.name}{label}: {self.type}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return slots["pickle_node"](self)

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return self

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)


class Input(Node):
    """A leaf given at call time."""

    __slots__ = ()

    def __init__(
        self, type: TensorType, name: str | None = None, site: Site | None = None
    ) -> None:
        super().__init__(INPUT, (), (), type, name, site)


class ConstantKey:
    """What makes two constants one: dtype, shape and bytes, never Python's `==`."""

    __slots__ = ("_hash", "identity", "value")

    def __init__(self, value: np.ndarray[Any, Any]) -> None:
        self.value = value
        data: bytes = value.tobytes()
        if len(data) > INLINE_BYTES:
            data = hashlib.blake2b(data, digest_size=16).digest()
        self.identity = (value.dtype.str, value.shape, data)
        self._hash = hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConstantKey) and self.identity == other.identity

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        if self.value.size <= 8:
            return repr(self.value.tolist())
        return f"array {self.identity[2].hex()[:8]}"


class Constant(Node):
    """A leaf with a fixed value; the array is a frozen copy."""

    __slots__ = ()

    def __init__(
        self, value: Any, name: str | None = None, site: Site | None = None
    ) -> None:
        array = np.array(value, order="C", copy=True)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        array.flags.writeable = False
        type = TensorType(as_dtype(array.dtype), array.shape)
        super().__init__(CONSTANT, (), (ConstantKey(array),), type, name, site)

    @property
    def value(self) -> np.ndarray[Any, Any]:
        """The read-only array."""
        return self.params[0].value

    data = value


def make(
    op: Op,
    operands: tuple[Node, ...],
    params: tuple[Any, ...] = (),
    name: str | None = None,
) -> Node:
    """A node of `op`: infers its type and remembers the user's line.

    Inside a rule pattern (an operand of type ANY) nothing is inferred.
    Raises what `op.infer` raises.
    """
    types = tuple([node.type for node in operands])
    if ANY in types:
        return Node(op, operands, params, ANY, name)
    try:
        type = op.infer(types, params)  # pyright: ignore[reportArgumentType]
    except GraphError as error:
        raise located(error, operands, sites.capture(2)) from None
    inputs = operands + bound_nodes(params, operands) if params else operands
    node = Node(op, inputs, params, type, name, sites.capture(2))
    if config.compute_test_value != "off":
        slots["try_node"](node)
    return node


def located(
    error: GraphError, operands: tuple[Node, ...], here: Site | None
) -> GraphError:
    """The same error with the place and one row per operand: text, place, type."""
    what, _, fix = str(error).partition("\nFix: ")
    rows = [
        (f"{x.name or (x.site and x.site.text) or x.op.name}", str(x.site or ""),
         str(x.type))
        for x in operands
    ]  # fmt: skip
    if here is not None:
        what += f"  ({here})"
    return type(error)(message(what, rows, fix))


def bound_nodes(
    params: tuple[Any, ...], operands: tuple[Node, ...] = ()
) -> tuple[Node, ...]:
    """The scalar nodes that define data-dependent sizes inside `params`."""
    found: dict[Node, None] = {}
    for dim in dims_in(params):
        for atom in sorted(dim.atoms()):
            if atom.kind == "bound":
                found[atom.node] = None
    return tuple(found)


def _infer_size(types: tuple[Any, ...], params: tuple[Any, ...]) -> Type:
    return scalar_type("int64")


SIZE = Op(
    name="size", infer=_infer_size, numpy=np.int64, kind="size", arity=0,
    params=("dim",), no_gradient="an integer",
    doc="A size of a tensor as a scalar int64.",
)  # fmt: skip


def size(dim: DimLike) -> Node:
    """The scalar int64 node of a size; a Constant when it is static."""
    if isinstance(dim, int):
        return Constant(np.int64(dim))
    atom = dim.atom
    if atom is not None and atom.kind == "bound" and atom.node.dtype == "int64":
        return atom.node
    return make(SIZE, (), (dim,))


def as_dim(value: Any) -> DimLike:
    """The size a Python int or a scalar integer node stands for.

    A scalar that is not itself made of sizes becomes an atom bound to its node.
    Raises TypeError when it is not an integer scalar.
    """
    if isinstance(value, Dim):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(cast(int, value))
    if isinstance(value, np.ndarray):
        array = cast("np.ndarray[Any, Any]", value)
        if array.ndim == 0 and array.dtype.kind in "iu":
            return int(array)
    if isinstance(value, Node) and value.type is not ANY and value.ndim == 0:
        known = known_dim(value)
        if known is not None:
            return known
        if value.dtype.startswith(("int", "uint")):
            return bound(value, value.name or "size")
    raise TypeError(f"a size is an int or a scalar integer tensor, not {value!r}")


def known_dim(node: Node) -> DimLike | None:
    """The size expression a scalar node stands for, or None."""
    if node.op is SIZE:
        return node.params[0]
    if node.op is CONSTANT and node.ndim == 0 and node.dtype not in ("bool",):
        value = node.params[0].value
        return int(value) if value.dtype.kind in "iu" else None
    return None


class Shape(tuple[Node, ...]):
    """The sizes of a tensor; a tuple of scalars that also acts as a vector."""

    __slots__ = ()

    def eval(self, values: Any = None) -> Any:
        """The sizes as an int64 vector."""
        return slots["evaluate"](slots["stack"](list(self)), values or {})

    def prod(self) -> Node:
        """Number of elements."""
        return slots["prod_of_sizes"](self)
