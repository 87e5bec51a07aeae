"""The `T` namespace: every tensor function under NumPy's and Theano's names.

Names only; each function is defined and documented in `symnb.ops`. Bodies of
`%%symfunc` cells find these names without importing them. Floor 6.
"""

# ruff: noqa: F401 - names only
# fmt: off
# isort: skip_file
import sys

from symnb.core.node import Constant, Node
from symnb.core.shared import Shared
from symnb.gradient import (
    Lop, Rop, consider_constant, disconnected_grad, grad, grad_clip, grad_scale,
    hessian, hessian_vector_product, jacobian, verify_grad, zero_grad,
)
from symnb.ops.arithmetic import (
    abs, allclose, ceil, ceil_intdiv, copy, copysign, divmod, floor, fmod,
    heaviside, isclose, maximum, minimum, nan_to_num, nextafter, reciprocal, sign,
    square, true_div, trunc,
)
from symnb.ops.assume import assume
from symnb.ops.cast import cast
from symnb.ops.control import Assert, CheckAndRaise, assert_op, ifelse
from symnb.ops.create import (
    alloc, arange, empty, empty_like, eye, fill, full, full_like, identity,
    identity_like, linspace, logspace, meshgrid, ones, ones_like, tri, tril,
    triu, zeros, zeros_like,
)
from symnb.ops.cumulative import cumprod, cumsum, diff
from symnb.ops.diagonal import diag, diagflat, diagonal, trace
from symnb.ops.dot import (
    batched_dot, batched_tensordot, dot, inner, kron, matmul, matvec, outer,
    tensordot, vdot, vecdot, vecmat,
)
from symnb.ops.einsum import einsum
from symnb.ops.join import (
    array_split, column_stack, concatenate, dstack, horizontal_stack, hstack, join,
    split, stack, stacklists, unstack, vertical_stack, vstack,
)
from symnb.ops.logic import (
    bitwise_and, bitwise_or, bitwise_xor, equal, gcd, greater, greater_equal,
    invert, isfinite, isinf, isnan, isneginf, isposinf, lcm, left_shift, less,
    less_equal, logical_and, logical_not, logical_or, logical_xor, not_equal,
    right_shift, signbit, switch, where,
)
from symnb.ops.masks import argwhere, flatnonzero, nonzero
from symnb.ops.nn import (
    batch_normalization, batch_normalization_test, batch_normalization_train,
    binary_crossentropy, categorical_crossentropy, confusion_matrix, elu, gelu,
    hard_sigmoid, leaky_relu, log_softmax, logsoftmax, logsumexp, one_hot, relu,
    selu, sigmoid_binary_crossentropy, silu, softmax, softsign,
)
from symnb.ops.operators import add, clip, floor_div, mod, mul, neg, power, round, sub
from symnb.ops.rearrange import pad, repeat, roll, rot90, tile
from symnb.ops.reduce import (
    all, any, argmax, argmin, max, max_and_argmax, min, prod, sum,
)
from symnb.ops.selection import (
    choose, compress, inverse_permutation, nonzero_values, permute_row_elements,
    put_along_axis, ravel_multi_index, slice_at_axis, take, take_along_axis,
    unravel_index,
)
from symnb.ops.slicing import flip
from symnb.ops.sort import (
    argsort, argtopk, bincount, lexsort, searchsorted, sort, topk, topk_and_argtopk,
    unique,
)
from symnb.ops.special import (
    beta, betainc, betaincinv, betaln, chi2sf, digamma, erf, erfc, erfcinv, erfcx,
    erfinv, factorial, gamma, gammainc, gammaincc, gammainccinv, gammaincinv, gammal,
    gammaln, gammau, hyp2f1, i0, i1, iv, ive, j0, j1, jv, kv, kve, log_ndtr, logit,
    ndtr, ndtri, poch, polygamma, trigamma, xlog1py, xlogx, xlogy, xlogy0, zeta,
)
from symnb.ops.statistics import (
    average, count_nonzero, mean, nanmax, nanmean, nanmin, nanprod, nansum, norm,
    ptp, std, var,
)
from symnb.ops.subtensor import (
    fill_diagonal, fill_diagonal_offset, inc_subtensor, set_subtensor, to_one_hot,
)
from symnb.ops.transcendental import (
    arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, cbrt, cos, cosh,
    deg2rad, exp, exp2, expm1, hypot, log, log10, log1mexp, log1p, log2, logaddexp,
    logaddexp2, pow, rad2deg, sigmoid, sin, sinc, sinh, softplus, sqrt, tan, tanh,
)
from symnb.ops.view import (
    addbroadcast, atleast_1d, atleast_2d, atleast_3d, broadcast_arrays,
    broadcast_like, broadcast_shape, broadcast_to, dimshuffle, expand_dims, flatten,
    matrix_transpose, moveaxis, ravel, reshape, shape_padaxis, shape_padleft,
    shape_padright, specify_shape, squeeze, swapaxes, transpose, unbroadcast,
)
from symnb.tensor.constructors import (
    DTYPE_NAMES, KINDS, TensorType, as_tensor, as_tensor_variable, constant, tensor,
)
from symnb.tensor.python import update
from symnb.tensor import linalg, nlinalg, nnet, numpy_protocol
from symnb.tensor import shared_randomstreams, signal, slinalg, theano_names

globals().update(KINDS)  # vector, dvector, dvectors, ...
globals().update(DTYPE_NAMES)  # f64, f32, i64, ...
globals().update(theano_names.NAMES)  # eq, neq, truediv, ...
basic = extra_ops = sys.modules[__name__]  # Theano's modules are one namespace here

numpy_protocol.offer({k: v for k, v in globals().items() if not k.startswith("_")})
numpy_protocol.offer(vars(linalg), "linalg.")
