"""An installation and a client for every test of the functions' HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from documented import assert_documented
from in_process import TOKEN, function
from tiny_version import LABELS, TinyVersion

from ocellus import bootstrap
from ocellus.http import routing


@pytest.fixture(autouse=True)
def app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_version: TinyVersion
) -> bootstrap.App:
    """An installation of its own, with v1 in service and v2 beside it; no trainer is started."""
    seed = tiny_version.write(tmp_path / "seed")
    monkeypatch.setenv("OCELLUS_SEED_DIR", str(seed))
    monkeypatch.setenv("OCELLUS_ADMIN_TOKEN", TOKEN)
    bootstrap.app.cache_clear()
    routing._token.cache_clear()
    app = bootstrap.app()
    tiny_version.install(app.blobs, app.state, "v2", labels=[x.upper() for x in LABELS])
    monkeypatch.setattr(app.jobs, "start", lambda run_id: None)
    return app


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
