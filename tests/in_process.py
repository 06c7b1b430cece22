"""The functions as deployed, in this process: how tests reach them and read their refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from functions_framework.aio import create_asgi_app

MAIN = str(Path(__file__).parents[1] / "functions" / "main.py")
TOKEN = "a token of the tests"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


def function(name: str, kind: str = "http") -> httpx.ASGITransport:
    return httpx.ASGITransport(create_asgi_app(name, MAIN, kind))  # type: ignore[no-untyped-call]


def assert_problem(response: httpx.Response, status: int, detail: str = "") -> dict[str, Any]:
    """The answer is problem+json of this status, with something to do."""
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["status"]) == (status, status), problem
    assert detail in problem["detail"]
    assert problem["remedy"]
    assert problem["type"].startswith("urn:ocellus:")
    return problem


def promote(client: httpx.AsyncClient, version: str) -> Any:
    return client.post("/api/model/promote", json={"version": version}, headers=AUTHORISED)


def upload(client: httpx.AsyncClient, *files: tuple[str, bytes], **fields: str) -> Any:
    parts = [("file", file) for file in files]
    return client.post("/api/upload/training-data", files=parts, data=fields, headers=AUTHORISED)
