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
from symnb.core.seams import slots
from symnb.core.types import TensorType
from symnb.optim.cost import flops as flops_of
from symnb.options import config

MEASURED, MODELLED = "measured", "share of its kernel by estimated work"
TYPICAL = 1000  # size of an open symbol in the model
PARTS = ("slice", "gather")  # ops that read as much as they give
CHANGES = ("scatter", "set_slice")  # ops that give their operand, changed in places


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
    def dtype(self) -> str:
        """The dtype whose peak is its limit: float64 if it computes any."""
        wide = any(getattr(x, "dtype", "") == "float64" for x in self.nodes)
        return "float64" if wide else "float32"

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
        least = machine.seconds(self.bytes, self.flops, self.dtype)
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
        lines += [f"  {step.share:6.1%}  {self.line(step)}" for step in self.steps]
        return "\n".join(lines)

    def line(self, step: StepTime, part: str = "") -> str:
        """The row of a step; `part` stands behind its rates."""
        ops = " ".join(dict.fromkeys(n.op.name for n in step.nodes))
        us = step.ns / 1e3 / self.calls
        rates = "".join(
            f"{rate:8.1f}" if rate is not None else " " * 8
            for rate in (step.gbs, step.gflops)
        )
        text = f"{us:9.2f} us {rates} {part} {step.name:<12} {step.kind:<7}  {ops[:60]}"
        return text.rstrip()

    def against(self, machine: Limits | None = None) -> Roofline:
        """The steps beside the limits of this machine: a table, and a picture.

        machine  default: measured, once, for the configured number of threads
        """
        return Roofline(self, limits(config.threads) if machine is None else machine)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)


@dataclass(frozen=True)
class Roofline:
    """The steps of a profile below the roof of a machine."""

    profile: Profile
    limits: Limits

    def __str__(self) -> str:
        if not self.profile.calls:
            return str(self.profile)
        lines = [str(self.limits), "   us a call      GB/s GFLOP/s  limit"]
        for step in self.profile.steps:
            part = step.of_limit(self.limits)
            shown = " " * 6 if part is None else f"{part:6.0%}"
            lines.append(self.profile.line(step, shown))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)


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
    """Bytes a step needs of the arrays it reads, and those it writes, each once.

    Of what it slices or picks from, the part. An array written in place is moved twice,
    in and out; of one it only changes in places, what is changed.
    """
    moved: dict[tuple[Any, bool], int] = {}
    changed = _changed_in_place(step)
    for buffer in (*step.reads, *step.writes):
        read = buffer in step.reads
        whole = _at(buffer.type.size, at)
        parts = changed.get(buffer.node) or (_parts(step, buffer.node) if read else [])
        sizes = [_at(size, at) for size in parts]
        if whole is None or None in sizes:
            return None
        part = min(whole, sum(sizes)) if sizes else whole  # pyright: ignore
        size = part * np.dtype(buffer.type.dtype).itemsize
        key = (buffer.root, read)
        moved[key] = max(size, moved.get(key, 0))
    return sum(moved.values())


def _parts(step: Any, node: Node) -> list[dims.DimLike]:
    """Sizes of the parts of `node` that a step reads; [] where it is all of it."""
    readers = [x for x in step.nodes if node in x.operands]
    inside = [x for x in readers if x.op.name in PARTS and x.operands[0] is node]
    return [x.type.size for x in inside] if len(inside) == len(readers) else []


def _changed_in_place(step: Any) -> dict[Node, list[dims.DimLike]]:
    """Arrays the step changes only in places (both ends of it): sizes of these."""
    found: dict[Node, list[dims.DimLike]] = {}
    for new, old in step.in_place:
        if new.op.name in CHANGES and new.operands[0] is old:
            found[new] = found[old] = [new.operands[1].tensor_type.size]
    return found


def _flops(step: Any, at: dict[Atom, int]) -> int | None:
    """Operations of a step's nodes."""
    found = [_at(_operations(node), at) for node in step.nodes]
    return None if None in found else sum(n for n in found if n is not None)


def _operations(node: Node) -> dims.DimLike:
    """As the op declares; to move numbers is none, a scatter may add what it gets."""
    if node.op.name == "gather":
        return 0
    if node.op.name == "scatter":
        added = node.params[-1] == "add"
        return node.operands[1].tensor_type.size if added else 0
    return flops_of(node)


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
