"""Chunks of loops: any order gives the result of the loop, where chunks may begin."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symnb.compile.kernels import columns, parallel, rows
from symnb.compile.kernels.kernel import Kernel
from symnb.core.dims import symbol
from symnb.core.evaluate import evaluate
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops import cumulative, index, join, reduce, transcendental
from tests.compile.kernels import harness, strategies
from tests.compile.kernels.test_random_graphs import same
from tests.compile.kernels.test_schedule import kernel

n, m = symbol("n", 0), symbol("m", 0)
SMALL = replace(harness.TARGET, vector=8)


@pytest.fixture(scope="module", autouse=True)
def tiny() -> Iterator[None]:
    """Blocks, tiles and chunks so small that a few elements make many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "WORTH_NS", 0.0)
        patch.setattr(parallel, "AWAKE_NS", 0.0)
        patch.setattr(parallel, "CHUNK_NS", 0.0)
        patch.setattr(parallel, "FLAT_UNIT", 3)
        patch.setattr(columns, "ROW_RUN", 8)
        patch.setattr(columns, "TILE", 4)
        patch.setattr(rows, "LANE_RUN", 1)
        patch.setattr(rows, "REGISTERS", 1)
        yield


def tensor(*shape: object, dtype: str = "float32") -> Input:
    return Input(TensorType(dtype, shape))  # type: ignore[arg-type]


def chunks(root: Node, values: dict[Node, np.ndarray], threads: int = 2) -> list[int]:
    """Chunks of each loop, after the result was found to be right."""
    compiled = harness.Compiled(Graph(list(values), [root]), SMALL, threads)
    [got], [want] = compiled(values), evaluate([root], values)
    np.testing.assert_allclose(got, want, 1e-5)
    return compiled.chunks


X = np.arange(12.0 * 17).reshape(12, 17).astype("float32") / 100


def test_a_map_has_chunks_of_whole_units() -> None:
    x = tensor(n, m)
    # 204 elements in 64 chunks are 4 each, in units of 3: 6
    assert chunks(transcendental.exp(x) * x, {x: X}) == [34]


def test_rows_are_chunks_and_their_memory_is_each_ones_own() -> None:
    x = tensor(n, m)
    e = transcendental.exp(x - reduce.max(x, 1, keepdims=True))
    kept = reduce.sum(e / reduce.sum(e, 1, keepdims=True) * e, 1)
    assert chunks(kept, {x: X}) == [12]


def test_a_full_reduction_combines_its_chunks() -> None:
    x = tensor(n, m)
    assert chunks(reduce.sum(x), {x: X})[0] > 10
    assert chunks(reduce.max(x), {x: X})[0] > 10
    assert chunks(reduce.argmax(x), {x: X}) == []  # one thread: the first place counts


def test_few_columns_are_cut_by_rows_and_many_by_columns() -> None:
    x = tensor(n, m)
    long, wide = np.tile(X, (9, 1))[:, :3], np.tile(X, (1, 9))
    assert chunks(reduce.sum(x, 0), {x: long}) == [14]
    assert chunks(reduce.sum(x, 0), {x: wide}) == [39]


def test_one_thread_has_no_chunks() -> None:
    x = tensor(n, m)
    assert chunks(reduce.sum(x), {x: X}, threads=1) == []


def test_two_passes_are_cut_each() -> None:
    x = tensor(n, m)
    assert chunks(join.concatenate([x, x * np.float32(2)], 1), {x: X}) == [12, 12]


def test_the_first_position_out_of_range_is_told_wherever_chunks_begin() -> None:
    x, i = tensor(n), tensor(m, dtype="int64")
    root = index.gather(x, [i], (0,)) * np.float32(2)
    compiled = harness.Compiled(Graph([x, i], [root]), SMALL, 2)
    at = np.zeros(40, "int64")
    at[33] = 99
    with pytest.raises(harness.KernelError, match="index 99 is out of bounds"):
        compiled({x: X[0], i: at})


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(strategies.cases(), st.integers(2, 4))
def test_chunks_in_any_order_agree_with_the_reference(
    case: strategies.Case, threads: int
) -> None:
    compiled = harness.Compiled(case.graph, SMALL, threads)
    try:
        with np.errstate(all="ignore"):
            wanted = evaluate(case.graph.roots, case.values)
    except ValueError:
        with pytest.raises(harness.KernelError):
            compiled(case.values)
        return
    for got, want in zip(compiled(case.values), wanted, strict=True):
        assert same(got, want), (str(case.graph), compiled.source, got, want)


def reason(*outputs: Node) -> str:
    made: Kernel = kernel(*outputs)
    assert not made.parallel
    return made.alone


def test_kernels_say_why_no_loop_is_cut() -> None:
    x = tensor(n)
    assert "in order" in reason(cumulative.cumsum(x, 0))
    assert "depend" in reason(reduce.prod(x))
    assert reason(tensor(2) * np.float32(3)) == "2 iterations"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "AWAKE_NS", 1e6)
        assert "us of work" in reason(tensor(30, 30) * np.float32(3))
