"""`Call` in Python over cffi, for machines without Python's C headers.

Same behaviour as dispatch.c, 10 to 15 us a call instead of 0.1; the same tests run on
both. cffi releases the GIL in every call. Memory a kernel sees belongs to NumPy arrays
of the frame, so that arrays a Python step keeps stay valid. Note [Spares] of dispatch.c
holds here too.
"""

from __future__ import annotations

import functools
import math
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cffi
import numpy as np

from symnb.compile.runtime import explain
from symnb.compile.runtime.abi import DECLARATIONS
from symnb.compile.runtime.layout import READ, STATIC, Layout, Port, prepare
from symnb.compile.runtime.spec import CallSpec

__all__ = ["Call"]

ALIGNMENT = 64  # bytes
MESSAGE_BYTES = 512
OWN_REFERENCES = 3  # a spare nobody else sees: storage, local variable, getrefcount

RUN = "int (*)(void *const *, const int64_t *const *, const int64_t *const *, symnb_ws *)"
PLAN = "void (*)(const int64_t *, int64_t *, int64_t *)"


class Call:
    """A compiled function bound to its storage: `Call(spec, fallback=None)`.

    calls      calls that entered compiled code
    profiling  True: each call adds to step_ns and total_ns
    """

    def __init__(self, spec: CallSpec, fallback: Any = None) -> None:
        layout = prepare(spec)
        ffi = _ffi()
        self.spec = spec
        self._layout = layout
        self._own_fallback = fallback
        self._run = ffi.cast(RUN, layout.run)
        self._plan = ffi.cast(PLAN, layout.plan)
        self._externs = ffi.new("void *[]", [ffi.cast("void *", e) for e in layout.externs])
        self.calls = 0
        self.total_ns = 0
        self.profiling = False

    @property
    def step_ns(self) -> np.ndarray:
        """int64 array: ns per step in profiled calls."""
        return self._layout.steps

    def __call__(self, *args: Any, **names: Any) -> Any:
        """The result of the function for `args`; the fallback's if they do not fit."""
        if not names and len(args) == len(self.spec.arguments):
            misfit, result = self._invoke(args)
            if misfit < 0:
                return result
        return (self._own_fallback or self.fallback)(*args, **names)

    def fallback(self, *args: Any, **names: Any) -> Any:
        """Called when the arguments do not fit the fast path."""
        if names:
            raise TypeError("this function takes no keyword arguments")
        return self.checked(args)

    def checked(self, values: tuple[Any, ...]) -> Any:
        """Result for a tuple of arrays, or an error."""
        if type(values) is not tuple:
            raise TypeError("checked() takes one tuple of arrays")
        if len(values) != len(self.spec.arguments):
            explain.reject(self.spec, -1, len(values))
        misfit, result = self._invoke(values)
        if misfit >= 0:
            explain.reject(self.spec, misfit, values[misfit])
        return result

    def _invoke(self, args: Sequence[Any]) -> tuple[int, Any]:
        layout = self._layout
        with _locked(layout.locks):
            frame = Frame(layout)
            for i, value in enumerate(args):
                array = value if type(value) is np.ndarray else None
                if array is None:
                    array = scalar(layout.ports[i], value)
                if array is None or not frame.read(i, array):
                    return i, None
            self._read_shared(frame, len(args))
            frame.held.extend(layout.constants)
            self._enter(frame)
            outputs = layout.counts[1]
            for k, index in enumerate(layout.update_of):
                storage = layout.storages[index]
                storage.spare = frame.held[len(args) + index]
                storage.array = frame.made[outputs + k]
            return -1, self._returned(frame.made[:outputs])

    def _read_shared(self, frame: Frame, first: int) -> None:
        for i, storage in enumerate(self._layout.storages, first):
            value = storage.array
            if type(value) is not np.ndarray or not frame.read(i, value):
                explain.reject(self.spec, i, value)

    def _enter(self, frame: Frame) -> None:
        """Allocates the results, runs the compiled code, raises if it failed."""
        ffi, layout = _ffi(), self._layout
        arena = ffi.new("int64_t *")
        sizes = frame.results_shape()
        self._plan(ffi.new("int64_t[]", frame.slots or [0]), sizes, arena)
        self._make_results(frame)
        frame.arena = self._memory(-1, (arena[0],), np.dtype(np.uint8), aligned)
        ws = frame.workspace(self._externs, self.profiling)
        pointers = frame.pointers()
        started = time.monotonic_ns()
        with _active(frame):
            status = self._run(*pointers, ws)
        if self.profiling:
            self.total_ns += time.monotonic_ns() - started
        self.calls += 1
        if frame.error is not None:
            raise frame.error
        if status:
            text = ffi.string(ws.message).decode(errors="replace")
            explain.failed(self.spec, status, text)
        for k, array in enumerate(frame.made):
            if array is None:
                raise RuntimeError(f"result {k} was not produced")

    def _make_results(self, frame: Frame) -> None:
        layout = self._layout
        outputs = layout.counts[1]
        for k, port in enumerate(frame.result_ports()):
            shape = frame.result_shape(k)
            if -1 in shape:
                continue
            if k >= outputs:
                storage = layout.storages[layout.update_of[k - outputs]]
                frame.made[k] = take_spare(storage, port, shape)
            if frame.made[k] is None:
                frame.made[k] = self._memory(k, shape, port.descr, np.empty)

    def _memory(self, k: int, shape: tuple[int, ...], descr: Any, make: Any) -> Any:
        try:
            return make(shape, descr)
        except (MemoryError, ValueError, OverflowError):
            explain.exhausted(self.spec, k, shape)

    def _returned(self, made: list[Any]) -> Any:
        match self.spec.returns:
            case "one":
                return made[0]
            case "none":
                return None
        return made


class Frame:
    """Everything one running call needs."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.slots = [0] * layout.counts[2]
        self.held: list[np.ndarray] = []
        made = layout.counts[1] + len(layout.update_of)
        self.made: list[np.ndarray | None] = [None] * made
        self.rows: list[Any] = []
        self.arena = np.empty(0, np.uint8)
        self.temporaries: list[np.ndarray] = []
        self.error: BaseException | None = None
        self.data: Any = None

    def read(self, i: int, array: np.ndarray) -> bool:
        """True if `array` fits port `i`; reads its sizes into the slots."""
        descr, rules = self.layout.ports[i]
        flags = array.flags
        if array.dtype != descr or array.ndim != len(rules):
            return False
        if not (flags.c_contiguous and flags.aligned):
            return False
        for (action, value), size in zip(reversed(rules), reversed(array.shape)):
            if action == READ:
                self.slots[value] = size
            elif size != (value if action == STATIC else self.slots[value]):
                return False
        self.held.append(array)
        return True

    def result_ports(self) -> tuple[Port, ...]:
        """The ports of outputs and updates."""
        return self.layout.ports[len(self.layout.ports) - len(self.made) :]

    def results_shape(self) -> Any:
        """The int64 block into which plan() writes the sizes of the results."""
        axes = [len(port.rules) for port in self.result_ports()]
        self.sizes = _ffi().new("int64_t[]", sum(axes) or 1)
        self.starts = [sum(axes[:k]) for k in range(len(axes) + 1)]
        return self.sizes

    def result_shape(self, k: int) -> tuple[int, ...]:
        """The sizes of result `k`."""
        return tuple(self.sizes[self.starts[k] : self.starts[k + 1]])

    def pointers(self) -> tuple[Any, Any, Any]:
        """data, shape and stride as the compiled code takes them."""
        ffi = _ffi()
        arrays = [*self.held, *self.made]
        shapes = [ffi.new("int64_t[]", a.shape or (0,)) for a in self.held]
        shapes += [self.sizes + start for start in self.starts[:-1]]
        extents = [a.shape for a in self.held]
        extents += [self.result_shape(k) for k in range(len(self.made))]
        strides = [
            ffi.new("int64_t[]", _strides(port.descr.itemsize, row))
            for port, row in zip(self.layout.ports, extents, strict=True)
        ]
        self.rows = [shapes, strides]
        self.data = ffi.new("void *[]", [_address(a) for a in arrays] or 1)
        shape = ffi.new("int64_t *[]", shapes or 1)
        return self.data, shape, ffi.new("int64_t *[]", strides or 1)

    def workspace(self, externs: Any, profiling: bool) -> Any:
        """The symnb_ws of this call."""
        ffi = _ffi()
        self.message = ffi.new("char[]", MESSAGE_BYTES)
        ws = ffi.new("symnb_ws *")
        ws.arena, ws.externs = _address(self.arena), externs
        if profiling:
            ws.step_ns = ffi.cast("int64_t *", _address(self.layout.steps))
        for name, callback in _callbacks().items():
            setattr(ws, name, callback)
        ws.message, ws.message_size = self.message, MESSAGE_BYTES
        return ws

    # -- what the callbacks do

    def alloc(self, size: int) -> Any:
        """Address of `size` fresh bytes that live as long as the frame."""
        self.temporaries.append(aligned((size,)))
        return _address(self.temporaries[-1])

    def output(self, index: int, shape: Any) -> Any:
        """Address of result `index`, whose size is known only now."""
        port = self.result_ports()[index]
        sizes = tuple(shape[0 : len(port.rules)])
        array = np.empty(sizes, port.descr)
        self.made[index] = array
        self.sizes[self.starts[index] : self.starts[index + 1]] = sizes
        place = len(self.held) + index
        strides = _strides(port.descr.itemsize, sizes)
        self.rows[1][place][0 : len(sizes)] = strides[: len(sizes)]
        self.data[place] = _address(array)
        return self.data[place]

    def python(self, step: int, data: Any, shape: Any) -> None:
        """Runs the Python form of `step` on arrays over its operands."""
        if self.layout.python is None or step not in self.layout.opaque:
            raise RuntimeError(f"step {step} has no Python form")
        inputs, operands = self.layout.opaque[step]
        arrays: list[Any] = []
        for i, (descr, ndim) in enumerate(operands):
            sizes = tuple(shape[i][0:ndim])
            array = self.operand(data[i], descr, sizes)
            if array is not None:
                array.flags.writeable = i >= inputs
            arrays.append(array)
        results = self.layout.python(step, tuple(arrays))
        unknown = [i for i, array in enumerate(arrays) if array is None]
        if not unknown:
            return
        made = list(results) if results is not None else []
        if len(made) < len(unknown):
            raise RuntimeError("a Python step returned too few arrays")
        for i, value in zip(unknown, made):
            array = np.require(value, operands[i][0], ["C", "A"])
            if array.ndim != operands[i][1]:
                raise ValueError("a Python step returned an array of the wrong rank")
            self.temporaries.append(array)
            shape[i][0 : array.ndim] = array.shape
            data[i] = _address(array)

    def operand(self, pointer: Any, descr: Any, shape: tuple[int, ...]) -> Any:
        """The array of `shape` at `pointer`, a view that keeps its memory alive."""
        ffi = _ffi()
        if pointer == ffi.NULL:
            return None
        size = descr.itemsize * math.prod(shape)
        if size == 0:
            return np.empty(shape, descr)
        at = int(ffi.cast("intptr_t", pointer))
        for owner in (*self.held, *self.made, self.arena, *self.temporaries):
            start = owner.__array_interface__["data"][0] if owner is not None else 0
            if owner is not None and start <= at and at + size <= start + owner.nbytes:
                flat = owner.reshape(-1).view(np.uint8)[at - start : at - start + size]
                if not flat.flags.writeable:
                    flat = flat.view()
                return flat.view(descr).reshape(shape)
        return np.frombuffer(ffi.buffer(pointer, size), descr).reshape(shape)


def scalar(port: Port, value: Any) -> np.ndarray | None:
    """A Python number or NumPy scalar as the 0-d argument of `port`, if exact enough."""
    descr, rules = port
    if rules or descr.kind not in "biuf":
        return None
    if type(value) is descr.type:
        return np.array(value, descr)
    if type(value) is float and descr.kind == "f":
        with np.errstate(over="ignore"):
            array = np.array(value, descr)
        return array if np.isinf(array) == math.isinf(value) else None
    if type(value) is bool or (type(value) is int and descr.kind != "b"):
        try:
            return np.array(value, descr)
        except OverflowError:
            return None
    return None


def take_spare(storage: Any, port: Port, shape: tuple[int, ...]) -> np.ndarray | None:
    """The spare array of `storage` if nobody else can see it, else None."""
    spare = storage.spare
    if type(spare) is not np.ndarray or sys.getrefcount(spare) != OWN_REFERENCES:
        return None
    fits = spare.dtype == port.descr and spare.shape == shape and spare.flags.carray
    return spare if fits and spare.flags.owndata else None


def aligned(shape: tuple[int, ...], descr: Any = np.uint8) -> np.ndarray:
    """`shape[0]` fresh bytes, 64-byte aligned."""
    block = np.empty(shape[0] + ALIGNMENT, np.uint8)
    start = -block.__array_interface__["data"][0] % ALIGNMENT
    return block[start : start + shape[0]]


def _strides(itemsize: int, shape: Sequence[int]) -> list[int]:
    """C-contiguous strides in bytes of an array of `shape`."""
    strides, step = [], itemsize
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return strides[::-1] or [0]


def _address(array: np.ndarray | None) -> Any:
    at = 0 if array is None else array.__array_interface__["data"][0]
    return _ffi().cast("void *", at)


@contextmanager
def _locked(locks: tuple[Any, ...]) -> Iterator[None]:
    held: list[Any] = []
    try:
        for lock in locks:
            lock.acquire()
            held.append(lock)
        yield
    finally:
        for lock in reversed(held):
            lock.release()


# ---- cffi -------------------------------------------------------------------

_frames = threading.local()


@contextmanager
def _active(frame: Frame) -> Iterator[None]:
    """Makes `frame` the one the callbacks of this thread act on."""
    stack = _frames.__dict__.setdefault("stack", [])
    stack.append(frame)
    try:
        yield
    finally:
        stack.pop()


@functools.cache
def _ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    return ffi


def _remember(_kind: Any, error: BaseException, _trace: Any) -> None:
    """Keeps what a callback raised, for the caller of the compiled code."""
    frame = _frames.stack[-1]
    frame.error = frame.error or error


def _stop(_ws: Any) -> int:
    return int(_frames.stack[-1].error is not None)


def _alloc(_ws: Any, size: int) -> Any:
    return _frames.stack[-1].alloc(size)


def _output(_ws: Any, index: int, shape: Any) -> Any:
    return _frames.stack[-1].output(index, shape)


def _python(_ws: Any, step: int, data: Any, shape: Any) -> int:
    frame = _frames.stack[-1]
    if frame.error is not None:
        return 1
    ffi = _ffi()
    frame.python(step, ffi.cast("void **", data), ffi.cast("int64_t **", shape))
    return 0


@functools.cache
def _callbacks() -> dict[str, Any]:
    """The workspace callbacks; an exception makes them fail and is kept."""
    callback = _ffi().callback
    return {
        "stop": callback("int(symnb_ws *)", _stop, 1, _remember),
        "alloc": callback("void *(symnb_ws *, int64_t)", _alloc, None, _remember),
        "output": callback(
            "void *(symnb_ws *, int64_t, const int64_t *)", _output, None, _remember
        ),
        "python": callback(
            "int(symnb_ws *, int64_t, void *const *, const int64_t *const *)",
            _python,
            1,
            _remember,
        ),
        "now": callback("int64_t(void)", time.monotonic_ns),
    }
