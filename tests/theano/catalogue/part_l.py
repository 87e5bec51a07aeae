"""Shows of part L: loop fusion. Each looks at the kernels and at their values."""

from __future__ import annotations

import numpy as np

import symnb.tensor as T
from tests.theano.catalogue.programs import agree, compiled, steps, text
from tests.theano.catalogue.shows import shows, vector, witness


@witness("composite_elemwise_fusion")
def a_chain_with_two_results_is_one_kernel():
    x, y = T.dvectors("x", "y")
    f = compiled([x, y], [T.exp(x) * y + 2.5, T.tanh(x) - y])
    assert steps(f) == ["launch"]
    assert len(f.program.kernels) == 1
    agree(f, lambda x, y: [np.exp(x) * y + 2.5, np.tanh(x) - y])


@witness("composite_elemwise_fusion")
def without_fusion_each_op_is_a_kernel():
    x, y = T.dvectors("x", "y")
    f = compiled([x, y], T.exp(x) * y + T.tanh(y), off="fuse")
    assert len(f.program.kernels) == 4
    agree(f, lambda x, y: np.exp(x) * y + np.tanh(y))


@witness("local_add_mul_fusion", "flatten_nested_add_mul")
def a_nested_sum_of_products_is_one_loop():
    leaves = [T.dvector(name) for name in "abcdefgh"]
    a, b, c, d, e, f, g, h = leaves
    made = compiled(leaves, (a + (b + c * (d * e))) + ((f + g) + h))
    assert steps(made) == ["launch"]
    assert text(made).count("/* parallel */") == 1
    agree(made, lambda a, b, c, d, e, f, g, h: a + b + c * d * e + f + g + h)


@shows("constant_fold_branches_of_add_mul")
def _(x=vector(), y=vector()):
    return 2.0 + (x + 3.0) + (y + 4.0), x + y + 9.0


@witness("local_useless_composite", "local_useless_composite_outputs")
def a_kernel_has_no_dead_inputs_and_outputs():
    x, y = T.dvectors("x", "y")
    both = T.exp(x) + y
    f = compiled([x, y], T.tanh(both - y + 0 * y), on_unused_input="ignore")
    [step] = f.program.steps
    assert [b.node.name for b in step.reads] == ["x"]
    assert len(step.writes) == 1
    agree(f, lambda x, y: np.tanh(np.exp(x)))


@witness("local_inline_composite_constants")
def constants_are_written_in_the_kernel():
    x = T.dvector("x")
    f = compiled([x], (x + 0.3) * 2.5)
    [step] = f.program.steps
    assert [b.node.name for b in step.reads] == ["x"]
    assert "2.5" in text(f) and "0.3" in text(f)
    agree(f, lambda x: (x + 0.3) * 2.5)


@witness("local_careduce_fusion")
def a_sum_of_a_function_stores_nothing_between():
    x = T.dvector("x")
    f = compiled([x], T.sum(T.exp(x) * x))
    assert steps(f) == ["launch"]
    assert f.program.plan.slots == []
    assert all(row["place"] != "arena" for row in f.program.plan.rows)
    agree(f, lambda x: (np.exp(x) * x).sum())


@witness("fuse_elemwise", "wrap_reduced_gather_in_elemwise")
def a_gather_is_read_where_it_is_needed():
    x, i = T.dvector("x"), T.constant(np.array([3, 0, 0, 5, 2]))
    f = compiled([x], T.sum(T.exp(x[i]) * 2))
    assert steps(f) == ["launch"]
    assert f.program.plan.slots == []
    agree(f, lambda x: (np.exp(x[[3, 0, 0, 5, 2]]) * 2).sum())
