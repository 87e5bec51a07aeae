"""The class compiled functions subclass: the dispatcher's `Call`, or its cffi twin.

Importing this module loads the dispatcher, or builds it the first time; `foreign` and
with it cffi are imported only where that fails.
"""

from __future__ import annotations

import importlib
from typing import Any

from symnb.compile.runtime import dispatch

__all__ = ["Call", "is_native"]

FOREIGN = "symnb.compile.runtime.foreign"

_module = dispatch.load()
is_native: bool = _module is not None
Call: Any = (_module or importlib.import_module(FOREIGN)).Call
