"""Library steps by op: which module writes the C of a contraction.

One table, so that the host function need not know the libraries.
"""

from __future__ import annotations

from collections.abc import Callable

from symnb.compile.extern.contract import Products, SizeText, emit_contract
from symnb.compile.extern.conv import emit_convolution
from symnb.compile.extern.order import emit_nonzero, emit_search, emit_sort
from symnb.compile.extern.pool import emit_pool
from symnb.compile.program import Step
from symnb.ops.conv import CONV, CONV_IMAGES, CONV_WEIGHTS
from symnb.ops.masks import NONZERO_FLAT
from symnb.ops.pool import POOL, POOL_GRAD, POOL_PICK, SPREAD
from symnb.ops.sort import ARGSORT, SEARCHSORTED, SORT

Emit = Callable[[Step, SizeText, Products], list[str]]

EMITTERS: dict[str, Emit] = {
    **{op.name: emit_convolution for op in (CONV, CONV_WEIGHTS, CONV_IMAGES)},
    **{op.name: emit_pool for op in (POOL, POOL_GRAD, POOL_PICK, SPREAD)},
    **{op.name: emit_sort for op in (SORT, ARGSORT)},
    SEARCHSORTED.name: emit_search,
    NONZERO_FLAT.name: emit_nonzero,
}


def emit_extern(step: Step, size: SizeText, products: Products) -> list[str]:
    """The C statements of one library step."""
    emit = EMITTERS.get(step.nodes[0].op.name, emit_contract)
    return emit(step, size, products)
