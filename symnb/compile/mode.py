"""Theano's `compile.mode`: names only; defined in `symnb.optim.pipeline`."""

from symnb.optim.pipeline import Mode as Mode
from symnb.optim.pipeline import get_mode as get_mode
from symnb.options import config

FAST_RUN = get_mode("FAST_RUN")
FAST_COMPILE = get_mode("FAST_COMPILE")


def get_default_mode() -> Mode:
    """The mode of `config.mode`, which `function` uses."""
    return get_mode(config.mode)
