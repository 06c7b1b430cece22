"""Holds a folder's tests to one rule: every test on every back end, and none left out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

BACK_ENDS = ("embedded", "gcp")


class ContractCounts:
    """A plugin: refuses a test that lacks a back end, fails one that is skipped (but where
    ALLOW_MISSING_SERVICES=1 allows it), and says at the end how many passed on each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._back_ends: dict[str, str] = {}
        """By node id: the back end of each test of the folder."""
        self._passed: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)  # before anything is deselected
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for item in items:
            if self._folder in item.path.parents:
                back_end = _back_end(item)
                self._back_ends[item.nodeid] = back_end
                found[item.nodeid.partition("[")[0]][back_end] += 1
        partial = config.getoption("lf", False) or any("::" in argument for argument in config.args)
        lacking = {
            test: dict(counts)
            for test, counts in found.items()
            if set(counts) != set(BACK_ENDS) or len(set(counts.values())) > 1
        }
        if lacking and not partial:
            listed = "".join(f"\n  {test}: {counts}" for test, counts in lacking.items())
            raise pytest.UsageError(
                f"Every contract test runs as often on each of {', '.join(BACK_ENDS)}; not so:"
                + listed
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        allowed = os.environ.get("ALLOW_MISSING_SERVICES") == "1"
        if report.skipped and item.nodeid in self._back_ends and not allowed:
            report.outcome = "failed"
            report.longrepr = f"A contract test may not be left out: {report.longreprtext}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if back_end := self._back_ends.get(report.nodeid):
            self._seconds[back_end] += report.duration
            self._passed[back_end] += report.when == "call" and report.passed

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._passed:
            counts = (
                f"{self._passed[name]} passed on {name} in {self._seconds[name]:.0f} s"
                for name in BACK_ENDS
            )
            terminalreporter.write_line(f"contract tests: {', '.join(counts)}")


def _back_end(item: pytest.Item) -> str:
    """Return the back end that the test is for, by a fixture's parameter."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((p for p in parameters if isinstance(p, str) and p in BACK_ENDS), "none")
