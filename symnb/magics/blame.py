"""Tracebacks that show the user's lines and not ours.

An error symnb raises on purpose, or one that the user's own body raises, keeps only
the frames of the user's code; what goes wrong inside symnb keeps all of them.
IPython asks an exception for `_render_traceback_` before it writes a traceback of its
own; while the extension is loaded, every SymnbError answers.
"""

from __future__ import annotations

import os
from types import FrameType, TracebackType
from typing import Any, TypeVar

from IPython.core.getipython import get_ipython

from symnb.core.site import is_foreign
from symnb.errors import SymnbError

Error = TypeVar("Error", bound=BaseException)
_STDLIB = os.path.dirname(os.__file__) + os.sep


def with_user_frames(error: Error) -> Error:
    """`error` with a traceback of the user's frames, where it is the user's error."""
    frames = _frames(error.__traceback__)
    if isinstance(error, SyntaxError):
        return error.with_traceback(None)
    last = frames[-1].tb_frame
    if not isinstance(error, SymnbError) and not is_foreign(last):
        return error
    return error.with_traceback(_chained([f for f in frames if _is_user(f.tb_frame)]))


def _is_user(frame: FrameType) -> bool:
    """Whether the frame runs neither symnb, nor IPython, nor the standard library."""
    name = frame.f_code.co_filename
    installed = name.startswith(_STDLIB) and "-packages" not in name
    within_ipython = frame.f_globals.get("__name__", "").startswith("IPython.")
    return is_foreign(frame) and not installed and not within_ipython


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    frames: list[TracebackType] = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _chained(frames: list[TracebackType]) -> TracebackType | None:
    chain: TracebackType | None = None
    for item in reversed(frames):
        chain = TracebackType(chain, item.tb_frame, item.tb_lasti, item.tb_lineno)
    return chain


def _render_traceback_(error: SymnbError) -> list[str]:
    """The traceback of `error` as IPython formats it, the user's frames only."""
    trimmed = _chained(
        [f for f in _frames(error.__traceback__) if _is_user(f.tb_frame)]
    )
    shell: Any = get_ipython()
    return shell.InteractiveTB.structured_traceback(
        type(error), error.with_traceback(trimmed), trimmed, tb_offset=0
    )


def show_user_frames(wanted: bool) -> None:
    """Whether SymnbErrors in a notebook leave symnb's own frames out."""
    if wanted:
        SymnbError._render_traceback_ = _render_traceback_  # pyright: ignore
    elif "_render_traceback_" in vars(SymnbError):
        del SymnbError._render_traceback_  # pyright: ignore
