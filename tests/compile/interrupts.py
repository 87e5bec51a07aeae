"""Ctrl-C, sent while a block runs; never left over for what comes after."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def interrupted(within: float, after: float = 0.2) -> Iterator[None]:
    """The signal comes after so many seconds and ends the block within others.

    A block that ends by itself fails, and takes the signal back. The signal counts also
    where a shell started the tests with it ignored, as it does in the background.
    """
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    started = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            try:
                yield
            finally:
                timer.cancel()
                timer.join()
        assert time.monotonic() - started < within
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, handler)
