"""The pipeline: which passes there are, in which order, and what runs them.

Rule sets are made passes here. Which of the passes a compile runs, its mode says
(`mode.py`); `optimiser.py` has what compiles, gradients and users call.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from symnb.core.graph import Graph
from symnb.errors import OptimiserError
from symnb.optim.collect import collecting
from symnb.optim.factorise import linear_algebra, sharing
from symnb.optim.fold import FOLDING
from symnb.optim.passes import MERGE, Compile, Pass, apply
from symnb.optim.products import products
from symnb.optim.rule import Rule
from symnb.optim.rules.algebra import ALGEBRA
from symnb.optim.rules.blas import BLAS
from symnb.optim.rules.diagonals import DIAGONALS
from symnb.optim.rules.differences import DIFFERENCES
from symnb.optim.rules.division import DIVISION
from symnb.optim.rules.dots import DOTS
from symnb.optim.rules.gathers import GATHERS
from symnb.optim.rules.identities import IDENTITIES
from symnb.optim.rules.increments import INCREMENTS
from symnb.optim.rules.indexing import INDEXING
from symnb.optim.rules.joins import JOINS
from symnb.optim.rules.lifting import lifting
from symnb.optim.rules.linalg import LINALG
from symnb.optim.rules.logic import LOGIC, TRUTH_VALUES
from symnb.optim.rules.mixtures import MIXTURES
from symnb.optim.rules.named import NAMED
from symnb.optim.rules.reductions import REDUCTIONS
from symnb.optim.rules.scaled import SCALED
from symnb.optim.rules.shapes import SHAPES
from symnb.optim.rules.special import SPECIAL
from symnb.optim.rules.stability import SHIFTS, STABILITY
from symnb.optim.rules.tails import RATIOS, SLOPES, TAILS
from symnb.optim.rules.unsafe import UNSAFE
from symnb.optim.rules.views import MARKERS, VIEWS
from symnb.optim.rules.writes import WRITING
from symnb.optim.trace import PassRecord
from symnb.optim.validate import validate
from symnb.options import config


class Pipeline(tuple[Pass, ...]):
    """Passes in order; `without`, `after`, `only` make others."""

    __slots__ = ()

    def without(self, *names: str) -> Pipeline:
        """Without the passes of these names. Raises OptimiserError for unknown ones."""
        for name in names:
            self.place(name)
        return Pipeline(p for p in self if p.name not in names)

    def after(self, name: str, *new: Pass) -> Pipeline:
        """With passes put in behind the one called `name`."""
        at = self.place(name) + 1
        return Pipeline((*self[:at], *new, *self[at:]))

    def only(self, *names: str) -> Pipeline:
        """The passes, or the rules, of these names; `merge` always runs."""
        passes = [p for p in self if p.name in names or p is MERGE]
        if len(passes) > 1 or set(names) <= {p.name for p in self}:
            return Pipeline(passes)
        return self.filtered(lambda rule: not rule.words.isdisjoint(names))

    def filtered(self, keep: Callable[[Rule], bool]) -> Pipeline:
        """With only the rules `keep` accepts."""
        kept = [p.filtered(keep) for p in self]
        return Pipeline(p for p in kept if p is not None)

    def place(self, name: str) -> int:
        """Position of the first pass of that name."""
        for at, one in enumerate(self):
            if one.name == name:
                return at
        raise OptimiserError(f"no pass {name!r}; there are {', '.join(self.names)}.")

    @property
    def names(self) -> list[str]:
        """Names of the passes."""
        return [p.name for p in self]

    @property
    def rules(self) -> list[Rule]:
        """Every rule of every pass, once."""
        found = [r for p in self if p.rules is not None for r in p.rules]
        return list(dict.fromkeys(found))

    def __str__(self) -> str:
        return "\n".join(map(str, self))


PARTS = INDEXING + GATHERS + JOINS + WRITING + INCREMENTS
SIMPLIFY = ALGEBRA + LOGIC + VIEWS + SHAPES + PARTS + FOLDING
TIDY = SIMPLIFY + STABILITY + REDUCTIONS + IDENTITIES + MARKERS + TRUTH_VALUES

PIPELINE = Pipeline((
    MERGE,
    apply(FOLDING, "fold"),
    apply(SIMPLIFY, "simplify"),
    linear_algebra(DIAGONALS + LINALG + SIMPLIFY),
    apply(
        SHIFTS + TAILS + MIXTURES + DIFFERENCES, "shift",
        tags=frozenset({"stability"}),
    ),
    apply(
        STABILITY + RATIOS + NAMED + SIMPLIFY, "stabilise",
        tags=frozenset({"stability"}),
    ),
    lifting(),
    collecting(),
    apply(SPECIAL + SLOPES, "special"),
    sharing(),
    apply(TIDY, "reduce"),
    products(),
    apply(DOTS + BLAS + SCALED, "blas"),
    apply(TIDY, "tidy"),
    apply(DIVISION, "divide"),
))  # fmt: skip

# With what holds only for finite numbers, in the domain of every function.
FULL = PIPELINE.after(
    "fold", apply(UNSAFE + SIMPLIFY, "unsafe", tags=frozenset({"unsafe"}))
)

FAST = Pipeline((MERGE, apply(SIMPLIFY + MARKERS, "simplify")))


def _keeps(rule: Rule) -> bool:
    """Whether a rule may run before differentiation: no tensor is cut off."""
    return not rule.drops and "after_gradient" not in rule.tags


GRADIENT = PIPELINE.without(
    "fold", "collect", "special", "reduce", "products", "blas", "tidy", "divide"
).filtered(_keeps)

# ------------------------------------------------------------------------- running it


def run_passes(
    graph: Graph, passes: Iterable[Pass], compile: Compile
) -> tuple[Graph, list[PassRecord]]:
    """The graph after all passes, and the record of each.

    One that fails is told to `compile.failed` and changes nothing; raises what it
    raised where there is nobody to tell.
    """
    records: list[PassRecord] = []
    with config.change(compute_test_value="off"), collector_paused():
        for one in passes:
            record = _run(one, graph, compile)
            records.append(record)
            graph = record.after
    return graph, records


def _run(one: Pass, graph: Graph, compile: Compile) -> PassRecord:
    """The record of one pass; of a pass without effect where it failed."""
    try:
        record = one(graph, compile)
        if not isinstance(record.after, Graph):  # pyright: ignore  what users write
            raise OptimiserError(
                f"pass {one.name} returned a {type(record.after).__name__}, no Graph."
            )
        if compile.check or not one.is_own:
            validate(record)
    except Exception as error:
        if compile.failed is None:
            raise
        compile.failed(one, error)
        return PassRecord(one.name, graph, graph, [], 0.0, one.phase)
    return record


@contextmanager
def collector_paused() -> Generator[None]:
    """No cyclic garbage collection inside the block.

    Nodes form no cycles, and each collection walks all of them: at 50,000 nodes the
    pipeline took 26 us a node with it and 15 without (2026-11).
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
