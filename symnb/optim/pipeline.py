"""The pipeline: which passes run, in which order, in which mode.

`optimise` is what a compile calls, `stabilise` what differentiation calls,
`rewrite_graph` what a user calls to see rules at work. A mode is a pipeline with a
name; `including` and `excluding` take names of passes and rules, and tags.
"""

from __future__ import annotations

import gc
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.errors import OptimiserError
from symnb.optim.collect import collecting
from symnb.optim.fold import FOLDING
from symnb.optim.passes import MERGE, Compile, Pass, apply
from symnb.optim.rule import Rule, Ruleset
from symnb.optim.rules.algebra import ALGEBRA
from symnb.optim.rules.blas import BLAS
from symnb.optim.rules.indexing import INDEXING
from symnb.optim.rules.logic import LOGIC
from symnb.optim.rules.reductions import REDUCTIONS
from symnb.optim.rules.stability import SHIFTS, STABILITY
from symnb.optim.rules.views import MARKERS, VIEWS
from symnb.optim.trace import PassRecord, Trace
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


SIMPLIFY = ALGEBRA + LOGIC + VIEWS + INDEXING + FOLDING
TIDY = SIMPLIFY + STABILITY + REDUCTIONS + MARKERS

PIPELINE = Pipeline((
    MERGE,
    apply(FOLDING, "fold"),
    apply(SIMPLIFY, "simplify"),
    apply(SHIFTS, "shift", tags=frozenset({"stability"})),
    apply(STABILITY + SIMPLIFY, "stabilise", tags=frozenset({"stability"})),
    collecting(),
    apply(TIDY, "reduce"),
    apply(BLAS, "blas"),
    apply(TIDY, "tidy"),
))  # fmt: skip

FAST = Pipeline((MERGE, apply(SIMPLIFY + MARKERS, "simplify")))


def _keeps(rule: Rule) -> bool:
    """Whether a rule may run before differentiation: no tensor is cut off."""
    return not rule.drops and "after_gradient" not in rule.tags


GRADIENT = PIPELINE.without("fold", "collect", "reduce", "blas", "tidy").filtered(
    _keeps
)


# ----------------------------------------------------------------------------- modes


@dataclass(frozen=True)
class Mode:
    """How a function is compiled.

    name      as printed
    include   names of rules, passes and tags added to `base`
    exclude   names taken out of it
    device    c | py | cuda; None: the configured one
    passes    a pipeline of the user's own, in place of the named one
    """

    name: str = "FAST_RUN"
    exclude: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    device: str | None = None
    passes: Pipeline | None = None

    @property
    def pipeline(self) -> Pipeline:
        """The passes this mode runs."""
        if self.passes is not None:
            return self.passes
        return _pipeline(self.name, self.exclude, self.include)

    def excluding(self, *names: str) -> Mode:
        """Without these passes, rules or tags. Raises OptimiserError."""
        _check_known(names)
        return replace(self, exclude=self.exclude | set(names))

    def including(self, *names: str) -> Mode:
        """With these passes, rules or tags."""
        _check_known(names)
        return replace(
            self, exclude=self.exclude - set(names), include=self.include | set(names)
        )

    @property
    def digest(self) -> str:
        """Changes whenever the passes or the rules of this mode may."""
        parts = [
            self.name,
            *sorted(self.exclude),
            "+",
            *sorted(self.include),
            _sources(),
        ]
        if self.passes is not None:  # functions of a user's rules have no digest
            parts += [_PROCESS, str(id(self.passes))]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()

    def __str__(self) -> str:
        return self.name


_PROCESS = secrets.token_hex(8)
_kept: list[Pipeline] = []  # so that no later pipeline has the id of one used before

MODES = ("FAST_RUN", "FAST_COMPILE", "strict", "None")


def get_mode(mode: Any = None) -> Mode:
    """The mode called `mode`; None is the configured one. Raises OptimiserError."""
    if isinstance(mode, Mode):
        return mode
    if isinstance(mode, Pipeline):
        _kept.append(mode)
        return Mode("custom", passes=mode)
    name = config.mode if mode is None else str(mode)
    for known in MODES:
        if name.lower() == known.lower():
            return Mode(known)
    raise OptimiserError(f"no mode {name!r}; modes are {', '.join(MODES)}.")


@lru_cache(maxsize=64)
def _pipeline(name: str, exclude: frozenset[str], include: frozenset[str]) -> Pipeline:
    base = {
        "FAST_RUN": PIPELINE,
        "FAST_COMPILE": FAST,
        "strict": PIPELINE.filtered(lambda rule: rule.contract.strict),
        "None": Pipeline(()),
    }[name]
    if name == "strict":
        base = Pipeline(p for p in base if p.contract == "bitwise")
    if include:
        base = _included(base, include)
    if not exclude:
        return base
    kept = Pipeline(
        p for p in base if p.name not in exclude and not p.tags & exclude
    )  # fmt: skip
    return kept.filtered(lambda rule: not rule.words & exclude)


def _included(base: Pipeline, names: frozenset[str]) -> Pipeline:
    """`base` and, in their places, what `names` adds of the full pipeline."""

    def wanted(rule: Rule) -> bool:
        return rule in present or bool(rule.words & names)

    present = set(base.rules)
    passes: list[Pass] = []
    for one in PIPELINE:
        if one in base or one.name in names or one.tags & names:
            passes.append(one)
            continue
        part = one.filtered(wanted) if one.rules is not None else None
        if part is not None:
            passes.append(part)
    return Pipeline(passes)


def _check_known(names: Iterable[str]) -> None:
    known = {p.name for p in PIPELINE} | {t for p in PIPELINE for t in p.tags}
    for rule in PIPELINE.rules:
        known |= rule.words
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, 3)
            cure = f"\nFix: did you mean {' or '.join(close)}?" if close else ""
            raise OptimiserError(f"no pass, rule or tag {name!r}.{cure}")


@lru_cache(maxsize=1)
def _sources() -> str:
    """Digest of the optimiser's source: any change of a rule changes it."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


# ------------------------------------------------------------------------- running it


def run_passes(
    graph: Graph, passes: Iterable[Pass], compile: Compile
) -> tuple[Graph, list[PassRecord]]:
    """The graph after all passes, and the record of each."""
    records: list[PassRecord] = []
    with config.change(compute_test_value="off"), collector_paused():
        for one in passes:
            record = one(graph, compile)
            if compile.check:
                validate(record)
            records.append(record)
            graph = record.after
    return graph, records


@contextmanager
def collector_paused() -> Iterator[None]:
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


def optimise(
    graph: Graph,
    mode: Mode | str | None = None,
    first: Sequence[PassRecord] = (),
    limit: int | None = None,
    check: bool = False,
) -> tuple[Graph, Trace]:
    """The optimised graph and the story of how it came about.

    first  records of passes that ran before (specialise, the gradient's)
    limit  number of firings after which rules stop, for bisection
    check  validate the graph after every pass
    """
    compile = Compile(record=config.record, limit=limit, check=check)
    after, records = run_passes(graph, get_mode(mode).pipeline, compile)
    return after, Trace([*first, *records])


def stabilise(roots: Sequence[Node]) -> tuple[dict[Node, Node], list[PassRecord]]:
    """What becomes of `roots` before they are differentiated, and how.

    Merges, simplifies and applies the stability rules, but none that would cut a
    tensor off from the result. Raises FuelError.
    """
    graph = Graph((), tuple(roots), name="gradient")
    compile = Compile(record=config.record)
    after, records = run_passes(graph, GRADIENT, compile)
    for record in records:
        record.phase = "gradient"
    return dict(zip(roots, after.roots, strict=True)), records


def rewrite_graph(
    target: Graph | Node | Sequence[Node],
    include: str | Iterable[str] | Ruleset = (),
    exclude: Iterable[str] = (),
    mode: Mode | str = "FAST_RUN",
) -> Any:
    """`target` after the passes of `mode`, in the form it was given.

    include  names of passes or rules: only these; or a rule set to apply
    exclude  names of passes, rules or tags to leave out
    """
    if isinstance(include, Ruleset):
        passes = Pipeline((MERGE, apply(include)))
    else:
        chosen = get_mode(mode).excluding(*exclude).pipeline
        names = (include,) if isinstance(include, str) else tuple(include)
        _check_known(names)
        passes = chosen.only(*names) if names else chosen
    if isinstance(target, Graph):
        return run_passes(target, passes, Compile())[0]
    roots = (target,) if isinstance(target, Node) else tuple(target)
    after, _ = run_passes(Graph((), roots), passes, Compile())
    return after.outputs[0] if isinstance(target, Node) else list(after.outputs)
