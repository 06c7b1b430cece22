"""Uploading by signed URLs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from pictures import noise, zipped

from ocellus.cli import sources
from ocellus.cli.client import Server, ServerError
from ocellus.cli.delivery import patiently
from ocellus.cli.sending import MAX_SENDS, upload
from ocellus.cli.summary import Summary
from ocellus.errors import InvalidArchive
from ocellus.samples import sha256_of

STARTED_AT = 1000.0


class FakeServer:
    """Files what it is sent when it is next asked; `faults` are answers to come instead of 200."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.sent: Counter[str] = Counter()
        self.inbox: dict[str, bytes] = {}
        self.on_file: dict[str, str] = {}
        self.faults: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.files_what_it_gets = True
        self.run: dict[str, str] | None = None

    def get(self, path: str, **query: Any) -> Any:
        if path == "/api/history":
            assert query["limit"] <= 500
            return {"events": self.events}
        assert path == "/api/retrain/status"
        new = len(self.on_file)
        return {"run": self.run, "new_samples": new, "threshold": 50, "now": STARTED_AT}

    def change(self, path: str, *, json: Any) -> Any:
        assert path == "/api/upload/sign"
        self.asked.append([offer["sha256"] for offer in json["files"]])
        if self.files_what_it_gets:
            for name in list(self.inbox):
                _, label, sha256 = name.split("/")
                assert sha256_of(self.inbox.pop(name)) == sha256
                self.on_file[sha256] = label
        return {"files": [self._answer(**offer) for offer in json["files"]]}

    def _answer(self, label: str, sha256: str, size_bytes: int, content_type: str) -> Any:
        assert content_type == "image/png"
        name = f"signed/{label}/{sha256}"
        status = "waiting" if name in self.inbox else "upload"
        if filed_as := self.on_file.get(sha256):
            status = "on_file" if filed_as == label else "conflicting"
        return {"status": status, "object": name, "upload": {"url": name}, "reason": "Why not."}

    def send(self, upload: Mapping[str, Any], data: bytes) -> httpx.Response:
        status = self.faults.pop(0) if self.faults else 200
        if status == 0:
            raise ServerError("It broke off.")
        self.sent[upload["url"]] += 1
        if status in (200, 412):  # 412: it came from elsewhere just before
            self.inbox[upload["url"]] = data
        return httpx.Response(status, text="the store's words")


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No pause is taken; how long each would have been."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def images(number: int) -> dict[str, bytes]:
    return {f"cat/{i:03}.png": noise(i) for i in range(number)}


def send(server: FakeServer, source: Path, patience_s: float = 60.0) -> Summary:
    return upload(cast(Server, server), source, patience_s)


def test_a_folder_is_filed_by_label(server: FakeServer, tmp_path: Path) -> None:
    files = {"cat/1.png": noise(1), "train/dog/2.png": noise(2), "cat/.DS_Store": b"x"}
    summary = send(server, folder(tmp_path, files | {".git/a/b": b"x"}))
    assert sorted(server.on_file.values()) == ["cat", "dog"]
    assert (summary.files, summary.outcomes, summary.rejected) == (2, {"new": 2}, [])
    assert summary.labels == {"cat": 1, "dog": 1}
    assert (summary.new_samples, summary.threshold, summary.waiting) == (2, 50, 0)


def test_a_zip_is_sent_like_its_folder(server: FakeServer, tmp_path: Path) -> None:
    source = tmp_path / "set.zip"
    source.write_bytes(zipped(("cat/", b""), ("cat/1.png", noise(1)), ("__MACOSX/cat/1", b"x")))
    assert send(server, source).outcomes == {"new": 1}
    assert list(server.on_file.values()) == ["cat"]


def test_every_file_is_sent_once_and_asked_about_a_hundred_at_a_time(
    server: FakeServer, tmp_path: Path
) -> None:
    summary = send(server, folder(tmp_path, images(250)))
    assert summary.outcomes == {"new": 250}
    assert set(server.sent.values()) == {1}
    assert [len(asked) for asked in server.asked[:3]] == [100, 100, 50]
    assert max(len(asked) for asked in server.asked) == 100


def test_what_is_on_file_or_in_the_inbox_is_not_sent_again(
    server: FakeServer, tmp_path: Path
) -> None:
    source = folder(tmp_path, images(3))
    server.on_file[sha256_of(noise(0))] = "cat"
    server.inbox[f"signed/cat/{sha256_of(noise(1))}"] = noise(1)
    server.files_what_it_gets = False
    assert send(server, source, patience_s=-1).waiting == 2
    server.files_what_it_gets = True
    assert send(server, source).outcomes == {"duplicate": 3}
    assert sum(server.sent.values()) == 1


def test_what_is_rejected_bears_its_own_name(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_IMAGE_BYTES", 5000)
    files = {
        "a\\b: c/1.png": noise(1),
        "cat/a\\..\\..\\2.png": b"I am a text.",
        "cat/3.png": noise(3),
        "cat/4.png": noise(4),
        "dog/4.png": noise(4),
        "dog/5.png": b"x" * 5001,
        "dog/6.png": noise(6),
        "dog/7.png": noise(6),
        "top.png": noise(8),
    }
    server.on_file[sha256_of(noise(3))] = "horse"
    summary = send(server, folder(tmp_path, files))
    reasons = {fault["name"]: fault["reason"] for fault in summary.rejected}
    assert "holds" in reasons.pop("a\\b: c/1.png")
    assert "not an image" in reasons.pop("cat/a\\..\\..\\2.png")
    assert "cat/4.png, of another label" in reasons.pop("dog/4.png")
    assert "5001 bytes" in reasons.pop("dog/5.png")
    assert "no folder" in reasons.pop("top.png")
    assert reasons == {"cat/3.png": "Why not."}
    assert summary.outcomes == {"new": 2, "conflicting": 2, "duplicate": 1}


@pytest.mark.parametrize("fault", [0, 429, 503])
def test_a_fault_that_passes_is_not_seen(
    server: FakeServer, tmp_path: Path, slept: list[float], fault: int
) -> None:
    server.faults = [fault] * 6
    assert send(server, folder(tmp_path, images(1))).outcomes == {"new": 1}
    assert slept == [0.5, 1, 2, 4, 8, 16]


def test_a_store_that_stays_away_ends_the_upload(server: FakeServer, tmp_path: Path) -> None:
    server.faults = [503] * 100
    with pytest.raises(ServerError, match="503"):
        send(server, folder(tmp_path, images(3)))


def test_a_name_that_is_taken_counts_as_sent(server: FakeServer, tmp_path: Path) -> None:
    server.faults = [412]
    assert send(server, folder(tmp_path, images(1))).outcomes == {"new": 1}
    assert server.sent.total() == 1


def test_leave_that_expired_is_asked_for_again(server: FakeServer, tmp_path: Path) -> None:
    server.faults = [400] * (MAX_SENDS - 1)
    assert send(server, folder(tmp_path, images(1))).outcomes == {"new": 1}


def test_what_the_store_refuses_again_and_again_is_told(server: FakeServer, tmp_path: Path) -> None:
    server.faults = [403] * MAX_SENDS
    summary = send(server, folder(tmp_path, images(1)))
    (fault,) = summary.rejected
    assert fault["name"] == "cat/000.png"
    assert "Sent 3 times. 403" in fault["reason"]
    assert "the store's words" in fault["reason"]


def rejection(name: str, at: float) -> dict[str, Any]:
    detail = {"object": name, "file": name, "reason": "It is bad."}
    return {"at": at, "actor": "inbox", "action": "rejected", "detail": detail}


def test_what_was_rejected_at_filing_is_found_in_the_history(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"signed/cat/{sha256_of(noise(i))}" for i in range(3)]
    server.events = [
        {"at": 1.0, "actor": "admin", "action": "promoted", "detail": {"version": "v2"}},
        rejection("an event", STARTED_AT + 1),
        rejection(names[1], STARTED_AT - 1),  # of an earlier upload of the same bytes
    ]
    send_to_store = server.send

    def reject_the_first(upload: Mapping[str, Any], data: bytes) -> httpx.Response:
        answer = send_to_store(upload, data)
        if server.inbox.pop(names[0], None):
            server.events.append(rejection(names[0], STARTED_AT + 1))
        return answer

    monkeypatch.setattr(server, "send", reject_the_first)
    summary = send(server, folder(tmp_path, images(3)))
    assert summary.rejected == [{"name": "cat/000.png", "reason": "It is bad."}]
    assert summary.outcomes == {"new": 2}
    assert set(server.sent.values()) == {1}


def test_a_run_that_started_meanwhile_is_told(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.run = {"id": "r1"}
    assert send(server, folder(tmp_path, images(1))).run is None
    change = server.change

    def start(path: str, *, json: Any) -> Any:
        server.run = {"id": "r2"}
        return change(path, json=json)

    monkeypatch.setattr(server, "change", start)
    assert send(server, tmp_path).run == "r2"


@pytest.mark.parametrize("name", ["empty", "notes.txt"])
def test_what_holds_no_files_is_refused(server: FakeServer, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no zip")
    with pytest.raises(InvalidArchive, match=name) as caught:
        send(server, tmp_path / name)
    assert "one folder per label" in caught.value.remedy


def test_what_does_not_pass_is_not_tried_again(slept: list[float]) -> None:
    def refuse() -> None:
        raise ServerError("The token is wrong.", problem={"status": 401})

    with pytest.raises(ServerError, match="token"):
        patiently(refuse)
    assert slept == []
