"""What a node means: `Op`, declared once, and the table of names the parser uses.

An op owns its inference, its NumPy reference, its derivatives and the facts other
rooms derive from (kind, weight, flops). Floor 2 declares ops through the
subclasses in `ops/define.py`; compiled code is found by kind, never by name.
Inferring a type costs a few microseconds and happens once per node and rebuild.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from symnb.core.dims import DimLike
from symnb.core.types import TensorType, Type

if TYPE_CHECKING:
    from symnb.core.node import Node

Types = tuple[TensorType, ...]
Params = tuple[Any, ...]
Tangents = Sequence["Node | None"]


class Context(Protocol):
    """What a vjp may ask of the gradient machinery (it never imports it)."""

    def gradient(self, cost: Node, wrt: Sequence[Node]) -> list[Node | None]:
        """Gradients inside an inner graph."""
        ...


Infer = Callable[[Types, Params], Type]
Vjp = Callable[["Node", Any, Context | None], "Sequence[Node | None]"]
Jvp = Callable[["Node", Tangents], "Node | None"]
Assumes = Callable[[Types, Params], list[tuple[DimLike, DimLike]]]

TABLE: dict[str, Op] = {}


@dataclass(eq=False, kw_only=True, repr=False)
class Op:
    """One operation.

    name         unique; printed, parsed, and used in the cache key
    kind         leaf | size | elementwise | view | reduction | create | gather |
                 scatter | contract | random | effect | opaque | pick
    arity        number of operands; None: variadic
    params       names of the parameters, in the order of `node.params`
    infer        (operand types, params) -> type; raises ShapeError, DTypeError
    numpy        (*arrays, *params) -> array(s); the reference, exact dtype and shape
    vjp          (node, g, context) -> one gradient or None per operand; g is a Node,
                 for several outputs a tuple of Node | None
    jvp          (node, tangents) -> tangent of the output, None for zero
    no_gradient  why there is no derivative; required where vjp is None
    assumes      (operand types, params) -> pairs of sizes required to be equal
    commutative  the two operands may be swapped
    weight       cost in the termination order of the rules, at least 1
    flops        floating-point operations per output element
    """

    name: str
    infer: Infer
    numpy: Callable[..., Any]
    kind: str = "opaque"
    arity: int | None = 1
    params: tuple[str, ...] = ()
    vjp: Vjp | None = None
    jvp: Jvp | None = None
    no_gradient: str = ""
    assumes: Assumes | None = None
    commutative: bool = False
    weight: int = 1
    flops: float = 1.0
    doc: str = ""
    latex: str = ""
    tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.vjp is None and not self.no_gradient:
            raise ValueError(f"op {self.name}: give vjp or the reason for none")
        if self.weight < 1:
            raise ValueError(f"op {self.name}: weight is at least 1")
        if self.name in TABLE:
            raise ValueError(f"op {self.name} is declared twice")
        TABLE[self.name] = self

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return find, (self.name,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        return self

    def param(self, node: Node, name: str) -> Any:
        """The value of a named parameter of `node`."""
        return node.params[self.params.index(name)]


def find(name: str) -> Op:
    """The op of that name. Raises KeyError."""
    return TABLE[name]


def _leaf(name: str) -> Op:
    def infer(types: Types, params: Params) -> Type:
        raise TypeError(f"a leaf ({name}) has the type it was made with")

    return Op(
        name=name, infer=infer, numpy=infer, kind="leaf", arity=0,
        no_gradient="a leaf",
    )  # fmt: skip


INPUT = _leaf("input")
CONSTANT = _leaf("constant")
SHARED = _leaf("shared")
HOLE = _leaf("hole")
