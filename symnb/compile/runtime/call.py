"""The class compiled functions subclass: the dispatcher's `Call`, or its cffi twin."""

from __future__ import annotations

from symnb.compile.runtime import dispatch, foreign

__all__ = ["Call", "is_native"]

_module = dispatch.load()
is_native: bool = _module is not None
Call = _module.Call if _module is not None else foreign.Call
