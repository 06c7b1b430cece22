"""The contract of State: the statistics' counters, and their publication."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ocellus.ports import State
from ocellus.summary import bucket_of, summarise

DAY_S = 86_400.0


def add(state: State, counts: dict[str, int], writer: str = "w", number: int = 1) -> None:
    state.add_counts(counts, writer, number, now=1000.0)


def test_before_anything_is_counted_there_are_no_counters(state: State) -> None:
    assert state.counts() == {}


def test_counts_add_up(state: State) -> None:
    add(state, {"predictions": 2, "label/chat noir": 1})
    add(state, {"predictions": 40, "latency/3.2": 7}, number=2)
    assert state.counts() == {"predictions": 42, "label/chat noir": 1, "latency/3.2": 7}


def test_adding_no_counts_changes_nothing(state: State) -> None:
    add(state, {})
    assert state.counts() == {}


def test_what_is_sent_again_is_added_once(state: State) -> None:
    for number in (1, 1, 2, 2, 1):
        add(state, {"predictions": 5}, number=number)
    assert state.counts() == {"predictions": 10}


def test_writers_number_each_for_themselves(state: State) -> None:
    for writer in ("one", "two", "one"):
        add(state, {"predictions": 5}, writer)
    assert state.counts() == {"predictions": 10}


def test_a_writer_is_remembered_for_a_day(state: State) -> None:
    state.add_counts({"predictions": 5}, "one", 1, now=0.0)
    for number in range(1, 30):  # some of them where the first one's number is kept
        state.add_counts({"predictions": 1}, f"other {number}", 1, now=DAY_S - 1)
    state.add_counts({"predictions": 5}, "one", 1, now=DAY_S - 1)
    assert state.counts() == {"predictions": 5 + 29}


def test_what_one_opening_counts_another_returns(
    state: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    add(state, {"predictions": 3})
    assert in_processes(open_state, [[("counts", (), {})]]) == [[{"predictions": 3}]]


def test_sums_are_exact_across_threads(state: State, in_threads: Any) -> None:
    def add_ten(thread: int) -> None:
        for number in range(1, 11):
            add(state, {"all": 1, f"thread {thread}": 2}, f"thread {thread}", number)

    assert in_threads([partial(add_ten, thread) for thread in range(20)]) == [None] * 20
    assert state.counts() == {"all": 200} | {f"thread {thread}": 20 for thread in range(20)}


def test_sums_are_exact_across_processes(
    state: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    calls = [
        [
            ("add_counts", ({"a": 1, "b": 2}, f"process {i}", number, 1000.0), {})
            for number in range(1, 51)
        ]
        for i in range(3)
    ]
    assert in_processes(open_state, calls) == [[None] * 50] * 3
    assert state.counts() == {"a": 150, "b": 300}


def test_of_the_same_flush_sent_at_once_one_is_added(state: State, in_threads: Any) -> None:
    assert in_threads([partial(add, state, {"a": 1})] * 8) == [None] * 8
    assert state.counts() == {"a": 1}


def test_before_a_publication_the_statistics_are_zeros(state: State) -> None:
    add(state, {"predictions": 3})
    assert state.statistics() == summarise({}, None)


def test_a_publication_sums_up_what_every_writer_added(state: State) -> None:
    for writer in range(20):
        add(state, {"predictions": 2, "label:chat noir": 2, "latency:9": 2}, str(writer))
    add(state, {"unsure": 1, "refused": 4, "version:v1": 40}, "another")
    assert state.publish_statistics(now=2000.0)
    published = state.statistics()
    assert (published.predictions, published.unsure, published.refused) == (40, 1, 4)
    assert (published.by_label, published.by_version) == ({"chat noir": 40}, {"v1": 40})
    assert bucket_of(published.latency_ms["p50"] or 0.0) == 9
    assert published.updated_at == 2000.0


def test_a_publication_too_soon_after_another_is_left_out(state: State) -> None:
    add(state, {"predictions": 1})
    assert state.publish_statistics(now=2000.0, min_age_s=1.0)
    add(state, {"predictions": 1}, number=2)
    assert not state.publish_statistics(now=2000.9, min_age_s=1.0)
    assert state.statistics().predictions == 1
    assert state.publish_statistics(now=2001.0, min_age_s=1.0)
    assert state.statistics().predictions == 2


def test_a_clock_that_is_ahead_stops_no_publication(state: State) -> None:
    add(state, {"predictions": 1})
    state.publish_statistics(now=9000.0)
    add(state, {"predictions": 1}, number=2)
    assert state.publish_statistics(now=2000.0, min_age_s=1.0)
    assert state.statistics().predictions == 2


def test_a_publication_without_news_changes_nothing(state: State) -> None:
    add(state, {"predictions": 1})
    state.publish_statistics(now=2000.0)
    assert state.publish_statistics(now=3000.0)
    assert state.statistics().updated_at == 2000.0


def test_no_publication_hides_a_newer_one(state: State, in_threads: Any) -> None:
    """Eight writers add and publish at once; each finds at least what it added itself."""

    def add_and_publish(thread: int) -> list[bool]:
        found = []
        for number in range(1, 4):
            add(state, {"predictions": 1, f"label:{thread}": 1}, str(thread), number)
            state.publish_statistics(now=float(1000 * thread + number))
            found.append(state.statistics().by_label.get(str(thread), 0) >= number)
        return found

    outcomes = in_threads([partial(add_and_publish, thread) for thread in range(8)])
    assert outcomes == [[True] * 3] * 8
    assert state.statistics().predictions == 24
