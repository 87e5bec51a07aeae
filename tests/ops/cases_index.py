"""Cases of indexing by arrays, order, draws and effects."""

import numpy as np

from symnb.ops import control, index, masks, sort
from symnb.ops.distributions import multinomial
from tests.ops.cases import case

random = np.random.default_rng(12)
x = random.permutation(np.linspace(-2.3, 2.5, 24)).reshape(2, 3, 4)
y = x[0]
special = np.array([[np.nan, np.inf, -0.0], [-np.inf, 5e-324, 0.0]])
empty = np.zeros((0, 2))
places = np.array([[0, -1], [2, 1]])

# ------------------------------------------------------------- gather and scatter

case("gather", lambda a: a[:, places], lambda a: a[:, places], x)
case("gather", lambda a: a[[0, 1], :, [-1, 2]], lambda a: a[[0, 1], :, [-1, 2]], x)
case("gather", lambda a: a[[1, 0, 1]], lambda a: a[[1, 0, 1]], special, smooth=False)
case("gather", lambda a: a[np.zeros(0, int)], lambda a: a[np.zeros(0, int)], empty)


def written(mode, at):
    """A part set or increased one element after the other, with NumPy."""

    def reference(a, b):
        result = a.copy()
        numbers = np.arange(a.size).reshape(a.shape)[at].ravel()
        values = np.broadcast_to(b, a[at].shape).ravel()
        for number, value in zip(numbers, values, strict=True):
            result.flat[number] = value + (result.flat[number] if mode == "add" else 0)
        return result

    return reference


for mode in ("set", "add"):
    for at, value in (
        (([0, 2, 0], slice(None)), random.standard_normal((3, 4))),
        ((slice(None), [1, 1, -1, 3]), random.standard_normal((3, 4))),
        (([0, 1, 0, 0], [2, 3, 2, -2]), random.standard_normal(4)),
        ((np.zeros((0, 2), int),), np.zeros((0, 2, 4))),
    ):
        case(
            "scatter",
            lambda a, b, at=at, m=mode: (a[at].set if m == "set" else a[at].inc)(b),
            written(mode, at), y, value,
        )  # fmt: skip
case("scatter", lambda a, b: index.scatter(a, b, [masks.flatnonzero(a[:, 0])], (0,)),
     lambda a, b: b, y, y + 1)  # fmt: skip
case("nonzero_flat", masks.flatnonzero, np.flatnonzero, special, smooth=False)
case("nonzero_flat", masks.flatnonzero, np.flatnonzero, empty, smooth=False)
case("nonzero_flat", lambda a: a[a > 0.01], lambda a: a[a > 0.01], x)

# -------------------------------------------------------------------------- order

for axis in (0, 1, -1, None):
    case("sort", lambda a, k=axis: a.sort(k), lambda a, k=axis: np.sort(a, k), x)
    case("argsort", lambda a, k=axis: a.argsort(k),
         lambda a, k=axis: np.argsort(a, k, kind="stable"), x,
         smooth=False)  # fmt: skip
for a in (special, empty, np.array([[1, 0, 1], [0, 0, 1]], "uint8")):
    case("sort", lambda a: a.sort(), np.sort, a, smooth=False)
    case("argsort", lambda a: a.argsort(),
         lambda a: np.argsort(a, kind="stable"), a, smooth=False)  # fmt: skip
line = np.array([-1.0, 0.5, 0.5, 2.0, np.inf])
for side in ("left", "right"):
    case("searchsorted", lambda a, v, s=side: a.searchsorted(v, s),
         lambda a, v, s=side: np.searchsorted(a, v, s),
         line, np.array([[0.5, np.nan], [-2, 3]]), smooth=False)  # fmt: skip
counted = np.array([3, 0, 3, 1])
case("bincount", sort.bincount, np.bincount, counted, smooth=False)
case("bincount", lambda a: sort.bincount(a, minlength=2),
     lambda a: np.bincount(a, minlength=2), counted[:0], smooth=False)  # fmt: skip
case("weighted_bincount", lambda w: sort.bincount(counted, w, 6),
     lambda w: np.bincount(counted, w, 6), y[0])  # fmt: skip
keys = np.array([[1, 2, 1, 0], [5, 4, 5, 5]])
case("lexsort", sort.lexsort, np.lexsort, keys, smooth=False)

# --------------------------------------------------------------- draws and effects

state = np.array([1, 2, 3], "uint64")
case("multinomial", lambda k: multinomial(k, (6,), 9, [0.2, 0.3, 0.5]), None, state,
     smooth=False)  # fmt: skip
case("print", lambda a: control.Print("a")(a), lambda a: a, y)
case("assert", lambda a: control.Assert()(a, a < 9), lambda a: a, y)
