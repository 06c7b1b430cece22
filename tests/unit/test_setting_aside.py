"""Dropped objects that cannot be used: left in the inbox, their reason on record, once."""

from __future__ import annotations

from typing import Any

import pytest
from dropping import Crash, CrashesAt, drop, rejections
from fakes import Faulty, MemoryBlobs, MemoryState
from pictures import noise, zipped

from ocellus import uploads
from ocellus.dropped import Dropped
from ocellus.errors import BadInput
from ocellus.images import probe
from ocellus.samples import sha256_of
from ocellus.uploads import MAX_OBJECT_BYTES, MAX_REJECTIONS, refuse_event, remove, take_object


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


def test_a_crash_before_the_reason_is_on_record_leaves_it_to_the_next_delivery(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    dropped = drop(inbox, "cat/1.png", b"text")
    mortal: Any = CrashesAt(state, "claim", 0, after=False)
    with pytest.raises(Crash):
        take_object(inbox, blobs, mortal, dropped, 5.0)
    take_object(inbox, blobs, state, dropped, 6.0)
    assert [event.action for event in state.history()] == ["rejected"]
