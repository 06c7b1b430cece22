"""The command line, as far as it needs no server."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ocellus.cli import main
from ocellus.cli.client import Server
from ocellus.cli.images import described

COMMANDS = sorted(main.commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself_by_example(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert f"Example: ocellus {command}" in result.output
    assert ("--json" in result.output) == (command != "serve")


@pytest.mark.parametrize(
    ("unsure", "none_of_these", "line"),
    [
        (False, False, "ship (88.0%, v1)"),
        (True, False, "ship (88.0%, unsure, v1)"),
        (True, True, "none of these (nearest ship, 88.0%, v1)"),
    ],
)
def test_an_answer_says_its_doubt(unsure: bool, none_of_these: bool, line: str) -> None:
    answer = {"label": "ship", "probability": 0.88, "version": "v1"}
    assert described({**answer, "unsure": unsure, "none_of_these": none_of_these}) == line


def test_the_readme_tells_every_command() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"ocellus {command}" not in readme] == []


@pytest.mark.parametrize("command", ["models", "status"])
def test_without_a_server_a_command_says_how_to_start_one(command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(main, [command, "--url", url])
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"No server answers at {url}. Start one with `ocellus serve`" in result.stderr


def test_a_url_that_is_none_is_told() -> None:
    result = CliRunner().invoke(main, ["models", "--url", "nonsense"])
    assert result.exit_code == 1
    assert "nonsense" in result.stderr


def test_a_dataset_trains_here_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[Any] = []

    def execute(*arguments: Any) -> None:
        executed.append(arguments)
        sys.exit(0)

    monkeypatch.setattr(os, "execv", execute)
    assert CliRunner().invoke(main, ["train", "--dataset", "cifar10"]).exit_code == 0
    command = [sys.executable, "-m", "training_job", "--dataset", "cifar10"]
    assert executed == [(sys.executable, command)]


@pytest.mark.parametrize(
    "option", ["--mode=full", "--follow", "--include-set-aside", "--json", "--url=http://x"]
)
def test_a_dataset_goes_alone(option: str) -> None:
    result = CliRunner().invoke(main, ["train", "--dataset", "cifar10", option])
    assert result.exit_code == 2
    assert "goes alone" in result.stderr


RUN = {"id": "r3", "status": "queued", "progress": None, "message": ""}


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """How the run that a server starts ends; a test may change it."""
    run = RUN | {"status": "promoted", "message": "promoted: better."}
    monkeypatch.setattr(Server, "change", lambda self, path, json: RUN | json)
    monkeypatch.setattr(Server, "get", lambda self, path, **query: {"run": run})
    return run


@pytest.mark.usefixtures("ended")
def test_a_run_is_started_and_left_alone() -> None:
    arguments = ["train", "--mode", "quick", "--include-set-aside", "--json"]
    result = CliRunner().invoke(main, arguments)
    asked = {"mode": "quick", "include_set_aside": True}
    assert (result.exit_code, json.loads(result.stdout)) == (0, RUN | asked)
    result = CliRunner().invoke(main, ["train"])
    assert (result.exit_code, result.stdout.startswith("Run r3 has started")) == (0, True)


@pytest.mark.parametrize(
    ("status", "exit_code"), [("promoted", 0), ("refused", 1), ("failed", 1), ("cancelled", 1)]
)
def test_a_followed_run_ends_with_its_sentence(
    ended: dict[str, Any], status: str, exit_code: int
) -> None:
    ended |= {"status": status, "message": "In words."}
    result = CliRunner().invoke(main, ["train", "--follow"])
    assert (result.exit_code, result.stdout) == (exit_code, f"r3 {status}: In words.\n")
