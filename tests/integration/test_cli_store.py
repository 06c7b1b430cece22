"""The commands that read and write the store themselves, on both back ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocellus import bootstrap
from ocellus.cli import main

SEED = Path(__file__).parents[2] / "models" / "v1"
Run = Callable[..., Result]


@pytest.fixture(params=["embedded", "gcp"])
def run(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Run]:
    """Runs a command in a new installation, without any version at first."""
    if request.param == "gcp":
        for name, value in request.getfixturevalue("cloud_settings").items():
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("OCELLUS_SEED_DIR", str(tmp_path / "none"))
    bootstrap.app.cache_clear()
    yield lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])
    bootstrap.app().close()


def test_seed_puts_the_shipped_model_in_service_and_verify_finds_it_whole(run: Run) -> None:
    assert run("seed", SEED).stdout == "v1 is in service.\n"
    again = json.loads(run("seed", SEED, "--json").stdout)
    assert (again["pointer"]["version"], again["pointer"]["previous"]) == ("v1", None)
    assert run("verify", "v1").exit_code == 0


def test_verify_of_an_absent_version_says_so(run: Run) -> None:
    result = run("verify", "v1")
    assert result.exit_code == 1
    assert "v1" in result.stderr
