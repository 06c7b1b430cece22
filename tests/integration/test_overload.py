"""Floods and slow clients against functions as deployed, a process of their own."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from deployed import deployed
from drawings import stripes
from pictures import noise

MOST = 4


@pytest.fixture(scope="module")
def predict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A function that works on 4 requests at most and gives an upload a second."""
    folder = tmp_path_factory.mktemp("predict")
    environ = {
        "OCELLUS_DATA_DIR": str(folder / "data"),
        "OCELLUS_MAX_REQUESTS": str(MOST),
        "OCELLUS_UPLOAD_S": "1",
    }
    with deployed("predict", environ, folder / "predict.log", "http") as url:
        httpx.post(f"{url}/api/predict", content=stripes(1), timeout=60).raise_for_status()
        yield url


class Stalled:
    """A request whose body does not go on after its first byte."""

    def __init__(
        self, url: str, path: str = "/api/predict", length: int = 1000, kind: str = "image/png"
    ) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=30)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
        self.socket.sendall(f"{head}Content-Length: {length}\r\n\r\n-".encode())

    def answer(self) -> str:
        """All that comes until the server closes the connection."""
        parts = []
        while part := self.socket.recv(65536):
            parts.append(part)
        return b"".join(parts).decode()

    def close(self) -> None:
        self.socket.close()


def test_a_flood_gets_answers_and_refusals_and_leaves_no_trace(predict: str) -> None:
    image = noise(1, side=700)  # large enough to be decoded in a thread, so that requests queue up

    def send(client: httpx.Client) -> httpx.Response:
        return client.post("/api/predict", content=image)

    with httpx.Client(base_url=predict, timeout=60) as client, ThreadPoolExecutor(40) as senders:
        answers = list(senders.map(send, [client] * 400))
        counts = Counter(answer.status_code for answer in answers)
        assert set(counts) == {200, 429}, counts
        for refusal in (a for a in answers if a.status_code == 429):
            assert refusal.headers["content-type"] == "application/problem+json"
            assert int(refusal.headers["retry-after"]) >= 1
            assert refusal.json()["remedy"]
        assert client.post("/api/predict", content=stripes(1)).status_code == 200


def test_while_full_it_refuses_without_the_body_and_monitoring_goes_on(predict: str) -> None:
    held = [Stalled(predict) for _ in range(MOST)]
    try:
        with httpx.Client(base_url=predict, timeout=30) as client:
            refused = Stalled(predict, "/api/predict/batch", 32_000_000)
            head = refused.socket.recv(65536).decode()  # though its body never comes
            assert head.startswith("HTTP/1.1 429 ")
            assert "retry-after: 1" in head.lower()
            refused.close()
            infer = client.post("/v2/models/ocellus/infer", content=b"x")
            assert (infer.status_code, list(infer.json())) == (429, ["error"])
            for path in ("/api/health", "/api/model/uptime", "/v2/health/ready", "/v2"):
                assert client.get(path).status_code == 200
    finally:
        for stalled in held:
            assert " 408 " in stalled.answer()
            stalled.close()
    assert httpx.post(f"{predict}/api/predict", content=stripes(1)).status_code == 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/predict", "image/png"),
        ("/api/predict", "multipart/form-data; boundary=x"),
        ("/api/predict/batch", "multipart/form-data; boundary=x"),
        ("/api/predict/batch", "application/zip"),
        ("/v2/models/ocellus/infer", "application/json"),
    ],
)
def test_a_slow_upload_is_cut_off(predict: str, path: str, kind: str) -> None:
    stalled = Stalled(predict, path, kind=kind)
    answer = stalled.answer()
    stalled.close()
    assert answer.startswith("HTTP/1.1 408 ")
    assert "not whole after 1 s" in answer


def test_a_body_that_trickles_is_cut_off_too(predict: str) -> None:
    stalled = Stalled(predict)
    stalled.socket.settimeout(0.05)
    received = b""
    deadline = time.monotonic() + 20
    while b" 408 " not in received:
        assert time.monotonic() < deadline
        try:
            stalled.socket.sendall(b"x")
            received += stalled.socket.recv(65536)
        except TimeoutError:
            continue
    stalled.close()


def test_who_leaves_in_the_middle_of_a_stream_gives_the_place_back(predict: str) -> None:
    files = [("file", (f"{i}.png", noise(i, side=400))) for i in range(40)]
    headers = {"Accept": "application/x-ndjson"}
    for _ in range(2 * MOST):
        url = f"{predict}/api/predict/batch"
        with httpx.stream("POST", url, files=files, headers=headers) as response:
            assert response.status_code == 200
            next(response.iter_lines())
    deadline = time.monotonic() + 20
    statuses: list[int] = []
    while statuses[-MOST:] != [200] * MOST:
        assert time.monotonic() < deadline, statuses
        statuses.append(httpx.post(f"{predict}/api/predict", content=stripes(1)).status_code)


def test_the_api_function_cuts_a_slow_upload_off_too(tmp_path: Path) -> None:
    environ = {
        "OCELLUS_DATA_DIR": str(tmp_path / "data"),
        "OCELLUS_ADMIN_TOKEN": "secret",
        "OCELLUS_UPLOAD_S": "1",
    }
    head = "POST /api/retrain HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n"
    with deployed("api", environ, tmp_path / "api.log", "http") as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(f"{head}Content-Length: 9\r\n\r\n".encode())  # no byte of it
            assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
