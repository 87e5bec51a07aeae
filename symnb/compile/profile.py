"""Where the time of a function goes: per step measured, per node by a model.

Every step of compiled code has a counter, off unless profiling is on. Inside a fused
kernel nothing can be measured without changing it, so a node's share of its kernel is
its share of the estimated work (flops weighted by output elements), and is named so.
Bytes are what a step's arrays hold, each read or written once; operations are what the
ops declare; both at the sizes of the last profiled call. With the limits of the machine
(`limits.py`) they tell how near a step comes to the best it could do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symnb.compile.limits import Limits, limits
from symnb.core import dims
from symnb.core.dims import Atom
from symnb.core.node import Node
from symnb.core.types import TensorType
from symnb.optim.cost import flops as flops_of
from symnb.options import config

MEASURED, MODELLED = "measured", "share of its kernel by estimated work"
TYPICAL = 1000  # size of an open symbol in the model


@dataclass(frozen=True)
class StepTime:
    """One step: ns in all, and the nodes it computes.

    share  of the time of all steps
    calls  profiled calls
    bytes, flops  moved and done in one call; None where sizes depend on data
    """

    number: int
    name: str
    kind: str
    ns: float
    share: float
    nodes: tuple[Node, ...]
    calls: int = 0
    bytes: int | None = None
    flops: int | None = None

    @property
    def gbs(self) -> float | None:
        """Gigabytes per second."""
        return self._rate(self.bytes)

    @property
    def gflops(self) -> float | None:
        """Thousand million operations per second."""
        return self._rate(self.flops)

    def _rate(self, amount: int | None) -> float | None:
        return None if amount is None or not self.ns else amount * self.calls / self.ns

    def of_limit(self, machine: Limits) -> float | None:
        """The least time the machine needs for this step over the time it took.

        Above 1 where the arrays stay in a cache, which is faster than memory.
        """
        if self.bytes is None or self.flops is None or not self.ns:
            return None
        wide = any(getattr(x, "dtype", "") == "float64" for x in self.nodes)
        dtype = "float64" if wide else "float32"
        least = machine.seconds(self.bytes, self.flops, dtype)
        return 1e9 * least * self.calls / self.ns


@dataclass(frozen=True)
class NodeTime:
    """One node: ns in all and how they were attributed to it."""

    node: Node
    step: int
    ns: float
    method: str


@dataclass(frozen=True)
class Profile:
    """Times of the profiled calls of one function.

    calls  number of profiled calls; total_ns  time they took in compiled code
    """

    name: str
    calls: int
    total_ns: int
    steps: tuple[StepTime, ...]
    nodes: tuple[NodeTime, ...]

    @property
    def call_us(self) -> float:
        """Mean microseconds a call."""
        return self.total_ns / 1e3 / self.calls if self.calls else 0.0

    def __sub__(self, earlier: Profile) -> Profile:
        """The profile of the calls since an earlier profile of the same function.

        Bytes and operations are those of the last call. Raises ValueError where the
        other is no earlier profile of it.
        """
        calls = self.calls - earlier.calls
        names = [[step.name for step in one.steps] for one in (self, earlier)]
        if calls < 0 or self.name != earlier.name or names[0] != names[1]:
            raise ValueError(
                f"{earlier.name}: that is no earlier profile of {self.name}"
            )
        ns = [a.ns - b.ns for a, b in zip(self.steps, earlier.steps, strict=True)]
        total = sum(ns) or 1
        steps = tuple(
            replace(step, ns=spent, share=spent / total, calls=calls)
            for step, spent in zip(self.steps, ns, strict=True)
        )
        nodes = tuple(item for step in steps for item in _shares(step))
        spent = self.total_ns - earlier.total_ns
        return replace(self, calls=calls, total_ns=spent, steps=steps, nodes=nodes)

    def __str__(self) -> str:
        if not self.calls:
            return (
                f"{self.name}: no profiled call yet. Call it with profiling on: "
                "f.profiling = True, or function(..., profile=True)."
            )
        lines = [f"{self.name}: {self.calls} calls, {self.call_us:.2f} us each"]
        lines += [f"  {step.share:6.1%}  {self._line(step)}" for step in self.steps]
        return "\n".join(lines)

    def _line(self, step: StepTime, part: str = "") -> str:
        ops = " ".join(dict.fromkeys(n.op.name for n in step.nodes))
        us = step.ns / 1e3 / self.calls
        rates = "".join(
            f"{rate:8.1f}" if rate is not None else " " * 8
            for rate in (step.gbs, step.gflops)
        )
        text = f"{us:9.2f} us {rates} {part} {step.name:<12} {step.kind:<7}  {ops[:60]}"
        return text.rstrip()

    def against(self, machine: Limits | None = None) -> str:
        """The steps beside the limits of this machine, as text.

        machine  default: measured, once, for the configured number of threads
        """
        if not self.calls:
            return str(self)
        machine = limits(config.threads) if machine is None else machine
        lines = [str(machine), "   us a call      GB/s GFLOP/s  limit"]
        for step in self.steps:
            part = step.of_limit(machine)
            shown = " " * 6 if part is None else f"{part:6.0%}"
            lines.append(self._line(step, shown))
        return "\n".join(lines)

    __repr__ = __str__


def profile_of(function: Any) -> Profile:
    """The profile of a function as it stands."""
    story = function.story
    if story.program is None:
        return Profile(function.name, function.calls, function.total_ns, (), ())
    program = story.program
    count = len(program.steps)
    ns = [int(n) for n in function.step_ns[:count]]
    sizes = [int(n) for n in function.step_ns[count:]]
    at = dict(zip(program.slots, sizes, strict=False))
    total = sum(ns) or 1
    calls, spent = int(function.profiled), int(function.total_ns)
    steps = tuple(
        StepTime(
            i, step.name, step.kind, ns[i], ns[i] / total, step.nodes, calls,
            _bytes(step, at), _flops(step, at),
        )
        for i, step in enumerate(program.steps)
    )  # fmt: skip
    nodes = tuple(item for step in steps for item in _shares(step))
    return Profile(function.name, calls, spent, steps, nodes)


def _bytes(step: Any, at: dict[Atom, int]) -> int | None:
    """Bytes of the arrays a step reads, and of those it writes, each once.

    An array written in place is moved twice: in and out.
    """
    total = 0
    read, written = ({b.root: b for b in side} for side in (step.reads, step.writes))
    for buffer in (*read.values(), *written.values()):
        size = _at(buffer.type.size, at)
        if size is None:
            return None
        total += size * np.dtype(buffer.type.dtype).itemsize
    return total


def _flops(step: Any, at: dict[Atom, int]) -> int | None:
    """Operations of a step's nodes."""
    found = [_at(flops_of(node), at) for node in step.nodes]
    return None if None in found else sum(n for n in found if n is not None)


def _at(size: dims.DimLike, at: dict[Atom, int]) -> int | None:
    """The value of a size; None where one of its symbols is not known."""
    known = all(a in at for d in dims.dims_in((size,)) for a in d.atoms())
    return int(dims.evaluate(size, at)) if known else None


def _shares(step: StepTime) -> list[NodeTime]:
    work = [_work(node) for node in step.nodes]
    total = sum(work) or 1.0
    method = MEASURED if len(step.nodes) == 1 else MODELLED
    return [
        NodeTime(node, step.number, step.ns * w / total, method)
        for node, w in zip(step.nodes, work, strict=True)
    ]


def _work(node: Node) -> float:
    """Estimated work of a node: elements it handles times flops of its op."""
    arrays = [x for x in (*node.operands, node) if isinstance(x.type, TensorType)]
    sizes = [x.type.size for x in arrays]  # pyright: ignore
    env = {a: TYPICAL for s in sizes for d in dims.dims_in((s,)) for a in d.atoms()}
    return max(dims.evaluate(s, env) for s in sizes) * max(node.op.flops, 0.25)
