"""What the call path must know of one compiled function.

Made once per compiled function, read once when a `Call` is bound to it. Sizes are in
elements, addresses are integers valid for the life of the process (shared objects are
never unloaded). `dims` of an argument or shared variable: per axis an int n >= 0
(the axis must have n elements) or ("slot", k) (the first one met sets slot k, every
later one must equal it). Of outputs and updates only len(dims) matters: their sizes
come from `symnb_plan`. Layout of the entry points: `abi.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["ArraySpec", "CallSpec", "Opaque"]


@dataclass(frozen=True)
class ArraySpec:
    """Name, dtype and size of one argument, shared variable, result or operand."""

    name: str
    dtype: str  # NumPy name: "float32", "int64", "bool"
    dims: tuple[Any, ...]  # int | ("slot", k)
    where: str = ""  # the user's site, for messages


@dataclass(frozen=True)
class Opaque:
    """Operands of a step that runs in Python: read-only inputs, then outputs.

    `ws->python(ws, step, data, shape)` passes inputs + outputs in this order. An output
    whose data pointer is NULL has a size known only afterwards: Python returns it, and
    the runtime stores its address and sizes in `data[i]` and `shape[i]`.
    """

    inputs: tuple[ArraySpec, ...]
    outputs: tuple[ArraySpec, ...]


@dataclass(frozen=True)
class CallSpec:
    """One compiled function as the call path sees it.

    shared   (storage, spec) pairs; a storage has `array`, `spare` and `lock`
    updates  (index into shared, spec) pairs
    python   python(step, arrays): arrays = inputs + outputs of `opaque[step]`; fills
             the outputs in place, and returns a list of those given as None
    control  addresses of BLAS's int get_threads(void) and void set_threads(int), if
             the function calls it, and whether it has one thread all through the
             call, because our threads share its products out; 0s: it cannot be told
    work     estimated ns of one call when every slot is 1000
    returns  "one" | "list" | "none"
    """

    arguments: tuple[ArraySpec, ...]
    shared: tuple[tuple[Any, ArraySpec], ...]
    constants: tuple[np.ndarray, ...]
    outputs: tuple[ArraySpec, ...]
    updates: tuple[tuple[int, ArraySpec], ...]
    slots: int
    run: int
    plan: int
    externs: tuple[int, ...] = ()
    control: tuple[int, int, int] = (0, 0, 0)
    python: Callable[..., Any] | None = None
    steps: int = 0
    work: float = 0.0
    returns: str = "one"
    opaque: Mapping[int, Opaque] = field(default_factory=dict)
    name: str = "function"  # of the function, for messages
    # step -> rows (op, type, the user's site) of its nodes; slow
    where: Callable[[int], list[tuple[str, ...]]] | None = None
    # (number, a, b) that compiled code told -> the error; slow
    failure: Callable[[int, int, int], Exception] | None = None
