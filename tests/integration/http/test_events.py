"""Events: a dropped file, a tick."""

from __future__ import annotations

import json

import httpx
from in_process import function
from pictures import noise

from ocellus import bootstrap


async def test_a_dropped_file_reaches_the_samples(app: bootstrap.App) -> None:
    app.inbox.put("cat/1.png", noise(1))
    event = {"bucket": "inbox", "name": "cat/1.png", "generation": "1"}
    headers = {
        "ce-id": "1",
        "ce-source": "//storage.googleapis.com/projects/_/buckets/inbox",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "content-type": "application/json",
    }
    transport = function("on_upload", "cloudevent")
    async with httpx.AsyncClient(transport=transport, base_url="http://on_upload") as client:
        for _ in range(2):
            response = await client.post("/", content=json.dumps(event), headers=headers)
            assert response.status_code == 200
    assert [sample.label for sample in app.state.samples()] == ["cat"]
    assert app.inbox.list() == []


async def test_a_tick_tells_the_active_run() -> None:
    transport = function("on_tick")
    async with httpx.AsyncClient(transport=transport, base_url="http://on_tick") as client:
        assert (await client.post("/")).json() == {"active_run": None}
