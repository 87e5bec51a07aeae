"""Constant folding leaves alone what depends on a size."""

import pytest

from symnb.core.dims import symbol
from symnb.core.node import size
from symnb.ops.create import iota
from symnb.optim.fold import fold_constants

n = symbol("n", 0)


@pytest.mark.parametrize("node", [size(n), iota((n, 2), 1)], ids=["size", "iota"])
def test_a_node_of_a_symbolic_size_is_not_folded(node) -> None:
    assert fold_constants.build is not None
    assert fold_constants.build(node) is None
