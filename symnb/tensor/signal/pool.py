"""Theano's `tensor.signal.pool`: names only; defined in `symnb.ops.pool`."""

from symnb.ops.pool import pool_2d as pool_2d
