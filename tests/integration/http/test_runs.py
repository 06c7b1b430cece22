"""Runs: asked for, shown, cancelled; and what these routes refuse."""

from __future__ import annotations

import httpx
import pytest
from in_process import AUTHORISED, assert_problem


async def test_a_run_is_asked_for_shown_and_cancelled(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/retrain", json={"mode": "quick"}, headers=AUTHORISED)
    run = response.json()
    assert (run["id"], run["mode"], run["status"]) == ("r3", "quick", "queued")
    response = await client.post("/api/retrain", headers=AUTHORISED)
    assert_problem(response, 409, "r3 is active")
    response = await client.post("/api/retrain/cancel", headers=AUTHORISED)
    assert response.json()["status"] == "cancelled"
    assert [r["id"] for r in (await client.get("/api/runs?limit=5")).json()["runs"]] == ["r3"]
    response = await client.post("/api/retrain/cancel", headers=AUTHORISED)
    assert_problem(response, 404, "No run is active")


@pytest.mark.parametrize("mode", ["fast", "", 7, None, ["quick"]])
async def test_an_unknown_mode_is_refused(client: httpx.AsyncClient, mode: object) -> None:
    response = await client.post("/api/retrain", json={"mode": mode}, headers=AUTHORISED)
    assert "quick" in assert_problem(response, 400, "mode is")["remedy"]


@pytest.mark.parametrize("path", ["/api/runs", "/api/history"])
async def test_a_limit_out_of_range_is_refused(client: httpx.AsyncClient, path: str) -> None:
    for limit in ("0", "501", "many", "-1", "1.5", ""):
        assert_problem(await client.get(path, params={"limit": limit}), 400, f"limit is {limit!r}")


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
async def test_a_change_with_a_malformed_body_is_refused(
    client: httpx.AsyncClient, body: bytes
) -> None:
    response = await client.post("/api/retrain", content=body, headers=AUTHORISED)
    assert_problem(response, 400, "JSON")
