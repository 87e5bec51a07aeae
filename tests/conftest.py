"""What every test session shares: needs, private caches, Hypothesis profile.

A test names its need by a marker (`cc`, `gpu`, `browser`); on a machine without it
the test is skipped, saying why. SYMNB_REQUIRE=cc,browser turns such skips into
failures; a test may still skip itself for want of a variant (no clang). Every session
compiles into a cache directory of its own, so that no result comes from an earlier
run, and leaves the user's cache and home alone.
"""

import atexit
import ctypes
import functools
import importlib.util
import os
import re
import shutil
import sysconfig
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

_cache = tempfile.mkdtemp(prefix="symnb-test-cache-")
os.environ["SYMNB_CACHE_DIR"] = _cache
atexit.register(shutil.rmtree, _cache, ignore_errors=True)

settings.register_profile(
    "ci", deadline=None, derandomize=True, max_examples=50, database=None
)
settings.register_profile("deep", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("SYMNB_HYPOTHESIS", "ci"))

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Path of the system's Chromium, or None."""
    found = (shutil.which(name) for name in CHROMIUM_NAMES)
    return next((path for path in found if path), None)


def missing_compiler() -> str:
    """What keeps this machine from compiling, or ''."""
    names = (os.environ.get("SYMNB_CC", ""), "gcc", "cc", "clang")
    if not any(shutil.which(name) for name in names if name):
        return "no C compiler: install gcc"
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    return "" if header.exists() else f"no {header}: install python3-dev"


def missing_gpu() -> str:
    """What keeps this machine from running CUDA, or ''."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver (libcuda.so.1)"
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return "the NVIDIA driver does not start"
    return "" if count.value else "no NVIDIA GPU"


def missing_browser() -> str:
    """What keeps this machine from opening notebooks in a browser, or ''."""
    for package in ("playwright", "jupyterlab"):
        if importlib.util.find_spec(package) is None:
            return f"no {package}: pip install 'symnb[test,lab]'"
    return "" if chromium() else "no Chromium: install chromium"


NEEDS: dict[str, Callable[[], str]] = {
    "cc": functools.cache(missing_compiler),
    "gpu": functools.cache(missing_gpu),
    "browser": functools.cache(missing_browser),
}


def required() -> frozenset[str]:
    """The needs whose skips are failures, from SYMNB_REQUIRE."""
    names = frozenset(re.findall(r"\w+", os.environ.get("SYMNB_REQUIRE", "")))
    unknown = names - NEEDS.keys()
    if unknown:
        raise pytest.UsageError(
            f"SYMNB_REQUIRE names {', '.join(sorted(unknown))}; "
            f"it takes {', '.join(NEEDS)}"
        )
    return names


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a misspelt SYMNB_REQUIRE before anything runs.

    Rules planted to be found are no errors. The filter stands here because its name
    imports symnb, which must not happen before the cache is ours.
    """
    required()
    config.addinivalue_line("filterwarnings", "ignore::symnb.errors.RuleWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose need this machine lacks; fail it if the need is required."""
    for need, missing in NEEDS.items():
        if item.get_closest_marker(need) and missing():
            if need in required():
                pytest.fail(f"SYMNB_REQUIRE={need}: {missing()}", pytrace=False)
            pytest.skip(f"{need}: {missing()}")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module that uses a required marker into a failure."""
    report = yield
    if report.skipped and required() and collector.path.suffix == ".py":
        marks = set(re.findall(r"\bmark\.(\w+)", collector.path.read_text()))
        if needs := ",".join(sorted(marks & required())):
            report.outcome = "failed"
            report.longrepr = f"SYMNB_REQUIRE={needs} forbids: {report.longrepr}"
    return report
