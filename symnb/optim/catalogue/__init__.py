"""The catalogue: every graph rewrite of Theano 1.0.5 and PyTensor 3, and who does it.

One row per idea, one file per part (`B.tsv`): verdict, where it exists, the names it
has there, before -> after, and our answer. The answer is empty where rules of ours
answer to the row's names (`Rule.answers` is the one place for that), else one of

    pass NAME [, NAME]    passes of the pipeline or stages of the kernels
    construction: REASON  cannot arise: what the rewrite mends is never built
    container             a name for other rewrites
    debugging: REASON     a hook that the recorded trace replaces
    later: REASON         belongs to ops that do not exist yet
    no: REASON            not wanted

Read once, when somebody asks; `docs/optimizations.md` is written from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

PARTS = "ABCDEFGHIJKLMNOPQRS"
KINDS = ("pass", "construction", "container", "debugging", "later", "no")


@dataclass(frozen=True)
class Row:
    """One idea.

    verdict  must | should | skip
    systems  T: Theano, P: PyTensor, G: Theano's GPU; lower case: off by default
    names    its names there
    formula  before -> after
    answer   ours, where no rule answers to the names
    """

    part: str
    verdict: str
    systems: str
    names: tuple[str, ...]
    formula: str
    answer: str

    @property
    def kind(self) -> str:
        """First word of the answer; "rule" where there is none."""
        return self.answer.split(":")[0].split()[0] if self.answer else "rule"

    @property
    def passes(self) -> tuple[str, ...]:
        """Names of the passes that answer."""
        if self.kind != "pass":
            return ()
        text = self.answer.removeprefix("pass ").split(":")[0]
        return tuple(name.strip() for name in text.split(","))

    def __str__(self) -> str:
        return f"{self.part}: {' '.join(self.names)}: {self.formula}"


def _lines(part: str) -> list[str]:
    text = resources.files(__name__).joinpath(f"{part}.tsv").read_text("utf-8")
    return text.splitlines()


@lru_cache(maxsize=1)
def titles() -> dict[str, str]:
    """Letter of a part -> what it is about."""
    return {part: _lines(part)[0].removeprefix("# ") for part in PARTS}


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """All rows, in the order of the parts."""
    found: list[Row] = []
    for part in PARTS:
        for line in _lines(part):
            if line.startswith("#"):
                continue
            verdict, systems, names, formula, answer = line.split("\t")
            found.append(
                Row(part, verdict, systems, tuple(names.split()), formula, answer)
            )
    return tuple(found)


@lru_cache(maxsize=1)
def passes_answering() -> dict[str, frozenset[str]]:
    """Pass -> the Theano and PyTensor names it answers to."""
    found: dict[str, frozenset[str]] = {}
    for row in rows():
        for name in row.passes:
            found[name] = found.get(name, frozenset()) | set(row.names)
    return found
