"""The systems measured: where their forms of the rows are, and their environment.

Every system runs in a process of its own (bench/worker.py). `environment` says how
it is told the number of threads; thread pools are read at import, so one process has
one number.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CACHES = Path(__file__).parent.parent.parent / ".peers" / "caches"


@dataclass(frozen=True)
class System:
    """One system.

    module       has `rows_of(system) -> Rows`
    environment  variables beyond the common ones
    package      the distribution whose version is reported
    """

    module: str
    package: str
    environment: Mapping[str, str] = field(default_factory=dict)


def _pytensor(mode: str) -> System:
    flags = f"mode={mode},blas__ldflags=-lopenblas,openmp={{parallel}}"
    flags += ",base_compiledir={caches}/pytensor"
    return System("bench.peers.pytensor", "pytensor", {"PYTENSOR_FLAGS": flags})


SYSTEMS: dict[str, System] = {
    "symnb": System("bench.peers.symnb", "symnb",
                    {"SYMNB_CACHE_DIR": "{caches}/symnb"}),
    "numpy": System("bench.peers.numpy", "numpy"),
    "numexpr": System("bench.peers.numexpr", "numexpr"),
    "numba": System("bench.peers.numba", "numba",
                    {"NUMBA_CACHE_DIR": "{caches}/numba"}),
    "jax": System("bench.peers.jax", "jax", {
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen={parallel} "
                     "intra_op_parallelism_threads={threads}",
        "JAX_COMPILATION_CACHE_DIR": "{caches}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}),
    "torch": System("bench.peers.torch", "torch"),
    "torch-compile": System("bench.peers.torch", "torch", {
        "TORCHINDUCTOR_CACHE_DIR": "{caches}/inductor"}),
    "pytensor-numba": _pytensor("NUMBA"),
    "pytensor-c": _pytensor("FAST_RUN"),
    "symnb-optimiser": System("bench.peers.symnb_optimiser", "symnb"),
    "pytensor-optimiser": System(
        "bench.peers.pytensor_optimiser", "pytensor",
        {"PYTENSOR_FLAGS": "base_compiledir={caches}/pytensor"}),
}  # fmt: skip

PEERS = tuple(name for name in SYSTEMS if not name.endswith("-optimiser"))[1:]


def environment(
    system: str, threads: int, caches: str | os.PathLike[str] = CACHES
) -> dict[str, str]:
    """The variables a system's process is started with.

    caches  folder of the systems' compile caches
    """
    count = str(threads)
    names = (
        "SYMNB_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS",
    )  # fmt: skip
    found = dict.fromkeys(names, count)
    words = {
        "threads": count,
        "parallel": str(threads > 1).lower(),
        "caches": os.fspath(caches),
    }
    own = SYSTEMS[system].environment.items()
    return found | {name: text.format(**words) for name, text in own}
