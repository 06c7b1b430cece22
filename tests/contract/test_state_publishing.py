"""The contract of State: the publication that ends a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ocellus.errors import LeaseLost, StalePointer
from ocellus.ports import State
from ocellus.runs import Mode, RunStatus
from ocellus.samples import Sample
from ocellus.versions import Pointer, Version

SEED = Version("v1", None, 1.0, 0.8, 10, "seed", "")
OTHER = Version("v2", None, 2.0, 0.8, 10, "seed", "")
CANDIDATE = Version("v3", "v1", 120.0, 0.9, 10, "promoted", "promoted: better by 2.0 points")
REFUSED = replace(CANDIDATE, verdict="refused", sentence="refused: recall of cat fell")
TO_SEED = Pointer("v1", None, promoted_at=1.0, promoted_by="ann", reason="seed")
TO_OTHER = Pointer("v2", "v1", promoted_at=115.0, promoted_by="ann", reason="by hand")
TO_CANDIDATE = Pointer("v3", "v1", promoted_at=120.0, promoted_by="gate", reason="it is better")
SAMPLES = [Sample(f"{n:064x}", "cat", "png", 10, float(n), "upload") for n in range(3)]


@pytest.fixture
def training(state: State) -> State:
    """State with v1 in service, three samples, and r3 RUNNING, owned by t1 until 140."""
    state.add_version(SEED)
    state.add_version(OTHER)
    state.move_pointer(TO_SEED, expected=None)
    for sample in SAMPLES:
        state.file_sample(sample, None)
    state.begin_run(
        trigger="threshold",
        mode=Mode.AUTO,
        include_set_aside=False,
        requested_by="ann",
        now=100.0,
        lease_s=90.0,
    )
    state.take_run("r3", "t1", now=110.0, lease_s=30.0)
    return state


def everything(state: State) -> tuple[object, ...]:
    return state.pointer(), state.versions(), state.runs(), state.samples(), state.history()


def test_publishing_with_a_pointer_promotes(training: State) -> None:
    training.publish("r3", "t1", CANDIDATE, TO_CANDIDATE, now=120.0)
    assert training.version("v3") == CANDIDATE
    assert training.pointer() == TO_CANDIDATE
    assert training.service_since() == 1.0
    run = training.run("r3")
    assert (run.status, run.finished_at) == (RunStatus.PROMOTED, 120.0)
    assert run.message == "promoted: better by 2.0 points"
    assert training.active_run() is None


def test_publishing_without_a_pointer_refuses(training: State) -> None:
    training.publish("r3", "t1", REFUSED, None, now=120.0)
    assert training.version("v3") == REFUSED
    assert training.pointer() == TO_SEED
    run = training.run("r3")
    assert (run.status, run.finished_at) == (RunStatus.REFUSED, 120.0)
    assert run.message == "refused: recall of cat fell"
    assert training.active_run() is None


def test_a_promotion_is_in_the_audit_trail(training: State) -> None:
    training.publish("r3", "t1", CANDIDATE, TO_CANDIDATE, now=120.0)
    events = {event.action: event for event in training.history(limit=2)}
    published, promoted = events["published"], events["promoted"]
    assert published.at == 120.0
    assert published.detail == {
        "version": "v3",
        "run": "r3",
        "sentence": "promoted: better by 2.0 points",
    }
    assert (promoted.at, promoted.actor) == (120.0, "gate")
    assert promoted.detail == {
        "version": "v3",
        "previous": "v1",
        "run": "r3",
        "reason": "it is better",
    }


def test_a_refusal_is_in_the_audit_trail(training: State) -> None:
    before = training.history()
    training.publish("r3", "t1", REFUSED, None, now=120.0)
    event, *rest = training.history()
    assert event.action == "published"
    assert event.detail == {
        "version": "v3",
        "run": "r3",
        "sentence": "refused: recall of cat fell",
    }
    assert rest == before


def test_publishing_sets_the_named_samples_aside(training: State) -> None:
    named = [SAMPLES[0].sha256, SAMPLES[2].sha256, "removed meanwhile"]
    training.publish("r3", "t1", REFUSED, None, set_aside=iter(named), now=120.0)
    assert training.samples() == [
        replace(SAMPLES[0], set_aside_by="r3"),
        SAMPLES[1],
        replace(SAMPLES[2], set_aside_by="r3"),
    ]


@pytest.mark.parametrize(("included", "mark"), [(True, None), (False, "r3")])
def test_a_promotion_clears_the_marks_of_samples_that_it_included(
    training: State, included: bool, mark: str | None
) -> None:
    named = [SAMPLES[0].sha256]
    training.publish("r3", "t1", REFUSED, None, set_aside=named, now=120.0)
    run = training.begin_run(
        trigger="person",
        mode=Mode.QUICK,
        include_set_aside=included,
        requested_by="ann",
        now=130.0,
        lease_s=90.0,
    )
    training.take_run(run.id, "t2", now=131.0, lease_s=30.0)
    version = replace(CANDIDATE, name=run.version)
    training.publish(run.id, "t2", version, replace(TO_CANDIDATE, version=run.version), now=140.0)
    assert training.samples()[0].set_aside_by == mark


def test_the_first_version_in_service_may_come_from_a_run(state: State) -> None:
    state.begin_run(
        trigger="person",
        mode=Mode.FULL,
        include_set_aside=False,
        requested_by="ann",
        now=100.0,
        lease_s=90.0,
    )
    state.take_run("r1", "t1", now=110.0, lease_s=30.0)
    first = Pointer("v1", None, promoted_at=120.0, promoted_by="gate", reason="the first")
    state.publish("r1", "t1", SEED, first, now=120.0)
    assert state.pointer() == first
    assert state.service_since() == 120.0


def test_a_promotion_over_a_moved_pointer_is_stale_and_changes_nothing(training: State) -> None:
    training.move_pointer(TO_OTHER, expected="v1")
    before = everything(training)
    named = [SAMPLES[0].sha256]
    with pytest.raises(StalePointer):
        training.publish("r3", "t1", CANDIDATE, TO_CANDIDATE, set_aside=named, now=120.0)
    assert everything(training) == before


def test_a_refusal_does_not_mind_a_moved_pointer(training: State) -> None:
    training.move_pointer(TO_OTHER, expected="v1")
    training.publish("r3", "t1", REFUSED, None, now=120.0)
    assert training.run("r3").status is RunStatus.REFUSED
    assert training.pointer() == TO_OTHER


def take_over(state: State) -> None:
    state.take_run("r3", "t2", now=140.0, lease_s=30.0)


def requeue(state: State) -> None:
    state.requeue_run("r3", now=140.0, lease_s=30.0)


def cancel(state: State) -> None:
    state.end_run("r3", RunStatus.CANCELLED, "", now=115.0)


def publish(state: State) -> None:
    state.publish("r3", "t1", REFUSED, None, now=115.0)


@pytest.mark.parametrize("lose", [take_over, requeue, cancel, publish])
@pytest.mark.parametrize("pointer", [TO_CANDIDATE, None])
def test_a_trainer_that_lost_its_lease_publishes_nothing(
    training: State, lose: Callable[[State], None], pointer: Pointer | None
) -> None:
    lose(training)
    before = everything(training)
    named = [SAMPLES[1].sha256]
    with pytest.raises(LeaseLost):
        training.publish("r3", "t1", CANDIDATE, pointer, set_aside=named, now=150.0)
    assert everything(training) == before


def test_a_late_trainer_that_nobody_replaced_may_publish(training: State) -> None:
    training.publish("r3", "t1", CANDIDATE, TO_CANDIDATE, now=500.0)
    assert training.pointer() == TO_CANDIDATE


def test_of_many_processes_one_publishes(
    training: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    call = ("publish", ("r3", "t1", CANDIDATE, TO_CANDIDATE), {"now": 120.0})
    outcomes = sum(in_processes(open_state, [[call]] * 3), [])
    assert Counter(map(type, outcomes)) == {type(None): 1, LeaseLost: 2}
    assert Counter(event.action for event in training.history()) == {"promoted": 2, "published": 1}


def test_a_promotion_by_hand_and_one_by_a_run_cannot_both_win(
    training: State, in_threads: Any
) -> None:
    outcomes = in_threads(
        [
            lambda: training.publish("r3", "t1", CANDIDATE, TO_CANDIDATE, now=120.0),
            lambda: training.move_pointer(TO_OTHER, expected="v1"),
        ]
    )
    assert Counter(map(type, outcomes)) == {type(None): 1, StalePointer: 1}
    assert training.pointer() == (TO_CANDIDATE if outcomes[0] is None else TO_OTHER)
