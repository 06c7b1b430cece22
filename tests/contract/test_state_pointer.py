"""The contract of State: the serving pointer, the versions, and the audit trail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ocellus.audit import AuditEvent
from ocellus.errors import NotFound, StalePointer
from ocellus.ports import State
from ocellus.versions import Pointer, Version


def make_version(number: int, accuracy: float | None = 0.9) -> Version:
    return Version(
        name=f"v{number}",
        parent=f"v{number - 1}" if number > 1 else None,
        created_at=1000.0 + number,
        accuracy=accuracy,
        classes=10,
        verdict="promoted",
        sentence="promoted: better by 2.0 points (p = 0.001)",
    )


def make_pointer(version: str, previous: str | None = None, at: float = 50.0) -> Pointer:
    return Pointer(version, previous, promoted_at=at, promoted_by="ann", reason="it is better")


@pytest.fixture
def versioned(state: State) -> State:
    for number in (1, 2, 10):
        state.add_version(make_version(number))
    return state


def test_a_version_comes_back_as_it_was_added(state: State) -> None:
    for version in (make_version(1, accuracy=None), make_version(2)):
        state.add_version(version)
        assert state.version(version.name) == version


def test_a_version_that_exists_is_left_as_it_is(state: State) -> None:
    state.add_version(make_version(1, accuracy=0.5))
    state.add_version(make_version(1, accuracy=0.6))
    assert state.versions() == [make_version(1, accuracy=0.5)]


@pytest.mark.parametrize("name", ["v3", "v01", "latest", ""])
def test_a_version_that_does_not_exist_is_not_found(versioned: State, name: str) -> None:
    with pytest.raises(NotFound):
        versioned.version(name)


def test_versions_are_listed_newest_number_first(versioned: State) -> None:
    assert [version.name for version in versioned.versions()] == ["v10", "v2", "v1"]


def test_before_the_first_promotion_there_is_no_pointer(versioned: State) -> None:
    assert versioned.pointer() is None
    assert versioned.service_since() is None


def test_the_pointer_is_what_was_set(versioned: State) -> None:
    versioned.move_pointer(make_pointer("v1"), expected=None)
    assert versioned.pointer() == make_pointer("v1")
    versioned.move_pointer(make_pointer("v2", "v1", at=60.0), expected="v1")
    assert versioned.pointer() == make_pointer("v2", "v1", at=60.0)


def test_the_service_is_as_old_as_its_first_pointer(versioned: State) -> None:
    versioned.move_pointer(make_pointer("v1", at=50.0), expected=None)
    versioned.move_pointer(make_pointer("v2", "v1", at=60.0), expected="v1")
    assert versioned.service_since() == 50.0


@pytest.mark.parametrize("expected", [None, "v2", "v10"])
def test_a_stale_pointer_changes_nothing(versioned: State, expected: str | None) -> None:
    versioned.move_pointer(make_pointer("v1"), expected=None)
    history = versioned.history()
    with pytest.raises(StalePointer):
        versioned.move_pointer(make_pointer("v10", "v2", at=60.0), expected=expected)
    assert versioned.pointer() == make_pointer("v1")
    assert versioned.history() == history


def test_a_first_pointer_that_expects_another_is_stale(versioned: State) -> None:
    with pytest.raises(StalePointer):
        versioned.move_pointer(make_pointer("v2", "v1"), expected="v1")
    assert versioned.pointer() is None
    assert versioned.service_since() is None


def test_the_pointer_only_moves_to_a_version(versioned: State) -> None:
    with pytest.raises(NotFound):
        versioned.move_pointer(make_pointer("v3"), expected=None)
    assert versioned.pointer() is None
    assert versioned.history() == []


def test_a_move_is_in_the_audit_trail(versioned: State) -> None:
    versioned.move_pointer(make_pointer("v1", at=50.0), expected=None)
    (event,) = versioned.history()
    assert (event.at, event.actor, event.action) == (50.0, "ann", "promoted")
    assert event.detail == {"version": "v1", "previous": None, "reason": "it is better"}


def test_of_many_threads_one_moves_the_pointer(versioned: State, in_threads: Any) -> None:
    move = partial(versioned.move_pointer, expected=None)
    outcomes = in_threads([partial(move, make_pointer("v1", at=float(i))) for i in range(20)])
    assert Counter(map(type, outcomes)) == {type(None): 1, StalePointer: 19}
    assert versioned.pointer() == make_pointer("v1", at=float(outcomes.index(None)))
    assert len(versioned.history()) == 1


def test_of_many_processes_one_moves_the_pointer(
    versioned: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    call = ("move_pointer", (make_pointer("v1"), None), {})
    outcomes = sum(in_processes(open_state, [[call]] * 3), [])
    assert Counter(map(type, outcomes)) == {type(None): 1, StalePointer: 2}
    assert len(versioned.history()) == 1


def test_an_event_comes_back_as_it_was_recorded(state: State) -> None:
    detail = {"sample": "ab", "n": 3, "why": "»ä«", "nested": {"list": [1.5, None, True]}}
    event = AuditEvent(at=1.5, actor="ann", action="removed", detail=detail)
    state.record(event)
    assert state.history() == [event]


def test_history_returns_the_newest_events_first_up_to_the_limit(state: State) -> None:
    for at in range(60):
        state.record(AuditEvent(float(at), "ann", "removed", {}))
    assert [event.at for event in state.history(limit=3)] == [59.0, 58.0, 57.0]
    assert [event.at for event in state.history()] == [float(at) for at in range(59, 9, -1)]
