"""Training steps in float32: plain SGD on the mean log-likelihood of the labels.

  mlp_step     784-512-512-10 with relu, batch 128
  logreg_step  1797 x 64 to 10 classes
  lenet_step   28 x 28: conv 5x5 to 8 planes, pool, conv 5x5 to 16 planes, pool,
               256-120-10, relu; batch 64

A step returns the loss and moves the parameters; what is compared with float64 is
the loss and how far one step moved each of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from bench.piece import Array, Arrays
from bench.workload import Workload, seeded

RATE = 0.1
MLP = ("W1", "b1", "W2", "b2", "W3", "b3")
LOGREG = ("W", "b")
LENET = ("K1", "c1", "K2", "c2", "W1", "b1", "W2", "b2")


def _weights(rng: np.random.Generator, *shape: int) -> Array:
    fan = int(np.prod(shape[1:] if len(shape) == 4 else shape[:1]))
    return (rng.standard_normal(shape) * (2 / fan) ** 0.5).astype("float32")


def mlp_data() -> dict[str, Array]:
    """Images, labels and parameters of the network."""
    rng = seeded()
    sizes = (784, 512, 512, 10)
    data: dict[str, Array] = {
        "x": rng.random((128, 784), dtype="float32"), "y": rng.integers(0, 10, 128),
    }  # fmt: skip
    for at, (n, m) in enumerate(itertools.pairwise(sizes), 1):
        data |= {f"W{at}": _weights(rng, n, m), f"b{at}": np.zeros(m, "float32")}
    return data


def logreg_data() -> dict[str, Array]:
    """As the images of digits: 1797 of 8 x 8."""
    rng = seeded()
    return {
        "x": rng.random((1797, 64), dtype="float32"),
        "y": rng.integers(0, 10, 1797),
        "W": _weights(rng, 64, 10),
        "b": np.zeros(10, "float32"),
    }


def lenet_data() -> dict[str, Array]:
    """64 images of one plane, labels and parameters."""
    rng = seeded()
    return {
        "x": rng.random((64, 1, 28, 28), dtype="float32"),
        "y": rng.integers(0, 10, 64),
        "K1": _weights(rng, 8, 1, 5, 5), "c1": np.zeros(8, "float32"),
        "K2": _weights(rng, 16, 8, 5, 5), "c2": np.zeros(16, "float32"),
        "W1": _weights(rng, 256, 120), "b1": np.zeros(120, "float32"),
        "W2": _weights(rng, 120, 10), "b2": np.zeros(10, "float32"),
    }  # fmt: skip


def _wide(data: Arrays, names: Sequence[str]) -> list[Array]:
    return [data[name].astype("float64") for name in names]


def _loss(z: Array, y: Array) -> tuple[Array, Array]:
    """The mean negative log-likelihood and its gradient."""
    top = z.max(1, keepdims=True)
    e = np.exp(z - top)
    p = e / e.sum(1, keepdims=True)
    rows = np.arange(len(y))
    loss = -np.mean(np.log(p[rows, y]))
    p[rows, y] -= 1
    return np.asarray(loss), p / len(y)


def _dense(
    h: Array, layers: Sequence[Array], y: Array
) -> tuple[Array, list[Array], Array]:
    """Loss, gradients of weights and biases, gradient of the input."""
    kept = [h]
    pairs = list(zip(layers[::2], layers[1::2], strict=True))
    for W, b in pairs[:-1]:
        kept.append(np.maximum(kept[-1] @ W + b, 0))
    W, b = pairs[-1]
    loss, g = _loss(kept[-1] @ W + b, y)
    found: list[Array] = []
    for (W, _), h in zip(pairs[::-1], kept[::-1], strict=True):
        found = [h.T @ g, g.sum(0), *found]
        g = g @ W.T * (h > 0)
    return loss, found, g


def mlp_exact(data: Arrays) -> list[Array]:
    """Loss, and how far one step moves every parameter."""
    (x,) = _wide(data, ["x"])
    loss, grads, _ = _dense(x, _wide(data, MLP), data["y"])
    return [loss, *(-RATE * g for g in grads)]


def logreg_exact(data: Arrays) -> list[Array]:
    """Loss, and how far one step moves W and b."""
    (x,) = _wide(data, ["x"])
    loss, grads, _ = _dense(x, _wide(data, LOGREG), data["y"])
    return [loss, *(-RATE * g for g in grads)]


def _windows(x: Array, n: int) -> Array:
    return np.lib.stride_tricks.sliding_window_view(x, (n, n), (2, 3))


def _pool(x: Array) -> tuple[Array, Array]:
    """2 x 2 maxima, and which of the four each is."""
    b, c, h, w = x.shape
    four = x.reshape(b, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    four = four.reshape(b, c, h // 2, w // 2, 4)
    return four.max(-1), four.argmax(-1)


def _unpool(g: Array, at: Array) -> Array:
    b, c, h, w = g.shape
    four = (np.arange(4) == at[..., None]) * g[..., None]
    four = four.reshape(b, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return four.reshape(b, c, 2 * h, 2 * w)


def lenet_exact(data: Arrays) -> list[Array]:
    """Loss, and how far one step moves every parameter; correlation, not flipped."""
    x, K1, c1, K2, c2 = _wide(data, ["x", *LENET[:4]])
    s1 = np.einsum("bchwij,ocij->bohw", _windows(x, 5), K1) + c1[:, None, None]
    h1, at1 = _pool(np.maximum(s1, 0))
    s2 = np.einsum("bchwij,ocij->bohw", _windows(h1, 5), K2) + c2[:, None, None]
    h2, at2 = _pool(np.maximum(s2, 0))
    loss, dense, g = _dense(h2.reshape(64, -1), _wide(data, LENET[4:]), data["y"])
    g2 = _unpool(g.reshape(h2.shape), at2) * (s2 > 0)
    k2 = np.einsum("bchwij,bohw->ocij", _windows(h1, 5), g2)
    padded = np.pad(g2, ((0, 0), (0, 0), (4, 4), (4, 4)))
    back = np.einsum("bohwij,ocij->bchw", _windows(padded, 5), K2[..., ::-1, ::-1])
    g1 = _unpool(back, at1) * (s1 > 0)
    k1 = np.einsum("bchwij,bohw->ocij", _windows(x, 5), g1)
    grads = [k1, g1.sum((0, 2, 3)), k2, g2.sum((0, 2, 3)), *dense]
    return [loss, *(-RATE * g for g in grads)]


def moved(names: Sequence[str]) -> Callable[[Arrays, Sequence[Array]], list[Array]]:
    """What a system computed, as the loss and how far each parameter moved."""

    def outcome(data: Arrays, got: Sequence[Array]) -> list[Array]:
        loss, *after = got
        return [
            np.asarray(loss),
            *(np.asarray(new, "float64") - data[name]
              for name, new in zip(names, after, strict=True)),
        ]  # fmt: skip

    return outcome


def _flops(batch: int, sizes: Sequence[int]) -> float:
    """Products of a dense network: forward, and twice that backward."""
    pairs = list(itertools.pairwise(sizes))
    return 2.0 * batch * (3 * sum(n * m for n, m in pairs) - pairs[0][0] * pairs[0][1])


TRAIN = [
    Workload("mlp_step", "train", mlp_data, mlp_exact, 1e-3,
             flops=_flops(128, (784, 512, 512, 10)), outcome=moved(MLP)),
    Workload("logreg_step", "train", logreg_data, logreg_exact, 1e-3,
             traffic=2 * 4 * 1797 * 64, touched=4 * 1797 * 64,
             flops=_flops(1797, (64, 10)), outcome=moved(LOGREG)),
    Workload("lenet_step", "train", lenet_data, lenet_exact, 1e-3,
             flops=_flops(64, (256, 120, 10)) + 2.0 * 64 * (
                 2 * 576 * 8 * 25 + 3 * 64 * 16 * 8 * 25),
             outcome=moved(LENET)),
]  # fmt: skip
