"""Signed uploads and zips in the inbox: they leave it, and the audit trail tells their sender."""

from __future__ import annotations

from dropping import drop
from fakes import MemoryBlobs, MemoryState
from pictures import noise, zipped

from ocellus.samples import sha256_of
from ocellus.uploads import file_image, remove, take_object


def test_a_signed_upload_that_cannot_be_used_leaves_the_inbox_and_may_come_again(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    name = f"signed/cat/{sha256_of(noise(1))}"
    file_image(blobs, state, label="dog", data=noise(1), source="", now=5.0)
    take_object(inbox, blobs, state, drop(inbox, name, noise(1)), 5.0)
    (event,) = state.history()
    assert (event.action, event.detail["object"]) == ("rejected", name)
    assert inbox.blobs == {}
    remove(blobs, state, sha256_of(noise(1)), by="ann", now=6.0)
    take_object(inbox, blobs, state, drop(inbox, name, noise(1)), 7.0)
    assert [sample.label for sample in state.samples()] == ["cat"]


def test_a_signed_upload_set_aside_by_a_delivery_that_died_leaves_with_the_next(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    dropped = drop(inbox, "signed/cat/1", b"text")
    state.claim(f"set aside {dropped.event}", 5.0)
    take_object(inbox, blobs, state, dropped, 6.0)
    assert (inbox.blobs, state.history()) == ({}, [])


def test_what_only_says_that_it_is_a_zip_is_not_filed(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    take_object(
        inbox, blobs, state, drop(inbox, f"signed/@zips/{sha256_of(noise(1))}", noise(1)), 5.0
    )
    assert state.samples() == []


def test_a_signed_url_brings_no_other_file_than_it_was_signed_for(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    """Not another image, and above all no zip with labels of its own."""
    name = f"signed/cat/{sha256_of(noise(1))}"
    for data in (noise(2), zipped(("dog/3.png", noise(3)))):
        take_object(inbox, blobs, state, drop(inbox, name, data), 5.0)
    assert (state.samples(), inbox.blobs) == ([], {})
    assert {event.action for event in state.history()} == {"rejected"}


def test_what_became_of_a_zip_is_recorded_once_and_last(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    file_image(blobs, state, label="cat", data=noise(1), source="", now=5.0)
    images = [("cat/1.png", noise(1)), ("cat/2.png", noise(2)), ("dog/3.png", noise(3))]
    dropped = drop(inbox, "drop.zip", zipped(*images, ("dog/4.png", b"text")))
    for _ in range(2):
        take_object(inbox, blobs, state, dropped, 5.0)
    uploaded, rejected = state.history()
    assert (rejected.action, rejected.detail["file"]) == ("rejected", "dog/4.png")
    assert (uploaded.actor, uploaded.action) == ("inbox", "uploaded")
    assert uploaded.detail == {
        "object": "drop.zip",
        "new": 2,
        "labels": {"cat": 1, "dog": 1},
        "duplicate": 1,
        "rejected": 1,
    }
