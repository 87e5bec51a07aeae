"""Kernels as text of the C family: `cstyle.py` walks, dialect files supply names.

`render_kernel(kernel, name, target, in_place=())` gives a `KernelSource(text, lines)`;
`lines` lists (first line, last line, nodes), 1-based within `text`.
`prelude(kernels, target)` gives what all of them need, each definition once, the
workspace type of `runtime/abi.h` included. `unit_texts(...)` is the whole text in as
many pieces as compile at the same time.
"""

from symnb.compile.render.c import prelude, render_kernel
from symnb.compile.render.cstyle import KernelSource
from symnb.compile.render.units import unit_count, unit_texts

__all__ = ["KernelSource", "prelude", "render_kernel", "unit_count", "unit_texts"]
