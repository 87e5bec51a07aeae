"""Theano's older `tensor.signal.downsample`: names only."""

from symnb.ops.pool import pool_2d as max_pool_2d

__all__ = ["max_pool_2d"]
