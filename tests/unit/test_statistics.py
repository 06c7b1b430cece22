"""Statistics: tallied in memory, flushed now and then, never lost to an outage."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fakes import Clock, Faulty, MemoryState

from ocellus.errors import StoreUnavailable
from ocellus.prediction import Prediction
from ocellus.statistics import Tallies
from ocellus.summary import bucket_of


def prediction(label: str = "cat", *, unsure: bool = False, version: str = "v1") -> Prediction:
    return Prediction(version, label, 0.9, unsure, False, [(label, 0.9)], 1.0, 2.0)


@pytest.fixture
def store(state: MemoryState) -> Faulty:
    return Faulty(state)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tallies(store: Faulty, clock: Clock) -> Tallies:
    return Tallies(store, flush_s=3.0, writer="one", clock=clock)


def test_a_flush_adds_what_was_counted(tallies: Tallies, state: MemoryState) -> None:
    tallies.predicted(prediction(), 3.0)
    tallies.predicted(prediction("dog", unsure=True, version="v2"), 3.0)
    tallies.refused()
    tallies.flush()
    assert state.counts() == {
        "predictions": 2,
        "label:cat": 1,
        "label:dog": 1,
        "version:v1": 1,
        "version:v2": 1,
        f"latency:{bucket_of(3.0)}": 2,
        "unsure": 1,
        "refused": 1,
    }


def test_a_second_flush_adds_only_what_is_new(tallies: Tallies, state: MemoryState) -> None:
    for _ in range(2):
        tallies.refused()
        tallies.flush()
    assert state.counts() == {"refused": 2}


def test_a_prediction_writes_nothing(tallies: Tallies, store: Faulty) -> None:
    tallies.predicted(prediction(), 3.0)
    assert store.calls == {}


def test_a_flush_without_counts_writes_nothing(tallies: Tallies, store: Faulty) -> None:
    tallies.flush()
    assert store.calls == {}


def test_the_first_count_is_flushed_at_once_and_the_next_after_a_while(
    tallies: Tallies, clock: Clock
) -> None:
    assert not tallies.flush_due()
    tallies.refused()
    assert tallies.flush_due()
    tallies.flush()
    tallies.refused()
    assert not tallies.flush_due()
    assert tallies.flush_in_s() == 3.0
    clock.now += 3
    assert tallies.flush_due()


def test_a_flush_is_due_to_one_caller(tallies: Tallies) -> None:
    tallies.refused()
    assert [tallies.flush_due() for _ in range(3)] == [True, False, False]


def test_after_a_flush_nothing_waits(tallies: Tallies) -> None:
    tallies.refused()
    assert tallies.waiting == 1
    tallies.flush()
    assert (tallies.waiting, tallies.flush_in_s(), tallies.fault) == (0, None, None)


def test_a_flush_publishes_what_it_added(tallies: Tallies, state: MemoryState) -> None:
    tallies.refused()
    tallies.flush()
    assert state.statistics().refused == 1


def test_a_flush_soon_after_anothers_is_published_by_the_next(
    tallies: Tallies, store: Faulty, state: MemoryState, clock: Clock
) -> None:
    Tallies(store, flush_s=3.0, writer="two", clock=clock).flush()
    state.publish_statistics(clock.now)
    tallies.refused()
    tallies.flush()
    assert state.statistics().refused == 0
    assert tallies.flush_in_s() == 3.0
    clock.now += 3
    assert tallies.flush_due()
    tallies.flush()
    assert state.statistics().refused == 1
    assert store.calls["add_counts"] == 1


def test_a_store_that_is_down_loses_no_count_and_is_a_fault(
    tallies: Tallies, store: Faulty, state: MemoryState, clock: Clock
) -> None:
    store.down = True
    tallies.refused()
    tallies.flush()
    clock.now += 100
    tallies.refused()
    tallies.flush()
    assert tallies.waiting == 2
    assert tallies.fault is not None
    assert (tallies.fault.since, "down" in tallies.fault.detail) == (1000.0, True)
    store.down = False
    tallies.flush()
    assert state.counts() == {"refused": 2}
    assert state.statistics().refused == 2
    assert (tallies.waiting, tallies.fault) == (0, None)


def test_faults_back_off_up_to_half_a_minute(tallies: Tallies, store: Faulty, clock: Clock) -> None:
    store.down = True
    tallies.refused()
    waits = []
    for _ in range(6):
        tallies.flush()
        waits.append(tallies.flush_in_s())
        clock.now += 100
    assert waits == [2, 4, 8, 16, 30, 30]


def test_an_answer_lost_on_the_way_counts_nothing_twice(
    tallies: Tallies, state: MemoryState, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_counts = state.add_counts

    def lose_the_answer(*args: Any) -> None:
        add_counts(*args)
        raise StoreUnavailable("The answer was lost.")

    tallies.refused()
    monkeypatch.setattr(state, "add_counts", lose_the_answer)
    tallies.flush()
    monkeypatch.undo()
    tallies.refused()
    tallies.flush()
    assert state.counts() == {"refused": 2}


def test_a_flush_without_answer_is_a_fault_and_no_other_is_due(
    tallies: Tallies, state: MemoryState, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()
    add_counts = state.add_counts

    def slow(*args: Any) -> None:
        entered.set()
        assert leave.wait(10)
        add_counts(*args)

    monkeypatch.setattr(state, "add_counts", slow)
    tallies.refused()
    with ThreadPoolExecutor(1) as pool:
        flush = pool.submit(tallies.flush)
        assert entered.wait(10)
        assert tallies.fault is None
        tallies.refused()
        clock.now += 5
        assert not tallies.flush_due()
        assert tallies.waiting == 2
        assert tallies.fault is not None
        assert "not answered" in tallies.fault.detail
        leave.set()
        flush.result()
    assert (tallies.fault, state.counts()) == (None, {"refused": 1})


def test_at_the_end_every_count_is_added_and_published_at_once(
    tallies: Tallies, state: MemoryState, clock: Clock
) -> None:
    state.publish_statistics(clock.now)
    tallies.refused()
    tallies.flush_at_end()
    assert state.statistics().refused == 1
    tallies.refused()
    assert tallies.flush_due()


def test_a_signal_in_the_middle_of_a_tally_loses_nothing(
    tallies: Tallies, state: MemoryState
) -> None:
    class Interrupted(Prediction):
        def __getattribute__(self, name: str) -> Any:
            if name == "version":  # read after the prediction and its label were counted
                tallies.flush_at_end()
            return super().__getattribute__(name)

    tallies.predicted(Interrupted("v1", "cat", 0.9, False, False, [], 1.0, 2.0), 3.0)
    tallies.flush()
    assert state.counts() == {
        "predictions": 1, "label:cat": 1, "version:v1": 1, f"latency:{bucket_of(3.0)}": 1,
    }  # fmt: skip


def test_counts_are_exact_under_concurrency(tallies: Tallies, state: MemoryState) -> None:
    def count(i: int) -> None:
        tallies.predicted(prediction(), 1.0)
        if i % 10 == 0:
            tallies.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(2000)))
    tallies.flush()
    assert state.counts()["predictions"] == 2000
