"""Changes need the token."""

from __future__ import annotations

import httpx
import pytest
from in_process import TOKEN, assert_problem

from ocellus import bootstrap

CHANGES = [
    "/api/upload/training-data",
    "/api/retrain",
    "/api/retrain/cancel",
    "/api/model/evaluate",
    "/api/model/promote",
    "/api/model/rollback",
]


@pytest.mark.parametrize("path", CHANGES)
async def test_a_change_without_the_token_is_refused(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path)
    assert_problem(response, 401, "none was sent")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN])
async def test_a_change_with_a_wrong_token_is_refused(
    client: httpx.AsyncClient, value: str
) -> None:
    for path in CHANGES:
        response = await client.post(path, headers={"Authorization": value})
        assert_problem(response, 401)


async def test_the_generated_token_works(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, app: bootstrap.App
) -> None:
    monkeypatch.delenv("OCELLUS_ADMIN_TOKEN")
    bootstrap.app.cache_clear()
    token, made = bootstrap.admin_token(bootstrap.app().settings)
    assert made
    assert (app.settings.data_dir / "admin-token").stat().st_mode & 0o777 == 0o600
    headers = {"Authorization": f"bearer {token}"}
    response = await client.post("/api/model/promote", json={"version": "v2"}, headers=headers)
    assert response.status_code == 200
