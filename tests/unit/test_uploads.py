"""Uploads: labelled images in, samples on file, each once."""

from __future__ import annotations

import pytest
from fakes import Faulty, MemoryBlobs, MemoryState
from pictures import noise

from ocellus.archives import Entry
from ocellus.errors import InvalidImage, InvalidLabel, NotFound, StoreUnavailable
from ocellus.samples import Filing, sha256_of
from ocellus.uploads import (
    Receipt,
    file_entries,
    file_image,
    remove,
)


def file(blobs: MemoryBlobs, state: MemoryState, label: str, data: bytes) -> Filing:
    return file_image(blobs, state, label=label, data=data, source="upload", now=5.0)


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
