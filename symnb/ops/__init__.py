"""Every op: one declaration each, NumPy reference, C facts and derivatives. Floor 2.

Importing this package fills the operator slots of `symnb.core.seams`.
"""

from symnb.ops import cast as cast
from symnb.ops import control as control
from symnb.ops import create as create
from symnb.ops import cumulative as cumulative
from symnb.ops import diagonal as diagonal
from symnb.ops import distributions as distributions
from symnb.ops import dot as dot
from symnb.ops import einsum as einsum
from symnb.ops import elementwise as elementwise
from symnb.ops import getitem as getitem
from symnb.ops import index as index
from symnb.ops import join as join
from symnb.ops import masks as masks
from symnb.ops import matrices as matrices
from symnb.ops import nn as nn
from symnb.ops import operators as operators
from symnb.ops import philox as philox
from symnb.ops import random as random
from symnb.ops import rearrange as rearrange
from symnb.ops import reduce as reduce
from symnb.ops import selection as selection
from symnb.ops import slicing as slicing
from symnb.ops import sort as sort
from symnb.ops import statistics as statistics
from symnb.ops import subtensor as subtensor
from symnb.ops import view as view
