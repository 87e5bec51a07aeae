"""Running a function by the NumPy reference: no compiler needed, nothing generated.

Same interface as the compiled call. The optimised graph is evaluated node by node;
what cannot be settled from sizes is checked by NumPy itself.
"""

from __future__ import annotations

import threading
import time
from functools import cached_property
from typing import Any

import numpy as np

from symnb.compile import specialise as special
from symnb.compile.compiled import Function, keyed
from symnb.compile.plan import Plan
from symnb.compile.request import Request
from symnb.compile.specialise import Specialised
from symnb.compile.story import Story, gradient_passes, size_decisions
from symnb.core.evaluate import evaluate_graph
from symnb.optim.mode import Mode
from symnb.optim.optimiser import optimise

_commit = threading.RLock()


def reference_story(specialised: Specialised, mode: Mode) -> Story:
    """The story of a function that has no program."""
    started = time.perf_counter()
    optimised, trace = optimise(specialised.graph, mode)
    trace.passes[:0] = gradient_passes(specialised.graph)
    trace.decisions += size_decisions(specialised)
    seconds = {"optimise": time.perf_counter() - started}
    return Story(trace, optimised, None, Plan(), [], "", {}, seconds)


class ReferenceCall:
    """One variant of a function, run by NumPy."""

    profiling = False

    def __init__(self, specialised: Specialised, mode: Mode, returns: str) -> None:
        self._specialised = specialised
        self._mode = mode
        self._returns = returns
        self.calls = 0
        self.total_ns = 0

    @cached_property
    def _story(self) -> Story:
        return reference_story(self._specialised, self._mode)

    def checked(self, arrays: tuple[np.ndarray[Any, Any], ...]) -> Any:
        """The results for arguments of the right dtype and rank."""
        graph = self._story.optimised
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


class ReferenceFunction(ReferenceCall, Function):
    """A function run node by node with NumPy."""

    def __init__(
        self, request: Request, mode: Mode, allow_downcast: bool | None = None
    ) -> None:
        self._start(request, mode, allow_downcast)
        self._special = special.specialise(
            request.graph, special.shared_facts(request.graph)
        )
        _ = self._fixed
        ReferenceCall.__init__(self, self._special, mode, request.returns)

    @cached_property
    def story(self) -> Story:
        """Everything the optimiser did."""
        return reference_story(self._special, self.mode)

    def _remade(self, request: Request) -> ReferenceFunction:
        return ReferenceFunction(request, self.mode, self.allow_downcast)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs and apply the updates."""
        return keyed(self.request, self.fallback(*args, **kwargs))

    def _variant(self, facts: special.Facts, moved: bool) -> ReferenceCall:
        self._note_variant(facts, moved)
        graph = self.graph
        given = dict(facts) if moved else {**special.shared_facts(graph), **facts}
        return ReferenceCall(
            special.specialise(graph, given), self.mode, self.request.returns
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return ReferenceFunction, (self.request, self.mode, self.allow_downcast)
