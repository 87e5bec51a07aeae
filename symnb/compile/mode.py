"""Theano's `compile.mode`: names only; modes are defined in `symnb.optim.mode`."""

from __future__ import annotations

from dataclasses import replace

from symnb.optim import mode
from symnb.optim.mode import get_mode as get_mode
from symnb.options import config

FAST_RUN = get_mode("FAST_RUN")
FAST_COMPILE = get_mode("FAST_COMPILE")


def Mode(linker: str | None = None, optimizer: str | None = "default") -> mode.Mode:
    """Theano's constructor of a mode.

    linker     "py" runs the NumPy reference; every other one the configured device
    optimizer  fast_run | fast_compile | o1 .. o4 | unsafe | merge | stabilize | None
    """
    device = "py" if linker == "py" else None
    return replace(get_mode(str(optimizer)), device=device)


def get_default_mode() -> mode.Mode:
    """The mode of `config.mode`, which `function` uses."""
    return get_mode(config.mode)
