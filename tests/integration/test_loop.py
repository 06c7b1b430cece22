"""The whole loop with the shipped seed model, the real trainer and a real server.

The tests share one server and run in order, as a day in its life: what is dropped is learned, what
is wrong is refused, and no prediction fails meanwhile.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from drawings import blobs, stripes
from server import Server, until

ENVIRON = {"OCELLUS_TICK_S": "0.5", "OCELLUS_LEASE_S": "5", "OCELLUS_REFRESH_S": "0.5"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("loop") / "data", ENVIRON).start()
    yield server
    server.stop()


def drop(server: Server, images: list[tuple[str, bytes]]) -> None:
    """Copy images into the inbox folder, one folder a label."""
    for i, (label, data) in enumerate(images):
        folder = server.data / "inbox" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{time.monotonic_ns()}-{i}.png").write_bytes(data)


def as_answered(server: Server, images: list[bytes]) -> list[tuple[str, bytes]]:
    """Label images with what the server takes them for, so that the labels are old ones and fit."""
    files = [("file", (f"{i}.png", data)) for i, data in enumerate(images)]
    results = server.http.post("/api/predict/batch", files=files).json()["results"]
    return [(r["label"], data) for r, data in zip(results, images, strict=True)]


def figures(server: Server, version: str, check: str) -> dict[str, float]:
    path = server.data / "blobs" / "models" / version / "report.json"
    checks = json.loads(path.read_bytes())["verdict"]["checks"]
    return next(c["figures"] for c in checks if c["name"] == check)


def newest_run(server: Server, after: str) -> dict[str, Any]:
    """Wait for a run newer than `after` and return it as it is."""
    until(lambda: server.get("/api/retrain/status")["run"]["id"] != after, 60, "a new run")
    run: dict[str, Any] = server.get("/api/retrain/status")["run"]
    return run


def test_a_drop_with_a_new_label_starts_one_run_that_goes_live(server: Server) -> None:
    old = as_answered(server, [blobs(i) for i in range(30)])
    drop(server, old + [("stripes", stripes(i)) for i in range(30)])
    until(lambda: server.get("/api/retrain/status")["run"], 30, "the run")
    run = server.run_ended("r2")
    assert run["status"] == "promoted", run["message"]
    server.serves("v2")
    manifest = server.get("/api/model/info")["manifest"]
    assert "stripes" in manifest["labels"]
    assert sum(manifest["durations_s"].values()) < 30
    assert figures(server, "v2", "accuracy")["points"] > -0.5
    assert [r["id"] for r in server.get("/api/runs")["runs"]] == ["r2"]
    assert not [p for p in (server.data / "inbox").rglob("*") if p.is_file()]
    unseen = as_answered(server, [stripes(1000 + i) for i in range(40)])
    assert sum(label == "stripes" for label, _ in unseen) >= 30


def test_shuffled_labels_are_refused_with_the_reason(server: Server) -> None:
    labels = server.get("/api/model/info")["manifest"]["labels"]
    rng = random.Random(5)
    drop(server, [(rng.choice(labels), blobs(100 + i)) for i in range(200)])
    run = server.run_ended(newest_run(server, "r2")["id"])
    assert run["status"] == "refused"
    assert "labels look wrong" in run["message"]
    assert server.get("/api/health")["serving"] == "v2"
    samples = server.get("/api/samples")["labels"]
    assert sum(counts["set_aside"] for counts in samples.values()) > 100


def test_no_prediction_fails_while_the_version_changes_three_times(server: Server) -> None:
    versions: Counter[str] = Counter()
    failures: list[str] = []
    enough = threading.Event()

    def predict(worker: int) -> None:
        image = stripes(2000 + worker)
        with httpx.Client(base_url=server.http.base_url) as client:
            while not enough.is_set():
                answer = client.post("/api/predict", content=image)
                if answer.status_code != 200 or "label" not in answer.json():
                    failures.append(answer.text)
                else:
                    versions[answer.json()["version"]] += 1

    threads = [threading.Thread(target=predict, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    try:
        before = server.get("/api/retrain/status")["run"]["id"]
        drop(server, as_answered(server, [stripes(3000 + i) for i in range(55)]))
        run = server.run_ended(newest_run(server, before)["id"])
        assert run["status"] == "promoted", run["message"]
        server.serves(run["version"])
        server.post("/api/model/rollback")
        server.serves("v2")
        server.post("/api/model/promote", json={"version": run["version"], "reason": "test"})
        server.serves(run["version"])
        until(lambda: versions.total() >= 500, 60, "500 predictions")
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(versions) == {"v2", run["version"]}


def test_a_killed_trainer_is_replaced_and_the_run_ends(server: Server) -> None:
    before = server.get("/api/retrain/status")["run"]["id"]
    drop(server, as_answered(server, [blobs(4000 + i) for i in range(55)]))
    run = newest_run(server, before)

    def training() -> bool:
        progress = server.get("/api/retrain/status")["run"]["progress"]
        return bool(progress and progress["phase"] in ("train", "export"))

    until(training, 60, "the trainer to train")
    pid = int((server.data / "runs" / run["id"] / "pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    ended = server.run_ended(run["id"])
    assert ended["status"] == "promoted", ended["message"]
    assert ended["attempt"] == 2
    server.serves(ended["version"])


def test_a_server_killed_in_an_upload_leaves_whole_samples_and_goes_on(server: Server) -> None:
    before = server.get("/api/retrain/status")["run"]["id"]
    count = server.get("/api/samples")["count"]
    images = as_answered(server, [stripes(5000 + i) for i in range(60)])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for i, (label, data) in enumerate(images):
            archive.writestr(f"{label}/{i}.png", data)
    upload = {"file": ("more.zip", packed.getvalue(), "application/zip")}

    def post() -> None:
        # A client of its own: the killed server takes the connection with it.
        headers = dict(server.http.headers)
        with (
            httpx.Client(base_url=server.http.base_url, headers=headers) as client,
            pytest.raises(httpx.TransportError),
        ):
            client.post("/api/upload/training-data", files=upload, timeout=30)

    thread = threading.Thread(target=post)
    thread.start()
    until(lambda: server.get("/api/samples")["count"] > count, 30, "the first sample")
    server.kill()
    thread.join()
    server.start()
    stored = list((server.data / "blobs" / "samples").rglob("*.png"))
    filed = server.get("/api/samples")["count"]
    assert filed < count + 60
    assert 0 <= len(stored) - filed <= 1  # at most one blob was written and not yet filed
    answer = server.http.post("/api/upload/training-data", files=upload)
    assert answer.status_code == 200, answer.text
    assert server.get("/api/samples")["count"] == count + 60
    ended = server.run_ended(newest_run(server, before)["id"])
    assert ended["status"] == "promoted", ended["message"]
    server.serves(ended["version"])


def test_nothing_is_half_published_in_the_end(server: Server) -> None:
    listed = {v["name"] for v in server.get("/api/models")["versions"]}
    models = server.data / "blobs" / "models"
    whole = {p.parent.name for p in models.glob("*/manifest.json")}
    assert listed == whole == {p.name for p in Path(models).iterdir()}
