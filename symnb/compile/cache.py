"""The disk cache of compiled programs: one directory per entry, no lock.

An entry holds the sources, the shared object and `meta.json`; it is written under a
temporary name and renamed. The cache is private (mode 0700, owned by the user), because
objects in it are executed; the digest of an object is checked before it is loaded, and
a damaged entry is discarded. Where the disk is read-only, full or not ours, new entries
live in a temporary directory until the process ends. A hit costs about 0.2 ms.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from symnb.compile.runtime.abi import ABI_VERSION
from symnb.core.stamp import stamp
from symnb.options import config

__all__ = [
    "Cache",
    "CacheInfo",
    "Entry",
    "clear",
    "compiler_stamp",
    "cpu_features",
    "current",
    "info",
]

FORMAT = 1  # of the entries; part of every key
FOLDER = "symnb-programs"  # below the user's directory, which we leave alone
LIBRARY = "program.so"
COMPILER_FOLDERS = ("core", "ops", "optim", "gradient", "compile")
META = "meta.json"
SCRATCH = "scratch-"
FAILED = "failed-"
OWN_NAME = re.compile(rf"[0-9a-f]{{32}}-|{SCRATCH}|{FAILED}|\w+\.json$")
STALE_S = 3600.0  # a scratch directory this old belongs to a process that died


@dataclass(frozen=True)
class Entry:
    """One compiled program on disk (or in the temporary directory)."""

    path: Path
    meta: dict[str, Any]

    @property
    def library(self) -> Path:
        """The shared object."""
        return self.path / LIBRARY

    @property
    def sources(self) -> tuple[str, ...]:
        """The C texts it was built from, in order."""
        return tuple(p.read_text() for p in sorted(self.path.glob("*.c")))


@dataclass(frozen=True)
class CacheInfo:
    """Where the cache is and what it holds; `path` None: in memory only."""

    path: Path | None
    entries: int
    bytes: int

    def __str__(self) -> str:
        place = self.path or "temporary (the cache directory cannot be used)"
        return (
            f"{self.entries} compiled programs, {self.bytes / 1e6:.1f} MB, in {place}"
        )


class Cache:
    """Compiled programs under `root`, or in memory if `root` cannot be used."""

    def __init__(self, root: Path) -> None:
        root = root / FOLDER
        self.root = root if _is_private(root) else None
        self._memory: Path | None = None

    # -- reading

    def find(self, key: str, build: str | None) -> Entry | None:
        """The entry of `key` made by `build`; of the newest build if None.

        key    what was compiled: the caller's digest; the machine and the version of
               the interface are added here
        build  digest of compiler and flags
        """
        stem = entry_name(key)
        for place in self._places():
            if build is not None:
                candidates = [place / f"{stem}-{build}"]
            else:
                candidates = sorted(place.glob(f"{stem}-*"), key=_age)
            for path in candidates:
                if (entry := _read(path)) is not None:
                    return entry
        return None

    # -- writing

    @contextlib.contextmanager
    def scratch(self, in_memory: bool = False) -> Iterator[Path]:
        """A new private directory to build in; what is left in it is removed.

        in_memory  True: not on the cache's disk, even if that can be used
        """
        place = self._memory_root() if in_memory or self.root is None else self.root
        path = place / f"{SCRATCH}{os.getpid()}-{secrets.token_hex(6)}"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
        owner = os.getpid()
        try:
            yield path
        finally:
            _remove_own(path, owner)

    def store(self, path: Path, key: str, build: str, meta: dict[str, Any]) -> Entry:
        """Makes the scratch directory `path` (sources and LIBRARY) an entry.

        Raises OSError when the disk is full; the scratch directory is then unchanged.
        """
        meta = {**meta, "digest": _digest(path / LIBRARY), "created": time.time()}
        (path / META).write_text(json.dumps(meta, indent=1))
        final = path.parent / f"{entry_name(key)}-{build}"
        try:
            path.rename(final)
        except OSError:
            # another process was first, or a damaged entry is in the way
            if (entry := _read(final)) is not None:
                return entry
            _discard(final)
            path.rename(final)
        return Entry(final, meta)

    def remember(self, name: str, value: Any) -> None:
        """Keeps a small JSON value beside the entries; silently not, if it cannot."""
        place = self.root or self._memory_root()
        with contextlib.suppress(OSError), self.scratch() as path:
            (path / name).write_text(json.dumps(value))
            (path / name).replace(place / name)

    def recall(self, name: str) -> Any:
        """The value `remember` kept under `name`, or None."""
        for place in self._places():
            with contextlib.suppress(OSError, ValueError):
                return json.loads((place / name).read_text())
        return None

    def keep_failure(self, path: Path, name: str) -> Path:
        """Moves a scratch directory whose build failed to a place that stays."""
        final = path.parent / f"{FAILED}{name[:12]}"
        try:
            _discard(final)
            path.rename(final)
        except OSError:
            return path
        return final

    def discard(self, entry: Entry) -> None:
        """Removes an entry that turned out not to load."""
        _discard(entry.path)

    # -- upkeep

    def info(self) -> CacheInfo:
        """Where the cache is, how many entries and bytes it holds."""
        entries = bytes_ = 0
        for place in self._places():
            for file in place.glob("*/*"):
                entries += file.name == META
                with contextlib.suppress(OSError):
                    bytes_ += file.stat().st_size
        return CacheInfo(self.root, entries, bytes_)

    def clear(self) -> int:
        """Removes every entry; the number removed. Loaded programs keep running."""
        removed = 0
        for place in self._places():
            for path in list(place.iterdir()):
                if path.name.startswith(SCRATCH) and time.time() + _age(path) < STALE_S:
                    continue  # somebody is building in it
                if OWN_NAME.match(path.name):
                    removed += (path / META).exists()
                    _discard(path)
        return removed

    def _places(self) -> Iterator[Path]:
        if self.root is not None and self.root.is_dir():
            yield self.root
        if self._memory is not None and self._memory.is_dir():
            yield self._memory

    def _memory_root(self) -> Path:
        if self._memory is None or not self._memory.is_dir():
            self._memory = Path(tempfile.mkdtemp(prefix="symnb-"))
            atexit.register(_remove_own, self._memory, os.getpid())
        return self._memory


def current() -> Cache:
    """The cache the options name: `config.cache_dir`, else the user's cache folder."""
    return _cache(config.cache_dir or platformdirs.user_cache_dir("symnb"))


@functools.lru_cache(maxsize=16)
def _cache(root: str) -> Cache:
    return Cache(Path(root).expanduser().absolute())


def info() -> CacheInfo:
    """Where the compile cache is and what it holds."""
    return current().info()


def clear() -> int:
    """Empties the compile cache; the number of programs removed."""
    return current().clear()


def entry_name(key: str) -> str:
    """Digest of `key`, the machine and the version of the interface."""
    features = "" if config.reproducible else cpu_features()
    parts = (key, str(FORMAT), str(ABI_VERSION), features, *_machine())
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


@functools.cache
def _machine() -> tuple[str, ...]:
    known = "CS_GNU_LIBC_VERSION" in os.confstr_names
    libc = os.confstr("CS_GNU_LIBC_VERSION") if known else None
    return platform.system(), platform.machine(), libc or ""


@functools.cache
def compiler_stamp() -> str:
    """Digest of names, sizes and times of symnb's own files: what turns graphs to C.

    Part of the key of every program, so that no change of symnb leaves old code
    behind. About 1 ms.
    """
    package = Path(__file__).parents[1]
    return stamp(package / folder for folder in COMPILER_FOLDERS)


@functools.cache
def cpu_features() -> str:
    """Text that differs between CPUs for which `-march=native` may differ."""
    try:
        with open("/proc/cpuinfo") as file:
            first = file.read(8192).split("\n\n")[0]
    except OSError:
        return platform.processor()
    wanted = ("flags", "Features", "model", "cpu family", "vendor_id", "CPU part")
    rows = (line.partition(":") for line in first.splitlines())
    return ";".join(value.strip() for name, _, value in rows if name.strip() in wanted)


def _is_private(root: Path) -> bool:
    """True if `root` is or can be made a directory of ours that nobody else writes."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = root.lstat()  # a link would lead to a directory we know nothing of
    except OSError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return ours and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _read(path: Path) -> Entry | None:
    """The entry at `path` if it is whole; a damaged one is discarded."""
    try:
        meta = json.loads((path / META).read_text())
        if meta["digest"] == _digest(path / LIBRARY):
            return Entry(path, meta)
    except FileNotFoundError:
        if not path.is_dir():
            return None
    except PermissionError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    _discard(path)
    return None


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _age(path: Path) -> float:
    """Minus the time of the last change: newest first when sorted."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _remove_own(path: Path, pid: int) -> None:
    """Removes a temporary directory; a forked child leaves its parent's."""
    if os.getpid() == pid:
        shutil.rmtree(path, ignore_errors=True)
