"""Shows of part C: numerical stability."""

from __future__ import annotations

from symnb.ops.elementwise import log, log1p
from tests.theano.catalogue.shows import shows, vector


@shows("local_log1p")
def _(x=vector()):
    return log(1 + x), log1p(x)
