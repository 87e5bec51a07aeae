"""Exact values: a graph evaluated over the reals, to as many digits as it takes.

Floats become numbers of mpmath, taken exactly; precision is doubled until the result
no longer changes in its first `STABLE` digits, so cancellation is seen through. Where
the reals have no value (log of a negative number, 1/0) the result is NaN. For checking
rules and passes; about 20 us per operation and element. mpmath is imported when the
first value is asked for.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np

from symnb.core import walk
from symnb.core.node import Constant, Node
from symnb.core.op import Op
from symnb.ops import elementwise as el
from symnb.ops.cast import CAST

DIGITS = 40  # of the first attempt
MOST_DIGITS = 1440  # twice what it takes to see the 1e-308 in 1 + 1e-308
STABLE = 25  # digits that must not change
Array = Any


@lru_cache(maxsize=1)
def _mpmath() -> Any:
    import mpmath  # pyright: ignore[reportMissingTypeStubs]

    return mpmath


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, NaN where it has no real value."""
    mp = _mpmath()

    def guarded(*args: Any) -> Any:
        try:
            value = function(*args)
        except (ZeroDivisionError, ValueError, OverflowError, MemoryError):
            return mp.nan  # the last: exp of an exp of an exp
        return mp.nan if isinstance(value, mp.mpc) else value

    return guarded


def _power(x: Any, y: Any) -> Any:
    if y == 0 or x == 1:
        return 1
    return x**y


@lru_cache(maxsize=1)
def _functions() -> dict[Op, Callable[..., Any]]:
    mp = _mpmath()
    one = mp.mpf(1)
    plain: dict[Op, Callable[..., Any]] = {
        el.add: lambda x, y: x + y, el.sub: lambda x, y: x - y,
        el.mul: lambda x, y: x * y, el.true_div: lambda x, y: x / y,
        el.neg: lambda x: -x, el.abs: abs, el.square: lambda x: x * x,
        el.copy: lambda x: x, el.reciprocal: lambda x: one / x, el.pow: _power,
        el.sqrt: mp.sqrt, el.cbrt: lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        el.hypot: mp.hypot, el.exp: mp.exp, el.exp2: lambda x: mp.power(2, x),
        el.expm1: mp.expm1, el.log: mp.log, el.log1p: mp.log1p,
        el.log2: lambda x: mp.log(x, 2), el.log10: mp.log10,
        el.sigmoid: lambda x: one / (1 + mp.exp(-x)),
        el.softplus: lambda x: mp.log1p(mp.exp(x)),
        el.log1mexp: lambda x: mp.log(-mp.expm1(x)),
        el.logaddexp: lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        el.sin: mp.sin, el.cos: mp.cos, el.tan: mp.tan, el.arcsin: mp.asin,
        el.arccos: mp.acos, el.arctan: mp.atan, el.sinh: mp.sinh, el.cosh: mp.cosh,
        el.tanh: mp.tanh, el.arcsinh: mp.asinh, el.arccosh: mp.acosh,
        el.arctanh: mp.atanh, el.erf: mp.erf, el.erfc: mp.erfc,
        el.erfcx: lambda x: mp.exp(x * x) * mp.erfc(x),
        el.logit: lambda x: mp.log(x / (1 - x)),
        el.deg2rad: mp.radians, el.rad2deg: mp.degrees,
        el.maximum: max, el.minimum: min, el.sign: mp.sign,
        el.clip: lambda x, lo, hi: min(max(x, lo), hi),
        el.floor: mp.floor, el.ceil: mp.ceil, el.round: mp.nint,
        el.trunc: lambda x: mp.sign(x) * mp.floor(abs(x)),
        el.where: lambda c, x, y: x if c else y, el.isfinite: lambda x: True,
        el.equal: lambda x, y: x == y, el.not_equal: lambda x, y: x != y,
        el.less: lambda x, y: x < y, el.less_equal: lambda x, y: x <= y,
        el.greater: lambda x, y: x > y, el.greater_equal: lambda x, y: x >= y,
    }  # fmt: skip
    return {op: np.frompyfunc(_real(f), op.arity or 1, 1) for op, f in plain.items()}


def supported(node: Node) -> bool:
    """Whether the op of `node` can be evaluated exactly."""
    if node.op.kind != "elementwise" or node.op is CAST or node.is_leaf:
        return True
    return node.op in _functions() or not _is_real(node)


def _is_real(node: Node) -> bool:
    return any(x.dtype.startswith("float") for x in (node, *node.inputs))


def exact_values(
    roots: Sequence[Node], values: Mapping[Node, Array], digits: int
) -> dict[Node, Array]:
    """Every node below `roots` at that precision: object arrays of real numbers.

    Integers and truth values stay NumPy arrays. Sizes must be static.
    """
    mp = _mpmath()
    known: dict[Node, Array] = {}
    with mp.workdps(digits):
        for node in walk.order(roots, stop=values):
            if node in values:
                known[node] = lifted(values[node])
            elif isinstance(node, Constant):
                known[node] = lifted(node.value)
            else:
                known[node] = _apply(node, [known[x] for x in node.inputs])
    return known


def lifted(array: Array) -> Array:
    """A float array as an object array of exact numbers; others as they are."""
    mp = _mpmath()
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array
    return np.asarray(np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)(array), object)


def _apply(node: Node, inputs: list[Array]) -> Any:
    if node.op.kind == "pick":
        return inputs[0][node.params[0]]
    real = any(x.dtype == object for x in inputs)
    if node.op is CAST:
        return _cast(node, inputs[0])
    function = _functions().get(node.op)
    if real and function is not None:
        value = np.asarray(function(*inputs))
    else:
        value = node.op.numpy(*inputs, *node.params)
        if isinstance(value, tuple):
            return tuple([np.asarray(part) for part in cast(tuple[Array, ...], value)])
        value = np.asarray(value)
    if node.dtype == "bool" and value.dtype == object:
        return value.astype(bool)
    if value.dtype == object or not node.dtype.startswith("float"):
        return value
    return lifted(value)


def _cast(node: Node, x: Array) -> Array:
    if node.dtype.startswith("float"):
        return x if x.dtype == object else lifted(x.astype("float64"))
    return np.asarray(x.astype(node.dtype))


def exact(
    root: Node, values: Mapping[Node, Array], flat: bool = False
) -> tuple[Array, dict[Node, Array]]:
    """The value of a node over the reals, and of every node below it.

    flat  every array has one axis, element by element: only those that have not
          settled are computed with more digits
    Entries whose first digits never settle are NaN.
    """
    result: Array
    digits = 2 * DIGITS
    before = exact_values([root], values, DIGITS)[root]
    below = exact_values([root], values, digits)
    result, moved = below[root], _unsettled(before, below[root], digits)
    while moved.any() and digits < MOST_DIGITS:
        digits = min(3 * digits, MOST_DIGITS)
        if flat:
            part = {x: v[moved] if v.ndim else v for x, v in values.items()}
            before, result = result[moved], result.copy()
            fresh = np.broadcast_to(
                exact_values([root], part, digits)[root], before.shape
            )
            result[moved] = fresh
            still = moved.copy()
            still[moved] = _unsettled(before, fresh, digits)
        else:
            before, below = result, exact_values([root], values, digits)
            result = below[root]
            still = _unsettled(before, result, digits)
        moved = still
    if moved.any():
        zero = np.asarray(result == 0)
        result = cast(Array, np.where(moved & ~zero, _mpmath().nan, result))
    return result, below


def _unsettled(before: Array, after: Array, digits: int) -> Array:
    """Where the first digits moved; a zero may turn out to be small."""
    mp = _mpmath()
    if after.dtype != object:
        return np.asarray(before != after)
    close = mp.mpf(10) ** -STABLE

    def differs(a: Any, b: Any) -> bool:
        if a != a and b != b:
            return False
        return b == 0 or not abs(a - b) <= close * abs(b)

    with mp.workdps(digits):
        return np.asarray(np.frompyfunc(differs, 2, 1)(before, after), bool)
