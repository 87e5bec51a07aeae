"""Theano's `sandbox.rng_mrg`: names only; see `symnb.ops.random`.

The draws come from Philox4x32-10, so they are not MRG31k3p's.
"""

from symnb.ops.random import MRG_RandomStreams as MRG_RandomStreams

MRG_RandomStream = MRG_RandomStreams
