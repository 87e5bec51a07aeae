"""Every op: one declaration each, NumPy reference, C facts and derivatives. Floor 2.

Importing this package fills the operator slots of `symnb.core.seams`.
"""

from symnb.ops import cast as cast
