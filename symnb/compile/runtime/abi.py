"""The binary interface of compiled functions as text: one definition, `abi.h`.

Read once per process. `PRELUDE` is the head of every generated C source, which includes
no header (each costs 10 to 150 ms of compile time, gcc 12, 2026-11).
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["ABI_VERSION", "DECLARATIONS", "PRELUDE"]

ABI_VERSION = 4  # part of every cache key; raise it when abi.h changes
DECLARATIONS = Path(__file__).with_name("abi.h").read_text()
PRELUDE = f"typedef __INT64_TYPE__ int64_t;\n{DECLARATIONS}"
