"""Events: a dropped file, a poisonous one, a malformed event, a tick."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from announced import announcement
from in_process import function
from pictures import noise

from ocellus import bootstrap, uploads
from ocellus.dropped import FINALIZED
from ocellus.errors import StoreUnavailable

HEADERS = {
    "ce-id": "1",
    "ce-source": "//storage.googleapis.com/projects/_/buckets/inbox",
    "ce-specversion": "1.0",
    "ce-type": FINALIZED,
    "content-type": "application/json",
}


@pytest.fixture
async def on_upload() -> AsyncIterator[httpx.AsyncClient]:
    transport = function("on_upload", "cloudevent")
    async with httpx.AsyncClient(transport=transport, base_url="http://on_upload") as client:
        yield client


async def send(client: httpx.AsyncClient, data: object, **headers: str) -> int:
    given = {f"ce-{name}": value for name, value in headers.items()}
    content = data if isinstance(data, bytes) else json.dumps(data)
    return (await client.post("/", content=content, headers=HEADERS | given)).status_code


async def announce(client: httpx.AsyncClient, app: bootstrap.App, name: str) -> int:
    headers, body = announcement(app.settings, name)
    return (await client.post("/", content=body, headers=headers)).status_code


def rejections(app: bootstrap.App) -> list[str]:
    history = app.state.history()
    return [event.detail["reason"] for event in history if event.action == "rejected"]


async def test_a_dropped_file_reaches_the_samples(
    on_upload: httpx.AsyncClient, app: bootstrap.App
) -> None:
    app.inbox.put("cat/1.png", noise(1))
    headers, body = announcement(app.settings, "cat/1.png")
    for _ in range(2):
        assert (await on_upload.post("/", content=body, headers=headers)).status_code == 200
    assert [sample.label for sample in app.state.samples()] == ["cat"]
    assert app.inbox.list() == []


async def test_enough_dropped_files_start_a_run(
    on_upload: httpx.AsyncClient, app: bootstrap.App
) -> None:
    for i in range(app.settings.retrain_threshold):
        app.inbox.put(f"cat/{i}.png", noise(i))
        await announce(on_upload, app, f"cat/{i}.png")
    assert [run.trigger for run in app.state.runs()] == ["threshold"]


async def test_what_cannot_be_used_is_set_aside_and_holds_nothing_up(
    on_upload: httpx.AsyncClient, app: bootstrap.App
) -> None:
    app.inbox.put("cat/1.png", b"text")
    app.inbox.put("cat/2.png", noise(2))
    for name in ["cat/1.png", "cat/2.png", "cat/1.png"]:
        if app.inbox.exists(name):
            assert await announce(on_upload, app, name) == 200
    assert app.inbox.list() == ["cat/1.png"]
    assert len(app.state.samples()) == 1
    (reason,) = rejections(app)
    assert "not an image" in reason


async def test_a_decoder_that_fails_is_answered_like_any_other_poison(
    on_upload: httpx.AsyncClient, app: bootstrap.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "probe", lambda data: {}[data])
    app.inbox.put("cat/1.png", noise(1))
    for _ in range(2):
        assert await announce(on_upload, app, "cat/1.png") == 200
    (reason,) = rejections(app)
    assert "KeyError" in reason
    assert app.inbox.list() == ["cat/1.png"]


async def test_only_what_waiting_can_mend_is_to_be_delivered_again(
    on_upload: httpx.AsyncClient, app: bootstrap.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> Any:
        raise StoreUnavailable("The store is down.")

    app.inbox.put("cat/1.png", noise(1))
    with monkeypatch.context() as broken:
        broken.setattr(app.state, "file_sample", unavailable)
        assert await announce(on_upload, app, "cat/1.png") == 500
    assert rejections(app) == []
    assert await announce(on_upload, app, "cat/1.png") == 200
    assert len(app.state.samples()) == 1


MALFORMED = [
    ({"name": None}, "names the object None"),
    ({"generation": None}, "generation None"),
    ({"generation": "newest"}, "generation 'newest'"),
    ({"size": "ten"}, "size 'ten'"),
    ({"bucket": None}, "bucket None"),
    ({"bucket": "models"}, "bucket 'models'"),
    ({"name": "cat/\ud800.png"}, "names the object"),
]


@pytest.mark.parametrize(("change", "reason"), MALFORMED)
async def test_a_malformed_event_is_accepted_and_recorded_once(
    on_upload: httpx.AsyncClient, app: bootstrap.App, change: dict[str, Any], reason: str
) -> None:
    app.inbox.put("cat/1.png", noise(1))
    _, body = announcement(app.settings, "cat/1.png")
    for event_id in ("1", "1", "2"):
        assert await send(on_upload, json.loads(body) | change, id=event_id) == 200
    (found,) = rejections(app)
    assert reason in found
    assert (app.inbox.list(), app.state.samples()) == (["cat/1.png"], [])


@pytest.mark.parametrize("data", [[1], "text", None, 7, b""])
async def test_an_event_without_an_object_is_accepted_and_recorded_once(
    on_upload: httpx.AsyncClient, app: bootstrap.App, data: object
) -> None:
    for _ in range(2):
        assert await send(on_upload, data) == 200
    assert len(rejections(app)) == 1


async def test_an_event_of_another_type_is_accepted_and_recorded_once(
    on_upload: httpx.AsyncClient, app: bootstrap.App
) -> None:
    app.inbox.put("cat/1.png", noise(1))
    _, body = announcement(app.settings, "cat/1.png")
    for _ in range(2):
        kind = "google.cloud.storage.object.v1.metadataUpdated"
        assert await send(on_upload, json.loads(body), type=kind) == 200
    (reason,) = rejections(app)
    assert "metadataUpdated" in reason
    assert app.state.samples() == []


async def test_what_is_stored_among_the_artifacts_triggers_nothing(
    on_upload: httpx.AsyncClient, app: bootstrap.App
) -> None:
    name = "samples/cat/1.png"
    app.blobs.put(name, noise(1))
    before = app.blobs.list()
    bucket = app.settings.gcp.bucket if app.settings.gcp else "blobs"
    data = {"bucket": bucket, "name": name, "generation": "1", "size": "9"}
    assert await send(on_upload, data) == 200
    assert (app.blobs.list(), app.state.samples(), app.state.runs()) == (before, [], [])


async def test_a_tick_tells_the_active_run() -> None:
    transport = function("on_tick")
    async with httpx.AsyncClient(transport=transport, base_url="http://on_tick") as client:
        assert (await client.post("/")).json() == {"active_run": None}
