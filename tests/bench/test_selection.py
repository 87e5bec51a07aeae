"""What a command line of the bench asks for."""

import pytest

from bench.selection import parsed
from bench.workloads import TIMED


def test_by_default_every_timed_row_is_run_beside_every_peer() -> None:
    chosen = parsed([])
    assert chosen.rows == tuple(work.name for work in TIMED)
    assert chosen.threads == (1, 2)
    assert chosen.systems[0] == "symnb" and "torch-compile" in chosen.systems
    assert "former" not in chosen.groups and not chosen.write


def test_rows_are_chosen_by_their_beginnings() -> None:
    chosen = parsed(["--rows", "sum_,softmax"])
    assert chosen.rows == ("softmax", "sum_ax0", "sum_ax1", "sum_all")
    assert chosen.groups == ("limits", "reduction")


def test_words_may_be_parted_by_commas_or_spaces() -> None:
    chosen = parsed(["--peers", "numpy jax", "--threads", "2"])
    assert chosen.systems == ("symnb", "numpy", "jax")
    assert chosen.threads == (2,)


def test_a_group_brings_its_rows_only() -> None:
    assert parsed(["--groups", "call"]).rows == (
        "call_scalar", "call_scalar_py", "call_vec8",
    )  # fmt: skip


@pytest.mark.parametrize("wrong", [
    ["--rows", "nosuch"], ["--peers", "fortran"], ["--groups", "all"],
    ["--threads", "two"],
])  # fmt: skip
def test_an_unknown_word_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(wrong)
