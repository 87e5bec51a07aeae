"""Cases of convolution and pooling for the suite of every op."""

import numpy as np
from scipy.signal import correlate2d

from symnb.core.node import make
from symnb.ops.conv import CONV, CONV_IMAGES, CONV_WEIGHTS
from symnb.ops.pool import POOL, POOL_GRAD, POOL_PICK, SPREAD
from tests.ops.cases import case

rng = np.random.default_rng(4)
# Eighths: sums are exact in any order.
x = rng.integers(-9, 9, (2, 3, 6, 5)) / 8
w = rng.integers(-9, 9, (4, 3, 2, 3)) / 8
g = rng.integers(-9, 9, (2, 4, 5, 3)) / 8
PLAIN = ((1, 1), (0, 0, 0, 0), (1, 1), 1)


def correlated(x, w):
    """Every image with every filter, channel by channel."""
    return np.array([
        [sum(map(lambda a, b: correlate2d(a, b, "valid"), image, one)) for one in w]
        for image in x
    ])  # fmt: skip


def _weights(x, g):
    """dw[f, c] is the correlation of channel c with gradient f, over all images."""
    return np.array([
        [sum(correlate2d(x[n, c], g[n, f], "valid") for n in range(len(x)))
         for c in range(x.shape[1])]
        for f in range(g.shape[1])
    ])  # fmt: skip


def _images(w, g):
    """dx[n, c] is the full convolution of gradient f with filter f, over all f."""
    return np.array([
        [sum(correlate2d(g[n, f], w[f, c, ::-1, ::-1], "full") for f in range(len(w)))
         for c in range(w.shape[1])]
        for n in range(len(g))
    ])  # fmt: skip


case("conv2d", lambda a, b: make(CONV, (a, b), PLAIN), correlated, x, w)
case(
    "conv2d_grad_weights",
    lambda a, b: make(CONV_WEIGHTS, (a, b), (*PLAIN, (2, 3))), _weights, x, g,
)  # fmt: skip
case(
    "conv2d_grad_images",
    lambda a, b: make(CONV_IMAGES, (a, b), (*PLAIN, (6, 5))), _images, w, g,
)  # fmt: skip

TILES = ("max", (2, 2), (2, 2), (0, 0, 0, 0), True)
image = rng.permutation(2 * 4 * 6).reshape(2, 4, 6).astype(float)


def blocks(x):
    """The 2 by 2 windows of x: (..., windows down, across, 4)."""
    n, h, wide = x.shape
    cut = x.reshape(n, h // 2, 2, wide // 2, 2).swapaxes(2, 3)
    return cut.reshape(n, h // 2, wide // 2, 4)


def _spread(values):
    """Each value of (..., p, q, 4) back at its place in the image."""
    n, p, q, _ = values.shape
    cut = values.reshape(n, p, q, 2, 2).swapaxes(2, 3)
    return cut.reshape(n, 2 * p, 2 * q)


largest = blocks(image).max(-1)
case("pool2d", lambda a: make(POOL, (a,), TILES), lambda a: blocks(a).max(-1), image)
case(
    "pool2d",
    lambda a: make(POOL, (a,), ("average_exc_pad", *TILES[1:])),
    lambda a: blocks(a).mean(-1), image,
)  # fmt: skip
case(
    "pool2d_spread",
    lambda a: make(SPREAD, (a,), ("sum", *TILES[1:], (4, 6))),
    lambda a: _spread(np.repeat(a[..., None], 4, -1)), rng.normal(size=(2, 2, 3)),
)  # fmt: skip
case(
    "pool2d_grad",
    lambda a, b, c: make(POOL_GRAD, (a, b, c), TILES),
    lambda a, b, c: _spread((blocks(a) == b[..., None]) * c[..., None]),
    image, largest, rng.normal(size=largest.shape), smooth=False,
)  # fmt: skip
case(
    "pool2d_pick",
    lambda a, b, c: make(POOL_PICK, (a, b, c), TILES),
    lambda a, b, c: ((blocks(a) == b[..., None]) * blocks(c)).sum(-1),
    image, largest, rng.normal(size=image.shape), smooth=False,
)  # fmt: skip
