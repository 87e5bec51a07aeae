"""symnb's forms of the rows, as a user would write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import symnb
import symnb.tensor as T
from bench.piece import Array, Arrays, NotYet, Piece, Rows
from bench.workloads.reduction import EPSILON
from bench.workloads.train import LENET, LOGREG, MLP, RATE

ROWS = Rows()
row = ROWS.row


def rows_of(system: str) -> Rows:
    """All of them."""
    return ROWS


def _of(data: Arrays, names: str, expression: Callable[..., Any]) -> Piece:
    """A function of these arrays, called with them."""
    arrays = [data[name] for name in names]
    inputs = [_input(array, name) for array, name in zip(arrays, names, strict=True)]
    function = symnb.function(inputs, expression(*inputs))
    if len(arrays) == 2:
        return Piece(function, arguments=tuple(arrays))
    return Piece(lambda: function(*arrays))


def _input(array: Array, name: str) -> Any:
    return T.TensorType(str(array.dtype), (None,) * array.ndim)(name)


@row("call_scalar")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: a * b + a)


@row("call_scalar_py")
def _(data: Arrays) -> Piece:
    a, b = T.dscalar("a"), T.dscalar("b")
    function = symnb.function([a, b], a * b + a)
    x, y = float(data["a"]), float(data["b"])
    return Piece(function, arguments=(x, y))


@row("call_vec8")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: a + b)


@row("chain12_1e3", "chain12_1e5", "chain12_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: (
        T.tanh(a) * T.exp(-(b * b)) + T.log(1 + a * a) - T.sqrt(b * b + 1)
    ))  # fmt: skip


@row("cheap_1e3", "cheap_1e5", "cheap_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, "abcd", lambda a, b, c, d: a * b + c * d - a)


@row("softmax")
def _(data: Arrays) -> Piece:
    return _of(data, "x", lambda x: T.softmax(x, axis=1))


@row("nll")
def _(data: Arrays) -> Piece:
    return _of(data, "xy", _nll)


def _nll(z: Any, y: Any) -> Any:
    return -T.mean(T.log_softmax(z, axis=1)[T.arange(y.shape[0]), y])


@row("layernorm")
def _(data: Arrays) -> Piece:
    def layernorm(x: Any, g: Any, b: Any) -> Any:
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / T.sqrt(x.var(axis=1, keepdims=True) + EPSILON) * g + b

    return _of(data, "xgb", layernorm)


for _name, _reduce in {
    "sum_ax0": lambda x: x.sum(axis=0), "sum_ax1": lambda x: x.sum(axis=1),
    "sum_all": lambda x: x.sum(), "var_all": lambda x: x.var(),
    "var_ax1": lambda x: x.var(axis=1),
}.items():  # fmt: skip
    row(_name)(lambda data, reduce=_reduce: _of(data, "x", reduce))


def _step(data: Arrays, names: Sequence[str], model: Callable[..., Any]) -> Piece:
    """A training step: shared parameters, updated by the gradient."""
    x, y = _input(data["x"], "x"), _input(data["y"], "y")
    params = [symnb.shared(data[name], name=name) for name in names]
    loss = _nll(model(x, *params), y)
    grads = symnb.grad(loss, params)
    updates = [
        (p, p - np.float32(RATE) * g) for p, g in zip(params, grads, strict=True)
    ]
    step = symnb.function([x, y], loss, updates=updates)
    images, labels = data["x"], data["y"]
    return Piece(
        lambda: step(images, labels),
        lambda loss: [np.asarray(loss), *(p.get_value() for p in params)],
    )


def _mlp(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    h = T.maximum(T.dot(x, W1) + b1, 0)
    h = T.maximum(T.dot(h, W2) + b2, 0)
    return T.dot(h, W3) + b3


@row("mlp_step")
def _(data: Arrays) -> Piece:
    return _step(data, MLP, _mlp)


@row("logreg_step")
def _(data: Arrays) -> Piece:
    return _step(data, LOGREG, lambda x, W, b: T.dot(x, W) + b)


@row("lenet_step")
def _(data: Arrays) -> Piece:
    try:
        from symnb.tensor.nnet import conv2d
        from symnb.tensor.signal.pool import pool_2d
    except ImportError as error:
        raise NotYet(f"not yet: {error}") from None

    def lenet(x: Any, K1: Any, c1: Any, K2: Any, c2: Any, *dense: Any) -> Any:
        for K, c in ((K1, c1), (K2, c2)):
            x = conv2d(x, K, filter_flip=False) + c.dimshuffle("x", 0, "x", "x")
            x = pool_2d(T.maximum(x, 0), (2, 2), ignore_border=True)
        W1, b1, W2, b2 = dense
        h = T.maximum(T.dot(x.flatten(2), W1) + b1, 0)
        return T.dot(h, W2) + b2

    return _step(data, LENET, lenet)
