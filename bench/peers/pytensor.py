"""PyTensor's forms of the rows: functions of its Numba and of its C back end.

Inputs are trusted (`trust_input`), as its documentation advises for speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from bench.piece import Arrays, NotYet, Piece, Rows
from bench.workloads.reduction import EPSILON
from bench.workloads.train import LOGREG, MLP, RATE

ROWS = Rows()
row = ROWS.row


def rows_of(system: str) -> Rows:
    """All of them; the back end is the process's (PYTENSOR_FLAGS)."""
    if system == "pytensor-c" and not pytensor.config.blas__ldflags:
        raise NotYet("no BLAS to link to")
    return ROWS


def _mode() -> Any:
    c = str(pytensor.config.mode) == "FAST_RUN"
    return pytensor.compile.mode.Mode("cvm", "fast_run") if c else "NUMBA"


def _inputs(data: Arrays, names: Sequence[str]) -> list[Any]:
    return [
        pt.tensor(name, dtype=str(data[name].dtype), shape=(None,) * data[name].ndim)
        for name in names
    ]


def _of(data: Arrays, names: str, expression: Callable[..., Any]) -> Piece:
    inputs = _inputs(data, names)
    function = pytensor.function(inputs, expression(*inputs), mode=_mode())
    function.trust_input = True
    arrays = [data[name] for name in names]
    if len(arrays) == 2:
        return Piece(function, arguments=tuple(arrays))
    return Piece(lambda: function(*arrays))


@row("call_scalar")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: a * b + a)


@row("call_scalar_py")
def _(data: Arrays) -> Piece:
    a, b = pt.dscalar("a"), pt.dscalar("b")
    function = pytensor.function([a, b], a * b + a, mode=_mode())
    x, y = float(data["a"]), float(data["b"])
    return Piece(function, arguments=(x, y))


@row("call_vec8")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: a + b)


@row("chain12_1e3", "chain12_1e5", "chain12_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: (
        pt.tanh(a) * pt.exp(-(b * b)) + pt.log(1 + a * a) - pt.sqrt(b * b + 1)
    ))  # fmt: skip


@row("cheap_1e3", "cheap_1e5", "cheap_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, "abcd", lambda a, b, c, d: a * b + c * d - a)


@row("softmax")
def _(data: Arrays) -> Piece:
    return _of(data, "x", lambda x: pt.special.softmax(x, axis=1))


def _nll(z: Any, y: Any) -> Any:
    return -pt.mean(pt.special.log_softmax(z, axis=1)[pt.arange(y.shape[0]), y])


@row("nll")
def _(data: Arrays) -> Piece:
    return _of(data, "xy", _nll)


@row("layernorm")
def _(data: Arrays) -> Piece:
    def layernorm(x: Any, g: Any, b: Any) -> Any:
        centred = x - x.mean(axis=1, keepdims=True)
        variance = x.var(axis=1, keepdims=True) + np.float32(EPSILON)
        return centred / pt.sqrt(variance) * g + b

    return _of(data, "xgb", layernorm)


for _name, _reduce in {
    "sum_ax0": lambda x: x.sum(axis=0), "sum_ax1": lambda x: x.sum(axis=1),
    "sum_all": lambda x: x.sum(), "var_all": lambda x: x.var(),
    "var_ax1": lambda x: x.var(axis=1),
}.items():  # fmt: skip
    row(_name)(lambda data, reduce=_reduce: _of(data, "x", reduce))


def _step(data: Arrays, names: Sequence[str], model: Callable[..., Any]) -> Piece:
    x, y = _inputs(data, "xy")
    params = [pytensor.shared(data[name], name=name) for name in names]
    loss = _nll(model(x, *params), y)
    grads = pytensor.grad(loss, params)
    updates = [
        (p, p - np.float32(RATE) * g) for p, g in zip(params, grads, strict=True)
    ]
    step = pytensor.function([x, y], loss, updates=updates, mode=_mode())
    step.trust_input = True
    images, labels = data["x"], data["y"]
    return Piece(
        lambda: step(images, labels),
        lambda loss: [np.asarray(loss), *(p.get_value() for p in params)],
    )


@row("mlp_step")
def _(data: Arrays) -> Piece:
    def mlp(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
        h = pt.maximum(pt.dot(x, W1) + b1, 0)
        h = pt.maximum(pt.dot(h, W2) + b2, 0)
        return pt.dot(h, W3) + b3

    return _step(data, MLP, mlp)


@row("logreg_step")
def _(data: Arrays) -> Piece:
    return _step(data, LOGREG, lambda x, W, b: pt.dot(x, W) + b)
