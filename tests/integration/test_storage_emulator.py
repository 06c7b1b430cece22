"""What the tests' storage emulator adds, as Cloud Storage does it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from cloudevents.http import CloudEvent, from_http
from emulators.storage import StorageEmulator
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud.storage import Bucket, Client

WITHIN_S = 20.0


@pytest.fixture
def bucket(storage_bucket: str) -> Bucket:
    return Client().bucket(storage_bucket)


class Function:
    """Takes CloudEvents at `url`; refuses the first."""

    def __init__(self) -> None:
        self.events: queue.Queue[CloudEvent] = queue.Queue()
        events = self.events

        class Handler(BaseHTTPRequestHandler):
            refused = False

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                events.put(from_http(dict(self.headers), body))
                self.send_response(200 if Handler.refused else 500)
                Handler.refused = True
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def function() -> Iterator[Function]:
    function = Function()
    yield function
    function.stop()


def test_a_stored_object_is_announced_until_the_function_accepts(
    bucket: Bucket, storage_emulator: StorageEmulator, function: Function
) -> None:
    storage_emulator.announce(bucket.name, function.url)
    blob = bucket.blob("inbox/café/1.png")
    blob.upload_from_string(b"12345")
    refused, accepted = (function.events.get(timeout=WITHIN_S) for _ in range(2))
    assert refused["id"] == accepted["id"]
    assert accepted["type"] == "google.cloud.storage.object.v1.finalized"
    data = accepted.get_data()
    assert data["bucket"] == bucket.name
    assert data["name"] == "inbox/café/1.png"
    assert int(data["generation"]) == blob.generation
    assert int(data["size"]) == 5


def test_an_object_refused_for_its_precondition_is_not_announced(
    bucket: Bucket, storage_emulator: StorageEmulator, function: Function
) -> None:
    bucket.blob("a").upload_from_string(b"1")
    storage_emulator.announce(bucket.name, function.url)
    with pytest.raises(PreconditionFailed):
        bucket.blob("a").upload_from_string(b"2", if_generation_match=0)
    bucket.blob("b").upload_from_string(b"3", if_generation_match=0)
    assert function.events.get(timeout=WITHIN_S).get_data()["name"] == "b"


def test_a_delete_may_be_conditional(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"1")
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=1)
    blob.delete(if_generation_match=blob.generation)
    with pytest.raises(NotFound):
        blob.download_as_bytes()


def test_a_put_by_url_may_be_conditional(bucket: Bucket, storage_emulator: StorageEmulator) -> None:
    headers = {"x-goog-if-generation-match": "0"}
    url = f"{storage_emulator.url}/{bucket.name}/a"
    assert httpx.put(url, content=b"1", headers=headers).status_code == 200
    assert httpx.put(url, content=b"2", headers=headers).status_code == 412
    assert bucket.blob("a").download_as_bytes() == b"1"


def test_a_page_of_another_origin_may_upload(
    bucket: Bucket, storage_emulator: StorageEmulator
) -> None:
    url = f"{storage_emulator.url}/{bucket.name}/a"
    asked = {
        "Origin": "http://localhost:8080",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-goog-content-length-range",
    }
    preflight = httpx.options(url, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    allowed = preflight.headers["Access-Control-Allow-Headers"]
    assert allowed == asked["Access-Control-Request-Headers"]
    put = httpx.put(url, content=b"1", headers={"Origin": asked["Origin"]})
    assert put.headers["Access-Control-Allow-Origin"] == "*"
    assert put.headers["Access-Control-Expose-Headers"] == "Range"


def test_a_listing_comes_in_pages(bucket: Bucket) -> None:
    for name in "abcde":
        bucket.blob(name).upload_from_string(b"")
    pages = [[blob.name for blob in page] for page in bucket.list_blobs().pages]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
