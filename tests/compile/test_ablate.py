"""`symnb.ablate`: a row for everything that can be left out; the user's state stays."""

import re

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.compile.ablate import changes
from symnb.compile.ablation import ALL, NOTHING
from symnb.errors import ArgumentError, CellError
from symnb.optim.mode import get_mode
from symnb.optim.stages import NAMES

DATA = np.random.default_rng(3).normal(size=(20, 8))


@pytest.fixture
def by_numpy():
    with symnb.config.change(device="py"):
        yield


def softmax_loss():
    """A naive cross-entropy, whose weights are trained by a call."""
    W = symnb.shared(np.eye(8), name="W")
    x = T.dmatrix("x")
    e = T.exp(x @ W * 300.0)
    loss = -T.log(e / e.sum(axis=1, keepdims=True))[:, 0].sum()
    return W, symnb.function([x], loss, updates=[(W, W * 0.5)], name="loss")


@pytest.fixture(scope="module")
def compiled():
    """Function, table, and W before and after."""
    with symnb.config.change(device="c", threads=1):
        W, f = softmax_loss()
        before = W.get_value()
        table = symnb.ablate(f, [DATA], seconds=0.05)
        return f, table, before, W.get_value()


@pytest.mark.cc
def test_there_is_a_row_for_every_pass_and_stage(compiled) -> None:
    f, table, *_ = compiled
    names = [row.name for row in table]
    assert names[0] == NOTHING and names[-1] == ALL
    assert names[1:-1] == [name for name, *_ in changes(f.mode)][:-1]
    assert set(f.mode.pipeline.names) | NAMES <= set(names)


@pytest.mark.cc
def test_what_changes_nothing_is_no_program_of_its_own(compiled) -> None:
    _, table, *_ = compiled
    assert {row.name for row in table if row.same} == set(table.idle) != set()
    assert all(row.ns == table[NOTHING].ns for row in table if row.same)
    assert table.idle[0] in str(table)


@pytest.mark.cc
def test_rows_say_what_was_lost(compiled) -> None:
    """As written exp(300 * 3) overflows: inf / inf is no number at all."""
    _, table, *_ = compiled
    assert table[NOTHING].ulp < 1e3
    assert table["stabler"].ulp == float("inf")
    assert table[ALL].ulp == float("inf")
    assert table["fuse"].kernels > table[NOTHING].kernels
    assert table[ALL].nbytes > table[NOTHING].nbytes
    assert table[ALL].steps > table[NOTHING].steps
    assert table.times(NOTHING) == 1.0 and table.times(ALL) > 0.0


@pytest.mark.cc
def test_state_is_not_advanced(compiled) -> None:
    *_, before, after = compiled
    np.testing.assert_array_equal(before, after)


@pytest.mark.cc
def test_the_table_is_shown_as_text_and_html(compiled) -> None:
    _, table, *_ = compiled
    shown = table._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html"}
    assert shown["text/plain"] == str(table) == repr(table)
    assert "without" in str(table) and "0." in str(table)
    assert shown["text/html"].count("<tr>") == 1 + len(table.cells)
    times = re.compile(r"\d [num]s\b|\dx\b")
    assert times.search(str(table))
    with symnb.config.change(reproducible=True):
        assert not times.search(str(table))


def test_without_c_the_passes_are_measured_on_numpy(by_numpy) -> None:
    x = T.dvector("x")
    table = symnb.ablate(symnb.function([x], T.exp(x) * 1), [DATA[0]], seconds=0.01)
    assert table["fuse"].same  # there are no stages
    assert not table[ALL].same
    with pytest.raises(KeyError, match="there are"):
        table["nonsense"]


def test_random_state_is_not_advanced(by_numpy) -> None:
    from symnb.tensor.shared_randomstreams import RandomStreams

    stream = RandomStreams(5)
    f = symnb.function([], stream.uniform((3,)) * 1 + 0)
    other = RandomStreams(5)
    g = symnb.function([], other.uniform((3,)) * 1 + 0)
    symnb.ablate(f, seconds=0.01)
    np.testing.assert_array_equal(f(), g())


def test_wrong_arguments_are_told_apart(by_numpy) -> None:
    x, y = T.dvectors("x", "y")
    f = symnb.function([x, y], x + y)
    with pytest.raises(ArgumentError, match="takes a compiled function, not 'Input'"):
        symnb.ablate(x, [DATA[0]])
    with pytest.raises(ArgumentError, match=r"Fix: symnb.ablate\(f, \[x, y\]\)"):
        symnb.ablate(f, {"x": DATA[0]})
    with pytest.raises(ArgumentError, match="y"):
        symnb.ablate(f, [DATA[0]])
    with pytest.raises(ValueError, match="equal sizes"):
        symnb.ablate(f, [DATA[0], DATA[0][:3]])


def test_a_mode_names_what_can_be_left_out_of_it() -> None:
    kinds = [kind for _, kind, *_ in changes(get_mode("o2"))]
    assert kinds == sorted(kinds, key=["pass", "rules", "stage", ""].index)
    names = [name for name, *_ in changes(get_mode("o1"))]
    assert names == ["merge", "fold", "simplify", "library", "simd", "threads", ALL]


def test_the_magic_reads_a_call() -> None:
    from symnb.magics.ablate import run

    x = T.dvector("x")
    with symnb.config.change(device="py"):
        f = symnb.function([x], x * 1, name="f")
        table = run("f(a) -s 0.01", {"f": f, "a": DATA[0]})
        assert table.name == "f" and table[NOTHING].ns
        with pytest.raises(CellError, match=r"Fix: %symablate f\(x\)"):
            run("f", {"f": f})
