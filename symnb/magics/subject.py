"""What a line magic is about: a name, an expression, a call, or the last function.

    %symgraph            the function compiled last, among the notebook's names
    %symgraph f          the value of the expression `f`
    %symcheck f(x, y)    the function `f` and the arguments of the call, not made

Raises CellError where there is no such function.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symnb.compile.function import Function
from symnb.core.node import Node
from symnb.errors import CellError
from symnb.magics.arguments import LineParser, read_line, split_signature

Names = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """A function and the arguments a line gives for it (None: the line calls none)."""

    function: Function
    arguments: tuple[Any, ...] | None = None
    keywords: Mapping[str, Any] | None = None


def last_function(names: Names) -> Function:
    """The function among `names` that was compiled last. Raises CellError."""
    found = [value for value in names.values() if isinstance(value, Function)]
    if not found:
        raise CellError(
            "no function has been compiled yet.\n"
            "Fix: run a %%symfunc cell, or f = symnb.function(...)."
        )
    return max(found, key=lambda function: function.serial)


def find_function(text: str | None, names: Names) -> Function:
    """The function an expression names; the last one when there is no text."""
    if not text:
        return last_function(names)
    value = _evaluate(text, names)
    if not isinstance(value, Function):
        raise _no_function(text, value)
    return value


def find_subject(text: str | None, names: Names) -> Function | Node:
    """A function or a tensor."""
    if not text:
        return last_function(names)
    value = _evaluate(text, names)
    if not isinstance(value, Function | Node):
        raise _no_function(text, value)
    return value


def _no_function(text: str, value: Any) -> CellError:
    return CellError(
        f"{text} is of type {type(value).__name__}, not a compiled function.\n"
        "Fix: name a function made by %%symfunc, @symnb.jit or symnb.function."
    )


def _evaluate(text: str, names: Names) -> Any:
    try:
        return eval(text, dict(names))
    except (NameError, AttributeError, SyntaxError) as error:
        known = [k for k, v in names.items() if isinstance(v, Function)]
        raise CellError(
            f"cannot find {text}: {error}.\n"
            f"Fix: the compiled functions are {', '.join(known) or 'none yet'}."
        ) from None


def read_call(parser: LineParser, line: str, names: Names) -> tuple[Call, Any]:
    """The function and arguments of `f(x, y) --options`, or of `f`, or of nothing."""
    name, inside, rest = split_signature(line)
    if not name:
        options = read_line(parser, rest)
        return Call(find_function(options.function, names)), options
    options = read_line(parser, rest)
    function = find_function(name, names)
    try:
        call = ast.parse(f"f({inside})", mode="eval").body
    except SyntaxError as error:
        raise CellError(f"cannot read {name}({inside}): {error.msg}.") from None
    assert isinstance(call, ast.Call)
    arguments = tuple(_evaluate(ast.unparse(tree), names) for tree in call.args)
    keywords = {
        word.arg: _evaluate(ast.unparse(word.value), names)
        for word in call.keywords
        if word.arg
    }
    return Call(function, arguments, keywords), options
