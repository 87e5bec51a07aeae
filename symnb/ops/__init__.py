"""Every op: one declaration each, NumPy reference, C facts and derivatives. Floor 2.

Importing this package fills the operator slots of `symnb.core.seams`.
"""

from symnb.ops import cast as cast
from symnb.ops import create as create
from symnb.ops import dot as dot
from symnb.ops import elementwise as elementwise
from symnb.ops import getitem as getitem
from symnb.ops import join as join
from symnb.ops import operators as operators
from symnb.ops import reduce as reduce
from symnb.ops import slicing as slicing
from symnb.ops import view as view
