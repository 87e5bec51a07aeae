"""Running a function by the NumPy reference: no compiler needed, nothing generated.

Same interface as the compiled call. The optimised graph is evaluated node by node;
what cannot be settled from sizes is checked by NumPy itself.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import Any

from symnb.compile import specialise as special
from symnb.compile.compiled import Function, keyed
from symnb.compile.evaluation import GraphCall
from symnb.compile.plan import Plan
from symnb.compile.request import Request
from symnb.compile.specialise import Specialised
from symnb.compile.story import Story, gradient_passes, size_decisions
from symnb.core.graph import Graph
from symnb.optim.mode import Mode
from symnb.optim.optimiser import optimise


def reference_story(specialised: Specialised, mode: Mode) -> Story:
    """The story of a function that has no program."""
    started = time.perf_counter()
    optimised, trace = optimise(specialised.graph, mode)
    trace.passes[:0] = gradient_passes(specialised.graph)
    trace.decisions += size_decisions(specialised)
    seconds = {"optimise": time.perf_counter() - started}
    return Story(trace, optimised, None, Plan(), [], "", {}, seconds)


class ReferenceCall(GraphCall):
    """One variant of a function, run by NumPy; optimised when it is called first."""

    def __init__(self, specialised: Specialised, mode: Mode, returns: str) -> None:
        self._specialised = specialised
        self._mode = mode
        self._count(returns)

    @cached_property
    def _optimised(self) -> Graph:  # pyright: ignore[reportIncompatibleVariableOverride]
        return reference_story(self._specialised, self._mode).optimised


class ReferenceFunction(ReferenceCall, Function):
    """A function run node by node with NumPy."""

    tier = "reference"

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
