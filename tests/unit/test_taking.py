"""Dropped objects: taken on file once, however often and whatever breaks off."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from dropping import Crash, CrashesAt, drop, rejections
from fakes import FakeJobs, Faulty, MemoryBlobs, MemoryState
from pictures import noise, zipped

from ocellus.dropped import Dropped
from ocellus.errors import StoreUnavailable
from ocellus.retraining import Retraining
from ocellus.samples import Filing, sha256_of
from ocellus.uploads import take_object


def test_a_dropped_image_is_filed_and_leaves_the_inbox(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    take_object(inbox, blobs, state, drop(inbox, "cat/1.png", noise(1)), 5.0)
    assert [(s.label, s.source) for s in state.samples()] == [("cat", "inbox:cat/1.png")]
    assert inbox.blobs == {}


def test_a_dropped_zip_is_filed_and_leaves_the_inbox(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    data = zipped(("cat/1.png", noise(1)), ("dog/2.png", noise(2)))
    take_object(inbox, blobs, state, drop(inbox, "drop.zip", data), 5.0)
    assert [s.label for s in state.samples()] == ["cat", "dog"]
    assert inbox.blobs == {}


# However often, and whatever breaks off


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("port", "method", "calls_before"),
    [
        ("inbox", "get", 0),
        ("blobs", "put", 0),
        ("blobs", "put", 2),
        ("state", "file_sample", 0),
        ("state", "file_sample", 2),
        ("inbox", "delete", 0),
    ],
)
@pytest.mark.parametrize("name", ["cat/1.png", "drop.zip"])
def test_a_crash_between_any_two_steps_loses_nothing_and_counts_nothing_twice(
    inbox: MemoryBlobs,
    blobs: MemoryBlobs,
    state: MemoryState,
    name: str,
    port: str,
    method: str,
    calls_before: int,
    after: bool,
) -> None:
    images = [noise(i) for i in range(4 if name == "drop.zip" else 1)]
    packed = zipped(*((f"cat/{i}.png", image) for i, image in enumerate(images)))
    dropped = drop(inbox, name, packed if name == "drop.zip" else images[0])
    ports: dict[str, Any] = {"inbox": inbox, "blobs": blobs, "state": state}
    mortal = ports | {port: CrashesAt(ports[port], method, calls_before, after=after)}
    try:
        take_object(mortal["inbox"], mortal["blobs"], mortal["state"], dropped, 5.0)
    except Crash:
        pass
    else:
        assert len(images) <= calls_before
    for _ in range(2):
        take_object(inbox, blobs, state, dropped, 6.0)
    assert {s.sha256 for s in state.samples()} == {sha256_of(image) for image in images}
    assert state.new_samples() == len(images)
    assert blobs.list() == sorted(s.blob_name for s in state.samples())
    assert (inbox.blobs, rejections(state)) == ({}, [])


def test_a_store_that_fails_leaves_the_event_for_the_next_delivery(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    dropped = drop(inbox, "cat/1.png", noise(1))
    broken = Faulty(blobs)
    broken.down = True
    with pytest.raises(StoreUnavailable):
        take_object(inbox, broken, state, dropped, 5.0)
    assert (list(inbox.blobs), state.history()) == (["cat/1.png"], [])
    take_object(inbox, blobs, state, dropped, 6.0)
    assert len(state.samples()) == 1


def test_an_event_about_an_object_that_has_gone_changes_nothing(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    take_object(inbox, blobs, state, Dropped("inbox", "cat/1.png", 1, 9), 5.0)
    assert (state.samples(), state.history()) == ([], [])


def test_a_thousand_shuffled_duplicate_events_start_one_run(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    jobs = FakeJobs()
    retraining = Retraining(state, jobs, threshold=20, start_lease_s=90)
    events = [drop(inbox, f"cat/{i}.png", noise(i)) for i in range(20)] * 50
    random.Random(1).shuffle(events)

    def deliver(dropped: Dropped) -> None:
        take_object(inbox, blobs, state, dropped, 5.0)
        retraining.consider()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, events))
    assert len(state.samples()) == 20
    assert jobs.started == ["r1"]


# Overwritten


def test_a_file_dropped_again_under_the_same_name_is_another_sample(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    for seed in (1, 2):
        take_object(inbox, blobs, state, drop(inbox, "cat/1.png", noise(seed)), 5.0)
    assert len(state.samples()) == 2


def test_the_event_of_an_overwritten_object_leaves_the_newer_one_to_its_own(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    old = drop(inbox, "cat/1.png", noise(1))
    new = drop(inbox, "cat/1.png", noise(2))
    take_object(inbox, blobs, state, old, 5.0)
    assert (list(inbox.blobs), state.samples()) == (["cat/1.png"], [])
    take_object(inbox, blobs, state, new, 6.0)
    take_object(inbox, blobs, state, old, 7.0)
    assert [s.sha256 for s in state.samples()] == [sha256_of(noise(2))]
    assert inbox.blobs == {}


def test_what_overwrites_an_object_while_it_is_filed_stays_in_the_inbox(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = drop(inbox, "cat/1.png", noise(1))
    file_sample = state.file_sample

    def overwritten_meanwhile(*args: Any) -> Filing:
        inbox.put("cat/1.png", noise(2), overwrite=True)
        return file_sample(*args)

    monkeypatch.setattr(state, "file_sample", overwritten_meanwhile)
    take_object(inbox, blobs, state, old, 5.0)
    assert inbox.blobs == {"cat/1.png": noise(2)}
