"""Theano's `compile.mode`: names only; modes are defined in `symnb.optim.pipeline`."""

from __future__ import annotations

from dataclasses import replace

from symnb.optim import pipeline
from symnb.optim.pipeline import get_mode as get_mode
from symnb.options import config

FAST_RUN = get_mode("FAST_RUN")
FAST_COMPILE = get_mode("FAST_COMPILE")
_BY_OPTIMIZER = {
    "default": "FAST_RUN", "o4": "FAST_RUN", "o3": "FAST_RUN", "o2": "FAST_RUN",
    "o1": "FAST_COMPILE",
}  # fmt: skip


def Mode(linker: str | None = None, optimizer: str | None = "default") -> pipeline.Mode:
    """Theano's constructor of a mode.

    linker     "py" runs the NumPy reference; every other one the configured device
    optimizer  fast_run | fast_compile | o1 .. o4 | None
    """
    name = _BY_OPTIMIZER.get(str(optimizer), str(optimizer))
    return replace(get_mode(name), device="py" if linker == "py" else None)


def get_default_mode() -> pipeline.Mode:
    """The mode of `config.mode`, which `function` uses."""
    return get_mode(config.mode)
