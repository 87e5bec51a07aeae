"""Theano's `tensor.nnet.abstract_conv`: names only."""

from symnb.ops.conv import conv2d as conv2d
from symnb.ops.conv import conv2d_grad_wrt_inputs as conv2d_grad_wrt_inputs
from symnb.ops.conv import conv2d_grad_wrt_weights as conv2d_grad_wrt_weights
