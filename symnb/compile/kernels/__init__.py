"""From an optimised graph to scheduled loop nests: partition, lower, schedule.

    regions = partition(graph, record)      # in execution order
    nest    = lower(region)                 # what is computed, as loops over points
    kernel  = schedule_cpu(nest, target)    # how: loop roles, lanes, tiles
    source  = render_kernel(kernel, "k0", target)   # symnb.compile.render
    head    = prelude([kernel, ...], target)        # symnb.compile.render

Each step is a pure function of its argument and deterministic: the same graph gives
the same bytes of C. The C function of a kernel is

    static int k0(const T *p0, ..., T *q0, ..., int64_t n0, ..., symnb_ws *ws)

with one pointer per `kernel.buffers` (inputs, then outputs, all C-contiguous), one
int64_t per atom in `kernel.sizes`, and 0 as result, or nonzero with `ws->message`
written. It may use `ws->alloc` for row tiles. A buffer of no elements may be any
pointer, also NULL: it is not read.

For the memory plan: an output may use the storage of an input when the pair is in
`kernel.in_place` and that input is not read later; then pass the pair to
`render_kernel(..., in_place=[(output, input)])`, which leaves out `restrict`.
"""

from symnb.compile.kernels.cpu import schedule_cpu
from symnb.compile.kernels.fuse import partition
from symnb.compile.kernels.kernel import Kernel
from symnb.compile.kernels.lowering import lower
from symnb.compile.kernels.nest import Nest, NestError
from symnb.compile.kernels.region import Region
from symnb.compile.kernels.target import Target

__all__ = [
    "Kernel",
    "Nest",
    "NestError",
    "Region",
    "Target",
    "lower",
    "partition",
    "schedule_cpu",
]
