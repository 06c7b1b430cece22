"""The contract of State: the leases of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ocellus.errors import LeaseLost
from ocellus.ports import State
from ocellus.runs import Mode, Progress, Run, RunStatus
from ocellus.samples import Sample
from ocellus.versions import Pointer, Version


def put_in_service(state: State, name: str, previous: str | None = None) -> None:
    state.add_version(Version(name, None, 1.0, 0.9, 10, "seed", ""))
    state.move_pointer(Pointer(name, previous, 1.0, "ann", "seed"), expected=previous)


@pytest.fixture
def queued(state: State) -> State:
    """State with r1 QUEUED until 190."""
    state.begin_run(
        trigger="threshold",
        mode=Mode.AUTO,
        include_set_aside=False,
        requested_by="ann",
        now=100.0,
        lease_s=90.0,
    )
    return state


@pytest.fixture
def running(queued: State) -> State:
    """State with r1 RUNNING, owned by t1 until 140."""
    queued.take_run("r1", "t1", now=110.0, lease_s=30.0)
    return queued


def test_taking_a_queued_run_makes_it_run(queued: State) -> None:
    expected = replace(
        queued.run("r1"), status=RunStatus.RUNNING, attempt=1, owner="t1", lease_until=140.0
    )
    assert queued.take_run("r1", "t1", now=110.0, lease_s=30.0) == expected
    assert queued.run("r1") == expected


def test_taking_a_run_sets_its_parent_to_the_version_in_service(queued: State) -> None:
    put_in_service(queued, "v5")
    assert queued.take_run("r1", "t1", now=110.0, lease_s=30.0).parent == "v5"
    put_in_service(queued, "v6", previous="v5")
    assert queued.take_run("r1", "t2", now=200.0, lease_s=30.0).parent == "v6"


def test_a_queued_run_can_be_taken_after_its_lease(queued: State) -> None:
    assert queued.take_run("r1", "t1", now=500.0, lease_s=30.0).owner == "t1"


@pytest.mark.parametrize("owner", ["t1", "t2"])
def test_a_running_run_cannot_be_taken_before_its_lease_expires(running: State, owner: str) -> None:
    before = running.run("r1")
    with pytest.raises(LeaseLost):
        running.take_run("r1", owner, now=139.9, lease_s=30.0)
    assert running.run("r1") == before


def test_a_running_run_can_be_taken_when_its_lease_expires(running: State) -> None:
    expected = replace(running.run("r1"), owner="t2", attempt=2, lease_until=170.0)
    assert running.take_run("r1", "t2", now=140.0, lease_s=30.0) == expected


def test_an_ended_run_cannot_be_taken(running: State) -> None:
    running.end_run("r1", RunStatus.CANCELLED, "", now=120.0)
    with pytest.raises(LeaseLost):
        running.take_run("r1", "t2", now=500.0, lease_s=30.0)


def test_of_many_processes_one_takes_a_run(
    queued: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    calls = [[("take_run", ("r1", f"t{i}", 110.0, 30.0), {})] for i in range(3)]
    outcomes = sum(in_processes(open_state, calls), [])
    assert Counter(map(type, outcomes)) == {Run: 1, LeaseLost: 2}
    assert queued.run("r1") in outcomes
    assert queued.run("r1").attempt == 1


def test_renewing_moves_the_lease_and_keeps_the_progress(running: State) -> None:
    before = running.run("r1")
    progress = Progress("train", epoch=1, epochs=3, step=7, steps=90, loss=0.25, seconds_left=12.5)
    running.renew_lease("r1", "t1", now=120.0, lease_s=30.0, progress=progress)
    assert running.run("r1") == replace(before, lease_until=150.0, progress=progress)
    running.renew_lease("r1", "t1", now=130.0, lease_s=30.0)
    assert running.run("r1") == replace(before, lease_until=160.0, progress=progress)


def test_an_expired_lease_that_nobody_took_can_be_renewed(running: State) -> None:
    running.renew_lease("r1", "t1", now=500.0, lease_s=30.0)
    assert running.run("r1").lease_until == 530.0


def test_a_snapshot_returns_the_samples_on_file_and_counts_those_ever_filed(running: State) -> None:
    newest, oldest, removed = (
        Sample(f"{at:064x}", "cat", "png", 10, float(at), "upload") for at in (3, 1, 2)
    )
    for sample in (newest, oldest, removed):
        running.file_sample(sample, None)
    running.remove_sample(removed.sha256)
    assert running.snapshot_run("r1", "t1") == [oldest, newest]
    assert running.run("r1").samples_seen == 3


def lose_to_another(state: State) -> None:
    state.take_run("r1", "t2", now=140.0, lease_s=30.0)


def lose_to_the_queue(state: State) -> None:
    state.requeue_run("r1", now=140.0, lease_s=30.0)


def lose_by_release(state: State) -> None:
    state.release_run("r1", "t1", now=120.0)


def lose_to_the_end(state: State) -> None:
    state.end_run("r1", RunStatus.CANCELLED, "", now=120.0)


@pytest.mark.parametrize(
    "lose", [lose_to_another, lose_to_the_queue, lose_by_release, lose_to_the_end]
)
def test_who_lost_the_lease_changes_nothing(running: State, lose: Callable[[State], None]) -> None:
    lose(running)
    before = running.run("r1")
    running.file_sample(Sample("ab", "cat", "png", 10, 1.0, "upload"), None)
    with pytest.raises(LeaseLost):
        running.renew_lease("r1", "t1", 150.0, 30.0, Progress("train"))
    with pytest.raises(LeaseLost):
        running.snapshot_run("r1", "t1")
    with pytest.raises(LeaseLost):
        running.release_run("r1", "t1", now=150.0)
    with pytest.raises(LeaseLost):
        running.end_run("r1", RunStatus.FAILED, "", now=150.0, owner="t1")
    assert running.run("r1") == before


def test_requeueing_a_silent_trainers_run(running: State) -> None:
    expected = replace(running.run("r1"), status=RunStatus.QUEUED, owner=None, lease_until=230.0)
    assert running.requeue_run("r1", now=140.0, lease_s=90.0) == expected
    assert running.run("r1") == expected


def test_a_released_run_waits_for_the_next_trainer_and_counts_no_attempt(running: State) -> None:
    expected = replace(
        running.run("r1"), status=RunStatus.QUEUED, owner=None, attempt=0, lease_until=120.0
    )
    assert running.release_run("r1", "t1", now=120.0) == expected
    assert running.requeue_run("r1", now=120.0, lease_s=90.0).lease_until == 210.0
    assert running.take_run("r1", "t2", now=121.0, lease_s=30.0).attempt == 1


def test_requeueing_a_run_that_no_trainer_took(queued: State) -> None:
    expected = replace(queued.run("r1"), lease_until=280.0)
    assert queued.requeue_run("r1", now=190.0, lease_s=90.0) == expected


def test_a_run_whose_lease_holds_cannot_be_requeued(running: State) -> None:
    before = running.run("r1")
    with pytest.raises(LeaseLost):
        running.requeue_run("r1", now=139.9, lease_s=90.0)
    assert running.run("r1") == before


def test_an_ended_run_cannot_be_requeued(running: State) -> None:
    running.end_run("r1", RunStatus.FAILED, "", now=120.0)
    with pytest.raises(LeaseLost):
        running.requeue_run("r1", now=500.0, lease_s=90.0)


def test_of_many_processes_one_requeues_a_run(
    running: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    calls = [[("requeue_run", ("r1", 140.0, 90.0), {})]] * 3
    outcomes = sum(in_processes(open_state, calls), [])
    assert Counter(map(type, outcomes)) == {Run: 1, LeaseLost: 2}
