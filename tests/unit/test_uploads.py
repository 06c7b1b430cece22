"""Uploads: labelled images in, samples on file, each once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes import FakeJobs, Faulty, MemoryBlobs, MemoryState
from pictures import noise, zipped

from ocellus.archives import Entry
from ocellus.errors import InvalidImage, InvalidLabel, NotFound, StoreUnavailable
from ocellus.retraining import Retraining
from ocellus.samples import Filing, sha256_of
from ocellus.uploads import (
    MAX_OBJECT_BYTES,
    Receipt,
    file_entries,
    file_image,
    remove,
    take_object,
)


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def inbox() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()


def file(blobs: MemoryBlobs, state: MemoryState, label: str, data: bytes) -> Filing:
    return file_image(blobs, state, label=label, data=data, source="upload", now=5.0)


def take(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState, name: str, size_bytes: int = 9
) -> None:
    take_object(
        inbox, blobs, state, bucket="inbox", name=name, generation="1", size_bytes=size_bytes,
        now=5.0,
    )  # fmt: skip


def test_a_new_image_is_stored_and_filed(blobs: MemoryBlobs, state: MemoryState) -> None:
    data = noise(1)
    assert file(blobs, state, " cat ", data) is Filing.NEW
    (sample,) = state.samples()
    assert (sample.label, sample.extension, sample.size_bytes) == ("cat", "png", len(data))
    assert (sample.filed_at, sample.source) == (5.0, "upload")
    assert blobs.blobs == {f"samples/cat/{sha256_of(data)}.png": data}


def test_the_bytes_decide_the_extension(blobs: MemoryBlobs, state: MemoryState) -> None:
    file(blobs, state, "cat", noise(1, "JPEG"))
    assert state.samples()[0].extension == "jpg"


def test_an_image_counts_once(blobs: MemoryBlobs, state: MemoryState) -> None:
    file(blobs, state, "cat", noise(1))
    assert file(blobs, state, "cat", noise(1)) is Filing.DUPLICATE
    assert (len(state.samples()), len(blobs.blobs)) == (1, 1)


def test_an_image_keeps_its_first_label(blobs: MemoryBlobs, state: MemoryState) -> None:
    file(blobs, state, "cat", noise(1))
    assert file(blobs, state, "dog", noise(1)) is Filing.CONFLICTING
    assert state.samples()[0].label == "cat"
    assert blobs.list() == [state.samples()[0].blob_name]


def test_what_a_crash_left_half_done_is_finished(blobs: MemoryBlobs, state: MemoryState) -> None:
    broken = Faulty(state)
    broken.down = True
    with pytest.raises(StoreUnavailable):
        file_image(blobs, broken, label="cat", data=noise(1), source="upload", now=5.0)
    assert len(blobs.blobs) == 1
    assert file(blobs, state, "cat", noise(1)) is Filing.NEW


@pytest.mark.parametrize(
    ("label", "data", "error"), [("", noise(1), InvalidLabel), ("cat", b"text", InvalidImage)]
)
def test_what_cannot_be_used_leaves_nothing(
    blobs: MemoryBlobs, state: MemoryState, label: str, data: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        file(blobs, state, label, data)
    assert (blobs.blobs, state.samples()) == ({}, [])


def test_bad_entries_are_listed_and_the_rest_go_on(blobs: MemoryBlobs, state: MemoryState) -> None:
    entries = [
        Entry("cat", "cat/1.png", noise(1)),
        Entry("cat", "cat/2.png", b"text"),
        Entry("x" * 300, "x/3.png", noise(3)),
        Entry("dog", "dog/1.png", noise(1)),
        Entry("cat", "cat/again.png", noise(1)),
        Entry("dog", "dog/4.png", noise(4)),
    ]
    receipt = Receipt()
    file_entries(blobs, state, entries, receipt, source="upload", now=5.0)
    assert receipt.outcomes == {Filing.NEW: 2, Filing.CONFLICTING: 1, Filing.DUPLICATE: 1}
    assert receipt.labels == {"cat": 1, "dog": 1}
    assert [name for name, _ in receipt.rejected] == ["cat/2.png", "x/3.png", "dog/1.png"]
    assert "another label" in receipt.rejected[2][1]


def test_a_dropped_image_is_filed_and_leaves_the_inbox(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    inbox.put("cat/1.png", noise(1))
    take(inbox, blobs, state, "cat/1.png")
    assert [(s.label, s.source) for s in state.samples()] == [("cat", "inbox:cat/1.png")]
    assert inbox.blobs == {}


def test_a_dropped_zip_is_filed_and_leaves_the_inbox(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    inbox.put("drop.zip", zipped(("cat/1.png", noise(1)), ("dog/2.png", noise(2))))
    take(inbox, blobs, state, "drop.zip")
    assert [s.label for s in state.samples()] == ["cat", "dog"]
    assert inbox.blobs == {}


def test_a_dropped_zip_with_faults_is_filed_and_stays(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    inbox.put("drop.zip", zipped(("cat/1.png", noise(1)), ("dog/3.png", b"text")))
    take(inbox, blobs, state, "drop.zip")
    assert [s.label for s in state.samples()] == ["cat"]
    uploaded, rejected = state.history()
    assert (rejected.action, rejected.detail["file"]) == ("rejected", "dog/3.png")
    assert (uploaded.action, uploaded.detail["rejected"]) == ("uploaded", 1)
    assert list(inbox.blobs) == ["drop.zip"]


def test_a_signed_upload_that_cannot_be_used_leaves_the_inbox_and_may_come_again(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    file(blobs, state, "dog", noise(1))
    inbox.put("signed/cat/1", noise(1))
    take(inbox, blobs, state, "signed/cat/1")
    (event,) = state.history()
    assert (event.action, event.detail["object"]) == ("rejected", "signed/cat/1")
    assert inbox.blobs == {}
    remove(blobs, state, sha256_of(noise(1)), by="ann", now=6.0)
    inbox.put("signed/cat/1", noise(1))
    take(inbox, blobs, state, "signed/cat/1")
    assert [sample.label for sample in state.samples()] == ["cat"]


def test_what_only_says_that_it_is_a_zip_is_not_filed(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    inbox.put("signed/@zips/1", noise(1))
    take(inbox, blobs, state, "signed/@zips/1")
    assert state.samples() == []


def test_what_became_of_a_dropped_zip_is_recorded_once(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    file(blobs, state, "cat", noise(1))
    packed = zipped(("cat/1.png", noise(1)), ("cat/2.png", noise(2)), ("dog/3.png", noise(3)))
    for _ in range(2):
        inbox.blobs["drop.zip"] = packed
        take(inbox, blobs, state, "drop.zip")
    (uploaded,) = state.history()
    assert (uploaded.actor, uploaded.action) == ("inbox", "uploaded")
    assert uploaded.detail == {
        "object": "drop.zip",
        "new": 2,
        "labels": {"cat": 1, "dog": 1},
        "duplicate": 1,
        "rejected": 0,
    }


def test_a_delivery_that_broke_off_before_its_end_is_finished(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    for _ in range(2):  # the second time as if the first had not cleared the inbox
        inbox.put("cat/1.png", noise(1), overwrite=True)
        take(inbox, blobs, state, "cat/1.png")
    assert (len(state.samples()), inbox.blobs, state.history()) == (1, {}, [])


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("cat/1.png", b"text", "not an image"),
        ("1.png", noise(1), "label is empty"),
        ("<b>/1.png", noise(1), "'<'"),
        ("drop.zip", zipped(("../1.png", b"x")), "leads outside"),
    ],
)
def test_what_cannot_be_used_stays_in_the_inbox_and_is_recorded_once(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState, name: str, data: bytes, reason: str
) -> None:
    inbox.put(name, data)
    for _ in range(2):
        take(inbox, blobs, state, name)
    (event,) = state.history()
    assert (event.action, event.detail["object"]) == ("rejected", name)
    assert reason in event.detail["reason"]
    assert (list(inbox.blobs), state.samples()) == ([name], [])


def test_a_dropped_image_with_another_label_stays_and_is_recorded(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    file(blobs, state, "cat", noise(1))
    inbox.put("dog/1.png", noise(1))
    take(inbox, blobs, state, "dog/1.png")
    assert "another label" in state.history()[0].detail["reason"]
    assert (list(inbox.blobs), state.samples()[0].label) == (["dog/1.png"], "cat")


def test_a_dropped_object_too_large_to_read_stays_and_is_recorded(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    inbox.put("all.zip", b"PK")
    take(inbox, blobs, state, "all.zip", size_bytes=MAX_OBJECT_BYTES + 1)
    assert "Drop it in parts" in state.history()[0].detail["reason"]
    assert list(inbox.blobs) == ["all.zip"]


def test_a_removed_sample_may_be_filed_under_another_label(
    blobs: MemoryBlobs, state: MemoryState
) -> None:
    file(blobs, state, "cat", noise(1))
    remove(blobs, state, sha256_of(noise(1)), by="ann", now=6.0)
    assert (state.samples(), list(blobs.blobs)) == ([], [])
    assert state.history()[0].detail["label"] == "cat"
    assert file(blobs, state, "dog", noise(1)) is Filing.NEW
    with pytest.raises(NotFound):
        remove(blobs, state, "0" * 64, by="ann", now=7.0)


def test_an_event_about_an_object_that_has_gone_changes_nothing(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    take(inbox, blobs, state, "cat/1.png")
    assert (state.samples(), state.history()) == ([], [])


@pytest.mark.parametrize("name", ["cat/", ".hidden.png", "cat//1.png"])
def test_an_object_whose_name_no_blob_can_have_is_rejected_once(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState, name: str
) -> None:
    for _ in range(2):
        take(inbox, blobs, state, name, size_bytes=0)
    (event,) = state.history()
    assert (event.action, event.detail["object"]) == ("rejected", name)


def test_a_store_that_fails_leaves_the_event_for_the_next_delivery(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    inbox.put("cat/1.png", noise(1))
    broken = Faulty(blobs)
    broken.down = True
    with pytest.raises(StoreUnavailable):
        take(inbox, broken, state, "cat/1.png")
    take(inbox, blobs, state, "cat/1.png")
    assert len(state.samples()) == 1


def test_a_file_dropped_again_under_the_same_name_is_a_new_event(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    for generation, seed in (("1", 1), ("2", 2)):
        inbox.put("cat/1.png", noise(seed))
        take_object(
            inbox, blobs, state, bucket="b", name="cat/1.png", generation=generation,
            size_bytes=9, now=5.0,
        )  # fmt: skip
    assert len(state.samples()) == 2


def test_a_thousand_shuffled_duplicate_events_start_one_run(
    inbox: MemoryBlobs, blobs: MemoryBlobs, state: MemoryState
) -> None:
    names = [f"cat/{i}.png" for i in range(20)]
    for i, name in enumerate(names):
        inbox.put(name, noise(i))
    jobs = FakeJobs()
    retraining = Retraining(state, jobs, threshold=20, start_lease_s=90)
    events = names * 50
    random.Random(1).shuffle(events)

    def deliver(name: str) -> None:
        take(inbox, blobs, state, name)
        retraining.consider()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, events))
    assert len(state.samples()) == 20
    assert jobs.started == ["r1"]
