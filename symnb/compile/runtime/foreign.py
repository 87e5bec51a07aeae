"""`Call` in Python over cffi, for machines without Python's C headers.

Same behaviour as dispatch.c, 5 to 10 us a call instead of 0.1; the same tests run on
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
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import cffi
import numpy as np

from symnb.compile.runtime import dispatch, explain
from symnb.compile.runtime.abi import DECLARATIONS
from symnb.compile.runtime.layout import READ, STATIC, Layout, Port, prepare
from symnb.compile.runtime.products import products
from symnb.compile.runtime.spec import CallSpec

__all__ = ["Call"]

ALIGNMENT = 64  # bytes
USABLE = 0x0101  # NumPy's flags C_CONTIGUOUS | ALIGNED
FLOAT32_OVERFLOW = 2.0**128 - 2.0**103  # the least that rounds to inf
MESSAGE_BYTES = 512
FRAMES_IDLE = 4  # frames a function keeps for its next calls
OWN_REFERENCES = 3  # a spare nobody else sees: storage, local variable, getrefcount

RUN = (
    "int (*)(void *const *, const int64_t *const *, const int64_t *const *, symnb_ws *)"
)
PLAN = "void (*)(const int64_t *, int64_t *, int64_t *)"


class Call:
    """A compiled function bound to its storage: `Call(spec, fallback=None)`.

    calls      calls that entered compiled code
    profiling  True: each call adds to step_ns and total_ns
    """

    def __init__(self, spec: CallSpec, fallback: Any = None) -> None:
        layout = prepare(spec)
        self.spec = spec
        self._layout = layout
        self._own_fallback = fallback
        self._run = _ffi().cast(RUN, layout.run)
        self._plan = _ffi().cast(PLAN, layout.plan)
        self._idle: list[Frame] = []
        self.calls = 0
        self.total_ns = 0
        self.profiled = 0
        self.profiling = False
        self._threads: int | None = None

    @property
    def threads(self) -> int | None:
        """Threads of its calls; None: as configured. Here loops always run in one."""
        return self._threads

    @threads.setter
    def threads(self, count: int | None) -> None:
        if count is not None and (type(count) is not int or count < 1):
            raise ValueError(f"threads is an int of at least 1, not {count!r}")
        self._threads = count

    @property
    def step_ns(self) -> np.ndarray:
        """int64 array: ns per step in profiled calls."""
        return self._layout.steps

    def __call__(self, *args: Any, **names: Any) -> Any:
        """The result of the function for `args`; the fallback's if they do not fit."""
        if not names and len(args) == self._layout.counts[0]:
            misfit, result = self._invoke(args)
            if misfit < 0:
                return result
        fallback = self._own_fallback or getattr(self, "fallback", None)
        if fallback is not None:
            return fallback(*args, **names)
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
            state = [storage.array for storage in self._layout.storages]
            if misfit == len(values) + len(state):
                explain.failed(self.spec, -1, "")
            explain.reject(self.spec, misfit, [*values, *state][misfit], values)
        return result

    def _invoke(self, args: Sequence[Any]) -> tuple[int, Any]:
        """(-1, result), or (index of what does not fit, None); shared come last."""
        locks = self._layout.locks
        if not locks:
            return self._invoke_locked(args)
        held: list[Any] = []
        try:
            for lock in locks:
                lock.acquire()
                held.append(lock)
            return self._invoke_locked(args)
        finally:
            for lock in reversed(held):
                lock.release()

    def _invoke_locked(self, args: Sequence[Any]) -> tuple[int, Any]:
        layout = self._layout
        frame = self._idle.pop() if self._idle else Frame(layout)
        try:
            for i, value in enumerate(args):
                array = value if type(value) is np.ndarray else None
                if array is None:
                    array = scalar(layout.ports[i], value)
                if array is None or not frame.read(i, array):
                    return i, None
            for i, storage in enumerate(layout.storages, len(args)):
                value = storage.array
                if type(value) is not np.ndarray or not frame.read(i, value):
                    return i, None
            self._make_results(frame)
            if not self._enter(frame):
                return len(args) + len(layout.storages), None
            outputs = layout.counts[1]
            self._commit(frame)
            match self.spec.returns:
                case "one":
                    return -1, frame.made[0]
                case "list":
                    return -1, frame.made[:outputs]
            return -1, None
        finally:
            frame.reset()
            if len(self._idle) < FRAMES_IDLE:
                self._idle.append(frame)

    def _commit(self, frame: Frame) -> None:
        arguments, outputs = self._layout.counts[:2]
        for k, index in enumerate(self._layout.update_of, outputs):
            storage = self._layout.storages[index]
            storage.spare = frame.arrays[arguments + index]
            storage.array = frame.made[k]

    def _make_results(self, frame: Frame) -> None:
        layout = self._layout
        self._plan(frame.slots, frame.sizes, frame.arena_bytes)
        outputs = layout.counts[1]
        for k in range(len(frame.made)):
            shape = frame.result_shape(k)
            if -1 in shape:
                frame.data[frame.first_made + k] = frame.null
                continue
            port = layout.ports[frame.first_made + k]
            array = None
            if k >= outputs:
                storage = layout.storages[layout.update_of[k - outputs]]
                array = take_spare(storage, port, shape)
            if array is None:
                array = self._memory(k, shape, port.descr, np.empty)
            frame.put_result(k, array)
        size = frame.arena_bytes[0]
        if size < 0:
            explain.exhausted(self.spec, -1, (size,))
        if size > 0:
            frame.put_arena(self._memory(-1, (size,), np.dtype("u1"), aligned))

    def _memory(self, k: int, shape: tuple[int, ...], descr: Any, make: Any) -> Any:
        try:
            return make(shape, descr)
        except (MemoryError, ValueError, OverflowError):
            explain.exhausted(self.spec, k, shape)

    def _enter(self, frame: Frame) -> bool:
        """Runs the compiled code; raises if it failed. False: sizes do not fit."""
        profiling = self.profiling
        frame.ws.step_ns = frame.step_ns if profiling else frame.null
        stack = _frames.__dict__.setdefault("stack", [])
        stack.append(frame)
        started = time.monotonic_ns() if profiling else 0
        threads = self._threads or dispatch.threads()
        try:
            with products.at_most(threads, self._layout.control):
                status = self._run(frame.data, frame.shape, frame.stride, frame.ws)
        finally:
            stack.pop()
        if profiling:
            self.total_ns += time.monotonic_ns() - started
            self.profiled += 1
        self.calls += 1
        if frame.error is not None:
            raise frame.error
        if status < 0:
            self.calls -= 1
            return False
        if status:
            text = _ffi().string(frame.message).decode(errors="replace")
            explain.failed(self.spec, status, text)
        for k, array in enumerate(frame.made):
            if array is None:
                raise RuntimeError(f"result {k} was not produced")
        return True


class Frame:
    """Everything one running call needs; used again by later calls.

    arrays  what data points at: arguments, shared, constants (the owners of the memory)
    made    results and new values of shared variables
    """

    def __init__(self, layout: Layout) -> None:
        ffi, ports = _ffi(), layout.ports
        self.layout = layout
        self.null = ffi.NULL
        self.from_buffer = ffi.from_buffer
        starts = list(accumulate((len(port.rules) for port in ports), initial=0))
        self.starts = starts
        count = layout.counts[1] + len(layout.update_of)
        self.first_made = len(ports) - count
        self.extents = ffi.new("int64_t[]", starts[-1] + 1)
        self.strides = ffi.new("int64_t[]", starts[-1] + 1)
        self.sizes = self.extents + starts[self.first_made]
        self.slots = ffi.new("int64_t[]", layout.counts[2] + 1)
        self.arena_bytes = ffi.new("int64_t *")
        self.data = ffi.new("void *[]", len(ports) + 1)
        self.shape = ffi.new("int64_t *[]", [self.extents + at for at in starts])
        self.stride = ffi.new("int64_t *[]", [self.strides + at for at in starts])
        self.arrays: list[Any] = [None] * self.first_made
        self.made: list[Any] = [None] * count
        for k, value in enumerate(layout.constants):
            at = self.first_made - len(layout.constants) + k
            self.arrays[at] = value
            self._put(at, value)
        self.reset()
        self._make_workspace()

    def _make_workspace(self) -> None:
        ffi, layout = _ffi(), self.layout
        addresses = [ffi.cast("void *", address) for address in layout.externs]
        self.externs = ffi.new("void *[]", addresses or 1)
        self.message = ffi.new("char[]", MESSAGE_BYTES)
        self.step_ns = ffi.cast("int64_t *", layout.steps.ctypes.data)
        self.ws = ffi.new("symnb_ws *")
        self.ws.externs = self.externs
        self.ws.message, self.ws.message_size = self.message, MESSAGE_BYTES
        self.ws.threads = 1
        for name, callback in _callbacks().items():
            setattr(self.ws, name, callback)

    def reset(self) -> None:
        """Lets go of everything the last call used."""
        reads = self.layout.counts[0] + len(self.layout.storages)
        self.arrays[:reads] = [None] * reads
        self.made = [None] * len(self.made)
        self.arena: Any = None
        self.temporaries: list[np.ndarray] = []
        self.error: BaseException | None = None

    def read(self, i: int, array: np.ndarray) -> bool:
        """True if `array` fits port `i`; reads its sizes into the slots."""
        descr, rules = self.layout.ports[i]
        if array.dtype != descr or array.ndim != len(rules):
            return False
        if array.flags.num & USABLE != USABLE:
            return False
        slots = self.slots
        for (action, value), size in zip(
            reversed(rules), reversed(array.shape), strict=True
        ):
            if action == READ:
                slots[value] = size
            elif size != (value if action == STATIC else slots[value]):
                return False
        self.arrays[i] = array
        self._put(i, array)
        return True

    def _put(self, place: int, array: np.ndarray) -> None:
        """Tells the compiled code where `array` is and how large."""
        self.data[place] = self.from_buffer(array)
        shape = array.shape
        if shape:
            at, end = self.starts[place], self.starts[place + 1]
            self.extents[at:end] = shape
            step = array.itemsize
            for i in range(end - 1, at - 1, -1):
                self.strides[i] = step
                step *= shape[i - at]

    def result_shape(self, k: int) -> tuple[int, ...]:
        """The sizes of result `k`."""
        place = self.first_made + k
        return tuple(self.extents[self.starts[place] : self.starts[place + 1]])

    def put_result(self, k: int, array: np.ndarray) -> None:
        """Makes `array` the storage of result `k`."""
        self.made[k] = array
        self._put(self.first_made + k, array)

    def put_arena(self, block: np.ndarray) -> None:
        """Makes `block` the arena of this call."""
        self.arena = block
        self.ws.arena = _ffi().from_buffer(block)

    # -- what the callbacks do

    def alloc(self, size: int) -> Any:
        """Address of `size` fresh bytes that live as long as the call."""
        self.temporaries.append(aligned((size,)))
        return _ffi().from_buffer(self.temporaries[-1])

    def output(self, index: int, shape: Any) -> Any:
        """Address of result `index`, whose size is known only now."""
        port = self.layout.ports[self.first_made + index]
        sizes = tuple(shape[0 : len(port.rules)])
        self.put_result(index, np.empty(sizes, port.descr))
        return self.data[self.first_made + index]

    def python(self, step: int, data: Any, shape: Any) -> None:
        """Runs the Python form of `step` on arrays over its operands."""
        if self.layout.python is None or step not in self.layout.opaque:
            raise RuntimeError(f"step {step} has no Python form")
        inputs, operands = self.layout.opaque[step]
        arrays: list[Any] = []
        for i, (descr, ndim) in enumerate(operands):
            array = self.operand(data[i], descr, tuple(shape[i][0:ndim]))
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
        for i, value in zip(unknown, made, strict=False):
            array = np.require(value, operands[i][0], ["C", "A"])
            if array.ndim != operands[i][1]:
                raise ValueError("a Python step returned an array of the wrong rank")
            self.temporaries.append(array)
            shape[i][0 : array.ndim] = array.shape
            data[i] = _ffi().from_buffer(array)

    def operand(self, pointer: Any, descr: Any, shape: tuple[int, ...]) -> Any:
        """The array of `shape` at `pointer`, a view that keeps its memory alive."""
        if pointer == self.null:
            return None
        size = descr.itemsize * math.prod(shape)
        if size == 0:
            return np.empty(shape, descr)
        at = int(_ffi().cast("intptr_t", pointer))
        for owner in (*self.arrays, *self.made, self.arena, *self.temporaries):
            if owner is None:
                continue
            start = owner.__array_interface__["data"][0]
            if start <= at and at + size <= start + owner.nbytes:
                flat = owner.reshape(-1).view(np.uint8)[at - start : at - start + size]
                return flat.view(descr).reshape(shape)
        return np.frombuffer(_ffi().buffer(pointer, size), descr).reshape(shape)


def scalar(port: Port, value: Any) -> np.ndarray | None:
    """A Python number or NumPy scalar as the 0-d argument of `port`, if it fits."""
    descr, rules = port
    if rules or descr.kind not in "biuf":
        return None
    if type(value) is descr.type:
        return np.array(value, descr)
    if type(value) is float and descr.kind == "f":
        narrow = descr.itemsize == 4 and FLOAT32_OVERFLOW <= abs(value) < math.inf
        return None if narrow else np.array(value, descr)
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
    size = max(shape[0], 1)  # an empty slice would start anywhere
    block = np.empty(size + ALIGNMENT, descr)
    start = -block.__array_interface__["data"][0] % ALIGNMENT
    return block[start : start + size]


# ---- cffi -------------------------------------------------------------------

_frames = threading.local()


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
        # no loop runs in threads here, so none has to leave BLAS fewer
        "products": callback("int(symnb_ws *, int64_t)", lambda _ws, _threads: 0),
    }
