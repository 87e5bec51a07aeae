"""From C text to a loaded library: compilers, flags, errors, cache, disks."""

import ctypes
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symnb.compile import build, cache
from symnb.compile.runtime.abi import PRELUDE
from symnb.errors import BuildError, NoCompilerError
from symnb.options import config

pytestmark = pytest.mark.cc

RUN = """int symnb_run(void *const *data, const int64_t *const *shape,
              const int64_t *const *stride, symnb_ws *ws)"""
PLAN = "void symnb_plan(const int64_t *slot, int64_t *out, int64_t *arena) {}"


def returning(value: int) -> str:
    """C text whose run() returns `value`."""
    return f"{PRELUDE}{RUN} {{ return {value}; }}\n{PLAN}\n"


def run(library: build.Library) -> int:
    """What run() of `library` returns."""
    return ctypes.CFUNCTYPE(ctypes.c_int)(library.run)()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """An empty cache directory, in use."""
    with config.change(cache_dir=str(tmp_path)):
        yield tmp_path


def script(path: Path, text: str) -> str:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


# ---- building ---------------------------------------------------------------


def test_text_becomes_a_library(fresh: Path) -> None:
    library = build.build(returning(41), "k")
    assert run(library) == 41 and library.seconds > 0
    assert library.entry.sources == (returning(41),)
    assert "cc" in library.entry.meta["command"]


def test_second_build_comes_from_the_cache(fresh: Path) -> None:
    build.build(returning(1), "k")
    again = build.build("this is not C", "k")
    assert run(again) == 1 and again.seconds == 0.0
    found = build.find("k")
    assert found is not None and run(found) == 1
    assert build.find("other") is None


def test_changed_symnb_compiles_again(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build(returning(1), "k")
    monkeypatch.setattr(cache, "compiler_stamp", lambda: "another version")
    assert run(build.build(returning(2), "k")) == 2


def test_threads_that_build_the_same_key_agree(fresh: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        libraries = list(pool.map(lambda _: build.build(returning(3), "k"), range(6)))
    assert {run(library) for library in libraries} == {3}
    assert len({library.entry.path for library in libraries}) == 1


def test_callers_meta_is_kept(fresh: Path) -> None:
    build.build(returning(1), "k", {"slots": [1, 2]})
    found = build.find("k")
    assert found is not None and found.entry.meta["slots"] == [1, 2]


def test_units_compile_side_by_side_and_link(fresh: Path) -> None:
    units = [f"int part{i}(void) {{ return {i}; }}" for i in range(1, 6)]
    calls = "+".join(f"part{i}()" for i in range(1, 6))
    heads = "".join(f"int part{i}(void);" for i in range(1, 6))
    units.append(f"{PRELUDE}{heads}{RUN} {{ return {calls}; }}\n{PLAN}")
    library = build.build(units, "k")
    assert run(library) == 15 and library.entry.sources == tuple(units)
    names = sorted(path.name for path in library.entry.path.iterdir())
    assert names == [cache.META, cache.LIBRARY, *(f"unit{i:03d}.c" for i in range(6))]


def test_address_of_another_function(fresh: Path) -> None:
    library = build.build(returning(1) + "int more(void) { return 9; }", "k")
    assert ctypes.CFUNCTYPE(ctypes.c_int)(library.address("more"))() == 9
    with pytest.raises(OSError, match="no symbol less"):
        library.address("less")


def test_other_cpu_target_is_another_entry(fresh: Path) -> None:
    build.build(returning(1), "k")
    with config.change(reproducible=True):
        assert build.find("k") is None
        assert run(build.build(returning(2), "k")) == 2
        assert build.target() == build.REPRODUCIBLE_TARGET
    assert run(build.build(returning(3), "k")) == 1


# ---- arithmetic of the flags ------------------------------------------------


def kernel(head: str, expression: str, kind: str = "double") -> Any:
    """f(x, y, z) over vectors, compiled from the C expression; its `.library`."""
    text = f"""{head}
    void f(const {kind} *x, const {kind} *y, const {kind} *z, {kind} *out, long n) {{
      for (long i = 0; i < n; i++) out[i] = {expression};
    }}
    int symnb_run(void) {{ return 0; }} void symnb_plan(void) {{}}"""
    library = build.build(text, f"kernel {text}")
    function = library.handle.f
    dtype = np.float64 if kind == "double" else np.float32

    def apply(x: Any, y: Any = 0.0, z: Any = 0.0) -> Any:
        arrays = np.broadcast_arrays(
            *(np.atleast_1d(v).astype(dtype) for v in (x, y, z))
        )
        arrays = [np.ascontiguousarray(a) for a in arrays]
        out = np.empty_like(arrays[0])
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*arrays, out)]
        function(*pointers, ctypes.c_long(out.size))
        return out

    apply.library = library  # type: ignore[attr-defined]
    return apply


SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 5e-324, -2.2e-308, 1e308, 0.1, 3.7]
)


def test_products_and_sums_round_as_numpy_does() -> None:
    f = kernel("", "x[i] * y[i] + z[i]")
    rng = np.random.default_rng(0)
    x, y, z = rng.standard_normal((3, 4096))
    np.testing.assert_array_equal(f(x, y, z), x * y + z)


def test_special_values_keep_their_meaning() -> None:
    f = kernel("", "(x[i] + 0.0) * 0.5 - x[i] / y[i]")
    x, y = (v.ravel() for v in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        expected = (x + 0.0) * 0.5 - x / y
    np.testing.assert_array_equal(f(x, y), expected)
    np.testing.assert_array_equal(np.signbit(f(x, y)), np.signbit(expected))


def test_loading_a_library_leaves_denormals_alone() -> None:
    build.build(returning(1), "denormals")
    assert np.float64(5e-324) * 1.0 == 5e-324
    assert np.array([2.0**-1060]) / 2 != 0


PROTOTYPE = '__attribute__((simd("notinbranch"), const)) double {0}(double);'


@pytest.mark.parametrize("name", ["exp", "log1p", "tanh", "sin"])
def test_vector_functions_are_accurate_and_vectorised(name: str) -> None:
    if name not in build.vector_functions():
        pytest.skip("libmvec lacks it here")
    f = kernel(PROTOTYPE.format(name), f"{name}(x[i])")
    x = np.random.default_rng(1).uniform(-0.9, 8.0, 300)
    exact = np.array([float(getattr(mpmath, name)(mpmath.mpf(v))) for v in x])
    # libmvec promises 4 ulp; one more for the rounding of the exact value
    assert (np.abs(f(x) - exact) <= 5 * np.spacing(np.abs(exact))).all()
    assert b"_ZGV" in f.library.entry.library.read_bytes()
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(
            f(SPECIAL), getattr(np, name)(SPECIAL), rtol=5 * 2**-52
        )


@pytest.mark.parametrize(("f", "type"), [("", "double"), ("f", "float")])
@pytest.mark.parametrize(
    "text", ["y[i] * sin(x[i]) + z[i] * cos(x[i])", "y[i] > 0 ? sin(x[i]) : cos(x[i])"]
)
def test_sine_and_cosine_of_one_number_are_vector_functions(
    text: str, f: str, type: str
) -> None:
    if not {f"sin{f}", f"cos{f}"} <= build.vector_functions():
        pytest.skip("libmvec lacks them here")
    names, dtype = (f"sin{f}", f"cos{f}"), np.float32 if f else np.float64
    head = "\n".join(PROTOTYPE.format(n).replace("double", type) for n in names)
    both = kernel(head, re.sub(r"\b(sin|cos)\b", rf"\1{f}", text), type)
    code = both.library.entry.library.read_bytes()
    assert b"sincos" not in code
    for name in names:
        assert re.search(rb"_ZGV\w+v_%b\0" % name.encode(), code)
    x = np.random.default_rng(1).uniform(-8.0, 8.0, 300).astype(dtype)
    for true, y, z in ((mpmath.sin, 1, 0), (mpmath.cos, 0, 1)):
        exact = np.array([float(true(mpmath.mpf(float(v)))) for v in x])
        unit = np.spacing(np.abs(exact).astype(dtype))
        assert (np.abs(both(x, y, z) - exact) <= 5 * unit).all()


def test_vector_functions_come_in_both_precisions() -> None:
    names = build.vector_functions()
    if not names:
        pytest.skip("no libmvec here")
    assert {"exp", "expf", "sin", "sinf", "log", "logf", "pow", "powf"} <= names


def test_no_vector_functions_without_compiler(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.vector_functions() == frozenset()


@pytest.mark.parametrize(
    ("call", "needed"), [("sqrt(x)", False), ("exp(x)", True), ("x", False)]
)
def test_libm_is_linked_where_it_is_called(
    fresh: Path, call: str, needed: bool
) -> None:
    heads = "".join(
        f"__attribute__((const)) double {name}(double);\n" for name in ("exp", "sqrt")
    )
    text = f"{returning(1)}{heads}double f(double x) {{ return {call}; }}"
    with build.started_ahead(1) as ahead:
        library = build.build(text, "k", None, ahead)
    f = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(library.address("f"))
    value = float(mpmath.mpf("1.5625"))
    exact = {"sqrt(x)": 1.25, "x": 1.5625}.get(call, float(mpmath.exp("1.5625")))
    assert abs(f(value) - exact) <= np.spacing(exact)
    if ahead is not None:
        assert (b"libm.so" in library.entry.library.read_bytes()) == needed


def test_a_compiler_that_does_not_wait_is_called_as_always(fresh: Path) -> None:
    real = shutil.which("cc")
    deaf = f'case "$*" in */dev/stdin*) exec {real} "$@" </dev/null;; esac'
    with config.change(cc=script(fresh / "cc", f'{deaf}\nexec {real} "$@"')):
        assert build.find_compiler().linker == ()
        assert run(build.build(returning(12), "k")) == 12


def test_what_fails_ahead_is_done_again_by_the_plain_command(fresh: Path) -> None:
    real, late = shutil.which("cc"), fresh / "late"
    dies = f'case "$*" in */dev/stdin*) [ -e {late} ] && exit 1;; esac'
    with config.change(cc=script(fresh / "cc", f'{dies}\nexec {real} "$@"')):
        build.find_compiler()
        late.touch()
        with build.started_ahead(2) as ahead:
            assert run(build.build(returning(13), "k", None, ahead)) == 13
        with (
            pytest.raises(BuildError, match="missing"),
            build.started_ahead(1) as ahead,
        ):
            build.build("int f(void) { return missing; }", "wrong", None, ahead)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded")
def test_a_child_forked_while_a_compiler_waits_does_not_hold_it(fresh: Path) -> None:
    with build.started_ahead(1) as ahead:
        child = os.fork()
        if child == 0:
            time.sleep(60)  # it has no copy of the pipe: the text ends without it
            os._exit(0)
        try:
            assert run(build.build(returning(14), "k", None, ahead)) == 14
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


# ---- errors -----------------------------------------------------------------


def test_refused_text_is_reported_and_saved(fresh: Path) -> None:
    text = "int f(void) { return missing; }\n" * 40
    with pytest.raises(BuildError) as caught:
        build.build(text, "k")
    lines = str(caught.value).splitlines()
    assert len(lines) <= 15 and "exit status 1" in lines[0]
    assert any("missing" in line and "error" in line for line in lines[1:7])
    saved = next(
        line.split()[-1] for line in lines if line.strip().startswith("source")
    )
    assert (Path(saved) / "unit000.c").read_text() == text
    command = next(line for line in lines if line.strip().startswith("command"))
    assert " unit000.c " in command and any(x.startswith("Fix: run") for x in lines)
    assert run(build.build(returning(2), "k")) == 2


def test_only_the_last_failures_of_a_kind_are_kept(fresh: Path) -> None:
    for _ in range(3):
        with pytest.raises(BuildError):
            build.build("no", "k")
    assert not list((fresh / cache.FOLDER).glob(f"{cache.SCRATCH}*"))


def test_link_error_is_reported(fresh: Path) -> None:
    text = f"{PRELUDE}{RUN} {{ return 0; }}\n"  # no symnb_plan
    with pytest.raises((BuildError, OSError), match="symnb_plan"):
        build.build(text, "k")


def test_no_compiler_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCompilerError) as caught:
        build.build(returning(1), "k")
    text = str(caught.value)
    assert "apt install gcc" in text and "SYMNB_CC" in text and '"py"' in text
    assert len(text.splitlines()) <= 15


def test_without_compiler_a_cached_library_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: Path
) -> None:
    build.build(returning(5), "k")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert run(build.build("unused", "k")) == 5


@pytest.mark.parametrize("command", ["no-such-cc", "/no/such/cc", "/etc/passwd"])
def test_named_compiler_that_is_missing(fresh: Path, command: str) -> None:
    with (
        config.change(cc=command),
        pytest.raises(NoCompilerError, match=f"{command}' does not run"),
    ):
        build.find_compiler()


def test_named_compiler_that_does_not_run(fresh: Path) -> None:
    with (
        config.change(cc=script(fresh / "cc", "exit 3")),
        pytest.raises(NoCompilerError),
    ):
        build.find_compiler()


def test_compiler_that_is_killed(fresh: Path) -> None:
    dies = script(
        fresh / "cc", 'case "$*" in *--version*) echo 1;; *) kill -9 $$;; esac'
    )
    with config.change(cc=dies), pytest.raises(BuildError, match="signal 9"):
        build.build(returning(1), "k")


def test_command_with_arguments(fresh: Path) -> None:
    with config.change(cc="env cc"):
        assert run(build.build(returning(6), "k")) == 6


def test_path_with_spaces(tmp_path: Path) -> None:
    with config.change(cache_dir=str(tmp_path / "a b'c")):
        assert run(build.build(returning(7), "k")) == 7


def test_version_is_asked_once_per_compiler_file(fresh: Path) -> None:
    log = fresh / "log"
    real = shutil.which("cc")
    text = f'echo "$1" >> {log}; exec {real} "$@"'
    with config.change(cc=script(fresh / "cc", text)):
        build.find_compiler(), build.find_compiler()
        build._identify.cache_clear()
        build.find_compiler()
        assert log.read_text().split().count("--version") == 1
        script(fresh / "cc", text + "\n# changed")
        build.find_compiler()
        assert log.read_text().split().count("--version") == 2


@pytest.mark.skipif(not shutil.which("clang"), reason="no clang")
def test_clang_builds_too(fresh: Path) -> None:
    with config.change(cc="clang"):
        assert build.find_compiler().family == "clang"
        assert run(build.build(returning(8), "k")) == 8


def test_interrupt_kills_the_compiler(fresh: Path) -> None:
    pid = fresh / "pid"
    slow = (
        f'case "$*" in *--version*) echo 1;; *) echo $$ > {pid}; exec sleep 60;; esac'
    )
    with config.change(cc=script(fresh / "cc", slow)):
        store = cache.current()
        compiler = build.Compiler((str(fresh / "cc"),), "1", "gcc")

        def interrupt() -> None:
            while not pid.exists() or not pid.read_text().strip():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        pid.unlink(missing_ok=True)
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt), store.scratch() as path:
            build.compile_units(compiler, ("x",), path, (), ())
        thread.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


# ---- disks that refuse ------------------------------------------------------


def test_full_cache_disk_degrades_to_memory(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def rename(self: Path, target: Any) -> Path:
        if fresh in self.parents:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    library = build.build(returning(3), "k")
    assert run(library) == 3 and fresh not in library.entry.path.parents
    again = build.build("unused", "k")
    assert run(again) == 3 and again.seconds == 0.0


def test_compiler_without_space_builds_in_memory(fresh: Path) -> None:
    build.find_compiler()
    real = shutil.which("cc")
    text = f"""case "$*$PWD" in
      *--version*) echo full 1;;
      *{fresh}/{cache.FOLDER}*)
        echo "fatal error: error writing: No space left on device" >&2; exit 1;;
      *) exec {real} "$@";;
    esac"""
    with config.change(cc=script(fresh / "cc", text)):
        library = build.build(returning(4), "k")
    assert run(library) == 4 and fresh not in library.entry.path.parents


def test_unusable_cache_directory_builds_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with config.change(cache_dir=str(tmp_path / "file")):
        assert run(build.build(returning(5), "k")) == 5
        assert run(build.build("unused", "k")) == 5


def test_read_only_directory_serves_old_and_builds_new(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build(returning(6), "old")
    real = Path.mkdir

    def mkdir(self: Path, *args: Any, **names: Any) -> None:
        if fresh in self.parents and not self.exists():
            raise OSError(30, "Read-only file system")
        real(self, *args, **names)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert run(build.build("unused", "old")) == 6
    library = build.build(returning(7), "new")
    assert run(library) == 7 and fresh not in library.entry.path.parents


@pytest.mark.parametrize("damage", [b"", b"not an object", None])
def test_damaged_library_is_built_again(fresh: Path, damage: bytes | None) -> None:
    library = build.build(returning(9), f"k {damage!r}")
    path = library.entry.library
    path.unlink()  # the loaded file stays mapped
    if damage is not None:
        path.write_bytes(damage)
    again = build.build(returning(9), f"k {damage!r}")
    assert run(again) == 9 and again.seconds > 0


def test_object_that_does_not_load_is_built_again(fresh: Path) -> None:
    store = cache.current()
    with store.scratch() as path:
        (path / cache.LIBRARY).write_bytes(b"ELF of another world")
        digest = build.find_compiler().digest(build.target())
        entry = store.store(path, build._stamped("k"), digest, {})
    assert entry.library.exists() and build.find("k") is None
    assert run(build.build(returning(10), "k")) == 10
