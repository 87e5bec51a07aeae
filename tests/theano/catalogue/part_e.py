"""Shows of part E: reductions."""

from __future__ import annotations

import numpy as np

from symnb.core import walk
from symnb.core.graph import Graph
from symnb.ops.elementwise import sigmoid
from symnb.ops.join import concatenate, stack
from symnb.ops.reduce import (
    MAX,
    MIN,
    SUM,
    argmax,
    argmin,
    max_and_argmax,
    prod,
    reduced,
)
from symnb.ops.reduce import sum as total
from symnb.ops.sort import topk_and_argtopk
from symnb.ops.view import broadcast_to, expand_dims, reshape, squeeze
from symnb.optim.passes import Compile
from symnb.optim.pipeline import PIPELINE, run_passes
from tests.theano.catalogue.shows import matrix, scalar, shows, tensor, vector, witness


@shows("local_sum_prod_mul_by_scalar", "local_sum_prod_of_mul_or_div")
def _(m=matrix(), c=scalar(), a=matrix(4, 1)):
    return [total(c * m), total(m / c), prod(c * m, 0), total(m * a, 1)], [
        total(m) * c, total(m) / c, prod(m, 0) * c**4.0, total(m, 1) * squeeze(a, 1),
    ]  # fmt: skip


@shows("local_sum_of_neg_to_neg_of_sum")
def _(m=matrix()):
    return total(-m, 1), -total(m, 1)


@shows("local_sum_prod_div_dimshuffle")
def _(m=matrix(), b=vector(4)):
    return total(m / expand_dims(b, 1), 1), total(m, 1) / b


@shows("local_sum_prod_all_to_none")
def _(m=matrix()):
    return total(reshape(m, 20), 0), total(m)


@shows("local_op_of_op", "local_reduce_chain")
def _(m=tensor(3, 4, 5)):
    return [total(total(m, 0), 1), reduced(MAX, reduced(MAX, m, 2, False), 0, False)], [
        total(m, (0, 2)), reduced(MAX, m, (0, 2), False),
    ]  # fmt: skip


@shows("local_reduce_join")
def _(a=matrix(3, 1), b=matrix(3, 1)):
    return total(concatenate([a, b], 1), 1), squeeze(a, 1) + squeeze(b, 1)


@shows("local_useless_reduce")
def _(m=matrix()):
    return reduced(SUM, m, (), False), m


@shows("local_reduce_broadcastable")
def _(m=matrix(4, 1)):
    return [total(m, 1), reduced(MAX, m, 1, True)], [squeeze(m, 1), m]


@shows("local_opt_alloc", "local_careduce_of_alloc", low=0.5)
def _(v=vector(5), s=scalar()):
    wide = broadcast_to(v, (4, 5))
    return (
        [total(wide, 0), prod(wide, 0), reduced(MAX, wide, 0, False),
         total(broadcast_to(s, (4, 5)))],
        [v * 4.0, v**4.0, v, s * 20.0],
    )  # fmt: skip


@shows("local_sum_make_vector")
def _(a=scalar(), b=scalar(), c=scalar()):
    return [total(stack([a, b, c])), prod(stack([a, b]))], [a + b + c, a * b]


@witness("local_max_and_argmax", "local_useless_topk")
def what_is_not_used_of_two_results_is_not_computed() -> None:
    m = matrix()
    for pair, gone in (
        (max_and_argmax(m, 1), "argmax"), (topk_and_argtopk(m, 2), "cast"),
    ):  # fmt: skip
        names = [node.op.name for node in walk.order([pair[0]])]
        assert gone not in names


@shows("local_max_to_min")
def _(m=matrix()):
    return [-reduced(MAX, -m, 1, False), argmax(-m, 1)], [
        reduced(MIN, m, 1, False), argmin(m, 1),
    ]  # fmt: skip


@witness("local_argmax_pushdown")
def ties_of_rounded_values_stay_ties() -> None:
    v = vector(2)
    done, _ = run_passes(Graph((v,), (argmax(sigmoid(v)),)), PIPELINE, Compile())
    assert done.roots[0].inputs[0].op is sigmoid
    assert done.roots[0].eval({v: np.array([40.0, 50.0])}) == 0
