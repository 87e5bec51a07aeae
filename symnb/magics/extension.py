"""`%load_ext symnb`: registers the magics and their completion, and nothing else.

Loading twice is the same as loading once; unloading takes the magics away.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from types import FrameType, ModuleType
from typing import Any

from IPython.core.magic import (
    needs_local_scope,
    no_var_expand,
    output_can_be_silenced,
)
from IPython.display import display

import symnb.tensor as tensor
from symnb.compile.function import Function
from symnb.magics import (
    ablate,
    check,
    explain,
    func,
    graph,
    memory,
    passes,
    profile,
    rule,
    rules,
    settings,
    source,
)
from symnb.magics.blame import show_user_frames, with_user_frames
from symnb.magics.func import Cell, bundle, make_functions
from symnb.magics.history import cell_defining

LINE_MAGICS = (
    graph, passes, explain, source, profile, memory, check, rules, settings, ablate,
)  # fmt: skip


def vocabulary() -> dict[str, Any]:
    """Names a body may use without importing them: symnb.tensor's, builtins kept."""
    names = (name for name in dir(tensor) if not name.startswith("_"))
    return {n: getattr(tensor, n) for n in names if not hasattr(builtins, n)}


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
        __tracebackhide__ = True
        number = _cell_number(shell)
        text = f"# {func.MAGIC} {line}\n{cell}"
        filename = shell.compile.cache(text, number, raw_code=text)
        place = Cell(text, filename, f"cell {number}")
        names = {**shell.user_ns, **(local_ns or {})}
        try:
            made, options = make_functions(line, cell, place, names, vocabulary())
        except Exception as error:
            raise with_user_frames(error) from None
        cells = shell.user_ns.get("In", [])[:number]
        for function in made:
            shell.user_ns[function.name] = function
            function.captured_in = {
                name: cell_defining(name, cells) for name in function.captured
            }
        if not options.quiet:
            for function in made:
                display(bundle(function), raw=True)

    symfunc.__doc__ = f"{func.__doc__}\n{func.make_parser().format_help()}"
    return symfunc


def _make_symrule(shell: Any) -> Callable[..., Any]:
    @no_var_expand
    @needs_local_scope
    def symrule(line: str, cell: str, local_ns: Any = None) -> Any:
        __tracebackhide__ = True
        label = f"cell {_cell_number(shell)}"
        try:
            return rule.run(line, cell, label, {**shell.user_ns, **(local_ns or {})})
        except Exception as error:
            raise with_user_frames(error) from None

    symrule.__doc__ = f"{rule.__doc__}\n{rule.make_parser().format_help()}"
    return symrule


def _with_body(lines: list[str]) -> list[str]:
    """A cell of one line that is a rule; IPython refuses cell magics without a body."""
    alone = lines and lines[0].startswith(rule.MAGIC) and not "".join(lines[1:]).strip()
    return [lines[0].rstrip("\n") + "\n", "\n"] if alone else lines


def _make_line_magic(shell: Any, module: ModuleType) -> Callable[..., Any]:
    @no_var_expand
    @needs_local_scope
    @output_can_be_silenced
    def magic(line: str, local_ns: Any = None) -> Any:
        __tracebackhide__ = True
        try:
            text = line.strip().removesuffix(";")
            return module.run(text, {**shell.user_ns, **(local_ns or {})})
        except Exception as error:
            raise with_user_frames(error) from None

    magic.__name__ = module.MAGIC.lstrip("%")
    magic.__doc__ = f"{module.__doc__}\n{module.make_parser().format_help()}"
    return magic


def _completer(
    shell: Any, words: Iterable[str], line_magic: bool
) -> Callable[..., Any]:
    """Options of the magic and, for line magics, compiled functions by name."""

    def complete(_: Any, event: Any) -> list[str]:
        found = list(words)
        if line_magic:
            names = shell.user_ns.items()
            found += [n for n, v in names if isinstance(v, Function)]
        return [word for word in found if fnmatch(word, f"{event.symbol}*")]

    return complete


def load(shell: Any) -> None:
    """Register the magics with an IPython shell."""
    shell.register_magic_function(_make_symfunc(shell), "cell", "symfunc")
    shell.register_magic_function(_make_symrule(shell), "cell", "symrule")
    for module in (func, rule):
        _complete(shell, module, line_magic=False)
    if _with_body not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.insert(0, _with_body)
    for module in LINE_MAGICS:
        name = module.MAGIC.lstrip("%")
        shell.register_magic_function(_make_line_magic(shell, module), "line", name)
        _complete(shell, module, line_magic=True)
    show_user_frames(True)


def _complete(shell: Any, module: ModuleType, line_magic: bool) -> None:
    known = shell.strdispatchers.get("complete_command")
    if known is None or module.MAGIC not in known.strs:
        hook = _completer(shell, module.make_parser().words(), line_magic)
        shell.set_hook("complete_command", hook, str_key=module.MAGIC)


def unload(shell: Any) -> None:
    """Take the magics away."""
    for name in ("symfunc", "symrule"):
        shell.magics_manager.magics["cell"].pop(name, None)
    if _with_body in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(_with_body)
    for module in LINE_MAGICS:
        shell.magics_manager.magics["line"].pop(module.MAGIC.lstrip("%"), None)
    show_user_frames(False)
