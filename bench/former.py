"""symnb beside NumPy alone, each promise one row: call, chains, digits, import.

Every result is checked against float64 before anything is timed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import symnb
import symnb.tensor as T
from bench.compare import compare


@dataclass(frozen=True)
class Row:
    """One measured line.

    value   ratio of symnb's time to the peer's, or seconds
    must    what the project promises; value <= must
    """

    name: str
    peer: str
    value: float
    unit: str
    must: float
    note: str

    @property
    def ok(self) -> bool:
        """Whether the promise is kept."""
        return self.value <= self.must


def _ratio(
    name: str,
    must: float,
    ours: Callable[[], object],
    numpy: Callable[[], object],
    exact: np.ndarray,
    tolerance: float,
) -> Row:
    got = np.asarray(ours())
    error = np.max(np.abs(got - exact)) / np.max(np.abs(exact))
    assert error < tolerance, f"{name}: error {error} of the largest magnitude"
    found = compare({"NumPy": numpy, "symnb": ours})
    mine, theirs = found["symnb"], found["NumPy"]
    note = f"{mine.ns / 1e3:.3g} us, NumPy {theirs.ns / 1e3:.3g} us"
    return Row(name, "NumPy", mine.ratio, "of its time", must, note)


def call() -> Row:
    """One addition of two 8-vectors: what a call costs."""
    x, y = T.dvector("x"), T.dvector("y")
    f = symnb.function([x, y], x + y)
    a, b = np.arange(8.0), np.ones(8)
    return _ratio(
        "call a + b, 8-vectors", 0.6, lambda: f(a, b), lambda: a + b, a + b, 1e-15
    )


APART = """
import sys, time
import numpy as np
rng = np.random.default_rng(0)
a, b = (rng.random(100_000, dtype="float32") for _ in range(2))
if sys.argv[3] == "warm":  # a freed large array keeps malloc from giving memory back
    np.empty(4_000_000)
def chain(m, a, b):
    one = m.log1p(m.exp(a)) / (1 + a * a)
    return m.tanh(a) * m.exp(-a * a) + one - m.sqrt(abs(a))
def chain_of_two(m, a, b):
    return m.exp(-a * a) * m.tanh(b) + m.log(1 + a * b) - b / (a + 2)
body = {"chain": chain, "two": chain_of_two}[sys.argv[2]]
call = lambda: body(np, a, b)
if sys.argv[1] == "symnb":
    import symnb
    import symnb.tensor as T
    x, y = T.fvector("x"), T.fvector("y")
    f = symnb.function([x, y], body(T, x, y), on_unused_input="ignore")
    exact = body(np, a.astype("float64"), b.astype("float64"))
    assert np.max(np.abs(f(a, b) - exact)) < 1e-6 * np.max(np.abs(exact))
    call = lambda: f(a, b)
times = []
for _ in range(400):
    started = time.perf_counter()
    call()
    times.append(time.perf_counter() - started)
print(sorted(times)[200] * 1e6)
"""
PAIRS = 5  # processes of each


def _apart(who: str, work: str, heap: str) -> float:
    """Median microseconds a call, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", APART, who, work, heap], check=True, text=True,
        capture_output=True, env=_environment(), cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    return float(done.stdout)


def chains() -> list[Row]:
    """Elementwise chains on 100,000 float32 elements, NumPy and symnb in turn.

    Each runs in a process of its own, because NumPy's time depends on the heap: its
    temporaries are mapped and faulted anew at every call until some large array was
    freed. Both states are given; the promise is about a fresh process.
    """
    rows: list[Row] = []
    for name, work, must in (
        ("one input", "chain", 1 / 4),
        ("two inputs", "two", 1 / 1.6),
    ):
        for heap in ("fresh", "warm"):
            both = [(_apart("symnb", work, heap), _apart("numpy", work, heap))
                    for _ in range(PAIRS)]  # fmt: skip
            ratio = float(np.median([ours / theirs for ours, theirs in both]))
            ours, theirs = (
                float(np.median(times)) for times in zip(*both, strict=True)
            )
            rows.append(
                Row(f"chain of {name}, 1e5 f32, {heap} heap", "NumPy", ratio,
                    "of its time", must if heap == "fresh" else 1.0,
                    f"{ours:.0f} us, NumPy {theirs:.0f} us; {PAIRS} processes each")
            )  # fmt: skip
    return rows


STEP = """
import time, sys
import numpy as np
started = time.perf_counter()
import symnb
import symnb.tensor as T
imported = time.perf_counter()
rng = np.random.default_rng(0)
X, y = T.matrix("X"), T.lvector("y")
def layer(n, m, name):
    return symnb.shared(rng.normal(size=(n, m)) / n ** 0.5, name="W" + name), \\
        symnb.shared(np.zeros(m), name="b" + name)
W1, b1 = layer(64, 64, "1")
W2, b2 = layer(64, 10, "2")
h = T.tanh(X @ W1 + b1)
z = h @ W2 + b2
e = T.exp(z)
p = e / e.sum(axis=1, keepdims=True)
loss = -T.log(p[T.arange(y.shape[0]), y]).mean()
params = [W1, b1, W2, b2]
updates = [(w, w - 0.5 * g) for w, g in zip(params, T.grad(loss, params))]
step = symnb.function([X, y], loss, updates=updates)
first = step(rng.normal(size=(100, 64)), rng.integers(0, 10, 100))
assert np.isfinite(first)
print(imported - started, time.perf_counter() - imported)
"""


def _environment(**more: str) -> dict[str, str]:
    """A user's environment: Python keeps compiled modules."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | more


def _first_result(cache: str) -> float:
    environment = _environment(SYMNB_CACHE_DIR=cache)
    done = subprocess.run(
        [sys.executable, "-c", STEP], env=environment, capture_output=True, text=True,
        check=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    return float(done.stdout.split()[1])


def first_results() -> list[Row]:
    """First result of the digits network's training step: cold, then from cache."""
    cold, warm = [], []
    with tempfile.TemporaryDirectory() as folder:
        _first_result(os.path.join(folder, "warm"))  # the dispatcher is built once
        for _ in range(3):
            cache = os.path.join(folder, "warm")
            subprocess.run(
                [sys.executable, "-c", "import symnb.compile.cache as c; c.clear()"],
                env=_environment(SYMNB_CACHE_DIR=cache), check=True,
            )  # fmt: skip
            cold.append(_first_result(cache))
            warm.append(_first_result(cache))
    note = "beyond import; median of 3 processes"
    return [
        Row(
            "digits step, first result cold", "", float(np.median(cold)), "s", 1.0, note
        ),
        Row("digits step, from cache", "", float(np.median(warm)), "s", 0.1, note),
    ]


def importing() -> Row:
    """`import symnb` in a fresh process, minus starting Python."""

    def seconds(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=_environment(),
                       cwd=Path(__file__).parent.parent)  # fmt: skip
        return time.perf_counter() - started

    both = [(seconds("import symnb"), seconds("pass")) for _ in range(9)]
    value = float(np.median([a - b for a, b in both]))
    return Row("import symnb", "", value, "s", 0.3, "median of 9 processes")


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| work | measured | must | |", "|---|---|---|---|"]
    for row in rows:
        value = f"{row.value:.3g} {row.unit}"
        if row.peer:
            value += f" ({1 / row.value:.2g} times as fast as {row.peer})"
        mark = "" if row.ok else "**missed** "
        lines.append(f"| {row.name} | {value} | {row.must:.3g} | {mark}{row.note} |")
    return "\n".join(lines)


def all_rows() -> list[Row]:
    """Every row, measured now."""
    return [call(), *chains(), *first_results(), importing()]
