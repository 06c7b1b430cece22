"""Resumable uploads on a laptop: what breaks off, what is late, what a crash leaves."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.part_files import KEPT_S
from ocellus.adapters.embedded.signed_uploads import SignedUploads

SIZE = 1000


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobs:
    return DirectoryBlobs(tmp_path / "inbox")


def put(blobs: DirectoryBlobs, url: str, data: bytes, content_range: str = "") -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(SignedUploads(Response(status_code=404), blobs))
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            headers = {"Content-Range": content_range} if content_range else {}
            return await client.put(url, content=data, headers=headers)

    return asyncio.run(send())


def break_off(blobs: DirectoryBlobs, url: str, data: bytes) -> list[Any]:
    """Send some bytes of a body and hang up; return what was answered."""
    answers: list[Any] = []
    messages = [
        {"type": "http.request", "body": data, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    headers = [(b"content-type", b"image/png")]
    scope: dict[str, Any] = {"type": "http", "method": "PUT", "path": url, "headers": headers}
    asyncio.run(SignedUploads(Response(), blobs)(scope, receive, send))
    return answers


def test_what_came_before_the_connection_broke_is_kept(blobs: DirectoryBlobs) -> None:
    url = blobs.start_upload("set", "application/zip", SIZE)
    assert break_off(blobs, url, b"x" * 600) == []
    assert put(blobs, url, b"", f"bytes */{SIZE}").headers["Range"] == "bytes=0-599"
    assert put(blobs, url, b"y" * 400, f"bytes 600-999/{SIZE}").status_code == 200
    assert blobs.get("set") == b"x" * 600 + b"y" * 400


def test_a_single_put_that_broke_off_stores_nothing(blobs: DirectoryBlobs) -> None:
    url = blobs.sign_upload("cat/1.png", "image/png", SIZE, 60).url
    assert break_off(blobs, url, b"x") == []
    assert blobs.list() == []


def test_bytes_that_are_there_may_come_again(blobs: DirectoryBlobs) -> None:
    url = blobs.start_upload("set", "application/zip", SIZE)
    for _ in range(2):
        put(blobs, url, b"x" * 600, f"bytes 0-599/{SIZE}")
    assert put(blobs, url, b"x" * SIZE).status_code == 200
    assert blobs.get("set") == b"x" * SIZE


@pytest.mark.parametrize(
    "content_range",
    ["600-999/1000", "bytes 0-999/*", "bytes 0-1000/1000", "bytes 5-4/1000", "bytes -/1000", "x"],
)
def test_a_range_that_is_none_is_refused(blobs: DirectoryBlobs, content_range: str) -> None:
    url = blobs.start_upload("set", "application/zip", SIZE)
    assert put(blobs, url, b"x" * SIZE, content_range).status_code == 400
    assert blobs.list() == []


def test_a_body_that_is_not_its_range_is_refused(blobs: DirectoryBlobs) -> None:
    for length in (599, 601):
        url = blobs.start_upload("set", "application/zip", SIZE)
        assert put(blobs, url, b"x" * length, f"bytes 0-599/{SIZE}").status_code == 400
    assert blobs.list() == []


def test_a_session_ends_after_a_week(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = blobs.start_upload("set", "application/zip", SIZE)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + KEPT_S + 1)
    assert put(blobs, url, b"x" * SIZE).status_code == 400
    assert blobs.list() == []


def test_what_nobody_went_on_with_is_removed(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    old, new = (blobs.start_upload(name, "application/zip", SIZE) for name in ("old", "new"))
    for url in (old, new):
        put(blobs, url, b"x" * 600, f"bytes 0-599/{SIZE}")
    permit = blobs.read_permit(old.rpartition("/")[2])
    assert permit is not None
    long_ago = time.time() - KEPT_S - 1
    os.utime(blobs.parts.path(permit.session), (long_ago, long_ago))
    again = DirectoryBlobs(tmp_path / "inbox")
    assert "Range" not in put(again, old, b"", f"bytes */{SIZE}").headers
    assert put(again, new, b"", f"bytes */{SIZE}").headers["Range"] == "bytes=0-599"


def test_a_server_killed_while_it_stored_an_upload_has_stored_it(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = blobs.start_upload("set", "application/zip", SIZE)
    with monkeypatch.context() as killed:
        killed.setattr(blobs.parts, "finish", lambda session: None)
        put(blobs, url, b"x" * SIZE)
    assert put(blobs, url, b"", f"bytes */{SIZE}").status_code == 200
    assert blobs.get("set") == b"x" * SIZE
