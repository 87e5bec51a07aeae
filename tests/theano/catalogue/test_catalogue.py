"""Every rewrite that Theano or PyTensor has is answered, and shown."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from symnb.optim import catalogue
from symnb.optim.pipeline import PIPELINE
from symnb.viz.text import tree_text
from tests.theano.catalogue.shows import SHOWS, WITNESSES, Show, together, values

for path in sorted(Path(__file__).parent.glob("part_*.py")):
    importlib.import_module(f"{__package__}.{path.stem}")

# Parts whose ops exist; N to S come with loops, sparse matrices and GPUs.
SHOWN = "ABCDEFGHIJKLM"
ANSWERED = {name for rule in PIPELINE.rules for name in rule.answers}


@pytest.mark.parametrize("show", SHOWS, ids=lambda show: show.id)
def test_before_becomes_after(show: Show) -> None:
    _, done, wanted = together(show)
    for got, want in zip(done.roots, wanted.roots, strict=True):
        assert got is want, f"\n{tree_text(got)}\nis not\n{tree_text(want)}"


@pytest.mark.parametrize("show", SHOWS, ids=lambda show: show.id)
def test_before_and_after_have_the_same_values(show: Show) -> None:
    built, _, wanted = together(show)
    for got, want in zip(values(show, built), values(show, wanted), strict=True):
        np.testing.assert_allclose(got, want, rtol=show.rtol, atol=1e-300)


EVERY_WITNESS = list(dict.fromkeys(w for tests in WITNESSES.values() for w in tests))


@pytest.mark.parametrize("test", EVERY_WITNESS, ids=lambda test: test.__name__)
def test_witness(test) -> None:
    test()


def test_every_row_that_we_must_answer_is_shown() -> None:
    shown = {name for show in SHOWS for name in show.names} | set(WITNESSES)
    missing = [
        str(row)
        for row in catalogue.rows()
        if row.part in SHOWN
        and row.verdict == "must"
        and row.kind in ("rule", "pass", "construction")
        and shown.isdisjoint(row.names)
    ]
    assert not missing, "\n".join(missing)


def test_every_row_that_we_must_answer_is_answered() -> None:
    open_rows = [
        str(row)
        for row in catalogue.rows()
        if row.part in SHOWN
        and row.verdict == "must"
        and row.kind == "rule"
        and ANSWERED.isdisjoint(row.names)
    ]
    assert not open_rows, "\n".join(open_rows)


def test_rules_answer_only_to_names_of_the_catalogue() -> None:
    known = {name for row in catalogue.rows() for name in row.names}
    unknown = ANSWERED - known
    assert not unknown, sorted(unknown)


def test_every_show_names_rewrites_of_the_catalogue() -> None:
    known = {name for row in catalogue.rows() for name in row.names}
    shown = {name for show in SHOWS for name in show.names} | set(WITNESSES)
    unknown = shown - known
    assert not unknown, sorted(unknown)


def test_the_catalogue_is_whole() -> None:
    rows = catalogue.rows()
    names = [name for row in rows for name in row.names]
    assert len(rows) == 294
    assert len(names) == len(set(names)) == 692
    assert all(row.kind in ("rule", *catalogue.KINDS) for row in rows)
