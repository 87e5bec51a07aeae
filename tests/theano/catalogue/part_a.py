"""Shows of part A: merging, folding, phases."""

from __future__ import annotations

from symnb.core import walk
from symnb.core.graph import Graph
from symnb.core.node import SIZE, Constant
from symnb.core.op import TABLE
from symnb.ops.elementwise import copy, exp, log, log1p, square
from symnb.ops.view import shape_of
from symnb.optim.passes import Compile
from symnb.optim.pipeline import PIPELINE, run_passes
from tests.theano.catalogue.shows import shows, tensor, vector, witness


@shows("merge1", "merge", within="merge")
def _(x=vector()):
    once = exp(x) + 1
    return [exp(x) + 1, exp(x) + 1], [once, once]


@shows("topo_constant_folding", "constant_folding", within="fold")
def _(x=vector()):
    return x * (Constant(2.0) * 3.0), x * 6.0


@shows("useless", "local_useless", within="simplify")
def _(x=vector()):
    return x * 1 / 1, x


@shows("canonicalize", within="simplify collect")
def _(x=vector(), y=vector()):
    return 2 * (x + y - x) * 3, y * 6.0


@shows("stabilize", within="shift stabilise")
def _(x=vector()):
    return log(1 + x), log1p(x)


@shows("specialize", within="special")
def _(x=vector()):
    return x**4, square(square(x))


@shows("remove_tensor_copy", "local_view_op")
def _(x=vector()):
    return copy(x), x


@witness("uncanonicalize")
def normal_forms_are_the_fast_ones() -> None:
    x, y = vector(), vector()
    for node in (x - y, -x, x / y, square(x)):
        done, _ = run_passes(Graph((x, y), (node,)), PIPELINE, Compile())
        assert done.roots[0].op is node.op


@witness("ShapeOpt", "UnShapeOpt")
def the_size_of_a_result_needs_no_result() -> None:
    x = tensor(4, 5)
    assert shape_of(exp(x) @ x.T) == (4, 4)
    n = exp(x).shape[0]
    assert all(node.op is SIZE or node.is_leaf for node in walk.order([n]))


@witness("add_destroy_handler")
def no_op_of_the_graph_writes_in_place() -> None:
    assert not [name for name in TABLE if "inplace" in name]
