"""Random bits by counting: Philox4x32-10 of (key, counter, position).

Each element of a draw is a function of three integers: the key of its stream, the
number of the draw and the element's position in C order. So a draw does not depend
on the order or the number of threads that make it, and every evaluator makes the
same bits. One block of 128 bits per element: `philox_low` and `philox_high` are its
halves. Ten rounds of two 32-bit products; about 2 ns an element in C.
Source: Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnb.core import dtypes
from symnb.core.node import Constant, Node, size
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

PHILOX = """
static inline void symnb_philox(uint64_t key, uint64_t counter, uint64_t position,
                                uint32_t out[4]) {
  uint32_t a = (uint32_t)position, b = (uint32_t)(position >> 32);
  uint32_t c = (uint32_t)counter, d = (uint32_t)(counter >> 32);
  uint32_t k = (uint32_t)key, l = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t x = (uint64_t)0xD2511F53u * a, y = (uint64_t)0xCD9E8D57u * c;
    a = (uint32_t)(y >> 32) ^ b ^ k;
    c = (uint32_t)(x >> 32) ^ d ^ l;
    b = (uint32_t)y;
    d = (uint32_t)x;
    k += 0x9E3779B9u;
    l += 0xBB67AE85u;
  }
  out[0] = a; out[1] = b; out[2] = c; out[3] = d;
}
"""

_HALF = """
static inline uint64_t symnb_philox_%s(uint64_t key, uint64_t counter,
                                       uint64_t position) {
  uint32_t out[4];
  symnb_philox(key, counter, position, out);
  return (uint64_t)out[%d] << 32 | out[%d];
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


def _half(name: str, high: int, low: int, doc: str) -> Elementwise:
    """An op that gives two words of the block as one integer."""

    def numpy(key: Array, counter: Array, position: Array) -> Array:
        dtype = np.result_type(key)
        wide = [np.asarray(x).astype("uint64") for x in (key, counter, position)]
        words = philox(*wide)
        return (words[high] << HALF | words[low]).astype(dtype)

    return elementwise(
        f"philox_{name}", "key counter position", allowed=("uint",), numpy=numpy,
        c=f"({{t}})symnb_philox_{name}({{key}}, {{counter}}, {{position}})",
        support=(PHILOX, _HALF % (name, high, low)), flops=30.0, sample=(0, 9),
        no_gradient="random bits", doc=doc,
    )  # fmt: skip


PHILOX_LOW = _half("low", 1, 0, "The first 64 bits of a Philox4x32-10 block.")
PHILOX_HIGH = _half("high", 3, 2, "The last 64 bits of a Philox4x32-10 block.")


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
        raise TypeError(f"uniform numbers are floats, not {dtype}")
    digits = 24 if dtype == "float32" else 53
    bits = random_bits(key, shape, high) >> np.uint64(64 - digits)
    return cast(cast(bits, "int64"), dtype) * 2.0**-digits


def open_unit_interval(key: Node, shape: Sizes, dtype: str, high: bool = False) -> Node:
    """Uniform floats in (0, 1], with all the small numbers a logarithm needs.

    The least is 2**-53 (float64) or 2**-33 (float32, from 32 bits).
    """
    if dtype == "float64":
        return unit_interval(key, shape, dtype, high) + 2.0**-53
    bits = random_bits(key, shape, high) >> np.uint64(32)
    return (cast(cast(bits, "int64"), dtype) + 0.5) * 2.0**-32
