"""symnb: array mathematics compiled to C while you watch.

    import symnb
    import symnb.tensor as T
    x = T.dvector("x")
    f = symnb.function([x], T.exp(-x).sum())

Public names are resolved when first used, so that importing costs little more than
importing NumPy. `%load_ext symnb` adds the notebook's magics.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symnb.options import config

if TYPE_CHECKING:
    from symnb.compile.ablate import ablate
    from symnb.compile.arguments import In, Out, Param
    from symnb.compile.clone import clone, clone_replace
    from symnb.compile.function import Function, function
    from symnb.compile.limits import limits
    from symnb.compile.mode import Mode
    from symnb.core.graph import Graph
    from symnb.core.node import Constant, Node
    from symnb.core.shared import Shared, shared
    from symnb.gradient import Lop, Rop, grad, subgraph_grad
    from symnb.ops.assume import assume
    from symnb.optim.optimiser import rewrite_graph
    from symnb.tensor import as_tensor, as_tensor_variable
    from symnb.tensor.jit import jit
    from symnb.tensor.rules import rule
    from symnb.viz import dprint, pp
    from symnb.viz.page import explain

__version__ = "0.1.0"

# public name -> module that defines it
_HOME = {
    "Constant": "symnb.core.node",
    "Function": "symnb.compile.function",
    "Graph": "symnb.core.graph",
    "In": "symnb.compile.arguments",
    "Lop": "symnb.gradient",
    "Mode": "symnb.compile.mode",
    "Node": "symnb.core.node",
    "Out": "symnb.compile.arguments",
    "Param": "symnb.compile.arguments",
    "Rop": "symnb.gradient",
    "Shared": "symnb.core.shared",
    "ablate": "symnb.compile.ablate",
    "as_tensor": "symnb.tensor",
    "as_tensor_variable": "symnb.tensor",
    "assume": "symnb.ops.assume",
    "clone": "symnb.compile.clone",
    "clone_replace": "symnb.compile.clone",
    "dprint": "symnb.viz",
    "explain": "symnb.viz.page",
    "function": "symnb.compile.function",
    "grad": "symnb.gradient",
    "jit": "symnb.tensor.jit",
    "limits": "symnb.compile.limits",
    "pp": "symnb.viz",
    "rewrite_graph": "symnb.optim.optimiser",
    "rule": "symnb.tensor.rules",
    "shared": "symnb.core.shared",
    "subgraph_grad": "symnb.gradient",
}
# Theano's names for other things of the table
_THEANO = {"Variable": "Node"}
_MODULES = frozenset(
    {"compile", "gradient", "ifelse", "printing", "sandbox", "tensor", "viz"}
)

__all__ = [
    "Constant",
    "Function",
    "Graph",
    "In",
    "Lop",
    "Mode",
    "Node",
    "Out",
    "Param",
    "Rop",
    "Shared",
    "__version__",
    "ablate",
    "as_tensor",
    "as_tensor_variable",
    "assume",
    "clone",
    "clone_replace",
    "config",
    "dprint",
    "explain",
    "function",
    "grad",
    "jit",
    "limits",
    "load_ipython_extension",
    "pp",
    "rewrite_graph",
    "rule",
    "shared",
    "subgraph_grad",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _THEANO:
        value = __getattr__(_THEANO[name])
    elif name in _MODULES:
        value = import_module(f"symnb.{name}")
    else:
        raise AttributeError(f"module 'symnb' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext symnb`: add the magics to an IPython shell."""
    import_module("symnb.magics.extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext symnb`."""
    import_module("symnb.magics.extension").unload(shell)
