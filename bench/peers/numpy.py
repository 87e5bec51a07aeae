"""NumPy's forms of the rows: temporaries reused by `out=` where that pays."""

from __future__ import annotations

import numpy as np

from bench.piece import Array, Arrays, Piece, Rows
from bench.workloads.reduction import EPSILON
from bench.workloads.reduction import ROWS as COUNT
from bench.workloads.train import LOGREG, MLP, RATE

ROWS = Rows()
row = ROWS.row


def rows_of(system: str) -> Rows:
    """All of them."""
    return ROWS


@row("call_scalar")
def _(data: Arrays) -> Piece:
    return Piece(lambda a, b: a * b + a, arguments=(data["a"], data["b"]))


@row("call_scalar_py")
def _(data: Arrays) -> Piece:
    a, b = float(data["a"]), float(data["b"])
    return Piece(lambda a, b: np.float64(a) * b + a, arguments=(a, b))


@row("call_vec8")
def _(data: Arrays) -> Piece:
    return Piece(np.add, arguments=(data["a"], data["b"]))


@row("chain12_1e3", "chain12_1e5", "chain12_1e7")
def _(data: Arrays) -> Piece:
    a, b = data["a"], data["b"]
    out, t, u = (np.empty_like(a) for _ in range(3))

    def call() -> Array:
        np.multiply(b, b, out=t)
        np.negative(t, out=u)
        np.exp(u, out=u)
        np.tanh(a, out=out)
        np.multiply(out, u, out=out)
        np.multiply(a, a, out=u)
        np.add(u, np.float32(1), out=u)
        np.log(u, out=u)
        np.add(out, u, out=out)
        np.add(t, np.float32(1), out=t)
        np.sqrt(t, out=t)
        return np.subtract(out, t, out=out)

    return Piece(call, form="out=")


@row("cheap_1e3", "cheap_1e5")
def _(data: Arrays) -> Piece:
    a, b, c, d = (data[name] for name in "abcd")
    out, t = np.empty_like(a), np.empty_like(a)

    def call() -> Array:
        np.multiply(a, b, out=out)
        np.multiply(c, d, out=t)
        np.add(out, t, out=out)
        return np.subtract(out, a, out=out)

    return Piece(call, form="out=")


@row("cheap_1e7")
def _(data: Arrays) -> Piece:
    a, b, c, d = (data[name] for name in "abcd")
    return Piece(lambda: a * b + c * d - a)


@row("softmax")
def _(data: Arrays) -> Piece:
    x = data["x"]

    def call() -> Array:
        e = x - x.max(1, keepdims=True)
        np.exp(e, out=e)
        e /= e.sum(1, keepdims=True)
        return e

    return Piece(call)


def _nll(z: Array, y: Array, rows: Array) -> Array:
    top = z.max(1)
    e = z - top[:, None]
    np.exp(e, out=e)
    return np.asarray((np.log(e.sum(1)) + top - z[rows, y]).mean())


@row("nll")
def _(data: Arrays) -> Piece:
    x, y, rows = data["x"], data["y"], np.arange(COUNT)
    return Piece(lambda: _nll(x, y, rows))


@row("layernorm")
def _(data: Arrays) -> Piece:
    x, g, b = data["x"], data["g"], data["b"]

    def call() -> Array:
        c = x - x.mean(1, keepdims=True)
        c /= np.sqrt(np.square(c).mean(1, keepdims=True) + np.float32(EPSILON))
        c *= g
        c += b
        return c

    return Piece(call)


@row("sum_ax0")
def _(data: Arrays) -> Piece:
    return Piece(lambda: data["x"].sum(0))


@row("sum_ax1")
def _(data: Arrays) -> Piece:
    return Piece(lambda: data["x"].sum(1))


@row("sum_all")
def _(data: Arrays) -> Piece:
    return Piece(lambda: data["x"].sum())


@row("var_all")
def _(data: Arrays) -> Piece:
    return Piece(lambda: data["x"].var())


@row("var_ax1")
def _(data: Arrays) -> Piece:
    return Piece(lambda: data["x"].var(1))


def _loss(z: Array, y: Array, rows: Array) -> tuple[Array, Array]:
    """Loss and its gradient, which takes the place of z."""
    z -= z.max(1, keepdims=True)
    picked = z[rows, y]
    np.exp(z, out=z)
    total = z.sum(1)
    loss = (np.log(total) - picked).mean()
    z /= total[:, None]
    z[rows, y] -= 1
    z /= np.float32(len(y))
    return np.asarray(loss), z


@row("logreg_step", "mlp_step")
def _(data: Arrays) -> Piece:
    names = MLP if "W1" in data else LOGREG
    params = [data[name].copy() for name in names]
    layers = list(zip(params[::2], params[1::2], strict=True))
    x, y, rows = data["x"], data["y"], np.arange(len(data["y"]))

    def call() -> Array:
        kept = [x]
        for W, b in layers[:-1]:
            h = kept[-1] @ W
            h += b
            kept.append(np.maximum(h, 0, out=h))
        W, b = layers[-1]
        loss, g = _loss(kept[-1] @ W + b, y, rows)
        for (W, b), h in zip(layers[::-1], kept[::-1], strict=True):
            below = g @ W.T if h is not x else g
            W -= np.float32(RATE) * (h.T @ g)
            b -= np.float32(RATE) * g.sum(0)
            if h is not x:
                below *= h > 0
            g = below
        return loss

    return Piece(call, lambda loss: [loss, *params], form="out=")
