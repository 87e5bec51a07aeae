"""Theano's `tensor.nnet.conv`, the older convolution: names only."""

from symnb.ops.conv import conv2d as conv2d
