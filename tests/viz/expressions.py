"""Small graphs of real ops, for the views that are text."""

from symnb.core.dims import symbol
from symnb.core.node import Constant, Input, Node
from symnb.core.op import TABLE, find
from symnb.core.types import TensorType
from symnb.ops.arithmetic import add, mul

N = symbol("n")
OPS = TABLE


def vector(name: str) -> Input:
    """An input of n doubles."""
    return Input(TensorType("float64", (N,)), name)


def apply(name: str, *operands: Node) -> Node:
    """The node of an elementwise op by name."""
    return find(name)(*operands)


def chain(length: int) -> Node:
    """A term in which every step reads the one before twice: 2**length paths."""
    x = y = vector("x")
    for _ in range(length):
        y = add(y, mul(y, x))
    return y


def number(value: float) -> Constant:
    """A scalar constant."""
    return Constant(value)
