"""The `config` object: every switch of symnb, in one table.

Each option has a default, a check and a `SYMNB_<NAME>` environment variable.
Reading an option is an attribute read (~40 ns); options are read when a function
is compiled, not when it is called; `threads` alone counts from the next call on, which
the call path learns through `watch`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any


@dataclass(frozen=True)
class Option:
    """One switch: name, default, how text becomes a value, what is allowed."""

    name: str
    default: Any
    read: Callable[[str], Any]
    allowed: tuple[Any, ...]
    doc: str


def _flag(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "false", "no", "off")


def _cores() -> int:
    """CPUs this process may use, by affinity and by its control group's share."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        return max(1, min(count, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no control groups, or no limit ("max")
        return count


FIRST_ANSWERS = ("compiled", "reference")

OPTIONS = (
    Option("floatX", "float64", str, ("float32", "float64"),
           "dtype of `T.matrix()` and friends"),
    Option("mode", "FAST_RUN", str, (), "default mode of `function`"),
    Option("device", "c", str, ("c", "py", "cuda"),
           "what runs a function: compiled C, the NumPy reference, or CUDA"),
    Option("threads", _cores(), int, (), "threads a function may use"),
    Option("first_answers", FIRST_ANSWERS[0], str, FIRST_ANSWERS,
           "what answers while a larger function compiles: calls wait, or NumPy does"),
    Option("cc", "", str, (), "C compiler; empty: cc, gcc or clang on the PATH"),
    Option("target", "", str, (), "processor to compile for, as the compiler's -march "
           "names it (x86-64-v3); empty: this one"),
    Option("cache_dir", "", str, (), "compile cache; empty: the user's cache folder"),
    Option("profile", False, _flag, (True, False), "time every step of every call"),
    Option("on_unused_input", "raise", str, ("raise", "warn", "ignore"),
           "what `function` does with an input no output needs"),
    Option("stabilise_gradients", True, _flag, (True, False),
           "apply the stability rules before differentiating"),
    Option("on_pass_error", "warn", str, ("warn", "raise"),
           "what a compile does with a pass that fails: goes on without it, or stops"),
    Option("reproducible", False, _flag, (True, False),
           "same bytes on every machine: fixed CPU target, one thread, no times"),
    Option("record", True, _flag, (True, False), "keep every firing in the trace"),
    Option("compute_test_value", "off", str, ("off", "ignore", "warn", "raise"),
           "evaluate tags `test_value` while an expression is built"),
)  # fmt: skip

_TABLE = {option.name: option for option in OPTIONS}


class Config:
    """Settings by attribute: `symnb.config.floatX = "float32"`.

    Raises AttributeError for an unknown name, ValueError for a value not allowed.
    """

    _watching: list[tuple[tuple[str, ...], Callable[[], object]]]

    if TYPE_CHECKING:  # an option's type is that of its default, in the table

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self) -> None:
        object.__setattr__(self, "_watching", [])
        self.reset()

    def reset(self) -> None:
        """Back to the defaults and the environment."""
        for option in OPTIONS:
            text = os.environ.get(f"SYMNB_{option.name.upper()}")
            value = option.default if text is None else option.read(text)
            setattr(self, option.name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        option = _TABLE.get(name)
        if option is None:
            known = ", ".join(_TABLE)
            raise AttributeError(f"no option {name!r}; options are {known}")
        if option.allowed and value not in option.allowed:
            raise ValueError(f"{name} is one of {option.allowed}, not {value!r}")
        if name == "threads" and (type(value) is not int or value < 1):
            raise ValueError(f"threads is an int of at least 1, not {value!r}")
        object.__setattr__(self, name, value)
        for names, action in self._watching:
            if name in names:
                action()

    def watch(self, names: tuple[str, ...], action: Callable[[], object]) -> None:
        """Calls `action()` now and after every setting of one of the options."""
        self._watching.append((names, action))
        action()

    @contextmanager
    def change(self, **values: Any) -> Iterator[Config]:
        """The given options inside a `with` block, the old ones after it."""
        before = {name: getattr(self, name) for name in values}
        try:
            for name, value in values.items():
                setattr(self, name, value)
            yield self
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    change_flags = change

    def __repr__(self) -> str:
        rows = [f"{o.name:<20} {getattr(self, o.name)!s:<10} {o.doc}" for o in OPTIONS]
        return "\n".join(rows)


config = Config()
