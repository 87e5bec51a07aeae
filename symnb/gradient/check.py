"""Checks of derivatives against finite differences, as a user calls them.

Both evaluate with the NumPy reference, so they test the rules and not a back end.
Central differences with h = eps^(1/3) max(1, |x|) have a relative error of about
eps^(2/3): 4e-11 in float64, 2e-5 in float32 (Press et al., Numerical Recipes, 5.7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symnb.core.evaluate import evaluate
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.errors import GradientError, message
from symnb.gradient.reverse import Lop, grad
from symnb.ops.define import as_node

Array = np.ndarray[Any, Any]
REL_TOL = {"float32": 1e-2, "float64": 1e-4}  # Theano's
ABS_TOL = {"float32": 1e-2, "float64": 1e-4}


def numeric_grad(
    f: Callable[..., Any], points: Sequence[Array], eps: float | None = None
) -> list[Array]:
    """Central differences of a scalar function of arrays, one array per point."""
    points = [np.array(p, dtype=np.float64) for p in points]
    result: list[Array] = []
    for point in points:
        slope = np.zeros_like(point)
        for at in np.ndindex(point.shape):
            x = point[at]
            h = (eps or np.finfo(np.float64).eps ** (1 / 3)) * max(1.0, abs(x))
            point[at] = x + h
            above = float(f(*points))
            point[at] = x - h
            below = float(f(*points))
            point[at] = x
            slope[at] = (above - below) / (2 * h)
        result.append(slope)
    return result


def verify_grad(
    fun: Callable[..., Node],
    pt: Sequence[Any],
    n_tests: int = 2,
    rng: Any = None,
    eps: float | None = None,
    abs_tol: float | None = None,
    rel_tol: float | None = None,
    mode: Any = None,
    cast_to_output_type: bool = False,
    no_debug_ref: bool = True,
) -> None:
    """Raise GradientError unless grad(sum(r * fun(pt))) equals finite differences.

    fun    takes as many tensors as `pt` has arrays, returns a tensor
    pt     float arrays at which fun is smooth
    rng    NumPy generator (or legacy RandomState) for the projections r

    An entry passes when its absolute or its relative error is within tolerance.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    arrays = [np.asarray(p) for p in pt]
    inputs = [
        Input(TensorType(a.dtype.name, a.shape), f"pt{i}") for i, a in enumerate(arrays)
    ]
    out = fun(*inputs)
    [value] = evaluate([out], dict(zip(inputs, arrays, strict=True)))
    loosest = max((a.dtype.name for a in arrays), key=lambda d: REL_TOL[d])
    tolerances = abs_tol or ABS_TOL[loosest], rel_tol or REL_TOL[loosest]
    for _ in range(n_tests):
        r = rng.uniform(-1, 1, value.shape) + 0.1
        _compare(fun, out, inputs, arrays, r, eps, tolerances)


def _compare(
    fun: Callable[..., Node],
    out: Node,
    inputs: list[Input],
    arrays: list[Array],
    r: Array,
    eps: float | None,
    tolerances: tuple[float, float],
) -> None:
    seed = as_node(r.astype(out.dtype))
    symbolic = Lop(out, inputs, seed, disconnected_inputs="ignore")
    got = evaluate(symbolic, dict(zip(inputs, arrays, strict=True)))
    wide = [Input(TensorType("float64", a.shape)) for a in arrays]
    wide_out = fun(*wide)

    def projected(*points: Array) -> float:
        [value] = evaluate([wide_out], dict(zip(wide, points, strict=True)))
        return float(np.sum(value.astype(np.float64) * r))

    for i, want in enumerate(numeric_grad(projected, arrays, eps)):
        _require_close(got[i], want, i, tolerances)


def _require_close(
    got: Array, want: Array, index: int, tolerances: tuple[float, float]
) -> None:
    absolute = np.abs(got - want)
    relative = absolute / np.maximum(np.abs(got) + np.abs(want), 1e-8)
    bad = ~((absolute <= tolerances[0]) | (relative <= tolerances[1]))
    if not bad.any():
        return
    worst = np.unravel_index(int(np.argmax(np.where(bad, absolute, -1))), got.shape)
    raise GradientError(
        message(
            f"the gradient of argument {index} is wrong.",
            [
                ("at", str(tuple(map(int, worst)))),
                ("symbolic", repr(float(got[worst]))),
                ("finite differences", repr(float(want[worst]))),
                ("entries wrong", f"{int(bad.sum())} of {got.size}"),
            ],
            "check the op's partial derivatives, or move pt away from a kink.",
        )
    )


__all__ = ["grad", "numeric_grad", "verify_grad"]
