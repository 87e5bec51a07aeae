"""Threads of BLAS in the cffi call path: what products.h is to the dispatcher.

One count for the whole process, lowered while calls that may use fewer run, given back
when the last of them is done, never raised. About 1 us a call.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["Products", "products"]


class Products:
    """How many calls are inside, and the count the first of them found."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = 0
        self._stale = False  # forked while calls were inside: not given back

    @contextmanager
    def at_most(self, threads: int, control: tuple[int, int, int]) -> Generator[None]:
        """A block in which BLAS uses no more than `threads`.

        control  addresses of int get(void) and void set(int), or 0s; whether BLAS has
                 one thread all through the call
        """
        if not all(control[:2]):
            yield
            return
        threads = 1 if control[2] else threads
        get = ctypes.CFUNCTYPE(ctypes.c_int)(control[0])
        change = ctypes.CFUNCTYPE(None, ctypes.c_int)(control[1])
        with self._lock:
            if self._stale:
                change(self._before)
                self._stale = False
            if self._users == 0:
                self._before = get()
            self._users += 1
            if get() > threads:
                change(threads)
        try:
            yield
        finally:
            with self._lock:
                # whoever forks in between finds a user, and mends the count
                if self._users == 1 and get() != self._before:
                    change(self._before)
                self._users = max(0, self._users - 1)

    def forked(self) -> None:
        """In a forked child: it has none of the threads that were inside."""
        self._lock = threading.Lock()
        self._stale = self._stale or self._users > 0
        self._users = 0


products = Products()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=products.forked)
