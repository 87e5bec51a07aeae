"""Numba's forms of the rows: loops written by hand, `prange` with two threads."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from bench.piece import Array, Arrays, Piece, Rows
from bench.workloads.reduction import EPSILON
from bench.workloads.train import LOGREG, MLP, RATE

PARALLEL = int(os.environ.get("NUMBA_NUM_THREADS", "1")) > 1
ROWS = Rows()
row = ROWS.row
jit = numba.njit(fastmath=True, parallel=PARALLEL, cache=True)
single = numba.njit(fastmath=True, cache=True)
prange = numba.prange


def rows_of(system: str) -> Rows:
    """All of them."""
    return ROWS


@single
def multiply_add(a: Any, b: Any) -> Any:
    return a * b + a


@single
def add(a: Any, b: Any) -> Any:
    return a + b


@jit
def chain12(a: Array, b: Array, out: Array) -> Array:
    one = np.float32(1)
    for i in prange(a.size):
        x, q = a[i], b[i] * b[i]
        out[i] = (
            math.tanh(x) * math.exp(-q) + math.log(one + x * x) - math.sqrt(q + one)
        )
    return out


@jit
def cheap(a: Array, b: Array, c: Array, d: Array, out: Array) -> Array:
    for i in prange(a.size):
        out[i] = a[i] * b[i] + c[i] * d[i] - a[i]
    return out


@single
def cheap_single(a: Array, b: Array, c: Array, d: Array, out: Array) -> Array:
    for i in range(a.size):
        out[i] = a[i] * b[i] + c[i] * d[i] - a[i]
    return out


@jit
def softmax(x: Array) -> Array:
    out = np.empty_like(x)
    for i in prange(x.shape[0]):
        top = np.float32(-np.inf)
        for j in range(x.shape[1]):
            top = max(top, x[i, j])
        total = np.float32(0)
        for j in range(x.shape[1]):
            e = math.exp(x[i, j] - top)
            out[i, j] = e
            total += e
        scale = np.float32(1) / total
        for j in range(x.shape[1]):
            out[i, j] *= scale
    return out


@jit
def nll(x: Array, y: Array) -> Any:
    loss = 0.0
    for i in prange(x.shape[0]):
        top = np.float32(-np.inf)
        for j in range(x.shape[1]):
            top = max(top, x[i, j])
        total = np.float32(0)
        for j in range(x.shape[1]):
            total += math.exp(x[i, j] - top)
        loss += math.log(total) + top - x[i, y[i]]
    return loss / x.shape[0]


@jit
def layernorm(x: Array, g: Array, b: Array) -> Array:
    out = np.empty_like(x)
    n = np.float32(x.shape[1])
    for i in prange(x.shape[0]):
        total = np.float32(0)
        for j in range(x.shape[1]):
            total += x[i, j]
        mean = total / n
        square = np.float32(0)
        for j in range(x.shape[1]):
            d = x[i, j] - mean
            square += d * d
        scale = np.float32(1) / math.sqrt(square / n + np.float32(EPSILON))
        for j in range(x.shape[1]):
            out[i, j] = (x[i, j] - mean) * scale * g[j] + b[j]
    return out


@single
def sum_ax0(x: Array) -> Array:
    out = np.zeros(x.shape[1], x.dtype)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[j] += x[i, j]
    return out


@jit
def sum_ax1(x: Array) -> Array:
    out = np.empty(x.shape[0], x.dtype)
    for i in prange(x.shape[0]):
        total = np.float32(0)
        for j in range(x.shape[1]):
            total += x[i, j]
        out[i] = total
    return out


@jit
def sum_all(x: Array) -> Any:
    whole = np.float32(0)
    for i in prange(x.shape[0]):
        total = np.float32(0)
        for j in range(x.shape[1]):
            total += x[i, j]
        whole += total
    return whole


@jit
def var_all(x: Array) -> Any:
    whole = 0.0
    for i in prange(x.shape[0]):
        total = np.float32(0)
        for j in range(x.shape[1]):
            total += x[i, j]
        whole += total
    mean = np.float32(whole / x.size)
    squares = 0.0
    for i in prange(x.shape[0]):
        total = np.float32(0)
        for j in range(x.shape[1]):
            d = x[i, j] - mean
            total += d * d
        squares += total
    return squares / x.size


@jit
def var_ax1(x: Array) -> Array:
    out = np.empty(x.shape[0], x.dtype)
    n = np.float32(x.shape[1])
    for i in prange(x.shape[0]):
        total = np.float32(0)
        for j in range(x.shape[1]):
            total += x[i, j]
        mean = total / n
        square = np.float32(0)
        for j in range(x.shape[1]):
            d = x[i, j] - mean
            square += d * d
        out[i] = square / n
    return out


@single
def loss_and_gradient(z: Array, y: Array) -> Any:
    """The loss; z becomes its gradient."""
    loss = 0.0
    n = np.float32(z.shape[0])
    for i in range(z.shape[0]):
        top = np.float32(-np.inf)
        for j in range(z.shape[1]):
            top = max(top, z[i, j])
        picked = z[i, y[i]] - top
        total = np.float32(0)
        for j in range(z.shape[1]):
            z[i, j] = math.exp(z[i, j] - top)
            total += z[i, j]
        loss += math.log(total) - picked
        for j in range(z.shape[1]):
            z[i, j] /= total
        z[i, y[i]] -= np.float32(1)
        for j in range(z.shape[1]):
            z[i, j] /= n
    return loss / z.shape[0]


@single
def move(p: Array, g: Array) -> None:
    rate = np.float32(RATE)
    flat, by = p.reshape(-1), g.reshape(-1)
    for i in range(flat.size):
        flat[i] -= rate * by[i]


@single
def relu_of(h: Array, b: Array) -> None:
    for i in range(h.shape[0]):
        for j in range(h.shape[1]):
            h[i, j] = max(h[i, j] + b[j], np.float32(0))


@single
def masked(g: Array, h: Array) -> None:
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            g[i, j] = g[i, j] if h[i, j] > 0 else np.float32(0)


@single
def logreg_step(x: Array, y: Array, W: Array, b: Array) -> Any:
    z = np.dot(x, W) + b
    loss = loss_and_gradient(z, y)
    move(W, np.dot(x.T, z))
    move(b, sum_ax0(z))
    return loss


@single
def mlp_step(
    x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array, W3: Array, b3: Array
) -> Any:
    h1 = np.dot(x, W1)
    relu_of(h1, b1)
    h2 = np.dot(h1, W2)
    relu_of(h2, b2)
    z = np.dot(h2, W3) + b3
    loss = loss_and_gradient(z, y)
    g2 = np.dot(z, W3.T)
    masked(g2, h2)
    g1 = np.dot(g2, W2.T)
    masked(g1, h1)
    move(W3, np.dot(h2.T, z))
    move(b3, sum_ax0(z))
    move(W2, np.dot(h1.T, g2))
    move(b2, sum_ax0(g2))
    move(W1, np.dot(x.T, g1))
    move(b1, sum_ax0(g1))
    return loss


def _of(
    data: Arrays, names: str, function: Callable[..., Any], form: str = ""
) -> Piece:
    arrays = [data[name] for name in names]
    if len(arrays) == 2:
        return Piece(function, form=form, arguments=tuple(arrays))
    return Piece(lambda: function(*arrays), form=form)


@row("call_scalar")
def _(data: Arrays) -> Piece:
    return _of({k: v[()] for k, v in data.items()}, "ab", multiply_add)  # pyright: ignore


@row("call_scalar_py")
def _(data: Arrays) -> Piece:
    a, b = float(data["a"]), float(data["b"])
    return Piece(multiply_add, arguments=(a, b))


@row("call_vec8")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", add)


@row("chain12_1e3", "chain12_1e5", "chain12_1e7")
def _(data: Arrays) -> Piece:
    return _of({**data, "o": np.empty_like(data["a"])}, "abo", chain12, "out=")


@row("cheap_1e3", "cheap_1e5")
def _(data: Arrays) -> Piece:
    small = data["a"].size < 10_000
    function = cheap_single if small else cheap
    return _of({**data, "o": np.empty_like(data["a"])}, "abcdo", function, "out=")


@row("cheap_1e7")
def _(data: Arrays) -> Piece:
    arrays = [data[name] for name in "abcd"]
    return Piece(lambda: cheap(*arrays, np.empty_like(arrays[0])))


for _name, _names, _function in (
    ("softmax", "x", softmax), ("nll", "xy", nll), ("layernorm", "xgb", layernorm),
    ("sum_ax0", "x", sum_ax0), ("sum_ax1", "x", sum_ax1), ("sum_all", "x", sum_all),
    ("var_all", "x", var_all), ("var_ax1", "x", var_ax1),
):  # fmt: skip
    row(_name)(lambda d, names=_names, function=_function: _of(d, names, function))


@row("logreg_step", "mlp_step")
def _(data: Arrays) -> Piece:
    names, step = (MLP, mlp_step) if "W1" in data else (LOGREG, logreg_step)
    params = [data[name].copy() for name in names]
    x, y = data["x"], data["y"]
    return Piece(lambda: step(x, y, *params), lambda loss: [np.asarray(loss), *params])
