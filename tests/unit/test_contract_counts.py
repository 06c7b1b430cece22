"""The rule for contract tests, on small suites of a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import pytest
from pathlib import Path
from contract_counts import ContractCounts

def pytest_configure(config):
    config.pluginmanager.register(ContractCounts(Path(__file__).parent))

@pytest.fixture(params=["embedded", "gcp"])
def port(request):
    return request.param
"""
FAIR = "def test_fair(port): pass\n"
SKIPPED = FAIR + "def test_skipped(port):\n    if port == 'gcp': pytest.skip('no Java')\n"
EMBEDDED_ONLY = FAIR + (
    "@pytest.mark.parametrize('port', ['embedded'])\ndef test_embedded_only(port): pass\n"
)
NO_PORT = FAIR + "def test_of_nothing(): pass\n"


def run(folder: Path, tests: str, *arguments: str, **environ: str) -> tuple[int, str]:
    """Return the exit status and output of pytest on a suite."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text("import pytest\n" + tests)
    clean = {k: v for k, v in os.environ.items() if k != "ALLOW_MISSING_SERVICES"}
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, "."],
        cwd=folder,
        env=clean | {"PYTHONPATH": paths} | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_same_count_on_both_back_ends_is_said(tmp_path: Path) -> None:
    status, output = run(tmp_path, FAIR + FAIR.replace("fair", "just"))
    assert status == 0
    assert "contract tests: 2 passed on embedded in 0 s, 2 passed on gcp in 0 s" in output


@pytest.mark.parametrize(
    ("tests", "fault"),
    [
        (EMBEDDED_ONLY, "test_it.py::test_embedded_only: {'embedded': 1}"),
        (NO_PORT, "test_it.py::test_of_nothing: {'none': 1}"),
    ],
)
def test_a_test_that_lacks_a_back_end_stops_the_run(tmp_path: Path, tests: str, fault: str) -> None:
    status, output = run(tmp_path, tests)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert fault in output
    assert "test_fair" not in output


def test_a_choice_of_tests_may_lack_a_back_end(tmp_path: Path) -> None:
    status, _ = run(tmp_path, FAIR, "-k", "gcp")
    assert status == 0


def test_a_skipped_test_fails(tmp_path: Path) -> None:
    status, output = run(tmp_path, SKIPPED)
    assert status == 1
    assert "A contract test may not be left out" in output
    assert "no Java" in output


def test_a_skipped_test_is_allowed_where_services_may_be_missing(tmp_path: Path) -> None:
    status, output = run(tmp_path, SKIPPED, ALLOW_MISSING_SERVICES="1")
    assert status == 0
    assert "2 passed on embedded in 0 s, 1 passed on gcp" in output
