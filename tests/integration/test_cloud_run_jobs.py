"""What CloudRunJobs does beyond the contract of Jobs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from disturbances import Disturb, Fault, always, lost, status
from emulators import cloud_run
from google.oauth2.credentials import Credentials

from ocellus.adapters.gcp import cloud_run_jobs
from ocellus.adapters.gcp.cloud_run_jobs import CloudRunJobs
from ocellus.errors import InvalidSetting, NotFound, StoreUnavailable

JOB = "projects/p/locations/l/jobs/trainer"
SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]


@pytest.fixture
def cloud() -> Iterator[cloud_run.CloudRun]:
    cloud = cloud_run.CloudRun(JOB, SLEEP)
    yield cloud
    cloud.close()


def open_jobs(api_root: str, job: str = "trainer", token: str = cloud_run.TOKEN) -> CloudRunJobs:
    return CloudRunJobs("p", "l", job, emulator=api_root, credentials=Credentials(token))


@pytest.fixture
def jobs(cloud: cloud_run.CloudRun) -> CloudRunJobs:
    return open_jobs(cloud.api_root)


def going(cloud: cloud_run.CloudRun) -> list[list[str]]:
    return [e.arguments for e in cloud.executions if e.process.poll() is None]


def test_cancel_stops_every_trainer_of_the_run_however_many_came_after(
    jobs: CloudRunJobs, cloud: cloud_run.CloudRun
) -> None:
    for run_id in ["r1", "r1", "r2", "r3", "r4", "r5"]:
        jobs.start(run_id)
    jobs.cancel("r1")
    for execution in cloud.executions[:2]:
        execution.process.wait(20)
    assert going(cloud) == [["--run", run_id] for run_id in ["r2", "r3", "r4", "r5"]]


def test_a_trainer_that_ends_just_before_it_is_cancelled_is_no_error(
    jobs: CloudRunJobs, cloud: cloud_run.CloudRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = cloud.cancel

    def end_and_cancel(name: str) -> Any:
        cloud.executions[0].process.kill()
        cloud.executions[0].process.wait()
        return cancel(name)

    monkeypatch.setattr(cloud, "cancel", end_and_cancel)
    jobs.start("r1")
    jobs.cancel("r1")
    assert going(cloud) == []


def test_a_trainer_that_cannot_be_cancelled_is_an_error(
    jobs: CloudRunJobs, cloud: cloud_run.CloudRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud, "cancel", lambda name: None)
    jobs.start("r1")
    with pytest.raises(StoreUnavailable, match="400 The execution has ended"):
        jobs.cancel("r1")


def test_an_absent_job_is_named(cloud: cloud_run.CloudRun) -> None:
    with pytest.raises(StoreUnavailable, match="no Cloud Run job projects/p/locations/l/jobs/a:"):
        open_jobs(cloud.api_root, job="a").start("r1")


def test_a_refusal_says_which_role_to_give(cloud: cloud_run.CloudRun) -> None:
    with pytest.raises(StoreUnavailable, match=r"refuses .*roles/run\.jobsExecutorWithOverrides"):
        open_jobs(cloud.api_root, token="wrong").start("r1")
    assert cloud.executions == []


@pytest.mark.parametrize("fault", [lost, status(429), status(500), status(503)])
def test_a_passing_fault_is_not_seen(
    jobs: CloudRunJobs, cloud: cloud_run.CloudRun, disturb: Disturb, fault: Fault
) -> None:
    disturb("POST", iter([fault]))
    jobs.start("r1")
    assert going(cloud)[0] == ["--run", "r1"]
    disturb("GET", iter([fault]))
    jobs.cancel("r1")
    for execution in cloud.executions:
        execution.process.wait(20)


@pytest.mark.parametrize("fault", [lost, status(503)])
def test_a_fault_that_stays_is_store_unavailable(
    cloud: cloud_run.CloudRun, disturb: Disturb, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(cloud_run_jobs, "DEADLINE_S", 0.01)
    jobs = open_jobs(cloud.api_root)
    disturb("POST", always(fault))
    with pytest.raises(StoreUnavailable, match="Cloud Run") as unavailable:
        jobs.start("r1")
    assert type(unavailable.value) is StoreUnavailable
    assert unavailable.value.remedy


def test_what_nobody_answers_is_store_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_run_jobs, "DEADLINE_S", 0.01)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        open_jobs("http://127.0.0.1:9/v2").start("r1")  # discard: nobody listens


def test_opening_without_credentials_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/absent.json")
    with pytest.raises(InvalidSetting, match="GOOGLE_APPLICATION_CREDENTIALS"):
        CloudRunJobs("p", "l", "trainer")


def test_credentials_without_a_project_say_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.auth.default", lambda scopes: (Credentials("token"), None))
    with pytest.raises(InvalidSetting, match="OCELLUS_PROJECT"):
        CloudRunJobs(None, "l", "trainer")


@pytest.mark.parametrize("run_id", ["../r1", "", "r1:run"])
def test_what_is_no_run_id_is_not_sent(
    jobs: CloudRunJobs, cloud: cloud_run.CloudRun, run_id: str
) -> None:
    with pytest.raises(NotFound):
        jobs.start(run_id)
    with pytest.raises(NotFound):
        jobs.cancel(run_id)
    assert cloud.executions == []
