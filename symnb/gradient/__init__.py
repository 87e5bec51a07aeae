"""Derivatives: reverse mode, forward mode, Jacobians, Hessians, checks. Floor 4.

It stands above `optim` because the forward graph is stabilised before it is
differentiated. The functions live here under Theano's names.
"""

from symnb.gradient.check import numeric_grad, verify_grad
from symnb.gradient.forward import Rop, pushforward
from symnb.gradient.matrix import hessian, hessian_vector_product, jacobian
from symnb.gradient.reverse import Lop, grad, pullback, subgraph_grad
from symnb.ops.barrier import (
    consider_constant,
    disconnected_grad,
    grad_clip,
    grad_scale,
    zero_grad,
)

__all__ = [
    "Lop",
    "Rop",
    "consider_constant",
    "disconnected_grad",
    "grad",
    "grad_clip",
    "grad_scale",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "numeric_grad",
    "pullback",
    "pushforward",
    "subgraph_grad",
    "verify_grad",
    "zero_grad",
]
