"""The two seams through which a lower floor calls a higher one.

`slots` is filled once, when the higher floor is imported:

    operators      by ops      the functions behind `x + y`, `x.sum()`, `x[i]`
    evaluate       by compile  `x.eval({...})`
    ufunc          by tensor   NumPy ufuncs called on symbolic tensors
    array_function by tensor   other NumPy functions called on them
    mimebundle     by viz      what a notebook shows for a node or a function

The second seam is an op's vjp, which is handed a context object.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

_FILLED_BY = {
    "evaluate": "symnb.compile.evaluate",
    "graph_text": "symnb.core.text",
    "graph_digest_text": "symnb.core.text",
    "pickle_node": "symnb.core.text",
    "pickle_graph": "symnb.core.text",
    "try_node": "symnb.core.test_value",
    "make_input": "symnb.tensor.constructors",
    "ufunc": "symnb.tensor.numpy_protocol",
    "array_function": "symnb.tensor.numpy_protocol",
    "mimebundle": "symnb.viz",
    "dprint": "symnb.viz",
}


class Slots:
    """Named functions, each set once by the floor that owns it."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}

    def fill(self, **functions: Callable[..., Any]) -> None:
        """Set slots; a slot is not set twice to different functions."""
        for name, function in functions.items():
            present = self._functions.setdefault(name, function)
            if present is not function and present.__module__ != function.__module__:
                raise RuntimeError(f"slot {name} is taken by {present.__module__}")

    def __getitem__(self, name: str) -> Callable[..., Any]:
        function = self._functions.get(name)
        if function is None:
            import_module(_FILLED_BY.get(name, "symnb.ops"))
            function = self._functions[name]
        return function

    def __contains__(self, name: str) -> bool:
        return name in self._functions


slots = Slots()
