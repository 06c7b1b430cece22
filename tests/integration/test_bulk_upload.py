"""500 images by signed URLs from the command line: killed, repeated, each on file once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deployed import deployed
from emulators.storage import StorageEmulator
from pictures import noise
from server import Server, until

from ocellus.bootstrap import App, build
from ocellus.settings import Settings

FILES = 500
TOKEN = "a token of the tests"


@dataclass(frozen=True)
class Platform:
    """Where the command line uploads to, and the ports behind it."""

    url: str
    app: App


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of an installation without a version, which starts no run."""
    return {
        "OCELLUS_ADMIN_TOKEN": TOKEN,
        "OCELLUS_DATA_DIR": str(tmp_path / "data"),
        "OCELLUS_SEED_DIR": str(tmp_path / "none"),
        "OCELLUS_RETRAIN_THRESHOLD": "100000",
    }


@pytest.fixture
def embedded(environ: dict[str, str], tmp_path: Path) -> Iterator[Platform]:
    server = Server(tmp_path / "data", environ)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin-token").write_text(TOKEN)
    app = build(Settings.from_env(environ))
    try:
        yield Platform(server.start().url, app)
    finally:
        server.stop()
        app.close()


@pytest.fixture
def gcp(
    environ: dict[str, str],
    tmp_path: Path,
    firestore_project: str,
    storage_bucket: str,
    storage_emulator: StorageEmulator,
) -> Iterator[Platform]:
    inbox = storage_emulator.new_bucket()
    environ |= {
        "OCELLUS_BACKEND": "gcp",
        "OCELLUS_PROJECT": firestore_project,
        "OCELLUS_BUCKET": storage_bucket,
        "OCELLUS_INBOX_BUCKET": inbox,
        "OCELLUS_REGION": "r",
        "OCELLUS_RUN_API": "http://127.0.0.1:9/v2",
    }
    app = build(Settings.from_env(environ))
    with (
        deployed("api", environ, tmp_path / "api.log", "http") as url,
        deployed("on_upload", environ, tmp_path / "on_upload.log") as on_upload,
    ):
        storage_emulator.announce(inbox, on_upload)
        yield Platform(url, app)
    app.close()


@pytest.fixture(params=["embedded", "gcp"])
def platform(request: pytest.FixtureRequest) -> Platform:
    found: Platform = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for i in range(FILES):
        folder = tmp_path / "set" / f"label {i % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.png").write_bytes(noise(i))
    return tmp_path / "set"


@pytest.fixture
def start_upload(platform: Platform, images: Path) -> Callable[[], subprocess.Popen[str]]:
    command = [sys.executable, "-m", "ocellus.cli", "upload", str(images), "--json"]
    environ = {**os.environ, "OCELLUS_URL": platform.url, "OCELLUS_ADMIN_TOKEN": TOKEN}
    pipe = subprocess.PIPE
    return lambda: subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, text=True)


def test_an_upload_killed_in_the_middle_is_finished_by_repeating_it(
    platform: Platform, start_upload: Callable[[], subprocess.Popen[str]]
) -> None:
    state = platform.app.state
    with start_upload() as first:
        until(lambda: state.new_samples() >= FILES // 5, 60, "a part to be on file")
        first.kill()
    assert first.returncode < 0
    assert state.new_samples() < FILES
    with start_upload() as second:
        printed, told = second.communicate(timeout=120)
    assert second.returncode == 0, told
    assert f"{FILES} of {FILES} files sent, {FILES} filed" in told
    summary = json.loads(printed)
    outcomes = summary["outcomes"]
    assert (outcomes["new"] + outcomes["duplicate"], summary["rejected"]) == (FILES, [])
    assert outcomes["new"] > 0
    assert outcomes["duplicate"] >= FILES // 5
    samples = state.samples()
    assert len({sample.sha256 for sample in samples}) == len(samples) == FILES
    assert state.new_samples() == FILES  # counted once each
    until(lambda: platform.app.inbox.list() == [], 10, "the inbox to be empty")
    assert len(platform.app.blobs.list("samples/")) == FILES
