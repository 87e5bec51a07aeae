"""JAX's forms of the rows: jitted functions, waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.piece import Arrays, Piece, Rows
from bench.workloads.reduction import EPSILON
from bench.workloads.train import LENET, LOGREG, MLP, RATE

jax.config.update("jax_enable_x64", True)
ROWS = Rows()
row = ROWS.row


def rows_of(system: str) -> Rows:
    """All of them."""
    return ROWS


def _of(data: Arrays, names: str, expression: Callable[..., Any]) -> Piece:
    """A jitted function of these arrays, which lie where JAX wants them."""
    function = jax.jit(expression)
    arrays = [jax.device_put(data[name]) for name in names]
    return Piece(lambda: function(*arrays).block_until_ready())


@row("call_scalar")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: a * b + a)


@row("call_scalar_py")
def _(data: Arrays) -> Piece:
    function = jax.jit(lambda a, b: a * b + a)
    a, b = float(data["a"]), float(data["b"])
    return Piece(lambda: function(a, b).block_until_ready())


@row("call_vec8")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: a + b)


@row("chain12_1e3", "chain12_1e5", "chain12_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, "ab", lambda a, b: (
        jnp.tanh(a) * jnp.exp(-(b * b)) + jnp.log(1 + a * a) - jnp.sqrt(b * b + 1)
    ))  # fmt: skip


@row("cheap_1e3", "cheap_1e5", "cheap_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, "abcd", lambda a, b, c, d: a * b + c * d - a)


@row("softmax")
def _(data: Arrays) -> Piece:
    return _of(data, "x", lambda x: jax.nn.softmax(x, axis=1))


def _nll(z: Any, y: Any) -> Any:
    picked = jnp.take_along_axis(z, y[:, None], 1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - picked)


@row("nll")
def _(data: Arrays) -> Piece:
    return _of(data, "xy", _nll)


@row("layernorm")
def _(data: Arrays) -> Piece:
    def layernorm(x: Any, g: Any, b: Any) -> Any:
        centred = x - x.mean(1, keepdims=True)
        return centred * jax.lax.rsqrt(x.var(1, keepdims=True) + EPSILON) * g + b

    return _of(data, "xgb", layernorm)


for _name, _reduce in {
    "sum_ax0": lambda x: x.sum(0), "sum_ax1": lambda x: x.sum(1),
    "sum_all": lambda x: x.sum(), "var_all": lambda x: x.var(),
    "var_ax1": lambda x: x.var(1),
}.items():  # fmt: skip
    row(_name)(lambda data, reduce=_reduce: _of(data, "x", reduce))


def _step(data: Arrays, names: Sequence[str], model: Callable[..., Any]) -> Piece:
    """A training step that gives its parameters away and gets new ones."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return _nll(model(x, *params), y)

    def step(params: Any, x: Any, y: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, x, y)
        rate = np.float32(RATE)
        return value, [p - rate * g for p, g in zip(params, grads, strict=True)]

    jitted = jax.jit(step, donate_argnums=0)
    x, y = jax.device_put(data["x"]), jax.device_put(data["y"])
    state = [[jax.device_put(data[name]) for name in names]]

    def call() -> Any:
        value, state[0] = jitted(state[0], x, y)
        jax.block_until_ready(state[0])
        return value

    return Piece(call, lambda v: [np.asarray(v), *map(np.asarray, state[0])],
                 form="donated")  # fmt: skip


def _mlp(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    h = jnp.maximum(x @ W1 + b1, 0)
    h = jnp.maximum(h @ W2 + b2, 0)
    return h @ W3 + b3


def _lenet(x: Any, K1: Any, c1: Any, K2: Any, c2: Any, *dense: Any) -> Any:
    for K, c in ((K1, c1), (K2, c2)):
        x = jax.lax.conv(x, K, (1, 1), "VALID") + c[:, None, None]
        window = (1, 1, 2, 2)
        x = jax.lax.reduce_window(
            jnp.maximum(x, 0), -jnp.inf, jax.lax.max, window, window, "VALID"
        )
    W1, b1, W2, b2 = dense
    h = jnp.maximum(x.reshape(x.shape[0], -1) @ W1 + b1, 0)
    return h @ W2 + b2


@row("mlp_step")
def _(data: Arrays) -> Piece:
    return _step(data, MLP, _mlp)


@row("logreg_step")
def _(data: Arrays) -> Piece:
    return _step(data, LOGREG, lambda x, W, b: x @ W + b)


@row("lenet_step")
def _(data: Arrays) -> Piece:
    return _step(data, LENET, _lenet)
