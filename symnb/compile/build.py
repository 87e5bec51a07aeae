"""C text to a loaded shared object: find the compiler, run it, remember the result.

Happens once per compiled function: 33 ms for one kernel, 180 ms for 20 (gcc 12, EPYC,
quiet machine, 2026-11), 0.2 ms from the cache. Generated C includes no header and has
no start files; several units compile at the same time. The flags vectorise libm calls
through libmvec without -ffast-math: NaN, inf, -0 and denormals keep their meaning, and
-ffp-contract=off keeps + - * / sqrt bit-identical to NumPy's. Libraries are never
unloaded, so the addresses here stay valid.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symnb.compile import cache
from symnb.compile.commands import Ahead, compile_units, environment
from symnb.errors import BuildError, NoCompilerError, message
from symnb.options import config

__all__ = [
    "Compiler",
    "Library",
    "build",
    "compile_units",
    "find",
    "find_compiler",
    "prepared",
    "started_ahead",
    "vector_functions",
]

COMPILERS = ("cc", "gcc", "clang")
COMMON = ("-O2", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math")
COMMON += ("-ffp-contract=off", "-fwrapv", "-fPIC", "-w")
GCC_ONLY = ("-fpeel-loops", "-ftree-vectorize", "-fvect-cost-model=dynamic")
# Threaded jumps make five masked moves of two selections of one value: expf .28 ns an
# element with them, .23 without (EPYC, gcc 12, 2026-11).
GCC_ONLY += ("-fno-thread-jumps",)
# Whole registers set aside in vector registers come back only after the vector work
# before them: variances of rows 515 us with them, 390 without (EPYC, gcc 12, 2026-11).
X86_GCC_ONLY = ("-mtune-ctrl=^inter_unit_moves_from_vec",)
# Without this pass sin and cos of one number stay two vector functions; sincos has no
# vector variant: r cos t and r sin t of 1e5 doubles 2150 us with the pass, 190 without;
# floats 1050, 86. -fno-builtin-sin takes their loops apart where one is in a selection:
# gcc moves no other call out of a branch (EPYC, gcc 12, 2026-11).
MVEC_ONLY = ("-fdisable-tree-sincos",)
X86 = ("x86_64", "AMD64")
REPRODUCIBLE_TARGET = "x86-64-v3"
LINK = ("-shared", "--eh-frame-hdr", "--hash-style=gnu", "--as-needed")
TOOLCHAIN = "toolchain.json"
VERSION_TIMEOUT_S = 30

# vector variants libmvec must have: SSE, AVX, AVX2, AVX-512 (x86-64), NEON (aarch64)
VARIANTS = {
    "x86_64": {
        "f": ("bN4v", "cN8v", "dN8v", "eN16v"),
        "": ("bN2v", "cN4v", "dN4v", "eN8v"),
    },
    "aarch64": {"f": ("nN4v",), "": ("nN2v",)},
}
UNARY = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp10",
    "exp2",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "sin",
    "sinh",
    "tan",
    "tanh",
]
BINARY = ("atan2", "hypot", "pow")

MVEC_PROBE = """
__attribute__((simd("notinbranch"), const)) float expf(float);
void probe(float *x, int n) { for (int i = 0; i < n; i++) x[i] = expf(x[i]); }
"""

Linker = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Compiler:
    """A C compiler that ran: its command, and what it said of itself.

    linker  the start and the end of a command that links objects without the driver;
            empty: the driver links, and no compiler starts ahead
    """

    command: tuple[str, ...]
    version: str
    family: str  # "gcc" | "clang"
    links_mvec: bool = False
    linker: Linker | tuple[()] = ()

    def flags(self, target: str) -> tuple[str, ...]:
        """Flags of a generated unit for CPU `target` ("native", "x86-64-v3")."""
        own = GCC_ONLY if self.family == "gcc" else ()
        if own and platform.machine() in X86:
            own += X86_GCC_ONLY
        if self.links_mvec:
            own += MVEC_ONLY
        return (*COMMON, *own, f"-march={target}")

    def link_flags(self) -> tuple[str, ...]:
        """Flags that make a shared object of generated units."""
        libraries = ("-lmvec", "-lm") if self.links_mvec else ("-lm",)
        return ("-shared", "-nostartfiles", *libraries)

    def digest(self, target: str) -> str:
        """Digest of version and flags: the build part of a cache entry's name."""
        text = "\0".join((self.version, *self.flags(target), *self.link_flags()))
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Library:
    """A loaded shared object; `seconds`: what the compiler took, 0.0 from the cache."""

    entry: cache.Entry
    run: int
    plan: int
    seconds: float
    handle: ctypes.CDLL = field(repr=False)

    def address(self, name: str) -> int:
        """Address of the function `name` in it."""
        return address_of(self.handle, name)


def build(
    units: str | Sequence[str],
    key: str,
    meta: Mapping[str, Any] | None = None,
    ahead: Ahead | None = None,
) -> Library:
    """The library of `key`: from the cache, else compiled from the C texts `units`.

    key    digest of what the texts are made from (not of symnb, machine or compiler)
    meta   JSON values kept in the entry beside ours
    ahead  compilers of `started_ahead`, which was asked when `key` was not found

    Raises BuildError when the compiler refuses, NoCompilerError when there is none.
    """
    if ahead is None and (library := find(key)) is not None:
        return library
    return prepared(units, key, meta, ahead)()


def prepared(
    units: str | Sequence[str],
    key: str,
    meta: Mapping[str, Any] | None = None,
    ahead: Ahead | None = None,
) -> Callable[[], Library]:
    """What `build` does where the cache has nothing, under the options of now."""
    texts = (units,) if isinstance(units, str) else tuple(units)
    store, compiler, cpu = cache.current(), find_compiler(), target()
    make = functools.partial(_build_in, store, compiler, cpu, texts, key, meta or {})

    def run() -> Library:
        started = time.perf_counter()
        try:
            return make(started, False, ahead)
        except OSError:  # disk read-only, full or not executable
            return make(started, True, None)

    return run


@contextlib.contextmanager
def started_ahead(count: int) -> Iterator[Ahead | None]:
    """`count` compilers that start now and wait for the units of one `build`.

    None where there is no compiler that can, or no disk for it.
    """
    with contextlib.ExitStack() as stack:
        ahead = None
        with contextlib.suppress(NoCompilerError, OSError):
            compiler = find_compiler()
            if compiler.linker:
                path = stack.enter_context(cache.current().scratch())
                ahead = Ahead(compiler, path, compiler.flags(target()), count)
                stack.callback(ahead.close)
        yield ahead


def find(key: str) -> Library | None:
    """The library of `key` if the cache has it, built by the present compiler.

    Without a compiler the newest entry of any compiler serves.
    """
    try:
        digest = find_compiler().digest(target())
    except NoCompilerError:
        digest = None
    entry = cache.current().find(_stamped(key), digest)
    if entry is None:
        return None
    try:
        return _load(entry, 0.0)
    except OSError:  # a disk that forbids execution, or an object of another world
        cache.current().discard(entry)
        return None


def _stamped(key: str) -> str:
    return f"{key}|{cache.compiler_stamp()}"


def _build_in(
    store: cache.Cache,
    compiler: Compiler,
    cpu: str,
    texts: tuple[str, ...],
    key: str,
    meta: Mapping[str, Any],
    started: float,
    in_memory: bool,
    ahead: Ahead | None,
) -> Library:
    flags, link = compiler.flags(cpu), compiler.link_flags()
    place = contextlib.nullcontext(ahead.path) if ahead else store.scratch(in_memory)
    with place as path:
        try:
            command = compile_units(compiler, texts, path, flags, link, ahead)
        except BuildError as error:
            if "No space left" in str(error) and not in_memory:
                raise OSError(str(error)) from error
            raise
        more = {**meta, "compiler": compiler.version, "command": command}
        entry = store.store(path, _stamped(key), compiler.digest(cpu), more)
    return _load(entry, time.perf_counter() - started)


def _load(entry: cache.Entry, seconds: float) -> Library:
    handle = ctypes.CDLL(str(entry.library))
    run, plan = (address_of(handle, name) for name in ("symnb_run", "symnb_plan"))
    return Library(entry, run, plan, seconds, handle)


def address_of(handle: ctypes.CDLL, name: str) -> int:
    """Address of a symbol; raises OSError when the library lacks it."""
    try:
        function = getattr(handle, name)
    except AttributeError as error:
        raise OSError(f"{handle._name} has no symbol {name}") from error
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def target() -> str:
    """The CPU to compile for: the configured one, this one, or in reproducible mode a
    fixed one."""
    fixed = config.reproducible and platform.machine() in X86
    return REPRODUCIBLE_TARGET if fixed else config.target or "native"


# ---- the compiler -----------------------------------------------------------


def find_compiler() -> Compiler:
    """The compiler of `config.cc`, else the first of cc, gcc, clang that runs.

    Raises NoCompilerError. Costs 10 us once known; a new compiler file is noticed.
    """
    wanted = shlex.split(config.cc)
    for command in [wanted] if wanted else [[name] for name in COMPILERS]:
        path = shutil.which(command[0])
        if path is None:
            continue
        status = os.stat(path)
        stamp = (os.path.realpath(path), status.st_mtime_ns, status.st_size)
        found = _identify((path, *command[1:]), stamp, config.cache_dir)
        if found is not None:
            return found
    named = f"config.cc = {config.cc!r} does not run" if wanted else "none was found"
    raise NoCompilerError(
        message(
            f"symnb needs a C compiler; {named}.",
            [("tried", ", ".join([config.cc] if wanted else COMPILERS))],
            "install one (Debian, Ubuntu: apt install gcc; Fedora: dnf install gcc; "
            "conda: conda install gcc)\n  or set SYMNB_CC to its path. Without one, "
            'symnb.config.device = "py" runs everything in NumPy, more slowly.',
        )
    )


@functools.lru_cache(maxsize=16)
def _identify(
    command: tuple[str, ...], stamp: tuple[str, int, int], cache_dir: str
) -> Compiler | None:
    """The compiler behind `command`, remembered on disk by file, time and size."""
    name = "\0".join((*command, *map(str, stamp)))
    store = cache.current()
    known = store.recall(TOOLCHAIN)
    known = known if isinstance(known, dict) else {}
    with contextlib.suppress(KeyError, TypeError, ValueError):
        row = known[name]
        first, libraries = row["linker"] or ((), ())
        linker = (tuple(first), tuple(libraries)) if first else ()
        said = row["version"], row["family"], row["links_mvec"]
        return Compiler(command, *said, linker)
    version = _version(command)
    if version is None:
        return None
    family = "clang" if "clang" in version.lower() else "gcc"
    compiler = Compiler(command, version, family)
    links = family == "gcc" and _links_mvec(compiler)
    compiler = dataclasses.replace(compiler, links_mvec=links)
    if family == "gcc":
        compiler = dataclasses.replace(compiler, linker=_linker(compiler))
    row = {"version": version, "family": family, "links_mvec": links}
    row["linker"] = compiler.linker
    store.remember(TOOLCHAIN, {**known, name: row})
    return compiler


def _version(command: tuple[str, ...]) -> str | None:
    """First line of what `cc --version` says, or None if it does not run."""
    try:
        run = subprocess.run(
            [*command, "--version"],
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
            check=True,
            env=environment(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip().partition("\n")[0]


def _links_mvec(compiler: Compiler) -> bool:
    """True if a vectorised exp compiles, links against libmvec and loads."""
    trial = Compiler(compiler.command, compiler.version, compiler.family, True)
    store = cache.current()
    for in_memory in (False, True):
        try:
            with store.scratch(in_memory) as path:
                flags, link = trial.flags("native"), trial.link_flags()
                compile_units(trial, (MVEC_PROBE,), path, flags, link)
                return bool(ctypes.CDLL(str(path / cache.LIBRARY)))
        except BuildError:
            return False
        except OSError:
            continue
    return False


def _linker(compiler: Compiler) -> Linker | tuple[()]:
    """The linker with its libraries, if a compiler started ahead and it do together."""
    names = ("libmvec.so.1", "libm.so.6") if compiler.links_mvec else ("libm.so.6",)
    asked = ["-print-prog-name=ld", *(f"-print-file-name={name}" for name in names)]
    paths = [_answer(compiler, question) for question in asked]
    linker = shutil.which(paths[0])
    if linker is None or not all(map(os.path.isabs, paths[1:])):
        return ()
    found = ((linker, *LINK), tuple(paths[1:]))
    trial = dataclasses.replace(compiler, linker=found)
    with contextlib.suppress(OSError), cache.current().scratch() as path:
        ahead = Ahead(trial, path, trial.flags("native"), 1)
        if ahead.make((MVEC_PROBE,)):
            library = ctypes.CDLL(str(path / cache.LIBRARY))
            return found if hasattr(library, "probe") else ()
    return ()


def _answer(compiler: Compiler, question: str) -> str:
    """What the compiler prints for a question; "" where it fails."""
    try:
        run = subprocess.run(
            [*compiler.command, question], capture_output=True, text=True, check=True,
            timeout=VERSION_TIMEOUT_S, env=environment(),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout.strip()


def vector_functions() -> frozenset[str]:
    """C names of the libm functions that vectorise here ("expf", "tanh", ...)."""
    try:
        return _vector_functions(find_compiler().links_mvec)
    except NoCompilerError:
        return frozenset()


@functools.cache
def _vector_functions(links_mvec: bool) -> frozenset[str]:
    variants = VARIANTS.get(platform.machine())
    if not links_mvec or variants is None:
        return frozenset()
    try:
        library = ctypes.CDLL("libmvec.so.1")
    except OSError:
        return frozenset()
    names = {name: "" for name in UNARY} | {name: "v" for name in BINARY}
    return frozenset(
        name + suffix
        for name, second in names.items()
        for suffix, widths in variants.items()
        if all(hasattr(library, f"_ZGV{w}{second}_{name}{suffix}") for w in widths)
    )
