"""PyTorch's forms of the rows: eager, and the same under `torch.compile`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from bench.piece import Arrays, Piece, Rows
from bench.workloads.reduction import EPSILON
from bench.workloads.train import LENET, LOGREG, MLP, RATE

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def _kept(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _of(
    data: Arrays, compile: Any, names: str, expression: Callable[..., Any]
) -> Piece:
    """A function of these arrays as tensors; no gradients are recorded."""
    arrays = [torch.from_numpy(data[name]) for name in names]
    function = compile(expression)

    def call() -> Any:
        with torch.no_grad():
            return function(*arrays)

    return Piece(call)


def _scalars(data: Arrays, compile: Any) -> Piece:
    function = compile(lambda a, b: a * b + a)
    a, b = float(data["a"]), float(data["b"])
    return Piece(lambda: function(torch.tensor(a, dtype=torch.float64), b))


def _chain12(a: Any, b: Any) -> Any:
    return (
        torch.tanh(a) * torch.exp(-(b * b)) + torch.log(1 + a * a)
        - torch.sqrt(b * b + 1)
    )  # fmt: skip


def _cheap(a: Any, b: Any, c: Any, d: Any) -> Any:
    return a * b + c * d - a


PLAIN: dict[str, tuple[str, Callable[..., Any]]] = {
    "call_scalar": ("ab", lambda a, b: a * b + a),
    "call_vec8": ("ab", lambda a, b: a + b),
    **{f"chain12_{n}": ("ab", _chain12) for n in ("1e3", "1e5", "1e7")},
    **{f"cheap_{n}": ("abcd", _cheap) for n in ("1e3", "1e5", "1e7")},
    "softmax": ("x", lambda x: torch.softmax(x, 1)),
    "nll": ("xy", F.cross_entropy),
    "layernorm": ("xgb", lambda x, g, b: F.layer_norm(x, g.shape, g, b, EPSILON)),
    "sum_ax0": ("x", lambda x: x.sum(0)),
    "sum_ax1": ("x", lambda x: x.sum(1)),
    "sum_all": ("x", lambda x: x.sum()),
    "var_all": ("x", lambda x: x.var(correction=0)),
    "var_ax1": ("x", lambda x: x.var(1, correction=0)),
}


def _mlp(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    h = torch.relu(torch.addmm(b1, x, W1))
    h = torch.relu(torch.addmm(b2, h, W2))
    return torch.addmm(b3, h, W3)


def _lenet(x: Any, K1: Any, c1: Any, K2: Any, c2: Any, *dense: Any) -> Any:
    W1, b1, W2, b2 = dense
    x = F.max_pool2d(torch.relu(F.conv2d(x, K1, c1)), 2)
    x = F.max_pool2d(torch.relu(F.conv2d(x, K2, c2)), 2)
    h = torch.relu(torch.addmm(b1, x.flatten(1), W1))
    return torch.addmm(b2, h, W2)


MODELS: dict[str, tuple[Sequence[str], Callable[..., Any]]] = {
    "mlp_step": (MLP, _mlp),
    "logreg_step": (LOGREG, lambda x, W, b: torch.addmm(b, x, W)),
    "lenet_step": (LENET, _lenet),
}


def _step(data: Arrays, compile: Any, names: Sequence[str], model: Any) -> Piece:
    """Forward, backward and update; parameters are changed in place."""
    x, y = torch.from_numpy(data["x"]), torch.from_numpy(data["y"])
    params = [torch.tensor(data[n], requires_grad=True) for n in names]

    def step(x: Any, y: Any, params: Any) -> Any:
        loss = F.cross_entropy(model(x, *params), y)
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p.sub_(g, alpha=RATE)
        return loss.detach()

    function = compile(step)
    return Piece(
        lambda: function(x, y, params),
        lambda loss: [loss.numpy(), *(p.detach().numpy().copy() for p in params)],
    )


def rows_of(system: str) -> Rows:
    """Eager rows, or compiled ones; `torch.compile` cannot trace a whole step's
    gradient call in every version, then the loss is compiled and the rest is eager."""
    compiled = system == "torch-compile"
    compile: Any = partial(torch.compile, dynamic=False) if compiled else _kept
    rows = Rows()
    for name, (names, expression) in PLAIN.items():
        rows[name] = partial(_of, compile=compile, names=names, expression=expression)
    rows["call_scalar_py"] = partial(_scalars, compile=compile)
    for name, (names, model) in MODELS.items():
        rows[name] = partial(
            _train, compile=compile, names=names, model=model, compiled=compiled
        )
    return rows


def _train(
    data: Arrays, compile: Any, names: Sequence[str], model: Any, compiled: bool
) -> Piece:
    if not compiled:
        return _step(data, _kept, names, model)
    return _step(data, _kept, names, compile(model))
