"""The local platform around a tiny `main.py`: functions, events, ticks, stopping."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import types
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs, generation_of
from ocellus.adapters.embedded.platform import create_platform, serve
from ocellus.errors import InvalidSetting

MAIN = """
import asyncio
from functions_framework import aio
from starlette.requests import Request
import recorder

@aio.http
async def predict(request: Request):
    if request.url.path.endswith("/broken"):
        raise RuntimeError("broken")
    body = (await request.body()).decode()
    return {"function": "predict", "path": request.url.path, "body": body}

@aio.http
async def api(request: Request):
    return {"function": "api", "path": request.url.path}

@aio.cloud_event
async def on_upload(event):
    recorder.running += 1
    recorder.most_running = max(recorder.most_running, recorder.running)
    await asyncio.sleep(0)
    recorder.running -= 1
    recorder.events.append({**event.get_attributes(), "data": event.data})
    if recorder.refuse(event.data["name"]):
        raise RuntimeError("refused on purpose")

@aio.http
async def on_tick(request: Request):
    recorder.ticks += 1
    if recorder.ticks == 1:
        raise RuntimeError("the first tick fails")
    return "OK"
"""


class Recorder(types.ModuleType):
    """What the functions of `MAIN` saw, and what they are to refuse; they import it."""

    def __init__(self) -> None:
        super().__init__("recorder")
        self.events: list[dict[str, Any]] = []
        self.ticks = 0
        self.running = 0
        self.most_running = 0
        self.refuse: Callable[[str], bool] = lambda name: False

    def names(self) -> list[str]:
        return [event["data"]["name"] for event in self.events]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Stands in for what the functions import; undoes what the framework does to the process."""
    recorder = Recorder()
    monkeypatch.setitem(sys.modules, "recorder", recorder)
    monkeypatch.setitem(sys.modules, "main", types.ModuleType("main"))
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setenv("FUNCTION_TARGET", "")
    monkeypatch.setenv("FUNCTION_SIGNATURE_TYPE", "")
    return recorder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("source", "web", "inbox"):
        (tmp_path / folder).mkdir()
    (tmp_path / "source/main.py").write_text(MAIN)
    (tmp_path / "web/index.html").write_text("start")
    rewrites = [
        {"source": "/api/predict/**", "run": {"serviceId": "predict"}},
        {"source": "/api/**", "run": {"serviceId": "api"}},
    ]
    (tmp_path / "web/firebase.json").write_text(
        json.dumps({"hosting": {"public": ".", "rewrites": rewrites}})
    )
    return tmp_path


@asynccontextmanager
async def running(
    project: Path, on_stop: Callable[[], None] = lambda: None, tick_s: float = 60
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_platform(
        source=project / "source",
        web=project / "web",
        inbox=project / "inbox",
        tick_s=tick_s,
        on_stop=on_stop,
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client,
    ):
        yield client


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


# Requests


async def test_requests_reach_the_functions_and_the_site(recorder: Recorder, project: Path) -> None:
    async with running(project) as site:
        assert (await site.get("/")).text == "start"
        assert (await site.get("/api/health")).json() == {"function": "api", "path": "/api/health"}
        answer = (await site.post("/api/predict/batch", content="image")).json()
    assert answer == {"function": "predict", "path": "/api/predict/batch", "body": "image"}


async def test_a_function_that_raises_answers_500(recorder: Recorder, project: Path) -> None:
    async with running(project) as site:
        response = await site.get("/api/predict/broken")
    assert (response.status_code, response.text) == (500, "Internal Server Error")


async def test_a_signed_upload_goes_into_the_inbox_and_is_announced(
    recorder: Recorder, project: Path
) -> None:
    signed = DirectoryBlobs(project / "inbox").sign_upload("cat/1.png", "image/png", 10, 60)
    async with running(project) as site:
        assert (await site.get(signed.url)).status_code == 405
        assert (await site.put("/uploads/forged", headers=signed.headers)).status_code == 403
        answer = await site.put(signed.url, content=b"image", headers=signed.headers)
        await until(lambda: recorder.names() == ["cat/1.png"])
    assert answer.status_code == 200
    assert (project / "inbox/cat/1.png").read_bytes() == b"image"


async def test_nobody_outside_reaches_events_or_ticks(recorder: Recorder, project: Path) -> None:
    async with running(project) as site:
        await until(lambda: recorder.ticks == 1)
        answers = [await site.post(path) for path in ("/", "/on_tick", "/on_upload")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert (recorder.ticks, recorder.events) == (1, [])


def test_a_missing_entry_point_is_named(recorder: Recorder, project: Path) -> None:
    (project / "source/main.py").write_text(MAIN.replace("def api", "def another"))
    with pytest.raises(Exception, match="'api'.*'another'"):
        create_platform(
            source=project / "source", web=project / "web", inbox=project / "inbox", tick_s=1
        )


def test_a_rewrite_to_an_event_function_is_refused(recorder: Recorder, project: Path) -> None:
    config = project / "web/firebase.json"
    config.write_text(config.read_text().replace('"predict"', '"on_upload"'))
    with pytest.raises(InvalidSetting, match="on_upload"):
        create_platform(
            source=project / "source", web=project / "web", inbox=project / "inbox", tick_s=1
        )


# Drops


async def test_a_drop_is_announced_as_a_finalized_object(recorder: Recorder, project: Path) -> None:
    async with running(project):
        file = project / "inbox/grüne cat/1.jpg"
        file.parent.mkdir()
        file.write_bytes(b"abc")
        await until(lambda: bool(recorder.events))
    event = recorder.events[0]
    data = event.pop("data")
    assert {name: event[name] for name in ("specversion", "type", "source", "subject")} == {
        "specversion": "1.0",
        "type": "google.cloud.storage.object.v1.finalized",
        "source": "//storage.googleapis.com/projects/_/buckets/inbox",
        "subject": "objects/gr%C3%BCne%20cat/1.jpg",
    }
    assert data == {
        "kind": "storage#object",
        "bucket": "inbox",
        "name": "grüne cat/1.jpg",
        "generation": str(generation_of(file.stat())),
        "size": "3",
        "contentType": "image/jpeg",
        "timeCreated": event["time"],
    }


async def test_what_was_dropped_while_the_server_was_down_is_announced(
    recorder: Recorder, project: Path
) -> None:
    (project / "inbox/cat").mkdir()
    (project / "inbox/cat/1.jpg").write_bytes(b"1")
    async with running(project):
        await until(lambda: recorder.names() == ["cat/1.jpg"])


async def test_an_absent_inbox_is_made(recorder: Recorder, project: Path) -> None:
    (project / "inbox").rmdir()
    async with running(project):
        await until((project / "inbox").is_dir)
        (project / "inbox/1.jpg").write_bytes(b"1")
        await until(lambda: recorder.names() == ["1.jpg"])


async def test_hidden_files_are_not_announced(recorder: Recorder, project: Path) -> None:
    (project / "inbox/.git").mkdir()
    (project / "inbox/.git/config").write_bytes(b"1")
    async with running(project):
        (project / "inbox/.1.jpg.part").write_bytes(b"1")
        (project / "inbox/1.jpg").write_bytes(b"1")
        await until(lambda: bool(recorder.events))
    assert recorder.names() == ["1.jpg"]


async def test_a_growing_file_is_announced_whole(recorder: Recorder, project: Path) -> None:
    async with running(project):
        with (project / "inbox/1.jpg").open("wb", buffering=0) as file:
            for _ in range(8):
                file.write(b"12345")
                await asyncio.sleep(0.05)  # a slow writer: the time is the subject here
        await until(lambda: bool(recorder.events))
    assert [event["data"]["size"] for event in recorder.events] == ["40"]


async def test_a_changed_file_is_announced_again(recorder: Recorder, project: Path) -> None:
    file = project / "inbox/1.jpg"
    file.write_bytes(b"1")
    async with running(project):
        await until(lambda: len(recorder.events) == 1)
        file.write_bytes(b"22")
        await until(lambda: len(recorder.events) == 2)
    first, second = recorder.events
    assert (first["data"]["size"], second["data"]["size"]) == ("1", "2")
    assert first["id"] != second["id"]


async def test_a_refused_announcement_is_repeated_and_holds_nothing_up(
    recorder: Recorder, project: Path
) -> None:
    recorder.refuse = lambda name: recorder.names().count(name) == 1 and name == "bad.jpg"
    (project / "inbox/bad.jpg").write_bytes(b"1")
    async with running(project):
        await until(lambda: recorder.names() == ["bad.jpg"])
        (project / "inbox/good.jpg").write_bytes(b"1")
        await until(lambda: len(recorder.events) == 3)
    assert recorder.names() == ["bad.jpg", "good.jpg", "bad.jpg"]
    assert recorder.events[0]["id"] == recorder.events[2]["id"]


async def test_a_refused_file_that_goes_is_dropped(recorder: Recorder, project: Path) -> None:
    recorder.refuse = lambda name: name == "bad.jpg"
    (project / "inbox/bad.jpg").write_bytes(b"1")
    async with running(project):
        await until(lambda: recorder.names() == ["bad.jpg"])
        (project / "inbox/bad.jpg").unlink()
        (project / "inbox/last.jpg").write_bytes(b"1")
        await until(lambda: "last.jpg" in recorder.names())
        await asyncio.sleep(1.1)  # longer than the first retry waits: nothing may come
    assert recorder.names() == ["bad.jpg", "last.jpg"]


async def test_a_storm_of_drops_is_announced_once_each_eight_at_a_time(
    recorder: Recorder, project: Path
) -> None:
    names = {f"label-{i % 7}/deep/{i}.jpg" for i in range(500)}
    async with running(project):
        await until(lambda: recorder.ticks == 1)
        for name in names:
            file = project / "inbox" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"1")
        await until(lambda: len(recorder.events) >= len(names))
    assert sorted(recorder.names()) == sorted(names)
    assert recorder.most_running <= 8


# Ticks and stopping


async def test_ticks_go_on_after_a_failure(recorder: Recorder, project: Path) -> None:
    async with running(project, tick_s=0.01):
        await until(lambda: recorder.ticks >= 3)


async def test_on_stop_is_called_when_nothing_runs_any_more(
    recorder: Recorder, project: Path
) -> None:
    tasks: list[int] = []
    async with running(project, on_stop=lambda: tasks.append(len(asyncio.all_tasks()))):
        await until(lambda: recorder.ticks == 1)
        assert tasks == []
    assert tasks == [1]  # the test's own


def test_a_server_without_a_port_starts_nothing(recorder: Recorder, project: Path) -> None:
    app = create_platform(
        source=project / "source", web=project / "web", inbox=project / "inbox", tick_s=1
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSetting, match=f"port {port}: Address already in use"):
            serve(app, "127.0.0.1", port)
    assert recorder.ticks == 0


def test_a_server_stops_gracefully_at_sigterm(project: Path) -> None:
    (project / "source/recorder.py").write_text("ticks = 0")
    script = f"""
import logging, pathlib, sys
logging.basicConfig(level="INFO", format="%(message)s")
from ocellus.adapters.embedded.platform import create_platform, serve
project = pathlib.Path({str(project)!r})
app = create_platform(source=project / "source", web=project / "web", inbox=project / "inbox",
                      tick_s=60, on_stop=lambda: print("on_stop called", flush=True))
serve(app, "127.0.0.1", 0)
print("serve returned")
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            line = next(line for line in server.stderr if line.startswith("serving at "))
            url = line.removeprefix("serving at ").strip()
            assert httpx.get(f"{url}/api/health").json()["function"] == "api"
            server.send_signal(signal.SIGTERM)
            out, _ = server.communicate(timeout=10)
        finally:
            server.kill()
    assert out.splitlines() == ["on_stop called", "serve returned"]
    assert server.returncode == 0
