"""The C of a few graphs, as it is shown to users. A refactor changes none of it."""

from collections.abc import Callable

import numpy as np
import pytest

from symnb.compile.kernels import Target, lower, partition, schedule_cpu
from symnb.compile.kernels.target import LIBMVEC
from symnb.compile.render import render_kernel
from symnb.core.dims import symbol
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import cumulative, index, join, reduce, transcendental
from symnb.ops.create import arange

n, m = symbol("n", 0), symbol("m", 0)
TARGET = Target(vector=32, simd=LIBMVEC, fma=True)


def tensor(*shape: object, dtype: str = "float32") -> Input:
    return Input(TensorType(dtype, shape))  # type: ignore[arg-type]


def chain() -> list[Node]:
    x, y = tensor(n, m), tensor(n, m)
    return [
        transcendental.exp(-x * x) * transcendental.tanh(y) - y / (x + np.float32(2))
    ]


def softmax() -> list[Node]:
    x, b = tensor(n, 10), tensor(10)
    z = x + b
    e = transcendental.exp(z - reduce.max(z, 1, keepdims=True))
    return [e / reduce.sum(e, 1, keepdims=True), reduce.argmax(z, 1)]


def layernorm() -> list[Node]:
    x = tensor(n, m)
    count = np.float32(64)
    d = x - reduce.sum(x, 1, keepdims=True) / count
    return [d / transcendental.sqrt(reduce.sum(d * d, 1, keepdims=True) / count)]


def column_sums() -> list[Node]:
    x = tensor(n, m)
    return [reduce.sum(x, 0), reduce.max(x, 0)]


def likelihood() -> list[Node]:
    x, y = tensor(n, m), tensor(n, dtype="int64")
    e = transcendental.exp(x - reduce.max(x, 1, keepdims=True))
    p = transcendental.log(e / reduce.sum(e, 1, keepdims=True))
    return [-reduce.sum(index.gather(p, [arange(x.shape[0]), y], (0, 1)))]


def views() -> list[Node]:
    x = tensor(n, m)
    return [x.T * np.float32(2), x[::2, ::-1], x.reshape((-1,)) + np.float32(1)]


def passes() -> list[Node]:
    x, i = tensor(n, m), tensor(5, dtype="int32")
    rows = index.scatter(x, tensor(5, m), [i], (0,), "add")
    return [join.concatenate([x, x * np.float32(2)], 1), cumulative.cumsum(x, 0), rows]


CASES: list[Callable[[], list[Node]]] = [
    chain, softmax, layernorm, column_sums, likelihood, views, passes
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_c_is_what_it_was(
    case: Callable[[], list[Node]], golden: Callable[[str, str], None]
) -> None:
    outputs = case()
    leaves = [x for x in Graph((), outputs).order if x.op.name == "input"]
    texts = []
    for number, region in enumerate(partition(Graph(leaves, outputs))):
        if region.kind == "kernel":
            kernel = schedule_cpu(lower(region), TARGET)
            texts.append(render_kernel(kernel, f"k{number}", TARGET).text)
    golden(f"c/{case.__name__}.c", "\n".join(texts))
