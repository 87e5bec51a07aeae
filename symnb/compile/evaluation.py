"""`GraphCall`: an optimised graph, called with arrays and run by NumPy."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from symnb.core.evaluate import evaluate_graph
from symnb.core.graph import Graph

_commit = threading.RLock()


class GraphCall:
    """Calls of one graph, node by node; `calls` and `total_ns` count them."""

    profiling = False

    def __init__(self, optimised: Graph, returns: str) -> None:
        self._optimised = optimised
        self._count(returns)

    def _count(self, returns: str) -> None:
        self._returns = returns
        self.calls = 0
        self.total_ns = 0

    def checked(self, arrays: tuple[np.ndarray[Any, Any], ...]) -> Any:
        """The results for arguments of the right dtype and rank."""
        graph = self._optimised
        started = time.perf_counter_ns()
        values = [np.array(v, copy=True) for v in evaluate_graph(graph, arrays)]
        count = len(graph.outputs)
        with _commit:
            for (target, _), value in zip(graph.updates, values[count:], strict=True):
                target.storage.array = np.ascontiguousarray(value).reshape(value.shape)
        self.calls += 1
        self.total_ns += time.perf_counter_ns() - started
        if self._returns == "none":
            return None
        return values[0] if self._returns == "one" else values[:count]
