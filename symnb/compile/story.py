"""The story of one compile: optimise, plan, write C, keep everything that happened.

The text and the `Record` (plain JSON that says how the shared object is called) go
into a cache entry. A program loaded from there has no story until somebody reads it;
it is then told again, which gives the same result because every stage is
deterministic.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from symnb.compile.codec import encode
from symnb.compile.failures import Failure
from symnb.compile.host import render_host
from symnb.compile.kernels import Target
from symnb.compile.kernels.copies import without_copies
from symnb.compile.opaque import describe
from symnb.compile.plan import Plan, plan_memory
from symnb.compile.processor import has_fma, vector_bytes, vector_functions
from symnb.compile.program import Program, build_program
from symnb.compile.render import prelude, render_kernel, unit_count, unit_texts
from symnb.compile.specialise import Check, Specialised
from symnb.core.dims import Atom, Dim
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.shared import Shared, owner_of
from symnb.optim.mode import Mode
from symnb.optim.optimiser import optimise
from symnb.optim.stages import STAGES
from symnb.optim.trace import Decision, PassRecord, Trace
from symnb.options import config

FORMAT = 2  # of the record; part of the cache key
Record = dict[str, Any]


@dataclass(frozen=True)
class KernelText:
    """A generated kernel as shown: its C text and what each line computes.

    lines  (first line, last line, nodes), lines counted from 1 in `source`
    """

    name: str
    source: str
    nodes: tuple[Node, ...]
    lines: list[tuple[int, int, tuple[Node, ...]]]
    language: str = "c"
    reason: str = ""


@dataclass
class Story:
    """What happened in one compile: trace, graphs, program, texts, times.

    units     `source` in the pieces that are compiled at the same time
    failures  what the numbers stand for by which the host function says what failed
    """

    trace: Trace
    optimised: Graph
    program: Program | None
    plan: Plan
    kernels: list[KernelText]
    source: str
    record: Record
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    units: tuple[str, ...] = ()
    failures: list[Failure] = field(default_factory=list[Failure])


def size_decisions(specialised: Specialised) -> list[Decision]:
    """What was taken for granted about sizes, one decision each."""
    found: list[Decision] = []
    fixed: dict[Shared, list[str]] = {}
    for atom, size in specialised.facts.items():
        owner = owner_of(atom)
        if owner is None:
            why = "assumed equal where they meet; checked at every call"
            found.append(Decision("sizes", atom.name, f"= {size}", why))
        else:
            fixed.setdefault(owner, []).append(str(size))
    why = "its sizes when compiled; set_value with others compiles one variant"
    found += [
        Decision("sizes", str(leaf), f"fixed to {' x '.join(sizes)}", why)
        for leaf, sizes in fixed.items()
    ]
    return found


def gradient_passes(graph: Graph) -> list[PassRecord]:
    """The passes that stabilised forward graphs before they were differentiated."""
    found: dict[int, PassRecord] = {}
    for node in graph.order:
        for record in getattr(node.labels, "gradient_story", ()):
            found.setdefault(id(record), record)
    return list(found.values())


def make_target(mode: Mode) -> Target:
    """The processor and vector library the C text is written for."""
    off = mode.off
    functions = frozenset[str]() if "simd" in off else vector_functions()
    strict = mode.name == "strict"
    return Target(vector_bytes(), functions, strict, off, has_fma())


def stage_decisions(mode: Mode) -> list[Decision]:
    """The stages of the back end the mode leaves out, one decision each."""
    return [
        Decision("stage", stage.name, "left out", f"mode {mode}; {stage.meaning}")
        for stage in STAGES
        if stage.name in mode.off
    ]


def tell(specialised: Specialised, mode: Mode) -> Story:
    """Run optimiser and code generator, keep everything they did."""
    started = time.perf_counter()
    optimised, trace = optimise(specialised.graph, mode)
    trace.passes[:0] = gradient_passes(specialised.graph)
    trace.decisions += size_decisions(specialised) + stage_decisions(mode)
    done = time.perf_counter()
    target = make_target(mode)
    program = build_program(optimised, target, trace.decisions.append)
    plan = plan_memory(program)
    trace.decisions.extend(plan.in_place)
    kernels = _kernels(program, target)
    launched = [step.kernel for step in program.steps if step.kernel is not None]
    # What a rule removed may have been all that kept a wrong size out.
    rest = [Check(*assumption) for assumption in optimised.assumptions]
    host = render_host(program, plan, (*specialised.checks, *rest))
    named = [(kernel.name, kernel.source) for kernel in kernels]
    head = prelude(launched, target)
    [source] = unit_texts(head, named, host.text, 1)
    count = unit_count(len(kernels), 1 if config.reproducible else config.threads)
    pieces = unit_texts(head, named, host.text, count)
    record = _record(program, host.externs, host.opaque)
    state = specialised.graph.shared
    record["state"] = [state.index(leaf) for leaf in optimised.shared]
    seconds = {"optimise": done - started, "lower": time.perf_counter() - done}
    return Story(
        trace, optimised, program, plan, kernels, source, record, seconds, pieces,
        host.failures,
    )  # fmt: skip


def _kernels(program: Program, target: Target) -> list[KernelText]:
    kernels: list[KernelText] = []
    for step in program.steps:
        if step.kernel is None:
            continue
        kernel = without_copies(step.kernel, step.in_place)
        made = render_kernel(kernel, step.name, target, in_place=step.in_place)
        kernels.append(
            KernelText(step.name, made.text, step.nodes, made.lines, "c", step.reason)
        )
    return kernels


# ---------------------------------------------------------------- the record


def _record(program: Program, externs: list[str], opaque: list[int]) -> Record:
    graph = program.graph
    numbers = {atom: k for k, atom in enumerate(program.slots)}
    return {
        "format": FORMAT,
        "slots": len(numbers),
        "arguments": [_ports(leaf, numbers) for leaf in graph.inputs],
        "shared": [_ports(leaf, numbers) for leaf in graph.shared],
        "constants": [encode(c.value) for c in program.constants],
        "outputs": [_result(b.node) for b in program.results],
        "updates": [
            [graph.shared.index(target), _result(b.node)]
            for (target, _), b in zip(graph.updates, program.updates, strict=True)
        ],
        "externs": externs,
        "opaque": {str(n): describe(program.steps[n]) for n in opaque},
        "steps": [str(step.name) for step in program.steps],
        "work": program.work,
    }


def _ports(leaf: Node, numbers: dict[Atom, int]) -> dict[str, Any]:
    dims: list[Any] = []
    fresh = len(numbers)
    for size in leaf.tensor_type.shape:
        atom = size.leaf if isinstance(size, Dim) else None
        if isinstance(size, int):
            dims.append(size)
        elif atom is not None:
            dims.append(["slot", numbers[atom]])
        else:
            dims.append(["free", fresh])
    return {"dtype": leaf.dtype, "dims": dims}


def _result(node: Node) -> dict[str, Any]:
    return {"dtype": node.dtype, "ndim": node.ndim}
