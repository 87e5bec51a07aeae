"""`%load_ext symnb`: registers the magics, their completion, and nothing else.

Loading twice is the same as loading once; unloading takes the magics away.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from IPython.core.magic import needs_local_scope, no_var_expand
from IPython.display import display

import symnb.tensor as tensor
from symnb.errors import CellError
from symnb.magics.func import MAGIC, Cell, make_functions, make_parser

_NOT_OFFERED = frozenset(dir(__builtins__) if not isinstance(__builtins__, dict)
                         else __builtins__)  # fmt: skip


def vocabulary() -> dict[str, Any]:
    """Names a body may use without importing them: symnb.tensor's, builtins kept."""
    names = (name for name in dir(tensor) if not name.startswith("_"))
    return {n: getattr(tensor, n) for n in names if n not in _NOT_OFFERED}


def _cell_number(shell: Any) -> int:
    """The number of the running cell; its code object knows it best."""
    frame: FrameType | None = sys._getframe(1)
    known = getattr(shell.compile, "_filename_map", {})
    while frame is not None:
        number = known.get(frame.f_code.co_filename)
        if number is not None:
            return number
        frame = frame.f_back
    return shell.execution_count


def _make_symfunc(shell: Any) -> Callable[..., Any]:
    @no_var_expand
    @needs_local_scope
    def symfunc(line: str, cell: str, local_ns: Any = None) -> Any:
        """Compile a cell: %%symfunc f(x: f64[n], ...) [--wrt NAME...] [options]."""
        __tracebackhide__ = True
        number = _cell_number(shell)
        text = f"# {MAGIC} {line}\n{cell}"
        filename = shell.compile.cache(text, number, raw_code=text)
        place = Cell(text, filename, f"cell {number}")
        namespace = {**shell.user_ns, **(local_ns or {})}
        try:
            made, options = make_functions(line, cell, place, namespace, vocabulary())
        except CellError as error:
            raise error.with_traceback(None) from None
        for function in made:
            shell.user_ns[function.name] = function
        if not options.quiet:
            for function in made:
                display(function)

    return symfunc


def load(shell: Any) -> None:
    """Register the magics with an IPython shell."""
    shell.register_magic_function(_make_symfunc(shell), "cell", "symfunc")
    words = make_parser().words()

    def complete(_: Any, event: Any) -> list[str]:
        return [word for word in words if word.startswith(event.symbol)]

    shell.set_hook("complete_command", complete, str_key=MAGIC)


def unload(shell: Any) -> None:
    """Take the magics away."""
    shell.magics_manager.magics["cell"].pop("symfunc", None)
