"""The compiler's processes: units side by side, one link, some started ahead.

Half of the time of a small compile is not compiling (gcc 12, EPYC, 2026-11): 10 ms pass
until gcc reads a text, 14 to 20 ms in the driver's link. So compilers start beside the
optimiser, initialise, and wait for their text at a pipe (`Ahead`), and the linker is
called itself with three libraries (3 to 5 ms). Where that does not work out (another
family, a wrapper that reads its input twice), the plain commands run, which also say
what is wrong with a text.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import signal
import subprocess
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symnb.compile import cache
from symnb.errors import BuildError, message

if TYPE_CHECKING:
    from symnb.compile.build import Compiler

__all__ = ["Ahead", "compile_units", "end_all", "environment"]

ERROR_LINES = 6
DECLARED = re.compile(r"^__attribute__\(.*\) (?:double|float) (\w+)\(", re.M)
INSTRUCTIONS = ("sqrt", "fabs", "copysign", "fma", "floor", "ceil", "trunc", "rint")
STDIN = "/dev/stdin"
WAITS = ("-pipe", "-x", "c", "-include", STDIN, "-c", os.devnull)


def compile_units(
    compiler: Compiler,
    texts: Sequence[str],
    path: Path,
    flags: Sequence[str],
    link: Sequence[str],
    ahead: Ahead | None = None,
) -> str:
    """Compiles the C texts to `path`/LIBRARY; the command that does it by itself.

    One unit: one command. Several: all compile at the same time, then one links.
    ahead  compilers that wait for these texts, with the same flags
    Raises BuildError with the compiler's first errors; OSError when the disk is full.
    """
    units = [f"unit{i:03d}" for i in range(len(texts))]
    for unit, text in zip(units, texts, strict=True):
        (path / f"{unit}.c").write_text(text)
    head = (*compiler.command, *flags)
    sources = [f"{unit}.c" for unit in units]
    objects = [f"{unit}.o" for unit in units]
    alone = len(units) == 1
    last = [*head, *(sources if alone else objects), "-o", cache.LIBRARY, *link]
    if ahead is None or not ahead.make(texts):
        if not alone:
            _run_all([[*head, "-c", source] for source in sources], path)
        _run_all([last], path)
    for compiled in path.glob("*.o"):
        compiled.unlink()
    return shlex.join(last)


def _run_all(commands: Sequence[Sequence[str]], path: Path) -> None:
    """Runs the commands side by side, as many as there are cores."""
    waiting = list(enumerate(commands))[::-1]
    running: list[tuple[subprocess.Popen[bytes], Sequence[str], Path]] = []
    try:
        while waiting or running:
            while waiting and len(running) < max(1, os.cpu_count() or 1):
                i, command = waiting.pop()
                errors = path / f"errors{i}.txt"
                with errors.open("wb") as file:
                    child = _start(command, file, path)
                running.append((child, command, errors))
            child, command, errors = running.pop(0)
            try:
                status = child.wait()
            except BaseException:
                running.append((child, command, errors))
                raise
            text = errors.read_text(errors="replace")
            errors.unlink()
            if status:
                raise _build_error(status, text, command, path)
    finally:
        for child, _, _ in running:
            _kill(child)
            child.wait()


_running: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()
_ended = threading.Event()  # the process ends: nothing is started any more


def _start(
    command: Sequence[str], errors: Any, path: Path, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """A process in a group of its own: an interrupt meets the caller, who ends it."""
    if _ended.is_set():
        raise OSError("the process ends; nothing is compiled any more")
    with _interrupts_held() as held:
        child = subprocess.Popen(
            command, stdin=stdin, stdout=errors, stderr=errors, cwd=path,
            env=environment(), start_new_session=True,
        )  # fmt: skip
        _running.add(child)
    if held:
        _kill(child)
        child.wait()
        signal.raise_signal(signal.SIGINT)
    return child


@contextlib.contextmanager
def _interrupts_held() -> Iterator[list[int]]:
    """Notes interrupts; one inside Popen would leave a child nobody knows."""
    noted: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield noted
        return
    signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Ends a driver with all it started, if it still runs."""
    if child.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)


def end_all() -> None:
    """Ends every compiler of this process, for good."""
    _ended.set()
    for child in list(_running):
        _kill(child)


def environment() -> dict[str, str]:
    """What compilers see: messages in English."""
    return {**os.environ, "LC_ALL": "C"}


def _build_error(
    status: int, text: str, command: Sequence[str], path: Path
) -> BuildError:
    lines = [line for line in text.splitlines() if re.search(r"\berror\b|fatal", line)]
    lines = (lines or text.splitlines() or ["(it printed nothing)"])[:ERROR_LINES]
    saved = cache.current().keep_failure(path, _name_of(command))
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    errors = "".join(f"\n  {line[:200]}" for line in lines)
    return BuildError(
        message(
            f"the C compiler failed ({how}).{errors}",
            [("source", str(saved)), ("command", shlex.join(command))],
            "run the command there to see every message. SYMNB_CC chooses another "
            'compiler;\n  symnb.config.device = "py" runs without one.',
        )
    )


def _name_of(command: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(command).encode(), digest_size=6).hexdigest()


def calls_libm(text: str) -> bool:
    """Whether a unit calls a function of libm that is no instruction.

    A link that need not read libm takes 2.3 ms instead of 4.8 (gcc 12, EPYC, 2026-11).
    """
    declared = set(DECLARED.findall(text))
    return any(
        text.count(f"{name}(") > 1
        for name in declared
        if name.removesuffix("f") not in INSTRUCTIONS
    )


# ---- started ahead ----------------------------------------------------------

_waiting: weakref.WeakSet[Ahead] = weakref.WeakSet()


class Ahead:
    """Compilers in `path` that have initialised and wait for the texts of units.

    They are started with the flags of every unit. What fails here is done again by
    the plain commands, so failing says nothing; `close` ends those still waiting.
    """

    def __init__(
        self, compiler: Compiler, path: Path, flags: Sequence[str], count: int
    ) -> None:
        self.compiler = compiler
        self.path = path
        self._head = (*compiler.command, *flags, *WAITS)
        self._children: list[subprocess.Popen[bytes]] = []
        _waiting.add(self)
        for _ in range(count):
            self._begin()

    def _begin(self) -> None:
        name = f"unit{len(self._children):03d}.o"
        command = [*self._head, "-o", name]
        child = _start(command, subprocess.DEVNULL, self.path, subprocess.PIPE)
        self._children.append(child)

    def make(self, texts: Sequence[str]) -> bool:
        """Whether the texts are now the library in `path`."""
        try:
            if not self.compiler.linker or len(texts) > (os.cpu_count() or 1):
                return False
            while len(self._children) < len(texts):
                self._begin()
            for child, text in zip(self._children, texts, strict=False):
                _feed(child, text)
            made = [child.wait() == 0 for child in self._children[: len(texts)]]
            return all(made) and self._is_linked(texts)
        finally:
            self.close()

    def _is_linked(self, texts: Sequence[str]) -> bool:
        first, libraries = self.compiler.linker  # pyright: ignore[reportAssignmentType]
        objects = [f"unit{i:03d}.o" for i in range(len(texts))]
        command = [*first, "-o", cache.LIBRARY, *objects]
        if not any(map(calls_libm, texts)) and self._runs([*command, "-z", "defs"]):
            return True
        return self._runs([*command, *libraries])

    def _runs(self, command: Sequence[str]) -> bool:
        child = _start(command, subprocess.DEVNULL, self.path)
        self._children.append(child)
        return child.wait() == 0

    def close(self) -> None:
        """Ends what still runs."""
        for child in self._children:
            self._let_go(child)
            _kill(child)
            child.wait()
        self._children = []

    @staticmethod
    def _let_go(child: subprocess.Popen[bytes]) -> None:
        pipe, child.stdin = child.stdin, None
        if pipe is not None:
            pipe.close()

    def forget(self) -> None:
        """Closes a forked child's copies of the pipes: an open one would never end."""
        for child in self._children:
            self._let_go(child)
            child.returncode = 0  # not this process's child
        self._children = []


def _feed(child: subprocess.Popen[bytes], text: str) -> None:
    """Writes the text and ends it; the status of a compiler that died says so."""
    pipe, child.stdin = child.stdin, None
    try:
        if pipe is not None:
            with pipe:
                pipe.write(text.encode())
    except BrokenPipeError:
        pass


def _after_fork() -> None:
    for ahead in list(_waiting):
        ahead.forget()
    _running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
