"""Compiled witnesses: a function, what its kernels look like, what NumPy says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import symnb
from symnb.core.node import Node
from symnb.optim.mode import get_mode


def compiled(
    inputs: Sequence[Node], outputs: Any, off: str = "", **options: Any
) -> symnb.Function:
    """A function compiled to C, without the passes and stages named in `off`."""
    mode = get_mode("FAST_RUN").excluding(*off.split())
    with symnb.config.change(device="c"):
        return symnb.function(list(inputs), outputs, mode=mode, **options)


def steps(f: symnb.Function) -> list[str]:
    """What the steps of a program are: launch, extern, opaque or copy."""
    return [step.kind for step in f.program.steps]


def text(f: symnb.Function) -> str:
    """The C of all kernels."""
    return "\n".join(kernel.source for kernel in f.program.kernels)


def values(f: symnb.Function, seed: int = 0) -> list[Any]:
    """Arrays that fit the inputs of f, unknown sizes being 6."""
    random = np.random.default_rng(seed)
    drawn: list[Any] = []
    for leaf in f.graph.inputs:
        shape = [n if isinstance(n, int) else 6 for n in leaf.type.shape]
        drawn.append(random.uniform(-2, 2, shape).astype(leaf.dtype))
    return drawn


def agree(f: symnb.Function, expected: Callable[..., Any]) -> None:
    """Check the results of f against NumPy's."""
    given = values(f)
    got, want = f(*given), expected(*given)
    if not isinstance(got, list):
        got, want = [got], [want]
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)
