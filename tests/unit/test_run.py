"""A run whose earlier trainer died between the manifest and the verdict."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tiny_version import TinyVersion

from ocellus.bootstrap import App, build
from ocellus.errors import LeaseLost
from ocellus.manifest import blob_name
from ocellus.runs import Mode, Run, RunStatus
from ocellus.settings import Settings
from training_job.run import execute


@pytest.fixture
def app(tmp_path: Path, tiny_version: TinyVersion) -> App:
    seed = tiny_version.write(tmp_path / "seed")
    environ = {"OCELLUS_DATA_DIR": str(tmp_path / "data"), "OCELLUS_SEED_DIR": str(seed)}
    return build(Settings.from_env(environ))


def begin(app: App) -> Run:
    return app.state.begin_run(
        trigger="person",
        mode=Mode.QUICK,
        include_set_aside=False,
        requested_by="test",
        now=time.time(),
        lease_s=60,
    )


def abandoned(app: App, tiny_version: TinyVersion, compared_with: str) -> Run:
    """Begin a run whose version is written whole and not yet published."""
    run = begin(app)
    report = {
        "verdict": {"promoted": True, "sentence": "promoted: it is better", "checks": []},
        "learned": [],
        "compared_with": compared_with,
    }
    files = tiny_version.files(run.version) | {"report.json": json.dumps(report).encode()}
    for name, data in files.items():
        app.blobs.put(blob_name(run.version, name), data)
    return run


def test_the_finished_version_is_published_as_it_is(app: App, tiny_version: TinyVersion) -> None:
    run = abandoned(app, tiny_version, compared_with="v1")
    assert execute(app, run.id) is RunStatus.PROMOTED
    pointer = app.state.pointer()
    assert pointer is not None
    assert (pointer.version, pointer.previous) == (run.version, "v1")


def test_a_verdict_over_a_version_no_longer_in_service_promotes_nothing(
    app: App, tiny_version: TinyVersion
) -> None:
    run = abandoned(app, tiny_version, compared_with="v9")
    assert execute(app, run.id) is RunStatus.REFUSED
    pointer = app.state.pointer()
    assert pointer is not None
    assert pointer.version == "v1"
    assert "went out of service" in app.state.run(run.id).message
    assert app.state.version(run.version).verdict == "refused"


def test_a_run_that_cannot_be_done_fails_with_its_phase(app: App) -> None:
    run = begin(app)
    app.blobs.delete(blob_name("v1", "model.keras"))
    assert execute(app, run.id) is RunStatus.FAILED
    assert app.state.run(run.id).message.startswith("Failed in phase snapshot: ")
    with pytest.raises(LeaseLost):
        execute(app, run.id)
