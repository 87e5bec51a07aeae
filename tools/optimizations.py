"""Writes docs/optimizations.md: every rule, its evidence, and who answers each idea.

    python -m tools.optimizations          measures rules that are new or have changed
    python -m tools.optimizations --all    measures every rule again

What was measured is kept in symnb/optim/evidence.tsv, one line a rule, so that page
and inspector say the same on every machine until somebody measures again. A rule that
breaks its word is an error: no page is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import groupby
from pathlib import Path

from symnb.optim import catalogue
from symnb.optim.catalogue import Row
from symnb.optim.evidence import KEPT, Measured, form_of, kept
from symnb.optim.pipeline import FULL
from symnb.optim.rule import Rule
from symnb.optim.stages import STAGES
from symnb.optim.verify import SPREAD, measure

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "optimizations.md"


# ----------------------------------------------------------------------------- evidence


def measured(rule: Rule) -> Measured:
    """The evidence for a rule, now. Raises ValueError when it breaks its word."""
    found = measure(rule)
    if not found.holds:
        raise ValueError(f"{rule.name} ({rule}) breaks its word: {found.broken}")
    return Measured(
        rule.name, form_of(rule), " ".join(sorted(found.fired)), found.samples,
        found.same, found.left, found.right,
    )  # fmt: skip


def contradiction(rule: Rule, seen: Measured) -> str:
    """In what the evidence contradicts the declared contract; "" if in nothing."""
    left, right = seen.left, seen.right
    if rule.contract.strict:
        equal = seen.same == seen.samples
        return "" if equal else f"{seen.samples - seen.same} samples differ"
    if rule.contract.name == "stabler":
        worse = right[0] > max(2 * left[0], SPREAD)
        return f"the right side errs by {right[0]} ulp, the left by {left[0]}" * worse
    bound = max(left) + rule.contract.bound  # elements of one result share their luck
    return f"{right[0]} ulp of {bound} allowed" * (right[0] > bound)


def renew(everything: bool = False) -> dict[str, Measured]:
    """Measure what is not kept, or has changed; write the data file."""
    old, new = kept(), dict[str, Measured]()
    for rule in FULL.rules:
        seen = old.get(rule.name)
        if everything or seen is None or seen.form != form_of(rule):
            seen = measured(rule)
        new[rule.name] = seen
    heading = "# rule\tform\tdtypes\tsamples\tequal\tleft 50%\t99%\tright 50%\t99%"
    lines = [heading, *(new[name].line for name in sorted(new))]
    KEPT.write_text("\n".join(lines) + "\n", "utf-8")
    return kept()


# --------------------------------------------------------------------------------- page

INTRODUCTION = """\
# What the optimiser does

Written by `python -m tools.optimizations`; do not edit.

The first part has one line for each of the {rules} rules: left → right side, under
which condition, what it promises, what was measured, why, whence, and the Theano and
PyTensor names it answers to (`mode.excluding("local_log1p")` understands those). The
second has the {rows} ideas of Theano and PyTensor and who answers each.

**Contracts.** {contracts}

**Measured**: both sides run on samples of every dtype (specials, all magnitudes,
near-cancellation), compared bit by bit and where they differ with their exact value:
"128 equal" counts samples that agree in every bit; otherwise median / 99th percentile
of the error, in units in the last place, of the left → of the right side.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _codes(names: Iterable[str]) -> str:
    return " ".join(_code(name) for name in names)


def _table(heading: str, rows: Iterable[Iterable[str]]) -> Iterator[str]:
    columns = heading.split(" | ")
    yield f"| {heading} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _subject(rule: Rule) -> str:
    """The module a rule stands in, below `symnb`."""
    path = Path(rule.file).with_suffix("").parts
    return ".".join(path[len(path) - path[::-1].index("symnb") - 1 :])


def _about(module: str) -> str:
    text = import_module(module).__doc__ or ""
    return text.splitlines()[0]


def _rule_cells(rule: Rule, seen: Measured) -> tuple[str, ...]:
    arrow = f"{_code(rule.lhs_text)} → {_code(rule.rhs_text)}"
    return (
        _code(rule.name), arrow, _cell(rule.where_text), rule.contract.stated,
        seen.text, _cell(rule.reason), _cell(rule.source), _codes(rule.answers),
    )  # fmt: skip


def _rules(evidence: Mapping[str, Measured]) -> Iterator[str]:
    yield "## Rules"
    yield ""
    rules = sorted(FULL.rules, key=_subject)
    for module, some in groupby(rules, _subject):
        yield f"### {module.removeprefix('symnb.optim.')}"
        yield ""
        yield _about(module)
        yield ""
        heading = "rule | left → right | where | contract | measured | why | source"
        rows = [_rule_cells(rule, evidence[rule.name]) for rule in some]
        yield from _table(f"{heading} | answers to", rows)


def answering(row: Row) -> list[str]:
    """Rules and stages that answer to a name of the row."""
    names = set(row.names)
    rules = [rule.name for rule in FULL.rules if names & set(rule.answers)]
    return rules + [stage.name for stage in STAGES if names & set(stage.answers)]


# What the ops of a part come with.
LATER = {
    "N": "loops", "O": "lazy branches", "P": "neural nets", "Q": "sparse matrices",
    "R": "named axes", "S": "GPUs",
}  # fmt: skip


def _answer(row: Row) -> str:
    if row.kind == "rule":
        with_ops = f"later: with {LATER[row.part]}" if row.part in LATER else "open"
        return _codes(answering(row)) or ("no" if row.verdict == "skip" else with_ops)
    if row.kind == "pass":
        note = row.answer.partition(":")[2].strip()
        told = f"pass {_codes(row.passes)}"
        return f"{told}: {_cell(note)}" if note else told
    return _cell(row.answer)


def _ideas() -> Iterator[str]:
    yield "## Theano's and PyTensor's rewrites"
    yield ""
    yield "T: in Theano, P: in PyTensor, G: on Theano's GPU; small: off by default."
    yield ""
    for part, rows in groupby(catalogue.rows(), lambda row: row.part):
        yield f"### {part}. {catalogue.titles()[part]}"
        yield ""
        cells = [
            (_codes(r.names), _cell(r.formula), r.systems, r.verdict, _answer(r))
            for r in rows
        ]
        yield from _table("names | before → after | in | verdict | answer", cells)


def page(evidence: Mapping[str, Measured]) -> str:
    """The text of docs/optimizations.md."""
    contracts = {rule.contract.name: rule.contract for rule in FULL.rules}
    told = "; ".join(f"*{name}*: {c.promise}" for name, c in sorted(contracts.items()))
    head = INTRODUCTION.format(
        rules=len(FULL.rules), rows=len(catalogue.rows()), contracts=told
    )
    return "\n".join([head, *_rules(evidence), *_ideas()]).rstrip() + "\n"


def main() -> None:
    """Measure what is new, write the page."""
    parser = argparse.ArgumentParser(description="Write docs/optimizations.md.")
    parser.add_argument("--all", action="store_true", help="measure every rule again")
    evidence = renew(parser.parse_args().all)
    PAGE.write_text(page(evidence), "utf-8")


if __name__ == "__main__":
    main()
