"""The memory plan: one arena, places shared by buffers that never live together.

Places are handed out in step order like registers: a buffer takes a free place whose
size is proven large enough (the tightest one), else a new place. Sizes stay symbolic,
so the arena's layout is a few sums, computed by the generated C at every call, and
needs no table per size. A kernel may write over an input that dies there when it reads
and writes it through the same index map; a gemm over the matrix it adds to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from symnb.compile.program import Buffer, Program, Step
from symnb.core import dims
from symnb.core.dims import DimLike
from symnb.core.dtypes import SHORT
from symnb.core.node import Node
from symnb.ops.gemm import GEMM, reads_c
from symnb.optim.trace import Decision

ALIGNMENT = 64  # bytes; a cache line, and an AVX-512 register

ITEMSIZE = {
    dtype: 1 if dtype == "bool" else int(dtype.lstrip("uintfloa")) // 8
    for dtype in SHORT
}


@dataclass
class Slot:
    """A place in the arena: its size in bytes and the buffers that use it."""

    size: DimLike
    buffers: list[Buffer] = field(default_factory=list[Buffer])
    free_from: int = 0


@dataclass
class Plan:
    """Where every buffer of a program lives.

    slots      places of the arena, in order; offsets are running sums of sizes
    in_place   decisions to write over an input
    """

    slots: list[Slot] = field(default_factory=list[Slot])
    in_place: list[Decision] = field(default_factory=list[Decision])
    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def offset(self, index: int) -> DimLike:
        """Bytes before place `index`, before rounding each place up."""
        total: DimLike = 0
        for slot in self.slots[:index]:
            total = total + slot.size
        return total

    @property
    def arena_bytes(self) -> DimLike:
        """Size of the arena, up to rounding of each place to 64 bytes."""
        return self.offset(len(self.slots))


def nbytes(buffer: Buffer) -> DimLike:
    """Bytes of the value a buffer holds."""
    return buffer.type.size * ITEMSIZE[buffer.type.dtype]


def plan_memory(program: Program) -> Plan:
    """The plan of a program; sets `index` of its arena buffers."""
    plan = Plan()
    off = program.target.off
    if "inplace" not in off:
        _write_into_results(plan, program)
    for at, step in enumerate(program.steps):
        if "inplace" not in off:
            _write_in_place(plan, step, at)
        for buffer in step.writes:
            if buffer.place == "arena" and buffer.alias is None and buffer.index < 0:
                _take(plan, buffer, at, "reuse" not in off)
    plan.rows = [_row(b) for b in _distinct(program)]
    return plan


def _distinct(program: Program) -> list[Buffer]:
    every = [*program.buffers.values(), *program.results, *program.updates]
    return list(dict.fromkeys(every))


def _write_into_results(plan: Plan, program: Program) -> None:
    """Give what a result overwrites the storage of the result, last step first.

    A chain of writes that ends in a result never leaves it: a gradient of several
    parts is filled in and added to where it is returned.
    """
    for at, step in reversed(list(enumerate(program.steps))):
        by_node = {b.node: b for b in step.reads}
        outputs = {b.node: b for b in step.writes}
        used: set[Buffer] = set()
        for out_node, in_node in _candidates(step):
            out, source = outputs.get(out_node), by_node.get(in_node)
            if out is None or source is None:
                continue
            end, root = out.root, source.root
            if end in used or not _may_become(root, end, step, at):
                continue
            used.add(end)
            root.alias, root.place = end, end.place
            end.first = min(end.first, root.first)
            step.in_place.append((out_node, in_node))
            plan.in_place.append(_decision(step, out_node, in_node))


def _may_become(root: Buffer, end: Buffer, step: Step, at: int) -> bool:
    return (
        end.place in ("result", "update")
        and not end.is_dynamic
        and root.place == "arena"
        and root.last == at
        and _is_read_once(root, step)
        and nbytes(root) == nbytes(end)
    )


def _write_in_place(plan: Plan, step: Step, at: int) -> None:
    by_node = {b.node: b for b in step.reads}
    outputs = {b.node: b for b in step.writes}
    for out_node, in_node in _candidates(step):
        out, source = outputs.get(out_node), by_node.get(in_node)
        if out is None or source is None or not _may_overwrite(out, source, step, at):
            continue
        out.index = source.root.index
        slot = plan.slots[out.index]
        slot.buffers.append(out)
        slot.free_from = out.last + 1
        step.in_place.append((out_node, in_node))
        plan.in_place.append(_decision(step, out_node, in_node))


def _candidates(step: Step) -> list[tuple[Node, Node]]:
    """(output, operand) pairs the step itself allows to share a place."""
    if step.kernel is not None:
        return step.kernel.in_place
    node = step.nodes[0] if step.kind == "extern" else None
    if node is None or node.op is not GEMM or not reads_c(node):
        return []
    c, *others = step.reads
    alone = all(b.root is not c.root for b in others)
    return [(node, c.node)] if alone else []


def _may_overwrite(out: Buffer, source: Buffer, step: Step, at: int) -> bool:
    root = source.root
    used = {b.index for b in step.writes if b.place == "arena" and b.index >= 0}
    return (
        out.place == "arena"
        and out.index < 0
        and root.place == "arena"
        and root.last == at
        and _is_read_once(root, step)
        and root.index not in used
        and nbytes(out) == nbytes(source)
    )


def _is_read_once(root: Buffer, step: Step) -> bool:
    """Whether no view of the storage is read beside it, at other points."""
    return sum(buffer.root is root for buffer in step.reads) == 1


def _decision(step: Step, out: Node, source: Node) -> Decision:
    return Decision(
        "in place",
        f"{out.op.name} in {step.name}",
        f"written over {source.op.name}",
        "same index map, and its input is not read later",
        (out, source),
    )


def _take(plan: Plan, buffer: Buffer, at: int, again: bool) -> None:
    """A place for a buffer; `again`: perhaps one that was used before."""
    need = nbytes(buffer)
    best: tuple[int, Slot] | None = None
    for index, slot in enumerate(plan.slots if again else ()):
        if slot.free_from > at or not dims.prove_le(need, slot.size):
            continue
        if best is None or dims.prove_lt(slot.size, best[1].size):
            best = index, slot
    if best is None:
        plan.slots.append(Slot(need))
        best = len(plan.slots) - 1, plan.slots[-1]
    index, slot = best
    buffer.index = index
    slot.buffers.append(buffer)
    slot.free_from = buffer.last + 1


def _row(buffer: Buffer) -> dict[str, str]:
    """One line of the inspector's memory table."""
    root = buffer.root
    where = f"{root.place} {root.index}" if root.place != "run" else "while running"
    return {
        "buffer": buffer.name,
        "node": buffer.node.op.name if buffer.node.name is None else buffer.node.name,
        "type": str(buffer.type),
        "bytes": str(nbytes(buffer)),
        "place": f"view of {root.name}" if buffer.alias else where,
        "first": str(root.first),
        "last": str(root.last),
    }
