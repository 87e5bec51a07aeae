"""What is fused into one kernel, and the reasons that are given."""

import numpy as np
import pytest

from symnb.compile.kernels import Region, lower, partition
from symnb.compile.kernels.fuse import MAX_BUFFERS, MAX_VALUES
from symnb.core.dims import symbol
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import dot, index, reduce, transcendental, view
from symnb.ops.create import arange
from symnb.optim.trace import Decision

n, m, k = (symbol(name, 0) for name in "nmk")


def tensor(*shape: object, dtype: str = "float32", name: str = "x") -> Input:
    return Input(TensorType(dtype, shape), name)  # type: ignore[arg-type]


def regions(*outputs: Node) -> tuple[list[Region], list[Decision]]:
    told: list[Decision] = []
    leaves = [x for x in Graph((), outputs).order if x.op.name == "input"]
    found = partition(Graph(leaves, outputs), told.append)
    return found, [d for d in told if d.kind == "fuse"]


def kinds(found: list[Region]) -> list[str]:
    return [region.kind for region in found]


def softmax(x: Node) -> Node:
    e = transcendental.exp(x - reduce.max(x, 1, keepdims=True))
    return e / reduce.sum(e, 1, keepdims=True)


def test_a_chain_is_one_kernel_that_stores_only_the_result() -> None:
    x, y = tensor(n, m), tensor(m)
    [region], told = regions(transcendental.tanh(x + y) * x - 1.0)
    assert [node.op.name for node in region.nodes] == ["add", "tanh", "mul", "sub"]
    assert region.inputs == (x, y)
    assert len(region.outputs) == 1
    assert told == []


def test_softmax_is_one_kernel_of_three_passes() -> None:
    [region], told = regions(softmax(tensor(n, m)))
    nest = lower(region)
    assert [len(stage.inner) for stage in nest.stages] == [1, 1, 1]
    assert [choice.chosen for choice in told] == ["fused", "fused", "fused"]


def test_the_row_of_exponentials_is_kept_for_the_last_pass() -> None:
    [region], _ = regions(softmax(tensor(n, m)))
    rows = [let for stage in lower(region).stages for let in stage.lets if stage.inner]
    assert [let.value.op.name for let in rows] == ["exp"]


def test_values_that_do_not_vary_along_the_row_are_computed_before_it() -> None:
    x = tensor(n, m)
    scale = transcendental.log(reduce.sum(x, 1, keepdims=True))
    [region], _ = regions(x * scale)
    kept = [s for s in lower(region).stages if not s.inner]
    assert [let.value.op.name for stage in kept for let in stage.lets] == ["log"]


def test_sibling_reductions_share_one_pass() -> None:
    x = tensor(n, m)
    [region], told = regions(reduce.sum(x, 1), reduce.max(x, 1))
    assert len(region.outputs) == 2
    assert "x is read once for both" in told[-1].reason


def test_reductions_over_other_axes_stay_apart_and_say_so() -> None:
    x = tensor(n, m)
    y = transcendental.exp(x)
    found, told = regions(reduce.sum(y, 1), reduce.sum(y, 0))
    assert kinds(found) == ["kernel", "kernel"]
    assert "its loops run over other axes" in {choice.reason for choice in told}


def test_a_value_two_kernels_need_is_computed_once_when_it_is_costly() -> None:
    y = transcendental.exp(tensor(n, m))
    found, _ = regions(reduce.sum(y, 1), reduce.sum(y, 0))
    assert [node.op.name for r in found for node in r.nodes].count("exp") == 1
    x = tensor(n, m)
    cheap = x + 1.0
    found, _ = regions(reduce.sum(cheap, 1), reduce.sum(cheap, 0))
    assert [node.op.name for r in found for node in r.nodes].count("add") == 2


def test_computing_once_or_again_is_a_recorded_decision() -> None:
    x, y = tensor(n, m), tensor(n, dtype="int64", name="y")
    e = transcendental.exp(x)
    told: list[Decision] = []
    partition(Graph([x], [reduce.sum(e, 1), reduce.sum(e, 0)]), told.append)
    [decision] = [d for d in told if d.kind == "recompute"]
    assert (decision.subject, decision.chosen) == ("%0 exp", "computed once")
    assert decision.reason == "needed 2 times per element"
    told.clear()
    picked = index.gather(e, [arange(x.shape[0]), y], (0, 1))
    partition(Graph([x, y], [reduce.sum(e, 1) + picked]), told.append)
    [decision] = [d for d in told if d.kind == "recompute"]
    assert decision.chosen == "computed where it is needed"


def test_a_costly_row_is_not_computed_at_every_point_of_a_matrix() -> None:
    x, b = tensor(n, m), tensor(m, name="b")
    found, _ = regions(x + transcendental.exp(b))
    assert [r.nodes[0].op.name for r in found] == ["exp", "add"]
    assert found[1].inputs == (x, found[0].outputs[0])


def test_what_follows_a_full_reduction_waits_for_it() -> None:
    x = tensor(n, m)
    found, told = regions(x - reduce.max(x))
    assert kinds(found) == ["kernel", "kernel"]
    assert told[-1].reason == "the reduction of the whole array must be complete first"


def test_scalars_that_follow_a_full_reduction_are_its_epilogue() -> None:
    [region], _ = regions(transcendental.log(reduce.sum(tensor(n, m))) * 2.0)
    assert [node.op.name for node in region.nodes] == ["sum", "log", "mul"]


def test_a_product_is_for_a_library_and_its_operands_are_arrays() -> None:
    x, w = tensor(n, m), tensor(m, k, name="w")
    found, told = regions(transcendental.tanh(dot.dot(x * 2.0, w)))
    assert kinds(found) == ["kernel", "extern", "kernel"]
    assert "runs in a library" in told[-1].reason


def test_a_contiguous_reshape_is_an_alias() -> None:
    x, w = tensor(n, 4, 5), tensor(20, k, name="w")
    found, _ = regions(dot.dot(view.reshape(x, (x.shape[0], 20)), w))
    assert kinds(found) == ["alias", "extern"]
    assert found[0].inputs == (x,)


def test_a_transposed_operand_is_copied() -> None:
    x, w = tensor(m, n), tensor(m, k, name="w")
    found, _ = regions(dot.dot(x.T, w))
    assert kinds(found) == ["kernel", "extern"]


def test_no_cycle_through_a_library_step() -> None:
    x = tensor(n, n)
    a = transcendental.exp(x)
    found, told = regions(a + dot.dot(a, a), a)
    assert kinds(found) == ["kernel", "extern", "kernel"]
    reasons = {choice.reason for choice in told}
    assert "something between them is computed elsewhere" in reasons


def test_the_likelihood_reads_one_element_per_row() -> None:
    x, y = tensor(n, m), tensor(n, dtype="int64", name="y")
    lse = transcendental.log(reduce.sum(transcendental.exp(x), 1, keepdims=True))
    rows = [arange(x.shape[0]), y]
    found, _ = regions(reduce.sum(index.gather(x - lse, rows, (0, 1))))
    assert kinds(found) == ["kernel", "kernel"]
    assert found[0].outputs[0].type.shape == (n, 1)
    assert not lower(found[1]).stages[0].stores


def test_regions_come_after_what_they_read() -> None:
    x = tensor(n, m)
    y = reduce.sum(transcendental.exp(x), 0)
    found, _ = regions(x + y, x * reduce.sum(x - y, 0))
    ready = {x}
    for region in found:
        assert set(region.inputs) <= ready
        ready |= set(region.outputs)


def test_kernels_have_bounded_size() -> None:
    x = tensor(n)
    y: Node = x
    for _ in range(3 * MAX_VALUES):
        y = transcendental.tanh(y) + x
    found, told = regions(y)
    assert len(found) > 1
    assert all(len(region.nodes) <= MAX_VALUES for region in found)
    reasons = {choice.reason for choice in told}
    assert f"the kernel would have more than {MAX_VALUES} values" in reasons


def test_kernels_have_a_bounded_number_of_arrays() -> None:
    leaves = [tensor(n, name=f"x{i}") for i in range(3 * MAX_BUFFERS)]
    y: Node = leaves[0]
    for x in leaves[1:]:
        y = y + x
    found, _ = regions(y)
    assert all(len(r.inputs) + len(r.outputs) <= MAX_BUFFERS for r in found)


def test_long_chains_need_no_recursion() -> None:
    y: Node = tensor(n)
    for _ in range(10_000):
        y = -y
    found, _ = regions(y)
    nodes = [node for region in found for node in region.nodes]
    assert len(nodes) == 10_000


@pytest.mark.parametrize("count", [1, 2])
def test_the_same_graph_gives_the_same_regions(count: int) -> None:
    x = tensor(n, m)
    texts = []
    for _ in range(2):
        found, _ = regions(*[softmax(x + float(i)) for i in range(count)])
        texts.append([str(lower(r)) for r in found])
    assert texts[0] == texts[1]


def test_constants_of_one_element_are_written_into_the_code() -> None:
    x = tensor(n)
    [region], _ = regions(x * np.float32(3) + np.ones(1, "float32"))
    assert region.inputs == (x,)
