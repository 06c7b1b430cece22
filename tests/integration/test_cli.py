"""The command line, against a server of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner, Result
from pictures import noise, picture
from tiny_version import TinyVersion

from ocellus.cli import main

Run = Callable[..., Result]
TOKEN = "a token of the tests"


@contextmanager
def serving(data: Path, **environ: str) -> Iterator[tuple[str, IO[str], subprocess.Popen[str]]]:
    """Start `ocellus serve` on a free port; give its first line, its output and its process."""
    command = [sys.executable, "-m", "ocellus.cli", "serve", "--port", "0", "--data-dir", str(data)]
    process = subprocess.Popen(
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process.stdout, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def url(tiny_version: TinyVersion, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with v1 in service."""
    folder = tmp_path_factory.mktemp("server")
    seed = str(tiny_version.write(folder / "seed"))
    environ = {"OCELLUS_SEED_DIR": seed, "OCELLUS_ADMIN_TOKEN": TOKEN}
    with serving(folder / "data", **environ) as (line, _, _):
        yield line.split()[-1]


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OCELLUS_URL", url)
    monkeypatch.setenv("OCELLUS_ADMIN_TOKEN", TOKEN)
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def red(tmp_path: Path) -> Path:
    path = tmp_path / "red.png"
    path.write_bytes(picture("red"))
    return path


def parsed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_serve_tells_its_address_and_the_token_once(tmp_path: Path) -> None:
    environ = {"OCELLUS_SEED_DIR": str(tmp_path / "none")}
    with serving(tmp_path / "data", **environ) as (line, output, process):
        token = (tmp_path / "data" / "admin-token").read_text()
        address, _, fragment = line.removeprefix("Ocellus is at ").partition("#")
        port = int(address.removeprefix("http://127.0.0.1:").removesuffix("/"))
        socket.create_connection(("127.0.0.1", port)).close()
        assert fragment == f"token={token}"
        assert str(tmp_path / "data" / "admin-token") in output.readline()
        assert "ocellus train --dataset" in output.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    with serving(tmp_path / "data", **environ) as (line, _, _):
        assert line.startswith("Ocellus is at http://127.0.0.1:")
        assert "token" not in line


def test_serve_on_a_taken_port_says_so(url: str, tmp_path: Path) -> None:
    port = url.rstrip("/").rpartition(":")[2]
    command = [sys.executable, "-m", "ocellus.cli", "serve", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"port {port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_predict_names_what_is_on_each_image(run: Run, red: Path) -> None:
    result = run("predict", red, red)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"{red}: red (99.9%, v1)"] * 2


def test_predict_goes_on_after_a_bad_file_and_exits_with_1(
    run: Run, red: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.jpg").write_text("I am no image.")
    result = run("predict", tmp_path / "notes.jpg", red, "--json")
    bad, good = json.loads(result.stdout)["results"]
    assert (bad["error"]["status"], good["label"], result.exit_code) == (400, "red", 1)
    assert "Send a whole JPEG" in result.stderr


def test_upload_files_a_folder_and_lists_what_is_rejected(run: Run, tmp_path: Path) -> None:
    for i, label in enumerate(["cat", "cat", "dog"]):
        (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / label / f"{i}.png").write_bytes(noise(i))
    (tmp_path / "set" / "dog" / "notes.jpg").write_text("I am no image.")
    result = run("upload", tmp_path / "set")
    assert result.exit_code == 0
    assert "3 new, 1 rejected (4 in all)." in result.stdout
    assert "  cat: 2 new" in result.stdout
    assert "dog/notes.jpg: The 14 bytes are not an image" in result.stderr
    again = parsed(run("upload", tmp_path / "set", "--json"))
    assert again["outcomes"] == {"duplicate": 3}


def test_upload_of_nothing_usable_exits_with_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "set" / "cat").mkdir(parents=True)
    (tmp_path / "set" / "cat" / "notes.jpg").write_text("I am no image.")
    result = run("upload", tmp_path / "set")
    assert result.exit_code == 1
    assert "1 rejected (1 in all)." in result.stdout


def test_models_marks_the_one_in_service(run: Run) -> None:
    assert run("models").stdout.startswith("* v1     90.0%     3 classes")
    assert parsed(run("models", "--json"))["pointer"]["version"] == "v1"


def test_status_tells_what_is_in_service(run: Run) -> None:
    assert run("status").stdout.startswith("ok: v1 is in service.\nUp for ")
    assert set(parsed(run("status", "--json"))) == {"health", "uptime", "retrain", "statistics"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("promote", "v1"), "v1 is in service already. Nothing needs to be done."),
        (("promote", "v9", "--json"), "There is no version v9."),
        (("rollback",), "There is no version to roll back to. Promote one by name instead."),
    ],
)
def test_a_refusal_is_told_on_stderr(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_without_a_token_a_change_says_where_to_get_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCELLUS_ADMIN_TOKEN")
    result = run("rollback")
    assert result.exit_code == 1
    assert "Set OCELLUS_ADMIN_TOKEN, or OCELLUS_DATA_DIR" in result.stderr


def test_the_token_is_found_in_the_data_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OCELLUS_ADMIN_TOKEN")
    monkeypatch.setenv("OCELLUS_DATA_DIR", str(tmp_path))
    (tmp_path / "admin-token").write_text(TOKEN)
    assert "no version to roll back to" in run("rollback").stderr


def test_a_malformed_setting_names_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCELLUS_TICK_S", "often")
    result = run("status")
    assert result.exit_code == 1
    assert "OCELLUS_TICK_S is 'often'" in result.stderr
