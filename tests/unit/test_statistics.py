"""Statistics: tallied in memory, flushed now and then, never lost to an outage."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fakes import Clock, Faulty, MemoryState

from ocellus.prediction import Prediction
from ocellus.statistics import Tallies, bucket_of, quantile, summarise


def prediction(label: str = "cat", *, unsure: bool = False, version: str = "v1") -> Prediction:
    return Prediction(version, label, 0.9, unsure, False, [(label, 0.9)], 1.0, 2.0)


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()


@pytest.fixture
def store(state: MemoryState) -> Faulty:
    return Faulty(state)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tallies(store: Faulty, clock: Clock) -> Tallies:
    return Tallies(store, flush_s=2.0, clock=clock)


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


def test_a_flush_is_due_after_its_time_if_there_is_something(
    tallies: Tallies, clock: Clock
) -> None:
    tallies.refused()
    assert not tallies.flush_due()
    clock.now += 2
    assert tallies.flush_due()
    tallies.flush()
    clock.now += 2
    assert not tallies.flush_due()


def test_a_flush_keeps_its_counts_when_the_store_is_down(
    tallies: Tallies, store: Faulty, state: MemoryState, clock: Clock
) -> None:
    tallies.refused()
    store.down = True
    tallies.flush()
    tallies.refused()
    clock.now += 2
    assert tallies.flush_due()
    store.down = False
    tallies.flush()
    assert state.counts() == {"refused": 2}


def test_counts_are_exact_under_concurrency(tallies: Tallies, state: MemoryState) -> None:
    def count(i: int) -> None:
        tallies.predicted(prediction(), 1.0)
        if i % 10 == 0:
            tallies.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(2000)))
    tallies.flush()
    assert state.counts()["predictions"] == 2000


@pytest.mark.parametrize("q", [0.01, 0.5, 0.95, 0.99, 1.0])
def test_a_quantile_is_right_to_five_percent(q: float) -> None:
    latencies = np.random.default_rng(5).lognormal(2.0, 1.5, 3000)
    buckets = Counter(bucket_of(x) for x in latencies)
    exact = np.quantile(latencies, q, method="inverted_cdf")
    assert quantile(buckets, q) == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("latency_ms", [0.002, 0.5, 1.0, 1.1, 7.0, 60_000.0])
def test_one_latency_is_its_own_quantile(latency_ms: float) -> None:
    found = quantile({bucket_of(latency_ms): 1}, 0.5)
    assert found == pytest.approx(latency_ms, rel=0.05, abs=0.0005)


def test_no_time_at_all_has_a_bucket() -> None:
    assert bucket_of(0.0) == bucket_of(0.001)


def test_histograms_merge_by_adding() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.lognormal(1, 1, 500), rng.lognormal(3, 1, 500)
    merged = Counter(map(bucket_of, a)) + Counter(map(bucket_of, b))
    exact = np.quantile(np.concatenate([a, b]), 0.95, method="inverted_cdf")
    assert quantile(merged, 0.95) == pytest.approx(exact, rel=0.05)


def test_there_is_no_quantile_of_nothing() -> None:
    assert quantile({}, 0.5) is None


def test_the_summary_groups_the_counters(tallies: Tallies, state: MemoryState) -> None:
    tallies.predicted(prediction("cat"), 10.0)
    tallies.predicted(prediction("dog", unsure=True), 10.0)
    tallies.flush()
    summary = summarise(state.counts())
    assert (summary["predictions"], summary["unsure"], summary["refused"]) == (2, 1, 0)
    assert (summary["by_label"], summary["by_version"]) == ({"cat": 1, "dog": 1}, {"v1": 2})
    assert summary["latency_ms"]["p50"] == pytest.approx(10.0, rel=0.05)


def test_the_summary_of_nothing_is_zeros() -> None:
    assert summarise({}) == {
        "predictions": 0,
        "unsure": 0,
        "refused": 0,
        "by_label": {},
        "by_version": {},
        "latency_ms": {"p50": None, "p95": None, "p99": None},
    }
