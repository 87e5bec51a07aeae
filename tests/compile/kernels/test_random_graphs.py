"""Kernels of random graphs give the reference's results, bit for bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from symnb.core.evaluate import evaluate
from tests.compile.kernels import harness, strategies


def same(x: np.ndarray, y: np.ndarray) -> bool:
    """Equal dtype, shape and values; NaN equals NaN."""
    nan = x.dtype.kind == "f"
    return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=nan)


@pytest.mark.cc
@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(strategies.cases())
def test_kernels_agree_with_the_reference(case: strategies.Case) -> None:
    compiled = harness.Compiled(case.graph)
    try:
        with np.errstate(all="ignore"):
            wanted = evaluate(case.graph.roots, case.values)
    except ValueError as error:
        assert "zero-size" in str(error) or "empty" in str(error)
        with pytest.raises(harness.KernelError, match=r"zero-size|empty"):
            compiled(case.values)
        return
    for got, want in zip(compiled(case.values), wanted, strict=True):
        assert same(got, want), (str(case.graph), compiled.source, got, want)
