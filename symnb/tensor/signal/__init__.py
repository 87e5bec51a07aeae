"""Theano's `tensor.signal`: names only; defined in `symnb.ops.pool` and `conv`."""

from symnb.ops.pool import pool_2d as pool_2d
from symnb.tensor.signal import conv as conv
from symnb.tensor.signal import downsample as downsample
from symnb.tensor.signal import pool as pool
