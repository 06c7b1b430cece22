"""How the Firestore emulator is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulators import firestore
from emulators.firestore import EmulatorMissing, find_jar


def test_a_named_jar_comes_first(tmp_path: Path) -> None:
    jar = tmp_path / "emulator.jar"
    jar.touch()
    assert find_jar({"FIRESTORE_EMULATOR_JAR": str(jar), "PATH": ""}) == jar


def test_a_named_jar_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(EmulatorMissing, match="FIRESTORE_EMULATOR_JAR"):
        find_jar({"FIRESTORE_EMULATOR_JAR": str(tmp_path / "absent.jar")})


def test_the_jar_of_the_sdk_on_the_path_is_found(tmp_path: Path) -> None:
    sdk, links = tmp_path / "sdk", tmp_path / "links"
    jar = sdk / "platform" / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    for folder in (sdk / "bin", links, jar.parent):
        folder.mkdir(parents=True)
    jar.touch()
    (sdk / "bin" / "gcloud").touch(mode=0o755)
    (links / "gcloud").symlink_to(sdk / "bin" / "gcloud")
    assert find_jar({"PATH": str(links)}) == jar


def test_a_machine_without_the_emulator_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(firestore, "_SDK_ROOTS", ())
    with pytest.raises(EmulatorMissing, match="gcloud components install"):
        find_jar({"PATH": ""})
