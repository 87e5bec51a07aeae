"""From a closed graph to something callable: optimise, lower, build, bind.

A compile is one straight line; its result is a `Record`, plain JSON that says how the
shared object is called, kept in the cache entry beside it. A graph whose digest was
seen before is loaded from there, without optimiser or compiler; its story (trace,
optimised graph, program) is then made again when first read, which gives the same
result because every stage is deterministic.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import symnb.compile.build as builder
from symnb.compile.extern.contract import addresses, library
from symnb.compile.host import render_host
from symnb.compile.kernels import Target
from symnb.compile.opaque import OpaqueSteps, describe
from symnb.compile.plan import Plan, plan_memory
from symnb.compile.program import Program, build_program
from symnb.compile.render import prelude, render_kernel
from symnb.compile.runtime.spec import ArraySpec, CallSpec, Opaque
from symnb.compile.specialise import Specialised
from symnb.core.dims import Atom, Dim
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.optim.pipeline import Mode, optimise
from symnb.optim.trace import Trace

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
    """What happened in one compile: trace, graphs, program, texts, times."""

    trace: Trace
    optimised: Graph
    program: Program | None
    plan: Plan
    kernels: list[KernelText]
    source: str
    record: Record
    seconds: dict[str, float] = field(default_factory=dict)


def make_target(mode: Mode) -> Target:
    """The processor and vector library the C text is written for."""
    name = builder.target()
    wide = name == "native" and "avx512f" in _cpu_flags()
    simd = builder.vector_functions()
    return Target(64 if wide else 32, frozenset(simd), mode.name == "strict")


def _cpu_flags() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return ""


def tell(specialised: Specialised, mode: Mode) -> Story:
    """Run optimiser and code generator, keep everything they did."""
    started = time.perf_counter()
    optimised, trace = optimise(specialised.graph, mode)
    done = time.perf_counter()
    target = make_target(mode)
    program = build_program(optimised, target, trace.decisions.append)
    plan = plan_memory(program)
    trace.decisions.extend(plan.in_place)
    kernels, sources = _kernels(program, target)
    launched = [step.kernel for step in program.steps if step.kernel is not None]
    host = render_host(program, plan, specialised.checks)
    source = "\n\n".join([prelude(launched, target), *sources, host.text]) + "\n"
    record = _record(program, host.externs, host.opaque)
    state = specialised.graph.shared
    record["state"] = [state.index(leaf) for leaf in optimised.shared]
    seconds = {"optimise": done - started, "lower": time.perf_counter() - done}
    return Story(trace, optimised, program, plan, kernels, source, record, seconds)


def _kernels(program: Program, target: Target) -> tuple[list[KernelText], list[str]]:
    kernels: list[KernelText] = []
    for step in program.steps:
        if step.kernel is None:
            continue
        made = render_kernel(step.kernel, step.name, target, in_place=step.in_place)
        kernels.append(
            KernelText(step.name, made.text, step.nodes, made.lines, "c", step.reason)
        )
    return kernels, [kernel.source for kernel in kernels]


# ---------------------------------------------------------------- record and binding


def _record(program: Program, externs: list[str], opaque: list[int]) -> Record:
    graph = program.graph
    numbers = {atom: k for k, atom in enumerate(program.slots)}
    return {
        "format": FORMAT,
        "slots": len(numbers),
        "arguments": [_ports(leaf, numbers) for leaf in graph.inputs],
        "shared": [_ports(leaf, numbers) for leaf in graph.shared],
        "constants": [_encode(c.value) for c in program.constants],
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
    for size in leaf.type.shape:
        atom = size.atom if isinstance(size, Dim) else None
        if isinstance(size, int):
            dims.append(size)
        elif atom is not None:
            dims.append(["slot", numbers[atom]])
        else:
            dims.append(["free", fresh])
    return {"dtype": leaf.dtype, "dims": dims}


def _result(node: Node) -> dict[str, Any]:
    return {"dtype": node.dtype, "ndim": node.ndim}


def _encode(value: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "bytes": base64.b64encode(value.tobytes()).decode(),
    }


def _decode(item: dict[str, Any]) -> np.ndarray[Any, Any]:
    raw = np.frombuffer(base64.b64decode(item["bytes"]), item["dtype"])
    return raw.reshape(item["shape"]).copy()


def call_spec(
    record: Record,
    graph: Graph,
    library: builder.Library,
    names: Sequence[str],
    returns: str,
) -> CallSpec:
    """How the loaded library is called, bound to the graph's shared storage.

    graph  the specialised graph the record was made from, whose leaves give the state
    """
    named = list(zip(names, graph.inputs, strict=True))
    slots, arguments = _array_specs(record["arguments"], record["slots"], named)
    state = [graph.shared[i] for i in record["state"]]
    storages = [leaf.storage for leaf in state]
    named = [(leaf.name or f"shared {i}", leaf) for i, leaf in enumerate(state)]
    slots, shared = _array_specs(record["shared"], slots, named)
    steps = {int(n): item for n, item in record["opaque"].items()}
    python = OpaqueSteps(steps)
    return CallSpec(
        arguments=arguments,
        shared=tuple(zip(storages, shared, strict=True)),
        constants=tuple(_decode(item) for item in record["constants"]),
        outputs=tuple(_output(i, o) for i, o in enumerate(record["outputs"])),
        updates=tuple((i, _output(i, o)) for i, o in record["updates"]),
        slots=slots,
        run=library.run,
        plan=library.plan,
        externs=addresses(record["externs"]),
        python=python.run if steps else None,
        steps=len(record["steps"]),
        work=record["work"],
        returns=returns,
        opaque={n: _opaque(item) for n, item in steps.items()},
        name=graph.name,
    )


def _array_specs(
    items: Sequence[Any], slots: int, named: Sequence[tuple[str, Node]]
) -> tuple[int, tuple[ArraySpec, ...]]:
    """Specs of leaves; a compound size gets a slot of its own, checked in C."""
    specs: list[ArraySpec] = []
    for (name, leaf), item in zip(named, items, strict=True):
        dims: list[Any] = []
        for dim in item["dims"]:
            if isinstance(dim, int):
                dims.append(dim)
            elif dim[0] == "slot":
                dims.append(("slot", dim[1]))
            else:
                dims.append(("slot", slots))
                slots += 1
        where = str(leaf.site or "")
        specs.append(ArraySpec(name, item["dtype"], tuple(dims), where))
    return slots, tuple(specs)


def _output(index: int, item: dict[str, Any]) -> ArraySpec:
    return ArraySpec(f"output {index}", item["dtype"], (0,) * item["ndim"])


def _opaque(item: dict[str, Any]) -> Opaque:
    def specs(key: str) -> tuple[ArraySpec, ...]:
        return tuple(ArraySpec(key, d, (0,) * n) for d, n in item[key])

    return Opaque(specs("inputs"), specs("outputs"))


# ------------------------------------------------------------------------- variants


class Variant:
    """One compiled form of a graph: its library at once, its story when asked."""

    def __init__(self, specialised: Specialised, mode: Mode) -> None:
        self.specialised = specialised
        self.mode = mode
        self.seconds = 0.0
        self.from_cache = True
        key = self.key
        found = builder.find(key)
        if found is None:
            self.from_cache = False
            story = self.story
            meta = {"program": story.record}
            found = builder.build(story.source, key, meta)
            self.seconds = found.seconds
        self.library = found

    @cached_property
    def key(self) -> str:
        """Digest of all the C text depends on, except the machine."""
        checks = [
            f"{c.node.op.name} {c.left} {c.right}" for c in self.specialised.checks
        ]
        target = make_target(self.mode)
        parts = [
            f"program {FORMAT}",
            self.specialised.graph.digest,
            self.mode.digest,
            f"vector {target.vector} strict {target.strict}",
            library(),
            *checks,
        ]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    @cached_property
    def story(self) -> Story:
        """Trace, optimised graph, program and texts."""
        return tell(self.specialised, self.mode)

    @property
    def record(self) -> Record:
        """How the library is called."""
        return self.library.entry.meta["program"]

    def spec(self, names: Sequence[str], returns: str) -> CallSpec:
        """The call bound to the graph's state."""
        graph = self.specialised.graph
        return call_spec(self.record, graph, self.library, names, returns)


__all__ = ["KernelText", "Story", "Variant", "call_spec", "tell"]
