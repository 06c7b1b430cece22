"""Isolation from the machine, the emulators, and the tiny version that tests serve."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import pytest
import tiny_version as tiny
from emulators.firestore import FirestoreEmulator
from emulators.firestore_jar import EmulatorMissing, find_jar, find_java
from emulators.storage import StorageEmulator

RULES = Path(__file__).parents[1] / "web" / "firestore.rules"


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and no test writes outside its folder."""
    for name in [name for name in os.environ if name.startswith("OCELLUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OCELLUS_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def storage_emulator() -> Iterator[StorageEmulator]:
    emulator = StorageEmulator(page_size=2)  # so that listings have pages
    yield emulator
    emulator.stop()


@pytest.fixture
def storage_bucket(storage_emulator: StorageEmulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the test's own, empty, in the emulator."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_emulator.url)
    return storage_emulator.new_bucket()


@pytest.fixture
def cloud_settings(
    firestore_project: str, storage_bucket: str, storage_emulator: StorageEmulator
) -> dict[str, str]:
    """The settings of a new installation on the emulators, its artifacts in `storage_bucket`. The
    first start of a trainer would find no Cloud Run.
    """
    return {
        "OCELLUS_BACKEND": "gcp",
        "OCELLUS_PROJECT": firestore_project,
        "OCELLUS_BUCKET": storage_bucket,
        "OCELLUS_INBOX_BUCKET": storage_emulator.new_bucket(),
        "OCELLUS_REGION": "europe-west1",
        "OCELLUS_RUN_API": "http://127.0.0.1:9/v2",  # discard: nobody listens
    }


@pytest.fixture(scope="session")
def tiny_version(request: pytest.FixtureRequest) -> tiny.TinyVersion:
    """A version that tells red, green and blue apart; converted once per TensorFlow version."""
    source = Path(tiny.__file__)
    key = hashlib.sha256(version("tensorflow-cpu").encode() + source.read_bytes()).hexdigest()[:16]
    assert request.config.cache is not None
    path = request.config.cache.mkdir("tiny_version") / f"{key}.tflite"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        subprocess.run([sys.executable, source, part], check=True, capture_output=True, timeout=240)
        part.replace(path)
    return tiny.TinyVersion(path.read_bytes())


@pytest.fixture(scope="session")
def firestore_installed() -> None:
    """The Firestore emulator can be started."""
    try:
        find_java(), find_jar()
    except EmulatorMissing as e:
        if os.environ.get("ALLOW_MISSING_SERVICES") == "1":
            pytest.skip(str(e))
        pytest.fail(f"{e} Or leave its tests out with ALLOW_MISSING_SERVICES=1.")


@pytest.fixture(scope="session")
def firestore_emulator(firestore_installed: None) -> Iterator[FirestoreEmulator]:
    emulator = FirestoreEmulator(RULES)
    yield emulator
    emulator.stop()


@pytest.fixture
def firestore_project(
    firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A project of the test's own, empty, in the emulator."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)
    return f"test-{uuid4().hex}"
