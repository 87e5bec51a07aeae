"""Shows: a rewrite of the catalogue as two expressions, before and after.

    @shows("local_log1p")
    def _(x=vector()):
        return log(1 + x), log1p(x)

`before` is optimised, `after` only merged; they must become one node (operands of
symmetric ops in any order), and NumPy must find the same values for both on sampled
inputs. The after side is written by hand, from the catalogue's formula. Options:

    within  names of the rules or passes to use; default: the whole pipeline
    low, high   range the inputs are sampled from
    rtol    largest relative difference of values; the rest of a rule's proof is
            tests/rules/test_every_rule.py

Arguments of the decorated function are graph inputs, made by their defaults.
A row answered by a kernel stage or by construction has no such pair: its test is an
ordinary function decorated with `@witness("name", ...)`, which asserts what it claims.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.optim.passes import MERGE, Compile
from symnb.optim.pipeline import PIPELINE, Pipeline, run_passes


@dataclass(frozen=True)
class Show:
    """One pair; `names` are the rewrites it shows."""

    names: tuple[str, ...]
    build: Callable[..., tuple[Any, Any]]
    within: tuple[str, ...]
    low: float
    high: float
    rtol: float

    @property
    def id(self) -> str:
        """The first name, for the test's id."""
        return self.names[0]


SHOWS: list[Show] = []
WITNESSES: dict[str, list[Callable[[], None]]] = {}


def shows(
    *names: str,
    within: str = "",
    low: float = -3.0,
    high: float = 3.0,
    rtol: float = 1e-9,
) -> Callable[[Callable[..., tuple[Any, Any]]], None]:
    """Decorator: the function returns (before, after)."""

    def register(build: Callable[..., tuple[Any, Any]]) -> None:
        SHOWS.append(Show(names, build, tuple(within.split()), low, high, rtol))

    return register


def witness(*names: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Decorator: a test function for rows that have no pair of expressions."""

    def register(test: Callable[[], None]) -> Callable[[], None]:
        for name in names:
            WITNESSES.setdefault(name, []).append(test)
        return test

    return register


def tensor(*shape: int, dtype: str = "float64") -> Node:
    """A graph input."""
    return Input(TensorType(dtype, shape), None)


def vector(n: int = 5, dtype: str = "float64") -> Node:
    """A graph input of one axis."""
    return tensor(n, dtype=dtype)


def matrix(n: int = 4, m: int = 5, dtype: str = "float64") -> Node:
    """A graph input of two axes."""
    return tensor(n, m, dtype=dtype)


def scalar(dtype: str = "float64") -> Node:
    """A graph input without axes."""
    return tensor(dtype=dtype)


def inputs_of(show: Show) -> list[Node]:
    """The defaults of the function's arguments."""
    parameters = inspect.signature(show.build).parameters.values()
    for parameter in parameters:
        parameter.default.name = parameter.name
    return [parameter.default for parameter in parameters]


def together(show: Show) -> tuple[Graph, Graph, Graph]:
    """(as built, optimised, what it should be), the last two in one table."""
    inputs = tuple(inputs_of(show))
    before, after = show.build(*inputs)
    compile = Compile()
    passes = PIPELINE.only(*show.within) if show.within else PIPELINE
    built = Graph(inputs, _roots(before))
    done, _ = run_passes(built, passes, compile)
    wanted, _ = run_passes(Graph(inputs, _roots(after)), Pipeline((MERGE,)), compile)
    return built, done, wanted


def _roots(result: Any) -> tuple[Node, ...]:
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def values(show: Show, graph: Graph) -> list[Any]:
    """NumPy's results on inputs sampled for the show."""
    random = np.random.default_rng(len(show.id))
    given = [_sample(show, node, random) for node in graph.inputs]
    with np.errstate(all="ignore"):
        return evaluate_graph(graph, given)


def _sample(show: Show, node: Node, random: np.random.Generator) -> Any:
    shape = node.type.shape
    drawn = random.uniform(show.low, show.high, shape)
    return drawn.astype(node.dtype)
