"""Theano's `tensor.signal.conv`: names only; defined in `symnb.ops.conv`."""

from symnb.ops.conv import convolve as conv2d

__all__ = ["conv2d"]
