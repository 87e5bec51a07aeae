"""`make test` tells the truth: every outcome counted, required needs enforced."""

import os
from pathlib import Path

import pytest

from tools.tiers import Tier, run_pytest, table

pytestmark = pytest.mark.slow  # most run pytest once or twice more

SUITE = """
import os, pytest

def test_plain(): pass

@pytest.mark.cc
def test_compiled(): pass

@pytest.mark.cc
@pytest.mark.slow
def test_slow(): pass

@pytest.mark.gpu
def test_gpu(): pytest.skip("no GPU here")

@pytest.mark.slow
def test_skipped(): pytest.skip("another day")

@pytest.mark.xfail(reason="not yet")
def test_expected_failure(): assert False
"""


def run(folder: Path, suite: str, require: str = "") -> dict[str, Tier]:
    """Tiers of a run of `suite` under the conftest of this folder."""
    (folder / "conftest.py").write_text("from tests.conftest import *")
    (folder / "test_suite.py").write_text(suite)
    env = {
        **os.environ,
        "SYMNB_REQUIRE": require,
        "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:nbval",
    }
    return run_pytest([str(folder)], env)


def counts(tiers: dict[str, Tier]) -> dict[str, tuple[int, int, int]]:
    """(passed, failed, skipped) by tier."""
    return {name: (t.passed, t.failed, t.skipped) for name, t in tiers.items()}


def test_each_test_counts_in_its_most_demanding_tier(tmp_path: Path) -> None:
    tiers = run(
        tmp_path, SUITE.replace("mark.cc", "mark.ccc").replace("mark.gpu", "mark.gpus")
    )
    assert counts(tiers) == {"plain": (2, 0, 2), "slow": (1, 0, 1)}
    assert tiers["slow"].reasons == {"another day": 1}
    assert tiers["plain"].reasons == {"no GPU here": 1, "expected failure: not yet": 1}


@pytest.mark.cc
def test_a_test_with_two_needs_counts_once(tmp_path: Path) -> None:
    tiers = run(tmp_path, SUITE)
    assert counts(tiers)["cc"] == (1, 0, 0)
    assert counts(tiers)["slow"] == (1, 0, 1)


def test_a_missing_need_skips_and_fails_when_required(tmp_path: Path) -> None:
    lacking = (
        "import tests.conftest\ntests.conftest.NEEDS['gpu'] = lambda: 'none here'\n"
    )
    suite = lacking + "import pytest\n@pytest.mark.gpu\ndef test_it(): pass"
    tiers = run(tmp_path, suite)
    assert counts(tiers) == {"gpu": (0, 0, 1)}
    assert tiers["gpu"].reasons == {"gpu: none here": 1}
    assert counts(run(tmp_path, suite, "gpu")) == {"gpu": (0, 1, 0)}


def test_the_skip_of_a_whole_module_that_has_a_required_need_is_a_failure(
    tmp_path: Path,
) -> None:
    suite = (
        'import pytest\npytestmark = pytest.mark.gpu\npytest.importorskip("nothing_")'
    )
    assert counts(run(tmp_path, suite)) == {"plain": (0, 0, 1)}
    assert counts(run(tmp_path, suite, "gpu")) == {"plain": (0, 1, 0)}


BROKEN = {
    "a failing test": "def test_it(): assert False",
    "a failing set-up": (
        "import pytest\n@pytest.fixture\ndef f(): 1 / 0\ndef test_it(f): pass"
    ),
    "a failing teardown": (
        "import pytest\n@pytest.fixture\ndef f():\n    yield\n    1 / 0\n"
        "def test_it(f): pass"
    ),
    "a module that does not import": "import nothing_",
    "a crash": "import os\ndef test_it(): os._exit(0)",
}


@pytest.mark.parametrize("suite", BROKEN.values(), ids=BROKEN.keys())
def test_it_fails_on(suite: str, tmp_path: Path) -> None:
    tiers = run(tmp_path, suite)
    assert sum(tier.failed for tier in tiers.values()) == 1
    assert sum(tier.passed for tier in tiers.values()) == 0


def test_the_table_says_why() -> None:
    tiers = {
        "plain": Tier(passed=3, seconds=1.25),
        "gpu": Tier(skipped=7, reasons={"gpu: no NVIDIA GPU": 7}),
    }
    lines = table(tiers, frozenset({"cc"})).splitlines()
    rows = {line.split()[0]: line for line in lines if line}
    assert rows["plain"].split() == ["plain", "3", "0", "0", "1.2"]
    assert rows["gpu"].endswith("7 x gpu: no NVIDIA GPU")
    assert rows["cc"].endswith("no tests, but required by SYMNB_REQUIRE")
    assert rows["notebooks"].endswith("no notebooks")
