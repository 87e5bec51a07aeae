"""While a larger function compiles, NumPy answers: until when, and what goes wrong.

The compiler here is a script that waits as long as a file exists, so that no test
depends on how long anything takes.
"""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import symnb
import symnb.tensor as T
from symnb.compile import background, build, cache
from symnb.compile.extern import own
from symnb.compile.processor import vector_bytes
from symnb.compile.runtime import dispatch
from symnb.errors import ArgumentError, BuildError, DTypeError, RankError
from symnb.options import config

pytestmark = [
    pytest.mark.cc,
    pytest.mark.filterwarnings("ignore:This process.*is multi-threaded"),
]

ROUNDS = 30  # of arithmetic: more nodes than a small function has


class Held:
    """A compiler that waits while `hold` exists, and then fails if `broken` exists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hold, self.broken = folder / "hold", folder / "broken"
        self.started = folder / "started"
        self.command = folder / "cc"
        self.command.write_text(f"""#!/bin/sh
        case "$*" in *--version*|*-print-*) exec {shutil.which("cc")} "$@";; esac
        echo $$ >> {self.started}
        while [ -e {self.hold} ]; do sleep 0.01; done
        [ -e {self.broken} ] && echo "error: out of luck" >&2 && exit 1
        exec {shutil.which("cc")} "$@"
        """)
        self.command.chmod(0o755)

    def options(self) -> dict[str, Any]:
        """Options to compile with it."""
        return {"cc": str(self.command), "first_answers": "reference", "threads": 2}


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """That compiler, known to the cache; what a machine needs once is built before."""
    dispatch.load()
    own.library(vector_bytes())
    made = Held(tmp_path_factory.mktemp("held"))
    with config.change(**made.options()):
        symnb.function([], T.constant(1.0))()
    return made


@pytest.fixture
def held(compiler: Held) -> Iterator[Held]:
    """That compiler in use; it waits."""
    with config.change(**compiler.options()):
        compiler.hold.touch()
        compiler.broken.unlink(missing_ok=True)
        try:
            yield compiler
        finally:
            compiler.hold.unlink(missing_ok=True)
            for item in list(background._running):
                item.end()


_numbers = count(1)


class Large:
    """Exact arithmetic of many steps, the same on arrays and tensors of int64."""

    def __init__(self) -> None:
        self.number = next(_numbers)  # no other test's function is this one

    def __call__(self, x: Any, rounds: int = ROUNDS) -> Any:
        y = x
        for k in range(1, rounds):
            y = (y % (k + 1000003)) * (k + 2 + self.number) + x // k
        return y

    def function(self, **options: Any) -> Any:
        """It, compiled or to be."""
        x = T.lvector("x")
        return symnb.function([x], self(x), **options)


VALUES = np.arange(-50, 50)


def test_numpy_answers_until_the_compiler_is_done(held: Held) -> None:
    large = Large()
    f = large.function()
    assert f.tier == "reference" and "compiling" in repr(f)
    np.testing.assert_array_equal(f(VALUES), large(VALUES))
    np.testing.assert_array_equal(f(x=VALUES), large(VALUES))
    assert f.tier == "reference" and f.calls == 0
    held.hold.unlink()
    f.wait()
    assert f.tier == "compiled" and "compiling" not in repr(f)
    np.testing.assert_array_equal(f(VALUES), large(VALUES))
    assert f.calls == 1
    [row] = [d for d in f.program.decisions if d.kind == "tier"]
    assert "first 2 calls" in row.reason and row.chosen.startswith("compiled in")


def test_a_call_after_the_compile_is_the_compiled_codes(held: Held) -> None:
    large = Large()
    f = large.function()
    f(VALUES)
    held.hold.unlink()
    f.variant.pending._thread.join()
    assert f.tier == "reference"  # who answered the last call
    np.testing.assert_array_equal(f(VALUES), large(VALUES))
    assert f.tier == "compiled" and f.calls == 1


def test_its_answers_are_numpys(held: Held) -> None:
    large = Large()
    f = large.function()

    @settings(max_examples=30)
    @given(
        values=hnp.arrays(
            np.int64, st.integers(0, 40), elements=st.integers(-(2**40), 2**40)
        )
    )
    def answers(values: Any) -> None:
        np.testing.assert_array_equal(f(values), large(values))

    answers()
    assert f.tier == "reference"


def test_wrong_arguments_meanwhile_are_told_as_always(held: Held) -> None:
    large = Large()
    f = large.function()
    for wrong in ((), (np.ones(3),), (np.ones((2, 2), int),), (VALUES, VALUES)):
        with pytest.raises((ArgumentError, DTypeError, RankError)):
            f(*wrong)
    assert f.tier == "reference"


@pytest.mark.parametrize("way", ["option", "argument", "reproducible", "small"])
def test_calls_wait_where_nobody_asked_or_nothing_is_won(held: Held, way: str) -> None:
    large = Large()
    held.hold.unlink()
    off = {"first_answers": "compiled"} if way == "option" else {}
    off |= {"reproducible": True} if way == "reproducible" else {}
    with config.change(**off):
        if way == "argument":
            f = large.function(first_answers="compiled")
        elif way == "small":
            x = T.lvector("x")
            f = symnb.function([x], large(x, 3))
        else:
            f = large.function()
    assert f.tier == "compiled" and f.variant.pending is None


def test_calls_with_updates_or_random_draws_wait(held: Held) -> None:
    large = Large()
    held.hold.unlink()
    x, state = T.lvector("x"), symnb.shared(VALUES)
    f = symnb.function([x], large(x), updates={state: large(state + x)})
    assert f.tier == "compiled"
    draw = T.shared_randomstreams.RandomStreams(1).uniform((3,))
    y = large(x)
    g = symnb.function([x], [y, draw], no_default_updates=True)
    assert g.tier == "compiled"


def test_the_argument_asks_where_the_option_does_not(held: Held) -> None:
    large = Large()
    with config.change(first_answers="compiled"):
        f = large.function(first_answers="reference")
    assert f.tier == "reference"
    with pytest.raises(ValueError, match="first_answers"):
        large.function(first_answers="numpy")


def test_a_function_of_the_cache_waits_for_nothing(held: Held) -> None:
    large = Large()
    held.hold.unlink()
    large.function().wait()
    held.hold.touch()
    f = large.function()
    assert f.tier == "compiled" and f.variant.from_cache
    np.testing.assert_array_equal(f(VALUES), large(VALUES))


def test_outputs_of_every_form(held: Held) -> None:
    large = Large()
    x = T.lvector("x")
    several = symnb.function([x], [large(x), x + 1], name="several")
    keyed = symnb.function([x], {"a": large(x + 1), "b": x}, name="keyed")
    assert several.tier == keyed.tier == "reference"
    for _ in range(2):
        first, second = several(VALUES)
        np.testing.assert_array_equal(first, large(VALUES))
        np.testing.assert_array_equal(second, VALUES + 1)
        found = keyed(VALUES)
        np.testing.assert_array_equal(found["a"], large(VALUES + 1))
        np.testing.assert_array_equal(found["b"], VALUES)
        held.hold.unlink(missing_ok=True)
        several.wait(), keyed.wait()


def test_a_result_meanwhile_is_the_callers_own(held: Held) -> None:
    large = Large()
    x = T.lvector("x")
    f = symnb.function([x], [large(x), x], name="own")
    values = VALUES.copy()
    same = f(values)[1]
    same[:] = 7
    np.testing.assert_array_equal(values, VALUES)


# ---- what goes wrong --------------------------------------------------------


def test_an_error_of_the_compiler_is_told_by_the_next_call(held: Held) -> None:
    large = Large()
    f = large.function()
    np.testing.assert_array_equal(f(VALUES), large(VALUES))
    held.broken.touch()
    held.hold.unlink()
    f.variant.pending._thread.join()
    for _ in range(2):
        with pytest.raises(BuildError, match="out of luck"):
            f(VALUES)
    with pytest.raises(BuildError, match="out of luck"):
        f.wait()


def test_looking_inside_waits_for_what_it_needs(held: Held) -> None:
    large = Large()
    f = large.function()
    assert f.trace.passes and "symnb_run" in f.source()  # no need of the compiler
    threading.Timer(0.05, held.hold.unlink).start()
    assert f.check([VALUES])
    assert f.tier == "compiled"


def test_a_pickle_meanwhile_is_a_function(held: Held) -> None:
    large = Large()
    f = large.function()
    again = pickle.loads(pickle.dumps(f))
    assert again.tier == "reference"
    np.testing.assert_array_equal(again(VALUES), large(VALUES))
    held.hold.unlink()
    again.wait(), f.wait()
    np.testing.assert_array_equal(again(VALUES), large(VALUES))


def test_a_function_dropped_meanwhile_is_in_the_cache_later(held: Held) -> None:
    large = Large()
    f = large.function()
    key, pending = f.variant.key, f.variant.pending
    del f
    held.hold.unlink()
    pending._thread.join()
    assert build.find(key) is not None


def test_an_interrupt_of_waiting_loses_nothing(held: Held) -> None:
    large = Large()
    f = large.function()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        f.wait()
    assert f.tier == "reference"
    held.hold.unlink()
    f.wait()
    np.testing.assert_array_equal(f(VALUES), large(VALUES))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_compiles_for_itself(held: Held) -> None:
    large = Large()
    f = large.function()
    child = os.fork()
    if child == 0:  # the thread that compiles stayed with the parent
        held.hold.unlink()
        right = np.array_equal(f(VALUES), large(VALUES)) and f.tier == "compiled"
        del f
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    f.wait()
    np.testing.assert_array_equal(f(VALUES), large(VALUES))
    assert f.variant.library.entry.library.exists()


SCRIPT = """
import sys, numpy as np, symnb, symnb.tensor as T
x = T.lvector("x")
def steps(y, x):
    for k in range(1, 30):
        y = (y % (k + 1000003)) * (k + 2) + x // k
    return y
f = symnb.function([x], steps(x, x))
values = np.arange(300)
assert f.tier == "reference", f.tier
assert (f(values) == steps(values, values)).all()
"""


def test_the_end_of_the_process_ends_the_compiler(held: Held) -> None:
    held.started.unlink()
    environment = os.environ | {
        f"SYMNB_{k.upper()}": str(v) for k, v in held.options().items()
    }
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert child.communicate(timeout=60) == ("", None) and child.returncode == 0
    root = cache.current().root
    assert root is not None and not [*root.glob(f"{cache.SCRATCH}{child.pid}-*")]
    pids = [int(word) for word in held.started.read_text().split()]
    assert pids
    for pid in pids:
        _until_gone(pid)


def _until_gone(pid: int) -> None:
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} still runs")
