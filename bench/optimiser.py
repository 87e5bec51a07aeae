"""CPU time per node of the whole default pipeline, on graphs of three kinds and sizes.

Run: python bench/optimiser.py [sizes...]. Prints one row per graph: nodes, median and
best of some runs in microseconds per node, the cost of recording, and where it goes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from symnb.core.dims import symbol
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.shared import shared
from symnb.core.types import TensorType
from symnb.gradient import grad
from symnb.ops import elementwise as el
from symnb.ops.dot import dot
from symnb.ops.reduce import sum as total
from symnb.optim.pipeline import optimise
from symnb.options import config

SIZES = (1_000, 10_000, 50_000)
RUNS = 5


def chain(size: int) -> Graph:
    """A long chain of elementwise ops, some of which disappear."""
    x = Input(TensorType("float64", (symbol("n"),)), "x")
    y: Node = x
    for at in range(size // 5):
        y = el.exp(el.tanh(y * 1) + 0.5) - float(at % 3)
    return Graph([x], [y])


def wide(size: int) -> Graph:
    """A sum of many products of two inputs."""
    n = symbol("n")
    x, y = (Input(TensorType("float64", (n,)), name) for name in "xy")
    result: Node = x
    for at in range(size // 4):
        result = result + el.sin(x * float(at)) * y
    return Graph([x, y], [result])


def network(size: int) -> Graph:
    """A deep network, its gradients, and Adam's updates."""
    x = Input(TensorType("float32", (symbol("n"), 8)), "x")
    weights: list[Node] = []
    h: Node = x
    for at in range(max(1, size // 85)):
        w = shared(np.full((8, 8), 0.1, "float32"), f"W{at}", shape=(8, 8))
        b = shared(np.zeros(8, "float32"), f"b{at}", shape=(8,))
        weights += [w, b]
        h = el.tanh(dot(h, w) + b)
    loss = total(el.square(h))
    updates = []
    for w, g in zip(weights, grad(loss, weights), strict=True):
        zero = np.zeros([int(n) for n in w.type.shape], "float32")
        m, v = shared(zero, "m", shape=zero.shape), shared(zero, "v", shape=zero.shape)
        new_m = 0.9 * m + 0.1 * g
        new_v = 0.999 * v + 0.001 * g * g
        step = 0.001 * new_m / (el.sqrt(new_v) + 1e-8)
        updates += [(m, new_m), (v, new_v), (w, w - step)]
    return Graph([x], [loss], updates)


def measure(make: Callable[[int], Graph], size: int) -> str:
    """One row of the table."""
    graph = make(size)
    count = len(graph.order)
    times: dict[bool, list[float]] = {True: [], False: []}
    trace = None
    for _ in range(RUNS):
        for record in (True, False):
            with config.change(record=record):
                started = time.process_time()
                _, trace = optimise(Graph(graph.inputs, graph.outputs, graph.updates))
                times[record].append(time.process_time() - started)
    on, off = median(times[True]), median(times[False])
    assert trace is not None
    shares = ", ".join(f"{r.name} {r.seconds / count * 1e6:.1f}" for r in trace)
    return (
        f"{make.__name__:<8} {count:>7} nodes  {on / count * 1e6:5.1f} us/node  "
        f"best {min(times[True]) / count * 1e6:5.1f}  "
        f"recording {100 * (on / off - 1):+.0f} %\n         {shares}"
    )


if __name__ == "__main__":
    for number in [int(a) for a in sys.argv[1:]] or SIZES:
        for kind in (chain, wide, network):
            print(measure(kind, number), flush=True)
