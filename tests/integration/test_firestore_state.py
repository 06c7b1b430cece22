"""Firestore under a storm, and what of it web clients will see."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from google.cloud.firestore import Client

from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.errors import NotFound, RunActive
from ocellus.runs import Mode, Run
from ocellus.samples import Filing, Sample, sha256_of

REQUEST: dict[str, Any] = {
    "trigger": "threshold",
    "mode": Mode.AUTO,
    "include_set_aside": False,
    "requested_by": "ocellus",
    "now": 100.0,
    "lease_s": 90.0,
}


@pytest.fixture
def state(firestore_project: str) -> Iterator[FirestoreState]:
    with closing(FirestoreState(firestore_project)) as state:
        yield state


def test_a_thousand_shuffled_events_file_each_sample_once_and_start_one_run(
    state: FirestoreState,
) -> None:
    samples = [
        Sample(sha256_of(b"%d" % n), "cat", "png", 10, float(n), "upload") for n in range(500)
    ]
    events = samples * 2
    random.Random(1).shuffle(events)

    def begin(_: int) -> Run | RunActive:
        try:
            return state.begin_run(**REQUEST)
        except RunActive as e:
            return e

    with ThreadPoolExecutor(20) as senders:
        filings = senders.map(lambda s: state.file_sample(s, f"event {s.sha256}"), events)
        assert Counter(filings) == {Filing.NEW: 500, Filing.REPLAYED: 500}
        assert state.samples() == samples
        assert state.new_samples() == 500
        begun = list(senders.map(begin, range(20)))
    assert Counter(map(type, begun)) == {Run: 1, RunActive: 19}
    assert state.runs()[0].samples_seen == 500
    assert state.new_samples() == 0


def test_the_public_document_of_a_run_names_no_machine(
    state: FirestoreState, firestore_project: str
) -> None:
    run = state.begin_run(**REQUEST)
    state.take_run(run.id, "machine:42", now=110.0, lease_s=30.0)
    document = Client(project=firestore_project).document(f"runs/{run.id}").get().to_dict()
    assert document is not None
    assert document["status"] == "running"
    assert "machine:42" not in document.values()


@pytest.mark.parametrize("sha256", ["f" * 2000, "__ff__", ".", "ff/ff"])
def test_what_firestore_refuses_as_an_id_names_no_sample(
    state: FirestoreState, sha256: str
) -> None:
    with pytest.raises(NotFound):
        state.remove_sample(sha256)
