"""The contract of State: runs, from the request to the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ocellus.errors import LeaseLost, NotFound, RunActive
from ocellus.ports import State
from ocellus.runs import Mode, Run, RunStatus
from ocellus.samples import Sample
from ocellus.versions import Version

REQUEST: dict[str, Any] = {
    "trigger": "threshold",
    "mode": Mode.QUICK,
    "include_set_aside": True,
    "requested_by": "ann",
    "now": 100.0,
    "lease_s": 90.0,
    "dataset": "datasets/pets.zip",
    "options": {"epochs": 3, "backbone": "mobilenet_v3_small"},
}
QUEUED = Run(
    number=1,
    trigger="threshold",
    mode=Mode.QUICK,
    include_set_aside=True,
    status=RunStatus.QUEUED,
    requested_by="ann",
    created_at=100.0,
    attempt=0,
    owner=None,
    lease_until=190.0,
    samples_seen=0,
    dataset="datasets/pets.zip",
    options={"epochs": 3, "backbone": "mobilenet_v3_small"},
)


def file_sample(state: State, number: int) -> Sample:
    sample = Sample(f"{number:064x}", "cat", "png", 10, float(number), "upload")
    state.file_sample(sample, None)
    return sample


@pytest.fixture
def queued(state: State) -> State:
    """State with r1 QUEUED until 190."""
    state.begin_run(**REQUEST)
    return state


@pytest.fixture
def running(queued: State) -> State:
    """State with r1 RUNNING, owned by t1 until 140."""
    queued.take_run("r1", "t1", now=110.0, lease_s=30.0)
    return queued


def test_a_run_begins_queued(state: State) -> None:
    assert state.begin_run(**REQUEST) == QUEUED
    assert state.run("r1") == QUEUED


def test_a_run_may_have_no_data_set_of_its_own(state: State) -> None:
    state.begin_run(**REQUEST | {"dataset": None})
    assert state.run("r1").dataset is None


def test_a_run_may_have_no_options(state: State) -> None:
    state.begin_run(**REQUEST | {"options": None})
    assert state.run("r1").options == {}


def test_a_run_begins_with_the_count_of_samples_ever_filed(state: State) -> None:
    file_sample(state, 1)
    state.remove_sample(file_sample(state, 2).sha256)
    assert state.begin_run(**REQUEST).samples_seen == 2


def test_a_run_number_is_above_every_run(queued: State) -> None:
    queued.end_run("r1", RunStatus.FAILED, "", now=110.0)
    assert queued.begin_run(**REQUEST).number == 2


def test_a_run_number_is_above_every_version(state: State) -> None:
    for name in ("v10", "v9"):
        state.add_version(Version(name, None, 1.0, 0.9, 10, "seed", ""))
    assert state.begin_run(**REQUEST).id == "r11"


@pytest.mark.parametrize("now", [100.0, 1000.0])
def test_one_run_at_a_time_however_late(queued: State, now: float) -> None:
    with pytest.raises(RunActive, match="r1"):
        queued.begin_run(**REQUEST | {"now": now})
    queued.take_run("r1", "t1", now=110.0, lease_s=30.0)
    with pytest.raises(RunActive, match="r1"):
        queued.begin_run(**REQUEST | {"now": now})
    assert len(queued.runs()) == 1


def test_of_many_threads_one_begins_a_run(state: State, in_threads: Any) -> None:
    outcomes = in_threads([partial(state.begin_run, **REQUEST)] * 20)
    assert Counter(map(type, outcomes)) == {Run: 1, RunActive: 19}
    assert state.runs() == [QUEUED]


def test_of_many_processes_one_begins_a_run(
    state: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    outcomes = sum(in_processes(open_state, [[("begin_run", (), REQUEST)] * 5] * 3), [])
    assert Counter(map(type, outcomes)) == {Run: 1, RunActive: 14}
    assert state.runs() == [QUEUED]


@pytest.mark.parametrize("owner", ["t1", None])
@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_ending_a_run(running: State, status: RunStatus, owner: str | None) -> None:
    running.end_run("r1", status, "out of memory", now=120.0, owner=owner)
    run = running.run("r1")
    assert (run.status, run.message, run.finished_at) == (status, "out of memory", 120.0)
    assert running.active_run() is None
    (event,) = running.history()
    assert (event.at, event.action) == (120.0, "run_ended")
    assert event.detail == {"run": "r1", "status": status, "reason": "out of memory"}


def test_a_queued_run_can_be_ended(queued: State) -> None:
    queued.end_run("r1", RunStatus.CANCELLED, "", now=120.0)
    assert queued.run("r1").status is RunStatus.CANCELLED


def test_an_ended_run_cannot_be_ended_again(running: State) -> None:
    running.end_run("r1", RunStatus.CANCELLED, "first", now=120.0)
    with pytest.raises(LeaseLost):
        running.end_run("r1", RunStatus.FAILED, "second", now=130.0)
    assert running.run("r1").message == "first"
    assert len(running.history()) == 1


def test_the_active_run_is_the_queued_or_running_one(state: State) -> None:
    assert state.active_run() is None
    state.begin_run(**REQUEST)
    assert state.active_run() == QUEUED
    run = state.take_run("r1", "t1", now=110.0, lease_s=30.0)
    assert state.active_run() == run
    state.end_run("r1", RunStatus.FAILED, "", now=120.0)
    assert state.active_run() is None


@pytest.mark.parametrize("run_id", ["r2", "1", "", "../r1"])
def test_an_unknown_run_is_not_found(queued: State, run_id: str) -> None:
    with pytest.raises(NotFound):
        queued.run(run_id)
    with pytest.raises(NotFound):
        queued.take_run(run_id, "t1", now=110.0, lease_s=30.0)
    with pytest.raises(NotFound):
        queued.end_run(run_id, RunStatus.FAILED, "", now=110.0)
    with pytest.raises(NotFound):
        queued.requeue_run(run_id, now=500.0, lease_s=30.0)


def test_runs_are_listed_newest_first_up_to_the_limit(state: State) -> None:
    for number in range(1, 53):
        state.begin_run(**REQUEST)
        state.end_run(f"r{number}", RunStatus.CANCELLED, "", now=110.0)
    assert [run.number for run in state.runs(limit=2)] == [52, 51]
    assert [run.number for run in state.runs()] == list(range(52, 2, -1))
