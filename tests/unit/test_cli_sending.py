"""Uploading in batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from pictures import zipped

from ocellus.archives import read_zip
from ocellus.cli import sending
from ocellus.cli.client import Server, ServerError
from ocellus.cli.sending import Summary, upload
from ocellus.errors import InvalidArchive


class FakeServer:
    """Keeps the batches; rejects files whose bytes are `bad`, and batches that have no other."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[str, bytes]]] = []

    def change(self, path: str, *, files: Any) -> Any:
        assert path == "/api/upload/training-data"
        entries = list(read_zip(files["file"][1]))
        self.batches.append([(entry.folder, entry.data) for entry in entries])
        good = [entry for entry in entries if entry.data != b"bad"]
        rejected = [{"name": e.name, "reason": "It is bad."} for e in entries if e not in good]
        if not good:
            raise ServerError("None can be used.", problem={"status": 400, "rejected": rejected})
        return {
            "outcomes": {"new": len(good)},
            "labels": {entry.folder: 1 for entry in good},
            "rejected": rejected,
            "new_samples": len(good),
            "threshold": 50,
            "run": None,
        }


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def send(server: FakeServer, source: Path) -> Summary:
    return upload(cast(Server, server), source)


def test_a_folder_is_sent_by_label(server: FakeServer, tmp_path: Path) -> None:
    files = {"cat/1.png": b"1", "train/dog/2.png": b"2", "cat/.DS_Store": b"x", ".git/a/b": b"x"}
    summary = send(server, folder(tmp_path, files))
    assert server.batches == [[("cat", b"1"), ("dog", b"2")]]
    assert (summary.files, summary.outcomes, summary.rejected) == (2, {"new": 2}, [])


def test_a_zip_is_sent_like_its_folder(server: FakeServer, tmp_path: Path) -> None:
    source = tmp_path / "set.zip"
    source.write_bytes(zipped(("cat/", b""), ("cat/1.png", b"1"), ("__MACOSX/cat/1.png", b"x")))
    send(server, source)
    assert server.batches == [[("cat", b"1")]]


def test_batches_keep_to_their_bytes_and_files(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BATCH_BYTES", 10)
    monkeypatch.setattr(sending, "BATCH_FILES", 3)
    sizes = [4, 4, 4, 30, 1, 1, 1, 1]
    files = {f"cat/{i}": bytes([65 + i]) * size for i, size in enumerate(sizes)}
    summary = send(server, folder(tmp_path, files))
    assert [[len(data) for _, data in batch] for batch in server.batches] == [
        [4, 4],
        [4],
        [30],
        [1, 1, 1],
        [1],
    ]
    assert summary.outcomes == {"new": 8}


def test_what_is_rejected_bears_its_own_name(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MAX_IMAGE_BYTES", 20)
    monkeypatch.setattr(sending, "BATCH_FILES", 2)
    files = {
        "a\\b: c/1.png": b"1",
        "cat/a\\..\\..\\2.png": b"bad",
        "cat/3.png": b"3",
        "dog/4.png": b"bad",
        "dog/5.png": b"x" * 21,
        "top.png": b"6",
    }
    summary = send(server, folder(tmp_path, files))
    reasons = {fault["name"]: fault["reason"] for fault in summary.rejected}
    assert "holds" in reasons.pop("a\\b: c/1.png")
    assert "21 bytes" in reasons.pop("dog/5.png")
    assert "no folder" in reasons.pop("top.png")
    assert reasons == {"cat/a\\..\\..\\2.png": "It is bad.", "dog/4.png": "It is bad."}
    assert summary.outcomes == {"new": 1}


@pytest.mark.parametrize("name", ["empty", "notes.txt"])
def test_what_holds_no_files_is_refused(server: FakeServer, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no zip")
    with pytest.raises(InvalidArchive, match=name) as caught:
        send(server, tmp_path / name)
    assert "one folder per label" in caught.value.remedy


def test_a_server_that_fails_ends_the_upload(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str, **request: Any) -> Any:
        raise ServerError("It is down.", problem={"status": 503})

    monkeypatch.setattr(server, "change", fail)
    with pytest.raises(ServerError, match="down"):
        send(server, folder(tmp_path, {"cat/1.png": b"1"}))
