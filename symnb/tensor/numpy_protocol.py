"""NumPy's functions called on symbolic tensors: `np.exp(x)`, `np.sum(x, axis=0)`.

Each is looked up by its name in `symnb.tensor`, whose functions take NumPy's
arguments. What symnb does not have is an error that says so; a NumPy array never
silently swallows a symbol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symnb.core.seams import slots
from symnb.errors import SymbolicError
from symnb.ops.define import as_node

ALIASES = {
    "absolute": "abs", "negative": "neg", "subtract": "sub", "multiply": "mul",
    "divide": "true_div", "true_divide": "true_div", "floor_divide": "floor_div",
    "remainder": "mod", "power": "pow", "float_power": "pow", "rint": "round",
    "conjugate": "positive", "amax": "max", "amin": "min", "around": "round",
    "degrees": "rad2deg", "radians": "deg2rad", "invert": "invert",
    "bitwise_not": "invert", "bitwise_invert": "invert", "fabs": "abs",
    "concat": "concatenate", "permute_dims": "transpose", "acos": "arccos",
    "asin": "arcsin", "atan": "arctan", "atan2": "arctan2", "acosh": "arccosh",
    "asinh": "arcsinh", "atanh": "arctanh", "fmax": "fmax", "fmin": "fmin",
    "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift",
}  # fmt: skip
REDUCED = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min",
           "logical_and": "all", "logical_or": "any"}  # fmt: skip

vocabulary: dict[str, Callable[..., Any]] = {}  # filled by symnb.tensor, once


def offer(functions: Mapping[str, Any], prefix: str = "") -> None:
    """Make functions reachable by their NumPy names; `prefix` is a module's."""
    vocabulary.update((prefix + k, f) for k, f in functions.items() if callable(f))


def _find(name: str) -> Callable[..., Any]:
    found = vocabulary.get(ALIASES.get(name, name))
    if found is None:
        raise SymbolicError(
            f"symnb has no symbolic numpy.{name}.\n"
            "Fix: write it with functions of symnb.tensor, or compute it on values."
        )
    return found


def ufunc(ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
    """A NumPy ufunc, or its `reduce`, `outer`, on symbolic tensors."""
    name = ufunc.__name__
    if options.pop("out", None) is not None or options.pop("where", True) is not True:
        raise SymbolicError(
            f"numpy.{name}: out= and where= have no meaning for symbolic tensors.\n"
            "Fix: use the result, and T.switch(condition, a, b)."
        )
    if method == "__call__":
        dtype = options.pop("dtype", None)
        result = _find(name)(*args, **options)
        return result if dtype is None else result.astype(dtype)
    if method == "reduce" and name in REDUCED:
        operand, *rest = args
        axis = options.pop("axis", rest[0] if rest else 0)
        return _find(REDUCED[name])(operand, axis=axis, **options)
    if method == "outer":
        return _outer(name, *args)
    raise SymbolicError(f"numpy.{name}.{method} has no symbolic form.")


def _outer(name: str, a: Any, b: Any) -> Any:
    a, b = as_node(a), as_node(b)
    first = _find("expand_dims")(a, tuple(range(a.ndim, a.ndim + b.ndim)))
    return _find(name)(first, b)


def array_function(function: Any, types: Any, args: Any, options: Any) -> Any:
    """Any other NumPy function on symbolic tensors."""
    inner = function.__module__ == "numpy.linalg"  # its inv is not T.inv, 1 / x
    return _find(("linalg." if inner else "") + function.__name__)(*args, **options)


slots.fill(ufunc=ufunc, array_function=array_function)
