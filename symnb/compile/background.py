"""Compiling beside the user's work: who may be answered meanwhile, and the thread.

Opt-in (`config.first_answers = "reference"`): calls of a larger function that is not
in the cache are answered by NumPy from the optimised graph until its C is ready. The
thread only runs the compiler; graphs are optimised and texts written before it starts.
At the end of the process, and in a forked child, nothing of it is left.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack

from symnb.compile import commands
from symnb.compile.build import Library
from symnb.core.graph import Graph
from symnb.options import config

LARGE = 40  # nodes from which on a program has some six kernels: 150 ms of compiling
END_S = 2.0  # the longest that the end of the process waits for a killed compiler

_running: weakref.WeakSet[Background] = weakref.WeakSet()


def is_answered_first(graph: Graph, first_answers: str | None) -> bool:
    """Whether the reference may answer for this function until it is compiled.

    Not where a call changes something (updates) or draws random numbers, whose results
    a reader expects to repeat; not for small graphs; never in reproducible mode.
    """
    wanted = first_answers or config.first_answers
    if wanted != "reference" or config.reproducible or graph.updates:
        return False
    nodes = graph.order
    draws = any(node.op.name.startswith("philox") for node in nodes if not node.is_leaf)
    return len(nodes) > LARGE and not draws


class Background:
    """One compile in a thread of its own."""

    def __init__(
        self,
        make: Callable[[], Library],
        again: Callable[[], Library],
        resources: ExitStack,
    ) -> None:
        """Starts `make()`; then `resources` are closed.

        again  makes the library where the thread was lost: in a forked child
        """
        self._make = make
        self._again = again
        self._resources = resources
        self._library: Library | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, daemon=True, name="symnb compiler"
        )
        _running.add(self)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._resources:
                self._library = self._make()
        except BaseException as error:  # told by `result`, in the caller's thread
            self._error = error

    @property
    def is_done(self) -> bool:
        """Whether `result` returns at once."""
        return not self._thread.is_alive()

    def result(self) -> Library:
        """The library, when it is there. Raises what the compile raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error.with_traceback(None)
        if self._library is None:
            self._library = self._again()
        return self._library

    def end(self) -> None:
        """Waits for the thread, whose compilers have been ended."""
        self._thread.join(END_S)


def _end() -> None:
    waiting = [item for item in _running if not item.is_done]
    if waiting:
        commands.end_all()
        for item in waiting:
            item.end()


atexit.register(_end)
