"""Firestore's faults, met by the real client: what passes is not seen, what stays is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import repeat
from typing import Any

import pytest
from emulators.firestore import FirestoreEmulator
from emulators.firestore_proxy import Fault, FirestoreProxy
from grpc import StatusCode
from server import until

from ocellus.adapters.gcp import firestore_database
from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.audit import AuditEvent
from ocellus.errors import StoreUnavailable
from ocellus.samples import Filing, Sample, sha256_of

SAMPLE = Sample(sha256_of(b"1"), "cat", "png", 10, 1.0, "upload")
LINE = AuditEvent(1.0, "inbox", "rejected", {"reason": "no image"})
STAYS = 1000

READS: list[tuple[str, Callable[[FirestoreState], Any]]] = [
    ("BatchGetDocuments", FirestoreState.pointer),
    ("RunQuery", FirestoreState.versions),
]


@pytest.fixture
def proxy(
    firestore_emulator: FirestoreEmulator, firestore_project: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FirestoreProxy]:
    proxy = FirestoreProxy(firestore_emulator.host)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
    yield proxy
    proxy.stop()


@pytest.fixture
def state(proxy: FirestoreProxy, firestore_project: str) -> Iterator[FirestoreState]:
    with closing(FirestoreState(firestore_project)) as state:
        yield state


@pytest.fixture
def hasty_state(
    proxy: FirestoreProxy, firestore_project: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FirestoreState]:
    """State that gives up soon, connected: that alone may take longer."""
    monkeypatch.setattr(firestore_database, "DEADLINE_S", 0.5)
    with closing(FirestoreState(firestore_project)) as state:
        until(lambda: _answers(state), 30, "the emulator to answer")
        yield state


def _answers(state: FirestoreState) -> bool:
    try:
        state.pointer()
    except StoreUnavailable:
        return False
    return True


@pytest.mark.parametrize(("method", "read"), READS)
@pytest.mark.parametrize(
    "code",
    [
        StatusCode.UNAVAILABLE,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.INTERNAL,
        StatusCode.DEADLINE_EXCEEDED,
    ],
)
def test_a_passing_fault_of_a_read_is_not_seen(
    proxy: FirestoreProxy,
    state: FirestoreState,
    method: str,
    read: Callable[[FirestoreState], Any],
    code: StatusCode,
) -> None:
    proxy.faults[method] = deque([Fault(code), Fault(code)])
    assert not read(state)
    assert not proxy.faults[method]


@pytest.mark.parametrize(
    "code", [StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED, StatusCode.ABORTED]
)
def test_a_passing_fault_of_a_write_is_not_seen(
    proxy: FirestoreProxy, state: FirestoreState, code: StatusCode
) -> None:
    proxy.faults["Commit"] = deque([Fault(code)])
    assert state.file_sample(SAMPLE, "event") is Filing.NEW
    assert not proxy.faults["Commit"]
    assert (state.samples(), state.new_samples()) == ([SAMPLE], 1)


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.ABORTED])
def test_a_change_whose_answer_was_lost_is_made_once(
    proxy: FirestoreProxy, state: FirestoreState, code: StatusCode
) -> None:
    proxy.faults["Commit"] = deque([Fault(code, done=True)])
    assert state.file_sample(SAMPLE, "event") is Filing.REPLAYED
    proxy.faults["Commit"] = deque([Fault(code, done=True)])
    assert state.claim("other", 1.0, record=[LINE]) is False
    assert (state.samples(), state.new_samples()) == ([SAMPLE], 1)
    assert state.history() == [LINE]


CALLS: list[tuple[str, Callable[[FirestoreState], Any]]] = [
    *READS,
    ("Commit", lambda state: state.record(LINE)),
]


@pytest.mark.parametrize(("method", "call"), CALLS)
@pytest.mark.parametrize(
    "code",
    [
        StatusCode.UNAVAILABLE,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.INTERNAL,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.ABORTED,
        StatusCode.UNKNOWN,
    ],
)
def test_a_fault_that_stays_is_store_unavailable(
    proxy: FirestoreProxy,
    hasty_state: FirestoreState,
    method: str,
    call: Callable[[FirestoreState], Any],
    code: StatusCode,
) -> None:
    proxy.faults[method] = deque(repeat(Fault(code), STAYS))
    with pytest.raises(StoreUnavailable, match="Firestore cannot be used") as unavailable:
        call(hasty_state)
    assert "Try again" in unavailable.value.remedy


@pytest.mark.parametrize(("method", "call"), CALLS)
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (StatusCode.NOT_FOUND, "The database (default) does not exist for project p."),
        (StatusCode.FAILED_PRECONDITION, "The API is not available in Datastore Mode."),
    ],
)
def test_a_missing_database_says_what_to_look_for(
    proxy: FirestoreProxy,
    hasty_state: FirestoreState,
    method: str,
    call: Callable[[FirestoreState], Any],
    code: StatusCode,
    words: str,
) -> None:
    proxy.faults[method] = deque(repeat(Fault(code, words), STAYS))
    with pytest.raises(StoreUnavailable) as unavailable:
        call(hasty_state)
    assert words in unavailable.value.detail
    assert "a Firestore database in native mode" in unavailable.value.remedy


@pytest.mark.parametrize(("method", "call"), CALLS)
@pytest.mark.parametrize("code", [StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED])
def test_a_refused_access_names_the_role_to_give(
    proxy: FirestoreProxy,
    hasty_state: FirestoreState,
    method: str,
    call: Callable[[FirestoreState], Any],
    code: StatusCode,
) -> None:
    proxy.faults[method] = deque(repeat(Fault(code), STAYS))
    with pytest.raises(StoreUnavailable, match=r"refuses access: .*roles/datastore\.user"):
        call(hasty_state)
