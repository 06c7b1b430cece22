"""Health, uptime, the interface's document, routes that are not there, failures inside."""

from __future__ import annotations

import threading

import httpx
import pytest
from in_process import assert_problem, function, promote
from pictures import picture

from ocellus import bootstrap, serving
from ocellus.errors import StoreUnavailable
from ocellus.http import predict
from ocellus.manifest import INT8, blob_name


async def test_health_says_what_is_served(client: httpx.AsyncClient) -> None:
    response = await client.get("http://predict/api/health")
    expected = {
        "status": "ok", "serving": "v1", "desired": "v1", "fault": None,
        "statistics": {"waiting": 0, "fault": None},
    }  # fmt: skip
    assert (response.status_code, response.json()) == (200, expected)


async def test_health_shows_a_fault_and_the_old_version_answers(
    client: httpx.AsyncClient, app: bootstrap.App
) -> None:
    await client.get("http://predict/api/health")
    await promote(client, "v2")
    app.blobs.put(blob_name("v2", INT8), b"garbage", overwrite=True)
    app.serving.refresh()
    health = (await client.get("http://predict/api/health")).json()
    assert (health["status"], health["serving"], health["desired"]) == ("degraded", "v1", "v2")
    assert "sha256" in health["fault"]["detail"]
    answer = await client.post("http://predict/api/predict", content=picture("red"))
    assert answer.json()["version"] == "v1"


async def test_health_and_uptime_answer_without_the_store(
    client: httpx.AsyncClient, app: bootstrap.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("http://predict/api/predict", content=picture("red"))
    monkeypatch.setattr(predict, "STORE_WAIT_S", 0.02)
    leave = threading.Event()

    def hang() -> None:
        assert leave.wait(10)

    monkeypatch.setattr(app.state, "pointer", hang)
    monkeypatch.setattr(app.state, "service_since", hang)
    monkeypatch.setattr(app.serving, "_next_look", 0.0)
    monkeypatch.setattr(serving, "_OVERDUE_S", 0.0)
    health = (await client.get("http://predict/api/health")).json()
    assert (health["status"], health["serving"]) == ("degraded", "v1")
    assert "not answered" in health["fault"]["detail"]
    uptime = (await client.get("http://predict/api/model/uptime")).json()
    assert uptime["service_since"] is None
    answer = await client.post("http://predict/api/predict", content=picture("red"))
    assert answer.status_code == 200
    leave.set()


async def test_health_says_how_many_answers_wait_to_be_counted(
    client: httpx.AsyncClient, app: bootstrap.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(app.state, "add_counts", refuse)
    for _ in range(3):
        await client.post("http://predict/api/predict", content=picture("red"))
    health = (await client.get("http://predict/api/health")).json()
    assert (health["status"], health["fault"]) == ("degraded", None)
    assert health["statistics"]["waiting"] == 3
    assert health["statistics"]["fault"]["detail"] == "The disk is full."


@pytest.mark.usefixtures("empty")
async def test_without_a_version_health_is_down(client: httpx.AsyncClient) -> None:
    response = await client.get("http://predict/api/health")
    assert (response.status_code, response.json()["status"]) == (503, "down")


@pytest.mark.usefixtures("empty")
async def test_without_a_version_predict_says_what_to_do(client: httpx.AsyncClient) -> None:
    response = await client.post("http://predict/api/predict", content=picture("red"))
    assert "ocellus train" in assert_problem(response, 503, "No model version")["remedy"]
    assert response.headers["retry-after"] == "5"


@pytest.mark.usefixtures("empty")
async def test_without_a_version_the_rest_answers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/models")).json() == {"pointer": None, "versions": []}
    assert (await client.get("/api/retrain/status")).json()["run"] is None
    assert_problem(await client.get("/api/model/info"), 404, "No version is in service")
    uptime = (await client.get("http://predict/api/model/uptime")).json()
    assert uptime["service_since"] is None
    assert uptime["instance_uptime_s"] >= 0


async def test_a_tick_publishes_what_a_flush_left_out(
    client: httpx.AsyncClient, app: bootstrap.App
) -> None:
    app.state.add_counts({"refused": 7}, "another instance", 1, now=1.0)
    assert (await client.get("/api/statistics")).json()["refused"] == 0
    async with httpx.AsyncClient(transport=function("on_tick"), base_url="http://tick") as ticker:
        assert (await ticker.post("/")).status_code == 200
    assert (await client.get("/api/statistics")).json()["refused"] == 7


async def test_uptime_is_the_services_and_the_instances(client: httpx.AsyncClient) -> None:
    uptime = (await client.get("http://predict/api/model/uptime")).json()
    assert uptime["service_uptime_s"] >= 0
    assert uptime["instance_since"] >= uptime["service_since"]


async def test_the_document_of_the_interface_is_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/openapi.json")).json()["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [("GET", "/api/predict", "POST"), ("GET", "/api/nothing", "/api/openapi.json")],
)
async def test_an_unknown_route_says_where_to_look(
    client: httpx.AsyncClient, method: str, path: str, hint: str
) -> None:
    response = await client.request(method, f"http://predict{path}")
    assert hint in assert_problem(response, 404, path)["remedy"]


async def test_a_failure_inside_is_a_problem_too(
    client: httpx.AsyncClient, app: bootstrap.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.serving, "ready", lambda: 1 / 0)
    response = await client.post("http://predict/api/predict", content=picture("red"))
    assert_problem(response, 500)
