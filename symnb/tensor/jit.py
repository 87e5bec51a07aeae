"""`@jit`: an annotated Python function becomes a compiled one.

    @symnb.jit
    def loss(x: "f64[n, 64]", w: "vector"):
        return np.log1p(np.exp(x @ w)).sum()

The function is traced when it is defined, so mistakes show where they are made.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symnb.compile.function import Function, function
from symnb.errors import CellError
from symnb.tensor.python import Traced, trace_function


def jit(
    definition: Callable[..., Any] | None = None,
    *,
    wrt: str | Sequence[str] = (),
    name: str | None = None,
    mode: Any = None,
    **options: Any,
) -> Any:
    """The compiled form of an annotated function; a decorator, with or without options.

    wrt      names of arguments or shared variables; the function then returns
             [value, gradient, ...]
    options  passed to `symnb.function` (mode, profile, on_unused_input, ...)

    Raises CellError where the source cannot be found or read.
    """
    if definition is None:
        return lambda f: jit(f, wrt=wrt, name=name, mode=mode, **options)
    tree, filename = find_definition(definition)
    scope = {**definition.__globals__, **inspect.getclosurevars(definition).nonlocals}
    names = wrt.replace(",", " ").split() if isinstance(wrt, str) else list(wrt)
    traced = trace_function(tree, filename, scope, _defaults(definition), names)
    traced.name = name or traced.name
    made = compile_traced(traced, mode=mode, **options)
    setattr(made, "__wrapped__", definition)  # noqa: B010  as `functools.wraps` does
    made.__doc__ = definition.__doc__
    return made


def compile_traced(traced: Traced, **options: Any) -> Function:
    """The function of a traced body."""
    for node, label in zip(traced.outputs, traced.labels, strict=True):
        if label and node.name is None and not node.is_leaf:
            node.name = label
    outputs: Any = traced.outputs
    if traced.returns == "one":
        outputs = traced.outputs[0]
    elif traced.returns == "none":
        outputs = None
    elif traced.returns == "dict":
        outputs = dict(zip(traced.labels, traced.outputs, strict=True))
    settings = {"updates": traced.updates, "name": traced.name} | options
    return function(traced.inputs, outputs, **settings)


def _defaults(definition: Callable[..., Any]) -> Mapping[str, Any]:
    parameters = inspect.signature(definition).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def find_definition(definition: Callable[..., Any]) -> tuple[ast.FunctionDef, str]:
    """The syntax tree of a function, with the lines and columns of its file."""
    code = definition.__code__
    text = "".join(linecache.getlines(code.co_filename))
    try:
        module = ast.parse(text)
    except SyntaxError:
        module = ast.Module([], [])
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == definition.__name__:
            lines = [node.lineno, *(d.lineno for d in node.decorator_list)]
            if code.co_firstlineno in lines:
                return node, code.co_filename
    raise CellError(
        f"the source of {definition.__name__} cannot be found.\n"
        "Fix: define it in a file or a notebook cell, not with exec."
    )
