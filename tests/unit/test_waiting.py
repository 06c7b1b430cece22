"""Runs that are left to a trainer that waits."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ocellus.bootstrap import App, build
from ocellus.errors import LeaseLost
from ocellus.runs import Mode, RunStatus
from ocellus.settings import Settings
from training_job.waiting import wait_for_run


@pytest.fixture
def app(tmp_path: Path) -> App:
    environ = {
        "OCELLUS_DATA_DIR": str(tmp_path / "data"),
        "OCELLUS_SEED_DIR": str(tmp_path / "none"),
        "OCELLUS_TRAINER": "waiting",
    }
    return build(Settings.from_env(environ))


def test_a_requested_run_lies_queued_for_who_waits(app: App) -> None:
    run = app.retraining.request("person", Mode.AUTO, "test")
    assert app.state.run(run.id).status is RunStatus.QUEUED
    assert not (app.settings.data_dir / "runs").exists()  # no child process
    assert wait_for_run(app.state, threading.Event()) == run.id


def test_a_run_that_comes_while_a_trainer_waits_is_found(app: App) -> None:
    found: list[str | None] = []
    waiting = threading.Thread(
        target=lambda: found.append(wait_for_run(app.state, threading.Event()))
    )
    waiting.start()
    run = app.retraining.request("person", Mode.AUTO, "test")
    waiting.join(10)
    assert found == [run.id]


def test_a_run_that_has_its_trainer_is_not_for_who_waits(app: App) -> None:
    run = app.retraining.request("person", Mode.AUTO, "test")
    app.state.take_run(run.id, "another", run.created_at, lease_s=60)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert wait_for_run(app.state, stop) is None


def test_a_silent_trainers_run_is_found_again(app: App) -> None:
    run = app.retraining.request("person", Mode.AUTO, "test")
    app.state.take_run(run.id, "dead", run.created_at, lease_s=1)
    replace(app.retraining, clock=lambda: run.created_at + 2).tend()
    assert wait_for_run(app.state, threading.Event()) == run.id


def test_cancelling_takes_the_run_from_its_trainer(app: App) -> None:
    run = app.retraining.request("person", Mode.AUTO, "test")
    app.state.take_run(run.id, "trainer", run.created_at, lease_s=60)
    app.retraining.cancel(run.id, "test")
    with pytest.raises(LeaseLost):
        app.state.renew_lease(run.id, "trainer", run.created_at, 60)
