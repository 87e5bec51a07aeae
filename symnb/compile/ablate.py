"""`symnb.ablate(f, inputs)`: what each pass and each stage of the back end is worth.

The function is compiled without each of them in turn, and once without any. Where
that gives another program it is run on the inputs, all in turns, so that a busy
machine disturbs all alike, and its results are compared with the graph as written in
wider floats. Shared variables are copies: the user's state stays as it is. Costs one
compile per program that differs, 0.1 to 0.5 s each, then about `seconds`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from symnb.compile.ablation import ALL, NOTHING, Ablation, Row
from symnb.compile.compare import Yardstick
from symnb.compile.compiled import Function
from symnb.compile.function import build_function
from symnb.compile.plan import ALIGNMENT
from symnb.compile.reference import reference_story
from symnb.compile.request import swapped
from symnb.compile.specialise import shared_facts, specialise
from symnb.compile.story import Story, tell
from symnb.core import dims
from symnb.core.shared import shared
from symnb.errors import ArgumentError, SymnbError
from symnb.optim.contract import CONTRACTS
from symnb.optim.mode import Mode, get_mode
from symnb.optim.stages import NAMES, STAGES

ROUNDS = 15  # runs of each program, in turns; the median counts
LEAST_ROUNDS = 3
BATCH_NS = 5e5  # a run is as many calls as take this long, but at least
LEAST_CALLS = 5  # so many: the first one wakes threads up
SHORT_NS = 2e4  # calls shorter than this are timed together
SECONDS = 2.0  # all runs together take about as long as this
WARM = 5  # calls before the first run

Array = Any


def ablate(
    function: Any, inputs: Sequence[Any] = (), *, seconds: float = SECONDS
) -> Ablation:
    """The function without each of its passes and stages: time, memory, error.

    inputs   one value per argument, as in a call
    seconds  about how long to measure, compiling not counted

    Raises ArgumentError for what is no compiled function, and what a call raises.
    """
    if not isinstance(function, Function):
        raise ArgumentError(
            f"ablate takes a compiled function, not {type(function).__name__!r}.\n"
            "Fix: make one with symnb.function, @symnb.jit or %%symfunc."
        )
    if isinstance(inputs, dict | str) or not isinstance(inputs, Sequence):
        raise ArgumentError(
            f"ablate takes the arguments as a list, not {type(inputs).__name__!r}.\n"
            f"Fix: symnb.ablate(f, [{', '.join(function.labels)}])"
        )
    return _Ablating(function, function.arrays(inputs)).run(seconds)


def changes(mode: Mode) -> Iterator[tuple[str, str, Mode, str]]:
    """(name, kind, mode, note) of everything that can be left out of a mode."""
    for name in dict.fromkeys(mode.pipeline.names):
        yield name, "pass", mode.excluding(name), ""
    kinds = {rule.contract.name for rule in mode.pipeline.rules}
    for name in (name for name in CONTRACTS if name in kinds - {"bitwise"}):
        yield name, "rules", mode.excluding(name), f"all rules that are {name}"
    for stage in STAGES:
        if stage.name not in mode.off:
            yield stage.name, "stage", mode.excluding(stage.name), stage.meaning
    bare = replace(get_mode("None"), exclude=NAMES, device=mode.device)
    yield ALL, "", bare, "the graph as written, op by op"


@dataclass
class _Program:
    """One row in the making: a compiled function, its state and times."""

    row: Row
    function: Any = None
    state: list[Array] = field(default_factory=list[Array])
    times: list[float] = field(default_factory=list[float])

    def reset(self) -> None:
        """Put the state back to what it was at first."""
        for leaf, array in zip(self.function.graph.shared, self.state, strict=True):
            leaf.storage.array = array.copy()

    def call(self, arrays: Sequence[Array]) -> tuple[Any, int]:
        """The result of a call from the first state, and its ns."""
        self.reset()
        started = time.perf_counter_ns()
        result = self.function(*arrays)
        return result, time.perf_counter_ns() - started

    def run(self, arrays: Sequence[Array], calls: int, together: bool) -> None:
        """Time some calls: one by one, each from the first state, or together."""
        if self.function.graph.updates or not together:
            self.times.append(median(self.call(arrays)[1] for _ in range(calls)))
            return
        function, each = self.function, range(calls)
        started = time.perf_counter_ns()
        for _ in each:
            function(*arrays)
        self.times.append((time.perf_counter_ns() - started) / calls)


class _Ablating:
    """Compiles and measures the programs of one ablation."""

    def __init__(self, function: Any, arrays: tuple[Array, ...]) -> None:
        self.original = function
        self.arrays = arrays
        self.whole = self._made(Row(NOTHING, ""), function.mode)
        self.whole.call(arrays)  # raises what a call raises
        self.whole.reset()
        self.yardstick = Yardstick(self.whole.function, arrays)
        graph = self.whole.function.graph
        self.special = specialise(graph, shared_facts(graph))
        self.text = _text_of(self.whole.function.story)

    def run(self, seconds: float) -> Ablation:
        """The finished table."""
        programs = [self.whole]
        for name, kind, mode, note in changes(self.original.mode):
            programs.append(self._program(Row(name, kind, note=note), mode))
        running = [p for p in programs if p.function is not None]
        rounds = self._measure(running, seconds)
        rows = [self._finished(p) for p in programs]
        return Ablation(self.original.name, tuple(rows), rounds)

    def _made(self, row: Row, mode: Mode) -> _Program:
        """The function compiled in a mode, over copies of its shared variables."""
        request = self.original.request
        swap = {
            leaf: shared(leaf.storage.array.copy(), leaf.name)
            for leaf in request.graph.shared
        }
        copied = swapped(request, swap, False, None) if swap else request
        downcast = self.original.allow_downcast
        made = build_function(copied, mode, downcast, "compiled")
        state = [leaf.storage.array.copy() for leaf in made.graph.shared]
        return _Program(row, made, state)

    def _program(self, row: Row, mode: Mode) -> _Program:
        tell_it = tell if self.whole.function.story.source else reference_story
        try:
            if _text_of(tell_it(self.special, mode)) == self.text:
                return _Program(replace(row, same=True))
            made = self._made(row, mode)
            made.call(self.arrays)
        except SymnbError as error:
            said = str(error).splitlines()[0]
            return _Program(replace(row, note=f"does not run: {said}"))
        return made

    def _measure(self, programs: Sequence[_Program], seconds: float) -> int:
        """Run all programs in turns; the number of rounds."""
        calls: list[tuple[int, bool]] = []
        cost = 0.0
        for one in programs:
            ns = min(one.call(self.arrays)[1] for _ in range(WARM))
            calls.append((max(LEAST_CALLS, int(BATCH_NS / ns)), ns < SHORT_NS))
            cost += calls[-1][0] * ns
        rounds = int(min(ROUNDS, max(LEAST_ROUNDS, seconds * 1e9 / cost)))
        for at in range(rounds):
            turn = at % len(programs)
            order = [*range(turn, len(programs)), *range(turn)]
            for k in order:
                programs[k].run(self.arrays, *calls[k])
        return rounds

    def _finished(self, one: _Program) -> Row:
        if one.function is None:
            whole = self.whole.row
            return replace(
                one.row, nbytes=whole.nbytes, kernels=whole.kernels, steps=whole.steps,
                ulp=whole.ulp, ns=whole.ns if one.row.same else None,
            )  # fmt: skip
        story = one.function.story
        one.row = replace(
            one.row,
            ns=median(one.times),
            nbytes=self._arena(one.function),
            kernels=len(story.kernels),
            steps=len(story.program.steps) if story.program else 0,
            ulp=self.yardstick.of_values(self._results(one)).ulp,
        )
        return one.row

    def _results(self, one: _Program) -> list[Array]:
        """Outputs and update values of one call."""
        result, _ = one.call(self.arrays)
        if isinstance(result, dict):
            result = list(result.values())
        outputs = [] if result is None else result
        outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        updates = [t.storage.array.copy() for t, _ in one.function.graph.updates]
        return [*outputs, *updates]

    def _arena(self, function: Any) -> int:
        """Bytes of intermediate values at the sizes of the inputs."""
        sizes = function._sizes(self.arrays)
        places = [dims.evaluate(slot.size, sizes) for slot in function.story.plan.slots]
        return sum(-(-size // ALIGNMENT) * ALIGNMENT for size in places)


def _text_of(story: Story) -> str:
    """What is run, as text: the C, or the graph where there is none."""
    return story.source or story.optimised.digest
