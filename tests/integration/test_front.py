"""The stand-in for Firebase Hosting, in front of functions that run elsewhere."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from emulators.front import Front

POLICY = "default-src 'self'; connect-src 'self' https://firestore.example"
SITE = {
    "hosting": {
        "public": ".",
        "headers": [
            {"source": "**", "headers": [{"key": "Content-Security-Policy", "value": POLICY}]}
        ],
        "rewrites": [
            {"source": "/api/**", "run": {"serviceId": "api"}},
            {"source": "/gone/**", "run": {"serviceId": "gone"}},
        ],
    }
}


class Api(ThreadingHTTPServer):
    """Sends back what it gets, and each part only when the test lets it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.begun, self.seen = threading.Event(), threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Api
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        told = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
        self._send(json.dumps(told).encode())

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(1)
        self.server.begun.set()
        self._send(body + self.rfile.read(length - 1))

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(body[:1])
        self.wfile.flush()
        if self.command == "POST":
            assert self.server.seen.wait(20)
        self.wfile.write(body[1:])

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def http(api: Api, tmp_path: Path) -> Iterator[httpx.Client]:
    (tmp_path / "firebase.json").write_text(json.dumps(SITE))
    (tmp_path / "index.html").write_text("the page")
    listener = socket.create_server(("127.0.0.1", 0))
    functions = {"api": f"http://127.0.0.1:{api.server_port}", "gone": "http://127.0.0.1:9"}
    front = Front(listener, tmp_path, functions, {"projectId": "p"}, ["http://127.0.0.1:7"])
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        yield client
    front.stop()


def test_the_page_is_served_and_may_also_connect_to_the_emulators(http: httpx.Client) -> None:
    page = http.get("/")
    assert page.text == "the page"
    assert page.headers["content-security-policy"] == f"{POLICY} http://127.0.0.1:7"


def test_the_web_app_is_told_of_its_project(http: httpx.Client) -> None:
    assert http.get("/__/firebase/init.json").json() == {"projectId": "p"}


def test_a_function_gets_the_request_as_it_came(http: httpx.Client) -> None:
    answer = http.get("/api/a%20b?c=%2F&d", headers={"Authorization": "Bearer t"})
    told = answer.json()
    assert told["path"] == "/api/a%20b?c=%2F&d"
    assert told["headers"]["authorization"] == "Bearer t"
    assert told["headers"]["x-forwarded-host"] == http.base_url.netloc.decode()
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_bodies_are_passed_on_while_they_come(http: httpx.Client, api: Api) -> None:
    def parts() -> Iterator[bytes]:
        yield b"a"
        assert api.begun.wait(20)  # the function has the first part before the second is sent
        yield b"b"

    with http.stream("POST", "/api/", content=parts(), headers={"Content-Length": "2"}) as answer:
        coming = answer.iter_raw(1)
        assert next(coming) == b"a"
        api.seen.set()  # the function sends the second part once the first has arrived
        assert list(coming) == [b"b"]


def test_a_function_that_does_not_run_is_a_bad_gateway(http: httpx.Client) -> None:
    assert http.get("/gone/").status_code == 502
