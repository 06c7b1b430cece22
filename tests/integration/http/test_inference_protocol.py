"""The Open Inference Protocol and TF Serving's paths: what they take, answer and refuse."""

from __future__ import annotations

import base64
import io
import struct
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from pictures import noise, picture
from PIL import Image

MODEL = "http://predict/v2/models/ocellus"
INFER = f"{MODEL}/infer"


def image(*pictures: bytes, **more: Any) -> dict[str, Any]:
    data = [base64.b64encode(p).decode() for p in pictures]
    tensor = {"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": data}
    return {"inputs": [tensor | more]}


def pixels(data: Any, shape: list[int], **more: Any) -> dict[str, Any]:
    tensor = {"name": "pixels", "shape": shape, "datatype": "UINT8", "data": data}
    return {"inputs": [tensor | more]}


def outputs(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return {o["name"]: o for o in response.json()["outputs"]}


async def test_images_in_base64_are_predicted(client: httpx.AsyncClient) -> None:
    request = image(picture("red"), picture("blue")) | {"id": "42"}
    response = await client.post(INFER, json=request)
    found = outputs(response)
    assert found["label"]["data"] == ["red", "blue"]
    assert found["label"]["shape"] == found["probability"]["shape"] == [2]
    shape, data = found["probabilities"]["shape"], found["probabilities"]["data"]
    assert len(data) == shape[0] * shape[1]
    assert (response.json()["id"], response.json()["model_version"]) == ("42", "v1")


async def test_pixels_are_answered_as_the_same_pixels_in_a_file(client: httpx.AsyncClient) -> None:
    file = noise(7, side=50)
    drawn = np.asarray(Image.open(io.BytesIO(file)))
    flat = pixels(drawn.ravel().tolist(), [1, 50, 50, 3])
    nested = pixels([drawn.tolist()], [1, 50, 50, 3])
    expected = outputs(await client.post(INFER, json=image(file)))
    for request in (flat, nested):
        assert outputs(await client.post(INFER, json=request)) == expected


async def test_binary_data_follow_the_json_both_ways(client: httpx.AsyncClient) -> None:
    file = picture("red")
    tensor = struct.pack("<I", len(file)) + file
    request = image(parameters={"binary_data_size": len(tensor)}, shape=[1])
    del request["inputs"][0]["data"]
    request["outputs"] = [
        {"name": "probabilities", "parameters": {"binary_data": True}},
        {"name": "label"},
    ]
    header = orjson.dumps(request)
    response = await client.post(
        f"{MODEL}/versions/v1/infer",
        content=header + tensor,
        headers={"Inference-Header-Content-Length": str(len(header))},
    )
    length = int(response.headers["Inference-Header-Content-Length"])
    first, second = orjson.loads(response.content[:length])["outputs"]
    shares = np.frombuffer(response.content[length:], "<f4")
    assert (first["name"], first["shape"]) == ("probabilities", [1, len(shares)])
    assert first["parameters"] == {"binary_data_size": 4 * len(shares)}
    assert abs(float(shares.sum()) - 1) < 1e-5
    assert second["data"] == ["red"]


RED = picture("red")
BAD = [
    (b"{", 400, "not as expected"),
    (b"[]", 400, "not as expected"),
    (b'{"inputs": []}', 400, "not as expected"),
    (b'{"inputs": [3]}', 400, "not as expected"),
    (image(RED, name="x"), 400, "The input is 'x'"),
    (image(RED, name=["image"]), 400, "The input is"),
    (image(RED, datatype="FP32"), 400, "'FP32'"),
    (image(RED, shape=[2]), 400, "1 elements; its shape says 2"),
    (image(RED, shape=[0]), 400, "shape"),
    (image(RED, shape=[True]), 400, "shape"),
    (image(RED, shape=None), 400, "shape"),
    (image(RED, shape=[2000]), 413, "2000 images"),
    (image(RED, data=["%%%"]), 400, "not as expected"),
    (image(RED, data=None), 400, "not as expected"),
    (image(RED, b"text"), 400, "Image 1 of the tensor"),
    (image(RED, parameters={"binary_data_size": 9}), 400, "0 bytes follow"),
    (pixels([256] * 3, [1, 1, 1, 3]), 400, "0 to 255"),
    (pixels([0.5] * 3, [1, 1, 1, 3]), 400, "0 to 255"),
    (pixels([[1], [1, 2]], [1, 1, 1, 3]), 400, "not as expected"),
    (pixels([1] * 4, [1, 1, 1, 3]), 400, "4 numbers"),
    (pixels([1] * 4, [1, 1, 1, 4]), 400, "shape"),
    (image(RED) | {"outputs": [{"name": "logits"}]}, 400, "no output 'logits'"),
    (
        image(RED) | {"outputs": [{"name": "label", "parameters": {"classification": 3}}]},
        400,
        "classification",
    ),
    (b" " * (9 << 20), 413, "binary data"),
]


@pytest.mark.parametrize(("body", "status", "detail"), BAD)
async def test_a_bad_request_is_refused_in_the_protocols_shape(
    client: httpx.AsyncClient, body: Any, status: int, detail: str
) -> None:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    response = await client.post(INFER, content=content)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    assert detail in response.json()["error"]


@pytest.mark.parametrize(
    ("header", "tail", "detail"),
    [
        ("x", b"", "Inference-Header-Content-Length is 'x'"),
        ("9999", b"", "9999"),
        (None, b"\x05\x00\x00\x00no", "ends after the body"),
        (None, b"\x05\x00", "not as expected"),
    ],
)
async def test_broken_binary_data_are_refused(
    client: httpx.AsyncClient, header: str | None, tail: bytes, detail: str
) -> None:
    request = orjson.dumps(image(shape=[1], parameters={"binary_data_size": len(tail)}))
    headers = {"Inference-Header-Content-Length": header or str(len(request))}
    response = await client.post(INFER, content=request + tail, headers=headers)
    assert response.status_code == 400
    assert detail in response.json()["error"]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("v2/models/other/infer", "no model 'other'"),
        ("v2/models/ocellus/versions/v7/infer", "v1 is"),
        ("v1/models/other:predict", "no model 'other'"),
        ("v2/nothing", "There is no POST"),
    ],
)
async def test_another_model_or_version_is_not_found(
    client: httpx.AsyncClient, path: str, detail: str
) -> None:
    response = await client.post(f"http://predict/{path}", json=image(RED))
    assert response.status_code == 404
    assert detail in response.json()["error"]


async def test_the_model_describes_itself(client: httpx.AsyncClient) -> None:
    for url in (MODEL, f"{MODEL}/versions/v1", f"{MODEL}/versions/1"):
        model = (await client.get(url)).json()
        assert model["versions"] == ["v1"]
        assert {i["name"] for i in model["inputs"]} == {"image", "pixels"}
        assert model["outputs"][2]["shape"] == [-1, len(model["labels"])]
    assert (await client.get(f"{MODEL}/versions/v2")).status_code == 404


async def test_it_is_live_and_ready(client: httpx.AsyncClient) -> None:
    for path in ("health/live", "health/ready", "models/ocellus/ready"):
        response = await client.get(f"http://predict/v2/{path}")
        assert response.status_code == 200
    assert (await client.get("http://predict/v2")).json()["extensions"] == ["binary_tensor_data"]
    assert (await client.get(f"{MODEL}/versions/v2/ready")).status_code == 404


@pytest.mark.usefixtures("empty")
async def test_without_a_version_it_is_live_and_not_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("http://predict/v2/health/live")).status_code == 200
    for path in ("health/ready", "models/ocellus/ready"):
        response = await client.get(f"http://predict/v2/{path}")
        assert (response.status_code, response.json()["ready"]) == (400, False)


async def test_tf_servings_paths_answer(client: httpx.AsyncClient) -> None:
    url = "http://predict/v1/models/ocellus"
    (status,) = (await client.get(url)).json()["model_version_status"]
    assert (status["version"], status["state"]) == ("1", "AVAILABLE")
    instances = {"instances": [{"b64": base64.b64encode(picture("blue")).decode()}]}
    response = await client.post(f"{url}:predict", json=instances)
    assert [p["label"] for p in response.json()["predictions"]] == ["blue"]
    response = await client.post(f"{url}:predict", json={})
    assert (response.status_code, list(response.json())) == (400, ["error"])


async def test_inferences_are_counted(client: httpx.AsyncClient) -> None:
    await client.post(INFER, json=image(RED, RED))
    assert (await client.get("/api/statistics")).json()["predictions"] == 2
