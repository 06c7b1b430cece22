"""The contract of Blobs.sign_upload."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from starlette.responses import Response

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.signed_uploads import SignedUploads
from ocellus.ports import Blobs
from ocellus.signed_upload import SignedUpload

Send = Callable[[SignedUpload, bytes], int]


@pytest.fixture
def send(blobs: Blobs) -> Send:
    """Do what the signed upload says with these bytes, and return the status."""

    transport = None
    if isinstance(blobs, DirectoryBlobs):
        transport = httpx.ASGITransport(SignedUploads(Response(status_code=404), blobs))

    async def put(signed: SignedUpload, data: bytes) -> int:
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            answer = await client.put(signed.url, content=data, headers=signed.headers)
        return answer.status_code

    return lambda signed, data: asyncio.run(put(signed, data))


def refused(status: int) -> bool:
    return 400 <= status < 500


@pytest.mark.parametrize("name", ["cat/1.png", "label with space/é+&().png", "数字/~1.png"])
def test_a_signed_upload_stores_the_blob(blobs: Blobs, send: Send, name: str) -> None:
    signed = blobs.sign_upload(name, "image/png", 1000, 60)
    assert send(signed, b"x" * 1000) == 200
    assert blobs.get(name) == b"x" * 1000
    assert blobs.list() == [name]


def test_a_body_over_the_limit_is_refused(blobs: Blobs, send: Send) -> None:
    signed = blobs.sign_upload("cat/1.png", "image/png", 1000, 60)
    assert refused(send(signed, b"x" * 1001))
    assert refused(send(signed, b"x" * 1_000_000))
    assert blobs.list() == []


def test_another_content_type_is_refused(blobs: Blobs, send: Send) -> None:
    signed = blobs.sign_upload("cat/1.png", "image/png", 1000, 60)
    headers = {**signed.headers, "Content-Type": "text/html"}
    assert refused(send(replace(signed, headers=headers), b"x"))
    assert blobs.list() == []


def test_a_taken_name_is_refused_and_keeps_what_is_there(blobs: Blobs, send: Send) -> None:
    signed = blobs.sign_upload("cat/1.png", "image/png", 1000, 60)
    assert send(signed, b"first") == 200
    assert refused(send(signed, b"second"))
    assert blobs.get("cat/1.png") == b"first"


@pytest.mark.parametrize("at", [0.3, 0.6, 1])
def test_an_altered_url_is_refused(blobs: Blobs, send: Send, at: float) -> None:
    signed = blobs.sign_upload("cat/1.png", "image/png", 1000, 60)
    url, position = signed.url, int(at * (len(signed.url) - 1))
    altered = url[:position] + ("1" if url[position] == "0" else "0") + url[position + 1 :]
    assert refused(send(replace(signed, url=altered), b"x"))
    assert blobs.list() == []


def test_leave_to_upload_expires(
    blobs: Blobs, send: Send, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    signed = blobs.sign_upload("cat/1.png", "image/png", 1000, 1)

    def too_late() -> bool:
        blobs.delete("cat/1.png")
        return refused(send(signed, b"x"))

    wait_until(too_late)
    assert blobs.list() == []


def test_whoever_did_not_sign_an_upload_takes_it_too(
    open_blobs: Callable[[], Blobs], send: Send
) -> None:
    assert send(open_blobs().sign_upload("cat/1.png", "image/png", 1000, 60), b"x") == 200


@pytest.mark.parametrize("name", ["", "/a", "a/", "../a", ".a"])
def test_what_is_no_name_is_not_signed(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the contract sets no words)
        blobs.sign_upload(name, "image/png", 1000, 60)
