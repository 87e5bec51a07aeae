"""Shows of part M: results that take the place of what nobody reads any more."""

from __future__ import annotations

import numpy as np

import symnb.tensor as T
from symnb.gradient import grad
from symnb.ops.subtensor import inc_subtensor, set_subtensor
from tests.theano.catalogue.programs import agree, compiled, text
from tests.theano.catalogue.shows import witness


@witness("inplace_elemwise", "inplace_elemwise_opt")
def an_elementwise_result_is_written_over_its_dead_operand():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    product = T.dot(x, y)
    f = compiled([x, y], T.dot(T.tanh(product) + 2, y))
    [decision] = f.program.plan.in_place
    assert decision.nodes[1].op.name == "dot"
    [slot] = f.program.plan.slots
    assert len(slot.buffers) == 2
    agree(f, lambda x, y: (np.tanh(x @ y) + 2) @ y)


@witness("inplace_elemwise")
def without_the_stage_nothing_is_overwritten():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = compiled([x, y], T.dot(T.tanh(T.dot(x, y)) + 2, y), off="inplace")
    assert f.program.plan.in_place == []
    assert len(f.program.plan.slots) == 2
    agree(f, lambda x, y: (np.tanh(x @ y) + 2) @ y)


@witness("inplace_elemwise_opt")
def a_dead_operand_of_another_kernel_leaves_its_place():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    chain = T.dot(T.dot(T.dot(T.dot(x, y), y), y), y)
    f = compiled([x, y], chain)
    assert len(f.program.plan.slots) == 2
    g = compiled([x, y], chain, off="reuse")
    assert len(g.program.plan.slots) == 3
    agree(f, lambda x, y: x @ y @ y @ y @ y)


@witness("local_inplace_setsubtensor")
def a_part_is_written_into_the_buffer():
    x, v = T.dmatrix("x"), T.dscalar("v")
    written = set_subtensor(T.dot(x, x)[1], v)
    f = compiled([x, v], T.dot(written, x))
    [decision] = f.program.plan.in_place
    assert [node.op.name for node in decision.nodes] == ["set_slice", "dot"]
    assert "q0[i] = p0[i];" not in text(f)

    def expected(x, v):
        product = x @ x
        product[1] = v
        return product @ x

    agree(f, expected)


@witness("local_inplace_incsubtensor1", "local_inplace_AdvancedIncSubtensor")
def increments_at_data_are_written_into_the_buffer():
    x, i = T.dmatrix("x"), T.lvector("i")
    written = inc_subtensor(T.dot(x, x)[i], 1.0)
    f = compiled([x, i], T.dot(written, x))
    [decision] = f.program.plan.in_place
    assert [node.op.name for node in decision.nodes] == ["scatter", "dot"]
    assert "q0[i] = p0[i];" not in text(f)
    data, places = np.random.default_rng(0).normal(size=(4, 4)), np.array([2, 0, 2])
    product = data @ data
    np.add.at(product, places, 1.0)
    np.testing.assert_allclose(f(data, places), product @ data, rtol=1e-13)


@witness("local_inplace_incsubtensor1", "local_inplace_setsubtensor")
def the_gradient_of_several_parts_is_one_buffer():
    x, w = T.dmatrix("x"), T.dmatrix("w")
    cost = T.sum(T.tanh(x[0]) * x[1] + x[2] * x[-1])
    f = compiled([x, w], T.dot(grad(cost, x), w))
    assert [len(slot.buffers) for slot in f.program.plan.slots] == [4, 1]
    assert len(f.program.plan.in_place) == 3
    assert text(f).count("= p0[i];") == 0

    def expected(x, w):
        g = np.zeros_like(x)
        g[0] += x[1] * (1 - np.tanh(x[0]) ** 2)
        g[1] += np.tanh(x[0])
        g[2] += x[-1]
        g[-1] += x[2]
        return g @ w

    agree(f, expected)


@witness("local_inplace_incsubtensor1")
def a_returned_gradient_is_filled_in_where_it_is_returned():
    x = T.dmatrix("x")
    f = compiled([x], grad(T.sum(x[0] * x[1] + x[2]), x))
    assert f.program.plan.slots == []
    assert len(f.program.plan.in_place) == 2
    assert "= p0[i];" not in text(f)

    def expected(x):
        g = np.zeros_like(x)
        g[0], g[1], g[2] = x[1], x[0], 1
        return g

    agree(f, expected)
