"""The functions as deployed, in process: what goes in, what comes out, what is refused."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from documented import assert_documented
from functions_framework.aio import create_asgi_app
from pictures import noise, picture, png_header, zipped
from tiny_version import LABELS, TinyVersion

from ocellus import bootstrap
from ocellus.http import routing
from ocellus.manifest import INT8, blob_name
from ocellus.samples import sha256_of

MAIN = str(Path(__file__).parents[2] / "functions" / "main.py")
TOKEN = "a token of the tests"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}
CHANGES = [
    "/api/upload/training-data",
    "/api/retrain",
    "/api/retrain/cancel",
    "/api/model/evaluate",
    "/api/model/promote",
    "/api/model/rollback",
]


@pytest.fixture(autouse=True)
def app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_version: TinyVersion
) -> bootstrap.App:
    """An installation of its own, with v1 in service and v2 beside it; no trainer is started."""
    seed = tiny_version.write(tmp_path / "seed")
    monkeypatch.setenv("OCELLUS_SEED_DIR", str(seed))
    monkeypatch.setenv("OCELLUS_ADMIN_TOKEN", TOKEN)
    bootstrap.app.cache_clear()
    routing._token.cache_clear()
    app = bootstrap.app()
    tiny_version.install(app.blobs, app.state, "v2", labels=[x.upper() for x in LABELS])
    monkeypatch.setattr(app.jobs, "start", lambda run_id: None)
    return app


def function(name: str, kind: str = "http") -> httpx.ASGITransport:
    return httpx.ASGITransport(create_asgi_app(name, MAIN, kind))  # type: ignore[no-untyped-call]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to predict as http://predict, to api as http://api; all answers are documented."""
    transports: dict[str, httpx.AsyncBaseTransport | None] = {
        f"http://{name}": function(name) for name in ("predict", "api")
    }
    hooks = {"response": [assert_documented]}
    async with httpx.AsyncClient(
        mounts=transports, base_url="http://api", event_hooks=hooks
    ) as client:
        yield client


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


# Predicting


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
async def test_predict_takes_the_image_as_body(client: httpx.AsyncClient, kind: str) -> None:
    response = await client.post("http://predict/api/predict", content=picture("red", kind=kind))
    answer = response.json()
    assert response.status_code == 200
    assert (answer["label"], answer["version"], answer["unsure"]) == ("red", "v1", False)
    assert [p["label"] for p in answer["probabilities"]][0] == "red"
    assert len(answer["request_id"]) == 16
    assert answer["timing"]["total_ms"] >= answer["timing"]["inference_ms"] > 0


async def test_predict_takes_a_form(client: httpx.AsyncClient) -> None:
    files = {"file": ("blue.png", picture("blue"))}
    response = await client.post("http://predict/api/predict", files=files)
    assert response.json()["label"] == "blue"


async def test_predict_takes_instances(client: httpx.AsyncClient) -> None:
    instances = [{"b64": base64.b64encode(picture(c)).decode()} for c in ("red", "blue")]
    response = await client.post("http://predict/api/predict", json={"instances": instances})
    assert [p["label"] for p in response.json()["predictions"]] == ["red", "blue"]


async def test_only_the_first_prediction_is_cold(client: httpx.AsyncClient) -> None:
    answers = [
        (await client.post("http://predict/api/predict", content=picture("red"))).json()
        for _ in range(2)
    ]
    assert [answer["timing"]["cold"] for answer in answers] == [True, False]


async def test_a_large_image_is_predicted_too(client: httpx.AsyncClient) -> None:
    data = noise(1, side=300)
    assert len(data) > 64 * 1024
    response = await client.post("http://predict/api/predict", content=data)
    assert response.status_code == 200


async def test_a_batch_answers_each_file_and_faults_only_the_bad(
    client: httpx.AsyncClient,
) -> None:
    files = [
        ("file", ("red.png", picture("red"))),
        ("file", ("notes.jpg", b"text")),
        ("file", ("blue.png", picture("blue"))),
    ]
    response = await client.post("http://predict/api/predict/batch", files=files)
    first, second, third = response.json()["results"]
    assert (first["name"], first["label"], third["label"]) == ("red.png", "red", "blue")
    assert second["error"]["remedy"].startswith("Send a whole JPEG")


async def test_predictions_are_counted(client: httpx.AsyncClient) -> None:
    for colour in ("red", "red", "grey"):
        await client.post("http://predict/api/predict", content=picture(colour))
    await client.post("http://predict/api/predict", content=b"text")
    statistics = (await client.get("/api/statistics")).json()
    assert (statistics["predictions"], statistics["unsure"], statistics["refused"]) == (3, 1, 1)
    assert statistics["by_version"] == {"v1": 3}
    assert statistics["latency_ms"]["p50"] > 0


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", bytes(15_000_000))
    return file.getvalue()


BAD_IMAGES = [
    pytest.param(b"", 400, "empty", id="empty"),
    pytest.param(b"I am no image.", 400, "not an image", id="text"),
    pytest.param(noise(1, "JPEG")[:-200], 400, "decoded", id="truncated JPEG"),
    pytest.param(png_header(20_000, 20_000), 413, "20000 x 20000", id="huge PNG"),
    pytest.param(zipped(("cat/1.png", picture("red"))), 400, "not an image", id="zip"),
]


@pytest.mark.parametrize(("data", "status", "detail"), BAD_IMAGES)
async def test_predict_refuses_what_is_no_image(
    client: httpx.AsyncClient, data: bytes, status: int, detail: str
) -> None:
    response = await client.post("http://predict/api/predict", content=data)
    assert_problem(response, status, detail)
    files = {"file": ("picture.jpg", data)}
    response = await client.post("http://predict/api/predict", files=files)
    assert_problem(response, status, detail)


async def test_predict_refuses_a_body_of_40_mb(client: httpx.AsyncClient) -> None:
    response = await client.post("http://predict/api/predict", content=bytes(40_000_000))
    assert_problem(response, 413, "40000000 bytes")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"", "not as expected"),
        (b"{}", "not as expected"),
        (b'{"instances": []}', "empty"),
        (b'{"instances": [{"b64": "%%%"}]}', "not as expected"),
        (b'{"instances": [{"b64": 7}]}', "not as expected"),
        (b'{"instances": [{"b64": ""}]}', "image is empty"),
        (b'{"instances": 3}', "not as expected"),
    ],
)
async def test_predict_refuses_malformed_json(
    client: httpx.AsyncClient, body: bytes, detail: str
) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("http://predict/api/predict", content=body, headers=headers)
    assert_problem(response, 400, detail)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"no boundary in here"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--\r\n"),
    ],
)
async def test_predict_refuses_a_malformed_form(
    client: httpx.AsyncClient, kind: str, body: bytes
) -> None:
    headers = {"Content-Type": kind}
    response = await client.post("http://predict/api/predict", content=body, headers=headers)
    assert_problem(response, 400)


async def test_predict_refuses_several_files(client: httpx.AsyncClient) -> None:
    files = [("file", ("1.png", picture("red"))), ("file", ("2.png", picture("red")))]
    response = await client.post("http://predict/api/predict", files=files)
    problem = assert_problem(response, 400, "2 files")
    assert "/api/predict/batch" in problem["remedy"]


async def test_a_batch_without_files_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("http://predict/api/predict/batch", files={"note": (None, "x")})
    assert_problem(response, 400, "no files")


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


# Service


async def test_health_says_what_is_served(client: httpx.AsyncClient) -> None:
    response = await client.get("http://predict/api/health")
    expected = {"status": "ok", "serving": "v1", "desired": "v1", "fault": None}
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


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation without any version."""
    monkeypatch.setenv("OCELLUS_SEED_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("OCELLUS_DATA_DIR", str(tmp_path / "empty"))
    bootstrap.app.cache_clear()


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


async def test_uptime_is_the_services_and_the_instances(client: httpx.AsyncClient) -> None:
    uptime = (await client.get("http://predict/api/model/uptime")).json()
    assert uptime["service_uptime_s"] >= 0
    assert uptime["instance_since"] >= uptime["service_since"]


async def test_the_document_of_the_interface_is_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/openapi.json")).json()["openapi"].startswith("3.1")


# Authorisation


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


# Models


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


# Samples


async def test_a_zip_of_images_is_filed(client: httpx.AsyncClient) -> None:
    data = zipped(("cat/1.png", noise(1)), ("dog/2.png", noise(2)), ("dog/3.jpg", b"text"))
    receipt = (await upload(client, ("set.zip", data))).json()
    assert (receipt["outcomes"], receipt["labels"]) == ({"new": 2}, {"cat": 1, "dog": 1})
    assert [fault["name"] for fault in receipt["rejected"]] == ["dog/3.jpg"]
    assert (receipt["new_samples"], receipt["run"]) == (2, None)
    samples = (await client.get("/api/samples")).json()
    assert (samples["count"], sorted(samples["labels"])) == (2, ["cat", "dog"])


async def test_labelled_images_are_filed(client: httpx.AsyncClient) -> None:
    files = [("1.png", noise(1)), ("2.png", noise(2)), ("again.png", noise(1))]
    receipt = (await upload(client, *files, label="cat")).json()
    assert receipt["outcomes"] == {"new": 2, "duplicate": 1}


async def test_a_sample_is_removed_by_its_hash(client: httpx.AsyncClient) -> None:
    await upload(client, ("1.png", noise(1)), label="cat")
    path = f"/api/samples/{sha256_of(noise(1))}"
    assert_problem(await client.delete(path), 401)
    removed = (await client.delete(path, headers=AUTHORISED)).json()
    assert removed["label"] == "cat"
    assert_problem(await client.delete(path, headers=AUTHORISED), 404)
    assert (await client.get("/api/samples")).json()["count"] == 0


async def test_enough_images_start_a_run(client: httpx.AsyncClient, app: bootstrap.App) -> None:
    files = [(f"{i}.png", noise(i)) for i in range(app.settings.retrain_threshold)]
    receipt = (await upload(client, *files, label="cat")).json()
    assert receipt["run"] == "r3"  # v1 and v2 are taken
    status = (await client.get("/api/retrain/status")).json()
    assert (status["run"]["trigger"], status["new_samples"]) == ("threshold", 0)


@pytest.mark.parametrize(
    ("name", "data", "label", "status", "detail"),
    [
        ("empty.png", b"", "cat", 400, "0 bytes"),
        ("notes.jpg", b"I am no image.", "cat", 400, "not an image"),
        ("cut.jpg", noise(1, "JPEG")[:-200], "cat", 400, "decoded"),
        ("huge.png", png_header(20_000, 20_000), "cat", 400, "20000 x 20000"),
        ("1.png", noise(1), "x" * 300, 400, "300 characters"),
        ("1.png", noise(1), "../cat", 400, "'/'"),
        ("1.png", noise(1), None, 400, "without a label"),
        ("bomb.zip", zip_bomb(), None, 400, "no image shrinks so"),
        ("out.zip", zipped(("../../etc/1.png", noise(1))), None, 400, "leads outside"),
        ("label.zip", zipped((f"{'x' * 300}/1.png", noise(1))), None, 400, "300 characters"),
        ("cut.zip", zipped(("cat/1.png", noise(1)))[:-30], None, 400, "cannot be read"),
        ("empty.zip", zipped(), None, 400, "no files"),
    ],
)
async def test_an_upload_without_anything_usable_is_refused(
    client: httpx.AsyncClient,
    app: bootstrap.App,
    name: str,
    data: bytes,
    label: str | None,
    status: int,
    detail: str,
) -> None:
    fields = {} if label is None else {"label": label}
    assert_problem(await upload(client, (name, data), **fields), status, detail)
    assert app.state.samples() == []
    assert app.blobs.list("samples/") == []


async def test_a_refused_upload_lists_every_file(client: httpx.AsyncClient) -> None:
    data = zipped(("cat/1.png", b"text"), ("dog/2.png", b""))
    problem = assert_problem(await upload(client, ("set.zip", data)), 400, "None of the 2 images")
    assert [fault["name"] for fault in problem["rejected"]] == ["cat/1.png", "dog/2.png"]


async def test_an_upload_without_files_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/api/upload/training-data", files={"label": (None, "cat")}, headers=AUTHORISED
    )
    assert_problem(response, 400, "no files")


async def test_an_upload_of_40_mb_is_refused(client: httpx.AsyncClient) -> None:
    response = await upload(client, ("large.zip", bytes(40_000_000)))
    assert_problem(response, 413, "the limit is")


# Runs


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


# Events


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
