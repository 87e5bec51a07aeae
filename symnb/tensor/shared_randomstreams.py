"""Theano's `tensor.shared_randomstreams`: names only; see `symnb.ops.random`."""

from symnb.ops.random import RandomStreams as RandomStreams
from symnb.ops.random import RandomVariable as RandomStateVariable

__all__ = ["RandomStateVariable", "RandomStreams"]
