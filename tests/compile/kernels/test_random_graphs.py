"""Kernels of random graphs give the reference's results, bit for bit."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from symnb.core.evaluate import evaluate


def load(name: str) -> ModuleType:
    """A module beside this one."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


harness = load("harness")
strategies = load("strategies")


def same(x: np.ndarray, y: np.ndarray) -> bool:
    """Equal dtype, shape and values; NaN equals NaN."""
    nan = x.dtype.kind == "f"
    return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=nan)


@pytest.mark.cc
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(strategies.cases())
def test_kernels_agree_with_the_reference(case: object) -> None:
    graph, values = case.graph, case.values  # type: ignore[attr-defined]
    compiled = harness.Compiled(graph)
    try:
        with np.errstate(all="ignore"):
            wanted = evaluate(graph.roots, values)
    except ValueError as error:
        assert "zero-size array to reduction operation" in str(error) or "empty" in str(
            error
        )
        with pytest.raises(harness.KernelError, match="zero-size array"):
            compiled(values)
        return
    for got, want in zip(compiled(values), wanted, strict=True):
        assert same(got, want), (str(graph), compiled.source, got, want)
