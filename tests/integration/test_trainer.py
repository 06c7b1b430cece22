"""The trainer as a process: from nothing on a folder of drawings, then quick and full retrains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from drawings import blobs, stripes

from ocellus.bootstrap import App, build
from ocellus.manifest import Manifest, blob_name
from ocellus.prediction import Classifier
from ocellus.runs import Mode, RunStatus
from ocellus.settings import Settings
from ocellus.uploads import file_image


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A data folder without a seed model."""
    folder = tmp_path_factory.mktemp("trainer")
    return {
        "OCELLUS_DATA_DIR": str(folder / "data"),
        "OCELLUS_SEED_DIR": str(folder / "none"),
        "OCELLUS_LEASE_S": "5",
    }


@pytest.fixture(scope="module")
def app(environ: dict[str, str]) -> App:
    return build(Settings.from_env(environ))


def train(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training_job", *arguments]
    return subprocess.run(
        command, env=os.environ | environ, capture_output=True, text=True, timeout=240
    )


def begin(app: App, mode: Mode) -> str:
    run = app.state.begin_run(
        trigger="person",
        mode=mode,
        include_set_aside=False,
        requested_by="test",
        now=time.time(),
        lease_s=60,
    )
    return run.id


def report(app: App, version: str) -> Any:
    return json.loads(app.blobs.get(blob_name(version, "report.json")))


def test_a_first_version_is_trained_from_nothing(
    app: App, environ: dict[str, str], tmp_path: Path
) -> None:
    for i in range(80):
        for label, draw in (("blobs", blobs), ("stripes", stripes)):
            (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / label / f"{i}.png").write_bytes(draw(i))
    options = ("--epochs", "4", "--seed", "3", "--side", "32")
    done = train(environ, "--dataset", str(tmp_path / "set"), *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "images/s" in done.stdout
    pointer = app.state.pointer()
    assert pointer is not None
    assert (pointer.version, pointer.previous) == ("v1", None)
    manifest = Manifest.from_json(app.blobs.get(blob_name("v1", "manifest.json")))
    assert manifest.labels == ["blobs", "stripes"]
    assert (manifest.recipe["epochs"], manifest.recipe["seed"]) == (4, 3)
    assert (manifest.input.width, manifest.input.height) == (32, 32)
    pictures = json.loads(app.blobs.get(blob_name("v1", "plots/index.json")))
    assert len(pictures) >= 9
    for picture in pictures:
        assert app.blobs.get(blob_name("v1", picture["dark"])).startswith(b"\x89PNG")
    assert report(app, "v1")["out_of_distribution"]["sources"]["noise"]["images"] == 100
    counts = manifest.dataset["counts"]
    left_out = manifest.dataset["near_duplicates_left_out"]
    assert counts["train"] + counts["holdout"] + left_out == 160
    assert len(report(app, "v1")["curves"]["loss"]) == 4


def test_a_full_retrain_starts_from_the_parent_and_takes_the_samples_in(
    app: App, environ: dict[str, str]
) -> None:
    for i in range(30):
        file_image(
            app.blobs, app.state, label="stripes", data=stripes(500 + i), source="test", now=i
        )
    done = train(environ, "--run", begin(app, Mode.FULL))
    run = app.state.run("r2")
    assert run.status in (RunStatus.PROMOTED, RunStatus.REFUSED), run.message
    assert done.returncode == 0  # refused or not, a requested run is done
    manifest = Manifest.from_json(app.blobs.get(blob_name("v2", "manifest.json")))
    assert manifest.parent == "v1"
    left_out = manifest.dataset["near_duplicates_left_out"]
    assert sum(manifest.dataset["counts"].values()) + left_out == 190
    assert len(report(app, "v2")["learned"]) == 30
    artifact = app.blobs.get(blob_name("v2", "model.tflite"))
    assert Classifier(manifest, artifact).classify(stripes(900)).version == "v2"


def test_a_run_with_nothing_to_learn_fails_with_the_reason(
    app: App, environ: dict[str, str]
) -> None:
    serving = app.state.pointer()
    if serving is not None and serving.version == "v1":  # v2 was refused: its samples are new
        for sample in app.state.samples():
            app.state.remove_sample(sample.sha256)
    done = train(environ, "--run", begin(app, Mode.QUICK))
    assert done.returncode == 1
    run = app.state.run("r3")
    assert run.status is RunStatus.FAILED
    assert "has not learned" in run.message


def test_a_run_that_somebody_else_does_is_left_alone(app: App, environ: dict[str, str]) -> None:
    run_id = begin(app, Mode.QUICK)
    app.state.take_run(run_id, "somebody", time.time(), 60)
    done = train(environ, "--run", run_id)
    assert done.returncode == 1
    assert "The run cannot go on" in done.stderr
    assert app.state.run(run_id).owner == "somebody"


def test_a_trainer_told_to_stop_saves_and_the_next_one_goes_on(tmp_path: Path) -> None:
    environ = {
        "OCELLUS_DATA_DIR": str(tmp_path / "data"),
        "OCELLUS_SEED_DIR": str(tmp_path / "none"),
    }
    for i in range(40):
        for label, draw in (("blobs", blobs), ("stripes", stripes)):
            (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / label / f"{i}.png").write_bytes(draw(i))
    command = [sys.executable, "-m", "training_job", "--dataset", str(tmp_path / "set")]
    with subprocess.Popen(
        [*command, "--epochs", "30"], env=os.environ | environ, stdout=subprocess.PIPE, text=True
    ) as trainer:
        assert trainer.stdout is not None
        reached = next(line for line in trainer.stdout if "epoch" in line)
        trainer.terminate()
        rest = trainer.stdout.read()
    assert trainer.returncode == 128 + signal.SIGTERM, reached + rest
    app = build(Settings.from_env(environ))
    run = app.state.run("r1")
    assert (run.status, run.attempt, run.options) == (RunStatus.QUEUED, 0, {"epochs": 30})
    assert (tmp_path / "data" / "work" / "r1" / "checkpoint.npz").exists()
    done = train(environ, "--run", "r1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "epoch 1/30, step 1/" not in done.stdout
    assert app.state.run("r1").status is RunStatus.PROMOTED
