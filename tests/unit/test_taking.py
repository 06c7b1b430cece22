"""Dropped objects: taken on file once, set aside with a reason, or left for the next delivery."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fakes import FakeJobs, Faulty, MemoryBlobs, MemoryState
from pictures import noise, zipped

from ocellus import uploads
from ocellus.dropped import Dropped
from ocellus.errors import BadInput, StoreUnavailable
from ocellus.images import probe
from ocellus.retraining import Retraining
from ocellus.samples import Filing, sha256_of
from ocellus.uploads import MAX_OBJECT_BYTES, MAX_REJECTIONS, refuse_event, remove, take_object


@pytest.fixture
def inbox() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()


def drop(inbox: MemoryBlobs, name: str, data: bytes) -> Dropped:
    """Store an object and return what its event tells of it."""
    inbox.put(name, data, overwrite=True)
    return Dropped("inbox", name, inbox.generations[name], len(data))


def rejections(state: MemoryState) -> list[Any]:
    return [event for event in state.history() if event.action == "rejected"]


class Crash(BaseException):
    """The process's end."""


class CrashesAt:
    """A port of a process that dies in place of one call of a method, or just after it."""

    def __init__(self, port: object, method: str, calls_before: int, *, after: bool) -> None:
        self._port, self._method, self._left, self._after = port, method, calls_before, after

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            dies = name == self._method and self._left == 0
            self._left -= name == self._method
            if dies and not self._after:
                raise Crash
            result = getattr(self._port, name)(*args, **kwargs)
            if dies:
                raise Crash
            return result

        return call


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


def test_a_crash_before_the_reason_is_on_record_leaves_it_to_the_next_delivery(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    dropped = drop(inbox, "cat/1.png", b"text")
    mortal: Any = CrashesAt(state, "claim", 0, after=False)
    with pytest.raises(Crash):
        take_object(inbox, blobs, mortal, dropped, 5.0)
    take_object(inbox, blobs, state, dropped, 6.0)
    assert [event.action for event in state.history()] == ["rejected"]


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


# Set aside


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("cat/1.png", b"text", "not an image"),
        ("1.png", noise(1), "label is empty"),
        ("<b>/1.png", noise(1), "'<'"),
        ("drop.zip", zipped(("../1.png", b"x")), "leads outside"),
        ("cat/", b"", "folder's name"),
        (".hidden.png", noise(1), "hidden file's"),
        ("cat//1.png", noise(1), "folder's name"),
    ],
)
def test_what_cannot_be_used_stays_in_the_inbox_and_is_recorded_once(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState, name: str, data: bytes, reason: str
) -> None:
    dropped = drop(inbox, name, data)
    for _ in range(2):
        take_object(inbox, blobs, state, dropped, 5.0)
    (event,) = state.history()
    assert (event.action, event.detail["object"]) == ("rejected", name)
    assert reason in event.detail["reason"]
    assert (list(inbox.blobs), state.samples()) == ([name], [])


def test_a_dropped_object_too_large_to_read_is_set_aside_unread(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    unread = Faulty(inbox)
    take_object(unread, blobs, state, Dropped("inbox", "all.zip", 1, MAX_OBJECT_BYTES + 1), 5.0)
    assert "Drop it in parts" in state.history()[0].detail["reason"]
    assert not unread.calls


def test_a_zip_with_faults_is_filed_without_them_and_stays(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    data = zipped(("dog/3.png", b"text"), ("cat/1.png", noise(1)))
    take_object(inbox, blobs, state, drop(inbox, "drop.zip", data), 5.0)
    assert [s.label for s in state.samples()] == ["cat"]
    assert [event.detail["file"] for event in rejections(state)] == ["dog/3.png"]
    assert list(inbox.blobs) == ["drop.zip"]


def test_of_a_zip_full_of_faults_only_so_many_are_recorded(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    data = zipped(*((f"cat/{i}.png", b"text") for i in range(MAX_REJECTIONS + 5)))
    take_object(inbox, blobs, state, drop(inbox, "drop.zip", data), 5.0)
    assert len(rejections(state)) == MAX_REJECTIONS


def test_a_late_delivery_does_not_touch_what_was_set_aside(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    dropped = drop(inbox, "drop.zip", zipped(("cat/1.png", noise(1)), ("dog/3.png", b"text")))
    take_object(inbox, blobs, state, dropped, 5.0)
    remove(blobs, state, sha256_of(noise(1)), by="ann", now=6.0)
    untouched = Faulty(inbox)
    take_object(untouched, blobs, state, dropped, 7.0)
    assert not untouched.calls
    assert state.samples() == []


def test_a_dropped_image_with_another_label_stays_and_is_recorded(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    take_object(inbox, blobs, state, drop(inbox, "cat/1.png", noise(1)), 5.0)
    take_object(inbox, blobs, state, drop(inbox, "dog/1.png", noise(1)), 6.0)
    assert "another label" in state.history()[0].detail["reason"]
    assert (list(inbox.blobs), state.samples()[0].label) == (["dog/1.png"], "cat")


@pytest.fixture
def decoder_trips_over_noise_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(data: bytes) -> Any:
        if data == noise(3):
            raise KeyError("a table of the decoder")
        return probe(data)

    monkeypatch.setattr(uploads, "probe", trip)


@pytest.mark.usefixtures("decoder_trips_over_noise_3")
@pytest.mark.parametrize("name", ["cat/3.png", "drop.zip"])
def test_a_fault_that_nobody_foresaw_is_a_reason_too_and_holds_nothing_up(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState, name: str
) -> None:
    packed = zipped(("cat/3.png", noise(3)), ("cat/4.png", noise(4)))
    dropped = drop(inbox, name, packed if name == "drop.zip" else noise(3))
    for _ in range(2):
        take_object(inbox, blobs, state, dropped, 5.0)
    (event,) = rejections(state)
    assert "KeyError: 'a table of the decoder'" in event.detail["reason"]
    assert list(inbox.blobs) == [name]
    expected = [sha256_of(noise(4))] if name == "drop.zip" else []
    assert [s.sha256 for s in state.samples()] == expected


def test_a_fault_of_the_archive_that_nobody_foresaw_is_a_reason_too(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "read_zip", lambda data: 1 / 0)
    dropped = drop(inbox, "drop.zip", zipped(("cat/1.png", noise(1))))
    take_object(inbox, blobs, state, dropped, 5.0)
    assert "ZeroDivisionError" in state.history()[0].detail["reason"]


def test_a_malformed_event_is_recorded_once(state: MemoryState) -> None:
    for reason in ("The event tells of no object.", "It is of another bucket.") * 2:
        refuse_event(state, BadInput(reason), 5.0)
    assert [event.detail["reason"] for event in state.history()] == [
        "It is of another bucket.",
        "The event tells of no object.",
    ]
