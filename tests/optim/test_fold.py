"""Constant folding: counts and picks too, nothing that depends on a size."""

import numpy as np
import pytest

from symnb.core.dims import symbol
from symnb.core.node import Constant, Input, size
from symnb.core.types import TensorType
from symnb.ops.create import arange, eye, iota
from symnb.ops.elementwise import sin
from symnb.ops.linalg import slogdet
from symnb.optim.fold import fold_constants, fold_counts
from symnb.optim.optimiser import rewrite_graph

n = symbol("n", 0)


@pytest.mark.parametrize("node", [size(n), iota((n, 2), 1)], ids=["size", "iota"])
def test_a_node_of_a_symbolic_size_is_not_folded(node) -> None:
    assert fold_constants.build is not None
    assert fold_constants.build(node) is None


def test_functions_of_a_count_are_computed_once() -> None:
    done = rewrite_graph(sin(arange(1, 7) * 0.5))
    assert isinstance(done, Constant)
    np.testing.assert_allclose(done.value, np.sin(np.arange(1, 7) * 0.5), rtol=1e-15)


def test_a_count_of_unknown_size_is_not_folded() -> None:
    done = rewrite_graph(sin(iota((n,)) * 0.5))
    assert not isinstance(done, Constant)


def test_a_large_count_is_left_to_the_function() -> None:
    assert fold_counts.build is not None
    assert fold_counts.build(iota((5000,)).astype("float64")) is None


def test_masks_of_counts_stay_index_arithmetic() -> None:
    assert rewrite_graph(eye(3)).op.name == "cast"
    x = Input(TensorType("float64", (3,)), "x")
    assert "constant" not in {y.op.name for y in rewrite_graph(x[iota((3,))]).inputs}


def test_one_of_several_results_over_constants_is_folded() -> None:
    sign, log = rewrite_graph(slogdet(Constant(np.array([[2.0, 1.0], [4.0, 1.0]]))))
    assert isinstance(sign, Constant) and sign.value == -1
    assert isinstance(log, Constant)
    np.testing.assert_allclose(log.value, np.log(2), rtol=1e-15)
