"""Compiled functions when something goes wrong: signals, threads, compilers, disks."""

import os
import stat
import subprocess
import sys
import textwrap
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.errors import BoundsError, MatrixError, ShapeError, SymnbError
from symnb.tensor.signal.pool import pool_2d
from tests.compile.interrupts import interrupted

pytestmark = pytest.mark.cc
RNG = np.random.default_rng(20261122)


# ---------------------------------------------------------------------- interrupts


def long_rows(v):
    """Hours of work on a few kilobytes, in one kernel."""
    return T.exp(T.sin(v[:, None] * v[None])).sum(1)


def long_columns(v):
    return T.exp(T.sin(v[:, None] * v[None])).sum(0).max()


def long_result(v):
    return T.exp(v[:, None, None] * v[None, :, None] * v[None, None]).max((1, 2))


@pytest.mark.parametrize("make", [long_rows, long_columns, long_result])
def test_an_interrupt_stops_a_long_kernel_and_leaves_state(make):
    v, s = T.fvector("v"), symnb.shared(np.ones(3), name="s")
    f = symnb.function([v], make(v), updates=[(s, s * 2)])
    short = np.linspace(0, 1, 5, dtype="float32")
    before = f(short)
    with interrupted(within=2):
        f(np.linspace(0, 1, 300_000, dtype="float32"))
    np.testing.assert_array_equal(s.get_value(), np.full(3, 2.0))
    np.testing.assert_array_equal(f(short), before)
    np.testing.assert_array_equal(s.get_value(), np.full(3, 4.0))


def test_an_interrupt_stops_between_the_steps_of_a_call():
    x = T.fmatrix("x")
    y = x
    for _ in range(300):
        y = T.dot(y, x)
    f = symnb.function([x], y, mode="strict")
    with interrupted(within=5):
        f(np.eye(1100, dtype="float32"))
    np.testing.assert_array_equal(f(np.eye(3, dtype="float32")), np.eye(3))


# ------------------------------------------------------------------ threads and forks


def test_64_threads_call_one_function():
    x, s = T.dmatrix("x"), symnb.shared(0.0, name="s")
    z = T.nnet.softmax(T.dot(x, x.T)) + T.sort(x, 0).sum()
    f = symnb.function([x], [z, x[x > 0]], updates=[(s, s + 1)])
    data = [RNG.normal(size=(n % 7 + 1, 5)) for n in range(64)]
    want = [f(a) for a in data]
    s.set_value(0.0)
    with ThreadPoolExecutor(64) as pool:
        for _ in range(3):
            for mine, theirs in zip(pool.map(f, data), want, strict=True):
                for a, b in zip(mine, theirs, strict=True):
                    np.testing.assert_array_equal(a, b)
    assert s.get_value() == 192


def test_threads_that_meet_new_sizes_at_once_compile_right_variants():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = symnb.function([x, y], (x + y).sum(0))
    a = RNG.normal(size=(3, 4))
    pairs = [(a, a), (a[:1], a), (a, a[:, :1]), (a[:1], a[:, :1])] * 4
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda pair: f(*pair), pairs))
    for got, (p, q) in zip(found, pairs, strict=True):
        np.testing.assert_allclose(got, (p + q).sum(0))


def test_a_forked_child_calls_and_compiles():
    x = T.dvector("x")
    f = symnb.function([x], T.exp(x).sum())
    want = f(np.arange(4.0))
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forks beside threads
        child = os.fork()
    if child == 0:
        try:
            g = symnb.function([x], T.exp(x).sum() * 3)
            os.write(writer, np.array([f(np.arange(4.0)), g(np.arange(4.0))]).tobytes())
        finally:
            os._exit(0)
    os.close(writer)
    got = np.frombuffer(os.read(reader, 16))
    os.close(reader)
    os.waitpid(child, 0)
    np.testing.assert_allclose(got, [want, want * 3])


# --------------------------------------------------------------- compilers and disks

PROGRAM = """
import warnings
import numpy as np, symnb, symnb.tensor as T
from symnb.errors import BuildError
x = T.dvector("x")
"""


def run(body, home, **environment):
    """The output of a new process with a cache of its own."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("SYMNB_")}
    variables |= {"HOME": str(home), "SYMNB_CACHE_DIR": str(home / "cache")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + textwrap.dedent(body)],
        env=variables | environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_without_a_compiler_numpy_answers_after_one_warning(tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    told = run(
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            f = symnb.function([x], T.exp(x).sum())
            print(f(np.zeros(5)), f(np.zeros(2)))
        kinds = [w.category.__name__ for w in caught]
        print(kinds, "compiler" in str(caught[0].message))
        """,
        tmp_path, PATH=str(empty),
    )  # fmt: skip
    assert told.splitlines() == ["5.0 2.0", "['RuntimeWarning'] True"]


def test_a_compiler_that_fails_is_named_and_the_next_function_works(tmp_path):
    false = tmp_path / "cc"
    false.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo cc 1.0 && exit 0\n"
                     "echo 'cc: out of luck' >&2; exit 1\n")  # fmt: skip
    false.chmod(0o755)
    told = run(
        f"""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symnb.config.cc = {str(false)!r}
            try:
                f = symnb.function([x], T.exp(x).sum())
                print("made", f(np.zeros(5)))
            except BuildError as error:
                print(len(str(error).splitlines()) <= 15, "out of luck" in str(error))
            symnb.config.cc = ""
            print(symnb.function([x], T.exp(x).sum())(np.zeros(5)))
        """,
        tmp_path,
    )  # fmt: skip
    assert told.splitlines() == ["True True", "5.0"]


@pytest.mark.parametrize("place", ["read-only", "file", "/proc/symnb", "/dev/full/a"])
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path, place):
    cache = tmp_path / "cache"
    environment = {}
    if place == "file":
        cache.write_text("not a directory")
    elif place == "read-only":  # root writes to it all the same
        cache.mkdir()
        cache.chmod(stat.S_IRUSR | stat.S_IXUSR)
    else:
        environment["SYMNB_CACHE_DIR"] = place
    told = run(
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            f = symnb.function([x], T.exp(x).sum())
            print(f(np.zeros(5)), type(f).__name__)
        """,
        tmp_path, **environment,
    )  # fmt: skip
    assert told.split() == ["5.0", "NativeFunction"]


# -------------------------------------------------------------------- odd arguments


def test_arguments_that_overlap_are_read_before_anything_is_written():
    x, y = T.dvector("x"), T.dvector("y")
    s = symnb.shared(np.zeros(4), name="s")
    f = symnb.function([x, y], [x[::-1] + y, y * 2], updates=[(s, x * y)])
    base = np.arange(6.0)
    a, b = base[:4], base[2:]
    plus, twice = f(a, b)
    np.testing.assert_array_equal(base, np.arange(6.0))
    np.testing.assert_array_equal(plus, a[::-1] + b)
    np.testing.assert_array_equal(twice, b * 2)
    held = s.get_value(borrow=True)
    plus, _ = f(held, held)
    np.testing.assert_array_equal(plus, (a * b)[::-1] + a * b)
    np.testing.assert_array_equal(s.get_value(), (a * b) ** 2)


@pytest.mark.parametrize("count", [1, 3, 8, 17, 70])
def test_misaligned_swapped_and_reversed_arrays(count):
    x = T.fmatrix("x")
    f = symnb.function([x], [T.exp(x).sum(1), x.T * 2, T.nnet.softmax(x)])
    plain = RNG.normal(size=(4, count)).astype("float32")
    want = f(plain)
    raw = np.frombuffer(bytearray(plain.nbytes + 1), "u1")
    raw[1:] = plain.reshape(-1).view("u1")
    layouts = {
        "misaligned": raw[1:].view("float32").reshape(plain.shape),
        "swapped": plain.astype(">f4"),
        "reversed": plain[::-1, ::-1].copy()[::-1, ::-1],
        "transposed": plain.T.copy().T,
        "strided": np.repeat(np.repeat(plain, 2, 0), 3, 1)[::2, ::3],
        "read-only": plain.copy(),
    }
    layouts["read-only"].flags.writeable = False
    for name, array in layouts.items():
        for got, expected in zip(f(array), want, strict=True):
            np.testing.assert_array_equal(got, expected, err_msg=name)


# --------------------------------------------------------------- what failed, where


def refused(kind, call, *args):
    """The message of a call that fails."""
    with pytest.raises(kind) as caught:
        call(*args)
    return str(caught.value)


def test_an_index_out_of_bounds_says_where_it_was_written():
    table, at = T.dmatrix("table"), T.lvector("at")
    f = symnb.function([table, at], (table[at] ** 2).sum())
    said = refused(BoundsError, f, np.ones((3, 2)), [0, 7])
    assert "index 7 is out of bounds for axis 0 with size 3" in said
    assert "gather" in said and "test_robust.py, line" in said
    assert "Fix: pass indices from -3 to 2." in said


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_nothing_to_choose_from_says_where_it_was_written(name):
    x = T.dmatrix("x")
    f = symnb.function([x], [getattr(T, name)(x, axis=0), T.exp(x).sum()])
    said = refused(ValueError, f, np.ones((0, 3)))
    assert f"  {name} " in said and "test_robust.py, line" in said
    assert "Fix: pass an array that is not empty." in said


def test_a_window_larger_than_the_image_says_where_it_was_written():
    x = T.dtensor4("x")
    f = symnb.function([x], pool_2d(x, (3, 3), ignore_border=True))
    said = refused(ShapeError, f, np.ones((1, 1, 2, 2)))
    assert "pool2d" in said and "test_robust.py, line" in said


@pytest.mark.parametrize("mode", ["o1", "o4"])
def test_a_singular_matrix_says_where_it_was_written(mode):
    x = T.dmatrix("x")
    f = symnb.function([x], T.nlinalg.inv(x).sum(), mode=mode, name="total")
    said = refused(np.linalg.LinAlgError, f, np.zeros((2, 2)))
    assert said.startswith("total: inv of a singular matrix.\n")
    assert "test_robust.py, line" in said and "\nFix: " in said
    assert issubclass(MatrixError, SymnbError)
    assert refused(MatrixError, f, np.zeros((2, 2))) == said


@pytest.mark.parametrize("mode", ["o1", "o4"])
def test_picked_columns_are_summed(mode):
    x, at = T.dmatrix("x"), np.array([4, 0, 0, 2, 1])
    f = symnb.function([x], x.T[at].sum(1), mode=mode)
    a = np.arange(15.0).reshape(3, 5)
    np.testing.assert_array_equal(f(a), a.T[at].sum(1))
