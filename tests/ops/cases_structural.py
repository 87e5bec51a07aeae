"""Cases of views, slices, reductions, joins, creation and products."""

import numpy as np

from symnb.ops import create, dot, join, reduce, slicing, view
from tests.ops.cases import case

random = np.random.default_rng(11)
x = random.permutation(np.linspace(-2.3, 2.5, 24)).reshape(2, 3, 4)
y = x[0]
one = x[:, :1]
special = np.array([[np.nan, np.inf, -0.0], [-np.inf, 5e-324, 0.0]])
empty = np.zeros((2, 0))

# ------------------------------------------------------------------------- views

for a in (x, special, empty):
    case("reshape", lambda a: a.reshape(-1), lambda a: a.reshape(-1), a,
         smooth=a is x)  # fmt: skip
    case("transpose", lambda a: a.T, lambda a: a.T, a, smooth=a is x)
    case("slice", lambda a: a[::-1, 1:], lambda a: a[::-1, 1:], a, smooth=a is x)
case("reshape", lambda a: a.reshape((4, 6)), lambda a: a.reshape(4, 6), x)
case("transpose", lambda a: a.transpose(1, 2, 0), lambda a: a.transpose(1, 2, 0), x)
case("expand_dims", lambda a: view.expand_dims(a, (0, -1)),
     lambda a: a[None, ..., None], x)  # fmt: skip
case("squeeze", lambda a: a.squeeze(1), lambda a: a.squeeze(1), one)
case("broadcast_to", lambda a: view.broadcast_to(a, (5, 3, 4)),
     lambda a: np.broadcast_to(a, (5, 3, 4)), y)  # fmt: skip
case("specify_shape", lambda a: view.specify_shape(a, (2, 3, 4)), lambda a: a, x)
case("slice", lambda a: a[1, ::-2, -3:-1], lambda a: a[1, ::-2, -3:-1], x)
case("slice", lambda a: a[:, 5:2], lambda a: a[:, 5:2], x)
for offset, axes in ((0, (0, 1)), (-1, (1, 2)), (2, (2, 0))):
    case("diagonal", lambda a, k=offset, i=axes: a.diagonal(k, *i),
         lambda a, k=offset, i=axes: a.diagonal(k, *i), x)  # fmt: skip


def written(mode: str):
    """x[::-1, 1:2] set to or increased by y, with NumPy."""

    def reference(a, b):
        result = a.copy()
        if mode == "add":
            result[::-1, 1:2] += b
        else:
            result[::-1, 1:2] = b
        return result

    return reference


for mode in ("set", "add"):
    case(
        "set_slice",
        lambda a, b, m=mode: slicing.set_slice(
            a, b, ((view.shape_of(a)[0] - 1, view.shape_of(a)[0], -1), (1, 1, 1)), m
        ),
        written(mode), y, np.array([[0.25], [-1.5], [3.0]]),
    )  # fmt: skip

# --------------------------------------------------------------------- reductions

for name in ("sum", "prod", "max", "min"):
    for axes in (None, 1, (0, 2)):
        for keep in (False, True):
            case(name, lambda a, f=name, i=axes, k=keep: getattr(reduce, f)(
                     a, i, keepdims=k),
                 lambda a, f=name, i=axes, k=keep: getattr(np, f)(
                     a, axis=i, keepdims=k), x)  # fmt: skip
    case(name, lambda a, f=name: getattr(reduce, f)(a, 1),
         lambda a, f=name: getattr(np, f)(a, axis=1), special,
         smooth=False)  # fmt: skip
for name in ("sum", "prod"):
    case(name, lambda a, f=name: getattr(reduce, f)(a, 1),
         lambda a, f=name: getattr(np, f)(a, axis=1), empty)  # fmt: skip
for name in ("all", "any", "argmax", "argmin"):
    for a in (x[0] > 0, special):
        case(name, lambda a, f=name: getattr(reduce, f)(a, 1),
             lambda a, f=name: getattr(np, f)(a, axis=1), a, smooth=False)  # fmt: skip
case("sum_to_shape", lambda a: reduce.sum_to_shape(a, (view.shape_of(a)[1], 1)),
     lambda a: a.sum((1,), keepdims=True), x[0, :, :3])  # fmt: skip
case("cumsum", lambda a: a.cumsum(1), lambda a: a.cumsum(1), x)
case("cumprod", lambda a: a.cumprod(0), lambda a: a.cumprod(0), x)
case("cumprod", lambda a: a.cumprod(0), lambda a: a.cumprod(0),
     np.array([2.0, 0, 3, 0]))  # fmt: skip

# ------------------------------------------------------- joins, creation, products

case("join", lambda a, b: join.concatenate([a, b], 1),
     lambda a, b: np.concatenate([a, b], 1), x, one)  # fmt: skip
case("join", lambda a, b: join.concatenate([a, b]),
     lambda a, b: np.concatenate([a, b]), special, special[:0],
     smooth=False)  # fmt: skip
case("iota", lambda a: create.iota(a.shape, 1) + a * 0,
     lambda a: np.indices(a.shape)[1] + a * 0, x)  # fmt: skip
for left, right in ((y[0], y[1]), (y, y[0]), (y[0], y.T), (y, y.T), (empty, empty.T)):
    case("dot", dot.dot, np.dot, left, right)
case("batched_dot", dot.batched_dot, np.matmul, x, x.transpose(0, 2, 1))
