"""A thousand events, each many times and in no order, at two processes of on_upload."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from announced import announcement
from deployed import deployed
from drawings import blobs, stripes
from emulators.cloud_run import CloudRun
from pictures import zipped

from ocellus.bootstrap import App, build
from ocellus.samples import sha256_of
from ocellus.settings import Settings

NEW_CONNECTIONS = httpx.Limits(max_keepalive_connections=0)
EVENTS, SENDERS, IMAGES, THRESHOLD = 1000, 20, 60, 50
TRAINER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]


@dataclass(frozen=True)
class Installation:
    environ: dict[str, str]
    trainers_started: Callable[[], int]


@pytest.fixture(params=["embedded", "gcp"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """Where the functions and the test meet. On Google Cloud a trainer only holds its run."""
    environ = {"OCELLUS_RETRAIN_THRESHOLD": str(THRESHOLD), "OCELLUS_START_LEASE_S": "600"}
    if request.param == "embedded":
        environ["OCELLUS_DATA_DIR"] = str(tmp_path / "data")
        runs = tmp_path / "data" / "runs"
        yield Installation(environ, lambda: sum(map(lines_of, runs.glob("*/pid"))))
        return
    environ |= request.getfixturevalue("cloud_settings")
    job = f"projects/{environ['OCELLUS_PROJECT']}/locations/europe-west1/jobs/ocellus-trainer"
    cloud = CloudRun(job, TRAINER, token=None)
    environ["OCELLUS_RUN_API"] = cloud.api_root
    yield Installation(environ, lambda: len(cloud.executions))
    cloud.close()


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.fixture
def app(installation: Installation) -> Iterator[App]:
    app = build(Settings.from_env(installation.environ))
    yield app
    if run := app.state.active_run():
        app.retraining.cancel(run.id, "the test")
    app.close()


def image(number: int) -> tuple[str, bytes]:
    """Return the name and bytes of one of IMAGES images, of two labels."""
    label, draw = (("blobs", blobs), ("stripes", stripes))[number % 2]
    return f"{label}/{number}.png", draw(number)


def test_a_thousand_shuffled_events_file_every_image_once_and_start_one_run(
    installation: Installation, app: App, tmp_path: Path
) -> None:
    for number in range(35):
        app.inbox.put(*image(number))
    app.inbox.put("drop.zip", zipped(*map(image, range(25, IMAGES))))  # ten of them dropped alone
    objects = [announcement(app.settings, name) for name in app.inbox.list()]
    events = (objects * (EVENTS // len(objects) + 1))[:EVENTS]
    random.Random(1).shuffle(events)
    with (
        deployed("on_upload", installation.environ, tmp_path / "one.log") as one,
        deployed("on_upload", installation.environ, tmp_path / "two.log") as two,
        httpx.Client(timeout=60, limits=NEW_CONNECTIONS) as client,
    ):

        def send(number: int) -> int:
            headers, body = events[number]
            url = (one, two)[number % 2]
            ids = {"ce-id": str(number)}  # one change may come under several ids
            return client.post(url, content=body, headers=headers | ids).status_code

        with ThreadPoolExecutor(SENDERS) as senders:
            assert set(senders.map(send, range(EVENTS))) == {200}
    samples = app.state.samples()
    assert sorted(s.sha256 for s in samples) == sorted(
        sha256_of(image(n)[1]) for n in range(IMAGES)
    )
    assert app.blobs.list("samples/") == sorted(s.blob_name for s in samples)
    assert app.inbox.list() == []
    assert [event for event in app.state.history() if event.action == "rejected"] == []
    (run,) = app.state.runs()
    assert installation.trainers_started() == 1
    assert run.samples_seen + app.state.new_samples() == IMAGES
