"""From an optimised graph to native code that runs: lower, fuse, render, build, call.

Stages, each with files of its own: graph -> loop nests -> kernels -> one C source
(`render/`), C source -> shared object (`build.py`, `cache.py`), shared object -> calls
with NumPy arrays (`runtime/`), and libraries called by address (`extern/`).
"""

from importlib import import_module
from typing import Any

# Theano's names in `theano.compile`, and where they are
_NAMES = {
    "In": "symnb.compile.arguments",
    "Out": "symnb.compile.arguments",
    "get_default_mode": "symnb.compile.mode",
    "get_mode": "symnb.compile.mode",
}
_MODULES = ("function", "io", "mode")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"symnb.compile.{name}")
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    if name == "SharedVariable":
        return import_module("symnb.core.shared").Shared
    raise AttributeError(f"module 'symnb.compile' has no attribute {name!r}")
