"""`Variant`: one compiled form of a graph, from the cache or from the compiler.

A graph whose digest was seen before is loaded without optimiser or code generator,
which are not even imported: what is needed to call the shared object stands in the
record beside it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import symnb.compile.build as builder
from symnb.compile.background import Background
from symnb.compile.codec import decode
from symnb.compile.extern import own
from symnb.compile.extern.blas import NAMES, control
from symnb.compile.extern.lapack import addresses, convention
from symnb.compile.failures import typed
from symnb.compile.opaque import OpaqueSteps, Where
from symnb.compile.processor import vector_bytes
from symnb.compile.runtime.spec import ArraySpec, CallSpec, Opaque
from symnb.compile.specialise import Specialised
from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.shared import Shared
from symnb.optim.mode import Mode
from symnb.options import config

if TYPE_CHECKING:
    from symnb.compile.story import Record, Story


def call_spec(
    record: Record,
    graph: Graph,
    library: builder.Library,
    names: Sequence[str],
    returns: str,
    where: Where | None = None,
    failure: Callable[[int, int, int], Exception] | None = None,
) -> CallSpec:
    """How the loaded library is called, bound to the graph's shared storage.

    graph  the specialised graph the record was made from, whose leaves give the state
    where  rows about a step, for messages
    failure  (number, a, b) of what failed -> the error
    """
    named = list(zip(names, graph.inputs, strict=True))
    slots, arguments = _array_specs(record["arguments"], record["slots"], named)
    state = [cast(Shared, graph.shared[i]) for i in record["state"]]
    storages = [leaf.storage for leaf in state]
    named = [(leaf.name or f"shared {i}", leaf) for i, leaf in enumerate(state)]
    slots, shared = _array_specs(record["shared"], slots, named)
    steps = {int(n): item for n, item in record["opaque"].items()}
    python = OpaqueSteps(steps, graph.name, where)
    return CallSpec(
        arguments=arguments,
        shared=tuple(zip(storages, shared, strict=True)),
        constants=tuple(decode(item) for item in record["constants"]),
        outputs=tuple(_output(i, o) for i, o in enumerate(record["outputs"])),
        updates=tuple((i, _output(i, o)) for i, o in record["updates"]),
        slots=slots,
        run=library.run,
        plan=library.plan,
        externs=addresses(record["externs"]),
        control=_control(record["externs"], bool(steps)),
        python=python.run if steps else None,
        steps=len(record["steps"]),
        work=record["work"],
        returns=returns,
        opaque={n: _opaque(item) for n, item in steps.items()},
        name=graph.name,
        where=where,
        failure=failure,
    )


def _control(externs: Sequence[str], in_python: bool) -> tuple[int, int, int]:
    """What tells BLAS its threads, and whether it has one all through the call.

    Our own threads share its products out; LAPACK and NumPy keep BLAS's.
    """
    if not externs and not in_python:
        return (0, 0, 0)
    alone = not in_python and all(name in (*NAMES, *own.NAMES) for name in externs)
    return (*control(), int(alone))


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
    """One compiled form of a graph: its library at once, its story when asked.

    pending  the compile that still runs; None when the library is there
    """

    def __init__(
        self, specialised: Specialised, mode: Mode, in_background: bool = False
    ) -> None:
        self.specialised = specialised
        self.mode = mode
        self.pending: Background | None = None
        found = builder.find(self.key)
        self.from_cache = found is not None
        self._library = found or self._built(in_background)

    def _built(self, in_background: bool) -> builder.Library | None:
        """The library; None while a thread makes it."""
        with contextlib.ExitStack() as stack:
            ahead = stack.enter_context(builder.started_ahead(self._units()))
            units, meta = self.story.units, {"program": self.story.record}
            make = builder.prepared(units, self.key, meta, ahead)
            if not in_background:
                return make()
            again = functools.partial(builder.build, units, self.key, meta)
            self.pending = Background(make, again, stack.pop_all())
        return None

    @property
    def library(self) -> builder.Library:
        """The loaded library; waits for it. Raises BuildError."""
        if self._library is None:
            assert self.pending is not None
            self._library = self.pending.result()
            self.pending = None
        return self._library

    @property
    def seconds(self) -> float:
        """What the compiler took; 0.0 from the cache."""
        return self.library.seconds

    def _units(self) -> int:
        """How many units the program will at least have, if it has kernels."""
        return min(2, 1 if config.reproducible else config.threads)

    @cached_property
    def key(self) -> str:
        """Digest of all the C text depends on, except the machine."""
        checks = [
            f"{c.node.op.name} {c.left} {c.right}" for c in self.specialised.checks
        ]
        parts = [
            "program 3",
            self.specialised.graph.digest,
            self.mode.digest,
            f"vector {vector_bytes()}",
            convention(),
            *checks,
        ]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    @cached_property
    def story(self) -> Story:
        """Trace, optimised graph, program and texts."""
        # A program from the cache needs neither optimiser nor code generator.
        from symnb.compile.story import tell

        return tell(self.specialised, self.mode)

    @property
    def record(self) -> Record:
        """How the library is called."""
        return self.library.entry.meta["program"]

    def spec(self, names: Sequence[str], returns: str) -> CallSpec:
        """The call bound to the graph's state."""
        graph = self.specialised.graph
        told = self.where, self.failure
        return call_spec(self.record, graph, self.library, names, returns, *told)

    def where(self, step: int) -> list[tuple[str, ...]]:
        """Rows (op, type, site, text) of a step's nodes; tells the story again."""
        program = self.story.program
        if program is None or not 0 <= step < len(program.steps):
            return []
        nodes = program.steps[step].nodes
        rows = [
            (n.op.name, str(n.type), str(n.site), typed(n)) for n in nodes if n.site
        ]
        return list(dict.fromkeys(rows))

    def failure(self, number: int, a: int, b: int) -> Exception:
        """The error of an entry of the table of failures; tells the story again."""
        return self.story.failures[number].error(self.specialised.graph.name, a, b)
