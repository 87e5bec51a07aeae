"""Shows of part I: products as calls of BLAS, and as less than that."""

from __future__ import annotations

import re

import numpy as np

import symnb.tensor as T
from symnb.ops.create import zeros
from symnb.ops.define import as_node
from symnb.ops.dot import dot, matmul
from symnb.ops.gemm import gemm
from symnb.ops.view import broadcast_to, expand_dims, reshape
from tests.theano.catalogue.programs import agree, compiled, steps
from tests.theano.catalogue.shows import matrix, scalar, shows, tensor, vector, witness


def _number(value):
    return as_node(value, "float64")


def _nothing(*shape):
    return broadcast_to(_number(0.0), shape)


@shows("local_dot_to_dot22")
def _(a=matrix(5, 4), b=matrix(5, 3)):
    wanted = gemm(_nothing(4, 3), a, b, _number(1.0), _number(0.0), True, False)
    return dot(a.T, b), wanted


@shows("gemm_optimizer")
def _(a=matrix(4, 5), b=matrix(5, 3), c=matrix(4, 3)):
    return c - dot(a, b), gemm(c, a, b, _number(-1.0), _number(1.0))


@shows("gemm_optimizer", "local_dot22_to_dot22scalar")
def _(a=matrix(4, 5), b=matrix(5, 3), c=matrix(4, 3), s=scalar()):
    return s * dot(a, b) + 2 * c, gemm(c, a, b, s, _number(2.0))


@shows("local_gemm_to_gemv", "local_dot22_to_ger_or_gemv")
def _(a=matrix(4, 5), b=matrix(5, 1)):
    return dot(a, b), expand_dims(dot(a, b.squeeze(1)), 1)


@shows("local_gemm_to_gemv")
def _(a=matrix(5, 4), v=vector(5)):
    return dot(a.T, v), dot(v, a)


@shows("local_gemm_to_ger", "local_dot22_to_ger_or_gemv", "local_dot_to_mul")
def _(a=matrix(4, 1), b=matrix(1, 3), c=matrix(4, 3)):
    return c + dot(a, b), c + a * b


@shows("local_0_dot_x")
def _(x=matrix(4, 5)):
    return dot(zeros((3, 4)), x), zeros((3, 5))


@shows("local_lift_transpose_through_dot")
def _(a=matrix(4, 5), b=matrix(5, 3)):
    wanted = gemm(_nothing(3, 4), b, a, _number(1.0), _number(0.0), True, True)
    return dot(a, b).T, wanted


@shows(
    "local_batched_matmul_to_core_matmul",
    "local_batched_matmul_to_core_matmul_with_reshape",
)
def _(x=tensor(6, 4, 5), y=tensor(1, 5, 3)):
    return matmul(x, y), reshape(dot(reshape(x, (24, 5)), y.squeeze(0)), (6, 4, 3))


@witness("InplaceBlasOpt", "local_inplace_gemm")
def a_dead_matrix_is_added_to_where_it_is():
    a, b, c = T.dmatrix("a"), T.dmatrix("b"), T.dmatrix("c")
    f = compiled([a, b, c], T.dot(T.exp(c) + T.dot(a, b), c))
    assert steps(f) == ["launch", "extern", "extern"]
    [decision] = f.program.plan.in_place
    assert [node.op.name for node in decision.nodes] == ["gemm", "exp"]
    [adding] = re.findall(r"<- t3, .*\n.*\n.*, (\w+), n0, (\w+), n0\);", f.source())
    assert adding[0] == adding[1]  # what is added to is the result
    agree(f, lambda a, b, c: (np.exp(c) + a @ b) @ c)


@witness("InplaceBlasOpt")
def a_matrix_that_is_multiplied_too_is_added_to_in_a_copy():
    a, b = T.dmatrix("a"), T.dmatrix("b")
    e = T.exp(a)
    f = compiled([a, b], T.dot(e + T.dot(e, b), b))
    assert f.program.plan.in_place == []
    agree(f, lambda a, b: (np.exp(a) + np.exp(a) @ b) @ b)


@witness("use_c_blas", "use_c_gemv")
def products_are_calls_of_the_library():
    a, b, v = T.dmatrix("a"), T.dmatrix("b"), T.dvector("v")
    f = compiled([a, b, v], [T.dot(a, b), T.dot(a, v)])
    assert steps(f) == ["extern", "extern"]
    assert "symnb_dgemm(" in f.source() and "symnb_dgemv(" in f.source()
    agree(f, lambda a, b, v: (a @ b, a @ v))


@witness("use_c_blas")
def without_the_library_products_are_loops():
    a, b = T.dmatrix("a"), T.dmatrix("b")
    f = compiled([a, b], T.dot(a, b), off="library")
    assert "symnb_dgemm" not in f.source()
    agree(f, lambda a, b: a @ b)
