"""The C dispatcher: built once per machine by the user's compiler, then loaded.

About 0.4 s the first time, 3 ms from the cache; keyed by the sources, Python's and
NumPy's interfaces and the compiler. `load()` returns the extension module, whose class
`Call` the user's functions subclass; None where there is no compiler or no Python
headers and none was built before.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symnb.compile import build, cache
from symnb.compile.extern import own
from symnb.compile.processor import vector_bytes
from symnb.compile.runtime import explain
from symnb.compile.runtime.layout import prepare
from symnb.errors import BuildError, NoCompilerError
from symnb.options import config

__all__ = ["hooks", "idle_limit", "load", "memory", "start", "threads", "trim"]

MODULE = "symnb_dispatch"
SOURCES = (
    "dispatch.c",
    "arguments.h",
    "binding.h",
    "workers.h",
    "processors.h",
    "workspace.h",
    "frame.h",
    "pool.h",
    "products.h",
    "abi.h",
)
IDLE_SHARE = 0.25  # of the machine's memory: the most that idle blocks may hold


_building = threading.Lock()


def load() -> ModuleType | None:
    """The dispatcher's module, or None where it cannot be built."""
    with _building:
        return _load()


def start() -> None:
    """Begins to load (or build) the dispatcher beside what the caller does next."""
    threading.Thread(target=load, daemon=True, name="symnb dispatcher").start()


@functools.cache
def _load() -> ModuleType | None:
    sources = {name: (_here() / name).read_text() for name in SOURCES}
    digest = hashlib.blake2b("\0".join(sources.values()).encode(), digest_size=16)
    key = f"{MODULE}|{digest.hexdigest()}|{sysconfig.get_config_var('SOABI')}"
    key += f"|numpy {np.__version__}"
    module = _cached(key)
    if module is None:
        threading.Thread(target=_make_products, name="symnb products").start()
        try:
            module = _built(key)
        except (BuildError, OSError):
            return None
    module.configure(*hooks(), idle_limit())
    config.watch(("threads", "reproducible"), lambda: module.use_threads(threads()))
    atexit.register(module.end_threads)
    return module


def _make_products() -> None:
    """Builds the other library a machine needs once, so that no function waits for it.

    A process that ends before it is there waits: 1 s, once a machine.
    """
    own.library(vector_bytes())


def threads() -> int:
    """Threads a call uses unless its function says otherwise; 1 when reproducible."""
    return 1 if config.reproducible else config.threads


def hooks() -> tuple[Callable[..., Any], ...]:
    """What the dispatcher calls in Python: layout of a spec, and the errors."""
    return prepare, explain.reject, explain.failed, explain.exhausted


def idle_limit() -> int:
    """Bytes that results may leave idle for the next ones: a quarter of the memory."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(total * IDLE_SHARE)


def memory() -> dict[str, int]:
    """Bytes in use and idle in the pool of large results; empty without dispatcher."""
    module = load()
    return module.memory() if module is not None else {}


def trim(keep: int = 0) -> int:
    """Gives idle memory back to the system down to `keep` bytes; the bytes given."""
    module = load()
    return module.trim(keep) if module is not None else 0


def _here() -> Path:
    return Path(__file__).parent


def _flags() -> tuple[str, ...]:
    # -O2 makes a call 2 ns faster and the build 0.3 s slower (gcc 12, 2026-11)
    include = (sysconfig.get_paths()["include"], np.get_include(), str(_here()))
    return ("-O1", "-fPIC", "-fno-strict-aliasing", "-w", *(f"-I{p}" for p in include))


def _build_digest() -> str | None:
    try:
        compiler = build.find_compiler()
    except NoCompilerError:
        return None
    text = "\0".join((compiler.version, *_flags()))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _cached(key: str) -> ModuleType | None:
    entry = cache.current().find(key, _build_digest())
    if entry is None:
        return None
    try:
        return _import(entry.library)
    except ImportError:
        return None


def _built(key: str) -> ModuleType:
    """Compiles the dispatcher; raises BuildError, or OSError if no disk takes it."""
    compiler = build.find_compiler()
    text = f'#include "{_here() / SOURCES[0]}"\n'
    store = cache.current()
    for in_memory in (False, True):
        try:
            with store.scratch(in_memory) as path:
                link = ("-shared", "-pthread")
                command = build.compile_units(compiler, (text,), path, _flags(), link)
                meta = {"compiler": compiler.version, "command": command}
                entry = store.store(path, key, _build_digest() or "", meta)
            return _import(entry.library)
        except (OSError, ImportError) as error:
            failure = error
    raise OSError(str(failure))


def _import(path: Path) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader(MODULE, str(path))
    spec = importlib.util.spec_from_file_location(MODULE, path, loader=loader)
    if spec is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
