"""Where the time of a function goes: per step measured, per node by a model.

Every step of compiled code has a counter, off unless profiling is on. Inside a fused
kernel nothing can be measured without changing it, so a node's share of its kernel is
its share of the estimated work (flops weighted by output elements), and is named so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symnb.core import dims
from symnb.core.node import Node
from symnb.core.types import TensorType

MEASURED, MODELLED = "measured", "share of its kernel by estimated work"
TYPICAL = 1000  # size of an open symbol in the model


@dataclass(frozen=True)
class StepTime:
    """One step: calls, ns in all, and the nodes it computes."""

    number: int
    name: str
    kind: str
    ns: float
    share: float
    nodes: tuple[Node, ...]


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

    def __str__(self) -> str:
        if not self.calls:
            return (
                f"{self.name}: no profiled call yet. Call it with profiling on: "
                "f.profiling = True, or function(..., profile=True)."
            )
        lines = [f"{self.name}: {self.calls} calls, {self.call_us:.2f} us each"]
        for step in self.steps:
            ops = " ".join(dict.fromkeys(n.op.name for n in step.nodes))
            us = step.ns / 1e3 / self.calls
            lines.append(
                f"  {step.share:6.1%}  {us:9.2f} us  {step.name:<12} {step.kind:<7}"
                f"  {ops[:60]}".rstrip()
            )
        return "\n".join(lines)

    __repr__ = __str__


def profile_of(function: Any) -> Profile:
    """The profile of a function as it stands."""
    story = function.story
    if story.program is None:
        return Profile(function.name, function.calls, function.total_ns, (), ())
    ns = [int(n) for n in function.step_ns]
    total = sum(ns) or 1
    steps = tuple(
        StepTime(i, step.name, step.kind, ns[i], ns[i] / total, step.nodes)
        for i, step in enumerate(story.program.steps)
    )
    nodes = tuple(item for step in steps for item in _shares(step))
    calls, spent = int(function.profiled), int(function.total_ns)
    return Profile(function.name, calls, spent, steps, nodes)


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
