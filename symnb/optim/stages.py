"""The stages of the back end that can be switched off, by name.

Rules and passes work on the graph; a stage is a choice made below it, when the graph
becomes C. A mode carries the names of the stages it leaves out as `mode.off`, and
`mode.excluding("fuse")` leaves one out as if it were a pass. Results are the same up
to rounding without any of them; time and memory are not. The list is the only place
where names and meanings stand.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One switch of the back end.

    meaning  what it does, in one line
    answers  names of the Theano and PyTensor rewrites it answers to
    """

    name: str
    meaning: str
    answers: tuple[str, ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """What it is included or excluded by."""
        return frozenset((self.name, *self.answers))

    def __str__(self) -> str:
        return f"{self.name:<10} {self.meaning}"


STAGES = (
    Stage("fuse", "elementwise ops and reductions share one loop nest; off: a kernel "
          "for each op", ("elemwise_fusion", "fusion", "FusionOptimizer")),
    Stage("inplace", "a kernel writes over an operand that nobody reads afterwards",
          ("inplace_elemwise_optimizer", "inplace_elemwise")),
    Stage("reuse", "arrays that never live together share a place in the arena"),
    Stage("library", "matrix products run in BLAS; off: in plain loops"),
    Stage("simd", "loops use vector registers and vector functions"),
    Stage("threads", "long loops run in chunks, in threads"),
)  # fmt: skip

NAMES = frozenset(stage.name for stage in STAGES)


def stages_named(names: frozenset[str]) -> frozenset[str]:
    """The stages that any of `names` names, by their own name."""
    return frozenset(s.name for s in STAGES if s.words & names)
