"""What the predict function refuses, and in what words."""

from __future__ import annotations

import httpx
import pytest
from in_process import assert_problem
from pictures import noise, picture, png_header, zipped

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
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut short',
        ),
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
