"""numexpr's forms of the rows: expressions as text, evaluated in blocks."""

from __future__ import annotations

import numexpr as ne
import numpy as np

from bench.piece import Arrays, Piece, Rows

ROWS = Rows()
row = ROWS.row
CHAIN12 = "tanh(a) * exp(-(b*b)) + log(1 + a*a) - sqrt(b*b + 1)"


def rows_of(system: str) -> Rows:
    """All of them."""
    return ROWS


def _of(data: Arrays, text: str, reuse: bool) -> Piece:
    arrays = {name: data[name] for name in data}
    if not reuse:
        return Piece(lambda: ne.evaluate(text, local_dict=arrays))
    out = np.empty_like(data["a"])
    return Piece(
        lambda: ne.evaluate(text, local_dict=arrays, out=out, casting="same_kind"),
        form="out=",
    )


@row("call_scalar")
def _(data: Arrays) -> Piece:
    return _of(data, "a * b + a", False)


@row("call_vec8")
def _(data: Arrays) -> Piece:
    return _of(data, "a + b", False)


@row("chain12_1e3", "chain12_1e5", "chain12_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, CHAIN12, True)


@row("cheap_1e3", "cheap_1e5")
def _(data: Arrays) -> Piece:
    return _of(data, "a*b + c*d - a", True)


@row("cheap_1e7")
def _(data: Arrays) -> Piece:
    return _of(data, "a*b + c*d - a", False)


@row("softmax")
def _(data: Arrays) -> Piece:
    x = data["x"]
    out = np.empty_like(x)

    def call() -> np.ndarray:
        top = x.max(1, keepdims=True)
        ne.evaluate("exp(x - top)", local_dict={"x": x, "top": top}, out=out)
        total = out.sum(1, keepdims=True)
        named = {"e": out, "total": total}
        return ne.evaluate("e / total", local_dict=named, out=out)

    return Piece(call, form="out=")
