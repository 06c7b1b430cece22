"""Predictions: images in every wrapping, answers with their version and times."""

from __future__ import annotations

import base64
import threading

import httpx
import pytest
from pictures import noise, picture

from ocellus import bootstrap
from ocellus.prediction import Prediction


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


@pytest.mark.parametrize(
    ("image", "at_once"), [(picture("red", kind="JPEG"), True), (picture("red", kind="PNG"), False)]
)
async def test_what_may_unpack_to_much_more_is_decoded_beside_other_requests(
    client: httpx.AsyncClient,
    app: bootstrap.App,
    monkeypatch: pytest.MonkeyPatch,
    image: bytes,
    at_once: bool,
) -> None:
    classifier = app.serving.classifier()
    classify, threads = classifier.classify, []

    def watched(data: bytes) -> Prediction:
        threads.append(threading.current_thread())
        return classify(data)

    monkeypatch.setattr(classifier, "classify", watched)
    await client.post("http://predict/api/predict", content=image)
    assert (threads == [threading.current_thread()]) is at_once


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
