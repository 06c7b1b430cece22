"""Versions: shown, promoted, rolled back, evaluated."""

from __future__ import annotations

import httpx
import pytest
from in_process import AUTHORISED, assert_problem, promote, upload
from pictures import picture
from tiny_version import LABELS

from ocellus import bootstrap
from ocellus.manifest import INT8, blob_name
from ocellus.samples import sha256_of


async def test_model_info_shows_the_version_in_service(client: httpx.AsyncClient) -> None:
    info = (await client.get("/api/model/info")).json()
    assert info["pointer"]["version"] == info["manifest"]["version"] == "v1"
    assert info["manifest"]["labels"] == list(LABELS)


async def test_promote_and_rollback_change_the_answers(
    client: httpx.AsyncClient, app: bootstrap.App
) -> None:
    async def predicted() -> tuple[str, str]:
        app.serving.refresh()
        answer = await client.post("http://predict/api/predict", content=picture("red"))
        return answer.json()["version"], answer.json()["label"]

    assert await predicted() == ("v1", "red")
    assert (await promote(client, "v2")).json()["previous"] == "v1"
    assert await predicted() == ("v2", "RED")
    response = await client.post("/api/model/rollback", headers=AUTHORISED)
    assert response.json()["version"] == "v1"
    assert await predicted() == ("v1", "red")
    models = (await client.get("/api/models")).json()
    assert [v["name"] for v in models["versions"]] == ["v2", "v1"]
    actions = [e["action"] for e in (await client.get("/api/history")).json()["events"]]
    assert actions == ["promoted"] * 3


@pytest.mark.parametrize(
    ("version", "status"), [("v1", 409), ("v9", 404), ("../v1", 404), ("", 404)]
)
async def test_promote_refuses_what_cannot_be(
    client: httpx.AsyncClient, version: str, status: int
) -> None:
    assert_problem(await promote(client, version), status)


async def test_promote_refuses_a_corrupted_version(
    client: httpx.AsyncClient, app: bootstrap.App
) -> None:
    app.blobs.put(blob_name("v2", INT8), b"garbage", overwrite=True)
    assert_problem(await promote(client, "v2"), 409, "sha256")


async def test_rolling_back_the_first_version_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/model/rollback", headers=AUTHORISED)
    assert_problem(response, 404, "no version to roll back to")


async def test_evaluate_measures_on_the_samples_held_out(client: httpx.AsyncClient) -> None:
    shades = [picture(f"rgb(250,{i},0)") for i in range(60)]
    held_out = [data for data in shades if int(sha256_of(data)[:8], 16) < 0.1 * 2**32]
    assert held_out
    await upload(client, *((f"{i}.png", data) for i, data in enumerate(held_out)), label="red")
    response = await client.post("/api/model/evaluate", headers=AUTHORISED)
    result = response.json()
    assert (result["version"], result["samples"]) == ("v1", len(held_out))
    assert (result["accuracy"], result["recall"]) == (1.0, {"red": 1.0})
