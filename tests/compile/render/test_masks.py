"""Loops over truth: masks that are read, made and turned into numbers are SIMD loops.

The compiler itself says which loops it vectorised.
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.compile import build
from symnb.core.node import Node

pytestmark = pytest.mark.cc

MASK, X, Y = T.TensorType("bool", (None,))("mask"), T.dvector("x"), T.fvector("y")
COUNT = T.lvector("k")


def vectorised(function: symnb.Function, path: Path) -> bool:
    """Whether gcc vectorises a loop of the function's kernel."""
    compiler = build.find_compiler()
    if compiler.family != "gcc":
        pytest.skip("only gcc is asked")
    (path / "a.c").write_text(function.source())
    flags = [*compiler.flags("x86-64-v3"), "-fopt-info-vec-optimized"]
    command = [*compiler.command, *flags, "-c", "a.c", "-o", "a.o"]
    told = subprocess.run(command, cwd=path, capture_output=True, text=True, check=True)
    return "loop vectorized" in told.stderr


@pytest.mark.parametrize(
    ("inputs", "result"),
    [
        ([MASK, X], T.where(MASK, X, 2 * X)),
        ([MASK, Y], T.where(MASK, Y, 0)),
        ([MASK, X], MASK * X),
        ([MASK, Y], MASK * Y),
        ([X], (X > 0.5) * X + 1),
        ([X, Y], T.where(X > Y, 1.0, 0.0) + Y),
        ([COUNT, Y], T.where(COUNT > 3, np.float32(1), np.float32(0)) * Y),
        ([MASK, X], MASK & (X > 0) | T.isnan(X)),
    ],
)
def test_a_loop_over_a_mask_is_vectorised(
    inputs: list[Node], result: Node, tmp_path: Path
) -> None:
    assert vectorised(symnb.function(inputs, result), tmp_path)


def test_truth_counts_one_and_lies_nothing_in_every_float() -> None:
    mask = np.array([True, False, True])
    for dtype in ("float32", "float64"):
        f = symnb.function([MASK], [MASK.astype(dtype), (~MASK).astype(dtype)])
        for got, right in zip(f(mask), (mask, ~mask), strict=True):
            np.testing.assert_array_equal(got, right.astype(dtype), strict=True)
