"""The Google Cloud back end wired from its settings, on the emulators."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawings import stripes
from emulators.storage import StorageEmulator

from ocellus.bootstrap import App, admin_token, build, seed_folder
from ocellus.errors import InvalidSetting
from ocellus.publishing import install_seed
from ocellus.settings import Settings


@pytest.fixture
def settings(
    firestore_project: str, storage_bucket: str, storage_emulator: StorageEmulator, tmp_path: Path
) -> Settings:
    return Settings.from_env(
        {
            "OCELLUS_BACKEND": "gcp",
            "OCELLUS_PROJECT": firestore_project,
            "OCELLUS_REGION": "europe-west1",
            "OCELLUS_BUCKET": storage_bucket,
            "OCELLUS_INBOX_BUCKET": storage_emulator.new_bucket(),
            "OCELLUS_RUN_API": "http://127.0.0.1:9/v2",
            "OCELLUS_SEED_DIR": str(tmp_path / "nothing is packaged"),
        }
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[App]:
    app = build(settings)
    yield app
    app.close()


def test_the_seed_is_installed_once_and_served_from_the_bucket(app: App) -> None:
    seed = seed_folder(Settings())
    assert seed is not None
    for _ in range(2):
        install_seed(app.blobs, app.state, seed, time.time())
    pointer = app.state.pointer()
    assert pointer is not None
    assert (pointer.version, pointer.promoted_by) == ("v1", "install")
    assert [version.name for version in app.state.versions()] == ["v1"]
    classifier = app.serving.classifier()
    assert app.serving.fault is None
    assert classifier.manifest.version == "v1"
    assert classifier.classify(stripes(0)).version == "v1"


def test_without_an_admin_token_nothing_can_be_changed_and_that_is_said(
    settings: Settings,
) -> None:
    with pytest.raises(InvalidSetting, match="OCELLUS_ADMIN_TOKEN is not set") as refused:
        admin_token(settings)
    assert "api function" in refused.value.remedy
