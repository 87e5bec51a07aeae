"""`Function`: what every compiled function is, whatever runs it.

Its inside (graphs, trace, program, source, profile, checks) and the slow path of a
call: bind keywords and defaults, cast, and compile a variant when sizes broadcast in a
way the default variant does not know. A back end (`native`, `reference`) adds the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from symnb.compile import specialise as special
from symnb.compile.arguments import In, as_argument, bind
from symnb.compile.bisect import TOLERANCE_ULP, Culprit, bisect
from symnb.compile.check import CheckReport, check
from symnb.compile.fitting import check_assumptions, read_sizes
from symnb.compile.profile import Profile, profile_of
from symnb.compile.request import Request, swapped
from symnb.core.graph import Graph
from symnb.core.seams import slots
from symnb.optim.mode import Mode
from symnb.optim.trace import Decision, Trace

if TYPE_CHECKING:
    from symnb.compile.story import KernelText, Story

Array = np.ndarray[Any, Any]
_serials = count()


class Function:
    """A compiled function: call it, or look inside.

    name, graph   as written; `inputs` are the `In`s
    trace         passes and decisions of the compile
    optimised     the graph after the optimiser
    program       steps, kernels, memory plan, decisions
    threads       of its calls; None: `config.threads`
    tier          "compiled" or "reference" (NumPy): what answers its calls
    """

    request: Request
    mode: Mode
    variants: dict[Any, Any]
    threads: Any = None  # compiled functions have it from the call path
    tier: Any
    profiling: bool
    captured: Mapping[str, Any]  # of a cell: what it read from the notebook,
    captured_in: dict[str, Any]  # and the cells that defined it

    if TYPE_CHECKING:

        def __call__(self, *arguments: Any, **named: Any) -> Any:
            """The results, by those that run it."""

    def _start(self, request: Request, mode: Mode, allow_downcast: bool | None) -> None:
        self.request = request
        self.mode = mode
        self.allow_downcast = allow_downcast
        self.variants = {}
        self.decisions: list[Decision] = []
        self.last_check: CheckReport | None = None  # the last `check`
        self.serial = next(_serials)  # of later functions it is larger

    # ---- what it is

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.request.graph.name

    @property
    def graph(self) -> Graph:
        """The graph as written."""
        return self.request.graph

    @property
    def inputs(self) -> tuple[In, ...]:
        """The arguments."""
        return self.request.inputs

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A name for each argument, for messages."""
        return tuple(
            spec.name or f"argument {at}" for at, spec in enumerate(self.inputs)
        )

    def wait(self) -> None:
        """Returns when the calls are answered by what `function` was asked for."""

    # ---- looking inside

    @property
    def story(self) -> Story:
        """Everything the compile of the default variant did."""
        raise AttributeError(self.name)

    @property
    def trace(self) -> Trace:
        """The passes, each with the graph before and after, and what fired."""
        return self.story.trace

    @property
    def optimised(self) -> Graph:
        """The graph that is run."""
        return self.story.optimised

    @property
    def program(self) -> ProgramView:
        """Steps, kernels, memory plan and decisions."""
        return ProgramView(self.story, self.decisions)

    def source(self, language: str = "c") -> str:
        """The generated source of the whole function."""
        if language != "c":
            raise ValueError(f"no source in {language!r}; there is 'c'.")
        return self.story.source

    @property
    def profile(self) -> Profile:
        """Time per step and, by a model, per node, of the profiled calls so far."""
        return profile_of(self)

    def check(self, inputs: Sequence[Any]) -> CheckReport:
        """The error of every pass and of the compiled code on these inputs, in ulp."""
        self.wait()
        self.last_check = check(self, inputs)
        return self.last_check

    def bisect(self, inputs: Sequence[Any], tol: float = TOLERANCE_ULP) -> Culprit:
        """The firing after which the error on these inputs exceeds `tol` ulp."""
        return bisect(self, inputs, tol)

    def arrays(
        self, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None
    ) -> tuple[Array, ...]:
        """Values of all arguments as the arrays compiled code reads."""
        bound = bind(self.name, self.inputs, args, kwargs or {})
        return tuple(
            as_argument(
                spec, f"{self.name}: argument {label!r}", value, self.allow_downcast
            )
            for spec, label, value in zip(self.inputs, self.labels, bound, strict=True)
        )

    def dprint(self) -> str:
        """The optimised graph as a text tree."""
        return slots["dprint"](self)

    def get_shared(self) -> list[Any]:
        """The shared variables it reads or updates."""
        return list(self.graph.shared)

    @property
    def maker(self) -> Maker:
        """Theano's view: `f.maker.fgraph.toposort()`."""
        return Maker(self.optimised, self.inputs, self.mode)

    def copy(
        self,
        share_memory: bool = False,
        swap: Mapping[Any, Any] | None = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: bool | None = None,
    ) -> Function:
        """The same computation as another function.

        swap            shared variable -> the one to use in its place
        delete_updates  leave the shared variables as they are
        share_memory    Theano's; nothing is kept between calls, so nothing is shared

        Shared variables not swapped stay shared with this function.
        """
        request = swapped(self.request, swap or {}, delete_updates, name)
        made = self._remade(request)
        made.profiling = self.profiling if profile is None else profile
        return made

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)

    def __repr__(self) -> str:
        args = ", ".join(
            f"{label}: {spec.variable.type}"
            for label, spec in zip(self.labels, self.inputs, strict=True)
        )
        outs = ", ".join(str(node.type) for node in self.graph.outputs)
        return f"<function {self.name}({args}) -> ({outs})>"

    # ---- the slow path of a call

    def fallback(self, *args: Any, **kwargs: Any) -> Any:
        """A call that did not fit the fast path."""
        kwargs.pop("output_subset", None)
        arrays = self.arrays(args, kwargs)
        return self._fitting(arrays).checked(arrays)

    _variant: Any  # (facts, moved) -> call; each back end has its own
    _remade: Any  # (request) -> function of the same back end

    def _fitting(self, arrays: tuple[Array, ...]) -> Any:
        """The variant for these sizes; compiled when it is the first such call."""
        sizes = self._sizes(arrays)
        pairs = [(a, b) for _, a, b in self.graph.assumptions]
        facts = special.broadcast_facts(pairs, sizes)
        moved = self._shared_moved()
        if not facts and not moved:
            return self
        key = (frozenset(facts.items()), moved)
        if key not in self.variants:
            self.variants[key] = self._variant(facts, moved)
        return self.variants[key]

    def _sizes(self, arrays: tuple[Array, ...]) -> dict[Any, int]:
        """Size symbol -> number of this call. Raises SizeError on a broken promise."""
        leaves = [*zip(self.labels, self.graph.inputs, arrays, strict=True)]
        for leaf in self.graph.shared:
            leaves.append((leaf.name or "a shared variable", leaf, leaf.storage.array))
        sizes = read_sizes(self.name, leaves)
        check_assumptions(self.graph, leaves, sizes)
        return sizes

    def _shared_moved(self) -> bool:
        return any(
            fact != present
            for leaf in self.graph.shared
            for fact, present in zip(
                self._fixed.get(leaf, ()), leaf.storage.array.shape, strict=False
            )
        )

    @cached_property
    def _fixed(self) -> dict[Any, tuple[int, ...]]:
        """The sizes of shared variables the default variant was compiled for."""
        return {leaf: leaf.storage.array.shape for leaf in self.graph.shared}

    def _note_variant(self, facts: special.Facts, moved: bool) -> None:
        parts = [f"{atom} = {size}" for atom, size in facts.items()]
        if moved:
            parts.append("sizes of shared variables open")
        self.decisions.append(
            Decision("variant", self.name, ", ".join(parts),
                     "a call whose sizes the default variant does not fit", ())
        )  # fmt: skip


@dataclass(frozen=True)
class Maker:
    """Theano's view of how a function was made; `fgraph` is the optimised graph."""

    fgraph: Graph
    inputs: tuple[In, ...]
    mode: Mode


class ProgramView:
    """What a user sees of a program: `.steps .kernels .plan .decisions`."""

    def __init__(self, story: Story, extra: Sequence[Decision]) -> None:
        self._story = story
        self.steps = story.program.steps if story.program else []
        self.kernels: list[KernelText] = story.kernels
        self.plan = story.plan
        self.decisions = [*story.trace.decisions, *extra]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.steps)

    def __repr__(self) -> str:
        return f"<program: {len(self.steps)} steps, {len(self.kernels)} kernels>"


def keyed(request: Request, result: Any) -> Any:
    """The result of a call, as a dict when the outputs were asked for as one."""
    if request.keys is None:
        return result
    return dict(zip(request.keys, result, strict=True))
