"""A pytest plugin: counts what ran by tier and writes the counts as JSON.

A test's tier is the most demanding thing it needs: gpu, browser, slow, cc, or
nothing ("plain"); a notebook's cells are tier "notebooks". Used by tools/tiers.py
with `-p tools.tier_report --tier-report=FILE`.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

TIERS = ("plain", "cc", "slow", "notebooks", "browser", "gpu")
MARKS = ("gpu", "browser", "slow", "cc")


def tier_of(item: pytest.Item) -> str:
    """The tier of one collected test."""
    if item.path.suffix == ".ipynb":
        return "notebooks"
    return next((mark for mark in MARKS if item.get_closest_marker(mark)), "plain")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped, as one line."""
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        return f"expected failure: {expected}"
    return " ".join(text.removeprefix("Skipped: ").split())


class TierReport:
    """Counts outcomes, seconds and skip reasons by tier."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tiers: dict[str, str] = {}
        self.outcomes: dict[str, str] = {}
        self.seconds: Counter[str] = Counter()
        self.reasons: dict[str, Counter[str]] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Remember the tier of a test."""
        self.tiers[item.nodeid] = tier_of(item)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a module that was skipped whole or could not be imported."""
        if not report.passed:
            self.tiers.setdefault(report.nodeid, "plain")
            self.record(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test: set-up, call or teardown."""
        self.seconds[self.tiers[report.nodeid]] += report.duration
        if report.when == "call" or not report.passed:
            self.record(report)

    def record(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Take the outcome of `report`; a failure is never overwritten."""
        if self.outcomes.get(report.nodeid) == "failed":
            return
        self.outcomes[report.nodeid] = report.outcome
        if report.skipped:
            reasons = self.reasons.setdefault(self.tiers[report.nodeid], Counter())
            reasons[reason_of(report)] += 1

    def pytest_sessionfinish(self) -> None:
        """Write {tier: {passed, failed, skipped, seconds, reasons}}."""
        result: dict[str, dict[str, Any]] = {}
        for nodeid, outcome in self.outcomes.items():
            tier = self.tiers[nodeid]
            counts = result.setdefault(tier, {"passed": 0, "failed": 0, "skipped": 0})
            counts[outcome] += 1
        for tier, counts in result.items():
            counts["seconds"] = self.seconds[tier]
            counts["reasons"] = dict(self.reasons.get(tier, {}))
        self.path.write_text(json.dumps(result))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --tier-report."""
    parser.addoption("--tier-report", type=Path, help="write counts by tier as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting if a report was asked for."""
    if path := config.getoption("--tier-report"):
        config.pluginmanager.register(TierReport(path))
