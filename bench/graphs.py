"""The graphs the optimisers are measured on: the same in every system.

A `System` gives the names a graph is written with; symnb and PyTensor both have
Theano's. Sizes count the nodes of symnb's graph, leaves included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SIZES = (1_000, 10_000, 50_000)
# kind -> (nodes, nodes per step): size = nodes + steps * nodes per step, measured
NODES = {"chain": (1, 8), "wide": (2, 5), "deep": (6, 58)}


@dataclass(frozen=True)
class System:
    """The names a graph is written with.

    T       the namespace of tensor functions
    shared  (array, name) -> shared variable
    grad    (cost, wrt) -> gradients
    """

    T: Any
    shared: Callable[[Any, str], Any]
    grad: Callable[[Any, Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Written:
    """A graph: its inputs, its outputs, and (shared variable, new value)."""

    inputs: list[Any]
    outputs: list[Any]
    updates: list[tuple[Any, Any]]


def chain(system: System, steps: int) -> Written:
    """A long chain of elementwise ops, some of which disappear."""
    T = system.T
    x = T.dvector("x")
    y = x
    for at in range(steps):
        y = T.exp(T.tanh(y * 1) + 0.5) - float(at % 3)
    return Written([x], [y], [])


def wide(system: System, steps: int) -> Written:
    """A sum of many products of two inputs."""
    T = system.T
    x, y = T.dvector("x"), T.dvector("y")
    result = x
    for at in range(steps):
        result = result + T.sin(x * float(at)) * y
    return Written([x, y], [result], [])


def deep(system: System, steps: int) -> Written:
    """A deep network, its gradients, and Adam's updates."""
    T = system.T
    x = T.fmatrix("x")
    weights: list[Any] = []
    h = x
    for at in range(steps):
        w = system.shared(np.full((8, 8), 0.1, "float32"), f"W{at}")
        b = system.shared(np.zeros(8, "float32"), f"b{at}")
        weights += [w, b]
        h = T.tanh(T.dot(h, w) + b)
    loss = T.sum(T.sqr(h))
    updates: list[tuple[Any, Any]] = []
    for w, g in zip(weights, system.grad(loss, weights), strict=True):
        zero = np.zeros_like(w.get_value())
        m, v = system.shared(zero, "m"), system.shared(zero, "v")
        new_m = 0.9 * m + 0.1 * g
        new_v = 0.999 * v + 0.001 * g * g
        step = 0.001 * new_m / (T.sqrt(new_v) + 1e-8)
        updates += [(m, new_m), (v, new_v), (w, w - step)]
    return Written([x], [loss], updates)


KINDS: dict[str, Callable[[System, int], Written]] = {
    "chain": chain, "wide": wide, "deep": deep,
}  # fmt: skip


def steps_for(kind: str, size: int) -> int:
    """Steps of that kind that make a graph of about `size` nodes."""
    fixed, each = NODES[kind]
    return max(1, round((size - fixed) / each))
