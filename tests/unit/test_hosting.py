"""What a path gives: files, rewrites, 404 pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ocellus.adapters.embedded.hosting import Hosting, compile_glob, read_site
from ocellus.errors import InvalidSetting

CONFIG: dict[str, Any] = {
    "hosting": {
        "public": ".",
        "ignore": ["firebase.json", "**/*.rules", "**/.*", "**/node_modules/**"],
        "headers": [
            {"source": "**", "headers": [{"key": "X-Seen", "value": "all"}]},
            {"source": "/*.js", "headers": [{"key": "Cache-Control", "value": "max-age=9"}]},
        ],
        "rewrites": [
            {"source": "/api/predict", "run": {"serviceId": "predict"}},
            {"source": "/api/**", "run": {"serviceId": "api"}},
        ],
    }
}


def function(name: str) -> ASGIApp:
    """A function that answers with its name and the path it sees."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = PlainTextResponse(f"{name} {request.method} {request.url.path}")
        await response(scope, receive, send)

    return answer


def host(web: Path, **functions: ASGIApp) -> Starlette:
    """Serve `web`, by the `CONFIG` above unless it has a firebase.json of its own."""
    config = web / "firebase.json"
    if not config.exists():
        config.write_text(json.dumps(CONFIG))
    every = {"predict": function("predict"), "api": function("api"), **functions}
    return Starlette(middleware=[Middleware(Hosting, site=read_site(web, every), functions=every)])


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "docs").mkdir(parents=True)
    (folder / "index.html").write_text("start")
    (folder / "docs/index.html").write_text("docs")
    (folder / "app.js").write_text("js")
    return folder


@pytest.fixture
async def site(web: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(host(web)), base_url="http://site"
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", "start"),
        ("/index.html", "start"),
        ("/docs/", "docs"),
        ("/app.js", "js"),
        ("/api/predict", "predict GET /api/predict"),
        ("/api/predict/batch", "api GET /api/predict/batch"),
        ("/api/a%20b", "api GET /api/a b"),
    ],
)
async def test_a_path_gives_its_file_or_its_function(
    site: httpx.AsyncClient, path: str, body: str
) -> None:
    response = await site.get(f"http://site{path}")
    assert (response.status_code, response.text) == (200, body)


async def test_the_page_is_told_of_no_project(site: httpx.AsyncClient) -> None:
    assert (await site.get("/__/firebase/init.json")).json() == {}


async def test_a_file_has_priority_over_a_rewrite(web: Path, site: httpx.AsyncClient) -> None:
    (web / "api").mkdir()
    (web / "api/predict").write_text("file")
    assert (await site.get("/api/predict")).text == "file"
    assert (await site.post("/api/predict")).text == "predict POST /api/predict"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_a_function_gets_every_method(site: httpx.AsyncClient, method: str) -> None:
    assert (await site.request(method, "/api/x")).text == f"api {method} /api/x"


async def test_a_folder_redirects_to_its_index(site: httpx.AsyncClient) -> None:
    response = await site.get("/docs?a=1")
    assert (response.status_code, response.headers["location"]) == (301, "/docs/?a=1")


@pytest.mark.parametrize(
    "path",
    [
        "/absent",
        "/app.js/",
        "/api",
        "//docs",
        "/firebase.json",
        "/docs/%2e%2e/firebase.json",
        "/firestore.rules",
        "/.env",
        "/.git/config",
        "/node_modules/a/b.js",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/link",
        "/a%00b",
        "/" + "a" * 300,
    ],
)
async def test_what_is_no_public_file_is_not_found(
    web: Path, site: httpx.AsyncClient, path: str
) -> None:
    (web.parent / "secret").write_text("secret")
    (web / "link").symlink_to(web.parent / "secret")
    for name in (".git/config", "node_modules/a/b.js", "firestore.rules", ".env"):
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).write_text("secret")
    response = await site.get(f"http://site{path}")
    assert response.status_code == 404
    assert "<h1>Not found</h1>" in response.text


async def test_404_html_is_the_page_for_what_is_not_found(
    web: Path, site: httpx.AsyncClient
) -> None:
    (web / "404.html").write_text("mine")
    response = await site.get("/absent")
    assert (response.status_code, response.text) == (404, "mine")


async def test_headers_are_those_of_every_matching_rule(site: httpx.AsyncClient) -> None:
    page, script, absent = [await site.get(path) for path in ("/", "/app.js", "/absent")]
    assert [r.headers["x-seen"] for r in (page, script, absent)] == ["all"] * 3
    assert page.headers["cache-control"] == "no-cache"
    assert script.headers["cache-control"] == "max-age=9"


async def test_headers_of_the_site_are_not_put_on_functions(site: httpx.AsyncClient) -> None:
    assert "x-seen" not in (await site.get("/api/x")).headers


async def test_an_unchanged_file_is_not_sent_again(web: Path, site: httpx.AsyncClient) -> None:
    etag = (await site.get("/app.js")).headers["etag"]
    assert (await site.get("/app.js", headers={"if-none-match": etag})).status_code == 304
    (web / "app.js").write_text("changed")
    assert (await site.get("/app.js", headers={"if-none-match": etag})).text == "changed"


async def test_head_gives_the_headers_of_get(site: httpx.AsyncClient) -> None:
    response = await site.head("/app.js")
    assert (response.headers["content-length"], response.content) == ("2", b"")


async def test_bodies_stream_both_ways(web: Path) -> None:
    """The second part of the request is held back until the answer to the first has come."""

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(Request(scope, receive).stream())(scope, receive, send)

    came: asyncio.Queue[bytes] = asyncio.Queue()
    sent = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        sent += 1
        if sent > 1:
            assert await came.get() == b"part 1"
        return {"type": "http.request", "body": b"part %d" % sent, "more_body": sent < 2}

    async def send(message: Any) -> None:
        if message.get("body"):
            await came.put(message["body"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "POST",
        "path": "/api/echo",
        "query_string": b"",
        "headers": [],
    }
    async with asyncio.timeout(5):
        await host(web, api=echo)(scope, receive, send)
    assert came.get_nowait() == b"part 2"


@pytest.mark.parametrize(
    ("source", "path", "matches"),
    [
        ("/api/**", "/api/a/b", True),
        ("/api/**", "/api/", True),
        ("/api/**", "/api", False),
        ("/api/**", "/x/api/a", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/b/c", False),
        ("/a?c", "/abc", True),
        ("/a?c", "/a/c", False),
        ("/a.c", "/abc", False),
        ("/a/**/z", "/a/z", True),
        ("/a/**/z", "/a/b/c/z", True),
        ("/a/**/z", "/a/bz", False),
        ("a", "/a", True),
        ("**", "/any/thing", True),
        ("**/*.js", "/a.js", True),
    ],
)
def test_glob(source: str, path: str, matches: bool) -> None:
    assert bool(compile_glob(source).fullmatch(path)) is matches


def _with(**changes: Any) -> str:
    return json.dumps({"hosting": {**CONFIG["hosting"], **changes}})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be used"),
        ('{"hosting": []}', "cannot be used"),
        ('{"hosting": {}}', "'public'"),
        (_with(public="absent"), "public folder .* is not there"),
        (_with(redirects=[]), "redirects"),
        (_with(ignore=["*.{a,b}"]), "has '{'"),
        (_with(rewrites=[{"source": "**", "destination": "/index.html"}]), "'run'"),
        (
            _with(rewrites=[{"source": "/x", "run": {"serviceId": "on_tick"}}]),
            "the rewrite of /x names the service 'on_tick'",
        ),
    ],
)
def test_a_firebase_json_that_cannot_be_played_is_refused(
    web: Path, text: str, sentence: str
) -> None:
    (web / "firebase.json").write_text(text)
    with pytest.raises(InvalidSetting, match=sentence):
        read_site(web, ["predict", "api"])


def test_the_firebase_json_of_the_site_routes_every_documented_path() -> None:
    site = read_site(Path(__file__).parents[2] / "web", ["predict", "api"])

    def route(path: str) -> str | None:
        return next((name for pattern, name in site.rewrites if pattern.fullmatch(path)), None)

    assert route("/api/predict") == route("/api/predict/batch") == "predict"
    assert route("/api/health") == route("/api/model/uptime") == "predict"
    assert route("/api/model/info") == route("/static/v1/a.png") == "api"
    assert route("/docs/") is None


@pytest.mark.parametrize(
    "path", ["/firebase.json", "/firestore.rules", "/firestore.indexes.json", "/sdk/firestore.js"]
)
async def test_the_site_keeps_its_configuration_to_itself(path: str) -> None:
    app = host(Path(__file__).parents[2] / "web")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://site"
    ) as client:
        assert (await client.get(path)).status_code == 404
