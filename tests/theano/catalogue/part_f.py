"""Shows of part F: shapes, broadcasts, reshapes, transposes."""

from __future__ import annotations

import numpy as np

from symnb.core.node import Constant
from symnb.ops.cast import cast
from symnb.ops.control import Assert
from symnb.ops.create import eye, fill
from symnb.ops.diagonal import diag, diagonal
from symnb.ops.elementwise import exp, less, logical_not, logical_or
from symnb.ops.join import concatenate, stack
from symnb.ops.rearrange import tile
from symnb.ops.view import (
    broadcast_to,
    dimshuffle,
    expand_dims,
    reshape,
    shape_of,
    specify_shape,
    squeeze,
    transpose,
)
from tests.theano.catalogue.shows import matrix, scalar, shows, tensor, vector, witness


@shows(
    "local_shape_to_shape_i",
    "local_track_shape_i",
    "local_Shape_i_ground",
    "local_shape_ground",
)
def _(m=matrix(), v=vector()):
    return [exp(m + v).shape[0], (m @ m.T).shape[1] * 2], [
        Constant(np.int64(4)), Constant(np.int64(8)),
    ]  # fmt: skip


@shows("local_fill_sink", "local_second_sink", "topological_second_sink")
def _(a=matrix(), b=scalar(), c=vector()):
    return fill(a, b) * c, broadcast_to(c * b, (4, 5))


@witness("local_fill_to_alloc", "local_second_to_alloc")
def fill_is_a_broadcast() -> None:
    node = fill(matrix(), scalar())
    assert node.op.name == "broadcast_to"
    assert shape_of(node) == (4, 5)


@shows(
    "local_useless_fill",
    "local_useless_alloc",
    "local_canonicalize_alloc",
    "local_alloc_sink_dimshuffle",
)
def _(m=matrix(), v=vector()):
    return [fill(m, m), broadcast_to(expand_dims(v, 0), (4, 5))], [
        m, broadcast_to(v, (4, 5)),
    ]  # fmt: skip


@shows("local_merge_alloc")
def _(v=vector()):
    return broadcast_to(broadcast_to(v, (4, 5)), (2, 4, 5)), broadcast_to(v, (2, 4, 5))


@shows("local_elemwise_alloc", "local_alloc_unary")
def _(v=vector(), m=matrix()):
    wide = broadcast_to(v, (4, 5))
    return [wide * m, exp(wide), cast(wide, "float32")], [
        v * m, broadcast_to(exp(v), (4, 5)), broadcast_to(cast(v, "float32"), (4, 5)),
    ]  # fmt: skip


@shows("local_dimshuffle_alloc", "local_alloc_dimshuffle")
def _(s=scalar()):
    return transpose(broadcast_to(s, (4, 5))), broadcast_to(s, (5, 4))


@shows("local_dimshuffle_lift")
def _(m=matrix(), a=tensor(2, 3, 4)):
    turned = transpose(transpose(a, (1, 2, 0)), (1, 0, 2))
    return [m.T.T, turned, dimshuffle(dimshuffle(m, 0, "x", 1), 0, 2)], [
        m, transpose(a, (2, 1, 0)), m,
    ]  # fmt: skip


@shows("local_useless_dimshuffle_makevector")
def _(s=scalar()):
    return squeeze(stack([s])), s


@shows(
    "local_useless_dimshuffle_in_reshape",
    "local_useless_expand_dims_in_reshape",
    "local_reshape_dimshuffle",
)
def _(m=matrix(4, 6)):
    return reshape(expand_dims(m, 1), (8, 3)), reshape(m, (8, 3))


@shows("local_reshape_chain")
def _(m=matrix(4, 6)):
    return reshape(reshape(m, (3, 8)), (12, 2)), reshape(m, (12, 2))


@shows("local_useless_reshape")
def _(m=matrix()):
    return reshape(reshape(m, 20), (4, 5)), m


@shows("local_reshape_to_dimshuffle")
def _(m=matrix(), a=tensor(1, 5, 1)):
    return [reshape(m, (4, 1, 5)), reshape(a, (5,))], [
        expand_dims(m, 1), squeeze(a, (0, 2)),
    ]  # fmt: skip


@shows("local_reshape_lift", "local_flatten_lift")
def _(m=matrix()):
    return exp(-m).flatten(), exp(-reshape(m, 20))


@shows("local_useless_rebroadcast", "local_rebroadcast_lift")
def _(m=matrix()):
    return [specify_shape(m, (4, 5)), exp(specify_shape(m, (4, 5)))], [m, exp(m)]


@shows("local_join_of_alloc")
def _(a=vector(3), b=vector(2)):
    wide = [broadcast_to(a, (4, 3)), broadcast_to(b, (4, 2))]
    return concatenate(wide, 1), broadcast_to(
        concatenate([expand_dims(a, 0), expand_dims(b, 0)], 1), (4, 5)
    )


@shows("local_useless_tile")
def _(m=matrix()):
    return tile(m, (1, 1)), m


@shows("local_useless_specify_shape", "local_merge_consecutive_specify_shape")
def _(m=matrix()):
    return specify_shape(specify_shape(m, (4, 5)), (4, 5)) + 1, m + 1


@shows(
    "local_extract_diag_of_alloc_diag",
    "local_extract_diag_of_eye",
    "local_extract_diag_lift",
    "extract_diag_of_transpose",
)
def _(v=vector(), m=matrix(4, 4)):
    return [diagonal(diag(v)), diagonal(eye(3)), diagonal(m.T, 1), diagonal(exp(m))], [
        v, broadcast_to(Constant(1.0), (3,)), diagonal(m, -1), exp(diagonal(m)),
    ]  # fmt: skip


@shows("local_remove_useless_assert")
def _(x=vector(), n=vector(dtype="int64")):
    low = less(x, 1)
    always = logical_or(low, logical_not(low)).all()
    return [Assert("never")(x, True), Assert("never")(x, always)], [x, x]
