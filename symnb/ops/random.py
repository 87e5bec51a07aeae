"""`RandomStreams`: Theano's random variables over Philox.

Each variable has a key of its own: a Shared uint64[3] of (seed, stream, number of the
draw), whose default update adds one to the number. So two variables differ, two calls
of a function differ, and the same seed gives the same numbers on every back end.
`rv.rng` is that key: `rv.rng.get_value()` and `set_value` save and restore it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symnb.core.node import Node, as_dim
from symnb.core.shared import Shared, shared
from symnb.errors import RankError, ShapeError
from symnb.ops import distributions as draw
from symnb.ops.cast import cast
from symnb.ops.define import as_node, broadcast_sizes
from symnb.ops.selection import permute_row_elements
from symnb.ops.sizes import Sizes, as_sizes, product
from symnb.ops.view import reshape, shape_of
from symnb.options import config

WORD = 2**64
NEXT = np.array([0, 0, 1], "uint64")


class RandomVariable(Node):
    """A random tensor that knows its state.

    rng     the Shared uint64[3] it is drawn with
    update  (rng, its value after a call)
    """

    __slots__ = ("rng",)

    rng: Shared

    def __init__(self, node: Node, rng: Shared) -> None:
        super().__init__(
            node.op, node.inputs, node.params, node.type, node.name, node.site
        )
        self.rng = rng

    @property
    def update(self) -> tuple[Shared, Node]:
        """The state and its next value."""
        assert self.rng.default_update is not None
        return self.rng, self.rng.default_update


def key(seed: int, stream: int) -> Shared:
    """The state of a new random variable; a function that draws advances it."""
    state = np.array([seed % WORD, stream, 0], "uint64")
    rng = shared(state, name=f"rng{stream}", shape=(3,))
    rng.default_update = rng + NEXT
    return rng


class RandomStreams:
    """Makes random variables, each with its own stream of one seed.

    seed  int; None: another one in each process (0 under config.reproducible)

    `size` is an int, sizes (ints or integer scalars such as x.shape[0]), a vector
    with `ndim` its length, or None for the common shape of the parameters. Float
    results have dtype floatX, or wider if a parameter is. `nstreams` is ignored.
    """

    def __init__(self, seed: int | None = None, **ignored: Any) -> None:
        self.default_instance_seed = seed
        self._seed = _entropy() if seed is None else int(seed)
        self.state_updates: list[tuple[Shared, Node]] = []

    def updates(self) -> list[tuple[Shared, Node]]:
        """(state, next value) of every variable made so far."""
        return list(self.state_updates)

    def seed(self, seed: int | None = None) -> None:
        """Start every variable made so far again, from `seed` or the first seed."""
        if seed is not None:
            self._seed = int(seed)
        elif self.default_instance_seed is not None:
            self._seed = int(self.default_instance_seed)
        for stream, (rng, _) in enumerate(self.state_updates):
            rng.set_value(np.array([self._seed % WORD, stream, 0], "uint64"))

    def _draw(self, make: Callable[[Node], Node]) -> RandomVariable:
        rng = key(self._seed, len(self.state_updates))
        made = RandomVariable(make(rng), rng)
        self.state_updates.append(made.update)
        return made

    def uniform(
        self, size: Any = None, low: Any = 0.0, high: Any = 1.0, ndim: Any = None,
        dtype: Any = None, nstreams: Any = None,
    ) -> RandomVariable:  # fmt: skip
        """Uniform in [low, high)."""
        shape = _shape(size, ndim, low, high)
        kind = draw.float_dtype(dtype, config.floatX, (low, high))
        return self._draw(lambda k: draw.uniform(k, shape, low, high, kind))

    def normal(
        self, size: Any = None, avg: Any = 0.0, std: Any = 1.0, ndim: Any = None,
        dtype: Any = None, nstreams: Any = None,
    ) -> RandomVariable:  # fmt: skip
        """Normal with mean `avg` and standard deviation `std`; differentiable."""
        shape = _shape(size, ndim, avg, std)
        kind = draw.float_dtype(dtype, config.floatX, (avg, std))
        return self._draw(lambda k: draw.normal(k, shape, avg, std, kind))

    def exponential(
        self, size: Any = None, scale: Any = 1.0, ndim: Any = None, dtype: Any = None
    ) -> RandomVariable:
        """Exponential with mean `scale`; differentiable."""
        shape = _shape(size, ndim, scale)
        kind = draw.float_dtype(dtype, config.floatX, (scale,))
        return self._draw(lambda k: draw.exponential(k, shape, scale, kind))

    def binomial(
        self, size: Any = None, n: Any = 1, p: Any = 0.5, ndim: Any = None,
        dtype: Any = "int64", prob: Any = None, nstreams: Any = None,
    ) -> RandomVariable:  # fmt: skip
        """The number of successes in n trials of chance p."""
        chance = p if prob is None else prob
        shape = _shape(size, ndim, n, chance)
        return self._draw(lambda k: cast(draw.binomial(k, shape, n, chance), dtype))

    def bernoulli(
        self, size: Any = None, p: Any = 0.5, ndim: Any = None, dtype: Any = "int64"
    ) -> RandomVariable:
        """One with probability p, else zero."""
        return self.binomial(size, 1, p, ndim, dtype)

    def integers(
        self, low: Any, high: Any = None, size: Any = None, ndim: Any = None,
        dtype: Any = "int64",
    ) -> RandomVariable:  # fmt: skip
        """Integers in [low, high), or [0, low) when `high` is None."""
        low, high = (0, low) if high is None else (low, high)
        _check_interval(low, high)
        shape = _shape(size, ndim, low, high)
        return self._draw(lambda k: cast(draw.integers(k, shape, low, high), dtype))

    def random_integers(
        self, size: Any = None, low: Any = 0, high: Any = 1, ndim: Any = None,
        dtype: Any = "int64",
    ) -> RandomVariable:  # fmt: skip
        """Integers from low to high, both included, as in Theano."""
        return self.integers(low, high + 1, size, ndim, dtype)

    def choice(
        self, size: Any = (), a: Any = 2, replace: bool = True, p: Any = None,
        ndim: Any = None, dtype: Any = "int64", nstreams: Any = None,
    ) -> RandomVariable:  # fmt: skip
        """Draws from the vector `a`, or from 0 ... a - 1 when it is an integer.

        replace  whether a thing may come twice
        p        a vector with the chance of each
        """
        things = as_node(a) if not isinstance(a, int) else None
        shape = _shape(() if size is None else size, ndim)
        if things is not None and things.ndim > 1:
            raise RankError(f"choices are a vector or a number, not {things.type}.")
        vector = things is not None and things.ndim == 1
        n = shape_of(things)[0] if things is not None and vector else as_dim(a)
        count = product(shape)
        if not replace and isinstance(n, int) and isinstance(count, int) and count > n:
            raise ShapeError(f"{count} draws without replacement from {n}.")
        chances = None if p is None else as_node(p)

        def make(k: Node) -> Node:
            drawn = draw.choice(k, shape, n, count, replace, chances)
            drawn = drawn if replace else reshape(drawn, shape)
            if things is not None and vector:
                return things[drawn]
            return cast(drawn, dtype)

        return self._draw(make)

    def permutation(
        self, size: Any = None, n: Any = 1, ndim: Any = None, dtype: Any = "int64"
    ) -> RandomVariable:
        """Permutations of 0 ... n - 1, of shape (*size, n)."""
        shape = _shape(() if size is None else size, ndim)
        count = as_dim(n)
        return self._draw(lambda k: cast(draw.permutation(k, shape, count), dtype))

    def multinomial(
        self, size: Any = None, n: Any = 1, pvals: Any = (0.5, 0.5), ndim: Any = None,
        dtype: Any = "int64", nstreams: Any = None,
    ) -> RandomVariable:  # fmt: skip
        """How often each category comes up in n draws, of shape (*size, k).

        pvals  (..., k) chances; the last category takes what is left to 1
        """
        chances = as_node(pvals)
        if size is None:
            head = [shape_of(chances)[:-1], shape_of(as_node(n))]
            shape = broadcast_sizes(head)
        else:
            shape = _shape(size, ndim)
        return self._draw(lambda k: cast(draw.multinomial(k, shape, n, chances), dtype))

    def categorical(self, pvals: Any, size: Any = None) -> RandomVariable:
        """The number of a category, each with its chance pvals[..., k]."""
        chances = as_node(pvals)
        shape = shape_of(chances)[:-1] if size is None else _shape(size, None)
        return self._draw(lambda k: draw.category(k, shape, chances))

    def shuffle_row_elements(self, input: Any) -> Node:
        """`input` with the elements of its last axis in a random order, row by row."""
        rows = as_node(input)
        *head, n = shape_of(rows)
        return permute_row_elements(rows, self.permutation(tuple(head), n))


class MRG_RandomStreams(RandomStreams):
    """Theano's name for its faster streams; here the same generator."""

    def __init__(self, seed: int | None = 12345, use_cuda: Any = None) -> None:
        super().__init__(seed)


def _entropy() -> int:
    if config.reproducible:
        return 0
    words = np.random.SeedSequence().generate_state(2, np.uint32)
    return int(words[0]) << 32 | int(words[1])


def _shape(size: Any, ndim: Any, *parameters: Any) -> Sizes:
    """The sizes of a draw: `size`, or the common shape of its parameters."""
    if size is not None:
        return as_sizes(size, ndim)
    shape = broadcast_sizes([shape_of(as_node(x)) for x in parameters])
    missing = 0 if ndim is None else ndim - len(shape)
    if missing < 0:
        raise RankError(f"parameters with {len(shape)} axes, but ndim={ndim}.")
    return (1,) * missing + shape


def _check_interval(low: Any, high: Any) -> None:
    if isinstance(low, Node) or isinstance(high, Node):
        return
    if not (np.asarray(low) < np.asarray(high)).all():
        raise ValueError(f"no integer lies in [{low}, {high}).")
