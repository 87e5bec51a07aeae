"""Runs the kernels of a graph through gcc, one step after the other, from Python."""

import ctypes
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symnb.compile import build
from symnb.compile.kernels import Region, Target, lower, partition, schedule_cpu
from symnb.compile.kernels.kernel import Kernel
from symnb.compile.kernels.target import LIBMVEC
from symnb.compile.render.c import prelude, render_kernel
from symnb.core import dims
from symnb.core.evaluate import apply, bind_sizes
from symnb.core.graph import Graph
from symnb.core.node import Constant, Node
from symnb.core.shared import Shared

TARGET = Target(vector=32, simd=LIBMVEC)

ALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
_P, _I = ctypes.c_void_p, ctypes.c_int64
CHUNK = ctypes.CFUNCTYPE(ctypes.c_int, _P, _P, _I, _I, _I, _P)
SPREAD = ctypes.CFUNCTYPE(ctypes.c_int, _P, CHUNK, _P, _P, _I, _I)


class Workspace(ctypes.Structure):
    """`symnb_ws` of runtime/abi.h."""

    _fields_ = (
        ("arena", ctypes.c_void_p), ("externs", ctypes.c_void_p),
        ("step_ns", ctypes.c_void_p), ("stop", ctypes.c_void_p), ("alloc", ALLOC),
        ("output", ctypes.c_void_p), ("python", ctypes.c_void_p),
        ("now", ctypes.c_void_p), ("message", ctypes.c_char_p),
        ("message_size", ctypes.c_int64), ("threads", ctypes.c_int64),
        ("spread", SPREAD), ("products", ctypes.c_void_p), ("chunk_ns", _I),
    )  # fmt: skip


class KernelError(Exception):
    """A kernel returned a nonzero status."""


class Compiled:
    """The regions of a graph with their kernels, compiled.

    threads  what kernels are told; the chunks of a loop run here, last one first
    chunks   how many each parallel loop had
    """

    def __init__(self, graph: Graph, target: Target = TARGET, threads: int = 1) -> None:
        self.graph = graph
        self.threads = threads
        self.chunks: list[int] = []
        self.choices: list[Any] = []
        self.regions = partition(graph, self.choices.append)
        self.kernels: dict[Region, Kernel] = {}
        texts = []
        for region in self.regions:
            if region.kind == "kernel":
                kernel = schedule_cpu(lower(region), target)
                name = f"k{len(self.kernels)}"
                self.kernels[region] = kernel
                texts.append(render_kernel(kernel, name, target).text)
                texts.append(entry(kernel, name))
        self.source = prelude(list(self.kernels.values()), target) + "\n".join(texts)
        self.library = compile_c(self.source)

    def __call__(self, values: Mapping[Node, Any]) -> list[np.ndarray]:
        """The values of the graph's roots."""
        known: dict[Node, Any] = {}
        sizes: dict[Any, int] = {}
        for node in self.graph.order:
            if node.is_leaf:
                known[node] = leaf(node, values)
                bind_sizes(node, known[node], sizes)
        for number, region in enumerate(self.regions):
            for node in region.sizes:
                for atom in self._bound():
                    if atom.node is node:
                        sizes[atom] = int(known[node])
            self._run(number, region, known, sizes)
        return [known[root] for root in self.graph.roots]

    def _bound(self) -> list[Any]:
        from symnb.core.walk import atoms_of

        return [a for a in atoms_of(self.graph.order) if a.kind == "bound"]

    def _run(
        self, number: int, region: Region, known: dict[Node, Any], sizes: Any
    ) -> None:
        if region.kind == "alias":
            [out], [source] = region.outputs, region.inputs
            shape = [dims.evaluate(s, sizes) for s in out.type.shape]
            known[out] = known[source].reshape(shape)
        elif region.kind != "kernel":
            first = region.nodes[0]
            known[first] = apply(first, [known[x] for x in first.inputs], sizes)
            for pick in region.nodes[1:]:
                known[pick] = apply(pick, [known[first]], sizes)
        else:
            kernel = self.kernels[region]
            index = list(self.kernels).index(region)
            for out in region.outputs:
                shape = [dims.evaluate(s, sizes) for s in out.type.shape]
                known[out] = poisoned(shape, out.dtype)
            arrays = [contiguous(known[b.node]) for b in kernel.buffers]
            numbers = [dims.evaluate(dims.dim_of(a), sizes) for a in kernel.sizes]
            name = f"run_k{index}"
            self.chunks += call(self.library, name, arrays, numbers, self.threads)


def poisoned(shape: Sequence[int], dtype: str) -> np.ndarray:
    """An array whose elements are no plausible result."""
    array = np.empty(shape, dtype)
    array.reshape(-1).view(np.uint8)[...] = 1 if dtype == "bool" else 0x5A
    return array


def contiguous(array: Any) -> np.ndarray:
    """The array in C order; itself if it is."""
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def leaf(node: Node, values: Mapping[Node, Any]) -> np.ndarray:
    if node in values:
        return np.asarray(values[node], node.dtype)
    if isinstance(node, Constant):
        return node.value
    assert isinstance(node, Shared)
    return node.storage.array


def entry(kernel: Kernel, name: str) -> str:
    """An exported function that unpacks arrays of pointers and sizes."""
    count = len(kernel.buffers)
    arguments = [f"data[{k}]" for k in range(count)]
    arguments += [f"sizes[{k}]" for k in range(len(kernel.sizes))]
    return (
        f"int run_{name}(void *const *data, const int64_t *sizes, symnb_ws *ws)\n"
        f"{{ return {name}({', '.join([*arguments, 'ws'])}); }}\n"
    )


def compile_c(source: str, flags: Sequence[str] = ()) -> ctypes.CDLL:
    """The loaded library of a C text."""
    compiler = build.find_compiler()
    folder = Path(tempfile.mkdtemp(prefix="symnb-kernels-"))
    path = folder / "k.c"
    path.write_text(source)
    command = [
        *compiler.command, *compiler.flags(build.target()), *flags,
        str(path), "-o", str(folder / "k.so"), *compiler.link_flags(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + source
    library = ctypes.CDLL(str(folder / "k.so"))
    library.path = folder / "k.so"  # type: ignore[attr-defined]
    return library


def call(
    library: ctypes.CDLL,
    name: str,
    arrays: Sequence[np.ndarray],
    sizes: Sequence[int],
    threads: int = 1,
) -> list[int]:
    """The number of chunks of each parallel loop of one call.

    Raises KernelError with the kernel's message.
    """
    pointers = (ctypes.c_void_p * max(1, len(arrays)))(*(a.ctypes.data for a in arrays))
    numbers = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
    kept: list[Any] = []

    def alloc(ws: Any, size: int) -> int:
        kept.append(np.full(size + 64, 0x5A, np.uint8))
        return kept[-1].ctypes.data

    message = ctypes.create_string_buffer(256)
    counts: list[int] = []

    def spread(at: Any, run: Any, p: Any, n: Any, size: int, step: int) -> int:
        assert ws.threads > 1
        ws.threads = 1
        starts = range(0, size, step)
        counts.append(len(starts))
        failed = 0
        for k, first in reversed(list(enumerate(starts))):
            failed |= run(p, n, k, first, min(first + step, size), at)
        ws.threads = threads
        return failed

    ws = Workspace()
    ws.threads, ws.spread = threads, SPREAD(spread)
    ws.alloc = ALLOC(alloc)
    ws.message = ctypes.cast(message, ctypes.c_char_p)
    ws.message_size = 256
    status = getattr(library, name)(pointers, numbers, ctypes.byref(ws))
    if status:
        raise KernelError(message.value.decode())
    return counts
