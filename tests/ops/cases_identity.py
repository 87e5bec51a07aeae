"""Cases of ops that pass their operand on: casts and barriers of the gradient."""

import numpy as np

from symnb.ops.barrier import grad_clip, grad_scale, protect
from symnb.ops.cast import cast
from tests.ops.cases import case

X = np.array([[1.5, -2.25, 0.0], [3.0, 100.0, -7.0]])

case("cast", lambda x: cast(x, "float64"), lambda x: x.astype("f8"), X.astype("f4"))
case("cast", lambda x: cast(x, "int8"), lambda x: x.astype("i1"), X, smooth=False)
case("cast", lambda x: cast(x, "bool"), lambda x: x.astype("?"), X, smooth=False)
case("protect", protect, lambda x: x, X)
case("grad_clip", lambda x: grad_clip(x, -9, 9), lambda x: x, X)
case("grad_scale", lambda x: grad_scale(x, 1), lambda x: x, X)
