"""An installation and a client for every test of the functions' HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from documented import assert_documented
from in_process import TOKEN, function
from tiny_version import LABELS, TinyVersion

from ocellus import bootstrap
from ocellus.http import routing
from ocellus.publishing import install_seed


@pytest.fixture(params=["embedded", "gcp"])
def back_end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where this test's installation is; the environment says so, too."""
    if request.param == "gcp":
        for name, value in request.getfixturevalue("cloud_settings").items():
            monkeypatch.setenv(name, value)
    return str(request.param)


@pytest.fixture(autouse=True)
def app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_version: TinyVersion, back_end: str
) -> Iterator[bootstrap.App]:
    """An installation of its own, with v1 in service and v2 beside it; no trainer is started."""
    seed = tiny_version.write(tmp_path / "seed")
    monkeypatch.setenv("OCELLUS_SEED_DIR", str(seed))
    monkeypatch.setenv("OCELLUS_ADMIN_TOKEN", TOKEN)
    bootstrap.app.cache_clear()
    routing._token.cache_clear()
    app = bootstrap.app()
    install_seed(app.blobs, app.state, seed, 1000.0)
    tiny_version.install(app.blobs, app.state, "v2", labels=[x.upper() for x in LABELS])
    for method in ("start", "cancel"):
        monkeypatch.setattr(app.jobs, method, lambda run_id: None)
    yield app
    app.close()


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation without any version."""
    monkeypatch.setenv("OCELLUS_SEED_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("OCELLUS_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("OCELLUS_PROJECT", f"test-{uuid4().hex}")
    bootstrap.app.cache_clear()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to predict as http://predict, to api as http://api; all answers are documented."""
    transports: dict[str, httpx.AsyncBaseTransport | None] = {
        f"http://{name}": function(name) for name in ("predict", "api")
    }
    hooks = {"response": [assert_documented]}
    async with httpx.AsyncClient(
        mounts=transports, base_url="http://api", event_hooks=hooks
    ) as client:
        yield client
