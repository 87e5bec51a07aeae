"""Shows of part G: joins, splits and stacks."""

from __future__ import annotations

from symnb.ops.join import concatenate, split, stack
from symnb.ops.view import expand_dims
from tests.theano.catalogue.shows import matrix, scalar, shows, tensor, vector, witness


@shows("local_join_1", "local_gpua_join_1")
def _(x=vector(), e=tensor(0)):
    return concatenate([x, e]) * 2, x * 2


@shows("local_join_empty")
def _(x=matrix(2, 3), e=tensor(0, 3), y=matrix(1, 3)):
    return concatenate([x, e, y]), concatenate([x, y])


@shows("local_join_make_vector")
def _(a=scalar(), b=scalar(), c=scalar(), x=vector(2)):
    return concatenate([stack([a, b]), concatenate([stack([c]), x])]), concatenate(
        [expand_dims(a, 0), expand_dims(b, 0), expand_dims(c, 0), x]
    )


@shows("local_join_subtensors")
def _(x=vector(7)):
    return concatenate([x[:3], x[3:5]]), x[:5]


@shows("local_join_subtensors")
def _(x=matrix(7, 3)):
    return stack([x[2], x[3], x[4]]), x[2:5]


@shows("local_join_subtensors")
def _(x=matrix(7, 3)):
    return concatenate([x[:, :1], x[:, 1:]], 1), x


@shows("local_useless_split")
def _(x=vector(6)):
    return split(x, 1)[0], x


@witness("local_useless_split")
def one_part_is_the_whole():
    x = vector(6)
    assert split(x, 1)[0] is x


@shows("local_subtensor_make_vector")
def _(a=scalar(), b=scalar(), c=scalar()):
    return stack([a, b, c])[1], b


@shows("local_subtensor_make_vector")
def _(a=scalar(), b=scalar(), c=scalar()):
    return stack([a, b, c])[0:2], stack([a, b])


@shows("local_subtensor_make_vector")
def _(a=vector(), b=vector(), c=vector()):
    return stack([a, b, c], axis=1)[:, 2], c
