"""Signing: what each file is told."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import MemoryBlobs, MemoryState
from pictures import noise

from ocellus import signing
from ocellus.errors import BadInput
from ocellus.images import MAX_IMAGE_BYTES
from ocellus.samples import sha256_of
from ocellus.signed_upload import SignedUpload
from ocellus.signing import MAX_FILES, Answer, Status, sign
from ocellus.uploads import MAX_OBJECT_BYTES, file_image

SHA256 = sha256_of(b"an image")


class Inbox(MemoryBlobs):
    """Signs with what it is told."""

    def sign_upload(self, *told: Any) -> SignedUpload:
        return SignedUpload(repr(told), {})

    def start_upload(self, *told: Any) -> str:
        return repr(told)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def offer(**changes: Any) -> dict[str, Any]:
    fields = {"label": "cat", "sha256": SHA256, "size_bytes": 9, "content_type": "image/png"}
    return fields | changes


def one(inbox: Inbox, state: MemoryState, **changes: Any) -> Answer:
    (answer,) = sign(inbox, state, [offer(**changes)], origin="http://page")
    return answer


def test_a_new_image_may_be_sent_as_what_it_was_offered(inbox: Inbox, state: MemoryState) -> None:
    name = f"signed/cat/{SHA256}"
    signed = SignedUpload(repr((name, "image/png", 9, signing.EXPIRES_S)), {})
    assert one(inbox, state) == Answer(Status.UPLOAD, name, signed)


def test_a_zip_is_sent_resumably_to_a_folder_that_is_no_label(
    inbox: Inbox, state: MemoryState
) -> None:
    name = f"signed/@zips/{SHA256}"
    session = SignedUpload(repr((name, "application/zip", 9, "http://page")), {})
    answer = one(inbox, state, label=None, content_type="application/zip")
    assert answer == Answer(Status.UPLOAD, name, session, resumable=True)


def test_the_same_bytes_have_one_name_for_each_label(inbox: Inbox, state: MemoryState) -> None:
    labels = ["cat", " cat ", "dog"]
    names = [one(inbox, state, label=label).name for label in labels]
    assert len(set(names)) == 2


def test_what_lies_in_the_inbox_waits(inbox: Inbox, state: MemoryState) -> None:
    inbox.put(f"signed/cat/{SHA256}", b"an image")
    assert one(inbox, state) == Answer(Status.WAITING, f"signed/cat/{SHA256}")


def test_what_is_on_file_is_not_sent_again(inbox: Inbox, state: MemoryState) -> None:
    data = noise(1)
    file_image(MemoryBlobs(), state, label="cat", data=data, source="", now=0.0)
    sha256 = sha256_of(data)
    assert one(inbox, state, sha256=sha256).status is Status.ON_FILE
    conflicting = one(inbox, state, sha256=sha256, label="dog")
    assert conflicting.status is Status.CONFLICTING
    assert f"DELETE /api/samples/{sha256}" in conflicting.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": ".a"}, "leading dot"),
        ({"label": None}, "label is empty"),
        ({"sha256": SHA256.upper()}, "sha256"),
        ({"sha256": 5}, "sha256"),
        ({"size_bytes": 0}, "size"),
        ({"size_bytes": "9"}, "size"),
        ({"size_bytes": True}, "size"),
        ({"size_bytes": MAX_IMAGE_BYTES + 1}, "limit"),
        ({"content_type": "application/zip", "size_bytes": MAX_OBJECT_BYTES + 1}, "limit"),
        ({"content_type": "text/html"}, "text/html"),
        ({"content_type": ["image/png"]}, "content type"),
    ],
)
def test_a_file_that_cannot_be_used_costs_no_other(
    inbox: Inbox, state: MemoryState, changes: dict[str, Any], reason: str
) -> None:
    bad, good = sign(inbox, state, [offer(**changes), offer()])
    assert (bad.status, bad.upload) == (Status.REJECTED, None)
    assert reason in bad.reason
    assert good.status is Status.UPLOAD


def test_an_entry_that_is_no_object_is_rejected(inbox: Inbox, state: MemoryState) -> None:
    assert [a.status for a in sign(inbox, state, ["cat/1.png", None])] == [Status.REJECTED] * 2


@pytest.mark.parametrize("number", [0, MAX_FILES + 1])
def test_a_request_is_about_1_to_100_files(inbox: Inbox, state: MemoryState, number: int) -> None:
    with pytest.raises(BadInput, match=f"There are {number} files"):
        sign(inbox, state, [offer()] * number)
