"""The contract of Blobs.start_upload."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import httpx
import pytest
from starlette.responses import Response

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.signed_uploads import SignedUploads
from ocellus.ports import Blobs

PART = 256 * 1024
DATA = bytes(range(256)) * (2 * PART // 256) + b"the end"
SIZE = len(DATA)


class Put(Protocol):
    def __call__(
        self, url: str, data: bytes, content_range: str | None = None
    ) -> httpx.Response: ...


@pytest.fixture
def put(blobs: Blobs) -> Put:
    transport = None
    if isinstance(blobs, DirectoryBlobs):
        transport = httpx.ASGITransport(SignedUploads(Response(status_code=404), blobs))

    async def send(url: str, data: bytes, content_range: str | None) -> httpx.Response:
        headers = {"Content-Range": content_range} if content_range else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.put(url, content=data, headers=headers)

    return lambda url, data, content_range=None: asyncio.run(send(url, data, content_range))


def part(first: int, end: int, size: int = SIZE) -> tuple[bytes, str]:
    return DATA[first:end], f"bytes {first}-{end - 1}/{size}"


def start(blobs: Blobs) -> str:
    return blobs.start_upload("signed/set", "application/zip", SIZE, "http://site")


def test_an_upload_may_come_at_once(blobs: Blobs, put: Put) -> None:
    assert put(start(blobs), DATA).status_code == 200
    assert blobs.get("signed/set") == DATA


def test_an_upload_may_come_in_parts(blobs: Blobs, put: Put) -> None:
    url = start(blobs)
    for end in (PART, 2 * PART):
        answer = put(url, *part(end - PART, end))
        assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{end - 1}")
        assert blobs.list() == []
    assert put(url, *part(2 * PART, SIZE)).status_code == 200
    assert blobs.get("signed/set") == DATA
    assert blobs.list() == ["signed/set"]


def test_an_upload_that_broke_off_goes_on_where_it_was(
    open_blobs: Callable[[], Blobs], put: Put
) -> None:
    url = start(open_blobs())
    asks = f"bytes */{SIZE}"
    answer = put(url, b"", asks)
    assert (answer.status_code, answer.headers.get("Range")) == (308, None)
    put(url, *part(0, PART))
    blobs = open_blobs()
    answer = put(url, b"", asks)
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{PART - 1}")
    assert put(url, *part(PART, SIZE)).status_code == 200
    assert blobs.get("signed/set") == DATA
    assert put(url, b"", asks).status_code == 200


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1, 10 * SIZE])
def test_another_size_is_refused(blobs: Blobs, put: Put, size: int) -> None:
    url = start(blobs)
    assert put(url, *part(0, PART, size)).status_code == 400
    assert put(url, DATA, f"bytes 0-{SIZE - 1}/{size}").status_code == 400
    assert put(url, DATA + b"x").status_code == 400
    assert blobs.list() == []


def test_a_part_that_leaves_a_gap_is_refused(blobs: Blobs, put: Put) -> None:
    url = start(blobs)
    assert put(url, *part(PART, SIZE)).status_code >= 400
    assert put(url, DATA).status_code == 200
    assert blobs.get("signed/set") == DATA


def test_a_name_taken_meanwhile_is_refused_and_keeps_what_is_there(blobs: Blobs, put: Put) -> None:
    url, other = start(blobs), start(blobs)
    put(url, *part(0, PART))
    assert put(other, DATA).status_code == 200
    blobs.put("signed/set", b"other", overwrite=True)
    assert put(url, *part(PART, SIZE)).status_code == 412
    assert blobs.get("signed/set") == b"other"


@pytest.mark.parametrize("at", [-40, -20, -2])
def test_an_unknown_session_is_refused(blobs: Blobs, put: Put, at: int) -> None:
    url = start(blobs)
    altered = url[:at] + ("1" if url[at] == "0" else "0") + url[at + 1 :]
    assert 400 <= put(altered, DATA).status_code < 500
    assert blobs.list() == []


@pytest.mark.parametrize("name", ["", "/a", "a/", "../a", ".a"])
def test_to_what_is_no_name_no_upload_starts(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the contract sets no words)
        blobs.start_upload(name, "application/zip", 1)
