"""Small compiled functions written by hand, and the specs that call them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symnb.compile import build
from symnb.compile.runtime.abi import PRELUDE
from symnb.compile.runtime.spec import ArraySpec, CallSpec, Opaque

RUN = """int symnb_run(void *const *data, const int64_t *const *shape,
              const int64_t *const *stride, symnb_ws *ws)"""
PLAN = "void symnb_plan(const int64_t *slot, int64_t *out, int64_t *arena)"

N, M, K = ("slot", 0), ("slot", 1), ("slot", 2)


def library(run: str, plan: str, head: str = "") -> build.Library:
    """The loaded library of the two function bodies."""
    text = (
        f"{PRELUDE}{head}\n{RUN} {{ {run} return 0; }}\n{PLAN} {{ *arena = 0; {plan} }}"
    )
    return build.build(text, f"test {text}")


def array(name: str, dtype: str, *dims: Any) -> ArraySpec:
    """The spec of an array whose site is a cell."""
    return ArraySpec(name, dtype, dims, f"cell 3, line {len(name)}")


@dataclass(eq=False)
class Storage:
    """What a shared variable is to the call path."""

    array: np.ndarray
    spare: np.ndarray | None = None
    lock: Any = field(default_factory=threading.RLock)


class SlottedStorage:
    """The same with __slots__, which the dispatcher reads without a look-up."""

    __slots__ = ("array", "lock", "spare")

    def __init__(self, value: np.ndarray) -> None:
        self.array, self.spare, self.lock = value, None, threading.Lock()


def spec(
    lib: build.Library,
    arguments: tuple[ArraySpec, ...],
    outputs: tuple[ArraySpec, ...],
    **more: Any,
) -> CallSpec:
    """A CallSpec of `lib`; slots are counted."""
    both = (*arguments, *(a for _, a in more.get("shared", ())))
    slots = {d[1] for a in both for d in a.dims if isinstance(d, tuple)}
    names = {"shared": (), "constants": (), "updates": (), **more}
    return CallSpec(
        arguments,
        outputs=outputs,
        slots=len(slots),
        run=lib.run,
        plan=lib.plan,
        **names,
    )


def add() -> CallSpec:
    """a + b on float64 vectors of equal length."""
    lib = library(
        """const double *a = data[0], *b = data[1]; double *c = data[2];
        for (int64_t i = 0; i < shape[2][0]; i++) c[i] = a[i] + b[i];""",
        "out[0] = slot[0];",
    )
    vector = (array("a", "float64", N), array("b", "float64", N))
    return spec(lib, vector, (array("c", "float64", N),), work=300.0, name="add")


def scalar_add(dtype: str = "float64") -> CallSpec:
    """a + b on 0-d float64, float32 or int8."""
    c = {"float64": "double", "float32": "float", "int8": "signed char"}[dtype]
    lib = library(f"*({c} *)data[2] = *({c} *)data[0] + *({c} *)data[1];", "")
    pair = (array("a", dtype), array("b", dtype))
    return spec(lib, pair, (array("c", dtype),), work=5.0, name="plus")


def copy(dtype: str, dims: tuple[Any, ...], name: str = "x") -> CallSpec:
    """Its one argument, copied, from the strides and sizes it is told."""
    rank, size = len(dims), np.dtype(dtype).itemsize
    lib = library(
        f"""int64_t count = 1;
        for (int d = 0; d < {rank}; d++) {{
          if (shape[0][d] != shape[1][d] || stride[0][d] != stride[1][d]) return 7;
          count *= shape[0][d];
        }}
        int64_t step = {size};
        for (int d = {rank}; d-- > 0; step *= shape[0][d])
          if (stride[0][d] != step) return 8;
        __builtin_memcpy(data[1], data[0], count * {size});""",
        "int64_t at = 0; (void)at;"
        + "".join(
            f"out[{i}] = {f'slot[{d[1]}]' if isinstance(d, tuple) else d};"
            for i, d in enumerate(dims)
        ),
    )
    return spec(lib, (array(name, dtype, *dims),), (array("y", dtype, *dims),))


def positive() -> CallSpec:
    """x[x > 0], whose size is known only while running."""
    lib = library(
        """const double *x = data[0]; int64_t n = 0;
        for (int64_t i = 0; i < shape[0][0]; i++) n += x[i] > 0;
        double *y = ws->output(ws, 0, &n);
        if (!y) return 1;
        if (shape[1][0] != n || data[1] != y || stride[1][0] != 8) return 2;
        for (int64_t i = 0; i < shape[0][0]; i++) if (x[i] > 0) *y++ = x[i];""",
        "out[0] = -1;",
    )
    return spec(lib, (array("x", "float64", N),), (array("y", "float64", N),))


def never_produced() -> CallSpec:
    """Forgets its only result."""
    lib = library("", "out[0] = -1;")
    return spec(lib, (array("x", "float64", N),), (array("y", "float64", N),))


def step(storage: Any, work: float = 0.0) -> CallSpec:
    """sum(w) before w += x, for the shared vector w."""
    lib = library(
        """const double *x = data[0], *w = data[1];
        double *sum = data[2], *next = data[3]; *sum = 0;
        for (int64_t i = 0; i < shape[1][0]; i++) *sum += w[i];
        if (*sum < -1e300) return 3;
        for (int64_t i = 0; i < shape[1][0]; i++) next[i] = w[i] + *x;""",
        "out[0] = slot[0];",
    )
    w = array("w", "float64", N)
    return spec(
        lib,
        (array("x", "float64"),),
        (array("sum", "float64"),),
        shared=((storage, w),),
        updates=((0, w),),
        work=work,
        name="train",
    )


def total(storage: Any, work: float = 0.0) -> CallSpec:
    """max(w) - min(w) of the shared vector w, which it only reads."""
    lib = library(
        """const double *w = data[0]; double low = w[0], high = w[0];
        for (int64_t i = 0; i < shape[0][0]; i++) {
          if (w[i] < low) low = w[i];
          if (w[i] > high) high = w[i];
        }
        *(double *)data[1] = high - low;""",
        "",
    )
    w = array("w", "float64", N)
    return spec(lib, (), (array("d", "float64"),), shared=((storage, w),), work=work)


def arena(work: float = 0.0) -> CallSpec:
    """x + x by way of the arena, which it checks; nan if another call wrote there."""
    lib = library(
        """const double *x = data[0]; double *y = data[1], *t = ws->arena;
        int64_t n = shape[0][0];
        if ((unsigned long)t % 64) return 5;
        for (int64_t i = 0; i < n; i++) t[i] = x[i];
        for (int r = 0; r < 20; r++) for (int64_t i = 0; i < n; i++)
          if (t[i] != x[i]) { y[0] = 0.0 / 0.0; return 6; }
        for (int64_t i = 0; i < n; i++) y[i] = t[i] + x[i];""",
        "out[0] = slot[0]; *arena = slot[0] * 8;",
    )
    vector = (array("x", "float64", N),)
    return spec(lib, vector, (array("y", "float64", N),), work=work)


def failing(text: str = "x is negative") -> CallSpec:
    """sqrt(x), refusing negative numbers with status 5 and `text`."""
    lib = library(
        f"""double x = *(double *)data[0];
        if (x < 0) {{
          const char *text = "{text}"; char *to = ws->message;
          while ((*to++ = *text++)) {{}}
          return 5;
        }}
        *(double *)data[1] = __builtin_sqrt(x);""",
        "",
    )
    return spec(lib, (array("x", "float64"),), (array("y", "float64"),), name="root")


def spin(storage: Any) -> CallSpec:
    """Runs until stopped, or `seconds` long, then sets the shared scalar to it."""
    lib = library(
        """double seconds = *(double *)data[0];
        int64_t end = ws->now() + (int64_t)(seconds * 1e9);
        while (ws->now() < end) if (ws->stop(ws)) return 1;
        *(double *)data[2] = seconds;""",
        "",
    )
    return spec(
        lib,
        (array("seconds", "float64"),),
        (),
        shared=((storage, array("w", "float64")),),
        updates=((0, array("w", "float64")),),
        returns="none",
        work=1e6,
    )


def through_python(function: Callable[..., Any]) -> CallSpec:
    """function(0, (x, y)) with y a temporary of x's size, copied to the result."""
    lib = library(
        """void *t = ws->alloc(ws, shape[0][0] * 8);
        if (!t) return 1;
        void *both[2] = {data[0], t};
        const int64_t *shapes[2] = {shape[0], shape[0]};
        if (ws->python(ws, 0, both, shapes)) return 1;
        __builtin_memcpy(data[1], t, shape[0][0] * 8);""",
        "out[0] = slot[0];",
    )
    x, y = array("x", "float64", N), array("y", "float64", N)
    return spec(
        lib, (x,), (y,), python=function, opaque={0: Opaque((x,), (y,))}, name="opaque"
    )


def careless(function: Callable[..., Any]) -> CallSpec:
    """Calls function(0, (x,)) twice and takes no notice of a failure."""
    lib = library(
        """for (int i = 0; i < 2; i++) ws->python(ws, 0, data, shape);
        *(double *)data[1] = 1;""",
        "",
    )
    x = array("x", "float64", N)
    step = {0: Opaque((x,), ())}
    return spec(lib, (x,), (array("y", "float64"),), python=function, opaque=step)


def python_sized(function: Callable[..., Any]) -> CallSpec:
    """The array function(0, (x, None)) returns, of whatever size."""
    lib = library(
        """void *both[2] = {data[0], 0};
        int64_t n = -1;
        const int64_t *shapes[2] = {shape[0], &n};
        if (ws->python(ws, 0, both, shapes)) return 1;
        double *y = ws->output(ws, 0, &n);
        if (!y) return 1;
        __builtin_memcpy(y, both[1], n * 8);""",
        "out[0] = -1;",
    )
    x, y = array("x", "float64", N), array("y", "float64", N)
    return spec(lib, (x,), (y,), python=function, opaque={0: Opaque((x,), (y,))})


def extern(address: int) -> CallSpec:
    """The double function at `address`, applied to x."""
    lib = library(
        """double (*f)(double) = (double (*)(double))ws->externs[0];
        *(double *)data[1] = f(*(double *)data[0]);""",
        "",
    )
    scalars = (array("x", "float64"),), (array("y", "float64"),)
    return spec(lib, *scalars, externs=(address,))


def timed() -> CallSpec:
    """Two steps that add 5 and 7 ns to their accumulators when these are there."""
    lib = library("if (ws->step_ns) ws->step_ns[0] += 5, ws->step_ns[1] += 7;", "")
    return spec(lib, (), (), steps=2, returns="none")


def with_constant(value: np.ndarray) -> CallSpec:
    """A constant float64 vector and its length."""
    lib = library(
        """double *y = data[1];
        for (int64_t i = 0; i < shape[0][0]; i++) y[i] = ((double *)data[0])[i];
        *(int64_t *)data[2] = shape[0][0];""",
        f"out[0] = {len(value)};",
    )
    outputs = (array("y", "float64", len(value)), array("n", "int64"))
    return spec(lib, (), outputs, constants=(value,), returns="list")


def sized(extent: str) -> CallSpec:
    """An unwritten float64 vector of `extent` (C text over slot[0] = len(x))."""
    lib = library("", f"out[0] = {extent};")
    return spec(lib, (array("x", "float64", N),), (array("y", "float64", N),))


def arena_of(extent: str) -> CallSpec:
    """Nothing, with an arena of `extent` bytes (C text over slot[0] = len(x))."""
    lib = library("", f"*arena = {extent};")
    return spec(lib, (array("x", "float64", N),), (), returns="none", name="hungry")
