"""POST /api/upload/sign over each back end: asked, sent, taken from the inbox, asked again."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from announced import announcement
from documented import assert_documented
from functions_framework.aio import create_asgi_app
from pictures import noise, zipped
from starlette.responses import Response

from ocellus import bootstrap
from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.signed_uploads import SignedUploads
from ocellus.dropped import parse_dropped
from ocellus.http import routing
from ocellus.samples import sha256_of
from ocellus.uploads import take_object

MAIN = str(Path(__file__).parents[2] / "functions" / "main.py")
TOKEN = "a token of the tests"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}
SIGN = "/api/upload/sign"


@pytest.fixture(params=["embedded", "gcp"])
def app(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[bootstrap.App]:
    """An installation of its own with no version."""
    monkeypatch.setenv("OCELLUS_SEED_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("OCELLUS_ADMIN_TOKEN", TOKEN)
    if request.param == "gcp":
        bucket = request.getfixturevalue("storage_bucket")
        emulator = request.getfixturevalue("storage_emulator")
        monkeypatch.setenv("OCELLUS_BACKEND", "gcp")
        monkeypatch.setenv("OCELLUS_PROJECT", request.getfixturevalue("firestore_project"))
        monkeypatch.setenv("OCELLUS_BUCKET", bucket)
        monkeypatch.setenv("OCELLUS_INBOX_BUCKET", emulator.new_bucket())
        monkeypatch.setenv("OCELLUS_REGION", "r")
        monkeypatch.setenv("OCELLUS_RUN_API", "http://127.0.0.1:9/v2")
    bootstrap.app.cache_clear()
    routing._token.cache_clear()
    app = bootstrap.app()
    yield app
    app.close()
    bootstrap.app.cache_clear()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_asgi_app("api", MAIN, "http"))  # type: ignore[no-untyped-call]
    hooks = {"response": [assert_documented]}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api", headers=AUTHORISED, event_hooks=hooks
    ) as client:
        yield client


Put = Callable[..., Any]


@pytest.fixture
async def put(app: bootstrap.App) -> AsyncIterator[Put]:
    """Send bytes as an answer says, and return the status."""
    transport = None
    if isinstance(app.inbox, DirectoryBlobs):
        transport = httpx.ASGITransport(SignedUploads(Response(status_code=404), app.inbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:

        async def send(answer: Any, data: bytes) -> int:
            upload = answer["upload"]
            response = await client.request(
                upload["method"], upload["url"], content=data, headers=upload["headers"]
            )
            return response.status_code

        yield send


def take_all(app: bootstrap.App) -> None:
    for name in app.inbox.list():
        headers, body = announcement(app.settings, name)
        event = parse_dropped(headers["ce-type"], json.loads(body), app.settings.inbox_bucket)
        take_object(app.inbox, app.blobs, app.state, event, time.time())


def offer(data: bytes, label: str | None = "cat", kind: str = "image/png") -> dict[str, Any]:
    return {
        "label": label,
        "sha256": sha256_of(data),
        "size_bytes": len(data),
        "content_type": kind,
    }


async def ask(client: httpx.AsyncClient, *files: object) -> Any:
    answer = await client.post(SIGN, json={"files": files})
    assert answer.status_code == 200, answer.text
    return answer.json()["files"]


async def test_an_image_is_signed_sent_taken_and_told_on_file(
    app: bootstrap.App, client: httpx.AsyncClient, put: Put
) -> None:
    image = offer(noise(1))
    (answer,) = await ask(client, image)
    assert answer["upload"]["resumable"] is False
    assert await put(answer, noise(2, side=64)) == 400  # more than was offered
    assert await put(answer, noise(1)) == 200
    assert await put(answer, noise(1)) == 412
    (answer,) = await ask(client, image)
    assert (answer["status"], answer["upload"]) == ("waiting", None)
    take_all(app)
    answers = await ask(client, image, offer(noise(1), "dog"))
    assert [a["status"] for a in answers] == ["on_file", "conflicting"]
    (sample,) = app.state.samples()
    assert (sample.label, sample.extension) == ("cat", "png")


async def test_a_zip_is_sent_resumably_and_the_history_tells_what_became_of_it(
    app: bootstrap.App, client: httpx.AsyncClient, put: Put
) -> None:
    data = zipped(("cat/1.png", noise(1)), ("dog/2.png", noise(2)))
    (answer,) = await ask(client, offer(data, None, "application/zip"))
    assert answer["upload"]["resumable"] is True
    assert await put(answer, data) == 200
    take_all(app)
    (event,) = (await client.get("/api/history")).json()["events"]
    assert event["action"] == "uploaded"
    assert (event["detail"]["object"], event["detail"]["new"]) == (answer["object"], 2)


async def test_one_bad_file_costs_no_other(app: bootstrap.App, client: httpx.AsyncClient) -> None:
    bad, good = await ask(client, offer(noise(1), ".cat"), offer(noise(1)))
    assert (bad["status"], good["status"]) == ("rejected", "upload")
    assert "leading dot" in bad["reason"]


@pytest.mark.parametrize("files", [None, {}, [], [{}] * 101])
async def test_what_is_no_list_of_files_is_refused(
    app: bootstrap.App, client: httpx.AsyncClient, files: object
) -> None:
    answer = await client.post(SIGN, json={"files": files})
    assert answer.status_code == 400
    assert answer.json()["remedy"]


async def test_signing_needs_the_token(app: bootstrap.App, client: httpx.AsyncClient) -> None:
    answer = await client.post(SIGN, json={"files": []}, headers={"Authorization": ""})
    assert answer.status_code == 401
