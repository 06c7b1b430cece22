"""Retraining: when a run starts, and what becomes of one whose trainer died."""

from __future__ import annotations

import pytest
from fakes import Clock, FakeJobs, MemoryState

from ocellus.errors import LeaseLost, RunActive, StoreUnavailable
from ocellus.retraining import MAX_ATTEMPTS, Retraining
from ocellus.runs import Mode, Progress, Run, RunStatus
from ocellus.samples import Filing, Sample, sha256_of


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def retraining(state: MemoryState, jobs: FakeJobs, clock: Clock) -> Retraining:
    return Retraining(state, jobs, threshold=3, start_lease_s=90.0, clock=clock)


def drop(state: MemoryState, *names: str) -> None:
    for name in names:
        sample = Sample(sha256_of(name.encode()), "cat", "png", 1, 0.0, "upload")
        assert state.file_sample(sample, None) is Filing.NEW


def ask(retraining: Retraining) -> Run:
    return retraining.request("person", Mode.QUICK, "admin", include_set_aside=True)


def test_too_few_samples_start_nothing(retraining: Retraining, state: MemoryState) -> None:
    drop(state, "a", "b")
    assert retraining.consider() is None
    assert state.runs() == []


def test_enough_samples_start_a_run(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs
) -> None:
    drop(state, "a", "b", "c")
    run = retraining.consider()
    assert run is not None
    assert (run.trigger, run.mode, run.status) == ("threshold", Mode.AUTO, RunStatus.QUEUED)
    assert jobs.started == [run.id]


def test_samples_start_no_second_run_beside_the_first(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs
) -> None:
    drop(state, "a", "b", "c")
    retraining.consider()
    drop(state, "d", "e", "f")
    assert retraining.consider() is None
    assert jobs.started == ["r1"]


def test_a_person_starts_a_run_with_their_wishes(
    retraining: Retraining, clock: Clock, jobs: FakeJobs
) -> None:
    run = ask(retraining)
    assert (run.mode, run.requested_by, run.include_set_aside) == (Mode.QUICK, "admin", True)
    assert run.lease_until == clock.now + 90
    assert jobs.started == ["r1"]


def test_who_asked_for_a_run_is_recorded(retraining: Retraining, state: MemoryState) -> None:
    ask(retraining)
    (event,) = state.history()
    assert (event.actor, event.action, event.detail["run"]) == ("admin", "run_requested", "r1")


def test_a_person_is_told_of_the_run_that_is_active(retraining: Retraining, jobs: FakeJobs) -> None:
    ask(retraining)
    with pytest.raises(RunActive, match="r1"):
        ask(retraining)
    assert jobs.started == ["r1"]


def test_a_trainer_that_does_not_start_fails_its_run(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs
) -> None:
    jobs.broken = True
    with pytest.raises(StoreUnavailable):
        ask(retraining)
    assert state.run("r1").status is RunStatus.FAILED
    assert "did not start" in state.run("r1").message
    jobs.broken = False
    assert ask(retraining).id == "r2"


def test_cancelling_ends_the_run_and_stops_its_trainer(
    retraining: Retraining, jobs: FakeJobs
) -> None:
    run = retraining.cancel(ask(retraining).id, "admin")
    assert (run.status, run.message) == (RunStatus.CANCELLED, "Cancelled by admin.")
    assert jobs.cancelled == ["r1"]


def test_a_run_that_has_ended_cannot_be_cancelled(retraining: Retraining) -> None:
    retraining.cancel(ask(retraining).id, "admin")
    with pytest.raises(LeaseLost):
        retraining.cancel("r1", "admin")


def test_a_living_trainer_is_left_alone(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs, clock: Clock
) -> None:
    ask(retraining)
    clock.now += 89
    retraining.tend()
    assert jobs.started == ["r1"]
    assert state.run("r1").status is RunStatus.QUEUED


def test_a_silent_trainers_run_goes_to_another(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs, clock: Clock
) -> None:
    ask(retraining)
    state.take_run("r1", "first", clock.now, 30)
    clock.now += 31
    retraining.tend()
    run = state.run("r1")
    assert (run.status, run.owner, run.lease_until) == (RunStatus.QUEUED, None, clock.now + 90)
    assert (jobs.cancelled, jobs.started) == (["r1"], ["r1", "r1"])
    with pytest.raises(LeaseLost):
        state.renew_lease("r1", "first", clock.now, 30)


def test_a_released_run_goes_to_another_at_once(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs, clock: Clock
) -> None:
    ask(retraining)
    for _ in range(MAX_ATTEMPTS + 1):
        state.take_run("r1", "told to stop", clock.now, 30)
        state.release_run("r1", "told to stop", clock.now)
        retraining.tend()
    assert state.run("r1").status is RunStatus.QUEUED
    assert len(jobs.started) == MAX_ATTEMPTS + 2


def test_a_run_that_kills_its_trainers_fails(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs, clock: Clock
) -> None:
    ask(retraining)
    for attempt in range(MAX_ATTEMPTS):
        state.take_run("r1", str(attempt), clock.now, 30)
        state.renew_lease("r1", str(attempt), clock.now, 30, Progress("export"))
        clock.now += 31
        retraining.tend()
    run = state.run("r1")
    assert run.status is RunStatus.FAILED
    assert run.message == "Failed: 3 trainers stopped without a word, the last in phase export."
    assert len(jobs.started) == MAX_ATTEMPTS


def test_samples_that_came_during_a_run_start_the_next(
    retraining: Retraining, state: MemoryState, jobs: FakeJobs, clock: Clock
) -> None:
    ask(retraining)
    drop(state, "a", "b", "c")
    retraining.tend()
    assert jobs.started == ["r1"]
    state.end_run("r1", RunStatus.FAILED, "x", clock.now)
    retraining.tend()
    assert jobs.started == ["r1", "r2"]


def test_tending_with_nothing_to_do_does_nothing(retraining: Retraining, jobs: FakeJobs) -> None:
    retraining.tend()
    assert (jobs.started, jobs.cancelled) == ([], [])
