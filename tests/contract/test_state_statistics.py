"""The contract of State: the statistics' counters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ocellus.ports import State


def test_before_anything_is_counted_there_are_no_counters(state: State) -> None:
    assert state.counts() == {}


def test_counts_add_up(state: State) -> None:
    state.add_counts({"predictions": 2, "label/chat noir": 1})
    state.add_counts({"predictions": 40, "latency/3.2": 7})
    assert state.counts() == {"predictions": 42, "label/chat noir": 1, "latency/3.2": 7}


def test_adding_no_counts_changes_nothing(state: State) -> None:
    state.add_counts({})
    assert state.counts() == {}


def test_what_one_opening_counts_another_returns(
    state: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    state.add_counts({"predictions": 3})
    assert in_processes(open_state, [[("counts", (), {})]]) == [[{"predictions": 3}]]


def test_sums_are_exact_across_threads(state: State, in_threads: Any) -> None:
    def add(thread: int) -> None:
        for _ in range(10):
            state.add_counts({"all": 1, f"thread {thread}": 2})

    assert in_threads([partial(add, thread) for thread in range(20)]) == [None] * 20
    assert state.counts() == {"all": 200} | {f"thread {thread}": 20 for thread in range(20)}


def test_sums_are_exact_across_processes(
    state: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    call = ("add_counts", ({"a": 1, "b": 2},), {})
    assert in_processes(open_state, [[call] * 50] * 3) == [[None] * 50] * 3
    assert state.counts() == {"a": 150, "b": 300}
