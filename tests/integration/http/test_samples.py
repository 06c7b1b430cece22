"""Samples: uploaded in forms and zips, listed, removed, refused."""

from __future__ import annotations

import io
import zipfile

import httpx
import pytest
from in_process import AUTHORISED, assert_problem, upload
from pictures import noise, png_header, zipped

from ocellus import bootstrap
from ocellus.samples import sha256_of


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", bytes(15_000_000))
    return file.getvalue()


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
