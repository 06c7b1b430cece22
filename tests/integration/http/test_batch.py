"""Batches: many images in one request, in every wrapping, answered in every form."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import httpx
import orjson
import pytest
from in_process import assert_problem
from pictures import noise, picture, zipped

from ocellus import bootstrap

BATCH = "http://predict/api/predict/batch"
NDJSON = {"Accept": "application/x-ndjson"}
ZIP = {"Content-Type": "application/zip"}
THREE = [
    ("file", ("red.png", picture("red"))),
    ("file", ("notes.jpg", b"text")),
    ("file", ("blue.png", picture("blue"))),
]


def damaged_zip() -> bytes:
    """A zip of three images, of which the second's bytes are not what its checksum says."""
    data = bytearray(zipped(*((f"{c}.png", picture(c)) for c in ("red", "green", "blue"))))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        second = archive.infolist()[1]
    data[second.header_offset + 60] ^= 0xFF
    return bytes(data)


async def lines(client: httpx.AsyncClient, **body: Any) -> list[Any]:
    headers = NDJSON | body.pop("headers", {})
    response = await client.post(BATCH, headers=headers, **body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in response.content.splitlines()]


async def test_ndjson_has_a_line_an_image_and_a_summary(client: httpx.AsyncClient) -> None:
    *results, last = await lines(client, files=THREE)
    assert [(r["number"], r["total"], r["name"]) for r in results] == [
        (1, 3, "red.png"),
        (2, 3, "notes.jpg"),
        (3, 3, "blue.png"),
    ]
    assert [r.get("label") for r in results] == ["red", None, "blue"]
    assert results[1]["error"]["status"] == 400
    summary = last["summary"]
    assert (summary["total"], summary["predicted"], summary["refused"]) == (3, 2, 1)
    assert (summary["labels"], summary["version"]) == ({"red": 1, "blue": 1}, "v1")


async def test_csv_has_a_row_an_image_and_a_column_a_label(client: httpx.AsyncClient) -> None:
    response = await client.post(BATCH, files=THREE, headers={"Accept": "text/csv"})
    assert "predictions.csv" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [(r["number"], r["name"], r["label"]) for r in rows] == [
        ("1", "red.png", "red"),
        ("2", "notes.jpg", ""),
        ("3", "blue.png", "blue"),
    ]
    assert "Send a whole JPEG" in rows[1]["error"]
    assert float(rows[0]["red"]) == float(rows[0]["probability"]) > 0.5


@pytest.mark.parametrize("as_body", [True, False])
async def test_a_zip_is_a_batch(client: httpx.AsyncClient, as_body: bool) -> None:
    data = zipped(("red.png", picture("red")), ("deep/er/blue.png", picture("blue")))
    body = (
        {"content": data, "headers": ZIP} if as_body else {"files": {"file": ("images.zip", data)}}
    )
    *results, last = await lines(client, **body)
    assert [(r["name"], r["label"]) for r in results] == [
        ("red.png", "red"),
        ("deep/er/blue.png", "blue"),
    ]
    assert last["summary"]["predicted"] == 2


async def test_a_damaged_file_in_a_zip_is_its_own_fault_alone(client: httpx.AsyncClient) -> None:
    *results, _ = await lines(client, content=damaged_zip(), headers=ZIP)
    assert [r.get("label") for r in results] == ["red", None, "blue"]
    assert "cannot be unpacked" in results[1]["error"]["detail"]


async def test_a_bad_zip_beside_images_is_its_own_fault_alone(client: httpx.AsyncClient) -> None:
    files = [("file", ("all.zip", b"PK\x03\x04 and no more")), THREE[0]]
    first, second, _ = await lines(client, files=files)
    assert "cannot be read" in first["error"]["detail"]
    assert second["label"] == "red"


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [
        (b"PK\x03\x04 and no more", 400, "cannot be read"),
        (zipped(), 400, "holds no files"),
        (zipped(("a/b.png", bytes(9_000_000)), compression=zipfile.ZIP_DEFLATED), 400, "shrinks"),
        (zipped(("../b.png", b"x")), 400, "outside"),
        (zipped(*((f"{i}.png", b"") for i in range(10_001))), 413, "10001 files"),
    ],
)
async def test_a_zip_alone_that_cannot_be_used_is_refused(
    client: httpx.AsyncClient, data: bytes, status: int, detail: str
) -> None:
    response = await client.post(BATCH, content=data, headers=ZIP | NDJSON)
    assert_problem(response, status, detail)


async def test_several_zips_together_keep_the_limit(client: httpx.AsyncClient) -> None:
    data = zipped(*((f"{i}.png", b"") for i in range(6_000)))
    files = [("file", (f"{i}.zip", data)) for i in range(2)]
    assert_problem(await client.post(BATCH, files=files), 413, "12000 images")


async def test_large_images_take_their_turn(client: httpx.AsyncClient) -> None:
    files = [("file", (f"{i}.png", noise(i, side=300))) for i in range(3)]
    response = await client.post(BATCH, files=files)
    assert [r["name"] for r in response.json()["results"]] == ["0.png", "1.png", "2.png"]


async def test_a_failure_inside_concerns_one_image(
    client: httpx.AsyncClient, app: bootstrap.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = app.serving.classifier()
    classify, calls = classifier.classify, iter(range(3))

    def failing(data: bytes) -> Any:
        if next(calls) == 0:
            raise RuntimeError("out of order")
        return classify(data)

    monkeypatch.setattr(classifier, "classify", failing)
    first, _, third, last = await lines(client, files=THREE)
    assert first["error"]["status"] == 500
    assert (third["label"], last["summary"]["refused"]) == ("blue", 2)


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "text/csv"])
async def test_a_batch_is_counted_and_its_place_given_back(
    client: httpx.AsyncClient, app: bootstrap.App, accept: str
) -> None:
    await client.post(BATCH, files=THREE, headers={"Accept": accept})
    statistics = (await client.get("/api/statistics")).json()
    assert (statistics["predictions"], statistics["refused"]) == (2, 1)
    assert app.admission.at_hand == (0, 0)
