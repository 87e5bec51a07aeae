"""The dispatcher as a module: built once, cached, replaced by cffi where it must."""

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symnb.compile import build
from symnb.compile.runtime import dispatch, foreign
from symnb.compile.runtime.call import Call, is_native
from symnb.options import config
from tests.compile.runtime import programs as p

pytestmark = pytest.mark.cc

HAVE_VECTORCALL = 1 << 11  # Py_TPFLAGS_HAVE_VECTORCALL


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """An empty cache directory, in use."""
    with config.change(cache_dir=str(tmp_path)):
        yield tmp_path


def test_native_path_is_chosen() -> None:
    assert is_native and Call is dispatch.load().Call  # type: ignore[union-attr]


def test_second_load_compiles_nothing(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, ones = p.add(), np.ones(2)
    assert dispatch._load.__wrapped__() is not None
    monkeypatch.setattr(build, "compile_units", None)
    module: Any = dispatch._load.__wrapped__()
    np.testing.assert_array_equal(module.Call(spec)(ones, ones), [2, 2])


def test_cached_dispatcher_serves_without_compiler(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dispatch._load.__wrapped__() is not None
    monkeypatch.setenv("PATH", str(fresh / "empty"))
    assert dispatch._load.__wrapped__() is not None


def test_unusable_cache_still_builds(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with config.change(cache_dir=str(tmp_path / "file")):
        assert dispatch._load.__wrapped__() is not None


@pytest.mark.parametrize("lack", ["headers", "compiler"])
def test_cffi_serves_where_the_dispatcher_cannot_be_built(
    lack: str, tmp_path: Path
) -> None:
    hide = {
        "headers": "from symnb.compile.runtime import dispatch\n"
        "dispatch._flags = lambda: ('-I/no',)",
        "compiler": "import os; os.environ['PATH'] = '/no'",
    }[lack]
    code = f"""
from symnb.options import config
config.cache_dir = {str(tmp_path)!r}
{hide}
from symnb.compile.runtime import call, foreign
print(call.is_native, call.Call is foreign.Call)
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert run.stdout.split() == ["False", "True"]


def test_subclass_keeps_the_fast_call() -> None:
    module: Any = dispatch.load()

    class Function(module.Call):  # type: ignore[misc]
        pass

    class Deeper(Function):
        pass

    class Slow(Function):
        def __call__(self, *args: Any) -> Any:
            return "slow", super().__call__(*args)

    assert Function.__flags__ & HAVE_VECTORCALL
    assert Deeper.__flags__ & HAVE_VECTORCALL
    assert not Slow.__flags__ & HAVE_VECTORCALL
    assert Slow(p.scalar_add())(1.0, 2.0) == ("slow", 3.0)


def test_spec_of_a_call_is_readable(Call: Any) -> None:
    spec = p.add()
    assert Call(spec).spec is spec


def test_gil_is_released_from_a_microsecond_of_work() -> None:
    # add: 300 ns estimated at 3 * 1000 elements, so 1 us at 10,000
    from_elements = foreign.prepare(p.add()).release_from
    assert from_elements == 10_000
    assert foreign.prepare(p.scalar_add()).release_from == 600
    assert foreign.prepare(p.timed()).release_from > 2**60
    assert foreign.prepare(p.through_python(print)).release_from == 0


def test_binding_reads_the_header_of_the_interface() -> None:
    lib = p.library("return sizeof(symnb_ws);", "")
    size = ctypes.CFUNCTYPE(ctypes.c_int)(lib.run)()
    assert size == foreign._ffi().sizeof("symnb_ws")
