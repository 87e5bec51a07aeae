"""`make test`: runs all tests, then says which tiers ran, which did not, and why.

Two pytest runs: `tests/`, then the notebooks under nbval, whose stored outputs are
the assertions. Both get a home and a compile cache of their own. Exit status 0
only if nothing failed and every tier named in SYMNB_REQUIRE passed something.
`python -m tools.tiers notebooks` runs the notebooks alone.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.tier_report import TIERS

ROOT = Path(__file__).resolve().parent.parent
NO_TESTS = 5  # pytest's exit status when it collected nothing
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "tools.tier_report"]
NOTEBOOKS = ["-p", "nbval.plugin", "--nbval", "notebooks"]
NOTEBOOKS += ["--nbval-sanitize-with=notebooks/sanitize.cfg"]


@dataclass(slots=True)
class Tier:
    """What ran in one tier; times in seconds."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)


def private_home(folder: Path) -> dict[str, str]:
    """Environment that keeps every tool's files inside `folder`.

    The folder is kept between runs: Matplotlib builds its font list there once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        "HOME": "",
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "XDG_DATA_HOME": "data",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter",
        "JUPYTER_DATA_DIR": "jupyter-data",
        "JUPYTER_RUNTIME_DIR": "jupyter-run",
        "MPLCONFIGDIR": "matplotlib",
    }
    return {name: str(folder / part) for name, part in names.items()}


def environment(cache: str) -> dict[str, str]:
    """The environment of both runs: private home, private compile cache."""
    return {
        **os.environ,
        **private_home(ROOT / "build" / "home"),
        "SYMNB_CACHE_DIR": cache,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def reproducible(env: dict[str, str]) -> dict[str, str]:
    """`env` for notebooks: the same output on every machine."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**env, **threads, "SYMNB_REPRODUCIBLE": "1", "SYMNB_THREADS": "1"}


def run_pytest(arguments: list[str], env: dict[str, str]) -> dict[str, Tier]:
    """Tiers of one pytest run; its output goes straight to the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "tiers.json")
        command = [*PYTEST, f"--tier-report={report}", *arguments]
        status = subprocess.run(command, cwd=ROOT, env=env).returncode
        counts = json.loads(report.read_text()) if report.exists() else None
    tiers = {name: Tier(**count) for name, count in (counts or {}).items()}
    failed = any(tier.failed for tier in tiers.values())
    if not failed and (counts is None or status not in (0, NO_TESTS)):
        stopped = tiers.setdefault("plain", Tier())
        stopped.failed += 1
        stopped.reasons[f"pytest stopped with status {status}"] = 1
    return tiers


def warm_up(env: dict[str, str]) -> None:
    """Let Matplotlib build its font list, so that no notebook prints that it does."""
    command = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=env, capture_output=True)


def run_notebooks(env: dict[str, str]) -> dict[str, Tier]:
    """The tier of the notebooks, if there are any."""
    if not any((ROOT / "notebooks").glob("*.ipynb")):
        return {}
    warm_up(env)
    return run_pytest(NOTEBOOKS, reproducible(env))


def run_tests(env: dict[str, str]) -> dict[str, Tier]:
    """The tiers of `tests/`."""
    return run_pytest(["--durations=10", "--durations-min=2", "tests"], env)


def merge(*runs: dict[str, Tier]) -> dict[str, Tier]:
    """The tiers of all runs; a tier in two of them is their sum."""
    merged: dict[str, Tier] = {}
    for name, tier in (pair for run in runs for pair in run.items()):
        total = merged.setdefault(name, Tier())
        total.passed += tier.passed
        total.failed += tier.failed
        total.skipped += tier.skipped
        total.seconds += tier.seconds
        total.reasons |= tier.reasons
    return merged


def remark(name: str, tier: Tier | None, required: bool) -> str:
    """Last column of the table: why something was skipped or is missing."""
    if tier is None:
        nothing = "no notebooks" if name == "notebooks" else "no tests"
        return f"{nothing}, but required by SYMNB_REQUIRE" if required else nothing
    many = sorted(tier.reasons.items(), key=lambda pair: -pair[1])
    shown = [f"{count} x {reason}" for reason, count in many[:3]]
    return "; ".join(shown + ["..."] * (len(many) > 3))


def table(
    tiers: dict[str, Tier], required: frozenset[str], names: Sequence[str] = TIERS
) -> str:
    """The tiers `names` as text, one line each."""
    lines = ["", f"{'tier':10} passed failed skipped seconds  why"]
    for name in names:
        tier = tiers.get(name)
        shown = tier or Tier()
        lines.append(
            f"{name:10} {shown.passed:6} {shown.failed:6} {shown.skipped:7} "
            f"{shown.seconds:7.1f}  {remark(name, tier, name in required)}".rstrip()
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run everything, print the table and the totals; the exit status."""
    required = frozenset(re.findall(r"\w+", os.environ.get("SYMNB_REQUIRE", "")))
    with tempfile.TemporaryDirectory(prefix="symnb-test-") as cache:
        env = environment(cache)
        if arguments == ["notebooks"]:
            names, required = ("notebooks",), frozenset()
            tiers = run_notebooks(env)
        else:
            names = TIERS
            tiers = merge(run_tests(env), run_notebooks(env))
    print(table(tiers, required, names))
    unproven = [name for name in required if not tiers.get(name, Tier()).passed]
    passed, failed, skipped = (
        sum(getattr(tier, outcome) for tier in tiers.values())
        for outcome in ("passed", "failed", "skipped")
    )
    if unproven:
        print(f"Required but nothing passed: {', '.join(sorted(unproven))}")
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or unproven or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
