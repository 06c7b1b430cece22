"""The page in a real browser, on both back ends or against the server at BASE_URL.

BASE_URL names a running deployment; OCELLUS_ADMIN_TOKEN is then its token. The tests upload noise,
train on it and move the pointer: not for a deployment whose samples matter. Those marked `harmless`
only predict and look, and need no token.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from deployment import Deployment, Elsewhere
from emulators.stack import EmulatedStack
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    FilePayload,
    Page,
    Request,
    expect,
    sync_playwright,
)
from server import Server

_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


# Runs start when a test asks, not by themselves.
_ENVIRON = {"OCELLUS_RETRAIN_THRESHOLD": "1000"}


@pytest.fixture(scope="session")
def stack(
    firestore_installed: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedStack]:
    """The whole deployment on emulators."""
    stack = EmulatedStack(tmp_path_factory.mktemp("stack"), _ENVIRON)
    yield stack
    stack.stop()


@pytest.fixture(
    scope="session", params=["elsewhere"] if "BASE_URL" in os.environ else ["embedded", "gcp"]
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    if request.param == "elsewhere":
        yield Elsewhere(
            os.environ["BASE_URL"].rstrip("/"), os.environ.get("OCELLUS_ADMIN_TOKEN", "")
        )
    elif request.param == "gcp":
        stack: EmulatedStack = request.getfixturevalue("stack")
        yield Elsewhere(stack.url, stack.token)
    else:
        own = Server(tmp_path_factory.mktemp("server") / "data", _ENVIRON).start()
        yield own
        own.stop()


@pytest.fixture
def labels(server: Deployment) -> list[str]:
    """The labels of the version in service."""
    known: list[str] = server.get("/api/model/info")["manifest"]["labels"]
    return known


@pytest.fixture
def new_samples(server: Deployment, labels: list[str]) -> None:
    """Samples on file that no version has learned."""
    for label in labels[:2]:
        files = [("file", (f"{i}.png", noise())) for i in range(12)]
        server.post("/api/upload/training-data", data={"label": label}, files=files)


@pytest.fixture
def other_version(server: Deployment, new_samples: None) -> str:
    """A version that is not in service; trained if there is none."""
    if len(server.get("/api/models")["versions"]) < 2:
        server.post("/api/retrain", json={"mode": "quick"})
        while (run := server.get("/api/retrain/status")["run"])["status"] in ("queued", "running"):
            time.sleep(0.5)
        assert run["status"] in ("promoted", "refused"), run["message"]
    models = server.get("/api/models")
    return next(v["name"] for v in models["versions"] if v["name"] != models["pointer"]["version"])


def noise(side: int = 32, kind: str = "PNG") -> bytes:
    """Return an image file that no one has uploaded before."""
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(file, kind)
    return file.getvalue()


@pytest.fixture
def new_images() -> list[FilePayload]:
    """Three PNG files that no one has uploaded before."""
    return [
        FilePayload(name=f"noise{i}.png", mimeType="image/png", buffer=noise()) for i in range(3)
    ]


@pytest.fixture
def large_images(tmp_path: Path) -> list[Path]:
    """More than one request carries, and that no one has uploaded before."""
    paths = [tmp_path / f"large{i}.bmp" for i in range(3)]
    for path in paths:
        path.write_bytes(noise(1700, "BMP"))
    return paths


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser"]
    chromium = next((path for name in names if name and (path := shutil.which(name))), None)
    if chromium is None:
        message = "Chromium is missing: apt-get install chromium, or set CHROMIUM to its path"
        if os.environ.get("ALLOW_MISSING_SERVICES") == "1":
            pytest.skip(message)
        pytest.fail(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Deployment) -> Iterator[Page]:
    """The page, every section shown, with the token. A fault that the browser reports fails the
    test.
    """
    expect.set_options(timeout=15_000)
    faults: list[str] = []
    policy = httpx.get(server.url, timeout=30).headers["content-security-policy"]
    own = (server.url, "data:", "blob:", *re.findall(r"https?://[^ ;]+", policy))

    def logged(message: ConsoleMessage) -> None:
        # Chromium logs every answer of 4xx and 5xx, which tests of errors provoke.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            faults.append(message.text)

    def requested(request: Request) -> None:
        if not request.url.startswith(own):
            faults.append(f"external request: {request.url}")

    context = browser.new_context()
    page = context.new_page()
    page.on("console", logged)
    page.on("request", requested)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{server.url}/#token={server.token}")
    # A section that is first shown moves those below it: a click may fall between two places.
    expect(page.locator("section[aria-busy]")).to_have_count(0)
    yield page
    context.close()
    assert faults == []
