"""The functions' archive, in an environment made only from `functions/requirements.txt`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from archive import SEED, make_archive
from deployed import Function
from drawings import stripes
from locked import link_locked

ROOT = Path(__file__).parents[2]
NOBODY = "127.0.0.1:9"  # discard: no store answers there
CLOUD = {
    "OCELLUS_BACKEND": "gcp",
    "OCELLUS_PROJECT": "p",
    "OCELLUS_BUCKET": "p-ocellus",
    "OCELLUS_INBOX_BUCKET": "p-ocellus-inbox",
    "OCELLUS_REGION": "europe-west1",
    "OCELLUS_RUN_API": f"http://{NOBODY}/v2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "FIRESTORE_EMULATOR_HOST": NOBODY,
    "STORAGE_EMULATOR_HOST": f"http://{NOBODY}",
}
READ = {"openapi.json", "requirements.txt", f"{SEED}/manifest.json", f"{SEED}/model.tflite"}
LOADED = """
import json, sys
sys.path.append(sys.argv[1])
import main
main.app()
print(json.dumps([m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)]))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("archive") / "functions.zip"
    make_archive(ROOT, target)
    return target


@pytest.fixture(scope="module")
def unpacked(archive: Path) -> Path:
    folder = archive.parent / "workspace"
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def clean(
    unpacked: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of a Python that has what the archive's lock names alone:
    ARCHIVE_PYTHON, where `make archive-check` installed it, or links to what is installed here.
    """
    if own := os.environ.get("ARCHIVE_PYTHON"):
        return [own, "-P"], {**CLOUD, "PYTHONPATH": ""}
    site = tmp_path_factory.mktemp("site")
    return [sys.executable, "-P", "-S"], CLOUD | link_locked(unpacked / "requirements.txt", site)


def test_it_is_under_10_mb_without_the_model(archive: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        sizes = {info.filename: info.file_size for info in zipped.infolist()}
    assert sum(size for name, size in sizes.items() if not name.startswith(SEED)) < 10e6


def test_the_same_sources_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    make_archive(ROOT, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_it_holds_nothing_but_what_runs(
    unpacked: Path, clean: tuple[list[str], dict[str, str]]
) -> None:
    """Every module is loaded by `main.py` and its adapters; the rest is read by name."""
    python, environ = clean
    program = [*python, "-c", LOADED, str(unpacked)]
    done = subprocess.run(program, env=os.environ | environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {Path(file) for file in json.loads(done.stdout)}
    found = {path for path in unpacked.rglob("*") if path.is_file()}
    assert {path.relative_to(unpacked).as_posix() for path in found - loaded} == READ


def test_a_cold_start_without_any_store_answers_with_the_packaged_model(
    unpacked: Path, clean: tuple[list[str], dict[str, str]], tmp_path: Path
) -> None:
    python, environ = clean
    log = tmp_path / "predict.log"
    function = Function("predict", environ, log, "http", python=python, source=unpacked)
    try:
        function.ready()
        answer = httpx.post(f"{function.url}/api/predict", content=stripes(1), timeout=30)
    finally:
        function.process.kill()  # told to end, it would try the stores for 20 s
        function.stop()
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == "v1"
