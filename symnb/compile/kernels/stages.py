"""Stages of a region with reductions: what runs when, what is kept, what is hoisted.

A region with reductions becomes stages over one row: what needs no reduction, then
what needs the first ones, and so on. Values that do not vary along the row are
computed once before it; expensive values that two stages need are kept in a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from symnb.compile.kernels.nest import (
    READ,
    Let,
    Reduce,
    Stage,
    Store,
    atoms_of,
    dims_of,
    read,
    sources,
    value_order,
)
from symnb.compile.kernels.space import Space
from symnb.compile.kernels.values import Values
from symnb.core.node import Node

# A value this costly (flops) is kept in a row rather than computed in two stages:
# storing and loading it from L1 costs about 0.1 ns, exp 0.4 (EPYC, 2026-11).
KEEP_FLOPS = 6.0


@dataclass
class _Draft:
    """A full stage (over the row) and the kept stage that runs before it.

    rows  values that are read from rows of earlier stages
    kept  values it keeps in rows of its own
    """

    kept_lets: list[Let]
    kept_stores: list[Store]
    lets: list[Let]
    reductions: list[Reduce]
    stores: list[Store]
    rows: dict[Node, Node] = field(default_factory=dict[Node, Node])
    kept: dict[Node, Node] = field(default_factory=dict[Node, Node])


class Stages:
    """Places every root value in the earliest stage where what it reads is known."""

    def __init__(self, values: Values, space: Space) -> None:
        self.values = values
        self.space = space
        self.levels: dict[Node, int] = {}
        self.varying: dict[Node, bool] = {}
        self.drafts: list[_Draft] = []
        self.inner = {a.atom for a in space.inner}
        self.names = 0

    def draft(self, level: int) -> _Draft:
        """The stages after `level` rounds of reductions."""
        while len(self.drafts) <= level:
            self.drafts.append(_Draft([], [], [], [], []))
        return self.drafts[level]

    def level(self, root: Node) -> int:
        """How many rounds of reductions must be complete before `root`."""
        for value in value_order([root], self.levels):
            if value in self.levels:
                continue
            if value.op is READ:
                operand = self.values.operand[value].value
                self.levels[value] = self.level_of_operand(operand) + 1
                continue
            found = [self.levels[x] for x in sources(value)]
            self.levels[value] = max(found, default=0)
        return self.levels[root]

    def level_of_operand(self, operand: Node) -> int:
        """The level of a reduction's operand; reductions are made in order."""
        known = self.levels.get(operand)
        return self.level(operand) if known is None else known

    def varies(self, root: Node) -> bool:
        """Whether `root` changes along the row."""
        for value in value_order([root], self.varying):
            if value not in self.varying:
                own = atoms_of(dims_of(value)) & self.inner
                below = any(self.varying[x] for x in sources(value))
                self.varying[value] = bool(own) or below
        return self.varying[root]

    def place(self) -> None:
        """Put reductions and stores into their stages."""
        for item in self.values.reductions.values():
            self.draft(self.level(item.value)).reductions.append(item)
        for node, buffer in self.values.outputs.items():
            at = self.space.home(node)
            assert at is not None, node
            value = self.values.at(node, at)
            full = at == self.space.full and bool(self.space.inner)
            draft = self.draft(self.level(value))
            store = Store(buffer, at, value)
            (draft.stores if full else draft.kept_stores).append(store)

    def keep_rows(self) -> None:
        """Costly values that a later stage needs again become rows."""
        first: dict[Node, _Draft] = {}
        for draft in self.drafts:
            roots = [x.value for x in (*draft.reductions, *draft.stores)]
            for value in self._costly(roots, first):
                owner = first[value]
                if value not in owner.kept:
                    let = self.let(self.values.rebuilt(value, owner.rows))
                    owner.lets.append(let)
                    owner.kept[value] = self.values.same(read(let.name, value.dtype))
                    self.varying[owner.kept[value]] = True
                draft.rows[value] = owner.kept[value]
            for value in value_order(roots, draft.rows):
                first.setdefault(value, draft)
        for draft in self.drafts:
            lets = list(draft.lets)
            self._rewrite(draft, draft.rows)
            draft.lets[:] = lets

    def _costly(self, roots: list[Node], first: dict[Node, _Draft]) -> list[Node]:
        """The outermost values of earlier stages that are worth keeping."""
        found: dict[Node, None] = {}
        seen: set[Node] = set()
        stack = list(reversed(roots))
        while stack:
            value = stack.pop()
            if value in seen:
                continue
            seen.add(value)
            worth = value in first and self.varies(value) and not value.is_leaf
            if worth and flops([value]) >= KEEP_FLOPS:
                found[value] = None
            else:
                stack += reversed(sources(value))
        return list(found)

    def hoist(self) -> None:
        """Values that do not vary along the row are computed before it."""
        done: dict[Node, Node] = {}
        for draft in self.drafts if self.inner else ():
            roots = [x.value for x in (*draft.lets, *draft.reductions, *draft.stores)]
            fixed = {
                x: None
                for value in value_order(roots)
                for x in (value, *sources(value))
                if not x.is_leaf and not self.varies(x)
            }
            for value in value_order(roots, fixed):
                if value in fixed and value not in done:
                    let = self.let(value)
                    draft.kept_lets.append(let)
                    done[value] = self.values.same(read(let.name, value.dtype))
            self._rewrite(draft, done)

    def let(self, value: Node) -> Let:
        """A let with a name of its own."""
        self.names += 1
        return Let(f"c{self.names - 1}", value)

    def _rewrite(self, draft: _Draft, replaced: dict[Node, Node]) -> None:
        if not replaced:
            return

        def new(root: Node) -> Node:
            return self.values.rebuilt(root, replaced)

        draft.lets[:] = [Let(x.name, new(x.value)) for x in draft.lets]
        draft.reductions[:] = [
            Reduce(x.name, x.combine, new(x.value)) for x in draft.reductions
        ]
        draft.stores[:] = [
            Store(x.buffer, x.index, new(x.value), x.mode) for x in draft.stores
        ]

    def stages(self) -> tuple[Stage, ...]:
        """The stages in order, empty ones left out."""
        found: list[Stage] = []
        inner = self.space.inner
        for draft in self.drafts:
            kept = Stage((), tuple(draft.kept_lets), (), tuple(draft.kept_stores))
            row = Stage(
                inner, tuple(draft.lets), tuple(draft.reductions), tuple(draft.stores)
            )
            found += [stage for stage in (kept, row) if list(stage.values())]
        return tuple(found)


def flops(roots: Iterable[Node]) -> float:
    """The cost of computing values once per point, shared work counted once."""
    return sum(value.op.flops for value in value_order(roots) if not value.is_leaf)
