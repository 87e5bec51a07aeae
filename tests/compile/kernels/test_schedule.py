"""Schedules: which loops are made, and that a kernel is checked."""

import pytest

from symnb.compile.kernels import (
    Kernel,
    NestError,
    Target,
    lower,
    partition,
    schedule_cpu,
)
from symnb.compile.kernels.kernel import Loop, Name, Statement, Tree, Write, check
from symnb.compile.kernels.schedule import stride
from symnb.core.dims import index, symbol
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import reduce, transcendental

n, m = symbol("n", 0), symbol("m", 0)
TARGET = Target(32)


def kernel(*outputs: Node) -> Kernel:
    leaves = [x for x in Graph((), outputs).order if x.op.name == "input"]
    [region] = partition(Graph(leaves, outputs))
    return schedule_cpu(lower(region), TARGET)


def matrix(dtype: str = "float32") -> Input:
    return Input(TensorType(dtype, (n, m)))


def loops(made: Kernel) -> list[Loop]:
    return [s for s in made.statements() if isinstance(s, Loop)]


def test_a_map_over_whole_arrays_is_one_flat_loop() -> None:
    x, y = matrix(), matrix()
    made = kernel(x * y + x)
    [loop] = loops(made)
    assert loop.role == "simd"
    assert made.parallel[0].size == n * m


def test_a_broadcast_row_keeps_two_loops() -> None:
    x, b = matrix(), Input(TensorType("float32", (m,)))
    assert [loop.role for loop in loops(kernel(x + b))] == ["parallel", "simd"]


def test_a_row_sum_runs_along_the_row() -> None:
    made = kernel(reduce.max(matrix("int64"), 1))
    assert [loop.role for loop in loops(made)] == ["parallel", "simd"]
    assert loops(made)[-1].combines == (("a0", "max", "int64"),)


def test_a_float_sum_has_lanes_of_its_own_and_a_tree() -> None:
    made = kernel(reduce.sum(matrix(), 1))
    [tree] = [s for s in made.statements() if isinstance(s, Tree)]
    assert tree.lanes == 4 * TARGET.vector // 4
    assert [loop.combines for loop in loops(made) if loop.role == "simd"] == [(), ()]


def test_a_short_row_of_known_length_needs_no_tree() -> None:
    x = Input(TensorType("float32", (n, 10)))
    made = kernel(reduce.sum(x, 1))
    assert not [s for s in made.statements() if isinstance(s, Tree)]


def test_a_column_sum_never_steps_down_a_column_in_its_inner_loop() -> None:
    made = kernel(reduce.sum(matrix(), 0))
    for loop in loops(made):
        if loop.role == "simd":
            [b, *_] = made.buffers
            offsets = [
                operand.offset
                for s in loop.body
                for operand in getattr(s, "operands", ())
                if getattr(operand, "array", "") == b.name
            ]
            assert all(stride(offset, loop.atom) == 1 for offset in offsets)


def test_the_sum_of_a_transposed_matrix_follows_memory() -> None:
    x = matrix()
    assert kernel(reduce.sum(x.T, 0)).summary == kernel(reduce.sum(x, 1)).summary


def test_a_transposing_map_runs_over_squares() -> None:
    x = matrix()
    assert "squares" in kernel(x.T * 2.0).summary


def test_an_output_may_take_the_place_of_an_input_read_at_the_same_point() -> None:
    x, b = matrix(), Input(TensorType("float32", (m,)))
    y = transcendental.tanh(x) + b
    assert kernel(y).in_place == ((y, x),)
    z = x[::-1] + x
    assert kernel(z).in_place == ()


def test_an_output_never_takes_the_place_of_an_input_read_after_it_is_written() -> None:
    x = matrix()
    e = transcendental.exp(x)
    s = e / reduce.sum(e, 1, keepdims=True)
    assert kernel(s).in_place == ((s, x),)
    both = e / reduce.sum(e, 1, keepdims=True) + x
    assert kernel(both).in_place == ()


def test_a_stride_is_known_only_where_it_is_constant() -> None:
    i = index("i", n)
    [atom] = i.atoms()
    assert stride(3 * i + 5, atom) == 3
    assert stride(i * m, atom) == m
    assert stride(i // 2, atom) is None
    assert stride(m, atom) == 0


def test_a_kernel_that_uses_a_variable_out_of_scope_is_refused() -> None:
    made = kernel(matrix() * 2.0)
    [region] = made.parallel
    [loop] = loops(made)
    lost: Statement = Write(loop.body[-1].target, "float32", Name("t0"))  # type: ignore[union-attr]
    broken = Kernel(made.buffers, made.sizes, (region, lost), made.nodes)
    with pytest.raises(NestError, match="t0 is used where it is not defined"):
        check(broken)
