"""Shows of part K: what is never wrapped, and random state."""

from __future__ import annotations

import numpy as np

import symnb.tensor as T
from symnb.core.graph import Graph
from symnb.ops.elementwise import exp
from symnb.ops.random import RandomStreams
from symnb.ops.reduce import sum as total
from tests.theano.catalogue.programs import compiled, steps
from tests.theano.catalogue.shows import matrix, vector, witness


@witness("inline_ofg_expansion", "late_inline_OpFromGraph")
def a_function_of_expressions_leaves_no_node_of_its_own():
    def scaled(a, b):
        return exp(a) * b

    x, y = vector(), vector()
    made = Graph((x, y), (scaled(x, y),))
    assert made.ops() == ["exp", "mul"]


@witness("local_useless_blockwise", "local_blockwise_alloc_inputs")
def a_batch_is_one_more_axis():
    x, y = matrix(), vector()
    assert (x * y).op is (y * y).op
    assert total(x, 1).op is total(y).op


@witness("random_make_inplace", "mrg_random_make_inplace")
def a_draw_advances_a_counter_and_copies_nothing():
    drawn = RandomStreams(3).uniform((1000,))
    f = compiled([], drawn)
    state = drawn.rng.get_value()
    first, second = f(), f()
    assert (first != second).any()
    np.testing.assert_array_equal(
        drawn.rng.get_value(), np.add(state, np.array([0, 0, 2], "uint64"))
    )
    assert set(steps(f)) == {"launch"}
    [update] = f.program.plan.rows[-1:]
    assert (update["type"], update["bytes"]) == ("u64[3]", "24")


@witness("sidestep_unused_rng_consumer")
def a_draw_that_nobody_reads_is_not_made():
    streams = RandomStreams(3)
    streams.uniform((1000,))
    kept = streams.normal((4,))
    f = compiled([], kept * 2)
    assert f.optimised.shared == (kept.rng,)


@witness("local_rv_size_lift", "local_subtensor_rv_lift", "local_dimshuffle_rv_lift")
def only_the_elements_that_are_read_are_drawn():
    drawn = RandomStreams(3).normal((1000, 50))
    f = compiled([], [drawn[7, :3]])
    assert max(np.prod(n.type.shape) for n in f.optimised.nodes) == 3
    whole = compiled([], RandomStreams(3).normal((1000, 50)))
    np.testing.assert_allclose(f()[0], whole()[7, :3], rtol=1e-14)


@witness("optimize_einsum_inner_graph", "inline_optimized_einsum")
def an_einsum_is_products_of_pairs_the_cheapest_first():
    a, b, v = matrix(3, 4), matrix(4, 5), vector(5)
    made = Graph((a, b, v), (T.einsum("ij,jk,k->i", a, b, v),))
    products = [node for node in made.nodes if node.op.name == "dot"]
    assert [node.type.size for node in products] == [4, 3]
