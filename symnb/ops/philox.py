"""Random bits by counting: Philox4x32-10 of (key, counter, position).

Each element of a draw is a function of three integers: the key of its stream, the
number of the draw and the element's position in C order. So a draw does not depend
on the order or the number of threads that make it, and every evaluator makes the
same bits. One block of 128 bits per element: `philox_low` and `philox_high` are its
halves. Ten rounds of two 32-bit products: 1.6 ns an element in C.
Source: Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Constant, Node, size
from symnb.errors import DTypeError
from symnb.ops.cast import cast
from symnb.ops.create import iota
from symnb.ops.define import Elementwise, elementwise
from symnb.ops.sizes import Sizes
from symnb.ops.view import broadcast_to

Array = np.ndarray[Any, Any]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # golden ratio, sqrt(3) - 1
GOLDEN = 0x9E3779B97F4A7C15  # odd, so that streams of one seed differ
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)

# Written out and always inlined, for a loop over elements vectorises only then; words
# in 64-bit lanes, where a product of two 32-bit numbers needs no unpacking. Uniform
# float64: 1.6 ns an element against 3.9 as a loop in uint32 (EPYC, gcc 12, 2026-11).
PHILOX = """
#define SYMNB_PHILOX_ROUND(r) { \\
    const uint64_t x = (a & 0xFFFFFFFFu) * 0xD2511F53u; \\
    const uint64_t y = (c & 0xFFFFFFFFu) * 0xCD9E8D57u; \\
    a = (y >> 32) ^ b ^ (uint32_t)(k + r * 0x9E3779B9u); \\
    c = (x >> 32) ^ d ^ (uint32_t)(l + r * 0xBB67AE85u); \\
    b = y & 0xFFFFFFFFu; d = x & 0xFFFFFFFFu; }
#define SYMNB_PHILOX(key, counter, position) \\
  uint64_t a = position & 0xFFFFFFFFu, b = position >> 32; \\
  uint64_t c = counter & 0xFFFFFFFFu, d = counter >> 32; \\
  const uint32_t k = (uint32_t)key, l = (uint32_t)(key >> 32); \\
  SYMNB_PHILOX_ROUND(0u) SYMNB_PHILOX_ROUND(1u) SYMNB_PHILOX_ROUND(2u) \\
  SYMNB_PHILOX_ROUND(3u) SYMNB_PHILOX_ROUND(4u) SYMNB_PHILOX_ROUND(5u) \\
  SYMNB_PHILOX_ROUND(6u) SYMNB_PHILOX_ROUND(7u) SYMNB_PHILOX_ROUND(8u) \\
  SYMNB_PHILOX_ROUND(9u)
"""

_HALF = """
__attribute__((always_inline)) static inline uint64_t
symnb_philox_%s(uint64_t key, uint64_t counter, uint64_t position) {
  SYMNB_PHILOX(key, counter, position)
  return %s << 32 | %s;
}
"""


def philox(key: Array, counter: Array, position: Array) -> tuple[Array, ...]:
    """The four 32-bit words of a block, as uint64 arrays.

    The block's counter is (position, counter), low words first.
    """
    a, b = position & LOW, position >> HALF
    c, d = counter & LOW, counter >> HALF
    k, l = key & LOW, key >> HALF  # noqa: E741 - the two words of the key
    with np.errstate(over="ignore"):
        for _ in range(10):
            x, y = np.uint64(MULTIPLIERS[0]) * a, np.uint64(MULTIPLIERS[1]) * c
            a, c = (y >> HALF) ^ b ^ k, (x >> HALF) ^ d ^ l
            b, d = y & LOW, x & LOW
            k, l = (k + np.uint64(WEYL[0])) & LOW, (l + np.uint64(WEYL[1])) & LOW  # noqa: E741
    return a, b, c, d


def _half(name: str, high: str, low: str, doc: str) -> Elementwise:
    """An op that gives two words (of a, b, c, d) of the block as one integer."""

    def numpy(key: Array, counter: Array, position: Array) -> Array:
        dtype = np.result_type(key)
        wide = [np.asarray(x).astype("uint64") for x in (key, counter, position)]
        words = dict(zip("abcd", philox(*wide), strict=True))
        return (words[high] << HALF | words[low]).astype(dtype)

    return elementwise(
        f"philox_{name}", "key counter position", allowed=("uint",), numpy=numpy,
        c=f"({{t}})symnb_philox_{name}({{key}}, {{counter}}, {{position}})",
        support=(PHILOX, _HALF % (name, high, low)), flops=30.0, sample=(0, 9),
        no_gradient="random bits", doc=doc,
    )  # fmt: skip


PHILOX_LOW = _half("low", "b", "a", "The first 64 bits of a Philox4x32-10 block.")
PHILOX_HIGH = _half("high", "d", "c", "The last 64 bits of a Philox4x32-10 block.")


# ------------------------------------------------------------------- random tensors


def positions(shape: Sizes) -> Node:
    """uint64 of `shape`: the C-order position of each element."""
    place: Node | None = None
    for axis, length in enumerate(shape):
        if length == 1:
            continue
        line = iota(tuple(length if i == axis else 1 for i in range(len(shape))), axis)
        place = line if place is None else place * size(length) + line
    if place is None:
        return broadcast_to(Constant(np.uint64(0)), shape)
    return cast(place, "uint64")


def random_bits(key: Node, shape: Sizes, high: bool = False) -> Node:
    """Independent uint64 of `shape`, every value equally likely.

    key   uint64[3]: seed, stream, number of the draw
    high  the other, independent half of the same draw
    """
    seed, stream, counter = (key[i] for i in range(3))
    mixed = seed ^ stream * Constant(np.uint64(GOLDEN))
    op = PHILOX_HIGH if high else PHILOX_LOW
    return op(mixed, counter, positions(shape))


def unit_interval(key: Node, shape: Sizes, dtype: str, high: bool = False) -> Node:
    """Uniform floats in [0, 1): multiples of 2**-24 (float32) or 2**-53 (float64)."""
    if not dtypes.is_float(dtype):
        raise DTypeError(
            f"uniform numbers are floats, not {dtype}.\n"
            "Fix: use integers(low, high), or cast the draw."
        )
    bits = random_bits(key, shape, high)
    if dtype == "float32":
        return _small(bits >> np.uint64(40), dtype) * 2.0**-24
    above = _small(bits >> np.uint64(38), dtype)
    below = _small((bits >> np.uint64(11)) & np.uint64(2**27 - 1), dtype)
    return (above * 2.0**27 + below) * 2.0**-53


def _small(bits: Node, dtype: str) -> Node:
    """Integers below 2**31 as floats; from int32 that vectorises everywhere."""
    return cast(cast(bits, "int32"), dtype)


def open_unit_interval(key: Node, shape: Sizes, dtype: str, high: bool = False) -> Node:
    """Uniform floats in (0, 1], with all the small numbers a logarithm needs.

    The least is 2**-53 (float64) or 2**-32 (float32, from 31 bits).
    """
    if dtype == "float64":
        return unit_interval(key, shape, dtype, high) + 2.0**-53
    bits = random_bits(key, shape, high) >> np.uint64(33)
    return (_small(bits, dtype) + 0.5) * 2.0**-31
