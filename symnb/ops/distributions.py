"""Distributions: random tensors made of Philox bits, each a function of a key.

    key    uint64[3] node (seed, stream, number of the draw)
    shape  sizes of the result; parameters broadcast to it

Uniform bits become other distributions by arithmetic, so that gradients flow to the
parameters (the reparameterised form) and a kernel fuses a draw with its use.
Permutations sort random keys. Binomials with n > 1, multinomials with n > 1 and
sorting run by their NumPy reference.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Node, make, size
from symnb.core.op import Op, Params, Types
from symnb.core.types import Type
from symnb.errors import ShapeError
from symnb.ops.cast import cast
from symnb.ops.create import iota
from symnb.ops.cumulative import cumsum
from symnb.ops.define import as_node, elementwise
from symnb.ops.getitem import getitem
from symnb.ops.logic import equal, less
from symnb.ops.philox import open_unit_interval, random_bits, unit_interval
from symnb.ops.sizes import Sizes
from symnb.ops.sort import argsort, searchsorted
from symnb.ops.transcendental import cos, log, sqrt
from symnb.ops.view import broadcast_to, expand_dims, shape_of

Array = Any


def uniform(key: Node, shape: Sizes, low: Any, high: Any, dtype: str) -> Node:
    """Uniform in [low, high)."""
    unit = unit_interval(key, shape, dtype)
    if _is(low, 0) and _is(high, 1):
        return unit
    below, above = (_parameter(x, shape, dtype) for x in (low, high))
    return below + (above - below) * unit


def normal(key: Node, shape: Sizes, avg: Any, std: Any, dtype: str) -> Node:
    """Normal with mean `avg` and standard deviation `std`.

    Box and Muller's cosine branch: exact up to rounding, tails to 8.5 standard
    deviations (float64) or 6.7 (float32).
    """
    radius = sqrt(-2.0 * log(open_unit_interval(key, shape, dtype)))
    angle = unit_interval(key, shape, dtype, high=True) * (2 * math.pi)
    standard = radius * cos(angle)
    if _is(avg, 0) and _is(std, 1):
        return standard
    return _parameter(avg, shape, dtype) + _parameter(std, shape, dtype) * standard


def exponential(key: Node, shape: Sizes, scale: Any, dtype: str) -> Node:
    """Exponential with mean `scale`."""
    draw = -log(open_unit_interval(key, shape, dtype))
    return draw if _is(scale, 1) else draw * _parameter(scale, shape, dtype)


def integers(key: Node, shape: Sizes, low: Any, high: Any) -> Node:
    """int64 in [low, high), equally likely up to (high - low) / 2**64.

    While running, an empty interval gives `low`.
    """
    below = _parameter(low, shape, "int64")
    width = cast(_parameter(high, shape, "int64") - below, "uint64")
    return below + cast(random_bits(key, shape) % width, "int64")


def bernoulli(key: Node, shape: Sizes, p: Any) -> Node:
    """True with probability p."""
    return less(unit_interval(key, shape, "float64"), _parameter(p, shape, "float64"))


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, Node | np.ndarray | list) and value == number


def _parameter(value: Any, shape: Sizes, dtype: str) -> Node:
    """A parameter in the dtype of the draw, broadcast to it unless a scalar."""
    node = cast(as_node(value), dtype)
    return broadcast_to(node, shape) if node.ndim else node


# --------------------------------------------------------------------- binomial


TABLE = 4096  # trials up to which one n and p are inverted through a table


def _binomial_inverse(u: Array, n: Array, p: Array) -> Array:
    """The least k whose binomial distribution function is at least u."""
    dtype = np.result_type(u, n, p)
    n = np.floor(np.asarray(n, "float64"))
    p = np.asarray(p, "float64")
    if n.size == p.size == 1 and 0 < n.item() <= TABLE and 0 < p.item() < 1:
        reached = _reached(np.arange(n.item()), n.item(), p.item())
        return np.searchsorted(reached, np.asarray(u, "float64")).astype(dtype)
    u, n, p = np.broadcast_arrays(np.asarray(u, "float64"), n, p)
    inner = (p > 0) & (p < 1) & (u > 0) & (n > 0)
    k = np.where(p >= 1, n, 0.0)
    k[inner] = _search(u[inner], n[inner], p[inner])
    k[np.isnan(u + n + p) | (p < 0) | (p > 1) | (n < 0)] = np.nan
    return k.astype(dtype)


def _reached(k: Array, n: Any, p: Any) -> Array:
    """The chance of at most k < n successes."""
    from scipy import special

    return special.betainc(n - k, k + 1, 1 - p)


def _search(u: Array, n: Array, p: Array) -> Array:
    """The inverse where it is neither 0 nor n for certain."""
    from scipy import special

    k = np.ceil(special.bdtrik(u, n, p))
    below = np.clip(k - 1, 0, n - 1)
    return np.where(_reached(below, n, p) >= u, below, k)


BINOMIAL_INVERSE = elementwise(
    "binomial_inverse", "u n p", c="", numpy=_binomial_inverse, allowed=("float",),
    sample=(0.01, 0.99), no_gradient="a count varies in steps",
    doc="The u-quantile of the number of successes in n trials of chance p.",
)  # fmt: skip


def binomial(key: Node, shape: Sizes, n: Any, p: Any) -> Node:
    """int64: the number of successes in n trials of chance p."""
    _check_chance(p)
    if _is(n, 1):
        return cast(bernoulli(key, shape, p), "int64")
    trials, chance = (_parameter(x, shape, "float64") for x in (n, p))
    unit = unit_interval(key, shape, "float64")
    return cast(BINOMIAL_INVERSE(unit, trials, chance), "int64")


def _check_chance(p: Any) -> None:
    if isinstance(p, Node):
        return
    chance = np.asarray(p)
    if chance.size and not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError(f"a probability lies between 0 and 1, not {p!r}.")


# ------------------------------------------------------------------- categories


def category(key: Node, shape: Sizes, p: Any) -> Node:
    """int64 of `shape`: index k with probability p[..., k], given its axes before.

    The last category takes what is left to 1.
    """
    chances = cast(as_node(p), "float64")
    bounds = getitem(cumsum(chances, -1), (..., slice(None, -1)))
    unit = expand_dims(unit_interval(key, shape, "float64"), -1)
    return cast(bounds <= unit, "int64").sum(axis=-1)


def _infer_multinomial(types: Types, params: Params) -> Type:
    u, n, p = types
    if u.ndim != p.ndim or n.ndim != p.ndim - 1:
        raise ShapeError(f"multinomial of {u}, {n} and {p}.")
    return p.with_dtype("int64")


def _multinomial(u: Array, n: Array, p: Array) -> Array:
    """Counts per category, each binomial in what the ones before have left."""
    counts = np.zeros(p.shape, "int64")
    left, chance = n.astype("float64"), np.ones(p.shape[:-1])
    for k in range(p.shape[-1] - 1):
        part = np.clip(p[..., k] / np.where(chance > 0, chance, 1), 0, 1)
        drawn = _binomial_inverse(u[..., k], left, part)
        counts[..., k] = drawn
        left, chance = left - drawn, chance - p[..., k]
    if p.shape[-1]:
        counts[..., -1] = left
    return counts


MULTINOMIAL = Op(
    name="multinomial", arity=3, infer=_infer_multinomial, numpy=_multinomial,
    no_gradient="counts vary in steps",
    doc="Counts of n draws among categories p, from one uniform per category.",
)  # fmt: skip


def multinomial(key: Node, shape: Sizes, n: Any, pvals: Any) -> Node:
    """int64 (*shape, k): how often each of k categories comes up in n draws."""
    chances = cast(as_node(pvals), "float64")
    count = shape_of(chances)[-1]
    if _is(n, 1):
        drawn = category(key, shape, chances)
        return cast(equal(expand_dims(drawn, -1), iota((count,))), "int64")
    unit = unit_interval(key, (*shape, count), "float64")
    trials = broadcast_to(cast(as_node(n), "int64"), shape)
    return make(MULTINOMIAL, (unit, trials, broadcast_to(chances, (*shape, count))))


# ------------------------------------------------------------------- permutations


def permutation(key: Node, shape: Sizes, n: Any) -> Node:
    """int64 (*shape, n): permutations of 0 ... n - 1, all equally likely."""
    return argsort(random_bits(key, (*shape, n)), axis=-1)


def choice(
    key: Node, shape: Sizes, n: Any, count: Any, replace: bool, p: Node | None
) -> Node:
    """int64 of `shape`: draws from 0 ... n - 1.

    n        number of things, a size
    count    the number of elements of `shape`
    replace  whether a thing may come twice
    p        chance of each (they are normalised), None: equal

    Without replacement, the order is that of one draw after another: things sorted
    by exponential variables of rate p. (Efraimidis & Spirakis 2006, Weighted random
    sampling.)
    """
    if replace and p is None:
        return integers(key, shape, 0, size(n))
    if replace and p is not None:
        sums = cumsum(cast(p, "float64"))
        unit = unit_interval(key, shape, "float64")
        return searchsorted(sums / sums[-1], unit, side="right")
    if p is None:
        order = permutation(key, (), n)
    else:
        waits = exponential(key, (n,), 1, "float64") / cast(p, "float64")
        order = argsort(waits)
    return getitem(order, slice(None, size(count)))


def float_dtype(dtype: Any, floatx: str, parameters: tuple[Any, ...]) -> str:
    """The dtype of a draw: as asked, else floatX or wider if a parameter is."""
    if dtype is not None:
        return floatx if dtype == "floatX" else dtypes.as_dtype(dtype)
    strong = [as_node(x).dtype for x in parameters if isinstance(x, Node | np.ndarray)]
    return dtypes.promote(floatx, *strong)
