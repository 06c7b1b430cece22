"""Publishing: versions go into service, forward and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import MemoryBlobs, MemoryState
from tiny_version import TinyVersion

from ocellus.errors import Conflict, InvalidManifest, NotFound, StalePointer
from ocellus.manifest import INT8, blob_name
from ocellus.publishing import install_seed, promote, roll_back
from ocellus.versions import Pointer


class Service:
    """Three versions, v1 in service."""

    def __init__(self, tiny: TinyVersion) -> None:
        self.blobs, self.state = MemoryBlobs(), MemoryState()
        for name in ("v1", "v2", "v3"):
            tiny.install(self.blobs, self.state, name)
        self.promote("v1")

    def promote(self, version: str, **changes: Any) -> Pointer:
        words: dict[str, Any] = {"by": "admin", "reason": "tested", "now": 50.0} | changes
        return promote(self.blobs, self.state, version, **words)

    def roll_back(self) -> Pointer:
        return roll_back(self.blobs, self.state, by="admin", now=60.0)

    @property
    def serving(self) -> str | None:
        pointer = self.state.pointer()
        return pointer.version if pointer else None


@pytest.fixture
def service(tiny_version: TinyVersion) -> Service:
    return Service(tiny_version)


def test_promote_moves_the_pointer_and_remembers_who_and_why(service: Service) -> None:
    pointer = service.promote("v2")
    assert pointer == service.state.pointer() == Pointer("v2", "v1", 50.0, "admin", "tested")
    event = service.state.history()[0]
    assert (event.action, event.actor, event.detail["version"]) == ("promoted", "admin", "v2")


def test_the_first_promotion_has_no_previous(tiny_version: TinyVersion) -> None:
    blobs, state = MemoryBlobs(), MemoryState()
    tiny_version.install(blobs, state, "v1")
    assert promote(blobs, state, "v1", by="a", reason="b", now=1.0).previous is None


def test_promote_refuses_the_version_in_service(service: Service) -> None:
    with pytest.raises(Conflict, match="v1 is in service already"):
        service.promote("v1")


@pytest.mark.parametrize("name", ["v9", "", "latest", "../v1", "v0"])
def test_promote_refuses_what_is_no_version(service: Service, name: str) -> None:
    with pytest.raises(NotFound):
        service.promote(name)
    assert service.serving == "v1"


def test_promote_refuses_a_corrupted_artifact(service: Service) -> None:
    service.blobs.put(blob_name("v2", INT8), b"garbage", overwrite=True)
    with pytest.raises(InvalidManifest, match="v2/model.tflite"):
        service.promote("v2")
    assert service.serving == "v1"


def test_promote_refuses_a_version_whose_manifest_is_gone(service: Service) -> None:
    service.blobs.delete(blob_name("v2", "manifest.json"))
    with pytest.raises(NotFound, match="v2"):
        service.promote("v2")


def test_promote_refuses_a_stale_pointer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = service.state.pointer()
    service.promote("v3")
    monkeypatch.setattr(service.state, "pointer", lambda: seen)  # as read before that
    with pytest.raises(StalePointer):
        service.promote("v2")
    monkeypatch.undo()
    assert service.serving == "v3"


def test_rolling_back_returns_to_the_version_before(service: Service) -> None:
    service.promote("v2")
    pointer = service.roll_back()
    assert (pointer.version, pointer.previous) == ("v1", "v2")
    assert pointer.reason == "rolled back from v2"


def test_rolling_back_twice_returns_to_the_start(service: Service) -> None:
    service.promote("v2")
    service.roll_back()
    assert service.roll_back().version == "v2"


def test_rolling_back_the_first_version_is_refused(service: Service) -> None:
    with pytest.raises(NotFound, match="no version to roll back to"):
        service.roll_back()


def test_rolling_back_before_any_version_is_refused() -> None:
    with pytest.raises(NotFound, match="no version to roll back to"):
        roll_back(MemoryBlobs(), MemoryState(), by="admin", now=1.0)


def test_the_seed_goes_into_service(tiny_version: TinyVersion, tmp_path: Path) -> None:
    blobs, state = MemoryBlobs(), MemoryState()
    install_seed(blobs, state, tiny_version.write(tmp_path / "seed"), 70.0)
    pointer = state.pointer()
    assert pointer is not None
    assert (pointer.version, pointer.promoted_at, pointer.promoted_by) == ("v1", 70.0, "install")
    assert (state.version("v1").verdict, state.version("v1").accuracy) == ("seed", 0.9)
    assert blobs.get(blob_name("v1", INT8)) == tiny_version.artifact


def test_the_seed_is_installed_once(tiny_version: TinyVersion, tmp_path: Path) -> None:
    blobs, state = MemoryBlobs(), MemoryState()
    folder = tiny_version.write(tmp_path / "seed")
    install_seed(blobs, state, folder, 70.0)
    before = state.pointer()
    install_seed(blobs, state, folder, 80.0)
    assert state.pointer() == before


def test_an_installation_that_broke_off_is_finished(
    tiny_version: TinyVersion, tmp_path: Path
) -> None:
    blobs, state = MemoryBlobs(), MemoryState()
    blobs.put(blob_name("v1", INT8), tiny_version.artifact)
    install_seed(blobs, state, tiny_version.write(tmp_path / "seed"), 70.0)
    assert state.pointer() is not None


def test_the_seed_does_not_displace_a_version_in_service(
    service: Service, tiny_version: TinyVersion, tmp_path: Path
) -> None:
    service.promote("v2")
    install_seed(service.blobs, service.state, tiny_version.write(tmp_path / "seed"), 70.0)
    assert service.serving == "v2"


def test_a_corrupted_seed_is_refused(tiny_version: TinyVersion, tmp_path: Path) -> None:
    folder, blobs = tiny_version.write(tmp_path / "seed"), MemoryBlobs()
    (folder / INT8).write_bytes(b"garbage")
    with pytest.raises(InvalidManifest, match="v1/model.tflite"):
        install_seed(blobs, MemoryState(), folder, 70.0)
    assert blobs.blobs == {}
