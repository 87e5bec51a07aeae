"""Shows of part H: reading parts and writing them."""

from __future__ import annotations

import numpy as np

from symnb.core.node import Constant
from symnb.gradient import grad
from symnb.ops.create import arange, full, zeros, zeros_like
from symnb.ops.cumulative import cumsum
from symnb.ops.diagonal import diagonal
from symnb.ops.dot import batched_dot, dot
from symnb.ops.elementwise import exp, sqrt, tanh
from symnb.ops.index import gather, scatter
from symnb.ops.join import concatenate, stack
from symnb.ops.masks import nonzero
from symnb.ops.nn import softmax
from symnb.ops.reduce import max as largest
from symnb.ops.reduce import sum as total
from symnb.ops.slicing import set_slice
from symnb.ops.subtensor import inc_subtensor, set_subtensor
from symnb.ops.view import (
    broadcast_to,
    expand_dims,
    specify_shape,
    squeeze,
    transpose,
)
from tests.theano.catalogue.shows import matrix, scalar, shows, tensor, vector, witness

# ------------------------------------------------------------- indices that say nothing


@shows("local_useless_slice", "local_useless_subtensor")
def _(x=matrix()):
    return x[:, 0:5:1][0:4], x


@shows("local_subtensor_merge", "local_subtensor_merge_slice")
def _(x=vector(9)):
    return x[1:8][2:4], x[3:5]


@shows("local_subtensor_merge_integer")
def _(x=vector(9)):
    return x[1:8][2], x[3]


@shows("local_convert_negative_indices")
def _(x=vector(9)):
    return x[-1], x[8]


@witness("local_convert_negative_indices")
def negative_indices_are_counted_from_the_front():
    assert vector(9)[-1].params == ((8,),)


@shows("local_subtensor_remove_broadcastable_index")
def _(x=tensor(1, 4)):
    return x[0], squeeze(x, 0)


@shows("local_dimshuffle_subtensor")
def _(x=matrix()):
    return squeeze(x[2:3], 0), x[2]


# ------------------------------------------------------- indices below what they read


@shows("local_subtensor_lift", "local_subtensor_of_batch_dims")
def _(x=matrix(), y=vector()):
    return (x * y)[2], x[2] * y


@shows("local_subtensor_lift", low=0.0)
def _(x=vector(), y=vector()):
    return sqrt(x + tanh(y))[1:3], sqrt(x[1:3] + tanh(y[1:3]))


@shows("local_subtensor_of_reduce")
def _(x=matrix()):
    return total(x, 1)[2], total(x[2])


@shows("local_subtensor_of_reduce")
def _(x=tensor(3, 4, 5)):
    return largest(x, 1, keepdims=True)[1:, 0, ::-1], largest(x[1:, :, ::-1], 1)


@shows("local_subtensor_of_softmax", within="lift")
def _(x=matrix()):
    return softmax(x, 1)[2], softmax(x[2], 0)


@shows("local_subtensor_of_expand_dims")
def _(x=matrix()):
    return expand_dims(x, 1)[2, :, 3], expand_dims(x[2, 3], 0)


@shows("local_subtensor_of_squeeze")
def _(x=tensor(4, 1, 5)):
    return squeeze(x, 1)[2], x[2, 0]


@shows("local_subtensor_of_transpose")
def _(x=tensor(2, 3, 4)):
    return transpose(x, (2, 0, 1))[1:], transpose(x[:, :, 1:], (2, 0, 1))


@shows("local_subtensor_of_alloc", "local_basic_subtensor_of_alloc")
def _(v=scalar()):
    return full((4, 5), v)[1:3, 0], full((2,), v)


@shows("local_subtensor_of_alloc")
def _(x=vector()):
    return broadcast_to(x, (4, 5))[2, 1:], x[1:]


@shows("local_subtensor_of_join")
def _(x=vector(3), y=vector(4)):
    return concatenate([x, y])[4], y[1]


@shows("local_subtensor_of_join")
def _(x=matrix(3, 2), y=matrix(3, 4)):
    return concatenate([x, y], 1)[2], concatenate([x[2], y[2]])


@shows("local_subtensor_of_dot")
def _(a=matrix(4, 3), b=matrix(3, 5)):
    return dot(a, b)[1, 2], dot(a[1], b[:, 2])


@shows("local_subtensor_of_dot", "local_subtensor_of_batch_dims")
def _(a=tensor(4, 2, 3), b=tensor(4, 3, 5)):
    return batched_dot(a, b)[1], dot(a[1], b[1])


@shows("local_subtensor_of_batch_dims")
def _(x=matrix()):
    return cumsum(x, 1)[2, :3], cumsum(x[2, :3])


@shows("local_subtensor_SpecifyShape_lift")
def _(x=matrix()):
    return specify_shape(x, (4, 5))[2], x[2]


@shows("local_subtensor_shape_constant")
def _(x=matrix()):
    return stack(list(x.shape))[1] * 1.0, Constant(np.float64(5))


@witness("local_subtensor_shape_constant")
def a_known_size_is_a_constant():
    size = matrix(4, 5).shape[1]
    assert isinstance(size, Constant)
    assert size.value == 5


@shows("local_subtensor_of_adv_subtensor")
def _(x=matrix(), v=tensor(2)):
    rows = Constant(np.array([3, 0, 3]))
    return (x[:, rows][2] * v[0]), gather(x[2], [rows], (0,)) * v[0]


@shows("local_adv_idx_to_slice")
def _(x=vector(9)):
    return x[arange(4) + 2], x[2:6]


@shows("local_adv_idx_to_slice")
def _(x=vector(9), v=vector(4)):
    return inc_subtensor(x[arange(4) * 2], v), inc_subtensor(x[0:8:2], v)


@shows("local_adv_idx_to_diagonal")
def _(x=matrix(4, 4)):
    return x[arange(4), arange(4)], diagonal(x)


@witness("bool_idx_to_nonzero")
def a_mask_is_its_nonzero_places():
    x, m = vector(5), tensor(5, dtype="bool")
    assert x[m].op.name == "gather"
    assert x[m].inputs[1] is nonzero(m)[0]


# -------------------------------------------------------------- reading what is written


@shows("local_subtensor_inc_subtensor", "local_read_of_write_same_indices")
def _(x=matrix(), v=vector(5)):
    return set_subtensor(x[2], v)[2], v


@shows("local_subtensor_inc_subtensor", "local_read_of_write_same_indices")
def _(x=matrix(), v=vector(5)):
    return inc_subtensor(x[2], v)[2], x[2] + v


@shows("local_adv_sub1_adv_inc_sub1")
def _(x=matrix(), v=matrix(3, 5)):
    rows = Constant(np.array([3, 0, 1]))
    return inc_subtensor(x[rows], v)[rows], x[rows] + v


@shows("local_slice_read_of_write")
def _(x=vector(9), v=vector(4)):
    return set_subtensor(x[2:6], v)[3:5], v[1:3]


@shows("local_slice_read_of_write")
def _(x=vector(9), v=vector(4)):
    return set_subtensor(x[2:6], v)[7], x[7]


@shows("local_write_of_write_same_indices")
def _(x=vector(), a=scalar(), b=scalar()):
    return set_subtensor(set_subtensor(x[1], a)[1], b), set_subtensor(x[1], b)


@shows("local_write_of_write_same_indices")
def _(x=vector(), a=scalar(), b=scalar()):
    return inc_subtensor(inc_subtensor(x[1], a)[1], b), inc_subtensor(x[1], a + b)


# --------------------------------------------------------------------------- writing


@shows("local_useless_inc_subtensor")
def _(x=vector(), y=vector()):
    return set_slice(x, y, ((0, 5, 1),)), y


@shows("local_useless_inc_subtensor_alloc")
def _(x=vector(), y=vector()):
    return set_slice(zeros_like(x), y, ((0, 5, 1),), "add"), y


@shows("local_set_to_inc_subtensor")
def _(x=vector(), y=scalar()):
    return set_subtensor(x[1:3], x[1:3] + y), inc_subtensor(x[1:3], y)


@shows("local_add_of_sparse_write")
def _(x=vector(), v=scalar()):
    return x + set_subtensor(zeros((5,), "float64")[2], v), inc_subtensor(x[2], v)


@shows("local_add_of_sparse_write")
def _(w=matrix(), v=vector(5), rate=scalar()):
    sparse = inc_subtensor(zeros((4, 5), "float64")[2], v)
    return w - rate * sparse, inc_subtensor(w[2], -(v * rate))


@shows("local_incsubtensor_of_zeros")
def _(x=vector(), y=vector()):
    return inc_subtensor(x[1:3], zeros((2,), "float64")) * y, x * y


@shows("local_incsubtensor_of_zeros_to_setsubtensor")
def _(v=vector(2)):
    blank = zeros((5,), "float64")
    return inc_subtensor(blank[1:3], v), set_subtensor(blank[1:3], v)


@shows("local_setsubtensor_of_constants")
def _(x=vector(), y=vector()):
    return set_subtensor(x[1:3], x[1:3]) * y, x * y


@shows("local_IncSubtensor_serialize", "pre_local_IncSubtensor_serialize")
def _(a=scalar(), b=scalar(), c=vector(5)):
    blank = zeros((5,), "float64")
    before = inc_subtensor(blank[1], a) + inc_subtensor(blank[3], b)
    return before + c, inc_subtensor(inc_subtensor(c[1], a)[3], b)


@shows("local_IncSubtensor_serialize")
def _(x=matrix(4, 5), v=vector()):
    """What a gradient makes of several reads of x."""
    cost = total(x[0] * x[1] + x[2] * v)
    chain = set_subtensor(zeros_like(x)[2], v)
    chain = inc_subtensor(chain[1], x[0])
    return grad(cost, x), inc_subtensor(chain[0], x[1])


@shows("local_IncSubtensor_serialize")
def _(x=matrix(4, 5), v=tensor(5)):
    rows = Constant(np.array([3, 0, 3]))
    cost = total(exp(x[1]) + v * total(x[rows], 0))
    whole = scatter(zeros_like(x), broadcast_to(v, (3, 5)), [rows], (0,), "add")
    return grad(cost, x), inc_subtensor(whole[1], exp(x[1]))
